// Made by `make generate` from Sources/CSPARS/description: edit that instead.
#include "generated.h"

const shim_choices shim_scan_frame_choices = {
    3, (const char *const[]){"resampled", "corner", "native"}};

int shim_read_crossing(
    PyObject *object, const char *name, int writes, shim_held *held, spars_crossing *out) {
    static shim_name names[] = {
        {"scan", NULL}, {"grid", NULL}, {"frame", NULL},
    };
    PyObject *given[3] = {NULL};
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 3, given) &&
        shim_array(given[0], "scan", 'q', out->scan, 3) &&
        shim_array(given[1], "grid", 'q', out->grid, 3) &&
        shim_enum(given[2], "frame", &shim_scan_frame_choices, &out->frame);
    shim_drop(given, 3);
    return read;
}

static PyObject *crossing_indexed(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_crossing crossing;
    int64_t shape[3];
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "crossing_indexed(crossing)", 1, given_count) &&
        shim_read_crossing(given[0], "crossing", 0, &held, &crossing);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_crossing_indexed(&crossing, shape, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return shim_tuple('q', shape, 3);
}

static PyObject *crossing_to_grid(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_crossing crossing;
    Py_buffer *scan = NULL, *grid = NULL;
    int64_t scan_count = 0, grid_count = 0;
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "crossing_to_grid(crossing, scan, grid)", 3, given_count) &&
        shim_read_crossing(given[0], "crossing", 0, &held, &crossing) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (scan = shim_borrow(&held, given[1], 'f', 0, "scan")) != NULL &&
        shim_counts(scan, "scan", SHIM_EXTENTS(1), &scan_count) &&
        (grid = shim_borrow(&held, given[2], 'f', 1, "grid")) != NULL &&
        shim_counts(grid, "grid", SHIM_EXTENTS(1), &grid_count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_crossing_to_grid(
        &crossing, scan->buf, scan_count, grid->buf, grid_count, &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *crossing_to_scan(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_crossing crossing;
    Py_buffer *map = NULL, *scan = NULL;
    int64_t map_count = 0, scan_count = 0;
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "crossing_to_scan(crossing, map, scan)", 3, given_count) &&
        shim_read_crossing(given[0], "crossing", 0, &held, &crossing) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (map = shim_borrow(&held, given[1], 'f', 0, "map")) != NULL &&
        shim_counts(map, "map", SHIM_EXTENTS(1), &map_count) &&
        (scan = shim_borrow(&held, given[2], 'f', 1, "scan")) != NULL &&
        shim_counts(scan, "scan", SHIM_EXTENTS(1), &scan_count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_crossing_to_scan(
        &crossing, map->buf, map_count, scan->buf, scan_count, &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *crossing_voxel(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_crossing crossing;
    int64_t voxel[3], shown[3];
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "crossing_voxel(crossing, voxel)", 2, given_count) &&
        shim_read_crossing(given[0], "crossing", 0, &held, &crossing) &&
        shim_array(given[1], "voxel", 'q', voxel, 3);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_crossing_voxel(&crossing, voxel, shown, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return shim_tuple('q', shown, 3);
}

static PyObject *crossing_reference(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_crossing crossing;
    Py_buffer *reference = NULL, *planes = NULL, *marks = NULL;
    int64_t reference_count = 0, plane_count = 0, mark_count = 0, total;
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "crossing_reference(crossing, reference, planes, marks)", 4, given_count) &&
        shim_read_crossing(given[0], "crossing", 0, &held, &crossing) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (reference = shim_borrow(&held, given[1], 'f', 0, "reference")) != NULL &&
        shim_counts(reference, "reference", SHIM_EXTENTS(1), &reference_count) &&
        (planes = shim_borrow(&held, given[2], 'i', 1, "planes")) != NULL &&
        shim_counts(planes, "planes", SHIM_EXTENTS(1), &plane_count) &&
        (marks = shim_borrow(&held, given[3], 'i', 1, "marks")) != NULL &&
        shim_counts(marks, "marks", SHIM_EXTENTS(1), &mark_count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_crossing_reference(
        &crossing, reference->buf, reference_count, planes->buf, plane_count, marks->buf,
        mark_count, &signals.control, &total, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return PyLong_FromLongLong(total);
}

static PyObject *resize_replicas(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    int64_t window[3], shape[3], count = 0;
    Py_buffer *replicas = NULL;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "resize_replicas(window, shape, replicas)", 3, given_count) &&
        shim_array(given[0], "window", 'q', window, 3) &&
        shim_array(given[1], "shape", 'q', shape, 3) &&
        (replicas = shim_borrow(&held, given[2], 'q', 1, "replicas")) != NULL &&
        shim_counts(replicas, "replicas", SHIM_EXTENTS(1), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_resize_replicas(window, shape, replicas->buf, count, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

PyMethodDef shim_crossing_functions[] = {
    {"crossing_indexed", SHIM_FASTCALL(crossing_indexed), METH_FASTCALL, NULL},
    {"crossing_to_grid", SHIM_FASTCALL(crossing_to_grid), METH_FASTCALL, NULL},
    {"crossing_to_scan", SHIM_FASTCALL(crossing_to_scan), METH_FASTCALL, NULL},
    {"crossing_voxel", SHIM_FASTCALL(crossing_voxel), METH_FASTCALL, NULL},
    {"crossing_reference", SHIM_FASTCALL(crossing_reference), METH_FASTCALL, NULL},
    {"resize_replicas", SHIM_FASTCALL(resize_replicas), METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

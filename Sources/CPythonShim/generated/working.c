// Made by `make generate` from Sources/CSPARS/description: edit that instead.
#include "generated.h"

int shim_read_working_grid(
    PyObject *object, const char *name, int writes, shim_held *held, spars_working_grid *out) {
    static shim_name names[] = {
        {"box", NULL}, {"spacing", NULL}, {"margin", NULL}, {"step", NULL},
    };
    PyObject *given[4] = {NULL};
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 4, given) &&
        shim_array(given[0], "box", 'q', out->box, 3) &&
        shim_array(given[1], "spacing", 'd', out->spacing, 3) &&
        shim_double(given[2], "margin", &out->margin) &&
        shim_double(given[3], "step", &out->step);
    shim_drop(given, 4);
    return read;
}

PyObject *shim_make_working_layout(const spars_working_layout *record) {
    static PyStructSequence_Field fields[] = {
        {"before", NULL}, {"shape", NULL}, {"covered", NULL},
        {NULL, NULL},
    };
    static shim_record_type type = {
        NULL, {"spars.working_layout", NULL, fields, 3}};
    PyObject *items[] = {
        shim_tuple('q', record->before, 3),
        shim_tuple('q', record->shape, 3),
        shim_tuple('q', record->covered, 3),
    };
    return shim_record(&type, items, 3);
}

static PyObject *working_grid_layout(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_working_grid grid;
    spars_working_layout layout;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "working_grid_layout(grid)", 1, given_count) &&
        shim_read_working_grid(given[0], "grid", 0, &held, &grid);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_working_grid_layout(&grid, &layout, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return shim_make_working_layout(&layout);
}

static PyObject *working_grid_fill(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_working_grid grid;
    Py_buffer *values = NULL, *organ = NULL, *working = NULL, *mask = NULL;
    int64_t count = 0, working_count = 0;
    float outside = 0;
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "working_grid_fill(grid, values, organ, outside, working, mask)", 6, given_count) &&
        shim_read_working_grid(given[0], "grid", 0, &held, &grid) &&
        shim_float(given[3], "outside", &outside) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (values = shim_borrow(&held, given[1], 'f', 0, "values")) != NULL &&
        shim_counts(values, "values", SHIM_EXTENTS(1), &count) &&
        (organ = shim_borrow(&held, given[2], 'B', 0, "organ")) != NULL &&
        shim_holds(organ, "organ", SHIM_EXTENTS(count)) &&
        (working = shim_borrow(&held, given[4], 'f', 1, "working")) != NULL &&
        shim_counts(working, "working", SHIM_EXTENTS(1), &working_count) &&
        (mask = shim_borrow(&held, given[5], 'B', 1, "mask")) != NULL &&
        shim_holds(mask, "mask", SHIM_EXTENTS(working_count));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_working_grid_fill(
        &grid, values->buf, organ->buf, count, outside, working->buf, mask->buf, working_count,
        &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *working_grid_to_scan(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_working_grid grid;
    Py_buffer *map = NULL, *scan = NULL;
    int64_t map_count = 0, scan_count = 0;
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "working_grid_to_scan(grid, map, scan)", 3, given_count) &&
        shim_read_working_grid(given[0], "grid", 0, &held, &grid) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (map = shim_borrow(&held, given[1], 'f', 0, "map")) != NULL &&
        shim_counts(map, "map", SHIM_EXTENTS(1), &map_count) &&
        (scan = shim_borrow(&held, given[2], 'f', 1, "scan")) != NULL &&
        shim_counts(scan, "scan", SHIM_EXTENTS(1), &scan_count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_working_grid_to_scan(
        &grid, map->buf, map_count, scan->buf, scan_count, &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

PyMethodDef shim_working_functions[] = {
    {"working_grid_layout", SHIM_FASTCALL(working_grid_layout), METH_FASTCALL, NULL},
    {"working_grid_fill", SHIM_FASTCALL(working_grid_fill), METH_FASTCALL, NULL},
    {"working_grid_to_scan", SHIM_FASTCALL(working_grid_to_scan), METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

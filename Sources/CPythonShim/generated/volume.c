// Made by `make generate` from Sources/CSPARS/description: edit that instead.
#include "generated.h"

const shim_choices shim_voxel_type_choices = {
    4, (const char *const[]){"uint8", "int16", "int32", "float32"}};

int shim_read_nifti_header(
    PyObject *object, const char *name, int writes, shim_held *held, spars_nifti_header *out) {
    static shim_name names[] = {
        {"version", NULL}, {"block", NULL},
    };
    PyObject *given[2] = {NULL};
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 2, given) &&
        shim_int32(given[0], "version", &out->version) &&
        shim_bytes(given[1], "block", out->block, 540);
    shim_drop(given, 2);
    return read;
}

PyObject *shim_make_nifti_header(const spars_nifti_header *record) {
    static PyStructSequence_Field fields[] = {
        {"version", NULL}, {"block", NULL},
        {NULL, NULL},
    };
    static shim_record_type type = {
        NULL, {"spars.nifti_header", NULL, fields, 2}};
    PyObject *items[] = {
        PyLong_FromLong(record->version),
        PyBytes_FromStringAndSize((const char *)record->block, 540),
    };
    return shim_record(&type, items, 2);
}

int shim_read_geometry(
    PyObject *object, const char *name, int writes, shim_held *held, spars_geometry *out) {
    static shim_name names[] = {
        {"shape", NULL}, {"affine", NULL},
    };
    PyObject *given[2] = {NULL};
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 2, given) &&
        shim_array(given[0], "shape", 'q', out->shape, 3) &&
        shim_array(given[1], "affine", 'd', out->affine, 16);
    shim_drop(given, 2);
    return read;
}

PyObject *shim_make_geometry(const spars_geometry *record) {
    static PyStructSequence_Field fields[] = {
        {"shape", NULL}, {"affine", NULL},
        {NULL, NULL},
    };
    static shim_record_type type = {
        NULL, {"spars.geometry", NULL, fields, 2}};
    PyObject *items[] = {
        shim_tuple('q', record->shape, 3),
        shim_tuple('d', record->affine, 16),
    };
    return shim_record(&type, items, 2);
}

int shim_read_intensity_window(
    PyObject *object, const char *name, int writes, shim_held *held, spars_intensity_window *out) {
    static shim_name names[] = {
        {"level", NULL}, {"width", NULL},
    };
    PyObject *given[2] = {NULL};
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 2, given) &&
        shim_float_or_nan(given[0], "level", &out->level) &&
        shim_float_or_nan(given[1], "width", &out->width);
    shim_drop(given, 2);
    return read;
}

PyObject *shim_make_intensity_window(const spars_intensity_window *record) {
    static PyStructSequence_Field fields[] = {
        {"level", NULL}, {"width", NULL},
        {NULL, NULL},
    };
    static shim_record_type type = {
        NULL, {"spars.intensity_window", NULL, fields, 2}};
    PyObject *items[] = {
        shim_float_or_none(record->level),
        shim_float_or_none(record->width),
    };
    return shim_record(&type, items, 2);
}

static PyObject *volume_open(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    const char *path = NULL;
    shim_control progress;
    spars_handle file;
    spars_geometry geometry;
    spars_nifti_header header;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "volume_open(path, progress)", 2, given_count) &&
        shim_path(given[0], "path", &held, &path) &&
        shim_control_init(&progress, given[1]) == 0;
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_volume_open(path, &progress.control, &file, &geometry, &header, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    PyObject *result = Py_BuildValue("(NNN)", PyLong_FromUnsignedLongLong(file), shim_make_geometry(&geometry), shim_make_nifti_header(&header));
    if (result == NULL) spars_release(file);
    return result;
}

static PyObject *volume_read(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle file = 0;
    Py_buffer *values = NULL;
    int64_t count = 0;
    shim_control progress;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "volume_read(file, values, progress)", 3, given_count) &&
        shim_uint64(given[0], "file", &file) &&
        shim_control_init(&progress, given[2]) == 0 &&
        (values = shim_borrow(&held, given[1], 'f', 1, "values")) != NULL &&
        shim_counts(values, "values", SHIM_EXTENTS(1), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_volume_read(file, values->buf, count, &progress.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *nifti_header_decode(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    Py_buffer *bytes = NULL;
    int64_t count = 0;
    spars_nifti_header header;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "nifti_header_decode(bytes)", 1, given_count) &&
        (bytes = shim_borrow(&held, given[0], 'B', 0, "bytes")) != NULL &&
        shim_counts(bytes, "bytes", SHIM_EXTENTS(1), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_nifti_header_decode(bytes->buf, count, &header, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return shim_make_nifti_header(&header);
}

static PyObject *volume_save(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    const char *path = NULL;
    spars_geometry geometry;
    spars_nifti_header header;
    int32_t type = 0, status;
    Py_buffer *voxels = NULL, *extensions = NULL;
    int64_t count = 0, extension_count = 0;
    shim_control progress;
    spars_error failure;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "volume_save(path, geometry, header, type, voxels, extensions, progress)", 7, given_count) &&
        shim_path(given[0], "path", &held, &path) &&
        shim_read_geometry(given[1], "geometry", 0, &held, &geometry) &&
        (given[2] == Py_None || shim_read_nifti_header(given[2], "header", 0, &held, &header)) &&
        shim_enum(given[3], "type", &shim_voxel_type_choices, &type) &&
        shim_control_init(&progress, given[6]) == 0 &&
        (voxels = shim_borrow(&held, given[4], "Bhif"[type], 0, "voxels")) != NULL &&
        shim_counts(voxels, "voxels", SHIM_EXTENTS(1), &count) &&
        (given[5] == Py_None || ((extensions = shim_borrow(&held, given[5], 'B', 0, "extensions")) != NULL && shim_counts(extensions, "extensions", SHIM_EXTENTS(1), &extension_count)));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_volume_save(
        path, &geometry, given[2] == Py_None ? NULL : &header, type, voxels->buf, count,
        SHIM_DATA(extensions), extension_count, &progress.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *resample_nearest(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    Py_buffer *array = NULL, *target = NULL;
    int64_t source_shape[3], element_size = 0, shape[3];
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "resample_nearest(array, source_shape, element_size, target, shape)", 5, given_count) &&
        shim_array(given[1], "source_shape", 'q', source_shape, 3) &&
        shim_int64(given[2], "element_size", &element_size) &&
        shim_array(given[4], "shape", 'q', shape, 3) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (array = shim_borrow(&held, given[0], 'B', 0, "array")) != NULL &&
        shim_holds(array, "array", SHIM_EXTENTS(source_shape[0], source_shape[1], source_shape[2], element_size)) &&
        (target = shim_borrow(&held, given[3], 'B', 1, "target")) != NULL &&
        shim_holds(target, "target", SHIM_EXTENTS(shape[0], shape[1], shape[2], element_size));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_resample_nearest(
        array->buf, source_shape, element_size, target->buf, shape, &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *resample_linear(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    Py_buffer *array = NULL, *target = NULL;
    int64_t source_shape[3], shape[3];
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "resample_linear(array, target)", 2, given_count) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (array = shim_borrow(&held, given[0], 'f', 0, "array")) != NULL &&
        shim_shapes(array, "array", SHIM_AXES(&source_shape[0], &source_shape[1], &source_shape[2])) &&
        (target = shim_borrow(&held, given[1], 'f', 1, "target")) != NULL &&
        shim_shapes(target, "target", SHIM_AXES(&shape[0], &shape[1], &shape[2]));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_resample_linear(
        array->buf, source_shape, target->buf, shape, &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *intensity_window_apply(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_intensity_window window;
    Py_buffer *values = NULL, *scaled = NULL;
    int64_t count = 0;
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "intensity_window_apply(window, values, scaled)", 3, given_count) &&
        shim_read_intensity_window(given[0], "window", 0, &held, &window) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (values = shim_borrow(&held, given[1], 'f', 0, "values")) != NULL &&
        shim_counts(values, "values", SHIM_EXTENTS(1), &count) &&
        (scaled = shim_borrow(&held, given[2], 'f', 1, "scaled")) != NULL &&
        shim_holds(scaled, "scaled", SHIM_EXTENTS(count));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_intensity_window_apply(
        &window, values->buf, count, scaled->buf, &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

PyMethodDef shim_volume_functions[] = {
    {"volume_open", SHIM_FASTCALL(volume_open), METH_FASTCALL, NULL},
    {"volume_read", SHIM_FASTCALL(volume_read), METH_FASTCALL, NULL},
    {"nifti_header_decode", SHIM_FASTCALL(nifti_header_decode), METH_FASTCALL, NULL},
    {"volume_save", SHIM_FASTCALL(volume_save), METH_FASTCALL, NULL},
    {"resample_nearest", SHIM_FASTCALL(resample_nearest), METH_FASTCALL, NULL},
    {"resample_linear", SHIM_FASTCALL(resample_linear), METH_FASTCALL, NULL},
    {"intensity_window_apply", SHIM_FASTCALL(intensity_window_apply), METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

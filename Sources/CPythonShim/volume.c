#include "shim.h"

#include <string.h>

// volume_open(path: bytes, progress) -> (handle, (x, y, z), affine: bytes, version, header: bytes)
static PyObject *volume_open(PyObject *module, PyObject *arguments) {
    (void)module;
    const char *path;
    PyObject *progress;
    shim_control control;
    if (!PyArg_ParseTuple(arguments, "yO", &path, &progress)) return NULL;
    if (shim_control_init(&control, progress) != 0) return NULL;
    spars_handle file = 0;
    spars_geometry geometry;
    spars_nifti_header header;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_volume_open(path, &file, &geometry, &header, &control.control, &error);
    Py_END_ALLOW_THREADS
    if (status != SPARS_OK) return shim_raise(&error);
    PyObject *result = Py_BuildValue(
        "K(LLL)y#iy#", (unsigned long long)file, (long long)geometry.shape[0],
        (long long)geometry.shape[1], (long long)geometry.shape[2], (const char *)geometry.affine,
        (Py_ssize_t)sizeof geometry.affine, header.version, (const char *)header.bytes,
        (Py_ssize_t)sizeof header.bytes);
    if (result == NULL) spars_release(file);
    return result;
}

// volume_read(handle, values: writable float32, progress)
static PyObject *volume_read(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long file;
    PyObject *object;
    PyObject *progress;
    shim_control control;
    Py_buffer values;
    if (!PyArg_ParseTuple(arguments, "KOO", &file, &object, &progress)) return NULL;
    if (shim_control_init(&control, progress) != 0) return NULL;
    if (shim_get_buffer(object, 'f', 1, "values", &values) != 0) return NULL;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_volume_read(file, values.buf, shim_count(&values), &control.control, &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&values);
    return shim_none(status, &error);
}

// nifti_header(bytes) -> (version, header: bytes)
static PyObject *nifti_header(PyObject *module, PyObject *argument) {
    (void)module;
    Py_buffer bytes;
    if (shim_get_buffer(argument, 'B', 0, "bytes", &bytes) != 0) return NULL;
    spars_nifti_header header;
    spars_error error;
    int32_t status = spars_nifti_header_decode(bytes.buf, bytes.len, &header, &error);
    PyBuffer_Release(&bytes);
    if (status != SPARS_OK) return shim_raise(&error);
    return Py_BuildValue(
        "iy#", header.version, (const char *)header.bytes, (Py_ssize_t)sizeof header.bytes);
}

static char format_of(int type) {
    switch (type) {
    case SPARS_VOXEL_UINT8: return 'B';
    case SPARS_VOXEL_INT16: return 'h';
    case SPARS_VOXEL_INT32: return 'i';
    default: return 'f';
    }
}

static int copy_header(PyObject *object, spars_nifti_header *header) {
    char *bytes;
    Py_ssize_t count;
    if (PyBytes_AsStringAndSize(object, &bytes, &count) != 0) return -1;
    if (count != sizeof header->bytes) {
        PyErr_Format(
            PyExc_ValueError, "The 'header' argument must have %zu bytes. Got %zd instead.",
            sizeof header->bytes, count);
        return -1;
    }
    memcpy(header->bytes, bytes, sizeof header->bytes);
    return 0;
}

// volume_save(path: bytes, (x, y, z), affine: float64, version, header: bytes or None, type,
//             voxels, progress)
static PyObject *volume_save(PyObject *module, PyObject *arguments) {
    (void)module;
    const char *path;
    long long shape[3];
    PyObject *affine_object, *header_object, *voxels_object, *progress;
    int version, type;
    shim_control control;
    if (!PyArg_ParseTuple(
            arguments, "y(LLL)OiOiOO", &path, &shape[0], &shape[1], &shape[2], &affine_object,
            &version, &header_object, &type, &voxels_object, &progress))
        return NULL;
    if (shim_control_init(&control, progress) != 0) return NULL;
    spars_nifti_header header = {.version = version};
    if (header_object == Py_None)
        header.version = 0;
    else if (copy_header(header_object, &header) != 0)
        return NULL;
    Py_buffer affine, voxels;
    if (shim_get_buffer_of(affine_object, 'd', 0, 16, "affine", &affine) != 0) return NULL;
    spars_geometry geometry = {.shape = {shape[0], shape[1], shape[2]}};
    memcpy(geometry.affine, affine.buf, sizeof geometry.affine);
    PyBuffer_Release(&affine);
    if (shim_get_buffer(voxels_object, format_of(type), 0, "voxels", &voxels) != 0) return NULL;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_volume_save(
        path, &geometry, &header, type, voxels.buf, shim_count(&voxels), &control.control, &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&voxels);
    return shim_none(status, &error);
}

static int64_t product_of(const long long shape[3]) {
    int64_t product;
    if (__builtin_mul_overflow(shape[0], shape[1], &product)) return -1;
    if (__builtin_mul_overflow(product, shape[2], &product)) return -1;
    return product;
}

// resample(source, (x, y, z), target, (x, y, z), element size, is linear, progress)
// Both buffers are float32 for linear, and bytes for nearest.
static PyObject *resample(PyObject *module, PyObject *arguments) {
    (void)module;
    PyObject *source_object, *target_object, *progress;
    long long from[3], to[3], size;
    int is_linear;
    shim_control control;
    if (!PyArg_ParseTuple(
            arguments, "O(LLL)O(LLL)LpO", &source_object, &from[0], &from[1], &from[2],
            &target_object, &to[0], &to[1], &to[2], &size, &is_linear, &progress))
        return NULL;
    if (shim_control_init(&control, progress) != 0) return NULL;
    long long unit = is_linear ? 1 : size;
    char format = is_linear ? 'f' : 'B';
    Py_buffer source, target;
    int64_t source_bytes, target_bytes;
    if (__builtin_mul_overflow(product_of(from), unit, &source_bytes) ||
        __builtin_mul_overflow(product_of(to), unit, &target_bytes)) {
        PyErr_SetString(PyExc_ValueError, "The arrays of resample have too many elements.");
        return NULL;
    }
    if (shim_get_buffer_of(source_object, format, 0, source_bytes, "array", &source) != 0)
        return NULL;
    if (shim_get_buffer_of(target_object, format, 1, target_bytes, "target", &target) != 0) {
        PyBuffer_Release(&source);
        return NULL;
    }
    int64_t source_shape[3] = {from[0], from[1], from[2]};
    int64_t target_shape[3] = {to[0], to[1], to[2]};
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    if (is_linear)
        status = spars_resample_linear(
            source.buf, source_shape, target.buf, target_shape, &control.control, &error);
    else
        status = spars_resample_nearest(
            source.buf, source_shape, size, target.buf, target_shape, &control.control, &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&source);
    PyBuffer_Release(&target);
    return shim_none(status, &error);
}

// intensity_window_apply(level, width, values, scaled)
static PyObject *intensity_window_apply(PyObject *module, PyObject *arguments) {
    (void)module;
    float level, width;
    PyObject *value_object, *scaled_object;
    shim_control control;
    if (!PyArg_ParseTuple(arguments, "ffOO", &level, &width, &value_object, &scaled_object)) return NULL;
    if (shim_control_init(&control, Py_None) != 0) return NULL;
    shim_held held = {.count = 0};
    Py_buffer *scaled = shim_hold(&held, scaled_object, 'f', 1, -1, "scaled");
    Py_buffer *values =
        scaled == NULL ? NULL : shim_hold(&held, value_object, 'f', 0, shim_count(scaled), "values");
    if (values == NULL) return shim_abandoned(&held);
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_intensity_window_apply(
        level, width, values->buf, shim_count(values), scaled->buf, &control.control, &error);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &error);
}

PyMethodDef shim_volume_methods[] = {
    {"volume_open", volume_open, METH_VARARGS, NULL},
    {"volume_read", volume_read, METH_VARARGS, NULL},
    {"nifti_header", nifti_header, METH_O, NULL},
    {"volume_save", volume_save, METH_VARARGS, NULL},
    {"resample", resample, METH_VARARGS, NULL},
    {"intensity_window_apply", intensity_window_apply, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

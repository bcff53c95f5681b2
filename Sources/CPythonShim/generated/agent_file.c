// Made by `make generate` from Sources/CSPARS/description: edit that instead.
#include "generated.h"

static PyObject *agent_file_is_one(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    const char *path = NULL;
    int32_t is_one, status;
    spars_error failure;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "agent_file_is_one(path)", 1, given_count) &&
        shim_path(given[0], "path", &held, &path);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_agent_file_is_one(path, &is_one, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return PyBool_FromLong(is_one);
}

static PyObject *agent_file_open(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    const char *path = NULL;
    spars_handle file;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "agent_file_open(path)", 1, given_count) &&
        shim_path(given[0], "path", &held, &path);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_agent_file_open(path, &file, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    PyObject *result = PyLong_FromUnsignedLongLong(file);
    if (result == NULL) spars_release(file);
    return result;
}

static PyObject *agent_file_data(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle file = 0;
    char *data = NULL;
    int64_t capacity = 0, length = 0;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "agent_file_data(file)", 1, given_count) &&
        shim_uint64(given[0], "file", &file);
    if (!taken) return shim_abandoned(&held);
    do {
        if (!shim_grow(&data, &capacity, length)) return shim_abandoned(&held);
        status = spars_agent_file_data(file, data, capacity, &length, &failure);
    } while (status == SPARS_OK && length >= capacity);
    shim_release(&held);
    PyObject *result =
        status == SPARS_OK ? PyUnicode_FromStringAndSize(data, length) : shim_raise(&failure);
    PyMem_Free(data);
    return result;
}

static PyObject *agent_file_tensors(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle file = 0;
    char *tensors = NULL;
    int64_t capacity = 0, length = 0;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "agent_file_tensors(file)", 1, given_count) &&
        shim_uint64(given[0], "file", &file);
    if (!taken) return shim_abandoned(&held);
    do {
        if (!shim_grow(&tensors, &capacity, length)) return shim_abandoned(&held);
        status = spars_agent_file_tensors(file, tensors, capacity, &length, &failure);
    } while (status == SPARS_OK && length >= capacity);
    shim_release(&held);
    PyObject *result =
        status == SPARS_OK ? PyUnicode_FromStringAndSize(tensors, length) : shim_raise(&failure);
    PyMem_Free(tensors);
    return result;
}

static PyObject *agent_file_values(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle file = 0;
    const char *name = NULL;
    Py_buffer *values = NULL;
    int64_t count = 0;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "agent_file_values(file, name, values)", 3, given_count) &&
        shim_uint64(given[0], "file", &file) &&
        shim_text(given[1], "name", &name) &&
        (values = shim_borrow(&held, given[2], 'f', 1, "values")) != NULL &&
        shim_counts(values, "values", SHIM_EXTENTS(1), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_agent_file_values(file, name, values->buf, count, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

PyMethodDef shim_agent_file_functions[] = {
    {"agent_file_is_one", SHIM_FASTCALL(agent_file_is_one), METH_FASTCALL, NULL},
    {"agent_file_open", SHIM_FASTCALL(agent_file_open), METH_FASTCALL, NULL},
    {"agent_file_data", SHIM_FASTCALL(agent_file_data), METH_FASTCALL, NULL},
    {"agent_file_tensors", SHIM_FASTCALL(agent_file_tensors), METH_FASTCALL, NULL},
    {"agent_file_values", SHIM_FASTCALL(agent_file_values), METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

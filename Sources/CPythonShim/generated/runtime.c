// Made by `make generate` from Sources/CSPARS/description: edit that instead.
#include "generated.h"

static PyObject *version(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "version()", 0, given_count);
    if (!taken) return shim_abandoned(&held);
    return PyUnicode_FromString(spars_version());
}

static PyObject *instruction_set(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "instruction_set()", 0, given_count);
    if (!taken) return shim_abandoned(&held);
    return PyUnicode_FromString(spars_instruction_set());
}

static PyObject *check_environment(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "check_environment()", 0, given_count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_check_environment(&failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *set_thread_count(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    int64_t count = 0;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "set_thread_count(count)", 1, given_count) &&
        shim_int64(given[0], "count", &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_set_thread_count(count, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *thread_count(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "thread_count()", 0, given_count);
    if (!taken) return shim_abandoned(&held);
    return PyLong_FromLongLong(spars_thread_count());
}

static PyObject *release(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle handle = 0;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "release(handle)", 1, given_count) &&
        shim_uint64(given[0], "handle", &handle);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    spars_release(handle);
    Py_END_ALLOW_THREADS
    return Py_NewRef(Py_None);
}

PyMethodDef shim_runtime_functions[] = {
    {"version", SHIM_FASTCALL(version), METH_FASTCALL, NULL},
    {"instruction_set", SHIM_FASTCALL(instruction_set), METH_FASTCALL, NULL},
    {"check_environment", SHIM_FASTCALL(check_environment), METH_FASTCALL, NULL},
    {"set_thread_count", SHIM_FASTCALL(set_thread_count), METH_FASTCALL, NULL},
    {"thread_count", SHIM_FASTCALL(thread_count), METH_FASTCALL, NULL},
    {"release", SHIM_FASTCALL(release), METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

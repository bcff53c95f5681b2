#include "shim.h"

static PyObject *version(PyObject *module, PyObject *arguments) {
    (void)module, (void)arguments;
    return PyUnicode_FromString(spars_version());
}

static PyObject *instruction_set(PyObject *module, PyObject *arguments) {
    (void)module, (void)arguments;
    return PyUnicode_FromString(spars_instruction_set());
}

static PyObject *check_environment(PyObject *module, PyObject *arguments) {
    (void)module, (void)arguments;
    spars_error error;
    if (spars_check_environment(&error) != SPARS_OK) return shim_raise(&error);
    Py_RETURN_NONE;
}

static PyObject *set_thread_count(PyObject *module, PyObject *argument) {
    (void)module;
    long long count = PyLong_AsLongLong(argument);
    if (count == -1 && PyErr_Occurred()) return NULL;
    spars_error error;
    if (spars_set_thread_count(count, &error) != SPARS_OK) return shim_raise(&error);
    Py_RETURN_NONE;
}

static PyObject *thread_count(PyObject *module, PyObject *arguments) {
    (void)module, (void)arguments;
    return PyLong_FromLongLong(spars_thread_count());
}

static PyObject *release(PyObject *module, PyObject *argument) {
    (void)module;
    unsigned long long handle = PyLong_AsUnsignedLongLong(argument);
    if (PyErr_Occurred()) return NULL;
    Py_BEGIN_ALLOW_THREADS
    spars_release(handle);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

PyMethodDef shim_runtime_methods[] = {
    {"version", version, METH_NOARGS, NULL},
    {"instruction_set", instruction_set, METH_NOARGS, NULL},
    {"check_environment", check_environment, METH_NOARGS, NULL},
    {"set_thread_count", set_thread_count, METH_O, NULL},
    {"thread_count", thread_count, METH_NOARGS, NULL},
    {"release", release, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

/// What every file of the CPython shim shares: buffers in, exceptions out, the GIL in between.
///
/// The shim only translates. It checks what C needs to be safe (a buffer's type, contiguity and
/// number of elements); the Python layer above gives the researcher's messages, the ABI below
/// checks ranges again.
#ifndef SPARS_SHIM_H
#define SPARS_SHIM_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <string.h>

#include "spars.h"

/// The most buffers that a call borrows: those of a rollout and of PPO's update.
#define SHIM_HELD 12

/// Borrows a C-contiguous buffer of `format` ('f' float32, 'd' float64, 'h' int16, 'i' int32,
/// 'q' int64, 'B' uint8, 'b' int8, '?' bool) from `object`. Returns 0, or -1 with TypeError or
/// ValueError set.
/// Release it with PyBuffer_Release. `name` is the argument's name.
int shim_get_buffer(PyObject *object, char format, int writable, const char *name, Py_buffer *view);

/// How many elements a view holds.
Py_ssize_t shim_count(const Py_buffer *view);

/// The buffers that one call borrows; `count` of them are held. Begin with {.count = 0}.
typedef struct {
    Py_buffer views[SHIM_HELD];
    int count;
    PyObject *path;  // the bytes of a path, NULL for none
} shim_held;

/// Gives every held buffer back.
void shim_release(shim_held *held);

/// Gives every held buffer back and returns NULL: what a call ends with that could not begin.
PyObject *shim_abandoned(shim_held *held);

/// Returns None, or raises for a failed call.
PyObject *shim_none(int32_t status, const spars_error *error);

/// Sets the Python exception for a failed call and returns NULL. Keeps an exception that a callback
/// or a signal handler has already set.
PyObject *shim_raise(const spars_error *error);

/// A `spars_control` whose poll takes the GIL, lets Python handle signals and calls `progress`
/// (a callable of (done, planned), or None).
typedef struct {
    spars_control control;
    PyObject *progress;
} shim_control;

/// Returns 0, or -1 with TypeError set when `progress` is neither None nor callable.
int shim_control_init(shim_control *self, PyObject *progress);

/// Fills `scorer` for a Python callable, or for None with nothing. Returns 0, or -1 with TypeError
/// set. The callable must outlive the call it is lent to.
int shim_scorer(PyObject *callable, spars_scorer *scorer);

/// A Python object that releases the handle it is made of when it is collected.
PyObject *shim_own(PyObject *module, PyObject *handle);

#endif

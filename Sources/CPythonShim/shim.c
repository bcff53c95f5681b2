#include "values.h"

static const char OWNER[] = "spars handle";

static char kind_of(const Py_buffer *view) {
    const char *format = view->format == NULL ? "B" : view->format;
    if (*format == '@' || *format == '=') format++;
#if PY_LITTLE_ENDIAN
    if (*format == '<') format++;
#else
    if (*format == '>') format++;
#endif
    if (format[0] == '\0' || format[1] != '\0') return '\0';
    // NumPy spells int64 'l' where C's long has 64 bits.
    if (format[0] == 'l' && view->itemsize == 8) return 'q';
    if (format[0] == 'l' && view->itemsize == 4) return 'i';
    return format[0];
}

static const char *name_of(char format) {
    switch (format) {
    case 'f': return "float32";
    case 'd': return "float64";
    case 'h': return "int16";
    case 'i': return "int32";
    case 'q': return "int64";
    case 'B': return "uint8";
    case 'b': return "int8";
    case '?': return "bool";
    default: return "unknown";
    }
}

int shim_get_buffer(PyObject *object, char format, int writable, const char *name, Py_buffer *view) {
    int flags = PyBUF_FORMAT | PyBUF_C_CONTIGUOUS | (writable ? PyBUF_WRITABLE : 0);
    if (PyObject_GetBuffer(object, view, flags) != 0) {
        PyErr_Clear();
        PyErr_Format(
            PyExc_TypeError, "The '%s' argument must be a C-contiguous%s %s buffer. Got %R instead.",
            name, writable ? " writable" : "", name_of(format), (PyObject *)Py_TYPE(object));
        return -1;
    }
    if (kind_of(view) != format) {
        PyErr_Format(
            PyExc_TypeError, "The '%s' argument must hold %s elements. Got format '%s' instead.", name,
            name_of(format), view->format == NULL ? "B" : view->format);
        PyBuffer_Release(view);
        return -1;
    }
    return 0;
}

Py_ssize_t shim_count(const Py_buffer *view) { return view->len / view->itemsize; }

void shim_release(shim_held *held) {
    while (held->count > 0) PyBuffer_Release(&held->views[--held->count]);
    Py_CLEAR(held->path);
}

PyObject *shim_abandoned(shim_held *held) {
    shim_release(held);
    return NULL;
}

// The one table from status to exception. The classes of spars' own live in spars._support.errors.
static PyObject *exception_for(int32_t status) {
    const char *own = NULL;
    switch (status) {
    case SPARS_INVALID_ARGUMENT: return Py_NewRef(PyExc_ValueError);
    case SPARS_IO: return Py_NewRef(PyExc_OSError);
    case SPARS_STALE_HANDLE: return Py_NewRef(PyExc_RuntimeError);
    case SPARS_OUT_OF_MEMORY: return Py_NewRef(PyExc_MemoryError);
    case SPARS_INTERRUPTED: return Py_NewRef(PyExc_KeyboardInterrupt);
    case SPARS_BAD_FORMAT: own = "FormatError"; break;
    case SPARS_NOT_FINITE: own = "NonFiniteError"; break;
    default: own = "InternalError"; break;
    }
    PyObject *errors = PyImport_ImportModule("spars._support.errors");
    if (errors == NULL) return NULL;
    PyObject *exception = PyObject_GetAttrString(errors, own);
    Py_DECREF(errors);
    return exception;
}

// OSError of two arguments becomes FileNotFoundError and its like by the code; FormatError gets the
// name of the field.
static PyObject *instance_of(PyObject *exception, const spars_error *error) {
    if (error->status == SPARS_IO)
        return PyObject_CallFunction(exception, "is", error->code, error->message);
    PyObject *instance = PyObject_CallFunction(exception, "s", error->message);
    if (instance == NULL || error->status != SPARS_BAD_FORMAT) return instance;
    PyObject *field = PyUnicode_FromString(error->parameter);
    if (field == NULL || PyObject_SetAttrString(instance, "field", field) != 0)
        Py_CLEAR(instance);
    Py_XDECREF(field);
    return instance;
}

PyObject *shim_raise(const spars_error *error) {
    if (PyErr_Occurred()) return NULL;
    PyObject *exception = exception_for(error->status);
    if (exception == NULL) return NULL;
    PyObject *instance = instance_of(exception, error);
    if (instance != NULL) PyErr_SetObject(exception, instance);
    Py_XDECREF(instance);
    Py_DECREF(exception);
    return NULL;
}

PyObject *shim_none(int32_t status, const spars_error *error) {
    return status == SPARS_OK ? Py_NewRef(Py_None) : shim_raise(error);
}

static int32_t poll(void *context, int64_t done, int64_t planned) {
    shim_control *self = context;
    PyGILState_STATE gil = PyGILState_Ensure();
    int stop = PyErr_CheckSignals() != 0;
    if (!stop && self->progress != Py_None) {
        PyObject *result = PyObject_CallFunction(
            self->progress, "LL", (long long)done, (long long)planned);
        stop = result == NULL;
        Py_XDECREF(result);
    }
    PyGILState_Release(gil);
    return stop;
}

int shim_control_init(shim_control *self, PyObject *progress) {
    if (progress != Py_None && !PyCallable_Check(progress)) {
        PyErr_Format(
            PyExc_TypeError, "The 'progress' argument must be callable or None. Got %R instead.",
            (PyObject *)Py_TYPE(progress));
        return -1;
    }
    self->progress = progress;
    self->control.poll = poll;
    self->control.context = self;
    return 0;
}

// A Python callable as a scorer: it gets a bytearray of crops (count, x, y, z) and returns a
// float32 buffer of `count` scores. The bytes are its own, so it may keep and change them.
static int32_t call_scorer(
    void *context, const float *crops, int64_t count, const int64_t extent[3], float *scores) {
    PyGILState_STATE gil = PyGILState_Ensure();
    int32_t status = -1;
    Py_ssize_t size = count * extent[0] * extent[1] * extent[2] * (Py_ssize_t)sizeof(float);
    PyObject *bytes = PyByteArray_FromStringAndSize((const char *)crops, size);
    PyObject *result = bytes == NULL ? NULL
                                     : PyObject_CallFunction(
                                           context, "OLLLL", bytes, (long long)count,
                                           (long long)extent[0], (long long)extent[1],
                                           (long long)extent[2]);
    Py_buffer view;
    if (result != NULL && shim_get_buffer(result, 'f', 0, "scores", &view) == 0) {
        if (shim_holds(&view, "scores", &count, 1)) {
            memcpy(scores, view.buf, (size_t)count * sizeof(float));
            status = 0;
        }
        PyBuffer_Release(&view);
    }
    Py_XDECREF(result);
    Py_XDECREF(bytes);
    PyGILState_Release(gil);
    return status;
}

int shim_scorer(PyObject *callable, spars_scorer *scorer) {
    memset(scorer, 0, sizeof *scorer);
    if (callable == Py_None) return 0;
    if (!PyCallable_Check(callable)) {
        PyErr_Format(
            PyExc_TypeError, "The 'scorer' argument must be callable or None. Got %R instead.",
            (PyObject *)Py_TYPE(callable));
        return -1;
    }
    scorer->score = call_scorer;
    scorer->context = callable;
    return 0;
}

// In C, so that no Python code runs when an owner is collected: an interrupt would be raised inside
// that code, where Python reports it and drops it.
static void release(PyObject *owner) {
    spars_release((spars_handle)(uintptr_t)PyCapsule_GetPointer(owner, OWNER));
}

PyObject *shim_own(PyObject *module, PyObject *given) {
    (void)module;
    uint64_t handle;
    if (!shim_uint64(given, "handle", &handle)) return NULL;
    return PyCapsule_New((void *)(uintptr_t)handle, OWNER, release);
}

#include "values.h"

#include <math.h>

int shim_expects(const char *signature, Py_ssize_t wanted, Py_ssize_t given) {
    if (given == wanted) return 1;
    PyErr_Format(
        PyExc_TypeError, "%s takes %zd arguments. Got %zd instead.", signature, wanted, given);
    return 0;
}

static int wrong(PyObject *exception, const char *name, const char *wanted, PyObject *got) {
    PyErr_Format(
        exception, "The '%s' argument must be %s. Got %R instead.", name, wanted,
        exception == PyExc_TypeError ? (PyObject *)Py_TYPE(got) : got);
    return 0;
}

// Puts a message that names the argument in place of Python's own; what an object's methods have
// raised stays.
static int wrong_number(const char *name, const char *kind, const char *range, PyObject *got) {
    if (PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyErr_Clear();
        return wrong(PyExc_OverflowError, name, range, got);
    }
    if (PyErr_ExceptionMatches(PyExc_TypeError)) {
        PyErr_Clear();
        return wrong(PyExc_TypeError, name, kind, got);
    }
    return 0;
}

int shim_int64(PyObject *object, const char *name, int64_t *value) {
    long long number = PyLong_AsLongLong(object);
    if (number == -1 && PyErr_Occurred())
        return wrong_number(name, "an integer", "an integer of 64 bits", object);
    *value = number;
    return 1;
}

int shim_int32(PyObject *object, const char *name, int32_t *value) {
    int64_t number;
    if (!shim_int64(object, name, &number)) return 0;
    if (number < INT32_MIN || number > INT32_MAX)
        return wrong(PyExc_OverflowError, name, "an integer of 32 bits", object);
    *value = (int32_t)number;
    return 1;
}

int shim_uint64(PyObject *object, const char *name, uint64_t *value) {
    PyObject *index = PyLong_CheckExact(object) ? Py_NewRef(object) : PyNumber_Index(object);
    unsigned long long number =
        index == NULL ? (unsigned long long)-1 : PyLong_AsUnsignedLongLong(index);
    Py_XDECREF(index);
    if (number == (unsigned long long)-1 && PyErr_Occurred())
        return wrong_number(name, "an integer", "an integer in [0, 2**64 - 1]", object);
    *value = number;
    return 1;
}

int shim_double(PyObject *object, const char *name, double *value) {
    *value = PyFloat_AsDouble(object);
    if (*value == -1 && PyErr_Occurred())
        return wrong_number(name, "a number", "a number that a float holds", object);
    return 1;
}

int shim_float(PyObject *object, const char *name, float *value) {
    double number;
    if (!shim_double(object, name, &number)) return 0;
    *value = (float)number;
    return 1;
}

int shim_double_or_nan(PyObject *object, const char *name, double *value) {
    if (object != Py_None) return shim_double(object, name, value);
    *value = NAN;
    return 1;
}

int shim_float_or_nan(PyObject *object, const char *name, float *value) {
    if (object != Py_None) return shim_float(object, name, value);
    *value = NAN;
    return 1;
}

int shim_bool(PyObject *object, const char *name, int32_t *value) {
    (void)name;
    *value = PyObject_IsTrue(object);
    return *value >= 0;
}

// A list of the choices as Python shows texts: 'a', 'b' or 'c'.
static PyObject *listed(const shim_choices *choices) {
    PyObject *text = PyUnicode_FromFormat("'%s'", choices->names[0]);
    for (int i = 1; text != NULL && i < choices->count; i++) {
        const char *between = i + 1 < choices->count ? ", " : " or ";
        PyObject *longer = PyUnicode_FromFormat("%U%s'%s'", text, between, choices->names[i]);
        Py_DECREF(text);
        text = longer;
    }
    return text;
}

int shim_enum(PyObject *object, const char *name, const shim_choices *choices, int32_t *value) {
    if (!PyUnicode_Check(object)) return wrong(PyExc_TypeError, name, "a str", object);
    for (int i = 0; i < choices->count; i++) {
        if (PyUnicode_CompareWithASCIIString(object, choices->names[i]) == 0) {
            *value = i;
            return 1;
        }
    }
    PyObject *allowed = listed(choices);
    if (allowed != NULL)
        PyErr_Format(
            PyExc_ValueError, "The '%s' argument must be %U. Got %R instead.", name, allowed, object);
    Py_XDECREF(allowed);
    return 0;
}

static int put(PyObject *item, const char *name, char kind, void *values, Py_ssize_t i) {
    switch (kind) {
    case 'q': return shim_int64(item, name, (int64_t *)values + i);
    case 'd': return shim_double(item, name, (double *)values + i);
    case 'f': return shim_float(item, name, (float *)values + i);
    default: return shim_bool(item, name, (int32_t *)values + i);
    }
}

// Reads the first `count` items of a sequence.
static int put_items(
    PyObject *object, const char *name, char kind, void *values, Py_ssize_t count) {
    int done = 1;
    for (Py_ssize_t i = 0; done && i < count; i++) {
        PyObject *item = PySequence_GetItem(object, i);
        done = item != NULL && put(item, name, kind, values, i);
        Py_XDECREF(item);
    }
    return done;
}

static int is_sequence(PyObject *object, const char *name, Py_ssize_t *length) {
    if (!PySequence_Check(object) || PyUnicode_Check(object))
        return wrong(PyExc_TypeError, name, "a sequence of numbers", object);
    *length = PySequence_Size(object);
    return *length >= 0;
}

int shim_array(PyObject *object, const char *name, char kind, void *values, Py_ssize_t count) {
    Py_ssize_t length;
    if (!is_sequence(object, name, &length)) return 0;
    if (length != count) {
        PyErr_Format(
            PyExc_ValueError, "The '%s' argument must hold %zd numbers. Got %zd instead.", name,
            count, length);
        return 0;
    }
    return put_items(object, name, kind, values, count);
}

int shim_list(
    PyObject *object, const char *name, int64_t *values, Py_ssize_t limit, int64_t *count) {
    Py_ssize_t length;
    if (!is_sequence(object, name, &length)) return 0;
    *count = length;
    return put_items(object, name, 'q', values, length < limit ? length : limit);
}

int shim_bytes(PyObject *object, const char *name, uint8_t *bytes, Py_ssize_t count) {
    char *given;
    Py_ssize_t length;
    if (!PyBytes_Check(object)) return wrong(PyExc_TypeError, name, "bytes", object);
    if (PyBytes_AsStringAndSize(object, &given, &length) != 0) return 0;
    if (length != count) {
        PyErr_Format(
            PyExc_ValueError, "The '%s' argument must have %zd bytes. Got %zd instead.", name,
            count, length);
        return 0;
    }
    memcpy(bytes, given, (size_t)count);
    return 1;
}

int shim_text(PyObject *object, const char *name, const char **text) {
    Py_ssize_t length;
    if (!PyUnicode_Check(object)) return wrong(PyExc_TypeError, name, "a str", object);
    *text = PyUnicode_AsUTF8AndSize(object, &length);
    if (*text == NULL) return 0;
    if (strlen(*text) != (size_t)length)
        return wrong(PyExc_ValueError, name, "a str without null characters", object);
    return 1;
}

int shim_path(PyObject *object, const char *name, shim_held *held, const char **path) {
    // It raises TypeError for what is no path, ValueError for null characters.
    if (!PyUnicode_FSConverter(object, &held->path)) {
        if (!PyErr_ExceptionMatches(PyExc_TypeError)) return 0;
        PyErr_Clear();
        return wrong(PyExc_TypeError, name, "a str, bytes or os.PathLike", object);
    }
    *path = PyBytes_AsString(held->path);
    return *path != NULL;
}

int shim_fields(
    PyObject *object, const char *name, shim_name *names, Py_ssize_t count, PyObject **fields) {
    int is_dict = PyDict_Check(object);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (names[i].object == NULL) names[i].object = PyUnicode_InternFromString(names[i].text);
        if (names[i].object == NULL) return 0;
        fields[i] = is_dict ? Py_XNewRef(PyDict_GetItemWithError(object, names[i].object))
                            : PyObject_GetAttr(object, names[i].object);
        if (fields[i] != NULL) continue;
        if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_AttributeError)) return 0;
        PyErr_Clear();
        PyErr_Format(
            PyExc_TypeError, "The '%s' argument must have '%s'. Got %R instead.", name,
            names[i].text, (PyObject *)Py_TYPE(object));
        return 0;
    }
    return 1;
}

void shim_drop(PyObject **fields, Py_ssize_t count) {
    for (Py_ssize_t i = 0; i < count; i++) Py_XDECREF(fields[i]);
}

Py_buffer *shim_borrow(
    shim_held *held, PyObject *object, char format, int writable, const char *name) {
    Py_buffer *view = &held->views[held->count];
    if (shim_get_buffer(object, format, writable, name, view) != 0) return NULL;
    held->count++;
    return view;
}

// The product of extents; false with an exception set where it is no number of elements.
static int product(const int64_t *extents, int count, const char *name, int64_t *result) {
    *result = 1;
    for (int i = 0; i < count; i++) {
        if (extents[i] < 0 || __builtin_mul_overflow(*result, extents[i], result) ||
            *result > PY_SSIZE_T_MAX) {
            PyErr_Format(
                PyExc_ValueError,
                "The extents of the '%s' argument must not be negative and must fit in memory.",
                name);
            return 0;
        }
    }
    return 1;
}

int shim_holds(const Py_buffer *view, const char *name, const int64_t *extents, int count) {
    int64_t wanted;
    if (!product(extents, count, name, &wanted)) return 0;
    if (wanted == shim_count(view)) return 1;
    PyErr_Format(
        PyExc_ValueError, "The '%s' argument must hold %lld elements. Got %zd instead.", name,
        (long long)wanted, shim_count(view));
    return 0;
}

int shim_counts(
    const Py_buffer *view, const char *name, const int64_t *extents, int count, int64_t *times) {
    int64_t unit;
    if (!product(extents, count, name, &unit)) return 0;
    Py_ssize_t held = shim_count(view);
    if (unit == 0 ? held != 0 : held % unit != 0) {
        PyErr_Format(
            PyExc_ValueError,
            "The '%s' argument must hold a multiple of %lld elements. Got %zd instead.", name,
            (long long)unit, held);
        return 0;
    }
    *times = unit == 0 ? 0 : held / unit;
    return 1;
}

int shim_shapes(const Py_buffer *view, const char *name, int64_t *const *axes, int count) {
    if (view->ndim != count) {
        PyErr_Format(
            PyExc_ValueError, "The '%s' argument must have %d axes. Got %d instead.", name, count,
            view->ndim);
        return 0;
    }
    for (int axis = 0; axis < count; axis++) {
        if (axes[axis] != NULL) *axes[axis] = view->shape[axis];
    }
    return 1;
}

int64_t shim_sum(const int64_t extents[3]) {
    int64_t sum;
    if (__builtin_add_overflow(extents[0], extents[1], &sum) ||
        __builtin_add_overflow(sum, extents[2], &sum))
        return -1;
    return sum;
}

PyObject *shim_float_or_none(double value) {
    return isnan(value) ? Py_NewRef(Py_None) : PyFloat_FromDouble(value);
}

static PyObject *taken(char kind, const void *values, Py_ssize_t i) {
    switch (kind) {
    case 'q': return PyLong_FromLongLong(((const int64_t *)values)[i]);
    case 'd': return PyFloat_FromDouble(((const double *)values)[i]);
    case 'f': return PyFloat_FromDouble(((const float *)values)[i]);
    default: return PyBool_FromLong(((const int32_t *)values)[i]);
    }
}

PyObject *shim_tuple(char kind, const void *values, Py_ssize_t count) {
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple != NULL && i < count; i++) {
        PyObject *item = taken(kind, values, i);
        if (item == NULL || PyTuple_SetItem(tuple, i, item) != 0) Py_CLEAR(tuple);
    }
    return tuple;
}

PyObject *shim_choice(int32_t number, const shim_choices *choices) {
    if (number >= 0 && number < choices->count)
        return PyUnicode_FromString(choices->names[number]);
    PyErr_Format(PyExc_SystemError, "%d is the number of no choice", (int)number);
    return NULL;
}

PyObject *shim_record(shim_record_type *type, PyObject **items, Py_ssize_t count) {
    if (type->type == NULL) type->type = PyStructSequence_NewType(&type->description);
    PyObject *record = type->type == NULL ? NULL : PyStructSequence_New(type->type);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (items[i] == NULL) Py_CLEAR(record);
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        // It takes the item over.
        if (record != NULL) PyStructSequence_SetItem(record, i, items[i]);
        else Py_XDECREF(items[i]);
    }
    return record;
}

PyObject *shim_records(const void *records, Py_ssize_t count, size_t size, shim_maker *make) {
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple != NULL && i < count; i++) {
        PyObject *item = make((const char *)records + (size_t)i * size);
        if (item == NULL || PyTuple_SetItem(tuple, i, item) != 0) Py_CLEAR(tuple);
    }
    return tuple;
}

int shim_grow(char **text, int64_t *capacity, int64_t length) {
    int64_t wanted = length < 255 ? 256 : length + 1;
    char *grown = PyMem_Realloc(*text, (size_t)wanted);
    if (grown == NULL) {
        PyMem_Free(*text);
        PyErr_NoMemory();
        return 0;
    }
    *text = grown;
    *capacity = wanted;
    return 1;
}

/// What the generated part of the shim is made of: values from Python, and values for it.
///
/// Every reader returns 1, or 0 with an exception set that names the argument.
#ifndef SPARS_VALUES_H
#define SPARS_VALUES_H

#include "shim.h"

#define SHIM_FASTCALL(function) ((PyCFunction)(void (*)(void))function)

/// The extents of a buffer, followed by how many they are.
#define SHIM_EXTENTS(...) \
    (const int64_t[]){__VA_ARGS__}, (int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

/// Where the extents of a buffer are written, followed by how many they are.
#define SHIM_AXES(...) \
    (int64_t *const[]){__VA_ARGS__}, (int)(sizeof((int64_t *[]){__VA_ARGS__}) / sizeof(int64_t *))

/// What a buffer holds; NULL for None.
#define SHIM_DATA(view) ((view) == NULL ? NULL : (view)->buf)

/// The names of an enum's choices.
typedef struct {
    int count;
    const char *const *names;
} shim_choices;

/// The name of an attribute; `object` is made when it is first needed.
typedef struct {
    const char *text;
    PyObject *object;
} shim_name;

/// A struct sequence; `type` is made when it is first needed.
typedef struct {
    PyTypeObject *type;
    PyStructSequence_Desc description;
} shim_record_type;

/// Makes the Python object of one C record.
typedef PyObject *shim_maker(const void *record);

static inline void shim_begin(shim_held *held) {
    held->count = 0;
    held->path = NULL;
}

/// Checks the number of arguments; `signature` is "name(first, second)".
int shim_expects(const char *signature, Py_ssize_t wanted, Py_ssize_t given);

/// One number. Integers may be of any class with `__index__`, floats of any with `__float__`.
int shim_int32(PyObject *object, const char *name, int32_t *value);
int shim_int64(PyObject *object, const char *name, int64_t *value);
int shim_uint64(PyObject *object, const char *name, uint64_t *value);
int shim_double(PyObject *object, const char *name, double *value);
int shim_float(PyObject *object, const char *name, float *value);
int shim_double_or_nan(PyObject *object, const char *name, double *value);
int shim_float_or_nan(PyObject *object, const char *name, float *value);
int shim_bool(PyObject *object, const char *name, int32_t *value);

/// The number of the choice that a text names.
int shim_enum(PyObject *object, const char *name, const shim_choices *choices, int32_t *value);

/// `count` values of a sequence: 'q' int64_t, 'd' double, 'f' float, '?' int32_t.
int shim_array(PyObject *object, const char *name, char kind, void *values, Py_ssize_t count);

/// At most `limit` integers; `*count` receives how many the sequence has, which may be more.
int shim_list(
    PyObject *object, const char *name, int64_t *values, Py_ssize_t limit, int64_t *count);

/// Copies a bytes object of `count` bytes.
int shim_bytes(PyObject *object, const char *name, uint8_t *bytes, Py_ssize_t count);

/// A text in UTF-8 without zeros, which lives as long as `object`.
int shim_text(PyObject *object, const char *name, const char **text);

/// A path in the operating system's bytes, which lives as long as `held`.
int shim_path(PyObject *object, const char *name, shim_held *held, const char **path);

/// The values of a struct's fields, new references: attributes, or items of a dict. On failure those
/// read so far stay in `fields`; end them by `shim_drop`.
int shim_fields(
    PyObject *object, const char *name, shim_name *names, Py_ssize_t count, PyObject **fields);
void shim_drop(PyObject **fields, Py_ssize_t count);

/// Borrows a buffer of any number of elements and returns it, or NULL with an exception set.
Py_buffer *shim_borrow(
    shim_held *held, PyObject *object, char format, int writable, const char *name);

/// Checks that a buffer holds the product of `extents` elements.
int shim_holds(const Py_buffer *view, const char *name, const int64_t *extents, int count);

/// Finds how many times a buffer holds the product of `extents` elements.
int shim_counts(
    const Py_buffer *view, const char *name, const int64_t *extents, int count, int64_t *times);

/// Finds the extent of each axis of a buffer, which must have as many axes; NULL for one not wanted.
int shim_shapes(const Py_buffer *view, const char *name, int64_t *const *axes, int count);

/// The sum of three extents, -1 where it overflows.
int64_t shim_sum(const int64_t extents[3]);

/// A tuple of `count` values of a kind as for `shim_array`.
PyObject *shim_tuple(char kind, const void *values, Py_ssize_t count);

/// None for NaN.
PyObject *shim_float_or_none(double value);

/// The name of a choice.
PyObject *shim_choice(int32_t number, const shim_choices *choices);

/// A struct sequence of `count` objects, which it takes over; NULL if one is.
PyObject *shim_record(shim_record_type *type, PyObject **items, Py_ssize_t count);

/// A tuple of `count` records of `size` bytes each.
PyObject *shim_records(const void *records, Py_ssize_t count, size_t size, shim_maker *make);

/// Makes room for a text of `length` bytes, 255 at least. Begin with NULL and 0.
int shim_grow(char **text, int64_t *capacity, int64_t length);

#endif

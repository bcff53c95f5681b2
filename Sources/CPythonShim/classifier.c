#include "shim.h"

// classifier_layout(x, y, z) -> [(name, shape, is_trainable), ...]
static PyObject *layout(PyObject *module, PyObject *arguments) {
    (void)module;
    int64_t shape[3];
    if (!PyArg_ParseTuple(arguments, "LLL", &shape[0], &shape[1], &shape[2])) return NULL;
    PyObject *list = PyList_New(0);
    for (int64_t i = 0; list != NULL && i < spars_classifier_tensor_count(); i++) {
        spars_tensor tensor;
        spars_error error;
        if (spars_classifier_tensor(shape, i, &tensor, &error) != SPARS_OK) {
            Py_DECREF(list);
            return shim_raise(&error);
        }
        PyObject *axes = PyTuple_New(tensor.rank);
        for (int32_t axis = 0; axes != NULL && axis < tensor.rank; axis++) {
            PyObject *length = PyLong_FromLongLong(tensor.shape[axis]);
            if (length == NULL || PyTuple_SetItem(axes, axis, length) != 0) Py_CLEAR(axes);
        }
        PyObject *item =
            axes == NULL
                ? NULL
                : Py_BuildValue("(sNN)", tensor.name, axes, PyBool_FromLong(tensor.is_trainable));
        if (item == NULL || PyList_Append(list, item) != 0) Py_CLEAR(list);
        Py_XDECREF(item);
    }
    return list;
}

static PyObject *create(PyObject *module, PyObject *arguments) {
    (void)module;
    int64_t shape[3];
    unsigned long long seed;
    if (!PyArg_ParseTuple(arguments, "LLLK", &shape[0], &shape[1], &shape[2], &seed)) return NULL;
    spars_handle handle = 0;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_create(shape, seed, &handle, &error);
    Py_END_ALLOW_THREADS
    return shim_handle(status, handle, &error);
}

static PyObject *from_parameters(PyObject *module, PyObject *arguments) {
    (void)module;
    int64_t shape[3];
    PyObject *object;
    if (!PyArg_ParseTuple(arguments, "LLLO", &shape[0], &shape[1], &shape[2], &object)) return NULL;
    Py_buffer values;
    if (shim_get_buffer(object, 'f', 0, "parameters", &values) != 0) return NULL;
    spars_handle handle = 0;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_from_parameters(
        shape, values.buf, shim_count(&values), &handle, &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&values);
    return shim_handle(status, handle, &error);
}

static PyObject *parameters(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long classifier;
    PyObject *object;
    if (!PyArg_ParseTuple(arguments, "KO", &classifier, &object)) return NULL;
    Py_buffer values;
    if (shim_get_buffer(object, 'f', 1, "parameters", &values) != 0) return NULL;
    spars_error error;
    int32_t status = spars_classifier_parameters(
        classifier, values.buf, shim_count(&values), &error);
    PyBuffer_Release(&values);
    return shim_none(status, &error);
}

// classifier_set_parameters(classifier, parameters, batches_tracked)
static PyObject *set_parameters(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long classifier;
    PyObject *object;
    long long batches_tracked;
    if (!PyArg_ParseTuple(arguments, "KOL", &classifier, &object, &batches_tracked)) return NULL;
    Py_buffer values;
    if (shim_get_buffer(object, 'f', 0, "parameters", &values) != 0) return NULL;
    spars_error error;
    int32_t status = spars_classifier_set_parameters(
        classifier, values.buf, shim_count(&values), batches_tracked, &error);
    PyBuffer_Release(&values);
    return shim_none(status, &error);
}

static PyObject *batches_tracked(PyObject *module, PyObject *argument) {
    (void)module;
    unsigned long long classifier = PyLong_AsUnsignedLongLong(argument);
    if (PyErr_Occurred()) return NULL;
    int64_t tracked = 0;
    spars_error error;
    if (spars_classifier_batches_tracked(classifier, &tracked, &error) != SPARS_OK) {
        return shim_raise(&error);
    }
    return PyLong_FromLongLong(tracked);
}

static PyObject *input_shape(PyObject *module, PyObject *argument) {
    (void)module;
    unsigned long long classifier = PyLong_AsUnsignedLongLong(argument);
    if (PyErr_Occurred()) return NULL;
    int64_t shape[3];
    spars_error error;
    if (spars_classifier_input_shape(classifier, shape, &error) != SPARS_OK) return shim_raise(&error);
    return Py_BuildValue("(LLL)", (long long)shape[0], (long long)shape[1], (long long)shape[2]);
}

// classifier_intensity_window(classifier) -> (level, width) or None
static PyObject *intensity_window(PyObject *module, PyObject *argument) {
    (void)module;
    unsigned long long classifier = PyLong_AsUnsignedLongLong(argument);
    if (PyErr_Occurred()) return NULL;
    spars_intensity_window window;
    spars_error error;
    if (spars_classifier_intensity_window(classifier, &window, &error) != SPARS_OK) {
        return shim_raise(&error);
    }
    if (!window.is_set) Py_RETURN_NONE;
    return Py_BuildValue("(ff)", window.level, window.width);
}

// classifier_set_intensity_window(classifier, is_set, level, width)
static PyObject *set_intensity_window(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long classifier;
    int is_set;
    spars_intensity_window window;
    if (!PyArg_ParseTuple(arguments, "Kpff", &classifier, &is_set, &window.level, &window.width)) {
        return NULL;
    }
    window.is_set = is_set;
    spars_error error;
    if (spars_classifier_set_intensity_window(classifier, &window, &error) != SPARS_OK) {
        return shim_raise(&error);
    }
    Py_RETURN_NONE;
}

// classifier_logits(classifier, inputs, logits, progress)
static PyObject *logits(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long classifier;
    PyObject *input_object, *logit_object, *progress;
    if (!PyArg_ParseTuple(
            arguments, "KOOO", &classifier, &input_object, &logit_object, &progress)) {
        return NULL;
    }
    shim_control control;
    Py_buffer inputs, out;
    int64_t shape[3];
    spars_error error;
    if (shim_control_init(&control, progress) != 0) return NULL;
    if (spars_classifier_input_shape(classifier, shape, &error) != SPARS_OK) return shim_raise(&error);
    if (shim_get_buffer(logit_object, 'f', 1, "logits", &out) != 0) return NULL;
    Py_ssize_t count = shim_count(&out) / 2;
    if (shim_get_buffer_of(
            input_object, 'f', 0, count * shape[0] * shape[1] * shape[2], "x", &inputs) != 0) {
        PyBuffer_Release(&out);
        return NULL;
    }
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_logits(
        classifier, inputs.buf, count, out.buf, &control.control, &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&inputs);
    PyBuffer_Release(&out);
    return shim_none(status, &error);
}

// classifier_scores(classifier, volume, (x, y, z), origins, (wx, wy, wz), scores, progress)
static PyObject *scores(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long classifier;
    PyObject *volume_object, *origin_object, *score_object, *progress;
    int64_t shape[3], window[3];
    if (!PyArg_ParseTuple(
            arguments, "KO(LLL)O(LLL)OO", &classifier, &volume_object, &shape[0], &shape[1],
            &shape[2], &origin_object, &window[0], &window[1], &window[2], &score_object,
            &progress)) {
        return NULL;
    }
    shim_control control;
    if (shim_control_init(&control, progress) != 0) return NULL;
    Py_ssize_t voxels = shape[0] * shape[1] * shape[2];
    shim_held held = {.count = 0};
    Py_buffer *volume, *origins, *out;
    if ((out = shim_hold(&held, score_object, 'f', 1, -1, "scores")) == NULL)
        return shim_abandoned(&held);
    Py_ssize_t count = shim_count(out);
    if ((volume = shim_hold(&held, volume_object, 'f', 0, voxels, "volume")) == NULL ||
        (origins = shim_hold(&held, origin_object, 'q', 0, 3 * count, "origins")) == NULL)
        return shim_abandoned(&held);
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_scores(
        classifier, volume->buf, shape, origins->buf, count, window, out->buf, &control.control,
        &error);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &error);
}

// classifier_forecast(classifier, (x, y, z), origins, (wx, wy, wz)) -> seconds, bytes
static PyObject *forecast(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long classifier;
    PyObject *origin_object;
    int64_t shape[3], window[3];
    if (!PyArg_ParseTuple(
            arguments, "K(LLL)O(LLL)", &classifier, &shape[0], &shape[1], &shape[2],
            &origin_object, &window[0], &window[1], &window[2])) {
        return NULL;
    }
    Py_buffer origins;
    if (shim_get_buffer(origin_object, 'q', 0, "origins", &origins) != 0) return NULL;
    spars_error error;
    double seconds;
    int64_t bytes;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_forecast(
        classifier, shape, origins.buf, shim_count(&origins) / 3, window, &seconds, &bytes, &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&origins);
    if (status != SPARS_OK) return shim_raise(&error);
    return Py_BuildValue("dL", seconds, (long long)bytes);
}

// classifier_loss_and_gradients(classifier, inputs, has_tumour, gradients, progress) -> loss
static PyObject *loss_and_gradients(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long classifier;
    PyObject *input_object, *label_object, *gradient_object, *progress;
    if (!PyArg_ParseTuple(
            arguments, "KOOOO", &classifier, &input_object, &label_object, &gradient_object,
            &progress)) {
        return NULL;
    }
    shim_control control;
    int64_t shape[3];
    spars_error error;
    if (shim_control_init(&control, progress) != 0) return NULL;
    if (spars_classifier_input_shape(classifier, shape, &error) != SPARS_OK) return shim_raise(&error);
    shim_held held = {.count = 0};
    Py_buffer *inputs, *labels, *out;
    if ((labels = shim_hold(&held, label_object, 'q', 0, -1, "has_tumour")) == NULL)
        return shim_abandoned(&held);
    Py_ssize_t count = shim_count(labels);
    Py_ssize_t voxels = count * shape[0] * shape[1] * shape[2];
    if ((inputs = shim_hold(&held, input_object, 'f', 0, voxels, "x")) == NULL ||
        (out = shim_hold(&held, gradient_object, 'f', 1, -1, "gradients")) == NULL)
        return shim_abandoned(&held);
    double loss = 0;
    Py_ssize_t parameters = shim_count(out);
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_loss_and_gradients(
        classifier, inputs->buf, labels->buf, count, &loss, out->buf, parameters, &control.control,
        &error);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&error);
    return PyFloat_FromDouble(loss);
}

// classifier_save(classifier, path, training or None); the path in the file system's bytes
static PyObject *save(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long classifier;
    const char *path, *training;
    if (!PyArg_ParseTuple(arguments, "Kyz", &classifier, &path, &training)) return NULL;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_save(classifier, path, training, &error);
    Py_END_ALLOW_THREADS
    return shim_none(status, &error);
}

// classifier_load(path, (x, y, z) or None)
static PyObject *load(PyObject *module, PyObject *arguments) {
    (void)module;
    const char *path;
    PyObject *shape_object;
    int64_t shape[3];
    if (!PyArg_ParseTuple(arguments, "yO", &path, &shape_object)) return NULL;
    if (shape_object != Py_None
        && !PyArg_ParseTuple(shape_object, "LLL", &shape[0], &shape[1], &shape[2])) {
        return NULL;
    }
    spars_handle handle = 0;
    spars_error error;
    int32_t status;
    const int64_t *wanted = shape_object == Py_None ? NULL : shape;
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_load(path, wanted, &handle, &error);
    Py_END_ALLOW_THREADS
    return shim_handle(status, handle, &error);
}

// classifier_training(classifier) -> text
static PyObject *training(PyObject *module, PyObject *argument) {
    (void)module;
    unsigned long long classifier = PyLong_AsUnsignedLongLong(argument);
    if (PyErr_Occurred()) return NULL;
    int64_t length = 0;
    spars_error error;
    if (spars_classifier_training(classifier, NULL, 0, &length, &error) != SPARS_OK) {
        return shim_raise(&error);
    }
    char *text = PyMem_Malloc((size_t)length + 1);
    if (text == NULL) return PyErr_NoMemory();
    int64_t capacity = length + 1;
    PyObject *result = NULL;
    if (spars_classifier_training(classifier, text, capacity, &length, &error) != SPARS_OK) {
        shim_raise(&error);
    } else {
        result = PyUnicode_FromStringAndSize(text, length < capacity ? length : capacity - 1);
    }
    PyMem_Free(text);
    return result;
}

PyMethodDef shim_classifier_methods[] = {
    {"classifier_layout", layout, METH_VARARGS, NULL},
    {"classifier_create", create, METH_VARARGS, NULL},
    {"classifier_from_parameters", from_parameters, METH_VARARGS, NULL},
    {"classifier_parameters", parameters, METH_VARARGS, NULL},
    {"classifier_set_parameters", set_parameters, METH_VARARGS, NULL},
    {"classifier_batches_tracked", batches_tracked, METH_O, NULL},
    {"classifier_input_shape", input_shape, METH_O, NULL},
    {"classifier_intensity_window", intensity_window, METH_O, NULL},
    {"classifier_set_intensity_window", set_intensity_window, METH_VARARGS, NULL},
    {"classifier_logits", logits, METH_VARARGS, NULL},
    {"classifier_scores", scores, METH_VARARGS, NULL},
    {"classifier_forecast", forecast, METH_VARARGS, NULL},
    {"classifier_loss_and_gradients", loss_and_gradients, METH_VARARGS, NULL},
    {"classifier_save", save, METH_VARARGS, NULL},
    {"classifier_load", load, METH_VARARGS, NULL},
    {"classifier_training", training, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

#include "shim.h"

static PyObject *new_handle(int32_t status, spars_handle handle, const spars_error *error) {
    if (status != SPARS_OK) return shim_raise(error);
    return PyLong_FromUnsignedLongLong(handle);
}

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
    return new_handle(status, handle, &error);
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
    return new_handle(status, handle, &error);
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
    if (status != SPARS_OK) return shim_raise(&error);
    Py_RETURN_NONE;
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
    if (status != SPARS_OK) return shim_raise(&error);
    Py_RETURN_NONE;
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
    Py_buffer volume, origins, out;
    if (shim_control_init(&control, progress) != 0) return NULL;
    Py_ssize_t voxels = shape[0] * shape[1] * shape[2];
    if (shim_get_buffer_of(volume_object, 'f', 0, voxels, "volume", &volume) != 0) return NULL;
    if (shim_get_buffer(score_object, 'f', 1, "scores", &out) != 0) goto release_volume;
    Py_ssize_t count = shim_count(&out);
    if (shim_get_buffer_of(origin_object, 'q', 0, 3 * count, "origins", &origins) != 0) {
        goto release_scores;
    }
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_scores(
        classifier, volume.buf, shape, origins.buf, count, window, out.buf, &control.control,
        &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&origins);
    PyBuffer_Release(&out);
    PyBuffer_Release(&volume);
    if (status != SPARS_OK) return shim_raise(&error);
    Py_RETURN_NONE;
release_scores:
    PyBuffer_Release(&out);
release_volume:
    PyBuffer_Release(&volume);
    return NULL;
}

// classifier_loss_and_gradients(classifier, inputs, has_tumour, gradients, progress) -> loss
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
    Py_buffer inputs, labels, out;
    int64_t shape[3];
    spars_error error;
    if (shim_control_init(&control, progress) != 0) return NULL;
    if (spars_classifier_input_shape(classifier, shape, &error) != SPARS_OK) return shim_raise(&error);
    if (shim_get_buffer(label_object, 'q', 0, "has_tumour", &labels) != 0) return NULL;
    Py_ssize_t count = shim_count(&labels);
    if (shim_get_buffer_of(
            input_object, 'f', 0, count * shape[0] * shape[1] * shape[2], "x", &inputs) != 0) {
        goto release_labels;
    }
    if (shim_get_buffer(gradient_object, 'f', 1, "gradients", &out) != 0) goto release_inputs;
    double loss = 0;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_loss_and_gradients(
        classifier, inputs.buf, labels.buf, count, &loss, out.buf, shim_count(&out),
        &control.control, &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&out);
    PyBuffer_Release(&inputs);
    PyBuffer_Release(&labels);
    if (status != SPARS_OK) return shim_raise(&error);
    return PyFloat_FromDouble(loss);
release_inputs:
    PyBuffer_Release(&inputs);
release_labels:
    PyBuffer_Release(&labels);
    return NULL;
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
    if (status != SPARS_OK) return shim_raise(&error);
    Py_RETURN_NONE;
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
    return new_handle(status, handle, &error);
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

// trainer_create(classifier, voxel_labels, linear, stretched, foreground_threshold or None,
//                (x, y, z), crops_per_scan, pooling, (class weights), seed)
static PyObject *trainer_create(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long classifier, seed;
    int voxel_labels, linear, stretched;
    PyObject *threshold;
    long long shape[3], crops, pooling;
    spars_training training = {0};
    if (!PyArg_ParseTuple(
            arguments, "KpppO(LLL)LL(ff)K", &classifier, &voxel_labels, &linear, &stretched, &threshold,
            &shape[0], &shape[1], &shape[2], &crops, &pooling, &training.class_weights[0],
            &training.class_weights[1], &seed)) {
        return NULL;
    }
    if (threshold != Py_None) {
        training.has_foreground = 1;
        training.foreground_threshold = (float)PyFloat_AsDouble(threshold);
        if (PyErr_Occurred()) return NULL;
    }
    training.voxel_labels = voxel_labels;
    training.linear = linear;
    training.stretched = stretched;
    for (int axis = 0; axis < 3; axis++) training.crop_shape[axis] = shape[axis];
    training.crops_per_scan = crops;
    training.pooling = pooling;
    training.seed = seed;
    spars_handle handle = 0;
    spars_error error;
    int32_t status = spars_trainer_create(classifier, &training, &handle, &error);
    return new_handle(status, handle, &error);
}

// trainer_draw_scans(trainer, validation, scan_count, has_tumour or None, scans)
static PyObject *trainer_draw_scans(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long trainer;
    int validation;
    long long scan_count;
    PyObject *label_object, *scan_object;
    if (!PyArg_ParseTuple(
            arguments, "KpLOO", &trainer, &validation, &scan_count, &label_object, &scan_object)) {
        return NULL;
    }
    Py_buffer labels, scans;
    int has_labels = label_object != Py_None;
    if (has_labels &&
        shim_get_buffer_of(label_object, 'q', 0, scan_count, "has_tumour", &labels) != 0) {
        return NULL;
    }
    if (shim_get_buffer(scan_object, 'q', 1, "scans", &scans) != 0) {
        if (has_labels) PyBuffer_Release(&labels);
        return NULL;
    }
    spars_error error;
    int32_t status = spars_trainer_draw_scans(
        trainer, validation, scan_count, has_labels ? labels.buf : NULL, scans.buf,
        shim_count(&scans), &error);
    if (has_labels) PyBuffer_Release(&labels);
    PyBuffer_Release(&scans);
    if (status != SPARS_OK) return shim_raise(&error);
    Py_RETURN_NONE;
}

// trainer_add_scan(trainer, volume, (x, y, z), mask or None, has_tumour)
static PyObject *trainer_add_scan(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long trainer;
    PyObject *volume_object, *mask_object;
    int64_t shape[3];
    int has_tumour;
    if (!PyArg_ParseTuple(
            arguments, "KO(LLL)Op", &trainer, &volume_object, &shape[0], &shape[1], &shape[2],
            &mask_object, &has_tumour)) {
        return NULL;
    }
    shim_control control;
    Py_buffer volume, mask;
    if (shim_control_init(&control, Py_None) != 0) return NULL;
    Py_ssize_t voxels = shape[0] * shape[1] * shape[2];
    if (shim_get_buffer_of(volume_object, 'f', 0, voxels, "volume", &volume) != 0) return NULL;
    int has_mask = mask_object != Py_None;
    if (has_mask && shim_get_buffer_of(mask_object, 'B', 0, voxels, "mask", &mask) != 0) {
        PyBuffer_Release(&volume);
        return NULL;
    }
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_trainer_add_scan(
        trainer, volume.buf, shape, has_mask ? mask.buf : NULL, has_tumour, &control.control,
        &error);
    Py_END_ALLOW_THREADS
    if (has_mask) PyBuffer_Release(&mask);
    PyBuffer_Release(&volume);
    if (status != SPARS_OK) return shim_raise(&error);
    Py_RETURN_NONE;
}

// trainer_step(trainer, learning_rate) -> loss
static PyObject *trainer_step(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long trainer;
    double learning_rate;
    if (!PyArg_ParseTuple(arguments, "Kd", &trainer, &learning_rate)) return NULL;
    shim_control control;
    if (shim_control_init(&control, Py_None) != 0) return NULL;
    double loss = 0;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_trainer_step(trainer, learning_rate, &loss, &control.control, &error);
    Py_END_ALLOW_THREADS
    if (status != SPARS_OK) return shim_raise(&error);
    return PyFloat_FromDouble(loss);
}

// trainer_evaluate(trainer, scores, has_tumour)
static PyObject *trainer_evaluate(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long trainer;
    PyObject *score_object, *label_object;
    if (!PyArg_ParseTuple(arguments, "KOO", &trainer, &score_object, &label_object)) return NULL;
    shim_control control;
    Py_buffer scores, labels;
    if (shim_control_init(&control, Py_None) != 0) return NULL;
    if (shim_get_buffer(score_object, 'f', 1, "scores", &scores) != 0) return NULL;
    Py_ssize_t count = shim_count(&scores);
    if (shim_get_buffer_of(label_object, 'q', 1, count, "has_tumour", &labels) != 0) {
        PyBuffer_Release(&scores);
        return NULL;
    }
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_trainer_evaluate(
        trainer, scores.buf, labels.buf, count, &control.control, &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&labels);
    PyBuffer_Release(&scores);
    if (status != SPARS_OK) return shim_raise(&error);
    Py_RETURN_NONE;
}

// classification_metrics(scores, has_tumour) -> (tp, fp, tn, fn, roc_auc)
static PyObject *classification_metrics(PyObject *module, PyObject *arguments) {
    (void)module;
    PyObject *score_object, *label_object;
    if (!PyArg_ParseTuple(arguments, "OO", &score_object, &label_object)) return NULL;
    Py_buffer scores, labels;
    if (shim_get_buffer(score_object, 'f', 0, "scores", &scores) != 0) return NULL;
    Py_ssize_t count = shim_count(&scores);
    if (shim_get_buffer_of(label_object, 'q', 0, count, "has_tumour", &labels) != 0) {
        PyBuffer_Release(&scores);
        return NULL;
    }
    int64_t confusion[4];
    double roc_auc = 0;
    spars_error error;
    int32_t status = spars_classification_metrics(
        scores.buf, labels.buf, count, confusion, &roc_auc, &error);
    PyBuffer_Release(&labels);
    PyBuffer_Release(&scores);
    if (status != SPARS_OK) return shim_raise(&error);
    return Py_BuildValue(
        "(LLLLd)", (long long)confusion[0], (long long)confusion[1], (long long)confusion[2],
        (long long)confusion[3], roc_auc);
}

PyMethodDef shim_classifier_methods[] = {
    {"classifier_layout", layout, METH_VARARGS, NULL},
    {"classifier_create", create, METH_VARARGS, NULL},
    {"classifier_from_parameters", from_parameters, METH_VARARGS, NULL},
    {"classifier_parameters", parameters, METH_VARARGS, NULL},
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
    {"trainer_create", trainer_create, METH_VARARGS, NULL},
    {"trainer_draw_scans", trainer_draw_scans, METH_VARARGS, NULL},
    {"trainer_add_scan", trainer_add_scan, METH_VARARGS, NULL},
    {"trainer_step", trainer_step, METH_VARARGS, NULL},
    {"trainer_evaluate", trainer_evaluate, METH_VARARGS, NULL},
    {"classification_metrics", classification_metrics, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

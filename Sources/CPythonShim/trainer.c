#include "shim.h"

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
    return shim_handle(status, handle, &error);
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

PyMethodDef shim_trainer_methods[] = {
    {"trainer_create", trainer_create, METH_VARARGS, NULL},
    {"trainer_draw_scans", trainer_draw_scans, METH_VARARGS, NULL},
    {"trainer_add_scan", trainer_add_scan, METH_VARARGS, NULL},
    {"trainer_step", trainer_step, METH_VARARGS, NULL},
    {"trainer_evaluate", trainer_evaluate, METH_VARARGS, NULL},
    {"classification_metrics", classification_metrics, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

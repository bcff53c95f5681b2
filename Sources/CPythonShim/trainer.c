#include "shim.h"

// Reads ((flip x, y, z), (shift x, y, z), hu_scale, hu_shift, noise). Returns 0, or -1 with an
// exception set.
static int augmentation_of(PyObject *object, spars_augmentation *augmentation) {
    int flips[3];
    long long shift[3];
    if (!PyArg_ParseTuple(
            object, "(ppp)(LLL)fff", &flips[0], &flips[1], &flips[2], &shift[0], &shift[1],
            &shift[2], &augmentation->hu_scale, &augmentation->hu_shift, &augmentation->noise)) {
        return -1;
    }
    for (int axis = 0; axis < 3; axis++) {
        augmentation->flips[axis] = flips[axis];
        augmentation->shift[axis] = shift[axis];
    }
    return 0;
}

// trainer_create(classifier, voxel_labels, linear, stretched, foreground_threshold or None,
//                (x, y, z), crops_per_scan, pooling, (class weights), augmentation or None, seed)
static PyObject *trainer_create(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long classifier, seed;
    int voxel_labels, linear, stretched;
    PyObject *threshold, *augmentation;
    long long shape[3], crops, pooling;
    spars_training training = {0};
    if (!PyArg_ParseTuple(
            arguments, "KpppO(LLL)LL(ff)OK", &classifier, &voxel_labels, &linear, &stretched, &threshold,
            &shape[0], &shape[1], &shape[2], &crops, &pooling, &training.class_weights[0],
            &training.class_weights[1], &augmentation, &seed)) {
        return NULL;
    }
    if (threshold != Py_None) {
        training.has_foreground = 1;
        training.foreground_threshold = (float)PyFloat_AsDouble(threshold);
        if (PyErr_Occurred()) return NULL;
    }
    if (augmentation != Py_None &&
        augmentation_of(augmentation, &training.augmentation) != 0) {
        return NULL;
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
    return shim_none(status, &error);
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
    return shim_none(status, &error);
}

// trainer_step(trainer, learning_rate, loss): the loss goes into an array of one, so that an
// interrupt between the step and its return value cannot lose it.
static PyObject *trainer_step(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long trainer;
    double learning_rate;
    PyObject *object;
    if (!PyArg_ParseTuple(arguments, "KdO", &trainer, &learning_rate, &object)) return NULL;
    shim_control control;
    Py_buffer loss;
    if (shim_control_init(&control, Py_None) != 0) return NULL;
    if (shim_get_buffer_of(object, 'd', 1, 1, "loss", &loss) != 0) return NULL;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_trainer_step(trainer, learning_rate, loss.buf, &control.control, &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&loss);
    return shim_none(status, &error);
}

// trainer_state(trainer, moments or None) -> steps taken
static PyObject *trainer_state(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long trainer;
    PyObject *object;
    if (!PyArg_ParseTuple(arguments, "KO", &trainer, &object)) return NULL;
    Py_buffer moments;
    int wanted = object != Py_None;
    if (wanted && shim_get_buffer(object, 'f', 1, "moments", &moments) != 0) return NULL;
    int64_t steps = 0;
    spars_error error;
    int32_t status = spars_trainer_state(
        trainer, wanted ? moments.buf : NULL, wanted ? shim_count(&moments) : 0, &steps, &error);
    if (wanted) PyBuffer_Release(&moments);
    if (status != SPARS_OK) return shim_raise(&error);
    return PyLong_FromLongLong(steps);
}

// trainer_restore(trainer, moments, steps, validation_batches)
static PyObject *trainer_restore(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long trainer;
    PyObject *object;
    long long steps, batches;
    if (!PyArg_ParseTuple(arguments, "KOLL", &trainer, &object, &steps, &batches)) return NULL;
    Py_buffer moments;
    if (shim_get_buffer(object, 'f', 0, "moments", &moments) != 0) return NULL;
    spars_error error;
    int32_t status = spars_trainer_restore(
        trainer, moments.buf, shim_count(&moments), steps, batches, &error);
    PyBuffer_Release(&moments);
    return shim_none(status, &error);
}

// augment(augmentation, crop, (x, y, z), seed, output)
static PyObject *augment(PyObject *module, PyObject *arguments) {
    (void)module;
    PyObject *augmentation_object, *crop_object, *output_object;
    int64_t shape[3];
    unsigned long long seed;
    if (!PyArg_ParseTuple(
            arguments, "OO(LLL)KO", &augmentation_object, &crop_object, &shape[0], &shape[1],
            &shape[2], &seed, &output_object)) {
        return NULL;
    }
    spars_augmentation augmentation = {0};
    if (augmentation_of(augmentation_object, &augmentation) != 0) return NULL;
    Py_buffer crop, output;
    Py_ssize_t voxels = shape[0] * shape[1] * shape[2];
    if (shim_get_buffer_of(crop_object, 'f', 0, voxels, "crop", &crop) != 0) return NULL;
    if (shim_get_buffer_of(output_object, 'f', 1, voxels, "output", &output) != 0) {
        PyBuffer_Release(&crop);
        return NULL;
    }
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_augment(&augmentation, crop.buf, shape, seed, output.buf, &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&output);
    PyBuffer_Release(&crop);
    return shim_none(status, &error);
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
    return shim_none(status, &error);
}

PyMethodDef shim_trainer_methods[] = {
    {"trainer_create", trainer_create, METH_VARARGS, NULL},
    {"trainer_draw_scans", trainer_draw_scans, METH_VARARGS, NULL},
    {"trainer_add_scan", trainer_add_scan, METH_VARARGS, NULL},
    {"trainer_step", trainer_step, METH_VARARGS, NULL},
    {"trainer_state", trainer_state, METH_VARARGS, NULL},
    {"trainer_restore", trainer_restore, METH_VARARGS, NULL},
    {"augment", augment, METH_VARARGS, NULL},
    {"trainer_evaluate", trainer_evaluate, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

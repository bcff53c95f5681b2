#include "shim.h"

// classifier_attributions(classifier, volume, (x, y, z), origins, (wx, wy, wz),
//     (method, target, is_seen, has_baseline, baseline, layer, steps, px, py, pz, sx, sy, sz),
//     attributions, logits, progress)
static PyObject *attributions(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long classifier;
    PyObject *volume_object, *origin_object, *map_object, *logit_object, *progress;
    int64_t shape[3], window[3];
    int is_seen, has_baseline;
    spars_explanation plan;
    if (!PyArg_ParseTuple(
            arguments, "KO(LLL)O(LLL)(iippfLLLLLLLL)OOO", &classifier, &volume_object, &shape[0],
            &shape[1], &shape[2], &origin_object, &window[0], &window[1], &window[2], &plan.method,
            &plan.target, &is_seen, &has_baseline, &plan.baseline, &plan.layer, &plan.steps,
            &plan.patch[0], &plan.patch[1], &plan.patch[2], &plan.patch_stride[0],
            &plan.patch_stride[1], &plan.patch_stride[2], &map_object, &logit_object, &progress)) {
        return NULL;
    }
    plan.is_seen = is_seen;
    plan.has_baseline = has_baseline;
    shim_control control;
    if (shim_control_init(&control, progress) != 0) return NULL;
    Py_ssize_t voxels = shape[0] * shape[1] * shape[2];
    Py_ssize_t crop = window[0] * window[1] * window[2];
    shim_held held = {.count = 0};
    Py_buffer *volume, *origins, *maps, *logits;
    if ((logits = shim_hold(&held, logit_object, 'f', 1, -1, "logits")) == NULL)
        return shim_abandoned(&held);
    Py_ssize_t count = shim_count(logits) / 2;
    if ((volume = shim_hold(&held, volume_object, 'f', 0, voxels, "volume")) == NULL ||
        (origins = shim_hold(&held, origin_object, 'q', 0, 3 * count, "origins")) == NULL ||
        (maps = shim_hold(&held, map_object, 'f', 1, count * crop, "attributions")) == NULL)
        return shim_abandoned(&held);
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_attributions(
        classifier, volume->buf, shape, origins->buf, count, window, &plan, maps->buf, logits->buf,
        &control.control, &error);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &error);
}

// classifier_input_gradients(classifier, inputs, target, gradients, logits, progress)
static PyObject *input_gradients(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long classifier;
    PyObject *input_object, *gradient_object, *logit_object, *progress;
    int target;
    if (!PyArg_ParseTuple(
            arguments, "KOiOOO", &classifier, &input_object, &target, &gradient_object,
            &logit_object, &progress)) {
        return NULL;
    }
    shim_control control;
    int64_t shape[3];
    spars_error error;
    if (shim_control_init(&control, progress) != 0) return NULL;
    if (spars_classifier_input_shape(classifier, shape, &error) != SPARS_OK) return shim_raise(&error);
    shim_held held = {.count = 0};
    Py_buffer *inputs, *gradients, *logits;
    if ((logits = shim_hold(&held, logit_object, 'f', 1, -1, "logits")) == NULL)
        return shim_abandoned(&held);
    Py_ssize_t count = shim_count(logits) / 2;
    Py_ssize_t total = count * shape[0] * shape[1] * shape[2];
    if ((inputs = shim_hold(&held, input_object, 'f', 0, total, "x")) == NULL ||
        (gradients = shim_hold(&held, gradient_object, 'f', 1, total, "gradients")) == NULL)
        return shim_abandoned(&held);
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_input_gradients(
        classifier, inputs->buf, count, target, gradients->buf, logits->buf, &control.control, &error);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &error);
}

PyMethodDef shim_explanation_methods[] = {
    {"classifier_attributions", attributions, METH_VARARGS, NULL},
    {"classifier_input_gradients", input_gradients, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

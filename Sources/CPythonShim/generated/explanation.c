// Made by `make generate` from Sources/CSPARS/description: edit that instead.
#include "generated.h"

const shim_choices shim_explanation_method_choices = {
    3, (const char *const[]){"grad_cam", "integrated_gradients", "occlusion"}};

const shim_choices shim_explanation_target_choices = {
    3, (const char *const[]){"log_odds", "logit", "score"}};

int shim_read_explanation(
    PyObject *object, const char *name, int writes, shim_held *held, spars_explanation *out) {
    static shim_name names[] = {
        {"method", NULL}, {"target", NULL}, {"is_seen", NULL}, {"baseline", NULL}, {"layer", NULL},
        {"steps", NULL}, {"patch", NULL}, {"patch_stride", NULL},
    };
    PyObject *given[8] = {NULL};
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 8, given) &&
        shim_enum(given[0], "method", &shim_explanation_method_choices, &out->method) &&
        shim_enum(given[1], "target", &shim_explanation_target_choices, &out->target) &&
        shim_bool(given[2], "is_seen", &out->is_seen) &&
        shim_float_or_nan(given[3], "baseline", &out->baseline) &&
        shim_int64(given[4], "layer", &out->layer) &&
        shim_int64(given[5], "steps", &out->steps) &&
        shim_array(given[6], "patch", 'q', out->patch, 3) &&
        shim_array(given[7], "patch_stride", 'q', out->patch_stride, 3);
    shim_drop(given, 8);
    return read;
}

static PyObject *classifier_attributions(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle classifier = 0;
    spars_windows windows;
    spars_explanation explanation;
    Py_buffer *attributions = NULL, *logits = NULL;
    shim_control progress;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "classifier_attributions(classifier, windows, explanation, attributions, logits, progress)", 6, given_count) &&
        shim_uint64(given[0], "classifier", &classifier) &&
        shim_read_windows(given[1], "windows", 0, &held, &windows) &&
        shim_read_explanation(given[2], "explanation", 0, &held, &explanation) &&
        shim_control_init(&progress, given[5]) == 0 &&
        (attributions = shim_borrow(&held, given[3], 'f', 1, "attributions")) != NULL &&
        shim_holds(attributions, "attributions", SHIM_EXTENTS(windows.count, windows.window[0], windows.window[1], windows.window[2])) &&
        (logits = shim_borrow(&held, given[4], 'f', 1, "logits")) != NULL &&
        shim_holds(logits, "logits", SHIM_EXTENTS(windows.count, 2));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_attributions(
        classifier, &windows, &explanation, attributions->buf, logits->buf, &progress.control,
        &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *classifier_input_gradients(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle classifier = 0;
    Py_buffer *x = NULL, *gradients = NULL, *logits = NULL;
    int64_t count = 0, shape[3];
    int32_t target = 0, status;
    shim_control progress;
    spars_error failure;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "classifier_input_gradients(classifier, x, target, gradients, logits, progress)", 6, given_count) &&
        shim_uint64(given[0], "classifier", &classifier) &&
        shim_enum(given[2], "target", &shim_explanation_target_choices, &target) &&
        shim_control_init(&progress, given[5]) == 0 &&
        (logits = shim_borrow(&held, given[4], 'f', 1, "logits")) != NULL &&
        shim_counts(logits, "logits", SHIM_EXTENTS(2), &count) &&
        (x = shim_borrow(&held, given[1], 'f', 0, "x")) != NULL &&
        shim_shapes(x, "x", SHIM_AXES(NULL, &shape[0], &shape[1], &shape[2])) && shim_holds(x, "x", SHIM_EXTENTS(count, shape[0], shape[1], shape[2])) &&
        (gradients = shim_borrow(&held, given[3], 'f', 1, "gradients")) != NULL &&
        shim_holds(gradients, "gradients", SHIM_EXTENTS(count, shape[0], shape[1], shape[2]));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_input_gradients(
        classifier, x->buf, count, shape, target, gradients->buf, logits->buf, &progress.control,
        &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

PyMethodDef shim_explanation_functions[] = {
    {"classifier_attributions", SHIM_FASTCALL(classifier_attributions), METH_FASTCALL, NULL},
    {"classifier_input_gradients", SHIM_FASTCALL(classifier_input_gradients), METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

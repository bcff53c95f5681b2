// Made by `make generate` from Sources/CSPARS/description: edit that instead.
#include "generated.h"

PyObject *shim_make_overlap(const spars_overlap *record) {
    static PyStructSequence_Field fields[] = {
        {"true_positives", NULL}, {"false_positives", NULL}, {"false_negatives", NULL},
        {"true_negatives", NULL},
        {NULL, NULL},
    };
    static shim_record_type type = {
        NULL, {"spars.overlap", NULL, fields, 4}};
    PyObject *items[] = {
        PyLong_FromLongLong(record->true_positives),
        PyLong_FromLongLong(record->false_positives),
        PyLong_FromLongLong(record->false_negatives),
        PyLong_FromLongLong(record->true_negatives),
    };
    return shim_record(&type, items, 4);
}

int shim_read_surface_measures(
    PyObject *object, const char *name, int writes, shim_held *held, spars_surface_measures *out) {
    static shim_name names[] = {
        {"percentiles", NULL}, {"tolerances", NULL}, {"hausdorff", NULL}, {"surface_dice", NULL},
    };
    PyObject *given[4] = {NULL};
    Py_buffer *view;
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 4, given) &&
        (view = shim_borrow(held, given[0], 'd', 0, "percentiles")) != NULL &&
        shim_counts(view, "percentiles", SHIM_EXTENTS(1), &out->percentile_count) &&
        ((out->percentiles = view->buf), 1) &&
        (view = shim_borrow(held, given[1], 'd', 0, "tolerances")) != NULL &&
        shim_counts(view, "tolerances", SHIM_EXTENTS(1), &out->tolerance_count) &&
        ((out->tolerances = view->buf), 1) &&
        (view = shim_borrow(held, given[2], 'd', 1, "hausdorff")) != NULL &&
        shim_holds(view, "hausdorff", SHIM_EXTENTS(out->percentile_count)) &&
        ((out->hausdorff = view->buf), 1) &&
        (view = shim_borrow(held, given[3], 'd', 1, "surface_dice")) != NULL &&
        shim_holds(view, "surface_dice", SHIM_EXTENTS(out->tolerance_count)) &&
        ((out->surface_dice = view->buf), 1);
    shim_drop(given, 4);
    return read;
}

PyObject *shim_make_classification(const spars_classification *record) {
    static PyStructSequence_Field fields[] = {
        {"true_positives", NULL}, {"false_positives", NULL}, {"true_negatives", NULL},
        {"false_negatives", NULL}, {"accuracy", NULL}, {"precision", NULL}, {"sensitivity", NULL},
        {"specificity", NULL}, {"roc_auc", NULL},
        {NULL, NULL},
    };
    static shim_record_type type = {
        NULL, {"spars.classification", NULL, fields, 9}};
    PyObject *items[] = {
        PyLong_FromLongLong(record->true_positives),
        PyLong_FromLongLong(record->false_positives),
        PyLong_FromLongLong(record->true_negatives),
        PyLong_FromLongLong(record->false_negatives),
        PyFloat_FromDouble(record->accuracy),
        PyFloat_FromDouble(record->precision),
        PyFloat_FromDouble(record->sensitivity),
        PyFloat_FromDouble(record->specificity),
        PyFloat_FromDouble(record->roc_auc),
    };
    return shim_record(&type, items, 9);
}

static PyObject *metrics_overlap(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    Py_buffer *prediction = NULL, *reference = NULL;
    int64_t extent[3];
    shim_control signals;
    spars_overlap overlap;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "metrics_overlap(prediction, reference)", 2, given_count) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (prediction = shim_borrow(&held, given[0], 'B', 0, "prediction")) != NULL &&
        shim_shapes(prediction, "prediction", SHIM_AXES(&extent[0], &extent[1], &extent[2])) &&
        (reference = shim_borrow(&held, given[1], 'B', 0, "reference")) != NULL &&
        shim_holds(reference, "reference", SHIM_EXTENTS(extent[0], extent[1], extent[2]));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_metrics_overlap(
        prediction->buf, reference->buf, extent, &signals.control, &overlap, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return shim_make_overlap(&overlap);
}

static PyObject *classification_measures(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    Py_buffer *scores = NULL, *has_tumour = NULL;
    int64_t count = 0;
    spars_classification found;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "classification_measures(scores, has_tumour)", 2, given_count) &&
        (scores = shim_borrow(&held, given[0], 'f', 0, "scores")) != NULL &&
        shim_counts(scores, "scores", SHIM_EXTENTS(1), &count) &&
        (has_tumour = shim_borrow(&held, given[1], 'q', 0, "has_tumour")) != NULL &&
        shim_holds(has_tumour, "has_tumour", SHIM_EXTENTS(count));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_classification_measures(scores->buf, has_tumour->buf, count, &found, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return shim_make_classification(&found);
}

static PyObject *metrics_surface(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    Py_buffer *prediction = NULL, *reference = NULL;
    int64_t extent[3];
    double spacing[3], average;
    spars_surface_measures measures;
    shim_control progress;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "metrics_surface(prediction, reference, spacing, measures, progress)", 5, given_count) &&
        shim_array(given[2], "spacing", 'd', spacing, 3) &&
        shim_read_surface_measures(given[3], "measures", 0, &held, &measures) &&
        shim_control_init(&progress, given[4]) == 0 &&
        (prediction = shim_borrow(&held, given[0], 'B', 0, "prediction")) != NULL &&
        shim_shapes(prediction, "prediction", SHIM_AXES(&extent[0], &extent[1], &extent[2])) &&
        (reference = shim_borrow(&held, given[1], 'B', 0, "reference")) != NULL &&
        shim_holds(reference, "reference", SHIM_EXTENTS(extent[0], extent[1], extent[2]));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_metrics_surface(
        prediction->buf, reference->buf, extent, spacing, &measures, &progress.control, &average,
        &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return PyFloat_FromDouble(average);
}

static PyObject *metrics_distance_map(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    Py_buffer *mask = NULL, *distances = NULL;
    int64_t extent[3];
    double spacing[3];
    shim_control progress;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "metrics_distance_map(mask, spacing, distances, progress)", 4, given_count) &&
        shim_array(given[1], "spacing", 'd', spacing, 3) &&
        shim_control_init(&progress, given[3]) == 0 &&
        (mask = shim_borrow(&held, given[0], 'B', 0, "mask")) != NULL &&
        shim_shapes(mask, "mask", SHIM_AXES(&extent[0], &extent[1], &extent[2])) &&
        (distances = shim_borrow(&held, given[2], 'f', 1, "distances")) != NULL &&
        shim_holds(distances, "distances", SHIM_EXTENTS(extent[0], extent[1], extent[2]));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_metrics_distance_map(
        mask->buf, extent, spacing, distances->buf, &progress.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *metrics_components(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    Py_buffer *mask = NULL, *labels = NULL;
    int64_t extent[3], connectivity = 0, count;
    shim_control progress;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "metrics_components(mask, connectivity, labels, progress)", 4, given_count) &&
        shim_int64(given[1], "connectivity", &connectivity) &&
        shim_control_init(&progress, given[3]) == 0 &&
        (mask = shim_borrow(&held, given[0], 'B', 0, "mask")) != NULL &&
        shim_shapes(mask, "mask", SHIM_AXES(&extent[0], &extent[1], &extent[2])) &&
        (labels = shim_borrow(&held, given[2], 'i', 1, "labels")) != NULL &&
        shim_holds(labels, "labels", SHIM_EXTENTS(extent[0], extent[1], extent[2]));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_metrics_components(
        mask->buf, extent, connectivity, labels->buf, &progress.control, &count, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return PyLong_FromLongLong(count);
}

static PyObject *metrics_bootstrap(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    Py_buffer *values = NULL;
    int64_t count = 0, resamples = 0;
    double confidence = 0, interval[2];
    uint64_t seed = 0;
    shim_control progress;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "metrics_bootstrap(values, confidence, resamples, seed, progress)", 5, given_count) &&
        shim_double(given[1], "confidence", &confidence) &&
        shim_int64(given[2], "resamples", &resamples) &&
        shim_uint64(given[3], "seed", &seed) &&
        shim_control_init(&progress, given[4]) == 0 &&
        (values = shim_borrow(&held, given[0], 'd', 0, "values")) != NULL &&
        shim_counts(values, "values", SHIM_EXTENTS(1), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_metrics_bootstrap(
        values->buf, count, confidence, resamples, seed, &progress.control, interval, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return shim_tuple('d', interval, 2);
}

PyMethodDef shim_metrics_functions[] = {
    {"metrics_overlap", SHIM_FASTCALL(metrics_overlap), METH_FASTCALL, NULL},
    {"classification_measures", SHIM_FASTCALL(classification_measures), METH_FASTCALL, NULL},
    {"metrics_surface", SHIM_FASTCALL(metrics_surface), METH_FASTCALL, NULL},
    {"metrics_distance_map", SHIM_FASTCALL(metrics_distance_map), METH_FASTCALL, NULL},
    {"metrics_components", SHIM_FASTCALL(metrics_components), METH_FASTCALL, NULL},
    {"metrics_bootstrap", SHIM_FASTCALL(metrics_bootstrap), METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

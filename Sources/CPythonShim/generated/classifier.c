// Made by `make generate` from Sources/CSPARS/description: edit that instead.
#include "generated.h"

PyObject *shim_make_tensor(const spars_tensor *record) {
    static PyStructSequence_Field fields[] = {
        {"name", NULL}, {"is_trainable", NULL}, {"rank", NULL}, {"shape", NULL},
        {NULL, NULL},
    };
    static shim_record_type type = {
        NULL, {"spars.tensor", NULL, fields, 4}};
    PyObject *items[] = {
        PyUnicode_FromString(record->name),
        PyBool_FromLong(record->is_trainable),
        PyLong_FromLongLong(record->rank),
        shim_tuple('q', record->shape, 8),
    };
    return shim_record(&type, items, 4);
}

int shim_read_windows(
    PyObject *object, const char *name, int writes, shim_held *held, spars_windows *out) {
    static shim_name names[] = {
        {"volume", NULL}, {"origins", NULL}, {"window", NULL},
    };
    PyObject *given[3] = {NULL};
    Py_buffer *view;
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 3, given) &&
        shim_array(given[2], "window", 'q', out->window, 3) &&
        (view = shim_borrow(held, given[0], 'f', 0, "volume")) != NULL &&
        shim_shapes(view, "volume", SHIM_AXES(&out->shape[0], &out->shape[1], &out->shape[2])) &&
        ((out->volume = view->buf), 1) &&
        (view = shim_borrow(held, given[1], 'q', 0, "origins")) != NULL &&
        shim_counts(view, "origins", SHIM_EXTENTS(3), &out->count) &&
        ((out->origins = view->buf), 1);
    shim_drop(given, 3);
    return read;
}

int shim_read_labelled_crops(
    PyObject *object, const char *name, int writes, shim_held *held, spars_labelled_crops *out) {
    static shim_name names[] = {
        {"crops", NULL}, {"has_tumour", NULL},
    };
    PyObject *given[2] = {NULL};
    Py_buffer *view;
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 2, given) &&
        (view = shim_borrow(held, given[1], 'q', 0, "has_tumour")) != NULL &&
        shim_counts(view, "has_tumour", SHIM_EXTENTS(1), &out->count) &&
        ((out->has_tumour = view->buf), 1) &&
        (view = shim_borrow(held, given[0], 'f', 0, "crops")) != NULL &&
        shim_shapes(view, "crops", SHIM_AXES(NULL, &out->shape[0], &out->shape[1], &out->shape[2])) && shim_holds(view, "crops", SHIM_EXTENTS(out->count, out->shape[0], out->shape[1], out->shape[2])) &&
        ((out->crops = view->buf), 1);
    shim_drop(given, 2);
    return read;
}

static PyObject *classifier_tensor_count(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "classifier_tensor_count()", 0, given_count);
    if (!taken) return shim_abandoned(&held);
    return PyLong_FromLongLong(spars_classifier_tensor_count());
}

static PyObject *classifier_tensor(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    int64_t input_shape[3], index = 0;
    spars_tensor tensor;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "classifier_tensor(input_shape, index)", 2, given_count) &&
        shim_array(given[0], "input_shape", 'q', input_shape, 3) &&
        shim_int64(given[1], "index", &index);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_tensor(input_shape, index, &tensor, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return shim_make_tensor(&tensor);
}

static PyObject *classifier_create(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    int64_t input_shape[3];
    uint64_t seed = 0;
    shim_control signals;
    spars_handle classifier;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "classifier_create(input_shape, seed)", 2, given_count) &&
        shim_array(given[0], "input_shape", 'q', input_shape, 3) &&
        shim_uint64(given[1], "seed", &seed) &&
        shim_control_init(&signals, Py_None) == 0;
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_create(input_shape, seed, &signals.control, &classifier, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    PyObject *result = PyLong_FromUnsignedLongLong(classifier);
    if (result == NULL) spars_release(classifier);
    return result;
}

static PyObject *classifier_from_parameters(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    int64_t input_shape[3], count = 0;
    Py_buffer *parameters = NULL;
    shim_control signals;
    spars_handle classifier;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "classifier_from_parameters(input_shape, parameters)", 2, given_count) &&
        shim_array(given[0], "input_shape", 'q', input_shape, 3) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (parameters = shim_borrow(&held, given[1], 'f', 0, "parameters")) != NULL &&
        shim_counts(parameters, "parameters", SHIM_EXTENTS(1), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_from_parameters(
        input_shape, parameters->buf, count, &signals.control, &classifier, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    PyObject *result = PyLong_FromUnsignedLongLong(classifier);
    if (result == NULL) spars_release(classifier);
    return result;
}

static PyObject *classifier_parameters(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle classifier = 0;
    Py_buffer *parameters = NULL;
    int64_t count = 0;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "classifier_parameters(classifier, parameters)", 2, given_count) &&
        shim_uint64(given[0], "classifier", &classifier) &&
        (parameters = shim_borrow(&held, given[1], 'f', 1, "parameters")) != NULL &&
        shim_counts(parameters, "parameters", SHIM_EXTENTS(1), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_parameters(classifier, parameters->buf, count, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *classifier_set_parameters(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle classifier = 0;
    Py_buffer *parameters = NULL;
    int64_t count = 0, batches_tracked = 0;
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "classifier_set_parameters(classifier, parameters, batches_tracked)", 3, given_count) &&
        shim_uint64(given[0], "classifier", &classifier) &&
        shim_int64(given[2], "batches_tracked", &batches_tracked) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (parameters = shim_borrow(&held, given[1], 'f', 0, "parameters")) != NULL &&
        shim_counts(parameters, "parameters", SHIM_EXTENTS(1), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_set_parameters(
        classifier, parameters->buf, count, batches_tracked, &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *classifier_batches_tracked(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle classifier = 0;
    int64_t batches_tracked;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "classifier_batches_tracked(classifier)", 1, given_count) &&
        shim_uint64(given[0], "classifier", &classifier);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_batches_tracked(classifier, &batches_tracked, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return PyLong_FromLongLong(batches_tracked);
}

static PyObject *classifier_input_shape(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle classifier = 0;
    int64_t input_shape[3];
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "classifier_input_shape(classifier)", 1, given_count) &&
        shim_uint64(given[0], "classifier", &classifier);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_input_shape(classifier, input_shape, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return shim_tuple('q', input_shape, 3);
}

static PyObject *classifier_intensity_window(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle classifier = 0;
    spars_intensity_window window;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "classifier_intensity_window(classifier)", 1, given_count) &&
        shim_uint64(given[0], "classifier", &classifier);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_intensity_window(classifier, &window, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return shim_make_intensity_window(&window);
}

static PyObject *classifier_set_intensity_window(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle classifier = 0;
    spars_intensity_window window;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "classifier_set_intensity_window(classifier, window)", 2, given_count) &&
        shim_uint64(given[0], "classifier", &classifier) &&
        (given[1] == Py_None || shim_read_intensity_window(given[1], "window", 0, &held, &window));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_set_intensity_window(
        classifier, given[1] == Py_None ? NULL : &window, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *classifier_logits(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle classifier = 0;
    Py_buffer *x = NULL, *logits = NULL;
    int64_t count = 0, shape[3];
    shim_control progress;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "classifier_logits(classifier, x, logits, progress)", 4, given_count) &&
        shim_uint64(given[0], "classifier", &classifier) &&
        shim_control_init(&progress, given[3]) == 0 &&
        (logits = shim_borrow(&held, given[2], 'f', 1, "logits")) != NULL &&
        shim_counts(logits, "logits", SHIM_EXTENTS(2), &count) &&
        (x = shim_borrow(&held, given[1], 'f', 0, "x")) != NULL &&
        shim_shapes(x, "x", SHIM_AXES(NULL, &shape[0], &shape[1], &shape[2])) && shim_holds(x, "x", SHIM_EXTENTS(count, shape[0], shape[1], shape[2]));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_logits(
        classifier, x->buf, count, shape, logits->buf, &progress.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *classifier_scores(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    Py_buffer *classifiers = NULL, *scores = NULL;
    int64_t classifier_count = 0;
    spars_windows windows;
    shim_control progress;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "classifier_scores(classifiers, windows, scores, progress)", 4, given_count) &&
        shim_read_windows(given[1], "windows", 0, &held, &windows) &&
        shim_control_init(&progress, given[3]) == 0 &&
        (classifiers = shim_borrow(&held, given[0], 'q', 0, "classifiers")) != NULL &&
        shim_counts(classifiers, "classifiers", SHIM_EXTENTS(1), &classifier_count) &&
        (scores = shim_borrow(&held, given[2], 'f', 1, "scores")) != NULL &&
        shim_holds(scores, "scores", SHIM_EXTENTS(windows.count));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_scores(
        classifiers->buf, classifier_count, &windows, scores->buf, &progress.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *classifier_forecast(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle classifier = 0;
    int64_t shape[3], count = 0, window[3], bytes;
    Py_buffer *origins = NULL;
    shim_control signals;
    double seconds;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "classifier_forecast(classifier, shape, origins, window)", 4, given_count) &&
        shim_uint64(given[0], "classifier", &classifier) &&
        shim_array(given[1], "shape", 'q', shape, 3) &&
        shim_array(given[3], "window", 'q', window, 3) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (origins = shim_borrow(&held, given[2], 'q', 0, "origins")) != NULL &&
        shim_counts(origins, "origins", SHIM_EXTENTS(3), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_forecast(
        classifier, shape, origins->buf, count, window, &signals.control, &seconds, &bytes,
        &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return Py_BuildValue("(NN)", PyFloat_FromDouble(seconds), PyLong_FromLongLong(bytes));
}

static PyObject *classifier_loss_and_gradients(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle classifier = 0;
    spars_labelled_crops batch;
    Py_buffer *gradients = NULL;
    int64_t gradient_count = 0;
    shim_control progress;
    double loss;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "classifier_loss_and_gradients(classifier, batch, gradients, progress)", 4, given_count) &&
        shim_uint64(given[0], "classifier", &classifier) &&
        shim_read_labelled_crops(given[1], "batch", 0, &held, &batch) &&
        shim_control_init(&progress, given[3]) == 0 &&
        (gradients = shim_borrow(&held, given[2], 'f', 1, "gradients")) != NULL &&
        shim_counts(gradients, "gradients", SHIM_EXTENTS(1), &gradient_count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_loss_and_gradients(
        classifier, &batch, gradients->buf, gradient_count, &progress.control, &loss, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return PyFloat_FromDouble(loss);
}

static PyObject *classifier_save(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    Py_buffer *classifiers = NULL;
    int64_t classifier_count = 0;
    const char *path = NULL, *training = NULL, *recipe = NULL;
    int32_t halves = 0, status;
    shim_control signals;
    spars_error failure;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "classifier_save(classifiers, path, training, recipe, halves)", 5, given_count) &&
        shim_path(given[1], "path", &held, &path) &&
        (given[2] == Py_None || shim_text(given[2], "training", &training)) &&
        (given[3] == Py_None || shim_text(given[3], "recipe", &recipe)) &&
        shim_bool(given[4], "halves", &halves) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (classifiers = shim_borrow(&held, given[0], 'q', 0, "classifiers")) != NULL &&
        shim_counts(classifiers, "classifiers", SHIM_EXTENTS(1), &classifier_count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_save(
        classifiers->buf, classifier_count, path, training, recipe, halves, &signals.control,
        &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *classifier_load(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    const char *path = NULL;
    int64_t input_shape[3], capacity = 0, count;
    Py_buffer *classifiers = NULL;
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "classifier_load(path, input_shape, classifiers)", 3, given_count) &&
        shim_path(given[0], "path", &held, &path) &&
        (given[1] == Py_None || shim_array(given[1], "input_shape", 'q', input_shape, 3)) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (classifiers = shim_borrow(&held, given[2], 'q', 1, "classifiers")) != NULL &&
        shim_counts(classifiers, "classifiers", SHIM_EXTENTS(1), &capacity);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_classifier_load(
        path, given[1] == Py_None ? NULL : input_shape, classifiers->buf, capacity,
        &signals.control, &count, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return PyLong_FromLongLong(count);
}

static PyObject *classifier_recipe(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle classifier = 0;
    char *text = NULL;
    int64_t capacity = 0, length = 0;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "classifier_recipe(classifier)", 1, given_count) &&
        shim_uint64(given[0], "classifier", &classifier);
    if (!taken) return shim_abandoned(&held);
    do {
        if (!shim_grow(&text, &capacity, length)) return shim_abandoned(&held);
        status = spars_classifier_recipe(classifier, text, capacity, &length, &failure);
    } while (status == SPARS_OK && length >= capacity);
    shim_release(&held);
    PyObject *result =
        status == SPARS_OK ? PyUnicode_FromStringAndSize(text, length) : shim_raise(&failure);
    PyMem_Free(text);
    return result;
}

static PyObject *classifier_training(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle classifier = 0;
    char *text = NULL;
    int64_t capacity = 0, length = 0;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "classifier_training(classifier)", 1, given_count) &&
        shim_uint64(given[0], "classifier", &classifier);
    if (!taken) return shim_abandoned(&held);
    do {
        if (!shim_grow(&text, &capacity, length)) return shim_abandoned(&held);
        status = spars_classifier_training(classifier, text, capacity, &length, &failure);
    } while (status == SPARS_OK && length >= capacity);
    shim_release(&held);
    PyObject *result =
        status == SPARS_OK ? PyUnicode_FromStringAndSize(text, length) : shim_raise(&failure);
    PyMem_Free(text);
    return result;
}

PyMethodDef shim_classifier_functions[] = {
    {"classifier_tensor_count", SHIM_FASTCALL(classifier_tensor_count), METH_FASTCALL, NULL},
    {"classifier_tensor", SHIM_FASTCALL(classifier_tensor), METH_FASTCALL, NULL},
    {"classifier_create", SHIM_FASTCALL(classifier_create), METH_FASTCALL, NULL},
    {"classifier_from_parameters", SHIM_FASTCALL(classifier_from_parameters), METH_FASTCALL, NULL},
    {"classifier_parameters", SHIM_FASTCALL(classifier_parameters), METH_FASTCALL, NULL},
    {"classifier_set_parameters", SHIM_FASTCALL(classifier_set_parameters), METH_FASTCALL, NULL},
    {"classifier_batches_tracked", SHIM_FASTCALL(classifier_batches_tracked), METH_FASTCALL, NULL},
    {"classifier_input_shape", SHIM_FASTCALL(classifier_input_shape), METH_FASTCALL, NULL},
    {"classifier_intensity_window", SHIM_FASTCALL(classifier_intensity_window), METH_FASTCALL, NULL},
    {"classifier_set_intensity_window", SHIM_FASTCALL(classifier_set_intensity_window), METH_FASTCALL, NULL},
    {"classifier_logits", SHIM_FASTCALL(classifier_logits), METH_FASTCALL, NULL},
    {"classifier_scores", SHIM_FASTCALL(classifier_scores), METH_FASTCALL, NULL},
    {"classifier_forecast", SHIM_FASTCALL(classifier_forecast), METH_FASTCALL, NULL},
    {"classifier_loss_and_gradients", SHIM_FASTCALL(classifier_loss_and_gradients), METH_FASTCALL, NULL},
    {"classifier_save", SHIM_FASTCALL(classifier_save), METH_FASTCALL, NULL},
    {"classifier_load", SHIM_FASTCALL(classifier_load), METH_FASTCALL, NULL},
    {"classifier_recipe", SHIM_FASTCALL(classifier_recipe), METH_FASTCALL, NULL},
    {"classifier_training", SHIM_FASTCALL(classifier_training), METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

// Made by `make generate` from Sources/CSPARS/description: edit that instead.
#include "generated.h"

const shim_choices shim_crop_label_choices = {
    2, (const char *const[]){"image", "voxel"}};

const shim_choices shim_crop_interpolation_choices = {
    2, (const char *const[]){"nearest", "linear"}};

const shim_choices shim_pooling_choices = {
    3, (const char *const[]){"none", "highest", "log_sum_exp"}};

const shim_choices shim_phase_choices = {
    2, (const char *const[]){"training", "validation"}};

int shim_read_crop_protocol(
    PyObject *object, const char *name, int writes, shim_held *held, spars_crop_protocol *out) {
    static shim_name names[] = {
        {"crop_label", NULL}, {"crop_interpolation", NULL}, {"border_crops", NULL},
    };
    PyObject *given[3] = {NULL};
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 3, given) &&
        shim_enum(given[0], "crop_label", &shim_crop_label_choices, &out->crop_label) &&
        shim_enum(given[1], "crop_interpolation", &shim_crop_interpolation_choices, &out->crop_interpolation) &&
        shim_enum(given[2], "border_crops", &shim_border_crops_choices, &out->border_crops);
    shim_drop(given, 3);
    return read;
}

int shim_read_augmentation(
    PyObject *object, const char *name, int writes, shim_held *held, spars_augmentation *out) {
    static shim_name names[] = {
        {"flips", NULL}, {"shift", NULL}, {"hu_scale", NULL}, {"hu_shift", NULL}, {"noise", NULL},
    };
    PyObject *given[5] = {NULL};
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 5, given) &&
        shim_array(given[0], "flips", '?', out->flips, 3) &&
        shim_array(given[1], "shift", 'q', out->shift, 3) &&
        shim_float(given[2], "hu_scale", &out->hu_scale) &&
        shim_float(given[3], "hu_shift", &out->hu_shift) &&
        shim_float(given[4], "noise", &out->noise);
    shim_drop(given, 5);
    return read;
}

int shim_read_training(
    PyObject *object, const char *name, int writes, shim_held *held, spars_training *out) {
    static shim_name names[] = {
        {"protocol", NULL}, {"foreground_threshold", NULL}, {"crop_shape", NULL},
        {"crops_per_scan", NULL}, {"pooling", NULL}, {"pooled_crops", NULL},
        {"class_weights", NULL}, {"augmentation", NULL}, {"seed", NULL},
    };
    PyObject *given[9] = {NULL};
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 9, given) &&
        shim_read_crop_protocol(given[0], "protocol", 0, held, &out->protocol) &&
        shim_float_or_nan(given[1], "foreground_threshold", &out->foreground_threshold) &&
        shim_array(given[2], "crop_shape", 'q', out->crop_shape, 3) &&
        shim_int64(given[3], "crops_per_scan", &out->crops_per_scan) &&
        shim_enum(given[4], "pooling", &shim_pooling_choices, &out->pooling) &&
        shim_int64(given[5], "pooled_crops", &out->pooled_crops) &&
        shim_array(given[6], "class_weights", 'f', out->class_weights, 2) &&
        (given[7] == Py_None || shim_read_augmentation(given[7], "augmentation", 0, held, &out->augmentation)) &&
        shim_uint64(given[8], "seed", &out->seed);
    shim_drop(given, 9);
    return read;
}

int shim_read_training_scan(
    PyObject *object, const char *name, int writes, shim_held *held, spars_training_scan *out) {
    static shim_name names[] = {
        {"volume", NULL}, {"mask", NULL}, {"has_tumour", NULL},
    };
    PyObject *given[3] = {NULL};
    Py_buffer *view;
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 3, given) &&
        shim_bool(given[2], "has_tumour", &out->has_tumour) &&
        (view = shim_borrow(held, given[0], 'f', 0, "volume")) != NULL &&
        shim_shapes(view, "volume", SHIM_AXES(&out->shape[0], &out->shape[1], &out->shape[2])) &&
        ((out->volume = view->buf), 1) &&
        (given[1] == Py_None || ((view = shim_borrow(held, given[1], 'B', 0, "mask")) != NULL && shim_holds(view, "mask", SHIM_EXTENTS(out->shape[0], out->shape[1], out->shape[2])) && ((out->mask = view->buf), 1)));
    shim_drop(given, 3);
    return read;
}

static PyObject *trainer_create(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle classifier = 0, trainer;
    spars_training training;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "trainer_create(classifier, training)", 2, given_count) &&
        shim_uint64(given[0], "classifier", &classifier) &&
        shim_read_training(given[1], "training", 0, &held, &training);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_trainer_create(classifier, &training, &trainer, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    PyObject *result = PyLong_FromUnsignedLongLong(trainer);
    if (result == NULL) spars_release(trainer);
    return result;
}

static PyObject *trainer_draw_scans(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle trainer = 0;
    int32_t phase = 0, status;
    int64_t batch = 0, scan_count = 0, count = 0;
    Py_buffer *has_tumour = NULL, *scans = NULL;
    spars_error failure;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "trainer_draw_scans(trainer, phase, batch, scan_count, has_tumour, scans)", 6, given_count) &&
        shim_uint64(given[0], "trainer", &trainer) &&
        shim_enum(given[1], "phase", &shim_phase_choices, &phase) &&
        shim_int64(given[2], "batch", &batch) &&
        shim_int64(given[3], "scan_count", &scan_count) &&
        (given[4] == Py_None || ((has_tumour = shim_borrow(&held, given[4], 'q', 0, "has_tumour")) != NULL && shim_holds(has_tumour, "has_tumour", SHIM_EXTENTS(scan_count)))) &&
        (scans = shim_borrow(&held, given[5], 'q', 1, "scans")) != NULL &&
        shim_counts(scans, "scans", SHIM_EXTENTS(1), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_trainer_draw_scans(
        trainer, phase, batch, scan_count, SHIM_DATA(has_tumour), scans->buf, count, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *trainer_add_scan(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle trainer = 0;
    spars_training_scan scan;
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "trainer_add_scan(trainer, scan)", 2, given_count) &&
        shim_uint64(given[0], "trainer", &trainer) &&
        shim_read_training_scan(given[1], "scan", 0, &held, &scan) &&
        shim_control_init(&signals, Py_None) == 0;
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_trainer_add_scan(trainer, &scan, &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *trainer_add_windows(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle trainer = 0;
    Py_buffer *values = NULL, *has_tumour = NULL;
    int64_t count = 0, voxels = 0, shape[3];
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "trainer_add_windows(trainer, values, shape, has_tumour)", 4, given_count) &&
        shim_uint64(given[0], "trainer", &trainer) &&
        shim_array(given[2], "shape", 'q', shape, 3) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (has_tumour = shim_borrow(&held, given[3], 'B', 0, "has_tumour")) != NULL &&
        shim_counts(has_tumour, "has_tumour", SHIM_EXTENTS(1), &count) &&
        (values = shim_borrow(&held, given[1], 'f', 0, "values")) != NULL &&
        shim_counts(values, "values", SHIM_EXTENTS(count), &voxels);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_trainer_add_windows(
        trainer, values->buf, count, voxels, shape, has_tumour->buf, &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *trainer_step(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle trainer = 0;
    double learning_rate = 0;
    Py_buffer *loss = NULL;
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "trainer_step(trainer, learning_rate, loss)", 3, given_count) &&
        shim_uint64(given[0], "trainer", &trainer) &&
        shim_double(given[1], "learning_rate", &learning_rate) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (loss = shim_borrow(&held, given[2], 'd', 1, "loss")) != NULL &&
        shim_holds(loss, "loss", SHIM_EXTENTS(1));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_trainer_step(trainer, learning_rate, loss->buf, &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *trainer_state(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle trainer = 0;
    Py_buffer *moments = NULL;
    int64_t count = 0, steps;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "trainer_state(trainer, moments)", 2, given_count) &&
        shim_uint64(given[0], "trainer", &trainer) &&
        (given[1] == Py_None || ((moments = shim_borrow(&held, given[1], 'f', 1, "moments")) != NULL && shim_counts(moments, "moments", SHIM_EXTENTS(1), &count)));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_trainer_state(trainer, SHIM_DATA(moments), count, &steps, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return PyLong_FromLongLong(steps);
}

static PyObject *trainer_restore(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle trainer = 0;
    Py_buffer *moments = NULL;
    int64_t count = 0, steps = 0;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "trainer_restore(trainer, moments, steps)", 3, given_count) &&
        shim_uint64(given[0], "trainer", &trainer) &&
        shim_int64(given[2], "steps", &steps) &&
        (moments = shim_borrow(&held, given[1], 'f', 0, "moments")) != NULL &&
        shim_counts(moments, "moments", SHIM_EXTENTS(1), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_trainer_restore(trainer, moments->buf, count, steps, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *augment(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_augmentation augmentation;
    Py_buffer *crop = NULL, *output = NULL;
    int64_t shape[3];
    uint64_t seed = 0;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "augment(augmentation, crop, seed, output)", 4, given_count) &&
        shim_read_augmentation(given[0], "augmentation", 0, &held, &augmentation) &&
        shim_uint64(given[2], "seed", &seed) &&
        (crop = shim_borrow(&held, given[1], 'f', 0, "crop")) != NULL &&
        shim_shapes(crop, "crop", SHIM_AXES(&shape[0], &shape[1], &shape[2])) &&
        (output = shim_borrow(&held, given[3], 'f', 1, "output")) != NULL &&
        shim_holds(output, "output", SHIM_EXTENTS(shape[0], shape[1], shape[2]));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_augment(&augmentation, crop->buf, shape, seed, output->buf, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *trainer_evaluate(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle trainer = 0;
    Py_buffer *scores = NULL, *has_tumour = NULL;
    int64_t count = 0;
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "trainer_evaluate(trainer, scores, has_tumour)", 3, given_count) &&
        shim_uint64(given[0], "trainer", &trainer) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (scores = shim_borrow(&held, given[1], 'f', 1, "scores")) != NULL &&
        shim_counts(scores, "scores", SHIM_EXTENTS(1), &count) &&
        (has_tumour = shim_borrow(&held, given[2], 'q', 1, "has_tumour")) != NULL &&
        shim_holds(has_tumour, "has_tumour", SHIM_EXTENTS(count));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_trainer_evaluate(
        trainer, scores->buf, has_tumour->buf, count, &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

PyMethodDef shim_trainer_functions[] = {
    {"trainer_create", SHIM_FASTCALL(trainer_create), METH_FASTCALL, NULL},
    {"trainer_draw_scans", SHIM_FASTCALL(trainer_draw_scans), METH_FASTCALL, NULL},
    {"trainer_add_scan", SHIM_FASTCALL(trainer_add_scan), METH_FASTCALL, NULL},
    {"trainer_add_windows", SHIM_FASTCALL(trainer_add_windows), METH_FASTCALL, NULL},
    {"trainer_step", SHIM_FASTCALL(trainer_step), METH_FASTCALL, NULL},
    {"trainer_state", SHIM_FASTCALL(trainer_state), METH_FASTCALL, NULL},
    {"trainer_restore", SHIM_FASTCALL(trainer_restore), METH_FASTCALL, NULL},
    {"augment", SHIM_FASTCALL(augment), METH_FASTCALL, NULL},
    {"trainer_evaluate", SHIM_FASTCALL(trainer_evaluate), METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

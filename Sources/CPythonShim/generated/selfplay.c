// Made by `make generate` from Sources/CSPARS/description: edit that instead.
#include "generated.h"

const shim_choices shim_policy_choices = {
    3, (const char *const[]){"MlpPolicy", "CnnPolicy", "LocalPolicy"}};

int shim_read_selfplay_configuration(
    PyObject *object, const char *name, int writes, shim_held *held, spars_selfplay_configuration *out) {
    static shim_name names[] = {
        {"n_steps", NULL}, {"gamma", NULL}, {"gae_lambda", NULL},
        {"opponent_update_interval", NULL}, {"reset_each_iteration", NULL},
        {"snapshot_interval", NULL}, {"input_shape", NULL}, {"seed", NULL}, {"policy", NULL},
        {"n_envs", NULL}, {"mask_actions", NULL}, {"record_steps", NULL},
    };
    PyObject *given[12] = {NULL};
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 12, given) &&
        shim_int64(given[0], "n_steps", &out->n_steps) &&
        shim_double(given[1], "gamma", &out->gamma) &&
        shim_double(given[2], "gae_lambda", &out->gae_lambda) &&
        shim_int64(given[3], "opponent_update_interval", &out->opponent_update_interval) &&
        shim_bool(given[4], "reset_each_iteration", &out->reset_each_iteration) &&
        shim_int64(given[5], "snapshot_interval", &out->snapshot_interval) &&
        shim_array(given[6], "input_shape", 'q', out->input_shape, 3) &&
        shim_uint64(given[7], "seed", &out->seed) &&
        shim_enum(given[8], "policy", &shim_policy_choices, &out->policy) &&
        shim_int64(given[9], "n_envs", &out->n_envs) &&
        shim_bool(given[10], "mask_actions", &out->mask_actions) &&
        shim_bool(given[11], "record_steps", &out->record_steps);
    shim_drop(given, 12);
    return read;
}

int shim_read_reference(
    PyObject *object, const char *name, int writes, shim_held *held, spars_reference *out) {
    static shim_name names[] = {
        {"grid", NULL}, {"planes", NULL}, {"marks", NULL}, {"total", NULL}, {"threshold", NULL},
    };
    PyObject *given[5] = {NULL};
    Py_buffer *view;
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 5, given) &&
        shim_array(given[0], "grid", 'q', out->grid, 3) &&
        shim_int64(given[3], "total", &out->total) &&
        shim_float(given[4], "threshold", &out->threshold) &&
        (view = shim_borrow(held, given[1], 'i', 0, "planes")) != NULL &&
        shim_holds(view, "planes", SHIM_EXTENTS(shim_sum(out->grid))) &&
        ((out->planes = view->buf), 1) &&
        (view = shim_borrow(held, given[2], 'i', 0, "marks")) != NULL &&
        shim_holds(view, "marks", SHIM_EXTENTS(out->grid[0], out->grid[1], out->grid[2])) &&
        ((out->marks = view->buf), 1);
    shim_drop(given, 5);
    return read;
}

PyObject *shim_make_selfplay_sizes(const spars_selfplay_sizes *record) {
    static PyStructSequence_Field fields[] = {
        {"iterations_in_all", NULL}, {"steps_in_all", NULL}, {"iterations", NULL}, {"steps", NULL},
        {"snapshots", NULL}, {"parameters", NULL}, {"opponent_parameters", NULL}, {"visits", NULL},
        {"counters", NULL}, {"shown", NULL},
        {NULL, NULL},
    };
    static shim_record_type type = {
        NULL, {"spars.selfplay_sizes", NULL, fields, 10}};
    PyObject *items[] = {
        PyLong_FromLongLong(record->iterations_in_all),
        PyLong_FromLongLong(record->steps_in_all),
        PyLong_FromLongLong(record->iterations),
        PyLong_FromLongLong(record->steps),
        PyLong_FromLongLong(record->snapshots),
        PyLong_FromLongLong(record->parameters),
        PyLong_FromLongLong(record->opponent_parameters),
        PyLong_FromLongLong(record->visits),
        PyLong_FromLongLong(record->counters),
        PyLong_FromLongLong(record->shown),
    };
    return shim_record(&type, items, 10);
}

int shim_read_selfplay_state(
    PyObject *object, const char *name, int writes, shim_held *held, spars_selfplay_state *out) {
    static shim_name names[] = {
        {"parameters", NULL}, {"moments", NULL}, {"opponent", NULL}, {"counters", NULL},
        {"visits", NULL}, {"visit_scores", NULL}, {"shown", NULL},
    };
    PyObject *given[7] = {NULL};
    Py_buffer *view;
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 7, given) &&
        (view = shim_borrow(held, given[0], 'f', writes, "parameters")) != NULL &&
        shim_counts(view, "parameters", SHIM_EXTENTS(1), &out->parameter_count) &&
        ((out->parameters = view->buf), 1) &&
        (view = shim_borrow(held, given[1], 'f', writes, "moments")) != NULL &&
        shim_holds(view, "moments", SHIM_EXTENTS(2, out->parameter_count)) &&
        ((out->moments = view->buf), 1) &&
        (view = shim_borrow(held, given[2], 'f', writes, "opponent")) != NULL &&
        shim_counts(view, "opponent", SHIM_EXTENTS(1), &out->opponent_count) &&
        ((out->opponent = view->buf), 1) &&
        (view = shim_borrow(held, given[3], 'q', writes, "counters")) != NULL &&
        shim_counts(view, "counters", SHIM_EXTENTS(1), &out->counter_count) &&
        ((out->counters = view->buf), 1) &&
        (view = shim_borrow(held, given[4], 'q', writes, "visits")) != NULL &&
        shim_counts(view, "visits", SHIM_EXTENTS(4), &out->visit_count) &&
        ((out->visits = view->buf), 1) &&
        (view = shim_borrow(held, given[5], 'f', writes, "visit_scores")) != NULL &&
        shim_holds(view, "visit_scores", SHIM_EXTENTS(out->visit_count)) &&
        ((out->visit_scores = view->buf), 1) &&
        (view = shim_borrow(held, given[6], 'q', writes, "shown")) != NULL &&
        shim_counts(view, "shown", SHIM_EXTENTS(4), &out->shown_count) &&
        ((out->shown = view->buf), 1);
    shim_drop(given, 7);
    return read;
}

static PyObject *selfplay_create(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle field = 0, run;
    spars_selfplay_configuration configuration;
    spars_ppo_hyperparameters hyperparameters;
    spars_reference reference;
    spars_exhaustion_rule rule;
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "selfplay_create(field, configuration, hyperparameters, reference, rule)", 5, given_count) &&
        shim_uint64(given[0], "field", &field) &&
        shim_read_selfplay_configuration(given[1], "configuration", 0, &held, &configuration) &&
        shim_read_ppo_hyperparameters(given[2], "hyperparameters", 0, &held, &hyperparameters) &&
        (given[3] == Py_None || shim_read_reference(given[3], "reference", 0, &held, &reference)) &&
        (given[4] == Py_None || shim_read_exhaustion_rule(given[4], "rule", 0, &held, &rule)) &&
        shim_control_init(&signals, Py_None) == 0;
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_create(
        field, &configuration, &hyperparameters, given[3] == Py_None ? NULL : &reference,
        given[4] == Py_None ? NULL : &rule, &signals.control, &run, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    PyObject *result = PyLong_FromUnsignedLongLong(run);
    if (result == NULL) spars_release(run);
    return result;
}

static PyObject *selfplay_run(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle run = 0;
    int64_t iterations = 0;
    spars_scorer scorer;
    shim_control progress;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "selfplay_run(run, iterations, scorer, progress)", 4, given_count) &&
        shim_uint64(given[0], "run", &run) &&
        shim_int64(given[1], "iterations", &iterations) &&
        shim_scorer(given[2], &scorer) == 0 &&
        shim_control_init(&progress, given[3]) == 0;
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_run(run, iterations, &scorer, &progress.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *selfplay_measure(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle run = 0;
    spars_selfplay_sizes sizes;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "selfplay_measure(run)", 1, given_count) &&
        shim_uint64(given[0], "run", &run);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_measure(run, &sizes, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return shim_make_selfplay_sizes(&sizes);
}

static PyObject *selfplay_records(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle run = 0;
    Py_buffer *records = NULL;
    int64_t count = 0;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "selfplay_records(run, records)", 2, given_count) &&
        shim_uint64(given[0], "run", &run) &&
        (records = shim_borrow(&held, given[1], 'd', 1, "records")) != NULL &&
        shim_counts(records, "records", SHIM_EXTENTS(1), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_records(run, records->buf, count, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *selfplay_steps(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle run = 0;
    Py_buffer *windows = NULL, *scores = NULL, *actions = NULL, *ends = NULL;
    int64_t count = 0;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "selfplay_steps(run, windows, scores, actions, ends)", 5, given_count) &&
        shim_uint64(given[0], "run", &run) &&
        (windows = shim_borrow(&held, given[1], 'i', 1, "windows")) != NULL &&
        shim_counts(windows, "windows", SHIM_EXTENTS(2, 3), &count) &&
        (scores = shim_borrow(&held, given[2], 'f', 1, "scores")) != NULL &&
        shim_holds(scores, "scores", SHIM_EXTENTS(count, 2)) &&
        (actions = shim_borrow(&held, given[3], 'b', 1, "actions")) != NULL &&
        shim_holds(actions, "actions", SHIM_EXTENTS(count, 2)) &&
        (ends = shim_borrow(&held, given[4], 'B', 1, "ends")) != NULL &&
        shim_holds(ends, "ends", SHIM_EXTENTS(count));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_steps(
        run, windows->buf, scores->buf, actions->buf, ends->buf, count, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *selfplay_map(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle run = 0;
    Py_buffer *map = NULL;
    int64_t count = 0;
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "selfplay_map(run, map)", 2, given_count) &&
        shim_uint64(given[0], "run", &run) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (map = shim_borrow(&held, given[1], 'f', 1, "map")) != NULL &&
        shim_counts(map, "map", SHIM_EXTENTS(1), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_map(run, map->buf, count, &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *selfplay_snapshot(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle run = 0;
    int64_t index = 0, count = 0, iteration;
    Py_buffer *parameters = NULL;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "selfplay_snapshot(run, index, parameters)", 3, given_count) &&
        shim_uint64(given[0], "run", &run) &&
        shim_int64(given[1], "index", &index) &&
        (parameters = shim_borrow(&held, given[2], 'f', 1, "parameters")) != NULL &&
        shim_counts(parameters, "parameters", SHIM_EXTENTS(1), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_snapshot(run, index, parameters->buf, count, &iteration, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return PyLong_FromLongLong(iteration);
}

static PyObject *selfplay_forget(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle run = 0;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "selfplay_forget(run)", 1, given_count) &&
        shim_uint64(given[0], "run", &run);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_forget(run, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *selfplay_get_state(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle run = 0;
    spars_selfplay_state state;
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "selfplay_get_state(run, state)", 2, given_count) &&
        shim_uint64(given[0], "run", &run) &&
        shim_read_selfplay_state(given[1], "state", 1, &held, &state) &&
        shim_control_init(&signals, Py_None) == 0;
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_get_state(run, &state, &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *selfplay_set_state(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle run = 0;
    spars_selfplay_state state;
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "selfplay_set_state(run, state)", 2, given_count) &&
        shim_uint64(given[0], "run", &run) &&
        shim_read_selfplay_state(given[1], "state", 0, &held, &state) &&
        shim_control_init(&signals, Py_None) == 0;
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_set_state(run, &state, &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *selfplay_set_hyperparameters(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle run = 0;
    spars_ppo_hyperparameters hyperparameters;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "selfplay_set_hyperparameters(run, hyperparameters)", 2, given_count) &&
        shim_uint64(given[0], "run", &run) &&
        shim_read_ppo_hyperparameters(given[1], "hyperparameters", 0, &held, &hyperparameters);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_set_hyperparameters(run, &hyperparameters, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *selfplay_learn_from_both(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle run = 0;
    int32_t both = 0, status;
    spars_error failure;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "selfplay_learn_from_both(run, both)", 2, given_count) &&
        shim_uint64(given[0], "run", &run) &&
        shim_bool(given[1], "both", &both);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_learn_from_both(run, both, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

PyMethodDef shim_selfplay_functions[] = {
    {"selfplay_create", SHIM_FASTCALL(selfplay_create), METH_FASTCALL, NULL},
    {"selfplay_run", SHIM_FASTCALL(selfplay_run), METH_FASTCALL, NULL},
    {"selfplay_measure", SHIM_FASTCALL(selfplay_measure), METH_FASTCALL, NULL},
    {"selfplay_records", SHIM_FASTCALL(selfplay_records), METH_FASTCALL, NULL},
    {"selfplay_steps", SHIM_FASTCALL(selfplay_steps), METH_FASTCALL, NULL},
    {"selfplay_map", SHIM_FASTCALL(selfplay_map), METH_FASTCALL, NULL},
    {"selfplay_snapshot", SHIM_FASTCALL(selfplay_snapshot), METH_FASTCALL, NULL},
    {"selfplay_forget", SHIM_FASTCALL(selfplay_forget), METH_FASTCALL, NULL},
    {"selfplay_get_state", SHIM_FASTCALL(selfplay_get_state), METH_FASTCALL, NULL},
    {"selfplay_set_state", SHIM_FASTCALL(selfplay_set_state), METH_FASTCALL, NULL},
    {"selfplay_set_hyperparameters", SHIM_FASTCALL(selfplay_set_hyperparameters), METH_FASTCALL, NULL},
    {"selfplay_learn_from_both", SHIM_FASTCALL(selfplay_learn_from_both), METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

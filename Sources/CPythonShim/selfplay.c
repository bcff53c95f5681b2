#include "shim.h"

static PyObject *ended(shim_held *held, int32_t status, const spars_error *error) {
    shim_release(held);
    return shim_none(status, error);
}

// selfplay_create(field, (n_steps, gamma, gae_lambda, opponent_update_interval, reset_each_iteration,
//                 snapshot_interval, policy_input, seed, policy, n_envs, mask_actions,
//                 record_steps), hyperparameters,
//                 (planes, marks, count, threshold, grid) or None,
//                 (final_factor, early_penalty, min_steps, repeat_penalty) or None) -> handle
static PyObject *selfplay_create(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long field, seed;
    long long n_steps, update_interval, snapshot_interval, input[3], n_envs, reference_count = 0;
    double gamma, gae_lambda;
    int reset, policy, masks, records;
    PyObject *hyper_object, *reference_object, *rule_object;
    if (!PyArg_ParseTuple(
            arguments, "K(LddLpL(LLL)KiLpp)OOO", &field, &n_steps, &gamma, &gae_lambda, &update_interval,
            &reset, &snapshot_interval, &input[0], &input[1], &input[2], &seed, &policy, &n_envs,
            &masks, &records, &hyper_object, &reference_object, &rule_object))
        return NULL;
    spars_selfplay_configuration configuration = {
        n_steps, gamma, gae_lambda, update_interval, reset, snapshot_interval,
        {input[0], input[1], input[2]}, seed, policy, n_envs, masks, records};
    spars_ppo_hyperparameters hyper;
    if (shim_hyperparameters(hyper_object, &hyper) != 0) return NULL;
    spars_exhaustion_rule rule;
    if (rule_object != Py_None) {
        long long min_steps;
        if (!PyArg_ParseTuple(
                rule_object, "ddLd", &rule.final_factor, &rule.early_penalty, &min_steps,
                &rule.repeat_penalty))
            return NULL;
        rule.min_steps = min_steps;
    }
    shim_held held = {.count = 0};
    spars_reference reference;
    if (reference_object != Py_None) {
        PyObject *planes, *marks;
        float threshold;
        // The grid's extent is the field's; counts are checked against it here.
        long long grid[3];
        if (!PyArg_ParseTuple(
                reference_object, "OOLf(LLL)", &planes, &marks, &reference_count, &threshold,
                &grid[0], &grid[1], &grid[2]))
            return NULL;
        for (int i = 0; i < 3; i++) {
            if (grid[i] < 1 || grid[i] > 1 << 14) {
                PyErr_SetString(PyExc_ValueError, "The 'grid' argument must be in [1, 16384].");
                return NULL;
            }
        }
        if (shim_hold(&held, planes, 'i', 0, grid[0] + grid[1] + grid[2], "planes") == NULL ||
            shim_hold(&held, marks, 'i', 0, grid[0] * grid[1] * grid[2], "marks") == NULL)
            return shim_abandoned(&held);
        reference = (spars_reference){
            held.views[0].buf, held.views[1].buf, reference_count, threshold};
    }
    spars_handle run = 0;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_create(
        field, &configuration, &hyper, reference_object == Py_None ? NULL : &reference,
        rule_object == Py_None ? NULL : &rule, &run, &error);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_handle(status, run, &error);
}

// selfplay_run(run, iterations, scorer, progress)
static PyObject *selfplay_run(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long run;
    long long iterations;
    PyObject *callable, *progress;
    if (!PyArg_ParseTuple(arguments, "KLOO", &run, &iterations, &callable, &progress)) return NULL;
    spars_scorer scorer;
    shim_control control;
    if (shim_scorer(callable, &scorer) != 0 || shim_control_init(&control, progress) != 0)
        return NULL;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_run(run, iterations, &scorer, &control.control, &error);
    Py_END_ALLOW_THREADS
    return shim_none(status, &error);
}

// selfplay_measure(run) -> the ten numbers of spars_selfplay_sizes
static PyObject *selfplay_measure(PyObject *module, PyObject *argument) {
    (void)module;
    unsigned long long run = PyLong_AsUnsignedLongLong(argument);
    if (PyErr_Occurred()) return NULL;
    spars_selfplay_sizes s;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_measure(run, &s, &error);
    Py_END_ALLOW_THREADS
    if (status != SPARS_OK) return shim_raise(&error);
    return Py_BuildValue(
        "(LLLLLLLLLL)", (long long)s.iterations_in_all, (long long)s.steps_in_all,
        (long long)s.iterations, (long long)s.steps, (long long)s.snapshots,
        (long long)s.parameters, (long long)s.opponent_parameters, (long long)s.visits,
        (long long)s.counters, (long long)s.shown);
}

// selfplay_records(run, records)
static PyObject *selfplay_records(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long run;
    PyObject *records;
    if (!PyArg_ParseTuple(arguments, "KO", &run, &records)) return NULL;
    shim_held held = {.count = 0};
    if (shim_hold(&held, records, 'd', 1, -1, "records") == NULL) return NULL;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_records(run, held.views[0].buf, shim_count(&held.views[0]), &error);
    Py_END_ALLOW_THREADS
    return ended(&held, status, &error);
}

// selfplay_steps(run, windows, scores, actions, ends)
static PyObject *selfplay_steps(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long run;
    PyObject *windows, *scores, *actions, *ends;
    if (!PyArg_ParseTuple(arguments, "KOOOO", &run, &windows, &scores, &actions, &ends)) return NULL;
    shim_held held = {.count = 0};
    if (shim_hold(&held, ends, 'B', 1, -1, "ends") == NULL) return NULL;
    Py_ssize_t n = shim_count(&held.views[0]);
    if (shim_hold(&held, windows, 'i', 1, 6 * n, "windows") == NULL ||
        shim_hold(&held, scores, 'f', 1, 2 * n, "scores") == NULL ||
        shim_hold(&held, actions, 'b', 1, 2 * n, "actions") == NULL)
            return shim_abandoned(&held);
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_steps(
        run, held.views[1].buf, held.views[2].buf, held.views[3].buf, held.views[0].buf, n, &error);
    Py_END_ALLOW_THREADS
    return ended(&held, status, &error);
}

// selfplay_map(run, map)
static PyObject *selfplay_map(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long run;
    PyObject *map;
    if (!PyArg_ParseTuple(arguments, "KO", &run, &map)) return NULL;
    shim_control control;
    shim_held held = {.count = 0};
    if (shim_control_init(&control, Py_None) != 0 || shim_hold(&held, map, 'f', 1, -1, "map") == NULL)
        return NULL;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_map(
        run, held.views[0].buf, shim_count(&held.views[0]), &control.control, &error);
    Py_END_ALLOW_THREADS
    return ended(&held, status, &error);
}

// selfplay_snapshot(run, index, parameters) -> iteration
static PyObject *selfplay_snapshot(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long run;
    long long index;
    PyObject *parameters;
    if (!PyArg_ParseTuple(arguments, "KLO", &run, &index, &parameters)) return NULL;
    shim_held held = {.count = 0};
    if (shim_hold(&held, parameters, 'f', 1, -1, "parameters") == NULL) return NULL;
    int64_t iteration = 0;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_snapshot(
        run, index, &iteration, held.views[0].buf, shim_count(&held.views[0]), &error);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&error);
    return PyLong_FromLongLong(iteration);
}

static PyObject *selfplay_forget(PyObject *module, PyObject *argument) {
    (void)module;
    unsigned long long run = PyLong_AsUnsignedLongLong(argument);
    if (PyErr_Occurred()) return NULL;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_forget(run, &error);
    Py_END_ALLOW_THREADS
    return shim_none(status, &error);
}

// selfplay_state(run, parameters, moments, opponent, counters, visits, visit_scores, shown, write):
// reads into the arrays, or goes on from them.
static PyObject *selfplay_state(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long run;
    PyObject *o[7];
    int write;
    if (!PyArg_ParseTuple(
            arguments, "KOOOOOOOp", &run, &o[0], &o[1], &o[2], &o[3], &o[4], &o[5], &o[6],
            &write))
        return NULL;
    shim_control control;
    shim_held held = {.count = 0};
    Py_ssize_t n = 0, m = 0;
    int failed = shim_control_init(&control, Py_None) != 0 ||
                 shim_hold(&held, o[0], 'f', !write, -1, "parameters") == NULL;
    if (!failed) n = shim_count(&held.views[0]);
    failed = failed || shim_hold(&held, o[1], 'f', !write, 2 * n, "moments") == NULL ||
             shim_hold(&held, o[2], 'f', !write, -1, "opponent") == NULL ||
             shim_hold(&held, o[3], 'q', !write, -1, "counters") == NULL ||
             shim_hold(&held, o[5], 'f', !write, -1, "visit_scores") == NULL;
    if (!failed) m = shim_count(&held.views[4]);
    if (failed || shim_hold(&held, o[4], 'q', !write, 4 * m, "visits") == NULL ||
        shim_hold(&held, o[6], 'q', !write, -1, "shown") == NULL)
            return shim_abandoned(&held);
    Py_buffer *v = held.views;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = write ? spars_selfplay_set_state(
                         run, v[0].buf, v[1].buf, n, v[2].buf, shim_count(&v[2]), v[3].buf,
                         shim_count(&v[3]), v[5].buf, v[4].buf, m, v[6].buf, shim_count(&v[6]) / 4,
                         &control.control, &error)
                   : spars_selfplay_get_state(
                         run, v[0].buf, v[1].buf, n, v[2].buf, shim_count(&v[2]), v[3].buf,
                         shim_count(&v[3]), v[5].buf, v[4].buf, m, v[6].buf, shim_count(&v[6]) / 4,
                         &error);
    Py_END_ALLOW_THREADS
    return ended(&held, status, &error);
}

PyMethodDef shim_selfplay_methods[] = {
    {"selfplay_create", selfplay_create, METH_VARARGS, NULL},
    {"selfplay_run", selfplay_run, METH_VARARGS, NULL},
    {"selfplay_measure", selfplay_measure, METH_O, NULL},
    {"selfplay_records", selfplay_records, METH_VARARGS, NULL},
    {"selfplay_steps", selfplay_steps, METH_VARARGS, NULL},
    {"selfplay_map", selfplay_map, METH_VARARGS, NULL},
    {"selfplay_snapshot", selfplay_snapshot, METH_VARARGS, NULL},
    {"selfplay_forget", selfplay_forget, METH_O, NULL},
    {"selfplay_state", selfplay_state, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

#include "shim.h"

#include <string.h>

// Reads a spars_policy_shape from (inputs, actions, policy widths, value widths).
int shim_policy_shape(PyObject *object, spars_policy_shape *shape) {
    long long inputs, actions;
    PyObject *widths[2];
    if (!PyArg_ParseTuple(object, "LLOO", &inputs, &actions, &widths[0], &widths[1])) return -1;
    memset(shape, 0, sizeof *shape);
    shape->inputs = inputs;
    shape->actions = actions;
    for (int net = 0; net < 2; net++) {
        int64_t *hidden = net == 0 ? shape->policy_hidden : shape->value_hidden;
        Py_ssize_t depth = PySequence_Size(widths[net]);
        if (depth < 0) return -1;
        *(net == 0 ? &shape->policy_depth : &shape->value_depth) = depth;
        for (Py_ssize_t i = 0; i < depth && i < 8; i++) {
            PyObject *item = PySequence_GetItem(widths[net], i);
            if (item == NULL) return -1;
            hidden[i] = PyLong_AsLongLong(item);
            Py_DECREF(item);
            if (hidden[i] == -1 && PyErr_Occurred()) return -1;
        }
    }
    return 0;
}

int shim_hyperparameters(PyObject *object, spars_ppo_hyperparameters *h) {
    long long n_epochs, batch_size;
    int normalize;
    if (!PyArg_ParseTuple(
            object, "dLLddpddddd", &h->learning_rate, &n_epochs, &batch_size, &h->clip_range,
            &h->clip_range_vf, &normalize, &h->ent_coef, &h->vf_coef, &h->max_grad_norm, &h->target_kl,
            &h->adam_eps))
        return -1;
    h->n_epochs = n_epochs;
    h->batch_size = batch_size;
    h->normalize_advantage = normalize;
    return 0;
}

// Borrows (observations, actions, values, log_probs, advantages, returns) of `inputs` columns.
static int rollout_from(
    shim_held *held, PyObject *object, char format, int64_t inputs, spars_rollout *rollout) {
    PyObject *o[6];
    if (!PyArg_ParseTuple(object, "OOOOOO", &o[0], &o[1], &o[2], &o[3], &o[4], &o[5])) return -1;
    Py_buffer *actions = shim_hold(held, o[1], 'q', 0, -1, "actions");
    if (actions == NULL) return -1;
    Py_ssize_t steps = shim_count(actions);
    if (inputs <= 0 || (steps > 0 && inputs > PY_SSIZE_T_MAX / steps)) {
        PyErr_SetString(PyExc_ValueError, "The rollout is too large.");
        return -1;
    }
    const char *names[] = {"observations", "actions", "values", "log_probs", "advantages", "returns"};
    const void *data[6];
    data[1] = actions->buf;
    for (int i = 0; i < 6; i++) {
        if (i == 1) continue;
        Py_buffer *view = shim_hold(held, o[i], format, 0, i == 0 ? steps * inputs : steps, names[i]);
        if (view == NULL) return -1;
        data[i] = view->buf;
    }
    *rollout = (spars_rollout){steps, data[0], data[1], data[2], data[3], data[4], data[5]};
    return 0;
}

// gae(steps, environments, rewards, values, episode_starts, last_values, last_episode_starts,
//     gamma, gae_lambda, advantages, returns)
static PyObject *ppo_gae(PyObject *module, PyObject *arguments) {
    (void)module;
    Py_ssize_t steps, environments;
    PyObject *o[7];
    double gamma, lambda;
    if (!PyArg_ParseTuple(
            arguments, "nnOOOOOddOO", &steps, &environments, &o[0], &o[1], &o[2], &o[3], &o[4], &gamma,
            &lambda, &o[5], &o[6]))
        return NULL;
    if (steps < 0 || environments < 1 || steps > PY_SSIZE_T_MAX / environments) {
        PyErr_SetString(PyExc_ValueError, "The arrays of gae are too large.");
        return NULL;
    }
    const char *names[] = {"rewards",    "values",  "episode_starts", "last_value", "last_episode_start",
                           "advantages", "returns"};
    shim_held held = {.count = 0};
    double *data[7];
    for (int i = 0; i < 7; i++) {
        Py_ssize_t count = i == 3 || i == 4 ? environments : steps * environments;
        Py_buffer *view = shim_hold(&held, o[i], 'd', i >= 5, count, names[i]);
        if (view == NULL) return shim_abandoned(&held);
        data[i] = view->buf;
    }
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_ppo_gae(
        steps, environments, data[0], data[1], data[2], data[3], data[4], gamma, lambda, data[5], data[6],
        &error);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &error);
}

// update(shape, hyperparameters, rollout, permutations, multiplicity or None, parameters, log, is_float64,
//        progress)
static PyObject *ppo_update(PyObject *module, PyObject *arguments) {
    (void)module;
    PyObject *shape_object, *hyper_object, *rollout_object, *permutations, *multiplicity, *parameters, *log;
    PyObject *progress;
    int is_double;
    if (!PyArg_ParseTuple(
            arguments, "OOOOOOOpO", &shape_object, &hyper_object, &rollout_object, &permutations,
            &multiplicity, &parameters, &log, &is_double, &progress))
        return NULL;
    spars_policy_shape shape;
    spars_ppo_hyperparameters hyper;
    spars_rollout rollout;
    shim_control control;
    char format = is_double ? 'd' : 'f';
    shim_held held = {.count = 0};
    Py_buffer *orders = NULL, *counts = NULL, *values = NULL, *logged = NULL;
    int ready = shim_policy_shape(shape_object, &shape) == 0 && shim_hyperparameters(hyper_object, &hyper) == 0 &&
                shim_control_init(&control, progress) == 0 &&
                rollout_from(&held, rollout_object, format, shape.inputs, &rollout) == 0 &&
                (orders = shim_hold(&held, permutations, 'q', 0, -1, "permutations")) != NULL;
    if (ready && multiplicity != Py_None) {
        counts = shim_hold(&held, multiplicity, 'q', 0, (Py_ssize_t)shape.inputs, "multiplicity");
        ready = counts != NULL;
    }
    ready = ready && (values = shim_hold(&held, parameters, format, 1, -1, "parameters")) != NULL &&
            (logged = shim_hold(&held, log, 'd', 1, SPARS_PPO_LOG_COUNT, "log")) != NULL;
    // The ABI reads n_epochs * steps permutation entries; both are checked against the buffer here.
    if (ready && (rollout.steps == 0 || shim_count(orders) % rollout.steps != 0 ||
                  shim_count(orders) / rollout.steps != hyper.n_epochs)) {
        PyErr_SetString(PyExc_ValueError, "The 'permutations' argument must be of shape (n_epochs, steps).");
        ready = 0;
    }
    if (!ready) return shim_abandoned(&held);
    spars_error error;
    int32_t status;
    const int64_t *multiplicities = counts == NULL ? NULL : counts->buf;
    Py_BEGIN_ALLOW_THREADS
    status = is_double ? spars_ppo_update_float64(
                             &shape, &hyper, &rollout, orders->buf, multiplicities, values->buf,
                             shim_count(values), logged->buf, &control.control, &error)
                       : spars_ppo_update_float32(
                             &shape, &hyper, &rollout, orders->buf, multiplicities, values->buf,
                             shim_count(values), logged->buf, &control.control, &error);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &error);
}

// permutations(rows, count, seed, out)
static PyObject *ppo_permutations(PyObject *module, PyObject *arguments) {
    (void)module;
    Py_ssize_t rows, count;
    unsigned long long seed;
    PyObject *out;
    if (!PyArg_ParseTuple(arguments, "nnKO", &rows, &count, &seed, &out)) return NULL;
    if (rows < 1 || count < 1 || rows > PY_SSIZE_T_MAX / count) {
        PyErr_SetString(PyExc_ValueError, "The 'permutations' argument is too large.");
        return NULL;
    }
    Py_buffer view;
    if (shim_get_buffer_of(out, 'q', 1, rows * count, "permutations", &view) != 0) return NULL;
    spars_error error;
    int32_t status = spars_ppo_permutations(rows, count, seed, view.buf, &error);
    PyBuffer_Release(&view);
    return shim_none(status, &error);
}

// create(shape, multiplicity or None, seed) -> handle
static PyObject *ppo_create(PyObject *module, PyObject *arguments) {
    (void)module;
    PyObject *shape_object, *multiplicity;
    unsigned long long seed;
    if (!PyArg_ParseTuple(arguments, "OOK", &shape_object, &multiplicity, &seed)) return NULL;
    spars_policy_shape shape;
    if (shim_policy_shape(shape_object, &shape) != 0) return NULL;
    shim_held held = {.count = 0};
    const int64_t *counts = NULL;
    if (multiplicity != Py_None) {
        Py_buffer *view = shim_hold(&held, multiplicity, 'q', 0, (Py_ssize_t)shape.inputs, "multiplicity");
        if (view == NULL) return NULL;
        counts = view->buf;
    }
    spars_handle learner = 0;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_ppo_create(&shape, counts, seed, &learner, &error);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_handle(status, learner, &error);
}

// Borrows observations of (batch, inputs) float32.
static Py_buffer *hold_observations(shim_held *held, PyObject *object, Py_ssize_t batch, Py_ssize_t inputs) {
    if (batch < 1 || inputs < 1 || batch > PY_SSIZE_T_MAX / inputs) {
        PyErr_SetString(PyExc_ValueError, "The 'observations' argument must not be empty.");
        return NULL;
    }
    return shim_hold(held, object, 'f', 0, batch * inputs, "observations");
}

// act(learner, observations, batch, inputs, deterministic, actions, log_probs)
static PyObject *ppo_act(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long learner;
    PyObject *observations, *actions, *log_probs;
    Py_ssize_t batch, inputs;
    int deterministic;
    if (!PyArg_ParseTuple(
            arguments, "KOnnpOO", &learner, &observations, &batch, &inputs, &deterministic, &actions,
            &log_probs))
        return NULL;
    shim_held held = {.count = 0};
    Py_buffer *in = NULL, *chosen = NULL, *logs = NULL;
    if ((in = hold_observations(&held, observations, batch, inputs)) == NULL ||
        (chosen = shim_hold(&held, actions, 'q', 1, batch, "actions")) == NULL ||
        (logs = shim_hold(&held, log_probs, 'f', 1, batch, "log_probs")) == NULL)
        return shim_abandoned(&held);
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_ppo_act(learner, in->buf, batch, inputs, deterministic, chosen->buf, logs->buf, &error);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &error);
}

// evaluate(learner, observations, batch, inputs, values or None, log_probs or None)
static PyObject *ppo_evaluate(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long learner;
    PyObject *observations, *values, *log_probs;
    Py_ssize_t batch, inputs;
    if (!PyArg_ParseTuple(
            arguments, "KOnnOO", &learner, &observations, &batch, &inputs, &values, &log_probs))
        return NULL;
    shim_held held = {.count = 0};
    Py_buffer *in = hold_observations(&held, observations, batch, inputs);
    Py_buffer *critic = NULL, *logs = NULL;
    int ready = in != NULL;
    if (ready && values != Py_None) {
        critic = shim_hold(&held, values, 'f', 1, batch, "values");
        ready = critic != NULL;
    }
    if (ready && log_probs != Py_None) {
        logs = shim_hold(&held, log_probs, 'f', 1, -1, "log_probs");
        ready = logs != NULL;
    }
    if (!ready) return shim_abandoned(&held);
    spars_error error;
    int32_t status = SPARS_OK;
    Py_BEGIN_ALLOW_THREADS
    if (critic != NULL) status = spars_ppo_values(learner, in->buf, batch, inputs, critic->buf, &error);
    if (status == SPARS_OK && logs != NULL)
        status = spars_ppo_log_probabilities(
            learner, in->buf, batch, inputs, logs->buf, shim_count(logs), &error);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &error);
}

// learn(learner, hyperparameters, rollout, inputs, log, progress)
static PyObject *ppo_learn(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long learner;
    PyObject *hyper_object, *rollout_object, *log, *progress;
    Py_ssize_t inputs;
    if (!PyArg_ParseTuple(
            arguments, "KOOnOO", &learner, &hyper_object, &rollout_object, &inputs, &log, &progress))
        return NULL;
    spars_ppo_hyperparameters hyper;
    spars_rollout rollout;
    shim_control control;
    shim_held held = {.count = 0};
    Py_buffer *logged = NULL;
    if (shim_hyperparameters(hyper_object, &hyper) != 0 || shim_control_init(&control, progress) != 0 ||
        rollout_from(&held, rollout_object, 'f', inputs, &rollout) != 0 ||
        (logged = shim_hold(&held, log, 'd', 1, SPARS_PPO_LOG_COUNT, "log")) == NULL)
        return shim_abandoned(&held);
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_ppo_learn(learner, &hyper, &rollout, inputs, logged->buf, &control.control, &error);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &error);
}

// parameters(learner, array, write): reads into the array, or replaces from it.
static PyObject *ppo_parameters(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long learner;
    PyObject *array;
    int write;
    if (!PyArg_ParseTuple(arguments, "KOp", &learner, &array, &write)) return NULL;
    Py_buffer view;
    if (shim_get_buffer(array, 'f', !write, "parameters", &view) != 0) return NULL;
    spars_error error;
    int32_t status = write ? spars_ppo_set_parameters(learner, view.buf, shim_count(&view), &error)
                           : spars_ppo_get_parameters(learner, view.buf, shim_count(&view), &error);
    PyBuffer_Release(&view);
    return shim_none(status, &error);
}

// state(learner, moments, counters, write): reads into the arrays, or replaces from them.
static PyObject *ppo_state(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long learner;
    PyObject *moments, *counters;
    int write;
    if (!PyArg_ParseTuple(arguments, "KOOp", &learner, &moments, &counters, &write)) return NULL;
    shim_held held = {.count = 0};
    Py_buffer *m = NULL, *c = NULL;
    // The counters travel as int64 with the same bits.
    if ((m = shim_hold(&held, moments, 'f', !write, -1, "moments")) == NULL ||
        (c = shim_hold(&held, counters, 'q', !write, 6, "counters")) == NULL)
        return shim_abandoned(&held);
    spars_error error;
    int32_t status = write ? spars_ppo_set_state(learner, m->buf, shim_count(m), c->buf, &error)
                           : spars_ppo_get_state(learner, m->buf, shim_count(m), c->buf, &error);
    shim_release(&held);
    return shim_none(status, &error);
}

PyMethodDef shim_ppo_methods[] = {
    {"ppo_gae", ppo_gae, METH_VARARGS, NULL},
    {"ppo_update", ppo_update, METH_VARARGS, NULL},
    {"ppo_permutations", ppo_permutations, METH_VARARGS, NULL},
    {"ppo_create", ppo_create, METH_VARARGS, NULL},
    {"ppo_act", ppo_act, METH_VARARGS, NULL},
    {"ppo_evaluate", ppo_evaluate, METH_VARARGS, NULL},
    {"ppo_learn", ppo_learn, METH_VARARGS, NULL},
    {"ppo_parameters", ppo_parameters, METH_VARARGS, NULL},
    {"ppo_state", ppo_state, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

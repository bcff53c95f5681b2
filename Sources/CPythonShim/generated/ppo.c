// Made by `make generate` from Sources/CSPARS/description: edit that instead.
#include "generated.h"

const shim_choices shim_precision_choices = {
    2, (const char *const[]){"float32", "float64"}};

int shim_read_policy_shape(
    PyObject *object, const char *name, int writes, shim_held *held, spars_policy_shape *out) {
    static shim_name names[] = {
        {"inputs", NULL}, {"actions", NULL}, {"policy_hidden", NULL}, {"value_hidden", NULL},
    };
    PyObject *given[4] = {NULL};
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 4, given) &&
        shim_int64(given[0], "inputs", &out->inputs) &&
        shim_int64(given[1], "actions", &out->actions) &&
        shim_list(given[2], "policy_hidden", out->policy_hidden, 8, &out->policy_depth) &&
        shim_list(given[3], "value_hidden", out->value_hidden, 8, &out->value_depth);
    shim_drop(given, 4);
    return read;
}

int shim_read_ppo_hyperparameters(
    PyObject *object, const char *name, int writes, shim_held *held, spars_ppo_hyperparameters *out) {
    static shim_name names[] = {
        {"learning_rate", NULL}, {"n_epochs", NULL}, {"batch_size", NULL}, {"clip_range", NULL},
        {"clip_range_vf", NULL}, {"normalize_advantage", NULL}, {"ent_coef", NULL},
        {"vf_coef", NULL}, {"max_grad_norm", NULL}, {"target_kl", NULL}, {"adam_eps", NULL},
    };
    PyObject *given[11] = {NULL};
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 11, given) &&
        shim_double(given[0], "learning_rate", &out->learning_rate) &&
        shim_int64(given[1], "n_epochs", &out->n_epochs) &&
        shim_int64(given[2], "batch_size", &out->batch_size) &&
        shim_double(given[3], "clip_range", &out->clip_range) &&
        shim_double_or_nan(given[4], "clip_range_vf", &out->clip_range_vf) &&
        shim_bool(given[5], "normalize_advantage", &out->normalize_advantage) &&
        shim_double(given[6], "ent_coef", &out->ent_coef) &&
        shim_double(given[7], "vf_coef", &out->vf_coef) &&
        shim_double(given[8], "max_grad_norm", &out->max_grad_norm) &&
        shim_double_or_nan(given[9], "target_kl", &out->target_kl) &&
        shim_double(given[10], "adam_eps", &out->adam_eps);
    shim_drop(given, 11);
    return read;
}

int shim_read_collected(
    PyObject *object, const char *name, int writes, shim_held *held, spars_collected *out) {
    static shim_name names[] = {
        {"rewards", NULL}, {"values", NULL}, {"episode_starts", NULL}, {"last_value", NULL},
        {"last_episode_start", NULL},
    };
    PyObject *given[5] = {NULL};
    Py_buffer *view;
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 5, given) &&
        (view = shim_borrow(held, given[3], 'd', 0, "last_value")) != NULL &&
        shim_counts(view, "last_value", SHIM_EXTENTS(1), &out->environments) &&
        ((out->last_value = view->buf), 1) &&
        (view = shim_borrow(held, given[0], 'd', 0, "rewards")) != NULL &&
        shim_counts(view, "rewards", SHIM_EXTENTS(out->environments), &out->steps) &&
        ((out->rewards = view->buf), 1) &&
        (view = shim_borrow(held, given[1], 'd', 0, "values")) != NULL &&
        shim_holds(view, "values", SHIM_EXTENTS(out->steps, out->environments)) &&
        ((out->values = view->buf), 1) &&
        (view = shim_borrow(held, given[2], 'd', 0, "episode_starts")) != NULL &&
        shim_holds(view, "episode_starts", SHIM_EXTENTS(out->steps, out->environments)) &&
        ((out->episode_starts = view->buf), 1) &&
        (view = shim_borrow(held, given[4], 'd', 0, "last_episode_start")) != NULL &&
        shim_holds(view, "last_episode_start", SHIM_EXTENTS(out->environments)) &&
        ((out->last_episode_start = view->buf), 1);
    shim_drop(given, 5);
    return read;
}

int shim_read_rollout(
    PyObject *object, const char *name, int writes, shim_held *held, spars_rollout *out) {
    static shim_name names[] = {
        {"precision", NULL}, {"observations", NULL}, {"actions", NULL}, {"values", NULL},
        {"log_probs", NULL}, {"advantages", NULL}, {"returns", NULL},
    };
    PyObject *given[7] = {NULL};
    Py_buffer *view;
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 7, given) &&
        shim_enum(given[0], "precision", &shim_precision_choices, &out->precision) &&
        (view = shim_borrow(held, given[2], 'q', 0, "actions")) != NULL &&
        shim_counts(view, "actions", SHIM_EXTENTS(1), &out->steps) &&
        ((out->actions = view->buf), 1) &&
        (view = shim_borrow(held, given[1], "fd"[out->precision], 0, "observations")) != NULL &&
        shim_counts(view, "observations", SHIM_EXTENTS(out->steps), &out->inputs) &&
        ((out->observations = view->buf), 1) &&
        (view = shim_borrow(held, given[3], "fd"[out->precision], 0, "values")) != NULL &&
        shim_holds(view, "values", SHIM_EXTENTS(out->steps)) &&
        ((out->values = view->buf), 1) &&
        (view = shim_borrow(held, given[4], "fd"[out->precision], 0, "log_probs")) != NULL &&
        shim_holds(view, "log_probs", SHIM_EXTENTS(out->steps)) &&
        ((out->log_probs = view->buf), 1) &&
        (view = shim_borrow(held, given[5], "fd"[out->precision], 0, "advantages")) != NULL &&
        shim_holds(view, "advantages", SHIM_EXTENTS(out->steps)) &&
        ((out->advantages = view->buf), 1) &&
        (view = shim_borrow(held, given[6], "fd"[out->precision], 0, "returns")) != NULL &&
        shim_holds(view, "returns", SHIM_EXTENTS(out->steps)) &&
        ((out->returns = view->buf), 1);
    shim_drop(given, 7);
    return read;
}

int shim_read_ppo_step(
    PyObject *object, const char *name, int writes, shim_held *held, spars_ppo_step *out) {
    static shim_name names[] = {
        {"shape", NULL}, {"hyperparameters", NULL}, {"rollout", NULL}, {"permutations", NULL},
        {"multiplicity", NULL}, {"parameters", NULL},
    };
    PyObject *given[6] = {NULL};
    Py_buffer *view;
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 6, given) &&
        shim_read_policy_shape(given[0], "shape", 0, held, &out->shape) &&
        shim_read_ppo_hyperparameters(given[1], "hyperparameters", 0, held, &out->hyperparameters) &&
        shim_read_rollout(given[2], "rollout", 0, held, &out->rollout) &&
        (view = shim_borrow(held, given[3], 'q', 0, "permutations")) != NULL &&
        shim_holds(view, "permutations", SHIM_EXTENTS(out->hyperparameters.n_epochs, out->rollout.steps)) &&
        ((out->permutations = view->buf), 1) &&
        (given[4] == Py_None || ((view = shim_borrow(held, given[4], 'q', 0, "multiplicity")) != NULL && shim_holds(view, "multiplicity", SHIM_EXTENTS(out->shape.inputs)) && ((out->multiplicity = view->buf), 1))) &&
        (view = shim_borrow(held, given[5], "fd"[out->rollout.precision], 1, "parameters")) != NULL &&
        shim_counts(view, "parameters", SHIM_EXTENTS(1), &out->parameter_count) &&
        ((out->parameters = view->buf), 1);
    shim_drop(given, 6);
    return read;
}

static PyObject *ppo_gae(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_collected collected;
    double gamma = 0, gae_lambda = 0;
    Py_buffer *advantages = NULL, *returns = NULL;
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "ppo_gae(collected, gamma, gae_lambda, advantages, returns)", 5, given_count) &&
        shim_read_collected(given[0], "collected", 0, &held, &collected) &&
        shim_double(given[1], "gamma", &gamma) &&
        shim_double(given[2], "gae_lambda", &gae_lambda) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (advantages = shim_borrow(&held, given[3], 'd', 1, "advantages")) != NULL &&
        shim_holds(advantages, "advantages", SHIM_EXTENTS(collected.steps, collected.environments)) &&
        (returns = shim_borrow(&held, given[4], 'd', 1, "returns")) != NULL &&
        shim_holds(returns, "returns", SHIM_EXTENTS(collected.steps, collected.environments));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_ppo_gae(
        &collected, gamma, gae_lambda, advantages->buf, returns->buf, &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *ppo_update(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_ppo_step update;
    shim_control progress;
    double log[8];
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "ppo_update(update, progress)", 2, given_count) &&
        shim_read_ppo_step(given[0], "update", 0, &held, &update) &&
        shim_control_init(&progress, given[1]) == 0;
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_ppo_update(&update, &progress.control, log, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return shim_tuple('d', log, 8);
}

static PyObject *ppo_permutations(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    Py_buffer *permutations = NULL;
    int64_t rows = 0, count = 0;
    uint64_t seed = 0;
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "ppo_permutations(permutations, rows, seed)", 3, given_count) &&
        shim_int64(given[1], "rows", &rows) &&
        shim_uint64(given[2], "seed", &seed) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (permutations = shim_borrow(&held, given[0], 'q', 1, "permutations")) != NULL &&
        shim_counts(permutations, "permutations", SHIM_EXTENTS(rows), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_ppo_permutations(
        permutations->buf, rows, count, seed, &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *ppo_create(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_policy_shape shape;
    Py_buffer *multiplicity = NULL;
    uint64_t seed = 0;
    shim_control signals;
    spars_handle learner;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "ppo_create(shape, multiplicity, seed)", 3, given_count) &&
        shim_read_policy_shape(given[0], "shape", 0, &held, &shape) &&
        shim_uint64(given[2], "seed", &seed) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (given[1] == Py_None || ((multiplicity = shim_borrow(&held, given[1], 'q', 0, "multiplicity")) != NULL && shim_holds(multiplicity, "multiplicity", SHIM_EXTENTS(shape.inputs))));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_ppo_create(
        &shape, SHIM_DATA(multiplicity), seed, &signals.control, &learner, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    PyObject *result = PyLong_FromUnsignedLongLong(learner);
    if (result == NULL) spars_release(learner);
    return result;
}

static PyObject *ppo_act(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle learner = 0;
    Py_buffer *observations = NULL, *actions = NULL, *log_probs = NULL;
    int64_t batch = 0, inputs = 0;
    int32_t deterministic = 0, status;
    shim_control signals;
    spars_error failure;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "ppo_act(learner, observations, deterministic, actions, log_probs)", 5, given_count) &&
        shim_uint64(given[0], "learner", &learner) &&
        shim_bool(given[2], "deterministic", &deterministic) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (actions = shim_borrow(&held, given[3], 'q', 1, "actions")) != NULL &&
        shim_counts(actions, "actions", SHIM_EXTENTS(1), &batch) &&
        (observations = shim_borrow(&held, given[1], 'f', 0, "observations")) != NULL &&
        shim_counts(observations, "observations", SHIM_EXTENTS(batch), &inputs) &&
        (log_probs = shim_borrow(&held, given[4], 'f', 1, "log_probs")) != NULL &&
        shim_holds(log_probs, "log_probs", SHIM_EXTENTS(batch));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_ppo_act(
        learner, observations->buf, batch, inputs, deterministic, actions->buf, log_probs->buf,
        &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *ppo_log_probabilities(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle learner = 0;
    Py_buffer *observations = NULL, *log_probs = NULL;
    int64_t batch = 0, inputs = 0, actions = 0;
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "ppo_log_probabilities(learner, observations, log_probs)", 3, given_count) &&
        shim_uint64(given[0], "learner", &learner) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (observations = shim_borrow(&held, given[1], 'f', 0, "observations")) != NULL &&
        shim_shapes(observations, "observations", SHIM_AXES(&batch, &inputs)) &&
        (log_probs = shim_borrow(&held, given[2], 'f', 1, "log_probs")) != NULL &&
        shim_counts(log_probs, "log_probs", SHIM_EXTENTS(batch), &actions);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_ppo_log_probabilities(
        learner, observations->buf, batch, inputs, log_probs->buf, actions, &signals.control,
        &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *ppo_values(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle learner = 0;
    Py_buffer *observations = NULL, *values = NULL;
    int64_t batch = 0, inputs = 0;
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "ppo_values(learner, observations, values)", 3, given_count) &&
        shim_uint64(given[0], "learner", &learner) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (values = shim_borrow(&held, given[2], 'f', 1, "values")) != NULL &&
        shim_counts(values, "values", SHIM_EXTENTS(1), &batch) &&
        (observations = shim_borrow(&held, given[1], 'f', 0, "observations")) != NULL &&
        shim_counts(observations, "observations", SHIM_EXTENTS(batch), &inputs);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_ppo_values(
        learner, observations->buf, batch, inputs, values->buf, &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *ppo_learn(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle learner = 0;
    spars_ppo_hyperparameters hyperparameters;
    spars_rollout rollout;
    shim_control progress;
    double log[8];
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "ppo_learn(learner, hyperparameters, rollout, progress)", 4, given_count) &&
        shim_uint64(given[0], "learner", &learner) &&
        shim_read_ppo_hyperparameters(given[1], "hyperparameters", 0, &held, &hyperparameters) &&
        shim_read_rollout(given[2], "rollout", 0, &held, &rollout) &&
        shim_control_init(&progress, given[3]) == 0;
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_ppo_learn(learner, &hyperparameters, &rollout, &progress.control, log, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return shim_tuple('d', log, 8);
}

static PyObject *ppo_get_parameters(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle learner = 0;
    Py_buffer *parameters = NULL;
    int64_t count = 0;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "ppo_get_parameters(learner, parameters)", 2, given_count) &&
        shim_uint64(given[0], "learner", &learner) &&
        (parameters = shim_borrow(&held, given[1], 'f', 1, "parameters")) != NULL &&
        shim_counts(parameters, "parameters", SHIM_EXTENTS(1), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_ppo_get_parameters(learner, parameters->buf, count, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *ppo_set_parameters(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle learner = 0;
    Py_buffer *parameters = NULL;
    int64_t count = 0;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "ppo_set_parameters(learner, parameters)", 2, given_count) &&
        shim_uint64(given[0], "learner", &learner) &&
        (parameters = shim_borrow(&held, given[1], 'f', 0, "parameters")) != NULL &&
        shim_counts(parameters, "parameters", SHIM_EXTENTS(1), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_ppo_set_parameters(learner, parameters->buf, count, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *ppo_get_state(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle learner = 0;
    Py_buffer *moments = NULL, *counters = NULL;
    int64_t count = 0;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "ppo_get_state(learner, moments, counters)", 3, given_count) &&
        shim_uint64(given[0], "learner", &learner) &&
        (moments = shim_borrow(&held, given[1], 'f', 1, "moments")) != NULL &&
        shim_counts(moments, "moments", SHIM_EXTENTS(1), &count) &&
        (counters = shim_borrow(&held, given[2], 'q', 1, "counters")) != NULL &&
        shim_holds(counters, "counters", SHIM_EXTENTS(6));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_ppo_get_state(learner, moments->buf, count, counters->buf, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *ppo_set_state(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle learner = 0;
    Py_buffer *moments = NULL, *counters = NULL;
    int64_t count = 0;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "ppo_set_state(learner, moments, counters)", 3, given_count) &&
        shim_uint64(given[0], "learner", &learner) &&
        (moments = shim_borrow(&held, given[1], 'f', 0, "moments")) != NULL &&
        shim_counts(moments, "moments", SHIM_EXTENTS(1), &count) &&
        (counters = shim_borrow(&held, given[2], 'q', 0, "counters")) != NULL &&
        shim_holds(counters, "counters", SHIM_EXTENTS(6));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_ppo_set_state(learner, moments->buf, count, counters->buf, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

PyMethodDef shim_ppo_functions[] = {
    {"ppo_gae", SHIM_FASTCALL(ppo_gae), METH_FASTCALL, NULL},
    {"ppo_update", SHIM_FASTCALL(ppo_update), METH_FASTCALL, NULL},
    {"ppo_permutations", SHIM_FASTCALL(ppo_permutations), METH_FASTCALL, NULL},
    {"ppo_create", SHIM_FASTCALL(ppo_create), METH_FASTCALL, NULL},
    {"ppo_act", SHIM_FASTCALL(ppo_act), METH_FASTCALL, NULL},
    {"ppo_log_probabilities", SHIM_FASTCALL(ppo_log_probabilities), METH_FASTCALL, NULL},
    {"ppo_values", SHIM_FASTCALL(ppo_values), METH_FASTCALL, NULL},
    {"ppo_learn", SHIM_FASTCALL(ppo_learn), METH_FASTCALL, NULL},
    {"ppo_get_parameters", SHIM_FASTCALL(ppo_get_parameters), METH_FASTCALL, NULL},
    {"ppo_set_parameters", SHIM_FASTCALL(ppo_set_parameters), METH_FASTCALL, NULL},
    {"ppo_get_state", SHIM_FASTCALL(ppo_get_state), METH_FASTCALL, NULL},
    {"ppo_set_state", SHIM_FASTCALL(ppo_set_state), METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

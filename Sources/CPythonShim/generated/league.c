// Made by `make generate` from Sources/CSPARS/description: edit that instead.
#include "generated.h"

int shim_read_league_games(
    PyObject *object, const char *name, int writes, shim_held *held, spars_league_games *out) {
    static shim_name names[] = {
        {"first", NULL}, {"second", NULL}, {"start", NULL}, {"steps", NULL}, {"seed", NULL},
        {"rewards", NULL}, {"lengths", NULL},
    };
    PyObject *given[7] = {NULL};
    Py_buffer *view;
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 7, given) &&
        shim_int64(given[0], "first", &out->first) &&
        shim_int64(given[1], "second", &out->second) &&
        shim_int64(given[2], "start", &out->start) &&
        shim_int64(given[3], "steps", &out->steps) &&
        shim_uint64(given[4], "seed", &out->seed) &&
        (view = shim_borrow(held, given[5], 'd', 1, "rewards")) != NULL &&
        shim_counts(view, "rewards", SHIM_EXTENTS(1), &out->count) &&
        ((out->rewards = view->buf), 1) &&
        (view = shim_borrow(held, given[6], 'q', 1, "lengths")) != NULL &&
        shim_holds(view, "lengths", SHIM_EXTENTS(out->count)) &&
        ((out->lengths = view->buf), 1);
    shim_drop(given, 7);
    return read;
}

static PyObject *league_create(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle field = 0, league;
    int32_t policy = 0, mask_actions = 0, status;
    spars_policy_shape shape;
    spars_error failure;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "league_create(field, policy, mask_actions, shape)", 4, given_count) &&
        shim_uint64(given[0], "field", &field) &&
        shim_enum(given[1], "policy", &shim_policy_choices, &policy) &&
        shim_bool(given[2], "mask_actions", &mask_actions) &&
        shim_read_policy_shape(given[3], "shape", 0, &held, &shape);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_league_create(field, policy, mask_actions, &shape, &league, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    PyObject *result = PyLong_FromUnsignedLongLong(league);
    if (result == NULL) spars_release(league);
    return result;
}

static PyObject *league_add(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle league = 0;
    Py_buffer *parameters = NULL;
    int64_t count = 0, player;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "league_add(league, parameters)", 2, given_count) &&
        shim_uint64(given[0], "league", &league) &&
        (parameters = shim_borrow(&held, given[1], 'f', 0, "parameters")) != NULL &&
        shim_counts(parameters, "parameters", SHIM_EXTENTS(1), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_league_add(league, parameters->buf, count, &player, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return PyLong_FromLongLong(player);
}

static PyObject *league_play(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle league = 0;
    spars_league_games games;
    spars_scorer scorer;
    shim_control progress;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "league_play(league, games, scorer, progress)", 4, given_count) &&
        shim_uint64(given[0], "league", &league) &&
        shim_read_league_games(given[1], "games", 0, &held, &games) &&
        shim_scorer(given[2], &scorer) == 0 &&
        shim_control_init(&progress, given[3]) == 0;
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_league_play(league, &games, &scorer, &progress.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

PyMethodDef shim_league_functions[] = {
    {"league_create", SHIM_FASTCALL(league_create), METH_FASTCALL, NULL},
    {"league_add", SHIM_FASTCALL(league_add), METH_FASTCALL, NULL},
    {"league_play", SHIM_FASTCALL(league_play), METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

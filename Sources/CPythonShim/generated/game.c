// Made by `make generate` from Sources/CSPARS/description: edit that instead.
#include "generated.h"

const shim_choices shim_maps_choices = {
    3, (const char *const[]){"none", "episode", "run"}};

const shim_choices shim_agent_choices = {
    2, (const char *const[]){"learner", "opponent"}};

int shim_read_game_outcomes(
    PyObject *object, const char *name, int writes, shim_held *held, spars_game_outcomes *out) {
    static shim_name names[] = {
        {"rewards", NULL}, {"terminated", NULL}, {"truncated", NULL}, {"scores", NULL},
    };
    PyObject *given[4] = {NULL};
    Py_buffer *view;
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 4, given) &&
        (view = shim_borrow(held, given[0], 'f', 1, "rewards")) != NULL &&
        shim_counts(view, "rewards", SHIM_EXTENTS(1), &out->count) &&
        ((out->rewards = view->buf), 1) &&
        (view = shim_borrow(held, given[1], '?', 1, "terminated")) != NULL &&
        shim_holds(view, "terminated", SHIM_EXTENTS(out->count)) &&
        ((out->terminated = view->buf), 1) &&
        (view = shim_borrow(held, given[2], '?', 1, "truncated")) != NULL &&
        shim_holds(view, "truncated", SHIM_EXTENTS(out->count)) &&
        ((out->truncated = view->buf), 1) &&
        (view = shim_borrow(held, given[3], 'f', 1, "scores")) != NULL &&
        shim_holds(view, "scores", SHIM_EXTENTS(out->count, 2)) &&
        ((out->scores = view->buf), 1);
    shim_drop(given, 4);
    return read;
}

static PyObject *game_create(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle field = 0, game;
    int64_t count = 0;
    int32_t resets_itself = 0, maps = 0, status;
    spars_error failure;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "game_create(field, count, resets_itself, maps)", 4, given_count) &&
        shim_uint64(given[0], "field", &field) &&
        shim_int64(given[1], "count", &count) &&
        shim_bool(given[2], "resets_itself", &resets_itself) &&
        shim_enum(given[3], "maps", &shim_maps_choices, &maps);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_game_create(field, count, resets_itself, maps, &game, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    PyObject *result = PyLong_FromUnsignedLongLong(game);
    if (result == NULL) spars_release(game);
    return result;
}

static PyObject *game_reset(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle game = 0;
    int64_t index = 0;
    int32_t keep_map = 0, status;
    spars_error failure;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "game_reset(game, index, keep_map)", 3, given_count) &&
        shim_uint64(given[0], "game", &game) &&
        shim_int64(given[1], "index", &index) &&
        shim_bool(given[2], "keep_map", &keep_map);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_game_reset(game, index, keep_map, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *game_step(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle game = 0;
    Py_buffer *learner = NULL, *opponent = NULL;
    spars_game_outcomes outcomes;
    spars_scorer scorer;
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "game_step(game, learner, opponent, outcomes, scorer)", 5, given_count) &&
        shim_uint64(given[0], "game", &game) &&
        shim_read_game_outcomes(given[3], "outcomes", 0, &held, &outcomes) &&
        shim_scorer(given[4], &scorer) == 0 &&
        shim_control_init(&signals, Py_None) == 0 &&
        (learner = shim_borrow(&held, given[1], 'b', 0, "learner")) != NULL &&
        shim_holds(learner, "learner", SHIM_EXTENTS(outcomes.count)) &&
        (opponent = shim_borrow(&held, given[2], 'b', 0, "opponent")) != NULL &&
        shim_holds(opponent, "opponent", SHIM_EXTENTS(outcomes.count));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_game_step(
        game, learner->buf, opponent->buf, &outcomes, &scorer, &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *game_windows(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle game = 0;
    Py_buffer *windows = NULL, *steps = NULL;
    int64_t count = 0;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "game_windows(game, windows, steps)", 3, given_count) &&
        shim_uint64(given[0], "game", &game) &&
        (windows = shim_borrow(&held, given[1], 'q', 1, "windows")) != NULL &&
        shim_counts(windows, "windows", SHIM_EXTENTS(2, 3), &count) &&
        (steps = shim_borrow(&held, given[2], 'q', 1, "steps")) != NULL &&
        shim_holds(steps, "steps", SHIM_EXTENTS(count));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_game_windows(game, windows->buf, steps->buf, count, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *game_restore(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle game = 0;
    int64_t index = 0, windows[6], steps = 0;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "game_restore(game, index, windows, steps)", 4, given_count) &&
        shim_uint64(given[0], "game", &game) &&
        shim_int64(given[1], "index", &index) &&
        shim_array(given[2], "windows", 'q', windows, 6) &&
        shim_int64(given[3], "steps", &steps);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_game_restore(game, index, windows, steps, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *game_observation(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle game = 0;
    int64_t index = 0, shape[3];
    int32_t agent = 0, status;
    Py_buffer *observation = NULL;
    spars_error failure;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "game_observation(game, index, agent, observation)", 4, given_count) &&
        shim_uint64(given[0], "game", &game) &&
        shim_int64(given[1], "index", &index) &&
        shim_enum(given[2], "agent", &shim_agent_choices, &agent) &&
        (observation = shim_borrow(&held, given[3], 'f', 1, "observation")) != NULL &&
        shim_shapes(observation, "observation", SHIM_AXES(&shape[0], &shape[1], &shape[2]));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_game_observation(game, index, agent, observation->buf, shape, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *game_map(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle game = 0;
    int64_t index = 0, count = 0;
    Py_buffer *map = NULL;
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "game_map(game, index, map)", 3, given_count) &&
        shim_uint64(given[0], "game", &game) &&
        shim_int64(given[1], "index", &index) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (map = shim_borrow(&held, given[2], 'f', 1, "map")) != NULL &&
        shim_counts(map, "map", SHIM_EXTENTS(1), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_game_map(game, index, map->buf, count, &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *game_visit_count(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle game = 0;
    int64_t index = 0, count;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "game_visit_count(game, index)", 2, given_count) &&
        shim_uint64(given[0], "game", &game) &&
        shim_int64(given[1], "index", &index);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_game_visit_count(game, index, &count, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return PyLong_FromLongLong(count);
}

static PyObject *game_set_visits(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle game = 0;
    int64_t index = 0, count = 0;
    Py_buffer *visits = NULL, *scores = NULL;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "game_set_visits(game, index, visits, scores)", 4, given_count) &&
        shim_uint64(given[0], "game", &game) &&
        shim_int64(given[1], "index", &index) &&
        (visits = shim_borrow(&held, given[2], 'q', 0, "visits")) != NULL &&
        shim_counts(visits, "visits", SHIM_EXTENTS(4), &count) &&
        (scores = shim_borrow(&held, given[3], 'f', 0, "scores")) != NULL &&
        shim_holds(scores, "scores", SHIM_EXTENTS(count));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_game_set_visits(game, index, visits->buf, scores->buf, count, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *game_visits(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle game = 0;
    int64_t index = 0, count = 0;
    Py_buffer *visits = NULL, *scores = NULL;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "game_visits(game, index, visits, scores)", 4, given_count) &&
        shim_uint64(given[0], "game", &game) &&
        shim_int64(given[1], "index", &index) &&
        (visits = shim_borrow(&held, given[2], 'q', 1, "visits")) != NULL &&
        shim_counts(visits, "visits", SHIM_EXTENTS(4), &count) &&
        (scores = shim_borrow(&held, given[3], 'f', 1, "scores")) != NULL &&
        shim_holds(scores, "scores", SHIM_EXTENTS(count));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_game_visits(game, index, visits->buf, scores->buf, count, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

PyMethodDef shim_game_functions[] = {
    {"game_create", SHIM_FASTCALL(game_create), METH_FASTCALL, NULL},
    {"game_reset", SHIM_FASTCALL(game_reset), METH_FASTCALL, NULL},
    {"game_step", SHIM_FASTCALL(game_step), METH_FASTCALL, NULL},
    {"game_windows", SHIM_FASTCALL(game_windows), METH_FASTCALL, NULL},
    {"game_restore", SHIM_FASTCALL(game_restore), METH_FASTCALL, NULL},
    {"game_observation", SHIM_FASTCALL(game_observation), METH_FASTCALL, NULL},
    {"game_map", SHIM_FASTCALL(game_map), METH_FASTCALL, NULL},
    {"game_visit_count", SHIM_FASTCALL(game_visit_count), METH_FASTCALL, NULL},
    {"game_set_visits", SHIM_FASTCALL(game_set_visits), METH_FASTCALL, NULL},
    {"game_visits", SHIM_FASTCALL(game_visits), METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

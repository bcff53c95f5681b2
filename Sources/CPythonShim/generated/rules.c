// Made by `make generate` from Sources/CSPARS/description: edit that instead.
#include "generated.h"

int shim_read_exhaustion_rule(
    PyObject *object, const char *name, int writes, shim_held *held, spars_exhaustion_rule *out) {
    static shim_name names[] = {
        {"final_factor", NULL}, {"early_penalty", NULL}, {"min_steps", NULL},
        {"repeat_penalty", NULL},
    };
    PyObject *given[4] = {NULL};
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 4, given) &&
        shim_double(given[0], "final_factor", &out->final_factor) &&
        shim_double(given[1], "early_penalty", &out->early_penalty) &&
        shim_int64(given[2], "min_steps", &out->min_steps) &&
        shim_double(given[3], "repeat_penalty", &out->repeat_penalty);
    shim_drop(given, 4);
    return read;
}

int shim_read_step_records(
    PyObject *object, const char *name, int writes, shim_held *held, spars_step_records *out) {
    static shim_name names[] = {
        {"windows", NULL}, {"scores", NULL}, {"ends", NULL}, {"games", NULL}, {"n_steps", NULL},
        {"reset_each_iteration", NULL},
    };
    PyObject *given[6] = {NULL};
    Py_buffer *view;
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 6, given) &&
        shim_int64(given[3], "games", &out->games) &&
        shim_int64(given[4], "n_steps", &out->n_steps) &&
        shim_bool(given[5], "reset_each_iteration", &out->reset_each_iteration) &&
        (view = shim_borrow(held, given[0], 'i', 0, "windows")) != NULL &&
        shim_counts(view, "windows", SHIM_EXTENTS(2, 3), &out->count) &&
        ((out->windows = view->buf), 1) &&
        (view = shim_borrow(held, given[1], 'f', 0, "scores")) != NULL &&
        shim_holds(view, "scores", SHIM_EXTENTS(out->count, 2)) &&
        ((out->scores = view->buf), 1) &&
        (view = shim_borrow(held, given[2], 'B', 0, "ends")) != NULL &&
        shim_holds(view, "ends", SHIM_EXTENTS(out->count)) &&
        ((out->ends = view->buf), 1);
    shim_drop(given, 6);
    return read;
}

int shim_read_exhaustion_outcomes(
    PyObject *object, const char *name, int writes, shim_held *held, spars_exhaustion_outcomes *out) {
    static shim_name names[] = {
        {"rewards", NULL}, {"terminated", NULL}, {"truncated", NULL}, {"scores", NULL},
    };
    PyObject *given[4] = {NULL};
    Py_buffer *view;
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 4, given) &&
        (view = shim_borrow(held, given[0], 'd', 1, "rewards")) != NULL &&
        shim_counts(view, "rewards", SHIM_EXTENTS(2), &out->count) &&
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

static PyObject *game_action_masks(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle game = 0;
    Py_buffer *masks = NULL;
    int64_t count = 0;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "game_action_masks(game, masks)", 2, given_count) &&
        shim_uint64(given[0], "game", &game) &&
        (masks = shim_borrow(&held, given[1], '?', 1, "masks")) != NULL &&
        shim_counts(masks, "masks", SHIM_EXTENTS(2, 6), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_game_action_masks(game, masks->buf, count, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *exhaustion_create(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle field = 0, game;
    int64_t count = 0;
    int32_t resets_itself = 0, maps = 0, status;
    spars_exhaustion_rule rule;
    spars_error failure;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "exhaustion_create(field, count, resets_itself, maps, rule)", 5, given_count) &&
        shim_uint64(given[0], "field", &field) &&
        shim_int64(given[1], "count", &count) &&
        shim_bool(given[2], "resets_itself", &resets_itself) &&
        shim_enum(given[3], "maps", &shim_maps_choices, &maps) &&
        shim_read_exhaustion_rule(given[4], "rule", 0, &held, &rule);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_exhaustion_create(field, count, resets_itself, maps, &rule, &game, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    PyObject *result = PyLong_FromUnsignedLongLong(game);
    if (result == NULL) spars_release(game);
    return result;
}

static PyObject *exhaustion_step(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle game = 0;
    Py_buffer *learner = NULL, *opponent = NULL;
    spars_exhaustion_outcomes outcomes;
    spars_scorer scorer;
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "exhaustion_step(game, learner, opponent, outcomes, scorer)", 5, given_count) &&
        shim_uint64(given[0], "game", &game) &&
        shim_read_exhaustion_outcomes(given[3], "outcomes", 0, &held, &outcomes) &&
        shim_scorer(given[4], &scorer) == 0 &&
        shim_control_init(&signals, Py_None) == 0 &&
        (learner = shim_borrow(&held, given[1], 'b', 0, "learner")) != NULL &&
        shim_holds(learner, "learner", SHIM_EXTENTS(outcomes.count)) &&
        (opponent = shim_borrow(&held, given[2], 'b', 0, "opponent")) != NULL &&
        shim_holds(opponent, "opponent", SHIM_EXTENTS(outcomes.count));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_exhaustion_step(
        game, learner->buf, opponent->buf, &outcomes, &scorer, &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *exhaustion_look(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle game = 0;
    Py_buffer *worths = NULL, *shown = NULL;
    int64_t count = 0;
    spars_scorer scorer;
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "exhaustion_look(game, worths, shown, scorer)", 4, given_count) &&
        shim_uint64(given[0], "game", &game) &&
        shim_scorer(given[3], &scorer) == 0 &&
        shim_control_init(&signals, Py_None) == 0 &&
        (worths = shim_borrow(&held, given[1], 'f', 1, "worths")) != NULL &&
        shim_counts(worths, "worths", SHIM_EXTENTS(2, 6), &count) &&
        (shown = shim_borrow(&held, given[2], '?', 1, "shown")) != NULL &&
        shim_holds(shown, "shown", SHIM_EXTENTS(count, 2, 6));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_exhaustion_look(
        game, worths->buf, shown->buf, count, &scorer, &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *exhaustion_shown_count(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle game = 0;
    int64_t index = 0, count;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "exhaustion_shown_count(game, index)", 2, given_count) &&
        shim_uint64(given[0], "game", &game) &&
        shim_int64(given[1], "index", &index);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_exhaustion_shown_count(game, index, &count, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return PyLong_FromLongLong(count);
}

static PyObject *exhaustion_shown(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle game = 0;
    int64_t index = 0, count = 0;
    Py_buffer *places = NULL;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "exhaustion_shown(game, index, places)", 3, given_count) &&
        shim_uint64(given[0], "game", &game) &&
        shim_int64(given[1], "index", &index) &&
        (places = shim_borrow(&held, given[2], 'q', 1, "places")) != NULL &&
        shim_counts(places, "places", SHIM_EXTENTS(3), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_exhaustion_shown(game, index, places->buf, count, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *exhaustion_set_shown(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle game = 0;
    int64_t index = 0, count = 0;
    Py_buffer *places = NULL;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "exhaustion_set_shown(game, index, places)", 3, given_count) &&
        shim_uint64(given[0], "game", &game) &&
        shim_int64(given[1], "index", &index) &&
        (places = shim_borrow(&held, given[2], 'q', 0, "places")) != NULL &&
        shim_counts(places, "places", SHIM_EXTENTS(3), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_exhaustion_set_shown(game, index, places->buf, count, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *record_visits(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_step_records records;
    spars_game_configuration configuration;
    Py_buffer *visits = NULL, *scores = NULL, *steps = NULL, *kept = NULL;
    int64_t room = 0, found;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "record_visits(records, configuration, visits, scores, steps, kept)", 6, given_count) &&
        shim_read_step_records(given[0], "records", 0, &held, &records) &&
        shim_read_game_configuration(given[1], "configuration", 0, &held, &configuration) &&
        (visits = shim_borrow(&held, given[2], 'q', 1, "visits")) != NULL &&
        shim_counts(visits, "visits", SHIM_EXTENTS(4), &room) &&
        (scores = shim_borrow(&held, given[3], 'f', 1, "scores")) != NULL &&
        shim_holds(scores, "scores", SHIM_EXTENTS(room)) &&
        (steps = shim_borrow(&held, given[4], 'q', 1, "steps")) != NULL &&
        shim_holds(steps, "steps", SHIM_EXTENTS(room)) &&
        (kept = shim_borrow(&held, given[5], '?', 1, "kept")) != NULL &&
        shim_holds(kept, "kept", SHIM_EXTENTS(room));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_record_visits(
        &records, &configuration, visits->buf, scores->buf, steps->buf, kept->buf, room, &found,
        &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return PyLong_FromLongLong(found);
}

static PyObject *windows_covering(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    Py_buffer *origins = NULL, *covers = NULL;
    int64_t count = 0, window[3], part[3], grid[3], voxel[3];
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "windows_covering(origins, window, part, grid, voxel, covers)", 6, given_count) &&
        shim_array(given[1], "window", 'q', window, 3) &&
        (given[2] == Py_None || shim_array(given[2], "part", 'q', part, 3)) &&
        shim_array(given[3], "grid", 'q', grid, 3) &&
        shim_array(given[4], "voxel", 'q', voxel, 3) &&
        (origins = shim_borrow(&held, given[0], 'q', 0, "origins")) != NULL &&
        shim_counts(origins, "origins", SHIM_EXTENTS(3), &count) &&
        (covers = shim_borrow(&held, given[5], '?', 1, "covers")) != NULL &&
        shim_holds(covers, "covers", SHIM_EXTENTS(count));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_windows_covering(
        origins->buf, count, window, given[2] == Py_None ? NULL : part, grid, voxel, covers->buf,
        &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *wrapped_bytes(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    Py_buffer *values = NULL, *bytes = NULL;
    int64_t count = 0;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "wrapped_bytes(values, bytes)", 2, given_count) &&
        (values = shim_borrow(&held, given[0], 'f', 0, "values")) != NULL &&
        shim_counts(values, "values", SHIM_EXTENTS(1), &count) &&
        (bytes = shim_borrow(&held, given[1], 'B', 1, "bytes")) != NULL &&
        shim_holds(bytes, "bytes", SHIM_EXTENTS(count));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_wrapped_bytes(values->buf, bytes->buf, count, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

PyMethodDef shim_rules_functions[] = {
    {"game_action_masks", SHIM_FASTCALL(game_action_masks), METH_FASTCALL, NULL},
    {"exhaustion_create", SHIM_FASTCALL(exhaustion_create), METH_FASTCALL, NULL},
    {"exhaustion_step", SHIM_FASTCALL(exhaustion_step), METH_FASTCALL, NULL},
    {"exhaustion_look", SHIM_FASTCALL(exhaustion_look), METH_FASTCALL, NULL},
    {"exhaustion_shown_count", SHIM_FASTCALL(exhaustion_shown_count), METH_FASTCALL, NULL},
    {"exhaustion_shown", SHIM_FASTCALL(exhaustion_shown), METH_FASTCALL, NULL},
    {"exhaustion_set_shown", SHIM_FASTCALL(exhaustion_set_shown), METH_FASTCALL, NULL},
    {"record_visits", SHIM_FASTCALL(record_visits), METH_FASTCALL, NULL},
    {"windows_covering", SHIM_FASTCALL(windows_covering), METH_FASTCALL, NULL},
    {"wrapped_bytes", SHIM_FASTCALL(wrapped_bytes), METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

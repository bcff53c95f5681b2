// Made by `make generate` from Sources/CSPARS/description: edit that instead.
#include "generated.h"

const shim_choices shim_credited_score_choices = {
    2, (const char *const[]){"own", "other"}};

const shim_choices shim_credited_agents_choices = {
    2, (const char *const[]){"both", "learner"}};

const shim_choices shim_border_choices = {
    2, (const char *const[]){"inside", "clamped_crop"}};

const shim_choices shim_opponent_choices = {
    2, (const char *const[]){"snapshot", "live"}};

const shim_choices shim_map_read_choices = {
    2, (const char *const[]){"before_reset", "after_reset"}};

const shim_choices shim_observation_cast_choices = {
    2, (const char *const[]){"float32", "uint8"}};

const shim_choices shim_opponent_observation_choices = {
    2, (const char *const[]){"same", "uncast"}};

const shim_choices shim_accumulation_choices = {
    3, (const char *const[]){"sum", "mean", "max"}};

const shim_choices shim_tie_reward_choices = {
    2, (const char *const[]){"none", "learner"}};

const shim_choices shim_border_crops_choices = {
    2, (const char *const[]){"full", "stretched"}};

int shim_read_game_protocol(
    PyObject *object, const char *name, int writes, shim_held *held, spars_game_protocol *out) {
    static shim_name names[] = {
        {"credited_score", NULL}, {"credited_agents", NULL}, {"border", NULL}, {"opponent", NULL},
        {"map_read", NULL}, {"observation_cast", NULL}, {"opponent_observation", NULL},
        {"accumulation", NULL}, {"tie_reward", NULL}, {"border_crops", NULL},
        {"credited_extent", NULL},
    };
    PyObject *given[11] = {NULL};
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 11, given) &&
        shim_enum(given[0], "credited_score", &shim_credited_score_choices, &out->credited_score) &&
        shim_enum(given[1], "credited_agents", &shim_credited_agents_choices, &out->credited_agents) &&
        shim_enum(given[2], "border", &shim_border_choices, &out->border) &&
        shim_enum(given[3], "opponent", &shim_opponent_choices, &out->opponent) &&
        shim_enum(given[4], "map_read", &shim_map_read_choices, &out->map_read) &&
        shim_enum(given[5], "observation_cast", &shim_observation_cast_choices, &out->observation_cast) &&
        shim_enum(given[6], "opponent_observation", &shim_opponent_observation_choices, &out->opponent_observation) &&
        shim_enum(given[7], "accumulation", &shim_accumulation_choices, &out->accumulation) &&
        shim_enum(given[8], "tie_reward", &shim_tie_reward_choices, &out->tie_reward) &&
        shim_enum(given[9], "border_crops", &shim_border_crops_choices, &out->border_crops) &&
        (given[10] == Py_None || shim_array(given[10], "credited_extent", 'q', out->credited_extent, 3));
    shim_drop(given, 11);
    return read;
}

int shim_read_game_configuration(
    PyObject *object, const char *name, int writes, shim_held *held, spars_game_configuration *out) {
    static shim_name names[] = {
        {"grid", NULL}, {"window", NULL}, {"stride", NULL}, {"termination_threshold", NULL},
        {"max_episode_steps", NULL}, {"protocol", NULL},
    };
    PyObject *given[6] = {NULL};
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 6, given) &&
        shim_array(given[0], "grid", 'q', out->grid, 3) &&
        shim_array(given[1], "window", 'q', out->window, 3) &&
        shim_int64(given[2], "stride", &out->stride) &&
        shim_double(given[3], "termination_threshold", &out->termination_threshold) &&
        (given[4] == Py_None || shim_int64(given[4], "max_episode_steps", &out->max_episode_steps)) &&
        shim_read_game_protocol(given[5], "protocol", 0, held, &out->protocol);
    shim_drop(given, 6);
    return read;
}

static PyObject *field_create(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    Py_buffer *volume = NULL, *classifiers = NULL;
    int64_t shape[3], classifier_count = 0;
    spars_game_configuration configuration;
    int32_t covers_edge = 0, status;
    shim_control signals;
    spars_handle field;
    spars_error failure;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "field_create(volume, configuration, classifiers, covers_edge)", 4, given_count) &&
        shim_read_game_configuration(given[1], "configuration", 0, &held, &configuration) &&
        shim_bool(given[3], "covers_edge", &covers_edge) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (volume = shim_borrow(&held, given[0], 'f', 0, "volume")) != NULL &&
        shim_shapes(volume, "volume", SHIM_AXES(&shape[0], &shape[1], &shape[2])) &&
        (classifiers = shim_borrow(&held, given[2], 'q', 0, "classifiers")) != NULL &&
        shim_counts(classifiers, "classifiers", SHIM_EXTENTS(1), &classifier_count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_field_create(
        volume->buf, shape, &configuration, classifiers->buf, classifier_count, covers_edge,
        &signals.control, &field, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    PyObject *result = PyLong_FromUnsignedLongLong(field);
    if (result == NULL) spars_release(field);
    return result;
}

static PyObject *field_counts(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle field = 0;
    int64_t counts[3];
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "field_counts(field)", 1, given_count) &&
        shim_uint64(given[0], "field", &field);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_field_counts(field, counts, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return shim_tuple('q', counts, 3);
}

static PyObject *field_axis(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle field = 0;
    int64_t axis = 0, count = 0;
    Py_buffer *starts = NULL;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "field_axis(field, axis, starts)", 3, given_count) &&
        shim_uint64(given[0], "field", &field) &&
        shim_int64(given[1], "axis", &axis) &&
        (starts = shim_borrow(&held, given[2], 'q', 1, "starts")) != NULL &&
        shim_counts(starts, "starts", SHIM_EXTENTS(1), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_field_axis(field, axis, starts->buf, count, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *field_scores(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle field = 0;
    Py_buffer *scores = NULL;
    int64_t count = 0;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "field_scores(field, scores)", 2, given_count) &&
        shim_uint64(given[0], "field", &field) &&
        (scores = shim_borrow(&held, given[1], 'f', 1, "scores")) != NULL &&
        shim_counts(scores, "scores", SHIM_EXTENTS(1), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_field_scores(field, scores->buf, count, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *field_adopt(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle field = 0;
    Py_buffer *scores = NULL;
    int64_t count = 0;
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "field_adopt(field, scores)", 2, given_count) &&
        shim_uint64(given[0], "field", &field) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (scores = shim_borrow(&held, given[1], 'f', 0, "scores")) != NULL &&
        shim_counts(scores, "scores", SHIM_EXTENTS(1), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_field_adopt(field, scores->buf, count, &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *field_leave_out(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle field = 0;
    Py_buffer *region = NULL;
    int64_t count = 0;
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "field_leave_out(field, region)", 2, given_count) &&
        shim_uint64(given[0], "field", &field) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (region = shim_borrow(&held, given[1], 'B', 0, "region")) != NULL &&
        shim_counts(region, "region", SHIM_EXTENTS(1), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_field_leave_out(field, region->buf, count, &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *field_score_all(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle field = 0;
    spars_scorer scorer;
    shim_control progress;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "field_score_all(field, scorer, progress)", 3, given_count) &&
        shim_uint64(given[0], "field", &field) &&
        shim_scorer(given[1], &scorer) == 0 &&
        shim_control_init(&progress, given[2]) == 0;
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_field_score_all(field, &scorer, &progress.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *field_score(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle field = 0;
    Py_buffer *places = NULL;
    int64_t count = 0;
    spars_scorer scorer;
    shim_control progress;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "field_score(field, places, scorer, progress)", 4, given_count) &&
        shim_uint64(given[0], "field", &field) &&
        shim_scorer(given[2], &scorer) == 0 &&
        shim_control_init(&progress, given[3]) == 0 &&
        (places = shim_borrow(&held, given[1], 'q', 0, "places")) != NULL &&
        shim_counts(places, "places", SHIM_EXTENTS(1), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_field_score(field, places->buf, count, &scorer, &progress.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *field_scored(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle field = 0;
    int64_t count;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "field_scored(field)", 1, given_count) &&
        shim_uint64(given[0], "field", &field);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_field_scored(field, &count, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return PyLong_FromLongLong(count);
}

static PyObject *interpolated_map(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    Py_buffer *scores = NULL, *axes = NULL, *map = NULL;
    int64_t counts[3], window[3], grid[3];
    shim_control signals;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "interpolated_map(scores, axes, window, map)", 4, given_count) &&
        shim_array(given[2], "window", 'q', window, 3) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (scores = shim_borrow(&held, given[0], 'f', 0, "scores")) != NULL &&
        shim_shapes(scores, "scores", SHIM_AXES(&counts[0], &counts[1], &counts[2])) &&
        (axes = shim_borrow(&held, given[1], 'q', 0, "axes")) != NULL &&
        shim_holds(axes, "axes", SHIM_EXTENTS(shim_sum(counts))) &&
        (map = shim_borrow(&held, given[3], 'f', 1, "map")) != NULL &&
        shim_shapes(map, "map", SHIM_AXES(&grid[0], &grid[1], &grid[2]));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_interpolated_map(
        scores->buf, counts, axes->buf, window, map->buf, grid, &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *exhaustive_map(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    Py_buffer *scores = NULL, *axes = NULL, *map = NULL;
    int64_t counts[3], window[3], part[3], grid[3];
    int32_t accumulation = 0, status;
    shim_control signals;
    spars_error failure;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "exhaustive_map(scores, axes, window, part, accumulation, map)", 6, given_count) &&
        shim_array(given[2], "window", 'q', window, 3) &&
        (given[3] == Py_None || shim_array(given[3], "part", 'q', part, 3)) &&
        shim_enum(given[4], "accumulation", &shim_accumulation_choices, &accumulation) &&
        shim_control_init(&signals, Py_None) == 0 &&
        (scores = shim_borrow(&held, given[0], 'f', 0, "scores")) != NULL &&
        shim_shapes(scores, "scores", SHIM_AXES(&counts[0], &counts[1], &counts[2])) &&
        (axes = shim_borrow(&held, given[1], 'q', 0, "axes")) != NULL &&
        shim_holds(axes, "axes", SHIM_EXTENTS(shim_sum(counts))) &&
        (map = shim_borrow(&held, given[5], 'f', 1, "map")) != NULL &&
        shim_shapes(map, "map", SHIM_AXES(&grid[0], &grid[1], &grid[2]));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_exhaustive_map(
        scores->buf, counts, axes->buf, window, given[3] == Py_None ? NULL : part, accumulation,
        map->buf, grid, &signals.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

PyMethodDef shim_field_functions[] = {
    {"field_create", SHIM_FASTCALL(field_create), METH_FASTCALL, NULL},
    {"field_counts", SHIM_FASTCALL(field_counts), METH_FASTCALL, NULL},
    {"field_axis", SHIM_FASTCALL(field_axis), METH_FASTCALL, NULL},
    {"field_scores", SHIM_FASTCALL(field_scores), METH_FASTCALL, NULL},
    {"field_adopt", SHIM_FASTCALL(field_adopt), METH_FASTCALL, NULL},
    {"field_leave_out", SHIM_FASTCALL(field_leave_out), METH_FASTCALL, NULL},
    {"field_score_all", SHIM_FASTCALL(field_score_all), METH_FASTCALL, NULL},
    {"field_score", SHIM_FASTCALL(field_score), METH_FASTCALL, NULL},
    {"field_scored", SHIM_FASTCALL(field_scored), METH_FASTCALL, NULL},
    {"interpolated_map", SHIM_FASTCALL(interpolated_map), METH_FASTCALL, NULL},
    {"exhaustive_map", SHIM_FASTCALL(exhaustive_map), METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

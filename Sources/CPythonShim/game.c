#include "shim.h"

#include <string.h>

// A Python callable as a scorer: it gets a bytearray of crops (count, x, y, z) and returns a
// float32 buffer of `count` scores. The bytes are its own, so it may keep and change them.
static int32_t call_scorer(
    void *context, const float *crops, int64_t count, const int64_t extent[3], float *scores) {
    PyGILState_STATE gil = PyGILState_Ensure();
    int32_t status = -1;
    Py_ssize_t size = (Py_ssize_t)(count * extent[0] * extent[1] * extent[2] * sizeof(float));
    PyObject *bytes = PyByteArray_FromStringAndSize((const char *)crops, size);
    PyObject *result = bytes == NULL ? NULL
                                     : PyObject_CallFunction(
                                           context, "OLLLL", bytes, (long long)count,
                                           (long long)extent[0], (long long)extent[1],
                                           (long long)extent[2]);
    Py_buffer view;
    if (result != NULL && shim_get_buffer_of(result, 'f', 0, count, "scores", &view) == 0) {
        memcpy(scores, view.buf, (size_t)count * sizeof(float));
        PyBuffer_Release(&view);
        status = 0;
    }
    Py_XDECREF(result);
    Py_XDECREF(bytes);
    PyGILState_Release(gil);
    return status;
}

int shim_scorer(PyObject *callable, spars_scorer *scorer) {
    memset(scorer, 0, sizeof *scorer);
    if (callable == Py_None) return 0;
    if (!PyCallable_Check(callable)) {
        PyErr_Format(
            PyExc_TypeError, "The 'scorer' argument must be callable or None. Got %R instead.",
            (PyObject *)Py_TYPE(callable));
        return -1;
    }
    scorer->score = call_scorer;
    scorer->context = callable;
    return 0;
}

// field_create(volume, shape, classifier, (grid, window, stride, threshold, steps, ten choices))
static PyObject *field_create(PyObject *module, PyObject *arguments) {
    (void)module;
    PyObject *object;
    long long shape[3], grid[3], window[3], stride, steps;
    unsigned long long classifier;
    spars_game_configuration c;
    if (!PyArg_ParseTuple(
            arguments, "O(LLL)K((LLL)(LLL)LdLiiiiiiiiii)", &object, &shape[0], &shape[1], &shape[2],
            &classifier, &grid[0], &grid[1], &grid[2], &window[0], &window[1], &window[2], &stride,
            &c.termination_threshold, &steps, &c.credited_score, &c.credited_agents, &c.border,
            &c.opponent, &c.map_read, &c.observation_cast, &c.opponent_observation, &c.accumulation,
            &c.tie_reward, &c.border_crops))
        return NULL;
    int64_t extent[3];
    for (int i = 0; i < 3; i++) {
        extent[i] = shape[i];
        c.grid[i] = grid[i];
        c.window[i] = window[i];
    }
    c.stride = stride;
    c.max_episode_steps = steps;
    Py_buffer volume;
    if (shim_get_buffer(object, 'f', 0, "volume", &volume) != 0) return NULL;
    if (volume.ndim != 3 || volume.shape[0] != shape[0] || volume.shape[1] != shape[1] ||
        volume.shape[2] != shape[2]) {
        PyErr_SetString(PyExc_ValueError, "The 'shape' argument must be the volume's.");
        PyBuffer_Release(&volume);
        return NULL;
    }
    spars_handle field = 0;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_field_create(volume.buf, extent, &c, classifier, &field, &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&volume);
    return shim_handle(status, field, &error);
}

static PyObject *field_counts(PyObject *module, PyObject *argument) {
    (void)module;
    unsigned long long field = PyLong_AsUnsignedLongLong(argument);
    if (PyErr_Occurred()) return NULL;
    int64_t counts[3];
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_field_counts(field, counts, &error);
    Py_END_ALLOW_THREADS
    if (status != SPARS_OK) return shim_raise(&error);
    return Py_BuildValue(
        "(LLL)", (long long)counts[0], (long long)counts[1], (long long)counts[2]);
}

static PyObject *field_axis(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long field;
    long long axis;
    PyObject *object;
    if (!PyArg_ParseTuple(arguments, "KLO", &field, &axis, &object)) return NULL;
    Py_buffer starts;
    if (shim_get_buffer(object, 'q', 1, "starts", &starts) != 0) return NULL;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_field_axis(field, axis, starts.buf, shim_count(&starts), &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&starts);
    return shim_none(status, &error);
}

static PyObject *field_scores(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long field;
    PyObject *object;
    if (!PyArg_ParseTuple(arguments, "KO", &field, &object)) return NULL;
    Py_buffer scores;
    if (shim_get_buffer(object, 'f', 1, "scores", &scores) != 0) return NULL;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_field_scores(field, scores.buf, shim_count(&scores), &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&scores);
    return shim_none(status, &error);
}

static PyObject *field_adopt(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long field;
    PyObject *object;
    if (!PyArg_ParseTuple(arguments, "KO", &field, &object)) return NULL;
    Py_buffer scores;
    if (shim_get_buffer(object, 'f', 0, "scores", &scores) != 0) return NULL;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_field_adopt(field, scores.buf, shim_count(&scores), &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&scores);
    return shim_none(status, &error);
}

static PyObject *field_score_all(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long field;
    PyObject *callable, *progress;
    spars_scorer scorer;
    shim_control control;
    if (!PyArg_ParseTuple(arguments, "KOO", &field, &callable, &progress)) return NULL;
    if (shim_scorer(callable, &scorer) != 0 || shim_control_init(&control, progress) != 0) return NULL;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_field_score_all(field, &scorer, &control.control, &error);
    Py_END_ALLOW_THREADS
    return shim_none(status, &error);
}

static PyObject *field_scored(PyObject *module, PyObject *argument) {
    (void)module;
    unsigned long long field = PyLong_AsUnsignedLongLong(argument);
    if (PyErr_Occurred()) return NULL;
    int64_t count;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_field_scored(field, &count, &error);
    Py_END_ALLOW_THREADS
    if (status != SPARS_OK) return shim_raise(&error);
    return PyLong_FromLongLong(count);
}

static PyObject *game_create(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long field;
    long long count;
    int resets_itself, maps;
    if (!PyArg_ParseTuple(arguments, "KLpi", &field, &count, &resets_itself, &maps)) return NULL;
    spars_handle game = 0;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_game_create(field, count, resets_itself, maps, &game, &error);
    Py_END_ALLOW_THREADS
    return shim_handle(status, game, &error);
}

static PyObject *game_reset(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long game;
    long long index;
    int keep_map;
    if (!PyArg_ParseTuple(arguments, "KLp", &game, &index, &keep_map)) return NULL;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_game_reset(game, index, keep_map, &error);
    Py_END_ALLOW_THREADS
    return shim_none(status, &error);
}

// game_step(game, learner, opponent, scorer, rewards, terminated, truncated, scores)
static PyObject *game_step(PyObject *module, PyObject *arguments) {
    (void)module;
    static const char *names[] = {
        "learner", "opponent", "rewards", "terminated", "truncated", "scores"};
    static const char formats[] = {'b', 'b', 'f', '?', '?', 'f'};
    unsigned long long game;
    PyObject *objects[6], *callable;
    if (!PyArg_ParseTuple(
            arguments, "KOOOOOOO", &game, &objects[0], &objects[1], &callable, &objects[2],
            &objects[3], &objects[4], &objects[5]))
        return NULL;
    spars_scorer scorer;
    shim_control control;
    if (shim_scorer(callable, &scorer) != 0 || shim_control_init(&control, Py_None) != 0) return NULL;
    shim_held held = {.count = 0};
    Py_buffer *v[6];
    Py_ssize_t count = -1;
    for (int i = 0; i < 6; i++) {
        v[i] = shim_hold(
            &held, objects[i], formats[i], i > 1, i == 5 ? 2 * count : count, names[i]);
        if (v[i] == NULL) return shim_abandoned(&held);
        if (i == 0) count = shim_count(v[0]);
    }
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_game_step(
        game, v[0]->buf, v[1]->buf, count, &scorer, v[2]->buf, v[3]->buf, v[4]->buf,
        v[5]->buf, &control.control, &error);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &error);
}

static PyObject *game_windows(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long game;
    PyObject *window_object, *step_object;
    if (!PyArg_ParseTuple(arguments, "KOO", &game, &window_object, &step_object)) return NULL;
    Py_buffer windows, steps;
    if (shim_get_buffer(step_object, 'q', 1, "steps", &steps) != 0) return NULL;
    Py_ssize_t count = shim_count(&steps);
    if (shim_get_buffer_of(window_object, 'q', 1, 6 * count, "windows", &windows) != 0) {
        PyBuffer_Release(&steps);
        return NULL;
    }
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_game_windows(game, windows.buf, steps.buf, count, &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&windows);
    PyBuffer_Release(&steps);
    return shim_none(status, &error);
}

static PyObject *game_restore(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long game;
    long long index, w[6], steps;
    if (!PyArg_ParseTuple(
            arguments, "KL(LLLLLL)L", &game, &index, &w[0], &w[1], &w[2], &w[3], &w[4], &w[5],
            &steps))
        return NULL;
    int64_t windows[6];
    for (int i = 0; i < 6; i++) windows[i] = w[i];
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_game_restore(game, index, windows, steps, &error);
    Py_END_ALLOW_THREADS
    return shim_none(status, &error);
}

static PyObject *game_observation(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long game;
    long long index, shape[3];
    int agent;
    PyObject *object;
    if (!PyArg_ParseTuple(
            arguments, "KLi(LLL)O", &game, &index, &agent, &shape[0], &shape[1], &shape[2], &object))
        return NULL;
    int64_t extent[3] = {shape[0], shape[1], shape[2]};
    Py_buffer observation;
    if (shim_get_buffer(object, 'f', 1, "observation", &observation) != 0) return NULL;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_game_observation(
        game, index, agent, extent, observation.buf, shim_count(&observation), &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&observation);
    return shim_none(status, &error);
}

static PyObject *game_map(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long game;
    long long index;
    PyObject *object;
    if (!PyArg_ParseTuple(arguments, "KLO", &game, &index, &object)) return NULL;
    shim_control control;
    Py_buffer map;
    if (shim_control_init(&control, Py_None) != 0) return NULL;
    if (shim_get_buffer(object, 'f', 1, "map", &map) != 0) return NULL;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_game_map(game, index, map.buf, shim_count(&map), &control.control, &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&map);
    return shim_none(status, &error);
}

static PyObject *game_visit_count(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long game;
    long long index;
    if (!PyArg_ParseTuple(arguments, "KL", &game, &index)) return NULL;
    int64_t count;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_game_visit_count(game, index, &count, &error);
    Py_END_ALLOW_THREADS
    if (status != SPARS_OK) return shim_raise(&error);
    return PyLong_FromLongLong(count);
}

static PyObject *game_visits(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long game;
    long long index;
    PyObject *visit_object, *score_object;
    if (!PyArg_ParseTuple(arguments, "KLOO", &game, &index, &visit_object, &score_object)) return NULL;
    Py_buffer visits, scores;
    if (shim_get_buffer(score_object, 'f', 1, "scores", &scores) != 0) return NULL;
    Py_ssize_t count = shim_count(&scores);
    if (shim_get_buffer_of(visit_object, 'q', 1, 4 * count, "visits", &visits) != 0) {
        PyBuffer_Release(&scores);
        return NULL;
    }
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_game_visits(game, index, visits.buf, scores.buf, count, &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&visits);
    PyBuffer_Release(&scores);
    return shim_none(status, &error);
}

// exhaustive_map(scores, counts, axes, window, grid, accumulation, map)
static PyObject *exhaustive_map(PyObject *module, PyObject *arguments) {
    (void)module;
    PyObject *score_object, *axis_object, *map_object;
    long long n[3], w[3], g[3];
    int accumulation;
    if (!PyArg_ParseTuple(
            arguments, "O(LLL)O(LLL)(LLL)iO", &score_object, &n[0], &n[1], &n[2], &axis_object,
            &w[0], &w[1], &w[2], &g[0], &g[1], &g[2], &accumulation, &map_object))
        return NULL;
    int64_t counts[3], window[3], grid[3];
    for (int i = 0; i < 3; i++) {
        // Below 2^20 each, so that the products below fit.
        if (n[i] < 1 || n[i] > 1 << 20 || g[i] < 1 || g[i] > 1 << 20) {
            PyErr_SetString(PyExc_ValueError, "Counts and grid must be in the range [1, 1048576].");
            return NULL;
        }
        counts[i] = n[i];
        window[i] = w[i];
        grid[i] = g[i];
    }
    shim_held held = {.count = 0};
    Py_buffer *scores, *axes, *map;
    if ((scores = shim_hold(&held, score_object, 'f', 0, n[0] * n[1] * n[2], "scores")) == NULL ||
        (axes = shim_hold(&held, axis_object, 'q', 0, n[0] + n[1] + n[2], "axes")) == NULL ||
        (map = shim_hold(&held, map_object, 'f', 1, g[0] * g[1] * g[2], "map")) == NULL)
        return shim_abandoned(&held);
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_exhaustive_map(
        scores->buf, counts, axes->buf, window, grid, accumulation, map->buf, &error);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &error);
}

PyMethodDef shim_game_methods[] = {
    {"field_create", field_create, METH_VARARGS, NULL},
    {"field_counts", field_counts, METH_O, NULL},
    {"field_axis", field_axis, METH_VARARGS, NULL},
    {"field_scores", field_scores, METH_VARARGS, NULL},
    {"field_adopt", field_adopt, METH_VARARGS, NULL},
    {"field_score_all", field_score_all, METH_VARARGS, NULL},
    {"field_scored", field_scored, METH_O, NULL},
    {"game_create", game_create, METH_VARARGS, NULL},
    {"game_reset", game_reset, METH_VARARGS, NULL},
    {"game_step", game_step, METH_VARARGS, NULL},
    {"game_windows", game_windows, METH_VARARGS, NULL},
    {"game_restore", game_restore, METH_VARARGS, NULL},
    {"game_observation", game_observation, METH_VARARGS, NULL},
    {"game_map", game_map, METH_VARARGS, NULL},
    {"game_visit_count", game_visit_count, METH_VARARGS, NULL},
    {"game_visits", game_visits, METH_VARARGS, NULL},
    {"exhaustive_map", exhaustive_map, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

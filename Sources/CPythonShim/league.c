#include "shim.h"

// selfplay_set_hyperparameters(run, hyperparameters)
static PyObject *set_hyperparameters(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long run;
    PyObject *object;
    if (!PyArg_ParseTuple(arguments, "KO", &run, &object)) return NULL;
    spars_ppo_hyperparameters hyper;
    if (shim_hyperparameters(object, &hyper) != 0) return NULL;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_set_hyperparameters(run, &hyper, &error);
    Py_END_ALLOW_THREADS
    return shim_none(status, &error);
}

// selfplay_learn_from_both(run, both)
static PyObject *learn_from_both(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long run;
    int both;
    if (!PyArg_ParseTuple(arguments, "Kp", &run, &both)) return NULL;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_learn_from_both(run, both, &error);
    Py_END_ALLOW_THREADS
    return shim_none(status, &error);
}

// selfplay_use_pool(run, sampling, power)
static PyObject *use_pool(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long run;
    int sampling;
    double power;
    if (!PyArg_ParseTuple(arguments, "Kid", &run, &sampling, &power)) return NULL;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_use_pool(run, sampling, power, &error);
    Py_END_ALLOW_THREADS
    return shim_none(status, &error);
}

// selfplay_pool(run) -> members
static PyObject *pool(PyObject *module, PyObject *argument) {
    (void)module;
    unsigned long long run = PyLong_AsUnsignedLongLong(argument);
    if (PyErr_Occurred()) return NULL;
    int64_t members = 0;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_pool(run, &members, &error);
    Py_END_ALLOW_THREADS
    if (status != SPARS_OK) return shim_raise(&error);
    return PyLong_FromLongLong(members);
}

// selfplay_pool_tallies(run, games, wins, drawn, episode_leads, write): reads into the arrays, or
// goes on from them.
static PyObject *pool_tallies(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long run;
    PyObject *objects[4];
    int write;
    if (!PyArg_ParseTuple(
            arguments, "KOOOOp", &run, &objects[0], &objects[1], &objects[2], &objects[3], &write))
        return NULL;
    static const char formats[] = {'d', 'd', 'q', 'd'};
    static const char *const names[] = {"games", "wins", "drawn", "episode_leads"};
    shim_held held = {.count = 0};
    Py_buffer *v = held.views;
    for (int i = 0; i < 4; i++) {
        // The second array is as long as the first, the fourth as the third.
        Py_ssize_t count = i % 2 == 0 ? -1 : shim_count(&v[i - 1]);
        if (shim_hold(&held, objects[i], formats[i], !write, count, names[i]) == NULL)
            return shim_abandoned(&held);
    }
    Py_ssize_t n = shim_count(&v[0]), m = shim_count(&v[2]);
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = write ? spars_selfplay_set_pool(
                         run, v[0].buf, v[1].buf, n, v[2].buf, v[3].buf, m, &error)
                   : spars_selfplay_get_pool(
                         run, v[0].buf, v[1].buf, n, v[2].buf, v[3].buf, m, &error);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &error);
}

// selfplay_add_to_pool(run, parameters)
static PyObject *add_to_pool(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long run;
    PyObject *object;
    if (!PyArg_ParseTuple(arguments, "KO", &run, &object)) return NULL;
    Py_buffer view;
    if (shim_get_buffer(object, 'f', 0, "parameters", &view) != 0) return NULL;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_add_to_pool(run, view.buf, shim_count(&view), &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&view);
    return shim_none(status, &error);
}

// league_create(field, policy, masks_actions, shape) -> handle
static PyObject *league_create(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long field;
    int policy, masks;
    PyObject *object;
    if (!PyArg_ParseTuple(arguments, "KipO", &field, &policy, &masks, &object)) return NULL;
    spars_policy_shape shape;
    if (shim_policy_shape(object, &shape) != 0) return NULL;
    spars_handle league = 0;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_league_create(field, policy, masks, &shape, &league, &error);
    Py_END_ALLOW_THREADS
    return shim_handle(status, league, &error);
}

// league_add(league, parameters) -> player
static PyObject *league_add(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long league;
    PyObject *object;
    if (!PyArg_ParseTuple(arguments, "KO", &league, &object)) return NULL;
    Py_buffer view;
    if (shim_get_buffer(object, 'f', 0, "parameters", &view) != 0) return NULL;
    int64_t player = 0;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_league_add(league, view.buf, shim_count(&view), &player, &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&view);
    if (status != SPARS_OK) return shim_raise(&error);
    return PyLong_FromLongLong(player);
}

// league_play(league, first, second, start, steps, seed, rewards, lengths, scorer, progress)
static PyObject *league_play(PyObject *module, PyObject *arguments) {
    (void)module;
    unsigned long long league, seed;
    long long first, second, start, steps;
    PyObject *rewards_object, *lengths_object, *callable, *progress;
    if (!PyArg_ParseTuple(
            arguments, "KLLLLKOOOO", &league, &first, &second, &start, &steps, &seed,
            &rewards_object, &lengths_object, &callable, &progress))
        return NULL;
    spars_scorer scorer;
    shim_control control;
    if (shim_scorer(callable, &scorer) != 0 || shim_control_init(&control, progress) != 0)
        return NULL;
    Py_buffer rewards, lengths;
    if (shim_get_buffer(rewards_object, 'd', 1, "rewards", &rewards) != 0) return NULL;
    Py_ssize_t n = shim_count(&rewards);
    if (shim_get_buffer_of(lengths_object, 'q', 1, n, "lengths", &lengths) != 0) {
        PyBuffer_Release(&rewards);
        return NULL;
    }
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_league_play(
        league, first, second, start, n, steps, seed, rewards.buf, lengths.buf, &scorer,
        &control.control, &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&lengths);
    PyBuffer_Release(&rewards);
    return shim_none(status, &error);
}

PyMethodDef shim_league_methods[] = {
    {"selfplay_set_hyperparameters", set_hyperparameters, METH_VARARGS, NULL},
    {"selfplay_learn_from_both", learn_from_both, METH_VARARGS, NULL},
    {"selfplay_use_pool", use_pool, METH_VARARGS, NULL},
    {"selfplay_pool", pool, METH_O, NULL},
    {"selfplay_pool_tallies", pool_tallies, METH_VARARGS, NULL},
    {"selfplay_add_to_pool", add_to_pool, METH_VARARGS, NULL},
    {"league_create", league_create, METH_VARARGS, NULL},
    {"league_add", league_add, METH_VARARGS, NULL},
    {"league_play", league_play, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

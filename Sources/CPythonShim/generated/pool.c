// Made by `make generate` from Sources/CSPARS/description: edit that instead.
#include "generated.h"

const shim_choices shim_sampling_choices = {
    4, (const char *const[]){"vanilla", "fictitious", "prioritised", "gaussian"}};

int shim_read_pool_tallies(
    PyObject *object, const char *name, int writes, shim_held *held, spars_pool_tallies *out) {
    static shim_name names[] = {
        {"games", NULL}, {"wins", NULL}, {"drawn", NULL}, {"episode_leads", NULL},
    };
    PyObject *given[4] = {NULL};
    Py_buffer *view;
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 4, given) &&
        (view = shim_borrow(held, given[0], 'd', writes, "games")) != NULL &&
        shim_counts(view, "games", SHIM_EXTENTS(1), &out->member_count) &&
        ((out->games = view->buf), 1) &&
        (view = shim_borrow(held, given[1], 'd', writes, "wins")) != NULL &&
        shim_holds(view, "wins", SHIM_EXTENTS(out->member_count)) &&
        ((out->wins = view->buf), 1) &&
        (view = shim_borrow(held, given[2], 'q', writes, "drawn")) != NULL &&
        shim_counts(view, "drawn", SHIM_EXTENTS(1), &out->game_count) &&
        ((out->drawn = view->buf), 1) &&
        (view = shim_borrow(held, given[3], 'd', writes, "episode_leads")) != NULL &&
        shim_holds(view, "episode_leads", SHIM_EXTENTS(out->game_count)) &&
        ((out->episode_leads = view->buf), 1);
    shim_drop(given, 4);
    return read;
}

static PyObject *selfplay_use_pool(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle run = 0;
    int32_t sampling = 0, status;
    double power = 0;
    spars_error failure;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "selfplay_use_pool(run, sampling, power)", 3, given_count) &&
        shim_uint64(given[0], "run", &run) &&
        shim_enum(given[1], "sampling", &shim_sampling_choices, &sampling) &&
        shim_double(given[2], "power", &power);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_use_pool(run, sampling, power, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *selfplay_pool(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle run = 0;
    int64_t members;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "selfplay_pool(run)", 1, given_count) &&
        shim_uint64(given[0], "run", &run);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_pool(run, &members, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return PyLong_FromLongLong(members);
}

static PyObject *selfplay_get_pool(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle run = 0;
    spars_pool_tallies tallies;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "selfplay_get_pool(run, tallies)", 2, given_count) &&
        shim_uint64(given[0], "run", &run) &&
        shim_read_pool_tallies(given[1], "tallies", 1, &held, &tallies);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_get_pool(run, &tallies, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *selfplay_add_to_pool(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle run = 0;
    Py_buffer *parameters = NULL;
    int64_t count = 0;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "selfplay_add_to_pool(run, parameters)", 2, given_count) &&
        shim_uint64(given[0], "run", &run) &&
        (parameters = shim_borrow(&held, given[1], 'f', 0, "parameters")) != NULL &&
        shim_counts(parameters, "parameters", SHIM_EXTENTS(1), &count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_add_to_pool(run, parameters->buf, count, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *selfplay_set_pool(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle run = 0;
    spars_pool_tallies tallies;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "selfplay_set_pool(run, tallies)", 2, given_count) &&
        shim_uint64(given[0], "run", &run) &&
        shim_read_pool_tallies(given[1], "tallies", 0, &held, &tallies);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_selfplay_set_pool(run, &tallies, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

PyMethodDef shim_pool_functions[] = {
    {"selfplay_use_pool", SHIM_FASTCALL(selfplay_use_pool), METH_FASTCALL, NULL},
    {"selfplay_pool", SHIM_FASTCALL(selfplay_pool), METH_FASTCALL, NULL},
    {"selfplay_get_pool", SHIM_FASTCALL(selfplay_get_pool), METH_FASTCALL, NULL},
    {"selfplay_add_to_pool", SHIM_FASTCALL(selfplay_add_to_pool), METH_FASTCALL, NULL},
    {"selfplay_set_pool", SHIM_FASTCALL(selfplay_set_pool), METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

// Made by `make generate` from Sources/CSPARS/description: edit that instead.
#include "generated.h"

int shim_read_lesion_law(
    PyObject *object, const char *name, int writes, shim_held *held, spars_lesion_law *out) {
    static shim_name names[] = {
        {"radius", NULL}, {"axes", NULL}, {"boundary", NULL}, {"edge", NULL}, {"dark", NULL},
        {"bright", NULL}, {"bright_chance", NULL}, {"darkest_hu", NULL}, {"texture", NULL},
        {"grain", NULL}, {"noise_share", NULL}, {"core_chance", NULL}, {"core", NULL},
        {"core_size", NULL}, {"rim_chance", NULL}, {"rim", NULL}, {"rim_width", NULL},
        {"capsule_chance", NULL}, {"capsule", NULL}, {"capsule_width", NULL},
        {"cluster_chance", NULL}, {"cluster_count", NULL}, {"cluster_radius", NULL},
        {"over_vessels_chance", NULL}, {"vessel_rise", NULL},
    };
    PyObject *given[25] = {NULL};
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 25, given) &&
        shim_array(given[0], "radius", 'd', out->radius, 2) &&
        shim_array(given[1], "axes", 'd', out->axes, 2) &&
        shim_array(given[2], "boundary", 'd', out->boundary, 2) &&
        shim_array(given[3], "edge", 'd', out->edge, 2) &&
        shim_array(given[4], "dark", 'd', out->dark, 2) &&
        shim_array(given[5], "bright", 'd', out->bright, 2) &&
        shim_double(given[6], "bright_chance", &out->bright_chance) &&
        shim_double(given[7], "darkest_hu", &out->darkest_hu) &&
        shim_array(given[8], "texture", 'd', out->texture, 2) &&
        shim_array(given[9], "grain", 'd', out->grain, 2) &&
        shim_array(given[10], "noise_share", 'd', out->noise_share, 2) &&
        shim_double(given[11], "core_chance", &out->core_chance) &&
        shim_array(given[12], "core", 'd', out->core, 2) &&
        shim_array(given[13], "core_size", 'd', out->core_size, 2) &&
        shim_double(given[14], "rim_chance", &out->rim_chance) &&
        shim_array(given[15], "rim", 'd', out->rim, 2) &&
        shim_array(given[16], "rim_width", 'd', out->rim_width, 2) &&
        shim_double(given[17], "capsule_chance", &out->capsule_chance) &&
        shim_array(given[18], "capsule", 'd', out->capsule, 2) &&
        shim_array(given[19], "capsule_width", 'd', out->capsule_width, 2) &&
        shim_double(given[20], "cluster_chance", &out->cluster_chance) &&
        shim_int64(given[21], "cluster_count", &out->cluster_count) &&
        shim_array(given[22], "cluster_radius", 'd', out->cluster_radius, 2) &&
        shim_double(given[23], "over_vessels_chance", &out->over_vessels_chance) &&
        shim_double(given[24], "vessel_rise", &out->vessel_rise);
    shim_drop(given, 25);
    return read;
}

PyObject *shim_make_lesion_law(const spars_lesion_law *record) {
    static PyStructSequence_Field fields[] = {
        {"radius", NULL}, {"axes", NULL}, {"boundary", NULL}, {"edge", NULL}, {"dark", NULL},
        {"bright", NULL}, {"bright_chance", NULL}, {"darkest_hu", NULL}, {"texture", NULL},
        {"grain", NULL}, {"noise_share", NULL}, {"core_chance", NULL}, {"core", NULL},
        {"core_size", NULL}, {"rim_chance", NULL}, {"rim", NULL}, {"rim_width", NULL},
        {"capsule_chance", NULL}, {"capsule", NULL}, {"capsule_width", NULL},
        {"cluster_chance", NULL}, {"cluster_count", NULL}, {"cluster_radius", NULL},
        {"over_vessels_chance", NULL}, {"vessel_rise", NULL},
        {NULL, NULL},
    };
    static shim_record_type type = {
        NULL, {"spars.lesion_law", NULL, fields, 25}};
    PyObject *items[] = {
        shim_tuple('d', record->radius, 2),
        shim_tuple('d', record->axes, 2),
        shim_tuple('d', record->boundary, 2),
        shim_tuple('d', record->edge, 2),
        shim_tuple('d', record->dark, 2),
        shim_tuple('d', record->bright, 2),
        PyFloat_FromDouble(record->bright_chance),
        PyFloat_FromDouble(record->darkest_hu),
        shim_tuple('d', record->texture, 2),
        shim_tuple('d', record->grain, 2),
        shim_tuple('d', record->noise_share, 2),
        PyFloat_FromDouble(record->core_chance),
        shim_tuple('d', record->core, 2),
        shim_tuple('d', record->core_size, 2),
        PyFloat_FromDouble(record->rim_chance),
        shim_tuple('d', record->rim, 2),
        shim_tuple('d', record->rim_width, 2),
        PyFloat_FromDouble(record->capsule_chance),
        shim_tuple('d', record->capsule, 2),
        shim_tuple('d', record->capsule_width, 2),
        PyFloat_FromDouble(record->cluster_chance),
        PyLong_FromLongLong(record->cluster_count),
        shim_tuple('d', record->cluster_radius, 2),
        PyFloat_FromDouble(record->over_vessels_chance),
        PyFloat_FromDouble(record->vessel_rise),
    };
    return shim_record(&type, items, 25);
}

int shim_read_lesion_window_settings(
    PyObject *object, const char *name, int writes, shim_held *held, spars_lesion_window_settings *out) {
    static shim_name names[] = {
        {"window", NULL}, {"core", NULL}, {"tumour_chance", NULL}, {"beside_chance", NULL},
        {"tumour_share_above", NULL}, {"free_share_below", NULL}, {"level_at", NULL},
        {"outside", NULL}, {"flips", NULL}, {"transposes", NULL}, {"gain", NULL}, {"offset", NULL},
        {"noise", NULL}, {"blur", NULL},
    };
    PyObject *given[14] = {NULL};
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 14, given) &&
        shim_array(given[0], "window", 'q', out->window, 3) &&
        shim_array(given[1], "core", 'q', out->core, 3) &&
        shim_double(given[2], "tumour_chance", &out->tumour_chance) &&
        shim_double(given[3], "beside_chance", &out->beside_chance) &&
        shim_double(given[4], "tumour_share_above", &out->tumour_share_above) &&
        shim_double(given[5], "free_share_below", &out->free_share_below) &&
        shim_double_or_nan(given[6], "level_at", &out->level_at) &&
        shim_double(given[7], "outside", &out->outside) &&
        shim_bool(given[8], "flips", &out->flips) &&
        shim_bool(given[9], "transposes", &out->transposes) &&
        shim_array(given[10], "gain", 'd', out->gain, 2) &&
        shim_array(given[11], "offset", 'd', out->offset, 2) &&
        shim_array(given[12], "noise", 'd', out->noise, 2) &&
        shim_array(given[13], "blur", 'd', out->blur, 2);
    shim_drop(given, 14);
    return read;
}

PyObject *shim_make_lesion_window_settings(const spars_lesion_window_settings *record) {
    static PyStructSequence_Field fields[] = {
        {"window", NULL}, {"core", NULL}, {"tumour_chance", NULL}, {"beside_chance", NULL},
        {"tumour_share_above", NULL}, {"free_share_below", NULL}, {"level_at", NULL},
        {"outside", NULL}, {"flips", NULL}, {"transposes", NULL}, {"gain", NULL}, {"offset", NULL},
        {"noise", NULL}, {"blur", NULL},
        {NULL, NULL},
    };
    static shim_record_type type = {
        NULL, {"spars.lesion_window_settings", NULL, fields, 14}};
    PyObject *items[] = {
        shim_tuple('q', record->window, 3),
        shim_tuple('q', record->core, 3),
        PyFloat_FromDouble(record->tumour_chance),
        PyFloat_FromDouble(record->beside_chance),
        PyFloat_FromDouble(record->tumour_share_above),
        PyFloat_FromDouble(record->free_share_below),
        shim_float_or_none(record->level_at),
        PyFloat_FromDouble(record->outside),
        PyBool_FromLong(record->flips),
        PyBool_FromLong(record->transposes),
        shim_tuple('d', record->gain, 2),
        shim_tuple('d', record->offset, 2),
        shim_tuple('d', record->noise, 2),
        shim_tuple('d', record->blur, 2),
    };
    return shim_record(&type, items, 14);
}

PyObject *shim_make_organ_level(const spars_organ_level *record) {
    static PyStructSequence_Field fields[] = {
        {"level", NULL}, {"spread", NULL}, {"noise", NULL}, {"grain", NULL}, {"voxels", NULL},
        {NULL, NULL},
    };
    static shim_record_type type = {
        NULL, {"spars.organ_level", NULL, fields, 5}};
    PyObject *items[] = {
        PyFloat_FromDouble(record->level),
        PyFloat_FromDouble(record->spread),
        PyFloat_FromDouble(record->noise),
        PyFloat_FromDouble(record->grain),
        PyLong_FromLongLong(record->voxels),
    };
    return shim_record(&type, items, 5);
}

int shim_read_intensity_rule(
    PyObject *object, const char *name, int writes, shim_held *held, spars_intensity_rule *out) {
    static shim_name names[] = {
        {"below", NULL}, {"sigma", NULL}, {"edge", NULL}, {"opening", NULL},
    };
    PyObject *given[4] = {NULL};
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 4, given) &&
        shim_double(given[0], "below", &out->below) &&
        shim_double(given[1], "sigma", &out->sigma) &&
        shim_double(given[2], "edge", &out->edge) &&
        shim_int64(given[3], "opening", &out->opening);
    shim_drop(given, 4);
    return read;
}

int shim_read_lesion_split_rule(
    PyObject *object, const char *name, int writes, shim_held *held, spars_lesion_split_rule *out) {
    static shim_name names[] = {
        {"threshold", NULL}, {"certain", NULL}, {"reach", NULL}, {"least_contrast", NULL},
        {"border_contrast", NULL}, {"least_voxels", NULL}, {"large_voxels", NULL},
        {"large_threshold", NULL},
    };
    PyObject *given[8] = {NULL};
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 8, given) &&
        shim_double(given[0], "threshold", &out->threshold) &&
        shim_double(given[1], "certain", &out->certain) &&
        shim_double(given[2], "reach", &out->reach) &&
        shim_double(given[3], "least_contrast", &out->least_contrast) &&
        shim_double(given[4], "border_contrast", &out->border_contrast) &&
        shim_int64(given[5], "least_voxels", &out->least_voxels) &&
        shim_int64(given[6], "large_voxels", &out->large_voxels) &&
        shim_double(given[7], "large_threshold", &out->large_threshold);
    shim_drop(given, 8);
    return read;
}

static PyObject *lesion_law_default(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_lesion_law law;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "lesion_law_default()", 0, given_count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_lesion_law_default(&law, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return shim_make_lesion_law(&law);
}

static PyObject *lesion_window_settings_default(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_lesion_window_settings settings;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "lesion_window_settings_default()", 0, given_count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_lesion_window_settings_default(&settings, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return shim_make_lesion_window_settings(&settings);
}

static PyObject *lesion_host_create(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    Py_buffer *volume = NULL, *organ = NULL;
    int64_t shape[3];
    double spacing[3], level = 0;
    shim_control progress;
    spars_handle host;
    spars_organ_level organ_level;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "lesion_host_create(volume, organ, spacing, level, progress)", 5, given_count) &&
        shim_array(given[2], "spacing", 'd', spacing, 3) &&
        shim_double_or_nan(given[3], "level", &level) &&
        shim_control_init(&progress, given[4]) == 0 &&
        (volume = shim_borrow(&held, given[0], 'f', 0, "volume")) != NULL &&
        shim_shapes(volume, "volume", SHIM_AXES(&shape[0], &shape[1], &shape[2])) &&
        (organ = shim_borrow(&held, given[1], 'B', 0, "organ")) != NULL &&
        shim_holds(organ, "organ", SHIM_EXTENTS(shape[0], shape[1], shape[2]));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_lesion_host_create(
        volume->buf, organ->buf, shape, spacing, level, &progress.control, &host, &organ_level,
        &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    PyObject *result = Py_BuildValue("(NN)", PyLong_FromUnsignedLongLong(host), shim_make_organ_level(&organ_level));
    if (result == NULL) spars_release(host);
    return result;
}

static PyObject *lesion_host_contents(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle host = 0;
    Py_buffer *volume = NULL, *organ = NULL;
    int64_t shape[3];
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "lesion_host_contents(host, volume, organ)", 3, given_count) &&
        shim_uint64(given[0], "host", &host) &&
        (volume = shim_borrow(&held, given[1], 'f', 1, "volume")) != NULL &&
        shim_shapes(volume, "volume", SHIM_AXES(&shape[0], &shape[1], &shape[2])) &&
        (organ = shim_borrow(&held, given[2], 'B', 1, "organ")) != NULL &&
        shim_holds(organ, "organ", SHIM_EXTENTS(shape[0], shape[1], shape[2]));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_lesion_host_contents(host, volume->buf, organ->buf, shape, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *lesion_insert(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle host = 0;
    Py_buffer *volume = NULL, *values = NULL, *part = NULL, *mask = NULL, *table = NULL;
    int64_t shape[3], lesions = 0, rows = 0, count;
    spars_lesion_law law;
    uint64_t seed = 0;
    shim_control progress;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "lesion_insert(host, volume, law, lesions, seed, values, part, mask, table, progress)", 10, given_count) &&
        shim_uint64(given[0], "host", &host) &&
        shim_read_lesion_law(given[2], "law", 0, &held, &law) &&
        shim_int64(given[3], "lesions", &lesions) &&
        shim_uint64(given[4], "seed", &seed) &&
        shim_control_init(&progress, given[9]) == 0 &&
        (volume = shim_borrow(&held, given[1], 'f', 0, "volume")) != NULL &&
        shim_shapes(volume, "volume", SHIM_AXES(&shape[0], &shape[1], &shape[2])) &&
        (values = shim_borrow(&held, given[5], 'f', 1, "values")) != NULL &&
        shim_holds(values, "values", SHIM_EXTENTS(shape[0], shape[1], shape[2])) &&
        (part = shim_borrow(&held, given[6], 'f', 1, "part")) != NULL &&
        shim_holds(part, "part", SHIM_EXTENTS(shape[0], shape[1], shape[2])) &&
        (mask = shim_borrow(&held, given[7], 'B', 1, "mask")) != NULL &&
        shim_holds(mask, "mask", SHIM_EXTENTS(shape[0], shape[1], shape[2])) &&
        (table = shim_borrow(&held, given[8], 'd', 1, "table")) != NULL &&
        shim_counts(table, "table", SHIM_EXTENTS(8), &rows);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_lesion_insert(
        host, volume->buf, shape, &law, lesions, seed, values->buf, part->buf, mask->buf,
        table->buf, rows, &progress.control, &count, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return PyLong_FromLongLong(count);
}

static PyObject *lesion_windows_create(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    Py_buffer *hosts = NULL;
    int64_t host_count = 0;
    spars_lesion_law law;
    spars_lesion_window_settings settings;
    uint64_t seed = 0;
    spars_handle windows;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "lesion_windows_create(hosts, law, settings, seed)", 4, given_count) &&
        shim_read_lesion_law(given[1], "law", 0, &held, &law) &&
        shim_read_lesion_window_settings(given[2], "settings", 0, &held, &settings) &&
        shim_uint64(given[3], "seed", &seed) &&
        (hosts = shim_borrow(&held, given[0], 'q', 0, "hosts")) != NULL &&
        shim_counts(hosts, "hosts", SHIM_EXTENTS(1), &host_count);
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_lesion_windows_create(
        hosts->buf, host_count, &law, &settings, seed, &windows, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    PyObject *result = PyLong_FromUnsignedLongLong(windows);
    if (result == NULL) spars_release(windows);
    return result;
}

static PyObject *lesion_windows_draw(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle windows = 0;
    int64_t first = 0, count = 0, voxels = 0;
    Py_buffer *values = NULL, *labels = NULL, *core_shares = NULL;
    shim_control progress;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "lesion_windows_draw(windows, first, values, labels, core_shares, progress)", 6, given_count) &&
        shim_uint64(given[0], "windows", &windows) &&
        shim_int64(given[1], "first", &first) &&
        shim_control_init(&progress, given[5]) == 0 &&
        (labels = shim_borrow(&held, given[3], 'B', 1, "labels")) != NULL &&
        shim_counts(labels, "labels", SHIM_EXTENTS(1), &count) &&
        (values = shim_borrow(&held, given[2], 'f', 1, "values")) != NULL &&
        shim_counts(values, "values", SHIM_EXTENTS(count), &voxels) &&
        (core_shares = shim_borrow(&held, given[4], 'f', 1, "core_shares")) != NULL &&
        shim_holds(core_shares, "core_shares", SHIM_EXTENTS(count));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_lesion_windows_draw(
        windows, first, values->buf, count, voxels, labels->buf, core_shares->buf,
        &progress.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

static PyObject *intensity_mask(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    Py_buffer *volume = NULL, *organ = NULL, *mask = NULL;
    int64_t shape[3];
    double spacing[3], level;
    spars_intensity_rule rule;
    shim_control progress;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "intensity_mask(volume, organ, spacing, rule, mask, progress)", 6, given_count) &&
        shim_array(given[2], "spacing", 'd', spacing, 3) &&
        shim_read_intensity_rule(given[3], "rule", 0, &held, &rule) &&
        shim_control_init(&progress, given[5]) == 0 &&
        (volume = shim_borrow(&held, given[0], 'f', 0, "volume")) != NULL &&
        shim_shapes(volume, "volume", SHIM_AXES(&shape[0], &shape[1], &shape[2])) &&
        (organ = shim_borrow(&held, given[1], 'B', 0, "organ")) != NULL &&
        shim_holds(organ, "organ", SHIM_EXTENTS(shape[0], shape[1], shape[2])) &&
        (mask = shim_borrow(&held, given[4], 'B', 1, "mask")) != NULL &&
        shim_holds(mask, "mask", SHIM_EXTENTS(shape[0], shape[1], shape[2]));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_intensity_mask(
        volume->buf, organ->buf, shape, spacing, &rule, mask->buf, &progress.control, &level,
        &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return PyFloat_FromDouble(level);
}

static PyObject *organ_cavities(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    Py_buffer *volume = NULL, *organ = NULL, *filled = NULL;
    int64_t shape[3], taken_in, left_out;
    double spacing[3];
    shim_control progress;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "organ_cavities(volume, organ, spacing, filled, progress)", 5, given_count) &&
        shim_array(given[2], "spacing", 'd', spacing, 3) &&
        shim_control_init(&progress, given[4]) == 0 &&
        (volume = shim_borrow(&held, given[0], 'f', 0, "volume")) != NULL &&
        shim_shapes(volume, "volume", SHIM_AXES(&shape[0], &shape[1], &shape[2])) &&
        (organ = shim_borrow(&held, given[1], 'B', 0, "organ")) != NULL &&
        shim_holds(organ, "organ", SHIM_EXTENTS(shape[0], shape[1], shape[2])) &&
        (filled = shim_borrow(&held, given[3], 'B', 1, "filled")) != NULL &&
        shim_holds(filled, "filled", SHIM_EXTENTS(shape[0], shape[1], shape[2]));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_organ_cavities(
        volume->buf, organ->buf, shape, spacing, filled->buf, &progress.control, &taken_in,
        &left_out, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return Py_BuildValue("(NN)", PyLong_FromLongLong(taken_in), PyLong_FromLongLong(left_out));
}

static PyObject *lesion_split(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    spars_handle host = 0;
    Py_buffer *map = NULL, *mask = NULL;
    int64_t shape[3];
    spars_lesion_split_rule rule;
    shim_control progress;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "lesion_split(host, map, rule, mask, progress)", 5, given_count) &&
        shim_uint64(given[0], "host", &host) &&
        shim_read_lesion_split_rule(given[2], "rule", 0, &held, &rule) &&
        shim_control_init(&progress, given[4]) == 0 &&
        (map = shim_borrow(&held, given[1], 'f', 0, "map")) != NULL &&
        shim_shapes(map, "map", SHIM_AXES(&shape[0], &shape[1], &shape[2])) &&
        (mask = shim_borrow(&held, given[3], 'B', 1, "mask")) != NULL &&
        shim_holds(mask, "mask", SHIM_EXTENTS(shape[0], shape[1], shape[2]));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_lesion_split(
        host, map->buf, shape, &rule, mask->buf, &progress.control, &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    return shim_none(status, &failure);
}

PyMethodDef shim_lesions_functions[] = {
    {"lesion_law_default", SHIM_FASTCALL(lesion_law_default), METH_FASTCALL, NULL},
    {"lesion_window_settings_default", SHIM_FASTCALL(lesion_window_settings_default), METH_FASTCALL, NULL},
    {"lesion_host_create", SHIM_FASTCALL(lesion_host_create), METH_FASTCALL, NULL},
    {"lesion_host_contents", SHIM_FASTCALL(lesion_host_contents), METH_FASTCALL, NULL},
    {"lesion_insert", SHIM_FASTCALL(lesion_insert), METH_FASTCALL, NULL},
    {"lesion_windows_create", SHIM_FASTCALL(lesion_windows_create), METH_FASTCALL, NULL},
    {"lesion_windows_draw", SHIM_FASTCALL(lesion_windows_draw), METH_FASTCALL, NULL},
    {"intensity_mask", SHIM_FASTCALL(intensity_mask), METH_FASTCALL, NULL},
    {"organ_cavities", SHIM_FASTCALL(organ_cavities), METH_FASTCALL, NULL},
    {"lesion_split", SHIM_FASTCALL(lesion_split), METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

// Made by `make generate` from Sources/CSPARS/description: edit that instead.
#include "generated.h"

const shim_choices shim_tissue_choices = {
    17, (const char *const[]){"outside", "wall", "fat", "muscle", "bone", "lung", "heart", "bowel", "stomach", "pancreas", "spleen", "kidney", "gallbladder", "vessel", "liver", "hepatic vessel", "tumour"}};

int shim_read_phantom_configuration(
    PyObject *object, const char *name, int writes, shim_held *held, spars_phantom_configuration *out) {
    static shim_name names[] = {
        {"seed", NULL}, {"spacing", NULL}, {"noise", NULL}, {"has_tumour", NULL},
        {"tumour_count", NULL}, {"tumour_contrast", NULL}, {"tumour_radius", NULL},
        {"varied", NULL},
    };
    PyObject *given[8] = {NULL};
    memset(out, 0, sizeof *out);
    int read =
        shim_fields(object, name, names, 8, given) &&
        shim_uint64(given[0], "seed", &out->seed) &&
        shim_array(given[1], "spacing", 'd', out->spacing, 3) &&
        shim_double(given[2], "noise", &out->noise) &&
        shim_bool(given[3], "has_tumour", &out->has_tumour) &&
        (given[4] == Py_None || shim_int32(given[4], "tumour_count", &out->tumour_count)) &&
        shim_double_or_nan(given[5], "tumour_contrast", &out->tumour_contrast) &&
        shim_double_or_nan(given[6], "tumour_radius", &out->tumour_radius) &&
        shim_bool(given[7], "varied", &out->varied);
    shim_drop(given, 8);
    return read;
}

PyObject *shim_make_phantom_tumour(const spars_phantom_tumour *record) {
    static PyStructSequence_Field fields[] = {
        {"centre", NULL}, {"radius", NULL}, {"contrast", NULL}, {"necrosis", NULL}, {"rim", NULL},
        {NULL, NULL},
    };
    static shim_record_type type = {
        NULL, {"spars.phantom_tumour", NULL, fields, 5}};
    PyObject *items[] = {
        shim_tuple('d', record->centre, 3),
        PyFloat_FromDouble(record->radius),
        PyFloat_FromDouble(record->contrast),
        PyFloat_FromDouble(record->necrosis),
        PyFloat_FromDouble(record->rim),
    };
    return shim_record(&type, items, 5);
}

PyObject *shim_make_phantom_tumours(const spars_phantom_tumours *record) {
    static PyStructSequence_Field fields[] = {
        {"total", NULL}, {"tumours", NULL},
        {NULL, NULL},
    };
    static shim_record_type type = {
        NULL, {"spars.phantom_tumours", NULL, fields, 2}};
    PyObject *items[] = {
        PyLong_FromLongLong(record->total),
        shim_records(record->tumours, 4, sizeof(spars_phantom_tumour), (shim_maker *)shim_make_phantom_tumour),
    };
    return shim_record(&type, items, 2);
}

static PyObject *phantom_make(
    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {
    Py_buffer *hu = NULL, *tissue = NULL, *drawn_liver = NULL;
    int64_t extent[3];
    spars_phantom_configuration configuration;
    shim_control progress;
    spars_phantom_tumours tumours;
    spars_error failure;
    int32_t status;
    shim_held held;
    shim_begin(&held);
    int taken =
        shim_expects(
            "phantom_make(hu, tissue, drawn_liver, configuration, progress)", 5, given_count) &&
        shim_read_phantom_configuration(given[3], "configuration", 0, &held, &configuration) &&
        shim_control_init(&progress, given[4]) == 0 &&
        (hu = shim_borrow(&held, given[0], 'f', 1, "hu")) != NULL &&
        shim_shapes(hu, "hu", SHIM_AXES(&extent[0], &extent[1], &extent[2])) &&
        (tissue = shim_borrow(&held, given[1], 'B', 1, "tissue")) != NULL &&
        shim_holds(tissue, "tissue", SHIM_EXTENTS(extent[0], extent[1], extent[2])) &&
        (drawn_liver = shim_borrow(&held, given[2], 'B', 1, "drawn_liver")) != NULL &&
        shim_holds(drawn_liver, "drawn_liver", SHIM_EXTENTS(extent[0], extent[1], extent[2]));
    if (!taken) return shim_abandoned(&held);
    Py_BEGIN_ALLOW_THREADS
    status = spars_phantom_make(
        hu->buf, tissue->buf, drawn_liver->buf, extent, &configuration, &progress.control, &tumours,
        &failure);
    Py_END_ALLOW_THREADS
    shim_release(&held);
    if (status != SPARS_OK) return shim_raise(&failure);
    return shim_make_phantom_tumours(&tumours);
}

PyMethodDef shim_phantom_functions[] = {
    {"phantom_make", SHIM_FASTCALL(phantom_make), METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

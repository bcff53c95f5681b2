#include "shim.h"

static PyObject *tumour_dict(const spars_phantom_tumour *tumour) {
    return Py_BuildValue(
        "{s(ddd)sdsdsdsd}", "centre", tumour->centre[0], tumour->centre[1], tumour->centre[2],
        "radius", tumour->radius, "contrast", tumour->contrast, "necrosis", tumour->necrosis, "rim",
        tumour->rim);
}

// phantom(hu, tissue, extent, spacing, seed, has_tumour, noise, count, contrast, radius, progress)
static PyObject *phantom(PyObject *module, PyObject *arguments) {
    (void)module;
    PyObject *hu_object, *tissue_object, *progress;
    unsigned long long seed;
    long long extent[3];
    int has_tumour, tumour_count;
    spars_phantom_configuration wanted;
    if (!PyArg_ParseTuple(
            arguments, "OO(LLL)(ddd)KpdiddO", &hu_object, &tissue_object, &extent[0], &extent[1],
            &extent[2], &wanted.spacing[0], &wanted.spacing[1], &wanted.spacing[2], &seed, &has_tumour,
            &wanted.noise, &tumour_count, &wanted.tumour_contrast, &wanted.tumour_radius, &progress)) {
        return NULL;
    }
    wanted.seed = seed;
    wanted.has_tumour = has_tumour;
    wanted.tumour_count = tumour_count;
    for (int axis = 0; axis < 3; axis++) wanted.extent[axis] = extent[axis];
    shim_control control;
    if (shim_control_init(&control, progress) != 0) return NULL;
    Py_buffer hu, tissue;
    if (shim_get_buffer(hu_object, 'f', 1, "hu", &hu) != 0) return NULL;
    if (shim_get_buffer_of(tissue_object, 'B', 1, shim_count(&hu), "tissue", &tissue) != 0) {
        PyBuffer_Release(&hu);
        return NULL;
    }
    spars_phantom_tumour tumours[4];
    int64_t found = 0;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_phantom_make(
        &wanted, hu.buf, tissue.buf, shim_count(&hu), tumours, &found, &control.control, &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&tissue);
    PyBuffer_Release(&hu);
    if (status != SPARS_OK) return shim_raise(&error);
    PyObject *list = PyList_New(0);
    for (int64_t i = 0; list != NULL && i < found; i++) {
        PyObject *tumour = tumour_dict(&tumours[i]);
        if (tumour == NULL || PyList_Append(list, tumour) != 0) Py_CLEAR(list);
        Py_XDECREF(tumour);
    }
    return list;
}

static PyObject *tissue_names(PyObject *module, PyObject *arguments) {
    (void)module, (void)arguments;
    PyObject *names = PyList_New(0);
    for (int64_t code = 0; names != NULL && spars_phantom_tissue_name(code) != NULL; code++) {
        PyObject *name = PyUnicode_FromString(spars_phantom_tissue_name(code));
        if (name == NULL || PyList_Append(names, name) != 0) Py_CLEAR(names);
        Py_XDECREF(name);
    }
    return names;
}

PyMethodDef shim_phantom_methods[] = {
    {"phantom", phantom, METH_VARARGS, NULL},
    {"phantom_tissue_names", tissue_names, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

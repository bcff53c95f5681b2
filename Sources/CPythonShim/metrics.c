#include "shim.h"

// The product of the extents, or -1 with ValueError set where it is not a number of elements.
static Py_ssize_t voxels_of(const long long extent[3]) {
    Py_ssize_t product = 1;
    for (int axis = 0; axis < 3; axis++) {
        if (extent[axis] < 1 || extent[axis] > PY_SSIZE_T_MAX / product) {
            PyErr_SetString(PyExc_ValueError, "The 'extent' argument must be positive and fit in memory.");
            return -1;
        }
        product *= (Py_ssize_t)extent[axis];
    }
    return product;
}

// Borrows two masks of one size. Returns 0, or -1 with the exception set.
static int get_masks(PyObject *first, PyObject *second, const long long extent[3], Py_buffer views[2]) {
    Py_ssize_t count = voxels_of(extent);
    if (count < 0) return -1;
    if (shim_get_buffer_of(first, 'B', 0, count, "prediction", &views[0]) != 0) return -1;
    if (shim_get_buffer_of(second, 'B', 0, count, "reference", &views[1]) != 0) {
        PyBuffer_Release(&views[0]);
        return -1;
    }
    return 0;
}

// overlap(prediction, reference, extent) -> (true positives, false positives, false negatives,
// true negatives)
static PyObject *overlap(PyObject *module, PyObject *arguments) {
    (void)module;
    PyObject *prediction, *reference;
    long long size[3];
    if (!PyArg_ParseTuple(
            arguments, "OO(LLL)", &prediction, &reference, &size[0], &size[1], &size[2])) {
        return NULL;
    }
    Py_buffer views[2];
    if (get_masks(prediction, reference, size, views) != 0) return NULL;
    int64_t extent[3] = {size[0], size[1], size[2]}, counts[4];
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_metrics_overlap(views[0].buf, views[1].buf, extent, counts, &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&views[0]);
    PyBuffer_Release(&views[1]);
    if (status != SPARS_OK) return shim_raise(&error);
    return Py_BuildValue(
        "LLLL", (long long)counts[0], (long long)counts[1], (long long)counts[2], (long long)counts[3]);
}

// surface(prediction, reference, extent, spacing, percentiles, tolerances, hausdorff, surface_dice,
// progress) -> average
static PyObject *surface(PyObject *module, PyObject *arguments) {
    (void)module;
    PyObject *masks[2], *numbers[4], *progress;
    long long size[3];
    double spacing[3], average;
    if (!PyArg_ParseTuple(
            arguments, "OO(LLL)(ddd)OOOOO", &masks[0], &masks[1], &size[0], &size[1], &size[2],
            &spacing[0], &spacing[1], &spacing[2], &numbers[0], &numbers[1], &numbers[2], &numbers[3],
            &progress)) {
        return NULL;
    }
    static const char *const names[4] = {"percentiles", "tolerances", "hausdorff", "surface_dice"};
    shim_control control;
    if (shim_control_init(&control, progress) != 0) return NULL;
    Py_buffer views[2], lists[4];
    if (get_masks(masks[0], masks[1], size, views) != 0) return NULL;
    PyObject *result = NULL;
    int held = 0;
    for (; held < 4; held++) {
        int taken = held < 2
            ? shim_get_buffer(numbers[held], 'd', 0, names[held], &lists[held])
            : shim_get_buffer_of(
                  numbers[held], 'd', 1, shim_count(&lists[held - 2]), names[held], &lists[held]);
        if (taken != 0) break;
    }
    if (held == 4) {
        int64_t extent[3] = {size[0], size[1], size[2]};
        spars_error error;
        int32_t status;
        Py_BEGIN_ALLOW_THREADS
        status = spars_metrics_surface(
            views[0].buf, views[1].buf, extent, spacing, lists[0].buf, shim_count(&lists[0]),
            lists[1].buf, shim_count(&lists[1]), lists[2].buf, lists[3].buf, &average,
            &control.control, &error);
        Py_END_ALLOW_THREADS
        result = status == SPARS_OK ? PyFloat_FromDouble(average) : shim_raise(&error);
    }
    while (held > 0) PyBuffer_Release(&lists[--held]);
    PyBuffer_Release(&views[0]);
    PyBuffer_Release(&views[1]);
    return result;
}

// distance_map(mask, extent, spacing, distances, progress)
static PyObject *distance_map(PyObject *module, PyObject *arguments) {
    (void)module;
    PyObject *mask_object, *distances_object, *progress;
    long long size[3];
    double spacing[3];
    if (!PyArg_ParseTuple(
            arguments, "O(LLL)(ddd)OO", &mask_object, &size[0], &size[1], &size[2], &spacing[0],
            &spacing[1], &spacing[2], &distances_object, &progress)) {
        return NULL;
    }
    shim_control control;
    if (shim_control_init(&control, progress) != 0) return NULL;
    Py_ssize_t count = voxels_of(size);
    if (count < 0) return NULL;
    Py_buffer mask, distances;
    if (shim_get_buffer_of(mask_object, 'B', 0, count, "mask", &mask) != 0) return NULL;
    if (shim_get_buffer_of(distances_object, 'f', 1, count, "distances", &distances) != 0) {
        PyBuffer_Release(&mask);
        return NULL;
    }
    int64_t extent[3] = {size[0], size[1], size[2]};
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_metrics_distance_map(
        mask.buf, extent, spacing, distances.buf, &control.control, &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&distances);
    PyBuffer_Release(&mask);
    return shim_none(status, &error);
}

// connected_components(mask, extent, connectivity, labels, progress) -> count
static PyObject *connected_components(PyObject *module, PyObject *arguments) {
    (void)module;
    PyObject *mask_object, *labels_object, *progress;
    long long size[3], connectivity;
    if (!PyArg_ParseTuple(
            arguments, "O(LLL)LOO", &mask_object, &size[0], &size[1], &size[2], &connectivity,
            &labels_object, &progress)) {
        return NULL;
    }
    shim_control control;
    if (shim_control_init(&control, progress) != 0) return NULL;
    Py_ssize_t voxels = voxels_of(size);
    if (voxels < 0) return NULL;
    Py_buffer mask, labels;
    if (shim_get_buffer_of(mask_object, 'B', 0, voxels, "mask", &mask) != 0) return NULL;
    if (shim_get_buffer_of(labels_object, 'i', 1, voxels, "labels", &labels) != 0) {
        PyBuffer_Release(&mask);
        return NULL;
    }
    int64_t extent[3] = {size[0], size[1], size[2]}, count = 0;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_metrics_components(
        mask.buf, extent, connectivity, labels.buf, &count, &control.control, &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&labels);
    PyBuffer_Release(&mask);
    if (status != SPARS_OK) return shim_raise(&error);
    return PyLong_FromLongLong(count);
}

// bootstrap_interval(values, confidence, resamples, seed, progress) -> (low, high)
static PyObject *bootstrap_interval(PyObject *module, PyObject *arguments) {
    (void)module;
    PyObject *values_object, *progress;
    double confidence, interval[2];
    long long resamples;
    unsigned long long seed;
    if (!PyArg_ParseTuple(
            arguments, "OdLKO", &values_object, &confidence, &resamples, &seed, &progress)) {
        return NULL;
    }
    shim_control control;
    if (shim_control_init(&control, progress) != 0) return NULL;
    Py_buffer values;
    if (shim_get_buffer(values_object, 'd', 0, "values", &values) != 0) return NULL;
    spars_error error;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS
    status = spars_metrics_bootstrap(
        values.buf, shim_count(&values), confidence, resamples, seed, interval, &control.control,
        &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&values);
    if (status != SPARS_OK) return shim_raise(&error);
    return Py_BuildValue("dd", interval[0], interval[1]);
}

PyMethodDef shim_metrics_methods[] = {
    {"overlap", overlap, METH_VARARGS, NULL},
    {"surface", surface, METH_VARARGS, NULL},
    {"distance_map", distance_map, METH_VARARGS, NULL},
    {"connected_components", connected_components, METH_VARARGS, NULL},
    {"bootstrap_interval", bootstrap_interval, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

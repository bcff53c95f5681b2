// Made by `make generate` from Sources/CSPARS/description: edit that instead.
#ifndef SPARS_GENERATED_H
#define SPARS_GENERATED_H

#include "values.h"

PyObject *shim_make_overlap(const spars_overlap *record);
int shim_read_surface_measures(
    PyObject *object, const char *name, int writes, shim_held *held, spars_surface_measures *out);
extern PyMethodDef shim_runtime_functions[];
extern PyMethodDef shim_metrics_functions[];

#define SHIM_GENERATED_FUNCTIONS \
    shim_runtime_functions, shim_metrics_functions

#endif

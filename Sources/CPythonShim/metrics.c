#include "shim.h"

PyMethodDef shim_metrics_methods[] = {
    {NULL, NULL, 0, NULL},
};

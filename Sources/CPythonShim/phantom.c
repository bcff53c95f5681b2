#include "shim.h"

PyMethodDef shim_phantom_methods[] = {
    {NULL, NULL, 0, NULL},
};

#include "shim.h"

PyMethodDef shim_volume_methods[] = {
    {NULL, NULL, 0, NULL},
};

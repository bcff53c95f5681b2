#include "shim.h"

PyMethodDef shim_selfplay_methods[] = {
    {NULL, NULL, 0, NULL},
};

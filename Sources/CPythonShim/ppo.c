#include "shim.h"

PyMethodDef shim_ppo_methods[] = {
    {NULL, NULL, 0, NULL},
};

#include "shim.h"

PyMethodDef shim_game_methods[] = {
    {NULL, NULL, 0, NULL},
};

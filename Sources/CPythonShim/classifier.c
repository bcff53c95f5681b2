#include "shim.h"

PyMethodDef shim_classifier_methods[] = {
    {NULL, NULL, 0, NULL},
};

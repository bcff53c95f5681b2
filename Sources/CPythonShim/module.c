#include "generated/generated.h"

static PyMethodDef *const all_methods[] = {
    SHIM_GENERATED_FUNCTIONS,
};

static PyMethodDef own[] = {{"own", shim_own, METH_O, NULL}, {NULL, NULL, 0, NULL}};

static int execute(PyObject *module) {
    for (size_t i = 0; i < sizeof all_methods / sizeof all_methods[0]; i++) {
        if (PyModule_AddFunctions(module, all_methods[i]) != 0) return -1;
    }
    return PyModule_AddFunctions(module, own);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute},
    {0, NULL},
};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "spars._core._native",
    .m_doc = "The compiled core of spars. Private: use the functions of the package instead.",
    .m_size = 0,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__native(void) { return PyModuleDef_Init(&definition); }

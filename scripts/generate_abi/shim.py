"""Makes the part of the CPython shim that follows from the description."""

import textwrap

from header import C_SCALARS, WIDTH, wrapped
from reading import CHAIN, Scope

MAKERS = {
    "int64": "PyLong_FromLongLong", "int32": "PyLong_FromLong", "double": "PyFloat_FromDouble",
    "uint64": "PyLong_FromUnsignedLongLong", "handle": "PyLong_FromUnsignedLongLong",
    "float": "PyFloat_FromDouble", "bool": "PyBool_FromLong",
}  # fmt: skip
# The shim's SHIM_HELD.
HELD = 12
LENT = {"text", "control", "signals", "scorer"}
RESERVED = {"self", "given", "given_count", "held", "failure", "status", "result", "view", "out"}


def shared(description):
    """Return generated.h: what the areas' files share with each other and with module.c."""
    lines = ['#ifndef SPARS_GENERATED_H\n#define SPARS_GENERATED_H\n\n#include "values.h"\n\n']
    read, made = used_structs(description)
    for enum in description.enums.values():
        if enum.name != "status":
            lines.append(f"extern const shim_choices shim_{enum.name}_choices;\n")
    for struct in description.structs.values():
        if struct.name in read:
            lines.append(
                f"int shim_read_{struct.name}(\n    PyObject *object, const char *name, int writes,"
                f" shim_held *held, spars_{struct.name} *out);\n"
            )
        if struct.name in made:
            lines.append(f"PyObject *shim_make_{struct.name}(const spars_{struct.name} *record);\n")
    for area in description.areas:
        if area.functions:
            lines.append(f"extern PyMethodDef shim_{area.name}_functions[];\n")
    tables = [f"shim_{area.name}_functions" for area in description.areas if area.functions]
    lines.append(f"\n#define SHIM_GENERATED_FUNCTIONS \\\n    {', '.join(tables)}\n\n#endif\n")
    return "".join(lines)


def used_structs(description):
    """Return the names of the structs that are read from Python, and of those that are made."""
    read, made = set(), set()

    def use(values, into):
        for value in values:
            if value.kind == "struct" and value.of not in into:
                into.add(value.of)
                use(description.structs[value.of].fields, into)

    for area in description.areas:
        for function in area.functions:
            use(function.parameters, read)
            use(function.results, made)
    return read, made


def source(description, area):
    """Return the text of an area's C file."""
    read, made = used_structs(description)
    parts = ['#include "generated.h"\n']
    parts += [_choices(enum) for enum in area.enums if enum.name != "status"]
    for struct in area.structs:
        if struct.name in read:
            parts.append(_reader(description, struct))
        if struct.name in made:
            parts.append(_maker(description, struct))
    parts += [_function(description, function) for function in area.functions]
    if area.functions:
        rows = [
            f'    {{"{f.name}", SHIM_FASTCALL({f.name}), METH_FASTCALL, NULL}},\n'
            for f in area.functions
        ]
        parts.append(
            f"PyMethodDef shim_{area.name}_functions[] = {{\n{''.join(rows)}"
            "    {NULL, NULL, 0, NULL},\n};\n"
        )
    return "\n".join(parts)


def _choices(enum):
    names = ", ".join(f'"{name}"' for name in enum.names)
    return (
        f"const shim_choices shim_{enum.name}_choices = {{\n"
        f"    {len(enum.names)}, (const char *const[]){{{names}}}}};\n"
    )


def _filled(parts, indent="    "):
    """Return parts separated by spaces, on as many lines as they need."""
    return textwrap.fill(
        " ".join(part.replace(" ", "\0") for part in parts),
        WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False,
        break_on_hyphens=False,
    ).replace("\0", " ")  # fmt: skip


def _chain(steps):
    return CHAIN.join(steps)


def _reader(description, struct):
    scope = Scope(description, f"struct {struct.name}", struct.fields, "out->")
    passed = [value for value in struct.fields if value.is_passed]
    names = _filled((f'{{"{value.name}", NULL}},' for value in passed), "        ")
    steps = [f"shim_fields(object, name, names, {len(passed)}, given)", *scope.steps()]
    has_view = any(value.kind == "buffer" for value in struct.fields)
    return (
        f"int shim_read_{struct.name}(\n    PyObject *object, const char *name, int writes,"
        f" shim_held *held, spars_{struct.name} *out) {{\n"
        + f"    static shim_name names[] = {{\n{names}\n    }};\n"
        + f"    PyObject *given[{len(passed)}] = {{NULL}};\n"
        + ("    Py_buffer *view;\n" if has_view else "")
        + "    memset(out, 0, sizeof *out);\n"
        + f"    int read =\n        {_chain(steps)};\n"
        + f"    shim_drop(given, {len(passed)});\n    return read;\n}}\n"
    )


def _made(value, expression):
    """Return the C that makes a Python object of a value."""
    if value.kind == "struct" and value.extents:
        return (
            f"shim_records({expression}, {value.extents[0]}, sizeof(spars_{value.of}),"
            f" (shim_maker *)shim_make_{value.of})"
        )
    if value.kind == "struct":
        return f"shim_make_{value.of}(&{expression})"
    if value.kind == "array":
        form = {"int64": "q", "double": "d", "float": "f", "bool": "?"}[value.of]
        return f"shim_tuple('{form}', {expression}, {value.extents[0]})"
    if value.kind == "bytes":
        return f"PyBytes_FromStringAndSize((const char *){expression}, {value.extents[0]})"
    if value.kind == "chars":
        return f"PyUnicode_FromString({expression})"
    if value.kind == "enum":
        return f"shim_choice({expression}, &shim_{value.of}_choices)"
    if value.optional and value.kind in ("double", "float"):
        return f"shim_float_or_none({expression})"
    return f"{MAKERS[value.kind]}({expression})"


def _maker(description, struct):
    rows = _filled((f'{{"{value.name}", NULL}},' for value in struct.fields), "        ")
    items = "".join(
        f"        {_made(value, f'record->{value.name}')},\n" for value in struct.fields
    )
    return (
        f"PyObject *shim_make_{struct.name}(const spars_{struct.name} *record) {{\n"
        "    static PyStructSequence_Field fields[] = {\n"
        f"{rows}\n        {{NULL, NULL}},\n    }};\n"
        f"    static shim_record_type type = {{\n"
        f'        NULL, {{"spars.{struct.name}", NULL, fields, {len(struct.fields)}}}}};\n'
        f"    PyObject *items[] = {{\n{items}    }};\n"
        f"    return shim_record(&type, items, {len(struct.fields)});\n}}\n"
    )


def _local(value):
    """Return the type and the declarator of the C variable that a parameter is read into."""
    name = value.name
    if value.kind in ("array", "shape"):
        size = value.extents[0] if value.kind == "array" else 3
        return C_SCALARS[value.of or "int64"], f"{name}[{size}]"
    if value.kind == "struct":
        return f"spars_{value.of}", name
    if value.kind == "buffer":
        return "Py_buffer", f"*{name} = NULL"
    if value.kind in ("text", "path"):
        return "const char", f"*{name} = NULL"
    if value.kind in ("control", "signals"):
        return "shim_control", name
    if value.kind == "scorer":
        return "spars_scorer", name
    return C_SCALARS[value.kind], f"{name} = 0"


def _result_local(value):
    if value.kind == "text":
        return "char", f"*{value.name} = NULL"
    size = f"[{value.extents[0]}]" if value.kind == "array" else ""
    of = f"spars_{value.of}" if value.kind == "struct" else C_SCALARS[value.of or value.kind]
    return of, f"{value.name}{size}"


def _declared(locals_):
    """Return the declarations of variables, those of one type together."""
    by_type = {}
    for kind, declarator in locals_:
        by_type.setdefault(kind, []).append(declarator)
    return "".join(
        _filled(f"{kind} {', '.join(declarators)};".split(" "), "    ") + "\n"
        for kind, declarators in by_type.items()
    )


def _passed(value, source):
    """Return the C expression that a call passes for a parameter."""
    if value.kind == "buffer":
        return f"SHIM_DATA({value.name})" if value.optional else f"{value.name}->buf"
    if value.kind == "struct":
        return f"{source} == Py_None ? NULL : &{value.name}" if value.optional else f"&{value.name}"
    if value.kind == "array" and value.optional:
        return f"{source} == Py_None ? NULL : {value.name}"
    if value.kind in ("control", "signals"):
        return f"&{value.name}.control"
    if value.kind == "scorer":
        return f"&{value.name}"
    return value.name


def _check(description, function):
    """Refuse what the shim has no room for, or could not keep alive during a call."""
    for value in function.parameters + function.results:
        if value.name in RESERVED:
            raise ValueError(f"function {function.name}: the name '{value.name}' is the shim's own")
    buffers = 0
    waiting = list(function.parameters)
    while waiting:
        value = waiting.pop()
        buffers += value.kind == "buffer"
        if value.kind == "struct":
            fields = description.structs[value.of].fields
            waiting += fields
            # The objects of fields are given back before the call.
            lent = [field.name for field in fields if field.kind in LENT]
            if lent:
                raise ValueError(f"struct {value.of}: '{lent[0]}' must be a parameter by itself")
    if buffers > HELD:
        raise ValueError(f"function {function.name}: at most {HELD} buffers, SHIM_HELD, are held")


def _function(description, function):
    _check(description, function)
    scope = Scope(description, f"function {function.name}", function.parameters)
    arguments = function.arguments
    signature = f"{function.name}({', '.join(value.name for value in arguments)})"
    steps = [f'shim_expects(\n            "{signature}", {len(arguments)}, given_count)']
    steps += scope.steps()
    locals_ = [_local(value) for value in function.parameters]
    locals_ += [_result_local(value) for value in function.results]
    passed = [_passed(value, scope.sources.get(value.name)) for value in function.parameters]
    for value in function.results:
        passed += (
            [value.name, "capacity", "&length"]
            if value.kind == "text"
            else [value.name if value.kind == "array" else f"&{value.name}"]
        )
    if any(value.kind == "text" for value in function.results):
        locals_ += [("int64_t", "capacity = 0"), ("int64_t", "length = 0")]
    if function.returns == "status":
        locals_ += [("spars_error", "failure"), ("int32_t", "status")]
        passed.append("&failure")
    return (
        f"static PyObject *{function.name}(\n"
        "    PyObject *self, PyObject *const *given, Py_ssize_t given_count) {\n"
        + _declared(locals_)
        + "    shim_held held;\n    shim_begin(&held);\n"
        + f"    int taken =\n        {_chain(steps)};\n"
        + "    if (!taken) return shim_abandoned(&held);\n"
        + _call(function, f"spars_{function.name}({', '.join(passed)})")
        + "}\n"
    )


def _call(function, call):
    if function.returns in ("text", "int64"):
        made = {"text": "PyUnicode_FromString", "int64": "PyLong_FromLongLong"}[function.returns]
        return f"    return {made}({call});\n"
    without_gil = "    Py_BEGIN_ALLOW_THREADS\n{}\n    Py_END_ALLOW_THREADS\n"
    if function.returns == "nothing":
        return without_gil.format(f"    {call};") + "    return Py_NewRef(Py_None);\n"
    results = function.results
    if [value.kind for value in results] == ["text"]:
        text = results[0].name
        return (
            "    do {\n"
            f"        if (!shim_grow(&{text}, &capacity, length)) return shim_abandoned(&held);\n"
            f"{wrapped(f'status = {call};', '        ')}\n"
            "    } while (status == SPARS_OK && length >= capacity);\n"
            "    shim_release(&held);\n"
            "    PyObject *result =\n        status == SPARS_OK ? "
            f"PyUnicode_FromStringAndSize({text}, length) : shim_raise(&failure);\n"
            f"    PyMem_Free({text});\n    return result;\n"
        )
    text = without_gil.format(wrapped(f"status = {call};", "    "))
    text += "    shim_release(&held);\n"
    if not results:
        return text + "    return shim_none(status, &failure);\n"
    text += "    if (status != SPARS_OK) return shim_raise(&failure);\n"
    made = [_made(value, value.name) for value in results]
    whole = made[0]
    if len(made) > 1:
        whole = f'Py_BuildValue("({"N" * len(made)})", {", ".join(made)})'
    handles = [value.name for value in results if value.kind == "handle"]
    if not handles:
        return text + f"    return {whole};\n"
    ends = "".join(f"    if (result == NULL) spars_release({name});\n" for name in handles)
    return text + f"    PyObject *result = {whole};\n{ends}    return result;\n"

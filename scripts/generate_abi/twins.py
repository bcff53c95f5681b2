"""Compares the description with the `@_cdecl` functions of Sources/SPARSABI.

The linker sees names only: a twin with another number, order or type of parameters would read
whatever lies in their places.
"""

import re

from header import C_ELEMENTS

TWIN = re.compile(
    r'@_cdecl\("(?P<c>\w+)"\)\s*public func \w+\((?P<parameters>.*?)\)\s*'
    r"(?:-> (?P<returned>[\w<>?]+)\s*)?\{",
    re.DOTALL,
)
POINTER = {
    "In": "UnsafePointer<{}>?", "Out": "UnsafeMutablePointer<{}>?",
    "AnyIn": "UnsafeRawPointer?", "AnyOut": "UnsafeMutableRawPointer?",
}  # fmt: skip
SWIFT_SCALARS = {
    "int32": "Int32", "int64": "Int64", "uint64": "UInt64", "float": "Float", "double": "Double",
    "bool": "Int32", "handle": "UInt64", "enum": "Int32", "count": "Int64",
}  # fmt: skip
SWIFT_ELEMENTS = {
    "float": "Float", "double": "Double", "int8_t": "Int8", "uint8_t": "UInt8",
    "int16_t": "Int16", "int32_t": "Int32", "int64_t": "Int64", "uint64_t": "UInt64",
}  # fmt: skip


def differences(description, sources):
    """Return a line for each function whose declaration differs from its twin in `sources`."""
    twins = {}
    for text in sources:
        for match in TWIN.finditer(text):
            twins[match["c"]] = (_parameters(match["parameters"]), _spelled(match["returned"]))
    found = []
    for area in description.areas:
        for function in area.functions:
            name = f"spars_{function.name}"
            wanted = expected(function)
            twin = twins.pop(name, None)
            if twin is None:
                found.append(f"{name} is described and has no @_cdecl function")
            elif twin != wanted:
                found.append(f"{name} is described as {_shown(wanted)}, its twin is {_shown(twin)}")
    return found + [f"{name} has a @_cdecl function and no description" for name in twins]


def expected(function):
    """Return the ((name, Swift type) of each parameter, type returned) of a function's twin."""
    values = [(value.name, _type(value)) for value in function.parameters]
    for value in function.results:
        values.append((value.name, f"UnsafeMutablePointer<{_result(value)}>?"))
        if value.kind == "text":
            values += [("capacity", "Int64"), ("length", "UnsafeMutablePointer<Int64>?")]
    if function.returns == "status":
        values.append(("error", "UnsafeMutablePointer<spars_error>?"))
    returned = {"status": "Int32", "text": "UnsafePointer<CChar>", "int64": "Int64", "nothing": ""}
    return [(_plain(name), kind) for name, kind in values], returned[function.returns]


def _type(value):
    if value.kind in SWIFT_SCALARS:
        return SWIFT_SCALARS[value.kind]
    if value.kind == "array":
        return f"UnsafePointer<{SWIFT_SCALARS[value.of]}>?"
    if value.kind == "shape":
        return "UnsafePointer<Int64>?"
    if value.kind in ("text", "path"):
        return "UnsafePointer<CChar>?"
    if value.kind == "struct":
        return f"UnsafePointer<spars_{value.of}>?"
    if value.kind in ("control", "signals", "scorer"):
        return f"UnsafePointer<spars_{'scorer' if value.kind == 'scorer' else 'control'}>?"
    mutable = "" if value.direction == "in" else "Mutable"
    element = C_ELEMENTS.get(value.of)
    if element is None:
        return f"Unsafe{mutable}RawPointer?"
    return f"Unsafe{mutable}Pointer<{SWIFT_ELEMENTS[element]}>?"


def _result(value):
    if value.kind == "struct":
        return f"spars_{value.of}"
    return "CChar" if value.kind == "text" else SWIFT_SCALARS[value.of or value.kind]


def _parameters(text):
    parameters = []
    for part in re.split(r",(?![^<]*>)", text):
        match = re.fullmatch(r"\s*_ (\w+): ([\w<>?]+)\s*", part)
        if match:
            parameters.append((_plain(match[1]), _spelled(match[2])))
        elif part.strip():
            parameters.append((part.strip(), "not understood"))
    return parameters


def _spelled(kind):
    """Return a Swift type with the abbreviations of SPARSABI written out."""
    if kind is None:
        return ""
    kind = kind.replace("spars_handle", "UInt64")
    match = re.fullmatch(r"(\w+)(?:<(\w+)>)?", kind)
    if match and match[1] in POINTER:
        return POINTER[match[1]].format(match[2])
    return kind


def _plain(name):
    return name.replace("_", "").lower()


def _shown(twin):
    parameters, returned = twin
    return "(" + ", ".join(f"{name}: {kind}" for name, kind in parameters) + f") -> {returned}"

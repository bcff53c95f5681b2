"""Makes `_native.pyi` and the tables of names for Python."""

from description import ELEMENTS
from shim import used_structs

SCALARS = {
    "handle": "int", "int32": "int", "int64": "int", "uint64": "int", "double": "float",
    "float": "float", "bool": "bool", "text": "str", "chars": "str", "bytes": "bytes",
    "path": "str | bytes | os.PathLike[str] | os.PathLike[bytes]",
    "control": "Callable[[int, int], object] | None",
    "scorer": "Callable[[bytearray, int, int, int, int], object] | None",
}  # fmt: skip
ARRAYS = {"float32": "float32", "float64": "float64", "bool": "bool_"} | {
    name: name for name in ELEMENTS if "int" in name
}
HEAD = '''"""The compiled core. Private: `spars._core` alone imports it."""

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

# An object that releases a handle when it is collected.
def own(handle: int, /) -> object: ...
'''


def stub(description):
    """Return the text of the stub."""
    read, made = used_structs(description)
    parts = [HEAD]
    for enum in description.enums.values():
        if enum.name != "status":
            names = ", ".join(f'"{name}"' for name in enum.names)
            parts.append(f"# One of {names}.\n_{_camel(enum.name)} = str\n")
    for struct in description.structs.values():
        if struct.name in read:
            parts.append(_protocol(struct))
        if struct.name in made:
            parts.append(_record(struct))
    for area in description.areas:
        parts += [_function(function) for function in area.functions]
    return "\n".join(parts)


def names(description):
    """Return the text of `names.py`."""
    parts = [
        '"""Names in the order that the compiled core knows: choices, and numbers of records."""\n'
    ]
    for area in description.areas:
        for constant in area.constants:
            parts.append(f"{constant['name'].upper()} = {constant['value']}\n")
        for table in area.names + [enum for enum in area.enums if enum.name != "status"]:
            items = "".join(f'    "{name}",\n' for name in table.names)
            parts.append(f"{table.name.upper()} = (\n{items})\n")
    return "\n".join(parts)


def _camel(name):
    return "".join(part.capitalize() for part in name.split("_"))


def _type(value):
    """Return the type of what Python passes, or of a result."""
    if value.kind == "enum":
        text = f"_{_camel(value.of)}"
    elif value.kind == "struct":
        text = f"_{_camel(value.of)} | dict[str, Any]"
    elif value.kind == "array":
        text = f"Sequence[{SCALARS[value.of]}] | npt.NDArray[Any]"
    elif value.kind == "list":
        text = "Sequence[int]"
    elif value.kind == "buffer":
        element = f"np.{ARRAYS[value.of]}" if value.of in ARRAYS else "Any"
        text = f"npt.NDArray[{element}]"
    else:
        text = SCALARS[value.kind]
    return f"{text} | None" if value.optional else text


def _result_type(value):
    if value.kind == "array":
        items = ", ".join([SCALARS[value.of]] * value.extents[0])
        return f"tuple[{items}]" if value.extents[0] <= 4 else f"tuple[{SCALARS[value.of]}, ...]"
    if value.kind == "struct":
        record = f"_{_camel(value.of)}Record"
        return f"tuple[{record}, ...]" if value.extents else record
    return _type(value)


def _protocol(struct):
    lines = [f"class _{_camel(struct.name)}(Protocol):\n"]
    for value in struct.fields:
        if value.is_passed:
            lines.append(f"    @property\n    def {value.name}(self) -> {_type(value)}: ...\n")
    return "".join(lines)


def _record(struct):
    lines = [f"class _{_camel(struct.name)}Record(NamedTuple):\n"]
    lines += [f"    {value.name}: {_result_type(value)}\n" for value in struct.fields]
    return "".join(lines)


def _function(function):
    arguments = [f"{value.name}: {_type(value)}" for value in function.arguments]
    results = [_result_type(value) for value in function.results]
    returned = {"text": "str", "int64": "int"}.get(function.returns, "None")
    if results:
        returned = results[0] if len(results) == 1 else f"tuple[{', '.join(results)}]"
    if arguments:
        arguments.append("/")
    line = f"def {function.name}({', '.join(arguments)}) -> {returned}: ..."
    if len(line) > 100:
        inside = "".join(f"    {argument},\n" for argument in arguments)
        line = f"def {function.name}(\n{inside}) -> {returned}: ..."
    return line + "\n"

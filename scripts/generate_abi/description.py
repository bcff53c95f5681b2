"""Reads the description of the C ABI: TOML files, one an area, into objects.

A parameter, a field of a struct or a result is one line, `name: kind  # what it is`. Its kinds:

    handle                     names a living object
    int32 int64 uint64 float double bool
    <enum>                     the name of a choice in Python, its number in C
    <struct>                   fields by name; `out <struct>` where its buffers are written to
    int64[3], double[16], ...  a fixed number of values, a sequence in Python
    int64[depth up to 8]       a sequence whose length is the count `depth`
    text, path                 a terminated text
    bytes[540]                 that many bytes
    in float32[n, 2]           a buffer that is read: `out` is written, `inout` both; in a struct
                               `buffer` is as the struct is passed
    count                      how many, found from the buffers; no argument in Python
    shape                      int64[3], found from a buffer's own shape; no argument in Python
    control                    a callable of (done, planned) or None; the call is long
    signals                    a control without progress: Ctrl-C alone; no argument in Python
    scorer                     a callable that scores crops, or None

`?` after a kind allows None: NULL for what C takes by a pointer, NaN for floats, zeros otherwise.
An extent of a buffer is a number, a `count`, an integer, a triple (the product of its numbers) or
`sum(triple)`. The element of a buffer may be the name of an enum parameter whose choices are
elements: that parameter tells which it is.
"""

import re
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path

SCALARS = {"int32", "int64", "uint64", "float", "double", "bool", "handle"}
ELEMENTS = {
    "float32": "f", "float64": "d", "int8": "b", "uint8": "B", "int16": "h", "int32": "i",
    "int64": "q", "uint64": "Q", "bool": "?",
}  # fmt: skip
# What Python does not pass.
FOUND = {"count", "shape", "signals"}
NAME = r"[a-z][a-z0-9_]*"


class DescriptionError(Exception):
    """A line of the description that is wrong."""


@dataclass(frozen=True)
class Value:
    """A parameter, a field or a result."""

    name: str
    kind: str  # a scalar's, or: enum, struct, array, list, text, path, bytes, buffer, ...
    doc: str = ""
    of: str = ""  # the element of an array or a buffer, the name of an enum or a struct
    extents: tuple = ()  # of a buffer; of an array its one number; of a list its count and limit
    direction: str = "in"
    optional: bool = False

    @property
    def is_passed(self):
        """Whether Python passes it."""
        return self.kind not in FOUND and not self.is_length

    # The count of a list is written when the list is read.
    is_length: bool = False


@dataclass
class Enum:
    """Choices with names; a choice's number is its place."""

    name: str
    doc: str
    names: list
    docs: list


@dataclass
class Struct:
    """Named fields."""

    name: str
    doc: str
    fields: list


@dataclass
class Function:
    """A function of the ABI, which Python has under the same name."""

    name: str
    doc: str
    parameters: list
    results: list
    returns: str = "status"  # or what it returns by itself: text, int64, nothing

    @property
    def arguments(self):
        """What Python passes, in order."""
        return [value for value in self.parameters if value.is_passed]


@dataclass
class Area:
    """One file of the description: a header, a file of the shim."""

    name: str
    doc: str
    c: str = ""
    constants: list = field(default_factory=list)
    names: list = field(default_factory=list)
    enums: list = field(default_factory=list)
    structs: list = field(default_factory=list)
    functions: list = field(default_factory=list)


class Description:
    """All areas, in the order in which one may use what another declares."""

    def __init__(self, folder):
        common = self._read(folder, "common")
        self.enums = {}
        self.structs = {}
        self.names = {}
        self._declared = set()
        self.order = common["areas"]
        self.areas = [self._area("common", common)]
        for name in common["areas"]:
            self.areas.append(self._area(name, self._read(folder, name)))

    @staticmethod
    def _read(folder, name):
        return tomllib.loads((Path(folder) / f"{name}.toml").read_text(encoding="utf-8"))

    def _area(self, name, document):
        area = Area(name, document["doc"].strip(), document.get("c", "").strip())
        area.constants = document.get("constant", [])
        for kind in ("names", "enum", "struct", "function"):
            for table in document.get(kind, []):
                self._declare(kind, table["name"])
        for table in document.get("names", []):
            names, _ = _names(table["names"])
            # "*other" stands for the names of another table.
            for place, name in reversed(list(enumerate(names))):
                if name.startswith("*"):
                    names[place : place + 1] = self.names[name[1:]]
            self.names[table["name"]] = names
            area.names.append(Enum(table["name"], table.get("doc", ""), names, []))
        for table in document.get("enum", []):
            names, docs = _names(table["names"])
            area.enums.append(Enum(table["name"], table.get("doc", ""), names, docs))
            self.enums[table["name"]] = area.enums[-1]
        for table in document.get("struct", []):
            fields = self._values(table["fields"], f"struct {table['name']}")
            area.structs.append(Struct(table["name"], table.get("doc", ""), fields))
            self.structs[table["name"]] = area.structs[-1]
        for table in document.get("function", []):
            where = f"function {table['name']}"
            area.functions.append(
                Function(
                    table["name"],
                    table["doc"].strip(),
                    self._values(table.get("parameters", []), where),
                    self._values(table.get("results", []), where),
                    table.get("returns", "status"),
                )
            )
        return area

    def _declare(self, kind, name):
        """Refuse what two areas, or one twice, declare: C would take the first or neither."""
        if (kind, name) in self._declared:
            raise DescriptionError(f"{kind} {name} is declared twice")
        self._declared.add((kind, name))

    def _values(self, lines, where):
        values = [self._value(line, where) for line in lines]
        lengths = {value.extents[0] for value in values if value.kind == "list"}
        return [replace(v, is_length=True) if v.name in lengths else v for v in values]

    def _value(self, line, where):
        text, _, doc = line.partition("#")
        match = re.fullmatch(rf"({NAME}): *(.+?)(\??)", text.strip())
        if match is None:
            raise DescriptionError(f"{where}: no 'name: kind' in '{line}'")
        name, kind, optional = match[1], match[2], bool(match[3])
        found = self._kind(kind)
        if found is None:
            raise DescriptionError(f"{where}: the kind of '{line}' is not known")
        return Value(name=name, doc=doc.strip(), optional=optional, **found)

    def _kind(self, kind):
        if kind in SCALARS | FOUND | {"text", "path", "control", "scorer"}:
            return {"kind": kind}
        if kind in self.enums:
            return {"kind": "enum", "of": kind}
        match = re.fullmatch(rf"(out +)?({NAME})(?:\[(\d+)\])?", kind)
        if match and match[2] in self.structs:
            direction = "out" if match[1] else "in"
            extents = (int(match[3]),) if match[3] else ()
            return {"kind": "struct", "of": match[2], "direction": direction, "extents": extents}
        if match := re.fullmatch(r"(bytes|text)\[(\d+)\]", kind):
            kind = "chars" if match[1] == "text" else "bytes"
            return {"kind": kind, "extents": (int(match[2]),)}
        match = re.fullmatch(r"(\w+)\[(\d+)\]", kind)
        if match and match[1] in SCALARS:
            return {"kind": "array", "of": match[1], "extents": (int(match[2]),)}
        if match := re.fullmatch(rf"int64\[({NAME}) up to (\d+)\]", kind):
            return {"kind": "list", "of": "int64", "extents": (match[1], int(match[2]))}
        if match := re.fullmatch(r"(in|out|inout|buffer) ([\w.]+)\[(.+)\]", kind):
            extents = tuple(
                int(extent) if extent.isdigit() else extent for extent in re.split(r", *", match[3])
            )
            return {"kind": "buffer", "of": match[2], "extents": extents, "direction": match[1]}
        return None


def _names(lines):
    split = [line.partition("#") for line in lines]
    return [name.strip() for name, _, _ in split], [doc.strip() for _, _, doc in split]

"""Makes the C that reads values from Python: a function's arguments, a struct's fields."""

from description import ELEMENTS, DescriptionError

CHAIN = " &&\n        "
READERS = {
    "handle": "uint64", "uint64": "uint64", "int64": "int64", "int32": "int32",
    "double": "double", "float": "float", "bool": "bool",
}  # fmt: skip
ARRAY_FORMATS = {"int64": "q", "double": "d", "float": "f", "bool": "?"}
C_TYPES = {
    "handle": "spars_handle", "uint64": "uint64_t", "int64": "int64_t", "int32": "int32_t",
    "double": "double", "float": "float", "bool": "int32_t", "enum": "int32_t", "count": "int64_t",
}  # fmt: skip


class Scope:
    """The values of one function or struct while the C that reads them is made."""

    def __init__(self, description, owner, values, prefix=""):
        self.description = description
        self.owner = owner
        self.values = {value.name: value for value in values}
        self.prefix = prefix  # of a field, "out->"
        self.sources = {}
        for value in values:
            if value.is_passed:
                self.sources[value.name] = f"given[{len(self.sources)}]"
        # The counts and shapes that no buffer read so far has told.
        self.unknown = {v.name for v in values if v.kind in ("count", "shape") and not v.is_length}

    def fail(self, what):
        raise DescriptionError(f"{self.owner}: {what}")

    def steps(self):
        """Return C conditions, each true where it read one value; buffers last."""
        steps = []
        waiting = []
        for value in self.values.values():
            if value.kind == "buffer":
                waiting.append(value)
            elif value.is_passed:
                steps.append(self._step(value))
            elif value.kind == "signals":
                steps.append(f"shim_control_init(&{value.name}, Py_None) == 0")
        while waiting:
            # A buffer with several extents that no other tells is matched axis by axis.
            ready = next((value for value in waiting if self._is_ready(value)), waiting[0])
            waiting.remove(ready)
            steps.append(self._buffer(ready))
        if self.unknown:
            self.fail(f"no buffer tells {sorted(self.unknown)}")
        return steps

    def _step(self, value):
        source, name = self.sources[value.name], value.name
        target = f"&{self.prefix}{name}"
        kind = value.kind
        if kind in READERS and value.optional:
            if kind not in ("float", "double"):
                return self._or_none(value, f'shim_{READERS[kind]}({source}, "{name}", {target})')
            return f'shim_{kind}_or_nan({source}, "{name}", {target})'
        if kind in READERS:
            return f'shim_{READERS[kind]}({source}, "{name}", {target})'
        if kind == "enum":
            return f'shim_enum({source}, "{name}", &shim_{value.of}_choices, {target})'
        if kind == "struct":
            writes = int(value.direction == "out")
            call = f'shim_read_{value.of}({source}, "{name}", {writes}, {self.held}, {target})'
            return self._or_none(value, call)
        if kind == "array":
            form, count = ARRAY_FORMATS[value.of], value.extents[0]
            return self._or_none(
                value, f"shim_array({source}, \"{name}\", '{form}', {self.prefix}{name}, {count})"
            )
        if kind == "list":
            length, limit = value.extents
            return (
                f'shim_list({source}, "{name}", {self.prefix}{name}, {limit},'
                f" &{self.prefix}{length})"
            )
        if kind == "bytes":
            return f'shim_bytes({source}, "{name}", {self.prefix}{name}, {value.extents[0]})'
        if kind in ("text", "path"):
            owner = f", {self.held}" if kind == "path" else ""
            return self._or_none(value, f'shim_{kind}({source}, "{name}"{owner}, {target})')
        if kind == "control":
            return f"shim_control_init({target}, {source}) == 0"
        if kind == "scorer":
            return f"shim_scorer({source}, {target}) == 0"
        return self.fail(f"'{name}' cannot be read")

    def _or_none(self, value, call):
        if not value.optional:
            return call
        return f"({self.sources[value.name]} == Py_None || {call})"

    @property
    def held(self):
        """The C expression of where borrowed buffers are kept."""
        return "held" if self.prefix else "&held"

    def _is_ready(self, value):
        unknown = [symbol for symbol in value.extents if symbol in self.unknown]
        return len(unknown) <= 1

    def _buffer(self, value):
        source, name = self.sources[value.name], value.name
        view = "view" if self.prefix else name
        writes = {"in": "0", "buffer": "writes"}.get(value.direction, "1")
        hold = (
            f"({view} = shim_borrow({self.held}, {source}, {self._format(value)}, {writes},"
            f' "{name}")) != NULL'
        )
        steps = [hold, self._counted(value, view)]
        if self.prefix:
            steps.append(f"(({self.prefix}{name} = view->buf), 1)")
        if value.optional:
            return self._or_none(value, f"({' && '.join(steps)})")
        return CHAIN.join(steps)

    def _format(self, value):
        if value.of in ELEMENTS:
            return f"'{ELEMENTS[value.of]}'"
        enum = self._find(value.of)
        if enum is None or enum.kind != "enum":
            self.fail(f"'{value.of}' is no element")
        formats = "".join(ELEMENTS[name] for name in self.description.enums[enum.of].names)
        return f'"{formats}"[{self.prefix}{value.of}]'

    def _find(self, symbol):
        """Return the value that a name stands for; `struct.field` for a field."""
        first, _, field = symbol.partition(".")
        value = self.values.get(first)
        if field and value is not None and value.kind == "struct":
            fields = self.description.structs[value.of].fields
            value = next((one for one in fields if one.name == field), None)
        return value

    def _counted(self, value, view):
        unknown = [symbol for symbol in value.extents if symbol in self.unknown]
        self.unknown -= set(unknown)
        if len(unknown) > 1 or any(self.values[symbol].kind == "shape" for symbol in unknown):
            return self._shaped(value, view, unknown)
        known = [self._extent(value, e) for e in value.extents if e not in unknown]
        extents = ", ".join(part for extent in known for part in extent) or "1"
        if not unknown:
            return f'shim_holds({view}, "{value.name}", SHIM_EXTENTS({extents}))'
        target = f"&{self.prefix}{unknown[0]}"
        return f'shim_counts({view}, "{value.name}", SHIM_EXTENTS({extents}), {target})'

    def _shaped(self, value, view, unknown):
        """Return the C that finds extents by a buffer's axes; those known before must agree."""
        axes = []
        for extent in value.extents:
            symbol = self.values.get(extent)
            if symbol is None or symbol.kind not in ("count", "shape"):
                self.fail(f"'{value.name}' must be of counts and shapes")
            names = [f"{self.prefix}{extent}"]
            if symbol.kind == "shape":
                names = [f"{names[0]}[{axis}]" for axis in range(3)]
            axes += [f"&{name}" if extent in unknown else "NULL" for name in names]
        found = f'shim_shapes({view}, "{value.name}", SHIM_AXES({", ".join(axes)}))'
        if "NULL" not in axes:
            return found
        extents = ", ".join(part for e in value.extents for part in self._extent(value, e))
        return f'{found} && shim_holds({view}, "{value.name}", SHIM_EXTENTS({extents}))'

    def _extent(self, value, extent):
        """Return the C factors of one extent of a buffer."""
        if isinstance(extent, int):
            return [str(extent)]
        summed = extent.startswith("sum(")
        symbol = extent[4:-1] if summed else extent
        found = self._find(symbol)
        if found is None:
            self.fail(f"the extent '{extent}' of '{value.name}' is not declared")
        name = self.prefix + symbol
        if found.kind == "shape" or (found.kind == "array" and found.extents == (3,)):
            triple = [f"{name}[{axis}]" for axis in range(3)]
            return [f"shim_sum({name})"] if summed else triple
        if found.kind in ("count", "int64", "int32"):
            return [name]
        return self.fail(f"the extent '{extent}' of '{value.name}' is no number")

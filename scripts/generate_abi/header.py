"""Makes the headers in Sources/CSPARS/include."""

import textwrap

WIDTH = 100
C_SCALARS = {
    "int32": "int32_t", "int64": "int64_t", "uint64": "uint64_t", "float": "float",
    "double": "double", "bool": "int32_t", "handle": "spars_handle", "enum": "int32_t",
    "count": "int64_t",
}  # fmt: skip
C_ELEMENTS = {
    "float32": "float", "float64": "double", "int8": "int8_t", "uint8": "uint8_t",
    "int16": "int16_t", "int32": "int32_t", "int64": "int64_t", "uint64": "uint64_t",
    "bool": "uint8_t",
}  # fmt: skip


def header(area, order):
    """Return the text of an area's header; that of `common` includes the others."""
    guard = "SPARS_H" if area.name == "common" else f"SPARS_{area.name.upper()}_H"
    parts = [_documented(area.doc), f"#ifndef {guard}\n#define {guard}\n"]
    if area.name == "common":
        parts.append('#include <stdint.h>\n\n#ifdef __cplusplus\nextern "C" {\n#endif\n')
    parts += [_constant(constant) for constant in area.constants]
    parts += [_names(table, with_count=True) for table in area.names]
    parts += [_enum(enum) for enum in area.enums]
    if area.c:
        parts.append(area.c + "\n")
    parts += [_struct(struct) for struct in area.structs]
    parts += [_function(function) for function in area.functions]
    if area.name == "common":
        includes = [f'#include "spars_{name}.h"' for name in order]
        parts.append("\n".join(includes) + "\n\n#ifdef __cplusplus\n}\n#endif\n")
    return "\n".join(parts) + "\n#endif\n"


def declared(value, *, in_struct=False, is_result=False):
    """Return the C declaration of a value; of one in a struct without its semicolon."""
    name, kind = value.name, value.kind
    if is_result:
        return declared_result(value)
    if kind in C_SCALARS:
        return f"{C_SCALARS[kind]} {name}"
    if kind in ("array", "shape") and in_struct:
        size = value.extents[0] if kind == "array" else 3
        return f"{C_SCALARS[value.of or 'int64']} {name}[{size}]"
    if kind in ("array", "shape"):
        element = C_SCALARS[value.of or "int64"]
        size = value.extents[0] if kind == "array" else 3
        return f"const {element} *{name}" if value.optional else f"const {element} {name}[{size}]"
    if kind == "list":
        return f"int64_t {name}[{value.extents[1]}]"
    if kind in ("bytes", "chars"):
        return f"{'uint8_t' if kind == 'bytes' else 'char'} {name}[{value.extents[0]}]"
    if kind in ("text", "path"):
        return f"const char *{name}"
    if kind == "struct" and in_struct:
        return f"spars_{value.of} {name}" + "".join(f"[{n}]" for n in value.extents)
    if kind == "struct":
        return f"const spars_{value.of} *{name}"
    if kind in ("control", "signals"):
        return f"const spars_control *{name}"
    if kind == "scorer":
        return f"const spars_scorer *{name}"
    const = "const " if value.direction == "in" else ""
    return f"{const}{C_ELEMENTS.get(value.of, 'void')} *{name}"


def declared_result(value):
    """Return the C declaration of a result: what it points to is written."""
    if value.kind == "array":
        return f"{C_SCALARS[value.of]} {value.name}[{value.extents[0]}]"
    if value.kind == "struct":
        return f"spars_{value.of} *{value.name}"
    if value.kind == "text":
        return f"char *{value.name}, int64_t capacity, int64_t *length"
    return f"{C_SCALARS[value.kind]} *{value.name}"


def _documented(text, indent=""):
    """Return a comment of a text, its paragraphs and items filled to the width."""
    paragraphs = []
    for line in text.strip().splitlines():
        begins = not line or line.startswith("- ") or not paragraphs or not paragraphs[-1]
        if begins:
            paragraphs.append(line)
        else:
            paragraphs[-1] += " " + line.strip()
    lines = []
    for paragraph in paragraphs:
        hang = "  " if paragraph.startswith("- ") else ""
        width = WIDTH - 4 - len(indent)
        lines += textwrap.wrap(
            paragraph, width, subsequent_indent=hang, break_on_hyphens=False
        ) or [""]
    return "".join(f"{indent}/// {line}".rstrip() + "\n" for line in lines)


def _constant(constant):
    name = f"SPARS_{constant['name'].upper()}"
    return _documented(constant["doc"]) + f"#define {name} {constant['value']}\n"


def _names(table, *, with_count=False):
    name = f"SPARS_{table.name.upper()}"
    text = _documented(table.doc) if table.doc else ""
    if with_count:
        text += f"enum {{ {name}_COUNT = {len(table.names)} }};\n"
    return text + f'#define {name}_NAMES "{",".join(table.names)}"\n'


def _enum(enum):
    prefix = f"SPARS_{enum.name.upper()}_"
    if enum.name == "status":
        prefix = "SPARS_"
    lines = []
    for number, (name, doc) in enumerate(zip(enum.names, enum.docs, strict=True)):
        comma = "," if number + 1 < len(enum.names) else ""
        comment = f"  ///< {doc}" if doc else ""
        lines.append(f"    {prefix}{name.upper().replace(' ', '_')} = {number}{comma}{comment}\n")
    text = (_documented(enum.doc) if enum.doc else "") + "typedef enum {\n"
    text += "".join(lines) + f"}} spars_{enum.name};\n"
    return text + f'#define SPARS_{enum.name.upper()}_NAMES "{",".join(enum.names)}"\n'


def _struct(struct):
    lines = []
    for value in struct.fields:
        line = f"    {declared(value, in_struct=True)};"
        short = f"{line}  ///< {value.doc}"
        if value.doc and len(short) > WIDTH:
            lines.append(_documented(value.doc, "    ") + line + "\n")
        else:
            lines.append((short if value.doc else line) + "\n")
    text = _documented(struct.doc) if struct.doc else ""
    return f"{text}typedef struct {{\n{''.join(lines)}}} spars_{struct.name};\n"


def declaration(function):
    """Return the declaration of a function on one line, without its semicolon."""
    values = [declared(value) for value in function.parameters]
    values += [declared_result(value) for value in function.results]
    returned = {"status": "int32_t ", "text": "const char *", "int64": "int64_t ",
                "nothing": "void "}[function.returns]  # fmt: skip
    if function.returns == "status":
        values.append("spars_error *error")
    return f"{returned}spars_{function.name}({', '.join(values) or 'void'})"


def _function(function):
    text = _documented(function.doc)
    for value in function.parameters + function.results:
        if value.doc:
            text += _documented(f"- {value.name}: {value.doc}")
    return text + wrapped(declaration(function) + ";") + "\n"


def wrapped(line, indent=""):
    """Return a declaration or a call on as many lines as it needs, broken between parameters."""
    if len(indent + line) <= WIDTH:
        return indent + line
    start, _, rest = line.partition("(")
    lines = [f"{indent}{start}("]
    current = f"{indent}   "
    for part in rest.split(", "):
        if len(current) + len(part) + 2 > WIDTH:
            lines.append(current)
            current = f"{indent}   "
        current += f" {part},"
    return "\n".join([*lines, current.rstrip(",")])

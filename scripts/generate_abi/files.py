"""The generated files: their texts, and which of them are not as they should be."""

from pathlib import Path

import header
import shim
import stub
from description import Description

ROOT = Path(__file__).resolve().parents[2]
DESCRIPTION = ROOT / "Sources/CSPARS/description"
NOTE = "Made by `make generate` from Sources/CSPARS/description: edit that instead."


def generated():
    """Return the text of each generated file by its path relative to the root."""
    description = Description(DESCRIPTION)
    files = {}
    c = "Sources/CPythonShim/generated"
    for area in description.areas:
        name = "spars.h" if area.name == "common" else f"spars_{area.name}.h"
        files[f"Sources/CSPARS/include/{name}"] = "// {}\n" + header.header(area, description.order)
        if area.functions or area.structs:
            files[f"{c}/{area.name}.c"] = "// {}\n" + shim.source(description, area)
    files[f"{c}/generated.h"] = "// {}\n" + shim.shared(description)
    files["python/spars/_core/_native.pyi"] = "# {}\n" + stub.stub(description)
    files["python/spars/_core/names.py"] = "# {}\n" + stub.names(description)
    return {name: text.replace("{}", NOTE, 1) for name, text in files.items()}


def differing(files):
    """Return the paths of files that are not as they should be, and of those that nothing makes."""
    different = [
        name
        for name, text in files.items()
        if not (ROOT / name).exists() or (ROOT / name).read_text(encoding="utf-8") != text
    ]
    folder = ROOT / "Sources/CPythonShim/generated"
    stale = [str(path.relative_to(ROOT)) for path in folder.iterdir()] if folder.exists() else []
    return different, [name for name in stale if name not in files]

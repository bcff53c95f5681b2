"""JSON files that keep NaN and infinities: as text, for JSON itself has neither."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from spars._support.errors import FormatError
from spars._support.files import write_text
from spars._support.json import jsonable

_NAMES = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def write_json(path: Path, content: Any) -> None:
    """Write plain values as JSON, whole or not at all; what is not finite becomes its name."""
    write_text(path, text_of(content))


def text_of(content: Any) -> str:
    """Return plain values as JSON, in which what is not finite is its name."""
    return json.dumps(jsonable(_named(content)), indent=1, allow_nan=False) + "\n"


def read_json(path: Path) -> Any:
    """Return what `write_json` wrote.

    Raises
    ------
    FormatError
        It is no JSON.
    OSError
        It cannot be read.
    """
    try:
        return _numbers(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: not JSON: {error}") from None


def _named(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _named(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_named(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _numbers(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return _NAMES.get(value, value) if isinstance(value, str) else value

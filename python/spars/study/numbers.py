"""JSON files that keep NaN and infinities: as text, for JSON itself has neither."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spars._support.errors import FormatError
from spars._support.files import read_text, write_text
from spars._support.json import jsonable

_NAMES = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def write_json(path: Path, content: Any) -> None:
    """Write plain values as JSON, whole or not at all; what is not finite becomes its name."""
    write_text(path, text_of(content))


def text_of(content: Any) -> str:
    """Return plain values as JSON, in which what is not finite is its name."""
    return json.dumps(jsonable(_named(content)), indent=1, allow_nan=False) + "\n"


def write_record(path: Path, content: Mapping[str, Any]) -> None:
    """Write what the study itself goes on from, with the SHA-256 of it, whole or not at all."""
    write_text(path, text_of({**content, "sha256": _sha256(text_of(content))}))


def read_record(path: Path) -> dict[str, Any]:
    """Return what `write_record` wrote.

    Raises
    ------
    FormatError
        It is something else, or was changed since.
    OSError
        It cannot be read.
    """
    try:
        found = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: not JSON: {error}") from None
    told = found.pop("sha256", None) if isinstance(found, dict) else None
    if told is None or told != _sha256(text_of(found)):
        raise FormatError(f"{path}: its content is not that of its SHA-256: it was changed.")
    return _numbers(found)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


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

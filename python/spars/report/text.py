"""Numbers, names and settings as a report says them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np


def number(value: float | None) -> str:
    """Format a number for a table: three decimals, or what it is if not finite."""
    if value is None:
        return "\u2013"
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return str(value)
    value = float(value)
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "infinite"
    return f"{value:.3f}" if abs(value) < 100 else f"{value:.0f}"


def number_or_nan(value: float | None) -> float:
    """Return a number as JSON gave it: what was not defined came as None."""
    return math.nan if value is None else value


def method_name(method: str) -> str:
    """Return a method of `spars.segment` as a reader says it."""
    names = {"self_play": "self-play", "grad_cam": "Grad-CAM"}
    return names.get(method, method.replace("_", " "))


def losses(epochs: Iterable[Mapping[str, Any]]) -> list[float]:
    """Return the loss of each of `History.to_dict()["epochs"]`."""
    return [epoch["loss"] for epoch in epochs]


def flatten(mapping: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield (dotted name, text) of every plain value of nested mappings."""
    for name, value in mapping.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", json.dumps(value, default=str)

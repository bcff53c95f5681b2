"""Numbers, names and settings as a report says them."""

import json
import math

import numpy as np


def number(value):
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


def number_or_nan(value):
    """Return a number as JSON gave it: what was not defined came as None."""
    return math.nan if value is None else value


def method_name(method):
    """Return a method of `spars.segment` as a reader says it."""
    names = {"self_play": "self-play", "grad_cam": "Grad-CAM"}
    return names.get(method, method.replace("_", " "))


def losses(epochs):
    """Return the loss of each of `History.to_dict()["epochs"]`."""
    return [epoch["loss"] for epoch in epochs]


def flatten(mapping, prefix=""):
    """Yield (dotted name, text) of every plain value of nested mappings."""
    for name, value in mapping.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", json.dumps(value, default=str)

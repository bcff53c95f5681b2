"""Checks of what users pass: types and ranges, in one shape of sentence.

"The 'clip_range' parameter of PPO must be a float in the range (0.0, 1.0). Got 1.5 instead."
"""

import math
import numbers

import numpy as np

from spars._support.errors import NonFiniteError


def check_integer(value, name, owner, low=None, high=None):
    """Return `value` as an int in [low, high], or raise TypeError or ValueError."""
    allowed = "an integer" + _interval(low, high, "[", "]")
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(sentence(name, owner, allowed, value))
    if (low is not None and value < low) or (high is not None and value > high):
        raise ValueError(sentence(name, owner, allowed, value))
    return int(value)


def check_float(value, name, owner, low=None, high=None, *, open_low=False, open_high=False):
    """Return `value` as a finite float in the range, or raise TypeError or ValueError."""
    allowed = "a float" + _interval(low, high, "(" if open_low else "[", ")" if open_high else "]")
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(sentence(name, owner, allowed, value))
    value = float(value)
    too_low = low is not None and (value <= low if open_low else value < low)
    too_high = high is not None and (value >= high if open_high else value > high)
    if not math.isfinite(value) or too_low or too_high:
        raise ValueError(sentence(name, owner, allowed, value))
    return value


def check_bool(value, name, owner):
    """Return `value`, True or False, or raise TypeError."""
    if not isinstance(value, bool):
        raise TypeError(sentence(name, owner, "a bool", value))
    return value


def check_choice(value, name, owner, choices):
    """Return `value` if it is one of `choices`, or raise ValueError."""
    if not isinstance(value, str) or value not in choices:
        allowed = "one of " + ", ".join(repr(choice) for choice in choices)
        kind = ValueError if isinstance(value, str) else TypeError
        raise kind(sentence(name, owner, allowed, value))
    return value


def check_extent(value, name, owner, low=1, high=None):
    """Return `value` as a tuple of three ints (x, y, z), each in [low, high]."""
    allowed = f"three integers (x, y, z), each {low} or more"
    if high is not None:
        allowed += f" and at most {high}"
    try:
        axes = tuple(value)
    except TypeError:
        raise TypeError(sentence(name, owner, allowed, value)) from None
    if any(isinstance(axis, bool) or not isinstance(axis, numbers.Integral) for axis in axes):
        raise TypeError(sentence(name, owner, allowed, value))
    inside = (axis >= low and (high is None or axis <= high) for axis in axes)
    if len(axes) != 3 or not all(inside):
        raise ValueError(sentence(name, owner, allowed, value))
    return tuple(int(axis) for axis in axes)


def check_array(value, name, owner, dtype, shape=None, *, finite=True):
    """Return `value` as a C-contiguous array of `dtype`, copied only where it must be.

    `shape` lists the wanted extents, None for any. Numeric input is converted; text and objects
    are refused. With `finite`, NaN and infinities are refused by name.
    """
    dtype = np.dtype(dtype)
    wanted = f"a {dtype.name} array" + ("" if shape is None else f" of shape {_shape_text(shape)}")
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(sentence(name, owner, wanted, f"dtype {array.dtype}"))
    if shape is not None:
        fits = array.ndim == len(shape) and all(
            want is None or want == got for want, got in zip(shape, array.shape, strict=True)
        )
        if not fits:
            raise ValueError(sentence(name, owner, wanted, f"shape {array.shape}"))
    array = np.ascontiguousarray(array, dtype=dtype).reshape(array.shape)
    if finite and dtype.kind == "f" and not np.isfinite(array).all():
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise NonFiniteError(
            f"The '{name}' parameter of {owner} must be finite. "
            f"Got {array[index]} at {index} instead."
        )
    return array


def check_room(window, room, owner, what, name="window"):
    """Raise ValueError if a window is longer than `room`, a shape that `what` names."""
    if any(length > limit for length, limit in zip(window, room, strict=True)):
        raise ValueError(sentence(name, owner, f"at most {what} {tuple(room)}", window))


def check_origins(origins, window, shape, owner):
    """Return the lowest corners of windows as int64 (N, 3), every window inside `shape`."""
    origins = np.asarray(origins)
    if origins.size == 0 and origins.ndim <= 2:
        origins = origins.reshape(0, 3).astype(np.int64)
    if origins.dtype.kind not in "iu" or origins.ndim != 2 or origins.shape[1] != 3:
        got = f"{origins.dtype} of shape {origins.shape}"
        raise ValueError(
            f"The 'origins' parameter of {owner} must be an integer array of shape (any, 3). "
            f"Got {got} instead."
        )
    check_room(window, shape, owner, "the volume's shape")
    outside = ((origins < 0) | (origins > np.array(shape) - window)).any(axis=1)
    if outside.any():
        got = tuple(int(i) for i in origins[outside][0])
        allowed = f"places where a window of {window} lies inside the volume of {shape}"
        raise ValueError(sentence("origins", owner, allowed, got))
    return np.ascontiguousarray(origins, np.int64)


def sentence(name, owner, allowed, value):
    """Return the one sentence that says what `name` must be and what came instead."""
    described = isinstance(value, str) and value.startswith(("dtype ", "shape "))
    got = value if described else repr(value)
    return f"The '{name}' parameter of {owner} must be {allowed}. Got {got} instead."


def _interval(low, high, left, right):
    if low is None and high is None:
        return ""
    if high is None:
        return f" {'above' if left == '(' else 'of at least'} {low}"
    if low is None:
        return f" {'below' if right == ')' else 'of at most'} {high}"
    return f" in the range {left}{low}, {high}{right}"


def _shape_text(shape):
    return "(" + ", ".join("any" if extent is None else str(extent) for extent in shape) + ")"

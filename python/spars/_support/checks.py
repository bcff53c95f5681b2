"""Checks of what users pass: types and ranges, in one shape of sentence.

"The 'clip_range' parameter of PPO must be a float in the range (0.0, 1.0). Got 1.5 instead."
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from spars._support.arrays import all_finite, copied
from spars._support.errors import NonFiniteError
from spars._support.types import Extent3

Scalar = TypeVar("Scalar", bound=np.generic)
# The largest integer that the compiled core takes.
_INT64 = (1 << 63) - 1


def check_integer(
    value: object, name: str, owner: str, low: int | None = None, high: int | None = None
) -> int:
    """Return `value` as an int in [low, high], or raise TypeError or ValueError.

    What has no `high` must fit the 64 bits that the compiled core takes.
    """
    allowed = "an integer" + _interval(low, high, "[", "]")
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(sentence(name, owner, allowed, value))
    number = int(value)
    if (low is not None and number < low) or (high is not None and number > high):
        raise ValueError(sentence(name, owner, allowed, value))
    if high is None and abs(number) > _INT64:
        raise ValueError(sentence(name, owner, f"{allowed}, of 64 bits", value))
    return number


def check_float(
    value: object,
    name: str,
    owner: str,
    low: float | None = None,
    high: float | None = None,
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> float:
    """Return `value` as a finite float in the range, or raise TypeError or ValueError."""
    allowed = "a float" + _interval(low, high, "(" if open_low else "[", ")" if open_high else "]")
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(sentence(name, owner, allowed, value))
    try:
        value = float(value)
    except OverflowError:
        raise ValueError(sentence(name, owner, allowed, value)) from None
    too_low = low is not None and (value <= low if open_low else value < low)
    too_high = high is not None and (value >= high if open_high else value > high)
    if not math.isfinite(value) or too_low or too_high:
        raise ValueError(sentence(name, owner, allowed, value))
    return value


def check_bool(value: object, name: str, owner: str) -> bool:
    """Return `value`, True or False, or raise TypeError."""
    if not isinstance(value, bool):
        raise TypeError(sentence(name, owner, "a bool", value))
    return value


def check_text(value: object, name: str, owner: str) -> str:
    """Return `value`, a str, or raise TypeError."""
    if not isinstance(value, str):
        raise TypeError(sentence(name, owner, "a str", value))
    return value


def check_texts(values: Iterable[str], name: str, owner: str) -> list[str]:
    """Return `values` as a list of str, or raise TypeError."""
    # A str is a sequence of its own letters.
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise TypeError(sentence(name, owner, "a sequence of str", values))
    return [check_text(value, name, owner) for value in values]


def check_choice(value: object, name: str, owner: str, choices: Collection[str]) -> str:
    """Return `value` if it is one of `choices`, or raise ValueError."""
    if not isinstance(value, str) or value not in choices:
        allowed = "one of " + ", ".join(repr(choice) for choice in choices)
        kind = ValueError if isinstance(value, str) else TypeError
        raise kind(sentence(name, owner, allowed, value))
    return value


def check_instance(value: object, kind: type, name: str, owner: str, what: str) -> None:
    """Raise TypeError where a value is none of a class; `what` it should be, for the message."""
    if not isinstance(value, kind):
        raise TypeError(sentence(name, owner, what, value))


def check_extent(
    value: Any, name: str, owner: str, low: int = 1, high: int | None = None
) -> Extent3:
    """Return `value` as a tuple of three ints (x, y, z), each in [low, high], or of 64 bits."""
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
    if max(axes) > _INT64:
        raise ValueError(sentence(name, owner, f"{allowed}, of 64 bits", value))
    x, y, z = (int(axis) for axis in axes)
    return x, y, z


@overload
def check_array(
    value: object,
    name: str,
    owner: str,
    dtype: type[Scalar],
    shape: Sequence[int | None] | None = None,
    *,
    finite: bool = True,
) -> NDArray[Scalar]: ...


@overload
def check_array(
    value: object,
    name: str,
    owner: str,
    dtype: DTypeLike,
    shape: Sequence[int | None] | None = None,
    *,
    finite: bool = True,
) -> NDArray[Any]: ...


def check_array(
    value: object,
    name: str,
    owner: str,
    dtype: DTypeLike,
    shape: Sequence[int | None] | None = None,
    *,
    finite: bool = True,
) -> NDArray[Any]:
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
    if array.ndim > 0 and (array.dtype != dtype or not array.flags.c_contiguous):
        array = copied(array, dtype)
    array = np.ascontiguousarray(array, dtype=dtype).reshape(array.shape)
    if finite and dtype.kind == "f" and not all_finite(array):
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise NonFiniteError(
            f"The '{name}' parameter of {owner} must be finite. "
            f"Got {array[index]} at {index} instead."
        )
    return array


def check_room(
    window: Sequence[int], room: Sequence[int], owner: str, what: str, name: str = "window"
) -> None:
    """Raise ValueError if a window is longer than `room`, a shape that `what` names."""
    if any(length > limit for length, limit in zip(window, room, strict=True)):
        raise ValueError(sentence(name, owner, f"at most {what} {tuple(room)}", window))


def check_origins(
    origins: ArrayLike, window: Extent3, shape: Sequence[int], owner: str
) -> NDArray[np.int64]:
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
        first = tuple(int(i) for i in origins[outside][0])
        allowed = f"places where a window of {window} lies inside the volume of {shape}"
        raise ValueError(sentence("origins", owner, allowed, first))
    return np.ascontiguousarray(origins, np.int64)


def sentence(name: str, owner: str, allowed: str, value: object) -> str:
    """Return the one sentence that says what `name` must be and what came instead."""
    described = isinstance(value, str) and value.startswith(("dtype ", "shape "))
    got = value if described else shown(value)
    return f"The '{name}' parameter of {owner} must be {allowed}. Got {got} instead."


def refuse_unknown(given: Iterable[str], known: Collection[str], owner: str) -> None:
    """Raise TypeError for a keyword that `owner` does not take."""
    for name in given:
        if name not in known:
            raise TypeError(f"{owner}() got an unexpected keyword argument {name!r}")


def shown(value: object) -> str:
    """Return what an error shows of a value that was passed, whatever that value is."""
    try:
        return repr(value)
    # A list nested too deep, or an object whose own repr fails.
    except Exception:
        return f"a {type(value).__name__}"


def _interval(low: float | None, high: float | None, left: str, right: str) -> str:
    if low is None and high is None:
        return ""
    if high is None:
        return f" {'above' if left == '(' else 'of at least'} {low}"
    if low is None:
        return f" {'below' if right == ')' else 'of at most'} {high}"
    return f" in the range {left}{low}, {high}{right}"


def _shape_text(shape: Sequence[int | None]) -> str:
    return "(" + ", ".join("any" if extent is None else str(extent) for extent in shape) + ")"

"""Passes over whole arrays, part by part: Ctrl-C is heard between the parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

#: Elements of a part: some milliseconds' work.
_PART = 1 << 22


def parts(array: NDArray[Any], size: int = _PART) -> Iterator[slice]:
    """Return slices of the first axis that hold about `size` elements each.

    Examples
    --------
    >>> list(parts(np.zeros((3, 4))))
    [slice(0, 3, None)]
    """
    length = len(array)
    step = max(1, size * length // max(1, array.size))
    return (slice(first, min(first + step, length)) for first in range(0, length, step))


def all_finite(array: NDArray[Any]) -> bool:
    """Whether no element is NaN or infinite."""
    if array.ndim == 0:
        return bool(np.isfinite(array))
    return all(np.isfinite(array[part]).all() for part in parts(array))


def copied(array: NDArray[Any], dtype: DTypeLike | None = None) -> NDArray[Any]:
    """Return a C-contiguous copy of an array of one axis or more."""
    copy = np.empty(array.shape, array.dtype if dtype is None else dtype)
    for part in parts(array):
        copy[part] = array[part]
    return copy


def contiguous(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array as it is where it is C-contiguous, else such a copy."""
    return array if array.flags.c_contiguous else copied(array)


def is_any(array: NDArray[Any], values: ArrayLike) -> NDArray[np.bool_]:
    """Return where an array is one of a few values: np.isin takes twenty times as long for two."""
    found = np.zeros(array.shape, np.bool_)
    for value in np.unique(values):
        found |= array == value
    return found

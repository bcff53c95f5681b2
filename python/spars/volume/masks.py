"""Masks of a scan: uint8 arrays of 0 and 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spars._support.errors import NonFiniteError
from spars._support.types import Mask, MaskArray
from spars.volume.volume import as_volume

#: Slices of a scan's axes.
Box: TypeAlias = tuple[slice, slice, slice]


def as_mask(
    mask: Mask,
    name: str,
    owner: str,
    *,
    value: int | Sequence[int] | None = None,
    shape: Sequence[int] | None = None,
) -> MaskArray:
    """Return a mask as a uint8 array of 0 and 1.

    Parameters
    ----------
    mask : Volume, array, image or path
        (X, Y, Z).
    name, owner : str
        For the message of an error.
    value : int or sequence of ints, optional
        What counts as inside, for label files such as 1 liver, 2 tumour. Without it the mask must
        hold nothing but 0 and 1.
    shape : (int, int, int), optional
        The shape it must have.

    Raises
    ------
    ValueError
        Another shape, or other values than 0 and 1 without `value`.
    NonFiniteError
        A voxel is NaN or infinite.
    """
    # Bytes are looked through as they are: a whole scan of them takes long as float32.
    is_bytes = isinstance(mask, np.ndarray) and _is_bytes(mask)
    array = np.asarray(mask) if is_bytes else as_volume(mask).array
    if shape is not None and array.shape != tuple(shape):
        raise ValueError(
            f"The '{name}' parameter of {owner} must have the scan's shape {tuple(shape)}. "
            f"Got {array.shape} instead."
        )
    if is_bytes and value is None and array.max() <= 1:
        return array.astype(np.uint8, order="C")
    if not np.isfinite(array).all():
        raise NonFiniteError(
            f"The '{name}' parameter of {owner} must be finite. Got NaN or infinity instead."
        )
    if value is not None:
        return np.isin(array, value).astype(np.uint8)
    inside = array == 1
    others = array[~inside & (array != 0)]
    if others.size:
        raise ValueError(
            f"The '{name}' parameter of {owner} must hold 0 and 1 only. Got {others[0]:g} "
            "instead; say which label is meant, for example 'reference == 2'."
        )
    return inside.astype(np.uint8)


def bounding_box(mask: NDArray[Any], margin: int = 0) -> Box:
    """Return the slices of the least box that holds a mask's voxels, widened by `margin` voxels.

    Parameters
    ----------
    mask : array of shape (x, y, z)
        With a voxel that is not 0.
    margin : int
        As far as the array reaches.
    """
    columns = np.any(mask, axis=2)
    x, y = (_ends(np.any(columns, axis=axis)) for axis in (1, 0))
    z = _ends(np.any(mask[x, y], axis=(0, 1)))
    widened = (
        slice(max(0, part.start - margin), min(count, part.stop + margin))
        for part, count in zip((x, y, z), mask.shape, strict=True)
    )
    x, y, z = widened
    return x, y, z


def _ends(line: NDArray[np.bool_]) -> slice:
    """Return the least slice that holds all that is True of a line."""
    places = np.flatnonzero(line)
    return slice(int(places[0]), int(places[-1]) + 1)


def _is_bytes(array: NDArray[Any]) -> bool:
    return array.dtype.name in ("bool", "uint8") and array.ndim == 3 and array.size > 0

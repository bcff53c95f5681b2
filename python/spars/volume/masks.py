"""Masks of a scan: uint8 arrays of 0 and 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spars._support.errors import NonFiniteError
from spars._support.types import Mask, MaskArray
from spars.volume.volume import as_volume


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


def _is_bytes(array: NDArray[Any]) -> bool:
    return array.dtype.name in ("bool", "uint8") and array.ndim == 3 and array.size > 0

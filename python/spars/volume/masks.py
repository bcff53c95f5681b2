"""Masks of a scan: uint8 arrays of 0 and 1, made of what people save."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spars._support.arrays import all_finite, is_any, parts
from spars._support.errors import NonFiniteError, ScanWarning
from spars._support.types import FloatArray, Mask, MaskArray
from spars.volume.placement import Placed, laid_on
from spars.volume.volume import Volume, as_volume

#: Slices of a scan's axes.
Box: TypeAlias = tuple[slice, slice, slice]

#: How far from a whole number a label may be stored: a writer that scales to 8 bits leaves as much
#: of up to ten labels. Values further off, as a linear resampling makes them, are no labels.
LABEL_TOLERANCE = 0.02
# Voxels that are rounded at once: as many as stay in a processor's cache.
_PART = 1 << 17
# Values that a message lists at most, and counts at most.
_LISTED, _COUNTED = 8, 1000


def as_mask(
    mask: Mask,
    name: str,
    owner: str,
    *,
    value: int | Sequence[int] | None = None,
    must_hold: bool = False,
    shape: Sequence[int] | None = None,
    scan: Placed | None = None,
    on: str | None = None,
) -> MaskArray:
    """Return a mask as a uint8 array of 0 and 1.

    Parameters
    ----------
    mask : Volume, array, image or path
        (X, Y, Z). Values within `LABEL_TOLERANCE` of a whole number are that number.
    name, owner : str
        For the message of an error.
    value : int or sequence of ints, optional
        What counts as inside, for label files such as 1 liver, 2 tumour. Without it the mask must
        hold nothing but 0 and 1.
    must_hold : bool
        Whether a mask that holds any label must hold `value`; of several, one at least, and what
        it does not hold is warned of.
    shape : (int, int, int), optional
        The shape it must have, where there is no `scan`.
    scan : Volume or an open file, optional
        What it lies on: it must have that shape and, where both places are known, that place.
    on : {None, "scan", "voxels"}
        What is done with a mask of another place: `spars.volume.placement.laid_on`.

    Raises
    ------
    ValueError
        Another shape or place, other values than 0 and 1 without `value`, or none of `value` where
        there must be; the message lists what the mask holds.
    NonFiniteError
        A voxel is NaN or infinite.

    Warns
    -----
    ScanWarning
        With `must_hold`, some of several labels are missing: a scan without tumour has none of a
        tumour's, and a misspelt one is in no scan.
    """
    # Bytes are looked through as they are: a whole scan of them takes long as float32.
    if _is_bytes(mask):
        array = np.asarray(mask)
        _check_shape(array, name, owner, shape if scan is None else scan.shape)
        if value is None and array.max() <= 1:
            return array.astype(np.uint8, order="C")
    else:
        volume = as_volume(mask)
        array = volume.array
        if scan is not None:
            array = laid_on(scan, array, volume, name, owner, on)
        else:
            _check_shape(array, name, owner, shape)
    if not all_finite(array):
        raise NonFiniteError(
            f"The '{name}' parameter of {owner} must be finite. Got NaN or infinity instead."
        )
    labels = whole_labels(array, name, owner)
    if value is not None:
        chosen = is_any(labels, value)
        if must_hold and not chosen.any() and labels.any():
            raise ValueError(
                f"The '{name}' parameter of {owner} must hold the label {value}. "
                f"Got a mask of {listed(labels)} instead."
            )
        if must_hold and chosen.any() and np.size(value) > 1:
            _warn_of_missing(labels, value, name, owner)
        return chosen.astype(np.uint8)
    inside = labels == 1
    others = labels[~inside & (labels != 0)]
    if others.size:
        raise ValueError(
            f"The '{name}' parameter of {owner} must hold 0 and 1 only. Got {others[0]:g} "
            "instead; say which label is meant, for example 'reference == 2'."
        )
    return inside.astype(np.uint8)


def _warn_of_missing(labels: NDArray[Any], value: ArrayLike, name: str, owner: str) -> None:
    """Warn of labels that a mask was to hold and does not."""
    missing = [label for label in np.unique(value) if not (labels == label).any()]
    if missing:
        message = (
            f"The '{name}' parameter of {owner} holds no label {listed(missing)}. "
            f"It is a mask of {listed(labels)}."
        )
        warnings.warn(message, ScanWarning, stacklevel=3)


def whole_labels(array: NDArray[Any], name: str, owner: str) -> NDArray[Any]:
    """Return labels rounded to whole numbers, or raise ValueError where they are none.

    Of labels from 0 to 255 bytes are returned: they are looked through faster.

    Parameters
    ----------
    array : real array
        Finite. Values may be `LABEL_TOLERANCE` off, as writers that scale leave them.
    name, owner : str
        For the message of an error, which lists the values found.
    """
    if array.dtype.kind in "biu":
        return array
    values = np.atleast_1d(array)
    labels = np.empty(values.shape, np.uint8)
    for part in parts(values, _PART):
        whole = np.rint(values[part])
        is_byte = (whole >= 0) & (whole <= 255)
        if not (is_byte & (np.abs(values[part] - whole) <= LABEL_TOLERANCE)).all():
            break
        labels[part] = whole
    else:
        return labels.reshape(array.shape)
    whole = np.rint(array)
    strange = np.abs(array - whole) > LABEL_TOLERANCE
    if strange.any():
        raise ValueError(
            f"The '{name}' parameter of {owner} must hold whole numbers, each to within "
            f"{LABEL_TOLERANCE}. Got {listed(array[strange])} instead, among {listed(array)}."
        )
    return whole


def labels_of(
    found: Any,
    name: str,
    owner: str,
    scan: Placed | None = None,
    on: str | None = None,
    hint: str = "",
) -> MaskArray:
    """Return label values 0 to 255 as a uint8 array, whatever they came as.

    Parameters
    ----------
    found : Volume, array, image or path
    name, owner : str
        For the message of an error.
    scan, on
        As for `as_mask`.
    hint : str
        What may be done about another place, for the message.

    Raises
    ------
    ValueError
        A value is no whole number from 0 to 255, or shape or place differ from the scan's.
    NonFiniteError
        A voxel is NaN or infinite.
    """
    array: NDArray[Any]
    if isinstance(found, np.ndarray) and not hasattr(found, "affine"):
        array = found
    else:
        volume = as_volume(found)
        array = volume.array
        if scan is not None:
            array = laid_on(scan, array, volume, name, owner, on, hint=hint)
    if array.dtype.kind == "f" and not all_finite(array):
        raise NonFiniteError(
            f"The '{name}' parameter of {owner} must be finite. Got NaN or infinity instead."
        )
    labels = whole_labels(array, name, owner)
    if labels.size and not (labels.min() >= 0 and labels.max() <= 255):
        raise ValueError(
            f"The '{name}' parameter of {owner} must hold whole numbers from 0 to 255. "
            f"Got {labels.min():g} to {labels.max():g} instead."
        )
    return np.ascontiguousarray(labels, np.uint8)


def listed(values: ArrayLike) -> str:
    """Return the distinct values of an array as text, the first few of them."""
    array = np.atleast_1d(np.asarray(values))
    distinct = array[:0].ravel()
    for part in parts(array):
        distinct = np.union1d(distinct, array[part])
        if len(distinct) > _COUNTED:
            break
    text = ", ".join(f"{float(value):g}" for value in distinct[:_LISTED])
    more = len(distinct) - _LISTED
    over = "over " if len(distinct) > _COUNTED else ""
    return f"{text} and {over}{min(more, _COUNTED)} more values" if more > 0 else text


def _check_shape(
    array: NDArray[Any] | FloatArray, name: str, owner: str, shape: Sequence[int] | None
) -> None:
    if shape is not None and array.shape != tuple(shape):
        raise ValueError(
            f"The '{name}' parameter of {owner} must have the scan's shape {tuple(shape)}. "
            f"Got {array.shape} instead."
        )


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


def _is_bytes(mask: object) -> bool:
    """Whether a mask is a plain array of bytes, which has no place in space."""
    return (
        isinstance(mask, np.ndarray)
        and not hasattr(mask, "affine")
        and mask.dtype.name in ("bool", "uint8")
        and mask.ndim == 3
        and mask.size > 0
    )


def centre_of(voxels: NDArray[np.int64], volume: Volume) -> NDArray[np.float64]:
    """Return the centre of mass of voxels (n, 3) in the scan's space, mm."""
    return volume.affine[:3, :3] @ voxels.mean(axis=0) + volume.affine[:3, 3]


def millilitres_of(voxels: int, volume: Volume) -> float:
    """Return what so many voxels of a scan hold, ml."""
    return voxels * float(np.prod(volume.spacing)) / 1000

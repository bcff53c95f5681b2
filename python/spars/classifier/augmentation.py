"""Augmentation: how training crops are changed by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spars._core import native
from spars._support.checks import check_array, check_extent, check_integer, sentence
from spars._support.kinds import Kind, number
from spars._support.settings import Settings, setting
from spars._support.types import Extent3, FloatArray

__all__ = ["Augmentation"]

_OWNER = "Augmentation"
_LARGEST_HU = 10_000.0
_LARGEST_SHIFT = 65_536


class Augmentation(Settings, owner=_OWNER, kw_only=False):
    """Random changes of training crops, drawn anew for every crop; validation crops keep theirs.

    In this order: the crop's place moves, it is mirrored, and every value v of it becomes
    v (1 + s) + h + n, all before the intensity window.

    Parameters
    ----------
    {settings}

    Raises
    ------
    TypeError, ValueError
        A parameter is out of range.

    Notes
    -----
    The defaults change nothing. A training's seed says what is drawn, for any thread count; the
    places of crops before the shift are those of a training without augmentation.

    Examples
    --------
    >>> changes = spars.Augmentation(flips="x", noise=10.0)
    >>> changes.to_dict()["noise"]
    10.0
    >>> changes.apply(np.zeros((4, 4, 4), np.float32), seed=1).shape
    (4, 4, 4)
    """

    flips: str | Sequence[str] = setting(
        default=(),
        kind=Kind(
            "str or sequence of str", lambda value, *_: _check_flips(value), {"metavar": "AXES"}
        ),
        doc="""
        The axes, of "x", "y" and "z", along which a crop is mirrored with probability one half;
        ``"xy"`` is short for ``("x", "y")``. A crop mirrored along x has left and right swapped.
        """,
        help="mirror crops by chance: of x, y, z, as in xy",
    )
    shift: int | Sequence[int] = setting(
        default=(0, 0, 0),
        kind=Kind(
            "int or (int, int, int)",
            lambda value, *_: _check_shift(value),
            {"type": int, "nargs": 3, "metavar": ("X", "Y", "Z")},
        ),
        doc="""
        The most voxels that a crop's place moves by along x, y, z, uniformly; it stays inside the
        scan, and voxels that come in are the scan's own. Crops with labels of their own get the
        label of where they end. Crops drawn from anywhere (``crop_sampling="uniform"``) gain
        nothing by it.
        """,
        help="move crops by up to so many voxels along each axis",
    )
    hu_scale: float = setting(
        default=0.0,
        kind=number(0.0, 1.0, open_high=True),
        doc="s is uniform in plus or minus this, which is below 1.",
        help="multiply HU by 1 plus or minus this at most",
    )
    hu_shift: float = setting(
        default=0.0,
        kind=number(0.0, _LARGEST_HU),
        doc="h is uniform in plus or minus this, HU.",
        help="add this many HU at most, or take them away",
    )
    noise: float = setting(
        default=0.0,
        kind=number(0.0, _LARGEST_HU),
        doc="""
        n is normal with this standard deviation, HU, and drawn for each voxel. Noise is added
        before the crop is enlarged to the network's input.
        """,
        help="add normal noise of this deviation, HU",
    )

    def apply(self, crop: ArrayLike, seed: int = 0) -> FloatArray:
        """Return a changed copy of a crop, to look at what training will see.

        Parameters
        ----------
        crop : array_like, shape (X, Y, Z)
            HU.
        seed : int
            Seed of this one change, 0 to 2^64 - 1.

        Returns
        -------
        ndarray of float32, shape (X, Y, Z)
            Mirrored and changed in HU; `shift` is of the place a crop is cut from, and is not
            seen here. Computed in float64 and rounded once.

        Raises
        ------
        TypeError, ValueError
            `crop` is not a numeric array of three axes.
        NonFiniteError
            `crop` holds NaN or infinity.
        """
        crop = check_array(crop, "crop", "Augmentation.apply", np.float32, (None, None, None))
        check_extent(crop.shape, "crop", "Augmentation.apply")
        seed = check_integer(seed, "seed", "Augmentation.apply", 0, 2**64 - 1)
        changed = np.empty_like(crop)
        native.augment(self._values(), crop, seed, changed)
        return changed

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as plain values."""
        return {**asdict(self), "flips": "".join(self.flips)}

    def _values(self) -> dict[str, Any]:
        """Return the fields of the core's struct: a flip for each axis."""
        return {**asdict(self), "flips": [axis in self.flips for axis in "xyz"]}


def _check_flips(flips: Any) -> tuple[str, ...]:
    allowed = "axes among 'x', 'y' and 'z', each at most once"
    try:
        axes = tuple(flips)
    except TypeError:
        raise TypeError(sentence("flips", _OWNER, allowed, flips)) from None
    if any(axis not in ("x", "y", "z") for axis in axes) or len(set(axes)) < len(axes):
        raise ValueError(sentence("flips", _OWNER, allowed, flips))
    return tuple(sorted(axes))


def _check_shift(shift: Any) -> Extent3:
    if np.ndim(shift) == 0:
        most = check_integer(shift, "shift", _OWNER, 0, _LARGEST_SHIFT)
        return most, most, most
    return check_extent(shift, "shift", _OWNER, 0, _LARGEST_SHIFT)

"""Which way a scan's axes run, and arrays turned from one way to another without any resampling."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spars._support.types import Extent3
from spars.volume.placement import Placed, has_place

__all__ = ["ORIENTATIONS", "Turn", "turn_of", "turn_to"]

#: What `Protocol.orientation` may be.
ORIENTATIONS = ("stored", "LPS")


@dataclass(frozen=True)
class Turn:
    """Axes in another order, some of them reversed.

    Parameters
    ----------
    axes : tuple of three ints
        The stored axis that becomes x, y, z.
    flips : tuple of three bools
        Whether it then runs backwards.
    """

    axes: Extent3 = (0, 1, 2)
    flips: tuple[bool, bool, bool] = (False, False, False)

    def turned(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return a view of an array of the stored shape; what is written to it is stored turned."""
        turned = array.transpose(self.axes)
        return turned[tuple(slice(None, None, -1 if flip else 1) for flip in self.flips)]

    def back(self, turned: NDArray[Any]) -> NDArray[Any]:
        """Return a turned array in the stored order, new and C-contiguous."""
        shape = [0, 0, 0]
        for axis, length in zip(self.axes, turned.shape, strict=True):
            shape[axis] = length
        stored = np.empty(shape, turned.dtype)
        self.turned(stored)[...] = turned
        return stored

    def shape(self, stored: Sequence[int]) -> Extent3:
        """Return what a stored shape becomes."""
        x, y, z = (int(stored[axis]) for axis in self.axes)
        return x, y, z

    def voxel(self, voxel: Sequence[int], stored: Sequence[int]) -> Extent3:
        """Return where a voxel of an array of the stored shape stands when it is turned."""
        x, y, z = (
            int(stored[axis]) - 1 - int(voxel[axis]) if flip else int(voxel[axis])
            for axis, flip in zip(self.axes, self.flips, strict=True)
        )
        return x, y, z


def turn_of(placed: Placed, orientation: str) -> Turn:
    """Return the turn that brings a scan to one of `ORIENTATIONS`.

    Parameters
    ----------
    placed : Volume or an open file
        Where its place is not known, as an array's, it stays as it is.
    orientation : {"stored", "LPS"}
        "LPS": x runs to the left, y to the back and z to the head, as near as axes can, which is
        how scanners and DICOM have it.
    """
    if orientation == "stored" or not has_place(placed):
        return Turn()
    to_right = turn_to(placed.affine)
    right, front, up = to_right.flips
    return Turn(to_right.axes, (not right, not front, up))


def turn_to(affine: NDArray[np.float64]) -> Turn:
    """Return the turn to the orientation closest to RAS+, by an affine of shape (4, 4)."""
    cosines = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)

    def closeness(axes: tuple[int, ...]) -> tuple[float, tuple[float, ...]]:
        # The product, so that no axis is taken for one at a right angle to it. Where two orders are
        # as close, the matrix itself decides: it does not depend on how the scan is stored.
        chosen = cosines[:, axes]
        signs = np.where(np.diag(chosen) < 0, -1.0, 1.0)
        return (
            round(float(np.prod(np.abs(np.diag(chosen)))), 9),
            tuple(float(value) for value in (chosen * signs).ravel().round(9)),
        )

    x, y, z = max(itertools.permutations(range(3)), key=closeness)
    backwards = np.diag(cosines[:, (x, y, z)]) < 0
    return Turn((x, y, z), (bool(backwards[0]), bool(backwards[1]), bool(backwards[2])))

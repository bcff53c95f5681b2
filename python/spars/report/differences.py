"""Where a mask and a reference differ most: the largest miss and the largest false region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spars._support.types import MaskArray
from spars.metrics.masks import labelled_parts
from spars.volume.masks import centre_of, millilitres_of
from spars.volume.volume import Volume


@dataclass(frozen=True)
class Region:
    """Connected voxels of one mask that the other has not.

    Attributes
    ----------
    voxels : ndarray of int64, shape (n, 3)
    is_whole : bool
        Whether they are a whole part of their mask, which the other does not touch at all.
    volume : float
        ml.
    position : tuple of three floats
        Their centre of mass, mm.
    """

    voxels: NDArray[np.int64]
    is_whole: bool
    volume: float
    position: tuple[float, float, float]

    def slice_across(self, axis: int) -> int:
        """Return the slice across an axis that holds most of it."""
        return int(np.bincount(self.voxels[:, axis]).argmax())


def largest_region(mask: MaskArray, other: MaskArray, volume: Volume) -> Region | None:
    """Return the largest part of a mask that another does not touch at all.

    Where it touches all of them, the largest connected part of what it leaves out; None where it
    leaves out nothing.
    """
    if not mask.any():
        return None
    labels, box = labelled_parts(mask)
    sizes = np.bincount(labels.ravel())
    sizes[labels[other[box] > 0]] = 0
    sizes[0] = 0
    is_whole = bool(sizes.any())
    if not is_whole:
        rest = (mask > 0) & (other == 0)
        if not rest.any():
            return None
        labels, box = labelled_parts(rest)
        sizes = np.bincount(labels.ravel())
        sizes[0] = 0
    voxels = np.argwhere(labels == sizes.argmax()) + [part.start for part in box]
    x, y, z = (float(value) for value in centre_of(voxels, volume))
    return Region(voxels, is_whole, millilitres_of(len(voxels), volume), (x, y, z))


def best_slice(mask: MaskArray, reference: MaskArray, axis: int) -> int | None:
    """Return the slice across an axis where both masks share most voxels; None where none."""
    across = tuple(other for other in range(3) if other != axis)
    shared: NDArray[Any] = np.logical_and(mask, reference).sum(axis=across)
    return int(shared.argmax()) if shared.any() else None


def shares(
    mask: MaskArray, reference: MaskArray, voxels: Sequence[tuple[int, int, int]]
) -> list[float]:
    """Return of the mask's part at each voxel what share of it lies in the reference."""
    if not voxels:
        return []
    labels, box = labelled_parts(mask)
    inside = np.bincount(labels.ravel(), weights=(reference[box] > 0).ravel())
    share = inside / np.maximum(np.bincount(labels.ravel()), 1)
    places = np.asarray(voxels) - [part.start for part in box]
    return [float(value) for value in share[labels[tuple(places.T)]]]

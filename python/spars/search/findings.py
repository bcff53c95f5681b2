"""What a clinic asks of a mask: its lesions one by one, and whether the scan fits the recipe."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spars._support.types import FloatArray, MaskArray
from spars.lesions.host import OrganLevel
from spars.metrics.masks import labelled_parts
from spars.volume.auditing import THICKEST
from spars.volume.masks import centre_of, millilitres_of
from spars.volume.volume import Volume

__all__ = ["Lesion", "lesions_of"]

#: A liver below is fatty or was scanned without contrast medium, HU.
_LOWEST_LEVEL = 60.0
#: No liver lies outside, whatever the phase, HU.
_LIVER_LEVELS = (-20.0, 220.0)
_DIRECTIONS = 200


@dataclass(frozen=True)
class Lesion:
    """One connected part of a mask.

    Attributes
    ----------
    number : int
        From 1, the largest first.
    position : tuple of three floats
        Its centre of mass in the scan's space, mm: where the affine puts it.
    voxel : tuple of three ints
        Its voxel nearest to the centre of mass.
    volume : float
        ml.
    diameter : float
        The longest distance between the centres of two of its voxels, mm: the longest of its
        shadows on 200 directions, less than 1 % short.
    mean_hu : float
    score : float
        The map's highest value in it.
    """

    number: int
    position: tuple[float, float, float]
    voxel: tuple[int, int, int]
    volume: float
    diameter: float
    mean_hu: float
    score: float

    def to_dict(self) -> dict[str, Any]:
        """Return the lesion as plain values."""
        return asdict(self)


def lesions_of(scan: Volume, mask: MaskArray, score_map: FloatArray) -> list[Lesion]:
    """Return the lesions of a mask, the largest first.

    Parameters
    ----------
    scan : Volume
    mask : uint8 array of the scan's shape
        Voxels that share a face, an edge or a corner are of one lesion.
    score_map : float32 array of the scan's shape

    Returns
    -------
    list of Lesion
        Empty for an empty mask.
    """
    if not mask.any():
        return []
    labels, box = labelled_parts(mask)
    places = np.argwhere(labels > 0)
    numbers = labels[tuple(places.T)]
    places += [part.start for part in box]
    order = np.argsort(numbers, kind="stable")
    places, numbers = places[order], numbers[order]
    starts = np.flatnonzero(np.diff(numbers, prepend=0))
    parts = np.split(places, starts[1:])
    # Those of one size by where they are in space: numbers do not depend on how a scan is stored.
    parts.sort(key=lambda part: (-len(part), *centre_of(part, scan).round(6)))
    return [_lesion(i + 1, part, scan, score_map) for i, part in enumerate(parts)]


def _lesion(number: int, places: NDArray[np.int64], scan: Volume, score_map: FloatArray) -> Lesion:
    offsets = (places - places.mean(axis=0)) @ scan.affine[:3, :3].T
    nearest = places[np.argmin((offsets**2).sum(axis=1))]
    inside = tuple(places.T)
    x, y, z = (float(value) for value in centre_of(places, scan))
    i, j, k = (int(value) for value in nearest)
    return Lesion(
        number=number,
        position=(x, y, z),
        voxel=(i, j, k),
        volume=millilitres_of(len(places), scan),
        diameter=_diameter(offsets),
        mean_hu=float(scan.array[inside].mean(dtype=np.float64)),
        score=float(score_map[inside].max()),
    )


def _diameter(points: NDArray[np.float64]) -> float:
    """Return the longest shadow of points on directions spread over half a sphere, mm."""
    turns = np.arange(_DIRECTIONS)
    height = (turns + 0.5) / _DIRECTIONS
    angle = turns * np.pi * (3 - np.sqrt(5))
    radius = np.sqrt(1 - height**2)
    longest = 0.0
    for direction in np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=1):
        shadow = points @ direction
        longest = max(longest, float(shadow.max() - shadow.min()))
    return longest


def doubts(scan: Volume, organ: OrganLevel) -> list[str]:
    """Return what about a scan and its organ does not fit a recipe for livers, in sentences."""
    found = []
    low, high = _LIVER_LEVELS
    if not low <= organ.level <= high:
        found.append(
            f"The region's level is {organ.level:.0f} HU, which no liver has: it must be the "
            "liver's mask, and the scan in HU."
        )
    elif organ.level < _LOWEST_LEVEL:
        found.append(
            f"The liver's level is {organ.level:.0f} HU: it is fatty, or the scan was taken "
            "without contrast medium. Lesions may be brighter than it; check the mask by eye."
        )
    thickest = max(scan.spacing)
    if thickest > THICKEST:
        found.append(
            f"Slices are {thickest:.1f} mm thick: lesions below about 10 mm are lost in them."
        )
    if scan.header is None and np.array_equal(scan.affine, np.eye(4)):
        found.append(
            "The spacing is not known and taken as 1 mm: pass a spars.Volume with its affine, or a "
            "file."
        )
    return found

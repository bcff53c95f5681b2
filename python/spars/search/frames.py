"""What of a scan a search sees, and the way back: whole, one organ cut out, or a working grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from spars._support.checks import check_float, check_integer
from spars._support.provenance import digest
from spars._support.types import Extent3, FloatArray, Mask, MaskArray, Scan
from spars.classifier.recipe import Recipe
from spars.lesions.host import Host
from spars.volume.crossing import Crossing
from spars.volume.masks import Box, as_mask, bounding_box
from spars.volume.orientation import Turn
from spars.volume.placement import has_place
from spars.volume.protocol import ScanFrame
from spars.volume.volume import Volume, as_volume
from spars.volume.working import WorkingScan

WHOLE: Box = (slice(None),) * 3


class Frame(Protocol):
    """Where a search took place in a scan."""

    def to_scan(self, score_map: FloatArray) -> FloatArray:
        """Return a map of the search's grid on the scan's voxels; 0 where the search did not come.

        Parameters
        ----------
        score_map : float32 array of the grid's shape
        """
        ...

    def voxel(self, voxel: Sequence[int]) -> Extent3 | None:
        """Return the voxel of the grid that shows at one of the scan, or None."""
        ...


@dataclass(frozen=True)
class BoxFrame:
    """A box of a scan, on the model grid or in its own voxels.

    Parameters
    ----------
    scan, grid : tuple of three ints
        Shapes of the whole scan and of the grid.
    box : tuple of three slices
        What is searched.
    frame : str
        As `Protocol.scan_frame`.
    turn : Turn
        From the scan as it is stored to the orientation of play.
    """

    scan: Extent3
    grid: Extent3
    box: Box
    frame: ScanFrame
    turn: Turn

    def _ranges(self) -> list[range]:
        return [
            range(*axis.indices(count)) for axis, count in zip(self.box, self.scan, strict=True)
        ]

    @property
    def _crossing(self) -> Crossing:
        lengths = [len(places) for places in self._ranges()]
        return Crossing(self.turn.shape(lengths), self.grid, self.frame)

    def to_scan(self, score_map: FloatArray) -> FloatArray:
        whole = np.zeros(self.scan, np.float32)
        self.turn.turned(whole[self.box])[...] = self._crossing.to_scan(score_map)
        return whole

    def voxel(self, voxel: Sequence[int]) -> Extent3 | None:
        ranges = self._ranges()
        if any(value not in places for value, places in zip(voxel, ranges, strict=True)):
            return None
        inside = [value - places.start for value, places in zip(voxel, ranges, strict=True)]
        turned = self.turn.voxel(inside, [len(places) for places in ranges])
        return self._crossing.voxel(turned)


@dataclass(frozen=True, eq=False)
class OrganFrame:
    """An organ on a recipe's working grid.

    Attributes
    ----------
    working : WorkingScan
        HU, the organ on the same voxels, and the way back.
    host : spars.lesions.Host
        The organ with its level.
    seen : Volume
        What windows are cut from: HU with the organ's level moved to the recipe's, and one value
        outside.
    """

    working: WorkingScan
    host: Host
    seen: Volume

    @classmethod
    def of(cls, scan: Volume, region: MaskArray, recipe: Recipe) -> OrganFrame:
        """Bring an organ to the working grid of a recipe that has one.

        Raises
        ------
        TypeError, ValueError, NonFiniteError
            As `spars.working_scan` and `spars.lesions.Host`.
        """
        return cls.of_working(recipe.working(scan, region), recipe)

    @classmethod
    def of_working(cls, working: WorkingScan, recipe: Recipe) -> OrganFrame:
        """Make an organ that is on the working grid ready for a recipe's windows."""
        host = Host(working.volume, working.organ)
        level = host.organ.level
        shift = 0.0 if recipe.level_at is None else recipe.level_at - level
        values = working.volume.array + np.float32(shift)
        values[working.organ == 0] = level + shift + recipe.outside
        return cls(working, host, Volume(values, working.volume.affine))

    def to_scan(self, score_map: FloatArray) -> FloatArray:
        return self.working.to_scan(score_map)

    def voxel(self, voxel: Sequence[int]) -> Extent3 | None:
        to_working = np.linalg.inv(self.seen.affine) @ self.working.scan_affine
        place = np.rint((to_working @ [*voxel, 1.0])[:3]).astype(int)
        if np.any(place < 0) or np.any(place >= self.seen.shape):
            return None
        return int(place[0]), int(place[1]), int(place[2])


def isolate(
    volume: Scan,
    region: Mask,
    *,
    outside: float = -200.0,
    margin: int = 0,
    on: str | None = None,
) -> Volume:
    """Return the part of a scan that an organ fills, everything else set to one value.

    A classifier trained on isolated organs learns from nothing but the organ, and far fewer
    windows need a score. The affine moves along, so a mask made on the result lies in place over
    the whole scan.

    Parameters
    ----------
    volume : Volume, array, image or path
        The scan, (X, Y, Z), HU.
    region : Volume, array, image or path
        The organ's mask on the scan's voxels, of 0 and 1.
    outside : float
        HU given to voxels outside the organ.
    margin : int
        Voxels kept around the organ on each side, as far as the scan reaches.
    on : {None, "scan", "voxels"}
        None: the region must lie where the scan does. "scan" brings it there by nearest neighbour,
        "voxels" takes it voxel by voxel, whatever the affines say.

    Returns
    -------
    Volume
        The organ's bounding box, with the margin.

    Raises
    ------
    ValueError
        The region is empty, has another shape than the scan, or lies elsewhere.

    Examples
    --------
    >>> made = spars.phantom(seed=1, shape=(48, 48, 32))
    >>> liver = spars.isolate(made.volume, made.liver)
    >>> liver.shape < made.volume.shape, float(liver.array.min()) <= -200
    (True, True)
    """
    outside = check_float(outside, "outside", "isolate")
    margin = check_integer(margin, "margin", "isolate", 0)
    scan = as_volume(volume)
    region = as_mask(region, "region", "isolate", scan=scan, on=on)
    if not region.any():
        raise ValueError("The 'region' parameter of isolate must hold a voxel. Got none instead.")
    box = bounding_box(region, margin)
    affine = np.array(scan.affine)
    affine[:3, 3] = (affine @ [*(axis.start for axis in box), 1.0])[:3]
    return Volume(np.where(region[box] == 1, scan.array[box], np.float32(outside)), affine)


def isolated(scan: Volume, region: MaskArray) -> Volume:
    """Return what `isolate` does, of no known place where the scan is of none."""
    found = isolate(scan, region)
    return Volume(found.array, found.affine if has_place(scan) else None, scan.header)


def described_scan(scan: Volume) -> dict[str, Any]:
    """Return what a result records of a scan."""
    return {"shape": list(scan.shape), "spacing": list(scan.spacing), "sha256": digest(scan)}


def described(host: Host) -> dict[str, Any]:
    """Return what a result records of an organ: its level, spread and noise, HU."""
    organ = host.organ
    return {"level": organ.level, "spread": organ.spread, "noise": organ.noise}

"""Slices of a scan, turned the way a radiologist looks at them, with their place in millimetres."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spars._support.types import Extent3
from spars.volume.orientation import turn_to

if TYPE_CHECKING:
    from spars.volume.masks import Box
    from spars.volume.volume import Volume

__all__ = ["Slice", "axial_axis", "letter", "orientation_text", "position_text"]

#: The plane across each world axis, and the letters of the axis' two ends, the positive one first.
_PLANES = ("sagittal", "coronal", "axial")
_ENDS = ("RL", "AP", "SI")


def axial_axis(affine: NDArray[np.float64]) -> int:
    """Return the voxel axis that runs nearest to the head."""
    return turn_to(affine).axes[2]


def letter(world: int, value: float) -> str:
    """Return the letter of the side on which a coordinate of a world axis lies."""
    return _ENDS[world][0 if value >= 0 else 1]


def position_text(position: tuple[float, float, float]) -> str:
    """Return a place in RAS+ millimetres by the sides it lies on: ``R 12.0, P 3.5, S 40.0``."""
    return ", ".join(f"{letter(i, value)} {abs(value):.1f}" for i, value in enumerate(position))


def orientation_text(affine: NDArray[np.float64]) -> str:
    """Return the sides to which the voxel axes run, nearest: ``x to L, y to P, z to S``."""
    turn = turn_to(affine)
    sides = {
        voxel: _ENDS[world][1 if turn.flips[world] else 0] for world, voxel in enumerate(turn.axes)
    }
    return ", ".join(f"{name} to {sides[axis]}" for axis, name in enumerate("xyz"))


class Slice:
    """One slice of arrays on a scan's voxels.

    Parameters
    ----------
    volume : Volume
        The scan; its affine says which way the axes run.
    axis : {0, 1, 2}
        The voxel axis to cut across.
    index : int
        The slice.

    Attributes
    ----------
    plane : {"sagittal", "coronal", "axial"}
        The nearest.
    letters : str
        Of the patient's sides at the left, right, upper and lower edge.
    millimetres : float
        Where the slice's middle lies along the world axis it is across.
    """

    def __init__(self, volume: Volume, axis: int, index: int) -> None:
        self.axis, self.index = axis, index
        self._volume = volume
        turn = turn_to(volume.affine)
        #: Of each voxel axis the world axis it runs along.
        world = {voxel: number for number, voxel in enumerate(turn.axes)}
        plane = sorted((a for a in range(3) if a != axis), key=lambda a: world[a])
        self.horizontal, self.vertical = plane
        # Left on the right, posterior on the right, superior and anterior at the top: every
        # axis that grows with its world coordinate is turned round.
        self.turned = tuple(a for a in plane if not turn.flips[world[a]])
        self._world = world[axis]
        self.plane = _PLANES[self._world]
        self.letters = "".join(_ENDS[world[a]] for a in plane)
        middle = [(n - 1) / 2 for n in volume.shape]
        middle[axis] = index
        self.millimetres = float(volume.affine[self._world] @ [*middle, 1.0])

    def __call__(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the slice of an array of the scan's shape, rows from the top."""
        cut = np.flip(array, self.turned).take(self.index, axis=self.axis)
        return cut if self.vertical < self.horizontal else cut.T

    @property
    def aspect(self) -> float:
        """A voxel's height over its width."""
        spacing = self._volume.spacing
        return spacing[self.vertical] / spacing[self.horizontal]

    @property
    def voxel_width(self) -> float:
        """A voxel's width in millimetres."""
        return self._volume.spacing[self.horizontal]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in millimetres."""
        volume = self._volume
        edges = [n * length for n, length in zip(volume.shape, volume.spacing, strict=True)]
        return edges[self.horizontal], edges[self.vertical]

    @property
    def title(self) -> str:
        """What slice it is: ``axial, z = 5 (S 12.5 mm)``."""
        place = f"{letter(self._world, self.millimetres)} {abs(self.millimetres):.1f} mm"
        return f"{self.plane}, {'xyz'[self.axis]} = {self.index} ({place})"

    def place(self, voxel: Extent3) -> tuple[float, float]:
        """Return where a voxel lies in the slice: column and row."""
        counts = self._volume.shape
        column, row = (
            counts[a] - 1 - voxel[a] if a in self.turned else voxel[a]
            for a in (self.horizontal, self.vertical)
        )
        return float(column), float(row)

    def edges(self, box: Box) -> tuple[float, float, float, float]:
        """Return where a box of voxels ends in the slice: left, right, top, bottom."""
        first = self.place(_corner([part.start for part in box]))
        last = self.place(_corner([part.stop - 1 for part in box]))
        (left, right), (top, bottom) = (sorted(pair) for pair in zip(first, last, strict=True))
        return left - 0.5, right + 0.5, top - 0.5, bottom + 0.5


def _corner(place: list[int]) -> Extent3:
    x, y, z = place
    return x, y, z

"""An organ on a grid of one spacing, and maps of that grid on the scan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spars._core import native
from spars._support.arrays import parts
from spars._support.checks import check_array, check_float, sentence
from spars._support.errors import NonFiniteError
from spars._support.types import Extent3, FloatArray, Mask, MaskArray, Scan
from spars.volume.masks import as_mask, bounding_box
from spars.volume.orientation import Turn, turn_to
from spars.volume.volume import Volume, as_volume

__all__ = ["WorkingScan", "working_scan"]


@dataclass(frozen=True)
class _Place:
    """Where a working grid lies in the scan as it is stored."""

    #: From the stored to the canonical orientation.
    turn: Turn
    #: The first voxel of the canonical scan that the grid covers; may lie before the scan.
    low: Extent3
    #: How many voxels of the canonical scan it covers, beyond the scan too.
    covered: Extent3
    #: What the core calls the grid.
    grid: dict[str, Any]

    def canonical(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return a view of an array of the scan's shape in the canonical orientation."""
        return self.turn.turned(array)


@dataclass(frozen=True, eq=False)
class WorkingScan:
    """An organ of a scan on a grid of one spacing; made by `working_scan`.

    Attributes
    ----------
    volume : Volume
        HU, float32 of shape (x, y, z), in the orientation closest to RAS+. The affine places it in
        space: a rotation of the scan stays in it, and its voxels are cubes.
    organ : ndarray of uint8, of the volume's shape
        1 where more than half of a working voxel's kernel meets the organ, else 0. Read-only.
    scan_shape : tuple of three ints
        The scan's, as it is stored.
    scan_affine : ndarray of float64, shape (4, 4)
        The scan's, as it is stored.

    Examples
    --------
    >>> made = spars.phantom(seed=2, shape=(64, 64, 48))
    >>> working = spars.working_scan(made.volume, made.liver, spacing=6.0)
    >>> working.volume.spacing, working.organ.shape == working.volume.shape
    ((6.0, 6.0, 6.0), True)
    """

    volume: Volume
    organ: MaskArray
    scan_shape: Extent3
    scan_affine: NDArray[np.float64]
    _place: _Place = field(repr=False)

    def __repr__(self) -> str:
        return (
            f"<spars.WorkingScan {self.volume.shape}, spacing {self.volume.spacing[0]:.4g} mm, "
            f"of a scan of {self.scan_shape}>"
        )

    def to_scan(self, map: ArrayLike) -> FloatArray:  # noqa: A002
        """Return a map of the working grid on the scan's own voxels.

        Linear between the centres of working voxels; the outermost ones hold for the half voxel
        beyond their centres.

        Parameters
        ----------
        map : array_like of the shape of `volume`
            Finite.

        Returns
        -------
        ndarray of float32, of shape `scan_shape`
            New and C-contiguous, in the scan's stored orientation; 0 beyond the working grid.

        Raises
        ------
        TypeError, ValueError
            `map` is not a real array of that shape.
        NonFiniteError
            It holds NaN or infinity.

        Examples
        --------
        >>> import numpy as np, spars
        >>> found = spars.phantom(seed=1, shape=(64, 64, 48))
        >>> working = spars.working_scan(found.volume, found.liver, spacing=3.0)
        >>> working.to_scan(working.organ).shape
        (64, 64, 48)
        """
        values = check_array(map, "map", "to_scan", np.float32, self.volume.shape)
        box, inside = self._on_box(values)
        scan = np.zeros(self.scan_shape, np.float32)
        target = self._place.canonical(scan)[inside]
        for part in parts(box):
            target[part] = box[part]
        return scan

    def _on_box(self, values: FloatArray) -> tuple[FloatArray, tuple[slice, slice, slice]]:
        """Return a map on the voxels that grid and scan share, and where they are, canonical."""
        place = self._place
        covered = np.empty(place.covered, np.float32)
        native.working_grid_to_scan(place.grid, values, covered)
        shape = place.turn.shape(self.scan_shape)
        low = [max(start, 0) for start in place.low]
        high = [
            min(start + count, length)
            for start, count, length in zip(place.low, place.covered, shape, strict=True)
        ]
        x, y, z = (slice(start, end) for start, end in zip(low, high, strict=True))
        shared = tuple(
            slice(first - start, last - start)
            for first, last, start in zip(low, high, place.low, strict=True)
        )
        return covered[shared], (x, y, z)


def working_scan(
    scan: Scan,
    organ: Mask,
    spacing: float = 1.5,
    margin: float = 12.0,
    outside: float = -1000.0,
    *,
    on: str | None = None,
) -> WorkingScan:
    """Bring an organ of a scan to a grid of one spacing.

    The scan is turned to the orientation closest to RAS+ by exchanging and reversing axes, so the
    same scan stored in any order gives the same working voxels. The grid begins `margin` mm, in
    whole voxels of the scan, below the organ's box, and ends as far above it, beyond the scan too.
    HU are means over the organ alone, weighted by a triangle kernel of half-width
    max(1, `spacing` / the scan's) voxels along each axis, Pillow's antialiased linear rule: neither
    what lies around the organ nor noise finer than the grid mixes in.

    Parameters
    ----------
    scan : Volume, path, array_like, nibabel image or SimpleITK image
        HU, shape (x, y, z), with its affine. Outside the organ it is not read.
    organ : Volume, array, image or path
        The organ's mask, 0 and 1, of the same shape.
    spacing : float
        Edge of a working voxel, 0.1 to 50 mm.
    margin : float
        mm around the organ's box, 0 to 500.
    outside : float
        HU of working voxels that are not the organ's.
    on : {None, "scan", "voxels"}
        None: the organ must lie where the scan does. "scan" brings it there by nearest neighbour,
        "voxels" takes it voxel by voxel, whatever the affines say.

    Returns
    -------
    WorkingScan

    Raises
    ------
    TypeError, ValueError
        The organ is empty or of another shape, a number is out of its range, the scan's spacing is
        not in 0.1 to 50 mm, or the grid would have more than 2^30 voxels.
    NonFiniteError
        The organ holds NaN or infinity; the message names its first such voxel in the scan.
    FormatError, OSError
        As `spars.load`.

    Examples
    --------
    >>> import spars
    >>> found = spars.phantom(seed=1, shape=(64, 64, 48))
    >>> working = spars.working_scan(found.volume, found.liver, spacing=3.0)
    >>> working.organ.shape == working.volume.shape
    True
    """
    owner = "working_scan"
    scan = as_volume(scan)
    mask = as_mask(organ, "organ", owner, scan=scan, on=on)
    spacing = check_float(spacing, "spacing", owner, 0.1, 50.0)
    margin = check_float(margin, "margin", owner, 0.0, 500.0)
    outside = check_float(outside, "outside", owner, -1e6, 1e6)
    turn = turn_to(scan.affine)
    turned = turn.turned(mask)
    if not turned.any():
        raise ValueError(sentence("organ", owner, "a mask with a voxel of the organ", "none"))
    box = bounding_box(turned)
    shape = tuple(part.stop - part.start for part in box)
    edges = tuple(scan.spacing[axis] for axis in turn.axes)
    grid = {"box": shape, "spacing": edges, "margin": margin, "step": spacing}
    before, working_shape, covered = native.working_grid_layout(grid)
    low = tuple(part.start - count for part, count in zip(box, before, strict=True))
    place = _Place(turn, low, covered, grid)
    values = np.empty(working_shape, np.float32)
    inside = np.empty(working_shape, np.uint8)
    cut = np.ascontiguousarray(place.canonical(scan.array)[box])
    try:
        native.working_grid_fill(
            grid, cut, np.ascontiguousarray(turned[box]), outside, values, inside
        )
    except NonFiniteError:
        # The core knows the box alone; the reader knows the scan.
        bad = tuple(int(i) for i in np.argwhere((mask != 0) & ~np.isfinite(scan.array))[0])
        raise NonFiniteError(
            f"The 'scan' parameter of {owner} must be finite in the organ. "
            f"Got {scan.array[bad]} at {bad} instead."
        ) from None
    inside.flags.writeable = False
    affine = _working_affine(scan, place, spacing)
    return WorkingScan(Volume(values, affine), inside, scan.shape, scan.affine, place)


def _working_affine(scan: Volume, place: _Place, spacing: float) -> NDArray[np.float64]:
    """Return the affine of the working voxels."""
    columns = scan.affine[:3, list(place.turn.axes)]
    edges = np.linalg.norm(columns, axis=0)
    lengths = [scan.shape[axis] for axis in place.turn.axes]
    signs = np.where(place.turn.flips, -1.0, 1.0)
    # Where the canonical scan's first voxel lies.
    first = scan.affine[:3, 3] + columns @ np.where(place.turn.flips, np.subtract(lengths, 1), 0)
    affine = np.eye(4)
    affine[:3, :3] = columns / edges * signs * spacing
    start = 0.5 * spacing / edges - 0.5 + np.array(place.low)
    affine[:3, 3] = first + (columns * signs) @ start
    return affine

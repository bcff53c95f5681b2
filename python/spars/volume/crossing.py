"""Between a scan's own voxels and the model grid that a game is played on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spars._core import native
from spars._support.types import FloatArray
from spars.volume.protocol import ScanFrame


@dataclass(frozen=True)
class Crossing:
    """The way between a scan and a grid, as the protocol's `scan_frame` says (D4).

    Parameters
    ----------
    scan, grid : tuple of three ints
        Their shapes; one where `frame` is "native".
    frame : {"resampled", "corner", "native"}
        As `Protocol.scan_frame`.

    Raises
    ------
    ValueError
        By each method: a shape cannot be indexed, or the two differ in the native frame.
    """

    scan: tuple[int, int, int]
    grid: tuple[int, int, int]
    frame: ScanFrame

    def to_grid(self, array: FloatArray) -> FloatArray:
        """Return the scan as the game indexes it, float32; `array` itself where it is as it is.

        Parameters
        ----------
        array : float32 array of the scan's shape, C-contiguous
        """
        shape = native.crossing_indexed(self)
        if tuple(shape) == array.shape:
            return array
        grid = np.empty(shape, np.float32)
        native.crossing_to_grid(self, array, grid)
        return grid

    def to_scan(self, score_map: FloatArray) -> FloatArray:
        """Return a map of the grid on the scan's voxels, float32.

        "resampled" comes back by nearest neighbour; "corner" covers the scan's first corner and
        leaves 0 elsewhere; "native" is the scan's own frame already.
        """
        scan = np.empty(self.scan, np.float32)
        native.crossing_to_scan(self, np.ascontiguousarray(score_map, np.float32), scan)
        return scan

    def voxel(self, voxel: Sequence[int]) -> tuple[int, int, int] | None:
        """Return the voxel of the grid that `to_scan` shows at one of the scan, or None."""
        x, y, z = native.crossing_voxel(self, tuple(voxel))
        return None if x < 0 else (x, y, z)

    def counts(self, reference: FloatArray) -> tuple[NDArray[np.int32], NDArray[np.int32], int]:
        """Return what a reference mask of the scan is to the grid's voxels.

        Parameters
        ----------
        reference : float32 array of the scan's shape, C-contiguous
            Inside where it is not 0. Under "corner" the released scripts compare on the grid with
            the reference resized to it.

        Returns
        -------
        planes : int32 array of shape (GX + GY + GZ,)
            How many planes of the scan each plane of the grid stands for, axis after axis.
        marks : int32 array of the grid's shape
            How many voxels of the reference each voxel of the grid stands for.
        total : int
            Voxels of the reference.
        """
        planes = np.empty(sum(self.grid), np.int32)
        marks = np.empty(self.grid, np.int32)
        total = native.crossing_reference(self, reference, planes, marks)
        return planes, marks, total

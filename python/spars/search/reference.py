"""A reference mask, counted on the grid that a map is kept on."""

import numpy as np

from spars._support.checks import check_array
from spars.volume.volume import resample


class Reference:
    """What the core needs for the Dice of a map on the grid with a reference on the scan.

    Every voxel of the scan takes its value from one voxel of the grid (nearest neighbour), so the
    overlap is a sum over grid voxels of how many scan voxels, and how many reference voxels, each
    one stands for: exactly Dice in the scan's voxels. Under "corner" the released scripts compare
    on the grid with the reference resized to it (D4).
    """

    def __init__(self, reference, scan_shape, played):
        reference = check_array(reference, "reference", "self_play", np.float32, scan_shape)
        if not np.isin(reference, (0, 1)).all():
            raise ValueError(
                "The 'reference' parameter of self_play must hold 0 and 1 only. Got other values "
                "instead; say which label is meant, for example 'reference == 2'."
            )
        self.threshold = float(np.float32(played.protocol.segmentation_threshold))
        self.grid = played.grid
        if played.protocol.scan_frame == "corner":
            reference = np.ascontiguousarray(resample(reference, self.grid, "nearest"))
        axes = [
            _grid_places(length, scan)
            for length, scan in zip(self.grid, reference.shape, strict=True)
        ]
        self.planes = np.concatenate(
            [
                np.bincount(places, minlength=length)
                for places, length in zip(axes, self.grid, strict=True)
            ]
        ).astype(np.int32)
        self.marks = np.zeros(self.grid, np.int32)
        voxels = np.nonzero(reference)
        np.add.at(self.marks, tuple(a[v] for a, v in zip(axes, voxels, strict=True)), 1)
        self.total = len(voxels[0])


def _grid_places(length, scan):
    """Return which grid voxel each scan voxel along one axis takes its value from."""
    if length == scan:
        return np.arange(scan)
    along = np.arange(length, dtype=np.float32).reshape(length, 1, 1)
    return resample(along, (scan, 1, 1), "nearest").ravel().astype(np.int64)

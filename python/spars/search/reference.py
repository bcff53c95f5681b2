"""A reference mask, counted on the grid that a map is kept on."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from spars._support.checks import check_array
from spars._support.types import Extent3
from spars.game.field import Field
from spars.volume.crossing import Crossing


class Reference:
    """What the core needs for the Dice of a map on the grid with a reference on the scan.

    Every voxel of the scan takes its value from one voxel of the grid (nearest neighbour), so the
    overlap is a sum over grid voxels of how many scan voxels, and how many reference voxels, each
    one stands for: exactly Dice in the scan's voxels. Under "corner" the released scripts compare
    on the grid with the reference resized to it (D4).
    """

    def __init__(self, reference: ArrayLike, scan_shape: Extent3, played: Field) -> None:
        reference = check_array(reference, "reference", "self_play", np.float32, scan_shape)
        if not np.isin(reference, (0, 1)).all():
            raise ValueError(
                "The 'reference' parameter of self_play must hold 0 and 1 only. Got other values "
                "instead; say which label is meant, for example 'reference == 2'."
            )
        self.threshold = float(np.float32(played.protocol.segmentation_threshold))
        self.grid = played.grid
        crossing = Crossing(scan_shape, self.grid, played.protocol.scan_frame)
        self.planes, self.marks, self.total = crossing.counts(reference)

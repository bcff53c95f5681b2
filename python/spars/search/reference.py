"""A reference mask, counted on the grid that a map is kept on."""

from __future__ import annotations

import numpy as np

from spars._support.types import Mask, Scan
from spars.game.field import Field
from spars.volume.crossing import Crossing
from spars.volume.masks import as_mask
from spars.volume.volume import place_of


class Reference:
    """What the core needs for the Dice of a map on the grid with a reference on the scan.

    Every voxel of the scan takes its value from one voxel of the grid (nearest neighbour), so the
    overlap is a sum over grid voxels of how many scan voxels, and how many reference voxels, each
    one stands for: exactly Dice in the scan's voxels. Under "corner" the released scripts compare
    on the grid with the reference resized to it (D4).
    """

    def __init__(
        self, reference: Mask, scan: Scan, played: Field, owner: str, on: str | None = None
    ) -> None:
        mask = as_mask(reference, "reference", owner, scan=place_of(scan), on=on)
        turned = np.ascontiguousarray(played.turn.turned(mask), np.float32)
        self.threshold = float(np.float32(played.protocol.segmentation_threshold))
        self.grid = played.grid
        crossing = Crossing(turned.shape, self.grid, played.protocol.scan_frame)
        self.planes, self.marks, self.total = crossing.counts(turned)

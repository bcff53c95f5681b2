"""How well a mask agrees with a reference mask.

Every function takes ``(prediction, reference)``, masks of one shape (x, y, z): arrays of bool or of
any numbers that are 0 or 1, or a `spars.Volume`, a nibabel or a SimpleITK image of such values.
Distances are in mm: `spacing` is taken from the volumes where they have one, and is 1 mm else.

Masks that both have a place in space (files, images, volumes with an affine) must lie in the same
one, to within half of the shortest voxel edge at the corners. ``on="scan"`` brings the prediction
onto the reference's voxels by nearest neighbour first, and ``on="voxels"`` compares voxel by voxel
whatever the affines say, as it is with arrays. Values within 0.02 of 0 or 1, as writers that scale
leave them, are 0 or 1.

Definitions are those of MONAI 1.6.1, except where a mask is empty. Here:

===================  ============  =================  ================
metric               both empty    prediction empty   reference empty
===================  ============  =================  ================
dice, iou            NaN           0.0                0.0
sensitivity          NaN           0.0                NaN
precision            NaN           NaN                0.0
hausdorff, assd      NaN           infinity           infinity
surface_dice         NaN           0.0                0.0
===================  ============  =================  ================
"""

from spars.metrics.measures import (
    assd,
    bootstrap_interval,
    connected_components,
    dice,
    distance_map,
    evaluate,
    hausdorff,
    iou,
    lesion_detection,
    precision,
    sensitivity,
    specificity,
    surface_dice,
    volumetric_similarity,
)

__all__ = [
    "assd",
    "bootstrap_interval",
    "connected_components",
    "dice",
    "distance_map",
    "evaluate",
    "hausdorff",
    "iou",
    "lesion_detection",
    "precision",
    "sensitivity",
    "specificity",
    "surface_dice",
    "volumetric_similarity",
]

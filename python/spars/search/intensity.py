"""The rival that needs no training: what of an organ is darker than most of it."""

from __future__ import annotations

import numpy as np

from spars._core import native
from spars._support.checks import check_float, check_integer
from spars._support.progress import as_progress
from spars._support.types import Mask, MaskArray, Progress, Scan
from spars.metrics.masks import as_mask
from spars.volume.volume import as_volume
from spars.volume.working import working_scan

__all__ = ["intensity_mask"]


def intensity_mask(
    scan: Scan,
    organ: Mask,
    spacing: float = 1.5,
    below: float = 20.0,
    sigma: float = 2.0,
    edge: float = 3.0,
    opening: int = 1,
    progress: Progress | bool | None = None,
    *,
    on: str | None = None,
) -> MaskArray:
    """Segment what of an organ is darker than most of it, without any training.

    What a trained search has to beat. On the organ's working grid (`spars.working_scan`) HU are
    smoothed over the organ alone; voxels below its level (`spars.lesions.organ_level` there) are
    taken, away from its border, where partial volume is as dark; what is thin is dropped.

    Parameters
    ----------
    scan : Volume, path, array_like, nibabel image or SimpleITK image
        HU, shape (x, y, z), with its affine. Outside the organ it is not read.
    organ : Volume, array, image or path
        The organ's mask, 0 and 1, of the same shape.
    spacing : float
        Edge of a working voxel, 0.1 to 50 mm.
    below : float
        HU below the organ's level that a smoothed voxel must be, 0 to 1000.
    sigma : float
        Standard deviation of the smoothing, 0 to 20 mm; 0 for none.
    edge : float
        How far from the nearest working voxel outside the organ, centre to centre, a voxel must be
        more than, 0 to 100 mm.
    opening : int
        Voxels that the mask is eroded and then dilated by, along faces, 0 to 10.
    progress : callable or True, optional
        Called with (done, planned) about every 20 ms; True draws a bar (the extra "progress").
    on : {None, "scan", "voxels"}
        As for `spars.working_scan`.

    Returns
    -------
    ndarray of uint8, of the scan's shape
        1 inside, where the working mask, linear between its voxels, is above one half and the organ
        is; else 0. All 0 where nothing is dark.

    Raises
    ------
    TypeError, ValueError, NonFiniteError
        As `spars.working_scan`; a number is out of its range; the organ has fewer than 64 voxels on
        the working grid, or HU beyond 100,000 of 0.
    FormatError, OSError
        As `spars.load`.

    Examples
    --------
    >>> import spars
    >>> made = spars.phantom(seed=1, shape=(64, 64, 48), has_tumour=True)
    >>> found = spars.intensity_mask(made.volume, made.liver, spacing=3.0)
    >>> found.shape
    (64, 64, 48)
    """
    owner = "intensity_mask"
    rule = {
        "below": check_float(below, "below", owner, 0.0, 1000.0),
        "sigma": check_float(sigma, "sigma", owner, 0.0, 20.0),
        "edge": check_float(edge, "edge", owner, 0.0, 100.0),
        "opening": check_integer(opening, "opening", owner, 0, 10),
    }
    scan = as_volume(scan)
    region = as_mask(organ, "organ", owner, scan=scan, on=on)
    working = working_scan(scan, region, spacing)
    mask = np.empty(working.organ.shape, np.uint8)
    native.intensity_mask(
        working.volume.array, working.organ, working.volume.spacing, rule, mask,
        as_progress(progress, owner, "steps"),
    )  # fmt: skip
    return region & (working.to_scan(mask) > 0.5)

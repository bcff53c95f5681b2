"""Lesions put into a whole scan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spars._core import native
from spars._core.names import LESION_COLUMN
from spars._support.checks import check_integer, shown
from spars._support.progress import as_progress
from spars._support.types import FloatArray, Mask, MaskArray, Progress, Scan, Spacing
from spars.lesions.host import Host
from spars.lesions.settings import LesionLaw
from spars.volume.volume import Volume, as_volume

__all__ = ["Inserted", "insert"]

_MOST = 1000


@dataclass(frozen=True, eq=False)
class Inserted:
    """A scan with made-up lesions, and the truth about them.

    Attributes
    ----------
    volume : Volume
        HU; outside the organ as given.
    part : ndarray of float32, shape (x, y, z)
        The lesions' part of each voxel, 0.0 to 1.0.
    mask : ndarray of uint8, shape (x, y, z)
        1 where that part is a half or more.
    lesions : list of dict
        One entry a lesion, those of a cluster one after the other: ``centre`` (voxel coordinates),
        ``radius`` (mean, mm), ``contrast`` (HU against the organ's level), ``core``, ``rim`` and
        ``capsule`` (HU; 0.0 without).
    host : Host
        The organ they lie in.

    Examples
    --------
    >>> made = spars.phantom(seed=1, shape=(64, 64, 48), has_tumour=False)
    >>> inserted = spars.lesions.insert(made.volume, made.liver, count=2, seed=3)
    >>> len(inserted.lesions), inserted.volume.shape == inserted.mask.shape
    (2, True)
    """

    volume: Volume
    part: FloatArray = field(repr=False)
    mask: MaskArray = field(repr=False)
    lesions: list[dict[str, Any]]
    host: Host


def insert(
    volume: Scan,
    organ: Mask,
    count: int = 3,
    law: LesionLaw | None = None,
    seed: int = 0,
    level: float | None = None,
    progress: Progress | bool | None = None,
    *,
    on: str | None = None,
) -> Inserted:
    """Insert made-up lesions into an organ of a scan.

    Each lesion's centre lies in the organ, any voxel as likely as the next, clear of the lesions
    before it where there is room, and of vessels if it spares them; what reaches beyond the organ
    is cut off. Lesion i depends on the seed and i alone, and places on the lesions before it. The
    same arguments give the same bits for any number of threads.

    Parameters
    ----------
    volume : Volume, path, array_like, nibabel image or SimpleITK image
        HU, shape (x, y, z), with its spacing.
    organ : Volume, array, image or path
        The organ's mask, 0 and 1, of the same shape: at least 64 voxels.
    count : int
        Lesions, 1 to 1000; a cluster counts as one.
    law : LesionLaw, optional
        How they are drawn. Default: ``LesionLaw()``.
    seed : int
        0 to 2**64 - 1.
    level : float, optional
        The organ's HU. Default: found.
    progress : callable or True, optional
        Called with (done, planned) about every 20 ms; True draws a bar (the extra "progress").
    on : {None, "scan", "voxels"}
        As for `spars.working_scan`.

    Returns
    -------
    Inserted

    Raises
    ------
    TypeError, ValueError
        A parameter is outside its range.
    NonFiniteError
        The organ holds NaN or infinity.

    Examples
    --------
    >>> made = spars.phantom(seed=1, shape=(64, 64, 48), has_tumour=False)
    >>> inserted = spars.lesions.insert(made.volume, made.liver, count=2, seed=3)
    >>> bool(inserted.mask.any()), bool((made.liver >= inserted.mask).all())
    (True, True)
    """
    scan = as_volume(volume)
    count = check_integer(count, "count", "insert", 1, _MOST)
    seed = check_integer(seed, "seed", "insert", 0, 2**64 - 1)
    law = as_law(law, "insert")
    progress = as_progress(progress, "insert")
    host = Host(scan, organ, level, progress, on=on)
    values = np.empty(scan.shape, np.float32)
    part = np.empty(scan.shape, np.float32)
    mask = np.empty(scan.shape, np.uint8)
    table = np.empty((count * law.cluster_count, len(LESION_COLUMN)))
    found = native.lesion_insert(
        host._handle.value, scan.array, law, count, seed, values, part, mask, table, progress
    )
    lesions = [_described(row, scan.spacing) for row in table[:found]]
    return Inserted(Volume(values, scan.affine, scan.header), part, mask, lesions, host)


def as_law(law: object, owner: str) -> LesionLaw:
    """Return a `LesionLaw`, the default for None, or raise TypeError."""
    if law is None:
        return LesionLaw.of({})
    if not isinstance(law, LesionLaw):
        raise TypeError(
            f"The 'law' parameter of {owner} must be a LesionLaw or None. Got {shown(law)} instead."
        )
    return law


def _described(row: NDArray[np.float64], spacing: Spacing) -> dict[str, Any]:
    known: dict[str, Any] = dict(zip(LESION_COLUMN, row.tolist(), strict=True))
    place = (known.pop(axis) for axis in "xyz")
    return {"centre": tuple(mm / edge for mm, edge in zip(place, spacing, strict=True)), **known}

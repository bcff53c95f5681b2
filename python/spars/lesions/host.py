"""Organs made ready to hold lesions, and their usual HU."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spars._core import Handle, Native, native
from spars._support.checks import check_float, sentence, shown
from spars._support.progress import as_progress
from spars._support.provenance import digest
from spars._support.types import Extent3, FloatArray, Mask, MaskArray, Progress, Scan, Spacing
from spars.metrics.masks import as_mask
from spars.volume.cases import Case, checked_cases
from spars.volume.volume import as_volume

if TYPE_CHECKING:
    from spars.classifier.recipe import Recipe

__all__ = ["Host", "OrganLevel", "hosts", "organ_level"]


@dataclass(frozen=True)
class OrganLevel:
    """An organ's usual HU, robustly: what a lesion's contrast is measured from.

    Attributes
    ----------
    level : float
        The mode of the organ's smoothed core, HU. A tumour that fills a quarter of the organ does
        not move it.
    spread : float
        How far the smoothed core lies from the level, HU: 1.4826 times the median distance.
    noise : float
        Standard deviation of the fine noise, HU, found in the same way.
    grain : float
        Standard deviation of the blur that makes white noise as alike between neighbours as the
        organ's is, mm.
    voxels : int
        Voxels of the organ.

    Examples
    --------
    >>> made = spars.phantom(seed=1, shape=(64, 64, 48), has_tumour=False)
    >>> found = spars.lesions.organ_level(made.volume, made.liver)
    >>> found.spread > 0, found.voxels > 1000
    (True, True)
    """

    level: float
    spread: float
    noise: float
    grain: float
    voxels: int


class Host(Native):
    """A tumour-free organ made ready to hold lesions: smoothed once, with its level.

    Parameters
    ----------
    volume : Volume, path, array_like, nibabel image or SimpleITK image
        The scan in HU, shape (x, y, z), with its spacing. Outside the organ it is not read.
    organ : Volume, array, image or path
        The organ's mask, 0 and 1, of the same shape: at least 64 voxels.
    level : float, optional
        The organ's HU where it is known. Default: found, as `organ_level` does.
    progress : callable or True, optional
        Called with (done, planned) about every 20 ms; True draws a bar (the extra "progress").
    on : {None, "scan", "voxels"}
        As for `spars.working_scan`.

    Attributes
    ----------
    organ : OrganLevel
    spacing : tuple of three floats
        mm.
    shape : tuple of three ints
        Of the scan.
    sha256, mask_sha256 : str
        SHA-256 of the organ's HU, x slowest, and of its mask: what windows of it follow from.

    Raises
    ------
    TypeError, ValueError
        The mask is of another shape, or has too few voxels, the spacing is not in 0.1 to 50 mm, or
        HU in the organ are beyond 100,000 of 0.
    NonFiniteError
        The organ holds NaN or infinity.

    Examples
    --------
    >>> made = spars.phantom(seed=1, shape=(64, 64, 48), has_tumour=False)
    >>> host = spars.lesions.Host(made.volume, made.liver)
    >>> 80 < host.organ.level < 130
    True
    """

    organ: OrganLevel
    spacing: Spacing
    shape: Extent3
    sha256: str
    mask_sha256: str

    def __init__(
        self,
        volume: Scan,
        organ: Mask,
        level: float | None = None,
        progress: Progress | bool | None = None,
        *,
        on: str | None = None,
    ) -> None:
        scan = as_volume(volume)
        mask = as_mask(organ, "organ", "Host", scan=scan, on=on)
        if level is not None:
            level = check_float(level, "level", "Host")
        report = as_progress(progress, "Host")
        handle, found = native.lesion_host_create(scan.array, mask, scan.spacing, level, report)
        self._handle = Handle(handle)
        self.organ = OrganLevel(*found)
        self.spacing = scan.spacing
        self.shape = scan.shape
        # Values elsewhere are not read, and do not make it another host.
        self.sha256 = digest(scan.array[mask != 0])
        self.mask_sha256 = digest(mask)

    def _value(self) -> tuple[FloatArray, MaskArray]:
        values, organ = np.empty(self.shape, np.float32), np.empty(self.shape, np.uint8)
        native.lesion_host_contents(self._handle.value, values, organ)
        return values, organ

    def _made(self, value: tuple[FloatArray, MaskArray]) -> Handle:
        values, organ = value
        made, _ = native.lesion_host_create(values, organ, self.spacing, self.organ.level, None)
        return Handle(made)

    def __repr__(self) -> str:
        return (
            f"<spars.lesions.Host of {self.organ.voxels} voxels, level {self.organ.level:.1f} HU>"
        )


def as_host(host: object, owner: str) -> Host:
    """Return `host` if it is one, or raise TypeError."""
    if not isinstance(host, Host):
        raise TypeError(
            f"The 'hosts' parameter of {owner} must hold Host objects. Got {shown(host)}."
        )
    return host


def hosts(
    cases: Iterable[Case], recipe: Recipe, progress: Progress | bool | None = None
) -> list[Host]:
    """Bring tumour-free organs to a recipe's working grid, ready to hold lesions.

    Windows of them are what `spars.segment` looks at by the same recipe. No voxel mask but the
    organ's is read.

    Parameters
    ----------
    cases : sequence of spars.datasets.Case
        Scans known to show no tumour, with organs (`Case.load_organ`).
    recipe : Recipe
        With a `spacing`; its `margin` counts too.
    progress : callable or True, optional
        Called with (done, planned) scans; True draws a bar (the extra "progress").

    Returns
    -------
    list of Host
        One for each case, in their order.

    Raises
    ------
    TypeError
        What is given is no sequence of cases.
    ValueError
        A case shows tumour, or its label is unknown, or it has no organ; the recipe has no working
        grid; a scan and its organ do not fit, or there is too little of it. The message names the
        scan. Labels are looked at before any scan is loaded.
    NonFiniteError, FormatError, OSError
        As `spars.working_scan`.

    Examples
    --------
    >>> cases = spars.datasets.phantoms(1, shape=(64, 64, 48), tumour_fraction=0.0, varied=True)
    >>> found = spars.lesions.hosts(cases, spars.Recipe.of_organ(spacing=3.0))
    >>> source = spars.lesions.windows(found, seed=1)
    """
    owner = "hosts"
    cases = checked_cases(cases, "cases", owner)
    if getattr(recipe, "spacing", None) is None:
        raise ValueError(sentence("recipe", owner, "a Recipe with a spacing", recipe))
    for case in cases:
        if case.has_tumour is not False:
            known = "shows tumour" if case.has_tumour else "has no label"
            raise ValueError(
                f"The 'cases' parameter of {owner} must hold tumour-free scans only. "
                f"Got {case.name!r}, which {known}."
            )
    report = as_progress(progress, owner, "scans")
    found = []
    for number, case in enumerate(cases):
        found.append(_host(case, recipe))
        if report is not None:
            report(number + 1, len(cases))
    return found


def _host(case: Case, recipe: Recipe) -> Host:
    """Return the host of one case; its scan is let go before the next one's is loaded."""
    scan, organ = case.load(), case.load_organ()
    if organ is None:
        raise ValueError(
            "The 'cases' parameter of hosts must hold scans with an organ's mask. "
            f"Got {case.name!r}, which has none."
        )
    try:
        working = recipe.working(scan, organ)
        return Host(working.volume, working.organ)
    except (TypeError, ValueError) as error:
        raise type(error)(f"Scan {case.name!r}: {error}") from None


def organ_level(
    volume: Scan, organ: Mask, progress: Progress | bool | None = None, *, on: str | None = None
) -> OrganLevel:
    """Find an organ's level, spread and noise in a scan.

    Parameters
    ----------
    volume : Volume, path, array_like, nibabel image or SimpleITK image
        HU, shape (x, y, z), with its spacing.
    organ : Volume, array, image or path
        The organ's mask, 0 and 1, of the same shape.
    progress : callable or True, optional
        Called with (done, planned) about every 20 ms; True draws a bar (the extra "progress").
    on : {None, "scan", "voxels"}
        As for `spars.working_scan`.

    Returns
    -------
    OrganLevel

    Raises
    ------
    TypeError, ValueError, NonFiniteError
        As `Host`.

    Examples
    --------
    >>> made = spars.phantom(seed=1, shape=(64, 64, 48), has_tumour=False)
    >>> 80 < spars.lesions.organ_level(made.volume, made.liver).level < 130
    True
    """
    return Host(volume, organ, progress=progress, on=on).organ

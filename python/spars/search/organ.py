"""Segmentation of an organ on the working grid of a recipe."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from spars._core import native
from spars._support.arrays import copied
from spars._support.checks import check_room, sentence, shown
from spars._support.errors import ScanWarning
from spars._support.progress import as_progress
from spars._support.provenance import digest
from spars._support.types import FloatArray, MaskArray, Progress, Scan
from spars.classifier.recipe import Recipe
from spars.game.atlas import ScoreAtlas
from spars.game.rules import checked_threshold
from spars.game.scorers import Scorer
from spars.lesions.host import Host
from spars.search.findings import doubts
from spars.search.frames import OrganFrame, described, described_scan
from spars.search.intensity import intensity_mask
from spars.search.segmentation import Segmentation
from spars.search.settings import SegmentationSettings
from spars.volume.masks import millilitres_of
from spars.volume.volume import Volume, as_volume

#: ml that a region leaves out inside it, and runs around, that are worth a warning: masks of whole
#: livers have none of the first, and up to 2 of the second, coarse ones 4.
_LEFT_OUT = 2.0
_RUN_AROUND = 5.0


def segment_organ(
    volume: Scan,
    scorer: Scorer,
    settings: SegmentationSettings,
    recipe: Recipe,
    search: Callable[..., Any],
) -> Segmentation:
    """Segment an organ by a recipe with a working grid; parameters are those of `segment`.

    Parameters
    ----------
    volume, scorer, settings
        As `segment` got them.
    recipe : Recipe
        With a spacing.
    search : callable
        The method's own.
    """
    _refuse(settings, recipe)
    scan, region, recipe, frame, notes = _prepared(volume, settings, recipe)
    notes += doubts(scan, frame.host.organ)
    if settings.agents is not None:
        notes += settings.agents.doubts(recipe)
    for note in notes:
        warnings.warn(note, ScanWarning, stacklevel=5)
    grid = frame.seen.shape
    options = dict(settings.search)
    game = options.get("game", "search")
    threshold = checked_threshold(settings.termination_threshold, game, settings.owner)
    stride = options.setdefault("stride", recipe.stride)
    options |= settings.budget()
    played: Scorer = scorer
    if settings.has_budget:
        options |= {"region": frame.working.organ, "covers_edge": not recipe.is_interpolated}
    elif settings.method != "grad_cam" and not isinstance(scorer, ScoreAtlas):
        # All of an organ's windows take a few seconds, and every search may ask for any of them.
        played = _scored(frame, scorer, recipe, stride, as_progress(settings.progress, "scores"))
    run = search(
        frame.seen, played, iterations=settings.iterations, window=recipe.window, grid=grid,
        protocol=recipe.protocol, termination_threshold=threshold if game == "search" else None,
        seed=settings.seed, progress=as_progress(settings.progress, settings.method), **options,
    )  # fmt: skip
    score_map = run.score_map
    # Grad-CAM's map is one of voxels already.
    if recipe.is_interpolated and settings.method != "grad_cam":
        score_map = _interpolated(run, played)
    found = organ_lesions(frame.host, frame.working.organ, score_map, recipe)
    mask = region & (frame.to_scan(found.astype(np.float32)) > 0.5)
    configuration = {
        "method": settings.method,
        "segmentation_threshold": recipe.threshold,
        "region": digest(region),
        "isolated": False,
        "recipe": recipe.recorded(),
        "organ": described(frame.host),
        "warnings": notes,
        "scan": described_scan(scan),
        "search": run.configuration,
    }
    return Segmentation(
        scan, mask.astype(np.uint8), frame.to_scan(score_map), run, configuration, frame
    )


def score_organ(
    volume: Scan,
    scorer: Scorer,
    settings: SegmentationSettings,
    stride: int | None = None,
    progress: Progress | None = None,
) -> ScoreAtlas:
    """Score every window that `segment` with the same settings will look at.

    Parameters
    ----------
    volume, scorer, settings
        As `segment` gets them; the recipe has a spacing.
    stride : int, optional
        Voxels between windows; the recipe's by default.
    """
    recipe = settings.recipe
    if recipe is None:
        raise ValueError(sentence("recipe", settings.owner, "a Recipe with a spacing", None))
    _, _, recipe, frame, _ = _prepared(volume, settings, recipe)
    return _scored(frame, scorer, recipe, stride or recipe.stride, progress)


def _prepared(
    volume: Scan, settings: SegmentationSettings, recipe: Recipe
) -> tuple[Volume, MaskArray, Recipe, OrganFrame, list[str]]:
    """Return scan, organ, the recipe with the settings, the organ on its grid, and warnings."""
    # A working grid has one orientation already.
    protocol = settings.played().with_switches(scan_frame="native", orientation="stored")
    recipe = recipe.changed(window=settings.window, protocol=protocol)
    scan = as_volume(volume)
    region, notes = _region(scan, settings)
    frame = OrganFrame.of(scan, region, recipe)
    check_room(recipe.window, frame.seen.shape, settings.owner, "the working grid")
    return scan, region, recipe, frame, notes


def _scored(
    frame: OrganFrame, scorer: Scorer, recipe: Recipe, stride: int, progress: Progress | None
) -> ScoreAtlas:
    return ScoreAtlas.compute(
        frame.seen, scorer, recipe.window, grid=frame.seen.shape, stride=stride,
        protocol=recipe.protocol, region=frame.working.organ, progress=progress,
        # A map between windows' middles holds the outermost scores up to the border.
        covers_edge=not recipe.is_interpolated,
    )  # fmt: skip


def segment_by_intensity(volume: Scan, settings: SegmentationSettings) -> Segmentation:
    """Segment what of an organ is darker than most of it: `spars.intensity_mask`, as `segment`."""
    for name, value in settings.search.items():
        raise TypeError(
            f"{settings.owner}() got the keyword argument '{name}', which method='intensity' does "
            f"not take. Got {shown(value)}."
        )
    scan = as_volume(volume)
    region, notes = _region(scan, settings)
    for note in notes:
        warnings.warn(note, ScanWarning, stacklevel=4)
    mask = intensity_mask(scan, region, progress=as_progress(settings.progress, "intensity"))
    configuration = {
        "method": "intensity",
        "region": digest(region),
        "scan": described_scan(scan),
    }
    return Segmentation(scan, mask, copied(mask, np.float32), None, configuration)


def _refuse(settings: SegmentationSettings, recipe: Recipe) -> None:
    """Refuse what contradicts a working grid."""
    for name, value, allowed in (
        ("grid", settings.grid, None), ("isolated", settings.isolated, False),
    ):  # fmt: skip
        if value != allowed:
            raise ValueError(
                f"The '{name}' parameter of {settings.owner} must be left out with a recipe of "
                f"spacing {recipe.spacing} mm; recipe=None goes without it. "
                f"Got {shown(value)} instead."
            )
    if settings.search.get("reference") is not None:
        raise ValueError(
            f"The 'reference' parameter of {settings.owner} must be None with a recipe that has a "
            "working grid: Segmentation.dice compares on the scan. Got a mask instead."
        )


def _region(scan: Volume, settings: SegmentationSettings) -> tuple[MaskArray, list[str]]:
    """Return the organ, with its cavities if the recipe takes them, and warnings."""
    region = settings.region_on(scan)
    if region is None:
        wanted = "the organ's mask on the scan's voxels"
        raise ValueError(sentence("region", settings.owner, wanted, None))
    if not region.any():
        raise ValueError(sentence("region", settings.owner, "a mask with a voxel", "none"))
    if settings.recipe is None or settings.recipe.takes_cavities:
        return _with_cavities(scan, region)
    return region, []


def _with_cavities(scan: Volume, region: MaskArray) -> tuple[MaskArray, list[str]]:
    """Return a region with what it encloses and leaves out though it is lesion, and warnings."""
    filled = np.empty_like(region)
    found = native.organ_cavities(scan.array, region, scan.spacing, filled, None)
    taken, left = (millilitres_of(voxels, scan) for voxels in found)
    notes = []
    if taken >= _LEFT_OUT:
        notes.append(
            f"The region left out {taken:.1f} ml inside it whose HU are a lesion's: they are taken "
            "for the organ's (Recipe.takes_cavities). Lesions at its surface that it leaves out "
            "are lost: give a region that holds the organ's lesions."
        )
    if left >= _RUN_AROUND:
        notes.append(
            f"The region runs around {left:.1f} ml whose HU are a lesion's and leaves them out: "
            "lesions there are not found. Give a region that holds the organ's lesions."
        )
    return filled, notes


def _interpolated(run: Any, atlas: Any) -> FloatArray:
    """Return the map between the windows that a search visited; a game visits those of an atlas."""
    seen = getattr(run, "seen", None)
    if seen is not None:
        return seen.interpolated_map()
    windows = run._visits().windows
    visited = np.zeros(atlas.scores.shape, np.float32)
    places = tuple(np.searchsorted(axis, windows[:, i]) for i, axis in enumerate(atlas.axes))
    visited[places] = atlas.scores[places]
    seen = ScoreAtlas(visited, atlas.axes, atlas.window, atlas.grid)
    return seen.interpolated_map()


def organ_lesions(host: Host, organ: MaskArray, score_map: FloatArray, recipe: Recipe) -> MaskArray:
    """Return the mask on the working grid that a map and a recipe give.

    Parameters
    ----------
    host : spars.lesions.Host
        The organ with its level.
    organ : uint8 array of shape (x, y, z)
        Its mask.
    score_map : float32 array of the same shape
    recipe : Recipe
        With a spacing.
    """
    if recipe.refinement == "none":
        return organ & (score_map > recipe.threshold)
    voxels_of_ml = 1000 / (recipe.spacing or 1.0) ** 3
    rule = {
        "threshold": recipe.threshold,
        "certain": recipe.certain,
        "reach": recipe.reach,
        "least_contrast": recipe.least_contrast,
        "border_contrast": recipe.border_contrast or 0.0,
        "least_voxels": math.ceil(recipe.minimum_volume * voxels_of_ml),
        "large_voxels": math.ceil((recipe.large_volume or 0.0) * voxels_of_ml),
        "large_threshold": min(recipe.large_threshold, recipe.threshold),
    }
    found = np.empty(organ.shape, np.uint8)
    native.lesion_split(host._handle.value, score_map, rule, found, None)
    return found

"""Scores of every window that a segmentation will look at, before it looks."""

from __future__ import annotations

from spars._support.types import MaskArray, Progress
from spars.classifier.ensemble import AnyClassifier
from spars.game.atlas import ScoreAtlas
from spars.search.frames import isolated
from spars.search.organ import score_organ
from spars.search.settings import SegmentationSettings
from spars.volume.volume import Volume


def score_windows(
    scan: Volume,
    classifier: AnyClassifier,
    settings: SegmentationSettings,
    region: MaskArray | None,
    stride: int | None = None,
    *,
    covers_edge: bool,
    progress: Progress | None = None,
) -> ScoreAtlas:
    """Return an atlas that `segment` with the same settings takes in place of the classifier.

    Parameters
    ----------
    scan : Volume
    classifier : Classifier or Ensemble
    settings : SegmentationSettings
        What was left out of them is the classifier's recipe's already.
    region : uint8 array of the scan's shape, or None
        The organ.
    stride : int, optional
        Voxels between windows; the recipe's, or 4.
    covers_edge : bool
        As `ScoreAtlas.compute` takes it; a working grid decides itself.
    progress : callable, optional
        Called with (done, planned) windows.
    """
    if settings.recipe is not None and settings.recipe.spacing is not None:
        with_region = settings.changed(region=region)
        return score_organ(scan, classifier, with_region, stride, progress)
    protocol = settings.protocol
    if settings.grid is None:
        protocol = protocol.with_switches(scan_frame="native")
    return ScoreAtlas.compute(
        scan if region is None or not settings.isolated else isolated(scan, region),
        classifier,
        settings.window,
        grid=settings.grid,
        stride=4 if stride is None else stride,
        protocol=protocol,
        covers_edge=covers_edge,
        progress=progress,
    )

"""From scans of known label: thresholds, and what a map says of a whole scan."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from spars._support.checks import check_choice, check_float, check_integer, sentence
from spars._support.defaults import GRID_OF_RECORD, WINDOW_OF_RECORD
from spars._support.progress import as_progress
from spars._support.types import FloatArray, Progress, Scan
from spars.classifier.ensemble import AnyClassifier, members_of
from spars.classifier.recipe import Recipe
from spars.game.scorers import Scorer
from spars.search import baselines
from spars.search.presence import fit_presence
from spars.search.segmenting import segment
from spars.volume.cases import Case, checked_cases
from spars.volume.protocol import Protocol

__all__ = ["Calibration", "calibrate", "calibrate_presence"]

_OWNER = "calibrate_presence"


@dataclass(frozen=True)
class Calibration:
    """Thresholds for `spars.segment`.

    Attributes
    ----------
    termination_threshold : float
        The quantile of the window scores of the tumour-free scans.
    segmentation_threshold : float
        The quantile of their maps' voxels above 0, or, with scans with tumours, a value between
        it and `ceiling`.
    ceiling : float
        The highest value of a map, median over the scans with tumours; NaN without.
    quantile, share : float
        The ones asked for.
    windows : int
        How many windows of tumour-free scans it rests on.

    Examples
    --------
    >>> found = spars.calibration.Calibration(0.4, 0.3, None, 0.99, 0.8, 100)
    >>> found.termination_threshold, found.segmentation_threshold
    (0.4, 0.3)
    """

    termination_threshold: float
    segmentation_threshold: float
    ceiling: float
    quantile: float
    share: float
    windows: int


def calibrate(
    scans: Iterable[Scan],
    classifier: Scorer,
    *,
    tumour_scans: Iterable[Scan] = (),
    window: Sequence[int] = WINDOW_OF_RECORD,
    grid: Sequence[int] | None = GRID_OF_RECORD,
    protocol: str | Protocol = "paper",
    method: str = "exhaustive",
    stride: int = 8,
    quantile: float = 0.99,
    share: float = 0.8,
    progress: Progress | bool | None = None,
) -> Calibration:
    """Return thresholds that tumour-free scans stay below and, if given, that tumours reach.

    A classifier that learned from image-level labels met many crops without tumour under the label
    of their scan, so it scores them near the share of positive scans rather than near zero, and
    fixed thresholds such as 0.3 or 0.5 mean little. Scans known to be tumour-free say what such
    windows score; no voxel mask is needed.

    Staying above them is not enough where accumulation is "mean". Every window that holds a voxel
    of a tumour holds tumour, so the map reaches there what windows with tumours score; outside it
    falls off over a whole window's length, as fewer of a voxel's windows touch the tumour. Scans
    known to have tumours say how high maps reach, and the threshold lies at `share` of the way from
    the tumour-free level to that.

    Parameters
    ----------
    scans : sequence of Volume, array, image or path
        Tumour-free scans that the classifier was not trained on, one or more.
    classifier : Classifier, Ensemble or callable
        Scores windows in [0, 1].
    tumour_scans : sequence of the same, optional
        Scans with tumours; they may be those the classifier was trained on. None sets the
        segmentation threshold by the tumour-free scans alone.
    window, grid, protocol
        As `segment` will be given them.
    method : {"exhaustive", "grad_cam"}
        Whose maps are looked at: "exhaustive" for every search whose map accumulates windows'
        scores, "grad_cam" for that baseline, whose maps are lower.
    stride : int
        Voxels between the windows scored.
    quantile : float
        Share of windows, and of voxels that windows reach, that stays below; in [0, 1].
    share : float
        In [0, 1]. The higher, the less a mask spreads around a tumour. 0.8 was chosen on synthetic
        phantoms; how much of a window a tumour must fill to be seen decides what is best.
    progress : callable or True, optional
        Called with (done, planned) scans; True draws a bar (the extra "progress").

    Returns
    -------
    Calibration

    Raises
    ------
    ValueError, TypeError
        There is no scan, or a parameter is out of range.

    Examples
    --------
    >>> free = [spars.phantom(seed=i, shape=(32, 32, 24), has_tumour=False).volume for i in (1, 2)]
    >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
    >>> found = spars.calibration.calibrate(free, darkness, window=(8, 8, 8), grid=(32, 32, 24))
    >>> 0 < found.segmentation_threshold <= 1, found.windows
    (True, 96)
    """
    quantile = check_float(quantile, "quantile", "calibrate", 0.0, 1.0)
    share = check_float(share, "share", "calibrate", 0.0, 1.0)
    check_choice(method, "method", "calibrate", ("exhaustive", "grad_cam"))
    stride = check_integer(stride, "stride", "calibrate", 1)
    progress = as_progress(progress, "calibrate", "scans")
    protocol = Protocol.named(protocol)
    if grid is None:
        protocol = protocol.with_switches(scan_frame="native")
    scans = list(scans)
    if not scans:
        raise ValueError("The 'scans' parameter of calibrate must hold a scan. Got none instead.")
    tumour_scans = list(tumour_scans)
    scores: list[FloatArray] = []
    voxels: list[FloatArray] = []
    tops: list[float] = []
    for number, scan in enumerate(scans + tumour_scans):
        found = getattr(baselines, method)(
            scan, classifier, window=window, grid=grid, protocol=protocol, stride=stride
        )
        score_map = found.score_map
        if number < len(scans):
            scores.append(found.scores)
            voxels.append(score_map[score_map > 0])
        else:
            tops.append(score_map.max())
        if progress is not None:
            progress(number + 1, len(scans) + len(tumour_scans))
    windows, reached = np.concatenate(scores), np.concatenate(voxels)
    # Grad-CAM may find nothing anywhere.
    threshold = float(np.quantile(reached, quantile)) if reached.size else 0.0
    ceiling = float(np.median(tops)) if tops else math.nan
    if tops:
        threshold += share * max(0.0, ceiling - threshold)
    return Calibration(
        float(np.quantile(windows, quantile)), threshold, ceiling, quantile, share, windows.size
    )


def calibrate_presence(
    dataset: Iterable[Case],
    classifier: AnyClassifier,
    *,
    progress: Progress | bool | None = None,
) -> Recipe:
    """Return a classifier's recipe with the curve that makes its maps probabilities of tumour.

    Every window of every scan is scored as `spars.segment` does, and the highest value of its map
    is kept. Scans that the classifier was trained on look surer than others: take different ones.
    The probability is right where as many scans have tumours as in the dataset, half of them best.

    Parameters
    ----------
    dataset : sequence of spars.datasets.Case
        Scans of known label of both kinds and, with a recipe that has a spacing, with organs.
    classifier : Classifier or Ensemble
        With a recipe.
    progress : callable or True, optional
        Called with (done, planned) scans; True draws a bar (the extra "progress").

    Returns
    -------
    Recipe
        To be kept: ``classifier.recipe = calibrate_presence(cases, classifier)``.

    Raises
    ------
    TypeError, ValueError
        The classifier has no recipe, a case has no label, or all have one; or maps of scans with
        tumours are no higher than the others'.

    Examples
    --------
    >>> cases = spars.datasets.phantoms(2, shape=(64, 64, 48))
    >>> classifier = spars.pretrained()
    >>> classifier.recipe = classifier.recipe.changed(stride=12)
    >>> recipe = spars.calibration.calibrate_presence(cases, classifier)
    >>> recipe.presence_slope is not None
    True
    """
    if not members_of(classifier) or classifier.recipe is None:
        raise TypeError(sentence("classifier", _OWNER, "a Classifier with a recipe", classifier))
    cases = checked_cases(dataset, "dataset", _OWNER)
    labels = [case.has_tumour for case in cases]
    if None in labels or len(set(labels)) != 2:
        raise ValueError(sentence("dataset", _OWNER, "cases with labels of both kinds", labels))
    report = as_progress(progress, _OWNER, "scans")
    highest: list[float] = []
    for number, case in enumerate(cases):
        found = segment(case.load(), classifier, region=case.load_organ(), method="exhaustive")
        highest.append(float(found.score_map.max()))
        if report is not None:
            report(number + 1, len(cases))
    slope, offset = fit_presence(highest, [bool(label) for label in labels])
    if slope <= 0:
        wanted = "one whose maps are higher where there is tumour"
        raise ValueError(sentence("classifier", _OWNER, wanted, f"a slope of {slope:.3g}"))
    return classifier.recipe.changed(presence_slope=slope, presence_offset=offset)

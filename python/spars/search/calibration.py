"""Thresholds from scans of known label: what a classifier calls nothing, and what tumour."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from spars._support.checks import check_choice, check_float, check_integer
from spars._support.defaults import GRID_OF_RECORD, WINDOW_OF_RECORD
from spars._support.progress import as_progress
from spars._support.types import FloatArray, Progress, Scan
from spars.game.scorers import Scorer
from spars.search import baselines
from spars.volume.protocol import Protocol

__all__ = ["Calibration", "calibrate"]


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
    classifier : Classifier or callable
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

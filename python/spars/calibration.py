"""Thresholds from tumour-free scans: what a classifier of image-level labels calls nothing."""

from dataclasses import dataclass

import numpy as np

from spars._checks import check_float, check_integer
from spars._game import Field
from spars.protocol import Protocol
from spars.scorers import ScoreAtlas

__all__ = ["Calibration", "calibrate"]


@dataclass(frozen=True)
class Calibration:
    """Thresholds for `spars.segment`.

    Attributes
    ----------
    termination_threshold : float
        The quantile of the window scores of the tumour-free scans.
    segmentation_threshold : float
        The quantile of their exhaustive maps' voxels.
    quantile : float
        The one asked for.
    windows : int
        How many windows it rests on.
    """

    termination_threshold: float
    segmentation_threshold: float
    quantile: float
    windows: int


def calibrate(
    scans,
    classifier,
    *,
    window=(48, 48, 24),
    grid=(256, 256, 180),
    protocol="paper",
    stride=8,
    quantile=0.99,
    progress=None,
):
    """Return the thresholds that tumour-free scans stay below.

    A classifier that learned from image-level labels met many crops without tumour under the label
    of their scan, so it scores them near the share of positive scans rather than near zero, and
    fixed thresholds such as 0.3 or 0.5 mean little. Scans known to be tumour-free say what such
    windows score; no voxel mask is needed.

    Parameters
    ----------
    scans : sequence of Volume, array, image or path
        Tumour-free scans that the classifier was not trained on, one or more.
    classifier : Classifier or callable
        Scores windows in [0, 1].
    window, grid, protocol
        As `segment` will be given them.
    stride : int
        Voxels between the windows scored.
    quantile : float
        Share of windows, and of voxels that windows reach, that stays below; in [0, 1].
    progress : callable, optional
        Called with (done, planned) scans.

    Returns
    -------
    Calibration

    Raises
    ------
    ValueError, TypeError
        There is no scan, or a parameter is out of range.
    """
    quantile = check_float(quantile, "quantile", "calibrate", 0.0, 1.0)
    stride = check_integer(stride, "stride", "calibrate", 1)
    protocol = Protocol.named(protocol)
    if grid is None:
        protocol = protocol.with_switches(scan_frame="native")
    scans = list(scans)
    if not scans:
        raise ValueError("The 'scans' parameter of calibrate must hold a scan. Got none instead.")
    scores, voxels = [], []
    for number, scan in enumerate(scans, 1):
        played = Field(scan, classifier, window, protocol, 1.0, grid, stride, {}, "calibrate")
        played.score_all()
        atlas = ScoreAtlas(played.scores(), played.axes(), played.window, played.grid)
        scores.append(atlas.scores.ravel())
        score_map = atlas.exhaustive_map(played.protocol.accumulation)
        voxels.append(score_map[score_map > 0])
        if progress is not None:
            progress(number, len(scans))
    scores, voxels = np.concatenate(scores), np.concatenate(voxels)
    return Calibration(
        float(np.quantile(scores, quantile)),
        float(np.quantile(voxels, quantile)),
        quantile,
        scores.size,
    )

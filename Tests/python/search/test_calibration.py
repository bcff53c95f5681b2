"""Thresholds from tumour-free scans."""

import numpy as np
import pytest

import spars
from spars.search.calibration import calibrate


def mean_of(crops):
    return crops.mean(axis=(1, 2, 3))


def test_thresholds_are_the_quantiles_of_windows_and_voxels(rng):
    scans = [rng.random((14, 13, 12)).astype(np.float32) for _ in range(2)]
    found = calibrate(scans, mean_of, window=(6, 5, 4), grid=None, stride=4, quantile=0.9)
    atlases = [
        spars.ScoreAtlas.compute(scan, mean_of, (6, 5, 4), stride=4, protocol="paper")
        for scan in scans
    ]
    scores = np.concatenate([atlas.scores.ravel() for atlas in atlases])
    maps = np.concatenate([atlas.exhaustive_map("mean").ravel() for atlas in atlases])
    assert found.termination_threshold == pytest.approx(np.quantile(scores, 0.9), rel=1e-6)
    assert found.segmentation_threshold == pytest.approx(np.quantile(maps[maps > 0], 0.9))
    assert found.windows == scores.size


def test_calibrated_segmentation_of_a_tumour_free_scan_is_all_but_empty(rng):
    scans = [rng.random((24, 24, 20)).astype(np.float32) for _ in range(3)]
    options = {"window": (6, 6, 4), "grid": None}
    found = calibrate(scans[:2], mean_of, quantile=0.999, stride=4, **options)
    mask = spars.segment(
        scans[2],
        mean_of,
        method="exhaustive",
        segmentation_threshold=found.segmentation_threshold,
        **options,
    ).mask
    assert mask.mean() < 0.02


def test_no_scan_is_refused():
    with pytest.raises(ValueError, match="'scans' parameter of calibrate must hold a scan"):
        calibrate([], mean_of)


def test_scans_with_tumours_raise_the_threshold_by_its_share(rng):
    free = [rng.random((14, 13, 12)).astype(np.float32) / 4]
    ill = [free[0].copy() for _ in range(3)]
    for level, scan in zip((0.5, 0.7, 0.9), ill, strict=True):
        scan[2:12, 2:12, 2:10] = level
    options = {"window": (6, 5, 4), "grid": None, "stride": 4, "quantile": 0.9}
    base = calibrate(free, mean_of, **options)
    tops = [
        spars.ScoreAtlas.compute(scan, mean_of, (6, 5, 4), stride=4, protocol="paper")
        .exhaustive_map("mean")
        .max()
        for scan in ill
    ]
    assert np.isnan(base.ceiling)
    for share in (0.0, 0.4, 1.0):
        found = calibrate(free, mean_of, tumour_scans=ill, share=share, **options)
        assert found.ceiling == pytest.approx(np.median(tops))
        assert found.termination_threshold == base.termination_threshold
        low = base.segmentation_threshold
        assert found.segmentation_threshold == pytest.approx(low + share * (np.median(tops) - low))
    below = calibrate(ill, mean_of, tumour_scans=free, **options)
    assert below.segmentation_threshold == calibrate(ill, mean_of, **options).segmentation_threshold
    with pytest.raises(ValueError, match="'share' parameter of calibrate"):
        calibrate(free, mean_of, share=1.5)

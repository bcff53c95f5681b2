"""Scores of windows smaller than the network's input, equal to it and larger, axis by axis."""

import functools
import itertools

import numpy as np
import pytest

import spars

INPUT = (108, 108, 108)
# A window's length and how far apart two windows of it would share one grid, along x or y and
# along z, if nothing forbade it: enlarged 4 times, as it is, and 5 voxels on 4 places.
LENGTHS = {27: (16, 1), 108: (64, 2), 135: (80, 5)}


@functools.cache
def _classifier():
    """A network whose weights are enlarged so that activations keep their size layer by layer.

    As drawn, all windows score alike to five digits.
    """
    drawn = spars.Classifier(INPUT, seed=4).parameters()
    return spars.Classifier.from_parameters(
        {name: array * np.sqrt(6) if array.ndim > 1 else array for name, array in drawn.items()},
        INPUT,
        spars.IntensityWindow(40, 400),
    )


def _scan(rng, window, steps):
    """Noise on a ramp, so that windows at different places have different scores."""
    shape = tuple(length + step for length, step in zip(window, steps, strict=True))
    ramp = np.add.outer(np.add.outer(*(np.linspace(-60, 90, n) for n in shape[:2])), 0)
    ramp = ramp[..., None] + np.linspace(-60, 90, shape[2])
    return (40 + ramp + rng.normal(0, 60, shape)).astype(np.float32)


def _plain_scores(scan, origins, window):
    """Cut, clamp and scale, resample, score: the twin of `Classifier.score`."""
    scores = []
    for origin in origins:
        box = tuple(slice(o, o + length) for o, length in zip(origin, window, strict=True))
        scaled = np.clip((scan[box] + np.float32(160)) / np.float32(400), 0, 1)
        absent, present = _classifier().logits(spars.resample(scaled, INPUT, "nearest"))[0]
        scores.append(1 / (1 + np.exp(np.float64(absent) - present)))
    return np.array(scores)


@pytest.mark.parametrize("window", list(itertools.product(LENGTHS, repeat=3)))
def test_neighbours_of_any_size_score_as_their_resampled_crops(rng, window):
    steps = (LENGTHS[window[0]][0], LENGTHS[window[1]][0], LENGTHS[window[2]][1])
    scan = _scan(rng, window, steps)
    x, y, z = steps
    origins = np.array([[0, 0, 0], [0, 0, z], [x, 0, 0], [0, y, z]])
    scores = _classifier().score(scan, origins, window)
    expected = _plain_scores(scan, origins, window)
    assert np.ptp(expected) > 1e-3
    np.testing.assert_allclose(scores, expected, rtol=0, atol=2e-5)
    alone = [_classifier().score(scan, origin[None], window)[0] for origin in origins]
    assert scores.tolist() == alone

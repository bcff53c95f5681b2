"""Multiple-instance pooling learns, from labels of whole scans, which windows show a tumour."""

import functools

import numpy as np
import pytest

import spars
from spars import datasets

SHAPE, WINDOW, INPUT = (32, 28, 24), (16, 14, 12), (108, 108, 108)
TRAINED, HELD_OUT = range(4), range(100, 103)
# A tumour in every window's reach: the largest that fits, and brighter than any organ.
TUMOUR = {"tumour_count": 1, "tumour_radius": 45.0, "tumour_contrast": 200.0}


@functools.cache
def scan(seed, has_tumour):
    """Return a phantom's scan: with and without tumour, one seed is the same patient."""
    return spars.phantom(seed, SHAPE, has_tumour=has_tumour, **TUMOUR).volume


def case(seed, has_tumour):
    return datasets.Case(
        f"phantom{seed}", has_tumour, functools.partial(scan, seed, has_tumour), shape=SHAPE
    )


def highest_scores(classifier, has_tumour):
    """Return the highest window score of each patient that was not trained on."""
    corners = np.array(SHAPE) - WINDOW
    origins = np.stack(
        np.meshgrid(*(range(0, corner + 1, 8) for corner in corners), indexing="ij"), axis=-1
    ).reshape(-1, 3)
    return np.array(
        [classifier.score(scan(s, has_tumour), origins, WINDOW).max() for s in HELD_OUT]
    )


@pytest.mark.parametrize("seed", [1, 3])
@pytest.mark.parametrize("pooling", ["max", "log_sum_exp", 2])
def test_pooling_learns_where_the_label_comes_from(pooling, seed):
    classifier = spars.Classifier(INPUT, spars.IntensityWindow(230, 200), seed=seed)
    history = classifier.fit(
        [case(number, has_tumour) for number in TRAINED for has_tumour in (False, True)],
        window=WINDOW, grid=None, epochs=4, steps_per_epoch=9, scans_per_step=4, crops_per_scan=3,
        learning_rate=7e-4, pooling=pooling, scan_sampling="balanced", seed=seed,
    )  # fmt: skip
    losses = [record["loss"] for record in history.epochs]
    with_tumour, without = (highest_scores(classifier, has) for has in (True, False))
    assert losses[-1] < 0.95 * losses[0], losses
    assert (with_tumour > without).all(), (with_tumour, without)

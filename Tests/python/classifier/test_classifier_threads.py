"""The classifier's work has the same bits for any number of threads."""

import functools

import numpy as np
import pytest

import spars

# The smallest cube that leaves every stage of the network a voxel, and the grid of record.
SMALL = (108, 108, 108)
RECORD = (256, 256, 180)
THREADS = (1, 2, 3, 7)


@functools.cache
def _classifier(shape):
    return spars.Classifier(shape, spars.IntensityWindow(40, 400), seed=4)


def _scan(rng, shape):
    return rng.normal(40, 100, shape).astype(np.float32)


def _expect_equal_bits(work):
    """Expect the bytes of the arrays that `work` returns to be the same for every count."""
    before = spars.thread_count()
    found = []
    try:
        for threads in THREADS:
            spars.set_thread_count(threads)
            # Fewer would be compared with themselves.
            assert spars.thread_count() == threads
            found.append([np.asarray(array).tobytes() for array in work()])
    finally:
        spars.set_thread_count(before)
    for threads, arrays in zip(THREADS, found, strict=True):
        assert arrays == found[0], f"{threads} threads"


@pytest.mark.parametrize("shape", [SMALL, (109, 131, 112), RECORD])
def test_dense_logits(rng, shape):
    x = rng.normal(size=shape).astype(np.float32)
    _expect_equal_bits(lambda: [_classifier(shape).logits(x)])


def test_dense_logits_of_a_batch(rng):
    x = rng.normal(size=(3, *SMALL)).astype(np.float32)
    _expect_equal_bits(lambda: [_classifier(SMALL).logits(x)])


# Enlarged as in the published study, a little, not at all, and reduced.
@pytest.mark.parametrize("window", [(8, 8, 8), (27, 20, 24), (108, 108, 108), (120, 108, 130)])
def test_a_windows_score(rng, window):
    scan = _scan(rng, [n + 4 for n in window])
    _expect_equal_bits(lambda: [_classifier(SMALL).score(scan, [[4, 0, 3]], window)])


def test_a_score_of_the_window_and_grid_of_record(rng):
    scan = _scan(rng, (64, 60, 32))
    _expect_equal_bits(lambda: [_classifier(RECORD).score(scan, [[4, 8, 3]])])


def test_200_windows_in_a_call(rng):
    scan = _scan(rng, (60, 56, 52))
    # On the lattice, where windows share, and some off it; a few stand twice.
    origins = rng.integers(0, 7, (200, 3)) * 4
    origins[::9] += 1
    _expect_equal_bits(lambda: [_classifier(SMALL).score(scan, origins, (27, 27, 24))])


def test_an_atlas(rng):
    scan = _scan(rng, (45, 39, 41))
    window = (27, 27, 27)
    _expect_equal_bits(
        lambda: [spars.ScoreAtlas.compute(scan, _classifier(SMALL), window, grid=None).scores]
    )


def test_loss_and_gradients(rng):
    x = rng.normal(size=(2, *SMALL)).astype(np.float32)

    def work():
        loss, gradients = _classifier(SMALL).loss_and_gradients(x, [0, 1])
        return [loss, *gradients.values()]

    _expect_equal_bits(work)


@pytest.mark.parametrize("interpolation", ["nearest", "linear"])
def test_a_training_step(rng, interpolation):
    scans = [_scan(rng, (40, 36, 38)) + 50 * i for i in range(2)]
    dataset = [
        spars.datasets.Case(f"scan {i}", bool(i), lambda i=i: scans[i]) for i in range(len(scans))
    ]
    protocol = spars.Protocol.paper().with_switches(crop_interpolation=interpolation)

    def work():
        classifier = spars.Classifier(SMALL, spars.IntensityWindow(40, 400), seed=4)
        history = classifier.fit(
            dataset,
            window=(20, 18, 22),
            grid=None,
            epochs=1,
            steps_per_epoch=1,
            scans_per_step=2,
            crops_per_scan=2,
            protocol=protocol,
            seed=3,
        )
        return [history.epochs[0]["loss"], *classifier.parameters().values()]

    _expect_equal_bits(work)

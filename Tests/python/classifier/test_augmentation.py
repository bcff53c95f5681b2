"""Augmentation against a plain twin in NumPy, alone and as training sees it."""

import numpy as np
import pytest
from random_source import RandomSource

import spars
from spars.volume.datasets import Case

# What is compared needs no second label.
pytestmark = pytest.mark.filterwarnings("ignore:Every scan of the dataset:UserWarning")

INPUT = (108, 108, 108)
HU = spars.IntensityWindow(40, 400)
EVERYTHING = spars.Augmentation("xyz", shift=2, hu_scale=0.2, hu_shift=50.0, noise=10.0)
CHANGES = {
    "flips": spars.Augmentation(flips="xz"),
    "shift": spars.Augmentation(shift=(3, 0, 2)),
    "hu_scale": spars.Augmentation(hu_scale=0.5),
    "hu_shift": spars.Augmentation(hu_shift=80.0),
    "noise": spars.Augmentation(noise=25.0),
    "everything": EVERYTHING,
}


def twin(augmentation, crop, source):
    """Mirror and change a crop in HU, drawing from `source` as the documentation says."""
    changed = crop.astype(np.float64)
    for axis, name in enumerate("xyz"):
        if name in augmentation.flips and source.uniform() < 0.5:
            changed = np.flip(changed, axis)
    a, b, deviation = augmentation.hu_scale, augmentation.hu_shift, augmentation.noise
    # The core takes the bounds as float32.
    a, b, deviation = (float(np.float32(value)) for value in (a, b, deviation))
    scale = source.uniform(-a, a) if a else 0.0
    offset = source.uniform(-b, b) if b else 0.0
    noise = [source.normal() if deviation else 0.0 for _ in range(crop.size)]
    changed = changed * (1 + scale) + offset + deviation * np.reshape(noise, crop.shape)
    return changed.astype(np.float32)


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("seed", [0, 7, 2**64 - 1])
def test_a_crop_is_changed_as_the_plain_twin_changes_it(rng, name, seed):
    crop = rng.normal(0, 300, (5, 4, 7)).astype(np.float32)
    kept = crop.copy()
    changed = CHANGES[name].apply(crop, seed)
    np.testing.assert_array_equal(crop, kept)
    wanted = twin(CHANGES[name], crop, RandomSource(seed))
    np.testing.assert_allclose(changed, wanted, rtol=1e-7, atol=1e-5, err_msg=f"seed {seed}")


def test_the_defaults_change_nothing(rng):
    crop = rng.normal(0, 300, (3, 4, 5)).astype(np.float32)
    np.testing.assert_array_equal(spars.Augmentation().apply(crop, 3), crop)
    assert spars.Augmentation(flips=["z", "x"]) == spars.Augmentation(flips="xz")
    assert spars.Augmentation(shift=2).shift == (2, 2, 2)
    assert EVERYTHING.to_dict() == {
        "flips": "xyz", "shift": (2, 2, 2), "hu_scale": 0.2, "hu_shift": 50.0, "noise": 10.0,
    }  # fmt: skip


@pytest.mark.parametrize("axis", range(3))
def test_every_second_crop_is_mirrored_along_a_named_axis_and_never_along_another(rng, axis):
    crop = rng.normal(0, 300, (3, 4, 5)).astype(np.float32)
    augmentation = spars.Augmentation(flips="xyz"[axis])
    mirrored = 0
    for seed in range(200):
        changed = augmentation.apply(crop, seed)
        is_mirrored = np.array_equal(changed, np.flip(crop, axis))
        assert is_mirrored or np.array_equal(changed, crop)
        mirrored += is_mirrored
    # Four standard deviations of a fair coin.
    assert abs(mirrored - 100) < 4 * np.sqrt(50)


def _train(case, augmentation, validation=None, seed=11, window=(8, 8, 8), **options):
    classifier = spars.Classifier(INPUT, HU, seed=4)
    history = classifier.fit(
        [case], validation, window=window, grid=None, epochs=1, scans_per_step=1,
        validation_steps=1, augmentation=augmentation, seed=seed,
        **({"crops_per_scan": 2} | options),
    )  # fmt: skip
    return classifier, history


def _sources(seed, crops):
    """Return what draws crops of the first batch, and what changes each of them."""
    source = RandomSource(seed)
    augmenting = source.stream(1 << 63).stream(0)
    return source.stream(0), [augmenting.stream(i) for i in range(crops)]


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("seed", [3, 11])
def test_training_sees_what_the_plain_twin_cuts_and_changes(rng, name, seed):
    augmentation = CHANGES[name]
    shape, window = (12, 11, 10), (8, 8, 8)
    scan = rng.normal(40, 100, shape).astype(np.float32)
    drawing, changing = _sources(seed, 2)
    drawing.integer(1)
    moves = [
        [source.integer(2 * s + 1) - s if s else 0 for s in augmentation.shift]
        for source in changing
    ]
    crops = []
    for source, move in zip(changing, moves, strict=True):
        free = np.subtract(shape, window)
        origin = [drawing.integer(int(places) + 1) for places in free]
        x, y, z = np.clip(np.add(origin, move), 0, free)
        crop = scan[x : x + 8, y : y + 8, z : z + 8]
        scaled = np.clip((twin(augmentation, crop, source) + 160) / 400, 0, 1)
        crops.append(spars.resample(scaled.astype(np.float32), INPUT, interpolation="nearest"))
    before = spars.Classifier(INPUT, HU, seed=4)
    loss, _ = before.loss_and_gradients(np.stack(crops), [1, 1])
    _, history = _train(Case("a", True, lambda: scan), augmentation, seed=seed)
    assert history.epochs[0]["loss"] == pytest.approx(loss, rel=2e-6), f"seed {seed}"
    _, plain = _train(Case("a", True, lambda: scan), None, seed=seed)
    assert abs(plain.epochs[0]["loss"] - loss) > 1e-5 * loss


def test_augmented_training_has_the_same_bits_for_any_thread_count(rng):
    scan = rng.normal(40, 100, (12, 12, 12)).astype(np.float32)
    case = Case("a", True, lambda: scan)
    before, results = spars.thread_count(), []
    try:
        for threads in (1, 3):
            spars.set_thread_count(threads)
            results.append(_train(case, EVERYTHING)[0].parameters())
    finally:
        spars.set_thread_count(before)
    for name, array in results[0].items():
        np.testing.assert_array_equal(array, results[1][name], err_msg=name)


def test_validation_crops_are_never_changed(rng):
    # The crop fills the scan, so that what validation sees of it is known.
    scan = rng.normal(40, 100, (8, 8, 8)).astype(np.float32)
    case = Case("a", True, lambda: scan)
    classifier, history = _train(case, spars.Augmentation("xyz", noise=200.0), [case])
    scaled = np.clip((scan + 160) / 400, 0, 1).astype(np.float32)
    x = spars.resample(scaled, INPUT, interpolation="nearest")
    absent, present = classifier.logits(x)[0]
    wanted = np.logaddexp(0.0, float(absent) - float(present))
    assert history.epochs[0]["validation"]["loss"] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"flips": "xq"}, ValueError, "'flips'"),
        ({"flips": "xx"}, ValueError, "'flips'"),
        ({"flips": 1}, TypeError, "'flips'"),
        ({"flips": [0]}, ValueError, "'flips'"),
        ({"shift": -1}, ValueError, "'shift'"),
        ({"shift": 1.5}, TypeError, "'shift'"),
        ({"shift": (1, 2)}, ValueError, "'shift'"),
        ({"shift": 65_537}, ValueError, "'shift'"),
        ({"hu_scale": 1.0}, ValueError, "'hu_scale'"),
        ({"hu_scale": -0.1}, ValueError, "'hu_scale'"),
        ({"hu_shift": float("nan")}, ValueError, "'hu_shift'"),
        ({"hu_shift": 10_001.0}, ValueError, "'hu_shift'"),
        ({"noise": "loud"}, TypeError, "'noise'"),
        ({"noise": float("inf")}, ValueError, "'noise'"),
    ],
)
def test_augmentation_refuses(arguments, error, text):
    with pytest.raises(error, match=text):
        spars.Augmentation(**arguments)


@pytest.mark.parametrize(
    ("crop", "seed", "error"),
    [
        (np.zeros((2, 2)), 0, ValueError),
        (np.zeros((0, 2, 2)), 0, ValueError),
        (np.full((2, 2, 2), np.nan), 0, spars.NonFiniteError),
        (np.zeros((2, 2, 2)), -1, ValueError),
        ("crop", 0, TypeError),
    ],
)
def test_apply_refuses(crop, seed, error):
    with pytest.raises(error):
        EVERYTHING.apply(crop, seed)


def test_fit_refuses_another_kind_of_augmentation():
    case = Case("a", True, lambda: np.zeros((12, 12, 12), np.float32))
    with pytest.raises(TypeError, match="'augmentation'"):
        _train(case, "flips")

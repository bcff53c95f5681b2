"""What the switches of training crops change, one test or more a switch."""

import numpy as np
import pytest

import spars
from spars.volume.datasets import Case

# What is compared needs no second label.
pytestmark = pytest.mark.filterwarnings("ignore:Every scan of the dataset:UserWarning")

INPUT = (108, 108, 108)
HU = spars.IntensityWindow(40, 400)


def fit(case, crops_per_scan=2, window=(10, 10, 10), **switches):
    """Train for one step on one scan; return the classifier and its record of that epoch."""
    classifier = spars.Classifier(INPUT, HU, seed=4)
    history = classifier.fit(
        [case],
        [case],
        window=window,
        grid=None,
        epochs=1,
        scans_per_step=1,
        crops_per_scan=crops_per_scan,
        validation_steps=1,
        protocol=spars.Protocol.paper().with_switches(**switches),
        crop_sampling="uniform",
    )
    return classifier, history.epochs[0]


def positives(*arguments, **switches):
    """Return how many of the validation crops were labelled 1."""
    _, record = fit(*arguments, **switches)
    return record["validation"]["true_positives"] + record["validation"]["false_negatives"]


@pytest.mark.parametrize("has_tumour", [False, True])
def test_d1_crops_carry_their_scans_label_or_the_one_cut_from_the_mask(rng, has_tumour):
    values = rng.normal(40, 100, (20, 20, 20)).astype(np.float32)
    # A tumour in the first corner: of all crops only those that start in it hold it, which is half.
    mask = np.zeros(values.shape, np.uint8)
    mask[0, 0, 0] = 2
    case = Case("a", has_tumour, lambda: values, lambda: mask)
    assert positives(case, 6, border_crops="stretched") == 6 * has_tumour
    assert positives(case, 6, border_crops="stretched", crop_label="voxel") == 3
    # A label says nothing of a scan without a mask, and a mask nothing without a label.
    unlabelled = Case("a", None, lambda: values, lambda: mask)
    assert positives(unlabelled, 6, border_crops="stretched", crop_label="voxel") == 3
    with pytest.raises(ValueError, match="'a' has no label"):
        fit(unlabelled)


@pytest.mark.parametrize("interpolation", ["nearest", "linear"])
@pytest.mark.parametrize("crop_size", ["window", (12, 9, 11)])
def test_d2_crops_are_of_the_size_and_resized_by_the_rule_that_is_named(
    rng, interpolation, crop_size
):
    # The crop fills the scan, so there is only one, and what the network sees of it is known.
    shape = (10, 10, 10) if crop_size == "window" else crop_size
    # Black and white by turns, which the two rules make most different of.
    board = np.where(np.indices(shape).sum(axis=0) % 2, 240.0, -160.0)
    values = (board * rng.uniform(0.9, 1.0)).astype(np.float32)
    case = Case("a", True, lambda: values)
    classifier, record = fit(case, crop_size=crop_size, crop_interpolation=interpolation)
    scaled = np.clip((values + 160) / 400, 0, 1).astype(np.float32)

    def loss(rule):
        absent, present = classifier.logits(spars.resample(scaled, INPUT, interpolation=rule))[0]
        return np.logaddexp(0.0, float(absent) - float(present))

    assert record["validation"]["loss"] == pytest.approx(loss(interpolation), abs=1e-6)
    other = "linear" if interpolation == "nearest" else "nearest"
    assert abs(record["validation"]["loss"] - loss(other)) > 1e-5


def test_d2_a_crop_size_of_its_own_leaves_the_window_out(rng):
    values = rng.normal(40, 100, (12, 12, 12)).astype(np.float32)
    case = Case("a", True, lambda: values)
    fit(case, window=(13, 13, 13), crop_size=(12, 12, 12))
    with pytest.raises(ValueError, match=r"'window'.*scan 'a'.*\(12, 12, 12\).*Got \(13, 13, 13\)"):
        fit(case, window=(13, 13, 13))


def test_labels_differ_from_the_released_ones_only_where_no_block_of_eight_is_tumour(rng):
    shape, size, resized = (9, 8, 7), 4, (11, 12, 10)
    differ = 0
    for _ in range(20):
        tumour = rng.random(shape) < 0.03
        padded = np.pad(tumour, 1)
        mask = tumour.copy()
        for axis in range(3):
            for shift in (-1, 1):
                mask |= np.roll(padded, shift, axis)[1:-1, 1:-1, 1:-1]
        for origin in np.ndindex(shape):
            crop = mask[tuple(slice(start, start + size) for start in origin)]
            # The scripts resize the crop's mask, take its largest value and cut off the fraction.
            released = spars.resample(crop.astype(np.float32), resized, "linear").max() >= 1
            if mask[origin]:
                assert released
            if released != crop.any():
                # At the scan's border a crop may be one voxel thin, and so may a block.
                block = tuple(min(2, extent) for extent in crop.shape)
                blocks = np.lib.stride_tricks.sliding_window_view(crop, block)
                assert crop.any()
                assert not blocks.all(axis=(3, 4, 5)).any()
                differ += 1
    assert differ > 0

"""Metrics against MONAI's goldens, SciPy, and by hand."""

import json
import math

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st
from places import FIXTURES

import spars
from spars import metrics

ROWS = json.loads((FIXTURES / "metrics_monai.json").read_text())
MONAI_NAMES = {
    "dice": "dice",
    "hausdorff": "hd",
    "hausdorff95": "hd95",
    "assd": "assd",
    "surface_dice": "nsd_2mm",
}
PAIRWISE = [
    metrics.dice,
    metrics.iou,
    metrics.sensitivity,
    metrics.specificity,
    metrics.precision,
    metrics.volumetric_similarity,
    metrics.hausdorff,
    metrics.assd,
    metrics.surface_dice,
    metrics.lesion_detection,
    metrics.evaluate,
]


def one_voxel(shape=(4, 5, 6), at=(1, 2, 3)):
    mask = np.zeros(shape, bool)
    mask[at] = True
    return mask


@pytest.mark.parametrize("row", range(9))
def test_metrics_equal_monai(row):
    masks = np.load(FIXTURES / "metrics_masks.npz")
    found = metrics.evaluate(masks[f"pred{row}"], masks[f"ref{row}"], ROWS[row]["spacing"])
    for ours, theirs in MONAI_NAMES.items():
        # MONAI answers in float32.
        assert found[ours] == pytest.approx(ROWS[row][theirs], rel=1e-6), ours


@pytest.mark.parametrize("row", range(9, 12))
def test_empty_masks_differ_from_monai_only_as_documented(row):
    masks = np.load(FIXTURES / "metrics_masks.npz")
    prediction, reference = masks[f"pred{row}"], masks[f"ref{row}"]
    found = metrics.evaluate(prediction, reference, ROWS[row]["spacing"])
    one_empty = prediction.any() != reference.any()
    for ours, theirs in MONAI_NAMES.items():
        wanted = ROWS[row][theirs]
        if one_empty and ours == "dice":
            wanted = 0.0
        if one_empty and ours == "hausdorff95":
            wanted = math.inf
        assert found[ours] == pytest.approx(wanted, nan_ok=True), ours


def test_evaluate_holds_what_the_functions_return():
    masks = np.load(FIXTURES / "metrics_masks.npz")
    pair = masks["pred3"], masks["ref3"]
    spacing = ROWS[3]["spacing"]
    found = metrics.evaluate(*pair, spacing, tolerance=3.0)
    assert found["dice"] == metrics.dice(*pair)
    assert found["iou"] == metrics.iou(*pair)
    assert found["sensitivity"] == metrics.sensitivity(*pair)
    assert found["specificity"] == metrics.specificity(*pair)
    assert found["precision"] == metrics.precision(*pair)
    assert found["volumetric_similarity"] == metrics.volumetric_similarity(*pair)
    assert found["hausdorff"] == metrics.hausdorff(*pair, spacing)
    assert found["hausdorff95"] == metrics.hausdorff(*pair, spacing, percentile=95.0)
    assert found["assd"] == metrics.assd(*pair, spacing)
    assert found["surface_dice"] == metrics.surface_dice(*pair, spacing, tolerance=3.0)
    assert found["reference_ml"] == pytest.approx(pair[1].sum() * np.prod(spacing) / 1000)
    assert json.loads(json.dumps(found)) == found


def test_counts_by_hand():
    prediction = np.array([1, 1, 1, 0, 0, 0, 0, 0]).reshape(2, 2, 2)
    reference = np.array([1, 0, 0, 1, 0, 0, 0, 0]).reshape(2, 2, 2)
    assert metrics.dice(prediction, reference) == pytest.approx(2 / 5)
    assert metrics.iou(prediction, reference) == pytest.approx(1 / 4)
    assert metrics.sensitivity(prediction, reference) == pytest.approx(1 / 2)
    assert metrics.specificity(prediction, reference) == pytest.approx(4 / 6)
    assert metrics.precision(prediction, reference) == pytest.approx(1 / 3)
    assert metrics.volumetric_similarity(prediction, reference) == pytest.approx(4 / 5)


def test_undefined_ratios_are_nan():
    some, none, full = one_voxel(), np.zeros((4, 5, 6)), np.ones((4, 5, 6))
    assert math.isnan(metrics.sensitivity(some, none))
    assert math.isnan(metrics.precision(none, some))
    assert math.isnan(metrics.specificity(some, full))
    assert math.isnan(metrics.volumetric_similarity(none, none))
    assert metrics.volumetric_similarity(some, none) == 0.0


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_distance_maps_and_components_equal_scipy(seed):
    random = np.random.default_rng(seed)
    mask = random.random(random.integers(1, 13, 3)) < random.choice([0.02, 0.1, 0.4, 0.8])
    mask.flat[random.integers(mask.size)] = True
    spacing = tuple(random.uniform(0.3, 3.0, 3))
    wanted = scipy.ndimage.distance_transform_edt(~mask, sampling=spacing)
    assert np.allclose(metrics.distance_map(mask, spacing), wanted, rtol=1e-6)
    for connectivity, steps in ((6, 1), (18, 2), (26, 3)):
        structure = scipy.ndimage.generate_binary_structure(3, steps)
        labels, count = scipy.ndimage.label(mask, structure)
        ours, found = metrics.connected_components(mask, connectivity)
        assert found == count
        assert np.array_equal(ours, labels)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_surface_metrics_equal_their_definition(seed):
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(2, 11, 3))
    masks = [random.random(shape) < random.choice([0.05, 0.4, 0.8]) for _ in range(2)]
    for mask in masks:
        mask.flat[random.integers(mask.size)] = True
    spacing = tuple(random.choice([0.5, 0.8, 1.0, 2.5], 3))
    edges = [mask & ~scipy.ndimage.binary_erosion(mask) for mask in masks]
    maps = [scipy.ndimage.distance_transform_edt(~edge, sampling=spacing) for edge in edges]
    forth, back = maps[1][edges[0]], maps[0][edges[1]]
    both = np.concatenate([forth, back])
    found = metrics.evaluate(*masks, spacing, tolerance=1.7)
    assert found["hausdorff"] == pytest.approx(both.max(), rel=1e-6)
    wanted = max(np.percentile(forth, 95), np.percentile(back, 95))
    assert found["hausdorff95"] == pytest.approx(wanted, rel=1e-6)
    assert found["assd"] == pytest.approx(both.mean(), rel=1e-6)
    assert found["surface_dice"] == pytest.approx((both <= 1.7).mean())


def test_lesions_by_hand():
    reference = np.zeros((20, 6, 6), bool)
    prediction = np.zeros_like(reference)
    reference[1:3, 1:3, 1:3] = True
    reference[8:10, 1:3, 1:3] = True
    reference[15:19, 1:3, 1:3] = True
    prediction[2:5, 1:3, 1:3] = True  # covers half of the first
    prediction[15:16, 1:2, 1:2] = True  # one voxel of sixteen of the third
    prediction[12, 5, 5] = True  # touches none
    found = metrics.lesion_detection(prediction, reference, (1.0, 2.0, 5.0))
    assert (found["lesions"], found["detected"], found["predicted"]) == (3, 2, 3)
    assert found["false_positives"] == 1
    assert found["sensitivity"] == pytest.approx(2 / 3)
    assert found["precision"] == pytest.approx(2 / 3)
    assert found["f1"] == pytest.approx(2 / 3)
    assert found["sizes_ml"] == pytest.approx([0.08, 0.08, 0.16])
    assert found["covered"] == pytest.approx([0.5, 0.0, 1 / 16])
    strict = metrics.lesion_detection(prediction, reference, min_overlap=0.3)
    assert (strict["detected"], strict["false_positives"]) == (1, 1)


def test_lesions_of_empty_masks():
    some, none = one_voxel(), np.zeros((4, 5, 6))
    found = metrics.lesion_detection(none, none)
    assert (found["lesions"], found["predicted"]) == (0, 0)
    assert all(math.isnan(found[name]) for name in ("sensitivity", "precision", "f1"))
    missed = metrics.lesion_detection(none, some)
    assert (missed["sensitivity"], missed["f1"]) == (0.0, 0.0)
    assert math.isnan(missed["precision"])
    invented = metrics.lesion_detection(some, none)
    assert (invented["false_positives"], invented["precision"], invented["f1"]) == (1, 0.0, 0.0)


def test_corners_join_lesions_only_with_26():
    mask = np.zeros((2, 2, 2), bool)
    mask[0, 0, 0] = mask[1, 1, 1] = True
    assert [metrics.connected_components(mask, c)[1] for c in (6, 18, 26)] == [2, 2, 1]
    assert metrics.connected_components(np.zeros((2, 2, 2)))[1] == 0


def test_spacing_comes_from_volumes():
    affine = np.diag([2.0, 1.0, 1.0, 1.0])
    near, far = (one_voxel(at=(x, 2, 3)) for x in (0, 3))
    volumes = [spars.Volume(mask.astype(np.float32), affine) for mask in (near, far)]
    assert metrics.hausdorff(near, far) == 3.0
    assert metrics.hausdorff(volumes[0], far) == 6.0
    assert metrics.hausdorff(*volumes) == 6.0
    assert metrics.hausdorff(*volumes, spacing=(0.5, 1, 1)) == 1.5
    other = spars.Volume(far.astype(np.float32), np.diag([3.0, 1.0, 1.0, 1.0]))
    with pytest.raises(ValueError, match="'prediction' parameter of hausdorff .* spacing"):
        metrics.hausdorff(volumes[0], other)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int16, np.int64, np.float32, np.float64])
def test_masks_of_any_dtype_and_order(dtype):
    mask = np.asfortranarray(one_voxel().astype(dtype))
    assert metrics.dice(mask, one_voxel()) == 1.0
    assert metrics.dice(mask[::-1], one_voxel()) == 0.0


@pytest.mark.parametrize("function", PAIRWISE)
def test_what_is_no_mask_is_refused(function):
    mask = one_voxel()
    owner = function.__name__
    with pytest.raises(ValueError, match=f"'prediction' parameter of {owner} .*shape"):
        function(np.zeros((4, 5, 7)), mask)
    with pytest.raises(ValueError, match=f"'reference' parameter of {owner} .*Got 2"):
        function(mask, mask * 2)
    with pytest.raises(ValueError, match="only 0 and 1. Got nan"):
        function(np.full((4, 5, 6), np.nan), mask)
    with pytest.raises(ValueError, match="shape"):
        function(np.zeros((4, 5)), mask)
    with pytest.raises(ValueError, match="shape"):
        function(np.zeros((0, 5, 6)), np.zeros((0, 5, 6)))
    with pytest.raises(TypeError, match="dtype"):
        function(np.full((4, 5, 6), "a"), mask)


@pytest.mark.parametrize(
    ("call", "error", "name"),
    [
        (lambda m: metrics.hausdorff(m, m, (1, 1)), ValueError, "spacing"),
        (lambda m: metrics.hausdorff(m, m, 1.0), ValueError, "spacing"),
        (lambda m: metrics.hausdorff(m, m, (1, 1, 0)), ValueError, "spacing"),
        (lambda m: metrics.hausdorff(m, m, (1, 1, math.nan)), ValueError, "spacing"),
        (lambda m: metrics.hausdorff(m, m, percentile=101.0), ValueError, "percentile"),
        (lambda m: metrics.hausdorff(m, m, percentile="95"), TypeError, "percentile"),
        (lambda m: metrics.surface_dice(m, m, tolerance=-1.0), ValueError, "tolerance"),
        (lambda m: metrics.surface_dice(m, m, tolerance=math.inf), ValueError, "tolerance"),
        (lambda m: metrics.lesion_detection(m, m, min_overlap=1.0), ValueError, "min_overlap"),
        (lambda m: metrics.lesion_detection(m, m, connectivity=8), ValueError, "connectivity"),
        (lambda m: metrics.connected_components(m, True), TypeError, "connectivity"),
        (lambda m: metrics.bootstrap_interval([]), ValueError, "values"),
        (lambda m: metrics.bootstrap_interval([1, math.nan]), spars.NonFiniteError, "values"),
        (lambda m: metrics.bootstrap_interval([1, 2], confidence=1.0), ValueError, "confidence"),
        (lambda m: metrics.bootstrap_interval([1, 2], n_resamples=9), ValueError, "n_resamples"),
        (lambda m: metrics.bootstrap_interval([1, 2], seed=-1), ValueError, "seed"),
    ],
)
def test_arguments_out_of_range_are_named(call, error, name):
    with pytest.raises(error, match=f"'{name}'"):
        call(one_voxel())


def test_the_bootstrap_interval_is_seeded_and_covers_the_mean():
    values = np.random.default_rng(1).normal(0.7, 0.1, 40)
    low, high = metrics.bootstrap_interval(values)
    assert low < values.mean() < high
    half = 1.96 * values.std() / math.sqrt(40)
    assert high - low == pytest.approx(2 * half, rel=0.1)
    assert metrics.bootstrap_interval(values) == (low, high)
    assert metrics.bootstrap_interval(values, seed=1) != (low, high)
    assert metrics.bootstrap_interval([0.4]) == (0.4, 0.4)

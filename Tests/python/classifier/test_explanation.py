"""Explanations: what they sum to, how they are normalised, and what is refused."""

import _thread
import functools
import threading

import numpy as np
import pytest

import spars
from spars import baselines
from spars.search.calibration import calibrate

INPUT = (108, 108, 108)
HU = spars.IntensityWindow(40, 400)
METHODS = ("grad_cam", "integrated_gradients", "occlusion")


@functools.cache
def _classifier():
    """A classifier whose ReLUs and batch norms do not let everything through alike."""
    rng = np.random.default_rng(7)
    parameters = spars.Classifier(INPUT, seed=4).parameters()
    for i in range(1, 5):
        count = len(parameters[f"bn{i}.weight"])
        parameters[f"bn{i}.weight"] = rng.uniform(0.5, 1.5, count)
        parameters[f"bn{i}.bias"] = rng.normal(0, 0.3, count)
        parameters[f"bn{i}.running_var"] = rng.uniform(0.02, 0.1, count)
    for i in range(1, 6):
        parameters[f"fc{i}.weight"] = parameters[f"fc{i}.weight"] * np.float32(3)
    return spars.Classifier.from_parameters(parameters, INPUT, HU)


def _scan(rng, shape=(20, 18, 16)):
    return rng.normal(40, 60, shape).astype(np.float32)


def _odds(classifier, crops):
    seen = [np.clip((crop - np.float32(-160)) / np.float32(400), 0, 1) for crop in crops]
    large = np.stack([spars.resample(crop, INPUT, "nearest") for crop in seen])
    logits = classifier.logits(large).astype(np.float64)
    return logits[:, 1] - logits[:, 0]


@pytest.mark.parametrize("method", METHODS)
def test_maps_lie_in_0_to_1_and_reach_1(method, rng):
    scan = _scan(rng)
    explained = _classifier().explain(scan, method, steps=3, patch=(10, 9, 8))
    assert explained.shape == scan.shape
    assert explained.dtype == np.float32
    assert explained.min() >= 0
    assert explained.max() == 1
    found = _classifier().attributions(scan, method=method, steps=3, patch=(10, 9, 8))[0]
    np.testing.assert_array_equal(explained, np.maximum(found, 0) / found.max())


@pytest.mark.parametrize("baseline", [None, -100.0])
def test_integrated_gradients_sum_to_the_difference_of_outputs(baseline, rng):
    scan = _scan(rng)
    classifier = _classifier()
    origins, window = [(1, 2, 3)], (14, 12, 11)
    options = {"method": "integrated_gradients", "baseline": baseline}
    found = classifier.attributions(scan, origins, window, steps=96, **options)
    crops = [
        scan[tuple(slice(o, o + w) for o, w in zip(origin, window, strict=True))]
        for origin in origins
    ]
    for attribution, crop in zip(found, crops, strict=True):
        value = baseline
        if baseline is None:
            value = 400 * np.clip((crop.astype(np.float64) + 160) / 400, 0, 1).mean() - 160
        flat = np.full_like(crop, value)
        whole, nothing = _odds(classifier, [crop, flat])
        # The midpoint rule's error over the network's kinks: 1 % at 96 points.
        assert attribution.sum(dtype=np.float64) == pytest.approx(whole - nothing, rel=0.03)
    # A constant window is its own baseline: nothing speaks for or against it.
    same = np.full(window, 33, np.float32)
    assert not classifier.attributions(same, method="integrated_gradients", steps=2).any()
    assert not classifier.explain(same, "integrated_gradients", steps=2).any()


def test_occlusion_equals_its_plain_twin(rng):
    window, patch, stride = (9, 8, 7), (4, 3, 5), (3, 3, 2)
    scan = _scan(rng, window)
    classifier = _classifier()
    found = classifier.attributions(
        scan, method="occlusion", baseline=10.0, patch=patch, patch_stride=stride
    )[0]
    starts = [[*range(0, n - p, s), n - p] for n, p, s in zip(window, patch, stride, strict=True)]
    sums, counts = np.zeros(window), np.zeros(window)
    whole = _odds(classifier, [scan])[0]
    for x in starts[0]:
        for y in starts[1]:
            for z in starts[2]:
                box = (slice(x, x + 4), slice(y, y + 3), slice(z, z + 5))
                hidden = scan.copy()
                hidden[box] = 10.0
                sums[box] += whole - _odds(classifier, [hidden])[0]
                counts[box] += 1
    wanted = sums / counts
    np.testing.assert_allclose(found, wanted, atol=1e-3 * np.abs(wanted).max())


def test_occlusion_explains_the_score_exactly_where_one_patch_hides_all(rng):
    scan = _scan(rng, (9, 8, 7))
    classifier = _classifier()
    found = classifier.attributions(
        scan, method="occlusion", target="score", baseline=0.0, patch=(9, 8, 7)
    )[0]
    whole, flat = (
        classifier.score(volume, [(0, 0, 0)], (9, 8, 7))[0]
        for volume in (scan, np.zeros_like(scan))
    )
    np.testing.assert_allclose(found, whole - flat, atol=1e-6)


def test_grad_cam_values_stand_where_they_look():
    """A network whose evidence is brightness finds a bright corner in that corner."""
    parameters = {name: np.zeros_like(array) for name, array in _classifier().parameters().items()}
    for i in range(1, 5):
        parameters[f"conv{i}.weight"][:] = 1 / parameters[f"conv{i}.weight"][0].size
        parameters[f"bn{i}.weight"][:] = 1
        parameters[f"bn{i}.running_var"][:] = 1
    for i in range(1, 6):
        parameters[f"fc{i}.weight"][:] = 1 / parameters[f"fc{i}.weight"].shape[1]
    parameters["fc5.weight"][0] = 0
    classifier = spars.Classifier.from_parameters(parameters, INPUT)
    scan = np.zeros((18, 18, 18), np.float32)
    scan[11:15, 4:8, 7:11] = 1
    explained = classifier.explain(scan)
    weights = explained / explained.sum()
    centre = [np.average(np.arange(18), weights=weights.sum((1, 2))),
              np.average(np.arange(18), weights=weights.sum((0, 2))),
              np.average(np.arange(18), weights=weights.sum((0, 1)))]  # fmt: skip
    # Less than half a place of conv3, which is 16 / 6 voxels of this window.
    np.testing.assert_allclose(centre, [12.5, 5.5, 8.5], atol=1.3)
    # Flat where conv4 has one place; nothing where tumour has no evidence.
    assert np.ptp(classifier.explain(scan, layer=4)) == 0
    parameters["fc5.weight"][:] = parameters["fc5.weight"][::-1]
    against = spars.Classifier.from_parameters(parameters, INPUT)
    assert not against.explain(scan).any()


@pytest.mark.parametrize("method", METHODS)
def test_a_scans_map_is_the_mean_of_weighted_windows(method, rng):
    scan = _scan(rng, (14, 11, 9))
    window, stride = (8, 7, 6), 4
    classifier = _classifier()
    options = {"steps": 2, "patch": (4, 7, 6)}
    explained = classifier.explain(scan, method, window=window, stride=stride, **options)
    starts = [(0, 4, 6), (0, 4), (0, 3)]
    sums, counts = np.zeros(scan.shape), np.zeros(scan.shape)
    for x in starts[0]:
        for y in starts[1]:
            for z in starts[2]:
                box = (slice(x, x + 8), slice(y, y + 7), slice(z, z + 6))
                score = classifier.score(scan, [(x, y, z)], window)[0]
                sums[box] += score * classifier.explain(scan[box], method, **options)
                counts[box] += 1
    assert counts.min() >= 1
    np.testing.assert_allclose(explained, sums / counts, atol=1e-5)
    assert 0 <= explained.min() < explained.max() <= 1


def test_a_grid_brings_the_scan_there_and_the_map_back(rng):
    scan = _scan(rng, (12, 11, 10))
    large = spars.resample(scan, (24, 22, 20))
    explained = _classifier().explain(scan, window=(12, 11, 10), grid=(24, 22, 20))
    wanted = _classifier().explain(large, window=(12, 11, 10))
    np.testing.assert_array_equal(explained, spars.resample(wanted, scan.shape, "nearest"))


def test_windows_larger_than_the_input_are_explained(rng):
    scan = _scan(rng, (130, 20, 16))
    explained = _classifier().explain(scan, "integrated_gradients", steps=1)
    assert explained.shape == scan.shape
    # Voxels that the resize passes over have no part in the answer.
    kept = np.unique(spars.resample(np.arange(130.0).reshape(130, 1, 1), (108, 1, 1), "nearest"))
    passed_over = np.setdiff1d(np.arange(130), kept)
    assert passed_over.size
    assert not explained[passed_over].any()
    assert explained[kept.astype(int)].any()


def test_input_gradients_have_the_shape_of_their_inputs(rng):
    x = rng.normal(0, 1, (2, *INPUT)).astype(np.float32)
    both = _classifier().input_gradients(x, "logit")
    assert both.shape == x.shape
    assert both.any()
    np.testing.assert_array_equal(_classifier().input_gradients(x[1], "logit"), both[1])
    assert _classifier().input_gradients(x[:0]).shape == (0, *INPUT)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"method": "lime"}, "method"),
        ({"target": "loss"}, "target"),
        ({"layer": 1}, "layer"),
        ({"steps": 0}, "steps"),
        ({"baseline": float("nan")}, "baseline"),
        ({"method": "occlusion", "patch": (9, 4, 4)}, "patch"),
        ({"method": "occlusion", "patch": (4, 4, 4), "patch_stride": (5, 4, 4)}, "patch_stride"),
        ({"window": (9, 8, 8)}, "window"),
        ({"window": (8, 8, 8), "stride": 9}, "stride"),
        ({"stride": 2}, "stride"),
        ({"grid": (0, 8, 8)}, "grid"),
    ],
)
def test_bad_parameters_are_named(options, name):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of explain must be"):
        _classifier().explain(np.zeros((8, 8, 8), np.float32), **options)


def test_unknown_options_and_bad_values_are_refused():
    volume = np.zeros((8, 8, 8), np.float32)
    with pytest.raises(TypeError, match="unexpected keyword argument 'patches'"):
        _classifier().explain(volume, patches=(2, 2, 2))
    with pytest.raises(ValueError, match="'origins' parameter of attributions"):
        _classifier().attributions(volume, [(1, 0, 0)], (8, 8, 8))
    volume[3, 4, 5] = np.nan
    with pytest.raises(spars.NonFiniteError, match=r"voxel \(3, 4, 5\)"):
        _classifier().explain(volume)
    with pytest.raises(TypeError, match="progress"):
        _classifier().explain(np.zeros((8, 8, 8), np.float32), progress=3)


def test_progress_is_told_over_all_windows_and_ctrl_c_stops(rng, monkeypatch):
    monkeypatch.setattr("spars.classifier.explanation._VALUES_AT_ONCE", 3 * 8 * 7 * 6)
    scan = _scan(rng, (14, 11, 9))
    told = []
    _classifier().explain(
        scan, "integrated_gradients", window=(8, 7, 6), steps=4,
        progress=lambda done, planned: told.append((done, planned)),
    )  # fmt: skip
    done, planned = zip(*told, strict=True)
    assert set(planned) == {18 * 4}
    assert list(done) == sorted(done)
    assert 0 <= done[0] <= done[-1] <= 72
    timer = threading.Timer(0.2, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        _classifier().explain(scan, "integrated_gradients", steps=60_000)
    timer.join()


def test_grad_cam_is_a_method_of_segment(rng):
    scan = spars.Volume(_scan(rng, (20, 18, 16)), np.diag([1.0, 2, 3, 1]))
    options = {"window": (8, 8, 8), "grid": None}
    found = spars.segment(scan, _classifier(), method="grad_cam", stride=4, **options)
    wanted = _classifier().explain(scan, window=(8, 8, 8), stride=4)
    np.testing.assert_allclose(found.score_map, wanted, atol=1e-6)
    np.testing.assert_array_equal(found.mask, found.score_map > 0.5)
    assert found.configuration["search"]["method"] == "grad_cam"
    assert len(found.run.windows) == len(found.run.scores) == 4 * 4 * 3
    # The scan is stored to the right and the front; windows are counted from the left and the back.
    windows = found.why(1, 1, 1)
    assert [entry.window for entry in windows] == [(12, 10, 0)]
    assert windows[0].score >= found.score_map[1, 1, 1]
    region = np.zeros(scan.shape, np.uint8)
    region[3:17, 2:16, 1:15] = 1
    alone = spars.segment(
        scan, _classifier(), method="grad_cam", region=region, isolated=True, **options
    )
    assert not alone.score_map[region == 0].any()
    assert alone.score_map.any()


@pytest.mark.parametrize("accumulation", ["sum", "mean", "max"])
def test_grad_cam_accumulates_as_the_protocol_says(accumulation, rng):
    scan = _scan(rng, (12, 8, 8))
    protocol = spars.Protocol.paper().with_switches(accumulation=accumulation)
    found = baselines.grad_cam(scan, _classifier(), window=(8, 8, 8), protocol=protocol, stride=4)
    maps = np.zeros((2, 12, 8, 8))
    for n, x in enumerate((0, 4)):
        box = scan[x : x + 8]
        score = _classifier().score(box, [(0, 0, 0)], (8, 8, 8))[0]
        maps[n, x : x + 8] = score * _classifier().explain(box)
    counts = np.array([1] * 4 + [2] * 4 + [1] * 4).reshape(12, 1, 1)
    wanted = {"sum": maps.sum(0), "mean": maps.sum(0) / counts, "max": maps.max(0)}
    np.testing.assert_allclose(found.score_map, wanted[accumulation], atol=1e-6)


def test_grad_cam_under_the_published_frame_covers_the_scans_corner(rng):
    scan = spars.Volume(_scan(rng, (20, 10, 16)))
    found = baselines.grad_cam(
        scan, _classifier(), window=(8, 8, 8), grid=(12, 14, 16), protocol="published"
    )
    assert found.score_map.shape == (12, 14, 16)
    assert not found.score_map[:, 10:].any()
    assert found.score_map[:, :10].any()


def test_grad_cam_needs_the_network():
    with pytest.raises(TypeError, match="'scorer' parameter of grad_cam must be a Classifier"):
        spars.segment(
            np.zeros((8, 8, 8), np.float32), lambda crops: crops[:, 0, 0, 0], method="grad_cam",
            window=(8, 8, 8), grid=None,
        )  # fmt: skip
    with pytest.raises(TypeError, match="unexpected keyword argument 'batch_size'"):
        baselines.grad_cam(np.zeros((8, 8, 8), np.float32), _classifier(), batch_size=3)


def test_grad_cams_threshold_comes_from_its_own_maps(rng):
    scans = [_scan(rng, (12, 8, 8)) for _ in range(2)]
    options = {"window": (8, 8, 8), "grid": None, "stride": 4, "quantile": 0.9}
    found = calibrate(scans, _classifier(), method="grad_cam", **options)
    maps = [_classifier().explain(scan, window=(8, 8, 8), stride=4) for scan in scans]
    voxels = np.concatenate([each[each > 0] for each in maps])
    assert found.segmentation_threshold == pytest.approx(np.quantile(voxels, 0.9), rel=1e-5)
    assert found.windows == 4
    higher = calibrate(scans, _classifier(), **options)
    assert higher.segmentation_threshold > found.segmentation_threshold
    with pytest.raises(ValueError, match="'method' parameter of calibrate"):
        calibrate(scans, _classifier(), method="greedy")

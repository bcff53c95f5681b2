"""The classifier from Python: parameters, scores, files, training, and what is refused."""

import _thread
import functools
import inspect
import json
import math
import struct
import threading
import zipfile

import numpy as np
import pytest

import spars
from spars import datasets

# The smallest cube that leaves every stage of the network a voxel.
INPUT = (108, 108, 108)


@functools.cache
def _classifier():
    return spars.Classifier(INPUT, spars.IntensityWindow(40, 400), seed=4)


@functools.cache
def _case(name, has_tumour, shift):
    values = np.random.default_rng(len(name)).normal(40 + shift, 20, (30, 28, 26))
    return datasets.Case(name, has_tumour, lambda: values.astype(np.float32))


def _dataset(n=4):
    return datasets.Dataset(_case(f"scan{i}", i % 2 == 1, 100 * (i % 2)) for i in range(n))


def _fit(classifier, dataset=None, **options):
    settings = {
        "window": (12, 12, 12), "grid": None, "epochs": 2, "steps_per_epoch": 1,
        "scans_per_step": 2, "crops_per_scan": 1, "validation_steps": 1, "seed": 3,
    }  # fmt: skip
    return classifier.fit(_dataset() if dataset is None else dataset, **(settings | options))


def test_parameters_follow_pytorchs_names_shapes_and_law():
    parameters = spars.Classifier(seed=7).parameters()
    assert list(parameters)[:8] == [
        "conv1.weight", "conv1.bias", "bn1.weight", "bn1.bias", "bn1.running_mean",
        "bn1.running_var", "conv2.weight", "conv2.bias",
    ]  # fmt: skip
    assert parameters["conv4.weight"].shape == (64, 32, 3, 3, 3)
    assert parameters["fc1.weight"].shape == (1600, 1152)
    assert parameters["fc5.weight"].shape == (2, 128)
    assert sum(array.size for array in parameters.values()) == 3_570_978
    bound = 1 / math.sqrt(1152)
    fc1 = parameters["fc1.weight"]
    assert fc1.dtype == np.float32
    assert 0.999 * bound < np.abs(fc1).max() <= bound
    assert np.all(parameters["bn2.running_var"] == 1)
    assert np.all(parameters["bn2.bias"] == 0)


def test_parameters_go_in_and_come_out():
    parameters = _classifier().parameters()
    counters = {"bn1.num_batches_tracked": np.int64(3), "bn4.num_batches_tracked": 3}
    copy = spars.Classifier.from_parameters(parameters | counters, INPUT)
    assert copy.intensity_window is None
    assert copy.input_shape == INPUT
    for name, array in copy.parameters().items():
        assert np.array_equal(array, parameters[name]), name


def test_parameters_that_do_not_fit_are_named():
    parameters = _classifier().parameters()

    def build(**changed):
        return spars.Classifier.from_parameters(parameters | changed, INPUT)

    without = {name: array for name, array in parameters.items() if name != "fc3.bias"}
    with pytest.raises(ValueError, match="with 'fc3.bias'"):
        spars.Classifier.from_parameters(without, INPUT)
    with pytest.raises(ValueError, match="without 'conv9.weight'"):
        build(**{"conv9.weight": np.zeros(3)})
    with pytest.raises(ValueError, match=r"'conv1.bias'.*shape \(8\)"):
        build(**{"conv1.bias": np.zeros(9)})
    with pytest.raises(spars.NonFiniteError, match="'fc5.bias'"):
        build(**{"fc5.bias": np.array([0, np.nan])})
    with pytest.raises(ValueError, match="bn1.running_var"):
        build(**{"bn1.running_var": np.full(8, -1.0)})
    with pytest.raises(TypeError, match="'conv1.bias'"):
        build(**{"conv1.bias": np.array(["x"] * 8)})
    with pytest.raises(TypeError, match="'parameters'"):
        spars.Classifier.from_parameters([1, 2], INPUT)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"input_shape": (107, 256, 180)}, ValueError, "conv4"),
        ({"input_shape": (2**40, 256, 180)}, ValueError, "input_shape"),
        ({"input_shape": (256, 256)}, ValueError, "input_shape"),
        ({"input_shape": 256}, TypeError, "input_shape"),
        ({"seed": -1}, ValueError, "seed"),
        ({"seed": 2**64}, ValueError, "seed"),
        ({"seed": 1.5}, TypeError, "seed"),
        ({"intensity_window": (40, 400)}, TypeError, "intensity_window"),
    ],
)
def test_constructor_refuses(arguments, error, text):
    with pytest.raises(error, match=text):
        spars.Classifier(**arguments)


def test_logits_take_batches_single_inputs_and_none(rng):
    x = rng.normal(size=(2, *INPUT)).astype(np.float32)
    logits = _classifier().logits(x)
    assert logits.shape == (2, 2)
    assert logits.dtype == np.float32
    assert np.array_equal(_classifier().logits(x[1]), logits[1:])
    assert np.array_equal(_classifier().logits(np.asfortranarray(x).astype(float)), logits)
    assert _classifier().logits(np.zeros((0, *INPUT))).shape == (0, 2)


def test_logits_refuse_other_shapes_and_nan():
    with pytest.raises(ValueError, match=r"'x'.*\(any, 108, 108, 108\)"):
        _classifier().logits(np.zeros((1, 108, 108, 107)))
    with pytest.raises(TypeError, match="'x'"):
        _classifier().logits(np.full(INPUT, "a"))
    x = np.zeros(INPUT)
    x[3, 4, 5] = np.inf
    with pytest.raises(spars.NonFiniteError, match=r"'x'.*\(0, 3, 4, 5\)"):
        _classifier().logits(x)


def test_a_score_is_the_softmax_of_the_resized_scaled_window(rng):
    volume = rng.normal(40, 150, size=(20, 22, 24)).astype(np.float32)
    origins = np.array([[0, 0, 0], [8, 10, 12], [3, 1, 2]])
    scores = _classifier().score(volume, origins, (12, 12, 12))
    assert scores.shape == (3,)
    assert scores.dtype == np.float32
    for (x, y, z), score in zip(origins, scores, strict=True):
        crop = np.clip((volume[x : x + 12, y : y + 12, z : z + 12] + 160) / 400, 0, 1)
        resized = crop
        for axis, length in enumerate(INPUT):
            resized = resized.repeat(length // 12, axis=axis)
        a, b = _classifier().logits(resized)[0].astype(float)
        assert score == pytest.approx(1 / (1 + math.exp(a - b)), abs=2e-5)


def test_scores_of_no_windows_and_of_a_volume_are_as_of_its_array(rng):
    volume = rng.normal(40, 150, size=(20, 22, 24)).astype(np.float32)
    assert _classifier().score(volume, [], (4, 4, 4)).shape == (0,)
    assert _classifier().score(volume, np.zeros((0, 3), int), (4, 4, 4)).shape == (0,)
    as_volume = spars.Volume(volume, np.diag([2, 3, 4, 1]))
    one = [[1, 2, 3]]
    assert _classifier().score(as_volume, one, (4, 4, 4)) == _classifier().score(
        volume, one, (4, 4, 4)
    )


@pytest.mark.parametrize(
    ("origins", "window", "error", "text"),
    [
        ([[0, 0, 13]], (12, 12, 12), ValueError, r"'origins'.*Got \(0, 0, 13\)"),
        ([[0, 0, 0], [-1, 0, 0]], (12, 12, 12), ValueError, r"Got \(-1, 0, 0\)"),
        ([[2**63 - 1, 0, 0]], (12, 12, 12), ValueError, "'origins'"),
        ([[0, 0, 0]], (21, 12, 12), ValueError, "'origins'"),
        ([[0.5, 0, 0]], (12, 12, 12), ValueError, "'origins'"),
        ([0, 0, 0], (12, 12, 12), ValueError, "'origins'"),
        ([[0, 0]], (12, 12, 12), ValueError, "'origins'"),
        ([[0, 0, 0]], (0, 12, 12), ValueError, "'window'"),
        ([[0, 0, 0]], (12, 12), ValueError, "'window'"),
    ],
)
def test_score_refuses(origins, window, error, text):
    with pytest.raises(error, match=text):
        _classifier().score(np.zeros((20, 22, 24)), origins, window)


def test_a_nan_matters_only_inside_a_window():
    volume = np.zeros((20, 22, 24), np.float32)
    volume[19, 21, 23] = np.nan
    assert np.isfinite(_classifier().score(volume, [[0, 0, 0]], (12, 12, 12))).all()
    with pytest.raises(spars.NonFiniteError, match="volume"):
        _classifier().score(volume, [[8, 10, 12]], (12, 12, 12))


def test_gradients_are_named_and_nothing_changes(rng):
    before = _classifier().parameters()
    x = rng.normal(size=(2, *INPUT)).astype(np.float32)
    loss, gradients = _classifier().loss_and_gradients(x, [0, 1])
    assert isinstance(loss, float)
    assert loss == pytest.approx(math.log(2), abs=0.2)
    trainable = [name for name in before if "running" not in name]
    assert list(gradients) == trainable
    assert all(gradients[name].shape == before[name].shape for name in trainable)
    after = _classifier().parameters()
    assert all(np.array_equal(after[name], before[name]) for name in before)
    # fc5.bias is the head's gradient itself: its two entries sum to zero.
    assert gradients["fc5.bias"].sum() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("labels", [[0], [0, 2], [0, 1, 1], 1, [0.5, 1], ["a", "b"]])
def test_gradients_refuse_other_labels(labels):
    with pytest.raises(ValueError, match="'has_tumour'"):
        _classifier().loss_and_gradients(np.zeros((2, *INPUT)), labels)


def test_gradients_refuse_an_empty_batch():
    with pytest.raises(ValueError, match="'has_tumour'"):
        _classifier().loss_and_gradients(np.zeros((0, *INPUT)), [])


def test_files_keep_everything(tmp_path):
    classifier = spars.Classifier(INPUT, spars.IntensityWindow(50, 300), seed=9)
    history = _fit(classifier, epochs=1)
    path = tmp_path / "é.safetensors"
    classifier.save(path)
    loaded = spars.Classifier.load(path)
    assert loaded.input_shape == INPUT
    assert loaded.intensity_window == spars.IntensityWindow(50, 300)
    assert loaded.training == json.loads(json.dumps(history.to_dict()))
    for name, array in classifier.parameters().items():
        assert np.array_equal(array, loaded.parameters()[name]), name
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    header = _header(path)
    assert header["__metadata__"]["format"] == "pt"
    assert header["bn1.num_batches_tracked"]["dtype"] == "I64"
    assert header["bn1.num_batches_tracked"]["shape"] == []


def _header(path):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length])


def test_broken_files_are_format_errors(tmp_path):
    path = tmp_path / "w"
    for data in (b"", b"PK\x03\x04", b"\x00" * 7, b"\xff" * 64, b"\x80\x02}q\x00."):
        path.write_bytes(data)
        with pytest.raises(spars.FormatError):
            spars.Classifier.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("w/data.pkl", b"cos\nsystem\n(X\x04\x00\x00\x00exittR.")
    with pytest.raises(spars.FormatError, match="os.system"):
        spars.Classifier.load(path)
    with pytest.raises(OSError, match="No such file"):
        spars.Classifier.load(tmp_path / "none")
    with pytest.raises(TypeError, match="'path'"):
        spars.Classifier.load(3)
    with pytest.raises(ValueError, match="null"):
        spars.Classifier.load("a\0b")
    with pytest.raises(OSError, match="No such file"):
        _classifier().save(tmp_path / "none" / "w")


def test_fit_learns_reports_and_is_repeatable():
    first, second = (spars.Classifier(INPUT, seed=2) for _ in range(2))
    calls, records = [], []
    options = {"epochs": 6, "scans_per_step": 4}
    history = _fit(
        first, validation=_dataset(), progress=lambda *call: calls.append(call),
        callback=lambda _, record: records.append(record), **options,
    )  # fmt: skip
    assert first.intensity_window == spars.Protocol.paper().intensity_window
    assert calls == [(i, 12) for i in range(1, 13)]
    assert records == history.epochs
    assert [record["epoch"] for record in history.epochs] == list(range(1, 7))
    assert history.epochs[-1]["loss"] < 0.5 < history.epochs[0]["loss"]
    validation = history.epochs[-1]["validation"]
    assert sum(validation[key] for key in validation if key.endswith("tives")) == 4
    assert history.configuration["protocol"]["crop_label"] == "image"
    assert {entry["name"] for entry in history.inputs} <= {f"scan{i}" for i in range(4)}
    again = _fit(second, validation=_dataset(), **options)
    assert again.to_dict() == history.to_dict()
    for name, array in first.parameters().items():
        assert np.array_equal(array, second.parameters()[name]), name


def test_the_schedule_of_record_takes_a_quarter_of_the_scans_as_steps():
    calls = []
    _fit(
        spars.Classifier(INPUT), _dataset(9), epochs=1, steps_per_epoch=None,
        progress=lambda *call: calls.append(call),
    )  # fmt: skip
    assert calls == [(1, 2), (2, 2)]


def test_a_learning_rate_may_follow_a_schedule():
    remains, rates = [], []

    def schedule(remaining):
        remains.append(remaining)
        return 1e-3 * remaining

    history = _fit(
        spars.Classifier(INPUT), epochs=2, steps_per_epoch=2, learning_rate=schedule,
        callback=lambda _, record: rates.append(record["learning_rate"]),
    )  # fmt: skip
    assert remains == [1.0, 0.75, 0.5, 0.25]
    assert rates == [0.75e-3, 0.25e-3]
    assert history.configuration["learning_rate"] == "a schedule"


def test_a_constant_schedule_is_a_constant():
    first, second = (spars.Classifier(INPUT, seed=2) for _ in range(2))
    _fit(first, learning_rate=1e-3)
    _fit(second, learning_rate=lambda _: 1e-3)
    for name, array in first.parameters().items():
        assert np.array_equal(array, second.parameters()[name]), name


def test_class_weights_weigh_the_loss():
    dataset = [_case("without", False, 0.0), _case("with", True, 0.0), _case("too", True, 0.0)]
    loss = {}
    for weights in (None, (3.0, 1.0), "balanced"):
        history = _fit(
            spars.Classifier(INPUT, seed=5), dataset, epochs=1, class_weights=weights,
            scan_sampling="balanced",
        )  # fmt: skip
        loss[history.configuration["class_weights"]] = history.epochs[0]["loss"]
    assert list(loss) == [(1.0, 1.0), (3.0, 1.0), (1.5, 0.75)]
    # The batch holds one scan of each label, so that two of the losses tell both parts.
    without = 2 * loss[3.0, 1.0] - loss[1.0, 1.0]
    with_tumour = 2 * loss[1.0, 1.0] - without
    assert without != pytest.approx(with_tumour)
    assert loss[1.5, 0.75] == pytest.approx((2 * without + with_tumour) / 3, rel=1e-6)


def test_pooled_crops_learn_which_part_the_label_means():
    """A bright corner marks the scans with tumours; few crops show it."""

    def case(number):
        values = np.random.default_rng(number).normal(0, 20, (30, 30, 30))
        if number % 2:
            values[15:, 15:, 15:] += 150
        return datasets.Case(f"scan{number}", number % 2 == 1, lambda: values.astype(np.float32))

    classifier = spars.Classifier(INPUT, seed=2)
    history = _fit(
        classifier, [case(number) for number in range(6)], epochs=16, crops_per_scan=4,
        pooling="log_sum_exp", scan_sampling="balanced",
    )  # fmt: skip
    assert history.configuration["pooling"] == "log_sum_exp"
    scores = classifier.score(case(7).load(), [(0, 0, 0), (18, 18, 18)], window=(12, 12, 12))
    log_odds = np.log(scores / (1 - scores))
    assert log_odds[1] > log_odds[0] + 1, scores


def test_a_callback_ends_the_training():
    history = _fit(spars.Classifier(INPUT), epochs=5, callback=lambda *_: False)
    assert len(history.epochs) == 1


def test_image_labels_never_ask_for_a_mask():
    def mask():
        raise AssertionError("a mask was asked for")

    values = np.zeros((14, 14, 14), np.float32)
    dataset = [datasets.Case("a", True, lambda: values, mask)]
    _fit(spars.Classifier(INPUT), dataset, validation=dataset, epochs=1)


def test_published_training_cuts_labels_from_masks():
    values = np.random.default_rng(1).normal(40, 100, (20, 20, 20)).astype(np.float32)
    mask = np.zeros(values.shape, np.uint8)
    mask[10, 10, 10] = 2
    dataset = [datasets.Case("a", None, lambda: values, lambda: mask)]
    classifier = spars.Classifier(INPUT)
    history = _fit(
        classifier, dataset, validation=dataset, protocol="published", epochs=1, scans_per_step=1,
        crops_per_scan=4,
    )  # fmt: skip
    assert classifier.intensity_window is None
    found = history.epochs[0]["validation"]
    assert found["true_positives"] + found["false_negatives"] >= 2
    with pytest.raises(ValueError, match="'a' has no voxel mask"):
        _fit(classifier, [datasets.Case("a", True, lambda: values)], protocol="published")
    wrong = [datasets.Case("a", True, lambda: values, lambda: mask[1:])]
    with pytest.raises(ValueError, match="mask of scan 'a'"):
        _fit(classifier, wrong, protocol="published")


def test_scans_are_brought_to_the_grid_and_leave_a_full_cache():
    loads = []

    def load():
        loads.append(1)
        return np.zeros((10, 10, 10), np.float32)

    dataset = [datasets.Case("a", True, load), datasets.Case("b", False, load)]
    options = {"grid": (16, 14, 12), "epochs": 1, "scans_per_step": 8}
    _fit(spars.Classifier(INPUT), dataset, **options)
    assert len(loads) == 2
    loads.clear()
    _fit(spars.Classifier(INPUT), dataset, cache_bytes=0, **options)
    assert len(loads) > 2


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"epochs": 0}, ValueError, "'epochs'"),
        ({"steps_per_epoch": 0}, ValueError, "'steps_per_epoch'"),
        ({"scans_per_step": 0}, ValueError, "'scans_per_step'"),
        ({"crops_per_scan": True}, TypeError, "'crops_per_scan'"),
        ({"learning_rate": 0}, ValueError, "'learning_rate'"),
        ({"learning_rate": math.inf}, ValueError, "'learning_rate'"),
        ({"protocol": "other"}, ValueError, "'protocol'"),
        ({"crop_sampling": "all"}, ValueError, "'crop_sampling'"),
        ({"foreground_threshold": math.nan}, ValueError, "'foreground_threshold'"),
        (
            {"crop_sampling": "foreground", "foreground_threshold": 3000.0},
            ValueError,
            "Scan 'scan.*foreground_threshold",
        ),
        ({"learning_rate": lambda remaining: -remaining}, ValueError, "'learning_rate'"),
        ({"learning_rate": lambda remaining: "fast"}, TypeError, "'learning_rate'"),
        ({"pooling": "mean"}, ValueError, "'pooling'"),
        ({"pooling": 2}, ValueError, r"'pooling'.*\[1, 1\]"),
        ({"pooling": True}, TypeError, "'pooling'"),
        ({"pooling": "max", "protocol": "published"}, ValueError, "'pooling'"),
        ({"class_weights": "equal"}, ValueError, "'class_weights'"),
        ({"class_weights": (1.0,)}, ValueError, "'class_weights'"),
        ({"class_weights": (1.0, 0.0)}, ValueError, "'class_weights'"),
        ({"class_weights": 2.0}, TypeError, "'class_weights'"),
        (
            {"class_weights": "balanced", "dataset": [_case("a", True, 1.0)]},
            ValueError,
            "'class_weights'",
        ),
        ({"scan_sampling": "any"}, ValueError, "'scan_sampling'"),
        (
            {"scan_sampling": "balanced", "dataset": [_case("a", True, 1.0)]},
            ValueError,
            "'scan_sampling'",
        ),
        ({"window": (31, 12, 12)}, ValueError, "Scan 'scan.*'window'"),
        ({"window": (0, 12, 12)}, ValueError, "'window'"),
        ({"grid": (8, 8)}, ValueError, "'grid'"),
        ({"seed": -1}, ValueError, "'seed'"),
        ({"validation_steps": 0}, ValueError, "'validation_steps'"),
        ({"cache_bytes": -1}, ValueError, "'cache_bytes'"),
        ({"progress": 3}, TypeError, "'progress'"),
        ({"callback": 3}, TypeError, "'callback'"),
        ({"dataset": []}, ValueError, "'dataset'"),
        ({"dataset": 3}, TypeError, "'dataset'"),
        ({"dataset": [1]}, TypeError, "'dataset'"),
        ({"validation": []}, ValueError, "'validation'"),
    ],
)
def test_fit_refuses(options, error, text):
    with pytest.raises(error, match=text):
        _fit(_classifier(), **options)


def test_fit_refuses_unlabelled_scans_and_nan():
    values = np.full((14, 14, 14), np.nan, np.float32)
    with pytest.raises(ValueError, match="'a' has no label"):
        _fit(spars.Classifier(INPUT), [datasets.Case("a", None, lambda: values)])
    case = datasets.Case("a", True, lambda: values)
    with pytest.raises(spars.NonFiniteError, match="Scan 'a'"):
        _fit(spars.Classifier(INPUT), [case], crop_sampling="uniform")


def test_an_exception_in_progress_leaves_the_classifier_at_a_whole_step():
    classifier = spars.Classifier(INPUT, seed=2)

    def stop(done, planned):
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _fit(classifier, progress=stop)
    reference = spars.Classifier(INPUT, seed=2)
    _fit(reference, epochs=1)
    for name, array in reference.parameters().items():
        assert np.array_equal(array, classifier.parameters()[name]), name


def test_ctrl_c_ends_a_training_that_is_at_work():
    classifier = spars.Classifier(INPUT, seed=2)
    timer = threading.Timer(0.5, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        _fit(classifier, epochs=100_000, scans_per_step=16)
    timer.join()
    # Every layer is still of one step: the network gives finite logits, and it trains on.
    assert np.isfinite(classifier.logits(np.zeros(INPUT))).all()
    assert len(_fit(classifier, epochs=1).epochs) == 1


def test_help_shows_fits_arguments():
    parameters = inspect.signature(spars.Classifier.fit).parameters
    assert parameters["epochs"].default == 32
    assert parameters["learning_rate"].default == 1e-3
    assert spars.Classifier.fit.__doc__.startswith("Train on a dataset")

"""The classifier from Python: parameters, logits, scores, gradients, files, what is refused."""

import json
import math
import struct
import zipfile

import numpy as np
import pytest
from classifier_cases import INPUT, train, untrained

import spars


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
    parameters = untrained().parameters()
    counters = {"bn1.num_batches_tracked": np.int64(3), "bn4.num_batches_tracked": 3}
    copy = spars.Classifier.from_parameters(parameters | counters, INPUT)
    assert copy.intensity_window is None
    assert copy.input_shape == INPUT
    for name, array in copy.parameters().items():
        assert np.array_equal(array, parameters[name]), name


def test_parameters_that_do_not_fit_are_named():
    parameters = untrained().parameters()

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
    logits = untrained().logits(x)
    assert logits.shape == (2, 2)
    assert logits.dtype == np.float32
    assert np.array_equal(untrained().logits(x[1]), logits[1:])
    assert np.array_equal(untrained().logits(np.asfortranarray(x).astype(float)), logits)
    assert untrained().logits(np.zeros((0, *INPUT))).shape == (0, 2)


def test_logits_refuse_other_shapes_and_nan():
    with pytest.raises(ValueError, match=r"'x'.*\(any, 108, 108, 108\)"):
        untrained().logits(np.zeros((1, 108, 108, 107)))
    with pytest.raises(TypeError, match="'x'"):
        untrained().logits(np.full(INPUT, "a"))
    x = np.zeros(INPUT)
    x[3, 4, 5] = np.inf
    with pytest.raises(spars.NonFiniteError, match=r"'x'.*\(0, 3, 4, 5\)"):
        untrained().logits(x)


def test_a_score_is_the_softmax_of_the_resized_scaled_window(rng):
    volume = rng.normal(40, 150, size=(20, 22, 24)).astype(np.float32)
    origins = np.array([[0, 0, 0], [8, 10, 12], [3, 1, 2]])
    scores = untrained().score(volume, origins, (12, 12, 12))
    assert scores.shape == (3,)
    assert scores.dtype == np.float32
    for (x, y, z), score in zip(origins, scores, strict=True):
        crop = np.clip((volume[x : x + 12, y : y + 12, z : z + 12] + 160) / 400, 0, 1)
        resized = crop
        for axis, length in enumerate(INPUT):
            resized = resized.repeat(length // 12, axis=axis)
        a, b = untrained().logits(resized)[0].astype(float)
        assert score == pytest.approx(1 / (1 + math.exp(a - b)), abs=2e-5)


def test_scores_of_no_windows_and_of_a_volume_are_as_of_its_array(rng):
    volume = rng.normal(40, 150, size=(20, 22, 24)).astype(np.float32)
    assert untrained().score(volume, [], (4, 4, 4)).shape == (0,)
    assert untrained().score(volume, np.zeros((0, 3), int), (4, 4, 4)).shape == (0,)
    as_volume = spars.Volume(volume, np.diag([2, 3, 4, 1]))
    one = [[1, 2, 3]]
    assert untrained().score(as_volume, one, (4, 4, 4)) == untrained().score(volume, one, (4, 4, 4))


@pytest.mark.parametrize(
    ("origins", "window", "error", "text"),
    [
        ([[0, 0, 13]], (12, 12, 12), ValueError, r"'origins'.*Got \(0, 0, 13\)"),
        ([[0, 0, 0], [-1, 0, 0]], (12, 12, 12), ValueError, r"Got \(-1, 0, 0\)"),
        ([[2**63 - 1, 0, 0]], (12, 12, 12), ValueError, "'origins'"),
        ([[0, 0, 0]], (21, 12, 12), ValueError, r"'window'.*\(20, 22, 24\)"),
        ([], (21, 12, 12), ValueError, r"'window'.*\(20, 22, 24\)"),
        ([[0.5, 0, 0]], (12, 12, 12), ValueError, "'origins'"),
        ([0, 0, 0], (12, 12, 12), ValueError, "'origins'"),
        ([[0, 0]], (12, 12, 12), ValueError, "'origins'"),
        ([[0, 0, 0]], (0, 12, 12), ValueError, "'window'"),
        ([[0, 0, 0]], (12, 12), ValueError, "'window'"),
    ],
)
def test_score_refuses(origins, window, error, text):
    with pytest.raises(error, match=text):
        untrained().score(np.zeros((20, 22, 24)), origins, window)


def test_a_nan_matters_only_inside_a_window():
    volume = np.zeros((20, 22, 24), np.float32)
    volume[19, 21, 23] = np.nan
    assert np.isfinite(untrained().score(volume, [[0, 0, 0]], (12, 12, 12))).all()
    with pytest.raises(spars.NonFiniteError, match="volume"):
        untrained().score(volume, [[8, 10, 12]], (12, 12, 12))


def test_gradients_are_named_and_nothing_changes(rng):
    before = untrained().parameters()
    x = rng.normal(size=(2, *INPUT)).astype(np.float32)
    loss, gradients = untrained().loss_and_gradients(x, [0, 1])
    assert isinstance(loss, float)
    assert loss == pytest.approx(math.log(2), abs=0.2)
    trainable = [name for name in before if "running" not in name]
    assert list(gradients) == trainable
    assert all(gradients[name].shape == before[name].shape for name in trainable)
    after = untrained().parameters()
    assert all(np.array_equal(after[name], before[name]) for name in before)
    # fc5.bias is the head's gradient itself: its two entries sum to zero.
    assert gradients["fc5.bias"].sum() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("labels", [[0], [0, 2], [0, 1, 1], 1, [0.5, 1], ["a", "b"]])
def test_gradients_refuse_other_labels(labels):
    with pytest.raises(ValueError, match="'has_tumour'"):
        untrained().loss_and_gradients(np.zeros((2, *INPUT)), labels)


def test_gradients_refuse_an_empty_batch():
    with pytest.raises(ValueError, match="'has_tumour'"):
        untrained().loss_and_gradients(np.zeros((0, *INPUT)), [])


def test_files_keep_everything(tmp_path):
    classifier = spars.Classifier(INPUT, spars.IntensityWindow(50, 300), seed=9)
    history = train(classifier, epochs=1)
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
        untrained().save(tmp_path / "none" / "w")

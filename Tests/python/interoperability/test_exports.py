"""The classifier in PyTorch and in ONNX Runtime gives the logits that it gives here."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from published_network import Network, lively

import spars

INPUT = (108, 112, 116)
HU = spars.IntensityWindow(40, 350)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(8)
    return lively(Network(INPUT), seed=9).eval()


@pytest.fixture(scope="module")
def classifier(network):
    parameters = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    return spars.Classifier.from_parameters(parameters, INPUT, HU)


@pytest.fixture
def inputs(rng):
    return rng.normal(0, 1, (3, *INPUT)).astype(np.float32)


@pytest.mark.parametrize("ending", ["pth", "pt"])
def test_our_pytorch_file_loads_into_the_published_network(ending, classifier, inputs, tmp_path):
    path = tmp_path / f"weights.{ending}"
    classifier.save(path)
    for options in ({}, {"mmap": True}):
        state = torch.load(path, weights_only=True, **options)
        fresh = Network(INPUT)
        fresh.load_state_dict(state, strict=True)
        assert list(state) == list(fresh.state_dict())
        assert state["bn1.num_batches_tracked"].dtype == torch.int64
        with torch.no_grad():
            logits = fresh.eval()(torch.from_numpy(inputs[:, None])).numpy()
        np.testing.assert_allclose(
            logits, classifier.logits(inputs), atol=1e-4 * np.abs(logits).max()
        )


def test_pytorchs_file_comes_back_with_the_same_logits(network, classifier, inputs, tmp_path):
    torch.save(network.state_dict(), tmp_path / "theirs.pth")
    theirs = spars.Classifier.load(tmp_path / "theirs.pth", INPUT)
    np.testing.assert_array_equal(theirs.logits(inputs), classifier.logits(inputs))
    # There and back again, parameters keep their bits.
    classifier.save(tmp_path / "ours.pth")
    torch.save(torch.load(tmp_path / "ours.pth", weights_only=True), tmp_path / "again.pth")
    again = spars.Classifier.load(tmp_path / "again.pth", INPUT)
    for name, array in again.parameters().items():
        np.testing.assert_array_equal(array, classifier.parameters()[name], err_msg=name)


def exported(classifier, path, **options):
    classifier.save_onnx(path, **options)
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return model, session


@pytest.mark.parametrize("count", [1, 3])
def test_onnx_runtime_gives_our_logits(classifier, inputs, count, tmp_path):
    model, session = exported(classifier, tmp_path / "model.onnx")
    logits, scores = session.run(["logits", "score"], {"x": inputs[:count, None]})
    wanted = classifier.logits(inputs[:count])
    assert np.ptp(wanted) > 0
    np.testing.assert_allclose(logits, wanted, atol=1e-4 * np.abs(wanted).max())
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(wanted[:, 0] - wanted[:, 1])), atol=1e-6)
    metadata = {item.key: item.value for item in model.metadata_props}
    assert metadata["spars.version"] == spars.__version__
    assert json.loads(metadata["spars.input_shape"]) == list(INPUT)
    assert json.loads(metadata["spars.intensity_window"]) == [40, 350]
    assert metadata["spars.input"] == "seen"
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"


def test_the_intensity_window_goes_into_the_graph(classifier, rng, tmp_path):
    model, session = exported(classifier, tmp_path / "model.onnx", intensity_window=True)
    crop = rng.normal(40, 300, (24, 20, 16)).astype(np.float32)
    x = spars.resample(crop, INPUT, "nearest")[None, None]
    (score,) = session.run(["score"], {"x": x})
    wanted = classifier.score(crop, [(0, 0, 0)], crop.shape)
    np.testing.assert_allclose(score, wanted, atol=1e-5)
    assert {item.key: item.value for item in model.metadata_props}["spars.input"] == "HU"


def test_an_export_that_fails_leaves_the_old_file(classifier, tmp_path, monkeypatch):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")

    def refuse(*arguments, **options):
        raise onnx.checker.ValidationError("refused")

    monkeypatch.setattr(onnx.checker, "check_model", refuse)
    with pytest.raises(onnx.checker.ValidationError):
        classifier.save_onnx(path)
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["model.onnx"]
    monkeypatch.undo()
    with pytest.raises(FileNotFoundError):
        classifier.save_onnx(tmp_path / "none" / "model.onnx")

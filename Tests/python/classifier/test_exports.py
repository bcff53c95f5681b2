"""Writing the classifier for others, as far as it goes without their libraries."""

import sys
import zipfile

import numpy as np
import pytest

import spars

INPUT = (108, 108, 108)


@pytest.fixture(scope="module")
def classifier():
    return spars.Classifier(INPUT, spars.IntensityWindow(40, 400), seed=4)


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth", "w.PT"])
def test_every_format_keeps_everything(classifier, name, tmp_path):
    classifier.save(tmp_path / name)
    loaded = spars.Classifier.load(tmp_path / name)
    assert loaded.input_shape == INPUT
    assert loaded.intensity_window == classifier.intensity_window
    for key, array in loaded.parameters().items():
        np.testing.assert_array_equal(array, classifier.parameters()[key], err_msg=key)
    assert zipfile.is_zipfile(tmp_path / name) == (not name.endswith("safetensors"))


def test_a_pytorch_file_is_a_sound_archive(classifier, tmp_path):
    classifier.save(tmp_path / "w.pth")
    with zipfile.ZipFile(tmp_path / "w.pth") as archive:
        assert archive.testzip() is None
        assert archive.read("archive/version") == b"3\n"
        assert len([name for name in archive.namelist() if "/data/" in name]) == 38


def test_onnx_without_its_library_says_which_extra(classifier, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'spars\[onnx\]'"):
        classifier.save_onnx(tmp_path / "w.onnx")
    assert not list(tmp_path.iterdir())


def test_bad_parameters_of_save_onnx_are_named(classifier, tmp_path):
    bare = spars.Classifier(INPUT)
    with pytest.raises(ValueError, match="'intensity_window' parameter of save_onnx"):
        bare.save_onnx(tmp_path / "w.onnx", intensity_window=True)
    with pytest.raises(TypeError, match="'intensity_window' parameter of save_onnx"):
        bare.save_onnx(tmp_path / "w.onnx", intensity_window=1)
    with pytest.raises(TypeError, match="'path' parameter of save_onnx"):
        bare.save_onnx(7)

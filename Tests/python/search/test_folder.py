"""A segmentation in a folder: what comes back, and what is refused."""

import csv
import json
import sys

import numpy as np
import pytest

import spars

AFFINE = np.array([[0, -2.0, 0, 10], [1.5, 0, 0, -7], [0, 0, 3.0, 5], [0, 0, 0, 1]])


@pytest.fixture
def scan(rng):
    array = rng.normal(100, 3, (14, 12, 10)).astype(np.float32)
    array[3:6, 4:7, 2:5] = 10
    array[10:13, 8:11, 6:9] = 20
    return spars.Volume(array, AFFINE)


@pytest.fixture
def found(scan):
    def dark(crops):
        return np.clip((100.0 - crops.mean(axis=(1, 2, 3))) / 100.0, 0.0, 1.0)

    return spars.segment(
        scan, dark, method="exhaustive", window=(3, 3, 3), grid=None, stride=1,
        segmentation_threshold=0.3,
    )  # fmt: skip


def test_a_folder_brings_back_what_was_saved(scan, found, tmp_path):
    found.save(tmp_path / "result")
    assert sorted(path.name for path in (tmp_path / "result").iterdir()) == [
        "lesions.csv", "mask.nii.gz", "score_map.nii.gz", "segmentation.json",
    ]  # fmt: skip
    assert len(found.lesions) == 2
    for volume in (None, scan):
        again = spars.Segmentation.load(tmp_path / "result", volume)
        assert np.array_equal(again.mask, found.mask)
        assert np.array_equal(again.score_map, found.score_map)
        assert again.lesions == found.lesions
        assert again.configuration == json.loads(json.dumps(found.configuration))
        assert np.allclose(again.volume.affine, AFFINE)
        assert repr(again) == repr(found)
        assert np.isnan(again.volume.array).all() == (volume is None)
        with pytest.raises(ValueError, match="not kept in a folder"):
            again.why(0, 0, 0)
        # What was loaded can be saved again, into the same folder too.
        again.save(tmp_path / "result")
    told = json.loads((tmp_path / "result/segmentation.json").read_text())
    assert told["configuration"]["classifier"]["kind"] == "callable"
    assert told["configuration"]["versions"]["spars"] == spars.__version__
    with open(tmp_path / "result/lesions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["volume_ml"]) for row in rows] == pytest.approx(
        [lesion.volume for lesion in found.lesions], abs=1e-4
    )
    assert np.array_equal(spars.load(tmp_path / "result/mask.nii.gz").array, found.mask)


def test_other_files_and_other_scans_are_refused(scan, found, tmp_path):
    found.save(tmp_path)
    with pytest.raises(ValueError, match="'volume' parameter of load must be the scan"):
        spars.Segmentation.load(tmp_path, scan.array + 1)
    spars.save(tmp_path / "mask.nii.gz", 1 - found.mask, like=scan)
    with pytest.raises(spars.FormatError, match=r"mask\.nii\.gz: its values are not those"):
        spars.Segmentation.load(tmp_path)
    for text in ("", "[]", '{"format": "other", "configuration": {}, "sha256": {}, "lesions": []}'):
        (tmp_path / "segmentation.json").write_text(text)
        with pytest.raises(spars.FormatError, match="spars segmentation 1"):
            spars.Segmentation.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        spars.Segmentation.load(tmp_path / "absent")
    found.save(tmp_path)
    whole = json.loads((tmp_path / "segmentation.json").read_text())
    for wrong in ({"recipe": 5}, {"recipe": {"presence_slope": "x"}}, {"search": 5}, {"method": 1}):
        text = whole | {"configuration": whole["configuration"] | wrong}
        (tmp_path / "segmentation.json").write_text(json.dumps(text))
        with pytest.raises(spars.FormatError, match="spars segmentation 1"):
            spars.Segmentation.load(tmp_path)
    for name in ("mask.png", "mask.npz", "mask.nrrd"):
        with pytest.raises(ValueError, match=r"\.nii"):
            found.save(tmp_path / name)
    assert not (tmp_path / "mask.png").exists()


@pytest.mark.parametrize(
    ("name", "library", "extra"),
    [("a.seg.nrrd", "SimpleITK", "images"), ("a.dcm", "highdicom", "dicom")],
)
def test_a_missing_library_is_named_with_its_extra(
    found, tmp_path, monkeypatch, name, library, extra
):
    monkeypatch.setitem(sys.modules, library, None)
    source = {"source": tmp_path} if name == "a.dcm" else {}
    with pytest.raises(ImportError, match=rf"needs {library}.*spars\[{extra}\]"):
        found.save(tmp_path / name, **source)

"""A segmentation in a folder: what comes back, and what is refused."""

import csv
import hashlib
import json
import sys

import numpy as np
import pytest

import spars
from spars.command import cli
from spars.command.describing import describe

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


def test_files_say_where_they_came_from(scan, found, tmp_path):
    found.save(tmp_path / "result")
    found.save(tmp_path / "mask.nii.gz")
    found.save_score_map(tmp_path / "map.nii")
    sidecar = json.loads((tmp_path / "result/segmentation.json").read_text())
    plain = json.dumps(sidecar["configuration"], sort_keys=True, separators=(",", ":"))
    told = {
        "spars": spars.__version__,
        "configuration_sha256": hashlib.sha256(plain.encode()).hexdigest(),
        "input_sha256": hashlib.sha256(scan.array.tobytes()).hexdigest(),
    }
    for path, beside in (
        ("result/mask.nii.gz", "segmentation.json"),
        ("result/score_map.nii.gz", "segmentation.json"),
        ("mask.nii.gz", None),
        ("map.nii", None),
    ):
        shown = describe(str(tmp_path / path))
        assert shown["provenance"] == told | {"sidecar": beside}
        assert "comments" not in shown
    for path in ("mask.nii.gz", "result/mask.nii.gz"):
        assert np.array_equal(spars.load(tmp_path / path).array, found.mask)


def test_info_describes_the_folder(found, tmp_path, capsys):
    found.save(tmp_path / "result")
    assert cli.main(["info", str(tmp_path / "result"), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["format"] == "spars segmentation 1"
    assert shown["method"] == "exhaustive"
    assert shown["lesions"] == 2
    assert shown["volume_ml"] == pytest.approx(found.millilitres)
    assert "mask.nii.gz" in shown["files"]
    assert cli.main(["info", str(tmp_path / "result")]) == 0
    assert "segmentation_threshold" in capsys.readouterr().out
    (tmp_path / "result/segmentation.json").write_text("{}")
    assert cli.main(["info", str(tmp_path / "result")]) == 1
    assert "not a file of the format" in capsys.readouterr().err
    assert cli.main(["info", str(tmp_path)]) == 1
    assert "neither segmentation.json nor DICOM files" in capsys.readouterr().err


def test_other_comments_are_shown_as_they_are(tmp_path):
    spars.save(tmp_path / "a.nii", np.zeros((2, 2, 2)), comment="[1, 2]")
    assert describe(str(tmp_path / "a.nii"))["comments"] == ["[1, 2]"]

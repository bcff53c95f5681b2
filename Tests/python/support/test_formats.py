"""An ending that names another format is refused, and content says what a file is."""

import gzip
import io
import json
import zipfile

import numpy as np
import pytest

import spars
from spars import report
from spars._support.formats import format_of
from spars.command import cli

SCAN = np.zeros((12, 12, 12), np.float32)


def half(crops):
    """Score every crop the same."""
    return np.full(len(crops), 0.5)


def play(path, **options):
    return spars.self_play(
        SCAN, half, iterations=1, window=(6, 6, 6), grid=None, n_steps=8, checkpoint=path, **options
    )


@pytest.fixture(scope="module")
def writers():
    """What writes to a path, by the ending that is its own."""
    axes = [np.arange(0, 8, 4)] * 3
    classifier = spars.Classifier((108,) * 3)
    run = play(None)
    found = spars.segment(
        SCAN, half, method="exhaustive", window=(6, 6, 6), grid=None, segmentation_threshold=0.9
    )
    scans = spars.datasets.phantoms(2, shape=(32, 28, 24))

    def train(path):
        spars.Classifier((108,) * 3).fit(
            scans, window=(16, 14, 12), grid=None, epochs=1, steps_per_epoch=1, crops_per_scan=2,
            checkpoint=path,
        )  # fmt: skip

    return [
        (".nii", lambda path: spars.save(path, SCAN)),
        (".nii.gz", found.save),
        (".nii", found.save_score_map),
        (".safetensors", classifier.save),
        (".pth", classifier.save),
        (".npz", run.save),
        (".npz", run.agent().save),
        (".zip", run.agent().save),
        (".npz", spars.League.of(run).save),
        (".npz", spars.ScoreAtlas(np.zeros((2, 2, 2)), axes, (4, 4, 4), (8, 8, 8)).save),
        (".npz", play),
        (".npz", train),
        (".html", lambda path: report.write_report(path, found, title="a report")),
    ]  # fmt: skip


def test_another_formats_ending_is_refused(writers, tmp_path):
    for index, (own, write) in enumerate(writers):
        for ending in (".onnx", ".png", ".CSV", ".mha", ".pkl"):
            with pytest.raises(ValueError, match=rf"end(ing)? in .*Got .*\{ending}"):
                write(tmp_path / f"{index}{ending}")
        assert not list(tmp_path.glob(f"{index}.*"))
        write(tmp_path / f"{index}{own}")
        assert (tmp_path / f"{index}{own}").stat().st_size > 0
    # Before the library is asked for.
    with pytest.raises(ValueError, match="'path' parameter of save_onnx must end in .onnx"):
        spars.Classifier((108,) * 3).save_onnx(tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    "arguments",
    [
        ["segment", "s.nii", "--region", "r.nii", "-o", "m.nii", "--report", "w.safetensors"],
        ["segment", "s.nii", "--region", "r.nii", "-o", "m.nii", "--lesions", "w.json"],
        ["segment", "s.nii", "--region", "r.nii", "-o", "m.nii", "--checkpoint", "w.nii.gz"],
        ["train", "--phantoms", "2", "-o", "w.safetensors", "--history", "w.csv"],
        ["train", "--phantoms", "2", "-o", "w.safetensors", "--checkpoint", "w.pth"],
        ["study", "results", "s", "--csv", "w.npz"],
        ["league", "r.npz", "s.nii", "--classifier", "c.pth", "--picture", "w.pdf"],
        ["league", "r.npz", "s.nii", "--classifier", "c.pth", "--output", "w.zip"],
    ],
)  # fmt: skip
def test_the_command_refuses_before_it_works(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 1
    assert "must end in ." in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def archive(*names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in names:
            file.writestr(name, b"")
    return buffer.getvalue()


NIFTI = (348).to_bytes(4, "little") + bytes(340) + b"n+1\0" + bytes(4)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (NIFTI, "NIfTI"),
        (gzip.compress(NIFTI), "NIfTI"),
        (gzip.compress(b"text"), "gzip"),
        (b"NRRD0004\ntype: short\n", "NRRD"),
        (b"ObjectType = Image\nNDims = 3\n", "MetaImage"),
        (bytes(128) + b"DICM" + bytes(64), "DICOM"),
        (b"PK\x05\x06" + bytes(18), "zip"),
        (archive("weights/data.pkl", "weights/data/0"), "PyTorch"),
        (archive("data", "policy.pth", "pytorch_variables.pth"), "stable-baselines3"),
        (archive("a.npy"), "NumPy"),
        (archive("a.txt"), "zip"),
        (b"\x80\x02}q\x00.", "pickle"),
        (b'{"a": 1}', "JSON"),
        (b"<!DOCTYPE html><p>", "HTML"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\x1f\x8b", "gzip"),
        (b"", ""),
        (b"text", ""),
        (bytes(range(256)), ""),
    ],
)
def test_content_says_what_a_file_is(tmp_path, content, expected, capsys):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert format_of(path) == expected
    if expected in ("", "zip", "NRRD", "DICOM"):
        assert cli.main(["info", str(path)]) == (0 if expected else 1)
        shown = capsys.readouterr()
        assert (expected or "no format that spars knows") in shown.out + shown.err


def test_info_names_what_spars_wrote(writers, tmp_path, capsys):
    names = {
        ".nii": "NIfTI-1", ".nii.gz": "NIfTI-1", ".safetensors": "safetensors, a classifier",
        ".pth": "PyTorch, a classifier", ".zip": "stable-baselines3", ".html": "HTML",
    }  # fmt: skip
    told = []
    for index, (ending, write) in enumerate(writers):
        path = tmp_path / f"{index}{ending}"
        write(path)
        assert cli.main(["info", str(path), "--json"]) == 0, capsys.readouterr()
        found = json.loads(capsys.readouterr().out)["format"]
        if ending in names:
            assert found == names[ending]
        else:
            told.append(found)
        assert cli.main(["info", str(path)]) == 0
        assert found in capsys.readouterr().out
    assert told == [
        "spars self-play 1", "spars PPO 1", "spars league 1", "NumPy, a spars.ScoreAtlas",
        "spars self-play 1", "spars-training-2",
    ]  # fmt: skip


def test_info_of_weights_of_something_else(tmp_path, capsys):
    path = tmp_path / "weights.safetensors"
    header = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    assert cli.main(["info", str(path)]) == 1
    assert "a file of safetensors, and no classifier of spars" in capsys.readouterr().err
    path.write_bytes(path.read_bytes()[:20])
    assert cli.main(["info", str(path)]) == 1
    assert "weights.safetensors" in capsys.readouterr().err

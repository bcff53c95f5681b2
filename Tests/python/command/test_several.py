"""`spars segment` of several scans or a folder: a mask and a row of the table for each."""

import csv
import json
import os
import shutil

import numpy as np
import pytest

import spars
from spars.command import cli

FOUND = [str(number) for number in range(3)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three scans with livers, one without, one that cannot be read; references of two."""
    folder = tmp_path_factory.mktemp("several")
    for name in ("scans", "livers", "references"):
        (folder / name).mkdir()
    for number in range(3):
        made = spars.phantom(number, shape=(48, 40, 32))
        spars.save(folder / f"scans/{number}.nii.gz", made.volume)
        # Paired by name, whatever the ending.
        spars.save(folder / f"livers/{number}.nii", made.liver * np.uint8(3), like=made.volume)
        spars.save(folder / f"references/{number}.nii.gz", made.tumour, like=made.volume)
    spars.save(folder / "scans/alone.nii.gz", made.volume)
    (folder / "scans/broken.nii.gz").write_bytes(b"no scan")
    (folder / "scans/.hidden.nii.gz").write_bytes(b"no scan")
    (folder / "scans/notes.txt").write_text("no scan")
    return folder


def segment(*arguments):
    return cli.main(["segment", *map(str, arguments)])


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_folder_gives_masks_and_a_table_and_what_fails_leaves_the_others(
    folder, tmp_path, capsys
):
    output = tmp_path / "masks"
    options = ("--region", folder / "livers", "--region-value", 3, "--method", "intensity")
    assert segment(folder / "scans", *options, "-o", output) == 1
    rows = rows_of(output / "summary.csv")
    assert [row["scan"].rpartition("/")[2] for row in rows] == [
        "0.nii.gz", "1.nii.gz", "2.nii.gz", "alone.nii.gz", "broken.nii.gz",
    ]  # fmt: skip
    assert [bool(row["error"]) for row in rows] == [False] * 3 + [True] * 2
    assert "no file has the name of alone.nii.gz" in rows[3]["error"]
    assert sorted(path.name for path in output.iterdir()) == [
        "0.nii.gz", "1.nii.gz", "2.nii.gz", "summary.csv",
    ]  # fmt: skip
    for row in rows[:3]:
        scan = spars.load(row["scan"])
        liver = spars.load(str(folder / f"livers/{row['mask'][-8]}.nii"))
        found = spars.segment(
            scan, None, method="intensity", region=liver, region_value=3, recipe=None
        )
        mask = spars.load(row["mask"])
        assert np.array_equal(mask.array, found.mask)
        assert np.array_equal(mask.affine, scan.affine)
        assert float(row["volume_ml"]) == pytest.approx(found.millilitres, abs=1e-4)
        assert int(row["lesions"]) == len(found.lesions)
        longest = max(one.diameter for one in found.lesions)
        assert float(row["longest_diameter_mm"]) == pytest.approx(longest, abs=1e-4)
        assert float(row["seconds"]) > 0
    shown = capsys.readouterr()
    assert "3 of 5 scans segmented" in shown.out
    assert shown.err.count("spars: error: ") == 2


def test_several_files_and_references(folder, tmp_path, capsys):
    scans = [folder / f"scans/{name}.nii.gz" for name in FOUND]
    options = ("--region", folder / "livers", "--region-value", 3, "--method", "intensity")
    references = ("--reference", folder / "references")
    assert segment(*scans, *options, *references, "-o", tmp_path, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["failed"] == 0
    for row, name in zip(result["scans"], FOUND, strict=True):
        expected = spars.metrics.dice(row["mask"], folder / f"references/{name}.nii.gz")
        assert row["dice"] == pytest.approx(expected)
    # One scan into a folder, whose region may be a file.
    one = ("--region", folder / "livers/0.nii", *options[2:], "-o", tmp_path / "one")
    (tmp_path / "one").mkdir()
    assert segment(scans[0], *one) == 0
    assert [row["error"] for row in rows_of(tmp_path / "one/summary.csv")] == [""]


def test_a_label_that_no_region_holds_is_told(folder, tmp_path, capsys):
    region = ("--region", folder / "livers/0.nii", "--region-value", 3, 99)
    options = ("--method", "intensity", *region, "-o", tmp_path / "mask.nii.gz")
    assert segment(folder / "scans/0.nii.gz", *options) == 0
    assert "spars: warning: The 'region' parameter of spars holds no label 99." in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("name", ["region", "reference"])
def test_one_scan_takes_no_folder_of_masks(folder, tmp_path, capsys, name):
    options = ("--method", "intensity", "--classifier", "w", f"--{name}", folder / "livers")
    assert segment(folder / "scans/0.nii.gz", *options, "-o", tmp_path / "mask.nii.gz") == 1
    told = capsys.readouterr().err
    assert f"{folder / 'livers'}: --{name} of one scan must be a file" in told
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["scans", "-o", "masks.nii.gz"], "--output must be a folder"),
        (["scans", "-o", "scans/notes.txt"], "--output must be a folder"),
        (["scans", "-o", "scans"], "--output would overwrite the scan"),
        (["scans", "-o", "livers", "--region", "livers"], "--output would overwrite --region"),
        (["scans", "-o", "m", "--region", "livers/0.nii"], "--region of several scans must be a"),
        (["scans", "-o", "m", "--report", "r.html"], "--report is of one scan"),
        (["scans", "scans", "-o", "m"], "would both be written to"),
        (["scans/0.nii.gz", "livers/0.nii", "-o", "m"], "would both be written to"),
        (["empty", "-o", "m"], "no file in it ends in .nii.gz"),
    ],
)
def test_what_cannot_be_is_refused_before_the_work(folder, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(folder)
    (folder / "empty").mkdir(exist_ok=True)
    assert segment(*arguments, "--method", "intensity", "--classifier", "w") == 1
    assert message in capsys.readouterr().err
    assert not (folder / "m").exists()


def test_a_name_that_is_no_utf8_is_one_of_the_others(folder, tmp_path):
    scans, livers = tmp_path / "scans", tmp_path / "livers"
    for kind, source in ((scans, "scans/0.nii.gz"), (livers, "livers/0.nii")):
        kind.mkdir()
        for name in (b"a", b"b\xff<i>", b"c"):
            ending = b".nii.gz" if kind == scans else b".nii"
            shutil.copy(folder / source, os.path.join(os.fsencode(kind), name + ending))
    output = tmp_path / "masks"
    assert segment(scans, "--region", livers, "--region-value", 3, "--method", "intensity",
                   "-o", output) == 0  # fmt: skip
    rows = rows_of(output / "summary.csv")
    assert [bool(row["error"]) for row in rows] == [False] * 3
    assert rows[1]["scan"].endswith("b\\udcff<i>.nii.gz")
    assert len(os.listdir(output)) == 4

"""An audit finds what would spoil a training, and says nothing of a sound dataset."""

import numpy as np
import pytest

import spars
from spars import datasets
from spars.command import cli

SHAPE = (8, 9, 10)


@pytest.fixture
def scan(rng):
    return rng.uniform(-1000, 300, SHAPE).astype(np.float32)


def case(name, array, mask=None, has_tumour=True, affine=None, organ=None, group=None):
    affine = np.diag([1.5, 1.5, 3, 1]) if affine is None else affine
    return datasets.Case(
        name, has_tumour, lambda: spars.Volume(array, affine),
        None if mask is None else lambda: mask, None,
        None if organ is None else lambda: organ, group,
    )  # fmt: skip


def kinds(audit):
    return [(finding.kind, finding.is_fault) for finding in audit.findings]


def test_a_sound_dataset_has_nothing_to_say_of(scan):
    mask = np.zeros(SHAPE, np.uint8)
    mask[0, 0, 0] = 2
    found = datasets.Dataset([case("a", scan, mask), case("b", scan[::-1], has_tumour=False)])
    audit = found.audit()
    assert audit.findings == ()
    assert audit.scans[0]["spacing"] == (1.5, 1.5, 3)
    assert [row["has_mask"] for row in audit.scans] == [True, False]
    assert "2 scans, 0 faults, 0 notes." in audit.table()
    assert "part" not in audit.table()


def test_each_fault_is_found(scan, rng):
    empty, moved = np.zeros(SHAPE, np.uint8), np.eye(4)
    moved[0, 3] = 20
    broken = scan.copy()
    broken[1, 2, 3] = np.nan
    wrong = {
        ("label", True): case("a", scan, has_tumour=None),
        ("mask", True): case("a", scan, spars.Volume(empty, moved)),
        ("organ", True): case("a", scan, organ=empty),
        ("HU", True): case("a", rng.uniform(0, 1, SHAPE)),
        ("HU", False): case("a", rng.uniform(-100, 200, SHAPE)),
        ("spacing", False): case("a", scan, affine=np.eye(4)),
        ("unreadable", True): datasets.Case("a", True, lambda: "gone.nii"),
    }
    for expected, one in wrong.items():
        assert kinds(datasets.Dataset([one]).audit()) == [expected], expected
    contradicted = datasets.Dataset([case("a", scan, empty, has_tumour=True)]).audit()
    assert "has_tumour is True, and its mask shows none" in contradicted.faults[0].text
    assert kinds(datasets.Dataset([case("a", broken)]).audit()) == [("HU", True)]
    assert "1 voxels are NaN" in datasets.Dataset([case("a", broken)]).audit().faults[0].text
    offset = datasets.Dataset([case("a", scan + 1024)]).audit()
    assert "without their offset" in offset.faults[0].text
    label = datasets.Dataset([case("a", scan, np.full(SHAPE, 3, np.uint8))])
    assert kinds(label.audit()) == [("label", True)]
    assert kinds(label.audit(reference_value=[3])) == []
    small = datasets.Dataset([case("a", scan, np.zeros((2, 2, 2), np.uint8), has_tumour=False)])
    assert "the mask's shape is (2, 2, 2)" in small.audit().faults[0].text


def test_thick_and_odd_spacings_are_noted(scan):
    thick = case("thick", scan, affine=np.diag([1.5, 1.5, 10, 1]))
    others = [case(str(i), np.roll(scan, i + 1), affine=np.diag([1.5, 1.5, 3, 1])) for i in (0, 1)]
    found = datasets.Dataset([*others, thick]).audit()
    assert [finding.text for finding in found.findings] == [
        "thick: voxels are 10.0 mm long: small lesions are lost in them.",
        "thick: voxels of 1.5 x 1.5 x 10 mm, where the scans' median is 1.5 x 1.5 x 3.",
    ]


def test_twins_and_leaks_are_told_apart(scan):
    one, twin = case("one", scan, group="p"), case("twin", scan, group="p")
    stranger = case("stranger", scan, group="q")
    kin = case("kin", scan[::-1], group="p")
    assert kinds(datasets.Dataset([one, twin]).audit()) == [("duplicate", True)]
    assert "in the groups 'p', 'q'" in datasets.Dataset([one, stranger]).audit().faults[0].text
    assert kinds(datasets.Dataset([one]).audit([stranger])) == [("leak", True)]
    between = datasets.Dataset([one]).audit([kin])
    assert between.faults[0].text == "The group 'p' is in training and held out."
    assert between.faults[0].scans == ("one", "kin")
    assert kinds(datasets.Dataset([one, kin]).audit()) == []
    unlike = datasets.Dataset([one, case("unlike", scan, has_tumour=False, group="p")]).audit()
    assert "with different labels" in unlike.faults[0].text


def test_progress_counts_both_parts(scan):
    told = []
    dataset = datasets.Dataset([case("a", scan)])
    dataset.audit([case("b", scan[::-1])], progress=lambda done, planned: told.append(done))
    assert told == [1, 2]


def test_the_command_ends_with_one_where_there_is_a_fault(scan, tmp_path, capsys):
    for name, values in (("a", scan), ("b", scan[::-1]), ("c", scan)):
        spars.save(tmp_path / f"{name}.nii", spars.Volume(values, np.diag([1, 1, 2, 1])))
    table, other = tmp_path / "t.csv", tmp_path / "o.csv"
    table.write_text("image,has_tumour,group\na.nii,1,p\nb.nii,0,q\n")
    other.write_text("image,has_tumour,group\nc.nii,1,r\n")
    assert cli.main(["audit", "--csv", str(table)]) == 0
    assert "2 scans, 0 faults, 0 notes." in capsys.readouterr().out
    assert cli.main(["audit", "--csv", str(table), "--held-out-csv", str(other), "--json"]) == 1
    shown = capsys.readouterr().out
    assert '"kind": "leak"' in shown
    assert '"failed": 1' in shown
    assert cli.main(["audit", "--csv", str(table), "--held-out", "3"]) == 1
    assert "range [0, 2]. Got 3" in capsys.readouterr().err

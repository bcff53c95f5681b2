"""The benchmark of masks: numbers that can be checked by hand, and the command."""

import json
import math

import numpy as np
import pytest

import spars
from spars.command.cli import main
from spars.study.benchmark import Benchmark, benchmark, with_made_lesions

RECIPE = spars.Recipe.of_organ(4.0, (6, 6, 6), margin=8.0, stride=4, segmentation_threshold=0.5)


def row(case, method, tumour, found, both, patient=None, probability=None):
    total = tumour + found
    return {
        "case": case, "patient": patient or case, "method": method, "tumour_ml": tumour,
        "found_ml": found, "both_ml": both, "dice": 2 * both / total if tumour else math.nan,
        "surface_dice": 0.5 if tumour else math.nan, "false_ml": found - both,
        "lesions": {"over 5 ml": [1, 1], "1 to 5 ml": [0, 2], "up to 1 ml": [0, 0]},
        "probability": probability, "seconds": 1.0,
    }  # fmt: skip


@pytest.fixture
def measured():
    rows = []
    for method, both, chance in (("classifier", 8.0, 0.9), ("intensity", 4.0, None)):
        rows += [
            row("a1", method, 10.0, 10.0, both, "a", chance),
            row("a2", method, 10.0, 10.0, both - 2, "a", chance),
            row("b", method, 20.0, 20.0, 2 * both, probability=chance),
            row("free", method, 0.0, 3.0, 0.0, probability=chance and 0.2),
            row("free too", method, 0.0, 1.0, 0.0, probability=chance),
        ]
    return Benchmark(tuple(rows), ("classifier", "intensity"))


def test_a_patient_counts_once(measured):
    assert measured.by_patient("classifier", "over 5 ml") == {"a": 0.7, "b": 0.8}
    assert measured.by_patient("classifier", "1 to 5 ml") == {}


def test_the_difference_is_paired_by_patient(measured):
    mean, low, high = measured.difference("classifier", "over 5 ml")
    assert mean == pytest.approx(0.4)
    assert low == pytest.approx(0.4)
    assert high == pytest.approx(0.4)
    assert all(math.isnan(value) for value in measured.difference("classifier", "1 to 5 ml"))


def test_the_summary_is_what_the_rows_say(measured):
    found = measured.summary("classifier")
    assert found["over 5 ml"]["dice"] == pytest.approx(0.75)
    assert found["over 5 ml"]["lesions"] == [5, 5]
    assert found["1 to 5 ml"]["lesions"] == [0, 10]
    # 8 + 6 + 16 ml of 40 found, 4 of them without tumour, and 40.
    assert found["pooled_dice"] == pytest.approx(2 * 30 / 84)
    assert found["false_ml"] == [3.0, 1.0]
    # Against 0.2 all three are higher, against 0.9 all are equal.
    assert found["roc_auc"] == pytest.approx(0.75)
    assert math.isnan(measured.summary("intensity")["roc_auc"])
    table = measured.table()
    assert "0.750 (2), +0.400 (+0.400 to +0.400)" in table
    assert "| 2.0, 3.0 |" in table
    assert {line.count("|") for line in table.splitlines()} == {11}


@pytest.fixture(scope="module")
def livers():
    found = []
    for seed in range(2):
        made = spars.phantom(
            seed=seed, shape=(46, 42, 32), spacing=(5.9, 5.7, 5.8), noise=6.0, has_tumour=False
        )
        found.append(
            spars.datasets.Case(
                f"liver {seed}", False, lambda made=made: made.volume,
                load_organ=lambda made=made: made.liver,
            )
        )  # fmt: skip
    return found


@pytest.fixture(scope="module")
def classifier():
    made = spars.Classifier((108, 108, 108), spars.IntensityWindow(100, 180), seed=3)
    made.recipe = RECIPE
    return made


def test_made_lesions_are_measured_against_what_was_made(livers, classifier):
    law = spars.lesions.LesionLaw(radius=(15.0, 20.0), dark=(60, 80), bright_chance=0.0)
    cases = with_made_lesions(livers, law, seed=4)
    assert [case.has_tumour for case in cases] == [False, True]
    mask = cases[1].load_mask()
    assert set(np.unique(mask)) == {0, 2}
    told = []
    methods = ["classifier", "intensity", "unrefined", "absolute HU", "random weights"]
    found = benchmark(
        cases, classifier, methods=methods, seed=3, progress=lambda *step: told.append(step)
    )
    assert told == [(number + 1, 10) for number in range(10)]
    rows = {(one["case"], one["method"]): one for one in found.rows}
    name = cases[1].name
    tumour = (mask == 2).astype(np.uint8)
    by_hand = spars.intensity_mask(cases[1].load(), cases[1].load_organ())
    rival = rows[name, "intensity"]
    assert rival["dice"] == spars.metrics.dice(by_hand, tumour)
    assert rival["dice"] > 0.3
    assert rival["tumour_ml"] == pytest.approx(tumour.sum() * 5.9 * 5.7 * 5.8 / 1000)
    assert rows["liver 0", "intensity"]["tumour_ml"] == 0
    assert math.isnan(rows["liver 0", "intensity"]["dice"])
    # The same seed makes the same weights.
    own, other = rows[name, "classifier"], rows[name, "random weights"]
    assert {**own, "method": 0, "seconds": 0} == {**other, "method": 0, "seconds": 0}
    json.dumps(found.to_dict())


def test_what_cannot_be_measured_is_refused(livers, classifier):
    with pytest.raises(TypeError, match="whose recipe has a spacing"):
        benchmark(livers, spars.Classifier((108, 108, 108)))
    with pytest.raises(ValueError, match="'methods' parameter of benchmark"):
        benchmark(livers, classifier, methods=["best"])
    with pytest.raises(ValueError, match="'dataset' parameter of benchmark"):
        benchmark([], classifier)
    case = livers[0]
    with pytest.raises(ValueError, match="no organ"):
        benchmark([spars.datasets.Case("x", False, case.load)], classifier)
    unknown = spars.datasets.Case("x", True, case.load, load_organ=case.load_organ)
    with pytest.raises(ValueError, match="no reference"):
        benchmark([unknown], classifier, methods=["intensity"])
    with pytest.raises(ValueError, match="a tumour-free scan"):
        with_made_lesions([unknown])


def test_the_command_measures_files(livers, tmp_path, capsys):
    lines = ["image,has_tumour,mask,organ"]
    cases = with_made_lesions(livers, spars.lesions.LesionLaw(radius=(15.0, 20.0)), seed=4)
    for number, case in enumerate(cases):
        scan = case.load()
        mask = case.load_mask()
        mask = np.zeros(scan.shape, np.uint8) if mask is None else mask
        for kind, array in (("scan", scan), ("mask", mask), ("organ", case.load_organ())):
            spars.save(tmp_path / f"{kind}{number}.nii.gz", array, like=scan)
        files = (f"{kind}{number}.nii.gz" for kind in ("mask", "organ"))
        lines.append(",".join([f"scan{number}.nii.gz", str(number), *files]))
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    output = tmp_path / "found.json"
    code = main(
        ["benchmark", "--csv", str(tmp_path / "labels.csv"), "--methods", "intensity",
         "--output", str(output)]
    )  # fmt: skip
    assert code == 0
    text = capsys.readouterr().out
    assert text.startswith("| method | Dice, over 5 ml")
    found = json.loads(output.read_text())
    assert [one["case"] for one in found["rows"]] == ["scan0.nii.gz", "scan1.nii.gz"]
    assert found["rows"][1]["tumour_ml"] > 0
    assert found["versions"]["spars"] == spars.__version__

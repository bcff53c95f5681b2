"""The published repository's studies as settings."""

import json

import numpy as np
import pytest

import spars
from spars import studies
from spars.command import cli
from spars.study.studies import STUDIES, Setting, run_study
from spars.volume.datasets import Case

SHAPE = (28, 26, 24)
SMALL = {"input_shape": (108, 108, 108), "grid": SHAPE, "epochs": 1, "iterations": 2}


def case(number):
    rng = np.random.default_rng(number)
    mask = np.zeros(SHAPE, np.uint8)
    mask[4:24, 4:22, 4:20] = 1
    if number % 2:
        mask[8:16, 8:15, 8:14] = 2
    volume = (rng.normal(0, 10, SHAPE) + 100 - 80 * (mask == 2)).astype(np.float32)
    return Case(f"case {number}", bool(number % 2), lambda: volume, lambda: mask)


CASES = [case(number) for number in range(8)]
SETTINGS = tuple(
    Setting(f"{scans} scans", training_scans=scans, window=(8, 8, 6)) for scans in (4, 6)
)


def test_the_studies_are_those_of_the_published_repository():
    assert STUDIES["main"] == (Setting("main run", 24, (48, 48, 24), 0.3),)
    assert [s.training_scans for s in STUDIES["training_sizes"]] == [8, 12, 16, 20, 24]
    thresholds = STUDIES["termination_thresholds"]
    assert [s.termination_threshold for s in thresholds] == [0.2, 0.3, 0.4, 0.5, 0.6]
    assert {s.window for s in thresholds} == {(64, 64, 32)}
    assert [s.window for s in STUDIES["window_sizes"]] == [
        (8, 8, 8), (16, 16, 8), (32, 32, 16), (48, 48, 24), (64, 64, 32)
    ]  # fmt: skip


def test_each_setting_trains_on_its_scans_and_segments_the_held_out_ones():
    reports = []
    results = run_study(
        SETTINGS,
        CASES[:7],
        held_out=CASES[7:],
        protocol="paper",
        progress=lambda done, planned: reports.append((done, planned)),
        **SMALL,
    )
    assert reports == [(1, 2), (2, 2)]
    for setting, result in zip(SETTINGS, results, strict=True):
        alone = spars.Classifier(input_shape=SMALL["input_shape"], seed=0)
        scans = setting.training_scans
        history = alone.fit(
            CASES[:scans], CASES[scans:7], window=setting.window, grid=SHAPE, epochs=1, seed=0
        )
        found = spars.segment(
            CASES[7].load(), alone, window=setting.window, grid=SHAPE, iterations=2, seed=0
        )
        assert result.setting == setting
        assert result.experiment.rows[0]["case"] == "case 7"
        assert result.experiment.rows[0]["dice"] == found.dice(CASES[7].load_mask() == 2)
        np.testing.assert_equal(result.validation, history.epochs[-1]["validation"])
    lines = studies.table(results).splitlines()
    assert len(lines) == 4
    assert lines[2].startswith("| 4 scans | ")


def test_the_published_protocol_reports_the_first_training_scan_over_iterations():
    classifier = spars.Classifier(input_shape=SMALL["input_shape"], seed=3)
    settings = (Setting("one", window=(8, 8, 6), termination_threshold=1.0),)
    [result] = run_study(settings, CASES[1:3], classifier=classifier, **SMALL)
    row = result.experiment.rows[0]
    assert row["case"] == "case 1"
    assert len(row["iterations"]) == SMALL["iterations"]
    assert result.experiment.summary()["n"] == SMALL["iterations"]
    assert result.validation is None


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("other", CASES), {}, "The 'study' parameter of run_study must be one of"),
        ((SETTINGS, CASES[:5]), {"protocol": "published"}, "must hold 6 scans or more"),
        ((SETTINGS, CASES), {"protocol": "paper"}, "The 'held_out' parameter of run_study"),
    ],
)
def test_what_cannot_be_run_is_said_before_anything_is_trained(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        run_study(*arguments, **options)


def test_settings_must_be_settings():
    with pytest.raises(TypeError, match="must be the name of a study or settings"):
        run_study([(48, 48, 24)], CASES)


def test_the_command_prints_a_table_and_writes_json(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(STUDIES, "main", (Setting("main run", 4, (8, 8, 6)),))
    monkeypatch.setattr(spars.datasets, "phantoms", lambda n, seed: spars.datasets.Dataset(CASES))
    shape = [*map(str, SHAPE)]
    code = cli.main(
        ["study", "main", "--phantoms", "8", "--held-out", "2", "--protocol", "paper",
         "--iterations", "2", "--epochs", "1", "--input-shape", "108", "108", "108",
         "--grid", *shape, "--output", str(tmp_path / "out.json")]
    )  # fmt: skip
    assert code == 0
    assert "| main run | " in capsys.readouterr().out
    found = json.loads((tmp_path / "out.json").read_text())
    assert [row["case"] for row in found["results"][0]["rows"]] == ["case 6", "case 7"]

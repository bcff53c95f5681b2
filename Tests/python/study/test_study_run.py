"""Studies that are run: each task once, whoever runs it, whatever ends it."""

import concurrent.futures
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from places import ROOT
from study_cases import INTENSITY, PHANTOMS, SMALL, dark, table_of

import spars
from spars.study import leases
from spars.study.engine import LEASE, LOG
from spars.study.numbers import read_record
from spars.study.tasks import place_of_task

TRAINED = {"data": PHANTOMS, "base": SMALL, "split": {"folds": 2}, "seeds": [0, 1]}


@pytest.fixture(scope="module")
def serial(tmp_path_factory):
    """The results of a small study with training, one task after the other."""
    return spars.Study(**TRAINED).run(tmp_path_factory.mktemp("serial"))


def begun(folder):
    """Return how often each task began and how often it was done, by its log."""
    counts = {}
    for task in (folder / "tasks").iterdir():
        text = (task / LOG).read_text()
        counts[task.name] = text.count(" begins"), text.count("done in ")
    return counts


def test_each_task_leaves_its_folder(serial):
    assert [row["state"] for row in serial] == ["done"] * 8
    row = serial[0]
    folder = Path(row["folder"])
    left = {path.name for path in folder.iterdir()}
    assert {"DONE", "task.json", "log.txt", "mask.nii.gz", "configuration.json"} <= left
    spec = json.loads((folder / "task.json").read_text())
    trained = place_of_task(folder.parents[1], spec["scorer"]["task"])
    assert {"weights.safetensors", "history.json", "training.npz", "DONE"} <= {
        path.name for path in trained.iterdir()
    }
    done = read_record(folder / "DONE")
    assert done["masks_read"] == [row["case"]]
    assert read_record(trained / "DONE")["masks_read"] == []


def test_a_row_is_what_segment_gives(serial):
    study = spars.Study(**TRAINED)
    row = serial[0]
    (fold, *_) = study.folds["base"]
    cases = {case.name: case for case in study.cases}
    classifier = spars.Classifier((108, 108, 108), seed=0)
    classifier.fit(
        [cases[name] for name in fold.train], window=(10, 10, 8), grid=None, seed=0,
        **SMALL["training"],
    )  # fmt: skip
    found = spars.segment(
        cases[row["case"]].load(), classifier, window=(10, 10, 8), grid=None, seed=0,
        **SMALL["segmentation"],
    )  # fmt: skip
    measured = found.evaluate(cases[row["case"]].load_mask() == 2)
    assert {name: repr(row[name]) for name in measured} == {
        name: repr(value) for name, value in measured.items()
    }


def test_shared_scores_change_nothing(tmp_path):
    description = {**TRAINED, "split": {"train": 2, "test": 1}, "seeds": [0]}
    methods = {"segmentation.method": ["self_play", "greedy", "exhaustive"]}
    tables = []
    for name in ("shared", "own"):
        study = spars.Study(**description, sweep=methods, share_scores=name == "shared")
        kinds = [task.kind for task in study.tasks.values()]
        assert kinds.count("score") == (name == "shared")
        tables.append(table_of(study.run(tmp_path / name)))
    assert tables[0] == tables[1]


def test_shared_scores_change_nothing_on_a_working_grid(tmp_path):
    tables = []
    for shares in (True, False):
        study = spars.Study(
            {"cases": [dark(1, (30, 30, 24))], "region": "organ"},
            base={"classifier": {"weights": "pretrained"}, "segmentation": {"iterations": 2}},
            sweep={"segmentation.method": ["exhaustive", "random_walk"]},
            share_scores=shares,
        )
        assert len(study.tasks) == 2 + shares
        results = study.run(tmp_path / str(shares))
        assert results[0]["probability"] > 0.5
        tables.append(table_of(results))
    assert tables[0] == tables[1]


def test_the_lock_holds_settings_versions_hashes_and_masks(serial):
    (lock,) = serial.locks
    assert lock["versions"]["spars"] == spars.__version__
    assert lock["study"]["split"] == {"folds": 2}
    assert lock["masks"]["training"] == []
    assert lock["masks"]["measuring"] == [f"phantom-{number}" for number in range(3, 7)]
    assert len(lock["inputs"]["phantom-3"]["image"]["sha256"]) == 64


def test_processes_give_the_bits_of_one_after_the_other(serial, tmp_path):
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, context) as pool:
        results = spars.Study(**TRAINED).run(tmp_path, pool)
    assert table_of(results) == table_of(serial)
    assert set(begun(tmp_path).values()) == {(1, 1)}


def test_threads_give_the_same_bits(serial, tmp_path):
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        results = spars.Study(**TRAINED).run(tmp_path, pool)
    assert table_of(results) == table_of(serial)


def test_two_shards_are_merged_to_the_serial_table(serial, tmp_path):
    study = spars.Study(**TRAINED)
    for number in (1, 2):
        part = study.run(tmp_path / str(number), shard=(number, 2))
        assert any(row["state"] == "waiting" for row in part)
    merged = spars.Results.load(tmp_path / "1", tmp_path / "2")
    assert table_of(merged) == table_of(serial)


def test_what_is_done_is_not_done_again(tmp_path):
    study = spars.Study(**INTENSITY)
    first = study.run(tmp_path)
    told = []
    second = study.run(tmp_path, callbacks=told.append)
    assert table_of(first) == table_of(second)
    assert [outcome.seconds for outcome in told] == [0.0] * 4
    assert set(begun(tmp_path).values()) == {(1, 1)}
    with pytest.raises(FileExistsError, match="a study has begun here"):
        study.run(tmp_path, resume=False)


def test_a_callback_is_told_of_the_study_and_of_what_each_task_measured(tmp_path):
    told = []

    class Recorder(spars.callbacks.Callback):
        def on_start(self, kind, configuration):
            told.append((kind, configuration["schema"]))

        def on_step(self, values, step):
            told.append((step, values))

        def on_end(self, error=None):
            told.append(error)

    results = spars.Study(**INTENSITY).run(tmp_path, callbacks=Recorder())
    (kind, schema), *steps, error = told
    assert (kind, error) == ("study", None)
    assert schema == spars.Study(**INTENSITY).to_dict()["schema"]
    assert [step for step, _ in steps] == [1, 2, 3, 4]
    # NaN where both masks are empty.
    dice = sorted(map(str, (row["dice"] for row in results)))
    assert sorted(str(values["segment/dice"]) for _, values in steps) == dice
    assert not any(values["study/failed"] for _, values in steps)
    with pytest.raises(TypeError, match="'callbacks' parameter of run must be a Callback"):
        spars.Study(**INTENSITY).run(tmp_path, callbacks=3)


def test_a_callback_that_returns_false_ends_it_and_progress_is_told(tmp_path):
    done = []
    told = []
    study = spars.Study(**INTENSITY)
    results = study.run(
        tmp_path,
        callbacks=[lambda outcome: len(done) < 1, done.append],
        progress=lambda *both: told.append(both),
    )
    assert [row["state"] for row in results].count("done") == 2
    assert told == [(1, 4), (2, 4)]


def run_in_a_process(file, folder):
    """Begin the study of a file in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "spars", "study", "run", file, "--out", folder],
        env=os.environ | {"PYTHONPATH": str(ROOT / "python")},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def test_a_study_killed_three_times_loses_nothing_and_does_nothing_twice(tmp_path):
    file = tmp_path / "study.json"
    # Enough to be killed in the middle of: four trainings of eight epochs.
    training = {**SMALL["training"], "epochs": 8}
    description = {**TRAINED, "base": {**SMALL, "training": training}}
    file.write_text(json.dumps({"schema": 1, **description}))
    folder = tmp_path / "killed"
    for count in (1, 2, 3):
        process = run_in_a_process(file, folder)
        # Until the next training has kept a few epochs.
        until = time.monotonic() + 60
        while len(list(folder.glob("tasks/*/training.npz"))) < count and process.poll() is None:
            assert time.monotonic() < until
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert any(path.is_file() for path in folder.glob(f"tasks/*/{LEASE}"))
    study = spars.Study(**description)
    results = study.run(folder)
    whole = study.run(tmp_path / "whole")
    assert table_of(results) == table_of(whole)
    counts = begun(folder)
    assert {done for _, done in counts.values()} == {1}
    # Three were begun twice at most: those that were killed.
    assert sum(begins - 1 for begins, _ in counts.values()) <= 3
    assert max(begins for begins, _ in counts.values()) >= 2


def test_a_second_process_takes_over_where_the_first_does_not_stand(tmp_path):
    file = tmp_path / "study.json"
    file.write_text(json.dumps({"schema": 1, **TRAINED}))
    processes = [run_in_a_process(file, tmp_path / "both") for _ in range(2)]
    assert [process.wait(120) for process in processes] == [0, 0]
    assert set(begun(tmp_path / "both").values()) == {(1, 1)}


def test_a_lease_is_held_by_one_and_given_back(tmp_path):
    first, second = (leases.Lease(tmp_path / "lease") for _ in range(2))
    assert first.take()
    assert leases.is_live(tmp_path / "lease")
    assert not second.take()
    first.release()
    assert second.take()
    second.release()
    assert not (tmp_path / "lease").exists()
    assert not leases.is_live(tmp_path / "lease")


def test_a_lease_of_another_machine_is_taken_over_once_it_is_stale(tmp_path):
    path = tmp_path / "lease"
    path.write_text("elsewhere\n1\nabc\n")
    lease = leases.Lease(path)
    assert not lease.take()
    assert leases.is_live(path)
    stale = time.time() - leases.STALE - 1
    os.utime(path, (stale, stale))
    assert not leases.is_live(path)
    assert lease.take()
    # Its heart beats: the file is new again.
    assert time.time() - path.stat().st_mtime < leases.STALE
    lease.release()


def test_a_heart_keeps_a_lease(tmp_path, monkeypatch):
    monkeypatch.setattr(leases, "BEAT", 0.01)
    path = tmp_path / "lease"
    lease = leases.Lease(path)
    assert lease.take()
    os.utime(path, (0, 0))
    until = time.monotonic() + 5
    while path.stat().st_mtime == 0 and time.monotonic() < until:
        time.sleep(0.01)
    assert path.stat().st_mtime > 0
    lease.release()


def test_whoever_was_taken_for_dead_gives_nothing_back(tmp_path):
    path = tmp_path / "lease"
    lease = leases.Lease(path)
    assert lease.take()
    path.write_text("elsewhere\n1\nabc\n")
    lease.release()
    assert path.read_text().startswith("elsewhere")


def breaking(monkeypatch, name):
    """Let segmentation fail on one scan."""
    from spars.study import work

    usual = work.segment

    def segment(volume, *arguments, **keywords):
        if len(calls) == name:
            calls.append(1)
            raise RuntimeError("no luck\nwith this one")
        calls.append(1)
        return usual(volume, *arguments, **keywords)

    calls = []
    monkeypatch.setattr(work, "segment", segment)


def test_a_task_that_fails_is_recorded_and_tried_again(tmp_path, monkeypatch):
    study = spars.Study(**INTENSITY)
    with monkeypatch.context() as context:
        breaking(context, 1)
        results = study.run(tmp_path)
    states = [row["state"] for row in results]
    assert sorted(states) == ["done", "done", "done", "failed"]
    (failed,) = [row for row in results if row["state"] == "failed"]
    assert failed["error"] == "no luck with this one"
    assert "RuntimeError: no luck" in (Path(failed["folder"]) / LOG).read_text()
    assert results.summary(interval=None)[0]["n_failed"] == 1
    assert [row["state"] for row in study.run(tmp_path)] == ["done"] * 4


def test_a_task_that_fails_can_end_the_study(tmp_path, monkeypatch):
    breaking(monkeypatch, 1)
    with pytest.raises(RuntimeError, match=r"The task \w+ \(segment\) failed: RuntimeError: no"):
        spars.Study(**INTENSITY).run(tmp_path, on_error="raise")


def test_what_needs_a_failed_task_is_blocked(tmp_path, monkeypatch):
    from spars.study import work

    def train(*_):
        raise MemoryError

    monkeypatch.setattr(work, "train", train)
    told = []
    spars.Study(**TRAINED).run(tmp_path, callbacks=told.append)
    assert [outcome.state for outcome in told] == ["failed"] * 4 + ["blocked"] * 8


def test_other_scans_and_other_versions_are_refused(tmp_path, monkeypatch):
    study = spars.Study(**INTENSITY)
    study.run(tmp_path)
    other = {**INTENSITY["data"], "cases": [dark(0), dark(1, (16, 16, 14)), dark(2), dark(3)]}
    with pytest.raises(ValueError, match="Scan 's1' is not what it was when the study"):
        spars.Study(**{**INTENSITY, "data": other}).run(tmp_path)
    monkeypatch.setattr("spars.study.lock.versions", lambda: {"spars": "9.9.9"})
    with pytest.raises(ValueError, match=r"a study of spars 0.* this is 9\.9\.9"):
        study.run(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"executor": 3}, "The 'executor' parameter of run must be an object with submit"),
        ({"shard": (3, 2)}, r"The 'shard' parameter of run must be an integer in the range \[1, 2"),
        ({"shard": "half"}, "The 'shard' parameter of run must be two integers"),
        ({"on_error": "ignore"}, "The 'on_error' parameter of run must be one of"),
        ({"callbacks": 3}, "The 'callbacks' parameter of run must be a Callback, a callable or"),
        ({"progress": 3}, "'progress' parameter of study must be callable, True or None"),
    ],
)
def test_what_run_does_not_take_is_refused_before_anything_is_written(tmp_path, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        spars.Study(**INTENSITY).run(tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_an_error_that_is_no_utf8_leaves_the_others(tmp_path):
    """A scan whose name is none, and whose reading fails after the study's first look."""
    looks = []

    def load():
        looks.append(None)
        if len(looks) > 1:
            raise OSError(5, "Input/output error", "/data/b\udcff.nii.gz")
        return dark(1).load()

    good = dark(1)
    bad = spars.datasets.Case("s1", True, load, good.load_mask, good.shape, good.load_organ)
    study = spars.Study(
        {"cases": [bad, dark(0), dark(3)], "region": "organ"},
        base={"classifier": {"weights": "pretrained"}, "segmentation": {"method": "intensity"}},
    )
    results = study.run(tmp_path)
    assert sorted(row["state"] for row in results) == ["done", "done", "failed"]
    assert [row["error"] for row in spars.Results.load(tmp_path) if row["error"]] == [
        "/data/b\\udcff.nii.gz: Input/output error"
    ]

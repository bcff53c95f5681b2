"""`spars study`: plan, run, status and results of a file."""

import json

import pytest

from spars.command import cli

TEXT = """\
schema: 1
name: small
data: {phantoms: {n: 4, seed: 3, shape: [24, 24, 20]}}
split: {folds: 2}
base:
  classifier: {input_shape: [108, 108, 108]}
  window: [10, 10, 8]
  grid: native
  training: {epochs: 1, steps_per_epoch: 1, scans_per_step: 2, crops_per_scan: 2}
  segmentation: {method: random_walk, iterations: 2, n_steps: 8}
sweep:
  segmentation.method: [random_walk, greedy]
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    file = tmp_path_factory.mktemp("study") / "study.yaml"
    file.write_text(TEXT)
    return file


def run(capsys, *arguments):
    code = cli.main(["study", *map(str, arguments)])
    found = capsys.readouterr()
    return code, found.out, found.err


def test_a_file_is_planned_run_watched_and_read(file, capsys, tmp_path):
    code, out, _ = run(capsys, "plan", file)
    assert code == 0
    assert "0 of 14 tasks are done; the others take roughly" in out
    code, out, _ = run(capsys, "run", file, "--shard", "1/2")
    assert code == 0
    assert "waiting of 8 rows" in out
    code, out, _ = run(capsys, "run", file)
    assert out.strip() == f"{file.with_suffix('')}: 8 done of 8 rows"
    code, out, _ = run(capsys, "status", file)
    assert "14 of 14 tasks are done" in out
    code, out, _ = run(
        capsys, "results", file, "--compare", "segmentation.method=greedy", "--worst", "1",
        "--csv", tmp_path / "rows.csv", "--report", tmp_path / "report.html",
    )  # fmt: skip
    assert code == 0
    assert "dice, summary" in out
    assert "p_corrected" in out
    assert "dice, worst" in out
    assert len((tmp_path / "rows.csv").read_text().splitlines()) == 9
    assert (tmp_path / "report.html").stat().st_size > 1000
    code, out, _ = run(capsys, "results", file, "--metric", "false_ml", "--json")
    assert len(json.loads(out)["summary"]) == 2


def test_changes_and_processes(file, capsys, tmp_path):
    code, out, err = run(
        capsys, "run", file, "--out", tmp_path / "out", "--processes", "2",
        "--set", 'sweep={"segmentation.method": ["greedy"]}',
        "--set", "split.folds=null", "--set", "split.train=2",
    )  # fmt: skip
    assert code == 0, err
    assert out.strip().endswith("2 done of 2 rows")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("plan", "gone.yaml"), "gone.yaml"),
        (("run", "STUDY", "--shard", "half"), "--shard must be I/N, as 1/2. Got half."),
        (("run", "STUDY", "--processes", "0"), "--processes must be 1 or more. Got 0."),
        (("plan", "STUDY", "--set", "base"), "A change of a study is KEY=VALUE. Got 'base'."),
        (("plan", "STUDY", "--set", "bsae.window=1"), "has no 'bsae'. Did you mean 'base'?"),
        (("results", "STUDY", "--out", "nowhere"), "study.lock.yaml"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(file, capsys, arguments, message):
    arguments = [file if word == "STUDY" else word for word in arguments]
    code, _, err = run(capsys, *arguments)
    assert code == 1
    assert message in err
    assert len(err.strip().splitlines()) == 1


def test_a_task_that_fails_ends_with_1(file, capsys, tmp_path, monkeypatch):
    from spars.study import work

    def segment(*_, **__):
        raise RuntimeError("no luck")

    monkeypatch.setattr(work, "segment", segment)
    code, out, err = run(capsys, "run", file, "--out", tmp_path / "out")
    assert code == 1
    assert err.count("failed: task") == 8
    assert "8 failed of 8 rows" in out

"""The demonstration, small: every file is there and says what was measured."""

import json

import matplotlib as mpl
import pytest

import spars
from spars.command import cli
from spars.command.demo import DemoConfiguration, run_demo
from spars.report.text import method_name
from spars.search.strategies import STRATEGIES

mpl.use("Agg")

SMALL = DemoConfiguration(
    seed=3, shape=(80, 80, 56), tumour_count=1, iterations=4, budgets=(20, 60)
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    output = tmp_path_factory.mktemp("demo") / "output"
    return run_demo(output, SMALL, quiet=True), output


def test_every_file_is_written(demo):
    result, output = demo
    wanted = {
        "scan.nii.gz", "liver.nii.gz", "reference.nii.gz", "mask.nii.gz", "score_map.nii.gz",
        "overlay.png", "differences.png", "score_map.png", "coverage.png", "searches.png",
        "report.html",
    }  # fmt: skip
    assert set(result["files"]) == wanted
    assert {path.name for path in output.iterdir()} == wanted | {"result.json"}


def test_result_and_report_tell_the_rivals_beside_the_dice(demo):
    result, output = demo
    saved = json.loads((output / "result.json").read_text(encoding="utf-8"))
    assert saved["dice"] == result["dice"] > 0.7
    assert set(saved["baselines"]) == {
        "intensity", "self-play", "random walk", "greedy", "whole liver"
    }  # fmt: skip
    page = (output / "report.html").read_text(encoding="utf-8")
    for wanted in ("Phantoms are not patients", "intensity", f"{result['dice']:.3f}"):
        assert wanted in page
    assert set(result["budgets"]) == {method_name(name) for name in STRATEGIES} | {"agents"}
    for name, reached in result["budgets"].items():
        # Agents may end by themselves.
        assert len(reached) == 2 or name == "agents"
        assert all(0 < asked <= 60 for asked in reached)
        assert name in page


def test_its_files_are_enough_to_repeat_its_dice(demo, tmp_path, capsys):
    result, output = demo
    arguments = [
        output / "scan.nii.gz", "--region", output / "liver.nii.gz", "--json",
        "--output", tmp_path / "mask.nii.gz", "--reference", output / "reference.nii.gz",
    ]  # fmt: skip
    assert cli.main(["segment", *map(str, arguments)]) == 0
    assert json.loads(capsys.readouterr().out)["dice"] == result["dice"]
    again = spars.load(tmp_path / "mask.nii.gz").array
    assert (again == spars.load(output / "mask.nii.gz").array).all()


def test_what_belongs_to_training_is_refused_without_it(tmp_path, capsys):
    assert cli.main(["demo", "--output", str(tmp_path / "out"), "--epochs", "2"]) != 0
    assert "--train" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

"""The demonstration that trains, small: every file is there and says what was measured."""

import json

import matplotlib as mpl
import numpy as np
import pytest

import spars
from spars.command import cli
from spars.command.demo_training import TrainingDemoConfiguration, run_training_demo

mpl.use("Agg")

SMALL = TrainingDemoConfiguration(
    seed=3,
    scans=2,
    validation_scans=2,
    shape=(64, 52, 40),
    window=(16, 16, 12),
    epochs=2,
    steps_per_epoch=1,
    scans_per_step=2,
    crops_per_scan=2,
    iterations=8,
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    output = tmp_path_factory.mktemp("demo") / "output"
    return run_training_demo(output, SMALL, quiet=True), output


def test_every_file_is_written(demo):
    result, output = demo
    wanted = {
        "classifier.safetensors", "mask.nii.gz", "overlay.png", "reference.nii.gz", "report.html",
        "scan.nii.gz", "score_map.nii.gz", "score_map.png", "self_play.png", "training.png",
        "coverage.png", "liver.nii.gz",
    }  # fmt: skip
    assert set(result["files"]) == wanted
    assert {path.name for path in output.iterdir()} == wanted | {"result.json"}


def test_mask_lies_over_the_whole_scan(demo):
    result, output = demo
    mask, scan, reference = (
        spars.load(output / f"{name}.nii.gz") for name in ("mask", "scan", "reference")
    )
    np.testing.assert_array_equal(mask.affine, scan.affine)
    assert mask.shape == scan.shape == reference.shape
    assert reference.array.sum() > 0
    assert spars.metrics.dice(mask.array, reference.array) == result["dice"]


def test_result_and_report_tell_the_baselines_beside_the_dice(demo):
    result, output = demo
    saved = json.loads((output / "result.json").read_text(encoding="utf-8"))
    assert saved["dice"] == result["dice"]
    names = {"exhaustive", "random walk", "greedy", "Grad-CAM", "whole liver"}
    assert set(saved["baselines"]) == names
    assert 0 < saved["baselines"]["whole liver"] < 0.5
    page = (output / "report.html").read_text(encoding="utf-8")
    for wanted in ("Phantoms are not patients", "whole liver", f"{result['dice']:.3f}"):
        assert wanted in page
    for wanted in ("self-play", "greedy", "Grad-CAM", "report.html"):
        assert wanted in result["text"]


def test_its_files_are_enough_to_repeat_its_dice(demo, tmp_path, capsys):
    result, output = demo
    recipe = spars.Classifier.load(output / "classifier.safetensors").recipe
    assert (recipe.window, recipe.grid, recipe.isolated) == (SMALL.window, None, True)
    assert recipe.threshold == result["calibration"]["segmentation_threshold"]
    files = ("--classifier", "classifier.safetensors", "--region", "liver.nii.gz")
    arguments = [
        output / "scan.nii.gz", "--output", tmp_path / "mask.nii.gz", "--json",
        *(output / name if "." in name else name for name in files),
        "--reference", output / "reference.nii.gz", "--iterations", SMALL.iterations,
        "--termination-threshold", 1.0, "--seed", SMALL.seed,
    ]  # fmt: skip
    assert cli.main(["segment", *map(str, arguments)]) == 0
    assert json.loads(capsys.readouterr().out)["dice"] == result["dice"]
    again, before = (spars.load(folder / "mask.nii.gz").array for folder in (tmp_path, output))
    np.testing.assert_array_equal(again, before)

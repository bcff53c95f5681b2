"""The command line, run as users run it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import spars
from spars.command import cli

COMMANDS = ("demo", "train", "segment", "explain", "evaluate", "export", "study", "info")
SEGMENT = ("segment", "scan.nii.gz", "--classifier", "weights.safetensors")
PACKAGE = str(Path(spars.__file__).parents[1])


def run(*arguments, **options):
    environment = os.environ | {"PYTHONPATH": PACKAGE, "MPLBACKEND": "Agg"}
    return subprocess.run(
        [sys.executable, "-m", "spars", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
        **options,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two masks, a label file, a small classifier and its scan."""
    folder = tmp_path_factory.mktemp("cli")
    reference = np.zeros((24, 24, 20), np.uint8)
    reference[4:18, 4:18, 4:16] = 1
    labels = reference.copy()
    labels[8:14, 8:14, 6:12] = 2
    mask = (labels == 2).astype(np.uint8)
    mask[7] = mask[8]
    affine = np.diag([1.5, 1.5, 3.0, 1.0])
    scan = spars.Volume(np.where(labels == 2, 30, 100).astype(np.float32), affine)
    spars.save(folder / "scan.nii.gz", scan)
    spars.save(folder / "labels.nii.gz", labels, like=scan)
    spars.save(folder / "mask.nii.gz", mask, like=scan)
    moved = affine.copy()
    moved[:3, 3] = 50
    spars.save(folder / "moved.nii.gz", mask, like=spars.Volume(scan.array, moved))
    spars.save(folder / "other.nii.gz", mask[1:])
    spars.save(folder / "empty.nii.gz", np.zeros_like(mask), like=scan)
    broken = mask.astype(np.float32)
    broken[0, 0, 0] = np.nan
    spars.save(folder / "nan.nii.gz", broken, like=scan)
    (folder / "gone.csv").write_text("image,has_tumour\nscan.nii.gz,1\ngone.nii,0\n")
    (folder / "none.csv").write_text("image,has_tumour\n")
    classifier = spars.Classifier(input_shape=(112, 112, 112), seed=1)
    classifier.intensity_window = spars.IntensityWindow()
    classifier.save(folder / "weights.safetensors")
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_every_option_of_the_call(command):
    shown = run(command, "--help")
    assert shown.returncode == 0
    assert shown.stderr == ""
    assert "--json" in shown.stdout


def test_info_prints_versions():
    shown = run("info", "--json", "--threads", 1)
    assert shown.returncode == 0, shown.stderr
    result = json.loads(shown.stdout)
    assert (result["spars"], result["threads"]) == (spars.__version__, "1")


def test_info_of_files(folder):
    scan = json.loads(run("info", folder / "scan.nii.gz", "--json").stdout)
    assert scan["shape"] == [24, 24, 20]
    assert scan["spacing"] == [1.5, 1.5, 3.0]
    weights = json.loads(run("info", folder / "weights.safetensors", "--json").stdout)
    assert weights["input_shape"] == [112, 112, 112]


def test_evaluate_prints_the_metrics(folder):
    shown = run(
        "evaluate", folder / "mask.nii.gz", folder / "labels.nii.gz", "--reference-value", 2
    )
    assert shown.returncode == 0, shown.stderr
    for label in ("Dice", "Hausdorff distance, 95 %", "Surface Dice", "Lesion"):
        assert label in shown.stdout
    exact = 2 * 216 / (216 + 216 + 36)
    result = json.loads(
        run(
            "evaluate",
            folder / "mask.nii.gz",
            folder / "labels.nii.gz",
            "--reference-value",
            2,
            "--json",
        ).stdout
    )
    assert result["dice"] == pytest.approx(exact, rel=1e-9)


def test_segment_writes_the_mask_on_the_scans_geometry(folder, tmp_path):
    shown = run(
        "segment", folder / "scan.nii.gz", "--classifier", folder / "weights.safetensors",
        "--output", tmp_path / "mask.nii.gz", "--score-map", tmp_path / "map.nii.gz",
        "--report", tmp_path / "report.html", "--grid", "native", "--window", 8, 8, 6,
        "--iterations", 2, "--n-steps", 8, "--seed", 5, "--json",
        "--checkpoint", tmp_path / "run.npz",
        "--reference", folder / "labels.nii.gz", "--reference-value", 2,
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    assert shown.stderr == ""
    result = json.loads(shown.stdout)
    assert result["configuration"]["method"] == "self_play"
    scan, mask = (spars.load(p) for p in (folder / "scan.nii.gz", tmp_path / "mask.nii.gz"))
    np.testing.assert_array_equal(mask.affine, scan.affine)
    assert mask.shape == scan.shape
    assert result["voxels"] == int(mask.array.sum())
    # The curve of Dice stands in it, for there is a reference.
    assert "Dice of the map" in (tmp_path / "report.html").read_text(encoding="utf-8")
    kept = spars.Run.load(tmp_path / "run.npz")
    assert len(kept) == 2
    # In play x runs to the left and y to the back; the file's do not.
    found = spars.load(tmp_path / "map.nii.gz").array
    np.testing.assert_array_equal(kept.score_map[::-1, ::-1], found)


@pytest.mark.parametrize("method", ["self_play", "greedy"])
def test_segment_reports_coverage(folder, tmp_path, method):
    shown = run(
        "segment", folder / "scan.nii.gz", "--classifier", folder / "weights.safetensors",
        "--output", tmp_path / "mask.nii.gz", "--report", tmp_path / "report.html", "--coverage",
        "--grid", "native", "--window", 8, 8, 6, "--iterations", 2, "--n-steps", 8,
        "--method", method,
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Distinct windows over the" in page


@pytest.mark.parametrize("method", ["grad_cam", "integrated_gradients", "occlusion"])
def test_explain_writes_the_map_on_the_scans_geometry(folder, tmp_path, method):
    shown = run(
        "explain", folder / "scan.nii.gz", "--classifier", folder / "weights.safetensors",
        "--output", tmp_path / "map.nii.gz", "--method", method, "--grid", "native",
        "--window", 16, 16, 12, "--steps", 2, "--patch", 8, 16, 12, "--json",
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    result = json.loads(shown.stdout)
    scan, written = (spars.load(p) for p in (folder / "scan.nii.gz", tmp_path / "map.nii.gz"))
    np.testing.assert_array_equal(written.affine, scan.affine)
    wanted = spars.Classifier.load(folder / "weights.safetensors").explain(
        scan, method, window=(16, 16, 12), steps=2, patch=(8, 16, 12)
    )
    np.testing.assert_array_equal(written.array, wanted)
    assert result["highest"] == wanted.max() == wanted[tuple(result["voxel"])]


def test_explain_the_whole_scan_as_one_crop(folder, tmp_path):
    shown = run(
        "explain", folder / "scan.nii.gz", "--classifier", folder / "weights.safetensors",
        "--output", tmp_path / "map.nii.gz", "--whole", "--grid", 30, 30, 20, "--target", "score",
        "--layer", 2,
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    assert "grad_cam up to" in shown.stdout
    wanted = spars.Classifier.load(folder / "weights.safetensors").explain(
        folder / "scan.nii.gz", grid=(30, 30, 20), target="score", layer=2
    )
    np.testing.assert_array_equal(spars.load(tmp_path / "map.nii.gz").array, wanted)


def test_export_changes_the_format_and_nothing_else(folder, tmp_path):
    shown = run("export", folder / "weights.safetensors", tmp_path / "w.pth")
    assert shown.returncode == 0, shown.stderr
    assert "input (112, 112, 112)" in shown.stdout
    shown = run("export", tmp_path / "w.pth", tmp_path / "w.safetensors", "--json")
    assert json.loads(shown.stdout)["input_shape"] == [112, 112, 112]
    first, again = (path / f for path, f in (
        (folder, "weights.safetensors"), (tmp_path, "w.safetensors"),
    ))  # fmt: skip
    assert first.read_bytes() == again.read_bytes()


def test_train_writes_weights_and_history(folder, tmp_path):
    shutil.copy(folder / "scan.nii.gz", folder / "second.nii.gz")
    lines = ["image,has_tumour", "scan.nii.gz,1", "second.nii.gz,0"]
    (tmp_path / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
    shown = run(
        "train", "--csv", tmp_path / "labels.csv", "--root", folder, "--output",
        tmp_path / "w.safetensors", "--history", tmp_path / "history.json", "--input-shape",
        112, 112, 112, "--window", 8, 8, 6, "--grid", "native", "--epochs", 1,
        "--steps-per-epoch", 1, "--scans-per-step", 1, "--crops-per-scan", 2,
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    assert "trained on 2 scans for 1 epochs" in shown.stdout
    history = json.loads((tmp_path / "history.json").read_text(encoding="utf-8"))
    assert len(history["epochs"]) == 1
    assert spars.Classifier.load(tmp_path / "w.safetensors").input_shape == (112, 112, 112)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["info", "absent.nii.gz"], "absent.nii.gz"),
        (["info", "absent"], "spars: error: absent: No such file or directory"),
        (["info", "."], "spars: error: .: a folder with neither segmentation.json nor DICOM files"),
        (["evaluate", "mask.nii.gz", "labels.nii.gz"], "for example --reference-value 2"),
        (["evaluate", "labels.nii.gz", "mask.nii.gz"], "for example --mask-value 2"),
        (
            ["evaluate", "mask.nii.gz", "other.nii.gz"],
            "mask.nii.gz and other.nii.gz must have the same shape. Got (24, 24, 20)",
        ),
        (["evaluate", "nan.nii.gz", "mask.nii.gz"], "nan.nii.gz: The 'mask' parameter of"),
        (["evaluate", "nan.nii.gz", "mask.nii.gz", "--mask-value", "1"], "must be finite"),
        (["evaluate", "moved.nii.gz", "mask.nii.gz"], "moved.nii.gz and mask.nii.gz lie 86.6 mm"),
        (["segment", "scan.nii.gz", "--classifier", "w", "--output", "mask.png"], "--output"),
        (
            ["segment", "scan.nii.gz", "--classifier", "mask.nii.gz", "--output", "m.nii.gz"],
            "mask.nii.gz",
        ),
        ([*SEGMENT, "--output", "scan.nii.gz"], "--output would overwrite the scan"),
        ([*SEGMENT, "--output", "x/../mask.nii.gz", "--region", "mask.nii.gz"], "not exist"),
        ([*SEGMENT, "--output", "./mask.nii.gz", "--region", "mask.nii.gz"], "--region"),
        ([*SEGMENT, "--output", "m.nii.gz", "--score-map", "m.nii.gz"], "--output"),
        ([*SEGMENT, "--output", "m.nii.gz", "--region", "empty.nii.gz"], "region holds no voxel"),
        ([*SEGMENT, "--output", "m.nii.gz", "--region", "moved.nii.gz"], "lie 86.6 mm apart"),
        (
            [*SEGMENT, "--output", "m.nii.gz", "--method", "greedy", "--checkpoint", "run"],
            "--checkpoint is of self_play",
        ),
        ([*SEGMENT, "--output", "m.nii.gz", "--report", "."], "--report is a folder"),
        (
            [*SEGMENT, "--output", "m.nii.gz", "--method", "greedy", "--opponents", "vanilla"],
            "--opponents is of self_play",
        ),
        (
            [*SEGMENT, "--output", "m.nii.gz", "--method", "greedy", "--game", "exhaustion"],
            "--game is of self_play",
        ),
        ([*SEGMENT, "--output", "m.nii.gz", "--min-steps", "3"], "--min-steps is of --game exh"),
        (
            [*SEGMENT, "--output", "m.nii.gz", "--game", "exhaustion", "--final-factor", "-1"],
            "'final_factor' parameter of ExhaustionRule",
        ),
        (
            [*SEGMENT, "--output", "m.nii.gz", "--game", "exhaustion"]
            + ["--termination-threshold", "0.3"],
            "'termination_threshold' parameter of segment must be None",
        ),
        (
            [*SEGMENT, "--output", "m.nii.gz", "--initial-policy", "weights.safetensors"],
            "weights.safetensors",
        ),
        ([*SEGMENT, "--output", "m.nii.gz", "--coverage"], "--report says where to write it"),
        (["train", "--csv", "gone.csv", "--output", "w.safetensors"], "line 3: gone.nii"),
        (["train", "--csv", "none.csv", "--output", "w.safetensors"], "none.csv: no scan"),
        (["train", "--csv", "gone.csv", "--output", "w.pth"], "must end in .safetensors"),
        (["train", "--csv", "absent.csv", "--output", "w.safetensors"], "absent.csv"),
        (["train", "--csv", "labels.csv", "--output", "absent/w.safetensors"], "does not exist"),
        (
            [
                *SEGMENT,
                "--output",
                "m.nii.gz",
                "--report",
                "r.html",
                "--coverage",
                "--method",
                "grad_cam",
            ],
            "--coverage is of windows on the game's lattice",
        ),
        (
            [*SEGMENT, "--output", "m.nii.gz", "--report", "r.html", "--coverage", "--isolated"]
            + ["--method", "greedy", "--grid", "native", "--window", "8", "8", "6"],
            "'isolated' parameter of segment must be False without a region",
        ),
        (["explain", *SEGMENT[1:], "--output", "map.png"], "--output must end in .nii"),
        (["explain", *SEGMENT[1:], "--output", "scan.nii.gz"], "would overwrite the scan"),
        (
            ["explain", *SEGMENT[1:], "--output", "m.nii.gz", "--whole", "--stride", "2"],
            "--stride is of windows",
        ),
        (["export", "weights.safetensors", "w.h5"], "the output must end in .onnx"),
        (["export", "weights.safetensors", "weights.safetensors"], "would overwrite"),
        (["export", "weights.safetensors", "w.pth", "--intensity-window"], "is of ONNX"),
        (["export", "weights.safetensors", "none/w.pth"], "does not exist"),
        (["info", "--threads", "0"], "'count' parameter of set_thread_count"),
    ],
)
def test_failures_are_one_line_and_exit_1(folder, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(folder)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert cli.main(arguments) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("spars: error: ")
    assert shown.err.count("\n") == 1
    assert message in shown.err
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_failure_is_the_exit_code_of_the_process(folder):
    shown = run("info", "absent.nii.gz", cwd=folder)
    assert (shown.returncode, shown.stdout) == (1, "")
    assert shown.stderr == "spars: error: absent.nii.gz: No such file or directory\n"


def test_a_value_that_no_voxel_has_is_refused_with_those_that_are_there(folder):
    shown = run(
        "evaluate", folder / "mask.nii.gz", folder / "labels.nii.gz", "--reference-value", 7,
        "--json",
    )  # fmt: skip
    assert shown.returncode == 1
    assert "must hold the label 7" in shown.stderr
    assert "Got a mask of 0, 1, 2 instead" in shown.stderr


def test_voxels_are_compared_in_spite_of_the_geometry_when_asked(folder):
    shown = run(
        "evaluate", folder / "moved.nii.gz", folder / "mask.nii.gz", "--ignore-geometry", "--json"
    )
    assert json.loads(shown.stdout)["dice"] == 1


@pytest.mark.parametrize(
    ("failure", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(5, "Input/output error"), 1, "error: Inp"),
    ],
)
def test_a_training_that_ends_early_keeps_its_epochs(
    folder, tmp_path, monkeypatch, capsys, failure, code, said
):
    def fit(self, *arguments, callback, **options):
        self.intensity_window = spars.IntensityWindow(60, 200)
        callback(self, {"epoch": 1, "loss": 0.7})
        raise failure

    monkeypatch.setattr(spars.Classifier, "fit", fit)
    output, history = tmp_path / "w.safetensors", tmp_path / "history.json"
    arguments = ["--phantoms", "2", "--epochs", "9", "--input-shape", "108", "108", "108"]
    assert (
        cli.main(["train", "--output", str(output), "--history", str(history), *arguments]) == code
    )
    note, last = capsys.readouterr().err.splitlines()
    assert note == f"spars: note: {output} holds the weights after 1 of 9 epochs"
    assert last.startswith(f"spars: {said}")
    assert spars.Classifier.load(output).intensity_window == spars.IntensityWindow(60, 200)
    assert json.loads(history.read_text())["epochs"] == [{"epoch": 1, "loss": 0.7}]


def _train_by_command(output, *arguments):
    return cli.main([
        "train", "--phantoms", "4", "--validation-scans", "2", "--output", str(output),
        "--grid", "40", "40", "32", "--input-shape", "108", "108", "108",
        "--window", "8", "8", "6", "--scans-per-step", "2", "--crops-per-scan", "1",
        "--validation-steps", "1", "--flips", "xy", "--shift", "1", "1", "0",
        "--hu-scale", "0.1", "--hu-shift", "20", "--noise", "5",
        "--patience", "5", "--monitor", "accuracy", "--min-delta", "0.01", "--weights", "best",
        *map(str, arguments),
    ])  # fmt: skip


def test_a_training_goes_on_from_its_checkpoint_to_the_byte(tmp_path, monkeypatch, capsys):
    phantoms = spars.datasets.phantoms(4, shape=(40, 40, 32))
    monkeypatch.setattr(spars.datasets, "phantoms", lambda n, seed: phantoms)
    checkpoint, output, wanted = (tmp_path / name for name in ("c.npz", "a", "b"))
    output, wanted = (path.with_suffix(".safetensors") for path in (output, wanted))
    assert _train_by_command(wanted, "--epochs", 2) == 0
    kept = ("--checkpoint", checkpoint)
    assert _train_by_command(output, "--epochs", 1, *kept) == 0
    capsys.readouterr()
    # Neither is a checkpoint overwritten, nor another configuration taken over.
    assert _train_by_command(output, "--epochs", 2, *kept) == 1
    assert "exists already; resume it" in capsys.readouterr().err
    before = output.read_bytes()
    assert _train_by_command(output, "--epochs", 2, *kept, "--resume", "--noise", 6) == 1
    assert "'augmentation.noise'" in capsys.readouterr().err
    assert output.read_bytes() == before
    assert _train_by_command(output, "--epochs", 2, *kept, "--resume") == 0
    assert "the weights are those of epoch" in capsys.readouterr().out
    assert output.read_bytes() == wanted.read_bytes()
    assert _train_by_command(output, "--resume") == 1
    assert "--resume goes on from the file of --checkpoint" in capsys.readouterr().err


def test_an_interrupted_training_says_where_its_state_is(tmp_path, monkeypatch, capsys):
    def fit(self, *arguments, callback, checkpoint, **options):
        with open(checkpoint, "w", encoding="utf-8") as file:
            file.write("state")
        raise KeyboardInterrupt

    monkeypatch.setattr(spars.Classifier, "fit", fit)
    checkpoint, output = tmp_path / "c.npz", tmp_path / "w.safetensors"
    assert _train_by_command(output, "--checkpoint", checkpoint) == 130
    assert f"note: {checkpoint} holds the state; --resume" in capsys.readouterr().err
    assert not output.exists()


@pytest.mark.parametrize(
    "arguments",
    [[], ["paint"], ["segment"], ["train", "--output", "w"], ["info", "--threads", "x"]],
)
def test_wrong_usage_exits_2(arguments):
    shown = run(*arguments)
    assert shown.returncode == 2
    assert "usage: spars" in shown.stderr


def test_interrupt_exits_130(monkeypatch, capsys):
    from spars.command import commands

    def interrupted(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "info", interrupted)
    assert cli.main(["info"]) == 130
    assert capsys.readouterr().err == "spars: interrupted\n"


def test_an_interrupted_search_says_where_its_state_is(folder, tmp_path, monkeypatch, capsys):
    state = tmp_path / "run.npz"
    arguments = ["segment", "scan.nii.gz", "--classifier", "weights.safetensors", "--output"]
    arguments += [str(tmp_path / "mask.nii.gz"), "--checkpoint", str(state)]
    monkeypatch.chdir(folder)
    for written in (False, True, False):

        def search(*_, checkpoint, written=written, **options):
            if written:
                Path(checkpoint).write_bytes(b"state")
            raise KeyboardInterrupt

        monkeypatch.setattr(spars, "segment", search)
        assert cli.main(arguments) == 130
        note = f"spars: note: {state} holds the state of the run; --resume goes on from it\n"
        assert capsys.readouterr().err == f"{note if written else ''}spars: interrupted\n"


def test_json_holds_plain_values_only():
    value = {"a": np.float32("nan"), "b": (np.int64(3), [float("inf"), True]), "c": np.zeros(2)}
    assert cli.jsonable(value) == {"a": None, "b": [3, [None, True]], "c": [0.0, 0.0]}


def test_the_snapshots_of_a_run_play_one_another(folder, tmp_path):
    scan = spars.load(folder / "scan.nii.gz")
    first = spars.self_play(
        scan, lambda crops: np.full(len(crops), 0.1), iterations=1, window=(8, 8, 6), n_steps=8,
        policy="LocalPolicy", scan_frame="native",
    )  # fmt: skip
    first.agent().save(tmp_path / "initial.npz")
    shown = run(
        "segment", folder / "scan.nii.gz", "--classifier", folder / "weights.safetensors",
        "--output", tmp_path / "mask.nii.gz", "--grid", "native", "--window", 8, 8, 6,
        "--iterations", 4, "--n-steps", 8, "--checkpoint", tmp_path / "run.npz",
        "--checkpoint-interval", 2, "--opponents", "fictitious", "--experience", "both",
        "--policy", "LocalPolicy", "--initial-policy", tmp_path / "initial.npz",
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    options = (
        "league", tmp_path / "run.npz", folder / "scan.nii.gz", "--classifier",
        folder / "weights.safetensors", "--games", 3,
    )  # fmt: skip
    shown = run(
        *options, "--output", tmp_path / "league.npz", "--picture", tmp_path / "table.png", "--json"
    )
    assert shown.returncode == 0, shown.stderr
    result = json.loads(shown.stdout)
    assert result["names"] == ["0", "1", "2", "3", "4"]
    assert len(result["elo"]) == 5
    league = spars.League.load(tmp_path / "league.npz")
    assert league.games.sum() == 2 * 10 * 3
    assert (tmp_path / "table.png").read_bytes().startswith(b"\x89PNG")
    text = run(*options).stdout
    assert "95 % interval" in text
    assert "cycles: " in text


def test_agents_play_by_the_other_rule(folder, tmp_path):
    shown = run(
        "segment", folder / "scan.nii.gz", "--classifier", folder / "weights.safetensors",
        "--output", tmp_path / "mask.nii.gz", "--grid", "native", "--window", 8, 8, 6,
        "--iterations", 2, "--n-steps", 8, "--checkpoint", tmp_path / "run.npz", "--game",
        "exhaustion", "--final-factor", 20, "--early-penalty", 2, "--min-steps", 5, "--json",
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    search = json.loads(shown.stdout)["configuration"]["search"]
    assert (search["game"], search["termination_threshold"]) == ("exhaustion", None)
    rule = {"final_factor": 20.0, "early_penalty": 2.0, "min_steps": 5, "repeat_penalty": 1.0}
    assert search["rule"] == rule
    assert spars.Run.load(tmp_path / "run.npz").configuration["rule"] == rule

"""The published repository's runs as presets, on small scans: what they leave behind."""

import json
from pathlib import Path

import numpy as np
import pytest
from study_cases import table_of

import spars
from spars.study.tasks import place_of_task
from spars.volume.datasets import Case

SHAPE = (28, 26, 24)
SMALL = {
    "classifier": {"input_shape": [108, 108, 108]},
    "window": [8, 8, 6],
    "grid": list(SHAPE),
    "training_scans": 4,
    # Which need more than these tests have.
    "surfaces": False,
    "training": {"epochs": 2, "scans_per_step": 2, "crops_per_scan": 4, "validation_steps": 1},
    "segmentation": {"iterations": 3, "n_steps": 8},
}


def case(number):
    rng = np.random.default_rng(number)
    mask = np.zeros(SHAPE, np.uint8)
    mask[4:24, 4:22, 4:20] = 1
    if number % 2:
        mask[8:16, 8:15, 8:14] = 2
    volume = (rng.normal(0, 10, SHAPE) + 100 - 80 * (mask == 2)).astype(np.float32)
    name = f"liver_{number}.nii.gz"
    return Case(name, bool(number % 2), lambda: volume, lambda: mask, SHAPE)


CASES = [case(number) for number in range(8)]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The main run, by two thresholds."""
    study = spars.Study(
        CASES, preset="published/main", base=SMALL,
        sweep={"segmentation.termination_threshold": [0.3, 0.9]},
    )  # fmt: skip
    return study.run(tmp_path_factory.mktemp("published"))


def test_what_the_scripts_leave_behind_is_left(results):
    row = results[0]
    assert row["state"] == "done", row["error"]
    assert row["case"] == "liver_5.nii.gz"
    curves = results.curves(row)
    assert list(curves) == ["iteration", "reward", "last_reward", "dice"]
    assert row["iterations_dice_mean"] == pytest.approx(curves["dice"].mean())
    assert row["iterations_dice_sd"] == pytest.approx(curves["dice"].std())
    assert row["iterations_last_reward_sd_sample"] == pytest.approx(
        curves["last_reward"].std(ddof=1)
    )
    folder = Path(row["folder"])
    run = spars.Run.load(folder / "run.npz")
    assert row["voxels_equal_1"] == np.count_nonzero(run.score_map == 1)
    scorer = json.loads((folder / "task.json").read_text())["scorer"]
    trained = place_of_task(folder.parents[1], scorer["task"])
    kept = spars.Classifier.load(trained / "ex4_24in_weights.pth")
    used = spars.Classifier.load(trained / "weights.safetensors")
    for name, values in used.parameters().items():
        np.testing.assert_array_equal(values, kept.parameters()[name])
    history = json.loads((trained / "history.json").read_text())
    assert [epoch["epoch"] for epoch in history["epochs"]] == [1, 2]
    assert {"loss", "validation"} <= history["epochs"][0].keys()
    # Voxel masks are read in training, as released, and the lock says whose.
    read = results.locks[0]["masks"]
    assert read["training"] == [f"liver_{number}.nii.gz" for number in range(8)]


def test_a_row_is_what_segment_gives_by_the_published_protocol(results):
    classifier = spars.Classifier((108, 108, 108), seed=0)
    classifier.fit(
        CASES[:4], CASES[4:], grid=SHAPE, protocol="published", seed=0, **SMALL["training"]
    )
    reference = CASES[5].load_mask() == 2
    for row, threshold in zip(results, (0.3, 0.9), strict=True):
        found = spars.segment(
            CASES[5].load(), classifier, window=(8, 8, 6), grid=SHAPE, protocol="published",
            seed=0, termination_threshold=threshold, reference=reference, **SMALL["segmentation"],
        )  # fmt: skip
        assert row["dice"] == found.dice(reference)
        assert row["iterations_dice_mean"] == pytest.approx(np.mean(found.run.dice))


def test_shared_scores_are_the_windows_own(results, tmp_path):
    study = spars.Study(
        CASES, preset="published/main", base=SMALL, share_scores=False,
        sweep={"segmentation.termination_threshold": [0.3, 0.9]},
    )  # fmt: skip
    assert "score" not in {task.kind for task in study.tasks.values()}
    assert table_of(study.run(tmp_path)) == table_of(results)


def test_training_sizes_play_nothing(tmp_path):
    settings = {f"{scans} training scans": None for scans in (8, 12, 16, 20, 24)}
    study = spars.Study(
        [case(number) for number in range(40)], preset="published/training_sizes",
        base={**SMALL, "training": {**SMALL["training"], "epochs": 1, "steps_per_epoch": 1}},
    )  # fmt: skip
    results = study.run(tmp_path)
    assert [row["setting"] for row in results] == list(settings)
    assert {path.name for path in tmp_path.glob("tasks/*/*.pth")} == {
        "ex1_8in_weights.pth", "ex2_12in_weights.pth", "model_weights.pth",
        "ex3_20in_weights.pth", "ex4_24in_weights.pth",
    }  # fmt: skip
    assert all("validation_roc_auc" in row for row in results)
    assert len(results.summary(metric="validation_accuracy")) == 5


def test_without_liver_5_the_first_training_scan_is_played():
    names = [Case(f"s{n}", True, lambda: 0, lambda: 0, (256, 256, 180)) for n in range(40)]
    study = spars.Study(names, preset="published/main")
    assert study.variants[0].surfaces
    assert {row.case for row in study._plan.rows} == {"s0"}

"""What people come for, each in about five lines of their own.

Files and folders are made before; what stands below a comment "User" is all that a user writes.
"""

import concurrent.futures
import csv
import multiprocessing
import signal
import subprocess
import sys
import time

import dicom_series
import numpy as np
import pytest

import spars

pytestmark = pytest.mark.filterwarnings("default")
SMALL = {
    "classifier": {"input_shape": [108, 108, 108]},
    "window": [10, 10, 8],
    "grid": "native",
    "training": {"epochs": 2, "steps_per_epoch": 1, "scans_per_step": 2, "crops_per_scan": 2},
    "segmentation": {"iterations": 2, "n_steps": 8},
}
PHANTOMS = {"phantoms": {"n": 4, "seed": 3, "shape": [24, 24, 20]}}


@pytest.fixture(scope="module")
def phantom():
    return spars.phantom(seed=3, shape=(96, 80, 64))


@pytest.fixture(scope="module")
def found(phantom):
    return spars.segment(phantom.volume, spars.pretrained(), region=phantom.liver)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    # User: cross-validate with three seeds, two ways of searching.
    study = spars.Study(
        PHANTOMS, split={"folds": 2}, base=SMALL, seeds=[0, 1, 2],
        sweep={"segmentation.method": ["random_walk", "greedy"]},
    )  # fmt: skip
    return study.run(tmp_path_factory.mktemp("folds"))


def test_1_cross_validate_with_three_seeds_and_intervals(results):
    # User
    table = results.summary(interval="bca")
    assert {row["setting"] for row in table} == {
        "segmentation.method=random_walk", "segmentation.method=greedy"
    }  # fmt: skip
    for row in table:
        assert row["low"] <= row["mean"] <= row["high"]
    # Each scan with tumour, of either setting and any seed.
    assert len(results) == 2 * 3 * 4


def test_2_compare_two_settings_paired(results):
    # User
    row = results.compare("segmentation.method=random_walk", "segmentation.method=greedy")[0]
    assert row["n"] == 2
    assert 0 <= row["p"] <= 1


def test_3_the_published_studies_on_two_shards_merged(tmp_path):
    # Smaller than published, so that it takes seconds.
    small = {
        **SMALL, "window": [8, 8, 6], "grid": [24, 24, 20], "training_scans": 2, "surfaces": False,
    }  # fmt: skip
    study = spars.Study(
        {"phantoms": {"n": 6, "seed": 3, "shape": [24, 24, 20]}}, preset="published/main",
        base=small, split={"train": 2, "validation": 2, "test": 2},
        sweep={"segmentation.termination_threshold": [0.3, 0.9]},
    )  # fmt: skip
    whole = study.run(tmp_path / "whole")
    # User
    study.run(tmp_path / "a", shard=(1, 2))
    study.run(tmp_path / "b", shard=(2, 2))
    merged = spars.Results.load(tmp_path / "a", tmp_path / "b")
    assert all(row["state"] == "done" for row in whole)
    assert [repr(row["dice"]) for row in merged] == [repr(row["dice"]) for row in whole]


def test_4_show_the_worst(results):
    # User
    worst = results.worst(3)
    dice = [row["dice"] for row in worst]
    assert len(dice) == 3
    assert dice == sorted(dice)


def test_5_open_it_in_3d_slicer(found, tmp_path):
    # User
    found.save(tmp_path / "tumour.seg.nrrd")
    again = spars.load(tmp_path / "tumour.seg.nrrd")
    np.testing.assert_array_equal(again.array > 0, found.mask > 0)
    np.testing.assert_allclose(again.affine, found.volume.affine, atol=1e-5)


SELF_PLAY = """
from pathlib import Path
import spars
made = spars.phantom(seed=3, shape=(48, 40, 32))
found = spars.segment(
    made.volume, spars.Classifier((108, 108, 108), seed=0), method="self_play", iterations=40,
    window=(12, 12, 10), grid=None, checkpoint="run.npz", resume=Path("run.npz").exists(), seed=0,
    protocol=spars.Protocol.paper().with_switches(scan_frame="native"),
)
found.save("mask.nii.gz")
"""


def test_6_go_on_after_kill_9(tmp_path):
    folders = [tmp_path / name for name in ("killed", "whole")]
    for folder in folders:
        folder.mkdir()
        (folder / "play.py").write_text(SELF_PLAY)
    begun = subprocess.Popen([sys.executable, "play.py"], cwd=folders[0])
    until = time.monotonic() + 120
    while not (folders[0] / "run.npz").exists() and begun.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.005)
    begun.send_signal(signal.SIGKILL)
    begun.wait()
    for folder in folders:
        # User: the same command again.
        subprocess.run([sys.executable, "play.py"], cwd=folder, check=True)
    masks = [spars.load(folder / "mask.nii.gz").array for folder in folders]
    np.testing.assert_array_equal(*masks)


def test_7_dicom_in_and_dicom_seg_out(phantom, tmp_path):
    hu = np.rint(phantom.volume.array).astype(np.int16)
    dicom_series.write_series(tmp_path / "series", hu, phantom.volume.affine)
    # As TotalSegmentator leaves it, a file of the liver on the scan's voxels.
    spars.save(tmp_path / "liver.nii.gz", phantom.liver, like=phantom.volume)
    # User
    scan = spars.load(tmp_path / "series")
    found = spars.segment(scan, spars.pretrained(), region=tmp_path / "liver.nii.gz", on="scan")
    found.save(tmp_path / "tumour.dcm", source=tmp_path / "series")
    pydicom = pytest.importorskip("pydicom")
    written = pydicom.dcmread(tmp_path / "tumour.dcm")
    assert written.Modality == "SEG"
    assert written.pixel_array.sum() == found.mask.sum() > 0


def test_8_log_to_weights_and_biases_offline(tmp_path):
    scan = np.random.default_rng(0).random((16, 14, 12)).astype(np.float32)
    # User
    log = spars.callbacks.WeightsAndBiases("livers", mode="offline", dir=tmp_path)
    spars.self_play(
        scan, lambda crops: crops.mean(axis=(1, 2, 3)), window=(6, 6, 4), iterations=3,
        n_steps=16, callback=log,
    )  # fmt: skip
    assert list(tmp_path.glob("wandb/offline-run-*"))


def test_9_scroll_in_a_notebook(found, phantom):
    # User
    shown = found.view(phantom.tumour)
    assert shown is not None
    assert "<" in found._repr_html_()


def test_10_a_folder_to_masks_and_a_csv(tmp_path):
    for folder in ("scans", "livers"):
        (tmp_path / folder).mkdir()
    for seed in (3, 4):
        made = spars.phantom(seed=seed, shape=(96, 80, 64))
        spars.save(tmp_path / "scans" / f"p{seed}.nii.gz", made.volume, dtype="int16")
        spars.save(tmp_path / "livers" / f"p{seed}.nii.gz", made.liver, like=made.volume)
    # User: one command.
    command = "-m spars segment scans --region livers --output masks"
    subprocess.run([sys.executable, *command.split()], cwd=tmp_path, check=True)
    assert len(list((tmp_path / "masks").rglob("*.nii.gz"))) == 2
    with open(tmp_path / "masks" / "summary.csv", newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 2


def test_any_pool_will_do(tmp_path):
    study = spars.Study(PHANTOMS, split={"folds": 2}, base=SMALL)
    context = multiprocessing.get_context("spawn")
    # User
    with concurrent.futures.ProcessPoolExecutor(2, context) as pool:
        results = study.run(tmp_path, pool)
    assert all(row["state"] == "done" for row in results)

"""Event files as TensorBoard's own reader sees them, written without TensorFlow and PyTorch."""

import subprocess
import sys

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import spars
from spars.callbacks import TensorBoard

OPTIONS = {"window": (6, 6, 4), "n_steps": 16, "termination_threshold": 0.9, "seed": 2}


@pytest.fixture
def scan():
    return np.random.default_rng(0).random((16, 14, 12)).astype(np.float32)


def score(crops):
    return crops.mean(axis=(1, 2, 3))


def scalars(folder):
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    return {
        tag: [(event.step, event.value) for event in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def test_every_quantity_reads_back(scan, tmp_path):
    reference = (scan > 0.5).astype(np.uint8)
    run = spars.self_play(
        scan, score, iterations=5, reference=reference, tensorboard=tmp_path,
        learning_rate=lambda remaining: 0.01 * remaining, **OPTIONS,
    )  # fmt: skip
    found = scalars(tmp_path)
    steps = [16 * i for i in range(1, 6)]
    for tag, values in run.log.items():
        known = [(s, np.float32(v)) for s, v in zip(steps, values, strict=True) if not np.isnan(v)]
        assert found.get(tag, []) == known, tag
    for tag, values in {
        "rollout/reward_mean": run.rewards,
        "rollout/learner_score_mean": run.scores[:, 0],
        "rollout/dice": run.dice,
    }.items():
        assert [step for step, _ in found[tag]] == steps
        np.testing.assert_array_equal([v for _, v in found[tag]], values.astype(np.float32))


def test_a_resumed_run_goes_on_in_the_same_folder(scan, tmp_path):
    run = spars.self_play(scan, score, iterations=2, tensorboard=tmp_path, **OPTIONS)
    run.resume(2, callback=TensorBoard(tmp_path, every=2))
    assert [step for step, _ in scalars(tmp_path)["train/loss"]] == [16, 32, 64]


def test_neither_tensorflow_nor_pytorch_is_needed(tmp_path):
    # The writer takes PyTorch's tensors too, and so imports PyTorch where it is installed.
    code = (
        "import sys, numpy as np, spars\n"
        "sys.modules |= {'torch': None, 'tensorflow': None}\n"
        f"spars.self_play(np.zeros((9, 9, 9), np.float32), lambda c: np.zeros(len(c)), "
        f"iterations=1, window=(3, 3, 3), tensorboard={str(tmp_path)!r})\n"
        "assert 'tensorboardX' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert list(tmp_path.glob("events.out.tfevents.*"))


def test_a_training_writes_its_epochs(tmp_path):
    cases = [
        spars.datasets.Case(str(i), bool(i), lambda i=i: np.full((14, 12, 10), 10 * i, np.float32))
        for i in range(2)
    ]
    history = spars.Classifier((108, 108, 108)).fit(
        cases, cases, window=(6, 6, 4), grid=None, epochs=2, steps_per_epoch=1, scans_per_step=1,
        crops_per_scan=2, validation_steps=1, tensorboard=tmp_path,
    )  # fmt: skip
    found = scalars(tmp_path)
    for tag, values in {
        "train/loss": [epoch["loss"] for epoch in history.epochs],
        "validation/accuracy": [epoch["validation"]["accuracy"] for epoch in history.epochs],
    }.items():
        assert found[tag] == [(step, np.float32(value)) for step, value in enumerate(values, 1)]

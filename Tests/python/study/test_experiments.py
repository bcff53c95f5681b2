"""Runs over patients and seeds: what is a sample of what."""

import math

import numpy as np
import pytest

import spars
from spars.study.experiments import Experiment, over_patients
from spars.volume.datasets import Case


def darkness(crops):
    return np.clip((100.0 - crops.mean(axis=(1, 2, 3))) / 100.0, 0.0, 1.0)


def patient(name, centre):
    x, y, z = np.meshgrid(*(np.arange(n) for n in (24, 24, 20)), indexing="ij")
    blob = sum((a - c) ** 2 for a, c in zip((x, y, z), centre, strict=True)) < 30
    volume = np.where(blob, 0.0, 100.0).astype(np.float32)
    return Case(name, True, lambda: volume, lambda: 2 * blob)


CASES = [patient("a", (8, 12, 10)), patient("b", (15, 9, 8)), patient("c", (12, 15, 12))]
OPTIONS = {"window": (6, 6, 4), "grid": None, "iterations": 3, "segmentation_threshold": 0.2}


def test_every_patient_and_seed_is_measured_as_segment_measures_it():
    reports = []
    found = over_patients(
        CASES,
        darkness,
        seeds=(1, 2),
        method="random_walk",
        progress=lambda done, planned: reports.append((done, planned)),
        **OPTIONS,
    )
    assert [(row["case"], row["seed"]) for row in found.rows] == [
        (case, seed) for case in "abc" for seed in (1, 2)
    ]
    alone = spars.segment(CASES[1].load(), darkness, seed=2, method="random_walk", **OPTIONS)
    assert found.rows[3]["dice"] == alone.dice(CASES[1].load_mask() == 2)
    assert reports[-1] == (6, 6)


def test_seeds_are_averaged_within_a_patient_first():
    rows = [
        {"case": "a", "seed": 0, "dice": 0.2},
        {"case": "a", "seed": 1, "dice": 0.4},
        {"case": "b", "seed": 0, "dice": 0.7},
        {"case": "c", "seed": 0, "dice": math.nan},
    ]
    summary = Experiment(tuple(rows)).summary()
    assert (summary["n"], summary["n_undefined"]) == (2, 1)
    assert summary["mean"] == pytest.approx(0.5)
    assert summary["sd"] == pytest.approx(np.std([0.3, 0.7], ddof=1))
    assert 0.3 <= summary["low"] <= summary["mean"] <= summary["high"] <= 0.7


def test_one_patient_has_no_spread_and_no_interval():
    summary = Experiment(({"case": "a", "seed": 0, "dice": 0.5},)).summary()
    assert summary["mean"] == 0.5
    assert math.isnan(summary["sd"])
    assert "low" not in summary


def test_d15_a_summary_is_over_held_out_patients_or_over_the_iterations_on_one_scan():
    options = OPTIONS | {"iterations": 6, "segmentation_threshold": 0.1}
    patients = over_patients(CASES, darkness, seeds=(1, 2), **options)
    dice = np.array([row["dice"] for row in patients.rows]).reshape(3, 2).mean(axis=1)
    low, high = spars.metrics.bootstrap_interval(dice, confidence=0.9, seed=5)
    assert patients.summary(confidence=0.9, seed=5) == pytest.approx(
        {"n": 3, "n_undefined": 0, "mean": dice.mean(), "sd": dice.std(ddof=1)}
        | {"low": low, "high": high}
    )
    protocol = spars.Protocol.paper().with_switches(summary_over="iterations")
    pooled = over_patients(CASES[:1], darkness, protocol=protocol, seeds=(1, 2), **options)
    reference = CASES[0].load_mask() == 2
    every = np.concatenate(
        [
            spars.segment(
                CASES[0].load(), darkness, protocol=protocol, seed=seed, reference=reference,
                **options,
            ).run.dice
            for seed in (1, 2)
        ]
    )  # fmt: skip
    assert len(np.unique(every)) > 1
    assert pooled.summary() == pytest.approx(
        {"n": 12, "n_undefined": 0, "mean": every.mean(), "sd": every.std(ddof=1)}
    )


def test_a_patient_without_reference_is_refused():
    with pytest.raises(ValueError, match="Case x has no reference mask"):
        over_patients([Case("x", True, CASES[0].load)], darkness)

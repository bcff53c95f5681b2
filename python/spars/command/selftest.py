"""`spars selftest`: whether this installation computes what it should, in less than a minute."""

from __future__ import annotations

import hashlib
import os
import platform
import tempfile
from argparse import Namespace
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import spars
from spars._support.provenance import versions
from spars._support.types import FloatArray

_ALIKE = {"phantom": "8c9c3440c930d6d6", "metrics": "f65033e2c2e6b1dc"}
_WIDE = _ALIKE | {"self-play": "b72de94f37c750e8", "training": "6696a87b17bb3026"}
#: What results hash to, by x86-64's instruction sets and by other machines; those not named have no
#: record. The first has no fused multiply-add, and so rounds otherwise.
RECORDED = {
    "baseline": _ALIKE | {"self-play": "0ea28393b6f31c36", "training": "76f35b001b0b05a0"},
    "x86-64-v3": _WIDE,
    "x86-64-v4": _WIDE,
    "aarch64": _WIDE,
}


def selftest(arguments: Namespace) -> tuple[dict[str, Any], str]:
    """Compute reference results and compare them with what they should be.

    Raises
    ------
    RuntimeError
        A result is another one; the message names it.
    """
    # The baseline of another processor is not that of x86-64.
    machine = platform.machine()
    arithmetic = spars.instruction_set() if machine in ("x86_64", "AMD64") else machine
    known = RECORDED.get(arithmetic, {})
    found, lines, failed = {}, [], []
    for name, make in CHECKS.items():
        with tempfile.TemporaryDirectory() as folder:
            found[name] = make(folder)
        wanted = known.get(name, found[name])
        if found[name] != wanted:
            failed.append(f"{name} is {found[name]} and should be {wanted}")
        elif name in known:
            lines.append(f"{name:<12} {found[name]}  as recorded")
        else:
            lines.append(f"{name:<12} {found[name]}  (no record for {arithmetic})")
    facts = {
        **versions(), "instruction_set": spars.instruction_set(), "threads": spars.thread_count(),
    }  # fmt: skip
    about = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items())
    if failed:
        raise RuntimeError(f"this installation computes otherwise: {'; '.join(failed)} ({about})")
    return {"versions": facts, "results": found}, "\n".join(
        [about, *lines, "all is as it should be"]
    )


def _phantom(folder: str) -> str:
    scan = spars.phantom(seed=2, shape=(48, 48, 32), has_tumour=True)
    path = os.path.join(folder, "scan.nii.gz")
    spars.save(path, scan.volume)
    return _digest(spars.load(path).array, scan.tissue)


def _metrics(folder: str) -> str:
    first, second = (_noise((24, 20, 16), seed) > 0.5 for seed in (1, 2))
    labels, _ = spars.metrics.connected_components(first)
    measures = [spars.metrics.dice(first, second), spars.metrics.hausdorff(first, second)]
    return _digest(labels, spars.metrics.distance_map(first), np.array(measures))


def _self_play(folder: str) -> str:
    """Play with one thread, stop, go on from the checkpoint with all of them."""
    path = os.path.join(folder, "run.npz")
    threads = spars.thread_count()
    options = {
        "window": (9, 8, 6), "n_steps": 24, "seed": 3, "max_episode_steps": 7, "checkpoint": path,
        "learning_rate": 0.01, "snapshot_interval": 2,
    }  # fmt: skip
    scan = _noise((25, 22, 20), 4)
    try:
        spars.set_thread_count(1)
        spars.self_play(scan, _score, iterations=2, **options)
    finally:
        spars.set_thread_count(threads)
    run = spars.self_play(scan, _score, iterations=3, resume=True, **options)
    parameters = run.parameters or {}
    learned = [parameters[name] for name in sorted(parameters)]
    return _digest(run.windows, run.actions, run.score_map, *learned)


def _training(folder: str) -> str:
    classifier = spars.Classifier(input_shape=(108, 108, 108), seed=4)
    classifier.fit(
        spars.datasets.phantoms(4, seed=1, shape=(48, 48, 32)), window=(12, 12, 8),
        grid=(48, 48, 32), epochs=1, steps_per_epoch=2, scans_per_step=2, crops_per_scan=2, seed=5,
        augmentation=spars.Augmentation(flips="xy", noise=5.0),
    )  # fmt: skip
    path = os.path.join(folder, "weights.safetensors")
    classifier.save(path)
    learned = spars.Classifier.load(path).parameters()
    return _digest(*(learned[name] for name in sorted(learned)))


#: What is computed, each in a folder of its own; files are written and read back on the way.
CHECKS: dict[str, Callable[[str], str]] = {
    "phantom": _phantom,
    "metrics": _metrics,
    "self-play": _self_play,
    "training": _training,
}


def _noise(shape: tuple[int, ...], seed: int) -> FloatArray:
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def _score(crops: FloatArray) -> FloatArray:
    # Exact in any order of summation, so that the bits are not NumPy's.
    return (np.abs(crops[:, 0, 0, 0] * 64).astype(np.int64) % 61 / 64).astype(np.float32)


def _digest(*arrays: NDArray[Any]) -> str:
    joined = hashlib.sha256()
    for array in arrays:
        array = np.ascontiguousarray(array)
        joined.update(f"{array.dtype.str} {array.shape}".encode() + array.tobytes())
    return joined.hexdigest()[:16]

"""Hostile files for the readers in Python: a FormatError or a result, in memory of their order.

    PYTHONPATH=python python Tests/python/hostile_files.py --seed 1 --files 10000

Bytes are changed, and what a description says or an array holds is replaced by something else.
Files are read in processes of their own; what ends one is found by its last line. Where Linux says
it, the peak of memory is watched: it may be `TIMES` that of the sound file, or of the file's size.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

JSON = (
    None, True, -1, 0, 1, 2, 3, 1 << 20, 10**30, 0.5, -1e308, "", "x", "paper", [], [1], [0, 0, 0],
    [4, 4, 4], [1 << 20] * 3, [[1], [2, 3]], {}, {"a": 1}, [None] * 3, "9" * 5000,
)  # fmt: skip

#: How often a file's honest need reading it may take, and the bytes that are not counted.
TIMES, NOISE = 3, 4 << 20


def kinds() -> dict[str, tuple[Path, Callable[[Path], object]]]:
    """Return a sound file of each kind, and what reads it, by name."""
    import spars
    from spars.classifier.training.checkpoint import read_records
    from spars.volume.datasets import Case

    scan = np.random.default_rng(1).normal(40, 30, (16, 15, 14)).astype(np.float32)

    def score(crops: np.ndarray) -> np.ndarray:
        return np.full(len(crops), 0.3, np.float32)

    options = {"window": (4, 4, 4), "n_steps": 4, "policy": "LocalPolicy", "snapshot_interval": 1}
    files = {name: Path(f"{name}.npz") for name in ("run", "league", "agent", "atlas", "training")}
    run = spars.self_play(scan, score, iterations=2, opponents="vanilla", **options)
    run.save(files["run"])
    league = spars.League(scan, score, window=(4, 4, 4), policy="LocalPolicy")
    league.add("first", run.parameters)
    league.add("second", run.snapshots[0].parameters)
    league.save(files["league"])
    environment = spars.WindowSearchEnv(scan, score, window=(4, 4, 4))
    spars.PPO("MlpPolicy", environment, n_steps=4, batch_size=4, seed=1).save(files["agent"])
    spars.ScoreAtlas.compute(scan, score, (4, 4, 4)).save(files["atlas"])
    cases = [Case(str(i), i == 1, lambda: scan) for i in range(2)]
    fit = {"steps_per_epoch": 1, "scans_per_step": 2, "crops_per_scan": 1, "grid": None}
    fit |= {"window": (4, 4, 4), "checkpoint": files["training"]}
    spars.Classifier((108, 108, 108)).fit(cases, epochs=1, **fit)

    def resume(path: Path) -> None:
        again = fit | {"checkpoint": path, "resume": True}
        spars.Classifier((108, 108, 108)).fit(cases, epochs=1, **again)

    return {
        "run": (files["run"], spars.Run.load),
        "run alive": (files["run"], lambda path: spars.Run.load(path, scan, score).resume(1)),
        "league": (files["league"], lambda path: spars.League.load(path, scan, score)),
        "agent": (files["agent"], spars.PPO.load),
        "atlas": (files["atlas"], spars.ScoreAtlas.load),
        "records": (files["training"], read_records),
        "training": (files["training"], resume),
    }


def mutated(content: bytes, rng: np.random.Generator, path: Path) -> None:
    """Write a file like `content`, but for something."""
    if rng.random() < 0.3:
        changed = np.frombuffer(content, np.uint8).copy()
        places = rng.integers(len(changed), size=rng.integers(1, 4))
        changed[places] = rng.integers(256, size=len(places))
        path.write_bytes(changed.tobytes()[: len(changed) - int(rng.integers(3) == 0)])
        return
    path.write_bytes(content)
    with np.load(path) as file:
        arrays = dict(file)
    names = sorted(arrays)
    for _ in range(rng.integers(1, 3)):
        name = "description" if rng.random() < 0.6 else names[rng.integers(len(names))]
        if name not in arrays:
            continue
        if name == "description":
            described = json.loads(str(arrays[name]))
            replace(described, rng)
            arrays[name] = np.array(json.dumps(described))
        else:
            arrays[name] = other(arrays[name], rng)
            if arrays[name].size == 0 and rng.random() < 0.3:
                del arrays[name]
    np.savez(path, **arrays)


def replace(value: object, rng: np.random.Generator) -> None:
    """Put something else at a random place of a JSON value."""
    while isinstance(value, (dict, list)) and len(value):
        keys = list(value) if isinstance(value, dict) else range(len(value))
        key = keys[rng.integers(len(keys))]
        if isinstance(value[key], (dict, list)) and len(value[key]) and rng.random() < 0.7:
            value = value[key]
            continue
        if rng.random() < 0.2:
            del value[key]
        else:
            value[key] = JSON[rng.integers(len(JSON))]
        return


def other(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return an array of other values, another shape or another type."""
    changes: list[Callable[[], np.ndarray]] = [
        lambda: array[:0], lambda: array.ravel()[:1], lambda: array[..., None],
        lambda: array.ravel(),
        lambda: np.concatenate([array.ravel()] * 2), lambda: np.zeros((), array.dtype),
        lambda: array.astype("U3"), lambda: array.astype(np.int8), lambda: array.astype(np.float64),
        lambda: np.full_like(array, np.nan if array.dtype.kind == "f" else -1),
        lambda: np.full_like(array, 3e38 if array.dtype.kind == "f" else 100),
    ]  # fmt: skip
    try:
        with np.errstate(all="ignore"):
            return changes[rng.integers(len(changes))]()
    except (ValueError, TypeError, IndexError, OverflowError):
        return array[..., :0] if array.ndim else array


def highest() -> int:
    """Return the most bytes that this process held since the last call; 0 where nothing tells."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not reset.exists():
        return 0
    lines = status.read_text(encoding="ascii").splitlines()
    reset.write_text("5", encoding="ascii")
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def growth(read: Callable[[Path], object], path: Path) -> int:
    """Return by how many bytes memory grew at its highest while a file was read."""
    highest()
    before = highest()
    # A FormatError is one; other ValueErrors say that a sound file is of something else.
    with contextlib.suppress(ValueError, OSError, MemoryError):
        read(path)
    return highest() - before


def child(seed: int, first: int, count: int) -> None:
    """Read the files from `first` on; print a line before each, and one for each wrong kind."""
    os.chdir(tempfile.mkdtemp())
    warnings.simplefilter("ignore")
    known = kinds()
    names = list(known)
    contents = {name: path.read_bytes() for name, (path, _) in known.items()}
    needs = {name: growth(read, path) for name, (path, read) in known.items()}
    path = Path("changed.npz")
    for trial in range(first, first + count):
        rng = np.random.default_rng([seed, trial])
        name = names[trial % len(names)]
        mutated(contents[name], rng, path)
        print(json.dumps({"trial": trial, "name": name}), flush=True)
        try:
            grown = growth(known[name][1], path)
            if grown > TIMES * max(needs[name], path.stat().st_size) + NOISE:
                kind = f"a peak of {grown} bytes, {needs[name]} where it is sound"
                print(json.dumps({"trial": trial, "name": name, "kind": kind}), flush=True)
        except BaseException as error:
            frame = error.__traceback__
            while frame.tb_next is not None:
                frame = frame.tb_next
            where = f"{os.path.basename(frame.tb_frame.f_code.co_filename)}:{frame.tb_lineno}"
            kind = f"{type(error).__name__}: {error}"[:150]
            line = {"trial": trial, "name": name, "kind": kind, "where": where}
            print(json.dumps(line), flush=True)


def main() -> int:
    if sys.argv[1:2] == ["--child"]:
        child(*map(int, sys.argv[2:]))
        return 0
    from hostile import found

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--files", type=int, default=10_000)
    arguments = parser.parse_args()
    wrong = found(arguments.seed, arguments.files, script=__file__)
    for line in wrong:
        print(json.dumps(line))
    print(
        f"{len(wrong)} of {arguments.files} files raised another kind or took too much memory, "
        f"seed {arguments.seed}"
    )
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())

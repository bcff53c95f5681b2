"""Play, learn and train for a while, interrupted, killed and short of disk, and compare the result.

    python Benchmarks/trust/soak.py [--minutes 120] [--seed 1]
    python Benchmarks/trust/soak.py --kills 200 [--seed 1]

Self-play, a training, a league and a study run one after another, again and again, each in a
process of its own that goes on from what is on the disk. The processes end by SIGINT or SIGKILL at
random moments, and in the first round no file may grow beyond some KiB, as on a full disk, until
the process has ended once. At the end each must have the bits of one that was never disturbed.
With `--kills` all ends are SIGKILL, more of them in a task, until there were so many. Exits with 1
where a result differs.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

#: Iterations of self-play and epochs of training in one round.
ITERATIONS, EPOCHS = 60, 6
#: Bytes of a file on the full disk.
FULL = 4096
#: Columns of a study's table that are not the same from run to run.
OF_A_RUN = ("seconds", "folder")


def score(crops: np.ndarray) -> np.ndarray:
    return crops.mean(axis=(1, 2, 3)) / 200 + 0.3


def digest(arrays: dict[str, np.ndarray]) -> str:
    """Return a hash of named arrays."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        found.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return found.hexdigest()


def scan(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(40, 10, (32, 30, 28)).astype(np.float32)


def begun(checkpoint: Path) -> dict[str, object]:
    """Return the options that go on from a checkpoint, if there is one."""
    found = [checkpoint, checkpoint.with_name(checkpoint.name + ".previous")]
    return {"checkpoint": checkpoint, "resume": any(path.exists() for path in found)}


def play(folder: Path, seed: int) -> str:
    """Play to the end, from the checkpoint if there is one."""
    import spars

    run = spars.self_play(
        scan(seed), score, iterations=ITERATIONS, window=(12, 12, 12), n_steps=64, seed=seed,
        checkpoint_interval=1, **begun(folder / "run.npz"),
    )  # fmt: skip
    return digest({"map": run.score_map, **run.parameters})


def train(folder: Path, seed: int) -> str:
    """Train to the end, from the checkpoint if there is one."""
    import spars
    from spars.volume.datasets import Case

    image = scan(seed)
    cases = [Case(str(i), i % 2 == 1, lambda i=i: image + 20 * i) for i in range(4)]
    network = spars.Classifier((108, 108, 108), seed=seed)
    network.fit(
        cases, epochs=EPOCHS, steps_per_epoch=2, scans_per_step=2, crops_per_scan=1, grid=None,
        window=(12, 12, 12), seed=seed, **begun(folder / "training.npz"),
    )  # fmt: skip
    return digest(network.parameters())


def league(folder: Path, seed: int) -> str:
    """Let two runs' networks play each other."""
    import spars

    options = {"window": (12, 12, 12), "policy": "LocalPolicy"}
    run = spars.self_play(
        scan(seed), score, iterations=3, n_steps=32, seed=seed, snapshot_interval=1, **options
    )
    made = spars.League(scan(seed), score, **options)
    for i, snapshot in enumerate(run.snapshots):
        made.add(str(i), snapshot.parameters)
    made.play(games=200)
    made.save(folder / "league.npz")
    return digest({"wins": made.wins, "ties": made.ties})


def study(folder: Path, seed: int) -> str:
    """Train, play and measure in the tasks of a study that are not done yet."""
    import spars

    results = spars.Study(
        {"phantoms": {"n": 4, "seed": seed, "shape": [24, 24, 20]}},
        base={
            "classifier": {"input_shape": [108, 108, 108]}, "window": [10, 10, 8], "grid": "native",
            "training": {
                "epochs": EPOCHS, "steps_per_epoch": 1, "scans_per_step": 2, "crops_per_scan": 1,
            },
            "segmentation": {"method": "self_play", "iterations": 4, "n_steps": 16},
        },
        split={"folds": 2}, seeds=[seed],
    ).run(folder / "study")  # fmt: skip
    failed = [row["error"] for row in results if row["state"] != "done"]
    if failed:
        raise OSError(f"{len(failed)} rows are not done: {failed}")
    rows = [{name: row[name] for name in row if name not in OF_A_RUN} for row in results]
    return hashlib.sha256(repr(rows).encode()).hexdigest()


TASKS = {"play": play, "train": train, "league": league, "study": study}


def child(task: str, folder: Path, seed: int) -> int:
    try:
        print(TASKS[task](folder, seed), flush=True)
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        print(error, file=sys.stderr)
        return os.EX_IOERR
    return 0


def limited() -> None:
    """Have files end at some KiB: writes beyond fail, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FULL, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def run(task: str, folder: Path, seed: int, ends: list[tuple[float, int]], full: bool) -> str:
    """Run a task to its end in as many processes as it takes, and return what it printed.

    Of `ends`, seconds and signals, those that came too late are left. A league and a study cannot
    do without the disk: while it is full they may end by an OSError.
    """
    while True:
        process = subprocess.Popen(
            [sys.executable, __file__, "--child", task, str(folder), str(seed)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=limited if full else None,
        )
        after, by = ends[-1] if ends else (None, 0)
        allowed = [0, os.EX_IOERR] if full else [0]
        try:
            printed, errors = process.communicate(timeout=after)
        except subprocess.TimeoutExpired:
            ends.pop()
            process.send_signal(by)
            printed, errors = process.communicate()
            allowed += [130, -by]
        if process.returncode not in allowed:
            raise RuntimeError(f"{task} ended by {process.returncode}: {errors}")
        if process.returncode == 0:
            return printed.strip()
        full = False


def has_the_same_bits(
    task: str, seed: int, rng: np.random.Generator, counts: dict[int, int], most: int, full: bool
) -> bool:
    """Whether a task that is disturbed ends as one that is not; count what disturbed it.

    It is disturbed by at most so many of the signals that `counts` names.
    """
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        wanted = run(task, Path(folder), seed, [], full=False)
        whole = time.monotonic() - began
    ends = [
        (float(rng.uniform(0.3, 1.0) * whole), int(rng.choice(list(counts))))
        for _ in range(rng.integers(1, most + 1))
    ]
    left = list(ends)
    with tempfile.TemporaryDirectory() as folder:
        found = run(task, Path(folder), seed, left, full)
    for _, by in ends[len(left) :]:
        counts[by] += 1
    return found == wanted


def main() -> int:
    if sys.argv[1:2] == ["--child"]:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return child(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    end = time.monotonic() + 60 * arguments.minutes
    rounds, wrong = 0, 0
    signals = [signal.SIGKILL] if arguments.kills else [signal.SIGINT, signal.SIGKILL]
    counts = {int(by): 0 for by in signals}

    def goes_on() -> bool:
        if arguments.kills:
            return counts[signal.SIGKILL] < arguments.kills
        return time.monotonic() < end or rounds == 0

    while goes_on():
        for task in TASKS:
            seed = arguments.seed + rounds
            most = 8 if arguments.kills else 3
            same = has_the_same_bits(task, seed, rng, counts, most, full=rounds == 0)
            wrong += not same
            print(f"{task} {seed}: {'as undisturbed' if same else 'DIFFERS'}", flush=True)
        rounds += 1
        ends = ", ".join(f"{count} {signal.Signals(by).name}" for by, count in counts.items())
        print(f"{rounds} rounds, {ends}, {wrong} results differ", flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())

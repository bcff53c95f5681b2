"""Measure whether operations that are done again and again keep memory.

    python Benchmarks/trust/leaks.py [--iterations 10000] [name ...]

Each operation runs in a process of its own. Memory is what the process holds after a tenth of the
iterations and at the end; growth of 1 % or more is marked, and the exit status is then 1.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable

import numpy as np

#: Share of growth from which on memory counts as kept.
LIMIT = 0.01


def score(crops: np.ndarray) -> np.ndarray:
    return np.full(len(crops), 0.3, np.float32)


def operations() -> dict[str, Callable[[], Callable[[], object]]]:
    """Return, by name, what prepares the inputs and returns the call."""
    import copy

    import spars

    rng = np.random.default_rng(1)
    scan = rng.normal(40, 30, (16, 15, 14)).astype(np.float32)
    mask = (scan > 60).astype(np.uint8)
    folder = tempfile.mkdtemp()

    def resample() -> Callable[[], object]:
        return lambda: spars.resample(scan, (20, 20, 20), "linear")

    def metrics() -> Callable[[], object]:
        return lambda: spars.metrics.evaluate(mask, np.roll(mask, 1, 0), spacing=(1, 1, 2))

    def volumes() -> Callable[[], object]:
        def call() -> None:
            spars.save(f"{folder}/scan.nii.gz", scan)
            spars.load(f"{folder}/scan.nii.gz")

        return call

    def refused() -> Callable[[], object]:
        def call() -> None:
            for wrong in (lambda: spars.resample(scan, (0, 1, 1)), lambda: spars.load(folder)):
                with contextlib.suppress(ValueError, OSError):
                    wrong()

        return call

    def broken_files() -> Callable[[], object]:
        paths = []
        for name in ("a.nii", "a.nii.gz", "a.safetensors", "a.pth"):
            path = f"{folder}/{name}"
            with open(path, "wb") as file:
                file.write(b"\x50\x4b" + bytes(range(256)) * 3)
            paths.append(path)

        def call() -> None:
            for path in paths:
                with contextlib.suppress(spars.FormatError):
                    (spars.load if ".nii" in path else spars.Classifier.load)(path)

        return call

    def scores() -> Callable[[], object]:
        network = spars.Classifier((108, 108, 108))
        return lambda: network.score(scan, [[0, 0, 0]], (8, 8, 8))

    def games() -> Callable[[], object]:
        made = spars.VectorGame(scan, score, 4, window=(4, 4, 4))
        made.reset()
        return lambda: made.step([0, 1, 2, 3], [3, 2, 1, 0])

    def environments() -> Callable[[], object]:
        return lambda: spars.WindowSearchEnv(scan, score, window=(4, 4, 4)).reset(seed=1)

    def agents() -> Callable[[], object]:
        environment = spars.WindowSearchEnv(scan, score, window=(4, 4, 4))

        def call() -> None:
            agent = spars.PPO("MlpPolicy", environment, n_steps=4, batch_size=4, n_epochs=1)
            agent.learn(4)

        return call

    def self_play() -> Callable[[], object]:
        options = {"window": (4, 4, 4), "n_steps": 4, "policy": "LocalPolicy"}

        def call() -> None:
            run = spars.self_play(scan, score, iterations=1, **options)
            copy.deepcopy(run)

        return call

    def agent_files() -> Callable[[], object]:
        environment = spars.WindowSearchEnv(scan, score, window=(4, 4, 4))
        agent = spars.PPO("MlpPolicy", environment, n_steps=4, batch_size=4)

        def call() -> None:
            agent.save(f"{folder}/agent.zip")
            spars.PPO.load(f"{folder}/agent.zip")

        return call

    def lesions() -> Callable[[], object]:
        organ = np.zeros(scan.shape, np.uint8)
        organ[2:14, 2:13, 2:12] = 1
        return lambda: spars.lesions.insert(spars.Volume(scan, np.eye(4)), organ, seed=1)

    return {
        name: make
        for name, make in locals().items()
        if callable(make) and getattr(make, "__annotations__", {}).get("return") is not None
    }


def held() -> int:
    """Return the bytes that this process holds, without what it could give back."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def trial(name: str, iterations: int) -> None:
    call = operations()[name]()
    for _ in range(iterations // 10):
        call()
    before = held()
    for _ in range(iterations - iterations // 10):
        call()
    print(before, held())


def main() -> int:
    if len(sys.argv) == 4 and sys.argv[1] == "--trial":
        trial(sys.argv[2], int(sys.argv[3]))
        return 0
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="name")
    parser.add_argument("--iterations", type=int, default=10_000)
    arguments = parser.parse_args()
    grown = 0
    for name in arguments.names or operations():
        command = [sys.executable, __file__, "--trial", name, str(arguments.iterations)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        before, after = map(int, run.stdout.split())
        growth = (after - before) / before
        grown += growth >= LIMIT
        mark = "GROWS" if growth >= LIMIT else ""
        print(f"{name:14} {before >> 20:5} MiB, {growth:+.2%} {mark}", flush=True)
    return int(grown > 0)


if __name__ == "__main__":
    sys.exit(main())

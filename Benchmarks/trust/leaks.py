"""Measure whether operations that are done again and again keep memory.

    python Benchmarks/trust/leaks.py [--iterations 10000] [--seconds 0] [name ...]

Each operation runs in a process of its own. Memory is what the process holds after a tenth of the
iterations and at the end; growth of 1 % or more is marked, and the exit status is then 1. With
`--seconds` an operation is done as often as that much processor time allows, by ten of them.
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
import time
from collections.abc import Callable
from pathlib import Path

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
        def call() -> None:
            # One that plays on keeps its visits: they are its map.
            environment = spars.WindowSearchEnv(scan, score, window=(4, 4, 4))
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

    def components() -> Callable[[], object]:
        return lambda: spars.metrics.connected_components(mask)

    def phantoms() -> Callable[[], object]:
        return lambda: spars.phantom(seed=1, shape=(24, 24, 16))

    def working_scans() -> Callable[[], object]:
        volume, organ = spars.Volume(scan, np.eye(4)), np.ones(scan.shape, np.uint8)
        return lambda: (spars.working_scan(volume, organ), spars.intensity_mask(volume, organ))

    def lesion_windows() -> Callable[[], object]:
        host = spars.lesions.Host(scan, np.ones(scan.shape, np.uint8), level=40.0)
        made = spars.lesions.windows([host], window=(4, 4, 4), core=(2, 2, 2))
        return lambda: made.draw(0, 2)

    def atlases() -> Callable[[], object]:
        def call() -> None:
            known = spars.ScoreAtlas.compute(scan, score, (4, 4, 4), stride=4)
            known.exhaustive_map()
            known.interpolated_map()
            known.save(f"{folder}/atlas.npz")
            spars.ScoreAtlas.load(f"{folder}/atlas.npz")

        return call

    def leagues() -> Callable[[], object]:
        options = {"window": (4, 4, 4), "policy": "LocalPolicy"}
        run = spars.self_play(scan, score, iterations=1, n_steps=4, snapshot_interval=1, **options)

        def call() -> None:
            league = spars.League(scan, score, **options)
            league.add("first", run.parameters)
            league.add("second", run.snapshots[0].parameters)
            league.play(1)

        return call

    def runs() -> Callable[[], object]:
        options = {"window": (4, 4, 4), "n_steps": 4, "policy": "LocalPolicy"}
        run = spars.self_play(scan, score, iterations=1, **options)

        def call() -> None:
            run.save(f"{folder}/run.npz")
            spars.Run.load(f"{folder}/run.npz", scan, score).resume(1)

        return call

    def exhaustion_games() -> Callable[[], object]:
        def call() -> None:
            game = spars.exhaustion.ExhaustionEnv(scan, score, window=(4, 4, 4))
            game.reset(seed=1)
            game.step(1)

        return call

    def advantages() -> Callable[[], object]:
        steps = np.zeros(64)
        return lambda: spars.ppo.gae(steps, steps, steps, 0.0, 0.0, 0.99, 0.95)

    def networks() -> Callable[[], object]:
        network = spars.Classifier((108, 108, 108))

        def call() -> None:
            network.attributions(scan, window=(8, 8, 8))
            for name in ("w.safetensors", "w.pth"):
                network.save(f"{folder}/{name}")
                spars.Classifier.load(f"{folder}/{name}", input_shape=(108, 108, 108))

        return call

    def trainings() -> Callable[[], object]:
        cases = [spars.datasets.Case(str(i), i == 1, lambda: scan) for i in range(2)]
        network = spars.Classifier((108, 108, 108))
        options = {"steps_per_epoch": 1, "scans_per_step": 2, "crops_per_scan": 1, "grid": None}
        return lambda: network.fit(cases, epochs=1, window=(4, 4, 4), **options)

    def learned_agents() -> Callable[[], object]:
        from spars.search.map_policy import MapPolicy

        made = spars.phantom(seed=1, shape=(32, 32, 24))
        network = spars.Classifier((108, 108, 108), spars.IntensityWindow())
        network.recipe = spars.Recipe.of_organ(spacing=8.0, window=(4, 4, 4))
        agents = spars.Agents(MapPolicy(seed=0), {"scans": 0}, least_worth=None)
        options = {"region": made.liver, "agents": agents, "max_scores": 16}
        return lambda: spars.segment(made.volume, network, **options)

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


def trial(name: str, iterations: int, seconds: float) -> None:
    # pathlib interns names, and CPython's table of them grows once by half a MiB.
    for i in range(20_000):
        _ = Path(f"{i}.name").parts
    call = operations()[name]()
    if seconds:
        # The first ten load what is loaded when first needed.
        for _ in range(10):
            call()
        began = time.process_time()
        for _ in range(10):
            call()
        allowed = seconds * 10 / (time.process_time() - began)
        iterations = max(20, min(iterations, int(allowed)))
    for _ in range(iterations // 10):
        call()
    before = held()
    for _ in range(iterations - iterations // 10):
        call()
    print(before, held(), iterations)


def main() -> int:
    if sys.argv[1:2] == ["--trial"]:
        trial(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
        return 0
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="name")
    parser.add_argument("--iterations", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=0)
    arguments = parser.parse_args()
    grown = 0
    for name in arguments.names or operations():
        limits = [str(arguments.iterations), str(arguments.seconds)]
        command = [sys.executable, __file__, "--trial", name, *limits]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        before, after, done = map(int, run.stdout.split())
        growth = (after - before) / before
        grown += growth >= LIMIT
        mark = "GROWS" if growth >= LIMIT else ""
        print(f"{name:16} {done:6} times, {before >> 20:5} MiB, {growth:+.2%} {mark}", flush=True)
    return int(grown > 0)


if __name__ == "__main__":
    sys.exit(main())

"""Hostile calls of the public API: whatever is passed, an error of the right kind or a result.

    PYTHONPATH=python python Tests/python/hostile.py --seed 1 --calls 30000

Each call of `calls()` is sound; in each trial one or two of its arguments become a hostile value.
Seed 0 replaces each argument by each value, one after the other: some 68,000 calls.
Calls run in processes of their own with limited memory; what ends one is found by its last line.
"""

from __future__ import annotations

import argparse
import datetime
import decimal
import fractions
import inspect
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator

import numpy as np

#: Seconds of processor time after which a call counts as a sound long one and is interrupted. By
#: the clock a busy machine would interrupt imports, after which matplotlib and pandas are broken.
SECONDS = 4
#: Seconds by the clock after which a call hangs.
HANGS = 300
#: Bytes of address space.
ROOM = 6 << 30


class Hostile(Exception):
    """What a hostile object raises: it may pass through as it is."""


class Slow(BaseException):
    """A call was sound and long."""


class Hanging(BaseException):
    """A call does not end, although it takes no processor time."""


class Raising:
    """Raises on whatever is asked of it."""

    def __raise(self, *_: object, **__: object) -> None:
        raise Hostile

    __array__ = __len__ = __iter__ = __float__ = __index__ = __eq__ = __bool__ = __raise
    __fspath__ = __getitem__ = __call__ = __int__ = __contains__ = __raise
    __hash__ = object.__hash__


class Lying:
    """Claims a shape and a type that it does not have."""

    shape = (4, 4, 4)
    ndim = 3
    dtype = np.dtype(np.float32)
    affine = "none"

    def __fspath__(self) -> int:
        return 3

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        return np.zeros((2, 2), "U3")

    def __len__(self) -> int:
        return 1 << 40

    def __getitem__(self, i: object) -> object:
        return self


def looped() -> list[object]:
    """Return a list that holds itself."""
    loop: list[object] = [1, 2]
    loop.append(loop)
    return loop


def deep() -> list[object]:
    """Return a list nested deeper than Python's own limit."""
    found: list[object] = []
    for _ in range(3000):
        found = [found]
    return found


def hostile(rng: np.random.Generator) -> object:
    """Return a hostile value."""
    made = makers()
    return made[rng.integers(len(made))]()


def makers() -> list[Callable[[], object]]:
    """Return what makes each hostile value."""
    return [
        lambda: None, lambda: True, lambda: False, lambda: 0, lambda: -1, lambda: 1, lambda: 2,
        lambda: 2**31, lambda: 2**63, lambda: 2**64, lambda: 10**30, lambda: -(10**30),
        lambda: 10**400,
        lambda: float("nan"), lambda: float("inf"), lambda: -float("inf"), lambda: 1e308,
        lambda: 5e-324, lambda: -0.5, lambda: 0.5, lambda: 1j, lambda: "", lambda: "x",
        lambda: "a\0b", lambda: "\ud800", lambda: "é" * 5000, lambda: b"", lambda: b"\xff\0",
        lambda: [], lambda: [[]], lambda: (), lambda: {}, lambda: {"a": 1}, lambda: {1: None},
        set, looped, deep, lambda: [None], lambda: [[1], [2, 3]], lambda: [1, "a", None],
        lambda: [1, 2], lambda: [1, 2, 3], lambda: (4, 4, 4), lambda: (0, 0, 0),
        lambda: (-1, 4, 4), lambda: (10**30, 1, 1), lambda: (1 << 20, 1 << 20, 1 << 20),
        lambda: (1.5, 2.5, 3.5), lambda: (True, True, True), lambda: ["paper"] * 3, object,
        lambda: object, lambda: lambda *_: None, lambda: lambda: 1 / 0, Raising, Lying,
        lambda: (i for i in range(3)), lambda: range(3), lambda: slice(None), lambda: ...,
        lambda: memoryview(b"abcd"), lambda: np.float32(2), lambda: np.int8(-3),
        lambda: np.float64("nan"), lambda: np.str_("x"), lambda: np.bool_(True),
        lambda: fractions.Fraction(1, 3), lambda: decimal.Decimal("NaN"),
        lambda: datetime.timedelta(1), lambda: pathlib.Path("nowhere/at/all"),
        lambda: pathlib.Path("."), lambda: np.array(3.0), lambda: np.zeros(0),
        lambda: np.zeros((0, 3)), lambda: np.zeros((0, 0, 0), np.float32),
        lambda: np.array([None, 1], object), lambda: np.array(["a", "b"]),
        lambda: np.zeros((4, 4, 4), complex), lambda: np.zeros(3, "M8[s]"),
        lambda: np.zeros(3, "i4,f4"), lambda: np.zeros((8, 8, 8), bool),
        lambda: np.zeros((8, 8, 8), np.float16), lambda: np.full((8, 8, 8), np.nan),
        lambda: np.full((8, 8, 8), np.inf, np.float32), lambda: np.zeros((8, 8, 8), ">f8"),
        lambda: np.zeros((16, 8, 8))[::2], lambda: np.zeros((8, 8, 8)).T,
        lambda: np.full((8, 8, 8), 1e38), lambda: np.full((8, 8, 8), -(2**62)),
        lambda: np.full((8, 8, 8), 2**64 - 1, np.uint64), lambda: np.zeros((2, 2, 2, 2)),
        lambda: np.zeros((1, 1, 1, 1, 1)), lambda: np.zeros((3, 3)), lambda: np.arange(24.0),
        lambda: np.broadcast_to(np.float32(0), (10**6, 10**6, 10**6)),
        lambda: np.ma.masked_all((8, 8, 8)), lambda: np.matrix([[1.0, 2.0]]),
    ]  # fmt: skip


def calls() -> dict[str, tuple[Callable[..., object], dict[str, object]]]:
    """Return the sound calls: a function and its keywords, by name."""
    import hostile_results

    import spars
    from spars import baselines, calibration, datasets, exhaustion, ratings
    from spars.search.run import Run

    numbers = np.random.default_rng(1)
    scan = numbers.normal(40, 30, (16, 15, 14)).astype(np.float32)
    mask = (scan > 60).astype(np.uint8)
    organ = np.zeros(scan.shape, np.uint8)
    organ[2:14, 2:13, 2:12] = 1

    def score(crops: np.ndarray) -> np.ndarray:
        return np.full(len(crops), 0.3, np.float32)

    play = {"window": (4, 4, 4), "n_steps": 4, "iterations": 1, "policy": "LocalPolicy"}
    play |= {"protocol": "paper", "stride": 2, "seed": 1, "snapshot_interval": 1}
    search = {"volume": scan, "scorer": score, "window": (4, 4, 4), "stride": 4}
    network = spars.Classifier((108, 108, 108), spars.IntensityWindow())
    volume = spars.Volume(scan, np.eye(4))
    atlas = spars.ScoreAtlas.compute(scan, score, (4, 4, 4))
    run = spars.self_play(scan, score, **play)
    run.save("run.npz")
    found = spars.segment(scan, score, grid=None, n_steps=4, iterations=1, window=(4, 4, 4))
    spars.save("scan.nii.gz", volume)
    network.save("weights.safetensors")
    atlas.save("atlas.npz")
    environment = spars.WindowSearchEnv(scan, score, window=(4, 4, 4))
    environment.reset(seed=1)
    games = spars.VectorGame(scan, score, 2, window=(4, 4, 4))
    games.reset()
    agent = spars.PPO("MlpPolicy", environment, n_steps=4, batch_size=4, seed=1)
    agent.save("agent.npz")
    host = spars.lesions.Host(scan, organ, level=40.0)
    windows = spars.lesions.windows([host], window=(4, 4, 4), core=(2, 2, 2))
    cases = [datasets.Case(str(i), i == 1, lambda: scan) for i in range(2)]
    healthy = datasets.phantom_livers(1, seed=1)
    fit = {"dataset": cases, "epochs": 1, "steps_per_epoch": 1, "scans_per_step": 1}
    fit |= {"crops_per_scan": 2, "grid": None, "window": (4, 4, 4)}
    steps = {"rewards": np.zeros(4), "values": np.zeros(4), "episode_starts": np.zeros(4)}
    steps |= {"last_value": 0.0, "last_episode_start": 0.0, "gamma": 0.9, "gae_lambda": 0.9}
    table = np.array([[0, 2], [1, 0]])
    league = spars.League(scan, score, window=(4, 4, 4), policy="LocalPolicy")
    league.add("first", run.parameters)
    league.add("second", run.snapshots[0].parameters)
    league.save("league.npz")
    pathlib.Path("scans.csv").write_text("image,has_tumour\nscan.nii.gz,1\n", encoding="utf-8")

    def named(names: str, prefix: str, home: object, **given: object) -> Iterator[tuple]:
        for name in names.split():
            yield f"{prefix}.{name}", (getattr(home, name), dict(given))

    pairs = {"prediction": mask, "reference": np.roll(mask, 1, 0)}
    found_calls: dict[str, tuple[Callable[..., object], dict[str, object]]] = {
        "load": (spars.load, {"path": "scan.nii.gz"}),
        "save": (spars.save, {"path": "out.nii.gz", "volume": volume}),
        "resample": (
            spars.resample, {"array": scan, "shape": (8, 8, 8), "interpolation": "linear"},
        ),
        "Volume": (spars.Volume, {"array": scan, "affine": np.eye(4)}),
        "IntensityWindow": (spars.IntensityWindow, {"level": 40.0, "width": 400.0}),
        "Protocol": (spars.Protocol.paper().with_switches, {"accumulation": "mean"}),
        "Protocol.from_dict": (
            spars.Protocol.from_dict, {"switches": spars.Protocol.paper().to_dict()},
        ),
        "Augmentation": (spars.Augmentation, {"shift": 1, "hu_scale": 0.1, "noise": 1.0}),
        "Recipe": (spars.Recipe, {"window": (4, 4, 4), "spacing": 1.5}),
        "Recipe.from_json": (spars.Recipe.from_json, {"text": spars.Recipe.of_organ().to_json()}),
        "phantom": (spars.phantom, {"seed": 1, "shape": (24, 24, 16)}),
        "working_scan": (spars.working_scan, {"scan": volume, "organ": organ, "spacing": 1.5}),
        "intensity_mask": (spars.intensity_mask, {"scan": volume, "organ": organ}),
        "isolate": (spars.isolate, {"volume": volume, "region": organ}),
        "set_thread_count": (spars.set_thread_count, {"count": 1}),
        "Classifier": (
            spars.Classifier,
            {"input_shape": (108, 108, 108), "intensity_window": None, "seed": 1},
        ),
        "Classifier.load": (spars.Classifier.load, {"path": "weights.safetensors"}),
        "Classifier.save": (network.save, {"path": "w.safetensors", "dtype": "float32"}),
        "Classifier.score": (
            network.score, {"volume": scan, "origins": [[0, 0, 0]], "window": (4, 4, 4)},
        ),
        "Classifier.fit": (spars.Classifier((108, 108, 108)).fit, fit),
        "ScoreAtlas": (
            spars.ScoreAtlas,
            {"scores": np.zeros((2, 2, 2)), "axes": [[0, 4]] * 3, "window": (4, 4, 4),
             "grid": (8, 8, 8)},
        ),
        "ScoreAtlas.compute": (spars.ScoreAtlas.compute, dict(search)),
        "ScoreAtlas.load": (spars.ScoreAtlas.load, {"path": "atlas.npz"}),
        "ScoreAtlas.save": (atlas.save, {"path": "a.npz"}),
        "ScoreAtlas.exhaustive_map": (
            atlas.exhaustive_map, {"accumulation": "mean", "credited_part": "window"},
        ),
        "WindowSearchEnv": (spars.WindowSearchEnv, dict(search)),
        "WindowSearchEnv.reset": (environment.reset, {"seed": 1, "options": None}),
        "WindowSearchEnv.step": (environment.step, {"action": 1}),
        "VectorGame": (spars.VectorGame, search | {"n": 2}),
        "VectorGame.step": (games.step, {"learner": [0, 1], "opponent": [2, 3]}),
        "ExhaustionRule": (exhaustion.ExhaustionRule, {"final_factor": 2.0, "min_steps": 1}),
        "League": (spars.League, search | {"policy": "LocalPolicy"}),
        "League.add": (league.add, {"name": "a", "parameters": run.parameters}),
        "League.play": (league.play, {"games": 1}),
        "League.save": (league.save, {"path": "l.npz"}),
        "League.load": (spars.League.load, {"path": "league.npz"}),
        "self_play": (spars.self_play, {"volume": scan, "classifier": score} | play),
        "Run.load": (Run.load, {"path": "run.npz"}),
        "Run.load alive": (Run.load, {"path": "run.npz", "volume": scan, "classifier": score}),
        "Run.save": (run.save, {"path": "r.npz"}),
        "Run.resume": (run.resume, {"iterations": 1, "checkpoint": None, "progress": None}),
        "Run.agent": (run.agent, {"iteration": 1}),
        "Run.replay": (run.replay, {"iteration": 1}),
        "segment": (
            spars.segment,
            {"volume": scan, "classifier": score, "grid": None, "n_steps": 4, "iterations": 1,
             "window": (4, 4, 4), "region": organ, "segmentation_threshold": 0.5},
        ),
        "Segmentation.why": (found.why, {"x": 1, "y": 1, "z": 1}),
        "Segmentation.dice": (found.dice, {"reference": mask}),
        "Segmentation.save": (found.save, {"path": "m.nii.gz"}),
        "PPO": (
            spars.PPO,
            {"policy": "MlpPolicy", "env": environment, "n_steps": 4, "batch_size": 4, "seed": 1,
             "net_arch": [8], "learning_rate": 0.1},
        ),
        "PPO.learn": (agent.learn, {"total_timesteps": 4}),
        "PPO.predict": (agent.predict, {"obs": environment.reset(seed=2)[0]}),
        "PPO.load": (spars.PPO.load, {"path": "agent.npz", "env": None, "window": None}),
        "PPO.save": (agent.save, {"path": "p.npz"}),
        "ppo.gae": (spars.ppo.gae, steps),
        "ppo.resize_multiplicity": (
            spars.ppo.resize_multiplicity, {"window": (2, 2, 2), "shape": (4, 4, 4)},
        ),
        "ppo.parameter_shapes": (
            spars.ppo.parameter_shapes, {"inputs": 8, "actions": 6},
        ),
        "lesions.Host": (spars.lesions.Host, {"volume": scan, "organ": organ, "level": 40.0}),
        "lesions.LesionLaw": (spars.lesions.LesionLaw, {}),
        "lesions.organ_level": (spars.lesions.organ_level, {"volume": scan, "organ": organ}),
        "lesions.insert": (spars.lesions.insert, {"volume": volume, "organ": organ, "seed": 1}),
        "lesions.windows": (
            spars.lesions.windows, {"hosts": [host], "window": (4, 4, 4), "core": (2, 2, 2)},
        ),
        "lesions.hosts": (
            spars.lesions.hosts, {"cases": healthy, "recipe": spars.Recipe.of_organ()},
        ),
        "lesions.Windows.draw": (windows.draw, {"first": 0, "count": 2}),
        "calibration.calibrate": (
            calibration.calibrate,
            {"scans": [scan], "classifier": score, "window": (4, 4, 4), "grid": None},
        ),
        "ratings.elo_ratings": (
            ratings.elo_ratings, {"names": ["a", "b"], "wins": table, "ties": 0 * table},
        ),
        "ratings.win_rates": (ratings.win_rates, {"wins": table, "ties": 0 * table}),
        "ratings.cyclic_share": (ratings.cyclic_share, {"wins": table, "ties": 0 * table}),
        "datasets.Case": (datasets.Case, {"name": "a", "has_tumour": True, "load": lambda: scan}),
        "datasets.Dataset": (datasets.Dataset, {"cases": cases}),
        "datasets.from_csv": (datasets.from_csv, {"csv": "scans.csv"}),
        "datasets.phantoms": (datasets.phantoms, {"n": 2, "seed": 1}),
        "Run.coverage": (run.coverage, {}),
        "metrics.bootstrap_interval": (
            spars.metrics.bootstrap_interval, {"values": [0.1, 0.5, 0.7]},
        ),
        "metrics.connected_components": (
            spars.metrics.connected_components, {"mask": mask, "connectivity": 6},
        ),
        "metrics.distance_map": (
            spars.metrics.distance_map, {"mask": mask, "spacing": (1.0, 1.0, 2.0)},
        ),
        **dict(named("assd hausdorff evaluate", "metrics", spars.metrics, **pairs,
                     spacing=(1.0, 1.0, 2.0))),
        **dict(named("dice iou sensitivity specificity precision volumetric_similarity",
                     "metrics", spars.metrics, **pairs)),
        "metrics.surface_dice": (spars.metrics.surface_dice, pairs | {"tolerance": 1.0}),
        "metrics.lesion_detection": (spars.metrics.lesion_detection, dict(pairs)),
        **dict(named("exhaustive greedy random_walk", "baselines", baselines,
                     **search, n_steps=4)),
    }  # fmt: skip
    return found_calls | hostile_results.calls(scan, run, found, league)


def parameters(function: Callable[..., object], sound: dict[str, object]) -> list[str]:
    """Return the keywords of a call: those given, each twice, and all others that it takes."""
    taken = inspect.signature(function).parameters.values()
    keywords = [each.name for each in taken if each.kind in (each.KEYWORD_ONLY, 1)]
    return 2 * list(sound) + [name for name in keywords if name not in sound]


def interrupt(number: int, _: object) -> None:
    raise Slow if number == signal.SIGPROF else Hanging


def prepare() -> dict[str, tuple[Callable[..., object], dict[str, object]]]:
    """Limit this process, have its clocks interrupt it, and return the sound calls."""
    os.chdir(tempfile.mkdtemp())
    warnings.simplefilter("ignore")
    known = calls()
    resource.setrlimit(resource.RLIMIT_AS, (ROOM, resource.getrlimit(resource.RLIMIT_AS)[1]))
    for number in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(number, interrupt)
    return known


def attempt(
    trial: int,
    name: str,
    function: Callable[..., object],
    sound: dict[str, object],
    changed: dict[str, object],
) -> None:
    """Make a call with some arguments changed; print a line before, and one if it is wrong."""
    print(json.dumps({"trial": trial, "name": name}), flush=True)
    # An extra that is not installed is named.
    allowed = (TypeError, ValueError, OSError, MemoryError, ImportError, Hostile, Slow)
    try:
        try:
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            signal.alarm(HANGS)
            function(**sound | changed)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.alarm(0)
    except allowed:
        pass
    except BaseException as error:
        frames = traceback.extract_tb(error.__traceback__)
        what = {key: describe(value) for key, value in changed.items()}
        where = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}"
        kind = f"{type(error).__name__}: {error}"[:150]
        line = {"trial": trial, "name": name, "kind": kind, "where": where, "given": what}
        print(json.dumps(line), flush=True)


def child(seed: int, first: int, count: int) -> None:
    """Make the trials from `first` on; of seed 0 each value in each place, once."""
    known = prepare()
    names, values = list(known), makers()
    if seed == 0:
        places = [(name, place) for name in names for place in sorted({*parameters(*known[name])})]
        for trial in range(first, min(first + count, len(places) * len(values))):
            (name, place), value = places[trial // len(values)], values[trial % len(values)]
            attempt(trial, name, *known[name], {place: value()})
        return
    for trial in range(first, first + count):
        rng = np.random.default_rng([seed, trial])
        name = names[trial % len(names)]
        function, sound = known[name]
        places = parameters(function, sound)
        changed = {
            places[rng.integers(len(places))]: hostile(rng) for _ in range(rng.integers(1, 3))
        }
        attempt(trial, name, function, sound, changed)


def describe(value: object) -> str:
    """Return a short text of a value, whatever it is."""
    try:
        if isinstance(value, np.ndarray):
            return f"array of {value.dtype} {value.shape}"
        return f"{type(value).__name__} {str(value)[:60]}"
    except BaseException as error:
        return f"{type(value).__name__} ({type(error).__name__})"


def found(seed: int, count: int, script: str | pathlib.Path = __file__) -> list[dict[str, object]]:
    """Return what was wrong in trials of a seed: lines with a kind of error, or of an end."""
    wrong, first, end = [], 0, count
    while first < end:
        command = [sys.executable, str(script), "--child", str(seed), str(first), str(end - first)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
        wrong += [line for line in lines if "kind" in line]
        if run.returncode == 0:
            break
        if not lines:
            raise RuntimeError(f"no trial began: {run.stderr[-2000:]}")
        last = lines[-1]
        wrong.append(last | {"kind": f"ended by {run.returncode}", "where": run.stderr[-300:]})
        first = int(last["trial"]) + 1
    return wrong


def main(child: Callable[[int, int, int], None] = child, script: str = __file__) -> int:
    if sys.argv[1:2] == ["--child"]:
        child(*map(int, sys.argv[2:]))
        return 0
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--calls", type=int, default=30_000)
    arguments = parser.parse_args()
    wrong = found(arguments.seed, arguments.calls, script)
    for line in wrong:
        print(json.dumps(line))
    print(f"{len(wrong)} of {arguments.calls} calls raised another kind, seed {arguments.seed}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())

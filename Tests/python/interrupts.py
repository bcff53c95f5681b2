"""How long public calls work on after an interrupt, in seconds of processor time.

    PYTHONPATH=python python Tests/python/interrupts.py --seed 1 --trials 10 [name ...]

Each call is made whole once, then again and interrupted after a random part of its time; processor
time is that of the whole process, so a busy machine changes nothing. Exits with 1 where one answers
later than `LIMIT`, or loses the interrupt.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import struct
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

#: Seconds of processor time.
LIMIT = 0.2
#: A call to interrupt, and one that shows the object usable afterwards.
Prepared = tuple[Callable[[], object], Callable[[], object]]


def nothing() -> None:
    """Stand for the check of what holds no object."""


def score(crops: np.ndarray) -> np.ndarray:
    """Return a score of each crop."""
    return np.full(len(crops), 0.3, np.float32)


def cases(size: float = 1.0) -> dict[str, Callable[[], Prepared]]:
    """Return what prepares each call, by name; `size` is about its work, 1 for a second or two."""
    import spars
    from spars.volume.datasets import Case

    numbers = np.random.default_rng(1)

    def side(full: int) -> int:
        return max(16, round(full * size ** (1 / 3)))

    def scan(full: int) -> np.ndarray:
        shape = (side(full),) * 3
        return numbers.standard_normal(shape, np.float32) * 30 + 40

    def ball(full: int) -> np.ndarray:
        axis = np.arange(side(full)) - side(full) / 2
        x, y, z = np.ix_(axis, axis, axis)
        return (x * x + y * y + z * z < (side(full) / 3) ** 2).astype(np.uint8)

    def gae() -> Prepared:
        steps = round(10_000_000 * size)
        zeros = np.zeros(steps)
        few = np.zeros(4)
        return (
            lambda: spars.ppo.gae(zeros, zeros, zeros, 0.0, 0.0, 0.99, 0.95),
            lambda: spars.ppo.gae(few, few, few, 0.0, 0.0, 0.99, 0.95),
        )

    def agent() -> tuple[spars.PPO, np.ndarray]:
        environment = spars.WindowSearchEnv(scan(64), score, window=(32, 32, 24))
        batch = round(1024 * size)
        made = spars.PPO("MlpPolicy", environment, n_steps=batch, batch_size=batch, n_epochs=2)
        return made, numbers.standard_normal((batch, 32 * 32 * 24), np.float32)

    def learn() -> Prepared:
        made, _ = agent()
        return lambda: made.learn(made.n_steps), lambda: made.policy.act(np.zeros((1, 24576)))

    def update() -> Prepared:
        made, rows = agent()
        count = len(rows)
        parameters = made.policy.parameters()
        rollout = {"obs": rows, "actions": numbers.integers(6, size=count)}
        rollout |= {
            name: numbers.standard_normal(count) for name in ("values", "advantages", "returns")
        }
        rollout["log_probs"] = np.full(count, -1.8)
        return lambda: spars.ppo.update(parameters, rollout, n_epochs=2, batch_size=count), nothing

    def act() -> Prepared:
        made, rows = agent()
        rows = np.concatenate([rows] * 3)
        return lambda: made.policy.act(rows), lambda: made.policy.act(rows[:2])

    def create_agent() -> Prepared:
        image = np.zeros((64, 64, 64), np.float32)
        environment = spars.WindowSearchEnv(image, score, window=(48, 48, side(32)))
        options = {"n_steps": 8, "batch_size": 8}
        return lambda: spars.PPO("MlpPolicy", environment, **options), nothing

    def self_play() -> Prepared:
        image = scan(96)
        options = {"window": (48, 48, 24), "n_steps": round(512 * size), "n_epochs": 2}
        options |= {"batch_size": round(512 * size), "iterations": 1}
        run = spars.self_play(image, score, **options)
        return lambda: run.resume(1), lambda: run.resume(1)

    def create_classifier() -> Prepared:
        shape = (side(700),) * 3
        return lambda: spars.Classifier(shape), nothing

    def classifier() -> spars.Classifier:
        return spars.Classifier((side(200),) * 3, spars.IntensityWindow())

    def save_classifier() -> Prepared:
        network, folder = spars.Classifier((side(280),) * 3), tempfile.mkdtemp()
        return lambda: network.save(f"{folder}/w.safetensors"), lambda: network.input_shape

    def load_classifier() -> Prepared:
        network, folder = spars.Classifier((side(280),) * 3), tempfile.mkdtemp()
        network.save(f"{folder}/w.safetensors")
        return lambda: spars.Classifier.load(f"{folder}/w.safetensors"), nothing

    def load_torch() -> Prepared:
        network, folder = spars.Classifier((side(280),) * 3), tempfile.mkdtemp()
        network.save(f"{folder}/w.pth")
        return lambda: spars.Classifier.load(f"{folder}/w.pth", (side(280),) * 3), nothing

    def save_torch() -> Prepared:
        network, folder = spars.Classifier((side(280),) * 3), tempfile.mkdtemp()
        return lambda: network.save(f"{folder}/w.pth"), lambda: network.input_shape

    def copy_classifier() -> Prepared:
        import copy

        network = spars.Classifier((side(280),) * 3)
        return lambda: copy.deepcopy(network), lambda: network.input_shape

    def first_score() -> Prepared:
        image = scan(64)

        def call() -> None:
            network = spars.Classifier((side(280),) * 3)
            network.score(image, [[0, 0, 0]], (16, 16, 16))

        return call, nothing

    def scores() -> Prepared:
        network, image = classifier(), scan(96)
        origins = numbers.integers(0, side(96) - 16, (40, 3))
        return (
            lambda: network.score(image, origins, (16, 16, 16)),
            lambda: network.score(image, origins[:1], (16, 16, 16)),
        )

    def logits() -> Prepared:
        network = classifier()
        batch = np.stack([scan(200)] * 3)
        return lambda: network.logits(batch), lambda: network.logits(batch[:1])

    def gradients() -> Prepared:
        network = classifier()
        batch = np.stack([scan(200)] * 2)
        return lambda: network.loss_and_gradients(batch, [0, 1]), lambda: network.input_shape

    def attributions() -> Prepared:
        network, image = classifier(), scan(200)
        return lambda: network.attributions(image), lambda: network.input_shape

    def fit() -> Prepared:
        network, image = classifier(), scan(96)
        cases = [Case(str(i), i % 2 == 1, lambda: image) for i in range(2)]
        options = {"epochs": 1, "steps_per_epoch": 2, "scans_per_step": 2, "crops_per_scan": 2}
        options |= {"grid": None, "window": (24, 24, 24), "warmup_steps": 0}
        options.pop("warmup_steps")
        return lambda: network.fit(cases, **options), lambda: network.input_shape

    def environment() -> Prepared:
        image = scan(512)
        return lambda: spars.WindowSearchEnv(image, score, window=(64, 64, 32)), nothing

    def compute_atlas() -> Prepared:
        image = scan(128)
        return lambda: spars.ScoreAtlas.compute(image, score, (32, 32, 32), stride=2), nothing

    def atlas(full: int) -> spars.ScoreAtlas:
        count, window = side(full) // 2 - 7, (16, 16, 16)
        axes = [np.arange(0, 2 * count, 2)] * 3
        shape = (side(full),) * 3
        return spars.ScoreAtlas(numbers.random((count,) * 3), axes, window, shape)

    def exhaustive_map() -> Prepared:
        known, small = atlas(400), atlas(32)
        return known.exhaustive_map, small.exhaustive_map

    def highest_map() -> Prepared:
        known, small = atlas(300), atlas(32)
        return lambda: known.exhaustive_map("max"), small.exhaustive_map

    def interpolated_map() -> Prepared:
        known, small = atlas(512), atlas(32)
        return known.interpolated_map, small.interpolated_map

    def atlas_file() -> Prepared:
        known, folder = atlas(700), tempfile.mkdtemp()

        def call() -> None:
            known.save(f"{folder}/atlas.npz")
            spars.ScoreAtlas.load(f"{folder}/atlas.npz")

        return call, nothing

    def resample() -> Prepared:
        image = scan(256)
        return lambda: spars.resample(image, (side(700),) * 3), nothing

    def resample_linear() -> Prepared:
        image = scan(256)
        return lambda: spars.resample(image, (side(512),) * 3, "linear"), nothing

    def write(name: str, full: int) -> Callable[[], Prepared]:
        def prepare() -> Prepared:
            image, folder = scan(full), tempfile.mkdtemp()
            return lambda: spars.save(f"{folder}/{name}", image), nothing

        return prepare

    def read(name: str, full: int) -> Callable[[], Prepared]:
        def prepare() -> Prepared:
            image, folder = scan(full), tempfile.mkdtemp()
            spars.save(f"{folder}/{name}", image)
            return lambda: spars.load(f"{folder}/{name}"), nothing

        return prepare

    def components() -> Prepared:
        mask = (scan(400) > 60).astype(np.uint8)
        return lambda: spars.metrics.connected_components(mask), nothing

    def masks(full: int) -> dict[str, np.ndarray]:
        return {"prediction": ball(full), "reference": np.roll(ball(full), 3, 0)}

    def hausdorff() -> Prepared:
        pair = masks(300)
        return lambda: spars.metrics.hausdorff(**pair), nothing

    def dice() -> Prepared:
        mask = np.zeros((side(900),) * 3, np.uint8)
        mask[10:100] = 1
        return lambda: spars.metrics.dice(mask, mask), nothing

    def evaluate() -> Prepared:
        pair = masks(256)
        return lambda: spars.metrics.evaluate(**pair), nothing

    def distance_map() -> Prepared:
        mask = ball(400)
        return lambda: spars.metrics.distance_map(mask), nothing

    def bootstrap() -> Prepared:
        values = numbers.random(round(20_000 * size))
        return lambda: spars.metrics.bootstrap_interval(values), nothing

    def lesion_detection() -> Prepared:
        blobs = (scan(256) > 70).astype(np.uint8)
        return lambda: spars.metrics.lesion_detection(blobs, np.roll(blobs, 1, 0)), nothing

    def phantom() -> Prepared:
        shape = (side(320), side(320), side(160))
        return lambda: spars.phantom(shape=shape), nothing

    def working() -> Prepared:
        volume, organ = spars.Volume(scan(320), np.eye(4)), ball(320)
        return lambda: spars.working_scan(volume, organ), nothing

    def intensity() -> Prepared:
        volume, organ = spars.Volume(scan(256), np.eye(4)), ball(256)
        return lambda: spars.intensity_mask(volume, organ), nothing

    def cavities() -> Prepared:
        """An organ that is all cavity but for its surface."""
        organ = np.pad(np.zeros((side(300) - 2,) * 3, np.uint8), 1, constant_values=1)
        volume = spars.Volume(scan(300), np.eye(4))
        network = spars.pretrained()
        return lambda: spars.segment(volume, network, region=organ, method="intensity"), nothing

    def host() -> Prepared:
        volume, organ = scan(256), ball(256)
        return lambda: spars.lesions.Host(volume, organ), nothing

    def insert() -> Prepared:
        volume, organ = spars.Volume(scan(256), np.eye(4)), ball(256)
        return lambda: spars.lesions.insert(volume, organ, seed=1), nothing

    def draw() -> Prepared:
        home = spars.lesions.Host(scan(128), ball(128), level=40.0)
        made = spars.lesions.windows([home], window=(32, 32, 32), core=(8, 8, 8))
        return (
            lambda: made.draw(0, round(600 * size)),
            lambda: made.draw(0, 2),
        )

    def isolate() -> Prepared:
        volume, organ = spars.Volume(scan(400), np.eye(4)), ball(400)
        return lambda: spars.isolate(volume, organ), nothing

    def league() -> Prepared:
        image = scan(64)
        options = {"window": (16, 16, 16), "policy": "LocalPolicy"}
        run = spars.self_play(image, score, iterations=1, n_steps=64, **options)

        def played(games: int) -> None:
            made = spars.League(image, score, **options)
            made.add("first", run.parameters)
            made.add("second", run.parameters)
            made.play(games=games)

        return lambda: played(round(40_000 * size)), lambda: played(2)

    def run_file() -> Prepared:
        folder = tempfile.mkdtemp()
        run = spars.self_play(scan(96), score, iterations=1, window=(48, 48, 48), n_steps=16)
        run.save(f"{folder}/run.npz")

        def call() -> None:
            run.save(f"{folder}/run.npz")
            spars.Run.load(f"{folder}/run.npz")

        return call, lambda: run.parameters

    def random_walk() -> Prepared:
        image = scan(96)
        options = {"window": (16, 16, 16), "stride": 4}
        steps = round(1500 * size)
        return lambda: spars.baselines.random_walk(image, score, n_steps=steps, **options), nothing

    def segment() -> Prepared:
        image = scan(96)
        options = {"grid": None, "window": (32, 32, 32), "iterations": 2, "n_steps": 64}
        return lambda: spars.segment(image, score, **options), nothing

    def game() -> Prepared:
        games = spars.VectorGame(scan(96), score, 512, window=(48, 48, 32))
        games.reset()
        moves = numbers.integers(6, size=512)
        return (
            lambda: [games.step(moves, moves) for _ in range(round(20_000 * size))],
            lambda: games.step(moves, moves),
        )

    def patient() -> spars.Phantom:
        return spars.phantom(seed=1, shape=(side(192), side(192), side(96)))

    def segment_organ() -> Prepared:
        made, network = patient(), spars.pretrained()
        return lambda: spars.segment(made.volume, network, region=made.liver), nothing

    def segment_with_agents() -> Prepared:
        made, network = patient(), spars.pretrained()
        options = {"region": made.liver, "agents": spars.Agents.pretrained()}
        return lambda: spars.segment(made.volume, network, **options), nothing

    def segment_labels() -> Prepared:
        """A region of two labels, stored as floats."""
        labels = ball(400).astype(np.float32)
        labels[side(200) :] *= 2
        volume = spars.Volume(scan(400), np.eye(4))
        options = {"method": "intensity", "region": labels, "region_value": [1, 2]}
        return lambda: spars.segment(volume, None, **options), nothing

    def ensemble() -> Prepared:
        members = spars.Ensemble([classifier(), classifier()])
        image, origins = scan(96), np.zeros((64, 3), int)
        return lambda: members.score(image, origins, (32, 32, 32)), nothing

    def train_agents() -> Prepared:
        livers = spars.datasets.phantom_livers(2, seed=1)
        network = spars.pretrained()
        options = {"lesion_sets": 1, "rounds": 1, "max_scores": round(200 * size)}
        return lambda: spars.train_agents(livers, network, **options), nothing

    prepared = {
        name: make
        for name, make in locals().items()
        if callable(make) and getattr(make, "__annotations__", {}).get("return") == "Prepared"
    }
    for name, full in (("scan.nii", 500), ("scan.nii.gz", 160)):
        prepared[f"write {name}"], prepared[f"read {name}"] = write(name, full), read(name, full)
    return prepared


class Latency(NamedTuple):
    """Seconds of processor time that a call worked on, and where it stood when it ended."""

    seconds: float
    where: str


class Alarm:
    """Sends SIGINT once the process has worked for so many seconds of processor time.

    ``signal.setitimer`` would count whole ticks, and go off some 50 ms early.
    """

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._timer = ctypes.c_void_p()
        # A sigevent: a value, the signal, SIGEV_SIGNAL, room.
        event = struct.pack("qii48x", 0, signal.SIGINT, 0)
        process_time = 2
        made = self._libc.timer_create(process_time, event, ctypes.byref(self._timer))
        assert made == 0, os.strerror(ctypes.get_errno())

    def set(self, seconds: float) -> None:
        """Go off after that much; 0 never does."""
        value = struct.pack("qqqq", 0, 0, int(seconds), int(seconds % 1 * 1e9))
        self._libc.timer_settime(self._timer, 0, value, None)


def latency(call: Callable[[], object], delay: float, alarm: Alarm) -> Latency | None:
    """Return how long a call worked on after being interrupted; None where it had ended before.

    Raises
    ------
    AssertionError
        The call went on to its end although it was interrupted before, or reported the interrupt
        instead of raising it.
    """
    reports: list[object] = []
    sys.unraisablehook = reports.append
    start = time.process_time()
    try:
        alarm.set(delay)
        call()
        end = time.process_time() - start
        alarm.set(0)
    except KeyboardInterrupt as stopped:
        late = time.process_time() - start - delay
        frame = traceback.extract_tb(stopped.__traceback__)[-1]
        return Latency(late, f"{Path(frame.filename).name}:{frame.lineno}")
    finally:
        alarm.set(0)
        sys.unraisablehook = sys.__unraisablehook__
    assert not reports, f"the interrupt after {delay:.3f} s was reported and dropped: {reports}"
    assert end < delay + LIMIT, f"the interrupt after {delay:.3f} s of {end:.3f} s was lost"
    return None


def measured(name: str, trials: int, seed: int, size: float = 1.0) -> tuple[float, list[Latency]]:
    """Return the processor time of a whole call, and the latencies of interrupted ones."""
    rng = np.random.default_rng([seed, sum(name.encode())])
    call, check = cases(size)[name]()
    start = time.process_time()
    call()
    whole = time.process_time() - start
    late: list[Latency] = []
    alarm = Alarm()
    for _ in range(trials):
        found = latency(call, float(rng.uniform(0.002, max(0.003, whole))), alarm)
        check()
        if found is not None:
            late.append(found)
    return whole, late


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="name")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--size", type=float, default=1.0)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    # A shell's background jobs start with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    failed = 0
    for name in arguments.names or cases():
        try:
            whole, late = measured(name, arguments.trials, arguments.seed, arguments.size)
        except Exception as error:
            failed += 1
            print(f"{name:20} {type(error).__name__}: {str(error)[:150]}", flush=True)
            continue
        worst = max(late, default=Latency(0.0, "nowhere"))
        failed += worst.seconds > LIMIT
        print(
            f"{name:20} {whole:7.2f} s, {len(late):3} interrupted, at worst "
            f"{worst.seconds:6.3f} s, {worst.where} {'LATE' if worst.seconds > LIMIT else ''}",
            flush=True,
        )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())

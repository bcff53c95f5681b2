"""Find out whether operations raise MemoryError, or the process ends, where memory is short.

    python Benchmarks/trust/memory.py [name ...]

Each operation runs in forked processes whose address space may grow by ever more, until it
succeeds three times, then with each of the 64 MiB below the least that sufficed: every allocation
of a MiB or more is the one that fails in some of them, and a forecast that is short shows. A
process that ends by a signal is printed, and the exit status is then 1.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
from collections.abc import Callable

import numpy as np

#: MiB by which the address space may grow; 0 stands for no limit.
ROOM = (*range(1, 65), *range(68, 257, 4), *range(272, 1025, 16), 0)
SIDE = 160
ALLOWED = (MemoryError,)


def scan() -> np.ndarray:
    return np.random.default_rng(0).normal(40, 30, (SIDE, SIDE, SIDE)).astype(np.float32)


def ball(side: int = SIDE) -> np.ndarray:
    axis = np.arange(side) - side / 2
    x, y, z = np.ix_(axis, axis, axis)
    return (x * x + y * y + z * z < (side / 3) ** 2).astype(np.uint8)


def operations() -> dict[str, Callable[[], Callable[[], object]]]:
    """Return, by name, what prepares the inputs and returns the call."""
    import spars
    from spars.volume.datasets import Case

    def classifier(side: int = 160) -> spars.Classifier:
        return spars.Classifier((side, side, side), spars.IntensityWindow())

    def resample() -> Callable[[], object]:
        image = scan()
        return lambda: spars.resample(image, (240, 240, 240))

    def linear() -> Callable[[], object]:
        image = scan()
        return lambda: spars.resample(image, (240, 240, 240), "linear")

    def components() -> Callable[[], object]:
        mask = (scan() > 60).astype(np.uint8)
        return lambda: spars.metrics.connected_components(mask)

    def surface() -> Callable[[], object]:
        first, second = ball(), np.roll(ball(), 5, 0)
        return lambda: spars.metrics.hausdorff(first, second)

    def phantom() -> Callable[[], object]:
        return lambda: spars.phantom(shape=(192, 192, 96))

    def working() -> Callable[[], object]:
        volume = spars.Volume(scan(), np.eye(4))
        organ = ball()
        return lambda: spars.working_scan(volume, organ)

    def intensity() -> Callable[[], object]:
        volume = spars.Volume(scan(), np.eye(4))
        organ = ball()
        return lambda: spars.intensity_mask(volume, organ)

    def host() -> Callable[[], object]:
        volume, organ = scan(), ball()
        return lambda: spars.lesions.Host(volume, organ)

    def create() -> Callable[[], object]:
        return lambda: spars.Classifier((400, 400, 400))

    def score() -> Callable[[], object]:
        image, network = scan(), classifier()
        origins = np.array([[0, 0, 0], [40, 40, 40], [60, 60, 60]])
        return lambda: network.score(image, origins, (48, 48, 24))

    def logits() -> Callable[[], object]:
        image, network = scan(), classifier()
        return lambda: network.logits(image)

    def attributions() -> Callable[[], object]:
        image, network = scan(), classifier()
        return lambda: network.attributions(image)

    def gradients() -> Callable[[], object]:
        image, network = scan(), classifier()
        batch = np.stack([image, image])
        return lambda: network.loss_and_gradients(batch, [0, 1])

    def save_and_load() -> Callable[[], object]:
        network, folder = classifier(), tempfile.mkdtemp()

        def call() -> None:
            network.save(f"{folder}/weights.safetensors")
            spars.Classifier.load(f"{folder}/weights.safetensors")

        return call

    def fit() -> Callable[[], object]:
        network, image = classifier(), scan()
        cases = [Case(str(i), i % 2 == 1, lambda: image) for i in range(2)]
        options = {"epochs": 1, "steps_per_epoch": 1, "scans_per_step": 2, "crops_per_scan": 2}
        return lambda: network.fit(cases, grid=None, window=(48, 48, 24), **options)

    def volumes() -> Callable[[], object]:
        image, folder = scan(), tempfile.mkdtemp()

        def call() -> None:
            spars.save(f"{folder}/scan.nii.gz", image)
            spars.load(f"{folder}/scan.nii.gz")

        return call

    def atlas() -> Callable[[], object]:
        image = scan()
        return lambda: spars.ScoreAtlas.compute(
            image, lambda crops: np.zeros(len(crops)), (48, 48, 24), stride=16
        )

    def exhaustive() -> Callable[[], object]:
        axes = [np.arange(0, 113, 4)] * 3
        known = spars.ScoreAtlas(np.zeros((29, 29, 29)), axes, (48, 48, 48), (SIDE,) * 3)
        return lambda: (known.exhaustive_map(), known.interpolated_map())

    def self_play() -> Callable[[], object]:
        image = scan()
        return lambda: spars.self_play(
            image, lambda crops: np.zeros(len(crops)), iterations=2, window=(48, 48, 24), n_steps=16
        )

    def gae() -> Callable[[], object]:
        steps = 4_000_000
        rewards, values = np.zeros(steps), np.zeros(steps)
        starts, last = np.zeros(steps), 0.0
        return lambda: spars.ppo.gae(rewards, values, starts, last, 0.0, 0.99, 0.95)

    def agent() -> Callable[[], object]:
        image = scan()
        environment = spars.WindowSearchEnv(
            image, lambda crops: np.zeros(len(crops)), window=(48, 48, 24)
        )
        return lambda: spars.PPO("MlpPolicy", environment, n_steps=8, batch_size=8).learn(8)

    def lesion_windows() -> Callable[[], object]:
        host = spars.lesions.Host(scan(), ball(), level=40.0)
        made = spars.lesions.windows([host], window=(32, 32, 32), core=(8, 8, 8))
        return lambda: made.draw(0, 256)

    def league() -> Callable[[], object]:
        image, options = scan(), {"window": (48, 48, 24), "policy": "LocalPolicy"}

        def constant(crops: np.ndarray) -> np.ndarray:
            return np.zeros(len(crops))

        run = spars.self_play(image, constant, iterations=1, n_steps=16, **options)

        def call() -> None:
            made = spars.League(image, constant, **options)
            made.add("first", run.parameters)
            made.add("second", run.parameters)
            made.play(2)

        return call

    def patient() -> tuple[spars.Phantom, spars.Classifier]:
        return spars.phantom(seed=1, shape=(160, 160, 96)), spars.pretrained()

    def segment_organ() -> Callable[[], object]:
        made, network = patient()
        return lambda: spars.segment(made.volume, network, region=made.liver)

    def segment_with_agents() -> Callable[[], object]:
        made, network = patient()
        options = {"region": made.liver, "agents": spars.Agents.pretrained(), "max_scores": 200}
        return lambda: spars.segment(made.volume, network, **options)

    def segment_around_lesions() -> Callable[[], object]:
        made, network = patient()
        region = np.asarray(made.liver) & (np.asarray(made.tumour) == 0)
        return lambda: spars.segment(made.volume, network, region=region)

    return {
        name: make
        for name, make in locals().items()
        if getattr(make, "__annotations__", {}).get("return") == "Callable[[], object]"
    }


def attempt(name: str, call: Callable[[], object], room: int) -> str | None:
    """Make a call in a forked process with so many MiB of room; return what it said.

    None, and a line, where the process was ended.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with open("/proc/self/statm", encoding="ascii") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        if room:
            hard = resource.getrlimit(resource.RLIMIT_AS)[1]
            resource.setrlimit(resource.RLIMIT_AS, (used + (room << 20), hard))
        try:
            call()
            os.write(writing, b"done")
        except ALLOWED as error:
            os.write(writing, f"refused: {error}"[:300].encode())
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as file:
        said = file.read().decode()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == 0:
        return said
    print(f"{name:14} {room:5} MiB: ended by {code}", flush=True)
    return None


def main() -> int:
    import spars

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="name")
    names = parser.parse_args().names
    spars.resample(np.zeros((8, 8, 8), np.float32), (9, 9, 9))
    # OpenBLAS ends the process where it cannot have its own buffers, which it takes once.
    np.linalg.inv(np.eye(64) @ np.eye(64))
    ended = 0
    for name, prepare in operations().items():
        if names and name not in names:
            continue
        call = prepare()
        sufficed: list[int] = []
        for room in ROOM:
            said = attempt(name, call, room)
            ended += said is None
            if said == "done":
                sufficed.append(room)
            if len(sufficed) == 3:
                break
        least = sufficed[0] if sufficed else ROOM[-2]
        ended += sum(attempt(name, call, room) is None for room in range(max(1, least - 64), least))
        print(f"{name:14} {least:5} MiB: {said or 'ended'}"[:140], flush=True)
    print(f"{ended} processes ended")
    return int(ended > 0)


if __name__ == "__main__":
    sys.exit(main())

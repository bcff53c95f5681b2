"""Times spars against its peers and prints a Markdown table for RESULTS.md.

Each row is measured in a fresh process, ours and the peer's calls in turn (A B A B ...), so that a
drift of the machine's speed falls on both. Medians, and the median of the pairwise ratios.

    python Benchmarks/run.py                 # all rows
    python Benchmarks/run.py evaluation ppo  # some rows
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import livers
import numpy as np
import rows
import threads

INPUT_SHAPE = (256, 256, 180)
WINDOW = (48, 48, 24)
# A row's function returns (ours, {peer: function}), each to be timed.
ROWS, row = rows.registry()


def hu_volume(seed=1, shape=INPUT_SHAPE):
    import spars

    return spars.phantom(seed=seed, shape=shape).volume.array


def record_network():
    import peers

    import spars

    network = peers.torch_network(INPUT_SHAPE)
    return spars.Classifier.from_parameters(peers.torch_parameters(network)), network


@row("evaluation", 9)
def evaluation():
    """One dense evaluation of 256x256x180."""
    import peers

    import spars

    classifier, network = record_network()
    x = np.random.default_rng(0).standard_normal(INPUT_SHAPE, dtype=np.float32)
    torch_evaluate = peers.torch_evaluation(network)
    openvino_evaluate = peers.openvino_evaluation(network, INPUT_SHAPE, spars.thread_count())
    np.testing.assert_allclose(classifier.logits(x), torch_evaluate(x), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(classifier.logits(x), openvino_evaluate(x), rtol=1e-3, atol=1e-3)
    return (
        lambda: classifier.logits(x),
        {
            "PyTorch eager": lambda: torch_evaluate(x),
            "OpenVINO float32": lambda: openvino_evaluate(x),
        },
    )


def window_case(count):
    import peers

    import spars

    classifier, network = record_network()
    volume = hu_volume()
    generator = np.random.default_rng(0)
    high = np.array(INPUT_SHAPE) - np.array(WINDOW)
    origins = generator.integers(0, high, size=(count, 3)) // 4 * 4
    evaluate = peers.openvino_evaluation(network, INPUT_SHAPE, spars.thread_count())

    def openvino_one():
        x, y, z = origins[0]
        crop = volume[x : x + WINDOW[0], y : y + WINDOW[1], z : z + WINDOW[2]]
        evaluate(spars.resample(np.ascontiguousarray(crop), INPUT_SHAPE, interpolation="nearest"))

    return classifier, volume, origins, openvino_one


@row("window", 9)
def window():
    """One cold window score, 48x48x24."""
    classifier, volume, origins, openvino_one = window_case(1)
    return (
        lambda: classifier.score(volume, origins, window=WINDOW),
        {"OpenVINO float32": openvino_one},
    )


def many_windows(classifier, volume, origins, openvino_one):
    """Return a row's result: windows in one call, beside as many times one of the peer."""
    count = len(origins)
    return (
        lambda: classifier.score(volume, origins, window=WINDOW),
        {f"OpenVINO float32, {count:,} times one": rows.part_of(count, openvino_one)},
    )


def neighbours():
    """Return the origins of 10 x 10 x 10 windows 4 voxels apart."""
    axes = [np.arange(10) * 4 + start for start in (100, 100, 60)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)


@row("windows-1000", 3)
def windows_1000():
    """1,000 neighbouring windows (10 x 10 x 10, 4 voxels apart) in one call."""
    classifier, volume, _, openvino_one = window_case(1)
    return many_windows(classifier, volume, neighbours(), openvino_one)


@row("windows-scattered", 2)
def windows_scattered():
    """200 windows scattered over the lattice of a scan in one call."""
    return many_windows(*window_case(200))


@row("atlas", 1)
def atlas():
    """The atlas of a 256x256x180 volume, 112,360 windows of 48x48x24, stride 4."""
    import spars

    classifier, volume, _, openvino_one = window_case(1)
    return (
        lambda: spars.ScoreAtlas.compute(volume, classifier, WINDOW),
        {"OpenVINO float32, 112,360 times one": rows.part_of(53 * 53 * 40, openvino_one)},
    )


row("liver", 3)(livers.windows)


@row("training-crop", 5)
def training_crop():
    """Loss and gradients of a batch of two crops; PyTorch's time includes Adam."""
    import peers

    classifier, network = record_network()
    x = np.random.default_rng(0).standard_normal((2, *INPUT_SHAPE), dtype=np.float32)
    has_tumour = np.array([0, 1])
    train = peers.torch_training_crop(network)
    return (
        lambda: classifier.loss_and_gradients(x, has_tumour),
        {"PyTorch eager": lambda: train(x, has_tumour)},
    )


def fit_case(classifier, protocol, scans, crops):
    """Return a training of two steps on phantoms in their own voxels, made before."""
    import spars

    def case(seed):
        made = spars.phantom(seed=seed, shape=(128, 128, 96))
        mask = np.where(made.tumour != 0, 2, made.liver != 0)
        return spars.datasets.Case(
            f"phantom {seed}", made.has_tumour, lambda: made.volume, lambda: mask
        )

    dataset = [case(seed) for seed in range(2)]
    return lambda: classifier.fit(
        dataset, window=WINDOW, grid=None, epochs=1, steps_per_epoch=2, scans_per_step=scans,
        crops_per_scan=crops, protocol=protocol,
    )  # fmt: skip


def training_case(protocol):
    import peers

    classifier, network = record_network()
    x = np.random.default_rng(0).standard_normal((2, *INPUT_SHAPE), dtype=np.float32)
    train = peers.torch_training_crop(network)
    pair = rows.part_of(8, lambda: train(x, np.array([0, 1])))
    return fit_case(classifier, protocol, 2, 4), {"PyTorch eager, 8 times two crops": pair}


@row("training", 2)
def training():
    """Two training steps of 8 crops, 48x48x24 enlarged by nearest neighbour (paper protocol)."""
    return training_case("paper")


@row("training-published", 2)
def training_published():
    """Two training steps of 8 crops, 96x96x64 resized trilinearly (published protocol)."""
    return training_case("published")


@row("training-40", 1)
def training_40():
    """Two training steps of record, 40 crops each, paper protocol; no peer loaded."""
    import spars

    return fit_case(spars.Classifier(INPUT_SHAPE), "paper", 4, 10), {}


@row("training-40-published", 1)
def training_40_published():
    """Two training steps of record, 40 crops each, published protocol; no peer loaded."""
    import spars

    return fit_case(spars.Classifier(INPUT_SHAPE), "published", 4, 10), {}


@row("environment-step", 5)
def environment_step():
    """1,000 steps of the game with every score known, from Python."""
    import spars

    volume = hu_volume(shape=(128, 128, 96))
    env = spars.parallel_env(
        volume, lambda crops: np.full(len(crops), 0.1, np.float32), window=(24, 24, 16), seed=0
    )
    env.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, 6, (1000, 2))

    def steps():
        for a, b in actions:
            if not env.agents:
                env.reset()
            env.step({"learner": int(a), "opponent": int(b)})

    steps()
    return steps, {}


@row("vector-game", 5)
def vector_game():
    """1,000,000 steps with every score in an atlas: 1,024 games stepped 1,000 times from Python."""
    import spars

    scan = np.zeros(INPUT_SHAPE, np.float32)
    axes = [np.arange(0, n - w + 1, 4) for n, w in zip(INPUT_SHAPE, WINDOW, strict=True)]
    scores = np.full([len(axis) for axis in axes], 0.1, np.float32)
    atlas = spars.ScoreAtlas(scores, axes, WINDOW, INPUT_SHAPE)
    games = spars.VectorGame(scan, atlas, 1024, WINDOW)
    actions = np.random.default_rng(0).integers(0, 6, (64, 2, games.n)).astype(np.int8)

    def steps():
        for i in range(1_000):
            games.step(*actions[i % 64])

    return steps, {}


@row("league", 5)
def league():
    """1,000 games of 256 steps between two frozen players at places they have seen before."""
    import spars

    shape, window = (64, 64, 48), (16, 16, 8)
    axes = [np.arange(0, n - w + 1, 4) for n, w in zip(shape, window, strict=True)]
    scores = np.random.default_rng(0).random([len(axis) for axis in axes], np.float32)
    atlas = spars.ScoreAtlas(scores, axes, window, shape)
    players = spars.League(
        hu_volume(shape=shape), atlas, window=window, termination_threshold=1.0,
        intensity_window=spars.IntensityWindow(),
    )  # fmt: skip
    shapes = spars.ppo.parameter_shapes(int(np.prod(window)), 6)
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        players.add(str(seed), {n: rng.normal(0, 0.01, s) for n, s in shapes.items()})
    players.play(1_000)

    def games():
        players.play(int(players.games[0, 1]) + 1_000)

    return games, {}


@row("ppo-iteration", 7)
def ppo_iteration():
    """One PPO iteration of record: 32 steps and an update on the 55,296 values of a window."""
    import peers

    import spars

    volume = hu_volume()
    run = spars.self_play(
        volume,
        lambda crops: np.full(len(crops), 0.1, np.float32),
        iterations=1,
        window=WINDOW,
        seed=0,
        snapshot_interval=0,
    )
    return lambda: run.resume(1), {"stable-baselines3": peers.sb3_ppo(int(np.prod(WINDOW)))}


def many_environments(batch_size):
    """Return 512 steps of spars.PPO and of its peer: 32 in each of 16 environments, one update."""
    import peers

    import spars

    inputs = int(np.prod(WINDOW))
    envs = [peers.noise_environment(inputs, i) for i in range(16)]
    agent = spars.PPO("MlpPolicy", envs, n_steps=32, batch_size=batch_size, n_epochs=1, seed=0)
    return (
        lambda: agent.learn(512, reset_num_timesteps=False),
        {"stable-baselines3": peers.sb3_ppo(inputs, 16, batch_size)},
    )


@row("ppo-16", 3)
def ppo_16():
    """One PPO iteration at 16 environments: 512 steps and an update in minibatches of 8."""
    return many_environments(8)


@row("ppo-16-wide", 3)
def ppo_16_wide():
    """One PPO iteration at 16 environments: 512 steps and an update in minibatches of 128."""
    return many_environments(128)


def games_side_by_side(batch_size):
    """Return an iteration of self-play with 16 games, and of SB3 on as many of our environments."""
    import peers

    import spars

    volume = hu_volume()

    def scorer(crops):
        return np.full(len(crops), 0.1, np.float32)

    run = spars.self_play(
        volume,
        scorer,
        iterations=1,
        window=WINDOW,
        n_envs=16,
        batch_size=batch_size,
        seed=0,
        snapshot_interval=0,
    )
    environments = [spars.WindowSearchEnv(volume, scorer, window=WINDOW) for _ in range(16)]
    return (
        lambda: run.resume(1),
        {"stable-baselines3": peers.sb3_ppo_on(environments, batch_size)},
    )


@row("self-play-16", 3)
def self_play_16():
    """One iteration of self-play with 16 games: 512 steps, an update in minibatches of 8."""
    return games_side_by_side(8)


@row("self-play-16-wide", 3)
def self_play_16_wide():
    """One iteration of self-play with 16 games: 512 steps, an update in minibatches of 128."""
    return games_side_by_side(128)


@row("lesion-windows", 5)
def lesion_windows():
    """2,000 labelled windows of 16x16x16, half of them with made-up lesions."""
    import spars

    scan = spars.phantom(1, (232, 192, 160), (1.5, 1.5, 1.5), has_tumour=False)
    source = spars.lesions.windows([spars.lesions.Host(scan.volume, scan.liver)])
    return lambda: source.draw(0, 2000), {}


def windows_by_threads(origins):
    import spars

    classifier, volume = spars.Classifier(INPUT_SHAPE), hu_volume()
    return threads.in_turn(lambda: classifier.score(volume, origins, window=WINDOW))


@row("threads-evaluation", 9)
def threads_evaluation():
    """One dense evaluation of 256x256x180, by threads asked for."""
    import spars

    classifier = spars.Classifier(INPUT_SHAPE)
    x = np.random.default_rng(0).standard_normal(INPUT_SHAPE, dtype=np.float32)
    return threads.in_turn(lambda: classifier.logits(x))


@row("threads-window", 9)
def threads_window():
    """One cold window score, 48x48x24, by threads asked for."""
    return windows_by_threads(neighbours()[:1])


@row("threads-windows-1000", 3)
def threads_windows_1000():
    """1,000 neighbouring windows in one call, by threads asked for."""
    return windows_by_threads(neighbours())


@row("threads-training", 2)
def threads_training():
    """Two training steps of 8 crops, paper protocol, by threads asked for."""
    import spars

    return threads.in_turn(fit_case(spars.Classifier(INPUT_SHAPE), "paper", 2, 4))


def measure(name):
    """Time one row in this process and return its figures."""
    function, repeats = ROWS[name]
    ours, others = function()
    calls = {"spars": ours, **others}
    if repeats > 1:
        for call in calls.values():
            call()
    times = {peer: [] for peer in calls}
    for _ in range(repeats):
        for peer, call in calls.items():
            start = time.perf_counter()
            call()
            seconds = time.perf_counter() - start
            times[peer].append(seconds * getattr(call, "parts", 1))
    ratios = {
        peer: statistics.median(b / a for a, b in zip(times["spars"], times[peer], strict=True))
        for peer in others
    }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return {
        "name": name,
        "what": function.__doc__.strip(),
        "median_s": {peer: statistics.median(values) for peer, values in times.items()},
        "spread": {peer: [min(values), max(values)] for peer, values in times.items()},
        "ratio": ratios,
        "peak_gib": peak,
    }


def machine():
    """Return one line that names the processor, threads and versions."""
    import spars

    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return (
        f"{model}, {os.cpu_count()} processors, {spars.thread_count()} threads, "
        f"kernels {spars.instruction_set()}, spars {spars.__version__}, "
        f"Python {platform.python_version()}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", help=f"of {', '.join(ROWS)}; all if none is named")
    parser.add_argument("--one", choices=list(ROWS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if unknown := set(arguments.rows) - set(ROWS):
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    if arguments.one:
        print(json.dumps(measure(arguments.one)))
        return
    print(machine(), "\n")
    print("| work | spars, median | peer, median | ratio | peak memory with peers loaded |")
    print("|---|---|---|---|---|")
    for name in arguments.rows or ROWS:
        finished = subprocess.run(
            [sys.executable, __file__, "--one", name], stdout=subprocess.PIPE, text=True, check=True
        )
        print_row(json.loads(finished.stdout.splitlines()[-1]))


def print_row(figures):
    ours = figures["median_s"]["spars"]
    peers = {peer: t for peer, t in figures["median_s"].items() if peer != "spars"}
    for peer, seconds in peers.items() or [("none", None)]:
        other = "" if seconds is None else f"{peer}: {seconds:.4g} s"
        ratio = "" if seconds is None else f"{figures['ratio'][peer]:.2f}"
        print(
            f"| {figures['what']} | {ours:.4g} s | {other} | {ratio} "
            f"| {figures['peak_gib']:.2f} GiB |",
            flush=True,
        )


if __name__ == "__main__":
    main()

"""What each acceleration of the classifier gains, as a Markdown table for fast-classifier.md.

SPARS_NUM_THREADS=1 python Benchmarks/accelerations.py                  # all rows
SPARS_NUM_THREADS=1 python Benchmarks/accelerations.py shared columns   # some rows

Each row does the same work twice: without the acceleration and with it, in turn in one process.
Processor time, medians, and the median of the pairwise ratios. Where the core has no switch, the
plain side hands it the work in a form that cannot be accelerated, or both sides run in PyTorch.
"""

import argparse
import statistics
import time

import numpy as np
import rows
import run

import spars

# A row's function returns two calls for one work: (without, with).
ROWS, row = rows.registry()


def grid_of_windows(counts, distance):
    """Return the origins of so many windows along x, y, z, `distance` voxels apart."""
    axes = [np.arange(count) * distance + 40 for count in counts]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)


def windows_case(counts, distance):
    """Return the scores of windows, each asked for alone, and in one call."""
    classifier = spars.Classifier(seed=0)
    volume = run.hu_volume()
    origins = grid_of_windows(counts, distance)

    def score(origins):
        return classifier.score(volume, origins, window=run.WINDOW)

    return lambda: np.concatenate([score(origin[None]) for origin in origins]), lambda: score(
        origins
    )


def chance_of_tumour(logits):
    """Return softmax(logits)[:, 1]."""
    return 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))


def enlarged(crop, interpolation):
    return spars.resample(np.ascontiguousarray(crop), run.INPUT_SHAPE, interpolation=interpolation)


@row("distinct", 15)
def distinct():
    """One window: enlarged before the clock starts; scored from its voxels."""
    classifier = spars.Classifier(seed=0)
    volume = run.hu_volume()
    x, y, z = origin = grid_of_windows((1, 1, 1), 4)[0]
    a, b, c = run.WINDOW
    dense = enlarged(volume[x : x + a, y : y + b, z : z + c], "nearest")
    return (
        lambda: chance_of_tumour(classifier.logits(dense)),
        lambda: classifier.score(volume, origin[None], window=run.WINDOW),
    )


@row("shared", 5)
def shared():
    """36 windows, 6 x 6, 12 voxels apart along x and y: one by one; in one call."""
    return windows_case((6, 6, 1), 12)


@row("columns", 5)
def columns():
    """10 windows, 4 voxels apart along z: one by one; in one call."""
    return windows_case((1, 1, 10), 4)


@row("neighbours", 3)
def neighbours():
    """1,000 windows, 10 x 10 x 10, 4 voxels apart: one by one; in one call."""
    return windows_case((10, 10, 10), 4)


def training_case(protocol, crop, interpolation):
    """Return two steps' gradients of 8 crops enlarged before, and two whole steps of `fit`."""
    classifier = spars.Classifier(seed=0)
    volume = run.hu_volume()
    generator = np.random.default_rng(0)
    crops = [enlarged(volume[x : x + crop[0], : crop[1], : crop[2]], interpolation)
             for x in generator.integers(0, 128, 8)]  # fmt: skip
    batch, labels = np.stack(crops), np.arange(8) % 2
    fit = run.fit_case(classifier, protocol, 2, 4)
    return lambda: [classifier.loss_and_gradients(batch, labels) for _ in range(2)], fit


@row("training-nearest", 3)
def training_nearest():
    """Two steps of 8 nearest crops: gradients of enlarged ones; whole steps from their voxels."""
    return training_case("paper", run.WINDOW, "nearest")


@row("training-trilinear", 3)
def training_trilinear():
    """Two steps of 8 trilinear crops: gradients of resized ones; whole steps from their voxels."""
    return training_case("published", (96, 96, 64), "linear")


def seen_places(n):
    """Return how many of an axis' n input places reach a feature."""
    places = (n - 2) // 2
    for _ in range(2):
        places = ((places - 3) // 2 + 1) // 2
    places = (places - 3) // 2 + 1
    for _ in range(3):
        places = 2 * (2 * places + 1)
    return places + 2


@row("border", 5)
def border():
    """PyTorch, one evaluation: all of 256 x 256 x 180; the 236 x 236 x 172 that are seen."""
    import peers

    evaluate = peers.torch_evaluation(peers.torch_network(run.INPUT_SHAPE))
    x = np.random.default_rng(0).standard_normal(run.INPUT_SHAPE, dtype=np.float32)
    seen = np.ascontiguousarray(x[tuple(slice(seen_places(n)) for n in x.shape)])
    return lambda: evaluate(x), lambda: evaluate(seen)


@row("fold", 5)
def fold():
    """PyTorch, conv1 to its pool: batch norm and ReLU of every place; folded, behind the pool."""
    import torch
    from torch.nn import functional as F

    torch.manual_seed(0)
    x = torch.randn(1, 1, *run.INPUT_SHAPE)
    w, b = torch.randn(8, 1, 3, 3, 3), torch.randn(8)
    mean, variance, gamma, beta = torch.randn(8), torch.rand(8) + 0.5, torch.randn(8), torch.ones(8)
    s = gamma / torch.sqrt(variance + 1e-5)
    shift = ((b - mean) * s + beta).view(1, 8, 1, 1, 1)

    def plain():
        y = F.batch_norm(F.conv3d(x, w, b), mean, variance, gamma, beta)
        return F.max_pool3d(F.relu(y), 2).numpy()

    def folded():
        return F.relu(F.max_pool3d(F.conv3d(x, w * s.view(8, 1, 1, 1, 1)), 2) + shift).numpy()

    return plain, folded


def measure(name):
    """Return the median processor seconds without and with, and of the ratio of each pair."""
    function, repeats = ROWS[name]
    calls = function()
    times = ([], [])
    for repeat in range(repeats + 1):
        for seconds, call in zip(times, calls, strict=True):
            start = time.process_time()
            call()
            if repeat > 0:
                seconds.append(time.process_time() - start)
    ratios = [a / b for a, b in zip(*times, strict=True)]
    return *(statistics.median(seconds) for seconds in times), statistics.median(ratios)


def main():
    """Print the machine and the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="*", help=f"of {', '.join(ROWS)}; all if none is named")
    arguments = parser.parse_args()
    if unknown := set(arguments.rows) - set(ROWS):
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    print(run.machine(), "\n")
    print("| work: without; with | without | with | ratio |\n|---|---|---|---|")
    for name in arguments.rows or ROWS:
        without, accelerated, ratio = measure(name)
        what = ROWS[name][0].__doc__.rstrip(".")
        print(f"| {what} | {without:.4g} s | {accelerated:.4g} s | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()

"""Agents with a scorer that costs eight times as much, against every window; prints Markdown.

python Benchmarks/flips.py --cache FOLDER --phantoms 5
python Benchmarks/flips.py --cache FOLDER --patients FOLDER [FOLDER ...] --names lits03 ircad16

The scorer is the mean of the pretrained weights' scores over the eight flips of a window along its
axes. Scans are those of Benchmarks/search.py, from its cache, on their working grid; of phantoms
the first set of lesions of each liver. What is measured stands in the cache and is not done again.

Written before it was run
-------------------------
Three ways from scan and organ to a mask, by `spars.segment`, with the same scorer:

| name | which windows | how they are scored |
|---|---|---|
| function | every one | a function that takes windows, as any scorer of one's own |
| shared | every one | the mean of eight atlases, each of one flip of the whole scan: less work |
| agents | `Agents.pretrained()`, to their own end | the same function |

All by one thread; seconds are the processor's, since others use the machine, and begin where the
scan is on its working grid. `function` scores 320 drawn windows and counts by these: its scores are
those of `shared` but for rounding, of which the largest difference is printed. The Dice of every
window by the weights alone is that of Benchmarks/search.py.

Hypotheses
1. Agents take under a quarter of the seconds of `function` and under a half of those of `shared` on
   every scan with up to 25 ml of tumour.
2. Their Dice is less than that of `shared` by less than 0.02: on phantoms and on patients the
   interval of the difference lies above -0.02. Agents have learned from one network's scores; the
   mean of eight is smoother.
3. Flips are no better than the weights alone: the thresholds were chosen for these, and a mean of
   eight comes up to 0.97 less often. Nothing of the rest depends on this.

Rule: agents may be recommended for a scorer of this price where 2 holds on patients and their
seconds are under a half of those of the cheaper way to every window, in the mean over scans.
Intervals: bootstrap over scans, 95 %, 10,000 draws, as in Benchmarks/search.py.
"""

import argparse
import itertools
import time
from pathlib import Path

import numpy as np
import search as study

import spars
from spars import metrics
from spars.search.frames import OrganFrame

DRAWN = 320
FLIPS = [axes for count in range(4) for axes in itertools.combinations(range(3), count)]


class Flips:
    """A scorer of one's own: the mean of a classifier's scores over the flips of each window."""

    def __init__(self, classifier):
        self.classifier, self.recipe = classifier, classifier.recipe
        # What calls it then shows it windows as the classifier sees them, in [0, 1].
        self.intensity_window = classifier.intensity_window

    def __call__(self, crops):
        seen = self.intensity_window
        hu = seen.level + (crops - np.float32(0.5)) * np.float32(seen.width)
        count, extent = len(crops), crops.shape[1:]
        origins = np.zeros((count, 3), np.int64)
        origins[:, 0] = extent[0] * np.arange(count)
        total = np.zeros(count, np.float32)
        for axes in FLIPS:
            flipped = np.flip(hu, [axis + 1 for axis in axes])
            beside = np.ascontiguousarray(flipped).reshape(-1, *extent[1:])
            total += self.classifier.score(beside, origins, extent)
        return total / len(FLIPS)


def shared(frame, classifier):
    """Return the mean atlas over all flips of an organ on its working grid."""
    recipe = classifier.recipe
    seen, shape = frame.seen.array, frame.seen.shape
    atlases = []
    for axes in FLIPS:
        # The flipped lattice begins where the last window of the other ends.
        cut = tuple(
            slice((shape[axis] - recipe.window[axis]) % recipe.stride if axis in axes else 0, None)
            for axis in range(3)
        )
        values, inside = (np.flip(part, axes)[cut] for part in (seen, frame.working.organ))
        turned = spars.Volume(np.ascontiguousarray(values), frame.seen.affine)
        atlas = spars.ScoreAtlas.compute(
            turned, classifier, recipe.window, grid=turned.shape, stride=recipe.stride,
            protocol=recipe.protocol, region=np.ascontiguousarray(inside), covers_edge=False,
        )  # fmt: skip
        atlases.append(atlas)
    flipped = [np.flip(atlas.scores, axes) for axes, atlas in zip(FLIPS, atlases, strict=True)]
    return spars.ScoreAtlas(
        np.mean(flipped, axis=0, dtype=np.float32), atlases[0].axes, recipe.window, shape
    )


def timed(made):
    begun = time.process_time()
    result = made()
    return result, time.process_time() - begun


def measured(scan, classifier):
    """Return what a scan's row says: Dice, false ml and seconds of each way."""
    recipe, costly, agents = classifier.recipe, Flips(classifier), spars.Agents.pretrained()
    frame = OrganFrame.of(scan.volume, scan.organ, recipe)
    atlas, passes = timed(lambda: shared(frame, classifier))
    # Windows of the function: drawn, as they are seen in the working grid.
    scored = np.argwhere(atlas.scores > 0)
    drawn = scored[np.random.default_rng(0).permutation(len(scored))[:DRAWN]]
    origins = np.stack([starts[at] for starts, at in zip(atlas.axes, drawn.T, strict=True)], axis=1)
    crops = np.stack([
        frame.seen.array[tuple(slice(o, o + w) for o, w in zip(origin, recipe.window, strict=True))]
        for origin in origins
    ])  # fmt: skip
    seen = classifier.intensity_window
    crops = np.clip((crops - seen.level) / seen.width + 0.5, 0, 1).astype(np.float32)
    scores, function = timed(lambda: costly(crops))
    whole, rest = timed(lambda: spars.segment(scan.volume, atlas, region=scan.organ, recipe=recipe))
    some, alone = timed(
        lambda: spars.segment(scan.volume, costly, region=scan.organ, agents=agents)
    )
    row = {
        "ml": float(scan.ml), "one": float(scan.exhaustive), "windows": len(scan.scores),
        "asked": some.scores_asked, "each": function / len(drawn),
        "apart": float(np.abs(scores - atlas.scores[tuple(drawn.T)]).max()),
        "seconds": {
            "function": function / len(drawn) * len(scan.scores) + rest,
            "shared": passes + rest, "agents": alone,
        },
    }  # fmt: skip
    for name, found in (("shared", whole), ("agents", some)):
        mask = (found.mask > 0) & (scan.organ > 0)
        wrong = (mask & ~scan.tumour).sum() * recipe.spacing**3 / 1000
        row[name] = {
            "dice": float(metrics.dice(mask, scan.tumour)) if scan.tumour.any() else None,
            "false": float(wrong),
        }
    return row


def report(title, rows):
    """Print each scan's row and what is compared."""
    print(f"\n{title}\n")
    heads = [
        "scan", "tumour, ml", "windows", "asked", "Dice, one", "every window", "agents",
        "false ml, every window", "agents", "s, function", "shared", "agents", "of function",
        "of shared", "ms a window", "scores differ by",
    ]  # fmt: skip
    print(f"| {' | '.join(heads)} |")
    print("|---" * len(heads) + "|")
    for name, row in rows.items():
        dices = [row["one"] if row["ml"] else None, row["shared"]["dice"], row["agents"]["dice"]]
        seconds = row["seconds"]
        cells = [
            name, f"{row['ml']:.1f}", f"{row['windows']:,}", f"{row['asked']:,}",
            *("" if dice is None else f"{dice:.3f}" for dice in dices),
            *(f"{row[way]['false']:.2f}" for way in ("shared", "agents")),
            *(f"{value:.0f}" for value in seconds.values()),
            *(f"{seconds['agents'] / seconds[way]:.2f}" for way in ("function", "shared")),
            f"{1000 * row['each']:.1f}", f"{row['apart']:.1g}",
        ]  # fmt: skip
        print(f"| {' | '.join(cells)} |")
    sick = [row for row in rows.values() if row["ml"] > 1]
    ratios = {
        way: np.mean([r["seconds"]["agents"] / r["seconds"][way] for r in rows.values()])
        for way in ("function", "shared")
    }
    lost = np.array([row["agents"]["dice"] - row["shared"]["dice"] for row in sick])
    flipped = np.array([row["shared"]["dice"] - row["one"] for row in sick])
    print(
        f"\nseconds of agents over those of function {ratios['function']:.2f}, of shared "
        f"{ratios['shared']:.2f}; Dice of agents less that of every window {study.interval(lost)}; "
        f"of flips less that of one {study.interval(flipped)}",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--phantoms", type=int, default=0, help="how many livers")
    parser.add_argument("--patients", nargs="*", default=[])
    parser.add_argument("--names", nargs="*", default=[], help="which patients")
    arguments = parser.parse_args()
    spars.set_thread_count(1)
    classifier, folder = spars.pretrained(), arguments.cache
    livers = range(study.FIRST_SEED, study.FIRST_SEED + arguments.phantoms)
    parts = {
        "Phantoms": (study.phantom_scan(seed, 0, folder, classifier) for seed in livers),
        "Patients": study.patients(arguments.patients, [], folder, classifier, arguments.names),
    }
    for title, scans in parts.items():
        rows = {}
        for scan in scans:
            path = folder / f"flips-{scan.name}.json"
            rows[scan.name] = study.remembered(path, lambda scan=scan: measured(scan, classifier))
            print(f"  {scan.name} {rows[scan.name]}", flush=True)
        if rows:
            report(title, rows)


if __name__ == "__main__":
    main()

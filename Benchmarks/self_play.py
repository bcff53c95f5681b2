"""What playing for itself tells of a scan: seeds, steps and leagues on phantoms; prints Markdown.

python Benchmarks/self_play.py --cache FOLDER --phantoms 8

Scans are those of Benchmarks/search.py, from its cache: of each liver the first set of lesions.
Every window is scored first, so that a run costs its moves alone. What was played is kept there.

Written before it was run
-------------------------
As a search self-play is the worst of all (docs/explanation/search.md). Here it is asked what it
tells beside a mask: five seeds of 300 iterations on each scan by `spars.segment` (method
"self_play", opponents "fictitious", no end at a score), and a league of the first seed's snapshots,
100 iterations apart, 40 games each pair.

Measures: of voxels that so many of the five masks hold, the share that is tumour, pooled over
scans; Dice between two seeds' masks; Dice of the voxels that three or more hold, less the seeds'
mean; steps until a window within 0.1 of the best was seen, the mean over seeds, and how it goes by
rank with the Dice of every window; in the league, the win rate of the last learner against the
policy it began as.

Hypotheses
1. The more seeds hold a voxel, the more often it is tumour: the seeds know where they are unsure.
2. The majority's Dice is higher than one seed's: the interval of the difference lies above 0.
3. Where self-play needs more steps, every window has a lower Dice: rank correlation below 0.
4. The last learner wins more than half of its games against the first: the interval lies above 0.5.

It decides nothing about `segment`. Intervals: bootstrap over scans, 95 %.
"""

import argparse
import itertools
from pathlib import Path

import numpy as np
import search as study

import spars
from spars import metrics

SEEDS, ITERATIONS, NEAR = 5, 300, 0.1


def played(scan, atlas, seed):
    return spars.segment(
        scan.volume, atlas, region=scan.organ, recipe=scan.recipe, method="self_play",
        iterations=ITERATIONS, snapshot_interval=100, opponents="fictitious",
        termination_threshold=1.0, seed=seed,
    )  # fmt: skip


def steps_to_near(run, atlas):
    """Return after how many steps a window near the best was seen; all where none was."""
    is_near = run.coverage(atlas).regret <= NEAR
    return int(is_near.argmax()) + 1 if is_near.any() else len(is_near)


def measured(scan, classifier):
    every = spars.segment(scan.volume, classifier, region=scan.organ)
    atlas = every.run.seen
    runs = [played(scan, atlas, seed) for seed in range(SEEDS)]
    masks = [(found.mask > 0) & (scan.organ > 0) for found in runs]
    votes = np.sum(masks, axis=0)
    pairs = itertools.combinations(masks, 2)
    league = spars.League.of(runs[0].run).play(games=40)
    return {
        "ml": float(scan.ml),
        "every": float(metrics.dice((every.mask > 0) & (scan.organ > 0), scan.tumour)),
        "voxels": [int((votes == n).sum()) for n in range(SEEDS + 1)],
        "tumour": [int((scan.tumour & (votes == n)).sum()) for n in range(SEEDS + 1)],
        "dice": [float(metrics.dice(mask, scan.tumour)) for mask in masks],
        "vote": float(metrics.dice(votes > SEEDS / 2, scan.tumour)),
        # Of two empty masks it is not a number.
        "between": float(np.nanmean([metrics.dice(*pair) for pair in pairs])),
        "steps": [steps_to_near(found.run, atlas) for found in runs],
        "last beats first": float(league.payoff[-1, 0]),
        "elo": [float(value) for value in league.ratings().elo],
    }  # fmt: skip


def ranks(values):
    """Return the rank of each value; ties have their mean."""
    values = np.asarray(values, float)
    return [(np.sum(values < value) + np.sum(values <= value) - 1) / 2 for value in values]


def report(rows):
    print(
        "| scan | tumour, ml | every window | seeds' Dice | vote | between seeds | steps | league |"
    )
    print("|---" * 8 + "|")
    for name, row in rows.items():
        print(
            f"| {name} | {row['ml']:.1f} | {row['every']:.3f} | {np.mean(row['dice']):.3f} "
            f"({min(row['dice']):.3f} to {max(row['dice']):.3f}) | {row['vote']:.3f} | "
            f"{row['between']:.3f} | {np.mean(row['steps']):.0f} ({min(row['steps'])} to "
            f"{max(row['steps'])}) | {row['last beats first']:.2f} |"
        )
    every = rows.values()
    voxels, tumour = (np.sum([row[name] for row in every], axis=0) for name in ("voxels", "tumour"))
    shares = " | ".join(f"{t / max(v, 1):.4f}" for v, t in zip(voxels, tumour, strict=True))
    print(f"\ntumour's share of what 0 to {SEEDS} seeds hold: {shares}; voxels {voxels.tolist()}")
    gained = np.array([row["vote"] - np.mean(row["dice"]) for row in every])
    print(f"vote less one seed {study.interval(gained)}")
    steps = ranks([np.mean(row["steps"]) for row in every])
    rank = np.corrcoef(steps, ranks([row["every"] for row in every]))[0, 1]
    print(f"rank correlation of steps and the Dice of every window {rank:.2f}")
    won = np.array([row["last beats first"] for row in every])
    print(f"the last beats the first {study.interval(won)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--phantoms", type=int, default=8, help="how many livers")
    arguments = parser.parse_args()
    classifier, rows = spars.pretrained(), {}
    for seed in range(study.FIRST_SEED, study.FIRST_SEED + arguments.phantoms):
        scan = study.phantom_scan(seed, 0, arguments.cache, classifier)
        path = arguments.cache / f"self-play-{scan.name}.json"
        rows[scan.name] = study.remembered(path, lambda scan=scan: measured(scan, classifier))
        print(f"  {scan.name} {rows[scan.name]}", flush=True)
    report(rows)


if __name__ == "__main__":
    main()

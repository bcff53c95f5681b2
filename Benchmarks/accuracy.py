"""Trains as the demonstration does, several times, and measures on many held-out phantoms.

python Benchmarks/accuracy.py --seeds 100 200 300 --patients 8

Prints Markdown. Every training seed has training, validation and held-out phantoms of its own.
Intervals are bootstrap intervals of the mean over patients, 95 %.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from spars import metrics
from spars.command.demo_training import TrainingDemo, TrainingDemoConfiguration


def measure(seed, patients, epochs, output):
    """Return a row of Dice by method for each held-out phantom, and the false volumes in ml."""
    given = {} if epochs is None else {"epochs": epochs}
    demo = TrainingDemo(Path(output), TrainingDemoConfiguration(seed=seed, **given), quiet=True)
    demo.train()
    demo.calibrate()
    rows, false = [], []
    for number in range(patients):
        demo.search(number)
        demo.compare()
        rows.append({row["name"]: row["dice"] for row in [demo.own, *demo.rows]})
        demo.search(number, has_tumour=False)
        millilitres = np.prod(demo.made.volume.spacing) / 1000
        false.append(float(demo.found.mask.sum() * millilitres))
    return rows, false


def interval(values):
    """Return "mean (low to high)" of values, one a patient."""
    low, high = metrics.bootstrap_interval(values, seed=0)
    return f"{np.mean(values):.3f} ({low:.3f} to {high:.3f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[100, 200, 300])
    parser.add_argument("--patients", type=int, default=8)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--json", help="also write every value here")
    arguments = parser.parse_args()
    rows, false = [], []
    with tempfile.TemporaryDirectory() as output:
        for seed in arguments.seeds:
            found = measure(seed, arguments.patients, arguments.epochs, output)
            rows += found[0]
            false += found[1]
            means = {name: np.mean([row[name] for row in found[0]]) for name in found[0][0]}
            print(
                f"seed {seed}:", {name: round(mean, 3) for name, mean in means.items()}, flush=True
            )
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"dice": rows, "false_ml": false}))
    own = np.array([row["self-play"] for row in rows])
    print(f"\n{len(rows)} phantoms, {len(arguments.seeds)} trainings\n")
    print("| mask | Dice, mean (95 % interval) | self-play less this |")
    print("|---|---|---|")
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        less = "" if name == "self-play" else interval(own - values)
        print(f"| {name} | {interval(values)} | {less} |")
    print(f"\nMask in tumour-free phantoms: {interval(np.array(false))} ml")


if __name__ == "__main__":
    main()

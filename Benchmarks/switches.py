"""What each switch between the two protocols is worth, on phantoms: Dice and steps to termination.

python Benchmarks/switches.py --seeds 2000 2100 2200 2300 2400 --patients 2

Half the demonstration's training and a search under the paper's protocol, and the same with one
switch set as the released scripts have it. Every seed trains anew and has phantoms of its own.
Prints Markdown; intervals are bootstrap intervals of the mean over patients, 95 %.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from accuracy import interval

import spars
from spars.command.demo_training import TrainingDemo, TrainingDemoConfiguration

PAPER = spars.Protocol.paper()
PUBLISHED = spars.Protocol.published()
# Small enough to lie within every phantom's liver, so that the corner of it is a part.
GRID = (48, 48, 40)
# Half the demonstration's, as each seed is trained four times.
EPOCHS = 20
ITERATIONS = 300
ITERATIONS_TO_TERMINATION = 100


def published(*names):
    return PAPER.with_switches(**{name: getattr(PUBLISHED, name) for name in names})


# How the classifier of each training switch learns; windows of 14 x 14 x 12 stand for 48 x 48 x 24.
TRAININGS = {
    "D1": {"crop_label": "voxel"},
    "D2": {"crop_size": (28, 28, 24), "crop_interpolation": "linear"},
    "D3": {"intensity_window": None},
}
SEARCHES = {
    "D5": published("credited_score"),
    "D6": published("credited_agents"),
    "D7": published("border"),
    "D8": published("opponent"),
    "D9": published("max_episode_steps"),
    "D10": published("reset_each_iteration"),
    "D11": published("map_read"),
    "D12": published("observation_cast"),
    "D13": published("opponent_observation"),
    "D14": published("accumulation", "segmentation_threshold"),
    "D16": published("tie_reward"),
    "D17": published("border_crops"),
}


class Study(TrainingDemo):
    """The demonstration with a protocol of one's own."""

    def __init__(self, seed, output, training=None):
        super().__init__(output, TrainingDemoConfiguration(seed=seed, epochs=EPOCHS), quiet=True)
        switches = dict(training or {})
        self.intensity_window = switches.pop("intensity_window", self.intensity_window)
        self.protocol = self.protocol.with_switches(**switches)

    def case(self, number):
        """Return the demonstration's liver with the mask that D1 takes labels from."""
        case = super().case(number)
        made = self.phantom(self.configuration.seed + number // 2, number % 2 == 1)
        mask = made.liver.astype(np.int16) + (made.tumour == 1)
        return spars.datasets.Case(
            case.name,
            case.has_tumour,
            case.load,
            lambda: spars.isolate(mask, made.liver, outside=0),
        )

    def hold_out(self, number, has_tumour=True):
        super().hold_out(number, has_tumour)
        self.atlas = self.score_every_window()

    def play(self, protocol, *, grid=None, scorer=None, threshold=None, stop=1.0, iterations=None):
        c = self.configuration
        return spars.segment(
            self.made.volume,
            self.atlas if scorer is None else scorer,
            iterations=iterations or ITERATIONS,
            window=c.window,
            grid=grid,
            protocol=protocol,
            region=self.made.liver,
            isolated=True,
            termination_threshold=stop,
            segmentation_threshold=threshold or self.calibration.segmentation_threshold,
            reference=self.made.tumour,
            snapshot_interval=0,
            seed=c.seed,
        )

    def row(self, protocol, **options):
        """Return Dice, the mean Dice over iterations, and steps to termination."""
        found = self.play(protocol, **options)
        options |= {
            "stop": self.calibration.termination_threshold,
            "iterations": ITERATIONS_TO_TERMINATION,
        }
        ended = self.play(protocol, **options).run
        terminations = int(ended.terminations.sum())
        steps = ended.ends.size / terminations if terminations else float("inf")
        return {
            "dice": found.dice(self.made.tumour),
            "over_iterations": float(np.nanmean(found.run.dice)),
            "steps": steps,
        }


def measure(seed, patients, output):
    """Return {switch: one row a patient} of one seed."""
    rows = {}
    base = Study(seed, output)
    studies = {"paper": base} | {
        name: Study(seed, output, training) for name, training in TRAININGS.items()
    }
    for study in studies.values():
        study.train()
        study.calibrate()
    for number in range(patients):
        for name, study in studies.items():
            study.hold_out(number)
            rows.setdefault(name, []).append(study.row(PAPER))
        for name, protocol in SEARCHES.items():
            options = {}
            if name == "D7":
                # Its windows start one voxel off the lattice that the atlas knows.
                options["scorer"] = base.classifier
            if name == "D14":
                options["threshold"] = protocol.segmentation_threshold
            rows.setdefault(name, []).append(base.row(protocol, **options))
        for name, frame in (("D4 paper", "resampled"), ("D4", "corner")):
            protocol = PAPER.with_switches(scan_frame=frame)
            rows.setdefault(name, []).append(base.row(protocol, grid=GRID, scorer=base.classifier))
    return rows


def table(rows):
    """Print a row a switch: Dice, how much less or more than the paper's, steps to termination."""
    print("| switch as published | Dice | more than the paper's | steps to termination, median |")
    print("|---|---|---|---|")
    for name in rows:
        dice = np.array([row["dice"] for row in rows[name]])
        usual = "D4 paper" if name.startswith("D4") else "paper"
        more = "" if name == usual else interval(dice - [row["dice"] for row in rows[usual]])
        steps = np.median([row["steps"] for row in rows[name]])
        print(f"| {name} | {interval(dice)} | {more} | {steps:.0f} |")
    pooled = np.array([row["over_iterations"] for row in rows["paper"]])
    more = interval(pooled - [row["dice"] for row in rows["paper"]])
    print(f"| D15 | {interval(pooled)} | {more} | |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[2000, 2100, 2200, 2300, 2400])
    parser.add_argument("--patients", type=int, default=2)
    parser.add_argument("--json", help="keep every value here, and measure only the seeds it lacks")
    arguments = parser.parse_args()
    kept = Path(arguments.json) if arguments.json else None
    found = json.loads(kept.read_text()) if kept and kept.exists() else {}
    with tempfile.TemporaryDirectory() as output:
        for seed in map(str, arguments.seeds):
            if seed in found:
                continue
            found[seed] = measure(int(seed), arguments.patients, Path(output))
            if kept:
                kept.write_text(json.dumps(found))
            print(f"seed {seed} done", flush=True)
    rows = {}
    for by_switch in found.values():
        for name, more in by_switch.items():
            rows.setdefault(name, []).extend(more)
    print(f"\n{len(rows['paper'])} phantoms, {len(found)} trainings\n")
    table(rows)


if __name__ == "__main__":
    main()

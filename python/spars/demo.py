"""The whole method on phantoms: train, search a held-out phantom, measure, write a report."""

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

import spars
from spars import metrics, plots, report
from spars._extras import progress_bar
from spars.cli import jsonable
from spars.segmentation import as_mask, digest

__all__ = ["DemoConfiguration", "run_demo"]

COMPARED = ("exhaustive", "random_walk", "greedy")


@dataclass(frozen=True)
class DemoConfiguration:
    """What the demonstration does; sized for two cores and under five minutes.

    Parameters
    ----------
    seed : int
        Of phantoms, training and play.
    scans : int
        Phantoms to train on, half of them with tumours; a quarter as many are kept for validation.
    shape : (int, int, int)
        Voxels of a phantom; also the model grid.
    input_shape : (int, int, int)
        The network's input; the published one is 256 x 256 x 180.
    window : (int, int, int)
        The moving window.
    epochs, steps_per_epoch : int
        Of training.
    iterations : int
        Of self-play.
    """

    seed: int = 0
    scans: int = 16
    shape: tuple = (96, 96, 64)
    input_shape: tuple = (112, 112, 112)
    window: tuple = (16, 16, 12)
    epochs: int = 8
    steps_per_epoch: int = 4
    iterations: int = 150
    search: dict = field(default_factory=dict)


def run_demo(output, configuration=None, *, quiet=False):
    """Run the demonstration and write its results into a folder.

    Parameters
    ----------
    output : str or path-like
        Folder, made if missing. Files of an earlier run are replaced.
    configuration : DemoConfiguration, optional
        What to do.
    quiet : bool
        Whether to keep the lines on progress from standard output.

    Returns
    -------
    dict
        dice, baselines, metrics, timings, files, text: plain values.

    Raises
    ------
    ImportError
        The extra "report" is not installed.
    """
    demo = _Demo(Path(output), configuration or DemoConfiguration(), quiet)
    demo.check_report()
    demo.train()
    demo.search()
    demo.compare()
    return demo.write()


class _Demo:
    """One run: each method is a stage and leaves what the next one needs."""

    def __init__(self, output, configuration, quiet):
        self.output = output
        self.configuration = configuration
        self.quiet = quiet
        self.timings = {}
        output.mkdir(parents=True, exist_ok=True)

    def say(self, text):
        if not self.quiet:
            print(text, flush=True)

    def timed(self, name, work):
        """Run `work`, note how long it took, and return its result."""
        start = time.perf_counter()
        result = work()
        self.timings[name] = time.perf_counter() - start
        self.say(f"  {name}: {self.timings[name]:.1f} s")
        return result

    def check_report(self):
        """Fail at once, not after minutes, if the report cannot be made."""
        for module in ("matplotlib.pyplot", "jinja2"):
            report.require(module, "report", "The demonstration")

    def train(self):
        """Make phantoms and train a classifier on their labels."""
        c = self.configuration
        self.say(f"Training on {c.scans} phantoms that say only: tumour, yes or no")
        kept = max(2, c.scans // 4)
        dataset = spars.datasets.phantoms(c.scans + kept, seed=c.seed, shape=c.shape)
        self.cases = [
            (case, "training" if index < c.scans else "validation")
            for index, case in enumerate(dataset)
        ]
        self.classifier = spars.Classifier(input_shape=c.input_shape, seed=c.seed)
        self.history = self.timed(
            "training",
            lambda: self.classifier.fit(
                dataset[: c.scans],
                dataset[c.scans :],
                window=c.window,
                grid=c.shape,
                epochs=c.epochs,
                steps_per_epoch=c.steps_per_epoch,
                seed=c.seed,
                progress=progress_bar("training"),
            ),
        )

    def search(self):
        """Let two agents search a phantom that training never saw."""
        c = self.configuration
        self.say("Searching a phantom that training never saw")
        # Far from the seeds of the training phantoms, which start at the configuration's.
        self.phantom = spars.phantom(seed=c.seed + 1_000_003, shape=c.shape, has_tumour=True)
        self.reference = as_mask(self.phantom.tumour, "tumour", "demo")
        self.found = self.timed("self-play", lambda: self.segment("self_play"))

    def segment(self, method):
        c = self.configuration
        more = {"reference": self.reference} if method == "self_play" else {}
        return spars.segment(
            self.phantom.volume,
            self.classifier,
            method=method,
            iterations=c.iterations,
            window=c.window,
            grid=c.shape,
            seed=c.seed,
            progress=progress_bar(method.replace("_", " ")),
            **more,
            **c.search,
        )

    def compare(self):
        """Measure the mask, the baselines' and two trivial ones."""
        self.say("Comparing with baselines on the same scan and classifier")
        notes = {
            "exhaustive": "Every window of the lattice, once.",
            "random_walk": "The same game with moves drawn at random, as many steps.",
            "greedy": "Each agent moves to the neighbour that scores highest.",
        }
        self.rows = []
        for method in COMPARED:
            mask = self.timed(method, lambda method=method: self.segment(method)).mask
            self.rows.append(self.row(method.replace("_", " "), mask, notes[method]))
        self.rows.append(
            self.row(
                "whole liver", self.phantom.liver, "Every voxel of the liver: no search at all."
            )
        )
        self.own = self.row("self-play", self.found.mask, "The mask of the report.")

    def row(self, name, mask, note):
        return {
            "name": name,
            "dice": metrics.dice(mask, self.reference),
            "sensitivity": metrics.sensitivity(mask, self.reference),
            "precision": metrics.precision(mask, self.reference),
            "note": note,
        }

    def write(self):
        """Write every file and return the result."""
        start = time.perf_counter()
        self.write_volumes()
        self.write_pictures()
        self.timings["files and pictures"] = time.perf_counter() - start
        self.write_report()
        result = {
            "dice": self.own["dice"],
            "baselines": {row["name"]: row["dice"] for row in self.rows},
            "metrics": self.found.evaluate(self.reference),
            "configuration": asdict(self.configuration),
            "timings": self.timings,
            "files": sorted(path.name for path in self.output.iterdir()),
        }
        with open(self.output / "result.json", "w", encoding="utf-8") as file:
            json.dump(jsonable(result), file, indent=2, allow_nan=False)
        return result | {"text": self.text()}

    def write_volumes(self):
        volume = self.phantom.volume
        spars.save(self.output / "scan.nii.gz", volume)
        spars.save(self.output / "reference.nii.gz", self.reference, like=volume)
        self.found.save(self.output / "mask.nii.gz")
        self.found.save_score_map(self.output / "score_map.nii.gz")
        self.classifier.save(self.output / "classifier.safetensors")

    def write_pictures(self):
        found, volume = self.found, self.phantom.volume
        history = self.history.to_dict()
        pictures = {
            "overlay": plots.views(volume, found.mask, self.reference),
            "score_map": plots.views(volume, None, self.reference, np.clip(found.score_map, 0, 1)),
            "training": plots.curves(
                {"training": history["loss"]}, x_label="epoch", y_label="cross entropy"
            ),
            "self_play": plots.curves(
                {"Dice": found.run.dice}, x_label="iteration", y_label="Dice of the map so far"
            ),
        }
        for name, figure in pictures.items():
            (self.output / f"{name}.png").write_bytes(report.png(figure))

    def write_report(self):
        c = self.configuration
        best = max(self.rows, key=lambda row: row["dice"])
        liver = self.rows[-1]
        report.write_report(
            self.output / "report.html",
            self.found,
            title="Self-play on a held-out phantom",
            summary=[
                f"A classifier learned from {c.scans} synthetic CT scans of which it knew only "
                "whether they show a tumour. Two agents then searched a scan that it had never "
                "seen, and the scores of their windows became this segmentation."
            ],
            reference=self.reference,
            comparisons=self.rows,
            history=self.history,
            cases=self.case_rows(),
            tiles=[
                {
                    "name": "Dice, self-play",
                    "value": report.number(self.own["dice"]),
                    "note": "1 is perfect",
                },
                {
                    "name": "Dice, best baseline",
                    "value": report.number(best["dice"]),
                    "note": best["name"],
                },
                {
                    "name": "Dice, whole liver",
                    "value": report.number(liver["dice"]),
                    "note": "no search at all",
                },
                {"name": "Labels used", "value": str(c.scans), "note": "one yes or no a scan"},
            ],
            caveats=[
                "Phantoms are not patients. Their tumours are plainer and their anatomy simpler, "
                "so nothing here carries over to CT of patients.",
                "The configuration was chosen so that the demonstration runs in minutes: a small "
                "network input, few scans, short training. It is not the published one.",
            ],
            timings=self.timings,
            command=f"spars demo --output {self.output.name} --seed {c.seed}",
        )

    def case_rows(self):
        rows = [
            {
                "name": case.name,
                "use": use,
                "label": "tumour" if case.has_tumour else "no tumour",
                "sha256": digest(case.load()),
            }
            for case, use in self.cases
        ]
        held_out = {"name": f"phantom {self.phantom.seed}", "use": "segmented", "label": "not used"}
        return [*rows, held_out | {"sha256": digest(self.phantom.volume)}]

    def text(self):
        """Return the closing lines: where the files are and what was measured."""
        lines = [f"Dice {self.own['dice']:.3f} on the held-out phantom (self-play)"]
        lines += [f"     {row['dice']:.3f} {row['name']}" for row in self.rows]
        lines.append(f"Took {sum(self.timings.values()):.0f} s. Open {self.output / 'report.html'}")
        return "\n".join(lines)

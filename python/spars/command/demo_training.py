"""The method from image-level labels on phantoms: train, search a held-out one, write a report."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import spars
from spars._support.progress import progress_bar
from spars._support.provenance import digest
from spars._support.types import Extent3, MaskArray, PathLike
from spars.command.demonstration import HELD_OUT_SEED, Demonstration
from spars.game.scorers import Scorer
from spars.report import plots
from spars.report.drawing import check_installed
from spars.report.page import write_report
from spars.report.pictures import scan_figures
from spars.report.text import losses, method_name, number
from spars.report.training_charts import kept_epoch
from spars.search.calibration import Calibration, calibrate
from spars.search.frames import isolate
from spars.volume.datasets import Case, Dataset
from spars.volume.volume import Volume

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["TrainingDemoConfiguration", "run_training_demo"]

# Voxels between neighbouring windows, in play and for the thresholds alike.
STRIDE = 4


@dataclass(frozen=True)
class TrainingDemoConfiguration:
    """What the demonstration does; sized for two cores and under five minutes.

    Parameters
    ----------
    seed : int
        Seed of phantoms, training and play.
    scans : int
        Phantoms to train on; every other one shows tumours.
    validation_scans : int
        Phantoms kept apart; the threshold comes from them.
    shape : (int, int, int)
        Voxels of a phantom before the liver is cut out.
    tumour_count : int
        Tumours of a phantom that has them.
    tumour_radius, tumour_contrast : float
        Their mean radius in mm, and HU against the liver.
    noise : float
        Standard deviation in HU.
    input_shape : (int, int, int)
        The network's input; the published one is 256 x 256 x 180.
    level, width : float
        The HU range that the network sees.
    window : (int, int, int)
        The moving window, in the scan's own voxels.
    epochs, steps_per_epoch, scans_per_step, crops_per_scan : int
        Sizes of training.
    learning_rate : float
        Learning rate of training's first half; it falls to 0 over the second.
    pooling : None, str or int
        How crops share their scan's label.
    iterations : int
        Iterations of self-play.
    """

    seed: int = 0
    scans: int = 24
    validation_scans: int = 4
    shape: Extent3 = (128, 104, 80)
    tumour_count: int = 2
    tumour_radius: float = 22.0
    tumour_contrast: float = -60.0
    noise: float = 8.0
    input_shape: Extent3 = (108, 108, 108)
    level: float = 80.0
    width: float = 160.0
    window: Extent3 = (14, 14, 12)
    epochs: int = 40
    steps_per_epoch: int = 10
    scans_per_step: int = 4
    crops_per_scan: int = 8
    learning_rate: float = 1e-3
    pooling: str | int | None = None
    iterations: int = 600


def run_training_demo(
    output: PathLike, configuration: TrainingDemoConfiguration | None = None, *, quiet: bool = False
) -> dict[str, Any]:
    """Run the demonstration and write its results into a folder.

    Parameters
    ----------
    output : str or path-like
        Folder, made if missing. Files of an earlier run are replaced.
    configuration : TrainingDemoConfiguration, optional
        What to do.
    quiet : bool
        Whether to keep the lines on progress from standard output.

    Returns
    -------
    dict
        dice, baselines, metrics, configuration, timings, files, text: plain values.

    Raises
    ------
    ImportError
        The extra "report" is not installed.
    """
    check_installed("The demonstration")
    demo = TrainingDemo(Path(output), configuration or TrainingDemoConfiguration(), quiet)
    demo.train()
    demo.calibrate()
    demo.search()
    demo.compare()
    return demo.write()


class TrainingDemo(Demonstration):
    """The stages of one run."""

    def __init__(self, output: Path, configuration: TrainingDemoConfiguration, quiet: bool) -> None:
        super().__init__(output, quiet)
        self.configuration = configuration
        # What training differs in where a study changes it.
        self.protocol = spars.Protocol.paper()
        self.intensity_window = spars.IntensityWindow(configuration.level, configuration.width)

    def phantom(self, seed: int, has_tumour: bool) -> spars.Phantom:
        c = self.configuration
        tumours: dict[str, Any] = {
            "tumour_count": c.tumour_count,
            "tumour_radius": c.tumour_radius,
            "tumour_contrast": c.tumour_contrast,
        }
        return spars.phantom(
            seed=seed,
            shape=c.shape,
            has_tumour=has_tumour,
            noise=c.noise,
            **(tumours if has_tumour else {}),
        )

    def case(self, number: int) -> Case:
        """Return one liver; phantoms come in pairs, a patient without and with tumours."""
        seed, has_tumour = self.configuration.seed + number // 2, number % 2 == 1

        @lru_cache(maxsize=1)
        def load() -> Volume:
            made = self.phantom(seed, has_tumour)
            return isolate(made.volume, made.liver)

        return Case(f"phantom {seed} {'with' if has_tumour else 'without'}", has_tumour, load)

    def train(self) -> None:
        """Make phantoms and train a classifier on their labels."""
        c = self.configuration
        self.say(f"Training on {c.scans} livers that say only: tumour, yes or no")
        cases = Dataset(self.case(number) for number in range(c.scans + c.validation_scans))
        self.cases = cases
        self.timed("phantoms", lambda: [case.load() for case in cases])
        self.classifier = spars.Classifier(
            input_shape=c.input_shape,
            intensity_window=self.intensity_window,
            seed=c.seed,
        )
        # Livers are cut out of their scans before training sees them: fit cannot know.
        self.classifier.recipe = spars.Recipe.of({"isolated": True})
        self.history = self.timed(
            "training",
            lambda: self.classifier.fit(
                cases[: c.scans],
                cases[c.scans :],
                window=c.window,
                grid=None,
                protocol=self.protocol,
                epochs=c.epochs,
                steps_per_epoch=c.steps_per_epoch,
                scans_per_step=c.scans_per_step,
                crops_per_scan=c.crops_per_scan,
                learning_rate=(c.learning_rate, "falling"),
                pooling=c.pooling,
                scan_sampling="balanced",
                validation_steps=2,
                seed=c.seed,
                progress=progress_bar("training"),
            ),
        )

    def calibrate(self) -> None:
        """Take the map's threshold from livers of known label."""
        c = self.configuration
        kept = self.cases[c.scans :]

        def calibrated(method: str, stride: int) -> Calibration:
            return calibrate(
                [case.load() for case in kept if not case.has_tumour],
                self.classifier,
                tumour_scans=[case.load() for case in kept if case.has_tumour],
                method=method,
                stride=stride,
                window=c.window,
                grid=None,
                progress=progress_bar("calibration"),
            )

        self.calibration = self.timed("calibration", lambda: calibrated("exhaustive", STRIDE))
        self.grad_cam_calibration = self.timed(
            "calibration of Grad-CAM", lambda: calibrated("grad_cam", self.grad_cam_stride)
        )
        self.classifier.recipe = self.calibrated_recipe()

    def calibrated_recipe(self) -> spars.Recipe:
        """Return the classifier's recipe with the threshold of `calibrate` in it."""
        learned = self.classifier.recipe or spars.Recipe.of({"isolated": True})
        threshold = self.calibration.segmentation_threshold
        return learned.changed(
            protocol=learned.protocol.with_switches(segmentation_threshold=threshold),
            threshold_from=f"spars.calibration on {self.configuration.validation_scans} validation "
            "phantoms",
        )

    @property
    def grad_cam_stride(self) -> int:
        """Windows overlap by half: Grad-CAM sees inside them and needs no finer steps."""
        return min(self.configuration.window) // 2

    def search(self, number: int = 0, has_tumour: bool = True) -> None:
        """Let two agents search one of the phantoms that training never saw."""
        self.say("Two agents search a liver that training never saw")
        self.hold_out(number, has_tumour)
        self.found = self.timed(
            "self-play", lambda: self.segment(self.classifier, "self_play", self.reference)
        )

    def hold_out(self, number: int, has_tumour: bool = True) -> None:
        """Make one of the phantoms that training never saw."""
        self.made = self.phantom(self.configuration.seed + HELD_OUT_SEED + number, has_tumour)

    def score_every_window(self) -> spars.ScoreAtlas:
        """Return the atlas of the held-out liver."""
        return spars.ScoreAtlas.compute(
            isolate(self.made.volume, self.made.liver),
            self.classifier,
            self.configuration.window,
            protocol=spars.Protocol.paper().with_switches(scan_frame="native"),
            progress=progress_bar("scoring"),
        )

    def segment(
        self, scorer: Scorer, method: str, reference: MaskArray | None = None
    ) -> spars.Segmentation:
        c = self.configuration
        is_grad_cam = method == "grad_cam"
        calibration = self.grad_cam_calibration if is_grad_cam else self.calibration
        return spars.segment(
            self.made.volume,
            scorer,
            method=method,
            iterations=c.iterations,
            window=c.window,
            grid=None,
            region=self.made.liver,
            isolated=True,
            termination_threshold=1.0,
            stride=self.grad_cam_stride if is_grad_cam else STRIDE,
            segmentation_threshold=calibration.segmentation_threshold,
            seed=c.seed,
            progress=progress_bar(method.replace("_", " ")),
            **({} if reference is None else {"reference": reference}),
        )

    def compare(self) -> None:
        """Measure the mask, the baselines' and a trivial one, all on the same scores."""
        self.say("Baselines search the same liver with the same classifier")
        self.own = self.row("self-play", self.found.mask, "The mask of this report.")
        atlas = self.timed("scoring every window", self.score_every_window)
        notes = {
            "exhaustive": "Every window of the lattice, once.",
            "random_walk": "The same game with as many moves, drawn at random.",
            "greedy": "The same game; each agent moves to the best neighbour it visited least.",
            "grad_cam": "Windows' scores, laid where the network's gradients say they come from.",
        }
        searches = {"self-play": self.found}
        for method in notes:
            # Grad-CAM looks into the network, on windows of its own.
            scorer = self.classifier if method == "grad_cam" else atlas
            searches[method_name(method)] = self.timed(
                method.replace("_", " "), partial(self.segment, scorer, method)
            )
        self.coverage = {
            name: found.run.coverage(atlas)
            for name, found in searches.items()
            if name != method_name("grad_cam")
        }
        self.rows = [
            self.row(name, searches[name].mask, note)
            for name, note in ((method_name(method), notes[method]) for method in notes)
        ]
        self.rows.append(
            self.row("whole liver", self.made.liver, "Every voxel of the liver: no search at all.")
        )

    def write(self) -> dict[str, Any]:
        """Write every file and return the result."""
        with self.writing():
            self.write_volumes()
            self.classifier.save(self.output / "classifier.safetensors")
            self.write_pictures(self.figures())
        self.write_report()
        return self.result(
            calibration=asdict(self.calibration),
            grad_cam_calibration=asdict(self.grad_cam_calibration),
            configuration=asdict(self.configuration),
        )

    def figures(self) -> dict[str, Figure]:
        found = self.found
        epochs = self.history.to_dict()["epochs"]
        curves = {
            "training": plots.curves(
                {"training": losses(epochs)},
                x_label="epoch",
                y_label="cross entropy",
                mark=kept_epoch(self.history),
            ),
            "self_play": plots.curves(
                {"Dice": found.run.dice}, x_label="iteration", y_label="Dice of the map so far"
            ),
            "coverage": plots.coverage(self.coverage),
        }
        return curves | scan_figures(found, self.reference)

    def write_report(self) -> None:
        c = self.configuration
        write_report(
            self.output / "report.html",
            self.found,
            title="Self-play on a held-out phantom",
            summary=[
                f"A classifier learned from {c.scans} synthetic livers of which it knew only "
                "whether they show a tumour. Two agents then searched a liver that it had never "
                "seen, and the scores of their windows became this segmentation.",
                self.verdict(),
            ],
            reference=self.reference,
            comparisons=self.rows,
            history=self.history,
            coverage=self.coverage,
            cases=self.case_rows(),
            tiles=self.tiles(),
            caveats=[
                "Phantoms are not patients. These have large, plain tumours, the liver's outline "
                "is given, and each training patient appears twice, without and with tumours. "
                "Nothing here carries over to CT of patients.",
                "The configuration was chosen so that the demonstration runs in minutes: a small "
                "network input, few scans, short training. It is not the published one.",
                "The map's threshold comes from validation livers whose labels are known, never "
                "from the liver reported here; a threshold tuned on it would give a higher Dice.",
                "Games end after their step limit only. A classifier of image-level labels scores "
                "windows without tumour above the paper's termination threshold of 0.3, and games "
                "would end as they begin.",
            ],
            timings=self.timings,
            command=f"spars demo --train --output {self.output.name} --seed {c.seed}",
        )

    def verdict(self) -> str:
        """Return what was measured of this scan, which ranks nothing."""
        low, high = self._baselines()
        return (
            f"Its Dice with the true tumours is {self.own['dice']:.3f}; masks of the baselines, on "
            f"the same scan and scores, have {low} to {high}. One scan says what each did here, "
            "not which is better."
        )

    def _baselines(self) -> tuple[str, str]:
        """Return the lowest and the highest Dice of the other searches, as text."""
        defined = [row["dice"] for row in self.rows[:-1] if not math.isnan(row["dice"])]
        return number(min(defined, default=math.nan)), number(max(defined, default=math.nan))

    def tiles(self) -> list[dict[str, Any]]:
        low, high = self._baselines()
        return [
            {"name": name, "value": value, "note": note}
            for name, value, note in (
                ("Dice, self-play", number(self.own["dice"]), "1 is perfect"),
                ("Dice, baselines", f"{low} to {high}", "other searches of this scan"),
                ("Dice, whole liver", number(self.rows[-1]["dice"]), "no search at all"),
                ("Labels used", str(self.configuration.scans), "one yes or no a scan"),
            )
        ]

    def case_rows(self) -> list[dict[str, Any]]:
        kept = self.configuration.scans
        rows = [
            {
                "name": case.name,
                "use": "training" if number < kept else "validation",
                "label": "tumour" if case.has_tumour else "no tumour",
                "sha256": digest(case.load()),
            }
            for number, case in enumerate(self.cases)
        ]
        held_out = {"name": f"phantom {self.made.seed}", "use": "segmented", "label": "not used"}
        return [*rows, held_out | {"sha256": digest(self.made.volume)}]

"""What comes with spars, on a phantom: the weights' mask, its rivals, searches by their cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import spars
from spars import metrics
from spars._support.progress import progress_bar
from spars._support.types import PathLike
from spars.command.demonstration import HELD_OUT_SEED, Demonstration
from spars.report import plots
from spars.report.drawing import check_installed
from spars.report.page import write_report
from spars.report.pictures import scan_figures
from spars.report.text import method_name, number
from spars.search.organ import score_organ
from spars.search.segmenting import from_recipe
from spars.search.settings import SegmentationSettings
from spars.search.strategies import STRATEGIES

__all__ = ["DemoConfiguration", "run_demo"]

#: Games of two agents, and what each does.
_GAMES = {
    "self_play": "Two agents learn by PPO on this very scan, rewarded for the higher score.",
    "random_walk": "The same game with as many moves, drawn at random.",
    "greedy": "The same game; each agent moves to the best neighbour it visited least.",
}
#: Searches that are told how many windows they may ask for: all of them.
_SEARCHES = tuple(STRATEGIES)


@dataclass(frozen=True)
class DemoConfiguration:
    """What the demonstration does; sized for two cores and a minute.

    Parameters
    ----------
    seed : int
        Seed of the phantom and of every search.
    shape : (int, int, int)
        Voxels of the phantom.
    tumour_count : int
        Its tumours; their sizes and HU are drawn.
    iterations : int
        Iterations of each game.
    budgets : tuple of int
        How many windows each search may ask for, in turn.

    Examples
    --------
    >>> spars.demo.DemoConfiguration(iterations=20).iterations
    20
    """

    seed: int = 0
    shape: tuple[int, int, int] = (192, 192, 135)
    tumour_count: int = 3
    iterations: int = 300
    budgets: tuple[int, ...] = (100, 200, 500, 1000, 2000, 4000)


def run_demo(
    output: PathLike, configuration: DemoConfiguration | None = None, *, quiet: bool = False
) -> dict[str, Any]:
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
        dice, baselines, metrics, budgets, configuration, timings, files, text: plain values.

    Raises
    ------
    ImportError
        The extra "report" is not installed.

    Examples
    --------
    >>> small = spars.demo.DemoConfiguration(
    ...     shape=(64, 64, 48), tumour_count=1, iterations=2, budgets=(20,)
    ... )
    >>> result = spars.demo.run_demo("demo-output", small, quiet=True)
    >>> 0 <= result["dice"] <= 1
    True
    """
    check_installed("The demonstration")
    demo = ShippedDemo(Path(output), configuration or DemoConfiguration(), quiet)
    demo.segment()
    demo.compare()
    demo.spend()
    return demo.write()


class ShippedDemo(Demonstration):
    """The stages of one run."""

    def __init__(self, output: Path, configuration: DemoConfiguration, quiet: bool) -> None:
        super().__init__(output, quiet)
        self.configuration = configuration
        self.classifier = spars.pretrained()

    def segment(self) -> None:
        """Make a phantom, score every window of its liver, and turn the map into a mask."""
        c = self.configuration
        self.say("A liver that the weights have never seen")
        self.made = self.timed(
            "phantom",
            lambda: spars.phantom(
                seed=HELD_OUT_SEED + c.seed, shape=c.shape, has_tumour=True,
                tumour_count=c.tumour_count,
            ),
        )  # fmt: skip
        # Scored once, for this mask and for every search below: what each costs is its moves.
        self.atlas = self.timed("scoring every window", self.score)
        self.found = self.timed("mask", lambda: self.searched("exhaustive"))
        self.own = self.row("every window", self.found.mask, "The mask of this report.")

    def score(self) -> spars.ScoreAtlas:
        settings = SegmentationSettings.of(
            from_recipe(self.classifier) | {"region": self.made.liver}
        )
        return score_organ(
            self.made.volume, self.classifier, settings, progress=progress_bar("scoring")
        )

    def searched(self, method: str, **options: Any) -> spars.Segmentation:
        return spars.segment(
            self.made.volume, self.atlas, recipe=self.classifier.recipe, region=self.made.liver,
            method=method, seed=self.configuration.seed, **options,
        )  # fmt: skip

    def compare(self) -> None:
        """Measure the rule that learns nothing, and games on the same scores."""
        self.say("Its rivals")
        rule = self.timed(
            "intensity", lambda: spars.intensity_mask(self.made.volume, self.made.liver)
        )
        self.rows = [self.row("intensity", rule, "Darker than most of the liver; learns nothing.")]
        games = {}
        for method, note in _GAMES.items():
            name = method_name(method)
            # An end at a score would begin every game anew as soon as it finds a tumour.
            play = partial(
                self.searched, method, iterations=self.configuration.iterations,
                termination_threshold=1.0,
            )  # fmt: skip
            games[name] = self.timed(name, play)
            self.rows.append(self.row(name, games[name].mask, note))
        self.rows.append(self.row("whole liver", self.made.liver, "Every voxel of the liver."))
        self.coverage = {
            name: found.run.coverage(self.atlas)
            for name, found in {self.own["name"]: self.found, **games}.items()
        }

    def spend(self) -> None:
        """Measure what each search reaches with how many windows."""
        self.say("Searches that may ask for so many windows and no more")
        ways: dict[str, dict[str, Any]] = {
            method_name(name): {"method": name} for name in _SEARCHES
        }
        ways["agents"] = {"method": "agents", "agents": spars.Agents.pretrained()}
        self.budgets = self.timed(
            "searches", lambda: {name: self.reached(way) for name, way in ways.items()}
        )

    def reached(self, way: Mapping[str, Any]) -> dict[int, float]:
        """Return the Dice of a search by the windows it asked for."""
        reached = {}
        for budget in self.configuration.budgets:
            found = self.searched(**way, max_scores=budget)
            # Fewer than the budget where there are no more windows.
            reached[found.scores_asked or 0] = metrics.dice(found.mask, self.reference)
        return reached

    def write(self) -> dict[str, Any]:
        """Write every file and return the result."""
        with self.writing():
            self.write_volumes()
            figures = scan_figures(self.found, self.reference)
            figures["coverage"] = plots.coverage(self.coverage)
            figures["searches"] = plots.budgets(self.budgets, limit=self.own["dice"])
            self.write_pictures(figures)
        self.write_report()
        return self.result(budgets=self.budgets, configuration=asdict(self.configuration))

    def write_report(self) -> None:
        c = self.configuration
        write_report(
            self.output / "report.html",
            self.found,
            title="A phantom that the weights have never seen",
            summary=[
                "The weights that come with spars have learned from made-up lesions in other "
                "phantoms, and from no voxel of a patient. Every window of this phantom's liver "
                "was scored, and the scores became this segmentation.",
                f"Its Dice with the true tumours is {self.own['dice']:.3f}; the rule that learns "
                f"nothing has {self.rows[0]['dice']:.3f}. One scan says what each did here, not "
                "which is better.",
            ],
            reference=self.reference,
            comparisons=self.rows,
            coverage=self.coverage,
            budgets=self.budgets,
            tiles=[
                {"name": name, "value": value, "note": note}
                for name, value, note in (
                    ("Dice, every window", number(self.own["dice"]), "1 is perfect"),
                    ("Dice, intensity", number(self.rows[0]["dice"]), "learns nothing"),
                    ("Dice, whole liver", number(self.rows[-1]["dice"]), "no search at all"),
                    ("Labels used", "0", "of this scan"),
                )
            ],
            caveats=[
                "Phantoms are not patients. The weights were made on phantoms of the same "
                "generator, so a high Dice here is no surprise; what they reach on patients, with "
                "intervals, stands in the documents under accuracy.",
                "The liver's outline is given, without an error.",
                "Games start with knowing nothing on every scan, and end after their step limit "
                "only. Searches play on scores that are known; a game's moves are not its cost.",
            ],
            timings=self.timings,
            command=f"spars demo --output {self.output.name} --seed {c.seed}",
        )

"""What both demonstrations share: stages that are timed, rows that are compared, files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import spars
from spars import metrics
from spars._support.files import write_bytes
from spars._support.types import MaskArray
from spars.command.outputs import write_json
from spars.report.drawing import png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Made = TypeVar("Made")
#: Far from the seeds of any phantom that a classifier here has learned from.
HELD_OUT_SEED = 1_000_003


class Demonstration:
    """One run on phantoms: each stage is a method and leaves what the next one needs.

    Attributes
    ----------
    made : Phantom
        The one that is segmented.
    found : Segmentation
        The one that the report is about.
    own : dict
        Its row: name, dice, sensitivity, precision, note.
    rows : list of dict
        Those of what it is compared with.
    """

    made: spars.Phantom
    found: spars.Segmentation
    own: dict[str, Any]
    rows: list[dict[str, Any]]

    def __init__(self, output: Path, quiet: bool) -> None:
        self.output = output
        self.quiet = quiet
        self.timings: dict[str, float] = {}
        output.mkdir(parents=True, exist_ok=True)

    @property
    def reference(self) -> MaskArray:
        """The phantom's tumours."""
        return self.made.tumour

    def say(self, text: str) -> None:
        if not self.quiet:
            print(text, flush=True)

    def timed(self, name: str, work: Callable[[], Made]) -> Made:
        """Run `work`, note how long it took, and return its result."""
        start = time.perf_counter()
        result = work()
        self.timings[name] = time.perf_counter() - start
        self.say(f"  {name}: {self.timings[name]:.1f} s")
        return result

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Note how long files and pictures took."""
        start = time.perf_counter()
        yield
        self.timings["files and pictures"] = time.perf_counter() - start

    def row(self, name: str, mask: MaskArray, note: str) -> dict[str, Any]:
        return {
            "name": name,
            "dice": metrics.dice(mask, self.reference),
            "sensitivity": metrics.sensitivity(mask, self.reference),
            "precision": metrics.precision(mask, self.reference),
            "note": note,
        }

    def write_volumes(self) -> None:
        """Write scan, organ, reference, mask and map."""
        whole = self.made.volume
        spars.save(self.output / "scan.nii.gz", whole, dtype="int16")
        spars.save(self.output / "reference.nii.gz", self.reference, like=whole)
        spars.save(self.output / "liver.nii.gz", self.made.liver, like=whole)
        self.found.save(self.output / "mask.nii.gz")
        self.found.save_score_map(self.output / "score_map.nii.gz")

    def write_pictures(self, figures: Mapping[str, Figure]) -> None:
        """Write figures under their names."""
        for name, figure in figures.items():
            write_bytes(self.output / f"{name}.png", png(figure))

    def result(self, **others: Any) -> dict[str, Any]:
        """Write `result.json` and return what it holds, with the closing lines."""
        result = {
            "dice": self.own["dice"],
            "baselines": {row["name"]: row["dice"] for row in self.rows},
            "metrics": self.found.evaluate(self.reference),
            **others,
            "timings": self.timings,
            "files": sorted(path.name for path in self.output.iterdir()),
        }
        write_json(self.output / "result.json", result)
        return result | {"text": self.text()}

    def text(self) -> str:
        """Return the closing lines: where the files are and what was measured."""
        lines = [f"Dice {self.own['dice']:.3f} {self.own['name']}, on a liver never seen before"]
        lines += [f"     {row['dice']:.3f} {row['name']}" for row in self.rows]
        lines.append(f"Took {sum(self.timings.values()):.0f} s. Open {self.output / 'report.html'}")
        return "\n".join(lines)

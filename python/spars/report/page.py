"""One self-contained HTML page about a segmentation: pictures, numbers, inputs, limits."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spars._support import runtime
from spars._support.checks import check_float, check_text, check_texts, sentence
from spars._support.files import write_text
from spars._support.formats import check_ending
from spars._support.types import Mask, MaskArray, PathLike
from spars._support.version import __version__
from spars.metrics.masks import as_mask
from spars.report.charts import check_coverage
from spars.report.pictures import pictures
from spars.report.scroller import packed
from spars.report.search_charts import search_section
from spars.report.tables import (
    METRICS,
    configuration_parts,
    hashes,
    lesion_table,
    method_rows,
    metric_rows,
    shown_first,
)
from spars.report.templating import safe, template
from spars.report.training_charts import training_section

if TYPE_CHECKING:
    from spars.classifier.training.history import History
    from spars.search.coverage import Coverage
    from spars.search.segmentation import Segmentation

__all__ = ["METRICS", "write_report"]

#: Keys of a row of another mask.
_COMPARED = ("name", "dice", "sensitivity", "precision", "note")


def write_report(
    path: PathLike,
    segmentation: Segmentation,
    *,
    title: str = "Tumour segmentation",
    summary: Iterable[str] = (),
    reference: Mask | None = None,
    comparisons: Iterable[Mapping[str, Any]] = (),
    history: History | None = None,
    coverage: Mapping[str, Coverage] | None = None,
    budgets: Mapping[str, Mapping[int, float]] | None = None,
    cases: Iterable[Mapping[str, Any]] = (),
    tiles: Iterable[Mapping[str, Any]] = (),
    caveats: Iterable[str] = (),
    timings: Mapping[str, float] | None = None,
    command: str | None = None,
    on: str | None = None,
) -> None:
    """Write a self-contained HTML report about a segmentation.

    The page needs no other file and no network: styles, pictures, charts and a scroller through
    the scan are inside.

    Parameters
    ----------
    path : str or path-like
        The file to write.
    segmentation : Segmentation
        What `spars.segment` returned.
    title : str
        The page's heading.
    summary : sequence of str
        Opening paragraphs.
    reference : Volume, array or path of shape (X, Y, Z), optional
        The reference mask, of 0 and 1. With it the page shows metrics and both outlines.
    comparisons : sequence of dict
        Other masks' rows: name, dice, sensitivity, precision, note.
    history : History, optional
        The classifier's training.
    coverage : mapping of str to Coverage, optional
        What searches of this scan had seen after each step, by their names: see
        `spars.coverage`.
    budgets : mapping of str to mapping of int to float, optional
        By the name of a search: the Dice it reached by the windows it asked for, as
        `spars.plots.budgets` draws it.
    cases : sequence of dict
        Scans used: name, use, label, sha256.
    tiles : sequence of dict
        Numbers shown first, before what every page shows: name, value, note.
    caveats : sequence of str
        Limits beyond the ones that the page always states.
    timings : mapping of str to float, optional
        Seconds of each part.
    command : str, optional
        What repeats the run.
    on : {None, "scan", "voxels"}
        As for `Segmentation.dice`.

    Raises
    ------
    TypeError
        `segmentation` or `history` is none, a text is no str, or a case, a tile or a comparison
        is not of its keys.
    ValueError
        The reference has another shape than the scan, or lies elsewhere.
    ImportError
        The extra "report" (matplotlib, Jinja2) is not installed.

    Examples
    --------
    >>> made = spars.phantom(seed=2, shape=(64, 64, 48))
    >>> found = spars.segment(made.volume, None, method="intensity", region=made.liver)
    >>> spars.report.write_report("report.html", found, reference=made.tumour)
    """
    check_ending(path, (".html", ".htm"), "write_report")
    # Its class is in a package that this one does not know.
    if not hasattr(segmentation, "millilitres"):
        raise TypeError(sentence("segmentation", "write_report", "a Segmentation", segmentation))
    if history is not None and not hasattr(history, "to_dict"):
        raise TypeError(sentence("history", "write_report", "a History or None", history))
    if coverage is not None:
        check_coverage(coverage, "coverage", "write_report")
    for name, text in (("title", title), ("command", "" if command is None else command)):
        check_text(text, name, "write_report")
    page_template = template("report.html")
    if reference is not None:
        reference = as_mask(reference, "reference", "write_report", scan=segmentation.volume, on=on)
    metrics = metric_rows(segmentation, reference)
    content: dict[str, Any] = {
        "title": title,
        "summary": check_texts(summary, "summary", "write_report"),
        "tiles": shown_first(
            segmentation, metrics, _rows(tiles, "tiles", ("name", "value", "note"))
        ),
        "pictures": pictures(segmentation, reference),
        "scroller": packed(segmentation, reference),
        "lesions": lesion_table(segmentation, reference),
        "metrics": metrics,
        "methods": method_rows(segmentation, metrics, _rows(comparisons, "comparisons", _COMPARED)),
        "training": training_section(history),
        "search": search_section(segmentation, metrics, coverage, budgets),
        "caveats": [
            *_standing_caveats(segmentation, reference),
            *check_texts(caveats, "caveats", "write_report"),
        ],
        "cases": _rows(cases, "cases", ("name", "use", "label", "sha256")),
        "configuration": configuration_parts(segmentation, history),
        "hashes": hashes(segmentation),
        "versions": versions(),
        "timings": None if timings is None else _seconds(timings),
        "command": command,
    }
    content["sections"] = [
        (name, label)
        for name, label in (
            ("result", "Result"),
            ("scroller", "Scroll"),
            ("lesions", "Lesions"),
            ("metrics", "Metrics"),
            ("training", "Training"),
            ("search", "Search"),
            ("caveats", "What this does not show"),
            ("inputs", "Inputs and configuration"),
        )
        if content.get(name, True)
    ]
    for part in ("training", "search"):
        for drawn in (content[part] or {}).get("charts", ()):
            drawn["svg"] = safe(drawn["svg"])
    write_text(path, page_template.render(content))


def _rows(
    given: Iterable[Mapping[str, Any]], name: str, keys: Sequence[str]
) -> list[Mapping[str, Any]]:
    """Return rows of a table, each of which must have these keys."""
    rows = list(given)
    for row in rows:
        if not isinstance(row, Mapping) or not row.keys() >= set(keys):
            wanted = "mappings with " + ", ".join(f"'{key}'" for key in keys)
            raise TypeError(sentence(name, "write_report", wanted, row))
    return rows


def _seconds(timings: Mapping[str, float]) -> dict[str, float]:
    """Return the timings, which must be numbers by name."""
    if not isinstance(timings, Mapping):
        raise TypeError(sentence("timings", "write_report", "a mapping of str to float", timings))
    return {name: check_float(timings[name], "timings", "write_report") for name in timings}


def versions() -> dict[str, str]:
    """Return what ran: versions of spars and its libraries, instruction set, threads, system."""
    return {
        "spars": __version__,
        "NumPy": np.__version__,
        "Python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": str(os.cpu_count()),
        "threads": str(runtime.thread_count()),
        "instruction set": runtime.instruction_set(),
    }


def _standing_caveats(segmentation: Segmentation, reference: MaskArray | None) -> Iterator[str]:
    yield (
        "One scan is one sample: nothing here estimates how the method does on other patients. "
        "For that, run it over held-out scans and seeds and report an interval."
    )
    if reference is None:
        yield "No reference mask was given, so how good the mask is remains unknown."
    yield _about_borders(segmentation.configuration)
    yield "This is research software, not a medical device, and must not guide treatment."


def _about_borders(configuration: Mapping[str, Any]) -> str:
    """Return where the mask's borders come from, and what that leaves wrong."""
    if configuration["method"] == "intensity":
        return (
            "The mask is what HU alone say, without a classifier: whatever is darker than most of "
            "the organ is in it, vessels and fat too."
        )
    recipe = configuration.get("recipe") or {}
    if recipe.get("refinement") == "split":
        return (
            "Borders lie where HU change from the lesion's own to the organ's: a lesion without "
            "contrast has none to find, and dark tissue beside one may be taken in."
        )
    if recipe.get("is_interpolated"):
        return (
            "The map runs between the middles of windows: edges finer than the distance between "
            "two are not in it, and small tumours come out as large as what a window sees of them."
        )
    return (
        "The map is made of boxes of the window's size: edges finer than the stride come from "
        "overlap alone, and small tumours come out larger than they are."
    )

"""One self-contained HTML page about a segmentation: pictures, numbers, inputs, limits."""

from __future__ import annotations

import base64
import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spars._support import runtime
from spars._support.extras import require
from spars._support.files import write_text
from spars._support.formats import check_ending
from spars._support.types import Mask, MaskArray, PathLike
from spars._support.version import __version__
from spars.metrics.masks import as_mask
from spars.report import plots
from spars.report.drawing import chart, png
from spars.report.search_charts import search_section
from spars.report.text import flatten, losses, method_name, number, number_or_nan

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from spars.classifier.training.history import History
    from spars.search.coverage import Coverage
    from spars.search.segmentation import Segmentation

__all__ = ["METRICS", "write_report"]

#: Of each metric of `spars.metrics.evaluate`: label, unit, best value, definition.
METRICS = {
    "dice": ("Dice", "", "1", "Twice the overlap over the sum of both volumes."),
    "iou": ("Intersection over union", "", "1", "The overlap over the joint volume."),
    "sensitivity": ("Sensitivity", "", "1", "Share of the reference's voxels that the mask holds."),
    "specificity": ("Specificity", "", "1", "Share of the other voxels that the mask leaves out."),
    "precision": ("Precision", "", "1", "Share of the mask's voxels that the reference holds."),
    "volumetric_similarity": (
        "Volumetric similarity",
        "",
        "1",
        "1 less the difference of the volumes over their sum; says nothing of place.",
    ),
    "hausdorff": ("Hausdorff distance", "mm", "0", "Largest distance between the surfaces."),
    "hausdorff95": (
        "Hausdorff distance, 95 %",
        "mm",
        "0",
        "The larger of the two 95th percentiles of surface distances.",
    ),
    "assd": ("Average surface distance", "mm", "0", "Mean distance between surfaces, both ways."),
    "surface_dice": (
        "Surface Dice",
        "",
        "1",
        "Share of both surfaces that lie within the tolerance (2 mm by default) of the other.",
    ),
    "prediction_ml": ("Volume of the mask", "ml", "", "Voxels times their volume."),
    "reference_ml": ("Volume of the reference", "ml", "", "Voxels times their volume."),
    "lesions": ("Lesions", "", "", "Pieces of the reference, joined over faces, edges, corners."),
    "lesions_detected": ("Lesions detected", "", "all", "Those that the mask touches."),
    "lesion_false_positives": (
        "Lesion false positives",
        "",
        "0",
        "Pieces of the mask that touch no lesion.",
    ),
    "lesion_sensitivity": ("Lesion sensitivity", "", "1", "Lesions detected over lesions."),
    "lesion_precision": ("Lesion precision", "", "1", "Pieces of the mask that touch a lesion."),
    "lesion_f1": ("Lesion F1", "", "1", "Harmonic mean of lesion sensitivity and precision."),
}


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
    cases: Iterable[Mapping[str, Any]] = (),
    tiles: Iterable[Mapping[str, Any]] = (),
    caveats: Iterable[str] = (),
    timings: Mapping[str, float] | None = None,
    command: str | None = None,
    on: str | None = None,
) -> None:
    """Write a self-contained HTML report about a segmentation.

    The page needs no other file and no network: styles, pictures and charts are inside.

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
    cases : sequence of dict
        Scans used: name, use, label, sha256.
    tiles : sequence of dict
        Numbers shown first: name, value, note.
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
    ValueError
        The reference has another shape than the scan, or lies elsewhere.
    ImportError
        The extra "report" (matplotlib, Jinja2) is not installed.
    """
    check_ending(path, (".html", ".htm"), "write_report")
    jinja2 = require("jinja2", "report", "A report")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("spars.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    if reference is not None:
        reference = as_mask(reference, "reference", "write_report", scan=segmentation.volume, on=on)
    metrics = _metrics(segmentation, reference)
    content: dict[str, Any] = {
        "title": title,
        "summary": list(summary),
        "tiles": list(tiles),
        "pictures": _pictures(segmentation, reference),
        "metrics": metrics,
        "methods": _methods(segmentation, metrics, comparisons),
        "training": _training(history),
        "search": search_section(segmentation, metrics, coverage),
        "caveats": [*_standing_caveats(segmentation, reference), *caveats],
        "cases": list(cases),
        "configuration": _configuration(segmentation, history),
        "versions": versions(),
        "timings": timings,
        "command": command,
    }
    content["sections"] = [
        (name, label)
        for name, label in (
            ("result", "Result"),
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
            drawn["svg"] = jinja2.filters.Markup(drawn["svg"])
    page = environment.get_template("report.html").render(content)
    write_text(path, page)


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


def scan_figures(segmentation: Segmentation, reference: MaskArray | None) -> dict[str, Figure]:
    """Return the figures of a segmentation by name: "overlay" and "score_map"."""
    volume, mask = segmentation.volume, segmentation.mask
    index = [plots.largest_slice(volume.shape, reference, mask, axis=axis) for axis in range(3)]
    return {
        "overlay": _dark(plots.views(volume, mask, reference, index=index)),
        "score_map": _dark(
            plots.views(volume, None, reference, segmentation.score_map, index=index)
        ),
    }


def _pictures(segmentation: Segmentation, reference: MaskArray | None) -> list[dict[str, str]]:
    figures = {n: _inline(png(f)) for n, f in scan_figures(segmentation, reference).items()}
    against = "" if reference is None else " and of the reference (blue, solid)"
    largest = "mask" if reference is None or not np.any(reference) else "reference"
    low, high = plots.score_range(segmentation.score_map)
    return [
        {
            "data": figures["overlay"],
            "alt": f"Three slices of the scan with outlines of the mask{against}.",
            "caption": f"Outlines of the mask (orange, dashed){against}, on the slices where "
            f"the {largest} is largest. Soft-tissue range, level 40 HU, width 400 HU.",
        },
        {
            "data": figures["score_map"],
            "alt": "The same slices with the accumulated scores as a colour layer.",
            "caption": f"Accumulated scores from {number(low)} (violet) to {number(high)} "
            "(yellow). No colour: no window came there.",
        },
    ]


def _dark(figure: Figure) -> Figure:
    """Turn a figure's ground black, as CT is read."""
    figure.set_facecolor("black")
    for ax in figure.axes:
        ax.title.set_color("white")
        ax.tick_params(colors="white")
        ax.yaxis.label.set_color("white")
    return figure


def _inline(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode("ascii")


def _metrics(segmentation: Segmentation, reference: MaskArray | None) -> list[dict[str, Any]]:
    if reference is None:
        return []
    found = segmentation.evaluate(reference)
    rows = []
    for name, value in found.items():
        label, unit, best, definition = METRICS[name]
        rows.append(
            {
                "name": name,
                "label": label,
                "unit": unit,
                "best": best,
                "definition": definition,
                "value": value,
            }
        )
    return rows


def _methods(
    segmentation: Segmentation,
    metrics: Sequence[Mapping[str, Any]],
    comparisons: Iterable[Mapping[str, Any]],
) -> list[Mapping[str, Any]]:
    if not metrics:
        return []
    values = {row["name"]: row["value"] for row in metrics}
    first = {name: values[name] for name in ("dice", "sensitivity", "precision")}
    first["name"] = method_name(segmentation.configuration["method"])
    first["note"] = "The mask of this report."
    return [first, *comparisons]


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


def _training(history: History | None) -> dict[str, Any] | None:
    """Return the training section: its text and charts."""
    if history is None:
        return None
    epochs = history.to_dict()["epochs"]
    loss = losses(epochs)
    kept = kept_epoch(history)
    charts = [
        chart(
            {"training": loss},
            "epoch",
            "cross entropy",
            _about_loss(history.to_dict().get("configuration", {})),
            mark=kept,
        )
    ]
    if "validation" in epochs[0]:
        names = {"sensitivity": "sensitivity", "specificity": "specificity", "roc_auc": "ROC AUC"}
        measured = {
            label: [number_or_nan(epoch["validation"][name]) for epoch in epochs]
            for name, label in names.items()
        }
        charts.append(
            chart(
                measured,
                "epoch",
                "on validation crops",
                "Crops of scans kept apart from training, judged by their scan's label, which "
                "many of them do not show.",
                mark=kept,
            )
        )
    text = (
        f"{len(loss)} epochs; the mean cross entropy went from {number(loss[0])} "
        f"to {number(loss[-1])}."
    )
    if kept is not None:
        text += f" The classifier has the weights of epoch {kept[0]}, marked by a dashed line."
    return {"text": text, "charts": charts}


def _about_loss(configuration: Mapping[str, Any]) -> str:
    if configuration.get("pooling") is None:
        return (
            "Mean cross entropy of the crops of each epoch, before the step. Guessing one half "
            "gives 0.693. Crops of a positive scan that show no tumour carry its label too, so "
            "zero is out of reach."
        )
    return (
        "Mean cross entropy of the scans drawn in each epoch, before the step; a scan answers by "
        "its pooled crops. Guessing one half gives 0.693. Crops that miss a scan's tumours put "
        "zero out of reach."
    )


def kept_epoch(history: History) -> tuple[int, str] | None:
    """Return what `spars.plots.curves` marks: the epoch whose weights were kept, or None.

    None where those of the last epoch were kept because nothing else was asked for, or because no
    epoch could be judged.
    """
    values = history.to_dict()
    best = values.get("best_epoch")
    if best is None or values.get("configuration", {}).get("weights") != "best":
        return None
    return best, f"weights kept: epoch {best}"


def _configuration(segmentation: Segmentation, history: History | None) -> list[dict[str, Any]]:
    parts = [
        {
            "name": "Segmentation",
            "caption": "How the scan was searched and the map thresholded.",
            "rows": list(flatten(segmentation.configuration)),
        }
    ]
    if history is not None:
        parts.append(
            {
                "name": "Training",
                "caption": "How the classifier was trained.",
                "rows": list(flatten(history.to_dict()["configuration"])),
            }
        )
    return parts

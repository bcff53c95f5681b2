"""A report's tables: metrics, lesions, methods, configuration, and the numbers shown first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spars._support.provenance import digest
from spars._support.types import MaskArray
from spars.metrics.masks import labelled_parts
from spars.report.differences import shares
from spars.report.text import flatten, method_name, number
from spars.volume.slices import position_text

if TYPE_CHECKING:
    from spars.classifier.training.history import History
    from spars.search.segmentation import Segmentation

#: Lesions at most that the page lists, and parts of a mask beyond which they are no lesions.
_LISTED = 20
_MOST_PARTS = 500

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


def metric_rows(segmentation: Segmentation, reference: MaskArray | None) -> list[dict[str, Any]]:
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


def method_rows(
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


def configuration_parts(
    segmentation: Segmentation, history: History | None
) -> list[dict[str, Any]]:
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


def lesion_table(segmentation: Segmentation, reference: MaskArray | None) -> dict[str, Any] | None:
    """Return the rows of a table of the mask's lesions, and a sentence on those left out."""
    mask = segmentation.mask
    if not mask.any():
        return None
    parts = int(labelled_parts(mask)[0].max())
    if parts > _MOST_PARTS:
        return {"rows": [], "text": f"The mask has {parts} parts, too many to be lesions."}
    listed = segmentation.lesions[:_LISTED]
    known: Sequence[float | None] = [None] * len(listed)
    if reference is not None:
        known = shares(mask, reference, [lesion.voxel for lesion in listed])
    rows = [
        {
            "number": lesion.number,
            "position": position_text(lesion.position),
            "volume": lesion.volume,
            "diameter": lesion.diameter,
            "mean_hu": lesion.mean_hu,
            "score": lesion.score,
            "share": share,
        }
        for lesion, share in zip(listed, known, strict=True)
    ]
    left = len(segmentation.lesions) - len(listed)
    return {"rows": rows, "text": f"And {left} smaller ones." if left else ""}


def shown_first(
    segmentation: Segmentation,
    metrics: Sequence[Mapping[str, Any]],
    given: Iterable[Mapping[str, Any]],
) -> list[Mapping[str, Any]]:
    """Return the numbers shown first: the caller's, else Dice, then what every scan has."""
    found = list(given)
    dice = next((row["value"] for row in metrics if row["name"] == "dice"), None)
    if not found and dice is not None:
        found.append(_tile("Dice", number(dice), "with the reference; 1 is perfect"))
    return [*found, *_own_tiles(segmentation)]


def _own_tiles(segmentation: Segmentation) -> Iterator[Mapping[str, Any]]:
    yield _tile("Volume of the mask", f"{segmentation.millilitres:.1f} ml", "tumour in this scan")
    if segmentation.probability is not None:
        yield _tile(
            "Probability of tumour",
            f"{segmentation.probability:.2f}",
            "if half of all scans have one",
        )
    if segmentation.scores_asked is not None:
        yield _tile("Windows scored", str(segmentation.scores_asked), "asked of the scorer")


def _tile(name: str, value: str, note: str) -> dict[str, str]:
    return {"name": name, "value": value, "note": note}


def hashes(segmentation: Segmentation) -> dict[str, str]:
    """Return the SHA-256 of the scan, the mask and the map, to recognise them again."""
    return {
        "scan": digest(segmentation.volume),
        "mask": digest(segmentation.mask),
        "score map": digest(segmentation.score_map),
    }

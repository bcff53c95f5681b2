"""Masks of organs measured against references, beside the rule that learns nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np

from spars import metrics
from spars._support.checks import check_choice, check_instance, check_integer, sentence
from spars._support.progress import as_progress
from spars._support.types import MaskArray, Progress
from spars.classifier.ensemble import AnyClassifier, members_of
from spars.classifier.network import Classifier
from spars.classifier.training.history import classification_metrics
from spars.lesions.insertion import insert
from spars.lesions.settings import LesionLaw
from spars.metrics.masks import as_mask
from spars.search.segmenting import segment
from spars.study.methods import METHODS, RIVAL
from spars.volume.cases import Case, checked_cases
from spars.volume.masks import millilitres_of
from spars.volume.volume import Volume

__all__ = [
    "METHODS", "RIVAL", "SIZES", "Benchmark", "benchmark", "lesions_met", "with_made_lesions",
]  # fmt: skip

T = TypeVar("T")

_OWNER = "benchmark"
#: Tumour of a scan, and size of a lesion: above and up to so many ml.
SIZES = {"over 5 ml": (5.0, math.inf), "1 to 5 ml": (1.0, 5.0), "up to 1 ml": (0.0, 1.0)}
#: Lesions below so many ml are left out of the recall.
_LEAST_LESION = 0.1
_TOLERANCE = 2.0


@dataclass(frozen=True)
class Benchmark:
    """What `benchmark` measured.

    Attributes
    ----------
    rows : tuple of dict
        One for each scan and method: ``case``, ``patient``, ``method``, ``tumour_ml``,
        ``found_ml``, ``both_ml`` (what mask and reference share), ``dice`` and ``surface_dice``
        (NaN for scans without tumour), ``false_ml``, ``lesions`` (by size: met, all),
        ``probability`` (the map's highest value where the recipe has no curve; None for the rival)
        and ``seconds``.
    methods : tuple of str
    """

    rows: tuple[dict[str, Any], ...]
    methods: tuple[str, ...]

    def of(self, method: str) -> list[dict[str, Any]]:
        """Return the rows of a method."""
        return [row for row in self.rows if row["method"] == method]

    def by_patient(self, method: str, size: str) -> dict[str, float]:
        """Return each patient's Dice, the mean over scans with as much tumour as `size` says."""
        low, high = SIZES[size]
        groups: dict[str, list[float]] = {}
        for row in self.of(method):
            if low < row["tumour_ml"] <= high:
                groups.setdefault(row["patient"], []).append(row["dice"])
        return {patient: float(np.mean(values)) for patient, values in groups.items()}

    def difference(self, method: str, size: str, seed: int = 0) -> tuple[float, float, float]:
        """Return the mean difference of Dice to the rival, and its 95 % bootstrap interval.

        Patients are what is drawn; NaN where there is none, or the rival was not measured.
        """
        own, rival = self.by_patient(method, size), self.by_patient(RIVAL, size)
        values = [own[patient] - rival[patient] for patient in own if patient in rival]
        if not values:
            return math.nan, math.nan, math.nan
        return float(np.mean(values)), *metrics.bootstrap_interval(values, seed=seed)

    def summary(self, method: str) -> dict[str, Any]:
        """Return a method's numbers over all scans, as plain values.

        Returns
        -------
        dict
            By size of a scan's tumour: ``patients``, ``dice`` (mean over them), ``difference`` to
            the rival with ``low`` and ``high``, and ``lesions`` (met, all) of that size. Beside
            them ``pooled_dice`` over all voxels, ``surface_dice`` (mean over scans with tumour),
            ``false_ml`` (each tumour-free scan's), ``roc_auc`` of the scans' probabilities, and
            the median ``seconds``.
        """
        rows = self.of(method)
        found: dict[str, Any] = {}
        for size in SIZES:
            values = self.by_patient(method, size)
            mean, low, high = self.difference(method, size)
            found[size] = {
                "patients": len(values),
                "dice": float(np.mean(list(values.values()))) if values else math.nan,
                "difference": mean,
                "low": low,
                "high": high,
                "lesions": [sum(row["lesions"][size][i] for row in rows) for i in (0, 1)],
            }
        shared = sum(row["both_ml"] for row in rows)
        total = sum(row["found_ml"] + row["tumour_ml"] for row in rows)
        surfaces = [row["surface_dice"] for row in rows if row["tumour_ml"] > 0]
        return found | {
            "pooled_dice": 2 * shared / total if total else math.nan,
            "surface_dice": float(np.mean(surfaces)) if surfaces else math.nan,
            "false_ml": [row["false_ml"] for row in rows if row["tumour_ml"] == 0],
            "roc_auc": _area(rows),
            "seconds": float(np.median([row["seconds"] for row in rows])),
        }

    def table(self) -> str:
        """Return the methods as a Markdown table."""
        lines = [
            "| method | " + " | ".join(f"Dice, {size}" for size in SIZES)
            + " | pooled Dice | surface Dice at 2 mm | lesions met | false ml without tumour, "
            "median and most | ROC AUC of scans | seconds |",
            "|---" * (len(SIZES) + 7) + "|",
        ]  # fmt: skip
        for method in self.methods:
            found = self.summary(method)
            cells = [method]
            for size in SIZES:
                part = found[size]
                text = f"{_shown(part['dice'])} ({part['patients']})"
                if method != RIVAL and not math.isnan(part["difference"]):
                    text += (
                        f", {part['difference']:+.3f} ({part['low']:+.3f} to {part['high']:+.3f})"
                    )
                cells.append(text)
            met = [sum(found[size]["lesions"][i] for size in SIZES) for i in (0, 1)]
            free = found["false_ml"]
            cells += [
                _shown(found["pooled_dice"]),
                _shown(found["surface_dice"]),
                f"{met[0]} of {met[1]}",
                f"{np.median(free):.1f}, {max(free):.1f}" if free else "–",
                _shown(found["roc_auc"]),
                f"{found['seconds']:.1f}",
            ]
            lines.append(f"| {' | '.join(cells)} |")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "methods": {method: METHODS[method] for method in self.methods},
            "rows": list(self.rows),
            "summary": {method: self.summary(method) for method in self.methods},
        }


def benchmark(
    dataset: Iterable[Case],
    classifier: AnyClassifier,
    *,
    methods: Sequence[str] = ("classifier", RIVAL),
    reference_value: int | Sequence[int] = 2,
    patients: Mapping[str, str] | None = None,
    seed: int = 0,
    progress: Progress | bool | None = None,
) -> Benchmark:
    """Segment scans with reference masks by several methods, and measure every mask.

    References are read for measuring only, after each mask is made. The regions are the organs,
    lesions included. What was chosen on scans that are measured here is no longer a result on them.

    Parameters
    ----------
    dataset : sequence of spars.datasets.Case
        Scans with organs and, where there is tumour, references. One of a scan that is known to be
        tumour-free may be missing.
    classifier : Classifier or Ensemble
        With a recipe that has a spacing, as `spars.pretrained` has.
    methods : sequence of str
        Of `METHODS`. The rival "intensity" is what the others are compared with.
    reference_value : int or sequence of ints
        What is tumour in the references.
    patients : mapping of str to str, optional
        Each case's patient by the case's name, where one has several scans: they count once.
    seed : int
        Of the weights of "random weights".
    progress : callable or True, optional
        Called with (done, planned) masks; True draws a bar (the extra "progress").

    Returns
    -------
    Benchmark

    Raises
    ------
    TypeError, ValueError
        There is no such method or no scan, a case has no organ or no reference, or the classifier
        has no recipe with a spacing.

    Examples
    --------
    >>> livers = spars.datasets.phantom_livers(2, seed=1)         # doctest: +SKIP
    >>> cases = with_made_lesions(livers, seed=1)                 # doctest: +SKIP
    >>> print(benchmark(cases, spars.pretrained()).table())       # doctest: +SKIP
    """
    recipe = classifier.recipe if members_of(classifier) else None
    if recipe is None or recipe.spacing is None:
        wanted = "a Classifier whose recipe has a spacing"
        raise TypeError(sentence("classifier", _OWNER, wanted, classifier))
    chosen = tuple(check_choice(name, "methods", _OWNER, tuple(METHODS)) for name in methods)
    cases = checked_cases(dataset, "dataset", _OWNER)
    if not cases or not chosen:
        name, value = ("methods", methods) if cases else ("dataset", cases)
        raise ValueError(sentence(name, _OWNER, "one or more", value))
    if patients is not None:
        check_instance(patients, Mapping, "patients", _OWNER, "a mapping of texts or None")
    seed = check_integer(seed, "seed", _OWNER, 0, 2**63 - 1)
    untrained = Classifier(classifier.input_shape, classifier.intensity_window, seed=seed)
    options: dict[str, tuple[AnyClassifier | None, dict[str, Any]]] = {
        "classifier": (classifier, {}),
        RIVAL: (None, {"method": RIVAL}),
        "unrefined": (classifier, {"recipe": recipe.changed(refinement="none")}),
        "absolute HU": (classifier, {"recipe": recipe.changed(level_at=None)}),
        "random weights": (untrained, {"recipe": recipe}),
    }
    report = as_progress(progress, _OWNER, "masks")
    rows: list[dict[str, Any]] = []
    for case in cases:
        volume, organ = case.load(), case.load_organ()
        if organ is None:
            raise ValueError(f"Case {case.name} has no organ to search.")
        patient = (patients or {}).get(case.name, case.name)
        made = []
        for method in chosen:
            scorer, changes = options[method]
            start = time.monotonic()
            found = segment(volume, scorer, region=organ, **changes)
            seconds = time.monotonic() - start
            highest = None if method == RIVAL else float(found.score_map.max())
            chance = found.probability if found.probability is not None else highest
            made.append((method, found.mask, chance, seconds))
            if report is not None:
                report(len(rows) + len(made), len(cases) * len(chosen))
        reference = _reference(case, volume, reference_value)
        for method, mask, chance, seconds in made:
            rows.append(
                {"case": case.name, "patient": patient, "method": method}
                | _measured(mask, reference, volume)
                | {"probability": chance, "seconds": seconds}
            )
    return Benchmark(tuple(rows), chosen)


def with_made_lesions(
    dataset: Iterable[Case], law: LesionLaw | None = None, seed: int = 0, most: int = 4
) -> list[Case]:
    """Return cases of tumour-free organs with made lesions in every second, which are known.

    Parameters
    ----------
    dataset : sequence of spars.datasets.Case
        Tumour-free scans with organs. Those known to have tumours are left out.
    law : spars.lesions.LesionLaw, optional
        How lesions are drawn. Default: ``LesionLaw()``.
    seed : int
        Of the lesions.
    most : int
        1 to this many lesions in a scan.

    Returns
    -------
    list of spars.datasets.Case
        Their masks hold 2 in made lesions, and 0.

    Raises
    ------
    ValueError
        There is no tumour-free scan, or a parameter is out of range.
    """
    seed = check_integer(seed, "seed", "with_made_lesions", 0, 2**63 - 1)
    most = check_integer(most, "most", "with_made_lesions", 1, 1000)
    cases = checked_cases(dataset, "dataset", "with_made_lesions")
    free = [case for case in cases if case.has_tumour is False]
    if not free:
        raise ValueError(sentence("dataset", "with_made_lesions", "a tumour-free scan", "none"))
    return [
        _with_lesions(case, law, [seed, number], most) if number % 2 else _without(case)
        for number, case in enumerate(free)
    ]


def _without(case: Case) -> Case:
    return Case(case.name, False, case.load, load_organ=case.load_organ)


def _with_lesions(case: Case, law: LesionLaw | None, seeds: Sequence[int], most: int) -> Case:
    organ = case.load_organ()
    if organ is None:
        raise ValueError(f"Case {case.name} has no organ for lesions.")
    rng = np.random.default_rng(seeds)
    count = int(rng.integers(1, most + 1))
    made = insert(case.load(), organ, count, law, int(rng.integers(2**63)))
    mask = 2 * (made.mask != 0).astype(np.uint8)
    return Case(
        f"{case.name} with lesions", True, partial(_given, made.volume), partial(_given, mask),
        load_organ=partial(_given, organ),
    )  # fmt: skip


def _given(value: T) -> T:
    return value


def _reference(case: Case, volume: Volume, value: int | Sequence[int]) -> MaskArray:
    labels = case.load_mask()
    if labels is None:
        if case.has_tumour is not False:
            raise ValueError(f"Case {case.name} has no reference mask to measure against.")
        return np.zeros(volume.shape, np.uint8)
    must_hold = case.has_tumour is True
    return as_mask(labels, "dataset", _OWNER, value=value, must_hold=must_hold)


def lesions_met(
    mask: MaskArray, reference: MaskArray, spacing: Sequence[float]
) -> list[tuple[float, bool]]:
    """Return the size of each lesion of the reference that counts, ml, and whether it is met."""
    detection = metrics.lesion_detection(mask, reference, spacing)
    return [
        (size, covered > 0)
        for size, covered in zip(detection["sizes_ml"], detection["covered"], strict=True)
        if size >= _LEAST_LESION
    ]


def _measured(mask: MaskArray, reference: MaskArray, volume: Volume) -> dict[str, Any]:
    """Return what is measured of one mask."""
    both = int(np.count_nonzero(mask & reference))
    pairs = lesions_met(mask, reference, volume.spacing)
    has_tumour = bool(reference.any())
    return {
        "tumour_ml": millilitres_of(int(reference.sum()), volume),
        "found_ml": millilitres_of(int(mask.sum()), volume),
        "both_ml": millilitres_of(both, volume),
        "false_ml": millilitres_of(int(mask.sum()) - both, volume),
        "dice": metrics.dice(mask, reference) if has_tumour else math.nan,
        "surface_dice": metrics.surface_dice(
            mask, reference, tolerance=_TOLERANCE, spacing=volume.spacing
        )
        if has_tumour
        else math.nan,
        "lesions": {
            name: [
                sum(met for size, met in pairs if low < size <= high),
                sum(low < size <= high for size, _ in pairs),
            ]
            for name, (low, high) in SIZES.items()
        },
    }


def _area(rows: Sequence[Mapping[str, Any]]) -> float:
    """Return the ROC AUC of scans with tumour against those without."""
    if any(row["probability"] is None for row in rows):
        return math.nan
    chances = np.array([row["probability"] for row in rows], np.float32)
    labels = np.array([row["tumour_ml"] > 0 for row in rows], np.int64)
    return classification_metrics(chances, labels)["roc_auc"]


def _shown(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"

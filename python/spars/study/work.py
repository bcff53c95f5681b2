"""What the tasks of a study do: train, score every window, segment and measure."""

from __future__ import annotations

import copy
import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import spars.classifier.pretrained as weights_of_spars
from spars._support.files import write_text
from spars._support.provenance import digest
from spars._support.types import MaskArray
from spars.classifier.ensemble import AnyClassifier, load_classifier
from spars.classifier.network import Classifier
from spars.classifier.recipe import Recipe
from spars.game.atlas import ScoreAtlas
from spars.game.scorers import Scorer
from spars.metrics.masks import as_mask
from spars.report.surfaces import write_surfaces
from spars.search.scoring import score_windows
from spars.search.segmentation import Segmentation
from spars.search.segmenting import from_recipe, segment
from spars.search.settings import SegmentationSettings
from spars.study.document import SWITCHES, from_plain
from spars.study.numbers import text_of, write_json
from spars.study.tasks import Task, place_of_task, training_of
from spars.volume.cases import Case, Dataset
from spars.volume.masks import millilitres_of
from spars.volume.volume import save

WEIGHTS, ATLAS, MASK, RUN = "weights.safetensors", "atlas.npz", "mask.nii.gz", "run.npz"
HISTORY, CURVES, CONFIGURATION = "history.json", "curves.csv", "configuration.json"
#: Under the names that the released scripts have for them.
PREDICTION_3D = "final_predictions_3d.html"
BOTH_3D = "predicted_and_ground_truth_labels_3d.html"
_CHECKPOINT = "training.npz"
#: How often self-play keeps its state: so many times in a run.
_SAVES = 20


class Watched:
    """A study's scans, with a note of the masks that a task reads."""

    def __init__(self, cases: Dataset) -> None:
        self._cases = {case.name: case for case in cases}
        self.masks_read: set[str] = set()

    def __getitem__(self, name: str) -> Case:
        case = self._cases[name]

        def read() -> MaskArray | None:
            self.masks_read.add(name)
            return case.load_mask()

        watched = copy.copy(case)
        watched._load_mask = read
        return watched


def train(task: Task, cases: Watched, folder: Path) -> dict[str, Any]:
    """Train a classifier, or go on where an earlier try ended; return its validation metrics."""
    place = place_of_task(folder, task.id)
    settings, spec = training_of(task.spec), task.spec
    classifier = Classifier(tuple(spec["input_shape"]), seed=settings.seed)
    checkpoint = place / _CHECKPOINT
    name = spec["weights_name"]

    def keep(classifier: Classifier, _: Mapping[str, Any]) -> None:
        if name:
            classifier.save(place / name)

    keywords = {key: getattr(settings, key) for key in settings.recorded()}
    history = classifier.fit(
        [cases[name] for name in spec["scans"]],
        [cases[name] for name in spec["validation"]] or None,
        **keywords,
        checkpoint=checkpoint,
        resume=checkpoint.is_file(),
        callback=keep,
    )
    keep(classifier, {})
    classifier.save(place / WEIGHTS)
    write_json(place / HISTORY, history.to_dict())
    last = history.epochs[-1]
    validation = {f"validation_{key}": value for key, value in last.get("validation", {}).items()}
    return {"epochs": len(history.epochs), "loss": last["loss"], **validation}


def score(task: Task, cases: Watched, folder: Path, weights: Mapping[str, str]) -> dict[str, Any]:
    """Score every window of a scan that searches may ask for."""
    case = cases[task.spec["case"]]
    classifier = _classifier(task.spec, folder, weights)
    region = case.load_organ() if task.spec["region"] else None
    settings = SegmentationSettings.of(_keywords(task.spec, classifier))
    switches = {name: value for name, value in settings.search.items() if name in SWITCHES}
    settings = settings.changed(protocol=settings.protocol.with_switches(**switches))
    stride = settings.search.get("stride")
    atlas = score_windows(case.load(), classifier, settings, region, stride, covers_edge=True)
    atlas.save(place_of_task(folder, task.id) / ATLAS)
    return {"windows": int(atlas.scores.size), "highest": float(atlas.scores.max())}


def segmented(
    task: Task, cases: Watched, folder: Path, weights: Mapping[str, str]
) -> dict[str, Any]:
    """Segment a scan and measure the mask; return what was measured."""
    place, spec = place_of_task(folder, task.id), task.spec
    case = cases[spec["case"]]
    scan = case.load()
    scorer: Scorer | None = None
    classifier = None
    if spec["scorer"] is not None:
        scorer = classifier = _classifier(spec, folder, weights)
    keywords = _keywords(spec, classifier)
    settings = SegmentationSettings.of(keywords)
    if classifier is not None:
        scorer = _atlas(task, folder) or classifier
    if spec["region"]:
        keywords["region"] = case.load_organ()
    if settings.method == "self_play":
        keywords |= _kept(place / RUN, settings.iterations)
    reference = None
    if settings.method == "self_play" and settings.protocol.summary_over == "iterations":
        keywords["reference"] = reference = _reference(case, scan.shape, spec)
    found = segment(scan, scorer, **keywords)
    if reference is None:
        reference = _reference(case, scan.shape, spec)
    save(place / MASK, found.mask, like=found.volume)
    # For whoever looks, as the engine's description of the task.
    (place / CONFIGURATION).write_text(text_of(found.configuration), encoding="utf-8")
    if spec["surfaces"]:
        write_surfaces(place / PREDICTION_3D, found)
        write_surfaces(place / BOTH_3D, found, reference)
    return _measured(found, reference) | _curves(place / CURVES, found)


def _classifier(spec: Mapping[str, Any], folder: Path, weights: Mapping[str, str]) -> AnyClassifier:
    scorer = spec["scorer"]
    if "task" in scorer:
        return Classifier.load(place_of_task(folder, scorer["task"]) / WEIGHTS)
    path = weights[scorer["weights"]]
    return weights_of_spars.pretrained() if path == "pretrained" else load_classifier(path)


def _keywords(spec: Mapping[str, Any], classifier: AnyClassifier | None) -> dict[str, Any]:
    """Return the keywords of `segment`, with what the classifier's recipe knows."""
    given = from_plain(spec["segmentation"])
    recipe = None if classifier is None else classifier.recipe
    changes = spec["recipe"]
    if changes is None:
        recipe = None
    elif changes:
        declared = Recipe.declared()
        known = {name: declared[name].kind.again(value) for name, value in changes.items()}
        recipe = Recipe(**known) if recipe is None else recipe.changed(**known)
    given["recipe"] = recipe
    return {**from_recipe(classifier, **given), **given}


def _atlas(task: Task, folder: Path) -> ScoreAtlas | None:
    """Return the scores that a task before has made; None where there is none."""
    for needed in task.needs:
        path = place_of_task(folder, needed) / ATLAS
        if path.is_file():
            return ScoreAtlas.load(path)
    return None


def _kept(path: Path, iterations: int) -> dict[str, Any]:
    interval = max(1, iterations // _SAVES)
    return {"checkpoint": path, "checkpoint_interval": interval, "resume": path.is_file()}


def _reference(case: Case, shape: tuple[int, ...], spec: Mapping[str, Any]) -> MaskArray:
    labels = case.load_mask()
    if labels is None:
        if case.has_tumour is not False:
            raise ValueError(f"Scan {case.name!r} has no reference mask to measure against.")
        return np.zeros(shape, np.uint8)
    value = spec["reference_value"]
    must_hold = case.has_tumour is True
    return as_mask(labels, "data", "Study", value=value, must_hold=must_hold)


def _measured(found: Segmentation, reference: MaskArray) -> dict[str, Any]:
    """Return every metric of a mask, and what is said of the scan as a whole."""
    measures = found.evaluate(reference)
    has_tumour = bool(reference.any())
    false = int(np.count_nonzero(found.mask & (reference == 0)))
    return {
        "has_tumour": has_tumour,
        "is_found": bool(found.mask.any()),
        **measures,
        "false_ml": millilitres_of(false, found.volume),
        "highest": float(found.score_map.max()),
        "probability": found.probability,
        "mask_sha256": digest(found.mask),
    }


def _curves(path: Path, found: Segmentation) -> dict[str, Any]:
    """Write what self-play recorded of each iteration; return the means that are reported of it."""
    run = found.run
    if found.configuration["method"] != "self_play":
        return {}
    columns = {"reward": run.rewards, "last_reward": run.last_rewards}
    if run.dice is not None:
        columns["dice"] = run.dice
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["iteration", *columns])
    for number, values in enumerate(zip(*columns.values(), strict=True), 1):
        writer.writerow([number, *(repr(float(value)) for value in values)])
    write_text(path, text.getvalue())
    means: dict[str, Any] = {"voxels_equal_1": int(np.count_nonzero(run.score_map == 1.0))}
    for name, values in columns.items():
        means |= _over_iterations(name, np.asarray(values, np.float64))
    return means


def _over_iterations(name: str, values: NDArray[np.float64]) -> dict[str, float]:
    """Return the mean over iterations, and the SD of both conventions."""
    known = values[np.isfinite(values)]
    prefix = f"iterations_{name}"
    return {
        f"{prefix}_mean": float(known.mean()) if known.size else float("nan"),
        f"{prefix}_sd": float(known.std()) if known.size else float("nan"),
        f"{prefix}_sd_sample": float(known.std(ddof=1)) if known.size > 1 else float("nan"),
    }

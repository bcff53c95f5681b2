"""The tasks of a study: each by the hash of all that its result follows from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spars._support.defaults import INPUT_OF_RECORD
from spars._support.json import jsonable
from spars.classifier.training.settings import TrainingSettings
from spars.study.document import SWITCHES, Variant, plain
from spars.study.scans import Fold

TRAIN, SCORE, SEGMENT = "train", "score", "segment"
#: Searches that ask for whole windows' scores again and again.
_SCORED = ("self_play", "exhaustive", "random_walk", "greedy")
#: What of a segmentation's keywords its windows' scores follow from.
_OF_SCORES = ("window", "grid", "protocol", "isolated", "stride", *SWITCHES)


@dataclass(frozen=True)
class Task:
    """One piece of a study's work.

    Attributes
    ----------
    id : str
        16 hexadecimal digits of the SHA-256 of `spec`.
    kind : {"train", "score", "segment"}
    spec : dict
        All that the result follows from, as plain values; scans by their names.
    needs : tuple of str
        Tasks that come before.
    """

    id: str
    kind: str
    spec: dict[str, Any]
    needs: tuple[str, ...] = ()

    @classmethod
    def of(cls, kind: str, spec: Mapping[str, Any], needs: Sequence[str] = ()) -> Task:
        """Return the task of a specification."""
        full = jsonable({"kind": kind, **spec})
        text = json.dumps(full, sort_keys=True, separators=(",", ":"))
        name = hashlib.sha256(text.encode()).hexdigest()[:16]
        return cls(name, kind, full, tuple(needs))


@dataclass(frozen=True)
class Row:
    """A line of a study's plan: what one setting, fold and seed make of one scan.

    Attributes
    ----------
    setting : str
    fold, seed : int
    case, patient : str
        Empty where a classifier is trained and nothing segmented.
    task : str
        The task's id.
    """

    setting: str
    fold: int
    seed: int
    case: str
    patient: str
    task: str


@dataclass(frozen=True)
class Plan:
    """What a study does.

    Attributes
    ----------
    rows : tuple of Row
    tasks : dict of str to Task
        Those that others need first.
    """

    rows: tuple[Row, ...]
    tasks: dict[str, Task]

    def of_shard(self, shard: tuple[int, int] | None) -> dict[str, Task]:
        """Return the tasks of a part of the rows, by their hash, with all that they need."""
        if shard is None:
            return dict(self.tasks)
        number, count = shard
        wanted = {row.task for row in self.rows if int(row.task, 16) % count == number - 1}
        for task in reversed(self.tasks.values()):
            if task.id in wanted:
                wanted.update(task.needs)
        return {name: task for name, task in self.tasks.items() if name in wanted}


def plan_of(
    variants: Iterable[Variant],
    folds: Mapping[str, Sequence[Fold]],
    seeds: Sequence[int],
    groups: Mapping[str, str],
    data: Mapping[str, Any],
    *,
    shares_scores: bool,
) -> Plan:
    """Return a study's rows and tasks.

    Parameters
    ----------
    variants : iterable of Variant
    folds : mapping of str to list of Fold
        Of each setting.
    seeds : sequence of int
    groups : mapping of str to str
        Each scan's patient.
    data : mapping
        ``region`` and ``reference_value``.
    shares_scores : bool
        Whether windows that several tasks look at are scored in a task of their own.
    """
    rows: list[Row] = []
    trainings: dict[str, Task] = {}
    segmentations: dict[str, Task] = {}
    scores: dict[str, list[str]] = {}
    atlases: dict[str, Task] = {}
    for variant in variants:
        for number, fold in enumerate(folds[variant.name]):
            for seed in seeds:
                scorer, needs = _scorer(variant, fold, seed, trainings)
                if variant.segmentation is None:
                    rows.append(Row(variant.name, number, seed, "", "", *needs))
                    continue
                for case in fold.test:
                    task = _segmentation(variant, case, seed, scorer, needs, data)
                    segmentations[task.id] = task
                    atlas = _atlas(variant, case, scorer, needs, data)
                    if atlas is not None:
                        atlases[atlas.id] = atlas
                        scores.setdefault(atlas.id, [])
                        if task.id not in scores[atlas.id]:
                            scores[atlas.id].append(task.id)
                    rows.append(Row(variant.name, number, seed, case, groups[case], task.id))
    shared = {
        name: atlas for name, atlas in atlases.items() if shares_scores and len(scores[name]) > 1
    }
    for name in shared:
        for user in scores[name]:
            task = segmentations[user]
            segmentations[user] = replace(task, needs=(*task.needs, name))
    return Plan(tuple(rows), {**trainings, **shared, **segmentations})


def _scorer(
    variant: Variant, fold: Fold, seed: int, trainings: dict[str, Task]
) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """Return what scores windows, and the task that makes it."""
    if (variant.segmentation or {}).get("method") == "intensity":
        return None, ()
    if variant.training is None:
        return {"weights": variant.classifier["weights"]}, ()
    settings = variant.training
    if "training" not in variant.pinned:
        settings = settings.changed(seed=seed)
    spec = {
        "input_shape": list(variant.classifier.get("input_shape", INPUT_OF_RECORD)),
        "training": settings.recorded(),
        "scans": fold.train,
        "validation": fold.validation,
        "weights_name": variant.weights_name,
    }
    task = Task.of(TRAIN, spec)
    trainings[task.id] = task
    return {"task": task.id}, (task.id,)


def _segmentation(
    variant: Variant,
    case: str,
    seed: int,
    scorer: Mapping[str, Any] | None,
    needs: tuple[str, ...],
    data: Mapping[str, Any],
) -> Task:
    keywords = dict(variant.segmentation or {})
    keywords["seed"] = keywords.get("seed", seed)
    spec = {
        "case": case,
        "scorer": scorer,
        "segmentation": plain(keywords),
        "recipe": variant.recipe,
        "surfaces": variant.surfaces,
        **data,
    }
    return Task.of(SEGMENT, spec, needs)


def _atlas(
    variant: Variant,
    case: str,
    scorer: Mapping[str, Any] | None,
    needs: tuple[str, ...],
    data: Mapping[str, Any],
) -> Task | None:
    """Return the task that scores every window a search may ask for; None where none does."""
    keywords = variant.segmentation or {}
    # Without a method a recipe of a working grid scores every window, and the game plays.
    is_scored = keywords.get("method", _SCORED[0]) in _SCORED
    if scorer is None or not is_scored:
        return None
    of_scores = {name: value for name, value in keywords.items() if name in _OF_SCORES}
    spec = {
        "case": case,
        "scorer": scorer,
        "segmentation": plain(of_scores),
        "recipe": variant.recipe,
        "region": data["region"],
    }
    return Task.of(SCORE, spec, needs)


def training_of(spec: Mapping[str, Any]) -> TrainingSettings:
    """Return the settings of a task's training."""
    return TrainingSettings.again(spec["training"])


def place_of_task(folder: Path, task: str) -> Path:
    """Return the folder of a task."""
    return folder / "tasks" / task

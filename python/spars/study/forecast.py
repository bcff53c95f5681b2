"""Roughly what a study's tasks will take: seconds, bytes on disk, bytes of memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from spars._support.defaults import GRID_OF_RECORD, INPUT_OF_RECORD, WINDOW_OF_RECORD
from spars.classifier.parameters import layout, value_count
from spars.study.engine import done_of
from spars.study.tasks import SCORE, TRAIN, Plan, Task, training_of

if TYPE_CHECKING:
    from spars.study.study import Study

#: Seconds on two processors of 2022, for an input of record; see Benchmarks/RESULTS.md.
_TRAINED_CROP, _MEASURED_CROP, _WINDOW, _STEP, _READ = 0.09, 0.023, 4.5e-4, 2e-3, 2.0
#: Bytes of what every process takes, and of a scan whose shape is not known.
_PROCESS, _SCAN = 400 << 20, 4 * 512 * 512 * 200
_FEW = 20_000


class Expected(NamedTuple):
    """What a task takes: seconds, bytes on disk, bytes of memory; and whether it is done."""

    seconds: float
    bytes: int
    memory: int
    is_done: bool = False


def forecast(study: Study, plan: Plan, folder: Path | None) -> dict[str, Expected]:
    """Return what each task takes: as measured where it is done, else estimated.

    An estimate is off by a factor of two or three on a machine of another kind. Where tasks of a
    kind are done already, theirs are corrected by how long those took.
    """
    scans = {case.name: case.shape for case in study.cases}
    found, ratios = {}, dict[str, list[float]]()
    for task in plan.tasks.values():
        guess = _guess(task, plan, scans)
        done = None if folder is None else done_of(folder, task.id)
        if done is not None:
            ratios.setdefault(task.kind, []).append(done["seconds"] / guess.seconds)
            guess = Expected(done["seconds"], done["bytes"], guess.memory, True)
        found[task.id] = guess
    for name, guess in found.items():
        known = sorted(ratios.get(plan.tasks[name].kind, ()))
        if known and not guess.is_done:
            found[name] = guess._replace(seconds=guess.seconds * known[len(known) // 2])
    return {
        name: part._replace(seconds=float(f"{part.seconds:.3g}")) for name, part in found.items()
    }


def _guess(task: Task, plan: Plan, scans: Mapping[str, Any]) -> Expected:
    if task.kind == TRAIN:
        return _of_training(task.spec)
    shape = scans.get(task.spec["case"])
    scan = _SCAN if shape is None else 4 * math.prod(shape)
    keywords = task.spec["segmentation"]
    window = keywords.get("window", WINDOW_OF_RECORD)
    grid = keywords.get("grid", GRID_OF_RECORD)
    room = scan // 4 if grid is None else math.prod(grid)
    windows = max(1, room // keywords.get("stride", 4) ** 3)
    part = _part(task, plan)
    reading = _READ * scan / _SCAN
    if task.kind == SCORE:
        return Expected(
            reading + _WINDOW * windows * part, 4 * windows + 4096, _PROCESS + 3 * scan + 8 * room
        )
    play = _play(keywords, window, windows, part)
    return Expected(
        reading * 2 + play.seconds, scan // 200 + _FEW + play.bytes,
        _PROCESS + 6 * scan + 12 * room + play.memory,
    )  # fmt: skip


def _of_training(spec: Mapping[str, Any]) -> Expected:
    settings = training_of(spec)
    steps = settings.steps_per_epoch or max(1, len(spec["scans"]) // 4)
    each = settings.scans_per_step * settings.crops_per_scan
    measured = settings.validation_steps * each if spec["validation"] else 0
    part = math.prod(spec["input_shape"]) / math.prod(INPUT_OF_RECORD)
    seconds = settings.epochs * (steps * each * _TRAINED_CROP + measured * _MEASURED_CROP) * part
    values = 4 * value_count(layout(tuple(spec["input_shape"])))
    scans = len(spec["scans"]) + len(spec["validation"])
    memory = _PROCESS + int(14e6 * min(each, 95) * part) + min(settings.cache_bytes, scans * _SCAN)
    return Expected(seconds + scans * _READ / 2, 6 * values + _FEW, memory)


def _play(keywords: Mapping[str, Any], window: Any, windows: int, part: float) -> Expected:
    """Return what searching takes beside the scan."""
    method = keywords.get("method", "self_play")
    iterations = keywords.get("iterations", 100)
    steps = iterations * keywords.get("n_steps", 32) * keywords.get("n_envs", 1)
    if method in ("intensity", "grad_cam"):
        return Expected(1.0, 0, 0)
    if method == "exhaustive":
        return Expected(_WINDOW * windows * part, 0, 0)
    if method != "self_play":
        return Expected(min(steps, windows) * 0.011 * part, 0, 0)
    # A learner, Adam's moments and an opponent; four or so snapshots are kept.
    policy = 28e6 * math.prod(window) / math.prod(WINDOW_OF_RECORD)
    recorded = 35 * steps if keywords.get("record_steps", True) else 0
    seconds = steps * _STEP + min(2 * steps, windows) * 0.011 * part
    return Expected(seconds, int(9 * policy + recorded + 24 * steps), int(9 * policy + 60 * steps))


def _part(task: Task, plan: Plan) -> float:
    """Return how large the network's input is against that of record."""
    scorer = task.spec["scorer"] or {}
    training = plan.tasks.get(scorer.get("task", ""))
    shape = INPUT_OF_RECORD if training is None else training.spec["input_shape"]
    return math.prod(shape) / math.prod(INPUT_OF_RECORD)

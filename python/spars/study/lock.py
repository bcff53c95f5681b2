"""What a study's folder is bound to: settings, versions, hashes of inputs, masks that are read."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spars._support.errors import FormatError
from spars._support.provenance import versions
from spars.study.numbers import read_record, write_record
from spars.study.scans import differing, fingerprint
from spars.study.tasks import SEGMENT, TRAIN, Plan, training_of

if TYPE_CHECKING:
    from spars.study.study import Study

#: JSON, which is YAML too, so that reading it needs nothing.
LOCK = "study.lock.yaml"
FORMAT = "spars study 1"


def write_lock(study: Study, plan: Plan, folder: Path, *, resume: bool) -> None:
    """Write a study's lock, or hold the study against the one that stands there.

    Raises
    ------
    FileExistsError
        There is one and `resume` is False.
    ValueError
        There is one of other scans, or of another version of spars.
    """
    path = folder / LOCK
    before = read_lock(folder) if path.is_file() else None
    if before is not None and not resume:
        raise FileExistsError(errno.EEXIST, "a study has begun here; resume it", str(path))
    known = {} if before is None else before["inputs"]
    inputs = {case.name: fingerprint(case, known.get(case.name)) for case in study.cases}
    if before is not None:
        _check_same(before, inputs, folder)
    own = versions()
    lock = {
        "format": FORMAT,
        "study": study.to_dict(),
        "versions": own,
        "weights": sorted(study._weights),
        "masks": masks_read(study, plan),
        "inputs": {**known, **inputs},
        "rows": [asdict(row) for row in plan.rows],
    }
    if lock != before:
        write_record(path, lock)


def read_lock(folder: Path) -> dict[str, Any]:
    """Return a study's lock.

    Raises
    ------
    FormatError
        It is none.
    OSError
        It is missing or cannot be read.
    """
    path = folder / LOCK
    found = read_record(path)
    try:
        parts = dict(found["inputs"]), list(found["rows"]), dict(found["versions"])
        if found["format"] != FORMAT or not all(isinstance(row, Mapping) for row in parts[1]):
            raise ValueError(f"the format is {found['format']!r}")
    # What a JSON of any shape comes upon.
    except Exception as error:
        raise FormatError(f"{path}: not the lock of a study: {error!r}") from None
    return dict(found)


def _check_same(before: Mapping[str, Any], inputs: Mapping[str, Any], folder: Path) -> None:
    was, now = before["versions"].get("spars"), versions()["spars"]
    if was != now:
        raise ValueError(
            f"{folder} holds a study of spars {was}, and this is {now}: give another folder."
        )
    for name, own in inputs.items():
        difference = differing(own, before["inputs"].get(name, own))
        if difference:
            raise ValueError(
                f"Scan {name!r} is not what it was when the study in {folder} began: {difference}. "
                "Give another folder."
            )


def masks_read(study: Study, plan: Plan) -> dict[str, list[str]]:
    """Return whose voxel masks are read for what, as follows from the study's settings."""
    training, measuring = set(), set()
    for task in plan.tasks.values():
        if task.kind == TRAIN and training_of(task.spec).protocol.crop_label == "voxel":
            training.update([*task.spec["scans"], *task.spec["validation"]])
        elif task.kind == SEGMENT:
            measuring.add(task.spec["case"])
    is_of_masks = study.data.msd is not None and study.data.csv is None
    labels = {case.name for case in study.cases if is_of_masks}
    found = {"training": training, "labels": labels, "measuring": measuring}
    return {use: sorted(names) for use, names in found.items()}


def hashed_weights(paths: Iterable[str]) -> dict[str, str]:
    """Return files of weights by their SHA-256; "pretrained" is the file that comes with spars."""
    found = {}
    for path in dict.fromkeys(paths):
        if path == "pretrained":
            folder = resources.files("spars.classifier").joinpath("weights")
            content = folder.joinpath("liver-lesions.safetensors").read_bytes()
        else:
            content = Path(path).read_bytes()
        found[hashlib.sha256(content).hexdigest()] = path
    return found

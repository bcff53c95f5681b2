"""The scans of a study, and which of them are trained on, measured on and segmented."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spars._support.checks import check_integer, sentence, shown
from spars._support.files import read_text, reading
from spars._support.formats import SCANS
from spars._support.provenance import digest
from spars.study.document import DataSettings, SplitSettings, check_keys
from spars.volume import datasets
from spars.volume.cases import Case, Dataset, checked_cases
from spars.volume.folds import fold_numbers
from spars.volume.tables import column_of


@dataclass(frozen=True)
class Fold:
    """Names of scans by what is done with them.

    Attributes
    ----------
    train, validation, test : tuple of str
        What is trained on, what measures the training, and what is segmented and measured.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


def cases_of(data: DataSettings) -> Dataset:
    """Return the scans that a study's data names."""
    ways = ("cases", "csv", "msd", "phantoms")
    given = [name for name in ways if getattr(data, name) is not None]
    if len(given) != 1 and given != ["csv", "msd"]:
        raise ValueError(f"A study's data has one of {', '.join(ways)}. Got {given or 'none'}.")
    if data.cases is not None:
        return checked(data.cases)
    if data.msd is not None:
        organs = "tumour-free" if data.region is None else "every"
        return datasets.MSD(data.msd, csv=data.csv, organs=organs, on=data.on)
    if data.csv is not None:
        return datasets.from_csv(data.csv, root=data.root, on=data.on)
    if isinstance(data.phantoms, Mapping):
        options = dict(data.phantoms)
        known = ("n", "seed", "shape", "tumour_fraction", "varied", "noise", "spacing")
        check_keys(options, known, "A study's phantoms")
        return datasets.phantoms(_count(options.pop("n", 0)), **options)
    return datasets.phantoms(_count(data.phantoms))


def _count(n: object) -> int:
    """Return a number of phantoms: so many that their cases alone would fill memory are refused."""
    return check_integer(n, "n", "Study.data.phantoms", 1, 100_000)


def checked(cases: Sequence[Case]) -> Dataset:
    """Return cases whose names tell them apart."""
    found = Dataset(checked_cases(cases, "data", "Study"))
    names = [case.name for case in found]
    if not names:
        raise ValueError(sentence("data", "Study", "one scan or more", names))
    for name, count in Counter(names).items():
        if count > 1:
            raise ValueError(f"A study's scans must have different names. Got {name!r} twice.")
    return found


def groups_of(data: DataSettings, cases: Dataset) -> dict[str, str]:
    """Return each scan's patient: its group, or its own name where nothing else is known."""
    given = data.groups
    found = {case.name: str(case.group or case.name) for case in cases}
    if isinstance(given, str):
        if data.csv is None:
            raise ValueError(sentence("groups", "Study.data", "a mapping without a csv", given))
        known = column_of(data.csv, given)
    elif given is None:
        return found
    else:
        if not isinstance(given, Mapping):
            raise TypeError(sentence("groups", "Study.data", "a column or a mapping", given))
        known = {str(name): str(group) for name, group in given.items()}
    by_stem = {stem(name): group for name, group in known.items()}
    for name in found:
        group = known.get(name) or by_stem.get(stem(name))
        if not group:
            raise ValueError(f"A study's groups must name the patient of every scan: {name!r}.")
        found[name] = group
    return found


def stem(name: str) -> str:
    """Return a scan's name without folders and without the ending of its format."""
    base = os.path.basename(name)
    ending = next((end for end in SCANS if base.lower().endswith(end)), "")
    return base[: len(base) - len(ending)]


def folds_of(
    split: SplitSettings, cases: Dataset, groups: Mapping[str, str], training_scans: int | None
) -> list[Fold]:
    """Return the folds of a split.

    Parameters
    ----------
    split : SplitSettings
    cases : Dataset
    groups : mapping of str to str
        Each scan's patient.
    training_scans : int or None
        The first so many training scans are trained on; None for all.
    """
    names = [case.name for case in cases]
    if split.train is not None:
        return [_in_order(split, names, training_scans)]
    if split.file is not None:
        pairs = _listed(split, names)
    elif split.folds is not None:
        pairs = _drawn(split, cases, groups)
    else:
        pairs = [([], names)]
    found = []
    for train, test in pairs:
        kept, apart = _apart(split, train, groups)
        kept = _first(kept, training_scans)
        found.append(Fold(tuple(kept), tuple(apart), tuple(test)))
    return found


def _in_order(split: SplitSettings, names: list[str], training_scans: int | None) -> Fold:
    count = split.train if training_scans is None else training_scans
    train = _first(names, count)
    validation = names[len(train) : len(train) + split.validation]
    test = split.test
    if test is None:
        rest = names[len(train) + len(validation) :]
    elif isinstance(test, int) and not isinstance(test, bool):
        rest = names[len(names) - check_integer(test, "test", split.owner, 0, len(names)) :]
    else:
        wanted = [test] if isinstance(test, str) else list(test)
        rest = [_named(name, names) for name in wanted]
    return Fold(tuple(train), tuple(validation), tuple(rest))


def _first(names: list[str], count: int | None) -> list[str]:
    if count is None:
        return names
    if count > len(names):
        allowed = f"at most the {len(names)} scans that there are to train on"
        raise ValueError(sentence("training_scans", "Study", allowed, count))
    return names[:count]


def _named(name: object, names: Sequence[str]) -> str:
    """Return the scan that a name means, with or without its ending."""
    if name in names:
        return str(name)
    found = [one for one in names if stem(one) == name]
    if len(found) != 1:
        raise ValueError(f"A study's split names the scan {name!r}, which is {len(found)} of its.")
    return found[0]


def _listed(split: SplitSettings, names: Sequence[str]) -> list[tuple[list[str], list[str]]]:
    """Return the folds of a file of nnU-Net's: a list of {"train": names, "val": names}."""
    what = str(split.file)
    try:
        content = json.loads(read_text(what))
        folds = [(list(fold["train"]), list(fold["val"])) for fold in content]
    except (MemoryError, OSError):
        raise
    # What a JSON of any shape comes upon.
    except Exception as error:
        raise ValueError(f"{what}: not a list of folds with train and val: {error!r}") from None
    if not folds:
        raise ValueError(f"{what}: no fold.")
    return [([_named(n, names) for n in train], [_named(n, names) for n in val])
            for train, val in folds]  # fmt: skip


def _drawn(
    split: SplitSettings, cases: Dataset, groups: Mapping[str, str]
) -> list[tuple[list[str], list[str]]]:
    """Return folds that are drawn, by the rule of `Dataset.folds`."""
    names = [case.name for case in cases]
    numbers = fold_numbers(
        len(names), split.folds or 0, split.seed,
        cases.labels if split.stratified else None,
        [groups[name] for name in names] if split.grouped else None,
        split.owner,
    ).tolist()  # fmt: skip
    return [
        (
            [name for name, number in zip(names, numbers, strict=True) if number != fold],
            [name for name, number in zip(names, numbers, strict=True) if number == fold],
        )
        for fold in range(split.folds or 0)
    ]


def _apart(
    split: SplitSettings, train: list[str], groups: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """Return what is trained on, and whole patients of `validation` scans or more kept apart."""
    if not split.validation:
        return train, []
    patients = sorted({groups[name] if split.grouped else name for name in train})
    apart: list[str] = []
    for patient in np.random.default_rng([split.seed, 1]).permutation(patients):
        if len(apart) >= split.validation:
            break
        apart += [n for n in train if (groups[n] if split.grouped else n) == patient]
    kept = [name for name in train if name not in apart]
    if not kept:
        allowed = f"less than the {len(train)} scans to train on"
        raise ValueError(sentence("validation", split.owner, allowed, split.validation))
    return kept, [name for name in train if name in apart]


def fingerprint(case: Case, known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what tells that a scan is the one that it was: its label, and hashes.

    Files are hashed as they lie on disk, and not read again where `known`, an earlier fingerprint,
    has their size and time of change. Of a phantom what it follows from is hashed; other
    scans are loaded, and their values hashed.
    """
    found: dict[str, Any] = {"has_tumour": case.has_tumour}
    parts = (("image", case._load), ("mask", case._load_mask), ("organ", case._load_organ))
    for name, load in parts:
        if load is None:
            continue
        file = _file_behind(load)
        identity = getattr(getattr(load, "__self__", None), "identity", None)
        if identity is not None:
            found[name] = {"sha256": hashlib.sha256(identity.encode()).hexdigest()}
        elif file is not None:
            found[name] = _hashed(file, ((known or {}).get(name)))
        elif name == "image":
            found[name] = {"sha256": digest(case.load())}
        else:
            mask = case.load_mask() if name == "mask" else case.load_organ()
            found[name] = None if mask is None else {"sha256": digest(mask)}
    return found


def _file_behind(load: Any) -> Path | None:
    """Return the file that a case's loader reads, where it is one of `spars.datasets`."""
    arguments = getattr(load, "args", ())
    file = arguments[0] if arguments else getattr(getattr(load, "__self__", None), "mask", None)
    return Path(file) if isinstance(file, (str, os.PathLike)) and Path(file).is_file() else None


def _hashed(file: Path, known: Mapping[str, Any] | None) -> dict[str, Any]:
    status = file.stat()
    stands = {"bytes": status.st_size, "modified": status.st_mtime_ns}
    if known and {name: known.get(name) for name in stands} == stands:
        return dict(known)
    with reading(file) as opened:
        return {"sha256": hashlib.file_digest(opened, "sha256").hexdigest(), **stands}


def differing(now: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """Return what of a scan is not as it was, "" for nothing."""
    for name in ("has_tumour", "image", "mask", "organ"):
        own, other = now.get(name), before.get(name)
        if isinstance(own, Mapping) and isinstance(other, Mapping):
            own, other = own.get("sha256"), other.get("sha256")
        if own != other:
            return f"{name} {shown(other)} is now {shown(own)}"
    return ""

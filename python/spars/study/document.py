"""What a study is written as: its keys, checked, and the settings that follow from them."""

from __future__ import annotations

import copy
import dataclasses
import difflib
import itertools
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from spars._support.checks import (
    check_bool,
    check_extent,
    check_instance,
    check_integer,
    sentence,
    shown,
)
from spars._support.extras import require
from spars._support.files import read_text
from spars._support.json import jsonable
from spars._support.kinds import anything, boolean, choice, integer, labels, optional, path
from spars._support.settings import Settings, setting
from spars._support.types import PathLike
from spars.classifier.augmentation import Augmentation
from spars.classifier.recipe import Recipe
from spars.classifier.training.settings import TrainingSettings
from spars.search.settings import SegmentationSettings, SelfPlaySettings
from spars.volume.protocol import Protocol

# Nobody nests settings as deep.
_DEEPEST = 12
Part = TypeVar("Part", bound=Settings)
#: Of the form below; a study of another one is refused.
SCHEMA = 1
KEYS = (
    "schema", "name", "preset", "data", "split", "base", "sweep", "settings", "seeds",
    "share_scores",
)  # fmt: skip
#: What a setting may change by its name alone: what means the same in training and in search.
_BOTH = ("window", "grid", "protocol")
#: What the study itself gives to the calls.
_OWN = (
    "callback", "checkpoint", "checkpoint_interval", "progress", "resume", "region",
    "region_value", "reference", "on", "agents", "tensorboard", "initial_policy", "recipe",
    "search", "rule", "cache_bytes",
)  # fmt: skip
#: The protocol's, which `spars.segment` also takes one by one.
SWITCHES = tuple(item.name for item in dataclasses.fields(Protocol))


class DataSettings(Settings, owner="Study.data"):
    """Where the scans of a study come from: one of `cases`, `csv`, `msd` and `phantoms`."""

    cases: Any = setting(
        None, anything("sequence of spars.datasets.Case, optional"), "The scans, from Python."
    )
    csv: PathLike | None = setting(
        None, optional(path()), "A CSV file as `spars.datasets.from_csv` takes it."
    )
    root: PathLike | None = setting(None, optional(path()), "Where the CSV's paths start.")
    msd: PathLike | None = setting(
        None,
        optional(path()),
        "A folder in Medical Segmentation Decathlon layout; `csv` then gives its labels.",
    )
    phantoms: Any = setting(
        None,
        anything("int or mapping, optional"),
        "How many phantoms, or the arguments of `spars.datasets.phantoms`.",
    )
    groups: Any = setting(
        None,
        anything("str or mapping, optional"),
        "The CSV's column that names the patient, or a mapping of scans to patients.",
    )
    region: str | None = setting(
        None,
        optional(choice("organ")),
        '"organ": scans are searched in the organ that the data knows, `Case.load_organ`.',
    )
    reference_value: Any = setting(2, labels(), "What is tumour in the reference masks.")
    on: str | None = setting(
        None,
        optional(choice("scan", "voxels")),
        "How masks of another place are taken, as by `spars.datasets.from_csv`.",
    )


class SplitSettings(Settings, owner="Study.split"):
    """Which scans are trained on, which measure the training, and which are segmented."""

    folds: int | None = setting(
        None, optional(integer(2, 1000)), "Every scan is segmented in one of so many folds."
    )
    file: PathLike | None = setting(
        None, optional(path()), "Folds as nnU-Net's ``splits_final.json`` lists them."
    )
    train: int | None = setting(
        None, optional(integer(1)), "The first so many scans are trained on, in the data's order."
    )
    validation: int = setting(0, integer(0), "So many scans measure the training after each epoch.")
    test: Any = setting(
        None,
        anything("int, str or sequence of str, optional"),
        "With `train`: the last so many scans, or names; all others by default.",
    )
    stratified: bool = setting(
        True, boolean(), "Whether folds hold as many scans with tumours each, as nearly as can be."
    )
    grouped: bool = setting(True, boolean(), "Whether a patient's scans stay in one fold.")
    seed: int = setting(0, integer(0, 2**32 - 1), "Of the order that folds are drawn in.")
    overlap: bool = setting(
        False,
        boolean(),
        "Whether scans may be segmented that were trained on, as the released scripts do.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        ways = [name for name in ("folds", "file", "train") if getattr(self, name) is not None]
        if len(ways) > 1:
            raise ValueError(f"A study's split has one of folds, file and train. Got {ways}.")


@dataclass(frozen=True)
class Variant:
    """One setting of a study, resolved.

    Attributes
    ----------
    name : str
    training : TrainingSettings or None
        None where weights are given.
    classifier : dict
        ``input_shape``, or ``weights``: a path, or "pretrained".
    segmentation : dict or None
        Keywords of `spars.segment`; None where nothing is segmented.
    recipe : dict or None
        What differs from the classifier's own recipe; None goes without any.
    training_scans : int or None
        The first so many of the split's training scans; None for all.
    weights_name : str
        Under which weights are also kept, after every epoch; "" for none.
    surfaces : bool
        Whether pages in three dimensions are kept of mask and reference.
    pinned : frozenset of str
        "training", "segmentation": where the setting has a seed of its own.
    """

    name: str
    training: TrainingSettings | None
    classifier: dict[str, Any]
    segmentation: dict[str, Any] | None
    recipe: dict[str, Any] | None
    training_scans: int | None
    weights_name: str
    surfaces: bool
    pinned: frozenset[str]

    def with_weights(self, hashes: Mapping[str, str]) -> Variant:
        """Return a copy that names weights by their hash, as another machine knows them."""
        path = self.classifier.get("weights")
        if path is None:
            return self
        return dataclasses.replace(self, classifier={"weights": hashes[path]})


def read(file: PathLike) -> dict[str, Any]:
    """Return the mapping that a YAML file holds, its relative paths taken from its folder.

    Raises
    ------
    ImportError
        PyYAML is missing (the extra "study"); a file that ends in .json needs none.
    OSError
        The file cannot be read.
    ValueError
        It is no mapping, or no YAML.
    """
    file = os.fspath(file)
    try:
        text = read_text(file)
        if file.lower().endswith(".json"):
            found = json.loads(text)
        else:
            found = require("yaml", "study", "A study in YAML").safe_load(text)
    except (ImportError, MemoryError, OSError):
        raise
    # What a parser comes upon in a text of any shape.
    except Exception as error:
        raise ValueError(f"{file}: not a study: {' '.join(str(error).split())}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{file}: a study is a mapping. Got {shown(found)[:80]} instead.")
    _from_folder(found, Path(file).resolve().parent)
    return found


def _from_folder(found: Mapping[str, Any], folder: Path) -> None:
    """Let relative paths start from a folder."""

    def resolve(part: Any, name: str) -> None:
        if isinstance(part, dict) and isinstance(part.get(name), str):
            is_word = name == "weights" and part[name] == "pretrained"
            part[name] = part[name] if is_word else os.path.join(folder, part[name])

    for name in ("csv", "root", "msd"):
        resolve(found.get("data"), name)
    resolve(found.get("split"), "file")
    named = found.get("settings") or {}
    for one in (found.get("base"), *(named.values() if isinstance(named, dict) else ())):
        resolve(one.get("classifier") if isinstance(one, dict) else None, "weights")


def changed(document: Mapping[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    """Return a copy with changes such as ``base.training.epochs=2``, values being JSON or text."""
    found = copy.deepcopy(dict(document))
    for change in changes:
        check_instance(change, str, "changes", "Study.load", "texts of the form KEY=VALUE")
        key, equals, text = change.partition("=")
        if not equals or not key:
            raise ValueError(f"A change of a study is KEY=VALUE. Got {change!r}.")
        *parents, last = key.split(".")
        part = found
        for name in parents:
            inner = part.setdefault(name, {})
            if not isinstance(inner, dict):
                raise ValueError(f"{key!r}: {name!r} is no mapping. Got {shown(inner)}.")
            part = inner
        try:
            part[last] = json.loads(text)
        except ValueError:
            part[last] = text
    return found


def described(value: Any, where: str, depth: int = 0) -> Any:
    """Return what a study says as plain values of its own, or raise TypeError for what is none.

    Paths become text, tuples and ranges lists, and what has a `to_dict` what that says.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return described(value.item(), where, depth + 1)
    if depth < _DEEPEST:
        if isinstance(value, (list, tuple, range)):
            return [described(item, where, depth + 1) for item in value]
        if isinstance(value, Mapping):
            return {
                str(key): described(item, f"{where}.{key}", depth + 1)
                for key, item in value.items()
            }
        if isinstance(value, (Protocol, Augmentation)):
            return described(value.to_dict(), where, depth + 1)
    if isinstance(value, Path):
        return os.fspath(value)
    raise TypeError(f"{where} must be text, a number, a list or a mapping. Got {shown(value)}.")


def check_mapping(given: object, what: str) -> dict[Any, Any]:
    """Return a mapping as a dict, or raise ValueError; None is an empty one."""
    if given is not None and not isinstance(given, Mapping):
        raise ValueError(f"{what} must be a mapping. Got {shown(given)} instead.")
    return dict(given or {})


def check_keys(given: object, known: Collection[str], what: str) -> None:
    """Raise ValueError for a key that is none; the message names the nearest that is."""
    for key in check_mapping(given, what):
        if key not in known and key in _OWN:
            raise ValueError(f"{what} leaves {key!r} to the study.")
        if key not in known:
            near = difflib.get_close_matches(str(key), known, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"{what} has no {key!r}.{hint}")


def section(given: Any, settings: type[Part], what: str) -> Part:
    """Return a section of a study as its settings."""
    check_keys(given, settings.defaults(), what)
    return settings(**check_mapping(given, what))


def merged(first: Mapping[str, Any], *others: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return nested mappings laid over one another; None takes a section away."""
    found = copy.deepcopy(dict(first))
    for other in others:
        for name, value in (other or {}).items():
            both = isinstance(value, Mapping) and isinstance(found.get(name), Mapping)
            found[name] = merged(found[name], value) if both else copy.deepcopy(value)
    return found


def variants(document: Mapping[str, Any]) -> list[Variant]:
    """Return the settings of a study in their order, each checked.

    Raises
    ------
    TypeError, ValueError
        A key is unknown, or a value out of its range; the message names it.
    """
    base = document.get("base") or {}
    found = [variant(name, merged(base, given)) for name, given in _named(document)]
    names = [one.name for one in found]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"A study's settings must have different names. Got {name!r} twice.")
    return found


def _named(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each setting's name and what it changes."""
    sweep = check_mapping(document.get("sweep"), "A study's sweep")
    named = check_mapping(document.get("settings"), "A study's settings")
    if sweep and named:
        raise ValueError("A study has a sweep or settings. Got both.")
    if named:
        for name, given in named.items():
            yield str(name), check_mapping(given, f"The setting {name!r}")
        return
    for key, values in sweep.items():
        if isinstance(values, str) or not isinstance(values, Sequence) or not values:
            raise ValueError(f"A study's sweep of {key!r} must be a list. Got {shown(values)}.")
    for values in itertools.product(*sweep.values()):
        change: dict[str, Any] = {}
        for key, value in zip(sweep, values, strict=True):
            *parents, last = key.split(".")
            nested: dict[str, Any] = {last: value}
            for parent in reversed(parents):
                nested = {parent: nested}
            change = merged(change, nested)
        parts = (f"{key}={_told(value)}" for key, value in zip(sweep, values, strict=True))
        yield ", ".join(parts) or "base", change


def _told(value: Any) -> str:
    """Return a value as a setting's name says it."""
    if isinstance(value, list) and all(isinstance(one, int) for one in value):
        return "x".join(map(str, value))
    return str(value)


def variant(name: str, given: Mapping[str, Any]) -> Variant:
    """Return one setting, resolved and checked."""
    what = f"The setting {name!r}"
    known = (
        "classifier", "training", "segmentation", "recipe", "training_scans", "weights_name",
        "surfaces",
    )  # fmt: skip
    check_keys(given, (*known, *_BOTH), what)
    both = {key: given[key] for key in _BOTH if key in given}
    classifier = dict(given.get("classifier") or {})
    check_keys(classifier, ("input_shape", "weights"), f"{what}: 'classifier'")
    if len(classifier) > 1:
        raise ValueError(f"{what}: 'classifier' has input_shape or weights. Got both.")
    if "input_shape" in classifier:
        shape = check_extent(classifier["input_shape"], "input_shape", "Classifier", 108, 1 << 13)
        classifier["input_shape"] = shape
    elif not isinstance(classifier.get("weights", ""), str):
        raise TypeError(
            sentence("weights", "Study", "a file, or 'pretrained'", classifier["weights"])
        )
    training = None
    if "weights" not in classifier:
        training = _training(both | dict(given.get("training") or {}), what)
    elif given.get("training"):
        raise ValueError(f"{what} trains nothing, for it has weights. Got 'training' too.")
    segmentation = None
    if given.get("segmentation", {}) is not None:
        segmentation = _segmentation(both | dict(given.get("segmentation") or {}), what)
    recipe = given.get("recipe", {})
    if recipe:
        check_keys(recipe, Recipe.defaults(), f"{what}: 'recipe'")
        declared = Recipe.declared()
        recipe = {
            key: declared[key].kind.plain(_value(Recipe, key, value))
            for key, value in recipe.items()
        }
    scans = given.get("training_scans")
    if scans is not None:
        scans = check_integer(scans, "training_scans", "Study", 1)
    weights_name = str(given.get("weights_name", ""))
    if os.path.basename(weights_name) != weights_name:
        raise ValueError(sentence("weights_name", "Study", "a file's name", weights_name))
    pinned = {
        part for part in ("training", "segmentation") if "seed" in (given.get(part) or {})
    }  # fmt: skip
    surfaces = check_bool(given.get("surfaces", False), "surfaces", "Study")
    return Variant(
        name,
        training,
        classifier,
        segmentation,
        recipe,
        scans,
        weights_name,
        surfaces,
        frozenset(pinned),
    )


def _training(given: Mapping[str, Any], what: str) -> TrainingSettings:
    names = [name for name in TrainingSettings.defaults() if name not in _OWN]
    check_keys(given, names, f"{what}: 'training'")
    values = {name: _value(TrainingSettings, name, value) for name, value in given.items()}
    if callable(values.get("learning_rate")):
        wanted = "a float, 'falling' or (float, 'falling') in a study"
        raise TypeError(sentence("learning_rate", "fit", wanted, values["learning_rate"]))
    found = TrainingSettings(**values)
    # Crops that do not follow the window, and scans in their own voxels, are the same for all.
    protocol, defaults = found.protocol, TrainingSettings.defaults()
    if protocol.crop_size != "window":
        found = found.changed(window=defaults["window"])
    if protocol.scan_frame != "resampled":
        found = found.changed(grid=defaults["grid"])
    return found


def _segmentation(given: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Return the keywords of `spars.segment`, checked as far as they can be before a scan."""
    own, searched = SegmentationSettings.defaults(), SelfPlaySettings.defaults()
    names = {*own, *searched, *SWITCHES, "layer", "target"} - {*_OWN, "switches"}
    check_keys(given, sorted(names), f"{what}: 'segmentation'")
    found = {}
    for name, value in given.items():
        settings = SegmentationSettings if name in own else SelfPlaySettings
        found[name] = _value(settings, name, value)
    SegmentationSettings.of(found)
    if found.get("method", "self_play") == "self_play":
        play = {name: value for name, value in found.items() if name in searched}
        SelfPlaySettings.of(play)
    return found


def plain(segmentation: Mapping[str, Any]) -> dict[str, Any]:
    """Return keywords of `spars.segment` as plain values."""
    declared = {**SelfPlaySettings.declared(), **SegmentationSettings.declared()}
    found = {
        name: declared[name].kind.plain(value) if name in declared else value
        for name, value in segmentation.items()
    }
    return dict(jsonable(found))


def from_plain(segmentation: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords of `spars.segment` that `plain` told of."""
    declared = {**SelfPlaySettings.declared(), **SegmentationSettings.declared()}
    return {
        name: declared[name].kind.again(value)
        if name in declared
        else tuple(value)
        if isinstance(value, list)
        else value
        for name, value in segmentation.items()
    }


def _value(settings: type[Settings], name: str, value: Any) -> Any:
    """Return a setting's value as the call takes it, of what YAML can hold."""
    declared = settings.declared().get(name)
    if name == "protocol" and isinstance(value, Mapping):
        switches = dict(value)
        usual = Protocol.named(switches.pop("name", "paper")).to_dict()
        check_keys(switches, usual, f"The protocol of {settings.owner}")
        return Protocol.from_dict(usual | switches)
    if name == "augmentation" and isinstance(value, Mapping):
        check_keys(value, Augmentation.defaults(), "An augmentation")
    if declared is None:
        return tuple(value) if isinstance(value, list) else value
    if name == "grid" and value == "native":
        return None
    if isinstance(value, (list, dict)):
        value = declared.kind.again(value)
    return declared.kind.check(value, name, settings.owner)

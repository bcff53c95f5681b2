"""Files of classifiers: one, or the members of an ensemble."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from spars._core import native
from spars._support.checks import check_choice, check_extent, sentence
from spars._support.errors import FormatError
from spars._support.formats import PYTORCH, check_ending
from spars._support.types import PathLike
from spars.classifier.recipe import Recipe
from spars.classifier.scores import handles_of

if TYPE_CHECKING:
    from spars.classifier.network import Classifier

T = TypeVar("T")
C = TypeVar("C", bound="Classifier")

#: Classifiers that a file holds at most.
MOST = 64


def write(classifiers: Sequence[Classifier], path: PathLike, dtype: str) -> None:
    """Write one classifier, or the members of an ensemble: `Classifier.save`, `Ensemble.save`."""
    encoded = _path(path, "save")
    check_ending(encoded, (".safetensors", *PYTORCH), "save")
    records = [one.training for one in classifiers]
    told = records[0] if len(records) == 1 else records
    recipe = classifiers[0].recipe
    halves = check_choice(dtype, "dtype", "save", ("float32", "float16")) == "float16"
    native.classifier_save(
        handles_of(classifiers), encoded, None if told is None else json.dumps(told),
        "" if recipe is None else recipe.to_json(), halves,
    )  # fmt: skip


def read(path: PathLike, input_shape: Sequence[int] | None, cls: type[C]) -> list[C]:
    """Return the classifiers of a file, of the class `cls`: one, or an ensemble's members."""
    if input_shape is not None:
        input_shape = check_extent(input_shape, "input_shape", "load")
    handles = np.zeros(MOST, np.int64)
    try:
        count = native.classifier_load(_path(path, "load"), input_shape, handles)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from None
    found = [cls._of_handle(int(handle)) for handle in handles[:count]]
    first = found[0]._handle.value
    told = _parsed(native.classifier_training(first), "training", path, json.loads)
    recipe = _parsed(native.classifier_recipe(first), "recipe", path, Recipe.from_json)
    records = [told] if count == 1 else told or [None] * count
    if not isinstance(records, list) or len(records) != count:
        raise FormatError(
            f"The 'spars.training' of {path} must be a list of {count}, one for each member."
        )
    for one, record in zip(found, records, strict=True):
        one._training, one._recipe = record, recipe
    return found


def _parsed(text: str, name: str, path: PathLike, parse: Callable[[str], T]) -> T | None:
    """Return what a file's text says, None for no text."""
    if not text:
        return None
    try:
        return parse(text)
    except FormatError as error:
        raise FormatError(f"The 'spars.{name}' of {path}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise FormatError(f"The 'spars.{name}' of {path} must be JSON: {error}") from None


def _path(path: PathLike, owner: str) -> bytes:
    try:
        encoded = os.fsencode(path)
    except TypeError:
        raise TypeError(sentence("path", owner, "a path", path)) from None
    if b"\0" in encoded:
        raise ValueError(sentence("path", owner, "a path without null characters", path))
    return encoded

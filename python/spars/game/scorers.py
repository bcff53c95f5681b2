"""What scores windows in a game: a classifier, an atlas of scores made before, or a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spars._support.checks import check_array, shown
from spars._support.provenance import digest
from spars._support.types import Extent3, FloatArray
from spars.classifier.ensemble import AnyClassifier, members_of
from spars.classifier.scores import handles_of

if TYPE_CHECKING:
    from spars.game.field import Field


class KnownScores:
    """Scores by place, which a field takes instead of asking for them: `spars.ScoreAtlas`."""

    scores: FloatArray
    axes: tuple[NDArray[np.int64], ...]
    window: Extent3
    fingerprint: str


#: What scores windows in a game; a function takes crops (N, x, y, z) and returns (N,) in [0, 1].
Scorer: TypeAlias = AnyClassifier | KnownScores | Callable[[FloatArray], ArrayLike]
#: What the core calls: crops as bytes, their number and extent.
CoreScorer: TypeAlias = Callable[[bytearray, int, int, int, int], FloatArray]


class FunctionScorer:
    """What the core calls where a function scores windows; its answers are checked."""

    def __init__(self, function: Callable[[FloatArray], ArrayLike], owner: str) -> None:
        self.function, self.owner = function, owner

    def __call__(self, data: bytearray, count: int, x: int, y: int, z: int) -> FloatArray:
        crops = np.frombuffer(data, np.float32).reshape(count, x, y, z)
        name = f"{self.owner}, its result,"
        scores = check_array(self.function(crops), "scorer", name, np.float32, (count,))
        if not ((scores >= 0) & (scores <= 1)).all():
            raise ValueError(
                f"The 'scorer' parameter of {self.owner} must return scores in the range "
                f"[0.0, 1.0]. Got {scores[~((scores >= 0) & (scores <= 1))][0]} instead."
            )
        return scores


def fingerprint(array: FloatArray) -> str:
    """Return a name for the values of an array."""
    return digest(array)[:16]


def identity(scorer: Scorer | None) -> dict[str, str] | None:
    """Return what a scorer is recognised by: a classifier's hash, an atlas' scores' hash.

    The hash is the SHA-256 of all parameters, as float32 in the order of `parameters`, member after
    member of an ensemble, or of the scores. Of a function its name is all that is known; None where
    nothing scored.
    """
    if scorer is None:
        return None
    if isinstance(scorer, KnownScores):
        return {"kind": type(scorer).__name__, "sha256": digest(scorer.scores)}
    if members := members_of(scorer):
        arrays = [array.ravel() for one in members for array in one.parameters().values()]
        return {"kind": type(scorer).__name__, "sha256": digest(np.concatenate(arrays))}
    return {"kind": "callable", "name": getattr(scorer, "__qualname__", type(scorer).__qualname__)}


def adapter_of(scorer: Scorer, owner: str) -> tuple[NDArray[np.int64], CoreScorer | None]:
    """Return the handles of classifiers, and the function that the core calls or None."""
    classifiers = members_of(scorer)
    handles = handles_of(classifiers)
    if classifiers or isinstance(scorer, KnownScores):
        return handles, None
    if not callable(scorer):
        raise TypeError(
            f"The 'scorer' parameter of {owner} must be a Classifier, a ScoreAtlas or a callable "
            f"of crops (N, x, y, z). Got {shown(scorer)} instead."
        )
    return handles, FunctionScorer(scorer, owner)


def place_scores(scorer: Scorer, field: Field) -> FloatArray | None:
    """Return an atlas' scores for the places of a field, or None for another scorer."""
    if not isinstance(scorer, KnownScores):
        return None
    axes = field.axes()
    indices = []
    for own, wanted in zip(scorer.axes, axes, strict=True):
        places = np.searchsorted(own, wanted)
        found = places < len(own)
        if not found.all() or not np.array_equal(own[places], wanted):
            raise ValueError(
                f"The 'scorer' parameter of {field.owner} must be an atlas of the game's places: "
                "the same grid, window, stride, border and border_crops. "
                f"Got {shown(scorer)} for window {field.window} on grid {field.grid} instead."
            )
        indices.append(places)
    if scorer.window != field.window:
        raise ValueError(
            f"The 'scorer' parameter of {field.owner} must be an atlas of window {field.window}. "
            f"Got one of {scorer.window} instead."
        )
    if scorer.fingerprint not in ("", fingerprint(field.array)):
        raise ValueError(
            f"The 'scorer' parameter of {field.owner} must be an atlas of this scan. "
            f"Got one of other values (fingerprint {scorer.fingerprint}) instead."
        )
    return scorer.scores[np.ix_(*indices)]

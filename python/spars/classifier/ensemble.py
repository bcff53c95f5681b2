"""Ensembles: classifiers of one recipe, trained from different seeds, that score as one."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any, Self, TypeAlias

from numpy.typing import ArrayLike

from spars._support.checks import sentence, shown
from spars._support.defaults import WINDOW_OF_RECORD
from spars._support.errors import FormatError
from spars._support.notebook import card, triple
from spars._support.types import Extent3, FloatArray, PathLike, Progress, Scan
from spars.classifier import files
from spars.classifier.network import Classifier
from spars.classifier.recipe import Recipe
from spars.classifier.scores import window_scores
from spars.volume.protocol import IntensityWindow

__all__ = ["AnyClassifier", "Ensemble", "load_classifier", "members_of"]


class Ensemble:
    """Several classifiers that score as one: a window's score is the mean of their scores.

    It stands wherever a scorer does, as `spars.segment`, `spars.ScoreAtlas.compute`,
    `spars.train_agents`, `spars.calibration` and `spars.study.benchmark` take one, and takes as
    many times longer as it has members. What looks into one network does not take it: Grad-CAM,
    `explain`, ONNX.

    Parameters
    ----------
    members : sequence of Classifier
        2 to 64, of one input shape, one intensity window and one recipe. They are copied: what is
        done to them later does not change the ensemble.

    Raises
    ------
    TypeError, ValueError
        There are too few or too many, one is no classifier, or two differ in shape, intensity
        window or recipe; the message names the difference.

    Notes
    -----
    Probabilities are averaged, not logits: Lakshminarayanan, Pritzel and Blundell, "Simple and
    scalable predictive uncertainty estimation using deep ensembles", NeurIPS 2017. Scores have the
    same bits for any number of threads. Copies and pickles have members of their own.

    Examples
    --------
    >>> members = [spars.Classifier((108, 108, 108), seed=seed) for seed in range(3)]
    >>> ensemble = spars.Ensemble(members)
    >>> ensemble.input_shape, ensemble.intensity_window, ensemble.recipe, ensemble.training
    ((108, 108, 108), None, None, [None, None, None])
    >>> scan = spars.phantom(seed=1, shape=(48, 48, 32)).volume
    >>> scores = ensemble.score(scan, [(0, 0, 0), (8, 8, 8)], (12, 12, 12))
    >>> each = [one.score(scan, [(0, 0, 0), (8, 8, 8)], (12, 12, 12)) for one in members]
    >>> np.allclose(scores, np.mean(each, axis=0))
    True
    >>> ensemble.save("ensemble.safetensors")
    >>> len(spars.Ensemble.load("ensemble.safetensors").members)
    3
    """

    def __init__(self, members: Iterable[Classifier]) -> None:
        try:
            given = tuple(members)
        except TypeError:
            allowed = "a sequence of Classifier"
            raise TypeError(sentence("members", "Ensemble", allowed, members)) from None
        for one in given:
            if not isinstance(one, Classifier):
                raise TypeError(sentence("members", "Ensemble", "a sequence of Classifier", one))
        if not 2 <= len(given) <= files.MOST:
            allowed = f"2 to {files.MOST} classifiers"
            raise ValueError(sentence("members", "Ensemble", allowed, len(given)))
        for number, one in enumerate(given[1:], 1):
            _check_alike(given[0], one, number)
        self._members = tuple(copy.deepcopy(one) for one in given)

    @property
    def members(self) -> tuple[Classifier, ...]:
        """The ensemble's own classifiers."""
        return self._members

    @property
    def input_shape(self) -> Extent3:
        """The networks' input along x, y, z."""
        return self._members[0].input_shape

    @property
    def intensity_window(self) -> IntensityWindow | None:
        """The HU range the networks see; None passes HU as they are."""
        return self._members[0].intensity_window

    @property
    def recipe(self) -> Recipe | None:
        """What a scan must become before it is scored, as `Classifier.recipe`; of every member."""
        return self._members[0].recipe

    @recipe.setter
    def recipe(self, recipe: Recipe | None) -> None:
        for one in self._members:
            one.recipe = recipe

    @property
    def training(self) -> list[dict[str, Any] | None]:
        """What the last `fit` of each member reported."""
        return [one.training for one in self._members]

    def score(
        self,
        volume: Scan,
        origins: ArrayLike,
        window: Sequence[int] = WINDOW_OF_RECORD,
        progress: Progress | bool | None = None,
    ) -> FloatArray:
        """Return how likely each window of a volume holds tumour: the mean of the members' scores.

        Parameters, result and errors are those of `Classifier.score`.
        """
        return window_scores(self._members, volume, origins, window, progress)

    def save(self, path: PathLike, dtype: str = "float32") -> None:
        """Write all members into one file, as `Classifier.save` writes one.

        Their tensors' names begin with "0.", "1." and so on, so that a `torch.nn.ModuleList` of as
        many networks takes them as they are.

        Parameters and errors are those of `Classifier.save`.
        """
        files.write(self._members, path, dtype)

    @classmethod
    def load(cls, path: PathLike, input_shape: Sequence[int] | None = None) -> Self:
        """Return the ensemble in a file that `save` wrote.

        Parameters and errors are those of `Classifier.load`; a file of one classifier is refused.
        """
        found = files.read(path, input_shape, Classifier)
        if len(found) == 1:
            raise FormatError(
                f"{path} must hold several classifiers. Got one: spars.Classifier.load reads it."
            )
        return cls(found)

    def __repr__(self) -> str:
        return f"<spars.Ensemble of {len(self._members)}, the first {self._members[0]!r}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: how many members, and what they take."""
        recipe = self.recipe
        rows = [
            ("members", len(self._members)),
            ("input", triple(self.input_shape)),
            ("window", None if recipe is None else triple(recipe.window)),
        ]
        return card("Ensemble", rows)


#: What scores windows by one network or by several.
AnyClassifier: TypeAlias = Classifier | Ensemble


def members_of(scorer: object) -> tuple[Classifier, ...]:
    """Return the networks behind a scorer: none of what is neither classifier nor ensemble."""
    if isinstance(scorer, Ensemble):
        return scorer.members
    return (scorer,) if isinstance(scorer, Classifier) else ()


def load_classifier(path: PathLike, input_shape: Sequence[int] | None = None) -> AnyClassifier:
    """Return the classifier, or the ensemble of classifiers, that a file holds.

    Parameters
    ----------
    path, input_shape
        As for `spars.Classifier.load`.

    Returns
    -------
    Classifier or Ensemble

    Raises
    ------
    OSError, FormatError
        As by `spars.Classifier.load`.

    Examples
    --------
    >>> spars.Classifier((108, 108, 108), seed=0).save("one.safetensors")
    >>> spars.load_classifier("one.safetensors").input_shape
    (108, 108, 108)
    """
    found = files.read(path, input_shape, Classifier)
    return found[0] if len(found) == 1 else Ensemble(found)


def _check_alike(first: Classifier, other: Classifier, number: int) -> None:
    """Refuse a member that takes other windows than the first."""
    for name in ("input_shape", "intensity_window"):
        _check_same(name, getattr(first, name), getattr(other, name), number)
    had, has = (
        {"recipe": None} if one.recipe is None else one.recipe.recorded() for one in (first, other)
    )
    for name in sorted(had.keys() | has.keys()):
        _check_same(f"recipe.{name}", had.get(name, "one"), has.get(name, "one"), number)


def _check_same(name: str, had: object, has: object, number: int) -> None:
    if had != has:
        raise ValueError(
            f"The 'members' parameter of Ensemble must hold classifiers of one {name}. "
            f"Got {shown(had)} of the first and {shown(has)} of number {number + 1} instead."
        )

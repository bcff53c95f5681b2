"""Agents that have learned on many scans which windows to ask for, frozen for new ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spars._support.archives import read_npz, write_npz
from spars._support.checks import check_choice, check_float, sentence
from spars._support.errors import FormatError
from spars._support.types import PathLike
from spars.classifier.recipe import Recipe
from spars.search.features import FEATURES, Features, Ground
from spars.search.map_policy import MapPolicy
from spars.search.strategies import Numbers, View

__all__ = ["PRETRAINED_AGENTS", "Agents"]

#: Agents that come with the package, by the weights that they search for.
PRETRAINED_AGENTS = ("liver-lesions",)
_FORMAT = "spars agents 1"
#: Windows asked for at once, on scans and in training.
BATCH = 16
#: On 12 scans of phantoms it kept the exhaustive Dice with 470 scores of 8,000.
LEAST_WORTH = 0.1


class Agents:
    """What `train_agents` learned: a policy, and what it was trained on.

    ``spars.segment(scan, classifier, region=organ, agents=agents, max_scores=500)`` plays it.
    Nothing is learned there and nothing is drawn: at every turn it asks for the 16 windows of the
    highest worth, given every score so far, and ends by itself where these promise too little.

    Parameters
    ----------
    policy : MapPolicy
    training : mapping of str to plain values
        How it was trained.
    least_worth : float or None
        The mean worth of the next 16 windows below which the search ends: what a score costs.
        1 is the worth of a window that scores 1, and 0 that of one half or less. None: it never
        ends before the budget. The default was chosen on phantoms.

    Attributes
    ----------
    policy, training, least_worth
        As given; `least_worth` may be changed.

    Raises
    ------
    TypeError, ValueError
        `policy` is none, or `least_worth` no finite float.

    Examples
    --------
    >>> from spars.search.map_policy import MapPolicy
    >>> agents = spars.Agents(MapPolicy(seed=0), {"scans": 0})
    >>> agents.save("agents.npz")
    >>> spars.Agents.load("agents.npz").least_worth
    0.1
    >>> agents.doubts(spars.Recipe.of_organ())
    []
    """

    def __init__(
        self,
        policy: MapPolicy,
        training: Mapping[str, Any],
        least_worth: float | None = LEAST_WORTH,
    ) -> None:
        if not isinstance(policy, MapPolicy):
            raise TypeError(sentence("policy", "Agents", "a MapPolicy", policy))
        self.policy = policy
        self.training = dict(training)
        self.least_worth = least_worth

    @property
    def least_worth(self) -> float | None:
        """The mean worth of the next 16 windows below which the search ends; None: never."""
        return self._least_worth

    @least_worth.setter
    def least_worth(self, value: float | None) -> None:
        if value is not None:
            value = check_float(value, "least_worth", "Agents")
        self._least_worth = value

    def strategy(self, view: View, rng: np.random.Generator) -> Iterator[Numbers]:
        """Yield the windows to ask for next, as every strategy does; `rng` is not used.

        Examples
        --------
        >>> from spars.search.map_policy import MapPolicy
        >>> made = spars.phantom(seed=1, shape=(64, 64, 48))
        >>> agents = spars.Agents(MapPolicy(seed=0), {"scans": 0}, least_worth=None)
        >>> classifier = spars.Classifier((108, 108, 108), spars.IntensityWindow(40, 400), seed=0)
        >>> classifier.recipe = spars.Recipe.of_organ(spacing=8.0, window=(4, 4, 4))
        >>> found = spars.segment(
        ...     made.volume, classifier, region=made.liver, agents=agents, max_scores=16
        ... )
        >>> found.scores_asked
        16
        """
        features = Features(Ground.of(view))
        worths = self.policy(features.values)
        # The first are always asked for: without a score nothing is known of a scan.
        has_begun = False
        while len(left := np.flatnonzero(np.isnan(view.scores))):
            wanted = left[best(worths[left], BATCH)]
            is_enough = self.least_worth is not None and worths[wanted].mean() < self.least_worth
            if has_begun and is_enough:
                return
            has_begun = True
            yield wanted
            changed = view.unasked(features.take(wanted, view.scores[wanted]))
            worths[changed] = self.policy(features.values.take(changed, axis=0))

    def doubts(self, recipe: Recipe) -> list[str]:
        """Return what speaks against playing on the working grid of a recipe, in sentences."""
        learned = self.training.get("recipe")
        if learned is None:
            return []
        now = recipe.recorded()
        other = [name for name in ("spacing", "window", "stride") if learned[name] != now[name]]
        return [
            f"The agents have learned with a {name} of {learned[name]} and play with {now[name]}: "
            "train agents with this recipe."
            for name in other
        ]

    def save(self, path: PathLike) -> None:
        """Write policy and training record to one `.npz` file, whole or not at all."""
        description = {
            "features": list(FEATURES), "training": self.training, "least_worth": self.least_worth,
        }  # fmt: skip
        write_npz(path, description, self.policy.parameters, _FORMAT)

    @classmethod
    def load(cls, path: PathLike) -> Agents:
        """Read agents that `save` wrote; nothing of the file is ever run.

        Raises
        ------
        OSError
            The file cannot be read.
        FormatError
            It holds no agents, or such as see other features.
        """
        description, arrays = read_npz(path, _FORMAT)
        try:
            if tuple(description["features"]) != FEATURES:
                raise ValueError(f"features {description['features']}")
            if not all(np.isfinite(array).all() for array in arrays.values()):
                raise ValueError("parameters that are not finite")
            training, least_worth = dict(description["training"]), description["least_worth"]
            return cls(MapPolicy.of(arrays), training, least_worth)
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"{path} holds no agents of this version: {error}") from None

    @classmethod
    def pretrained(cls, name: str = "liver-lesions") -> Agents:
        """Return agents that come with spars, trained for the weights of the same name.

        Like those of `spars.pretrained` they have learned from phantoms alone. What they were
        measured on, docs/reference/pretrained.md says.

        Parameters
        ----------
        name : {"liver-lesions"}
            Which.

        Returns
        -------
        Agents
            New each time: what is done to one does not change another.

        Raises
        ------
        ValueError, TypeError
            There are none of that name.

        Examples
        --------
        >>> import spars
        >>> made = spars.phantom(seed=1, shape=(96, 80, 64))
        >>> found = spars.segment(
        ...     made.volume, spars.pretrained(), region=made.liver, agents=spars.Agents.pretrained()
        ... )
        >>> found.scores_asked < 2000
        True
        """
        check_choice(name, "name", "Agents.pretrained", PRETRAINED_AGENTS)
        file = resources.files("spars.search").joinpath("weights", f"{name}.npz")
        with resources.as_file(file) as path:
            return cls.load(path)

    def __repr__(self) -> str:
        return f"<spars.Agents trained on {self.training.get('scans', '?')} scans>"


def best(worths: NDArray[Any], count: int) -> Numbers:
    """Return where the highest `count` values are, the highest first; ties in their order."""
    return np.argsort(-worths, kind="stable")[:count]

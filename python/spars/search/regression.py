"""How agents learn by regression: a network is fitted to what open windows were worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spars._support.types import FloatArray
from spars.search.agents import BATCH
from spars.search.features import FEATURES
from spars.search.known_scans import KnownScan, Searches
from spars.search.map_policy import MapPolicy

__all__ = ["NOISE", "Regression", "gumbel"]

#: Searches that are played side by side.
_SEARCHES = 32
# Of the windows at a turn: how often they are learned from, and which beside those asked for.
_KEPT = 0.3
_OTHERS = 48
_BEST = 8
#: Scale of the noise on worths by which a learning policy chooses.
NOISE = 0.06
_INTENSITY, _BESIDE = FEATURES.index("intensity"), FEATURES.index("best beside")
_PASSES = 6
_MINIBATCH = 1024
_RATE = 0.003


class Regression:
    """Plays a search of every scan each round and fits a network to what windows were worth.

    In the first round windows are drawn, the darker and those beside high scores more often; then
    the network that has learned so far plays, with noise. After each round it passes over all
    that was looked at since the first.

    Parameters
    ----------
    scans : sequence of KnownScan
    most : int
        Windows that a search asks for.
    seed : int
        Of the network and of what is drawn.

    Attributes
    ----------
    policy : MapPolicy
    rounds : int
        Rounds made.
    errors : list of float
        Mean squared error of the last pass of each.
    """

    def __init__(self, scans: Sequence[KnownScan], most: int, seed: int) -> None:
        self._scans = scans
        self._turns = most // BATCH
        self._rng = np.random.default_rng(seed)
        self.policy = MapPolicy(seed)
        self.errors: list[float] = []
        self._features = np.zeros((0, len(FEATURES)), np.float32)
        self._worths = np.zeros(0, np.float32)

    @property
    def rounds(self) -> int:
        """Rounds made."""
        return len(self.errors)

    def play(self) -> None:
        """Make one more round."""
        features, worths = [self._features], [self._worths]
        for first in range(0, len(self._scans), _SEARCHES):
            for seen, wanted in self._looks(Searches(self._scans[first : first + _SEARCHES])):
                features.append(seen)
                worths.append(wanted)
        self._features, self._worths = np.concatenate(features), np.concatenate(worths)
        self.errors.append(self._fit())

    def _looks(self, searches: Searches) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Play searches and yield, at some of their turns, open windows' features and worths."""
        values = searches.features.values
        wishes = self._wishes(values)
        for _ in range(self._turns):
            noise = gumbel(self._rng, wishes.shape)
            scale = NOISE if self.rounds else 1
            asked = searches.best(wishes + np.float32(scale) * noise, BATCH)
            is_kept = self._rng.random(len(asked)) < _KEPT
            others = searches.windows[:, :1] + self._rng.integers(
                searches.counts[:, None], size=(len(asked), _OTHERS)
            )
            best = searches.best(searches.worths, _BEST)
            looked = np.unique(np.concatenate([asked, others, best], axis=1)[is_kept])
            looked = looked[searches.is_open[looked]]
            yield values.take(looked, axis=0), searches.worths[looked]
            changed = searches.ask(asked.ravel())
            wishes[changed] = self._wishes(values.take(changed, axis=0))

    def _wishes(self, values: FloatArray) -> FloatArray:
        if self.rounds:
            return self.policy(values)
        return 4 * values[:, _BESIDE] - values[:, _INTENSITY]

    def _fit(self) -> float:
        """Pass several times over all that was looked at; return the last pass' mean error."""
        kept, error = (self._features, self._worths), 0.0
        for number in range(_PASSES):
            order = self._rng.permutation(len(self._worths))
            rate = _RATE * (1 - number / (_PASSES + 1))
            error = 0.0
            for first in range(0, len(order), _MINIBATCH):
                part = order[first : first + _MINIBATCH]
                features, worths = (all_.take(part, axis=0) for all_ in kept)
                found = self.policy.learn(features, worths, rate)
                error += found * len(part) / len(order)
        return error

    def record(self) -> dict[str, Any]:
        """Return what is told of the learning."""
        return {"errors": self.errors}

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return all it needs to go on to the bit: plain values, and arrays by name."""
        plain = {"rng": self._rng.bit_generator.state, "errors": self.errors}
        arrays = {"features": self._features, "worths": self._worths}
        return plain, arrays | self.policy.state("policy")

    def restore(self, plain: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `state` returned."""
        self._rng.bit_generator.state = plain["rng"]
        self.errors = [float(error) for error in plain["errors"]]
        self._features, self._worths = arrays["features"], arrays["worths"]
        self.policy.restore("policy", arrays)


def gumbel(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Return float32 draws of the standard Gumbel distribution."""
    drawn = rng.standard_exponential(shape, dtype=np.float32)
    return -np.log(np.maximum(drawn, np.float32(1e-30)))

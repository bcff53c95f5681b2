"""Rules for which windows to score next, given the scores so far: searches under one budget.

A strategy is a function of a `View` and a random generator that yields numbers of windows; before
it goes on, those not asked for yet have their scores, in order, as far as the budget reaches. Each
asks for every window in the end, so that only the budget stops it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from spars._support.types import FloatArray

__all__ = ["STRATEGIES", "View"]

Numbers: TypeAlias = NDArray[np.int64]

#: A window above it is a hit, which floods grow from: more likely tumour than not.
HIT = 0.5
#: Windows in which floods look for the next hit at once.
BATCH = 16
#: Lattice steps between the first windows of "coarse".
COARSEST = 4
_FACES = np.concatenate([np.eye(3, dtype=np.int64), -np.eye(3, dtype=np.int64)])
_AROUND = np.array([step for step in np.ndindex(3, 3, 3) if step != (1, 1, 1)]) - 1
# "ucb": how much scores up to two steps away count, 1 of the window's own; and its prior's and a
# score's precision, of standard deviations of 0.5 and 0.25.
_BALL = (
    np.array([step for step in np.ndindex(5, 5, 5) if np.sum(np.subtract(step, 2) ** 2) <= 4]) - 2
)
_KERNEL = np.exp(-0.5 * np.sum(_BALL**2, axis=1))
_PRIOR, _SURETY = 4.0, 16.0


class View:
    """What a strategy sees: the windows it may ask for, and the scores that it has.

    Parameters
    ----------
    askable : bool array of shape (nx, ny, nz)
        Which places of the lattice have a window that may be asked for.
    intensity : float32 array of shape (n,)
        Mean intensity of each of them.

    Attributes
    ----------
    places : ndarray of int64, shape (n, 3)
        Where the windows stand on the lattice, x slowest.
    askable, intensity
        As given.
    scores : ndarray of float32, shape (n,)
        NaN where not asked for.
    """

    def __init__(self, askable: NDArray[np.bool_], intensity: FloatArray) -> None:
        self.askable = askable
        self.places = np.argwhere(askable)
        self.intensity = intensity
        self.scores = np.full(len(self.places), np.nan, np.float32)
        # Two more places on each side, so that what lies around needs no check for borders.
        self._numbers = np.full(np.add(askable.shape, 4), len(self.places), np.int64)
        self._numbers[2:-2, 2:-2, 2:-2][askable] = np.arange(len(self.places))

    def around(self, steps: Numbers, windows: Numbers | None = None) -> Numbers:
        """Return the windows at some steps from each window, int64 (m, k); n where there is none.

        Parameters
        ----------
        steps : int64 array of shape (k, 3)
            At most two places of the lattice along each axis.
        windows : int64 array of shape (m,), optional
            All by default.
        """
        places = self.places if windows is None else self.places[windows]
        there = places[:, None] + steps + 2
        return self._numbers[tuple(np.moveaxis(there, 2, 0))]

    def neighbours(self, windows: Numbers, steps: Numbers = _AROUND) -> Numbers:
        """Return the windows not asked for that lie around some, each once, ascending.

        Parameters
        ----------
        windows : int64 array of shape (m,)
        steps : int64 array of shape (k, 3)
            Where neighbours stand against a window; all 26 by default.
        """
        found = np.unique(self.around(steps, windows))
        return self.unasked(found[found < len(self.scores)])

    def unasked(self, windows: Numbers) -> Numbers:
        """Return those of some windows that have not been asked for, in their order."""
        return windows[np.isnan(self.scores[windows])]


Strategy: TypeAlias = Callable[[View, np.random.Generator], Iterator[Numbers]]
Order: TypeAlias = Callable[[View, np.random.Generator], Numbers]


def in_raster(view: View, rng: np.random.Generator) -> Numbers:
    """Return all windows as they lie, x slowest."""
    return np.arange(len(view.places))


def at_random(view: View, rng: np.random.Generator) -> Numbers:
    """Return all windows in a drawn order."""
    return rng.permutation(len(view.places))


def darkest_first(view: View, rng: np.random.Generator) -> Numbers:
    """Return all windows by their mean intensity, the darkest first."""
    return np.argsort(view.intensity, kind="stable")


def coarse_first(view: View, rng: np.random.Generator) -> Numbers:
    """Return every fourth window along each axis, then every second, then all; drawn within."""
    order = at_random(view, rng)
    places = view.places[order]
    finest = np.zeros(len(order), np.int64)
    for step in (2, COARSEST):
        finest += np.all(places % step == 0, axis=1)
    return order[np.argsort(-finest, kind="stable")]


def straight(order: Order) -> Strategy:
    """Return the strategy that asks in an order and minds no score."""

    def ask(view: View, rng: np.random.Generator) -> Iterator[Numbers]:
        yield order(view, rng)

    return ask


def flood(order: Order) -> Strategy:
    """Return the strategy that asks in an order and, at a hit, grows it to the end first."""

    def ask(view: View, rng: np.random.Generator) -> Iterator[Numbers]:
        seeds = order(view, rng)
        while len(seeds := view.unasked(seeds)):
            front, seeds = seeds[:BATCH], seeds[BATCH:]
            while len(front):
                yield front
                front = view.neighbours(front[view.scores[front] > HIT])

    return ask


def walk(view: View, rng: np.random.Generator) -> Iterator[Numbers]:
    """Step from window to window at random, never twice to one; where that ends, jump."""
    for start in at_random(view, rng):
        here = view.unasked(np.array([start]))
        while len(here):
            yield here
            here = rng.permutation(view.neighbours(here, _FACES))[:1]


def climb(view: View, rng: np.random.Generator) -> Iterator[Numbers]:
    """Ask for all neighbours and step to the best of them; where none is left, jump."""
    for start in at_random(view, rng):
        here = view.unasked(np.array([start]))
        while len(here):
            yield here
            here = here[np.argmax(view.scores[here])][None]
            here = view.neighbours(here, _FACES)


def ucb(view: View, rng: np.random.Generator) -> Iterator[Numbers]:
    """Ask for the windows whose scores may be the highest: mean and standard deviation together.

    A Gaussian field, each window by itself: it takes the scores within two steps for noisy ones of
    its own, the noisier the further away (Srinivas and others, ICML 2010, with a local field and 1
    for beta). Ties are drawn.
    """
    around = view.around(_BALL)
    precision = np.full(len(view.scores) + 1, _PRIOR)
    total = np.zeros(len(precision))
    ties = 1e-6 * rng.random(len(view.scores))
    while len(left := view.unasked(np.arange(len(view.scores)))):
        bounds = total[left] / precision[left] + precision[left] ** -0.5 + ties[left]
        asked = left[np.argsort(-bounds, kind="stable")[:BATCH]]
        yield asked
        counts = np.broadcast_to(_SURETY * _KERNEL, around[asked].shape)
        np.add.at(precision, around[asked], counts)
        np.add.at(total, around[asked], counts * view.scores[asked, None])


STRATEGIES: dict[str, Strategy] = {
    "raster": straight(in_raster),
    "random": straight(at_random),
    "coarse": straight(coarse_first),
    "darkest": straight(darkest_first),
    "walk": walk,
    "climb": climb,
    "flood": flood(at_random),
    "coarse_flood": flood(coarse_first),
    "darkest_flood": flood(darkest_first),
    "ucb": ucb,
}

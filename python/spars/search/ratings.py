"""From a table of games to win rates, Elo ratings with intervals, and cycles; NumPy alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spars._support.checks import check_array, check_float, check_integer

__all__ = ["Ratings", "cyclic_share", "elo_ratings", "win_rates"]

# Elo's scale: 400 points are odds of ten to one.
POINTS = 400 / np.log(10)


@dataclass(frozen=True, eq=False)
class Ratings:
    """Elo ratings of the members of a league.

    Attributes
    ----------
    names : tuple of str
    elo, low, high : ndarray of float64, shape (members,)
        Ratings, whose mean is 0, and the ends of their intervals.
    confidence : float

    Examples
    --------
    >>> wins = np.array([[0, 8, 9], [2, 0, 7], [1, 3, 0]])
    >>> ties = np.zeros((3, 3), int)
    >>> found = spars.ratings.elo_ratings(["a", "b", "c"], wins, ties, resamples=100)
    >>> found.order, bool(found.expected()[0, 1] > 0.5)
    (array([0, 1, 2]), True)
    """

    names: tuple[str, ...]
    elo: NDArray[np.float64]
    low: NDArray[np.float64] = field(repr=False)
    high: NDArray[np.float64] = field(repr=False)
    confidence: float

    @property
    def order(self) -> NDArray[np.int64]:
        """Indices of the members, the strongest first."""
        return np.argsort(-self.elo, kind="stable")

    def expected(self) -> NDArray[np.float64]:
        """Return the win rates that the ratings stand for: float64 (members, members)."""
        return _logistic(self.elo[:, None] - self.elo, POINTS)


def win_rates(wins: NDArray[np.int64], ties: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each row's win rate against each column, ties as halves.

    Parameters
    ----------
    wins, ties : integer array of shape (members, members)
        Games that the row won; games of the pair that nobody won.

    Returns
    -------
    ndarray of float64, shape (members, members)
        NaN where two have not played.

    Raises
    ------
    TypeError, ValueError
        They are no such arrays.

    Examples
    --------
    >>> spars.ratings.win_rates(np.array([[0, 8], [2, 0]]), np.zeros((2, 2), int))
    array([[nan, 0.8],
           [0.2, nan]])
    """
    wins, ties = _checked(wins, ties, "win_rates")
    games = wins + wins.T + ties
    rates = np.full(games.shape, np.nan)
    return np.divide(wins + ties / 2, games, out=rates, where=games > 0)


def elo_ratings(
    names: Sequence[str],
    wins: NDArray[np.int64],
    ties: NDArray[np.int64],
    *,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Ratings:
    """Return Elo ratings from a round robin, with bootstrap intervals.

    The ratings maximise the likelihood of the games where the first of two wins with probability
    ``1 / (1 + 10 ** ((elo_2 - elo_1) / 400))``, a tie being half a win of each. To each pair one
    tie is added, without which a member that has won every game would be infinitely strong.
    Intervals are percentiles over tables in which each pair's games are drawn again, with
    replacement, from those it played.

    Parameters
    ----------
    names : sequence of str
    wins, ties : integer array of shape (members, members)
        As for `win_rates`; every pair has played.
    confidence : float
        Confidence of the intervals, in (0, 1).
    resamples : int
        Tables drawn.
    seed : int
        Seed of the draws.

    Returns
    -------
    Ratings

    Raises
    ------
    ValueError
        Two members have not played, or there are fewer than two.

    References
    ----------
    Bradley and Terry, 1952, "Rank analysis of incomplete block designs"; Elo, 1978, "The rating of
    chessplayers"; Efron, 1979, for the bootstrap.

    Examples
    --------
    >>> wins = np.array([[0, 8], [2, 0]])
    >>> found = spars.ratings.elo_ratings(["a", "b"], wins, np.zeros((2, 2), int), resamples=100)
    >>> found.elo.round()
    array([ 106., -106.])
    """
    owner = "elo_ratings"
    confidence = check_float(
        confidence, "confidence", owner, 0.0, 1.0, open_low=True, open_high=True
    )
    resamples = check_integer(resamples, "resamples", owner, 1)
    wins, ties = _checked(wins, ties, owner, len(names))
    games = wins + wins.T + ties
    pairs = np.array(list(combinations(range(len(names)), 2))).reshape(-1, 2).T
    if len(names) < 2 or (games[pairs[0], pairs[1]] == 0).any():
        raise ValueError(
            "Ratings need two members or more, and games between every two of them: play first."
        )
    i, j = pairs
    outcomes = np.stack([wins[i, j], ties[i, j], wins[j, i]], axis=1)
    count = outcomes.sum(axis=1)
    rng = np.random.default_rng(check_integer(seed, "seed", owner, 0))
    drawn = rng.multinomial(count, outcomes / count[:, None], size=(resamples, len(count)))
    tables = np.concatenate([outcomes[None], drawn])
    strengths = POINTS * _fit(tables, i, j, len(names))
    tail = (1 - confidence) / 2
    low, high = np.quantile(strengths[1:], (tail, 1 - tail), axis=0)
    return Ratings(tuple(names), strengths[0], low, high, confidence)


def _fit(
    outcomes: NDArray[np.int64], i: NDArray[np.int64], j: NDArray[np.int64], members: int
) -> NDArray[np.float64]:
    """Return the strengths of greatest likelihood, (tables, members), of tables of outcomes.

    Newton's steps on a concave function; the first ones, which could go too far, are cut.
    """
    tables = len(outcomes)
    score = np.zeros((tables, members, members))
    # A half of each tie for either side, and one tie more.
    score[:, i, j] = outcomes[..., 0] + (outcomes[..., 1] + 1) / 2
    score[:, j, i] = outcomes[..., 2] + (outcomes[..., 1] + 1) / 2
    games = score + score.transpose(0, 2, 1)
    strength = np.zeros((tables, members))
    index = np.arange(members)
    for _ in range(1000):
        chance = _logistic(strength[:, :, None] - strength[:, None, :], 1.0)
        slope = (score - games * chance).sum(axis=2)
        curvature = -games * chance * (1 - chance)
        curvature[:, index, index] = -curvature.sum(axis=2)
        # The sum of strengths is free; adding 1 everywhere holds it at 0.
        step = np.linalg.solve(curvature + 1.0, slope[..., None])[..., 0]
        longest = np.abs(step).max(axis=1, keepdims=True)
        strength += step / np.maximum(longest, 1.0)
        if longest.max() < 1e-11:
            break
    return strength - strength.mean(axis=1, keepdims=True)


def _checked(
    wins: ArrayLike, ties: ArrayLike, owner: str, members: int | None = None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return both tables as they are; they must be numbers, and of one square shape."""
    members = len(check_array(wins, "wins", owner, np.float64, (members, members)))
    for name, table in (("wins", wins), ("ties", ties)):
        check_array(table, name, owner, np.float64, (members, members))
    return np.asarray(wins), np.asarray(ties)


def _logistic(difference: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-difference / scale))


def beats(wins: NDArray[np.int64], ties: NDArray[np.int64], confidence: float) -> NDArray[np.bool_]:
    """Return whom each row beats: bool (members, members).

    A member beats another where the lower end of Wilson's interval of its win rate is above one
    half; ties count as half a win in as many games.
    """
    rates = win_rates(wins, ties)
    games = wins + wins.T + ties
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = rates + z**2 / (2 * games)
        spread = z * np.sqrt(rates * (1 - rates) / games + z**2 / (4 * games**2))
        return (centre - spread) / (1 + z**2 / games) > 0.5


def cyclic_triples(better: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """Return the triples (a, b, c), a the smallest, in which a beats b, b beats c and c beats a."""
    found = []
    for a, b, c in combinations(range(len(better)), 3):
        if better[a, b] and better[b, c] and better[c, a]:
            found.append((a, b, c))
        elif better[a, c] and better[c, b] and better[b, a]:
            found.append((a, c, b))
    return found


def share_of_cycles(better: NDArray[np.bool_]) -> float:
    """Return cycles over triples of which every pair is decided; NaN where there is none."""
    decided = better | better.T
    triples = sum(
        decided[a, b] and decided[b, c] and decided[a, c]
        for a, b, c in combinations(range(len(better)), 3)
    )
    return len(cyclic_triples(better)) / triples if triples else float("nan")


def cyclic_share(wins: NDArray[np.int64], ties: NDArray[np.int64]) -> float:
    """Return how much of a table no rating can explain, in [0, 1].

    The log odds of every pair are split into differences of one number for each member and a
    remainder that goes round in cycles; this is the remainder's share of the sum of squares. Noise
    counts as remainder: it falls with more games. One tie is added to each pair, as for ratings.

    Parameters
    ----------
    wins, ties : integer array of shape (members, members)
        As for `win_rates`; every pair has played.

    Returns
    -------
    float
        0 for odds that are differences of ratings, 1 for rock, paper, scissors; NaN where all win
        rates are one half.

    References
    ----------
    Jiang, Lim, Yao and Ye, 2011, "Statistical ranking and combinatorial Hodge theory"; Balduzzi and
    others, 2018, "Re-evaluating evaluation".

    Examples
    --------
    >>> beats = np.array([[0, 9, 1], [1, 0, 9], [9, 1, 0]])
    >>> round(spars.ratings.cyclic_share(beats, np.zeros((3, 3), int)), 2)
    1.0
    """
    wins, ties = _checked(wins, ties, "cyclic_share")
    score = wins + (ties + 1) / 2
    odds = np.log(score) - np.log(score.T)
    rating = odds.mean(axis=1)
    remainder = odds - (rating[:, None] - rating)
    total = (odds**2).sum()
    return float((remainder**2).sum() / total) if total else float("nan")

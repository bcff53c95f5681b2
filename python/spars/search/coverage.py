"""How much of a scan a search has seen, and how far from the best window it is, step by step."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from spars._support.checks import check_choice, check_float, sentence
from spars._support.progress import as_progress
from spars._support.types import FloatArray, Progress
from spars.game.atlas import ScoreAtlas
from spars.search.visits import Visits

if TYPE_CHECKING:
    from spars.search.segmentation import Segmentation

__all__ = ["Coverage", "coverage", "regret"]


class Searched(Protocol):
    """What coverage needs of a `spars.Run` or a `spars.baselines.Search`."""

    @property
    def configuration(self) -> dict[str, Any]: ...

    def _visits(self) -> Visits: ...

    def _atlas(self, owner: str, progress: Progress | None) -> ScoreAtlas: ...


REGRETS = ("simple", "average")


@dataclass(frozen=True, eq=False)
class Coverage:
    """What a search had seen after each of its steps.

    A window is seen when it is written to the map. In a game a step shows two windows, one for
    each credited agent; in an exhaustive search one. Looking does not count: `greedy` asks the
    scorer for every neighbour and sees the one it moves to.

    Attributes
    ----------
    seen : ndarray of float64, shape (steps,)
        Distinct places seen so far over all places of the atlas.
    best_seen : ndarray of float64, shape (steps,)
        The same among the best places.
    best_score : ndarray of float32, shape (steps,)
        The highest score of a place seen so far; NaN before the first.
    limit : float
        The atlas' highest score.
    places, best_places : int
        Places of the atlas; and how many are among the best.

    Examples
    --------
    >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
    >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
    >>> atlas = spars.ScoreAtlas.compute(scan, darkness, (8, 8, 8), grid=scan.shape)
    >>> found = spars.baselines.exhaustive(scan, darkness, window=(8, 8, 8), grid=scan.shape)
    >>> seen = spars.coverage.coverage(found, atlas)
    >>> float(seen.seen[-1]), float(seen.regret[-1])
    (1.0, 0.0)
    """

    seen: NDArray[np.float64] = field(repr=False)
    best_seen: NDArray[np.float64] = field(repr=False)
    best_score: FloatArray = field(repr=False)
    limit: float
    places: int
    best_places: int

    @property
    def regret(self) -> NDArray[np.float64]:
        """The simple regret, ``limit - best_score``: float64 of shape (steps,)."""
        return self.limit - self.best_score.astype(np.float64)


def coverage(
    search: Searched | Segmentation,
    atlas: ScoreAtlas | None = None,
    *,
    best: float = 0.01,
    progress: Progress | bool | None = None,
) -> Coverage:
    """Return what a search had seen after each step, against every window there is.

    Parameters
    ----------
    search : Run, Search or Segmentation
        What `spars.self_play`, a function of `spars.baselines`, or `spars.segment` returned.
    atlas : ScoreAtlas, optional
        Every window's score, of the same scan, window, stride and protocol. A run that can be
        resumed, and an exhaustive search, have their own: the run then scores what it has not yet.
        Windows at far borders that a game's strides do not lead to are left out.
    best : float
        Share of places that count as the best, in (0, 1]: the ceil(best * places) highest scores,
        and whatever ties with the lowest of them.
    progress : callable or True, optional
        Called with (done, planned) windows while a run scores what it has not yet; True draws a bar
        (the extra "progress").

    Returns
    -------
    Coverage

    Raises
    ------
    TypeError, ValueError
        `search` is none, or the atlas is of another window or grid, or is needed and missing.

    Examples
    --------
    >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
    >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
    >>> atlas = spars.ScoreAtlas.compute(scan, darkness, (8, 8, 8), grid=scan.shape)
    >>> found = spars.baselines.exhaustive(scan, darkness, window=(8, 8, 8), grid=scan.shape)
    >>> float(spars.coverage.coverage(found, atlas).best_seen[-1])
    1.0
    """
    best = check_float(best, "best", "coverage", 0.0, 1.0, open_low=True)
    visits, atlas, places = _seen_places(search, atlas, "coverage", progress)
    scores = atlas.scores.reshape(-1)
    wanted = math.ceil(best * scores.size)
    is_best = scores >= np.partition(scores, scores.size - wanted)[scores.size - wanted]
    distinct, first = np.unique(places, return_index=True)
    steps = visits.step_count
    new = np.bincount(visits.steps[first], minlength=steps)
    new_best = np.bincount(visits.steps[first[is_best[distinct]]], minlength=steps)
    return Coverage(
        np.cumsum(new) / scores.size,
        np.cumsum(new_best) / is_best.sum(),
        _highest_so_far(scores[places], visits),
        float(scores.max()),
        int(scores.size),
        int(is_best.sum()),
    )


def regret(
    search: Searched | Segmentation,
    atlas: ScoreAtlas | None = None,
    *,
    kind: str = "simple",
    progress: Progress | bool | None = None,
) -> NDArray[np.float64]:
    """Return a search's regret against the best window, after each step.

    With s* the atlas' highest score and s the scores of the places seen, in order:
    "simple" is s* less the highest s so far, what the best window found still lacks;
    "average" is the mean so far of s* - s, the price of looking elsewhere. Both are 0 for a
    search that saw nothing but a best window, and at most 1.

    Parameters
    ----------
    search, atlas, progress
        As for `coverage`.
    kind : {"simple", "average"}
        Which of the two.

    Returns
    -------
    ndarray of float64, shape (steps,)
        NaN before the first window seen.

    Raises
    ------
    TypeError, ValueError
        As for `coverage`.

    References
    ----------
    Bubeck, Munos and Stoltz, 2009, "Pure exploration in multi-armed bandits problems": simple
    and cumulative regret. Here scores are not noisy, so the best window seen is recommended.

    Examples
    --------
    >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
    >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
    >>> atlas = spars.ScoreAtlas.compute(scan, darkness, (8, 8, 8), grid=scan.shape)
    >>> found = spars.baselines.exhaustive(scan, darkness, window=(8, 8, 8), grid=scan.shape)
    >>> float(spars.coverage.regret(found, atlas)[-1])
    0.0
    """
    check_choice(kind, "kind", "regret", REGRETS)
    visits, atlas, places = _seen_places(search, atlas, "regret", progress)
    scores = atlas.scores.reshape(-1)
    highest = float(scores.max())
    if kind == "simple":
        return highest - _highest_so_far(scores[places], visits).astype(np.float64)
    lost = np.bincount(
        visits.steps, highest - scores[places].astype(np.float64), minlength=visits.step_count
    )
    seen = np.cumsum(np.bincount(visits.steps, minlength=visits.step_count))
    means = np.full(visits.step_count, np.nan)
    np.divide(np.cumsum(lost), seen, out=means, where=seen > 0)
    return means


def _seen_places(
    search: Searched | Segmentation,
    atlas: ScoreAtlas | None,
    owner: str,
    progress: Progress | bool | None,
) -> tuple[Visits, ScoreAtlas, NDArray[np.int64]]:
    """Return a search's visits, the atlas they are measured by, and each visit's place in it."""
    searched: Any = getattr(search, "run", search)
    if not hasattr(searched, "_visits"):
        wanted = "a Run, a Segmentation, or what a baseline found"
        raise TypeError(sentence("search", owner, wanted, search))
    if atlas is None:
        atlas = searched._atlas(owner, as_progress(progress, owner, "windows"))
    if not isinstance(atlas, ScoreAtlas):
        raise TypeError(sentence("atlas", owner, "a ScoreAtlas or None", atlas))
    configuration = searched.configuration
    if "n_steps" in configuration and configuration["protocol"]["border"] == "inside":
        atlas = atlas.on_strides(configuration["stride"])
    for name in ("window", "grid"):
        if tuple(getattr(atlas, name)) != tuple(configuration[name]):
            raise ValueError(
                f"The 'atlas' parameter of {owner} must have the search's {name} "
                f"{tuple(configuration[name])}. Got {tuple(getattr(atlas, name))} instead."
            )
    visits = searched._visits()
    index = np.zeros(len(visits.windows), np.int64)
    for axis, starts in enumerate(atlas.axes):
        # Windows beyond the border are scored by the crop that is moved to it (D7, D17).
        origins = np.clip(visits.windows[:, axis], starts[0], starts[-1])
        place = np.searchsorted(starts, origins)
        if not np.array_equal(starts[place], origins):
            raise ValueError(
                f"The 'atlas' parameter of {owner} must hold every window of the search: the same "
                f"stride and border. Got {atlas!r} without {origins[starts[place] != origins][0]} "
                f"along axis {axis} instead."
            )
        index = index * len(starts) + place
    return visits, atlas, index


def _highest_so_far(scores: FloatArray, visits: Visits) -> FloatArray:
    """Return the running maximum of the visits' scores at each step's end; NaN before any."""
    by_step = np.full(visits.step_count, -np.inf, np.float32)
    np.maximum.at(by_step, visits.steps, scores)
    highest = np.maximum.accumulate(by_step)
    return np.where(np.isneginf(highest), np.float32(np.nan), highest)


class WithCoverage:
    """The questions about coverage, as methods of a search."""

    def coverage(
        self: Searched,
        atlas: ScoreAtlas | None = None,
        *,
        best: float = 0.01,
        progress: Progress | bool | None = None,
    ) -> Coverage:
        """Return what was seen after each step, as `spars.coverage.coverage` defines it.

        Examples
        --------
        >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
        >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
        >>> run = spars.self_play(
        ...     scan, darkness, iterations=2, window=(8, 8, 8), grid=scan.shape, n_steps=8
        ... )
        >>> run.coverage().seen.shape
        (16,)
        """
        return coverage(self, atlas, best=best, progress=progress)

    def regret(
        self: Searched,
        atlas: ScoreAtlas | None = None,
        *,
        kind: str = "simple",
        progress: Progress | bool | None = None,
    ) -> NDArray[np.float64]:
        """Return the regret after each step, as `spars.coverage.regret` defines it."""
        return regret(self, atlas, kind=kind, progress=progress)

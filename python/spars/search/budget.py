"""Searches that ask for so many windows' scores and no more: every strategy, one count of cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spars._support.checks import check_integer, refuse_unknown
from spars._support.defaults import WINDOW_OF_RECORD
from spars._support.progress import as_progress
from spars._support.types import FloatArray, MaskArray, Progress, Scan
from spars.game.atlas import ScoreAtlas
from spars.game.field import Field
from spars.game.scorers import KnownScores, Scorer, place_scores
from spars.search.baselines import Search, configured
from spars.search.strategies import Strategy, View
from spars.search.visits import NOBODY
from spars.volume.protocol import Protocol

__all__ = ["asked_by", "filled", "openings", "search_by"]

#: Steps of the lattice from a known score up to which scores are guessed from it.
_RINGS = 2


def search_by(method: str) -> Callable[..., Search]:
    """Return the search that plays a strategy under a method's name, called as the others are.

    Parameters
    ----------
    method : str
        The name, for messages and the record.

    Returns
    -------
    callable
        Takes volume, scorer, `window`, `grid`, `protocol`, `stride`, `seed` and `progress` as
        `spars.search.baselines.random_walk` does; `strategy`, one of `STRATEGIES`' values or as
        they are; `max_scores`, how many windows the scorer may be asked for, None for all;
        `region`, a mask of the grid's shape: windows whose credited part holds none of it are not
        asked for, count nothing and score 0; and `covers_edge`, as `ScoreAtlas.compute` does.
    """

    def search(volume: Scan, scorer: Scorer, **options: Any) -> Search:
        return _search(method, volume, scorer, **options)

    return search


def _search(
    method: str,
    volume: Scan,
    scorer: Scorer,
    *,
    strategy: Strategy,
    max_scores: int | None = None,
    seed: int = 0,
    window: Sequence[int] = WINDOW_OF_RECORD,
    grid: Sequence[int] | None = None,
    protocol: str | Protocol = "paper",
    stride: int = 4,
    region: MaskArray | None = None,
    covers_edge: bool = True,
    progress: Progress | bool | None = None,
    **unused: Any,
) -> Search:
    refuse_unknown(unused, ("iterations", "n_steps", "termination_threshold"), method)
    seed = check_integer(seed, "seed", method, 0, 2**64 - 1)
    if max_scores is not None:
        max_scores = check_integer(max_scores, "max_scores", method, 1)

    if isinstance(scorer, ScoreAtlas):
        covers_edge = scorer.covers_edge

    def field_of(scorer: Scorer, **switches: Any) -> Field:
        return Field(
            volume, scorer, window, protocol, 1.0, grid, stride, switches, method, region,
            covers_edge,
        )  # fmt: skip

    field = blank = field_of(scorer)
    if isinstance(scorer, KnownScores):
        # What an atlas knows it may be asked for all the same.
        blank = field_of(_unasked, intensity_window=field.protocol.intensity_window)
    askable, intensity = openings(blank, region)
    view = View(askable, intensity)
    asked = asked_by(
        strategy, view, _scores_of(scorer, field, askable), max_scores, seed,
        as_progress(progress, method.replace("_", " "), "windows"),
    )  # fmt: skip
    places = tuple(view.places[asked].T)
    scores, known = np.zeros(askable.shape, np.float32), ~askable
    scores[places], known[places] = view.scores[asked], True
    found = ScoreAtlas(scores, field.axes(), field.window, field.grid)
    guessed = filled(scores, known & askable, askable)
    seen = ScoreAtlas(guessed, found.axes, field.window, field.grid)
    return Search(
        _accumulated(found, known, field.protocol),
        found.origins[places],
        view.scores[asked],
        np.full(len(asked), NOBODY, np.int8),
        np.arange(len(asked)),
        configured(method, field)
        | {"seed": seed, "max_scores": max_scores, "scores_asked": len(asked)},
        seen,
    )


def asked_by(
    strategy: Strategy,
    view: View,
    score: Callable[[NDArray[np.int64]], FloatArray],
    most: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> NDArray[np.int64]:
    """Let a strategy ask for scores until it has had its budget; the view then has them.

    Parameters
    ----------
    strategy : callable
        One of `STRATEGIES`.
    view : View
        Of which nothing has been asked for.
    score : callable
        Returns the scores of windows by their numbers in the view.
    most : int, optional
        The budget; all by default.
    seed : int
        Seed of what is drawn.
    progress : callable, optional
        Called with (asked, budget) windows.

    Returns
    -------
    ndarray of int64, shape (n,)
        The windows in the order in which they were asked for, each once.
    """
    budget = len(view.scores) if most is None else min(most, len(view.scores))
    asked: list[NDArray[np.int64]] = []
    left = budget
    for wanted in strategy(view, np.random.default_rng(seed)):
        new = view.unasked(wanted)[:left]
        view.scores[new] = score(new)
        asked.append(new)
        left -= len(new)
        if progress is not None:
            progress(budget - left, budget)
        if not left:
            break
    return np.concatenate([np.zeros(0, np.int64), *asked])


def _scores_of(
    scorer: Scorer, field: Field, askable: NDArray[np.bool_]
) -> Callable[[NDArray[np.int64]], FloatArray]:
    """Return the function that scores windows by their number among the askable ones."""
    places = np.flatnonzero(askable)
    known = place_scores(scorer, field)
    if known is not None:
        flat = known[askable]
        return lambda windows: flat[windows]
    return lambda windows: field.score(places[windows])


def filled(scores: FloatArray, known: NDArray[np.bool_], askable: NDArray[np.bool_]) -> FloatArray:
    """Return scores with what was not asked guessed from what was.

    A window next to known ones takes the mean of those that share a face with it, then so do the
    windows next to these; all that is further away is 0. On phantoms the nearest score did as well
    as this and 0 everywhere worse; this keeps windows far from all that is known at 0.

    Parameters
    ----------
    scores : float32 array of shape (nx, ny, nz)
        Of the lattice.
    known : bool array of the same shape
        Whose scores count.
    askable : bool array of the same shape
        Which places have a window; others stay as they are.
    """
    scores, known = scores.copy(), known.copy()
    for _ in range(_RINGS):
        count, total = _over_faces(known.astype(np.float32)), _over_faces(scores * known)
        new = askable & ~known & (count > 0)
        scores[new] = total[new] / count[new]
        known |= new
    return scores


def _over_faces(values: FloatArray) -> FloatArray:
    """Return each place's sum over the six places that share a face with it."""
    wide = np.pad(values, 1)
    total = np.zeros_like(values)
    for axis in range(3):
        for first in (0, 2):
            cut = [slice(1, -1)] * 3
            cut[axis] = slice(first, first + values.shape[axis])
            total += wide[tuple(cut)]
    return total


def _unasked(crops: FloatArray) -> FloatArray:
    raise AssertionError("a field that only says which windows may be asked for")


def openings(field: Field, region: MaskArray | None) -> tuple[NDArray[np.bool_], FloatArray]:
    """Return what a search of a field begins with: a `View`'s two arrays.

    Parameters
    ----------
    field : Field
        Made with the region, of whose scores none is known.
    region : uint8 array of the shape of the field's array, optional
        What windows are cut from; everything by default.

    Returns
    -------
    askable : bool array of shape (nx, ny, nz)
        Which places may be asked for.
    intensity : float32 array of shape (n,)
        The mean value of what of the region each of their credited parts holds; infinite where
        that is nothing.
    """
    askable = np.isnan(field.scores())
    inside = np.ones(field.array.shape, bool) if region is None else region != 0
    part = field.protocol.credited_extent or field.window
    ends = []
    for starts, whole, middle, count in zip(
        field.axes(), field.window, part, field.array.shape, strict=True
    ):
        low = starts + (whole - middle) // 2
        ends.append(np.clip(np.stack([low, low + middle]), 0, count))
    counts = _box_sums(inside.astype(np.float64), ends)
    sums = _box_sums(np.where(inside, field.array, 0).astype(np.float64), ends)
    means = np.full(counts.shape, np.inf, np.float32)
    np.divide(sums, counts, out=means, where=counts > 0, casting="same_kind")
    return askable, means[askable]


def _box_sums(
    values: NDArray[np.float64], ends: Sequence[NDArray[np.int64]]
) -> NDArray[np.float64]:
    """Return the sums over boxes; `ends` (2, n) are their first and last voxels along each axis."""
    for axis, (low, high) in enumerate(ends):
        sums = np.insert(values.cumsum(axis), 0, 0, axis)
        values = sums.take(high, axis) - sums.take(low, axis)
    return values


def _accumulated(seen: ScoreAtlas, known: NDArray[np.bool_], protocol: Protocol) -> FloatArray:
    """Return the map that visiting the known windows once accumulates."""
    part = protocol.credited_part
    if protocol.accumulation != "mean" or known.all():
        return seen.exhaustive_map(protocol.accumulation, part)
    visits = ScoreAtlas(known.astype(np.float32), seen.axes, seen.window, seen.grid)
    total = seen.exhaustive_map("sum", part)
    total /= np.maximum(visits.exhaustive_map("sum", part), 1)
    return total

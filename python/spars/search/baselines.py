"""Searches that learn nothing, on the same game and scorer as self-play: what it must beat."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spars._support.checks import check_integer, refuse_unknown, sentence
from spars._support.defaults import TERMINATION_THRESHOLD_OF_RECORD, WINDOW_OF_RECORD
from spars._support.progress import as_progress
from spars._support.types import FloatArray, Progress, Scan
from spars.classifier import explanation
from spars.classifier.network import Classifier
from spars.game.atlas import ScoreAtlas
from spars.game.field import ACTIONS, Field, Games
from spars.game.scorers import Scorer
from spars.search.coverage import WithCoverage
from spars.search.visits import NOBODY, Visits
from spars.volume.protocol import Protocol

__all__ = ["Search", "exhaustive", "grad_cam", "greedy", "random_walk"]


@dataclass(frozen=True, eq=False)
class Search(WithCoverage):
    """What a baseline visited and what came of it.

    Attributes
    ----------
    score_map : ndarray of float32, shape of the grid
        The accumulated scores.
    windows : ndarray of int64, shape (n, 3)
        The windows visited, oldest first, as the protocol writes them to the map; each place once
        where nobody plays.
    scores : ndarray of float32, shape (n,)
        What each visit added; with Grad-CAM, at its strongest voxel.
    agents : ndarray of int8, shape (n,)
        0 where the learner came, 1 the opponent, -1 where nobody plays.
    steps : ndarray of int64, shape (n,)
        The step of each visit, from 0; without a game there is one place a step.
    configuration : dict
        Everything needed to repeat it, as plain values. Of a search under a budget also
        ``scores_asked``, how many windows the scorer was asked for.
    seen : ScoreAtlas or None
        The scores that such a search asked for, up to two steps of the lattice around them means
        of these, 0 elsewhere; None in a game and Grad-CAM.

    Examples
    --------
    >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
    >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
    >>> found = spars.baselines.random_walk(
    ...     scan, darkness, seed=0, window=(8, 8, 8), grid=scan.shape, iterations=2, n_steps=8
    ... )
    >>> atlas = spars.ScoreAtlas.compute(scan, darkness, (8, 8, 8), grid=scan.shape)
    >>> found.coverage(atlas).seen.shape, found.regret(atlas).shape
    ((16,), (16,))
    """

    score_map: FloatArray = field(repr=False)
    windows: NDArray[np.int64] = field(repr=False)
    scores: FloatArray = field(repr=False)
    agents: NDArray[np.int8] = field(repr=False)
    steps: NDArray[np.int64] = field(repr=False)
    configuration: dict[str, Any]
    seen: ScoreAtlas | None = field(default=None, repr=False)

    def _visits(self) -> Visits:
        c = self.configuration
        steps = c["iterations"] * c["n_steps"] if "n_steps" in c else len(self.steps)
        return Visits(self.windows, self.scores, self.agents, self.steps, steps)

    def _atlas(self, owner: str, progress: Progress | None) -> ScoreAtlas:
        """Return every window's score, which only an exhaustive search knows."""
        if self.configuration["method"] != "exhaustive":
            raise ValueError(
                f"The 'atlas' parameter of {owner} must be a ScoreAtlas for a search that has not "
                "seen every window. Got None instead."
            )
        assert self.seen is not None
        return self.seen


def exhaustive(
    volume: Scan,
    scorer: Scorer,
    *,
    window: Sequence[int] = WINDOW_OF_RECORD,
    grid: Sequence[int] | None = None,
    protocol: str | Protocol = "paper",
    stride: int = 4,
    progress: Progress | bool | None = None,
    **unused: Any,
) -> Search:
    """Visit every window of the lattice once, and those that end at the far borders.

    Windows stand `stride` apart; where that does not end at a border, one more stands there, so
    that no voxel is left out. Under border "clamped_crop", the released scripts', there is none.

    Parameters
    ----------
    volume, scorer, window, grid, protocol, stride
        As for `spars.parallel_env`.
    progress : callable or True, optional
        Called with (done, planned) windows; True draws a bar (the extra "progress").
    **unused
        `iterations`, `n_steps`, `termination_threshold` and `seed` change nothing: nothing is
        drawn and nothing ends early.

    Returns
    -------
    Search

    Examples
    --------
    >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
    >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
    >>> found = spars.baselines.exhaustive(scan, darkness, window=(8, 8, 8), grid=scan.shape)
    >>> found.windows.shape
    (245, 3)
    """
    refuse_unknown(unused, ("iterations", "n_steps", "termination_threshold", "seed"), "exhaustive")
    # Its threshold ends episodes, of which there are none here.
    played = Field(
        volume, scorer, window, protocol, 1.0, grid, stride, {}, "exhaustive",
        covers_edge=not isinstance(scorer, ScoreAtlas) or scorer.covers_edge,
    )  # fmt: skip
    played.score_all(as_progress(progress, "exhaustive", "windows"))
    atlas = ScoreAtlas(played.scores(), played.axes(), played.window, played.grid)
    return Search(
        atlas.exhaustive_map(played.protocol.accumulation, played.protocol.credited_part),
        atlas.origins.reshape(-1, 3),
        atlas.scores.ravel(),
        np.full(atlas.scores.size, NOBODY, np.int8),
        np.arange(atlas.scores.size),
        configured("exhaustive", played),
        atlas,
    )


def grad_cam(
    volume: Scan,
    scorer: Scorer,
    *,
    window: Sequence[int] = WINDOW_OF_RECORD,
    grid: Sequence[int] | None = None,
    protocol: str | Protocol = "paper",
    stride: int | None = None,
    layer: int = 3,
    target: str = "log_odds",
    progress: Progress | bool | None = None,
    **unused: Any,
) -> Search:
    """Lay every window's score where Grad-CAM says that it comes from; no agents, no game.

    Windows cover the grid, `stride` apart and at its far borders. Each one's Grad-CAM map, divided
    by its maximum, times its score is accumulated as the protocol accumulates scores, so the map's
    unit is that of the other methods; it lies at or below the exhaustive one of the same windows,
    and a segmentation threshold for it should be its own (`spars.calibration.calibrate` with
    ``method="grad_cam"``). The protocol's `credited_part` is "window" here, whatever was given.

    Parameters
    ----------
    volume, window, grid, protocol
        As for `spars.parallel_env`.
    scorer : Classifier
        The network itself: an atlas or a function has no convolutions.
    stride : int, optional
        Voxels between neighbouring windows, at most the window's shortest side. None takes half of
        the window along each axis.
    layer, target
        As for `spars.Classifier.attributions`.
    progress : callable or True, optional
        Called with (done, planned) windows; True draws a bar (the extra "progress").
    **unused
        `iterations`, `n_steps`, `termination_threshold` and `seed` change nothing.

    Returns
    -------
    Search

    Raises
    ------
    TypeError, ValueError
        The scorer is no Classifier, or a parameter is out of range.

    Examples
    --------
    >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
    >>> classifier = spars.Classifier((108, 108, 108), seed=0)
    >>> found = spars.baselines.grad_cam(scan, classifier, window=(24, 24, 16), grid=scan.shape)
    >>> found.score_map.shape
    (32, 32, 24)
    """
    refuse_unknown(unused, ("iterations", "n_steps", "termination_threshold", "seed"), "grad_cam")
    if not isinstance(scorer, Classifier):
        raise TypeError(sentence("scorer", "grad_cam", "a Classifier", scorer))
    # What a window's score comes from is looked for in all of it.
    whole = Protocol.named(protocol).with_switches(credited_part="window")
    # The stride is that of the game's lattice, of which nothing is used here.
    played = Field(volume, scorer, window, whole, 1.0, grid, 4, {}, "grad_cam")
    # Under the released scripts' frame the grid may reach beyond the scan, or the scan beyond it.
    seen = played.array[tuple(slice(0, n) for n in played.grid)]
    origins = explanation.cover(seen.shape, played.window, stride, "grad_cam")
    plan = explanation.planned(
        "grad_cam", owner="grad_cam", layer=layer, target=target, is_seen=True
    )
    found, scores = explanation.accumulated(
        scorer, seen, origins, played.window, plan, played.protocol.accumulation,
        as_progress(progress, "Grad-CAM", "windows"),
    )  # fmt: skip
    score_map = np.zeros(played.grid, np.float32)
    score_map[tuple(slice(0, n) for n in seen.shape)] = found
    configuration = configured("grad_cam", played) | {
        "stride": stride,
        "layer": layer,
        "target": target,
    }
    count = len(origins)
    return Search(
        score_map, origins, scores, np.full(count, NOBODY, np.int8), np.arange(count), configuration
    )


#: Both agents' next moves.
Moves: TypeAlias = Sequence[int] | NDArray[np.int64]


def random_walk(volume: Scan, scorer: Scorer, *, seed: int = 0, **options: Any) -> Search:
    """Play the game with both agents' moves drawn at random.

    Parameters
    ----------
    volume, scorer
        As for `spars.parallel_env`.
    seed : int
        Seed of the moves.
    **options
        `iterations` (100) times `n_steps` (32) are played; `window`, `grid`, `protocol`,
        `termination_threshold`, `stride` as for `spars.parallel_env`; `progress`.

    Returns
    -------
    Search

    Examples
    --------
    >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
    >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
    >>> found = spars.baselines.random_walk(
    ...     scan, darkness, seed=0, window=(8, 8, 8), grid=scan.shape, iterations=2, n_steps=8
    ... )
    >>> found.scores.shape, found.score_map.shape
    ((32,), (32, 32, 24))
    """
    rng = np.random.default_rng(check_integer(seed, "seed", "random_walk", 0, 2**64 - 1))

    def draw(games: Games) -> Moves:
        return rng.integers(0, ACTIONS, 2)

    return _play("random_walk", volume, scorer, lambda played: draw, {"seed": seed}, **options)


def greedy(volume: Scan, scorer: Scorer, *, seed: int = 0, **options: Any) -> Search:
    """Play the game with both agents climbing the scores.

    Each agent moves to the neighbouring window that it has visited least often, and among those to
    the one that scores highest; remaining ties are drawn. All neighbours are scored for it, so it
    asks the scorer more often than a walk of as many steps.

    Parameters and result are those of `random_walk`.

    Examples
    --------
    >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
    >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
    >>> found = spars.baselines.greedy(
    ...     scan, darkness, seed=0, window=(8, 8, 8), grid=scan.shape, iterations=2, n_steps=8
    ... )
    >>> found.windows.shape
    (32, 3)
    """
    seed = check_integer(seed, "seed", "greedy", 0, 2**64 - 1)
    return _play(
        "greedy", volume, scorer, lambda played: _Climber(played, seed), {"seed": seed}, **options
    )


class _Climber:
    """Chooses both agents' moves by looking at their neighbours."""

    def __init__(self, played: Field, seed: int) -> None:
        # One game for each action: a step from the same place scores every neighbour.
        self.probes = Games(played, ACTIONS, maps="none")
        self.every = np.arange(ACTIONS, dtype=np.int8)
        self.visits: tuple[dict[tuple[int, ...], int], ...] = ({}, {})
        self.rng = np.random.default_rng(seed)

    def __call__(self, games: Games) -> Moves:
        start = games.windows()[0]
        for index in range(ACTIONS):
            self.probes.restore(index, start, 0)
        self.probes.step(self.every, self.every)
        reached = self.probes.windows()
        return [self._best(agent, start, reached[:, agent]) for agent in (0, 1)]

    def _best(self, agent: int, start: NDArray[np.int64], reached: NDArray[np.int64]) -> int:
        visits = self.visits[agent]
        places = [tuple(place) for place in reached.tolist()]
        ranks = [
            (
                # A move into the border goes nowhere.
                np.inf if place == tuple(start[agent]) else visits.get(place, 0),
                -float(self.probes.scores[action, agent]),
                self.rng.random(),
            )
            for action, place in enumerate(places)
        ]
        best = ranks.index(min(ranks))
        visits[places[best]] = visits.get(places[best], 0) + 1
        return best


def _play(
    method: str,
    volume: Scan,
    scorer: Scorer,
    prepare: Callable[[Field], Callable[[Games], Moves]],
    more: Mapping[str, Any],
    *,
    iterations: int = 100,
    n_steps: int = 32,
    window: Sequence[int] = WINDOW_OF_RECORD,
    grid: Sequence[int] | None = None,
    protocol: str | Protocol = "paper",
    termination_threshold: float = TERMINATION_THRESHOLD_OF_RECORD,
    stride: int = 4,
    progress: Progress | bool | None = None,
) -> Search:
    """Play `iterations` times `n_steps` steps with the moves that `prepare(field)` chooses."""
    iterations = check_integer(iterations, "iterations", method, 1)
    n_steps = check_integer(n_steps, "n_steps", method, 1)
    played = Field(
        volume, scorer, window, protocol, termination_threshold, grid, stride, {}, method
    )
    progress = as_progress(progress, method.replace("_", " "))
    choose = prepare(played)
    games = Games(played, 1, resets_itself=True, maps="run")
    counts = []
    for iteration in range(iterations):
        if played.protocol.reset_each_iteration and iteration:
            games.reset(keep_map=True)
        for _ in range(n_steps):
            learner, opponent = choose(games)
            games.step(np.array([learner], np.int8), np.array([opponent], np.int8))
            counts.append(games.visit_count())
        if progress is not None:
            progress(iteration + 1, iterations)
    visits, scores = games.visits()
    configuration = configured(method, played) | {
        "iterations": iterations,
        "n_steps": n_steps,
        "termination_threshold": played.termination_threshold,
        **more,
    }
    steps = np.repeat(np.arange(len(counts)), np.diff(counts, prepend=0))
    return Search(
        games.score_map(), visits[:, :3], scores, visits[:, 3].astype(np.int8), steps, configuration
    )


def configured(method: str, played: Field) -> dict[str, Any]:
    """Return what a search of a field was made with, as plain values."""
    return {
        "method": method,
        "window": list(played.window),
        "grid": list(played.grid),
        "stride": played.stride,
        "input_shape": list(played.input_shape),
        "protocol": played.protocol.to_dict(),
    }

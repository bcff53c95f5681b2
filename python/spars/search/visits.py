"""The windows that a search wrote to its map, one by one, and the voxels each covers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spars._core import native
from spars._support.types import FloatArray
from spars.volume.protocol import Protocol

AGENT_NAMES = ("learner", "opponent")
NOBODY = -1


class Contribution(NamedTuple):
    """One window that raised a voxel of the map.

    Attributes
    ----------
    iteration, step : int
        As a run's `windows` and `step_scores` are indexed, from 0. An exhaustive search has one
        iteration whose steps are its places.
    agent : {"learner", "opponent"} or None
        Whose window it was; None in an exhaustive search.
    window : (int, int, int)
        Its origin in voxels of the grid, as the protocol keeps it.
    score : float
        What it added to the accumulation.
    """

    iteration: int
    step: int
    agent: str | None
    window: tuple[int, ...]
    score: float


@dataclass(frozen=True, eq=False)
class Visits:
    """Every visit that may touch the map, oldest first.

    Attributes
    ----------
    windows : integer array of shape (n, 3)
        Origins on the grid.
    scores : ndarray of float32, shape (n,)
        What each added.
    agents : integer array of shape (n,)
        0 learner, 1 opponent, -1 nobody.
    steps : ndarray of int64, shape (n,)
        The step of the whole search, from 0.
    step_count : int
        Steps in all.
    kept : ndarray of bool, shape (n,), or None
        Which visits have not been cleared from the map; None where all are in it.
    """

    windows: NDArray[np.int64]
    scores: FloatArray
    agents: NDArray[Any]
    steps: NDArray[np.int64]
    step_count: int
    kept: NDArray[np.bool_] | None = None


def visits_of_run(
    windows: NDArray[np.int32],
    scores: FloatArray,
    ends: NDArray[np.uint8],
    configuration: Mapping[str, Any],
) -> Visits:
    """Return the visits that a run's records tell of.

    Parameters
    ----------
    windows, scores, ends : arrays of shape (iterations, n_steps, 2, 3), (..., 2) and (...)
        The run's records; of several games, with one more axis after `n_steps`.
    configuration : dict
        The run's.
    """
    count, protocol = ends.size, Protocol.from_dict(configuration["protocol"])
    records = {
        "windows": np.ascontiguousarray(windows, np.int32),
        "scores": np.ascontiguousarray(scores, np.float32),
        "ends": np.ascontiguousarray(ends, np.uint8),
        "games": configuration.get("n_envs", 1),
        "n_steps": configuration["n_steps"],
        "reset_each_iteration": protocol.reset_each_iteration,
    }
    # Of what a game is played by, its end has no meaning here: the records tell of it.
    played = {"termination_threshold": 1.0, "max_episode_steps": None, "protocol": protocol}
    played |= {name: configuration[name] for name in ("grid", "window", "stride")}
    visits, added = np.empty((2 * count, 4), np.int64), np.empty(2 * count, np.float32)
    steps, kept = np.empty(2 * count, np.int64), np.empty(2 * count, np.bool_)
    found = native.record_visits(records, played, visits, added, steps, kept)
    visits = visits[:found]
    return Visits(
        visits[:, :3], added[:found], visits[:, 3], steps[:found], count,
        kept[:found] if protocol.map_read == "after_reset" else None,
    )  # fmt: skip


def contributions(
    visits: Visits, configuration: Mapping[str, Any], voxel: Sequence[int]
) -> list[Contribution]:
    """Return the visits that the map's value at a voxel of the grid is made of, oldest first."""
    covering = np.empty(len(visits.windows), np.bool_)
    native.windows_covering(
        np.ascontiguousarray(visits.windows, np.int64), configuration["window"],
        Protocol.from_dict(configuration["protocol"]).credited_extent, configuration["grid"], voxel,
        covering,
    )  # fmt: skip
    steps = configuration.get("n_steps") or max(1, visits.step_count)
    games = configuration.get("n_envs", 1)
    found = np.flatnonzero(covering if visits.kept is None else covering & visits.kept)
    return [
        Contribution(
            int(visits.steps[index]) // (steps * games),
            int(visits.steps[index]) // games % steps,
            None if visits.agents[index] == NOBODY else AGENT_NAMES[visits.agents[index]],
            tuple(int(value) for value in visits.windows[index]),
            float(visits.scores[index]),
        )
        for index in found
    ]

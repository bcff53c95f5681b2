"""The windows that a search wrote to its map, one by one, and the voxels each covers."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

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
    window: tuple
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

    windows: np.ndarray
    scores: np.ndarray
    agents: np.ndarray
    steps: np.ndarray
    step_count: int
    kept: np.ndarray | None = None


def visits_of_run(windows, scores, ends, configuration):
    """Return the visits that a run's records tell of.

    Parameters
    ----------
    windows, scores, ends : arrays of shape (iterations, n_steps, 2, 3), (..., 2) and (...)
        The run's records; of several games, with one more axis after `n_steps`.
    configuration : dict
        The run's.
    """
    protocol = configuration["protocol"]
    count = ends.size
    agents = 1 if protocol["credited_agents"] == "learner" else 2
    # D5: what is added at an agent's place may be the other's score.
    own = protocol["credited_score"] == "own"
    credited = scores.reshape(count, 2) if own else scores.reshape(count, 2)[:, ::-1]
    places = windows.reshape(count, 2, 3)[:, :agents].reshape(-1, 3).astype(np.int64)
    who = np.tile(np.arange(agents), count)
    when = np.repeat(np.arange(count), agents)
    grid, window = (np.array(configuration[name]) for name in ("grid", "window"))
    # A window wholly outside the grid writes nothing, by NumPy's rules for negative slices too.
    reaches = ((places > -(grid + window)) & (places < grid)).all(axis=1)
    when = when[reaches]
    kept = None
    if protocol["map_read"] == "after_reset":
        games = configuration.get("n_envs", 1)
        first = _first_kept_steps(ends, protocol, games)
        kept = when // games >= first[when % games]
    return Visits(
        places[reaches],
        np.ascontiguousarray(credited[:, :agents]).reshape(-1)[reaches],
        who[reaches],
        when,
        count,
        kept,
    )


def _first_kept_steps(ends, protocol, games):
    """Return each game's first step after its last reset, which cleared what it had added (D11)."""
    last = np.zeros(games, np.int64)
    if protocol["reset_each_iteration"] and len(ends):
        last[:] = (len(ends) - 1) * ends.shape[1]
    for game, ended in enumerate(ends.reshape(-1, games).T):
        steps = np.flatnonzero(ended)
        if len(steps):
            last[game] = max(last[game], steps[-1] + 1)
    return last


def covers(windows, extent, grid, voxel):
    """Return which windows write a voxel of the grid: bool (n,).

    They write what NumPy's ``map[x:x+wx, y:y+wy, z:z+wz]`` names: a negative start counts from
    the end of the axis.
    """
    inside = np.ones(len(windows), np.bool_)
    for axis in range(3):
        count = grid[axis]
        start, stop = windows[:, axis], windows[:, axis] + extent[axis]
        low, high = (
            np.clip(np.where(index < 0, index + count, index), 0, count) for index in (start, stop)
        )
        inside &= (low <= voxel[axis]) & (voxel[axis] < high)
    return inside


def contributions(visits, configuration, voxel):
    """Return the visits that the map's value at a voxel of the grid is made of, oldest first."""
    extent, grid = configuration["window"], configuration["grid"]
    steps = configuration.get("n_steps") or max(1, visits.step_count)
    games = configuration.get("n_envs", 1)
    covering = covers(visits.windows, extent, grid, voxel)
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

"""What a run's file holds, and whether another run may take its place."""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spars._support.archives import read_npz, write_npz
from spars._support.errors import FormatError
from spars._support.types import FloatArray, PathLike
from spars.agents.rates import RATES
from spars.search.live_run import RECORD_NAMES, step_shape

FILE_FORMAT = "spars self-play 1"
BROKEN = (KeyError, ValueError, IndexError, TypeError, AttributeError, OverflowError)
# How far a run has come, and what wrote it: another value may continue it.
_MAY_DIFFER = ("iterations", "planned_iterations", "versions")
_POOL = ("pool_games", "pool_wins")


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A copy of the learner: `parameters` under stable-baselines3's names after `iteration`."""

    iteration: int
    parameters: dict[str, FloatArray] = field(repr=False)


@dataclass
class SavedRun:
    """A run without its scan and classifier.

    Attributes
    ----------
    configuration : dict
    has_reference : bool
    score_map : ndarray of float32
    records, rates : ndarray of float64
        A row an iteration, of `RECORD_NAMES` and of `RATES`.
    steps : dict of str to ndarray
        By the names of `empty_steps`.
    snapshots : list of Snapshot
    state : dict of str to ndarray
        What `LiveRun.restore` goes on from; of a run that was only read, its pool's tallies.
    kept : dict of int to dict
        Earlier states by iteration, for `Run.replay`.
    """

    configuration: dict[str, Any]
    has_reference: bool
    score_map: FloatArray
    records: NDArray[np.float64]
    rates: NDArray[np.float64]
    steps: dict[str, NDArray[Any]]
    snapshots: list[Snapshot]
    state: dict[str, NDArray[Any]]
    kept: dict[int, dict[str, NDArray[Any]]]

    def write(self, path: PathLike, *, keep_previous: bool = False) -> None:
        """Write the file whole or not at all."""
        arrays: dict[str, NDArray[Any]] = {
            "records": self.records,
            "rates": self.rates,
            "score_map": self.score_map,
            **self.steps,
        }
        for snapshot in self.snapshots:
            for name, values in snapshot.parameters.items():
                arrays[f"snapshot.{snapshot.iteration}.{name}"] = values
        arrays |= {f"state.{name}": values for name, values in self.state.items()}
        for iteration, state in self.kept.items():
            arrays |= {f"kept.{iteration}.{name}": values for name, values in state.items()}
        description = {"configuration": self.configuration, "has_reference": self.has_reference}
        write_npz(path, description, arrays, FILE_FORMAT, keep_previous=keep_previous)

    @classmethod
    def read(cls, path: PathLike) -> Self:
        """Read a file that `write` wrote; nothing of it is ever executed.

        Raises
        ------
        FormatError
            It is not one, or is broken.
        """
        description, arrays = read_npz(path, FILE_FORMAT)
        try:
            return cls._of(description, arrays)
        except BROKEN as error:
            raise FormatError(f"{path}: not a run that Run.save wrote: {error!r}") from error

    @classmethod
    def _of(cls, description: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        configuration = description["configuration"]
        for name in (*RATES, "replay_interval"):
            configuration[name]
        grid = tuple(configuration["grid"])
        count = len(arrays["records"])
        wanted = {
            "score_map": (np.dtype(np.float32), grid),
            "records": (np.dtype(np.float64), (count, len(RECORD_NAMES))),
            "rates": (np.dtype(np.float64), (count, len(RATES))),
        }
        made = count if configuration["record_steps"] else 0
        steps = empty_steps(configuration)
        wanted |= {name: (step.dtype, (made, *step.shape[1:])) for name, step in steps.items()}
        for name, (dtype, shape) in wanted.items():
            if arrays[name].dtype != dtype or arrays[name].shape != shape:
                raise ValueError(f"{name} {arrays[name].dtype} {arrays[name].shape}")
        state = {
            name.removeprefix("state."): values
            for name, values in arrays.items()
            if name.startswith("state.")
        }
        if configuration["opponents"] is not None and not set(_POOL) <= state.keys():
            raise ValueError("no pool")
        return cls(
            configuration=configuration,
            has_reference=bool(description["has_reference"]),
            score_map=arrays["score_map"],
            records=arrays["records"],
            rates=arrays["rates"],
            steps={name: arrays[name] for name in steps},
            snapshots=[Snapshot(i, p) for i, p in sorted(_by_iteration(arrays, "snapshot"))],
            state=state,
            kept=dict(_by_iteration(arrays, "kept")),
        )


def empty_steps(configuration: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return the arrays of a run's steps before its first iteration, by name."""
    steps = step_shape(configuration)
    return {
        "windows": np.empty((0, *steps, 2, 3), np.int32),
        "step_scores": np.empty((0, *steps, 2), np.float32),
        "actions": np.empty((0, *steps, 2), np.int8),
        "ends": np.empty((0, *steps), np.uint8),
    }


def check_same(path: PathLike, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to go on from a run of another configuration; the message names the difference.

    Raises
    ------
    ValueError
        They differ in something else than how far the run has come.
    """
    difference = _difference(before, now)
    if difference is not None:
        name, had, has = difference
        raise ValueError(
            f"The '{name}' of a run that goes on from {path} must be {had!r}, as there. "
            f"Got {has!r} instead."
        )


def check_replaceable(
    path: Path, configuration: Mapping[str, Any], iterations: int, source: Path | None
) -> None:
    """Refuse a checkpoint's place where another run stands, or more of this one.

    Parameters
    ----------
    path : Path
    configuration : dict
        The run's that is to be written there.
    iterations : int
        How many it has made.
    source : Path or None
        Where it was loaded from: that file may also be a damaged one.

    Raises
    ------
    FileExistsError
        Something would be lost.
    """
    if not path.exists():
        return
    try:
        before = SavedRun.read(path)
        is_part = (
            _difference(before.configuration, configuration) is None
            and len(before.records) <= iterations
        )
    except (FormatError, OSError):
        is_part = source is not None and path.samefile(source)
    if not is_part:
        raise FileExistsError(
            errno.EEXIST,
            "holds something else than an earlier part of this run; resume it, or remove it",
            str(path),
        )


def _difference(
    before: Mapping[str, Any], now: Mapping[str, Any]
) -> tuple[str, object, object] | None:
    """Return the first name of which two configurations differ, with both values."""
    # As a file gives them: tuples are lists.
    now = json.loads(json.dumps(now))
    for name in sorted(before.keys() | now.keys()):
        had, has = before.get(name, "nothing"), now.get(name, "nothing")
        if name not in _MAY_DIFFER and had != has:
            return name, had, has
    return None


def _by_iteration(
    arrays: Mapping[str, NDArray[Any]], kind: str
) -> list[tuple[int, dict[str, NDArray[Any]]]]:
    """Return the arrays named ``kind.iteration.name``, by iteration."""
    found: dict[int, dict[str, NDArray[Any]]] = {}
    for name, values in arrays.items():
        if name.startswith(f"{kind}."):
            _, iteration, part = name.split(".", 2)
            found.setdefault(int(iteration), {})[part] = values
    return list(found.items())

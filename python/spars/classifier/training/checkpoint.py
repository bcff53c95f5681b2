"""Checkpoints of a training: everything it needs to go on to the bit, in one npz file."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spars._support.archives import read_npz, write_npz
from spars._support.checkpoints import newest
from spars._support.errors import FormatError
from spars._support.types import FloatArray, PathLike
from spars.classifier.training.early_stop import MONITORS, EarlyStop
from spars.classifier.training.examples import Examples
from spars.classifier.training.history import Record, plain

FILE_FORMAT = "spars-training-2"
_BROKEN = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError)
# These only say when to end, so that another value may continue a training; `check_ends` refuses
# the values with which it would have ended before.
_MAY_DIFFER = ("epochs", "patience")


@dataclass
class State:
    """Where a training stands after a whole step.

    Attributes
    ----------
    steps : int
        Steps taken in all.
    records : list of dict
        Records of the finished epochs.
    losses : ndarray of float64
        Losses of the steps of the epoch that is under way.
    rates : ndarray of float64, shape (steps,)
        Learning rates of all steps.
    parameters, best : ndarray of float32
        All of the classifier's parameters, now and after the best epoch (empty if not kept).
    moments : ndarray of float32
        Adam's.
    tracked, best_tracked : int
        Training steps behind the running statistics of both.
    seen : list of [role, number, record]
        Of both roles' `Examples.seen`.
    """

    steps: int
    records: list[Record]
    losses: NDArray[np.float64]
    rates: NDArray[np.float64]
    parameters: FloatArray
    best: FloatArray
    moments: FloatArray
    tracked: int
    best_tracked: int
    seen: list[tuple[str, int, dict[str, Any]]] = field(default_factory=list)


_ARRAYS = {
    "losses": np.float64, "rates": np.float64, "parameters": np.float32, "best": np.float32,
    "moments": np.float32,
}  # fmt: skip


def write(
    path: Path, state: State, configuration: Mapping[str, Any], examples: Mapping[str, Examples]
) -> None:
    """Write the file whole or not at all, and leave the one before beside it."""
    description = {
        "configuration": plain(configuration),
        "examples": {role: each.description for role, each in examples.items()},
        "steps": state.steps,
        "tracked": state.tracked,
        "best_tracked": state.best_tracked,
        "records": plain(state.records),
        "seen": state.seen,
    }
    arrays = {name: getattr(state, name) for name in _ARRAYS}
    write_npz(path, description, arrays, FILE_FORMAT, keep_previous=True)


def read(path: Path, configuration: Mapping[str, Any], examples: Mapping[str, Examples]) -> State:
    """Return the state that `write` wrote, of this configuration and these examples.

    Where the file is damaged, the one before it is read, with a warning.

    Raises
    ------
    FormatError
        The file is not one of `write`, or is broken.
    ValueError
        It is of another configuration or of other examples; the message names the difference.
    """
    return newest(path, lambda file: _read(file, configuration, examples))


def _read(path: Path, configuration: Mapping[str, Any], examples: Mapping[str, Examples]) -> State:
    description, arrays = read_npz(path, FILE_FORMAT)
    try:
        before = _flat(description["configuration"])
        known = {role: _described(description["examples"][role]) for role in examples}
        state = _state(description, arrays)
        roles = {role for role, _, _ in state.seen}
    except _BROKEN as error:
        raise FormatError(f"{path}: not a checkpoint that fit wrote: {error!r}") from error
    _check_same(path, before, _flat(plain(configuration)))
    for role, each in examples.items():
        each.check_same(known[role], path)
    if not (roles <= examples.keys() and _is_consistent(state, configuration, examples)):
        raise FormatError(f"{path}: not a checkpoint that fit wrote: it contradicts itself.")
    return state


def read_records(path: PathLike) -> list[Record]:
    """Return the records of the finished epochs."""

    def records(file: Path) -> list[Record]:
        description, _ = read_npz(file, FILE_FORMAT)
        try:
            return [_record(record) for record in description["records"]]
        except _BROKEN as error:
            raise FormatError(f"{file}: not a checkpoint that fit wrote: {error!r}") from error

    return newest(Path(path), records)


def check_ends(path: Path, rule: EarlyStop, records: Sequence[Record]) -> None:
    """Refuse a rule by which training would have ended before the last of these epochs."""
    for made in range(1, len(records)):
        ending = rule.ending(records[:made])
        if ending is not None:
            value = getattr(rule, ending[0])
            raise ValueError(
                f"The '{ending[0]}' parameter of fit must not end the training before the "
                f"{len(records)} epochs that {path} has made. Got {value} instead, which would "
                f"have ended it after {made}."
            )


def check_rates(
    path: Path,
    rates: NDArray[np.float64],
    schedule: Callable[[float], float],
    epochs: int,
    total: int,
) -> None:
    """Refuse a schedule that would have given another rate in the steps already taken.

    It is a function of the part of the steps that remains, which depends on `epochs`.
    """
    for step, before in enumerate(rates):
        now = schedule(1.0 - step / total)
        if now != before:
            raise ValueError(
                f"The 'learning_rate' parameter of fit must give the rates that {path} was trained "
                f"with, also for {epochs} epochs. Got {now!r} instead of {float(before)!r} at step "
                f"{step + 1} of {total}."
            )


def _state(description: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> State:
    for name, dtype in _ARRAYS.items():
        if arrays[name].dtype != dtype or arrays[name].ndim != 1:
            raise ValueError(f"{name}: {arrays[name].dtype} of shape {arrays[name].shape}")
    counts: dict[str, Any] = {
        name: description[name] for name in ("steps", "tracked", "best_tracked")
    }
    if any(type(count) is not int or count < 0 for count in counts.values()):
        raise ValueError(f"counts {counts}")
    return State(
        records=[_record(record) for record in description["records"]],
        seen=[(role, index, dict(record)) for role, index, record in description["seen"]],
        **(counts | {name: arrays[name] for name in _ARRAYS}),
    )


def _described(before: Any) -> Any:
    """Return an `Examples.description` of a file, or raise: scans with labels, or a dict."""
    if isinstance(before, dict):
        return before
    return [(str(name), has_tumour) for name, has_tumour in before]


def _is_consistent(
    state: State, configuration: Mapping[str, Any], examples: Mapping[str, Examples]
) -> bool:
    steps_per_epoch = configuration["steps_per_epoch"]
    begun = state.steps - len(state.records) * steps_per_epoch
    return (
        begun == len(state.losses) <= steps_per_epoch
        and len(state.rates) == state.steps
        and bool(np.isfinite(state.losses).all())
        and len(state.best) in (0, len(state.parameters))
        and all(record["epoch"] == i for i, record in enumerate(state.records, 1))
        and all(
            ("validation" in record) != examples["validation"].is_empty for record in state.records
        )
        and all(examples[role].can_have_seen(number) for role, number, _ in state.seen)
    )


def _record(record: Record) -> Record:
    """Return an epoch's record as it was, NaN included."""
    found = {
        "epoch": record["epoch"],
        "loss": float(record["loss"]),
        "learning_rate": float(record["learning_rate"]),
    }
    if "validation" in record:
        values = record["validation"]
        if not set(MONITORS) <= set(values):
            raise ValueError(f"metrics {sorted(values)}")
        found["validation"] = {
            name: _number(value) if name in MONITORS else int(value)
            for name, value in values.items()
        }
    return found


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _check_same(path: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    for name in sorted(before.keys() | now.keys()):
        if name in _MAY_DIFFER:
            continue
        had, has = (values.get(name, "nothing") for values in (before, now))
        if had != has:
            raise ValueError(
                f"The '{name}' of a training that goes on from {path} must be {had!r}, as there. "
                f"Got {has!r} instead."
            )


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested configuration as {dotted name: value}."""
    flat: dict[str, Any] = {}
    for name, item in value.items():
        if isinstance(item, dict):
            flat |= _flat(item, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = item
    return flat

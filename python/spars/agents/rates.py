"""Learning rate and clip ranges of a run: numbers, or functions of the remaining progress."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spars._support.checks import refuse_unknown, sentence

#: A number, or a function of the remaining progress.
Rate: TypeAlias = float | Callable[[float], float]
RATES = ("learning_rate", "clip_range", "clip_range_vf")


class Rates:
    """The three rates, each a float or a callable; `clip_range_vf` may be None.

    Parameters
    ----------
    given : mapping of str to float, callable or None
        By the names of `RATES`.
    """

    def __init__(self, given: Mapping[str, Rate | None]) -> None:
        self._given = dict(given)

    @property
    def vary(self) -> bool:
        """Whether one of them is a function."""
        return any(callable(value) for value in self._given.values())

    def at(self, remaining: float) -> dict[str, float | None]:
        """Return the rates by name where `remaining` of the progress, 1 to 0, is left."""
        return {
            name: value(remaining) if callable(value) else value
            for name, value in self._given.items()
        }

    def described(self) -> dict[str, float | str | None]:
        """Return plain values for a configuration: a function is named."""
        return {name: described(value) for name, value in self._given.items()}


def check_rates(given: Mapping[str, Any], owner: str) -> None:
    """Raise TypeError for a keyword that is no rate."""
    refuse_unknown(given, RATES, owner)


def rates_again(
    configuration: Mapping[str, Any], given: Mapping[str, Rate | None], owner: str
) -> Rates:
    """Return the rates of a saved run, of which functions must be given again.

    Parameters
    ----------
    configuration : dict
        The run's.
    given : mapping of str to float, callable or None
        What the caller has of `RATES`; None where nothing was given.
    owner : str
        For the message of an error.
    """
    rates = {}
    for name in RATES:
        saved = configuration[name]
        was_function = isinstance(saved, str)
        value = given.get(name)
        if was_function and not callable(value):
            raise ValueError(sentence(name, owner, f"the run's {saved}, to go on from it", value))
        if not was_function and value is not None:
            raise ValueError(sentence(name, owner, f"None: the run's is {saved}", value))
        rates[name] = value if was_function else saved
    return Rates(rates)


def recorded(rates: Mapping[str, float | None], count: int) -> NDArray[np.float64]:
    """Return `count` equal rows of rates, float64 (count, 3); NaN where there is none."""
    known = (rates[name] for name in RATES)
    row = [np.nan if rate is None else float(rate) for rate in known]
    return np.tile(np.array(row), (count, 1))


def described(rate: Rate | None) -> float | str | None:
    """Return a rate as a plain value: a function is named."""
    if not callable(rate):
        return rate
    return f"function {getattr(rate, '__qualname__', None) or repr(rate)}"

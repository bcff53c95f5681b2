"""Learning rate and clip ranges of a run: numbers, or functions of the remaining progress."""

import numpy as np

from spars._support.checks import sentence

RATES = ("learning_rate", "clip_range", "clip_range_vf")


class Rates:
    """The three rates, each a float or a callable; `clip_range_vf` may be None.

    Parameters
    ----------
    given : mapping of str to float, callable or None
        By the names of `RATES`.
    """

    def __init__(self, given):
        self._given = dict(given)

    @property
    def vary(self):
        """Whether one of them is a function."""
        return any(callable(value) for value in self._given.values())

    def at(self, remaining):
        """Return the rates by name where `remaining` of the progress, 1 to 0, is left."""
        return {
            name: value(remaining) if callable(value) else value
            for name, value in self._given.items()
        }

    def described(self):
        """Return plain values for a configuration: a function is named."""
        return {name: described(value) for name, value in self._given.items()}


def rates_again(configuration, given, owner):
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


def recorded(rates, count):
    """Return `count` equal rows of rates, float64 (count, 3); NaN where there is none."""
    row = [np.nan if rates[name] is None else float(rates[name]) for name in RATES]
    return np.tile(np.array(row), (count, 1))


def described(rate):
    """Return a rate as a plain value: a function is named."""
    if not callable(rate):
        return rate
    return f"function {getattr(rate, '__qualname__', None) or repr(rate)}"

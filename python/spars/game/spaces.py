"""Gymnasium's spaces where gymnasium is installed, else as much of them as our environments use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

try:
    from gymnasium.spaces import Box, Discrete
except ImportError:

    class Discrete:  # type: ignore[no-redef]  # stands in where gymnasium is not installed
        """The integers 0 to n - 1."""

        def __init__(self, n: int) -> None:
            self.n, self.shape, self.dtype = n, (), np.dtype(np.int64)
            self._random = np.random.default_rng()

        def seed(self, seed: int | None = None) -> None:
            """Seed `sample`."""
            self._random = np.random.default_rng(seed)

        def sample(self) -> Any:
            """Return a uniformly random element."""
            return self._random.integers(self.n)

        def contains(self, value: Any) -> bool:
            """Return whether `value` is an element."""
            return 0 <= value < self.n

        __contains__ = contains

    class Box:  # type: ignore[no-redef]  # stands in where gymnasium is not installed
        """Arrays of one shape and dtype between two bounds."""

        def __init__(self, low: float, high: float, shape: Sequence[int], dtype: DTypeLike) -> None:
            self.low, self.high = np.full(shape, low, dtype), np.full(shape, high, dtype)
            self.shape, self.dtype = tuple(shape), np.dtype(dtype)
            self._random = np.random.default_rng()

        def seed(self, seed: int | None = None) -> None:
            """Seed `sample`."""
            self._random = np.random.default_rng(seed)

        def sample(self) -> NDArray[Any]:
            """Return a uniformly random element."""
            values = self._random.uniform(self.low, self.high, self.shape)
            return values.astype(self.dtype)

        def contains(self, value: Any) -> bool:
            """Return whether `value` is an element."""
            value = np.asarray(value)
            fits = value.shape == self.shape and value.dtype == self.dtype
            return bool(fits and (value >= self.low).all() and (value <= self.high).all())

        __contains__ = contains


_UNBOUNDED = (("low", -np.inf), ("high", np.inf))
__all__ = ["Box", "Discrete", "bounds_of", "spaces_of"]


def spaces_of(env: Any) -> tuple[tuple[int, ...], int, int]:
    """Return (observation shape, number of actions, first action) of an environment."""
    shape = getattr(getattr(env, "observation_space", None), "shape", None)
    count = getattr(getattr(env, "action_space", None), "n", None)
    if not shape or count is None:
        raise TypeError(
            "The 'env' parameter of PPO must be a Gymnasium environment with Box observations and "
            f"Discrete actions. Got {type(env).__name__} instead."
        )
    return tuple(int(n) for n in shape), int(count), int(getattr(env.action_space, "start", 0))


def bounds_of(space: Any) -> tuple[float, float]:
    """Return the least and the greatest value of observations where all voxels share them."""
    low, high = (_shared(space, name, unknown) for name, unknown in _UNBOUNDED)
    return low, high


def _shared(space: Any, name: str, unknown: float) -> float:
    """Return the bound that all voxels share, or `unknown`."""
    values = np.unique(np.asarray(getattr(space, name, unknown), np.float32))
    return float(values[0]) if len(values) == 1 else unknown

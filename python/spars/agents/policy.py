"""The policy that `spars.PPO` trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spars._core import native
from spars._core.handles import Handle, Native
from spars._support.checks import check_array
from spars._support.types import FloatArray, Progress
from spars.agents.ppo import (
    PolicyShape,
    Rollout,
    checked_parameters,
    parameter_shapes,
    split_parameters,
)

__all__ = ["MlpPolicy"]


class MlpPolicy(Native):
    """stable-baselines3's "MlpPolicy": two tanh networks, one for actions, one for values.

    Made and trained by `PPO`; reached as ``PPO.policy``. Computes in float32.

    Parameters
    ----------
    inputs : int
        Numbers of one flattened observation.
    actions : int
        How many discrete actions there are.
    policy_hidden, value_hidden : tuple of int
        Widths of the hidden layers.
    multiplicity : int64 array of shape (inputs,), optional
        How many replicas each input stands for; the first layers are then initialised and trained
        as those of the network that sees every replica, and hold sums over replicas.
    seed : int
        Seed of the orthogonal initialisation and of the actions drawn.
    """

    def __init__(
        self,
        inputs: int,
        actions: int,
        policy_hidden: Sequence[int] = (64, 64),
        value_hidden: Sequence[int] = (64, 64),
        multiplicity: NDArray[np.int64] | None = None,
        seed: int = 0,
    ) -> None:
        self.shape = PolicyShape(inputs, actions, tuple(policy_hidden), tuple(value_hidden))
        self.multiplicity = multiplicity
        #: Of one observation, where it is known: observations with axes must have theirs so.
        self.observation_shape: tuple[int, ...] | None = None
        self._handle = Handle(native.ppo_create(self.shape, multiplicity, seed))

    def _value(self) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
        flat = np.empty(self._count(), np.float32)
        native.ppo_get_parameters(self._handle.value, flat)
        return flat, *self.state()

    def _made(self, value: tuple[FloatArray, FloatArray, NDArray[np.int64]]) -> Handle:
        flat, moments, counters = value
        handle = Handle(native.ppo_create(self.shape, self.multiplicity, 0))
        native.ppo_set_parameters(handle.value, flat)
        native.ppo_set_state(handle.value, moments, counters)
        return handle

    @property
    def inputs(self) -> int:
        """Numbers of one flattened observation."""
        return self.shape.inputs

    def act(
        self, obs: ArrayLike, deterministic: bool = False
    ) -> tuple[NDArray[np.int64], FloatArray]:
        """Return actions (N,) int64 and their log-probabilities (N,) for `obs` (N, ...)."""
        rows = self._rows(obs)
        actions = np.empty(len(rows), np.int64)
        log_probs = np.empty(len(rows), np.float32)
        native.ppo_act(self._handle.value, rows, bool(deterministic), actions, log_probs)
        return actions, log_probs

    def values(self, obs: ArrayLike) -> FloatArray:
        """Return the critic's values (N,) of `obs` (N, ...)."""
        rows = self._rows(obs)
        values = np.empty(len(rows), np.float32)
        native.ppo_values(self._handle.value, rows, values)
        return values

    def log_probabilities(self, obs: ArrayLike) -> FloatArray:
        """Return the logarithms of all actions' probabilities, (N, actions), for `obs` (N, ...)."""
        rows = self._rows(obs)
        log_probs = np.empty((len(rows), self.shape.actions), np.float32)
        native.ppo_log_probabilities(self._handle.value, rows, log_probs)
        return log_probs

    def parameters(self) -> dict[str, FloatArray]:
        """Return the parameters as float32 arrays under stable-baselines3's names."""
        flat = np.empty(self._count(), np.float32)
        native.ppo_get_parameters(self._handle.value, flat)
        return split_parameters(flat, self.shape)

    def set_parameters(self, parameters: Mapping[str, ArrayLike]) -> None:
        """Replace all parameters; names and shapes are those of `parameters()`."""
        arrays, shape = checked_parameters(parameters, "set_parameters")
        if shape != self.shape:
            raise ValueError(
                "The 'parameters' parameter of set_parameters must fit a policy of shape "
                f"{tuple(self.shape)}. Got one of shape {tuple(shape)} instead."
            )
        flat = np.concatenate([a.reshape(-1) for a in arrays.values()]).astype(np.float32)
        native.ppo_set_parameters(self._handle.value, flat)

    def state(self) -> tuple[FloatArray, NDArray[np.int64]]:
        """Return Adam's moments (float32) and the counters (int64) that continue training."""
        moments = np.empty(2 * self._count(), np.float32)
        counters = np.empty(6, np.int64)
        native.ppo_get_state(self._handle.value, moments, counters)
        return moments, counters

    def set_state(self, moments: ArrayLike, counters: ArrayLike) -> None:
        """Continue training from `state()`."""
        moments = check_array(moments, "moments", "set_state", np.float32, (2 * self._count(),))
        counters = check_array(counters, "counters", "set_state", np.int64, (6,))
        native.ppo_set_state(self._handle.value, moments, counters)

    def learn(
        self, hyperparameters: dict[str, Any], rollout: Rollout, progress: Progress | None = None
    ) -> Any:
        """Make one update on a Rollout and return its log."""
        return native.ppo_learn(self._handle.value, hyperparameters, rollout, progress)

    def _count(self) -> int:
        return sum(int(np.prod(s)) for s in parameter_shapes(*self.shape).values())

    def _rows(self, obs: ArrayLike) -> FloatArray:
        rows = check_array(obs, "obs", "MlpPolicy", np.float32)
        shape = self.observation_shape
        if shape and rows.ndim == len(shape) + 1 > 2 and rows.shape[1:] != shape:
            raise ValueError(
                f"The 'obs' parameter of MlpPolicy must be a batch of shape {shape}. "
                f"Got {rows.shape[1:]} instead."
            )
        if rows.ndim < 1 or rows.size == 0 or rows.size != len(rows) * self.inputs:
            raise ValueError(
                f"The 'obs' parameter of MlpPolicy must hold {self.inputs} numbers a row. "
                f"Got shape {rows.shape} instead."
            )
        return rows.reshape(len(rows), self.inputs)

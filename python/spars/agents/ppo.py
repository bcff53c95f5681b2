"""Proximal policy optimisation, equal to stable-baselines3's: advantages and the clipped update.

For training on an environment see `spars.PPO`. These functions take and return plain arrays, for
research on the parts and for checking them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from spars._core import native
from spars._core.names import PPO_LOG as LOG_NAMES
from spars._support.checks import check_array, check_float, check_integer, sentence
from spars._support.progress import as_progress
from spars._support.types import Progress
from spars.agents.hyperparameters import EPOCH_LIMIT, checked_hyperparameters
from spars.volume.resampling import resize_multiplicity

__all__ = ["gae", "parameter_shapes", "resize_multiplicity", "update"]

DEPTH_LIMIT = 8
SEED_LIMIT = 2**64 - 1


def gae(
    rewards: ArrayLike,
    values: ArrayLike,
    episode_starts: ArrayLike,
    last_value: ArrayLike,
    last_episode_start: ArrayLike,
    gamma: float,
    gae_lambda: float,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return advantages and returns by generalized advantage estimation.

    With n the number 1 where a step does not start an episode, 0 where it does:
    ``delta[t] = rewards[t] + gamma * values[t+1] * n[t+1] - values[t]`` and
    ``advantages[t] = delta[t] + gamma * gae_lambda * n[t+1] * advantages[t+1]``;
    returns are ``advantages + values``.

    Parameters
    ----------
    rewards, values : array of shape (T,) or (T, E)
        Rewards and the critic's values of T steps in E environments.
    episode_starts : array of the same shape
        1 (or True) where the step is the first of its episode.
    last_value : float or array of shape (E,)
        The critic's value of the observation after the last step.
    last_episode_start : bool, float or array of shape (E,)
        Whether that observation starts an episode; stable-baselines3 calls it ``dones``.
    gamma, gae_lambda : float
        Discount and trace decay, in [0, 1].

    Returns
    -------
    advantages, returns : arrays of the shape of `rewards`
        float32 if `values` is float32, else float64; computed in float64.

    Raises
    ------
    TypeError, ValueError
        Shapes differ, an array is empty or a number is out of its range.
    NonFiniteError
        An array holds NaN or infinity.

    References
    ----------
    Schulman and others, 2016, "High-dimensional continuous control using generalized advantage
    estimation"; stable-baselines3's ``RolloutBuffer.compute_returns_and_advantage``.

    Examples
    --------
    >>> advantages, returns = spars.ppo.gae(
    ...     rewards=[1.0, 0.0], values=[0.5, 0.5], episode_starts=[1, 0], last_value=0.5,
    ...     last_episode_start=0, gamma=1.0, gae_lambda=1.0,
    ... )
    >>> advantages
    array([1., 0.])
    """
    gamma = check_float(gamma, "gamma", "gae", 0.0, 1.0)
    gae_lambda = check_float(gae_lambda, "gae_lambda", "gae", 0.0, 1.0)
    dtype = np.float32 if np.asarray(values).dtype == np.float32 else np.float64
    rewards = check_array(rewards, "rewards", "gae", np.float64)
    if rewards.ndim not in (1, 2) or rewards.size == 0:
        raise ValueError(
            "The 'rewards' parameter of gae must be a non-empty array of shape (T,) or (T, E). "
            f"Got shape {rewards.shape} instead."
        )
    shape = rewards.shape
    environments = shape[1] if rewards.ndim == 2 else 1
    values = check_array(values, "values", "gae", np.float64, shape)
    starts = check_array(episode_starts, "episode_starts", "gae", np.float64, shape)
    last = [
        check_array(np.reshape(value, -1), name, "gae", np.float64, (environments,))
        for name, value in (
            ("last_value", last_value),
            ("last_episode_start", last_episode_start),
        )
    ]
    advantages = np.empty(shape)
    returns = np.empty(shape)
    collected = {
        "rewards": rewards,
        "values": values,
        "episode_starts": starts,
        "last_value": last[0],
        "last_episode_start": last[1],
    }
    native.ppo_gae(collected, gamma, gae_lambda, advantages, returns)
    return advantages.astype(dtype, copy=False), returns.astype(dtype, copy=False)


def update(
    parameters: Mapping[str, ArrayLike],
    rollout: Mapping[str, ArrayLike],
    permutations: ArrayLike | None = None,
    multiplicity: ArrayLike | None = None,
    *,
    n_epochs: int | None = None,
    batch_size: int = 64,
    learning_rate: float = 3e-4,
    clip_range: float = 0.2,
    clip_range_vf: float | None = None,
    normalize_advantage: bool = True,
    ent_coef: float = 0.0,
    vf_coef: float = 0.5,
    max_grad_norm: float = 0.5,
    target_kl: float | None = None,
    adam_eps: float = 1e-5,
    gamma: float = 0.99,
    gae_lambda: float = 0.95,
    seed: int = 0,
    progress: Progress | bool | None = None,
    dtype: DTypeLike = np.float32,
) -> tuple[dict[str, NDArray[Any]], dict[str, float]]:
    """Return the parameters after one PPO update from a new Adam state, and its log.

    Equal to stable-baselines3's ``PPO.train`` on the same rollout and minibatch order.

    Parameters
    ----------
    parameters : mapping of str to array
        An actor-critic under stable-baselines3's names: ``mlp_extractor.policy_net.0.weight``,
        ..., ``action_net.weight``, ``value_net.bias``; weights are (outputs, inputs), hidden
        layers are followed by tanh.
    rollout : mapping of str to array
        ``obs`` (T, ...), flattened to (T, inputs); ``actions`` (T,), integers;
        ``values``, ``log_probs`` (T,) at collection; ``advantages`` and ``returns`` (T,), or
        instead of these two ``rewards``, ``episode_starts`` (T,), ``last_value`` and
        ``last_episode_start``. With E environments all are (T, E, ...), and steps are numbered
        environment by environment, as stable-baselines3 flattens them.
    permutations : integer array of shape (n_epochs, T * E), optional
        Per epoch the order of the steps, cut into minibatches of `batch_size`. Drawn from `seed`
        if not given.
    multiplicity : integer array of shape (inputs,), optional
        How many replicas each input stands for (see `resize_multiplicity`): `parameters` then
        hold each first-layer weight summed over its replicas, and the update is the one of the
        network that sees every replica.
    n_epochs : int, optional
        10, or the number of `permutations`.
    batch_size, learning_rate, clip_range, clip_range_vf, normalize_advantage, ent_coef, vf_coef, \
    max_grad_norm, target_kl, adam_eps
        As in stable-baselines3; advantages are normalised by each minibatch's mean and unbiased
        standard deviation plus 1e-8, unless the minibatch has one step.
    gamma, gae_lambda : float
        Used only where advantages are computed here.
    seed : int
        Seed of the permutations, if they are drawn.
    progress : callable or True, optional
        Called with (done, planned) during long updates; True draws a bar (the extra "progress").
    dtype : {float32, float64}
        What is computed in and returned. float32 is what stable-baselines3 does, whose result
        moves with the order of its sums by as much as this one differs from it (1e-5 of the
        movement's norm); float64 is for checking the mathematics.

    Returns
    -------
    parameters : dict of str to array
        New arrays of `dtype`; the given ones are not changed.
    log : dict of str to float
        Under stable-baselines3's names: ``train/entropy_loss``, ``train/policy_gradient_loss``,
        ``train/value_loss``, ``train/approx_kl`` (of the last epoch), ``train/clip_fraction``,
        ``train/loss`` (of the last minibatch), ``train/explained_variance`` (NaN where returns do
        not vary), ``train/n_updates``, ``train/learning_rate``, ``train/clip_range`` and
        ``train/clip_range_vf``.

    Raises
    ------
    TypeError, ValueError
        A parameter or array is missing, of a wrong shape, or out of range.
    NonFiniteError
        An array, the loss or the gradient is not finite.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> shapes = spars.ppo.parameter_shapes(4, 2, (8,), (8,))
    >>> parameters = {name: rng.normal(0, 0.1, shape) for name, shape in shapes.items()}
    >>> rollout = {
    ...     "obs": rng.normal(size=(16, 4)), "actions": rng.integers(0, 2, 16),
    ...     "values": np.zeros(16), "log_probs": np.full(16, -0.69),
    ...     "advantages": rng.normal(size=16), "returns": rng.normal(size=16),
    ... }
    >>> changed, log = spars.ppo.update(parameters, rollout, n_epochs=1, batch_size=8)
    >>> sorted(changed) == sorted(parameters), log["train/n_updates"]
    (True, 1.0)
    """
    owner = "update"
    arrays, shape = checked_parameters(parameters, owner)
    dtype = _scalar(dtype, owner)
    steps = _rollout(rollout, shape, dtype, gamma, gae_lambda)
    count = len(steps.actions)
    if permutations is None:
        n_epochs = 10 if n_epochs is None else n_epochs
        n_epochs = check_integer(n_epochs, "n_epochs", owner, 1, EPOCH_LIMIT)
        permutations = np.empty((n_epochs, count), np.int64)
        native.ppo_permutations(
            permutations, n_epochs, check_integer(seed, "seed", owner, 0, SEED_LIMIT)
        )
    else:
        permutations = _permutations(permutations, n_epochs, count)
        n_epochs = len(permutations)
    if multiplicity is not None:
        multiplicity = checked_multiplicity(multiplicity, shape[0], owner)
    hyperparameters = checked_hyperparameters(
        owner,
        learning_rate=learning_rate,
        n_epochs=n_epochs,
        batch_size=batch_size,
        clip_range=clip_range,
        clip_range_vf=clip_range_vf,
        normalize_advantage=normalize_advantage,
        ent_coef=ent_coef,
        vf_coef=vf_coef,
        max_grad_norm=max_grad_norm,
        target_kl=target_kl,
        adam_eps=adam_eps,
    )
    flat = np.concatenate([a.reshape(-1) for a in arrays.values()]).astype(dtype, copy=False)
    step = {
        "shape": shape,
        "hyperparameters": hyperparameters,
        "rollout": steps,
        "permutations": permutations,
        "multiplicity": multiplicity,
        "parameters": flat,
    }
    log = native.ppo_update(step, as_progress(progress, "update"))
    named_log = log_dict(log, learning_rate, clip_range, clip_range_vf)
    return split_parameters(flat, shape), named_log


def _scalar(dtype: DTypeLike, owner: str) -> np.dtype[Any]:
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = None
    if dtype is None or found not in (np.float32, np.float64):
        raise ValueError(sentence("dtype", owner, "float32 or float64", dtype))
    return found


class PolicyShape(NamedTuple):
    """Sizes of the two networks."""

    inputs: int
    actions: int
    policy_hidden: tuple[int, ...]
    value_hidden: tuple[int, ...]


class Rollout(NamedTuple):
    """What an update learns from: one number a step, and the observations' numbers; all flat."""

    observations: NDArray[Any]
    actions: NDArray[Any]
    values: NDArray[Any]
    log_probs: NDArray[Any]
    advantages: NDArray[Any]
    returns: NDArray[Any]
    precision: str = "float32"


def parameter_shapes(
    inputs: int,
    actions: int,
    policy_hidden: Sequence[int] = (64, 64),
    value_hidden: Sequence[int] = (64, 64),
) -> dict[str, tuple[int, ...]]:
    """Return the parameters' shapes by stable-baselines3's name, in its order.

    Raises
    ------
    TypeError, ValueError
        A width is no integer of at least 1, or a network has no hidden layer.

    Examples
    --------
    >>> spars.ppo.parameter_shapes(8, 6, (4,), (4,))["action_net.weight"]
    (6, 4)
    """
    owner = "parameter_shapes"
    inputs = check_integer(inputs, "inputs", owner, 1)
    actions = check_integer(actions, "actions", owner, 1)
    policy_hidden = _checked_widths(policy_hidden, "policy_hidden", owner)
    value_hidden = _checked_widths(value_hidden, "value_hidden", owner)
    shapes: dict[str, tuple[int, ...]] = {}
    for net, hidden in (("policy_net", policy_hidden), ("value_net", value_hidden)):
        width = inputs
        for i, outputs in enumerate(hidden):
            # tanh modules stand between the linear ones, so linear layer i is module 2 i.
            shapes[f"mlp_extractor.{net}.{2 * i}.weight"] = (outputs, width)
            shapes[f"mlp_extractor.{net}.{2 * i}.bias"] = (outputs,)
            width = outputs
    for head, outputs, width in (
        ("action_net", actions, policy_hidden[-1]),
        ("value_net", 1, value_hidden[-1]),
    ):
        shapes[f"{head}.weight"] = (outputs, width)
        shapes[f"{head}.bias"] = (outputs,)
    return shapes


def _checked_widths(widths: Sequence[int], name: str, owner: str) -> tuple[int, ...]:
    found = tuple(check_integer(width, name, owner, 1) for width in widths)
    if not found:
        raise ValueError(sentence(name, owner, "one width or more", widths))
    return found


def split_parameters(flat: NDArray[Any], shape: PolicyShape) -> dict[str, NDArray[Any]]:
    """Return named arrays cut from one flat array; `shape` is a PolicyShape."""
    named = {}
    start = 0
    for name, extents in parameter_shapes(*shape).items():
        size = int(np.prod(extents))
        named[name] = flat[start : start + size].reshape(extents)
        start += size
    return named


def checked_parameters(parameters: Any, owner: str) -> tuple[dict[str, NDArray[Any]], PolicyShape]:
    """Return the named arrays in stable-baselines3's order and their PolicyShape."""
    if not hasattr(parameters, "items"):
        raise TypeError(
            f"The 'parameters' parameter of {owner} must be a mapping of names to arrays. "
            f"Got {type(parameters).__name__} instead."
        )
    parameters = dict(parameters.items())
    hidden = []
    for net in ("policy_net", "value_net"):
        widths: list[int] = []
        while f"mlp_extractor.{net}.{2 * len(widths)}.weight" in parameters:
            name = f"mlp_extractor.{net}.{2 * len(widths)}.weight"
            widths.append(_matrix(parameters[name], name, owner).shape[0])
        if not 1 <= len(widths) <= DEPTH_LIMIT:
            raise ValueError(
                f"The 'parameters' parameter of {owner} must hold 1 to {DEPTH_LIMIT} layers "
                f"'mlp_extractor.{net}.0.weight', '.2.weight', ... Got {len(widths)} instead."
            )
        hidden.append(tuple(widths))
    first = "mlp_extractor.policy_net.0.weight"
    inputs = _matrix(parameters[first], first, owner).shape[1]
    if "action_net.weight" not in parameters:
        raise ValueError(f"The 'parameters' parameter of {owner} lacks 'action_net.weight'.")
    actions = _matrix(parameters["action_net.weight"], "action_net.weight", owner).shape[0]
    wanted = parameter_shapes(inputs, actions, *hidden)
    missing = [name for name in wanted if name not in parameters]
    unknown = [name for name in parameters if name not in wanted]
    if missing or unknown:
        raise ValueError(
            f"The 'parameters' parameter of {owner} must hold {', '.join(wanted)}. "
            f"Got missing {missing} and unknown {unknown} instead."
        )
    arrays = {}
    for name, extents in wanted.items():
        given = np.asarray(parameters[name])
        dtype = np.float64 if given.dtype == np.float64 else np.float32
        arrays[name] = check_array(given, name, owner, dtype, extents)
    return arrays, PolicyShape(inputs, actions, *hidden)


def _matrix(value: ArrayLike, name: str, owner: str) -> NDArray[Any]:
    array = np.asarray(value)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(
            f"The '{name}' parameter of {owner} must be a matrix (outputs, inputs). "
            f"Got shape {array.shape} instead."
        )
    return array


def checked_multiplicity(multiplicity: ArrayLike, inputs: int, owner: str) -> NDArray[np.int64]:
    """Return `multiplicity` as int64 of shape (inputs,), all positive."""
    array = np.asarray(multiplicity)
    if array.dtype.kind not in "iu":
        raise TypeError(
            f"The 'multiplicity' parameter of {owner} must be an integer array. "
            f"Got dtype {array.dtype} instead."
        )
    array = check_array(array.reshape(-1), "multiplicity", owner, np.int64, (inputs,))
    if array.min() < 1:
        raise ValueError(
            f"The 'multiplicity' parameter of {owner} must be positive. Got {array.min()} instead."
        )
    return array


def episode_log(finished: Sequence[tuple[float, int]]) -> dict[str, float]:
    """Return the mean reward and length of episodes, of which stable-baselines3 takes 100."""
    if not finished:
        return {}
    rewards, lengths = zip(*finished, strict=True)
    return {
        "rollout/ep_rew_mean": float(np.mean(rewards)),
        "rollout/ep_len_mean": float(np.mean(lengths)),
    }


def log_dict(
    log: Sequence[float], learning_rate: float, clip_range: float, clip_range_vf: float | None
) -> dict[str, float]:
    """Return an update's log under stable-baselines3's names."""
    named = dict(zip(LOG_NAMES, log, strict=True))
    named["train/learning_rate"] = float(learning_rate)
    named["train/clip_range"] = float(clip_range)
    if clip_range_vf is not None:
        named["train/clip_range_vf"] = float(clip_range_vf)
    return named


def _permutations(permutations: ArrayLike, n_epochs: int | None, count: int) -> NDArray[np.int64]:
    array = np.asarray(permutations)
    epochs = len(array) if n_epochs is None and array.ndim == 2 else n_epochs
    wanted = f"an integer array of shape ({'n_epochs' if epochs is None else epochs}, {count})"
    if array.dtype.kind not in "iu":
        got = f"dtype {array.dtype}"
        raise TypeError(_must_be("permutations", wanted, got))
    if array.ndim != 2 or array.shape != (epochs, count) or len(array) < 1:
        raise ValueError(_must_be("permutations", wanted, f"shape {array.shape}"))
    check_integer(len(array), "n_epochs", "update", 1, EPOCH_LIMIT)
    if (np.sort(array, axis=1) != np.arange(count)).any():
        raise ValueError(
            _must_be("permutations", f"an order of 0 to {count - 1} in each row", "another")
        )
    return np.ascontiguousarray(array, np.int64)


def _rollout(
    rollout: Any, shape: PolicyShape, dtype: np.dtype[Any], gamma: float, gae_lambda: float
) -> Rollout:
    """Return the rollout's arrays, flat and checked."""
    if not hasattr(rollout, "keys"):
        raise TypeError(_must_be("rollout", "a mapping of names to arrays", repr(type(rollout))))
    rollout = {("obs" if name == "observations" else name): rollout[name] for name in rollout}
    if "advantages" not in rollout or "returns" not in rollout:
        wanted = ("rewards", "values", "episode_starts", "last_value", "last_episode_start")
        _require(rollout, wanted, " (or 'advantages' and 'returns')")
        rewards, values, starts, last_value, last_start = (rollout[name] for name in wanted)
        rollout["advantages"], rollout["returns"] = gae(
            rewards, values, starts, last_value, last_start, gamma, gae_lambda
        )
    _require(rollout, ("obs", "actions", "values", "log_probs", "advantages", "returns"), "")
    actions = np.asarray(rollout["actions"])
    if actions.dtype.kind not in "iu":
        raise TypeError(_must_be("actions", "an integer array", f"dtype {actions.dtype}"))
    if actions.ndim not in (1, 2) or actions.size == 0:
        raise ValueError(
            _must_be(
                "actions", "a non-empty array of shape (T,) or (T, E)", f"shape {actions.shape}"
            )
        )
    extents = actions.shape
    obs = np.asarray(rollout["obs"])
    if obs.shape[: len(extents)] != extents or obs.size != actions.size * shape[0]:
        raise ValueError(
            _must_be("obs", f"an array {extents} + {shape[0]} numbers a step", f"shape {obs.shape}")
        )
    obs = check_array(obs, "obs", "update", dtype).reshape(*extents, shape[0])
    columns = [
        check_array(rollout[name], name, "update", dtype, extents)
        for name in ("values", "log_probs", "advantages", "returns")
    ]
    if actions.min() < 0 or actions.max() >= shape[1]:
        bad = actions.min() if actions.min() < 0 else actions.max()
        raise ValueError(_must_be("actions", f"in the range [0, {shape[1] - 1}]", bad))
    actions = np.ascontiguousarray(actions, np.int64)
    if len(extents) == 2:
        obs, actions, *columns = (
            np.ascontiguousarray(a.swapaxes(0, 1)) for a in (obs, actions, *columns)
        )
    flat = [a.reshape(-1) for a in (obs, actions, *columns)]
    return Rollout._make([*flat, dtype.name])


def _require(rollout: Mapping[str, Any], names: Sequence[str], alternative: str) -> None:
    missing = [name for name in names if name not in rollout]
    if missing:
        raise ValueError(
            f"The 'rollout' parameter of update must hold {', '.join(map(repr, names))}"
            f"{alternative}. Got none of {', '.join(map(repr, missing))} instead."
        )


def _must_be(name: str, allowed: str, got: object) -> str:
    return f"The '{name}' parameter of update must be {allowed}. Got {got} instead."

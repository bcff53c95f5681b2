"""`PPO`, an agent for any Gymnasium environment."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spars._core.handles import Whole
from spars._support.archives import write_npz
from spars._support.checks import check_choice, check_extent, check_float, check_integer
from spars._support.errors import FormatError
from spars._support.formats import check_ending
from spars._support.progress import as_progress
from spars._support.types import FloatArray, PathLike, Progress
from spars.agents.files import FILE_FORMAT, read
from spars.agents.hyperparameters import checked_hyperparameters, hidden_widths
from spars.agents.policy import MlpPolicy
from spars.agents.ppo import (
    SEED_LIMIT,
    Rollout,
    checked_multiplicity,
    checked_parameters,
    episode_log,
    gae,
    log_dict,
)
from spars.agents.rates import Rate, check_rates
from spars.agents.stable_baselines import divided, with_channels_first, write_agent
from spars.game.spaces import bounds_of, spaces_of

__all__ = ["PPO"]


class PPO(Whole):
    """Proximal policy optimisation with stable-baselines3's names, defaults and results.

    Parameters
    ----------
    policy : {"MlpPolicy"}
        Two separate tanh networks of 64-64 on the flattened observation.
    env : Gymnasium environment, or list of them
        Observations are a Box, flattened and taken as they are in float32; actions are Discrete.
        Several environments are stepped one after the other in each step, and reset when an
        episode ends. None for a loaded agent that only predicts.
    learning_rate, clip_range, clip_range_vf : float or callable
        Numbers, or functions of the remaining progress, which falls from 1 to 0.
    n_steps : int
        Steps in each environment between updates.
    batch_size, n_epochs, gamma, gae_lambda, normalize_advantage, ent_coef, vf_coef, \
    max_grad_norm, target_kl
        As in stable-baselines3.
    seed : int, optional
        Seed of the environments, the initialisation, the actions and the minibatches; drawn from
        the operating system if not given.
    verbose : int
        1 prints each update's log to standard error, 0 nothing.
    multiplicity : integer array, optional
        How many replicas each input stands for (`spars.ppo.resize_multiplicity`). Taken from the
        environment's ``observation_multiplicity`` where it has one.
    net_arch : dict of str to list of int, optional
        Other hidden widths: ``{"pi": [64, 64], "vf": [64, 64]}``.

    Attributes
    ----------
    policy : MlpPolicy
    num_timesteps : int
        Environment steps made in the current `learn`.
    log : dict of str to float
        What the last update logged, under stable-baselines3's names.

    Examples
    --------
    >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
    >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
    >>> env = spars.WindowSearchEnv(scan, darkness, (8, 8, 8), grid=scan.shape, seed=0)
    >>> agent = spars.PPO("MlpPolicy", env, n_steps=16, batch_size=8, seed=0).learn(32)
    >>> action, _ = agent.predict(env.reset()[0], deterministic=True)
    >>> agent.save("agent.npz")
    >>> again = spars.PPO.load("agent.npz")
    >>> sorted(again.parameters()) == sorted(agent.parameters())
    True
    """

    observation_shape: tuple[int, ...]
    action_count: int
    action_start: int
    _is_seeded: bool
    _finished: list[tuple[float, int]]
    _obs: FloatArray
    _seen: FloatArray

    def __init__(
        self,
        policy: str,
        env: Any,
        learning_rate: Rate = 3e-4,
        n_steps: int = 2048,
        batch_size: int = 64,
        n_epochs: int = 10,
        gamma: float = 0.99,
        gae_lambda: float = 0.95,
        clip_range: Rate = 0.2,
        clip_range_vf: Rate | None = None,
        normalize_advantage: bool = True,
        ent_coef: float = 0.0,
        vf_coef: float = 0.5,
        max_grad_norm: float = 0.5,
        target_kl: float | None = None,
        seed: int | None = None,
        verbose: int = 0,
        *,
        multiplicity: ArrayLike | None = None,
        net_arch: Mapping[str, Sequence[int]] | Sequence[int] | None = None,
    ) -> None:
        check_choice(policy, "policy", "PPO", ("MlpPolicy",))
        self.n_steps = check_integer(n_steps, "n_steps", "PPO", 1)
        self.gamma = check_float(gamma, "gamma", "PPO", 0.0, 1.0)
        self.gae_lambda = check_float(gae_lambda, "gae_lambda", "PPO", 0.0, 1.0)
        self.verbose = check_integer(verbose, "verbose", "PPO", 0, 2)
        if seed is None:
            seed = secrets.randbits(64)
        self.seed = check_integer(seed, "seed", "PPO", 0, SEED_LIMIT)
        self._schedules = {
            "learning_rate": learning_rate,
            "clip_range": clip_range,
            "clip_range_vf": clip_range_vf,
        }
        self._fixed = {
            "n_epochs": n_epochs,
            "batch_size": batch_size,
            "normalize_advantage": normalize_advantage,
            "ent_coef": ent_coef,
            "vf_coef": vf_coef,
            "max_grad_norm": max_grad_norm,
            "target_kl": target_kl,
            "adam_eps": 1e-5,
        }
        self._hyperparameters(1.0)
        self._set_environments(env)
        if len(self._envs) * self.n_steps < 2 and normalize_advantage:
            raise ValueError(
                "The 'n_steps' parameter of PPO must give 2 steps or more in all where advantages "
                f"are normalised. Got {n_steps} instead."
            )
        if multiplicity is None:
            inner = getattr(self._envs[0], "unwrapped", self._envs[0])
            multiplicity = getattr(inner, "observation_multiplicity", None)
        inputs = int(np.prod(self.observation_shape))
        if multiplicity is not None:
            multiplicity = checked_multiplicity(multiplicity, inputs, "PPO")
        self.policy = MlpPolicy(
            inputs, self.action_count, *hidden_widths(net_arch), multiplicity, self.seed
        )
        self.policy.observation_shape = self.observation_shape
        self._is_image = False
        self.num_timesteps = 0
        self.log: dict[str, float] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_seen": np.empty((0, 0, 0), np.float32)}

    # -- Training

    def learn(
        self,
        total_timesteps: int,
        callback: Callable[[PPO], object] | None = None,
        progress: Progress | bool | None = None,
        reset_num_timesteps: bool = True,
    ) -> Self:
        """Collect and update until `total_timesteps` environment steps are made.

        As in stable-baselines3, whole rollouts are collected, so that more steps may be made than
        asked for, and every call starts new episodes unless `reset_num_timesteps` is false.

        Parameters
        ----------
        total_timesteps : int
            Environment steps, counted over all environments.
        callback : callable, optional
            Called with this agent after every step; returning False ends training.
        progress : callable or True, optional
            Called with (done, planned) steps; True draws a bar (the extra "progress").
        reset_num_timesteps : bool
            Whether to count, and play, from the start.

        Returns
        -------
        PPO
            This agent.
        """
        total_timesteps = check_integer(total_timesteps, "total_timesteps", "learn", 1)
        if not self._envs:
            raise ValueError(
                "The 'env' parameter of PPO must be an environment before learn is called. "
                "Got None instead."
            )
        if reset_num_timesteps or len(self._obs) == 0:
            self.num_timesteps = 0
            self._reset()
        else:
            total_timesteps += self.num_timesteps
        progress = as_progress(progress, "learn", "steps")
        started, first = time.monotonic(), self.num_timesteps
        while self.num_timesteps < total_timesteps:
            rollout = self._collect(callback, progress, total_timesteps)
            if rollout is None:
                break
            remaining = 1.0 - self.num_timesteps / total_timesteps
            hyperparameters, rates = self._hyperparameters(remaining)
            log = self.policy.learn(hyperparameters, rollout)
            self._finished = self._finished[-100:]
            self.log = episode_log(self._finished) | log_dict(log, *rates)
            self.log["time/total_timesteps"] = float(self.num_timesteps)
            elapsed = max(time.monotonic() - started, 1e-9)
            self.log["time/fps"] = (self.num_timesteps - first) / elapsed
            if self.verbose:
                print(self._summary(), file=sys.stderr)
        return self

    def _hyperparameters(self, remaining: float) -> tuple[dict[str, Any], tuple[Any, ...]]:
        """Return the checked numbers and (learning_rate, clip_range, clip_range_vf)."""
        rates = {
            name: value(remaining) if callable(value) else value
            for name, value in self._schedules.items()
        }
        return checked_hyperparameters("PPO", **rates, **self._fixed), tuple(rates.values())

    def _reset(self) -> None:
        seeds: list[int | None] = [None] * len(self._envs)
        if not self._is_seeded:
            seeds = [(self.seed + i) % 2**32 for i in range(len(self._envs))]
            self._is_seeded = True
        self._obs = np.stack(
            [
                self._flat(env.reset(seed=seed)[0])
                for env, seed in zip(self._envs, seeds, strict=True)
            ]
        )
        self._starts = np.ones(len(self._envs))
        self._episode = [(0.0, 0)] * len(self._envs)
        self._finished = []

    def _collect(
        self, callback: Callable[[PPO], object] | None, progress: Progress | None, planned: int
    ) -> Rollout | None:
        """Return a flat rollout of `n_steps` steps in each environment, or None to stop."""
        count, inputs = len(self._envs), self.policy.inputs
        shape = (count, self.n_steps, inputs)
        if self._seen.shape != shape:
            self._seen = np.empty(shape, np.float32)
        obs = self._seen
        actions = np.empty((self.n_steps, count), np.int64)
        log_probs = np.empty((self.n_steps, count), np.float32)
        rewards = np.zeros((self.n_steps, count))
        starts = np.zeros((self.n_steps, count))
        for step in range(self.n_steps):
            obs[:, step] = self._obs
            starts[step] = self._starts
            actions[step], log_probs[step] = self.policy.act(self._obs)
            for i in range(count):
                rewards[step, i] = self._step(i, int(actions[step, i]))
            self.num_timesteps += count
            if progress is not None:
                progress(min(self.num_timesteps, planned), planned)
            if callback is not None and callback(self) is False:
                return None
        # Values are needed only now, so the critic's weights are read once a rollout.
        values = self.policy.values(obs.reshape(-1, inputs)).reshape(count, -1).T
        advantages, returns = gae(
            rewards,
            values,
            starts,
            self.policy.values(self._obs),
            self._starts,
            self.gamma,
            self.gae_lambda,
        )
        flat = [obs, *(a.T for a in (actions, values, log_probs, advantages, returns))]
        columns = [np.ascontiguousarray(a).reshape(-1) for a in flat]
        return Rollout._make([*columns, Rollout._field_defaults["precision"]])

    def _step(self, i: int, action: int) -> float:
        """Step environment `i`, reset it at an episode's end, and return what is learned from."""
        env = self._envs[i]
        obs, reward, terminated, truncated, _ = env.step(action + self.action_start)
        reward = float(reward)
        total, length = self._episode[i]
        self._episode[i] = (total + reward, length + 1)
        ended = bool(terminated or truncated)
        if ended:
            self._finished.append(self._episode[i])
            self._episode[i] = (0.0, 0)
            if truncated and not terminated:
                # The episode goes on behind the limit: its value there stands for the rest.
                reward += self.gamma * float(self.policy.values(self._flat(obs)[None])[0])
            obs = env.reset()[0]
        self._obs[i] = self._flat(obs)
        self._starts[i] = ended
        return reward

    def _summary(self) -> str:
        return "\n".join(f"{name:32} {value:.6g}" for name, value in sorted(self.log.items()))

    # -- Use

    def predict(
        self,
        obs: ArrayLike,
        state: object = None,
        episode_start: object = None,
        deterministic: bool = False,
    ) -> tuple[Any, None]:
        """Return an action for an observation, or actions for a batch of them, and None.

        Parameters
        ----------
        obs : array
            An observation, or several along one axis of any length before it.
        state, episode_start
            For compatibility with recurrent policies; not used.
        deterministic : bool
            The most probable action instead of a drawn one.

        Returns
        -------
        action : numpy.int64 or int64 array of shape (N,)
        state : None
        """
        obs = np.asarray(obs)
        if self._is_image:
            obs = with_channels_first(obs, self.observation_shape)
        single = obs.shape == self.observation_shape
        if not single and obs.shape[1:] != self.observation_shape:
            raise ValueError(
                f"The 'obs' parameter of predict must be of shape {self.observation_shape}, or a "
                f"batch of such. Got shape {obs.shape} instead."
            )
        actions = self.policy.act(obs[None] if single else obs, deterministic)[0]
        actions = actions + self.action_start
        return (actions[0] if single else actions), None

    def parameters(self) -> dict[str, FloatArray]:
        """Return the parameters as float32 arrays under stable-baselines3's names."""
        return self.policy.parameters()

    # -- Files

    def save(self, path: PathLike) -> None:
        """Write everything but the environment.

        Parameters
        ----------
        path : path
            A name that ends in ".zip" makes a file for ``stable_baselines3.PPO.load``: its
            observation is this agent's, in float32. Any other name makes NumPy's npz with a JSON
            description, from which `load` continues to the bit; another format's ending is refused.
            Nothing in either is executed by `load`.
        """
        check_ending(path, (".npz", ".zip"), "PPO.save")
        for name, value in self._schedules.items():
            if callable(value):
                raise ValueError(
                    f"The '{name}' parameter of PPO must be a number to be saved. "
                    f"Got a function instead."
                )
        description: dict[str, Any] = {
            "n_steps": self.n_steps,
            "gamma": self.gamma,
            "gae_lambda": self.gae_lambda,
            "seed": self.seed,
            "observation_shape": list(self.observation_shape),
            "actions": self.action_count,
            "action_start": self.action_start,
            "is_image": self._is_image,
            **self._schedules,
        }
        description |= {name: v for name, v in self._fixed.items() if name != "adam_eps"}
        parameters = self.policy.parameters()
        moments, counters = self.policy.state()
        if Path(path).suffix == ".zip":
            description |= {"bounds": self._bounds, "num_timesteps": self.num_timesteps}
            steps, updates = (int(count) for count in counters[:2])
            return write_agent(path, description, parameters, (moments, (steps, updates)))
        arrays: dict[str, NDArray[Any]] = {f"parameter.{k}": v for k, v in parameters.items()}
        arrays |= {"moments": moments, "counters": counters}
        if self.policy.multiplicity is not None:
            arrays["multiplicity"] = self.policy.multiplicity
        return write_npz(path, description, arrays, FILE_FORMAT)

    @classmethod
    def load(
        cls,
        path: PathLike,
        env: Any = None,
        *,
        window: Sequence[int] | None = None,
        image_axes: str | None = None,
        **rates: Rate | None,
    ) -> Self:
        """Read an agent that `save` wrote, or a PPO agent of stable-baselines3.

        Parameters
        ----------
        path : path
            Where `save` wrote to, or a ``.zip`` of stable-baselines3's PPO with "MlpPolicy" and
            Discrete actions. Neither it nor PyTorch is needed, and nothing in the file is executed.
        env : Gymnasium environment or list of them, optional
            To go on learning; must have the agent's observation shape and actions.
        window : (int, int, int), optional
            For a policy of stable-baselines3 that saw a window resized by nearest neighbour: the
            window's extent. First-layer weights are summed over each voxel's replicas, and the
            agent takes windows as they are, with the same probabilities.
        image_axes : {"first", "last"}, optional
            For a policy of stable-baselines3 that saw byte images: whether observations, and
            `window`, have the channels first, as the file has them, or last, as its environment
            did. Needed where a window's shape does not tell; without it either order is taken.
        **rates
            `learning_rate`, `clip_range` and `clip_range_vf` in place of the file's. Files of
            stable-baselines3 up to 2.6 hold clip ranges as functions, which are not read: such an
            agent predicts, and learns once they are given.

        Raises
        ------
        FormatError
            The file is neither, or is broken, or the policy is of another kind.
        ValueError
            The environment does not fit.

        Notes
        -----
        stable-baselines3 divides byte images by 255 and keeps them with channels first: weights are
        scaled, so that the agent takes bytes as numbers, in the order of the axes in the file.
        Adam's moments are kept unless weights were summed or scaled. Random numbers are this
        library's.
        """
        path = Path(path)
        window = None if window is None else check_extent(window, "window", "load")
        if image_axes is not None:
            check_choice(image_axes, "image_axes", "load", ("first", "last"))
        check_rates(rates, "load")
        try:
            stored = read(path, window, image_axes)
            parameters, (moments, counted) = stored.parameters, stored.state
            hidden = checked_parameters(parameters, "load")[1][2:]
            net_arch = dict(zip(("pi", "vf"), hidden, strict=True))
            known, unread = divided(stored.description | rates)
            agent = cls(
                "MlpPolicy", stored.spaces, multiplicity=stored.multiplicity, net_arch=net_arch,
                **known,
            )  # fmt: skip
            agent._schedules |= unread
            agent._is_image = stored.is_image
            agent.policy.set_parameters(parameters)
            if moments is not None:
                # stable-baselines3's random numbers are not ours: the seed's own stay.
                counters = agent.policy.state()[1]
                counters[: len(counted)] = counted
                agent.policy.set_state(moments, counters)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            if isinstance(error, FormatError):
                raise
            raise FormatError(f"{path}: not an agent that PPO saved: {error}") from error
        agent._envs = []
        if env is not None:
            agent._fit(env)
        return agent

    def _fit(self, env: Any) -> None:
        """Take environments that must fit this agent."""
        wanted = self.observation_shape, self.action_count, self.action_start
        self._set_environments(env)
        found = self.observation_shape, self.action_count, self.action_start
        if found != wanted:
            raise ValueError(
                f"The 'env' parameter of load must have observations of shape {wanted[0]} and "
                f"{wanted[1]} actions. Got {found[0]} and {found[1]} instead."
            )

    # -- Environments

    def _set_environments(self, env: Any) -> None:
        self._envs = list(env) if isinstance(env, (list, tuple)) else [env]
        self._obs = np.empty((0, 0), np.float32)  # none before the first reset
        self._seen = np.empty((0, 0, 0), np.float32)  # memory for a rollout's, no state
        self._is_seeded = False
        if not self._envs:
            raise ValueError("The 'env' parameter of PPO must be an environment. Got [] instead.")
        seen = {spaces_of(env) for env in self._envs}
        if len(seen) > 1:
            raise ValueError(
                "The 'env' parameter of PPO must be environments of equal spaces. "
                f"Got {seen} instead."
            )
        self.observation_shape, self.action_count, self.action_start = seen.pop()
        self._bounds = bounds_of(self._envs[0].observation_space)

    def _flat(self, obs: ArrayLike) -> FloatArray:
        obs = np.asarray(obs, np.float32)
        if obs.shape != self.observation_shape:
            raise ValueError(
                f"The 'env' parameter of PPO must give observations of shape "
                f"{self.observation_shape}, as its space says. Got shape {obs.shape} instead."
            )
        return obs.reshape(-1)

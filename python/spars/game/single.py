"""The game for one agent, its opponent inside: a Gymnasium environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spars._support.checks import check_integer, shown
from spars._support.defaults import TERMINATION_THRESHOLD_OF_RECORD, WINDOW_OF_RECORD
from spars._support.types import Scan
from spars.game.environment import (
    Env,
    OneGame,
    checked_render_mode,
    keeps_map,
    observation_shape,
    observation_space,
)
from spars.game.field import ACTIONS, Field, Games, check_action, wrapped_uint8
from spars.game.scorers import Scorer
from spars.game.spaces import Discrete
from spars.volume.protocol import Protocol
from spars.volume.resampling import resize_multiplicity


class WindowSearchEnv(OneGame, Env):
    """The game for one agent, its opponent inside: a Gymnasium environment.

    Parameters
    ----------
    volume, scorer, window, protocol, termination_threshold, grid, stride, observation, render_mode
        As for `parallel_env`.
    opponent : None, policy or callable
        None always answers action 0, as the released environment does before its first refresh.
        Else something with ``predict(observation)``, which returns an action or a pair that begins
        with one, or a callable of the observation. It sees its own window before it moves.
    seed : int, optional
        Seeds the action space.
    **switches
        Single switches of the protocol.

    Attributes
    ----------
    windows, score_map, scores, field
        As for `parallel_env`.
    opponent
        May be replaced at any time.

    Notes
    -----
    Under `observation_cast` "uint8" (published) the observation is the crop cast to bytes as
    stable-baselines3's rollout casts it there (D12). stable-baselines3 then takes it for an image,
    moves its last axis to the front and divides it by 255, as it did in the released scripts. The
    opponent gets the crop uncast, float32, where `opponent_observation` is "uncast" (D13).

    Examples
    --------
    >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
    >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
    >>> env = spars.WindowSearchEnv(
    ...     scan, darkness, (8, 8, 8), grid=scan.shape, seed=0, render_mode="rgb_array"
    ... )
    >>> observation, info = env.reset(seed=0)
    >>> observation, reward, terminated, truncated, info = env.step(env.action_masks().argmax())
    >>> observation.shape, env.score_map.shape, sorted(env.scores), sorted(env.windows)
    ((8, 8, 8), (32, 32, 24), ['learner', 'opponent'], ['learner', 'opponent'])
    >>> env.render().shape, env.opponent, env.observation_multiplicity is None
    ((32, 32, 3), None, False)
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}

    def __init__(
        self,
        volume: Scan,
        scorer: Scorer,
        window: Sequence[int] = WINDOW_OF_RECORD,
        protocol: str | Protocol = "paper",
        termination_threshold: float = TERMINATION_THRESHOLD_OF_RECORD,
        grid: Sequence[int] | None = None,
        stride: int = 4,
        opponent: Any = None,
        seed: int | None = None,
        observation: str = "window",
        render_mode: str | None = None,
        **switches: Any,
    ) -> None:
        owner = "WindowSearchEnv"
        self.field = Field(
            volume, scorer, window, protocol, termination_threshold, grid, stride, switches, owner
        )
        self.render_mode = checked_render_mode(render_mode, owner)
        self.opponent = opponent
        self._shape = observation_shape(self.field, observation, owner)
        protocol = self.field.protocol
        self._casts = protocol.observation_cast == "uint8"
        self._casts_opponent = self._casts and protocol.opponent_observation == "same"
        self.observation_space = observation_space(self.field, self._shape, self._casts)
        self.action_space = Discrete(ACTIONS)
        if seed is not None:
            self.action_space.seed(check_integer(seed, "seed", owner, 0))
        self._games = Games(self.field)

    @property
    def opponent(self) -> Any:
        """Who plays the other window."""
        return self._opponent

    @opponent.setter
    def opponent(self, opponent: Any) -> Any:
        answer = getattr(opponent, "predict", opponent)
        if answer is not None and not callable(answer):
            raise TypeError(
                "The 'opponent' parameter of WindowSearchEnv must be None, a policy with 'predict' "
                f"or a callable. Got {shown(opponent)} instead."
            )
        self._opponent, self._answer = opponent, answer

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Put both windows back to the start.

        Parameters
        ----------
        seed : int, optional
            Accepted as Gymnasium wants; the game draws nothing.
        options : dict, optional
            "keep_map": whether the map goes on over this reset; default by `map_read` (D11).

        Returns
        -------
        observation, info
        """
        super().reset(seed=seed)
        self._games.reset(0, keeps_map(self.field, options))
        return self._observation(0, self._casts), self._info()

    def step(self, action: Any) -> tuple[NDArray[Any], float, bool, bool, dict[str, Any]]:
        """Move both windows.

        Returns
        -------
        observation, reward, terminated, truncated, info
            `info` has "scores", "windows" and "opponent_action".
        """
        learner = check_action(action, "action", "WindowSearchEnv")
        opponent = self._opponent_action()
        games = self._games
        games.step(np.array([learner], np.int8), np.array([opponent], np.int8))
        info = self._info()
        info["opponent_action"] = opponent
        return (
            self._observation(0, self._casts), float(games.rewards[0]), bool(games.terminated[0]),
            bool(games.truncated[0]), info,
        )  # fmt: skip

    @property
    def observation_multiplicity(self) -> NDArray[np.int64] | None:
        """How many voxels of the classifier's input each observed voxel becomes, or None.

        int64 (wx * wy * wz,), for `spars.PPO`: None where observations are resized already.
        """
        if self._shape != self.field.window:
            return None
        return resize_multiplicity(self._shape, self.field.input_shape)

    def action_masks(self) -> NDArray[np.bool_]:
        """Return which actions move the learner's window: bool (6,)."""
        return self._games.action_masks()[0, 0]

    def _opponent_action(self) -> int:
        if self._answer is None:
            return 0
        answer = self._answer(self._observation(1, self._casts_opponent))
        if isinstance(answer, tuple):
            answer = answer[0]
        # A policy may answer for a batch of one.
        if isinstance(answer, np.ndarray) and answer.size == 1:
            answer = answer.item()
        return self._check_answer(answer)

    def _check_answer(self, answer: Any) -> int:
        return check_action(answer, "opponent", "WindowSearchEnv, its answer,")

    def _observation(self, agent: int, casts: bool) -> NDArray[Any]:
        observation = self._games.observation(0, agent, self._shape)
        return wrapped_uint8(observation) if casts else observation

    def _info(self) -> dict[str, Any]:
        return {"scores": self.scores, "windows": self.windows}

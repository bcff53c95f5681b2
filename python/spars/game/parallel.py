"""The two-player environment behind `spars.parallel_env`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from spars._support.checks import check_integer
from spars._support.types import FloatArray
from spars.game.environment import (
    OneGame,
    checked_render_mode,
    keeps_map,
    observation_shape,
    observation_space,
)
from spars.game.field import ACTIONS, AGENTS, Field, Games, check_action
from spars.game.spaces import Box, Discrete

#: By the names of agents.
ByAgent: TypeAlias = dict[str, Any]
Environment = TypeVar("Environment")


@functools.cache
def pettingzoo_class(environment: type[Environment]) -> type[Environment]:
    """Return an environment's class, derived from PettingZoo's where that is installed."""
    try:
        from pettingzoo import ParallelEnv
    except ImportError:
        return environment
    members = {"__module__": environment.__module__, "_plain": environment}
    return type(f"{environment.__name__}Env", (environment, ParallelEnv), members)


def _empty(environment: type[ParallelWindowSearch]) -> ParallelWindowSearch:
    """Return an environment with no attributes yet, of the class that has PettingZoo's as a base.

    That class is made when it is asked for, so that no pickle can name it.
    """
    made: Any = pettingzoo_class
    return object.__new__(made(environment))


class ParallelWindowSearch(OneGame):
    """Two agents, each moving a window; see `spars.parallel_env`."""

    metadata = {"name": "window_search_v0", "render_modes": ["rgb_array"], "render_fps": 10}

    def __init__(
        self, field: Field, seed: int | None, observation: str, render_mode: str | None
    ) -> None:
        self.field = field
        self.render_mode = checked_render_mode(render_mode, field.owner)
        self._shape = observation_shape(field, observation, field.owner)
        self._make_spaces(lambda: observation_space(field, self._shape, False), ACTIONS, seed)
        self._games = Games(field)

    def __reduce__(self) -> tuple[Any, ...]:
        return _empty, (getattr(self, "_plain", type(self)),), vars(self)

    def _make_spaces(self, seen: Callable[[], Box], answers: int, seed: int | None) -> None:
        """Give each agent a space of its own: what `seen` returns, and a number of answers."""
        self.possible_agents = list(AGENTS)
        self.agents = list(AGENTS)
        self.observation_spaces = {agent: seen() for agent in AGENTS}
        self.action_spaces = {agent: Discrete(answers) for agent in AGENTS}
        if seed is not None:
            seed = check_integer(seed, "seed", self.field.owner, 0)
            for i, agent in enumerate(AGENTS):
                self.action_spaces[agent].seed(seed + i)

    @property
    def unwrapped(self) -> Self:
        """The environment itself."""
        return self

    @property
    def num_agents(self) -> int:
        """How many agents play on."""
        return len(self.agents)

    @property
    def max_num_agents(self) -> int:
        """How many agents there are."""
        return len(self.possible_agents)

    def observation_space(self, agent: str) -> Box:
        """Return what `agent` can see."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Discrete:
        """Return what `agent` can do."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[ByAgent, ByAgent]:
        """Put both windows back to the start.

        Parameters
        ----------
        seed : int, optional
            Accepted as PettingZoo wants; the game draws nothing.
        options : dict, optional
            "keep_map": whether the map goes on over this reset; default by `map_read` (D11).

        Returns
        -------
        observations, infos : dict by agent
        """
        self._games.reset(0, keeps_map(self.field, options))
        self.agents = list(AGENTS)
        return self._observations(), self._infos()

    def step(
        self, actions: Mapping[str, Any]
    ) -> tuple[ByAgent, ByAgent, ByAgent, ByAgent, ByAgent]:
        """Move both windows.

        Parameters
        ----------
        actions : dict
            An action 0 to 5 for "learner" and "opponent"; empty where `agents` is.

        Returns
        -------
        observations, rewards, terminations, truncations, infos : dict by agent
            An info has "score", "window" and "action_mask", int8 (6,) with 1 where an action moves
            the window.
        """
        if not actions and not self.agents:
            return {}, {}, {}, {}, {}
        actions = dict(zip(AGENTS, self._answers(actions), strict=True))
        games = self._games
        moves = [
            check_action(actions[agent], f"actions[{agent!r}]", self.field.owner)
            for agent in AGENTS
        ]
        games.step(np.array(moves[:1], np.int8), np.array(moves[1:], np.int8))
        reward = float(games.rewards[0])
        terminated, truncated = bool(games.terminated[0]), bool(games.truncated[0])
        self.agents = [] if terminated or truncated else list(AGENTS)
        return (
            self._observations(),
            {"learner": reward, "opponent": 0.0 - reward},
            dict.fromkeys(AGENTS, terminated),
            dict.fromkeys(AGENTS, truncated),
            self._infos(),
        )

    def _answers(self, actions: Mapping[str, Any]) -> list[Any]:
        """Return both agents' answers, which must both be there."""
        missing = [agent for agent in AGENTS if agent not in actions]
        if missing:
            raise ValueError(
                f"The 'actions' parameter of {self.field.owner} must hold an action for each of "
                f"{AGENTS}. Got none for '{missing[0]}' instead."
            )
        return [actions[agent] for agent in AGENTS]

    def close(self) -> None:
        """Do nothing: memory goes with the object."""

    @property
    def visits(self) -> tuple[NDArray[np.int64], FloatArray]:
        """What the map is made of: int64 (m, 4) of x, y, z, agent, and float32 (m,) added."""
        return self._games.visits()

    def _observations(self) -> ByAgent:
        return {agent: self._games.observation(0, i, self._shape) for i, agent in enumerate(AGENTS)}

    def _infos(self) -> ByAgent:
        windows, scores = self.windows, self.scores
        # Gymnasium's `Discrete.sample` and PettingZoo's tests take bytes.
        masks = self._games.action_masks()[0].astype(np.int8)
        return {
            agent: {"score": scores[agent], "window": windows[agent], "action_mask": masks[i]}
            for i, agent in enumerate(AGENTS)
        }

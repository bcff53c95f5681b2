"""The exhaustion game: each place counts once, and the players decide when there is nothing left.

The second game rule, after "Competing for pixels" (Saeed and others, 2025, IEEE TPAMI 47(2),
arXiv 2405.16628) and its released code. docs/reference/exhaustion.md says rule by rule what is
theirs and what is our reading.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spars._core import Handle, Whole, native
from spars._support.checks import check_choice, check_integer
from spars._support.defaults import WINDOW_OF_RECORD
from spars._support.types import FloatArray, Scan
from spars.game.environment import checked_render_mode, keeps_map
from spars.game.field import ACTIONS, AGENTS, Field, Games, check_action
from spars.game.parallel import ByAgent, ParallelWindowSearch
from spars.game.rules import ANSWER_COUNT, ExhaustionRule, checked_rule
from spars.game.scorers import Scorer
from spars.game.single import WindowSearchEnv
from spars.game.spaces import Box, Discrete
from spars.volume.protocol import Protocol

__all__ = ["ANSWER_COUNT", "ExhaustionEnv", "ExhaustionGame", "ExhaustionRule"]

OBSERVATIONS = ("neighbours", "window")


class ExhaustionGames(Games):
    """One or many exhaustion games on a field, stepped together by the core.

    As `Games`; `rewards` (n, 2) are each agent's, and `scores` what the last places were worth: 0
    where they had been shown before.
    """

    def __init__(
        self,
        field: Field,
        rule: ExhaustionRule,
        n: int = 1,
        resets_itself: bool = False,
        maps: str = "run",
    ) -> None:
        self._rule = rule
        super().__init__(field, n, resets_itself, maps)
        self.rewards = np.zeros((n, 2))

    def _created(self, n: int, resets_itself: bool, maps: str) -> int:
        rule = self._rule.bounded()
        return native.exhaustion_create(self.field.handle, n, resets_itself, maps, rule)

    def _value(self) -> dict[str, Any]:
        shown = [self.shown(index) for index in range(self._options[0])]
        return {**super()._value(), "shown": shown}

    def _made(self, value: dict[str, Any]) -> Handle:
        handle = super()._made(value)
        for index, places in enumerate(value["shown"]):
            native.exhaustion_set_shown(handle.value, index, places)
        return handle

    def step(self, learner: NDArray[np.int8], opponent: NDArray[np.int8]) -> None:
        """Step every game by two int8 arrays of answers; results are in the attributes."""
        native.exhaustion_step(self._handle.value, learner, opponent, self, self.field.scorer)

    def look(self) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return what each agent's six moves lead to.

        Returns
        -------
        worths : float32 (n, 2, 6)
            What the places are worth: their score, or 0 where they have been shown.
        shown : bool (n, 2, 6)
            Whether they have.
        """
        shape = (len(self._steps), 2, ACTIONS)
        worths, shown = np.empty(shape, np.float32), np.empty(shape, np.bool_)
        native.exhaustion_look(self._handle.value, worths, shown, self.field.scorer)
        return worths, shown

    def shown_count(self, index: int = 0) -> int:
        """Return how many places the episode has shown."""
        return native.exhaustion_shown_count(self._handle.value, index)

    def shown(self, index: int = 0) -> NDArray[np.int64]:
        """Return the places that the episode has shown, int64 (m, 3), in their order."""
        places = np.empty((self.shown_count(index), 3), np.int64)
        native.exhaustion_shown(self._handle.value, index, places)
        return places


class ExhaustionGame(Whole):
    """One exhaustion game on a field; environments are made of it.

    Parameters
    ----------
    field : Field
        What is played on. Its termination threshold has no meaning here: scores end nothing.
    rule : ExhaustionRule, optional
        The game's numbers.
    observation : {"neighbours", "window"}
        "neighbours": what is left at the six places that the moves lead to, whether each has been
        shown already, and the window's place, each axis from -1 to 1; 15 numbers. "window": the
        crop's voxels, then whether each of the six places has been shown already.

    Attributes
    ----------
    exhausted : list of tuple of three ints
        Places shown in this episode, in their order; the segmentation of the paper is their union.
    shown_count : int
        How many they are.
    scores : ndarray of float32, shape (2,)
        What each agent's last place was worth: its score, or 0 where it had been shown before.

    Examples
    --------
    >>> from spars.game.field import Field
    >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
    >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
    >>> field = Field(scan, darkness, (8, 8, 8), "paper", 1.0, scan.shape, 4, {}, "example")
    >>> game = spars.exhaustion.ExhaustionGame(field)
    >>> game.reset()
    >>> worth, terminated, truncated = game.step(0, 2)
    >>> game.shown_count, len(game.exhausted), game.action_mask(0).shape
    (2, 2, (12,))
    >>> game.observed(0).shape == game.observation_space().shape
    True
    """

    def __init__(
        self, field: Field, rule: ExhaustionRule | None = None, observation: str = "neighbours"
    ) -> None:
        self.field = field
        self.rule = checked_rule("exhaustion", rule, field.owner) or ExhaustionRule()
        check_choice(observation, "observation", field.owner, OBSERVATIONS)
        self.observation = observation
        self.games = ExhaustionGames(field, self.rule)
        self.reset()

    @property
    def exhausted(self) -> list[tuple[int, ...]]:
        """Places shown in this episode, in their order."""
        return [tuple(place) for place in self.games.shown().tolist()]

    @property
    def shown_count(self) -> int:
        """How many places this episode has shown."""
        return self.games.shown_count()

    def reset(self, keep_map: bool = False) -> None:
        """Begin an episode: both windows at the start, nothing shown yet."""
        self.games.reset(0, keep_map)
        self.scores = self.games.scores[0].copy()
        self._look()

    def step(self, learner: Any, opponent: Any) -> tuple[tuple[float, float], bool, bool]:
        """Make both answers, each 0 to 11.

        Returns
        -------
        rewards : (float, float)
            The learner's and the opponent's.
        terminated, truncated : bool
            Whether an agent called the end, or the step limit came without.
        """
        answers = [
            check_action(answer, f"actions[{agent!r}]", self.field.owner, ANSWER_COUNT)
            for agent, answer in zip(AGENTS, (learner, opponent), strict=True)
        ]
        games = self.games
        games.step(np.array(answers[:1], np.int8), np.array(answers[1:], np.int8))
        self.scores = games.scores[0].copy()
        self._look()
        return tuple(games.rewards[0].tolist()), bool(games.terminated[0]), bool(games.truncated[0])

    def observed(self, agent: int) -> FloatArray:
        """Return what agent 0 or 1 sees: float32 of the observation's shape."""
        shown = self._shown[agent]
        if self.observation == "window":
            crop = self.games.observation(0, agent, self.field.window)
            return np.concatenate([crop.reshape(-1), shown], dtype=np.float32)
        rooms = np.subtract(self.field.grid, self.field.window).tolist()
        place = [
            2 * min(max(start, 0), room) / room - 1 if room else 0.0
            for start, room in zip(self._origins[agent], rooms, strict=True)
        ]
        return np.concatenate([self._worths[agent], shown, place], dtype=np.float32)

    def observation_space(self) -> Box:
        """Return the space of what an agent sees."""
        if self.observation == "neighbours":
            return Box(-1.0, 1.0, (2 * ACTIONS + 3,), np.float32)
        values = self.field.array
        low, high = min(float(values.min()), 0.0), max(float(values.max()), 1.0)
        size = int(np.prod(self.field.window)) + ACTIONS
        return Box(np.float32(low), np.float32(high), (size,), np.float32)

    def action_mask(self, agent: int) -> NDArray[np.bool_]:
        """Return which answers move agent 0's or 1's window: bool (12,)."""
        return np.tile(self.games.action_masks()[0, agent], 2)

    def _look(self) -> None:
        """Remember where each agent stands and what its six moves lead to."""
        self._origins = self.games.windows()[0].tolist()
        worths, shown = self.games.look()
        self._worths, self._shown = worths[0], shown[0]


class ExhaustionEnv(WindowSearchEnv):
    """The exhaustion game for one agent, its opponent inside: a Gymnasium environment.

    Parameters
    ----------
    volume, scorer, window, protocol, grid, stride, render_mode
        As for `spars.parallel_env`.
    opponent : None, policy or callable
        As for `spars.WindowSearchEnv`, with answers 0 to 11.
    rule, observation
        As for `ExhaustionGame`.
    seed : int, optional
        Seeds the action space.
    **switches
        Single switches of the protocol.

    Attributes
    ----------
    game : ExhaustionGame
    windows, score_map, field, opponent
        As for `spars.WindowSearchEnv`; `scores` are what the last places were worth.

    Examples
    --------
    >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
    >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
    >>> env = spars.exhaustion.ExhaustionEnv(scan, darkness, (8, 8, 8), grid=scan.shape, seed=0)
    >>> observation, info = env.reset()
    >>> observation, worth, terminated, truncated, info = env.step(env.action_masks().argmax())
    >>> sorted(env.scores), env.score_map.shape, sorted(env.windows), env.opponent
    (['learner', 'opponent'], (32, 32, 24), ['learner', 'opponent'], None)
    >>> env.observation_multiplicity, env.render()
    (None, None)
    """

    def __init__(
        self,
        volume: Scan,
        scorer: Scorer,
        window: Sequence[int] = WINDOW_OF_RECORD,
        protocol: str | Protocol = "paper",
        grid: Sequence[int] | None = None,
        stride: int = 4,
        opponent: Any = None,
        seed: int | None = None,
        observation: str = "neighbours",
        render_mode: str | None = None,
        rule: ExhaustionRule | None = None,
        **switches: Any,
    ) -> None:
        owner = "ExhaustionEnv"
        self.field = Field(volume, scorer, window, protocol, 1.0, grid, stride, switches, owner)
        self.render_mode = checked_render_mode(render_mode, owner)
        self.opponent = opponent
        self.game = ExhaustionGame(self.field, rule, observation)
        self._games = self.game.games
        self.observation_space = self.game.observation_space()
        self.action_space = Discrete(ANSWER_COUNT)
        self._casts = self._casts_opponent = False
        if seed is not None:
            self.action_space.seed(check_integer(seed, "seed", owner, 0))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Begin an episode; see `WindowSearchEnv.reset`."""
        super(WindowSearchEnv, self).reset(seed=seed)
        self.game.reset(keeps_map(self.field, options))
        return self._observation(0, False), self._info()

    def step(self, action: Any) -> tuple[NDArray[Any], float, bool, bool, dict[str, Any]]:
        """Make the agent's answer and the opponent's.

        Returns
        -------
        observation, reward, terminated, truncated, info
            `info` has "scores", "windows", "exhausted" (places shown so far) and
            "opponent_action".
        """
        learner = check_action(action, "action", "ExhaustionEnv", ANSWER_COUNT)
        opponent = self._opponent_action()
        rewards, terminated, truncated = self.game.step(learner, opponent)
        info = self._info() | {"opponent_action": opponent}
        return self._observation(0, False), rewards[0], terminated, truncated, info

    @property
    def observation_multiplicity(self) -> NDArray[np.int64] | None:
        """None: observations are not resized windows."""
        return None

    @property
    def scores(self) -> dict[str, float]:
        """What each agent's last place was worth; NaN before the first step."""
        return dict(zip(AGENTS, self.game.scores.tolist(), strict=True))

    def action_masks(self) -> NDArray[np.bool_]:
        """Return which answers move the learner's window: bool (12,)."""
        return self.game.action_mask(0)

    def _check_answer(self, answer: Any) -> int:
        return check_action(answer, "opponent", "ExhaustionEnv, its answer,", ANSWER_COUNT)

    def _observation(self, agent: int, casts: bool) -> NDArray[Any]:
        return self.game.observed(agent)

    def _info(self) -> dict[str, Any]:
        return {
            "scores": self.scores,
            "windows": self.windows,
            "exhausted": self.game.shown_count,
        }


class ParallelExhaustion(ParallelWindowSearch):
    """Two agents in the exhaustion game; see `spars.parallel_env`."""

    metadata = {"name": "exhaustion_v0", "render_modes": ["rgb_array"], "render_fps": 10}

    def __init__(
        self,
        field: Field,
        seed: int | None,
        observation: str,
        render_mode: str | None,
        rule: ExhaustionRule | None,
    ) -> None:
        self.field = field
        self.render_mode = checked_render_mode(render_mode, field.owner)
        self.game = ExhaustionGame(field, rule, observation)
        self._games = self.game.games
        self._make_spaces(self.game.observation_space, ANSWER_COUNT, seed)

    def reset(
        self, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[ByAgent, ByAgent]:
        """Begin an episode; see `spars.parallel_env`."""
        self.game.reset(keeps_map(self.field, options))
        self.agents = list(AGENTS)
        return self._observations(), self._infos()

    def step(
        self, actions: Mapping[str, Any]
    ) -> tuple[ByAgent, ByAgent, ByAgent, ByAgent, ByAgent]:
        """Make both agents' answers, 0 to 11.

        Returns
        -------
        observations, rewards, terminations, truncations, infos : dict by agent
            An info has "score" (what the place was worth), "window", "action_mask", int8 (12,), and
            "exhausted".
        """
        if not actions and not self.agents:
            return {}, {}, {}, {}, {}
        answers = self._answers(actions)
        rewards, terminated, truncated = self.game.step(*answers)
        self.agents = [] if terminated or truncated else list(AGENTS)
        return (
            self._observations(),
            dict(zip(AGENTS, rewards, strict=True)),
            dict.fromkeys(AGENTS, terminated),
            dict.fromkeys(AGENTS, truncated),
            self._infos(),
        )

    @property
    def scores(self) -> dict[str, float]:
        """What each agent's last place was worth; NaN before the first step."""
        return dict(zip(AGENTS, self.game.scores.tolist(), strict=True))

    def _observations(self) -> ByAgent:
        return {agent: self.game.observed(i) for i, agent in enumerate(AGENTS)}

    def _infos(self) -> ByAgent:
        windows, scores = self.windows, self.scores
        return {
            agent: {
                "score": scores[agent],
                "window": windows[agent],
                "action_mask": self.game.action_mask(i).astype(np.int8),
                "exhausted": self.game.shown_count,
            }
            for i, agent in enumerate(AGENTS)
        }

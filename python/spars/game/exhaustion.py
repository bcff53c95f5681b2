"""The exhaustion game: each place counts once, and the players decide when there is nothing left.

The second game rule, after "Competing for pixels" (Saeed and others, 2025, IEEE TPAMI 47(2),
arXiv 2405.16628) and its released code. docs/reference/exhaustion.md says rule by rule what is
theirs and what is our reading.
"""

import numpy as np

from spars._support.checks import check_choice, check_integer
from spars._support.defaults import WINDOW_OF_RECORD
from spars.game.environment import checked_render_mode, keeps_map
from spars.game.field import (
    ACTIONS,
    AGENTS,
    Field,
    Games,
    action_mask,
    check_action,
)
from spars.game.parallel import ParallelWindowSearch
from spars.game.rules import ANSWER_COUNT, ExhaustionRule, checked_rule
from spars.game.single import WindowSearchEnv
from spars.game.spaces import Box, Discrete

__all__ = ["ANSWER_COUNT", "ExhaustionEnv", "ExhaustionGame", "ExhaustionRule"]

OBSERVATIONS = ("neighbours", "window")


class ExhaustionGame:
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
    scores : ndarray of float32, shape (2,)
        What each agent's last place was worth: its score, or 0 where it had been shown before.
    """

    def __init__(self, field, rule=None, observation="neighbours"):
        self.field = field
        self.rule = checked_rule("exhaustion", rule, field.owner)
        check_choice(observation, "observation", field.owner, OBSERVATIONS)
        self.observation = observation
        self.games = Games(field)
        # One game for each move: a step from one place scores all its neighbours.
        self._probes = Games(field, ACTIONS, maps="none")
        self._every = np.arange(ACTIONS, dtype=np.int8)
        self.reset()

    def reset(self, keep_map=False):
        """Begin an episode: both windows at the start, nothing shown yet."""
        self.games.reset(0, keep_map)
        self.exhausted = []
        self._shown = set()
        self.scores = np.full(2, np.nan, np.float32)
        self._look()

    def step(self, learner, opponent):
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
        steps = int(self.games.steps()[0])
        moves = np.array([answer % ACTIONS for answer in answers], np.int8)
        self.games.step(moves[:1], moves[1:])
        places = [tuple(place) for place in self.games.windows()[0].tolist()]
        repeated = [place in self._shown for place in places]
        self.scores = np.where(repeated, np.float32(0), self.games.scores[0])
        terminated = any(answer >= ACTIONS for answer in answers)
        rewards = self._rewards(repeated, terminated, steps)
        for place in places:
            if place not in self._shown:
                self._shown.add(place)
                self.exhausted.append(place)
        limit = self.field.protocol.max_episode_steps
        truncated = not terminated and limit is not None and steps + 1 >= limit
        self._look()
        return rewards, terminated, truncated

    def _rewards(self, repeated, terminated, steps):
        """Return both agents' rewards for places whose worth is known."""
        difference = float(self.scores[0]) - float(self.scores[1])
        tie = 1.0 if self.field.protocol.tie_reward == "learner" else 0.0
        first = 1.0 if difference > 0 else -1.0 if difference < 0 else tie
        rewards = [first, 0.0 - first]
        if terminated:
            early = self.rule.early_penalty if steps < self.rule.min_steps else 0.0
            rewards = [self.rule.final_factor * reward - early for reward in rewards]
        return tuple(
            reward - self.rule.repeat_penalty * again
            for reward, again in zip(rewards, repeated, strict=True)
        )

    def observed(self, agent):
        """Return what agent 0 or 1 sees: float32 of the observation's shape."""
        origin = self._windows[agent]
        shown = self._neighbours_shown[agent].astype(np.float32)
        if self.observation == "window":
            crop = self.games.observation(0, agent, self.field.window)
            return np.concatenate([crop.reshape(-1), shown])
        room = np.subtract(self.field.grid, self.field.window)
        place = np.where(room > 0, 2 * np.clip(origin, 0, room) / np.maximum(room, 1) - 1, 0)
        left = np.where(shown == 1, 0, self._neighbours[agent])
        return np.concatenate([left, shown, place]).astype(np.float32)

    def observation_space(self):
        """Return the space of what an agent sees."""
        if self.observation == "neighbours":
            return Box(-1.0, 1.0, (2 * ACTIONS + 3,), np.float32)
        values = self.field.array
        low, high = min(float(values.min()), 0.0), max(float(values.max()), 1.0)
        size = int(np.prod(self.field.window)) + ACTIONS
        return Box(np.float32(low), np.float32(high), (size,), np.float32)

    def action_mask(self, agent):
        """Return which answers move agent 0's or 1's window: bool (12,)."""
        return np.tile(action_mask(self.field, self._windows[agent]), 2)

    def _look(self):
        """Score and remember where each agent's six moves lead."""
        start = self.games.windows()[0]
        for index in range(ACTIONS):
            self._probes.restore(index, start, 0)
        self._probes.step(self._every, self._every)
        reached = self._probes.windows()
        self._windows = [tuple(place) for place in start.tolist()]
        self._neighbours = self._probes.scores.T.copy()
        self._neighbours_shown = np.array(
            [
                [tuple(place) in self._shown for place in reached[:, agent].tolist()]
                for agent in (0, 1)
            ]
        )


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
    """

    def __init__(
        self, volume, scorer, window=WINDOW_OF_RECORD, protocol="paper", grid=None, stride=4,
        opponent=None, seed=None, observation="neighbours", render_mode=None, rule=None, **switches,
    ):  # fmt: skip
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

    def reset(self, *, seed=None, options=None):
        """Begin an episode; see `WindowSearchEnv.reset`."""
        super(WindowSearchEnv, self).reset(seed=seed)
        self.game.reset(keeps_map(self.field, options))
        return self._observation(0, False), self._info()

    def step(self, action):
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
    def observation_multiplicity(self):
        """None: observations are not resized windows."""
        return None

    @property
    def scores(self):
        """What each agent's last place was worth; NaN before the first step."""
        return dict(zip(AGENTS, self.game.scores.tolist(), strict=True))

    def action_masks(self):
        """Return which answers move the learner's window: bool (12,)."""
        return self.game.action_mask(0)

    def _check_answer(self, answer):
        return check_action(answer, "opponent", "ExhaustionEnv, its answer,", ANSWER_COUNT)

    def _observation(self, agent, casts):
        return self.game.observed(agent)

    def _info(self):
        return {
            "scores": self.scores,
            "windows": self.windows,
            "exhausted": len(self.game.exhausted),
        }


class ParallelExhaustion(ParallelWindowSearch):
    """Two agents in the exhaustion game; see `spars.parallel_env`."""

    metadata = {"name": "exhaustion_v0", "render_modes": ["rgb_array"], "render_fps": 10}

    def __init__(self, field, seed, observation, render_mode, rule):
        self.field = field
        self.render_mode = checked_render_mode(render_mode, field.owner)
        self.game = ExhaustionGame(field, rule, observation)
        self._games = self.game.games
        self._make_spaces(self.game.observation_space, ANSWER_COUNT, seed)

    def reset(self, seed=None, options=None):
        """Begin an episode; see `spars.parallel_env`."""
        self.game.reset(keeps_map(self.field, options))
        self.agents = list(AGENTS)
        return self._observations(), self._infos()

    def step(self, actions):
        """Make both agents' answers, 0 to 11.

        Returns
        -------
        observations, rewards, terminations, truncations, infos : dict by agent
            An info has "score" (what the place was worth), "window", "action_mask" and "exhausted".
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
    def scores(self):
        """What each agent's last place was worth; NaN before the first step."""
        return dict(zip(AGENTS, self.game.scores.tolist(), strict=True))

    def _observations(self):
        return {agent: self.game.observed(i) for i, agent in enumerate(AGENTS)}

    def _infos(self):
        windows, scores = self.windows, self.scores
        return {
            agent: {
                "score": scores[agent],
                "window": windows[agent],
                "action_mask": self.game.action_mask(i),
                "exhausted": len(self.game.exhausted),
            }
            for i, agent in enumerate(AGENTS)
        }

"""The window-search game as environments: PettingZoo's two players, Gymnasium's one, or many games.

Two agents move a window each over one scan. Every step both windows move and are scored; the higher
score earns +1, the lower -1, and the scores accumulate in a map of the scan. Actions are 0: z+,
1: z-, 2: y+, 3: y-, 4: x+, 5: x-, each `stride` voxels.
"""

import numpy as np

from spars._support.checks import check_array, check_choice, check_integer
from spars.game.field import (
    ACTIONS,
    AGENTS,
    Field,
    Games,
    action_mask,
    check_action,
    picture,
    wrapped_uint8,
)
from spars._support.defaults import TERMINATION_THRESHOLD_OF_RECORD, WINDOW_OF_RECORD
from spars.game.rules import checked_rule, checked_threshold
from spars.game.spaces import Box, Discrete
from spars.agents.ppo import resize_multiplicity

try:
    from gymnasium import Env
except ImportError:

    class Env:
        """What our environment needs of gymnasium.Env where that is not installed."""

        @property
        def unwrapped(self):
            """The environment itself."""
            return self

        def reset(self, *, seed=None, options=None):
            """Begin an episode; the game has nothing to draw."""

        def close(self):
            """Do nothing."""


__all__ = ["VectorGame", "WindowSearchEnv", "parallel_env"]


def parallel_env(
    volume, scorer, window=WINDOW_OF_RECORD, protocol="paper", termination_threshold=None,
    grid=None, stride=4, seed=None, observation="window", render_mode=None, game="search",
    rule=None, **switches,
):  # fmt: skip
    """Return the two-player game as a PettingZoo parallel environment.

    Parameters
    ----------
    volume : array_like, Volume, nibabel image, SimpleITK image or path
        An array (x, y, z) is taken as already on the grid. Anything that has a place in space is a
        scan, brought to `grid` as the protocol's `scan_frame` says; so is an array where `grid` is
        given.
    scorer : Classifier, ScoreAtlas or callable
        A callable takes crops (N, wx, wy, wz) float32 and returns N scores in [0, 1]. It is asked
        for each place once. Crops that the scan's end cuts short (`border_crops` "stretched") come
        in calls of their own, at their own size, for the callable to resize.
    window : tuple of three ints
        The windows' extent in voxels of the grid.
    protocol : str or Protocol
        "paper", "published" or a `Protocol`.
    termination_threshold : float, optional
        A score above it, of either agent, terminates the episode of the search game; 0.3 by
        default.
    grid : tuple of three ints, optional
        The extent the game is played on. Default: an array's own shape; 256 x 256 x 180 for a scan.
    stride : int
        Voxels a window moves in a step.
    seed : int, optional
        Seeds the action spaces. The game itself draws nothing.
    observation : str
        "window": an agent sees its window's crop. "resized": the crop brought to the classifier's
        input shape (256 x 256 x 180) by nearest neighbour, as released; 47 MB that hold no more
        than the crop does.
    render_mode : str, optional
        "rgb_array": `render` returns the axial slice through the learner's window.
    game : {"search", "exhaustion"}
        The rule of the game. In "exhaustion" each place counts once and the agents decide when the
        episode ends: twelve actions, other rewards and observations ("neighbours" or "window"), and
        `termination_threshold` must not be given; see `spars.exhaustion`.
    rule : ExhaustionRule, optional
        The numbers of the exhaustion game.
    **switches
        Single switches of the protocol, for example ``max_episode_steps=100``.

    Returns
    -------
    pettingzoo.ParallelEnv
        Agents "learner" and "opponent". Beside PettingZoo's methods it has

        - `windows`: each agent's origin, a tuple of three ints, as the protocol keeps it: under
          border "clamped_crop" it may lie outside the grid;
        - `score_map`: the accumulated scores, float32 of the grid's shape;
        - `scores`: each agent's last score, NaN before the first step;
        - `field`: what it is played on.

        Without PettingZoo the same object, not derived from its class.

    Raises
    ------
    TypeError, ValueError
        A parameter is out of range, or the window does not fit the grid.
    NonFiniteError
        The scan holds NaN or infinity.

    Notes
    -----
    After an episode's end `agents` is empty, as PettingZoo wants. `step` may go on even so, with
    actions for both agents: the released environment has no end of its own, and its vector wrapper
    resets it. `reset` clears the map where `map_read` is "after_reset" (D11), and keeps it where it
    is "before_reset"; ``reset(options={"keep_map": False})`` decides for one call.
    """
    from spars.game.parallel import ParallelWindowSearch, pettingzoo_class

    owner = "parallel_env"
    rule = checked_rule(game, rule, owner)
    threshold = checked_threshold(termination_threshold, game, owner)
    field = Field(volume, scorer, window, protocol, threshold, grid, stride, switches, owner)
    if game == "exhaustion":
        from spars.game.exhaustion import ParallelExhaustion

        return pettingzoo_class(ParallelExhaustion)(field, seed, observation, render_mode, rule)
    return pettingzoo_class(ParallelWindowSearch)(field, seed, observation, render_mode)


class OneGame:
    """What an environment shows of the game that it plays."""

    def render(self):
        """Return the axial slice through the learner's window, uint8 RGB, or None."""
        return None if self.render_mode is None else picture(self.field, self._games.windows()[0])

    @property
    def windows(self):
        """Each agent's origin, as the protocol keeps it."""
        windows = self._games.windows()[0].tolist()
        return {agent: tuple(window) for agent, window in zip(AGENTS, windows, strict=True)}

    @property
    def scores(self):
        """Each agent's last score; NaN before the first step."""
        return dict(zip(AGENTS, self._games.scores[0].tolist(), strict=True))

    @property
    def score_map(self):
        """The accumulated scores, float32 of the grid's shape."""
        return self._games.score_map()


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
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}

    def __init__(
        self, volume, scorer, window=WINDOW_OF_RECORD, protocol="paper",
        termination_threshold=TERMINATION_THRESHOLD_OF_RECORD, grid=None, stride=4, opponent=None,
        seed=None, observation="window", render_mode=None, **switches,
    ):  # fmt: skip
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
    def opponent(self):
        """Who plays the other window."""
        return self._opponent

    @opponent.setter
    def opponent(self, opponent):
        answer = getattr(opponent, "predict", opponent)
        if answer is not None and not callable(answer):
            raise TypeError(
                "The 'opponent' parameter of WindowSearchEnv must be None, a policy with 'predict' "
                f"or a callable. Got {opponent!r} instead."
            )
        self._opponent, self._answer = opponent, answer

    def reset(self, *, seed=None, options=None):
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

    def step(self, action):
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
    def observation_multiplicity(self):
        """How many voxels of the classifier's input each observed voxel becomes, or None.

        int64 (wx * wy * wz,), for `spars.PPO`: None where observations are resized already.
        """
        if self._shape != self.field.window:
            return None
        return resize_multiplicity(self._shape, self.field.input_shape)

    def action_masks(self):
        """Return which actions move the learner's window: bool (6,)."""
        return action_mask(self.field, self.windows["learner"])

    def _opponent_action(self):
        if self._answer is None:
            return 0
        answer = self._answer(self._observation(1, self._casts_opponent))
        if isinstance(answer, tuple):
            answer = answer[0]
        # A policy may answer for a batch of one.
        if isinstance(answer, np.ndarray) and answer.size == 1:
            answer = answer.item()
        return self._check_answer(answer)

    def _check_answer(self, answer):
        return check_action(answer, "opponent", "WindowSearchEnv, its answer,")

    def _observation(self, agent, casts):
        observation = self._games.observation(0, agent, self._shape)
        return wrapped_uint8(observation) if casts else observation

    def _info(self):
        return {"scores": self.scores, "windows": self.windows}


class VectorGame:
    """Many games on one scan, stepped by one call: for training and search at full speed.

    Parameters
    ----------
    volume, scorer, window, protocol, termination_threshold, grid, stride
        As for `parallel_env`.
    n : int
        How many games, 1 to 1,000,000.
    resets_itself : bool
        Whether a game that ends is put back to the start in the same step.
    maps : str
        "none" records no map; "episode" one that is cleared when its game resets itself; "run" one
        that goes on. A recorded visit takes 12 bytes, a map that was read 4 or 8 bytes a voxel.
    **switches
        Single switches of the protocol.

    Raises
    ------
    TypeError, ValueError, NonFiniteError
        As for `parallel_env`.

    Notes
    -----
    Step it from one thread at a time; another's results may overwrite those of the call otherwise.
    """

    def __init__(
        self, volume, scorer, n, window=WINDOW_OF_RECORD, protocol="paper",
        termination_threshold=TERMINATION_THRESHOLD_OF_RECORD, grid=None, stride=4,
        resets_itself=True, maps="none", **switches,
    ):  # fmt: skip
        owner = "VectorGame"
        n = check_integer(n, "n", owner, 1, 1_000_000)
        check_choice(maps, "maps", owner, Games.MAPS)
        self.field = Field(
            volume, scorer, window, protocol, termination_threshold, grid, stride, switches, owner
        )
        self._games = Games(self.field, n, bool(resets_itself), maps)
        self.n = n

    def reset(self):
        """Put every game back to the start and clear its map."""
        self._games.reset()

    def step(self, learner, opponent):
        """Step every game.

        Parameters
        ----------
        learner, opponent : array_like of int8, shape (n,)
            Actions 0 to 5. Other integers are converted.

        Returns
        -------
        rewards : ndarray of float32, shape (n,)
            The learner's; the opponent's are their negatives.
        terminated, truncated : ndarrays of bool, shape (n,)
        """
        games = self._games
        games.step(self._actions(learner, "learner"), self._actions(opponent, "opponent"))
        return games.rewards.copy(), games.terminated.copy(), games.truncated.copy()

    def _actions(self, actions, name):
        is_ready = isinstance(actions, np.ndarray) and actions.dtype == np.int8
        if is_ready and actions.shape == (self.n,) and actions.flags.c_contiguous:
            return actions
        wide = check_array(actions, name, "VectorGame.step", np.int64, (self.n,))
        if wide.min() < 0 or wide.max() >= ACTIONS:
            raise ValueError(
                f"The '{name}' parameter of VectorGame.step must be integers in the range [0, 5]. "
                f"Got {wide[(wide < 0) | (wide >= ACTIONS)][0]} instead."
            )
        return wide.astype(np.int8)

    @property
    def scores(self):
        """The last scores, learner's and opponent's, float32 (n, 2); NaN before the first step."""
        return self._games.scores.copy()

    @property
    def windows(self):
        """The windows' origins, learner's and opponent's, int64 (n, 2, 3)."""
        return self._games.windows()

    @property
    def steps(self):
        """Each game's steps since its last reset, int64 (n,)."""
        return self._games.steps()

    def observation(self, i, agent):
        """Return the crop that agent 0 (learner) or 1 of game `i` sees, float32 (wx, wy, wz)."""
        check_integer(i, "i", "VectorGame.observation", 0, self.n - 1)
        check_integer(agent, "agent", "VectorGame.observation", 0, 1)
        return self._games.observation(i, agent, self.field.window)

    def score_map(self, i):
        """Return the map of game `i`, float32 of the grid's shape."""
        return self._games.score_map(check_integer(i, "i", "VectorGame.score_map", 0, self.n - 1))


def observation_shape(field, observation, owner):
    """Return the shape of what an agent sees."""
    check_choice(observation, "observation", owner, ("window", "resized"))
    return field.window if observation == "window" else field.input_shape


def observation_space(field, shape, casts):
    """Return the space of observations: between the scan's own extremes, or bytes."""
    if casts:
        return Box(0, 255, tuple(shape), np.uint8)
    low, high = float(field.array.min()), float(field.array.max())
    # A space wants some width, and an empty scan is a scan.
    return Box(low, high if high > low else low + 1, tuple(shape), np.float32)


def checked_render_mode(render_mode, owner):
    """Return `render_mode`, None or "rgb_array"."""
    if render_mode is None:
        return None
    return check_choice(render_mode, "render_mode", owner, ("rgb_array",))


def keeps_map(field, options):
    """Return whether a reset keeps the map: as `options` say, or by D11."""
    keep = (options or {}).get("keep_map", field.protocol.map_read == "before_reset")
    if not isinstance(keep, bool):
        raise TypeError(
            f"The 'keep_map' option of {field.owner} must be a bool. Got {keep!r} instead."
        )
    return keep

"""Many games side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spars._core.handles import Whole
from spars._core.names import MAPS
from spars._support.checks import check_array, check_choice, check_integer
from spars._support.defaults import TERMINATION_THRESHOLD_OF_RECORD, WINDOW_OF_RECORD
from spars._support.types import FloatArray, Scan
from spars.game.field import ACTIONS, Field, Games
from spars.game.scorers import Scorer
from spars.volume.protocol import Protocol


class VectorGame(Whole):
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

    Examples
    --------
    >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
    >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
    >>> games = spars.VectorGame(
    ...     scan, darkness, 4, (8, 8, 8), termination_threshold=1.0, grid=scan.shape, maps="run"
    ... )
    >>> games.reset()
    >>> rewards, terminated, truncated = games.step([0, 1, 2, 3], [0, 0, 0, 0])
    >>> rewards.shape, games.scores.shape, games.windows.shape, games.steps
    ((4,), (4, 2), (4, 2, 3), array([1, 1, 1, 1]))
    >>> games.observation(0, agent=0).shape, games.score_map(0).shape
    ((8, 8, 8), (32, 32, 24))
    """

    def __init__(
        self,
        volume: Scan,
        scorer: Scorer,
        n: int,
        window: Sequence[int] = WINDOW_OF_RECORD,
        protocol: str | Protocol = "paper",
        termination_threshold: float = TERMINATION_THRESHOLD_OF_RECORD,
        grid: Sequence[int] | None = None,
        stride: int = 4,
        resets_itself: bool = True,
        maps: str = "none",
        **switches: Any,
    ) -> None:
        owner = "VectorGame"
        n = check_integer(n, "n", owner, 1, 1_000_000)
        check_choice(maps, "maps", owner, MAPS)
        self.field = Field(
            volume, scorer, window, protocol, termination_threshold, grid, stride, switches, owner
        )
        self._games = Games(self.field, n, bool(resets_itself), maps)
        self.n = n

    def reset(self) -> None:
        """Put every game back to the start and clear its map."""
        self._games.reset()

    def step(
        self, learner: ArrayLike, opponent: ArrayLike
    ) -> tuple[FloatArray, NDArray[np.bool_], NDArray[np.bool_]]:
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

    def _actions(self, actions: ArrayLike, name: str) -> NDArray[np.int8]:
        if (
            isinstance(actions, np.ndarray)
            and (actions.dtype, actions.shape) == (np.int8, (self.n,))
            and actions.flags.c_contiguous
        ):
            return actions
        given = np.asarray(actions)
        if given.dtype.kind not in "iu":
            raise TypeError(
                f"The '{name}' parameter of VectorGame.step must be integers in the range [0, 5]. "
                f"Got dtype {given.dtype} instead."
            )
        # As int64 a large uint64 would be another number.
        if given.dtype == np.uint64:
            given = np.minimum(given, ACTIONS)
        wide = check_array(given, name, "VectorGame.step", np.int64, (self.n,))
        if wide.min() < 0 or wide.max() >= ACTIONS:
            raise ValueError(
                f"The '{name}' parameter of VectorGame.step must be integers in the range [0, 5]. "
                f"Got {wide[(wide < 0) | (wide >= ACTIONS)][0]} instead."
            )
        return wide.astype(np.int8)

    @property
    def scores(self) -> FloatArray:
        """The last scores, learner's and opponent's, float32 (n, 2); NaN before the first step."""
        return self._games.scores.copy()

    @property
    def windows(self) -> NDArray[np.int64]:
        """The windows' origins, learner's and opponent's, int64 (n, 2, 3)."""
        return self._games.windows()

    @property
    def steps(self) -> NDArray[np.int64]:
        """Each game's steps since its last reset, int64 (n,)."""
        return self._games.steps()

    def observation(self, i: int, agent: int) -> FloatArray:
        """Return the crop that agent 0 (learner) or 1 of game `i` sees, float32 (wx, wy, wz)."""
        check_integer(i, "i", "VectorGame.observation", 0, self.n - 1)
        check_integer(agent, "agent", "VectorGame.observation", 0, 1)
        return self._games.observation(i, agent, self.field.window)

    def score_map(self, i: int) -> FloatArray:
        """Return the map of game `i`, float32 of the grid's shape."""
        return self._games.score_map(check_integer(i, "i", "VectorGame.score_map", 0, self.n - 1))

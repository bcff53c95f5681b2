"""The window-search game as environments: PettingZoo's two players, Gymnasium's one, or many games.

Two agents move a window each over one scan. Every step both windows move and are scored; the higher
score earns +1, the lower -1, and the scores accumulate in a map of the scan. Actions are 0: z+,
1: z-, 2: y+, 3: y-, 4: x+, 5: x-, each `stride` voxels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spars._support.defaults import WINDOW_OF_RECORD
from spars._support.types import Scan
from spars.game.exhaustion import ParallelExhaustion
from spars.game.field import Field
from spars.game.parallel import ParallelWindowSearch, pettingzoo_class
from spars.game.rules import ExhaustionRule, checked_rule, checked_threshold
from spars.game.scorers import Scorer
from spars.game.single import WindowSearchEnv
from spars.game.vector import VectorGame
from spars.volume.protocol import Protocol

__all__ = ["VectorGame", "WindowSearchEnv", "parallel_env"]


def parallel_env(
    volume: Scan,
    scorer: Scorer,
    window: Sequence[int] = WINDOW_OF_RECORD,
    protocol: str | Protocol = "paper",
    termination_threshold: float | None = None,
    grid: Sequence[int] | None = None,
    stride: int = 4,
    seed: int | None = None,
    observation: str = "window",
    render_mode: str | None = None,
    game: str = "search",
    rule: ExhaustionRule | None = None,
    **switches: Any,
) -> ParallelWindowSearch:
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

    Examples
    --------
    >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
    >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
    >>> env = spars.parallel_env(scan, darkness, (8, 8, 8), grid=scan.shape, seed=0)
    >>> observations, infos = env.reset()
    >>> observations, rewards, *ends = env.step({"learner": 0, "opponent": 2})
    >>> sorted(rewards), observations["learner"].shape
    (['learner', 'opponent'], (8, 8, 8))
    """
    owner = "parallel_env"
    rule = checked_rule(game, rule, owner)
    threshold = checked_threshold(termination_threshold, game, owner)
    field = Field(volume, scorer, window, protocol, threshold, grid, stride, switches, owner)
    if game == "exhaustion":
        return pettingzoo_class(ParallelExhaustion)(field, seed, observation, render_mode, rule)
    return pettingzoo_class(ParallelWindowSearch)(field, seed, observation, render_mode)

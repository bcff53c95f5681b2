"""The settings of agents: stable-baselines3's names; the defaults are the published run's."""

from spars._support.kinds import (
    Kind,
    boolean,
    choice,
    either,
    function,
    integer,
    number,
    optional,
    path,
)
from spars._support.settings import Settings, setting
from spars.agents.hyperparameters import HYPERPARAMETERS
from spars.agents.networks import POLICIES
from spars.agents.rates import Rate, described


def _rate(name: str) -> Kind:
    """A number, or a function of the remaining progress; the option takes a number."""
    one = HYPERPARAMETERS[name]
    either_one = either("float or callable", (function(), one), one.option)
    return Kind(either_one.text, either_one.check, one.option, plain=described)


class PPOSettings(Settings):
    """How a learner is trained by PPO."""

    n_steps: int = setting(
        32, integer(2, 1 << 20), "Steps of each game that an iteration collects."
    )
    batch_size: int = setting(8, HYPERPARAMETERS["batch_size"], "Steps of a minibatch.")
    n_epochs: int = setting(1, HYPERPARAMETERS["n_epochs"], "Passes over the rollout in an update.")
    learning_rate: Rate = setting(
        3e-4,
        _rate("learning_rate"),
        """
        Adam's. It and the clip ranges may be functions of the remaining progress: update k of the
        N asked for, from 1, is made with their value at 1 - k / N.
        """,
        help="of Adam",
    )
    gamma: float = setting(0.99, number(0.0, 1.0), "Discount.")
    gae_lambda: float = setting(
        0.95, number(0.0, 1.0), "Trace decay of generalized advantage estimation."
    )
    clip_range: Rate = setting(
        0.2, _rate("clip_range"), "How far the ratio of probabilities may leave 1."
    )
    clip_range_vf: Rate | None = setting(
        None,
        optional(_rate("clip_range_vf")),
        "The same for values, in the values' unit; None does not clip them.",
    )
    normalize_advantage: bool = setting(
        True, HYPERPARAMETERS["normalize_advantage"], "Standardise the advantages of a minibatch."
    )
    ent_coef: float = setting(
        0.0, HYPERPARAMETERS["ent_coef"], "Weight of the entropy in the loss."
    )
    vf_coef: float = setting(
        0.5, HYPERPARAMETERS["vf_coef"], "Weight of the values' error in the loss."
    )
    max_grad_norm: float = setting(
        0.5,
        HYPERPARAMETERS["max_grad_norm"],
        "The norm that a minibatch's gradient is cut to.",
    )
    target_kl: float | None = setting(
        None,
        HYPERPARAMETERS["target_kl"],
        "An update ends early where the approximate KL divergence exceeds 1.5 times this.",
    )


class PlayerSettings(Settings):
    """What plays: the learner's policy, and how many games at once."""

    policy: str = setting(
        "MlpPolicy",
        choice(*POLICIES),
        """
        What the learner and its opponents are; two tanh nets of 64 and 64, one for actions and one
        for values, that read

        - "MlpPolicy": the window resized to the classifier's input, as stable-baselines3's policy
          of that name, held in collapsed form: one weight for all replicas of a voxel;
        - "CnnPolicy": what three convolutions (8, 16 and 32 channels, kernels 4, 3 and 3, strides
          4, 2 and 1, tanh), shared by both nets, make of the window's voxels, which are
          standardised by the scan's mean and standard deviation;
        - "LocalPolicy": the scores of the six windows that the moves lead to and of the window
          itself, and its place in the grid, each axis from -1 to 1. It asks the scorer for up to
          six scores a step and player that are not known yet; an atlas knows all.
        """,
        help="what the agents are",
    )
    initial_policy: object = setting(
        None,
        optional(path()),
        """
        What the learner begins with, of the same policy, instead of what the seed makes; Adam
        begins anew: a PPO, a Snapshot, parameters by name, or a file. A path is of a file that
        `PPO.save` wrote, `Run.agent`'s for example, or a ``.zip`` of stable-baselines3 whose
        "MlpPolicy" saw windows as they are or resized to the classifier's input (then it is
        collapsed), also as images that it turned (D12). It is kept as the first of
        `Run.snapshots`.
        """,
        recorded=False,
        help="what the learner begins with: PPO.save's file or stable-baselines3's .zip",
    )
    mask_actions: bool = setting(
        False,
        boolean(),
        """
        Give moves that would leave the grid probability 0, in play and in the update, as
        sb3-contrib's MaskablePPO does. Changes nothing where windows may leave it
        (``border="clamped_crop"``).
        """,
        help="never choose moves that would leave the grid",
    )
    n_envs: int = setting(
        1,
        integer(1, 1 << 12),
        """
        Games side by side. They share the scan, its scores and one map, which takes every game's
        first step, then every game's second, and so on; a rollout is `n_steps` * `n_envs` steps,
        at most 2^20, flattened game by game as stable-baselines3 does it. With
        ``map_read="after_reset"`` a reset clears what its own game has added. With `opponents`
        each game draws its own. `opponent_update_interval` counts the steps of all.
        """,
    )

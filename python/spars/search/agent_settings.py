"""The settings of training agents."""

from __future__ import annotations

from spars._support.checks import check_integer, sentence
from spars._support.kinds import (
    anything,
    bar,
    boolean,
    choice,
    instance,
    integer,
    number,
    optional,
    path,
)
from spars._support.provenance import digest
from spars._support.settings import Settings, setting
from spars._support.types import PathLike, Progress
from spars.agents.hyperparameters import HYPERPARAMETERS
from spars.lesions.settings import LesionLaw
from spars.search.agents import BATCH, Agents
from spars.search.opponents import CHOICES

__all__ = ["AgentSettings", "ReinforcementSettings"]

# Rounds where none are given, by how agents learn.
_ROUNDS = {"regression": 4, "ppo": 40, "self_play": 40}


class ReinforcementSettings(Settings):
    """How agents learn by PPO, under the names of `spars.PPO` and `spars.self_play`."""

    initial_agents: Agents | None = setting(
        None,
        optional(
            instance(
                Agents,
                "Agents or None",
                plain=lambda agents: {
                    name: digest(values) for name, values in agents.policy.parameters.items()
                },
            )
        ),
        """
        With "ppo" and "self_play": agents of a regression to begin with. Their worths over 0.06
        become logits: choosing by these is choosing as the regression does while it learns. Without
        them the seed makes the first policy.
        """,
    )
    opponents: str = setting(
        "fictitious",
        choice(*CHOICES),
        """
        Which copy of itself the learner meets in a round of "self_play": "vanilla" the latest,
        "fictitious" any, "prioritised" those it loses to more often.
        """,
    )
    opponent_power: float = setting(
        2.0, number(0.0), '"prioritised" draws by (1 - the learner\'s win rate) to this power.'
    )
    end_reward: float = setting(
        0.0,
        number(0.0),
        """
        What the end of a search adds in "self_play": so much for the player whose windows were
        worth more in all, and its loss for the other; nothing where both were worth the same.
        """,
    )
    snapshot_interval: int = setting(
        4, integer(1), 'Rounds of "self_play" after which a copy of the learner joins the others.'
    )
    n_envs: int = setting(
        32, integer(1, 4096), "Searches of a round of PPO, played side by side; each draws a scan."
    )
    batch_size: int = setting(
        4096, integer(BATCH, 1 << 31), "Decisions of a minibatch, in whole turns of 16."
    )
    n_epochs: int = setting(4, HYPERPARAMETERS["n_epochs"], "Passes over a round's decisions.")
    learning_rate: float = setting(
        1e-3, HYPERPARAMETERS["learning_rate"], "Adam's, of PPO's policy and critic."
    )
    gamma: float = setting(0.99, number(0.0, 1.0), "Discount from one decision to the next.")
    gae_lambda: float = setting(
        0.95, number(0.0, 1.0), "Trace decay of generalized advantage estimation."
    )
    clip_range: float = setting(
        0.2, HYPERPARAMETERS["clip_range"], "How far the ratio of probabilities may leave 1."
    )
    normalize_advantage: bool = setting(
        True,
        HYPERPARAMETERS["normalize_advantage"],
        "Standardise the advantages of a minibatch.",
    )
    max_grad_norm: float = setting(
        0.5,
        HYPERPARAMETERS["max_grad_norm"],
        "The norm that a minibatch's gradient is cut to, the policy's and the critic's each.",
    )


class AgentSettings(ReinforcementSettings, owner="train_agents"):
    """What `spars.train_agents` takes as keywords."""

    learn: str = setting(
        "regression",
        choice(*_ROUNDS),
        """
        How the network learns: "regression" fits it to what windows were worth; "ppo" reinforces
        choices of windows that were worth something; "self_play" does so against copies of itself,
        which take turns with it on the same scan and take the windows they ask for away from it.
        """,
    )
    lesion_sets: int = setting(
        6, integer(1, 1000), "Scans made of each tumour-free one, each with lesions of its own."
    )
    law: LesionLaw = setting(
        None, anything("spars.lesions.LesionLaw, optional"), "How lesions are drawn.",
        recorded=False,
    )  # fmt: skip
    rounds: int | None = setting(
        None,
        optional(integer(1, 100_000)),
        """
        Rounds of searches, after each of which the network learns: of every scan with "regression",
        which has 4 by default, of `n_envs` drawn ones with the others, which have 40.
        """,
        recorded=False,
    )
    max_scores: int = setting(
        1000, integer(BATCH), "Windows that a search asks for, both players' together."
    )
    seed: int = setting(
        0, integer(0, 2**63 - 1), "Seed of lesions, networks and all that is drawn."
    )
    checkpoint: PathLike | None = setting(
        None,
        optional(path()),
        """
        Where to keep the scored scans and the state of learning, after every case and every round;
        an npz file, written whole or not at all, about 100 kB a scan and 4 MB a round of
        "regression". It must not exist yet unless `resume`. The file before stands beside it as
        ``.previous``, and is read where the newest one is damaged.
        """,
        recorded=False,
    )
    resume: bool = setting(
        False,
        boolean(),
        """
        Go on from `checkpoint`, with the bits of a training that was never interrupted. The
        arguments must be those it was made with, but `rounds` may be raised. Cases that are scored
        are not read again.
        """,
        recorded=False,
    )
    progress: Progress | bool | None = setting(
        None,
        bar(),
        "Called with (done, planned) cases and rounds; True draws a bar.",
        recorded=False,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rounds is None:
            object.__setattr__(self, "rounds", _ROUNDS[self.learn])
        if self.resume and self.checkpoint is None:
            raise ValueError(sentence("checkpoint", self.owner, "a path if 'resume' is True", None))
        if self.learn == "regression" and self.initial_agents is not None:
            wanted = "None with learn='regression'"
            raise ValueError(sentence("initial_agents", self.owner, wanted, self.initial_agents))
        if self.learn == "self_play":
            check_integer(self.max_scores, "max_scores", f"{self.owner} with opponents", 2 * BATCH)

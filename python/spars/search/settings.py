"""The settings of self-play and of segmentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from spars._support.callbacks import Callbacks
from spars._support.checks import check_integer, refuse_unknown, sentence
from spars._support.defaults import GRID_OF_RECORD, WINDOW_OF_RECORD
from spars._support.kinds import (
    anything,
    bar,
    boolean,
    callbacks,
    choice,
    extent,
    grid,
    integer,
    labels,
    number,
    optional,
    path,
)
from spars._support.settings import Settings, setting
from spars._support.types import Mask, MaskArray, PathLike, Progress, Scan
from spars.agents.ppo import SEED_LIMIT
from spars.agents.settings import PlayerSettings, PPOSettings
from spars.classifier.recipe import Recipe
from spars.game.settings import GameSettings
from spars.search.agents import Agents
from spars.search.live_run import SAMPLINGS, SIDES
from spars.search.strategies import STRATEGIES
from spars.volume.masks import as_mask
from spars.volume.placement import WAYS
from spars.volume.protocol import Protocol, protocol_kind
from spars.volume.volume import Volume

_COUNT = 1 << 53
#: How masks of another place are taken; commands have an option of their own for it.
_ON = replace(optional(choice(*WAYS)), option=None)


class OpponentSettings(Settings):
    """Whom the learner plays against."""

    opponent_update_interval: int = setting(
        32,
        integer(1, _COUNT),
        """
        Steps after which the opponent becomes a copy of the learner (D8 "snapshot"), or begins to
        be the learner itself, having answered action 0 until then ("live").
        """,
    )
    opponents: str | None = setting(
        None,
        optional(choice(*SAMPLINGS)),
        """
        Draw every episode's opponent from the snapshots instead of playing against the last copy:
        "vanilla" the latest, "fictitious" any, "prioritised" those the learner loses to more often,
        "gaussian" those around the middle of their order; see docs/reference/league.md.
        """,
        help="draw opponents from the snapshots",
    )
    opponent_power: float = setting(
        2.0,
        number(0.0),
        '"prioritised" draws by (1 - the learner\'s win rate) to this power.',
    )
    experience: str = setting(
        "learner",
        choice(*SIDES),
        'Whose steps the learner learns from: its own, or "both" sides\'.',
        help="whose steps the learner learns from",
    )


def default_interval(iterations: int) -> int:
    """Return the iterations between kept copies of the learner where none are given."""
    return max(1, iterations // 4)


class RecordingSettings(Settings):
    """What is kept of a run, and who watches it."""

    snapshot_interval: int | None = setting(
        None,
        optional(integer(0, _COUNT)),
        """
        Iterations between kept copies of the learner; a quarter of `iterations` by default, 0
        for none. One takes 28 MB with "MlpPolicy" and a window of 48 x 48 x 24, and 14 MB more as
        an opponent; 0.2 MB with "CnnPolicy" and 40 KB with "LocalPolicy".
        """,
    )
    replay_interval: int = setting(
        0,
        integer(0, _COUNT),
        """
        Iterations between kept states for `Run.replay` to start from (12 to 16 bytes a parameter
        each: 85 MB for a window of 48 x 48 x 24); 0 keeps none, and it starts from the beginning.
        """,
    )
    record_steps: bool = setting(
        True,
        boolean(),
        "Keep `Run.windows`, `step_scores`, `actions` and `ends`: 35 bytes a step and game.",
    )
    checkpoint: PathLike | None = setting(
        None,
        optional(path()),
        """
        Where the run's state is written at the end, and when the run is interrupted. The place is
        tried before the first iteration, and a file that stands there is refused. Later trouble, as
        a full disk, is a warning. The file before stands beside it as ``.previous``, and is read
        where the newest one is damaged.
        """,
        recorded=False,
        help="file for the run's state, written when it ends or is interrupted; --resume goes on "
        "from it",
    )
    checkpoint_interval: int | None = setting(
        None,
        optional(integer(1)),
        "It is also written after every so many iterations.",
        recorded=False,
        help="also write --checkpoint every N iterations",
    )
    resume: bool = setting(
        False,
        boolean(),
        """
        Go on from `checkpoint` to `iterations` in all, with the bits of a run that was never
        interrupted. Everything else must be as it was.
        """,
        recorded=False,
        help="go on from --checkpoint to --iterations in all, as if never interrupted",
    )
    progress: Progress | bool | None = setting(
        None,
        bar(),
        'Called with (done, planned) iterations; True draws a bar (the extra "progress").',
        recorded=False,
    )
    callback: Callbacks | None = setting(
        None,
        callbacks(),
        """
        Told of each iteration, a callable by being called with the run; one that returns False ends
        it. See `spars.callbacks`.
        """,
        recorded=False,
    )
    tensorboard: PathLike | None = setting(
        None,
        optional(path("FOLDER")),
        'Folder for event files of every iteration (the extra "tensorboard").',
        recorded=False,
    )


class RunSettings(Settings):
    """How long a run is, and where it begins."""

    iterations: int = setting(
        100,
        integer(1, 1 << 32),
        "Rounds of collecting and updating; 10,000 in the published run.",
        recorded=False,
    )
    seed: int = setting(
        0,
        integer(0, SEED_LIMIT),
        "Seed of the initialisation, the actions and the minibatches.",
    )
    reference: Scan | None = setting(
        None,
        anything("Volume, array or path, optional"),
        """
        A mask of the scan's shape (0 and 1). Its Dice with the map so far is recorded after each
        iteration; nothing in the search sees it.
        """,
        recorded=False,
    )
    on: str | None = setting(
        None,
        _ON,
        """
        None: the reference must lie where the scan does. "scan" brings it there by nearest
        neighbour, "voxels" takes it voxel by voxel, whatever the affines say.
        """,
        recorded=False,
    )


class SelfPlaySettings(
    RecordingSettings, OpponentSettings, PPOSettings, PlayerSettings, GameSettings, RunSettings,
    owner="self_play", rest="switches",
):  # fmt: skip
    """What `spars.self_play` takes as keywords."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.snapshot_interval is None:
            object.__setattr__(self, "snapshot_interval", default_interval(self.iterations))
        if self.resume and self.checkpoint is None:
            raise ValueError(sentence("checkpoint", self.owner, "a path if 'resume' is True", None))
        if self.opponents is not None:
            owner = f"{self.owner} with opponents"
            check_integer(self.snapshot_interval, "snapshot_interval", owner, 1)


#: How windows are chosen: by the agents, or by a baseline that shares their scorer.
METHODS = ("self_play", "exhaustive", "random_walk", "greedy", "grad_cam")
#: The method that `agents` are played by.
LEARNED = "agents"


class SegmentationSettings(Settings, owner="segment", rest="search"):
    """What `spars.segment` takes as keywords beside those of the search.

    Where the classifier has a recipe, what was left out is the recipe's.
    """

    recipe: Recipe | None = setting(
        "classifier",
        anything("Recipe or None, optional"),
        """
        What the scan becomes, and by what a map becomes a mask. The classifier's own by default;
        None goes without any. Arguments that are given win over it.
        """,
    )

    iterations: int = setting(
        100,
        integer(1),
        """
        Rounds of collecting steps and one update; for the baselines, the same number of steps
        without updates. The exhaustive map and Grad-CAM visit every window once and ignore it.
        """,
    )
    window: tuple[int, int, int] = setting(
        WINDOW_OF_RECORD,
        extent(),
        "Extent of the moving window in voxels of the grid.",
    )
    grid: tuple[int, int, int] | None = setting(
        GRID_OF_RECORD,
        grid(),
        "The model grid; None plays in the scan's own voxels.",
    )
    protocol: Protocol = setting(
        "paper",
        protocol_kind(),
        "What is done where the released scripts and the paper's text part ways.",
    )
    termination_threshold: float | None = setting(
        None,
        optional(number(0.0, 1.0)),
        "Score above which an episode ends; 0.3 by default. Not of the exhaustion game.",
        help="score that ends an episode of the search game (default: 0.3)",
    )
    segmentation_threshold: float | None = setting(
        None,
        optional(number(0.0)),
        """
        Map value above which a voxel is tumour. The protocol's by default; it belongs to the
        protocol's accumulation (a sum of scores has no upper bound, a mean stays in [0, 1]).
        """,
        help="map value above which a voxel is tumour (default: the protocol's)",
    )
    method: str = setting(
        "self_play",
        choice(*METHODS, *STRATEGIES, LEARNED, "intensity"),
        """
        How windows are chosen; "grad_cam" asks a Classifier for the voxels behind its scores. Those
        from "raster" on ask for single windows, each once, until `max_scores`; "agents" is that by
        `agents`, and the default with them; see docs/explanation/search.md.
        "intensity" asks no classifier at all: `spars.intensity_mask`, what every other has to beat.
        With a recipe of a working grid "exhaustive" is the default.
        """,
        help="how windows are chosen (default: exhaustive where the recipe has a working grid, as "
        "of the weights that come with spars, agents with --agents, else self_play)",
    )
    max_scores: int | None = setting(
        None,
        optional(integer(1)),
        """
        How many windows the scorer may be asked for; None for all. Of the methods from "raster" on.
        """,
        help="windows to score at most, with the methods from 'raster' on (default: all)",
    )
    agents: Agents | None = setting(
        None,
        anything("Agents, optional"),
        "What `spars.train_agents` learned; it chooses the windows.",
    )
    region: Mask | None = setting(
        None,
        anything("Volume, array or path, optional"),
        "An organ mask on the scan's voxels; outside of it the mask is 0.",
    )
    region_value: int | Sequence[int] | None = setting(
        None,
        optional(labels()),
        """
        The label, or labels, of the organ in `region`, for files that hold several. `region` must
        hold one of them at least, and a `ScanWarning` names those that it does not. Without it
        `region` must hold 0 and 1 alone.
        """,
    )
    on: str | None = setting(
        None,
        _ON,
        """
        None: region and reference must lie where the scan does. "scan" brings them there by nearest
        neighbour, "voxels" takes them voxel by voxel, whatever the affines say.
        """,
    )
    isolated: bool = setting(
        False,
        boolean(),
        """
        Search the region alone, as `isolate` cuts it out, which is what a classifier trained on
        isolated organs knows. The mask and the map are the whole scan's all the same. An atlas must
        then be of the isolated region.
        """,
    )
    seed: int = setting(0, integer(), "Seed of every random draw.")
    progress: Progress | bool | None = setting(
        None,
        bar(),
        'Called with (done, planned); True draws a bar (the extra "progress").',
    )
    search: dict[str, Any] = setting(
        None,
        anything("dict"),
        """
        Passed to `self_play`: `n_steps`, `learning_rate`, `game` and so on. The baselines take
        `n_steps` and `stride` and refuse the rest; Grad-CAM also takes `layer` and `target`.
        """,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.agents is not None and not isinstance(self.agents, Agents):
            raise TypeError(sentence("agents", self.owner, "Agents or None", self.agents))
        if (self.agents is None) == (self.method == LEARNED):
            wanted = "Agents" if self.agents is None else "None"
            raise ValueError(
                f"The 'agents' parameter of {self.owner} must be {wanted} with "
                f"method={self.method!r}. Got {self.agents!r} instead."
            )
        if self.has_budget:
            # What the search takes beside these is segment's to give.
            refuse_unknown(self.search, ("n_steps", "stride"), self.method)
        if self.max_scores is not None and not self.has_budget:
            raise ValueError(
                f"The 'max_scores' parameter of {self.owner} must be None with "
                f"method={self.method!r}, which has no budget of scores. "
                f"Got {self.max_scores!r} instead."
            )

    @property
    def has_budget(self) -> bool:
        """Whether the method asks for single windows' scores, as many as it may."""
        return self.method in STRATEGIES or self.method == LEARNED

    def budget(self) -> dict[str, Any]:
        """Return what a search under a budget takes beside the rest; nothing for other methods."""
        if not self.has_budget:
            return {}
        strategy = STRATEGIES[self.method] if self.agents is None else self.agents.strategy
        return {"max_scores": self.max_scores, "strategy": strategy}

    def region_on(self, scan: Volume) -> MaskArray | None:
        """Return the region as a mask of a scan's voxels; None without one."""
        if self.region is None:
            return None
        return as_mask(
            self.region, "region", self.owner,
            value=self.region_value, must_hold=True, scan=scan, on=self.on,
        )  # fmt: skip

    def played(self) -> Protocol:
        """Return the protocol, with the settings' own `segmentation_threshold` where there is one.

        One threshold for the mask and for what the search says of its map on the way.
        """
        if self.segmentation_threshold is None:
            return self.protocol
        return self.protocol.with_switches(segmentation_threshold=self.segmentation_threshold)

"""The two protocols, built from one set of switches: D1 to D17 of docs/explanation/fidelity.md."""

from dataclasses import asdict, dataclass, replace

__all__ = ["IntensityWindow", "Protocol"]


@dataclass(frozen=True)
class IntensityWindow:
    """The range of HU that a network sees: values are clamped to it and scaled to [0, 1].

    Parameters
    ----------
    level, width : float
        Centre and width of the range in HU.
    """

    level: float = 40.0
    width: float = 400.0


@dataclass(frozen=True)
class Protocol:
    """What is done where the published scripts and the paper's text part ways.

    Start from `Protocol.paper()` (the default everywhere) or `Protocol.published()` and change
    single switches with `with_switches`.
    """

    #: D1: "image": every crop carries its scan's label. "voxel": cut from the voxel mask.
    crop_label: str
    #: D2: "window": crops of the window's size. Or an extent (x, y, z) of its own.
    crop_size: str | tuple[int, int, int]
    #: D2: how a training crop is resized to the network's input, "nearest" or "linear".
    crop_interpolation: str
    #: D3: HU range shown to the network; None passes raw HU.
    intensity_window: IntensityWindow | None
    #: D4: "resampled": the whole scan on the model grid. "corner": its first corner, cut.
    scan_frame: str
    #: D5: whose score is added at an agent's place, "own" or "other".
    credited_score: str
    #: D6: whose places are written to the map, "both" or "learner".
    credited_agents: str
    #: D7: "inside": one window, always inside. "clamped_crop": only the crop is clamped.
    border: str
    #: D8: "snapshot": frozen, refreshed at intervals. "live": the learner itself.
    opponent: str
    #: D9: steps after which an episode is truncated; None never truncates.
    max_episode_steps: int | None
    #: D10: whether every iteration starts a new episode.
    reset_each_iteration: bool
    #: D11: whether the map is read "before_reset" or "after_reset".
    map_read: str
    #: D12: how the learner's policy sees the window, "float32" or "uint8" (wrapped, over 255).
    observation_cast: str
    #: D13: whether the opponent's policy sees the "same" numbers or the "uncast" ones.
    opponent_observation: str
    #: D14: how scores of visits to a voxel accumulate, "sum", "mean" or "max".
    accumulation: str
    #: D14: the map's value above which a voxel is tumour; belongs to the accumulation.
    segmentation_threshold: float
    #: D15: what a reported mean and SD run over, "patients" or "iterations".
    summary_over: str
    #: D16: who gets +1 when scores tie, "none" or "learner".
    tie_reward: str
    #: D17: crops near the border are "full" size, or cut short and "stretched".
    border_crops: str

    @classmethod
    def paper(cls) -> "Protocol":
        """Return what the paper's text describes, with its defects repaired."""
        return cls(
            crop_label="image",
            crop_size="window",
            crop_interpolation="nearest",
            intensity_window=IntensityWindow(),
            scan_frame="resampled",
            credited_score="own",
            credited_agents="both",
            border="inside",
            opponent="snapshot",
            max_episode_steps=256,
            reset_each_iteration=False,
            map_read="before_reset",
            observation_cast="float32",
            opponent_observation="same",
            accumulation="mean",
            segmentation_threshold=0.5,
            summary_over="patients",
            tie_reward="none",
            border_crops="full",
        )

    @classmethod
    def published(cls) -> "Protocol":
        """Return what the released scripts really compute (catalinatan/SPARS, 0f4c84e)."""
        return cls(
            crop_label="voxel",
            crop_size=(96, 96, 64),
            crop_interpolation="linear",
            intensity_window=None,
            scan_frame="corner",
            credited_score="other",
            credited_agents="learner",
            border="clamped_crop",
            opponent="live",
            max_episode_steps=None,
            reset_each_iteration=True,
            map_read="after_reset",
            observation_cast="uint8",
            opponent_observation="uncast",
            accumulation="sum",
            segmentation_threshold=0.5,
            summary_over="iterations",
            tie_reward="learner",
            border_crops="stretched",
        )

    @classmethod
    def named(cls, protocol: "str | Protocol") -> "Protocol":
        """Return the protocol of this name, "paper" or "published"; a Protocol passes through."""
        if isinstance(protocol, cls):
            return protocol
        from spars._checks import check_choice

        return getattr(cls, check_choice(protocol, "protocol", "spars", ("paper", "published")))()

    def with_switches(self, **switches) -> "Protocol":
        """Return a copy with these switches changed."""
        return replace(self, **switches)

    def to_dict(self) -> dict:
        """Return the switches as plain values, for results and reports."""
        return asdict(self)

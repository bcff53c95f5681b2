"""The two protocols, built from one set of switches: D1 to D17 of docs/explanation/fidelity.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from spars._core import names
from spars._support.checks import (
    check_bool,
    check_choice,
    check_extent,
    check_float,
    check_integer,
    shown,
)
from spars._support.kinds import Kind
from spars._support.types import Extent3
from spars.volume.orientation import ORIENTATIONS

__all__ = ["IntensityWindow", "Protocol"]

ScanFrame = Literal["resampled", "corner", "native"]

# What each switch that is a choice may be.
CHOICES = {
    "crop_label": names.CROP_LABEL,
    "crop_interpolation": names.CROP_INTERPOLATION,
    "scan_frame": names.SCAN_FRAME,
    "credited_score": names.CREDITED_SCORE,
    "credited_agents": names.CREDITED_AGENTS,
    "border": names.BORDER,
    "opponent": names.OPPONENT,
    "map_read": names.MAP_READ,
    "observation_cast": names.OBSERVATION_CAST,
    "opponent_observation": names.OPPONENT_OBSERVATION,
    "accumulation": names.ACCUMULATION,
    "summary_over": ("patients", "iterations"),
    "tie_reward": names.TIE_REWARD,
    "border_crops": names.BORDER_CROPS,
    "orientation": ORIENTATIONS,
}


@dataclass(frozen=True)
class IntensityWindow:
    """The range of HU that a network sees: values are clamped to it and scaled to [0, 1].

    Parameters
    ----------
    level, width : float
        Centre and width of the range in HU; the width is above 0.

    Raises
    ------
    TypeError, ValueError
        One is not a finite float, or the width is not above 0.

    Examples
    --------
    >>> spars.IntensityWindow(level=40, width=400)
    IntensityWindow(level=40, width=400)
    """

    level: float = 40.0
    width: float = 400.0

    def __post_init__(self) -> None:
        check_float(self.level, "level", "IntensityWindow")
        check_float(self.width, "width", "IntensityWindow", 0.0, open_low=True)


@dataclass(frozen=True)
class Protocol:
    """What is done where the published scripts and the paper's text part ways.

    Start from `Protocol.paper()` (the default everywhere) or `Protocol.published()` and change
    single switches with `with_switches`.

    Raises
    ------
    TypeError, ValueError
        A switch is none of its choices, or out of its range; the message names it.

    Examples
    --------
    >>> protocol = spars.Protocol.paper().with_switches(orientation="stored")
    >>> protocol == spars.Protocol.from_dict(protocol.to_dict())
    True
    >>> spars.Protocol.named("published") == spars.Protocol.published()
    True
    >>> protocol.credited_extent
    """

    #: D1: "image": every crop carries its scan's label. "voxel": cut from the voxel mask.
    crop_label: str
    #: D2: "window": crops of the window's size. Or an extent (x, y, z) of its own.
    crop_size: str | tuple[int, int, int]
    #: D2: how a training crop is resized to the network's input, "nearest" or "linear".
    crop_interpolation: str
    #: D3: HU range shown to the network; None passes raw HU.
    intensity_window: IntensityWindow | None
    #: D4: "resampled": the whole scan on the model grid. "corner": indexed as it is, as if it had
    #: the grid's shape, so that only its first corner is visited. "native": its own voxels.
    scan_frame: ScanFrame
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
    #: The part of a window that its score is added to: "window", all of it, or an extent (x, y, z)
    #: in its middle, an odd voxel left over above it. At most the window. Not of the paper's.
    credited_part: str | tuple[int, int, int]
    #: Which way the scan's axes run in play: as "stored" in its file, or "LPS", one way for every
    #: storage order. Where a scan's place is not known, as an array's, it stays as it is.
    orientation: str

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            check_choice(getattr(self, name), name, "Protocol", choices)
        if self.crop_size != "window":
            check_extent(self.crop_size, "crop_size", "Protocol")
        if self.credited_part != "window":
            check_extent(self.credited_part, "credited_part", "Protocol")
        window = self.intensity_window
        if window is not None and not isinstance(window, IntensityWindow):
            raise TypeError(
                "The 'intensity_window' parameter of Protocol must be None or an IntensityWindow. "
                f"Got {shown(window)} instead."
            )
        if self.max_episode_steps is not None:
            check_integer(self.max_episode_steps, "max_episode_steps", "Protocol", 1)
        check_bool(self.reset_each_iteration, "reset_each_iteration", "Protocol")
        check_float(self.segmentation_threshold, "segmentation_threshold", "Protocol", 0.0)

    @classmethod
    def paper(cls) -> Protocol:
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
            credited_part="window",
            orientation="LPS",
        )

    @classmethod
    def published(cls) -> Protocol:
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
            credited_part="window",
            orientation="stored",
        )

    @property
    def credited_extent(self) -> Extent3 | None:
        """`credited_part` as three ints, None where it is the whole window."""
        if self.credited_part == "window":
            return None
        return check_extent(self.credited_part, "credited_part", "Protocol")

    @classmethod
    def named(cls, protocol: str | Protocol) -> Protocol:
        """Return the protocol of this name, "paper" or "published"; a Protocol passes through."""
        if isinstance(protocol, cls):
            return protocol
        return getattr(cls, check_choice(protocol, "protocol", "spars", ("paper", "published")))()

    def with_switches(self, **switches: Any) -> Protocol:
        """Return a copy with these switches changed.

        Raises
        ------
        TypeError
            There is no switch of a name; the message lists those that exist.
        """
        known = [field.name for field in fields(self)]
        for name in switches:
            if name not in known:
                raise TypeError(
                    f"A Protocol has no switch '{name}'. Its switches are {', '.join(known)}."
                )
        return replace(self, **switches)

    def to_dict(self) -> dict[str, Any]:
        """Return the switches as plain values, for results and reports."""
        return asdict(self)

    @classmethod
    def from_dict(cls, switches: Mapping[str, Any]) -> Protocol:
        """Return the protocol that `to_dict` described, also after a way through JSON.

        Without a `credited_part` or `orientation`, as in what was saved before there were any, they
        are "window" and "stored".

        Raises
        ------
        TypeError, ValueError
            A switch is missing, unknown or out of range.
        """
        switches = {"credited_part": "window", "orientation": "stored", **switches}
        missing = {item.name for item in fields(cls)} - switches.keys()
        if missing:
            raise ValueError(
                f"The 'switches' parameter of Protocol.from_dict must hold every switch. "
                f"Got none for '{min(missing)}'."
            )
        window = switches["intensity_window"]
        switches["intensity_window"] = None if window is None else IntensityWindow(**window)
        for name in ("crop_size", "credited_part"):
            if isinstance(switches[name], list):
                switches[name] = tuple(switches[name])
        return cls(**switches)


def protocol_kind() -> Kind:
    """A protocol or its name; the option takes a name."""
    return Kind(
        '{"paper", "published"} or Protocol',
        lambda value, name, owner: Protocol.named(value),
        {"choices": ("paper", "published")},
        plain=Protocol.to_dict,
        again=Protocol.from_dict,
    )

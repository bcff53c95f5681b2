"""The law that lesions are drawn by, and how windows are drawn and changed.

Defaults are the core's own.
"""

from typing import Any

from spars._core import native
from spars._support.checks import check_float, sentence
from spars._support.kinds import Kind, boolean, extent, integer, number, optional
from spars._support.settings import Settings, setting

_LAW = native.lesion_law_default()
_WINDOWS = native.lesion_window_settings_default()


def _interval(low: float, high: float) -> Kind:
    """Two ascending floats in [low, high]."""

    def check(value: Any, name: str, owner: str) -> tuple[float, float]:
        try:
            ends = tuple(value)
        except TypeError:
            ends = ()
        wanted = f"two ascending floats in the range [{low}, {high}]"
        if len(ends) != 2:
            raise TypeError(sentence(name, owner, wanted, value))
        first, last = (check_float(end, name, owner, low, high) for end in ends)
        if first > last:
            raise ValueError(sentence(name, owner, wanted, value))
        return first, last

    option = {"type": float, "nargs": 2, "metavar": ("LOW", "HIGH")}
    return Kind(f"(float, float) in [{low}, {high}]", check, option, plain=list, again=tuple)


_CHANCE = number(0.0, 1.0)


class LesionLaw(Settings, owner="LesionLaw"):
    """How lesions are drawn: every number of it. Pairs are ranges, both ends included.

    Lengths are mm and intensities HU; what is a share of the radius grows with the lesion.

    Parameters
    ----------
    {settings}

    Raises
    ------
    TypeError, ValueError
        A parameter is out of range.

    Examples
    --------
    >>> spars.lesions.LesionLaw(radius=(5, 10)).radius
    (5.0, 10.0)
    """

    radius: tuple[float, float] = setting(
        _LAW.radius, _interval(0.5, 80.0), "Mean radius, mm; log-uniform. Default: 3 to 21."
    )
    axes: tuple[float, float] = setting(
        _LAW.axes,
        _interval(0.3, 3.0),
        "Factor of the radius along each of three axes of random direction. Default: 0.7 to 1.35.",
    )
    boundary: tuple[float, float] = setting(
        _LAW.boundary,
        _interval(0.0, 0.4),
        """
        Standard deviation of the boundary's displacement, a share of the radius. Default: 0.03 to
        0.13.
        """,
    )
    edge: tuple[float, float] = setting(
        _LAW.edge,
        _interval(0.05, 10.0),
        """
        Width of the logistic edge, mm, but never sharper than the host's own grain. Default: 0.4
        to 1.2.
        """,
    )
    dark: tuple[float, float] = setting(
        _LAW.dark,
        _interval(1.0, 300.0),
        "HU that a dark lesion lies below the organ's level; log-uniform. Default: 12 to 100.",
    )
    bright: tuple[float, float] = setting(
        _LAW.bright,
        _interval(1.0, 300.0),
        "HU that a bright lesion lies above it; log-uniform. Default: 12 to 60.",
    )
    bright_chance: float = setting(
        _LAW.bright_chance, _CHANCE, "Chance that a lesion is bright. Default: 0.1."
    )
    darkest_hu: float = setting(
        _LAW.darkest_hu,
        number(-1000.0, 1000.0),
        """
        HU that no lesion's own level falls below; a dark lesion stays at least ``dark[0]`` below
        the organ all the same. Default: 0, water.
        """,
    )
    texture: tuple[float, float] = setting(
        _LAW.texture,
        _interval(0.0, 100.0),
        "Standard deviation of the lesion's own texture, HU. Default: 2 to 9.",
    )
    grain: tuple[float, float] = setting(
        _LAW.grain, _interval(0.5, 50.0), "Size of the texture's grains, mm. Default: 1.5 to 5."
    )
    noise_share: tuple[float, float] = setting(
        _LAW.noise_share,
        _interval(0.0, 1.0),
        "Share of the host's fine noise that the lesion keeps. Default: 0.6 to 1.",
    )
    core_chance: float = setting(
        _LAW.core_chance, _CHANCE, "Chance of a darker core. Default: 0.25."
    )
    core: tuple[float, float] = setting(
        _LAW.core, _interval(0.0, 300.0), "HU of the core below the rest. Default: 8 to 30."
    )
    core_size: tuple[float, float] = setting(
        _LAW.core_size,
        _interval(0.05, 0.95),
        "Radius of the core, a share of the lesion's. Default: 0.35 to 0.75.",
    )
    rim_chance: float = setting(_LAW.rim_chance, _CHANCE, "Chance of a brighter rim. Default: 0.2.")
    rim: tuple[float, float] = setting(
        _LAW.rim, _interval(0.0, 300.0), "HU of the rim above the rest. Default: 10 to 40."
    )
    rim_width: tuple[float, float] = setting(
        _LAW.rim_width,
        _interval(0.2, 20.0),
        "Width of the rim, inside the boundary, mm. Default: 1.5 to 4.",
    )
    capsule_chance: float = setting(
        _LAW.capsule_chance, _CHANCE, "Chance of a capsule. Default: 0.05."
    )
    capsule: tuple[float, float] = setting(
        _LAW.capsule,
        _interval(0.0, 300.0),
        "HU of the capsule above its surroundings. Default: 10 to 35.",
    )
    capsule_width: tuple[float, float] = setting(
        _LAW.capsule_width,
        _interval(0.2, 20.0),
        "Width of the capsule, outside the boundary, mm. Default: 1 to 2.",
    )
    cluster_chance: float = setting(
        _LAW.cluster_chance, _CHANCE, "Chance that a lesion has others around it. Default: 0.15."
    )
    cluster_count: int = setting(
        _LAW.cluster_count,
        integer(2, 20),
        "Most lesions of a cluster, the first included. Default: 5.",
    )
    cluster_radius: tuple[float, float] = setting(
        _LAW.cluster_radius,
        _interval(0.1, 1.0),
        "Radius of the others, a share of the first one's. Default: 0.35 to 0.8.",
    )
    over_vessels_chance: float = setting(
        _LAW.over_vessels_chance,
        _CHANCE,
        """
        Chance that a lesion hides the vessels it meets; otherwise it spares them, and they are no
        part of it. Default: 0.7.
        """,
    )
    vessel_rise: float = setting(
        _LAW.vessel_rise,
        number(1.0, 500.0),
        "HU above the level from which the smoothed host counts as a vessel. Default: 25.",
    )


class WindowSettings(Settings, owner="windows"):
    """How labelled windows are drawn, and what is done to their values.

    Parameters
    ----------
    {settings}

    Examples
    --------
    >>> spars.lesions.WindowSettings(window=(12, 12, 12)).window
    (12, 12, 12)
    """

    window: tuple[int, int, int] = setting(
        _WINDOWS.window, extent(2, 256), "Voxels of a window. Default: 16 along each axis."
    )
    core: tuple[int, int, int] = setting(
        _WINDOWS.core,
        extent(1, 256),
        """
        Voxels of the window's core, in its middle: what the label is about. Along each axis odd
        where the window is odd, even where it is even. Default: 6 along each axis.
        """,
    )
    tumour_chance: float = setting(
        _WINDOWS.tumour_chance, _CHANCE, "Chance of label 1: a lesion in the core. Default: 0.5."
    )
    beside_chance: float = setting(
        _WINDOWS.beside_chance,
        _CHANCE,
        "Chance of a lesion in the window but beside its core: label 0. Default: 0.125.",
    )
    tumour_share_above: float = setting(
        _WINDOWS.tumour_share_above,
        _CHANCE,
        "Share of the core that must be lesion, and more, for label 1. Default: 0.25.",
    )
    free_share_below: float = setting(
        _WINDOWS.free_share_below,
        _CHANCE,
        """
        Share of the core below which the label is 0; what lies between is drawn again. Default:
        0.02.
        """,
    )
    level_at: float | None = setting(
        _WINDOWS.level_at,
        optional(number(-1000.0, 1000.0)),
        "HU that the organ's level is moved to; None leaves values as they are. Default: 100.",
    )
    outside: float = setting(
        _WINDOWS.outside,
        number(-2000.0, 2000.0),
        "HU outside the organ, against its level. Default: -200.",
    )
    flips: bool = setting(
        _WINDOWS.flips, boolean(), "Mirror each axis with a chance of one half. Default: True."
    )
    transposes: bool = setting(
        _WINDOWS.transposes,
        boolean(),
        "Let axes of the same length and spacing change places. Default: True.",
    )
    gain: tuple[float, float] = setting(
        _WINDOWS.gain,
        _interval(0.1, 10.0),
        "Factor of the distance to the level. Default: 0.75 to 1.3.",
    )
    offset: tuple[float, float] = setting(
        _WINDOWS.offset, _interval(-1000.0, 1000.0), "HU added. Default: -8 to 8."
    )
    noise: tuple[float, float] = setting(
        _WINDOWS.noise,
        _interval(0.0, 200.0),
        "Standard deviation of noise added to each voxel, HU. Default: 0 to 6.",
    )
    blur: tuple[float, float] = setting(
        _WINDOWS.blur,
        _interval(0.0, 5.0),
        "Standard deviation of a Gaussian blur within the organ, mm. Default: 0 to 0.9.",
    )

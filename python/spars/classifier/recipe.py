"""The recipe: all that stands between a scan and a mask beside the classifier's parameters."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Self

from spars._support.checks import sentence, shown
from spars._support.errors import FormatError
from spars._support.kinds import boolean, choice, extent, grid, integer, number, optional, text
from spars._support.settings import Settings, setting
from spars._support.types import Mask, Scan
from spars._support.version import __version__
from spars.volume.protocol import Protocol, protocol_kind
from spars.volume.working import WorkingScan, working_scan

__all__ = ["Recipe"]

#: Of the form below; a file of another one is refused.
_SCHEMA = 1
REFINEMENTS = ("none", "split")

# What `Recipe.of_organ` takes where nothing else is said.
#: Voxels of a window's middle that its score goes to, along each axis.
CREDITED = 4
_THRESHOLD = 0.9
_THRESHOLD_FROM = (
    f"default of spars {__version__}, chosen on patients of LiTS and 3D-IRCADb-01 that were "
    "looked at"
)
_ORGAN = {
    "margin": 18.0, "is_interpolated": True, "refinement": "split", "certain": 0.97,
    "border_contrast": 20.0, "minimum_volume": 0.1, "large_volume": 5.0,
}  # fmt: skip


class Recipe(Settings, owner="Recipe"):
    """What a classifier was trained on, and so what a scan must become before it is scored.

    `Classifier.fit` makes one and the weights' file keeps it (`Classifier.recipe`);
    `spars.segment` and its command take their defaults from there. There are two kinds. With
    `spacing`, windows are cut from an organ on a working grid of that spacing, its HU measured from
    the organ's own level. Without, windows are cut from the scan on a model grid of so many voxels,
    as in the paper, or from its own voxels.

    The range of HU that the network sees is the classifier's own (`Classifier.intensity_window`).

    Parameters
    ----------
    {settings}

    Raises
    ------
    TypeError, ValueError
        A parameter is out of range.

    Examples
    --------
    >>> recipe = spars.Recipe.of_organ(spacing=1.5, window=(16, 16, 16))
    >>> spars.Recipe.from_json(recipe.to_json()) == recipe
    True
    >>> recipe.threshold
    0.9
    """

    window: tuple[int, int, int] = setting(
        (16, 16, 16), extent(1, 16383), "Voxels of a window on the grid."
    )
    spacing: float | None = setting(
        None,
        optional(number(0.1, 50.0)),
        """
        Edge of the working grid's voxels, mm. None: the model grid `grid`. With it, an organ's
        mask is needed.
        """,
    )
    level_at: float | None = setting(
        100.0,
        optional(number(-1000.0, 1000.0)),
        """
        HU that the organ's level is moved to on a working grid; None leaves HU as they are.
        """,
    )
    outside: float = setting(
        -200.0,
        number(-2000.0, 2000.0),
        "HU outside the organ on a working grid, against the organ's level.",
    )
    margin: float = setting(
        12.0,
        number(0.0, 200.0),
        "mm of a working grid beyond the organ on each side.",
    )
    takes_cavities: bool = setting(
        True,
        boolean(),
        """
        On a working grid: whether what the organ's mask leaves out but encloses is taken for the
        organ's where its HU are a lesion's, 10 to 70 below the organ's. Masks of organs often
        leave lesions out.
        """,
    )
    grid: tuple[int, int, int] | None = setting(
        None,
        grid(16383),
        "The model grid without `spacing`; None: the scan's own voxels.",
    )
    isolated: bool = setting(
        False,
        boolean(),
        "Whether the organ alone is searched, as `isolate` cuts it out. Without `spacing`.",
    )
    stride: int = setting(4, integer(1, 16383), "Voxels between neighbouring windows.")
    protocol: Protocol = setting(
        "paper",
        protocol_kind(),
        "Its switches: what a window's score is credited to, accumulation, threshold and more.",
    )
    is_interpolated: bool = setting(
        False,
        boolean(),
        """
        On a working grid: whether the map runs linearly between the middles of the windows that
        were scored, each with its score, instead of what the protocol credits and accumulates.
        Windows that a search did not visit count as 0.
        """,
    )
    threshold_from: str = setting(
        "",
        text(),
        "Where the protocol's segmentation threshold comes from, in words.",
    )
    refinement: str = setting(
        "none",
        choice(*REFINEMENTS),
        """
        What is done to the map's components on a working grid: "split" moves their borders to
        where the HU change from the lesion's own to the organ's.
        """,
    )
    certain: float = setting(
        0.97,
        number(0.0),
        """
        With "split": the value that a component's highest must be above; others are no finding.
        """,
    )
    reach: float = setting(
        4.5,
        number(0.0, 100.0),
        'With "split": mm beyond a component that its lesion may reach.',
    )
    least_contrast: float = setting(
        12.0,
        number(0.0, 1000.0),
        """
        With "split": HU between lesion and organ below which HU tell nothing of the border.
        """,
    )
    border_contrast: float | None = setting(
        None,
        optional(number(0.1, 1000.0)),
        """
        With "split": HU from the organ's level beyond which no border lies, however dark the
        lesion's middle is: readers draw what lies between as lesion. None: it lies half way to the
        lesion's own level.
        """,
    )
    minimum_volume: float = setting(
        0.0, number(0.0, 1000.0), 'With "split": lesions below so many ml are no finding.'
    )
    large_volume: float | None = setting(
        None,
        optional(number(0.001, 1000.0)),
        """
        With "split": a component of at least so many ml is followed down to `large_threshold`: the
        inside of a large lesion is less even than that of a small one, and its part of the map
        torn. None: no component is.
        """,
    )
    large_threshold: float = setting(
        0.8,
        number(0.0),
        """
        With "split" and a `large_volume`: the map's value above which a voxel may belong to a large
        component; the protocol's segmentation threshold where that is lower.
        """,
    )

    presence_slope: float | None = setting(
        None,
        optional(number(0.0)),
        """
        What turns a map's highest value into the probability that the scan shows tumour: its
        log-odds are `presence_offset` plus this times the value's. `calibrate_presence` finds both;
        None: it is not known.
        """,
    )
    presence_offset: float | None = setting(None, optional(number()), "See `presence_slope`.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.presence_slope is None) != (self.presence_offset is None):
            raise ValueError(
                "The 'presence_slope' parameter of Recipe must be given with 'presence_offset'. "
                f"Got {self.presence_slope!r} and {self.presence_offset!r} instead."
            )
        if self.spacing is not None:
            if self.grid is not None or self.isolated:
                raise ValueError(
                    "The 'spacing' parameter of Recipe must be None with a grid or an isolated "
                    f"region. Got {shown(self.spacing)} instead."
                )
        else:
            for name, allowed in (("refinement", "none"), ("is_interpolated", False)):
                if getattr(self, name) != allowed:
                    raise ValueError(
                        f"The '{name}' parameter of Recipe must be {allowed!r} without 'spacing'. "
                        f"Got {shown(getattr(self, name))} instead."
                    )

    @classmethod
    def of_organ(
        cls,
        spacing: float = 1.5,
        window: Sequence[int] = (16, 16, 16),
        *,
        credited_part: Sequence[int] | None = None,
        segmentation_threshold: float | None = None,
        **settings: Any,
    ) -> Self:
        """Return the recipe of windows of an organ on a working grid.

        Parameters
        ----------
        spacing : float
            Edge of the working grid's voxels, 0.1 to 50 mm.
        window : tuple of three ints
            Voxels of a window on that grid.
        credited_part : tuple of three ints, optional
            What of a window its score goes to. Default: 4 voxels along each axis in its middle, or
            the whole of a shorter axis.
        segmentation_threshold : float, optional
            The map's value above which a voxel may be tumour. Default: 0.9, with a
            `threshold_from` that says where it comes from.
        **settings
            Others of the recipe's, but for `protocol`, `grid` and `isolated`. Defaults that differ
            from the class's: ``margin=18.0``, ``is_interpolated=True``, ``refinement="split"``,
            ``certain=0.97``, ``border_contrast=20.0``, ``minimum_volume=0.1``,
            ``large_volume=5.0``.

        Raises
        ------
        TypeError, ValueError
            A parameter is out of range or unknown.

        Examples
        --------
        >>> recipe = spars.Recipe.of_organ(certain=0.98)
        >>> recipe.threshold, recipe.protocol.credited_part
        (0.9, (4, 4, 4))
        """
        x, y, z = extent(1, 16383).check(window, "window", cls.owner)
        if credited_part is None:
            credited_part = min(x, CREDITED), min(y, CREDITED), min(z, CREDITED)
        if segmentation_threshold is None:
            segmentation_threshold = _THRESHOLD
            settings = {"threshold_from": _THRESHOLD_FROM, **settings}
        for name in ("protocol", "grid", "isolated"):
            if name in settings:
                raise TypeError(
                    f"Recipe.of_organ() decides '{name}' itself. Got {shown(settings[name])}."
                )
        protocol = Protocol.paper().with_switches(
            scan_frame="native",
            # A working grid has one orientation already.
            orientation="stored",
            credited_part=tuple(credited_part),
            segmentation_threshold=segmentation_threshold,
        )
        known = {"spacing": spacing, "window": (x, y, z), "protocol": protocol}
        return cls.of(_ORGAN | known | settings)

    def working(self, scan: Scan, organ: Mask) -> WorkingScan:
        """Bring an organ of a scan to this recipe's working grid: `spars.working_scan`.

        Parameters
        ----------
        scan, organ
            As `spars.working_scan` takes them.

        Returns
        -------
        WorkingScan

        Raises
        ------
        TypeError, ValueError, NonFiniteError
            As `spars.working_scan`, or the recipe has no `spacing`.

        Examples
        --------
        >>> made = spars.phantom(seed=1, shape=(64, 64, 48))
        >>> recipe = spars.Recipe.of_organ(spacing=4.0)
        >>> recipe.working(made.volume, made.liver).volume.spacing
        (4.0, 4.0, 4.0)
        """
        if self.spacing is None:
            raise ValueError(sentence("spacing", self.owner, "a float for a working grid", None))
        return working_scan(scan, organ, self.spacing, self.margin)

    @property
    def threshold(self) -> float:
        """The map's value above which a voxel is tumour."""
        return self.protocol.segmentation_threshold

    def to_json(self) -> str:
        """Return the recipe as text, for a file."""
        return json.dumps({"schema": _SCHEMA} | self.recorded(), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the recipe that `to_json` wrote.

        Raises
        ------
        FormatError
            The text is none, of another schema, or holds a value out of range.
        """
        try:
            found = json.loads(text)
            schema = found.pop("schema")
        except (ValueError, KeyError, AttributeError, RecursionError):
            raise FormatError(f"A recipe must be JSON with a schema. Got {text[:80]!r}.") from None
        if schema != _SCHEMA:
            raise FormatError(
                f"A recipe's schema must be {_SCHEMA}. Got {schema!r}: another version of spars "
                "wrote it."
            )
        unknown = sorted(found.keys() - cls.defaults().keys())
        if unknown:
            raise FormatError(f"A recipe has no {unknown[0]!r}.")
        try:
            return cls.again(found)
        except (TypeError, ValueError, KeyError) as error:
            raise FormatError(f"The recipe is broken: {error}") from None

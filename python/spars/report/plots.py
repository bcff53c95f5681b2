"""Pictures of scans, masks and runs, as matplotlib figures that the caller shows or saves.

pyplot keeps none of them: a notebook shows a figure where it is a cell's value, `figure.savefig`
writes it. For a window, give the axes of a figure of pyplot as `ax`, then call ``pyplot.show()``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spars._support.checks import check_choice, check_integer
from spars._support.extras import require
from spars._support.types import FloatArray, Scan, Spacing
from spars.volume.placement import laid_on
from spars.volume.protocol import IntensityWindow
from spars.volume.volume import Volume, as_volume

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from spars.search.coverage import Coverage
    from spars.search.league import League

__all__ = ["COVERAGE", "coverage", "curves", "overlay", "payoff", "ratings", "views"]

# Outlines in colours that people with colour-vision deficiencies tell apart (Okabe and Ito, 2008);
# lines legible on light and dark ground.
PREDICTION = "#E69F00"
REFERENCE = "#56B4E9"
LINES = ("#3A8FC7", "#DD6E2B", "#2AA57F", "#C77DAB", "#C99700", "#7A86D8")
#: What `coverage` draws: the attribute of a `Coverage`, and the axis' name.
COVERAGE = (
    ("seen", "share of all windows seen"),
    ("best_seen", "share of the best windows seen"),
    ("regret", "regret"),
)
SOFT_TISSUE = IntensityWindow(level=40.0, width=400.0)


def overlay(
    volume: Scan,
    prediction: Scan | None = None,
    reference: Scan | None = None,
    score_map: Scan | None = None,
    *,
    axis: int = 2,
    index: int | None = None,
    intensity_window: IntensityWindow = SOFT_TISSUE,
    score_label: str = "score",
    ax: Axes | None = None,
    on: str | None = None,
) -> Figure:
    """Draw one slice with the outlines of masks over it, in radiological orientation.

    The affine is read as nibabel's (millimetres, right-anterior-superior), so whatever the voxel
    order is, an axial slice has the patient's right on the left and anterior at the top, a coronal
    one right on the left and the head at the top, and a sagittal one anterior on the left and the
    head at the top. Letters at the edges say so: R right, A anterior, S superior.

    Parameters
    ----------
    volume : Volume, array, image or path
        The scan, (X, Y, Z), HU.
    prediction, reference : array of shape (X, Y, Z), optional
        Masks; above 0.5 is inside. Empty masks draw nothing.
    score_map : float array of shape (X, Y, Z), optional
        Drawn as a translucent colour layer over `score_range`, with a colour bar where the figure
        is new; 0 stays clear.
    axis : {0, 1, 2}
        The voxel axis to cut across.
    index : int, optional
        The slice. By default the one where the reference, else the prediction, is largest; the
        middle one where both are empty.
    intensity_window : IntensityWindow
        HU range shown; level 40, width 400 by default.
    score_label : str
        What the map's colours mean, for the colour bar.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    on : {None, "scan", "voxels"}
        None: masks and map must lie where the scan does. "scan" brings them there by nearest
        neighbour, "voxels" takes them voxel by voxel, whatever the affines say.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        A mask or map has another shape than the scan or lies elsewhere, or `index` lies outside.
    ImportError
        matplotlib is missing.
    """
    volume = as_volume(volume)
    axis = check_integer(axis, "axis", "overlay", 0, 2)
    given = {"prediction": prediction, "reference": reference, "score_map": score_map}
    layers = {name: _layer(array, name, volume, on) for name, array in given.items()}
    if index is None:
        index = largest_slice(volume.shape, layers["reference"], layers["prediction"], axis=axis)
    index = check_integer(index, "index", "overlay", 0, volume.shape[axis] - 1)
    is_alone = ax is None
    figure, ax = _axes(ax)
    cut = _Cut(volume.affine, axis, index)
    low = intensity_window.level - intensity_window.width / 2
    options: dict[str, Any] = {"aspect": cut.aspect(volume.spacing), "interpolation": "nearest"}
    image = cut(volume.array)
    ax.imshow(image, cmap="gray", vmin=low, vmax=low + intensity_window.width, **options)
    scores = layers["score_map"]
    if scores is not None:
        shown = np.ma.masked_less_equal(cut(scores), 0.0)
        low, high = score_range(scores)
        colours = ax.imshow(shown, cmap=_score_colours(), vmin=low, vmax=high, alpha=0.5, **options)
        if is_alone:
            figure.colorbar(colours, ax=ax, label=score_label)
    handles = [
        _outline(ax, cut(layer), colour, style, name)
        for name, colour, style in (
            ("reference", REFERENCE, "solid"),
            ("prediction", PREDICTION, "dashed"),
        )
        if (layer := layers[name]) is not None
    ]
    if handles:
        ax.legend(handles=handles, loc="lower left", fontsize="small", framealpha=0.75)
    _letters(ax, cut)
    ax.set_title(f"{cut.plane}, {'xyz'[axis]} = {index}", fontsize="medium")
    ax.set_axis_off()
    return figure


def views(
    volume: Scan,
    prediction: Scan | None = None,
    reference: Scan | None = None,
    score_map: Scan | None = None,
    *,
    index: Sequence[int] | None = None,
    score_label: str = "score",
    on: str | None = None,
) -> Figure:
    """Draw one slice across each of the three axes side by side.

    Parameters and errors are those of `overlay`, but `index` takes one slice for each of the axes
    x, y and z; returns the figure.
    """
    volume = as_volume(volume)
    order = (2, 1, 0)
    widths = [_Cut(volume.affine, axis, 0).width(volume) for axis in order]
    # Panels of one height, each as wide as its slice is in millimetres.
    figure = _figure(13, 13 / sum(widths) + 0.25)
    axes = figure.subplots(1, 3, width_ratios=widths)
    for axis, ax in zip(order, axes, strict=True):
        chosen = None if index is None else index[axis]
        overlay(volume, prediction, reference, score_map, axis=axis, index=chosen, ax=ax, on=on)
        if ax is not axes[0] and ax.get_legend() is not None:
            ax.get_legend().remove()
    if score_map is not None:
        figure.colorbar(axes[0].images[-1], ax=list(axes), label=score_label, fraction=0.02)
    return figure


def curves(
    series: Mapping[str, Sequence[float] | NDArray[Any]],
    *,
    x_label: str,
    y_label: str,
    title: str | None = None,
    smooth: int = 1,
    scale: str = "linear",
    mark: tuple[int, str] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw named series over their index, each from 1.

    Parameters
    ----------
    series : mapping of str to sequence of float
        NaN leaves a gap. Series that are empty or all NaN are left out.
    x_label, y_label : str
        Axis names with their units.
    title : str, optional
        Shown above.
    smooth : int
        Width of a trailing mean drawn over the faded raw values; 1 draws the values alone.
    scale : {"linear", "log"}
        Text of the y axis.
    mark : tuple of (int, str), optional
        A place on the x axis, from 1, and what to write there: a dashed line crosses the chart.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        `mark` does not lie within the longest series, `smooth` is below 1, or `scale` is neither.
    """
    smooth = check_integer(smooth, "smooth", "curves", 1)
    check_choice(scale, "scale", "curves", ("linear", "log"))
    if mark is not None:
        longest = max((len(values) for values in series.values()), default=0)
        place, text = mark
        place = check_integer(place, "mark", "curves", 1, longest)
    figure, ax = _axes(ax)
    drawn = 0
    for name, values in series.items():
        values = np.asarray(values, dtype=np.float64)
        if values.size == 0 or np.isnan(values).all():
            continue
        colour = LINES[drawn % len(LINES)]
        drawn += 1
        steps = np.arange(1, values.size + 1)
        if smooth > 1:
            ax.plot(steps, values, color=colour, alpha=0.25, linewidth=0.8)
        marker = "o" if values.size <= 20 else None
        ax.plot(steps, trailing_mean(values, smooth), color=colour, label=name, marker=marker)
    ax.set_yscale(scale)
    # Epochs and iterations are whole.
    locator: Any = ax.xaxis.get_major_locator()
    locator.set_params(integer=True)
    if mark is not None:
        ax.axvline(place, color=LINES[5], linestyle="dashed", linewidth=1.2, zorder=1)
        # Above the curves, on the side with more room.
        on_left = place > (longest + 1) / 2
        ax.annotate(
            text,
            (place, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(-4 if on_left else 4, 2),
            textcoords="offset points",
            ha="right" if on_left else "left",
            va="bottom",
            fontsize="small",
        )
    if title:
        # Above what is written at the mark.
        ax.set_title(title, fontsize="medium", pad=None if mark is None else 18)
    _finish(ax, x_label, y_label, drawn)
    return figure


def coverage(
    curves: Mapping[str, Coverage], *, part: str | None = None, ax: Axes | None = None
) -> Figure:
    """Draw how much of a scan searches had seen after each step, and their regret.

    Parameters
    ----------
    curves : mapping of str to Coverage
        By the name of the search, from `Run.coverage` or `spars.coverage.coverage`.
    part : {"seen", "best_seen", "regret"}, optional
        One panel alone; all three side by side by default.
    ax : matplotlib.axes.Axes, optional
        Where to draw, together with `part`; a new figure by default.

    Returns
    -------
    matplotlib.figure.Figure
        The steps are on a logarithmic axis: an exhaustive search takes many more than a game.

    Raises
    ------
    ValueError
        No curve is given, or `part` is none of the three.
    """
    if not curves:
        raise ValueError(
            "The 'curves' parameter of coverage must hold a Coverage by name. Got none instead."
        )
    if part is not None:
        part = check_choice(part, "part", "coverage", [name for name, _ in COVERAGE])
        figure, ax = _axes(ax)
        panels = [(ax, part, dict(COVERAGE)[part])]
    else:
        figure = _figure(13, 3.6)
        axes = figure.subplots(1, 3)
        panels = [(ax, *panel) for ax, panel in zip(axes, COVERAGE, strict=True)]
    for ax, name, label in panels:
        for index, (search, curve) in enumerate(curves.items()):
            values = getattr(curve, name)
            colour = LINES[index % len(LINES)]
            ax.plot(np.arange(1, len(values) + 1), values, color=colour, label=search)
        _finish(ax, "step", label, len(curves))
        ax.set_xscale("log")
    return figure


def payoff(league: League, *, ax: Axes | None = None) -> Figure:
    """Draw who beats whom in a league: each row's win rate against each column.

    Parameters
    ----------
    league : League
        One whose members have played.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.figure.Figure
        Members are sorted by their ratings, the strongest first: what transitive strength explains
        is purple above the diagonal, and orange there is a member that loses to a weaker one.
    """
    order = league.ratings(resamples=1).order
    rates = league.payoff[np.ix_(order, order)]
    names = [league.names[i] for i in order]
    figure, ax = _axes(ax)
    image = ax.imshow(rates, cmap="PuOr", vmin=0.0, vmax=1.0)
    ax.set_xticks(range(len(names)), names, rotation=90)
    ax.set_yticks(range(len(names)), names)
    ax.set_xlabel("against")
    ax.set_ylabel("member")
    if len(names) <= 12:
        for row, column in zip(*np.nonzero(~np.isnan(rates)), strict=True):
            rate = rates[row, column]
            colour = "white" if abs(rate - 0.5) > 0.35 else "black"
            ax.text(column, row, f"{rate:.2f}", ha="center", va="center", color=colour, fontsize=7)
    figure.colorbar(image, ax=ax, label="win rate, ties as halves")
    return figure


def ratings(league: League, *, confidence: float = 0.95, ax: Axes | None = None) -> Figure:
    """Draw every member's Elo rating with its interval, in the order they joined.

    Parameters
    ----------
    league : League
        One whose members have played.
    confidence : float
        Confidence of the intervals.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.figure.Figure
    """
    found = league.ratings(confidence=confidence)
    figure, ax = _axes(ax)
    places = np.arange(len(found.names))
    # A percentile interval need not hold the estimate; bars have no negative length.
    ends = np.clip([found.elo - found.low, found.high - found.elo], 0.0, None)
    ax.errorbar(places, found.elo, yerr=ends, fmt="o", color=LINES[0], capsize=3)
    ax.set_xticks(places, found.names, rotation=90)
    _finish(ax, "member", f"Elo rating, {100 * confidence:g} % interval", 1)
    return figure


def _score_colours() -> Any:
    """Return inferno without its black, which over a scan looks like no score at all."""
    matplotlib = require("matplotlib", "report", "Plotting")
    colors = require("matplotlib.colors", "report", "Plotting")
    inferno = matplotlib.colormaps["inferno"](np.linspace(0.25, 1.0, 192))
    return colors.ListedColormap(inferno, "scores")


def trailing_mean(values: ArrayLike, width: int) -> NDArray[np.float64]:
    """Return the mean of each value and up to `width` - 1 before it, NaN left out."""
    values = np.asarray(values, dtype=np.float64)
    known = ~np.isnan(values)
    sums = np.concatenate(([0.0], np.cumsum(np.where(known, values, 0.0))))
    counts = np.concatenate(([0], np.cumsum(known)))
    last = np.arange(1, values.size + 1)
    first = np.maximum(last - width, 0)
    n = counts[last] - counts[first]
    means = np.full(values.size, np.nan)
    np.divide(sums[last] - sums[first], n, out=means, where=n > 0)
    return means


def score_range(score_map: ArrayLike) -> tuple[float, float]:
    """Return the smallest positive and the largest score of a map; (0, 1) for an empty one."""
    visited = np.asarray(score_map)[np.asarray(score_map) > 0]
    return (float(visited.min()), float(visited.max())) if visited.size else (0.0, 1.0)


def largest_slice(shape: Sequence[int], *masks: NDArray[Any] | None, axis: int) -> int:
    """Return the slice across `axis` where the first mask that is not empty is largest."""
    others = tuple(other for other in range(3) if other != axis)
    for mask in masks:
        if mask is not None and (mask > 0.5).any():
            return int(np.argmax((mask > 0.5).sum(axis=others)))
    return shape[axis] // 2


class _Cut:
    """One slice of arrays on one geometry, turned the way a radiologist looks at it."""

    def __init__(self, affine: NDArray[np.float64], axis: int, index: int) -> None:
        self.axis = axis
        self.index = index
        world = _world_axes(affine)
        plane = sorted((a for a in range(3) if a != axis), key=lambda a: world[a][0])
        self.horizontal, self.vertical = plane
        # Left on the right, posterior on the right, superior and anterior at the top: every
        # axis that grows with its world coordinate is turned round.
        self.turned = tuple(a for a in plane if world[a][1] > 0)
        self.plane = ("sagittal", "coronal", "axial")[world[axis][0]]
        self.left, self.top = ("RAS"[world[a][0]] for a in plane)

    def __call__(self, array: NDArray[Any]) -> NDArray[Any]:
        cut = np.flip(array, self.turned).take(self.index, axis=self.axis)
        return cut if self.vertical < self.horizontal else cut.T

    def aspect(self, spacing: Spacing) -> float:
        return spacing[self.vertical] / spacing[self.horizontal]

    def width(self, volume: Volume) -> float:
        """Return the slice's width over its height, in millimetres."""
        edges = [n * length for n, length in zip(volume.shape, volume.spacing, strict=True)]
        return edges[self.horizontal] / edges[self.vertical]


def _world_axes(affine: NDArray[np.float64]) -> list[tuple[int, float]]:
    """Return (world axis, sign) of each voxel axis, the closest assignment first."""
    directions = np.asarray(affine, dtype=np.float64)[:3, :3]
    closeness = np.abs(directions / np.linalg.norm(directions, axis=0))
    found = [(0, 0.0)] * 3
    for _ in range(3):
        world, voxel = (int(i) for i in np.unravel_index(np.argmax(closeness), (3, 3)))
        found[voxel] = (world, float(np.sign(directions[world, voxel])))
        closeness[world, :] = -1.0
        closeness[:, voxel] = -1.0
    return found


def _layer(array: Scan | None, name: str, volume: Volume, on: str | None) -> FloatArray | None:
    if array is None:
        return None
    layer = as_volume(array)
    return laid_on(volume, layer.array, layer, name, "overlay", on)


def _outline(ax: Axes, cut: NDArray[Any], colour: str, style: str, name: str) -> Line2D:
    """Draw the outline along voxel edges, as far as there is one, and return its legend entry."""
    lines = require("matplotlib.lines", "report", "Plotting")
    inside = np.repeat(np.repeat(cut > 0.5, 2, axis=0), 2, axis=1).astype(np.float32)
    if inside.any():
        # Twice the resolution and a border of zeros: contours follow voxels and close.
        padded = np.pad(inside, 1)
        rows = (np.arange(padded.shape[0]) - 1) / 2 - 0.25
        columns = (np.arange(padded.shape[1]) - 1) / 2 - 0.25
        ax.contour(
            columns, rows, padded, levels=[0.5], colors=[colour], linewidths=1.4, linestyles=style
        )
    return lines.Line2D([], [], color=colour, linestyle=style, label=name)


def _letters(ax: Axes, cut: _Cut) -> None:
    """Write at the left and upper edge which side of the patient lies there."""
    effects = require("matplotlib.patheffects", "report", "Plotting")
    rim = [effects.withStroke(linewidth=2, foreground="black")]
    style: dict[str, Any] = {"transform": ax.transAxes, "color": "white", "path_effects": rim}
    ax.text(0.02, 0.5, cut.left, ha="left", va="center", **style)
    ax.text(0.5, 0.97, cut.top, ha="center", va="top", **style)


def _finish(ax: Axes, x_label: str, y_label: str, drawn: int) -> None:
    """Name the axes of a chart, and its lines where there are several."""
    ax.set_xlabel(x_label)
    ax.set_ylabel(y_label)
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    if drawn > 1:
        # Lines that go everywhere leave no free corner: names are read in front of them.
        ax.legend(fontsize="small", framealpha=0.85, edgecolor="none")


def _axes(ax: Axes | None) -> tuple[Figure, Axes]:
    if ax is not None:
        # It may be a SubFigure, which draws the same.
        return cast("Figure", ax.figure), ax
    figure = _figure(5.8, 3.6)
    return figure, figure.subplots()


def _figure(width: float, height: float) -> Figure:
    """Return a new figure of so many inches."""
    require("matplotlib.figure", "report", "Plotting")
    from spars.report.figure import ShownFigure

    return ShownFigure(figsize=(width, height), layout="constrained")

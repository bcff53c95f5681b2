"""Pictures of scans, masks and runs, as matplotlib figures that the caller shows or saves.

pyplot keeps none of them: a notebook shows a figure where it is a cell's value, `figure.savefig`
writes it. For a window, give the axes of a figure of pyplot as `ax`, then call ``pyplot.show()``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spars._support.checks import (
    check_extent,
    check_float,
    check_integer,
    check_text,
    sentence,
)
from spars._support.extras import require
from spars._support.types import FloatArray, Scan
from spars.report.charts import (
    COVERAGE,
    axes_of,
    budgets,
    coverage,
    curves,
    new_figure,
    payoff,
    ratings,
)
from spars.volume.masks import Box
from spars.volume.placement import laid_on
from spars.volume.protocol import IntensityWindow
from spars.volume.slices import Slice
from spars.volume.volume import Volume, as_volume

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D


__all__ = ["COVERAGE", "budgets", "coverage", "curves", "overlay", "payoff", "ratings", "views"]

# Outlines in colours that people with colour-vision deficiencies tell apart (Okabe and Ito, 2008).
PREDICTION = "#E69F00"
REFERENCE = "#56B4E9"
#: Lengths that a scale bar may have, mm.
_BARS = (200, 100, 50, 20, 10, 5, 2, 1)
SOFT_TISSUE = IntensityWindow(level=40.0, width=400.0)


def overlay(
    volume: Scan,
    prediction: Scan | None = None,
    reference: Scan | None = None,
    score_map: Scan | None = None,
    *,
    axis: int = 2,
    index: int | None = None,
    box: Box | None = None,
    intensity_window: IntensityWindow = SOFT_TISSUE,
    score_label: str = "score",
    threshold: float | None = None,
    ax: Axes | None = None,
    on: str | None = None,
) -> Figure:
    """Draw one slice with the outlines of masks over it, in radiological orientation.

    The affine is read as nibabel's (millimetres, right-anterior-superior), so whatever the voxel
    order is, an axial slice has the patient's right on the left and anterior at the top, a coronal
    one right on the left and the head at the top, and a sagittal one anterior on the left and the
    head at the top. Letters at the edges say so: R right and L left, A anterior and P
    posterior, S superior and I inferior. The title says where the slice's middle lies, in mm of
    the affine, and a bar how long a round number of mm is.

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
    box : tuple of three slices, optional
        The part of the scan that is shown; the slice is still counted in the whole scan.
    intensity_window : IntensityWindow
        HU range shown; level 40, width 400 by default.
    score_label : str
        What the map's colours mean, for the colour bar.
    threshold : float, optional
        The score above which the mask lies, marked on the colour bar.
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
    TypeError
        `intensity_window`, `score_label`, `threshold`, `axis`, `index`, `box` or `ax` is of another
        kind.
    ValueError
        A mask or map has another shape than the scan or lies elsewhere, or `index` or `box` lies
        outside.
    ImportError
        matplotlib is missing.

    Examples
    --------
    >>> made = spars.phantom(seed=2, shape=(64, 64, 48))
    >>> spars.plots.overlay(made.volume, made.tumour).savefig("overlay.png")
    """
    volume = as_volume(volume)
    axis = check_integer(axis, "axis", "overlay", 0, 2)
    if not isinstance(intensity_window, IntensityWindow):
        wanted = "an IntensityWindow"
        raise TypeError(sentence("intensity_window", "overlay", wanted, intensity_window))
    _check_marks(score_label, threshold, "overlay")
    if box is not None:
        _check_box(box, volume.shape)
    given = {"prediction": prediction, "reference": reference, "score_map": score_map}
    layers = {name: _layer(array, name, volume, on) for name, array in given.items()}
    if index is None:
        index = largest_slice(volume.shape, layers["reference"], layers["prediction"], axis=axis)
    index = check_integer(index, "index", "overlay", 0, volume.shape[axis] - 1)
    is_alone = ax is None
    figure, ax = axes_of(ax)
    cut = Slice(volume, axis, index)
    low = intensity_window.level - intensity_window.width / 2
    options: dict[str, Any] = {"aspect": cut.aspect, "interpolation": "nearest"}
    image = cut(volume.array)
    ax.imshow(image, cmap="gray", vmin=low, vmax=low + intensity_window.width, **options)
    scores = layers["score_map"]
    if scores is not None:
        shown = np.ma.masked_less_equal(cut(scores), 0.0)
        low, high = score_range(scores)
        colours = ax.imshow(shown, cmap=_score_colours(), vmin=low, vmax=high, alpha=0.5, **options)
        if is_alone:
            _colour_bar(figure, colours, ax, score_label, threshold)
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
    if box is not None:
        left, right, top, bottom = cut.edges(box)
        ax.set(xlim=(left, right), ylim=(bottom, top))
    _letters(ax, cut)
    _scale_bar(ax, cut.voxel_width)
    ax.set_title(cut.title, fontsize="medium")
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
    threshold: float | None = None,
    on: str | None = None,
) -> Figure:
    """Draw one slice across each of the three axes side by side.

    Parameters and errors are those of `overlay`, but `index` takes one slice for each of the axes
    x, y and z; returns the figure.

    Examples
    --------
    >>> made = spars.phantom(seed=2, shape=(64, 64, 48))
    >>> len(spars.plots.views(made.volume, made.tumour).axes) >= 3
    True
    """
    volume = as_volume(volume)
    if index is not None:
        index = check_extent(index, "index", "views", low=0)
    _check_marks(score_label, threshold, "views")
    order = (2, 1, 0)
    sizes = [Slice(volume, axis, 0).size for axis in order]
    widths = [width / height for width, height in sizes]
    # Panels of one height, each as wide as its slice is in millimetres.
    figure = new_figure(13, 13 / sum(widths) + 0.25)
    axes = figure.subplots(1, 3, width_ratios=widths)
    for axis, ax in zip(order, axes, strict=True):
        chosen = None if index is None else index[axis]
        overlay(volume, prediction, reference, score_map, axis=axis, index=chosen, ax=ax, on=on)
        if ax is not axes[0] and ax.get_legend() is not None:
            ax.get_legend().remove()
    if score_map is not None:
        colours = axes[0].images[-1]
        _colour_bar(figure, colours, list(axes), score_label, threshold, fraction=0.02)
    return figure


def _check_box(box: Box, shape: Sequence[int]) -> None:
    """Raise TypeError or ValueError unless `box` is a part of a scan of this shape."""
    if not isinstance(box, Sequence) or not all(isinstance(part, slice) for part in box):
        raise TypeError(sentence("box", "overlay", "a tuple of three slices", box))
    ends = [end for part in box for end in (part.start, part.stop)]
    first, last = (check_extent(places, "box", "overlay", 0) for places in (ends[::2], ends[1::2]))
    if any(not low < high <= n for low, high, n in zip(first, last, shape, strict=True)):
        raise ValueError(sentence("box", "overlay", f"a part of a scan of {shape}", box))


def _check_marks(score_label: str, threshold: float | None, owner: str) -> None:
    check_text(score_label, "score_label", owner)
    if threshold is not None:
        check_float(threshold, "threshold", owner)


def _score_colours() -> Any:
    """Return inferno without its black, which over a scan looks like no score at all."""
    matplotlib = require("matplotlib", "report", "Plotting")
    colors = require("matplotlib.colors", "report", "Plotting")
    inferno = matplotlib.colormaps["inferno"](np.linspace(0.25, 1.0, 192))
    return colors.ListedColormap(inferno, "scores")


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


def _letters(ax: Axes, cut: Slice) -> None:
    """Write at the edges which side of the patient lies there."""
    left, right, top, bottom = list(cut.letters)
    ax.text(0.02, 0.5, left, ha="left", va="center", transform=ax.transAxes, **_rimmed())
    ax.text(0.98, 0.5, right, ha="right", va="center", transform=ax.transAxes, **_rimmed())
    ax.text(0.5, 0.97, top, ha="center", va="top", transform=ax.transAxes, **_rimmed())
    ax.text(0.5, 0.03, bottom, ha="center", va="bottom", transform=ax.transAxes, **_rimmed())


def _rimmed() -> dict[str, Any]:
    """Return the style of text that is read on bright and dark tissue."""
    effects = require("matplotlib.patheffects", "report", "Plotting")
    return {"color": "white", "path_effects": [effects.withStroke(linewidth=3, foreground="black")]}


def _scale_bar(ax: Axes, voxel: float) -> None:
    """Draw a bar of a round length, about a quarter of what is shown, at the lower right."""
    left, right = ax.get_xlim()
    width = (right - left) * voxel
    length = next((each for each in _BARS if each <= width / 3), None)
    if length is None:
        return
    rim = _rimmed()
    right, bar = 0.96, length / width
    ax.plot(
        [right - bar, right], [0.035, 0.035], transform=ax.transAxes, linewidth=2.5,
        solid_capstyle="butt", **rim,
    )  # fmt: skip
    ax.text(
        right - bar / 2, 0.05, f"{length} mm", ha="center", va="bottom", fontsize="small",
        transform=ax.transAxes, **rim,
    )  # fmt: skip


def _colour_bar(
    figure: Figure, colours: Any, ax: Any, label: str, threshold: float | None, **options: Any
) -> None:
    """Draw a colour bar with the threshold marked, and its value said where it lies beyond."""
    bar = figure.colorbar(colours, ax=ax, label=label, **options)
    if threshold is None:
        return
    low, high = colours.get_clim()
    text = f"threshold {threshold:.3g}"
    if threshold > high:
        text += ", above"
    elif threshold < low:
        text += ", below"
    else:
        bar.ax.axhline(threshold, color="black", linewidth=4.5)
        bar.ax.axhline(threshold, color="white", linewidth=2.0)
        text += ", the line"
    bar.set_label(f"{label} ({text})")

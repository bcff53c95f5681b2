"""Pictures of scans, masks and runs, as matplotlib figures that the caller shows or saves.

pyplot keeps none of them: a notebook shows a figure where it is a cell's value, `figure.savefig`
writes it. For a window, give the axes of a figure of pyplot as `ax`, then call ``pyplot.show()``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spars._support.checks import check_integer
from spars._support.extras import require
from spars._support.types import FloatArray, Scan, Spacing
from spars.report.charts import (
    COVERAGE,
    axes_of,
    coverage,
    curves,
    new_figure,
    payoff,
    ratings,
)
from spars.volume.placement import laid_on
from spars.volume.protocol import IntensityWindow
from spars.volume.volume import Volume, as_volume

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D


__all__ = ["COVERAGE", "coverage", "curves", "overlay", "payoff", "ratings", "views"]

# Outlines in colours that people with colour-vision deficiencies tell apart (Okabe and Ito, 2008).
PREDICTION = "#E69F00"
REFERENCE = "#56B4E9"
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
    figure, ax = axes_of(ax)
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
    figure = new_figure(13, 13 / sum(widths) + 0.25)
    axes = figure.subplots(1, 3, width_ratios=widths)
    for axis, ax in zip(order, axes, strict=True):
        chosen = None if index is None else index[axis]
        overlay(volume, prediction, reference, score_map, axis=axis, index=chosen, ax=ax, on=on)
        if ax is not axes[0] and ax.get_legend() is not None:
            ax.get_legend().remove()
    if score_map is not None:
        figure.colorbar(axes[0].images[-1], ax=list(axes), label=score_label, fraction=0.02)
    return figure


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

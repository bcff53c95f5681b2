"""A report's pictures of the scan: the mask, where it is wrong, and the scores behind it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spars._support.extras import require
from spars._support.types import MaskArray
from spars.report import plots
from spars.report.differences import Region, best_slice, largest_region
from spars.report.drawing import png
from spars.report.text import number
from spars.volume.masks import Box
from spars.volume.slices import Slice, axial_axis, position_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spars.search.segmentation import Segmentation
    from spars.volume.volume import Volume

#: Scores whose middle 98 % lie closer together than this share of the highest tell places apart no
#: better than chance.
_FLAT = 0.05
#: The edge of a panel of differences, inches, and what of the scan it shows at least, mm.
_EDGE = 4.4
_SHOWN = 120.0


def threshold_of(segmentation: Segmentation) -> float | None:
    """Return the score above which the mask lies, where the method has one."""
    return segmentation.configuration.get("segmentation_threshold")


def scan_figures(segmentation: Segmentation, reference: MaskArray | None) -> dict[str, Figure]:
    """Return the figures of a segmentation by name: "overlay", "score_map", and "differences"."""
    return _figures(segmentation, reference, _differences(segmentation, reference))


def _figures(
    segmentation: Segmentation, reference: MaskArray | None, panels: Sequence[_Panel]
) -> dict[str, Figure]:
    volume, mask = segmentation.volume, segmentation.mask
    index = [plots.largest_slice(volume.shape, reference, mask, axis=axis) for axis in range(3)]
    scores = segmentation.score_map
    threshold = threshold_of(segmentation)
    found = {
        "overlay": _dark(plots.views(volume, mask, reference, index=index)),
        "score_map": _dark(
            plots.views(volume, None, reference, scores, index=index, threshold=threshold)
        ),
    }
    if reference is not None and len(panels) > 1:
        found["differences"] = _dark(_panels(segmentation, reference, panels))
    return found


def pictures(segmentation: Segmentation, reference: MaskArray | None) -> list[dict[str, str]]:
    """Return the page's pictures: data, text for who cannot see them, caption."""
    panels = _differences(segmentation, reference)
    figures = {n: inline(png(f)) for n, f in _figures(segmentation, reference, panels).items()}
    against = "" if reference is None else " and of the reference (blue, solid)"
    largest = "mask" if reference is None or not np.any(reference) else "reference"
    low, high = plots.score_range(segmentation.score_map)
    found = [
        {
            "data": figures["overlay"],
            "alt": f"Three slices of the scan with outlines of the mask{against}.",
            "caption": f"Outlines of the mask (orange, dashed){against}, on the slices where "
            f"the {largest} is largest. Soft-tissue range, level 40 HU, width 400 HU.",
        },
        {
            "data": figures["score_map"],
            "alt": "The same slices with the accumulated scores as a colour layer.",
            "caption": f"Accumulated scores from {number(low)} (violet) to {number(high)} "
            f"(yellow). No colour: no window came there.{_about_flat(segmentation)}",
        },
    ]
    if "differences" in figures:
        told = " ".join(_told(panel.name, panel.region) for panel in panels if panel.region)
        found.insert(
            1,
            {
                "data": figures["differences"],
                "alt": "Slices where mask and reference agree and differ most: "
                + ", ".join(panel.name for panel in panels)
                + ".",
                "caption": "The slice where both share most voxels, beside what is most wrong, "
                f"in a white frame. {told}",
            },
        )
    return found


def is_flat(segmentation: Segmentation) -> bool:
    """Whether the map's scores hardly differ from place to place."""
    visited = segmentation.score_map[segmentation.score_map > 0]
    if not visited.size:
        return False
    low, high = np.quantile(visited, [0.01, 0.99])
    return bool(high - low < _FLAT * visited.max())


def _about_flat(segmentation: Segmentation) -> str:
    if not is_flat(segmentation):
        return ""
    return (
        " Scores are flat: nearly all lie within 5 % of the highest, so that colours show no "
        "finding, and where the mask lies is close to chance."
    )


def inline(data: bytes, kind: str = "image/png") -> str:
    """Return bytes as an address that holds them."""
    return f"data:{kind};base64," + base64.b64encode(data).decode("ascii")


@dataclass(frozen=True)
class _Panel:
    """A slice that shows where masks agree or differ: the voxels in it, (n, 3), and of what."""

    name: str
    index: int
    voxels: NDArray[np.int64]
    region: Region | None = None


def _differences(segmentation: Segmentation, reference: MaskArray | None) -> list[_Panel]:
    """Return the panels that there are: what both share, and what each alone has."""
    if reference is None:
        return []
    volume, mask = segmentation.volume, segmentation.mask
    axis = axial_axis(volume.affine)
    found = []
    best = best_slice(mask, reference, axis)
    if best is not None:
        shared = np.logical_and(mask.take(best, axis=axis), reference.take(best, axis=axis))
        found.append(_Panel("largest overlap", best, np.insert(np.argwhere(shared), axis, best, 1)))
    for name, first, second in (
        ("largest miss", reference, mask), ("largest false region", mask, reference),
    ):  # fmt: skip
        region = largest_region(first, second, volume)
        if region is not None:
            index = region.slice_across(axis)
            voxels = region.voxels[region.voxels[:, axis] == index]
            found.append(_Panel(name, index, voxels, region))
    return found


def _told(name: str, region: Region) -> str:
    """Return a sentence on a region."""
    size = "less than 0.01" if region.volume < 0.01 else f"{region.volume:.2f}"
    owner = "lesion of the reference" if "miss" in name else "piece of the mask"
    other = "the mask" if "miss" in name else "the reference"
    what = (
        f"a whole {owner} that {other} does not touch"
        if region.is_whole
        else f"part of a {owner} that {other} touches"
    )
    return f"{name.capitalize()}: {size} ml at {position_text(region.position)} mm, {what}."


def _panels(segmentation: Segmentation, reference: MaskArray, panels: Sequence[_Panel]) -> Figure:
    """Draw the slices of the panels about their voxels, with a frame round what differs."""
    volume, mask = segmentation.volume, segmentation.mask
    axis = axial_axis(volume.affine)
    figure = plots.new_figure(_EDGE * len(panels), _EDGE + 0.5)
    axes = figure.subplots(1, len(panels))
    for ax, panel in zip(axes, panels, strict=True):
        box = _around(volume, panel.voxels)
        plots.overlay(volume, mask, reference, axis=axis, index=panel.index, box=box, ax=ax)
        cut = Slice(volume, axis, panel.index)
        ax.set_title(f"{panel.name}\n{cut.title}", fontsize="medium")
        if ax is not axes[0]:
            ax.get_legend().remove()
        if panel.region is not None:
            _frame(ax, cut, panel.voxels)
    return figure


def _around(volume: Volume, voxels: NDArray[np.int64]) -> Box:
    """Return the box of at least `_SHOWN` about voxels, as far as the scan reaches."""
    low, high = voxels.min(axis=0), voxels.max(axis=0)
    edges = np.maximum((high - low + 1) * volume.spacing + 20.0, _SHOWN)
    half = np.ceil(edges / volume.spacing / 2).astype(int)
    middle = (low + high) // 2
    first = np.maximum(middle - half, 0)
    last = np.minimum(middle + half + 1, volume.shape)
    x, y, z = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    return x, y, z


def _frame(ax: Axes, cut: Slice, voxels: NDArray[np.int64]) -> None:
    """Draw a frame round voxels of a slice, two voxels off."""
    patches = require("matplotlib.patches", "report", "Plotting")
    corners = np.array([cut.place((int(x), int(y), int(z))) for x, y, z in voxels])
    (left, top), (right, bottom) = corners.min(axis=0) - 2.5, corners.max(axis=0) + 2.5
    frame = patches.Rectangle(
        (left, top), right - left, bottom - top, fill=False, edgecolor="white", linewidth=1.4
    )
    ax.add_patch(frame)


def _dark(figure: Figure) -> Figure:
    """Turn a figure's ground black, as CT is read."""
    figure.set_facecolor("black")
    for ax in figure.axes:
        ax.title.set_color("white")
        ax.tick_params(colors="white")
        ax.yaxis.label.set_color("white")
    return figure

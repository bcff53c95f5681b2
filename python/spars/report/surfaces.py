"""Surfaces of a mask and a reference in three dimensions, as a page that turns with the mouse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spars._support.checks import sentence
from spars._support.extras import require
from spars._support.files import write_text
from spars._support.formats import check_ending
from spars._support.types import Mask, MaskArray, PathLike
from spars.metrics.masks import as_mask
from spars.report.plots import PREDICTION, REFERENCE
from spars.volume.masks import bounding_box
from spars.volume.volume import Volume

if TYPE_CHECKING:
    from spars.search.segmentation import Segmentation

__all__ = ["surfaces", "write_surfaces"]

#: A surface of more voxels across than this is taken in coarser steps.
_MOST = 128


def surfaces(
    segmentation: Segmentation, reference: Mask | None = None, *, on: str | None = None
) -> Any:
    """Return the surfaces of a segmentation's mask and of a reference, in the scan's millimetres.

    Marching cubes (scikit-image) finds them half way between a voxel inside and one outside, in
    steps of several voxels where a mask is more than 128 voxels long.

    Parameters
    ----------
    segmentation : Segmentation
        What `spars.segment` returned.
    reference : Volume, array or path of shape (X, Y, Z), optional
        The reference mask, of 0 and 1.
    on : {None, "scan", "voxels"}
        As for `Segmentation.dice`.

    Returns
    -------
    plotly.graph_objects.Figure
        A notebook shows it; the reference is solid and the mask translucent about it, and a click
        on a name in the legend hides one. An empty mask has
        none, and the title says so.

    Raises
    ------
    ValueError
        The reference has another shape than the scan, or lies elsewhere.
    ImportError
        The extra "report3d" (plotly, scikit-image) is not installed.

    Examples
    --------
    >>> import spars
    >>> made = spars.phantom(seed=3, shape=(48, 40, 32))
    >>> found = spars.segment(made.volume, None, method="intensity", region=made.liver)
    >>> figure = spars.report.surfaces(found, made.tumour)
    >>> [surface.name for surface in figure.data]
    ['reference', 'mask']
    """
    volume = getattr(segmentation, "volume", None)
    if not isinstance(volume, Volume):
        raise TypeError(sentence("segmentation", "surfaces", "a Segmentation", segmentation))
    if reference is not None:
        reference = as_mask(reference, "reference", "surfaces", scan=volume, on=on)
    graph = require("plotly.graph_objects", "report3d", "A page in three dimensions")
    figure = graph.Figure()
    empty = []
    for name, mask, colour, opacity in (
        ("reference", reference, REFERENCE, 0.9), ("mask", segmentation.mask, PREDICTION, 0.4),
    ):  # fmt: skip
        if mask is None:
            continue
        if not np.any(mask):
            empty.append(name)
            continue
        points, faces = _surface(mask, volume)
        figure.add_trace(
            graph.Mesh3d(
                **dict(zip("xyz", points.T, strict=True)),
                **dict(zip("ijk", faces.T, strict=True)),
                name=name, color=colour, opacity=opacity, showlegend=True, flatshading=False,
                hovertemplate=name + "<br>R %{x:.1f}, A %{y:.1f}, S %{z:.1f} mm<extra></extra>",
            )
        )  # fmt: skip
    axes = {axis: {"title": {"text": text}} for axis, text in _axes()}
    title = "Mask" if reference is None else "Mask and reference"
    title += "".join(f"; the {name} is empty" for name in empty)
    figure.update_layout(
        title={"text": title}, margin={"l": 0, "r": 0, "b": 0, "t": 48},
        legend={"x": 0.02, "y": 0.98},
        # From the front and a little above, as one looks at a patient.
        scene={**axes, "aspectmode": "data", "camera": {"eye": {"x": 0.8, "y": 2.3, "z": 0.7}}},
    )  # fmt: skip
    return figure


def write_surfaces(
    path: PathLike,
    segmentation: Segmentation,
    reference: Mask | None = None,
    *,
    on: str | None = None,
) -> None:
    """Write `surfaces` as an HTML page of about 5 MB that needs no other file and no network.

    Parameters
    ----------
    path : path
        Ends in ``.html``.
    segmentation, reference, on
        As for `surfaces`.

    Raises
    ------
    ValueError
        Another ending, or a reference that does not fit.
    ImportError
        The extra "report3d" is not installed.
    OSError
        It cannot be written.

    Examples
    --------
    >>> made = spars.phantom(seed=2, shape=(64, 64, 48))
    >>> found = spars.segment(made.volume, None, method="intensity", region=made.liver)
    >>> spars.report.write_surfaces("surfaces.html", found, made.tumour)
    """
    check_ending(path, (".html", ".htm"), "write_surfaces")
    figure = surfaces(segmentation, reference, on=on)
    write_text(path, figure.to_html(include_plotlyjs=True, config={"displayModeBar": False}))


def check_surfaces() -> None:
    """Refuse before the work starts if what surfaces need is missing.

    Raises
    ------
    ImportError
        The extra "report3d" is not installed.
    """
    for module in ("plotly.graph_objects", "skimage.measure"):
        require(module, "report3d", "A page in three dimensions")


def _axes() -> Iterator[tuple[str, str]]:
    """Yield the scene's axes with what they are called: RAS+, as affines are."""
    yield "xaxis", "to the right, mm"
    yield "yaxis", "to the front, mm"
    yield "zaxis", "to the head, mm"


def _surface(mask: MaskArray, volume: Volume) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Return the corners (n, 3), in mm, and the triangles (m, 3) of a mask's surface."""
    measure = require("skimage.measure", "report3d", "A page in three dimensions")
    box = bounding_box(mask)
    # Outside all round, so that surfaces close where a mask reaches its box.
    padded = np.pad((mask[box] > 0).astype(np.float32), 1)
    step = int(np.ceil(max(padded.shape) / _MOST))
    if step > 1:
        # A step jumps over what is thinner than it, and over the last voxels: there is one more.
        padded = np.pad(padded, [(0, step)] * 3)
    corners, faces, _, _ = measure.marching_cubes(padded, 0.5, step_size=step)
    voxels = corners + [part.start - 1 for part in box]
    points = voxels @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    return points.round(2), faces

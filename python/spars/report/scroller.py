"""A scroller through a scan's three planes, in a page that needs nothing else.

The scan travels as one picture, a mosaic of its slices, and mask, reference and scores as another;
the page's script cuts the three planes out of them.
"""

from __future__ import annotations

import html
import io
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spars._support.extras import require
from spars._support.files import write_text
from spars._support.formats import check_ending
from spars._support.types import FloatArray, MaskArray, PathLike
from spars.report import plots
from spars.report.pictures import inline
from spars.report.templating import safe, template
from spars.volume.masks import bounding_box
from spars.volume.orientation import Turn, turn_to
from spars.volume.volume import Volume, resample

if TYPE_CHECKING:
    from spars.search.segmentation import Segmentation

#: Voxels of a scroller at most: about 1 MB of JPEG.
_MOST = 2_000_000
#: Of the searched part of a scan this much is shown around, mm.
_MARGIN = 20.0


class Scroller:
    """A page with a scroller; a notebook shows it where it is a cell's value.

    Parameters
    ----------
    page : str
        The HTML.
    """

    def __init__(self, page: str) -> None:
        self.page = page

    def save(self, path: PathLike) -> None:
        """Write the page as a file (``.html``) that needs no other."""
        check_ending(path, (".html", ".htm"), "save")
        write_text(path, self.page)

    def _repr_html_(self) -> str:
        # A frame keeps the page's names and styles from the notebook's.
        return (
            f'<iframe srcdoc="{html.escape(self.page)}" title="Scroller" '
            'style="width: 100%; height: 36rem; border: 0"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<spars scroller, {len(self.page) / 1e6:.1f} MB of HTML>"


def scroller(segmentation: Segmentation, reference: MaskArray | None = None) -> Scroller:
    """Return a page with the scroller alone."""
    content = {"scroller": packed(segmentation, reference), "title": "Segmentation"}
    return Scroller(template("scroller_page.html").render(content))


def packed(segmentation: Segmentation, reference: MaskArray | None) -> dict[str, Any]:
    """Return what the page's script needs, as JSON, and what the page says of it."""
    volume, mask = segmentation.volume, segmentation.mask
    box = _shown(segmentation, reference)
    shape = _reduced([part.stop - part.start for part in box], volume.spacing)
    affine = _affine(volume, box, shape)
    # Columns grow to the patient's left, rows to the back and to the feet, as pages do.
    to_right = turn_to(affine)
    right, front, up = to_right.flips
    turn = Turn(to_right.axes, (not right, not front, not up))
    scores = segmentation.score_map
    low, high = plots.score_range(scores)
    grey = _scaled(resample(volume.array[box], shape), *_hu_range())
    colour = np.where(scores[box] > 0, 1 + _scaled(scores[box], low, high, 254), 0)
    layers = [mask[box], np.zeros_like(mask[box]) if reference is None else reference[box]]
    channels = [
        turn.turned(resample((layer != 0).astype(np.uint8) * np.uint8(255), shape, "nearest"))
        for layer in layers
    ] + [turn.turned(resample(colour.astype(np.uint8), shape, "nearest"))]
    turned = turn.turned(grey)
    data = {
        "shape": turned.shape,
        "affine": _turned_affine(affine, turn, shape).tolist(),
        "scan": inline(_image(_mosaic(turned), "JPEG"), "image/jpeg"),
        "layers": inline(_image(np.stack([_mosaic(c) for c in channels], axis=-1), "PNG")),
        "columns": _columns(turned.shape[2]),
        "scores": [low, high],
        "start": _start(channels, turned.shape),
    }
    cut = "" if shape == volume.shape else " around what was searched"
    size = [math.dist(affine[:3, i], (0, 0, 0)) for i in range(3)]
    return {
        "json": safe(json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")),
        "has_reference": reference is not None,
        "about": f"Voxels of {' x '.join(f'{length:.1f}' for length in size)} mm{cut}.",
    }


def _hu_range() -> tuple[float, float]:
    window = plots.SOFT_TISSUE
    return window.level - window.width / 2, window.level + window.width / 2


def _shown(segmentation: Segmentation, reference: MaskArray | None) -> tuple[slice, slice, slice]:
    """Return the box round scores, mask and reference, or the whole scan where there is nothing."""
    anything = (segmentation.score_map > 0) | (segmentation.mask > 0)
    if reference is not None:
        anything |= reference > 0
    volume = segmentation.volume
    if not anything.any():
        return tuple(slice(0, n) for n in volume.shape)  # type: ignore[return-value]
    margin = round(_MARGIN / min(volume.spacing))
    return bounding_box(anything, margin)


def _reduced(counts: list[int], spacing: tuple[float, float, float]) -> tuple[int, int, int]:
    """Return how many voxels are shown along each axis: at most `_MOST`, of like edges."""
    lengths = [n * edge for n, edge in zip(counts, spacing, strict=True)]
    edge = (math.prod(lengths) / _MOST) ** (1 / 3)
    x, y, z = (
        max(1, min(n, round(length / edge))) for n, length in zip(counts, lengths, strict=True)
    )
    return x, y, z


def _affine(
    volume: Volume, box: tuple[slice, slice, slice], shape: tuple[int, int, int]
) -> NDArray[np.float64]:
    """Return the affine of a box of a scan cut into other voxels."""
    affine = volume.affine.copy()
    ratio = np.array([(b.stop - b.start) / n for b, n in zip(box, shape, strict=True)])
    middle = np.array([b.start for b in box]) + (ratio - 1) / 2
    affine[:3, 3] += volume.affine[:3, :3] @ middle
    affine[:3, :3] = volume.affine[:3, :3] * ratio
    return affine


def _turned_affine(
    affine: NDArray[np.float64], turn: Turn, shape: tuple[int, int, int]
) -> NDArray[np.float64]:
    """Return the affine of an array whose axes were reordered and reversed."""
    turned = affine.copy()
    for new, (old, flip) in enumerate(zip(turn.axes, turn.flips, strict=True)):
        turned[:3, new] = affine[:3, old] * (-1 if flip else 1)
        if flip:
            turned[:3, 3] += affine[:3, old] * (shape[old] - 1)
    return turned


def _scaled(values: FloatArray, low: float, high: float, most: int = 255) -> NDArray[np.uint8]:
    """Return values from `low` to `high` as 0 to `most`; NaN is 0."""
    share = (np.nan_to_num(values, nan=low) - low) / max(high - low, 1e-12)
    return np.rint(np.clip(share, 0, 1) * most).astype(np.uint8)


def _columns(slices: int) -> int:
    return math.ceil(math.sqrt(slices))


def _mosaic(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the slices across z of (x, y, z) in rows of `_columns`, as a picture of rows."""
    x, y, z = array.shape
    columns = _columns(z)
    rows = math.ceil(z / columns)
    padded = np.zeros((rows * columns, y, x), np.uint8)
    padded[:z] = array.transpose(2, 1, 0)
    return padded.reshape(rows, columns, y, x).swapaxes(1, 2).reshape(rows * y, columns * x)


def _image(pixels: NDArray[np.uint8], kind: str) -> bytes:
    """Return a picture's file."""
    pillow = require("PIL.Image", "report", "A scroller")
    buffer = io.BytesIO()
    options = {"quality": 85} if kind == "JPEG" else {"optimize": True}
    pillow.fromarray(np.ascontiguousarray(pixels)).save(buffer, format=kind, **options)
    return buffer.getvalue()


def _start(channels: list[NDArray[np.uint8]], shape: tuple[int, ...]) -> list[int]:
    """Return the voxel shown first: in the first mask that is not empty, where it is largest."""
    for channel in channels[:2]:
        if channel.any():
            sums = [channel.sum(axis=tuple({0, 1, 2} - {a}), dtype=np.int64) for a in range(3)]
            return [int(each.argmax()) for each in sums]
    return [n // 2 for n in shape]

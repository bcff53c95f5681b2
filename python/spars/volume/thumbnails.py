"""Small pictures of a scan's three planes for a notebook, without any plotting library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spars._support.notebook import image
from spars._support.types import MaskArray
from spars.volume.slices import Slice

if TYPE_CHECKING:
    from spars.volume.volume import Volume

#: Soft tissue, HU; what lies elsewhere is shown over its own range.
_LOW, _HIGH = -160.0, 240.0
#: Of a mask's outline.
_INK = (230, 159, 0)


def thumbnails(
    volume: Volume, index: Sequence[int] | None = None, mask: MaskArray | None = None
) -> str:
    """Return the markup of one slice across each axis, with the outline of a mask.

    Parameters
    ----------
    volume : Volume
    index : three ints, optional
        The slices; the middle ones by default.
    mask : array of the scan's shape, optional
    """
    chosen = [n // 2 for n in volume.shape] if index is None else index
    found = []
    for axis in (2, 1, 0):
        cut = Slice(volume, axis, chosen[axis])
        pixels = _grey(cut(volume.array))
        if mask is not None:
            pixels = np.repeat(pixels[:, :, None], 3, axis=2)
            pixels[_outline(cut(mask) > 0)] = _INK
        found.append(image(pixels, cut.title, cut.size))
    return "".join(found)


def _grey(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return values as grey, NaN as black: those of soft tissue where they look like HU."""
    known = values[np.isfinite(values)]
    if not known.size:
        return np.zeros(values.shape, np.uint8)
    low, high = float(known.min()), float(known.max())
    if low < _LOW and high > 0:
        low, high = _LOW, _HIGH
    share = (np.nan_to_num(values, nan=low) - low) / max(high - low, 1e-12)
    return np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)


def _outline(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels of a shape with a neighbour outside."""
    padded = np.pad(inside, 1)
    within = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return inside & ~within

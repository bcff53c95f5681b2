"""Index rules of resizing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spars._support.checks import check_extent


def resize_multiplicity(window: Sequence[int], shape: Sequence[int]) -> NDArray[np.int64]:
    """Return how many times nearest-neighbour resizing repeats each voxel of a window.

    Parameters
    ----------
    window : (int, int, int)
        Extent of the window.
    shape : (int, int, int)
        Extent it is resized to, each at least the window's.

    Returns
    -------
    int64 array of shape (window[0] * window[1] * window[2],)
        For `update` and `spars.PPO`, in the order of the flattened window; sums to the product
        of `shape`.
    """
    window = check_extent(window, "window", "resize_multiplicity")
    shape = check_extent(shape, "shape", "resize_multiplicity")
    counts = []
    for few, many in zip(window, shape, strict=True):
        if many < few:
            raise ValueError(
                "The 'shape' parameter of resize_multiplicity must be at least the window in "
                f"every axis, so that no voxel is lost. Got {shape} for window {window} instead."
            )
        # PyTorch's rule, in float32 as there.
        index = np.floor(np.arange(many, dtype=np.float32) * np.float32(np.float32(few) / many))
        index = np.minimum(index.astype(np.int64), few - 1)
        counts.append(np.bincount(index, minlength=few))
    return np.einsum("i,j,k->ijk", *counts).reshape(-1).astype(np.int64)

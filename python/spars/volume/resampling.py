"""Index rules of resizing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spars._core import native
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

    Examples
    --------
    >>> spars.ppo.resize_multiplicity((2, 2, 2), (4, 2, 2)).tolist()
    [2, 2, 2, 2, 2, 2, 2, 2]
    """
    window = check_extent(window, "window", "resize_multiplicity")
    shape = check_extent(shape, "shape", "resize_multiplicity")
    if any(many < few for few, many in zip(window, shape, strict=True)):
        raise ValueError(
            "The 'shape' parameter of resize_multiplicity must be at least the window in "
            f"every axis, so that no voxel is lost. Got {shape} for window {window} instead."
        )
    counts = np.empty(math.prod(window), np.int64)
    native.resize_replicas(window, shape, counts)
    return counts

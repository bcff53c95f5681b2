"""Whether two files of the same voxels lie in the same place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["distance_apart"]


def distance_apart(
    shape: Sequence[int], first: NDArray[np.float64], second: NDArray[np.float64]
) -> float | None:
    """Return how far apart two affines place a scan's corners; None where that does not matter.

    Parameters
    ----------
    shape : tuple of three ints
        The scan's.
    first, second : float64 arrays of shape (4, 4)
        `second` is the scan's.

    Returns
    -------
    float or None
        The longest distance between a corner's two places, mm; None where it is at most half of
        the scan's shortest edge.
    """
    corners = np.array([[*corner, 1] for corner in np.ndindex(2, 2, 2)], dtype=np.float64)
    corners[:, :3] *= np.subtract(shape, 1)
    distance = float(np.linalg.norm((corners @ (first - second).T)[:, :3], axis=1).max())
    edge = float(np.linalg.norm(second[:3, :3], axis=0).min())
    return distance if distance > edge / 2 else None

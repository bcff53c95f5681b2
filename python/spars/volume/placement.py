"""Whether what is laid over a scan lies where the scan does, and how it is brought there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from spars._support.checks import check_choice

__all__ = ["Placed", "distance_apart", "has_place", "laid_on", "on_voxels_of"]

#: How masks of another place are taken, where that is allowed at all.
WAYS = ("scan", "voxels")
_BRING = "on='scan' brings it there by nearest neighbour"
_HINT = f"{_BRING}; on='voxels' compares voxel by voxel all the same."


class Placed(Protocol):
    """What has a shape, and maybe a place in space: a volume, or a file's header."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def affine(self) -> NDArray[np.float64]: ...

    @property
    def header(self) -> Any: ...


def has_place(placed: Placed) -> bool:
    """Whether it is known where voxels lie: not of an array's, which got the identity."""
    return placed.header is not None or not np.array_equal(placed.affine, np.eye(4))


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


def laid_on(
    scan: Placed,
    array: NDArray[Any],
    placed: Placed,
    name: str,
    owner: str,
    on: str | None = None,
    what: str = "the scan",
    hint: str = _HINT,
) -> NDArray[Any]:
    """Return a volume's values on the voxels of a scan, or raise where they lie elsewhere.

    Parameters
    ----------
    scan : Volume or an open file
        What it is laid over.
    array : array of shape (x, y, z)
        The values, of any dtype.
    placed : Volume or an open file
        Whose they are. Where either's place is not known, shapes alone are compared.
    name, owner : str
        For the message of an error.
    on : {None, "scan", "voxels"}
        None takes values whose corners lie within half of the scan's shortest edge of the scan's
        corners. "scan" brings them from wherever they lie, by nearest neighbour, 0 beyond.
        "voxels" takes them as they are whatever the affines say.
    what, hint : str
        What `scan` is, and what may be done, for the message.

    Raises
    ------
    ValueError
        The shapes differ, or the places do.
    """
    if on is not None:
        check_choice(on, "on", owner, WAYS)
    is_known = has_place(scan) and has_place(placed)
    if on == "scan" and is_known:
        return on_voxels_of(scan, array, placed.affine)
    if array.shape != tuple(scan.shape):
        wanted = f"{what}'s shape {tuple(scan.shape)}"
        text = f"The '{name}' parameter of {owner} must have {wanted}. Got {array.shape} instead."
        # Of another order of the axes, say: where both places are known it can be brought there.
        can_be_brought = on is None and is_known and hint == _HINT
        raise ValueError(f"{text} {_BRING}." if can_be_brought else text)
    if on is None and is_known:
        distance = distance_apart(scan.shape, placed.affine, scan.affine)
        if distance is not None:
            raise ValueError(
                f"The '{name}' parameter of {owner} must lie where {what} does. Got one "
                f"{distance:.1f} mm apart by the affines: it is not of the same scan, is stored in "
                f"another orientation, or one has lost its geometry. {hint}"
            )
    return array


def on_voxels_of(scan: Placed, array: NDArray[Any], affine: NDArray[np.float64]) -> NDArray[Any]:
    """Return values that lie by `affine` at the centres of a scan's voxels: the nearest, 0 beyond.

    Parameters
    ----------
    scan : Volume or an open file
    array : array of shape (x, y, z)
        Any dtype.
    affine : float64 array of shape (4, 4)

    Returns
    -------
    ndarray of the scan's shape and the array's dtype
    """
    way = np.linalg.inv(affine) @ scan.affine
    shape = np.array(array.shape)
    found = np.zeros(tuple(scan.shape), array.dtype)
    y, z = np.meshgrid(*(np.arange(count) for count in found.shape[1:]), indexing="ij")
    plane = y[..., None] * way[:3, 1] + z[..., None] * way[:3, 2] + way[:3, 3]
    for x in range(found.shape[0]):
        # What lies halfway, but for rounding, goes to the higher voxel.
        places = np.floor(plane + x * way[:3, 0] + 0.5 + 1e-6).astype(np.int64)
        inside = ((places >= 0) & (places < shape)).all(axis=-1)
        found[x][inside] = array[tuple(places[inside].T)]
    return found

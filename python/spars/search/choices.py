"""Choosing several windows of a list, one after the other, each by a softmax of what is left."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spars._support.types import FloatArray
from spars.search.strategies import Numbers

__all__ = ["chances", "slopes"]


def chances(logits: FloatArray, chosen: Numbers) -> NDArray[np.float64]:
    """Return the logarithm of each choice's probability, given those before it.

    Parameters
    ----------
    logits : float32 array of shape (m, list)
        Minus infinity for what cannot be chosen.
    chosen : int64 array of shape (m, k)
        Places in the list, in order. 0 is returned for one that cannot be chosen.
    """
    weights, left = _weights(logits, chosen)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(weights > 0, np.log(weights) - np.log(left), 0)


def slopes(logits: FloatArray, chosen: Numbers, pulls: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the gradient by the logits of the sum of `pulls` times `chances`.

    Parameters
    ----------
    logits, chosen
        As `chances` takes them.
    pulls : float array of shape (m, k)
        0 for a choice that cannot be.
    """
    weights, left = _weights(logits, chosen)
    # How much the choices so far, each by its own softmax, push all that was left then down.
    pushed = np.cumsum(np.divide(pulls, left, out=np.zeros(left.shape), where=left > 0), axis=1)
    found = -_exponentials(logits) * pushed[:, -1:]
    np.put_along_axis(found, chosen, pulls - weights * pushed, axis=1)
    return found


def _weights(
    logits: FloatArray, chosen: Numbers
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each choice's weight, and the weight of all that was left before it."""
    all_ = _exponentials(logits)
    weights = np.take_along_axis(all_, chosen, axis=1)
    np.put_along_axis(all_, chosen, 0, axis=1)
    behind = np.cumsum(weights[:, ::-1], axis=1)[:, ::-1]
    return weights, all_.sum(axis=1, keepdims=True) + behind


def _exponentials(logits: FloatArray) -> NDArray[np.float64]:
    """Return each row's weights, the highest 1; all 0 where nothing can be chosen."""
    highest = logits.max(axis=1, keepdims=True)
    return np.exp(logits - np.where(np.isfinite(highest), highest, 0), dtype=np.float64)

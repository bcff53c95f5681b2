"""Tumour or none, of a whole scan: the map's highest value as a probability."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spars._support.checks import check_array, sentence
from spars._support.types import FloatArray

__all__ = ["fit_presence", "probability"]

# Scores are float32: beyond it the log-odds of 0 and 1 would be infinite.
_LEAST = 1e-6
_STEPS = 100


def probability(score_map: FloatArray, slope: float, offset: float) -> float:
    """Return the probability of tumour that a map's highest value stands for.

    Parameters
    ----------
    score_map : float32 array
        Of scores in [0, 1].
    slope, offset : float
        `Recipe.presence_slope` and `presence_offset`: the probability's log-odds are `offset` plus
        `slope` times those of the map's highest value.

    Returns
    -------
    float
    """
    log_odds = float(_log_odds([score_map.max()])[0])
    return 1 / (1 + math.exp(-min(max(offset + slope * log_odds, -700.0), 700.0)))


def fit_presence(highest: ArrayLike, has_tumour: Sequence[bool]) -> tuple[float, float]:
    """Return slope and offset that tell scans with tumours by their maps' highest values.

    Logistic regression of the label on the log-odds of the value, by Newton's steps, its targets
    drawn in as by Platt (1999), so that scans which one value tells apart give finite numbers too.

    Parameters
    ----------
    highest : float array of shape (n,)
        Of each scan's map, in [0, 1].
    has_tumour : sequence of n bools

    Returns
    -------
    slope, offset : float

    Raises
    ------
    ValueError
        All scans have one label, or the numbers of both differ.

    Examples
    --------
    >>> slope, offset = fit_presence([0.6, 0.7, 0.9, 0.8, 0.95, 0.99], [0, 0, 0, 1, 1, 1])
    >>> slope > 0 > offset
    True
    """
    values = _log_odds(check_array(highest, "highest", "fit_presence", np.float64, (None,)))
    labels = np.asarray([bool(label) for label in has_tumour])
    if labels.shape != values.shape or labels.all() or not labels.any():
        wanted = f"{len(values)} labels of both kinds"
        raise ValueError(sentence("has_tumour", "fit_presence", wanted, labels.tolist()))
    with_tumour = int(labels.sum())
    targets = np.where(
        labels, (with_tumour + 1) / (with_tumour + 2), 1 / (len(labels) - with_tumour + 2)
    )
    rows = np.stack([values, np.ones_like(values)], axis=1)
    found = np.zeros(2)
    loss = _loss(rows, targets, found)
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-rows @ found))
        weights = chance * (1 - chance)
        # The ridge keeps the step finite where all chances are near 0 or 1.
        step = np.linalg.solve(
            rows.T @ (rows * weights[:, None]) + 1e-9 * np.eye(2), rows.T @ (targets - chance)
        )
        while (after := _loss(rows, targets, found + step)) > loss and np.abs(step).max() > 1e-12:
            step /= 2
        found, loss = found + step, after
        if np.abs(step).max() < 1e-10:
            break
    return float(found[0]), float(found[1])


def _log_odds(values: ArrayLike) -> NDArray[np.float64]:
    inside = np.clip(np.asarray(values, np.float64), _LEAST, 1 - _LEAST)
    return np.log(inside / (1 - inside))


def _loss(
    rows: NDArray[np.float64], targets: NDArray[np.float64], found: NDArray[np.float64]
) -> float:
    """Return the cross-entropy of targets with the chances of a line."""
    log_odds = rows @ found
    return float((np.logaddexp(0, log_odds) - targets * log_odds).sum())

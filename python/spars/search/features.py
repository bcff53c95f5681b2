"""What a learned search sees of each window: the organ and the known scores around it."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from spars._support.types import FloatArray
from spars.search.strategies import HIT, Numbers, View

__all__ = ["FEATURES", "Features", "Ground"]

#: Features of each window, in their order: what never changes, then what scores change.
STILL = (
    "intensity", "mean of 3", "mean of 5", "contrast", "spread", "rank", "is darkest 2 %",
    "is darkest 10 %", "windows of 3", "windows of 5",
)  # fmt: skip
MOVING = (
    "asked of 3", "score of 3", "asked of 5", "score of 5", "hits of 3", "sure hits of 3",
    "sure hits of 5", "best beside", "is new ground",
)  # fmt: skip
FEATURES = STILL + MOVING
_SURE = 0.9
# The cube of 125 places around a window: itself, the six beside it, the rest of 27, the rest.
_CUBE = np.array(list(np.ndindex(5, 5, 5))) - 2
_CUBE = _CUBE[np.lexsort([np.abs(_CUBE).sum(axis=1), np.abs(_CUBE).max(axis=1)])]
_BESIDE, _NEAR = slice(1, 7), slice(0, 27)


class Ground:
    """What never changes of a scan's windows: which lie around each, and the organ's intensities.

    Intensities count from the organ's median in units of its spread, so scans of any level and
    scanner look alike. "of 3" and "of 5" mean the cube of so many windows around each.

    Attributes
    ----------
    around : ndarray of int32, shape (n, 125)
        The windows in the cube around each; n where there is none. First itself, then the six that
        share a face with it, then the rest of the 27.
    still : ndarray of float32, shape (n, 10)
        The features that scores do not change.
    """

    def __init__(self, around: NDArray[np.int32], still: FloatArray) -> None:
        self.around = around
        self.still = still

    @classmethod
    def of(cls, view: View) -> Self:
        """Return the ground of a view's windows."""
        around = view.around(_CUBE).astype(np.int32)
        middle = np.median(view.intensity)
        spread = 1.4826 * np.median(np.abs(view.intensity - middle))
        value = np.clip((view.intensity - middle) / max(spread, 1e-6), -8, 8)
        padded = np.append(value, 0)
        count, wide_count = ((part < len(value)).sum(axis=1) for part in (around[:, _NEAR], around))
        near = padded[around[:, _NEAR]].sum(axis=1) / count
        squares = (padded**2)[around[:, _NEAR]].sum(axis=1) / count
        wide = padded[around].sum(axis=1) / wide_count
        rank = np.argsort(np.argsort(view.intensity, kind="stable")) / len(value)
        still = np.stack(
            [
                value / 2, near / 2, wide / 2, (value - wide) / 2,
                np.sqrt(np.maximum(squares - near**2, 0)),
                rank - 0.5, rank < 0.02, rank < 0.1, count / 27 - 0.5, wide_count / 125 - 0.5,
            ],
            axis=1,
        )  # fmt: skip
        # Row by row, as they are read from here on.
        return cls(np.ascontiguousarray(around), still.astype(np.float32))


class Features:
    """The features of windows, renewed around those whose scores come in.

    Windows of several grounds are numbered through, one ground after the other.

    Parameters
    ----------
    *grounds : Ground
        Of whose windows none has a score yet.

    Attributes
    ----------
    values : ndarray of float32, shape (n, 19)
    """

    def __init__(self, *grounds: Ground) -> None:
        self._grounds = grounds
        self._ends = np.cumsum([len(ground.still) for ground in grounds])
        count = int(self._ends[-1])
        self.values = np.zeros((count, len(FEATURES)), np.float32)
        np.concatenate([ground.still for ground in grounds], out=self.values[:, : len(STILL)])
        self.values[:, -1] = 1
        # Of each window's two cubes and, in the last, of those beside it; one more for no window.
        self._near = np.zeros((4, count + 1), np.float32)
        self._wide = np.zeros((3, count + 1), np.float32)
        self._beside = np.zeros(count + 1, np.float32)
        self._is_touched = np.zeros(count + 1, bool)

    def take(self, windows: Numbers, scores: FloatArray) -> Numbers:
        """Take in scores; return the windows whose features have changed, ascending.

        Parameters
        ----------
        windows : int64 array of shape (m,)
            Each once, and none that has a score already.
        scores : float32 array of shape (m,)
        """
        around = self._cubes(windows)
        near = around[:, _NEAR]
        channels = np.stack([np.ones_like(scores), scores, scores > _SURE])
        for tally, values in zip(self._wide, channels, strict=True):
            _add(tally, around, values)
        for tally, values in zip(self._near, [*channels, scores > HIT], strict=True):
            _add(tally, near, values)
        beside = around[:, _BESIDE]
        np.maximum.at(self._beside, beside.ravel(), np.repeat(scores, beside.shape[1]))
        self._is_touched[around] = True
        changed = np.flatnonzero(self._is_touched[:-1])
        self._is_touched[around] = False
        self._renew(changed)
        return changed

    def _cubes(self, windows: Numbers) -> Numbers:
        """Return the windows in the cube around each, n where there is none: (m, 125)."""
        found = np.empty((len(windows), len(_CUBE)), np.int64)
        owners = np.searchsorted(self._ends, windows, side="right")
        for number in np.unique(owners):
            ground, rows = self._grounds[number], np.flatnonzero(owners == number)
            count = len(ground.still)
            first = self._ends[number] - count
            around = ground.around.take(windows[rows] - first, axis=0)
            found[rows] = np.where(around < count, around + first, self._ends[-1])
        return found

    def _renew(self, windows: Numbers) -> None:
        # `take` is several times as fast as brackets.
        asked, total, sure, hits = self._near.take(windows, axis=1)
        wide_asked, wide_total, wide_sure = self._wide.take(windows, axis=1)
        moving = [
            asked / 27, total / np.maximum(asked, 1), wide_asked / 125,
            wide_total / np.maximum(wide_asked, 1), np.minimum(hits, 6) / 6,
            np.minimum(sure, 6) / 6, np.minimum(wide_sure, 12) / 12, self._beside.take(windows),
            asked == 0,
        ]  # fmt: skip
        self.values[windows, len(STILL) :] = np.stack(moving, axis=1)


def _add(tally: FloatArray, places: Numbers, values: FloatArray) -> None:
    """Add each row's value at the places of that row."""
    some = np.flatnonzero(values)
    rows = places[some]
    np.add.at(tally, rows.ravel(), np.repeat(values[some].astype(np.float32), rows.shape[1]))

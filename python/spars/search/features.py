"""What a learned search sees of each window: the organ and the known scores around it."""

from __future__ import annotations

import numpy as np

from spars._support.types import FloatArray
from spars.search.strategies import HIT, View

__all__ = ["FEATURES", "Features"]

#: Features of each window, in their order.
FEATURES = (
    "intensity", "mean of 3", "mean of 5", "contrast", "spread", "rank", "is darkest 2 %",
    "is darkest 10 %", "windows of 3", "windows of 5", "asked of 3", "score of 3", "asked of 5",
    "score of 5", "hits of 3", "sure hits of 3", "sure hits of 5", "best beside", "is new ground",
)  # fmt: skip
_SURE = 0.9


class Features:
    """The features of a view's windows, renewed as scores come in.

    Intensities count from the organ's median in units of its spread, so scans of any level and
    scanner look alike. "of 3" and "of 5" mean the cube of so many windows around each.

    Parameters
    ----------
    view : View
    """

    def __init__(self, view: View) -> None:
        self._view = view
        askable = view.askable
        # No wider than the windows: the lattice reaches beyond the organ.
        low, high = view.places.min(axis=0), view.places.max(axis=0) + 1
        self._cut = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        self._places = tuple((view.places - low).T)
        inside = askable[self._cut].astype(np.float32)
        middle = np.median(view.intensity)
        spread = 1.4826 * np.median(np.abs(view.intensity - middle))
        value = np.clip((view.intensity - middle) / max(spread, 1e-6), -8, 8)
        grid = np.stack([inside, self._on_lattice(value), self._on_lattice(value**2)])
        count, total, squares = self._at_windows(cubes(grid, 1))
        wide_count, wide_total, _ = self._at_windows(cubes(grid, 2))
        near, wide = total / count, wide_total / wide_count
        rank = np.argsort(np.argsort(view.intensity, kind="stable")) / len(value)
        self._still = np.stack(
            [
                value / 2, near / 2, wide / 2, (value - wide) / 2,
                np.sqrt(np.maximum(squares / count - near**2, 0)),
                rank - 0.5, rank < 0.02, rank < 0.1, count / 27 - 0.5, wide_count / 125 - 0.5,
            ],
            axis=1,
        ).astype(np.float32)  # fmt: skip

    def __call__(self) -> FloatArray:
        """Return the features as the view's scores stand, float32 (windows, features)."""
        known = ~np.isnan(self._view.scores)
        score = np.where(known, self._view.scores, 0)
        channels = [known, score, score > HIT, score > _SURE]
        grid = np.stack([self._on_lattice(values.astype(np.float32)) for values in channels])
        asked, total, hits, sure = self._at_windows(cubes(grid, 1))
        wide_asked, wide_total, _, wide_sure = self._at_windows(cubes(grid, 2))
        beside = np.zeros_like(grid[1])
        around = np.pad(grid[1], 1)
        for axis, length in enumerate(beside.shape):
            for first in (0, 2):
                cut = [slice(1, -1)] * 3
                cut[axis] = slice(first, first + length)
                np.maximum(beside, around[tuple(cut)], out=beside)
        moving = [
            asked / 27, total / np.maximum(asked, 1), wide_asked / 125,
            wide_total / np.maximum(wide_asked, 1), np.minimum(hits, 6) / 6,
            np.minimum(sure, 6) / 6, np.minimum(wide_sure, 12) / 12, beside[self._places],
            asked == 0,
        ]  # fmt: skip
        return np.concatenate([self._still, np.stack(moving, axis=1)], axis=1, dtype=np.float32)

    def _on_lattice(self, values: FloatArray) -> FloatArray:
        lattice = np.zeros(self._view.askable[self._cut].shape, np.float32)
        lattice[self._places] = values
        return lattice

    def _at_windows(self, channels: FloatArray) -> FloatArray:
        return channels[(slice(None), *self._places)]


def cubes(channels: FloatArray, reach: int) -> FloatArray:
    """Return the sums over the cube of 2 reach + 1 places around each; channels come first."""
    for axis in (1, 2, 3):
        length = channels.shape[axis]
        wide = [(0, 0)] * 4
        wide[axis] = (reach, reach)
        padded = np.pad(channels, wide)
        channels = np.zeros_like(channels)
        for first in range(2 * reach + 1):
            channels += padded.take(range(first, first + length), axis)
    return channels

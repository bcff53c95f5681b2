"""Atlases: the scores of every window of a scan, made once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spars._core import native
from spars._core.names import ACCUMULATION
from spars._support.archives import read_arrays, write_compressed
from spars._support.checks import (
    check_array,
    check_bool,
    check_choice,
    check_extent,
    check_integer,
    check_room,
)
from spars._support.defaults import (
    INPUT_OF_RECORD,
    TERMINATION_THRESHOLD_OF_RECORD,
    WINDOW_OF_RECORD,
)
from spars._support.errors import FormatError
from spars._support.files import writing
from spars._support.formats import check_ending
from spars._support.progress import as_progress
from spars._support.types import FloatArray, Mask, PathLike, Progress, Scan
from spars.classifier.ensemble import members_of
from spars.game.field import Field, Games, known_grid
from spars.game.scorers import KnownScores, Scorer, fingerprint
from spars.volume.masks import as_mask
from spars.volume.orientation import turn_of
from spars.volume.protocol import IntensityWindow, Protocol
from spars.volume.volume import place_of

__all__ = ["Forecast", "ScoreAtlas"]

_SAMPLE = 8
# Bytes of the arrays of a file: scores of at most 2^28 windows, and what says where they are.
_LIMITS = {"scores": (1 << 30) + 1024} | {
    name: 1 << 20
    for name in ("x", "y", "z", "window", "grid", "fingerprint", "intensity", "input_shape")
}


@dataclass(frozen=True)
class Forecast:
    """What making an atlas will take.

    Attributes
    ----------
    windows : int
        Windows to score.
    seconds : float
        From a timed sample: one window and the work that all windows share for a classifier, eight
        windows for a callable.
    bytes : int
        Memory beside the scan: the atlas and, for a classifier, the largest block of windows.
        The network's packed weights and the core's copy of the scan are not in it: on scans of a
        few MB, 10 to 42 MB more were measured.
    """

    windows: int
    seconds: float
    bytes: int


class ScoreAtlas(KnownScores):
    """The scores of every window that a game on one scan can ask for.

    A score depends on the window's place only, so games, seeds, thresholds and baselines on the
    same scan, window and stride can share one atlas. Make it with `compute`; pass it wherever a
    scorer is taken.

    Parameters
    ----------
    scores : array_like of float32, shape (nx, ny, nz)
        In [0, 1].
    axes : three array_like of int
        Where windows start along x, y and z, ascending.
    window, grid : tuple of three ints
        Extents of the window and of the grid, in voxels.
    intensity_window : IntensityWindow, optional
        The HU range the scorer saw.
    fingerprint : str
        Name of the scan's values on its grid; a game on another scan refuses the atlas. "" fits
        any.
    input_shape : tuple of three ints
        What the scorer's network sees, to which the published policies' observations are enlarged.

    Attributes
    ----------
    scores : ndarray of float32, shape (nx, ny, nz), read-only
    axes : tuple of three int64 arrays
    window, grid, intensity_window, fingerprint, input_shape
        As given.

    Raises
    ------
    TypeError, ValueError
        Shapes and axes do not agree, or a score is outside [0, 1].

    Examples
    --------
    >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
    >>> def darkness(crops):
    ...     return 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
    >>> atlas = spars.ScoreAtlas.compute(scan, darkness, (8, 8, 8), grid=scan.shape)
    >>> atlas.scores.shape, atlas.origins.shape, atlas.covers_edge
    ((7, 7, 5), (7, 7, 5, 3), True)
    >>> atlas.exhaustive_map().shape, atlas.interpolated_map().shape
    ((32, 32, 24), (32, 32, 24))
    >>> atlas.on_strides(4).scores.shape
    (7, 7, 5)
    >>> atlas.save("atlas.npz")
    >>> np.array_equal(spars.ScoreAtlas.load("atlas.npz").scores, atlas.scores)
    True
    """

    def __init__(
        self,
        scores: ArrayLike,
        axes: Iterable[ArrayLike],
        window: Sequence[int],
        grid: Sequence[int],
        intensity_window: IntensityWindow | None = None,
        fingerprint: str = "",
        input_shape: Sequence[int] = INPUT_OF_RECORD,
    ) -> None:
        owner = "ScoreAtlas"
        self.axes = tuple(check_array(axis, "axes", owner, np.int64, (None,)) for axis in axes)
        shape = tuple(len(axis) for axis in self.axes)
        self.scores = check_array(scores, "scores", owner, np.float32, shape).copy()
        self.scores.flags.writeable = False
        if len(shape) != 3 or any(np.any(np.diff(axis) <= 0) for axis in self.axes):
            raise ValueError(
                "The 'axes' parameter of ScoreAtlas must be three ascending arrays of starts. "
                f"Got {self.axes} instead."
            )
        if self.scores.size and not 0 <= self.scores.min() <= self.scores.max() <= 1:
            raise ValueError(
                "The 'scores' parameter of ScoreAtlas must be in the range [0.0, 1.0]. "
                f"Got {self.scores.min()} to {self.scores.max()} instead."
            )
        self.window = check_extent(window, "window", owner)
        self.grid = check_extent(grid, "grid", owner)
        self.intensity_window = intensity_window
        self.fingerprint = fingerprint
        self.input_shape = check_extent(input_shape, "input_shape", owner)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.scores.flags.writeable = False

    @classmethod
    def compute(
        cls,
        volume: Scan,
        scorer: Scorer,
        window: Sequence[int] = WINDOW_OF_RECORD,
        *,
        grid: Sequence[int] | None = None,
        stride: int = 4,
        protocol: str | Protocol = "paper",
        region: Mask | None = None,
        on: str | None = None,
        covers_edge: bool = True,
        progress: Progress | bool | None = None,
        **switches: Any,
    ) -> Self:
        """Score every window that games on `volume` can reach, and those at the far borders.

        Parameters
        ----------
        volume : Volume, array_like or path
            As for `spars.parallel_env`.
        scorer : Classifier, Ensemble or callable
            Callables take crops (N, wx, wy, wz) float32 and return (N,) in [0, 1].
        window, grid : tuple of three ints
            As for `spars.parallel_env`.
        stride : int
            Voxels between neighbouring windows.
        protocol : str or Protocol
            Says where windows can stand: "paper" and "published" differ.
        region : Volume, array, image or path, optional
            A mask of the grid's shape, with scan_frame "native" of the scan's. Windows whose
            credited part holds none of it are not asked for and score 0.
        on : {None, "scan", "voxels"}
            None: a region of the scan must lie where the scan does. "scan" brings it there by
            nearest neighbour, "voxels" takes it voxel by voxel, whatever the affines say.
        covers_edge : bool
            Whether windows at the far borders are scored too where `stride` does not lead games
            there, so that every voxel has a score; with border "inside".
        progress : callable or True, optional
            Called with (done, planned) windows; True draws a bar. `forecast` says what to expect
            before.
        **switches
            Single switches of the protocol.

        Returns
        -------
        ScoreAtlas

        Examples
        --------
        >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
        >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
        >>> atlas = spars.ScoreAtlas.compute(scan, darkness, (8, 8, 8), grid=scan.shape, stride=8)
        >>> atlas.scores.shape
        (4, 4, 3)
        """
        field = cls._field(
            volume, scorer, window, grid, stride, protocol, switches, region, on,
            check_bool(covers_edge, "covers_edge", "ScoreAtlas"),
        )  # fmt: skip
        field.score_all(as_progress(progress, "atlas", "windows"))
        return cls(
            field.scores(), field.axes(), field.window, field.grid,
            field.protocol.intensity_window, fingerprint(field.array), field.input_shape,
        )  # fmt: skip

    @classmethod
    def forecast(
        cls,
        volume: Scan,
        scorer: Scorer,
        window: Sequence[int] = WINDOW_OF_RECORD,
        *,
        grid: Sequence[int] | None = None,
        stride: int = 4,
        protocol: str | Protocol = "paper",
        **switches: Any,
    ) -> Forecast:
        """Return what `compute` with the same arguments will take, from a timed sample.

        Returns
        -------
        Forecast

        Examples
        --------
        >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
        >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
        >>> spars.ScoreAtlas.forecast(scan, darkness, (8, 8, 8), grid=scan.shape, stride=8).windows
        48
        """
        field = cls._field(
            volume, scorer, window, grid, stride, protocol, switches, None, None, True
        )
        windows = int(np.prod([len(axis) for axis in field.axes()]))
        if members := members_of(scorer):
            inside = _inside(field)
            each = [
                native.classifier_forecast(
                    one._handle.value, field.array.shape, inside, field.window
                )
                for one in members
            ]
            # One member after the other, each in the memory of the one before.
            seconds, sizes = zip(*each, strict=True)
            return Forecast(windows, sum(seconds), 4 * windows + max(sizes))
        # Games walk to places not scored yet; each has its own part of the way to the border.
        games = Games(field, 1, maps="none")
        games.step(np.zeros(1, np.int8), np.ones(1, np.int8))
        first, start = field.scored, time.perf_counter()
        for _ in range(_SAMPLE // 2):
            games.step(np.zeros(1, np.int8), np.ones(1, np.int8))
        sampled = field.scored - first
        one = (time.perf_counter() - start) / max(sampled, 1)
        return Forecast(windows, one * windows if sampled else 0.0, 4 * windows)

    @staticmethod
    def _field(
        volume: Scan,
        scorer: Scorer,
        window: Sequence[int],
        grid: Sequence[int] | None,
        stride: int,
        protocol: str | Protocol,
        switches: dict[str, Any],
        region: Mask | None,
        on: str | None,
        covers_edge: bool,
    ) -> Field:
        owner = "ScoreAtlas"
        played = Protocol.named(protocol).with_switches(**switches)
        if region is not None and played.scan_frame == "native":
            place = place_of(volume)
            turn = turn_of(place, played.orientation)
            region = np.ascontiguousarray(
                turn.turned(as_mask(region, "region", owner, scan=place, on=on))
            )
        elif region is not None:
            region = as_mask(region, "region", owner, shape=known_grid(volume, grid, played, owner))
        return Field(
            volume, scorer, window, protocol, TERMINATION_THRESHOLD_OF_RECORD, grid, stride,
            switches, owner, region, covers_edge,
        )  # fmt: skip

    @property
    def covers_edge(self) -> bool:
        """Whether the last window along each axis ends where the grid does."""
        ends = [int(axis[-1]) + length for axis, length in zip(self.axes, self.window, strict=True)]
        return ends == list(self.grid)

    def on_strides(self, stride: int) -> ScoreAtlas:
        """Return the atlas of the windows that games reach: whole strides from 0."""
        stride = check_integer(stride, "stride", "ScoreAtlas.on_strides", 1)
        axes = [axis % stride == 0 for axis in self.axes]
        if all(kept.all() for kept in axes):
            return self
        starts = [axis[kept] for axis, kept in zip(self.axes, axes, strict=True)]
        return ScoreAtlas(
            self.scores[np.ix_(*axes)], starts, self.window, self.grid, self.intensity_window,
            self.fingerprint, self.input_shape,
        )  # fmt: skip

    @property
    def origins(self) -> NDArray[np.int64]:
        """The windows' lowest corners, int64 (nx, ny, nz, 3), in voxels of the grid."""
        return np.stack(np.meshgrid(*self.axes, indexing="ij"), axis=-1)

    def exhaustive_map(
        self, accumulation: str = "mean", credited_part: str | Sequence[int] = "window"
    ) -> FloatArray:
        """Return the map that visiting every window once would accumulate.

        Parameters
        ----------
        accumulation : str
            "sum", "mean" or "max" of the scores of the windows that hold a voxel.
        credited_part : "window" or tuple of three ints
            The part of a window that its score is added to, as `Protocol.credited_part`.

        Returns
        -------
        ndarray of float32, shape of the grid
            0 where no window, or none's part, reaches.

        Raises
        ------
        TypeError, ValueError
            An argument is none of these, or the part is larger than the window.
        """
        check_choice(accumulation, "accumulation", "exhaustive_map", ACCUMULATION)
        part = None
        if credited_part != "window":
            part = check_extent(credited_part, "credited_part", "exhaustive_map")
            check_room(part, self.window, "exhaustive_map", "the window", "credited_part")
        score_map = np.empty(self.grid, np.float32)
        axes = np.concatenate(self.axes)
        native.exhaustive_map(self.scores, axes, self.window, part, accumulation, score_map)
        return score_map

    def interpolated_map(self) -> FloatArray:
        """Return the map that runs linearly between windows' middles, where it is their scores.

        Returns
        -------
        ndarray of float32, shape of the grid
            Beyond the outermost windows' middles the outermost scores.
        """
        score_map = np.empty(self.grid, np.float32)
        native.interpolated_map(self.scores, np.concatenate(self.axes), self.window, score_map)
        return score_map

    def save(self, path: PathLike) -> None:
        """Write the atlas to a NumPy `.npz` file, whole or not at all."""
        check_ending(path, (".npz",), "ScoreAtlas.save")
        intensity = self.intensity_window
        with writing(path) as file:
            write_compressed(
                file,
                scores=self.scores, x=self.axes[0], y=self.axes[1], z=self.axes[2],
                window=self.window, grid=self.grid, fingerprint=self.fingerprint,
                input_shape=self.input_shape,
                intensity=[] if intensity is None else [intensity.level, intensity.width],
            )  # fmt: skip

    @classmethod
    def load(cls, path: PathLike) -> Self:
        """Read an atlas that `save` wrote; nothing of the file is ever run.

        Raises
        ------
        OSError
            The file cannot be read.
        TypeError
            `path` is none.
        FormatError
            It holds no atlas, or one of more than 2^28 windows.
        """
        path = os.fspath(path)
        try:
            file = read_arrays(path, _LIMITS)
            intensity = [float(value) for value in file["intensity"]]
            return cls(
                file["scores"], (file["x"], file["y"], file["z"]), file["window"].tolist(),
                file["grid"].tolist(), IntensityWindow(*intensity) if intensity else None,
                str(file["fingerprint"]), file["input_shape"].tolist(),
            )  # fmt: skip
        except (MemoryError, OSError):
            raise
        # What arrays of any shape come upon.
        except Exception as error:
            raise FormatError(f"{path} holds no score atlas: {error}") from error

    def __repr__(self) -> str:
        nx, ny, nz = self.scores.shape
        return f"<spars.ScoreAtlas of {nx} x {ny} x {nz} windows {self.window} on {self.grid}>"


def _inside(field: Field) -> NDArray[np.int64]:
    """Return the places of a field, (N, 3), those beyond the border moved to it."""
    highest = np.array(field.array.shape) - field.window
    axes = [
        np.clip(axis, 0, max(high, 0)) for axis, high in zip(field.axes(), highest, strict=True)
    ]
    places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    return np.ascontiguousarray(places.reshape(-1, 3), np.int64)

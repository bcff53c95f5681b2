"""Windows with labels that are true by construction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from spars._core import Handle, Native, native
from spars._support.checks import check_integer
from spars._support.progress import as_progress
from spars._support.settings import flat
from spars._support.types import FloatArray, MaskArray, Progress
from spars.lesions.host import Host, as_host
from spars.lesions.insertion import as_law
from spars.lesions.settings import LesionLaw, WindowSettings

__all__ = ["WindowBatch", "Windows", "windows"]


class WindowBatch(NamedTuple):
    """Windows and what is known of them.

    Attributes
    ----------
    values : ndarray of float32, shape (n, x, y, z)
        HU, with the organ's level moved to `WindowSettings.level_at`.
    labels : ndarray of uint8, shape (n,)
        1 where the core holds a lesion.
    core_shares : ndarray of float32, shape (n,)
        The share of the core's voxels that are lesion.

    Examples
    --------
    >>> made = spars.phantom(seed=1, shape=(64, 64, 48), has_tumour=False)
    >>> host = spars.lesions.Host(made.volume, made.liver)
    >>> source = spars.lesions.windows([host], seed=1, window=(6, 6, 6), core=(2, 2, 2))
    >>> values, labels, core_shares = source.draw(0, 4)
    >>> values.shape, np.array_equal(labels > 0, core_shares > 0.25)
    ((4, 6, 6, 6), True)
    """

    values: FloatArray
    labels: MaskArray
    core_shares: FloatArray


class Windows(Native):
    """A source of labelled windows, made by `windows`.

    Window i depends on the hosts, the law, the settings, the seed and i alone: any range can be
    drawn at any time, in any order and on any number of threads, with the same bits.

    Attributes
    ----------
    hosts : tuple of Host
    law : LesionLaw
    settings : WindowSettings
    seed : int

    Examples
    --------
    >>> made = spars.phantom(seed=1, shape=(64, 64, 48), has_tumour=False)
    >>> host = spars.lesions.Host(made.volume, made.liver)
    >>> source = spars.lesions.windows([host], seed=1, window=(6, 6, 6), core=(2, 2, 2))
    >>> batch = source.draw(0, 8)
    >>> batch.values.shape, batch.labels.shape
    ((8, 6, 6, 6), (8,))
    """

    def __init__(
        self, hosts: tuple[Host, ...], law: LesionLaw, settings: WindowSettings, seed: int
    ) -> None:
        self.hosts, self.law, self.settings, self.seed = hosts, law, settings, seed
        self._handle = self._made(None)

    def _value(self) -> None:
        """Return nothing: hosts, law, settings and seed are all that windows follow from."""

    def _made(self, value: None) -> Handle:
        handles = np.array([host._handle.value for host in self.hosts], np.int64)
        return Handle(native.lesion_windows_create(handles, self.law, self.settings, self.seed))

    def draw(self, first: int, count: int, progress: Progress | bool | None = None) -> WindowBatch:
        """Draw windows `first` to ``first + count - 1``.

        Parameters
        ----------
        first : int
            0 or more.
        count : int
            1 or more.
        progress : callable or True, optional
            Called with (done, planned) about every 20 ms; True draws a bar (the extra "progress").

        Returns
        -------
        WindowBatch

        Raises
        ------
        TypeError, ValueError
            `first` or `count` is out of range, or the hosts are too small to hold the law's lesions
            in a window's core.
        """
        first = check_integer(first, "first", "Windows.draw", 0, 2**62)
        count = check_integer(count, "count", "Windows.draw", 1, 2**31 - 1)
        values = np.empty((count, *self.settings.window), np.float32)
        labels = np.empty(count, np.uint8)
        core_shares = np.empty(count, np.float32)
        report = as_progress(progress, "Windows.draw", "windows")
        native.lesion_windows_draw(
            self._handle.value, first, values.reshape(count, -1), labels, core_shares, report
        )
        return WindowBatch(values, labels, core_shares)

    def __repr__(self) -> str:
        return f"<spars.lesions.Windows of {self.settings.window} from {len(self.hosts)} hosts>"


@flat(WindowSettings)
def windows(
    hosts: Iterable[Host], law: LesionLaw | None = None, seed: int = 0, *, settings: WindowSettings
) -> Windows:
    """Make a source of labelled windows of tumour-free organs, with lesions put into half of them.

    Parameters
    ----------
    hosts : sequence of Host
        At least one; their voxels have the same size to 1 %.
    law : LesionLaw, optional
        How lesions are drawn. Default: ``LesionLaw()``.
    seed : int
        0 to 2**64 - 1.
    {settings}

    Returns
    -------
    Windows

    Raises
    ------
    TypeError, ValueError
        A parameter is out of range, or the hosts' spacings differ.

    Examples
    --------
    >>> scan = spars.phantom(seed=1, shape=(96, 80, 64), has_tumour=False)
    >>> source = spars.lesions.windows([spars.lesions.Host(scan.volume, scan.liver)])
    >>> values, labels, shares = source.draw(0, 32)
    """
    owner = "windows"
    prepared = tuple(as_host(host, owner) for host in hosts)
    seed = check_integer(seed, "seed", owner, 0, 2**64 - 1)
    return Windows(prepared, as_law(law, owner), settings, seed)

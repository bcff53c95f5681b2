"""Progress of long work: bars, and what a `progress` parameter stands for."""

from __future__ import annotations

import sys
from typing import Any

from spars._support.extras import require
from spars._support.types import Progress


class ProgressBar:
    """A bar with rate and time left, for a terminal or a notebook.

    Give it wherever a `progress` is taken. Runs, segmentations, baselines, atlases and leagues also
    take ``progress=True`` for one with the work's own name. It needs tqdm (the extra "progress");
    in a notebook it is a widget where ipywidgets is installed, and text elsewhere.

    Parameters
    ----------
    description : str
        Shown before the bar.
    unit : str
        What is counted, for the rate.
    **options
        Passed to ``tqdm``, for example ``file`` or ``mininterval``.

    Raises
    ------
    ImportError
        tqdm is missing.
    """

    def __init__(self, description: str = "", unit: str = "it", **options: Any) -> None:
        self._tqdm = require("tqdm.auto", "progress", "A progress bar").tqdm
        self._options = {"desc": description, "unit": unit} | options
        self._bar: Any = None

    def __call__(self, done: int, planned: int) -> None:
        """Show that `done` of `planned` is done; the bar closes when all is."""
        if self._bar is None:
            self._bar = self._tqdm(total=planned or None, **self._options)
        self._bar.total = planned or None
        self._bar.update(done - self._bar.n)
        if planned and done >= planned:
            self.close()

    def close(self) -> None:
        """Leave the bar as it is; the next call begins another."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def progress_bar(description: str) -> ProgressBar | None:
    """Return a `progress` callable that draws a bar, or None where no bar can be shown.

    A bar needs tqdm and a terminal on standard error; logs and pipes stay clean.
    """
    if not sys.stderr.isatty():
        return None
    try:
        return ProgressBar(description)
    except ImportError:
        return None


def as_progress(
    progress: Progress | bool | None, description: str, unit: str = "it"
) -> Progress | None:
    """Return what a `progress` parameter stands for: True is a bar, a callable itself."""
    if progress is True:
        return ProgressBar(description, unit)
    return None if progress is False else progress


def shifted(progress: Progress, done: int, planned: int) -> Progress:
    """Return a `progress` for a part of the work that begins after `done`."""
    return lambda part, _: progress(done + part, planned)

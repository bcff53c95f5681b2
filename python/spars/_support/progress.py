"""Progress of long work: bars, and what a `progress` parameter stands for."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import Any

from spars._support.checks import sentence
from spars._support.extras import require
from spars._support.types import Progress


class ProgressBar:
    """A bar with rate and time left, for a terminal or a notebook.

    Give it wherever a `progress` is taken; ``progress=True`` is one with the work's own name. It
    needs tqdm (the extra "progress"); in a notebook it is a widget where ipywidgets is installed,
    and text elsewhere.

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

    Examples
    --------
    >>> bar = spars.callbacks.ProgressBar("playing")
    >>> bar(0, 10)  # a terminal or a notebook would show it
    >>> bar.close()
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


class ProgressLines:
    """Tells of long work in lines on standard error, one a minute: what logs and pipes can hold.

    Parameters
    ----------
    description : str
        What is being done.
    seconds : float
        Between two lines; short work says nothing.
    """

    def __init__(self, description: str, seconds: float = 60.0) -> None:
        self._description = description
        self._seconds = seconds
        self._started = self._told = time.monotonic()

    def __call__(self, done: int, planned: int) -> None:
        """Print how far the work is, if the last line is long enough ago."""
        now = time.monotonic()
        if now - self._told < self._seconds:
            return
        self._told = now
        text = f"spars: {self._description}: {done}"
        if 0 < done <= planned:
            minutes = (now - self._started) * (planned - done) / done / 60
            text += f" of {planned}, about {max(1, round(minutes))} min left"
        print(text, file=sys.stderr, flush=True)


def progress_bar(description: str) -> Progress:
    """Return the `progress` of a command: a bar, or lines where no bar can be shown.

    A bar needs tqdm and a terminal on standard error.
    """
    if sys.stderr.isatty():
        with contextlib.suppress(ImportError):
            return ProgressBar(description)
    return ProgressLines(description)


def check_progress(progress: object, owner: str) -> Progress | bool | None:
    """Return `progress` if it is what `as_progress` takes, or raise TypeError."""
    if progress is None or isinstance(progress, bool) or callable(progress):
        return progress
    raise TypeError(sentence("progress", owner, "callable, True or None", progress))


def as_progress(progress: Progress | bool | None, owner: str, unit: str = "it") -> Progress | None:
    """Return what every `progress` parameter stands for.

    Parameters
    ----------
    progress : callable, bool or None
        True is a bar, a callable is itself; False and None are none.
    owner : str
        Whose work it is: what the bar and the sentence of an error say.
    unit : str
        What the bar counts.

    Raises
    ------
    TypeError
        `progress` is something else.
    ImportError
        A bar is asked for and tqdm is missing.
    """
    progress = check_progress(progress, owner)
    if isinstance(progress, bool):
        return ProgressBar(owner, unit) if progress else None
    return progress


def shifted(progress: Progress, done: int, planned: int) -> Progress:
    """Return a `progress` for a part of the work that begins after `done`."""
    return lambda part, _: progress(done + part, planned)

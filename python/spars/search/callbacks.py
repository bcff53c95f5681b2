"""What can watch a run: progress bars, and event files for TensorBoard.

A callback is anything that is called with the `Run` after each iteration; returning False ends the
run. One with a method `close` has it called when the run stops, however it does.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from spars._support.checks import check_integer, sentence
from spars._support.extras import require
from spars._support.progress import ProgressBar
from spars._support.types import PathLike

if TYPE_CHECKING:
    from spars.search.run import Run

__all__ = ["ProgressBar", "TensorBoard"]

#: Called with the run after each iteration; returning False ends it.
Callbacks: TypeAlias = "Callable[[Run], object] | Sequence[Callable[[Run], object]] | None"


def as_callbacks(
    callback: Callbacks, tensorboard: PathLike | None, owner: str
) -> list[Callable[[Run], object]]:
    """Return the callables that `callback` and `tensorboard` stand for."""
    given = [] if callback is None else [callback] if callable(callback) else callback
    if not isinstance(given, (list, tuple)) or not all(callable(call) for call in given):
        raise TypeError(sentence("callback", owner, "a callable or a sequence of them", callback))
    return [*given, *([] if tensorboard is None else [TensorBoard(tensorboard)])]


class TensorBoard:
    """Writes a run's quantities as event files that TensorBoard shows.

    It needs tensorboardX (the extra "tensorboard"), and neither TensorFlow nor PyTorch. Steps are
    the game's, so that runs of other `n_steps` lie on one axis. Names are stable-baselines3's
    where it has one: ``train/...`` of `Run.log`, and ``rollout/...`` of what was played.

    Parameters
    ----------
    path : path
        Folder for the event files; each run in a folder of its own is a curve of its own.
    every : int
        Iterations between two written ones.

    Raises
    ------
    ImportError
        tensorboardX is missing.

    Notes
    -----
    A run that is resumed writes another file into the folder, and TensorBoard joins them.
    """

    def __init__(self, path: PathLike, every: int = 1) -> None:
        self.path = path
        self.every = check_integer(every, "every", "TensorBoard", 1)
        self._make = require("tensorboardX", "tensorboard", "Writing event files").SummaryWriter
        self._writer: Any = None

    def __call__(self, run: Run) -> None:
        """Write the run's last iteration."""
        if self._writer is None:
            # Files are named by the second; one of an earlier part must not be overwritten.
            suffix = f".{os.getpid()}.{len(run):09d}"
            self._writer = self._make(str(self.path), filename_suffix=suffix)
            text = json.dumps(run.configuration, indent=2, default=str)
            self._writer.add_text("configuration", f"```json\n{text}\n```", 0)
        if len(run) % self.every:
            return
        step = len(run) * run.configuration["n_steps"] * run.configuration["n_envs"]
        for name, value in run.latest.items():
            # NaN is what is not defined, for example Dice where both masks are empty.
            if not math.isnan(value):
                self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Write what is left to disk; the next iteration begins another file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

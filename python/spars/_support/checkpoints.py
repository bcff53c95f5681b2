"""Checkpoints: a place that is checked first, saves that never cost the work, two generations."""

import errno
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from spars._support.checks import sentence
from spars._support.errors import CheckpointWarning, FormatError
from spars._support.files import check_writable, previous
from spars._support.formats import check_ending
from spars._support.types import AnyPath

Found = TypeVar("Found")


def check_place(path: AnyPath, owner: str) -> Path:
    """Return where a checkpoint is to be written, or raise before work starts.

    Raises
    ------
    TypeError, ValueError
        It is no path.
    OSError
        No file can be written there.
    """
    try:
        name = os.fsdecode(path)
    except TypeError:
        raise TypeError(sentence("checkpoint", owner, "a path", path)) from None
    if "\0" in name:
        raise ValueError(sentence("checkpoint", owner, "a path without null characters", path))
    check_ending(name, (".npz",), owner, "checkpoint")
    place = Path(name)
    if not place.parent.is_dir():
        raise FileNotFoundError(
            errno.ENOENT, "the folder of this checkpoint does not exist", str(place)
        )
    check_writable(place)
    return place


def check_begun(path: AnyPath, owner: str, *, resume: bool) -> Path:
    """Return where work keeps its checkpoint that begins anew or, with `resume`, goes on.

    Raises
    ------
    TypeError, ValueError, OSError
        As `check_place`; there is nothing to go on from, or there is something.
    """
    place = check_place(path, owner)
    if resume and not place.is_file():
        raise FileNotFoundError(errno.ENOENT, "there is no checkpoint to resume", str(place))
    if not resume and place.exists():
        raise FileExistsError(
            errno.EEXIST, "exists already; resume it, or remove it to start anew", str(place)
        )
    return place


def kept(path: Path, save: Callable[[Path], object]) -> bool:
    """Call `save` with the path; warn and return False where it fails.

    What was computed is worth more than a file of it, so whatever hinders the saving, as a full
    disk or a folder that is gone, is told and not raised.
    """
    try:
        save(path)
    except Exception as error:
        warnings.warn(
            f"The checkpoint {path} could not be written, and the work goes on: {error!r}",
            CheckpointWarning,
            stacklevel=3,
        )
        return False
    return True


def newest(path: Path, read: Callable[[Path], Found]) -> Found:
    """Return what `read` makes of a checkpoint, or of the one before where that is damaged.

    Raises
    ------
    FormatError
        Neither can be read; the message is on the file at `path`.
    """
    try:
        return read(path)
    except FormatError as error:
        damaged = error
    try:
        found = read(previous(path))
    except (FormatError, OSError):
        raise damaged from None
    warnings.warn(
        f"{path} is damaged, and {previous(path)}, the one before, was read instead: {damaged}",
        CheckpointWarning,
        stacklevel=3,
    )
    return found

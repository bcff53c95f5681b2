"""Files that appear whole or not at all."""

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import IO

from spars._support.types import PathLike

with contextlib.suppress(ImportError):
    # Missing on systems without locks on files.
    import fcntl

_HAS_LOCKS = "fcntl" in globals()

_SUFFIX = ".part"


@contextlib.contextmanager
def writing(path: PathLike, *, keep_previous: bool = False) -> Iterator[IO[bytes]]:
    """Open a binary file that takes the place of `path` when the block ends without an error.

    It is written beside its place and renamed, as the core does it (`OutputFile`): a reader sees
    the old file or the whole new one. A file that is replaced lends the new one its permissions,
    and a link stays a link. Content and name are on the disk when the block has ended. What a
    writer left that was killed goes when the next one writes to the same path: a living writer
    holds a lock on its part.

    Parameters
    ----------
    path : path
        Path of the file. Something that is no regular file, as a terminal or a pipe, is written to
        as it is.
    keep_previous : bool
        Whether a file that is replaced stands afterwards at `previous`, instead of what stood
        there. One of both is whole at any moment. On a file system without links none is kept.

    Raises
    ------
    OSError
        The folder or the file cannot be written.
    TypeError
        The path is none: numbers would be open files.
    """
    target = Path(os.path.realpath(path))
    replaced = _mode(target)
    if replaced is not None and not stat.S_ISREG(replaced):
        with open(path, "wb") as file:
            yield file
        return
    _remove_leftovers(target)
    descriptor, part = _begin(path, target)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            if replaced is not None:
                # What the system refuses here leaves the file as a new one would be.
                with contextlib.suppress(PermissionError):
                    os.fchmod(file.fileno(), stat.S_IMODE(replaced) & 0o777)
            os.fsync(file.fileno())
            replace = _replace_and_keep if keep_previous else os.replace
            replace(part, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part)
        raise
    _sync(target.parent)


def write_text(path: PathLike, text: str) -> None:
    """Write a text as UTF-8, whole or not at all.

    What of a file's name is no UTF-8 stands in it as its escape.
    """
    with writing(path) as file:
        file.write(text.encode("utf-8", "backslashreplace"))


def read_text(path: PathLike) -> str:
    """Return a text in UTF-8, with or without a byte order mark.

    Raises
    ------
    OSError
        As `reading` does.
    UnicodeDecodeError
        It is none.
    """
    with reading(path) as file:
        return file.read().decode("utf-8-sig")


def write_bytes(path: PathLike, content: bytes) -> None:
    """Write bytes, whole or not at all."""
    with writing(path) as file:
        file.write(content)


def previous(path: PathLike) -> Path:
    """Return where `writing` keeps the file that it replaced at `path`."""
    target = Path(os.path.realpath(path))
    return target.with_name(f"{target.name}.previous")


def check_writable(path: PathLike) -> None:
    """Raise OSError where `writing` could not begin to write to `path`; nothing is left of it."""
    target = Path(os.path.realpath(path))
    mode = _mode(target)
    if mode is not None and stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if mode is None or stat.S_ISREG(mode):
        descriptor, part = _begin(path, target)
        os.close(descriptor)
        os.unlink(part)


def reading(path: PathLike) -> BufferedReader:
    """Open a file to be read; unlike `open`, take no number for an open file's.

    Raises
    ------
    OSError
        It is missing, cannot be read, or is a device, some of which never end.
    TypeError
        The path is none.
    """
    path = os.fspath(path)
    mode = os.stat(path).st_mode
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise OSError(errno.EINVAL, "not a regular file", path)
    return open(path, "rb")


def _replace_and_keep(part: Path, target: Path) -> None:
    """Put a part in its place, and what stood there in the place of the previous one."""
    # A part by its name, so that it goes if this is where the process ends.
    kept = part.with_name(f".{target.name}.{secrets.token_hex(8)}{_SUFFIX}")
    with contextlib.suppress(OSError):
        os.link(target, kept)
    os.replace(part, target)
    with contextlib.suppress(OSError):
        os.replace(kept, previous(target))


def _begin(path: PathLike, target: Path) -> tuple[int, Path]:
    """Make the part beside the file, and lock it."""
    while True:
        part = target.with_name(f".{target.name}.{secrets.token_hex(8)}{_SUFFIX}")
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except OSError as error:
            # The caller knows the file, not its part.
            raise type(error)(error.errno, error.strerror, os.fspath(path)) from None
        if _locked(descriptor) and not _stands(descriptor, part):
            # Another writer took it for a leftover before it was locked.
            os.close(descriptor)
            continue
        return descriptor, part


def _remove_leftovers(target: Path) -> None:
    if not _HAS_LOCKS:
        return
    pattern = f".{_escaped(target.name)}.*{_SUFFIX}"
    for leftover in target.parent.glob(pattern):
        with contextlib.suppress(OSError):
            descriptor = os.open(leftover, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                if _locked(descriptor):
                    os.unlink(leftover)
            finally:
                os.close(descriptor)


def _locked(descriptor: int) -> bool:
    """Whether an open file could be locked; False where there are no locks."""
    if not _HAS_LOCKS:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _stands(descriptor: int, part: Path) -> bool:
    try:
        return os.fstat(descriptor).st_ino == os.stat(part).st_ino
    except FileNotFoundError:
        return False


def _mode(path: Path) -> int | None:
    try:
        return os.stat(path).st_mode
    except OSError:
        return None


def _escaped(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _sync(folder: Path) -> None:
    """Have the new name on the disk; a file system without that has nothing to offer."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

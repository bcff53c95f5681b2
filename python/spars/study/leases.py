"""Leases: who works on a task, so that processes and machines on one folder share its tasks.

A lease is a file. Whoever makes it holds it, keeps it locked where the system has locks, and
touches it again and again. It may be taken over from a process that has ended: at once where that
ran on the same machine, whose lock is then free, else once it has not been touched for a while.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has none.
    fcntl = None  # type: ignore[assignment]  # so that one name says both

#: Seconds between two touches, and after how many without one a lease is free.
BEAT, STALE = 10.0, 60.0


class Lease:
    """The right to work on a task; `take` it, and `release` it in the end.

    Parameters
    ----------
    path : Path
        The file; its folder exists.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1
        self._name = f"{socket.gethostname()}\n{os.getpid()}\n{secrets.token_hex(8)}\n".encode()
        self._ended = threading.Event()
        self._heart: threading.Thread | None = None

    def take(self) -> bool:
        """Take the lease if it is free; return whether it is now one's own."""
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
            is_free = _lock(descriptor) is not False
        except FileExistsError:
            try:
                descriptor = os.open(self.path, os.O_RDWR)
            except FileNotFoundError:
                # It was released between the two; the next try finds out.
                return False
            is_free = self._is_left(descriptor)
        if not is_free:
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, self._name, 0)
        self._descriptor = descriptor
        self._ended.clear()
        self._heart = threading.Thread(target=self._beat, daemon=True)
        self._heart.start()
        return True

    def release(self) -> None:
        """Give the lease back."""
        self._ended.set()
        if self._heart is not None:
            self._heart.join()
        # Whoever took this process for dead holds the same file now.
        if os.pread(self._descriptor, 256, 0) == self._name:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
        os.close(self._descriptor)

    def _is_left(self, descriptor: int) -> bool:
        """Whether whoever made the lease has ended without giving it back."""
        locked = _lock(descriptor)
        if locked is False or not _stands(descriptor, self.path):
            return False
        host = os.pread(descriptor, 256, 0).decode(errors="replace").partition("\n")[0]
        if locked and host == socket.gethostname():
            return True
        return self._age(descriptor) > STALE

    def _age(self, descriptor: int) -> float:
        """Return the seconds since the last touch, by the clock of the file system."""
        probe = self.path.with_name(f".{self.path.name}.{os.getpid()}.{threading.get_ident()}")
        probe.touch()
        now = probe.stat().st_mtime
        probe.unlink(missing_ok=True)
        return now - os.fstat(descriptor).st_mtime

    def _beat(self) -> None:
        while not self._ended.wait(BEAT):
            # A file system that is gone for a while is no reason to end the work.
            with contextlib.suppress(OSError):
                os.utime(self._descriptor)


def is_live(path: Path) -> bool:
    """Whether somebody works under a lease now, as far as its heart tells."""
    lease = Lease(path)
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not lease._is_left(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool | None:
    """Lock an open file: True, False where another holds it, None where there are no locks."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _stands(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False

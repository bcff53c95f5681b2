"""Threads and instruction sets of the compiled core."""

from spars import _native
from spars._checks import check_integer


def set_thread_count(count: int) -> None:
    """Set how many threads the compiled core uses, the caller's included.

    Results are the same bits for every count. The start value is the number of processors, or the
    environment variable ``SPARS_NUM_THREADS``.

    Parameters
    ----------
    count : int
        1 to 256.

    Raises
    ------
    TypeError, ValueError
        `count` is not an integer in that range.
    """
    _native.set_thread_count(check_integer(count, "count", "set_thread_count", 1, 256))


def thread_count() -> int:
    """Return how many threads the compiled core uses."""
    return _native.thread_count()


def instruction_set() -> str:
    """Return the instruction set that the kernels chose for this machine, for example "avx2"."""
    return _native.instruction_set()

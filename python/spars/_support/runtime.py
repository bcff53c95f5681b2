"""Threads and instruction sets of the compiled core."""

from spars._core import native
from spars._support.checks import check_integer

# A misspelt request must not be ignored. ValueError, as an ImportError could pass for a missing
# package.
native.check_environment()


def set_thread_count(count: int) -> None:
    """Set how many threads the compiled core uses, the caller's included.

    Results are the same bits for every count. No more threads are used than the processors that
    this process may use now (its affinity, where the system keeps one): threads without a processor
    make the others wait. A larger `count` sets that many, which `thread_count` then returns.

    The start value is that number of processors, or the environment variable ``SPARS_NUM_THREADS``
    within it. The environment variable ``SPARS_OVERSUBSCRIBE=1`` has larger numbers used as they
    are, for tests that results do not depend on them. Importing spars raises ValueError where the
    first is no integer from 1 to 256, or the second neither 0 nor 1.

    Parameters
    ----------
    count : int
        1 to 256.

    Raises
    ------
    TypeError, ValueError
        `count` is not an integer in that range.

    Examples
    --------
    >>> before = spars.thread_count()
    >>> spars.set_thread_count(1)
    >>> spars.thread_count()
    1
    >>> spars.set_thread_count(before)
    """
    native.set_thread_count(check_integer(count, "count", "set_thread_count", 1, 256))


def thread_count() -> int:
    """Return how many threads the compiled core uses, which may be fewer than were asked for.

    Examples
    --------
    >>> spars.thread_count() >= 1
    True
    """
    return native.thread_count()


def instruction_set() -> str:
    """Return the instruction set that the kernels run on, for example "x86-64-v3".

    It is the best that this machine has, or the one that the environment variable ``SPARS_CPU``
    names: "baseline", "x86-64-v3" (AVX2 and fused multiply-add) or "x86-64-v4" (AVX-512). With
    another name, or one that the machine cannot run, importing spars raises ValueError.

    Examples
    --------
    >>> spars.instruction_set() in ("baseline", "x86-64-v3", "x86-64-v4")
    True
    """
    return native.instruction_set()

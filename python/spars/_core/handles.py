"""Objects that live in the compiled core, named by 64-bit handles."""

import weakref

import spars._core._native as native


class Handle:
    """Owns one object of the compiled core and releases it when collected."""

    __slots__ = ("__weakref__", "_finalizer", "value")

    def __init__(self, value: int):
        self.value = value
        self._finalizer = weakref.finalize(self, native.release, value)
        # The process's end frees everything; a handle then has nothing left to do.
        self._finalizer.atexit = False

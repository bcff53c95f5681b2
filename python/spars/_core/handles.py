"""Objects that live in the compiled core, named by 64-bit handles."""

from __future__ import annotations

import copy
from typing import Any, NoReturn, Self

import spars._core._native as native


class Handle:
    """Owns one object of the compiled core and releases it when collected.

    Its number means nothing in another process, and a second owner would release the object twice:
    it is never copied or pickled. What holds one says in `Native` what it is made of.
    """

    __slots__ = ("_owner", "value")

    def __init__(self, value: int):
        self.value = value
        # Not a finalizer in Python: an interrupt that came while one runs would be lost.
        self._owner = native.own(value)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            "An object of the compiled core cannot be copied or pickled by itself: copy what spars "
            "made of it, or save that to a file."
        )


class Native:
    """Base of what owns an object of the compiled core, its `_handle`: copied by value, or refused.

    Copies, deep copies and pickles hold what `_value` returns in the handle's place, from which
    `_made` makes an object of the core of their own, in any process.
    """

    _handle: Any
    #: What a copy is refused with: what to do instead.
    _instead = "make another one from what it was made of"

    def _value(self) -> Any:
        """Return what the core's object is, as plain values and arrays of their own."""
        raise TypeError(
            f"A {type(self).__name__} cannot be copied or pickled: {self._instead} instead."
        )

    def _made(self, value: Any) -> Handle:
        """Return a new object of the core from `_value`; the other attributes are there already."""
        raise NotImplementedError

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_handle": self._value()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._handle = self._made(state["_handle"])


class Whole:
    """Base of what plays or learns through its parts: `copy.copy` copies them too.

    A copy that shared them would move, and learn, along with the original.
    """

    def __copy__(self) -> Self:
        return copy.deepcopy(self)

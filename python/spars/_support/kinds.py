"""What a setting may be: its check, its text in documents, its record and its option."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from spars._support.callbacks import check_callbacks
from spars._support.checks import (
    check_bool,
    check_choice,
    check_extent,
    check_float,
    check_integer,
    check_text,
    sentence,
)
from spars._support.progress import check_progress


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Kind:
    """What a setting may be.

    Attributes
    ----------
    text : str
        The type and range as a docstring says them.
    check : callable
        Of (value, name, owner): returns the value as it is used, or raises TypeError or ValueError.
    option : mapping or None
        Arguments for `argparse.ArgumentParser.add_argument`; None where no text can give it.
    plain, again : callable
        To the plain value that a result records, and back.
    given : callable
        From what the option's text gave to the value.
    """

    text: str
    check: Callable[[Any, str, str], Any]
    option: Mapping[str, Any] | None = None
    plain: Callable[[Any], Any] = field(default=_same)
    again: Callable[[Any], Any] = field(default=_same)
    given: Callable[[Any], Any] = field(default=_same)


def integer(low: int | None = None, high: int | None = None) -> Kind:
    """An integer in [low, high]."""
    return Kind(
        "int" + _range(low, high),
        lambda value, name, owner: check_integer(value, name, owner, low, high),
        {"type": int, "metavar": "N"},
    )


def number(
    low: float | None = None,
    high: float | None = None,
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> Kind:
    """A finite float in the range."""

    def check(value: Any, name: str, owner: str) -> float:
        return check_float(value, name, owner, low, high, open_low=open_low, open_high=open_high)

    bounds = _range(low, high, "(" if open_low else "[", ")" if open_high else "]")
    return Kind("float" + bounds, check, {"type": float, "metavar": "X"})


def boolean() -> Kind:
    """True or False; the option is a flag."""
    return Kind("bool", check_bool, {"action": "flag"})


def choice(*names: str) -> Kind:
    """One of some names."""
    return Kind(
        "{" + ", ".join(f'"{name}"' for name in names) + "}",
        lambda value, name, owner: check_choice(value, name, owner, names),
        {"choices": names},
    )


def text() -> Kind:
    """A str; no option."""
    return Kind("str", check_text)


def extent(low: int = 1, high: int | None = None) -> Kind:
    """Three integers (x, y, z)."""
    return Kind(
        "(int, int, int)",
        lambda value, name, owner: check_extent(value, name, owner, low, high),
        {"type": int, "nargs": 3, "metavar": ("X", "Y", "Z")},
        plain=list,
        again=tuple,
    )


def grid(high: int | None = None) -> Kind:
    """Three integers (x, y, z), or None; the option takes three numbers or "native"."""
    option = {
        "type": _axis_or_native, "nargs": "+", "metavar": "N",
        "help": "model grid as three numbers, or 'native' for the scan's own voxels",
    }  # fmt: skip
    return replace(optional(extent(1, high)), option=option, given=_grid_given)


def instance(cls: type, wanted: str, **more: Any) -> Kind:
    """An object of a class, `wanted` in the sentence of an error; no option."""

    def check(value: Any, name: str, owner: str) -> Any:
        if not isinstance(value, cls):
            raise TypeError(sentence(name, owner, wanted, value))
        return value

    return Kind(cls.__name__, check, **more)


def function() -> Kind:
    """A callable; no option."""

    def check(value: Any, name: str, owner: str) -> Any:
        if not callable(value):
            raise TypeError(sentence(name, owner, "callable or None", value))
        return value

    return Kind("callable", check)


def bar() -> Kind:
    """A `progress`, as `as_progress` takes it; no option."""
    return Kind(
        "callable or True, optional", lambda value, name, owner: check_progress(value, owner)
    )


def callbacks() -> Kind:
    """What watches the work, as `check_callbacks` takes it; no option."""

    def check(value: Any, name: str, owner: str) -> Any:
        check_callbacks(value, name, owner)
        return value

    return Kind("Callback, callable or sequence of them, optional", check)


def labels() -> Kind:
    """An integer or several; no option."""

    def check(value: Any, name: str, owner: str) -> Any:
        if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
            return check_integer(value, name, owner)
        return tuple(check_integer(one, name, owner) for one in value)

    return Kind("int or sequence of ints", check)


def path(metavar: str = "FILE") -> Kind:
    """A path; what uses it says what is wrong with it."""
    return Kind("path", lambda value, name, owner: value, {"metavar": metavar}, plain=os.fspath)


def anything(text: str, option: Mapping[str, Any] | None = None) -> Kind:
    """What the work itself checks."""
    return Kind(text, lambda value, name, owner: value, option)


def optional(kind: Kind) -> Kind:
    """What may also be None."""
    return replace(
        kind,
        text=f"{kind.text}, optional",
        check=lambda value, name, owner: None if value is None else kind.check(value, name, owner),
        plain=lambda value: None if value is None else kind.plain(value),
        again=lambda value: None if value is None else kind.again(value),
    )


def either(text: str, kinds: Sequence[Kind], option: Mapping[str, Any] | None = None) -> Kind:
    """What any of several kinds takes; the last one's refusal is the error."""

    def check(value: Any, name: str, owner: str) -> Any:
        for kind in kinds[:-1]:
            try:
                return kind.check(value, name, owner)
            except (TypeError, ValueError):
                continue
        return kinds[-1].check(value, name, owner)

    return Kind(text, check, option)


def _axis_or_native(text: str) -> int | str:
    return text if text == "native" else int(text)


def _grid_given(values: Sequence[int | str]) -> Any:
    if list(values) == ["native"]:
        return None
    if len(values) != 3 or "native" in values:
        raise ValueError(
            f"--grid takes three numbers, or 'native'. Got {' '.join(map(str, values))}."
        )
    return tuple(values)


def _range(low: Any, high: Any, left: str = "[", right: str = "]") -> str:
    if low is None and high is None:
        return ""
    if high is None:
        return f" above {low}" if left == "(" else f" of at least {low}"
    return f" in {left}{low}, {high}{right}"

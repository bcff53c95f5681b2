"""Options made from declared settings: names, types, choices, defaults and help stand there."""

import argparse
import re
from collections.abc import Collection
from typing import Any

from spars._support.settings import Declared, Settings

#: What stands before the options of `LesionLaw`, `WindowSettings` and `WeakLabelSettings`, whose
#: names others have too.
LESION, WINDOW, WEAK = "lesion", "window", "weak"


def add_settings(
    parser: Any,
    settings: type[Settings],
    *,
    only: Collection[str] = (),
    without: Collection[str] = (),
    prefix: str = "",
) -> list[str]:
    """Add an option for each setting that text can give; return the settings' names.

    Parameters
    ----------
    parser : ArgumentParser or argument group
    settings : type
        The settings' class.
    only, without : collection of str
        Names to which to keep, and names to leave out.
    prefix : str
        What stands before the options' names, with a dash, where other settings have the same.
    """
    names = names_of(settings, only=only, without=without)
    for name in names:
        _add(parser, _option(name, prefix), settings.declared()[name], settings.defaults()[name])
    return names


def add_groups(parser: Any, settings: type[Settings], without: Collection[str] = ()) -> None:
    """Add the options of settings that are made of several classes, a group for each class."""
    known = set(without)
    for cls in reversed(settings.__mro__):
        if not issubclass(cls, Settings) or cls is Settings:
            continue
        group = parser.add_argument_group(f"self_play: {_first_sentence(cls.__doc__ or '')}")
        known.update(add_settings(group, cls, without=known))


def names_of(
    settings: type[Settings], *, only: Collection[str] = (), without: Collection[str] = ()
) -> list[str]:
    """Return the names of the settings that have an option."""
    return [
        name
        for name, declared in settings.declared().items()
        if declared.kind.option is not None and name not in without and (not only or name in only)
    ]


def _add(parser: Any, name: str, declared: Declared, default: Any) -> None:
    """Add the option of one setting; it is None where it is not given."""
    option = dict(declared.kind.option or {})
    shown = _shown(default)
    text = declared.help or option.pop("help", "") or _first_sentence(declared.doc)
    if shown and "default" not in text:
        text += f" (default: {shown})"
    if option.pop("action", None) == "flag":
        option["action"] = argparse.BooleanOptionalAction if default else "store_true"
    parser.add_argument(
        f"--{name.replace('_', '-')}", default=None, help=text.replace("%", "%%"), **option
    )


def given(
    arguments: argparse.Namespace,
    settings: type[Settings],
    *,
    only: Collection[str] = (),
    without: Collection[str] = (),
    prefix: str = "",
) -> dict[str, Any]:
    """Return the settings that were given, by name, as a call takes them.

    `only`, `without` and `prefix` are those of `add_settings`.
    """
    declared = settings.declared()
    found = {
        name: getattr(arguments, _option(name, prefix))
        for name in names_of(settings, only=only, without=without)
    }
    return {
        name: declared[name].kind.given(value) for name, value in found.items() if value is not None
    }


def _option(name: str, prefix: str) -> str:
    """Return the name of a setting's option, with underscores."""
    return f"{prefix}_{name}" if prefix else name


def _shown(default: Any) -> str:
    """Return a default as help shows it; nothing for None and flags."""
    if isinstance(default, bool):
        return "on" if default else ""
    if default is None:
        return ""
    if isinstance(default, tuple):
        return " ".join(map(str, default))
    return str(default)


def _first_sentence(doc: str) -> str:
    """Return a docstring's first sentence as help says it: no capital, no full stop, no marks."""
    first = re.split(r"(?<=[.:;])\s", " ".join(doc.split()), maxsplit=1)[0].rstrip(".:;")
    first = first.replace("`", "")
    # "HU added" is no "hU added".
    return first if first[1:2].isupper() else first[:1].lower() + first[1:]

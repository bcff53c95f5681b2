"""Settings declared once: what each may be, its default and what it means.

The keyword arguments of a long call are the fields of a frozen dataclass made here. The call's
signature, its docstring's parameters, its checks, what its result records of them and the options
of its command follow from these declarations, and the compiled core reads them by their names.

    class GameSettings(Settings):
        stride: int = setting(4, integer(1, 16383), "Voxels a window moves in one step.")

    @flat(GameSettings)
    def play(volume, settings):
        '''Play.

Parameters
----------
        volume : Volume
        {settings}
        '''
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, TypeVar, dataclass_transform

from spars._support.checks import check_instance
from spars._support.kinds import Kind

_KEY = "setting"
Result = TypeVar("Result")


@dataclass(frozen=True)
class Declared:
    """What is declared of a setting beside its name and default.

    Attributes
    ----------
    kind : Kind
    doc : str
        What it means, as the docstring says it. Its first sentence is the option's help.
    recorded : bool
        Whether it is part of what a result records: it changes the result.
    help : str
        What the option's help says instead of the first sentence.
    """

    kind: Kind
    doc: str
    recorded: bool = True
    help: str = ""


def setting(default: Any, kind: Kind, doc: str, *, recorded: bool = True, help: str = "") -> Any:
    """Declare a setting: a field of a `Settings` class."""
    declared = Declared(kind, inspect.cleandoc(doc), recorded, help)
    return field(default=default, metadata={_KEY: declared})


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(setting,))
class Settings:
    """Base of the settings of a call: a frozen dataclass of keyword arguments, each checked.

    A subclass names its call, ``class TrainingSettings(Settings, owner="fit")``, for the sentences
    of its errors. `rest` names the field that takes, as a dict, the keywords that are no settings.
    ``{settings}`` in its docstring, on a line of its own, becomes the settings' entries.
    """

    owner: ClassVar[str] = ""
    rest: ClassVar[str] = ""

    def __init_subclass__(
        cls, owner: str = "", rest: str = "", kw_only: bool = True, **more: Any
    ) -> None:
        super().__init_subclass__(**more)
        cls.owner = owner or cls.owner
        cls.rest = rest or cls.rest
        dataclass(frozen=True, kw_only=kw_only)(cls)
        cls.__doc__ = _documented(cls.__doc__, cls)

    def __post_init__(self) -> None:
        for name, declared in self.declared().items():
            value = declared.kind.check(getattr(self, name), name, self.owner)
            object.__setattr__(self, name, value)

    @classmethod
    def declared(cls) -> dict[str, Declared]:
        """Return what is declared of each setting, by name, in the order of the signature.

        Examples
        --------
        >>> spars.Augmentation.declared()["noise"].kind.text
        'float in [0.0, 10000.0]'
        """
        return {item.name: item.metadata[_KEY] for item in _fields(cls)}

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Return the defaults by name.

        Examples
        --------
        >>> spars.Augmentation.defaults()["noise"]
        0.0
        """
        return {item.name: item.default for item in _fields(cls)}

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Return the settings of a call with these keywords.

        Raises
        ------
        TypeError
            A keyword is no setting; the message names the nearest that is.

        Examples
        --------
        >>> spars.Augmentation.of({"noise": 5.0}).noise
        5.0
        """
        check_instance(given, Mapping, "given", cls.__name__, "a mapping of settings")
        known = cls.defaults()
        others = {name: value for name, value in given.items() if name not in known}
        own = {name: value for name, value in given.items() if name in known}
        if cls.rest:
            own[cls.rest] = others
        elif others:
            raise TypeError(_unknown(next(iter(others)), known, cls.owner))
        return cls(**own)

    def changed(self, **values: Any) -> Self:
        """Return a copy with these settings changed, checked again.

        Examples
        --------
        >>> spars.Augmentation(noise=5.0).changed(hu_shift=10.0).noise
        5.0
        """
        return dataclasses.replace(self, **values)  # type: ignore[type-var]  # a subclass is one

    def recorded(self) -> dict[str, Any]:
        """Return what a result records of the settings, as plain values.

        Examples
        --------
        >>> spars.Augmentation(noise=5.0).recorded()["noise"]
        5.0
        """
        return {
            name: declared.kind.plain(getattr(self, name))
            for name, declared in self.declared().items()
            if declared.recorded
        }

    @classmethod
    def again(cls, recorded: Mapping[str, Any]) -> Self:
        """Return the settings that `recorded` told of, also after a way through JSON.

        What is not in it, for it did not change the result, has its default.

        Examples
        --------
        >>> told = spars.Augmentation(noise=5.0).recorded()
        >>> spars.Augmentation.again(told) == spars.Augmentation(noise=5.0)
        True
        """
        check_instance(recorded, Mapping, "recorded", cls.__name__, "a mapping of settings")
        declared = cls.declared()
        return cls(
            **{
                name: declared[name].kind.again(value)
                for name, value in recorded.items()
                if name in declared and declared[name].recorded
            }
        )


def flat(
    settings: type[Settings], defaults: Callable[..., Mapping[str, Any]] | None = None
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Decorate a function of (..., settings): its callers pass the settings as keywords.

    ``{settings}`` in its docstring, on a line of its own, becomes the settings' own entries.
    `defaults`, of all that the caller passed, returns the settings that were not given but are
    known from elsewhere.
    """

    def decorate(function: Callable[..., Result]) -> Callable[..., Result]:
        parameters = list(inspect.signature(function).parameters.values())[:-1]
        own = {parameter.name for parameter in parameters}

        @functools.wraps(function)
        def called(*positional: Any, **given: Any) -> Result:
            named = {name: given.pop(name) for name in own & given.keys()}
            if defaults is not None:
                given = {**defaults(*positional, **named, **given), **given}
            return function(*positional, **named, settings=settings.of(given))

        signature = inspect.Signature(parameters + _keywords(settings))
        called.__signature__ = signature  # type: ignore[attr-defined]  # functions take any
        called.__doc__ = _documented(function.__doc__, settings)
        return called

    return decorate


def _fields(settings: type[Settings]) -> tuple[dataclasses.Field[Any], ...]:
    """Return a class's fields; `Settings` makes a dataclass of each that derives from it."""
    return dataclasses.fields(settings)  # type: ignore[arg-type]  # every subclass is a dataclass


def _keywords(settings: type[Settings]) -> list[inspect.Parameter]:
    """Return the settings as parameters of a signature."""
    found = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
        for name, default in settings.defaults().items()
        if name != settings.rest
    ]
    if settings.rest:
        found.append(inspect.Parameter(settings.rest, inspect.Parameter.VAR_KEYWORD))
    return found


def _documented(docstring: str | None, settings: type[Settings]) -> str | None:
    """Return a docstring whose ``{settings}`` is the entry of each setting."""
    # Python -OO leaves none.
    if docstring is None:
        return None
    text = inspect.cleandoc(docstring)
    entries = []
    for name, declared in settings.declared().items():
        head = f"**{name}" if name == settings.rest else f"{name} : {declared.kind.text}"
        entries.append(f"{head}\n{textwrap.indent(declared.doc, '    ')}")
    return text.replace("{settings}", "\n".join(entries))


def _unknown(name: str, known: Mapping[str, Any], owner: str) -> str:
    near = difflib.get_close_matches(name, known, 1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"{owner}() got an unexpected keyword argument '{name}'.{hint}"

"""The command line's parser: help with every default, completion, and what may have been meant."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NoReturn

from spars._support.extras import require

_INVALID = re.compile(r"invalid choice: '([^']*)' \(choose from (.*)\)")


class Help(argparse.HelpFormatter):
    """Says each option's default, where its help does not."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        text = action.help
        default = action.default
        is_plain = default not in (None, False, argparse.SUPPRESS) and not callable(default)
        if not text or not action.option_strings or not is_plain or "default" in text:
            return text
        shown = " ".join(map(str, default)) if isinstance(default, tuple) else str(default)
        return f"{text} (default: {shown.replace('%', '%%')})"


class Parser(argparse.ArgumentParser):
    """An `ArgumentParser` whose errors on a misspelt option or command name the nearest one."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"formatter_class": Help, **options})
        self._given: list[str] = []

    def parse_known_args(  # type: ignore[override]  # the types of its overloads say no more
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse as `ArgumentParser` does, and keep what was given for the errors."""
        self._given = list(args or ())
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Print usage and message, with what may have been meant, and exit with 2."""
        found = _INVALID.search(message)
        if found:
            message += _hint(found[1], re.split(r",\s*", found[2].replace("'", "")))
        elif self._parser_of_command() is None:
            message += self._misspelt()
        super().error(message)

    def reject(self, unknown: Sequence[str]) -> NoReturn:
        """Refuse arguments that neither the program nor its command knows."""
        parser = self._parser_of_command() or self
        parser._given = list(unknown)
        hint = parser._misspelt()
        argparse.ArgumentParser.error(parser, f"unrecognized arguments: {' '.join(unknown)}{hint}")

    def _misspelt(self) -> str:
        """Return the hint for the first option given that is none."""
        known = [name for action in self._actions for name in action.option_strings]
        for word in self._given:
            name = word.partition("=")[0]
            if name.startswith("--") and not any(option.startswith(name) for option in known):
                return _hint(name, known)
        return ""

    def _parser_of_command(self) -> Parser | None:
        """Return the parser of the command that was given, if this is the program's."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                for word in self._given:
                    if word in action.choices:
                        return action.choices[word]
        return None


class PrintCompletion(argparse.Action):
    """Prints the script by which a shell completes the program's words, and ends it."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Print the script for the shell `values`."""
        try:
            shtab = require("shtab", "completion", "Completion")
        except ImportError as error:
            parser.exit(1, f"spars: error: {error}\n")
        for action in _every_action(parser):
            # What is neither one of a few words nor a number is most often a path.
            if action.nargs != 0 and action.choices is None and action.type is None:
                action.complete = shtab.FILE  # type: ignore[attr-defined]  # as shtab reads it
        print(shtab.complete(parser, values))
        parser.exit()


def _every_action(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the arguments of a parser and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _every_action(command)


def _hint(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, known, 1)
    return f"; did you mean {near[0]}?" if near else ""

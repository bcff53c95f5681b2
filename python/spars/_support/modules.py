"""Public modules under their short names, loaded when they are first asked for."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

#: Where each public module really stands. Both names are one module, whichever is imported first.
HOMES = {
    "baselines": "spars.search.baselines",
    "calibration": "spars.search.calibration",
    "callbacks": "spars.report.callbacks",
    "coverage": "spars.search.coverage",
    "datasets": "spars.volume.datasets",
    "demo": "spars.command.demo",
    "envs": "spars.game.envs",
    "exhaustion": "spars.game.exhaustion",
    "experiments": "spars.study.experiments",
    "plots": "spars.report.plots",
    "ppo": "spars.agents.ppo",
    "ratings": "spars.search.ratings",
    "sklearn": "spars.study.estimator",
    "studies": "spars.study.studies",
}


#: Modules that are a library's own, which an extra installs.
_OF_A_LIBRARY = {"sklearn": "sklearn"}


def importable() -> list[str]:
    """Return the short names of the modules whose library, if they need one, is installed.

    ``help(spars)`` asks for every name that ``dir`` tells, and ends at an ImportError.
    """
    return [
        name
        for name in HOMES
        if name not in _OF_A_LIBRARY or importlib.util.find_spec(_OF_A_LIBRARY[name]) is not None
    ]


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers ``import spars.datasets`` with the module itself, not with a second copy of it."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, module = name.rpartition(".")
        if package != "spars" or module not in HOMES:
            return None
        return importlib.util.spec_from_loader(name, self)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(HOMES[spec.name.rpartition(".")[2]])
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has written the short name's spec over the module's own.
        spec = module.__spec__
        module.__spec__ = spec and spec.loader_state


def install() -> None:
    """Let the short names be imported."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())

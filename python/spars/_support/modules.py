"""Public modules under their short names, loaded when they are first asked for."""

import importlib
import importlib.abc
import importlib.util
import sys

#: Where each public module really stands. Both names are one module, whichever is imported first.
HOMES = {
    "baselines": "spars.search.baselines",
    "calibration": "spars.search.calibration",
    "callbacks": "spars.search.callbacks",
    "coverage": "spars.search.coverage",
    "datasets": "spars.volume.datasets",
    "demo": "spars.command.demo",
    "envs": "spars.game.envs",
    "exhaustion": "spars.game.exhaustion",
    "experiments": "spars.study.experiments",
    "plots": "spars.report.plots",
    "ppo": "spars.agents.ppo",
    "ratings": "spars.search.ratings",
    "studies": "spars.study.studies",
}


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers ``import spars.datasets`` with the module itself, not with a second copy of it."""

    def find_spec(self, name, path=None, target=None):
        package, _, module = name.rpartition(".")
        if package != "spars" or module not in HOMES:
            return None
        return importlib.util.spec_from_loader(name, self)

    def create_module(self, spec):
        module = importlib.import_module(HOMES[spec.name.rpartition(".")[2]])
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module):
        # The import system has written the short name's spec over the module's own.
        module.__spec__ = module.__spec__.loader_state


def install():
    """Let the short names be imported."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())

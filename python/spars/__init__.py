"""Self-Play Adversarial Reinforcement Learning for Segmentation.

From CT scans with image-level labels (tumour present or not) to a voxel segmentation of the
tumours; the compute core is written in Swift.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from spars._support import modules
from spars._support.errors import (
    CheckpointWarning,
    FormatError,
    InternalError,
    NonFiniteError,
    ScanWarning,
)
from spars._support.runtime import instruction_set, set_thread_count, thread_count
from spars._support.version import __version__

if TYPE_CHECKING:
    from spars import lesions as lesions
    from spars import metrics
    from spars import report as report
    from spars.agents import PPO, ppo
    from spars.classifier import (
        Augmentation,
        Classifier,
        Ensemble,
        Recipe,
        load_classifier,
    )
    from spars.classifier.pretrained import pretrained
    from spars.command import demo as demo
    from spars.game import envs as envs
    from spars.game import exhaustion as exhaustion
    from spars.game.atlas import ScoreAtlas
    from spars.game.envs import VectorGame, WindowSearchEnv, parallel_env
    from spars.report import callbacks as callbacks
    from spars.report import plots as plots
    from spars.search import baselines as baselines
    from spars.search import calibration as calibration
    from spars.search import coverage as coverage
    from spars.search import ratings as ratings
    from spars.search.agents import Agents
    from spars.search.frames import isolate
    from spars.search.intensity import intensity_mask
    from spars.search.league import League
    from spars.search.segmentation import Segmentation
    from spars.search.segmenting import segment
    from spars.search.selfplay import Run, self_play
    from spars.search.train_agents import train_agents
    from spars.search.weak_labels import fit_weak_labels
    from spars.study import experiments as experiments
    from spars.study import studies as studies
    from spars.study.results import Results
    from spars.study.study import Study
    from spars.volume import (
        IntensityWindow,
        Protocol,
        Volume,
        as_volume,
        datasets,
        load,
        resample,
        save,
    )
    from spars.volume.phantom import Phantom, phantom
    from spars.volume.working import WorkingScan, working_scan

__all__ = [
    "Agents",
    "Augmentation",
    "CheckpointWarning",
    "Classifier",
    "Ensemble",
    "FormatError",
    "IntensityWindow",
    "InternalError",
    "League",
    "NonFiniteError",
    "PPO",
    "Phantom",
    "Protocol",
    "Recipe",
    "Results",
    "Run",
    "ScanWarning",
    "ScoreAtlas",
    "Segmentation",
    "Study",
    "VectorGame",
    "Volume",
    "WindowSearchEnv",
    "WorkingScan",
    "__version__",
    "as_volume",
    "datasets",
    "fit_weak_labels",
    "instruction_set",
    "intensity_mask",
    "isolate",
    "lesions",
    "load",
    "load_classifier",
    "metrics",
    "parallel_env",
    "phantom",
    "ppo",
    "pretrained",
    "resample",
    "save",
    "segment",
    "self_play",
    "set_thread_count",
    "thread_count",
    "train_agents",
    "working_scan",
]

modules.install()

# Loaded when first asked for, so that importing spars takes a moment whatever it has grown to.
_NAMES = {
    "spars.agents": ("PPO",),
    "spars.classifier": (
        "Augmentation",
        "Classifier",
        "Ensemble",
        "Recipe",
        "load_classifier",
    ),
    "spars.classifier.pretrained": ("pretrained",),
    "spars.game.atlas": ("ScoreAtlas",),
    "spars.game.envs": ("VectorGame", "WindowSearchEnv", "parallel_env"),
    "spars.search.agents": ("Agents",),
    "spars.search.intensity": ("intensity_mask",),
    "spars.search.league": ("League",),
    "spars.search.frames": ("isolate",),
    "spars.search.segmentation": ("Segmentation",),
    "spars.search.segmenting": ("segment",),
    "spars.search.selfplay": ("Run", "self_play"),
    "spars.search.train_agents": ("train_agents",),
    "spars.search.weak_labels": ("fit_weak_labels",),
    "spars.study.results": ("Results",),
    "spars.study.study": ("Study",),
    "spars.volume": (
        "IntensityWindow",
        "Protocol",
        "Volume",
        "as_volume",
        "load",
        "resample",
        "save",
    ),
    "spars.volume.phantom": ("Phantom", "phantom"),
    "spars.volume.working": ("WorkingScan", "working_scan"),
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names}
_PACKAGES = (
    "agents", "classifier", "game", "lesions", "metrics", "report", "search", "study", "volume",
)  # fmt: skip


if not TYPE_CHECKING:
    # A checker would take every name for one that there is.
    def __getattr__(name: str) -> Any:
        if name in _HOMES:
            found = getattr(importlib.import_module(_HOMES[name]), name)
        elif name in _PACKAGES or name in modules.HOMES:
            found = importlib.import_module(f"spars.{name}")
        else:
            raise AttributeError(f"module 'spars' has no attribute '{name}'")
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*__all__, *modules.importable(), *_PACKAGES})

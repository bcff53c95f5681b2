"""Self-Play Adversarial Reinforcement Learning for Segmentation.

From CT scans with image-level labels (tumour present or not) to a voxel segmentation of the
tumours; the compute core is written in Swift.
"""

from spars.agents import ppo
from spars.metrics import measures as metrics
from spars.volume import datasets
from spars._support.errors import FormatError, InternalError, NonFiniteError
from spars._core.runtime import instruction_set, set_thread_count, thread_count
from spars.agents.agent import PPO
from spars.classifier.augmentation import Augmentation
from spars.classifier.network import Classifier
from spars.search.league import League
from spars.volume.phantom import Phantom, phantom
from spars.volume.protocol import IntensityWindow, Protocol
from spars.game.scorers import ScoreAtlas
from spars.search.segmentation import Segmentation, isolate, segment
from spars.search.selfplay import Run, self_play
from spars.volume.volume import Volume, load, resample, save

__version__ = "0.1.0"

__all__ = [
    "Augmentation",
    "Classifier",
    "FormatError",
    "IntensityWindow",
    "InternalError",
    "League",
    "NonFiniteError",
    "PPO",
    "Phantom",
    "Protocol",
    "Run",
    "ScoreAtlas",
    "Segmentation",
    "VectorGame",
    "Volume",
    "WindowSearchEnv",
    "datasets",
    "instruction_set",
    "isolate",
    "load",
    "metrics",
    "parallel_env",
    "phantom",
    "ppo",
    "resample",
    "save",
    "segment",
    "self_play",
    "set_thread_count",
    "thread_count",
]

# Loaded when first asked for: what imports gymnasium or pettingzoo where they are installed, and
# modules that few programs need.
_LATE = {"VectorGame": "envs", "WindowSearchEnv": "envs", "parallel_env": "envs"}
_LATE_MODULES = (
    "baselines",
    "callbacks",
    "coverage",
    "exhaustion",
    "experiments",
    "plots",
    "ratings",
    "report",
    "studies",
)


def __getattr__(name):
    from importlib import import_module

    if name in _LATE_MODULES:
        return import_module(f"spars.{name}")
    if name not in _LATE:
        raise AttributeError(f"module 'spars' has no attribute '{name}'")
    return getattr(import_module(f"spars.{_LATE[name]}"), name)

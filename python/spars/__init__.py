"""Self-Play Adversarial Reinforcement Learning for Segmentation.

From CT scans with image-level labels (tumour present or not) to a voxel segmentation of the
tumours; the compute core is written in Swift.
"""

from spars import datasets
from spars._errors import FormatError, InternalError, NonFiniteError
from spars._runtime import instruction_set, set_thread_count, thread_count
from spars.classifier import Classifier
from spars.phantom import Phantom, phantom
from spars.protocol import IntensityWindow, Protocol
from spars.volume import Volume

__version__ = "0.1.0"

__all__ = [
    "Classifier",
    "FormatError",
    "IntensityWindow",
    "InternalError",
    "NonFiniteError",
    "Phantom",
    "Protocol",
    "Volume",
    "datasets",
    "instruction_set",
    "phantom",
    "set_thread_count",
    "thread_count",
]

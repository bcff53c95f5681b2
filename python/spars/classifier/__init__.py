"""The object presence classifier: network, training, explanation, export."""

from spars.classifier.augmentation import Augmentation
from spars.classifier.network import Classifier

__all__ = ["Augmentation", "Classifier"]

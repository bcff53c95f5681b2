"""The object presence classifier: network, training, explanation, export."""

from spars.classifier.augmentation import Augmentation
from spars.classifier.ensemble import Ensemble, load_classifier
from spars.classifier.network import Classifier
from spars.classifier.recipe import Recipe

__all__ = ["Augmentation", "Classifier", "Ensemble", "Recipe", "load_classifier"]

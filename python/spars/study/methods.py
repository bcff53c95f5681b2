"""What the benchmark measures, by name. Light, so that the command's --help answers at once."""

__all__ = ["METHODS", "RIVAL"]

#: What every other method is measured against: `spars.intensity_mask`.
RIVAL = "intensity"
#: What is measured, and how each differs from the classifier with its recipe.
METHODS = {
    "classifier": "the classifier with its recipe",
    RIVAL: "what is darker than most of the organ; learns nothing",
    "unrefined": "the classifier, the map's parts not brought to where HU change",
    "absolute HU": "the classifier, HU not measured from the organ's level",
    "random weights": "a network that was not trained, with the classifier's recipe",
}

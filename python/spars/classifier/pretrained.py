"""Weights that come with the package."""

from __future__ import annotations

from importlib import resources

from spars._support.checks import check_choice
from spars.classifier.network import Classifier

__all__ = ["PRETRAINED", "pretrained"]

#: What there is.
PRETRAINED = ("liver-lesions",)


def pretrained(name: str = "liver-lesions") -> Classifier:
    """Return a classifier that is trained already, with its recipe.

    "liver-lesions" finds lesions in a liver whose mask is given. It has learned from made-up
    lesions in phantoms' livers alone: no voxel of any patient is in it. What it was measured on,
    and where it fails, docs/reference/pretrained.md says. It is for research, not for diagnosis.

    Parameters
    ----------
    name : {"liver-lesions"}
        Which.

    Returns
    -------
    Classifier
        New each time: what is done to one does not change another.

    Raises
    ------
    ValueError, TypeError
        There is none of that name.

    Examples
    --------
    >>> made = spars.phantom(seed=1, shape=(96, 80, 64))
    >>> found = spars.segment(
    ...     made.volume, spars.pretrained(), region=made.liver, method="flood", max_scores=100
    ... )
    >>> found.mask.shape
    (96, 80, 64)
    """
    check_choice(name, "name", "pretrained", PRETRAINED)
    file = resources.files("spars.classifier").joinpath("weights", f"{name}.safetensors")
    with resources.as_file(file) as path:
        return Classifier.load(path)

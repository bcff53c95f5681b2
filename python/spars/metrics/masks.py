"""Pairs of masks: their checks, their spacing, and what the compiled core says of them."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spars._core import native
from spars._support.arrays import contiguous, parts
from spars._support.checks import check_float, sentence
from spars._support.types import Mask, MaskArray, Spacing
from spars.volume.masks import LABEL_TOLERANCE as LABEL_TOLERANCE
from spars.volume.masks import Box, bounding_box
from spars.volume.masks import as_mask as as_mask
from spars.volume.placement import laid_on
from spars.volume.volume import Volume, as_volume


class Pair:
    """Two checked masks and their common spacing."""

    def __init__(
        self,
        prediction: Mask,
        reference: Mask,
        owner: str,
        spacing: Sequence[float] | None = None,
        on: str | None = None,
    ) -> None:
        self.prediction, first = measured_mask(prediction, "prediction", owner)
        self.reference, second = measured_mask(reference, "reference", owner)
        are_placed = first is not None and second is not None
        if self.prediction.shape != self.reference.shape and not (on == "scan" and are_placed):
            raise ValueError(
                sentence(
                    "prediction",
                    owner,
                    f"of the reference's shape {self.reference.shape}",
                    f"shape {self.prediction.shape}",
                )
            )
        # What is laid over the reference is measured by the reference's voxels.
        own = [
            None if one is None else one.spacing for one in (first if on is None else None, second)
        ]
        self.spacing = chosen_spacing(spacing, own, owner)
        if first is not None and second is not None:
            self.prediction = laid_on(
                second, self.prediction, first, "prediction", owner, on, "the reference"
            )

    @property
    def millilitres(self) -> float:
        """The volume of a voxel."""
        return float(np.prod(self.spacing)) / 1000

    def counts(self) -> tuple[int, int, int, int]:
        """Return true positives, false positives, false negatives and true negatives."""
        return native.metrics_overlap(self.prediction, self.reference)

    def overlap(self) -> dict[str, float]:
        """Return the scores that follow from `counts`, by the name of their public function."""
        tp, fp, fn, tn = self.counts()
        both = 2 * tp + fp + fn
        return {
            "dice": ratio(2 * tp, both),
            "iou": ratio(tp, tp + fp + fn),
            "sensitivity": ratio(tp, tp + fn),
            "specificity": ratio(tn, tn + fp),
            "precision": ratio(tp, tp + fp),
            "volumetric_similarity": ratio(both - abs(fp - fn), both),
        }

    def surface(
        self, percentiles: Sequence[float], tolerances: Sequence[float]
    ) -> tuple[list[float], list[float], float]:
        """Return (hausdorff of each percentile, surface Dice of each tolerance, assd)."""
        distances = np.empty(len(percentiles))
        dices = np.empty(len(tolerances))
        measures = {
            "percentiles": np.asarray(percentiles, float),
            "tolerances": np.asarray(tolerances, float),
            "hausdorff": distances,
            "surface_dice": dices,
        }
        average = native.metrics_surface(
            self.prediction, self.reference, self.spacing, measures, None
        )
        return distances.tolist(), dices.tolist(), average


def labelled_parts(mask: MaskArray) -> tuple[NDArray[np.int32], Box]:
    """Return the numbers of a mask's connected parts, from 1, within the box that holds them.

    Voxels that share a face, an edge or a corner are of one part. A whole scan is looked through
    for its few parts' box, and no more.

    Parameters
    ----------
    mask : array of shape (x, y, z)
        With a voxel that is not 0.
    """
    box = bounding_box(mask)
    inside = np.ascontiguousarray(mask[box], np.uint8)
    labels = np.empty(inside.shape, np.int32)
    native.metrics_components(inside, 26, labels, None)
    return labels, box


def ratio(part: float, whole: float) -> float:
    """Return part / whole, NaN where there is no whole."""
    return part / whole if whole else float("nan")


def lesions(pair: Pair, least: float, connectivity: int) -> dict[str, Any]:
    """Return what `spars.metrics.lesion_detection` does."""
    wanted, count = components(pair.reference, connectivity)
    found, predicted = components(pair.prediction, connectivity)
    sizes, covered = _covered(wanted, count, pair.prediction)
    _, supported = _covered(found, predicted, pair.reference)
    detected = int(np.count_nonzero(covered > least))
    true = int(np.count_nonzero(supported > least))
    recall = ratio(detected, count)
    correct = ratio(true, predicted)
    f1 = float("nan")
    if count and predicted:
        f1 = 2 * recall * correct / (recall + correct) if recall + correct else 0.0
    elif count or predicted:
        f1 = 0.0
    return {
        "lesions": count,
        "detected": detected,
        "predicted": predicted,
        "false_positives": predicted - true,
        "sensitivity": recall,
        "precision": correct,
        "f1": f1,
        "sizes_ml": (sizes * pair.millilitres).tolist(),
        "covered": covered.tolist(),
    }


def _covered(
    labels: NDArray[np.int32], count: int, mask: MaskArray
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the voxels of each component, and the share of them that `mask` covers."""
    sizes, common = np.zeros((2, count + 1), np.int64)
    for part in parts(labels):
        sizes += np.bincount(labels[part].ravel(), minlength=count + 1)
        common += np.bincount(labels[part][mask[part] != 0], minlength=count + 1)
    return sizes[1:], common[1:] / sizes[1:]


def components(mask: MaskArray, connectivity: int) -> tuple[NDArray[np.int32], int]:
    """Return the numbered connected parts of a checked mask, and how many there are."""
    labels = np.empty(mask.shape, np.int32)
    count = native.metrics_components(mask, connectivity, labels, None)
    return labels, count


def check_connectivity(value: int, owner: str) -> int:
    """Return `value` if it is 6, 18 or 26, or raise TypeError or ValueError."""
    is_integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not is_integer or value not in (6, 18, 26):
        kind = ValueError if is_integer else TypeError
        raise kind(sentence("connectivity", owner, "6, 18 or 26", value))
    return int(value)


def measured_mask(value: Mask, name: str, owner: str) -> tuple[MaskArray, Volume | None]:
    """Return a uint8 array of 0 and 1, and the volume it came as (None for arrays)."""
    volume = None
    if hasattr(value, "affine") or not isinstance(value, (np.ndarray, list, tuple)):
        volume = as_volume(value)
        value = volume.array
    array = np.asarray(value)
    allowed = "a mask of 0 and 1 of shape (any, any, any)"
    if array.dtype.kind not in "biuf":
        raise TypeError(sentence(name, owner, allowed, f"dtype {array.dtype}"))
    if array.ndim != 3 or array.size == 0:
        raise ValueError(sentence(name, owner, allowed, f"shape {array.shape}"))
    return _as_bool(array, name, owner).view(np.uint8), volume


def _as_bool(array: NDArray[Any], name: str, owner: str) -> NDArray[np.bool_]:
    """Return a contiguous array of bool, or raise ValueError where there is neither 0 nor 1."""
    if array.dtype == np.bool_:
        return contiguous(array)
    inside = np.empty(array.shape, np.bool_)
    is_float = array.dtype.kind == "f"
    for part in parts(array):
        values = array[part]
        # Stored by writers that scale, 1 may be 1.004.
        inside[part] = np.abs(values - 1.0) <= LABEL_TOLERANCE if is_float else values == 1
        outside = np.abs(values) <= LABEL_TOLERANCE if is_float else values == 0
        strange = ~(inside[part] | outside)
        if strange.any():
            first, *others = (int(i) for i in np.argwhere(strange)[0])
            index = (first + part.start, *others)
            raise ValueError(
                f"The '{name}' parameter of {owner} must hold only 0 and 1. "
                f"Got {array[index]} at {index} instead; select a label with, for example, "
                f"'{name} == 2'."
            )
    return inside


def chosen_spacing(given: Any, own: Sequence[Spacing | None], owner: str) -> Spacing:
    """Return the spacing to measure with: the given one, or that of the volumes."""
    known = [spacing for spacing in own if spacing is not None]
    if given is not None:
        try:
            given = tuple(given)
        except TypeError:
            given = (given,)
        if len(given) != 3:
            raise ValueError(sentence("spacing", owner, "three floats (x, y, z) in mm", given))
        x, y, z = (check_float(edge, "spacing", owner, 1e-6, 1e6) for edge in given)
        return x, y, z
    if len(known) == 2 and not np.allclose(known[0], known[1], rtol=1e-3):
        raise ValueError(
            f"The 'prediction' parameter of {owner} must have the reference's spacing {known[1]}. "
            f"Got {known[0]} instead."
        )
    return known[0] if known else (1.0, 1.0, 1.0)

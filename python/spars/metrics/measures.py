"""The measures; `spars.metrics` says what they have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spars._core import native
from spars._support.checks import check_array, check_float, check_integer, sentence
from spars._support.types import FloatArray, Mask
from spars.metrics.masks import (
    Pair,
    check_connectivity,
    chosen_spacing,
    components,
    lesions,
    measured_mask,
)

__all__ = [
    "assd",
    "bootstrap_interval",
    "connected_components",
    "dice",
    "distance_map",
    "evaluate",
    "hausdorff",
    "iou",
    "lesion_detection",
    "precision",
    "sensitivity",
    "specificity",
    "surface_dice",
    "volumetric_similarity",
]


def dice(prediction: Mask, reference: Mask, *, on: str | None = None) -> float:
    """Return twice the common volume over the sum of both volumes (Dice, 1945).

    Parameters
    ----------
    prediction, reference : mask, shape (x, y, z)
        Arrays of bool or of 0 and 1, or volumes of them.
    on : {None, "scan", "voxels"}
        What is done with masks of different places, as `spars.metrics` says.

    Returns
    -------
    float
        In [0, 1]. NaN if both masks are empty, 0.0 if one is (MONAI: NaN for an empty reference).

    Raises
    ------
    TypeError, ValueError
        A mask holds anything but 0 and 1, or the shapes differ.

    Examples
    --------
    >>> spars.metrics.dice(np.array([[[1, 1, 0, 0]]]), np.array([[[0, 1, 0, 0]]]))
    0.6666666666666666
    """
    return Pair(prediction, reference, "dice", on=on).overlap()["dice"]


def iou(prediction: Mask, reference: Mask, *, on: str | None = None) -> float:
    """Return the common volume over the joint volume (Jaccard, 1912).

    Parameters
    ----------
    prediction, reference : mask, shape (x, y, z)
        Arrays of bool or of 0 and 1, or volumes of them.
    on : {None, "scan", "voxels"}
        What is done with masks of different places, as `spars.metrics` says.

    Returns
    -------
    float
        In [0, 1]. NaN if both masks are empty, 0.0 if one is.

    Raises
    ------
    TypeError, ValueError
        As `dice`.

    Examples
    --------
    >>> spars.metrics.iou(np.array([[[1, 1, 0, 0]]]), np.array([[[0, 1, 0, 0]]]))
    0.5
    """
    return Pair(prediction, reference, "iou", on=on).overlap()["iou"]


def sensitivity(prediction: Mask, reference: Mask, *, on: str | None = None) -> float:
    """Return the share of the reference's voxels that the prediction holds.

    Parameters
    ----------
    prediction, reference : mask, shape (x, y, z)
        Arrays of bool or of 0 and 1, or volumes of them.
    on : {None, "scan", "voxels"}
        What is done with masks of different places, as `spars.metrics` says.

    Returns
    -------
    float
        In [0, 1]. NaN if the reference is empty.

    Raises
    ------
    TypeError, ValueError
        As `dice`.

    Examples
    --------
    >>> spars.metrics.sensitivity(np.array([[[1, 0, 0, 0]]]), np.array([[[1, 1, 0, 0]]]))
    0.5
    """
    return Pair(prediction, reference, "sensitivity", on=on).overlap()["sensitivity"]


def specificity(prediction: Mask, reference: Mask, *, on: str | None = None) -> float:
    """Return the share of the voxels outside the reference that the prediction leaves out.

    On whole scans it is close to 1 for any small mask; say precision beside it.

    Parameters
    ----------
    prediction, reference : mask, shape (x, y, z)
        Arrays of bool or of 0 and 1, or volumes of them.
    on : {None, "scan", "voxels"}
        What is done with masks of different places, as `spars.metrics` says.

    Returns
    -------
    float
        In [0, 1]. NaN if the reference fills the volume.

    Raises
    ------
    TypeError, ValueError
        As `dice`.

    Examples
    --------
    >>> spars.metrics.specificity(np.array([[[1, 1, 0, 0]]]), np.array([[[0, 1, 0, 0]]]))
    0.6666666666666666
    """
    return Pair(prediction, reference, "specificity", on=on).overlap()["specificity"]


def precision(prediction: Mask, reference: Mask, *, on: str | None = None) -> float:
    """Return the share of the prediction's voxels that the reference holds.

    Parameters
    ----------
    prediction, reference : mask, shape (x, y, z)
        Arrays of bool or of 0 and 1, or volumes of them.
    on : {None, "scan", "voxels"}
        What is done with masks of different places, as `spars.metrics` says.

    Returns
    -------
    float
        In [0, 1]. NaN if the prediction is empty.

    Raises
    ------
    TypeError, ValueError
        As `dice`.

    Examples
    --------
    >>> spars.metrics.precision(np.array([[[1, 1, 0, 0]]]), np.array([[[0, 1, 0, 0]]]))
    0.5
    """
    return Pair(prediction, reference, "precision", on=on).overlap()["precision"]


def volumetric_similarity(prediction: Mask, reference: Mask, *, on: str | None = None) -> float:
    """Return ``1 - |a - b| / (a + b)`` of the volumes a and b.

    It looks at sizes only: masks that do not touch can reach 1 (Taha and Hanbury, 2015).

    Parameters
    ----------
    prediction, reference : mask, shape (x, y, z)
        Arrays of bool or of 0 and 1, or volumes of them.
    on : {None, "scan", "voxels"}
        What is done with masks of different places, as `spars.metrics` says.

    Returns
    -------
    float
        In [0, 1]. NaN if both masks are empty, 0.0 if one is.

    Raises
    ------
    TypeError, ValueError
        As `dice`.

    Examples
    --------
    >>> spars.metrics.volumetric_similarity(np.array([[[1, 1, 1, 0]]]), np.array([[[0, 0, 0, 1]]]))
    0.5
    """
    return Pair(prediction, reference, "volumetric_similarity", on=on).overlap()[
        "volumetric_similarity"
    ]


def hausdorff(
    prediction: Mask,
    reference: Mask,
    spacing: Sequence[float] | None = None,
    percentile: float = 100.0,
    *,
    on: str | None = None,
) -> float:
    """Return the Hausdorff distance between the surfaces of two masks, or a percentile of it.

    The surface of a mask is its voxels with a face neighbour outside it, beyond the volume
    included. For either direction the percentile of the distances to the other surface is taken,
    linear between order statistics; the larger of the two is the result.

    Parameters
    ----------
    prediction, reference : mask, shape (x, y, z)
        Arrays of bool or of 0 and 1, or volumes of them.
    spacing : tuple of three floats, optional
        mm along x, y, z. Default: that of the volumes; 1 mm for arrays.
    percentile : float
        0.0 to 100.0. 100.0 is the largest distance, 95.0 the usual "HD95".
    on : {None, "scan", "voxels"}
        What is done with masks of different places, as `spars.metrics` says.

    Returns
    -------
    float
        In mm. NaN if both masks are empty, infinity if one is (MONAI: NaN for percentiles below
        100 then).

    Raises
    ------
    TypeError, ValueError
        As `dice`; or `spacing` or `percentile` is out of range, or the volumes' spacings differ.

    Examples
    --------
    >>> mask, reference = np.zeros((2, 4, 4, 4), np.uint8)
    >>> mask[1, 1, 1], reference[3, 1, 1] = 1, 1
    >>> spars.metrics.hausdorff(mask, reference, spacing=(1.5, 1, 1))
    3.0
    """
    percentile = check_float(percentile, "percentile", "hausdorff", 0.0, 100.0)
    pair = Pair(prediction, reference, "hausdorff", spacing, on)
    return pair.surface([percentile], [])[0][0]


def assd(
    prediction: Mask,
    reference: Mask,
    spacing: Sequence[float] | None = None,
    *,
    on: str | None = None,
) -> float:
    """Return the average symmetric surface distance: the mean of all distances, both ways.

    Parameters
    ----------
    prediction, reference : mask, shape (x, y, z)
        Arrays of bool or of 0 and 1, or volumes of them.
    spacing : tuple of three floats, optional
        mm along x, y, z. Default: that of the volumes; 1 mm for arrays.
    on : {None, "scan", "voxels"}
        What is done with masks of different places, as `spars.metrics` says.

    Returns
    -------
    float
        In mm. NaN if both masks are empty, infinity if one is.

    Raises
    ------
    TypeError, ValueError
        As `hausdorff`.

    Examples
    --------
    >>> mask, reference = np.zeros((2, 4, 4, 4), np.uint8)
    >>> mask[1, 1, 1], reference[3, 1, 1] = 1, 1
    >>> spars.metrics.assd(mask, reference, spacing=(1.5, 1, 1))
    3.0
    """
    return Pair(prediction, reference, "assd", spacing, on).surface([], [])[2]


def surface_dice(
    prediction: Mask,
    reference: Mask,
    spacing: Sequence[float] | None = None,
    tolerance: float = 2.0,
    *,
    on: str | None = None,
) -> float:
    """Return the share of both surfaces that lies within a tolerance of the other.

    Surfaces are counted in voxels, as MONAI does without sub-voxels; distances and the tolerance
    are compared in float32, and a distance equal to the tolerance lies within (Nikolov et al.,
    2021).

    Parameters
    ----------
    prediction, reference : mask, shape (x, y, z)
        Arrays of bool or of 0 and 1, or volumes of them.
    spacing : tuple of three floats, optional
        mm along x, y, z. Default: that of the volumes; 1 mm for arrays.
    tolerance : float
        mm, not negative.
    on : {None, "scan", "voxels"}
        What is done with masks of different places, as `spars.metrics` says.

    Returns
    -------
    float
        In [0, 1]. NaN if both masks are empty, 0.0 if one is.

    Raises
    ------
    TypeError, ValueError
        As `hausdorff`.

    Examples
    --------
    >>> mask, reference = np.zeros((2, 4, 4, 4), np.uint8)
    >>> mask[1, 1, 1], reference[2, 1, 1] = 1, 1
    >>> [spars.metrics.surface_dice(mask, reference, (1, 1, 1), mm) for mm in (0.5, 1)]
    [0.0, 1.0]
    """
    tolerance = check_float(tolerance, "tolerance", "surface_dice", 0.0)
    return Pair(prediction, reference, "surface_dice", spacing, on).surface([], [tolerance])[1][0]


def lesion_detection(
    prediction: Mask,
    reference: Mask,
    spacing: Sequence[float] | None = None,
    min_overlap: float = 0.0,
    connectivity: int = 26,
    *,
    on: str | None = None,
) -> dict[str, Any]:
    """Return how many lesions were found, lesion by lesion.

    Lesions are the connected parts of the masks. One of the reference counts as detected if more
    than `min_overlap` of its voxels are predicted; one of the prediction is a false positive
    unless more than `min_overlap` of its voxels are in the reference.

    Parameters
    ----------
    prediction, reference : mask, shape (x, y, z)
        Arrays of bool or of 0 and 1, or volumes of them.
    spacing : tuple of three floats, optional
        mm along x, y, z. Default: that of the volumes; 1 mm for arrays.
    min_overlap : float
        0.0 (any common voxel) to below 1.0.
    connectivity : int
        6, 18 or 26: voxels that share a face, an edge or a corner touch.
    on : {None, "scan", "voxels"}
        What is done with masks of different places, as `spars.metrics` says.

    Returns
    -------
    dict
        ``lesions``, ``detected``, ``predicted``, ``false_positives`` (int); ``sensitivity``
        (detected / lesions, NaN without lesions), ``precision`` (true / predicted, NaN without
        predictions), ``f1`` (harmonic mean; NaN if both masks are empty, 0.0 if one is);
        ``sizes_ml``, ``covered`` (lists of float: each reference lesion's volume and predicted
        share, in the order of `connected_components`).

    Raises
    ------
    TypeError, ValueError
        As `hausdorff`, or `min_overlap` or `connectivity` is out of range.

    Examples
    --------
    >>> mask, reference = np.array([[[1, 0, 0, 0, 1]]]), np.array([[[1, 0, 1, 0, 0]]])
    >>> found = spars.metrics.lesion_detection(mask, reference)
    >>> found["sensitivity"], found["precision"]
    (0.5, 0.5)
    """
    least = check_float(min_overlap, "min_overlap", "lesion_detection", 0.0, 1.0, open_high=True)
    pair = Pair(prediction, reference, "lesion_detection", spacing, on)
    return lesions(pair, least, check_connectivity(connectivity, "lesion_detection"))


def evaluate(
    prediction: Mask,
    reference: Mask,
    spacing: Sequence[float] | None = None,
    tolerance: float = 2.0,
    *,
    on: str | None = None,
) -> dict[str, float]:
    """Return every metric of a mask by name.

    Parameters
    ----------
    prediction, reference : mask, shape (x, y, z)
        Arrays of bool or of 0 and 1, or volumes of them.
    spacing : tuple of three floats, optional
        mm along x, y, z. Default: that of the volumes; 1 mm for arrays.
    tolerance : float
        Tolerance of `surface_dice`, mm.
    on : {None, "scan", "voxels"}
        What is done with masks of different places, as `spars.metrics` says.

    Returns
    -------
    dict
        ``dice``, ``iou``, ``sensitivity``, ``specificity``, ``precision``,
        ``volumetric_similarity``, ``hausdorff``, ``hausdorff95``, ``assd``, ``surface_dice``,
        ``prediction_ml``, ``reference_ml`` (float); ``lesions``, ``lesions_detected``,
        ``lesion_false_positives`` (int); ``lesion_sensitivity``, ``lesion_precision``,
        ``lesion_f1`` (float). Empty masks as each function says.

    Raises
    ------
    TypeError, ValueError
        As `hausdorff`.

    Examples
    --------
    >>> reference = np.zeros((6, 6, 6), np.uint8)
    >>> reference[2:4, 2:4, 2:4] = 1
    >>> found = spars.metrics.evaluate(reference, reference, spacing=(1, 1, 1))
    >>> found["dice"], found["hausdorff95"]
    (1.0, 0.0)
    """
    tolerance = check_float(tolerance, "tolerance", "evaluate", 0.0)
    pair = Pair(prediction, reference, "evaluate", spacing, on)
    tp, fp, fn, _ = pair.counts()
    distances, dices, average = pair.surface([100.0, 95.0], [tolerance])
    found = lesions(pair, 0.0, 26)
    return {
        **pair.overlap(),
        "hausdorff": distances[0],
        "hausdorff95": distances[1],
        "assd": average,
        "surface_dice": dices[0],
        "prediction_ml": (tp + fp) * pair.millilitres,
        "reference_ml": (tp + fn) * pair.millilitres,
        "lesions": found["lesions"],
        "lesions_detected": found["detected"],
        "lesion_false_positives": found["false_positives"],
        "lesion_sensitivity": found["sensitivity"],
        "lesion_precision": found["precision"],
        "lesion_f1": found["f1"],
    }


def connected_components(mask: Mask, connectivity: int = 26) -> tuple[NDArray[np.int32], int]:
    """Number the connected parts of a mask.

    Parameters
    ----------
    mask : mask, shape (x, y, z)
        An array of bool or of 0 and 1, or a volume of them.
    connectivity : int
        6, 18 or 26: voxels that share a face, an edge or a corner touch.

    Returns
    -------
    labels : ndarray of int32, shape (x, y, z)
        0 outside; 1, 2, ... in the order of the parts' first voxels in memory.
    count : int
        How many parts there are; 0 for an empty mask.

    Raises
    ------
    TypeError, ValueError
        `mask` holds anything but 0 and 1, or `connectivity` is none of the three.

    Examples
    --------
    >>> mask = np.zeros((5, 1, 1), np.uint8)
    >>> mask[[0, 1, 4]] = 1
    >>> labels, count = spars.metrics.connected_components(mask)
    >>> labels.ravel(), count
    (array([1, 1, 0, 0, 2], dtype=int32), 2)
    """
    connectivity = check_connectivity(connectivity, "connected_components")
    mask, _ = measured_mask(mask, "mask", "connected_components")
    return components(mask, connectivity)


def distance_map(mask: Mask, spacing: Sequence[float] | None = None) -> FloatArray:
    """Return the distance from every voxel to the nearest voxel of a mask.

    Exact Euclidean distances between voxels' centres (Felzenszwalb and Huttenlocher, 2012).

    Parameters
    ----------
    mask : mask, shape (x, y, z)
        An array of bool or of 0 and 1, or a volume of them.
    spacing : tuple of three floats, optional
        mm along x, y, z. Default: that of the volume; 1 mm for arrays.

    Returns
    -------
    ndarray of float32, shape (x, y, z)
        In mm: 0 in the mask, infinity everywhere if the mask is empty.

    Raises
    ------
    TypeError, ValueError
        `mask` holds anything but 0 and 1, or `spacing` is out of range.

    Examples
    --------
    >>> spars.metrics.distance_map(np.array([[[1, 0, 0]]]), spacing=(1, 1, 2.5)).ravel()
    array([0. , 2.5, 5. ], dtype=float32)
    """
    mask, own = measured_mask(mask, "mask", "distance_map")
    spacing = chosen_spacing(spacing, [None if own is None else own.spacing], "distance_map")
    distances = np.empty(mask.shape, np.float32)
    native.metrics_distance_map(mask, spacing, distances, None)
    return distances


def bootstrap_interval(
    values: ArrayLike, confidence: float = 0.95, n_resamples: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of a mean over patients (Efron, 1979).

    Patients are drawn with replacement, as many as there are; the interval holds the middle
    `confidence` of the resampled means. With few patients (below about 20) it is too narrow.

    Parameters
    ----------
    values : array_like, shape (n,)
        One finite number for each patient, n of 1 or more. Leave out NaN (a metric that is not
        defined for a patient) and say how many.
    confidence : float
        Above 0.0 and below 1.0.
    n_resamples : int
        100 to 10,000,000.
    seed : int
        0 to 2**64 - 1; the same seed gives the same interval.

    Returns
    -------
    low, high : float
        Both equal the value if there is only one.

    Raises
    ------
    TypeError, ValueError
        A parameter is out of range.
    NonFiniteError
        `values` holds NaN or infinities.

    Examples
    --------
    >>> low, high = spars.metrics.bootstrap_interval([0.5, 0.6, 0.7, 0.9], seed=0)
    >>> bool(0.5 <= low < 0.675 < high <= 0.9)
    True
    """
    owner = "bootstrap_interval"
    values = check_array(values, "values", owner, np.float64, (None,))
    if values.size == 0:
        raise ValueError(sentence("values", owner, "one number or more", "shape (0,)"))
    confidence = check_float(
        confidence, "confidence", owner, 0.0, 1.0, open_low=True, open_high=True
    )
    count = check_integer(n_resamples, "n_resamples", owner, 100, 10_000_000)
    seed = check_integer(seed, "seed", owner, 0, 2**64 - 1)
    return native.metrics_bootstrap(values, confidence, count, seed, None)

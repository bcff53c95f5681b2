"""How well a mask agrees with a reference mask.

Every function takes ``(prediction, reference)``, masks of one shape (x, y, z): arrays of bool or of
any numbers that are 0 or 1, or a `spars.Volume`, a nibabel or a SimpleITK image of such values.
Distances are in mm: `spacing` is taken from the volumes where they have one, and is 1 mm else.

Definitions are those of MONAI 1.6.1, except where a mask is empty. Here:

===================  ============  =================  ================
metric               both empty    prediction empty   reference empty
===================  ============  =================  ================
dice, iou            NaN           0.0                0.0
sensitivity          NaN           0.0                NaN
precision            NaN           NaN                0.0
hausdorff, assd      NaN           infinity           infinity
surface_dice         NaN           0.0                0.0
===================  ============  =================  ================
"""

import numpy as np

from spars import _native
from spars._checks import check_array, check_float, check_integer, sentence
from spars.volume import Volume, as_volume

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

_NAN = float("nan")


def dice(prediction, reference):
    """Return twice the common volume over the sum of both volumes (Dice, 1945).

    Parameters
    ----------
    prediction, reference : mask, shape (x, y, z)
        Arrays of bool or of 0 and 1, or volumes of them.

    Returns
    -------
    float
        In [0, 1]. NaN if both masks are empty, 0.0 if one is (MONAI: NaN for an empty reference).

    Raises
    ------
    TypeError, ValueError
        A mask holds anything but 0 and 1, or the shapes differ.
    """
    tp, fp, fn, _ = _counts(prediction, reference, "dice")
    return _ratio(2 * tp, 2 * tp + fp + fn)


def iou(prediction, reference):
    """Return the common volume over the joint volume (Jaccard, 1912).

    Parameters
    ----------
    prediction, reference : mask, shape (x, y, z)

    Returns
    -------
    float
        In [0, 1]. NaN if both masks are empty, 0.0 if one is.

    Raises
    ------
    TypeError, ValueError
        As `dice`.
    """
    tp, fp, fn, _ = _counts(prediction, reference, "iou")
    return _ratio(tp, tp + fp + fn)


def sensitivity(prediction, reference):
    """Return the share of the reference's voxels that the prediction holds.

    Parameters
    ----------
    prediction, reference : mask, shape (x, y, z)

    Returns
    -------
    float
        In [0, 1]. NaN if the reference is empty.

    Raises
    ------
    TypeError, ValueError
        As `dice`.
    """
    tp, _, fn, _ = _counts(prediction, reference, "sensitivity")
    return _ratio(tp, tp + fn)


def specificity(prediction, reference):
    """Return the share of the voxels outside the reference that the prediction leaves out.

    On whole scans it is close to 1 for any small mask; say precision beside it.

    Parameters
    ----------
    prediction, reference : mask, shape (x, y, z)

    Returns
    -------
    float
        In [0, 1]. NaN if the reference fills the volume.

    Raises
    ------
    TypeError, ValueError
        As `dice`.
    """
    _, fp, _, tn = _counts(prediction, reference, "specificity")
    return _ratio(tn, tn + fp)


def precision(prediction, reference):
    """Return the share of the prediction's voxels that the reference holds.

    Parameters
    ----------
    prediction, reference : mask, shape (x, y, z)

    Returns
    -------
    float
        In [0, 1]. NaN if the prediction is empty.

    Raises
    ------
    TypeError, ValueError
        As `dice`.
    """
    tp, fp, _, _ = _counts(prediction, reference, "precision")
    return _ratio(tp, tp + fp)


def volumetric_similarity(prediction, reference):
    """Return 1 - |difference of the volumes| / sum of the volumes.

    It looks at sizes only: masks that do not touch can reach 1 (Taha and Hanbury, 2015).

    Parameters
    ----------
    prediction, reference : mask, shape (x, y, z)

    Returns
    -------
    float
        In [0, 1]. NaN if both masks are empty, 0.0 if one is.

    Raises
    ------
    TypeError, ValueError
        As `dice`.
    """
    tp, fp, fn, _ = _counts(prediction, reference, "volumetric_similarity")
    total = 2 * tp + fp + fn
    return _ratio(total - abs(fp - fn), total)


def hausdorff(prediction, reference, spacing=None, percentile=100.0):
    """Return the Hausdorff distance between the surfaces of two masks, or a percentile of it.

    The surface of a mask is its voxels with a face neighbour outside it, beyond the volume
    included. For either direction the percentile of the distances to the other surface is taken,
    linear between order statistics; the larger of the two is the result.

    Parameters
    ----------
    prediction, reference : mask, shape (x, y, z)
    spacing : tuple of three floats, optional
        mm along x, y, z. Default: that of the volumes; 1 mm for arrays.
    percentile : float
        0.0 to 100.0. 100.0 is the largest distance, 95.0 the usual "HD95".

    Returns
    -------
    float
        In mm. NaN if both masks are empty, infinity if one is (MONAI: NaN for percentiles below
        100 then).

    Raises
    ------
    TypeError, ValueError
        As `dice`; or `spacing` or `percentile` is out of range, or the volumes' spacings differ.
    """
    percentile = check_float(percentile, "percentile", "hausdorff", 0.0, 100.0)
    pair = _Pair(prediction, reference, "hausdorff", spacing)
    return pair.surface([percentile], [])[0][0]


def assd(prediction, reference, spacing=None):
    """Return the average symmetric surface distance: the mean of all distances, both ways.

    Parameters
    ----------
    prediction, reference : mask, shape (x, y, z)
    spacing : tuple of three floats, optional
        mm along x, y, z. Default: that of the volumes; 1 mm for arrays.

    Returns
    -------
    float
        In mm. NaN if both masks are empty, infinity if one is.

    Raises
    ------
    TypeError, ValueError
        As `hausdorff`.
    """
    return _Pair(prediction, reference, "assd", spacing).surface([], [])[2]


def surface_dice(prediction, reference, spacing=None, tolerance=2.0):
    """Return the share of both surfaces that lies within a tolerance of the other.

    Surfaces are counted in voxels, as MONAI does without sub-voxels; distances and the tolerance
    are compared in float32, and a distance equal to the tolerance lies within (Nikolov et al.,
    2021).

    Parameters
    ----------
    prediction, reference : mask, shape (x, y, z)
    spacing : tuple of three floats, optional
        mm along x, y, z. Default: that of the volumes; 1 mm for arrays.
    tolerance : float
        mm, not negative.

    Returns
    -------
    float
        In [0, 1]. NaN if both masks are empty, 0.0 if one is.

    Raises
    ------
    TypeError, ValueError
        As `hausdorff`.
    """
    tolerance = check_float(tolerance, "tolerance", "surface_dice", 0.0)
    return _Pair(prediction, reference, "surface_dice", spacing).surface([], [tolerance])[1][0]


def lesion_detection(prediction, reference, spacing=None, min_overlap=0.0, connectivity=26):
    """Return how many lesions were found, lesion by lesion.

    Lesions are the connected parts of the masks. One of the reference counts as detected if more
    than `min_overlap` of its voxels are predicted; one of the prediction is a false positive
    unless more than `min_overlap` of its voxels are in the reference.

    Parameters
    ----------
    prediction, reference : mask, shape (x, y, z)
    spacing : tuple of three floats, optional
        mm along x, y, z. Default: that of the volumes; 1 mm for arrays.
    min_overlap : float
        0.0 (any common voxel) to below 1.0.
    connectivity : int
        6, 18 or 26: voxels that share a face, an edge or a corner touch.

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
    """
    least = check_float(min_overlap, "min_overlap", "lesion_detection", 0.0, 1.0, open_high=True)
    pair = _Pair(prediction, reference, "lesion_detection", spacing)
    return _lesions(pair, least, _check_connectivity(connectivity, "lesion_detection"))


def evaluate(prediction, reference, spacing=None, tolerance=2.0):
    """Return every metric of a mask by name.

    Parameters
    ----------
    prediction, reference : mask, shape (x, y, z)
    spacing : tuple of three floats, optional
        mm along x, y, z. Default: that of the volumes; 1 mm for arrays.
    tolerance : float
        Of `surface_dice`, mm.

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
    """
    tolerance = check_float(tolerance, "tolerance", "evaluate", 0.0)
    pair = _Pair(prediction, reference, "evaluate", spacing)
    tp, fp, fn, tn = pair.counts()
    total = 2 * tp + fp + fn
    distances, dices, average = pair.surface([100.0, 95.0], [tolerance])
    found = _lesions(pair, 0.0, 26)
    return {
        "dice": _ratio(2 * tp, total),
        "iou": _ratio(tp, tp + fp + fn),
        "sensitivity": _ratio(tp, tp + fn),
        "specificity": _ratio(tn, tn + fp),
        "precision": _ratio(tp, tp + fp),
        "volumetric_similarity": _ratio(total - abs(fp - fn), total),
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


def connected_components(mask, connectivity=26):
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
    """
    connectivity = _check_connectivity(connectivity, "connected_components")
    mask, _ = _as_mask(mask, "mask", "connected_components")
    return _components(mask, connectivity)


def distance_map(mask, spacing=None):
    """Return the distance from every voxel to the nearest voxel of a mask.

    Exact Euclidean distances between voxels' centres (Felzenszwalb and Huttenlocher, 2012).

    Parameters
    ----------
    mask : mask, shape (x, y, z)
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
    """
    mask, own = _as_mask(mask, "mask", "distance_map")
    spacing = _spacing(spacing, [own], "distance_map")
    distances = np.empty(mask.shape, np.float32)
    _native.distance_map(mask, mask.shape, spacing, distances, None)
    return distances


def bootstrap_interval(values, confidence=0.95, n_resamples=10_000, seed=0):
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
    return _native.bootstrap_interval(values, confidence, count, seed, None)


class _Pair:
    """Two checked masks and their common spacing."""

    def __init__(self, prediction, reference, owner, spacing=None):
        self.prediction, first = _as_mask(prediction, "prediction", owner)
        self.reference, second = _as_mask(reference, "reference", owner)
        if self.prediction.shape != self.reference.shape:
            raise ValueError(
                sentence(
                    "prediction",
                    owner,
                    f"of the reference's shape {self.reference.shape}",
                    f"shape {self.prediction.shape}",
                )
            )
        self.spacing = _spacing(spacing, [first, second], owner)

    @property
    def millilitres(self):
        """The volume of a voxel."""
        return float(np.prod(self.spacing)) / 1000

    def counts(self):
        return _native.overlap(self.prediction, self.reference, self.prediction.shape)

    def surface(self, percentiles, tolerances):
        """Return (hausdorff of each percentile, surface Dice of each tolerance, assd)."""
        distances = np.empty(len(percentiles))
        dices = np.empty(len(tolerances))
        average = _native.surface(
            self.prediction,
            self.reference,
            self.prediction.shape,
            self.spacing,
            np.asarray(percentiles, float),
            np.asarray(tolerances, float),
            distances,
            dices,
            None,
        )
        return distances.tolist(), dices.tolist(), average


def _counts(prediction, reference, owner):
    return _Pair(prediction, reference, owner).counts()


def _ratio(part, whole):
    return part / whole if whole else _NAN


def _lesions(pair, least, connectivity):
    wanted, lesions = _components(pair.reference, connectivity)
    found, predicted = _components(pair.prediction, connectivity)
    sizes, covered = _covered(wanted, lesions, pair.prediction)
    _, supported = _covered(found, predicted, pair.reference)
    detected = int(np.count_nonzero(covered > least))
    true = int(np.count_nonzero(supported > least))
    recall = _ratio(detected, lesions)
    correct = _ratio(true, predicted)
    f1 = _NAN
    if lesions and predicted:
        f1 = 2 * recall * correct / (recall + correct) if recall + correct else 0.0
    elif lesions or predicted:
        f1 = 0.0
    return {
        "lesions": lesions,
        "detected": detected,
        "predicted": predicted,
        "false_positives": predicted - true,
        "sensitivity": recall,
        "precision": correct,
        "f1": f1,
        "sizes_ml": (sizes * pair.millilitres).tolist(),
        "covered": covered.tolist(),
    }


def _covered(labels, count, mask):
    """Return the voxels of each component, and the share of them that `mask` covers."""
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    common = np.bincount(labels[mask != 0], minlength=count + 1)[1:]
    return sizes, common / sizes


def _components(mask, connectivity):
    labels = np.empty(mask.shape, np.int32)
    count = _native.connected_components(mask, mask.shape, connectivity, labels, None)
    return labels, count


def _check_connectivity(value, owner):
    if isinstance(value, bool) or value not in (6, 18, 26):
        raise ValueError(sentence("connectivity", owner, "6, 18 or 26", value))
    return int(value)


def _as_mask(value, name, owner):
    """Return a uint8 array of 0 and 1, and the spacing it came with (None for arrays)."""
    spacing = None
    if not isinstance(value, np.ndarray) and (
        isinstance(value, Volume) or not isinstance(value, (list, tuple))
    ):
        volume = as_volume(value)
        value, spacing = volume.array, volume.spacing
    array = np.asarray(value)
    allowed = "a mask of 0 and 1 of shape (any, any, any)"
    if array.dtype.kind not in "biuf":
        raise TypeError(sentence(name, owner, allowed, f"dtype {array.dtype}"))
    if array.ndim != 3 or array.size == 0:
        raise ValueError(sentence(name, owner, allowed, f"shape {array.shape}"))
    if array.dtype != np.bool_:
        inside = array == 1
        strange = ~(inside | (array == 0))
        if strange.any():
            index = tuple(int(i) for i in np.argwhere(strange)[0])
            raise ValueError(
                f"The '{name}' parameter of {owner} must hold only 0 and 1. "
                f"Got {array[index]} at {index} instead; select a label with, for example, "
                f"'{name} == 2'."
            )
        array = inside
    return np.ascontiguousarray(array).view(np.uint8), spacing


def _spacing(given, own, owner):
    """Return the spacing to measure with: the given one, or that of the volumes."""
    own = [spacing for spacing in own if spacing is not None]
    if given is not None:
        try:
            given = tuple(given)
        except TypeError:
            given = (given,)
        if len(given) != 3:
            raise ValueError(sentence("spacing", owner, "three floats (x, y, z) in mm", given))
        return tuple(check_float(edge, "spacing", owner, 1e-6, 1e6) for edge in given)
    if len(own) == 2 and not np.allclose(own[0], own[1], rtol=1e-3):
        raise ValueError(
            f"The 'prediction' parameter of {owner} must have the reference's spacing {own[1]}. "
            f"Got {own[0]} instead."
        )
    return own[0] if own else (1.0, 1.0, 1.0)

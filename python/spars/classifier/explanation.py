"""Explanations: which voxels of a window or a scan speak for tumour, by the classifier.

The functions here are methods of `spars.Classifier`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spars._core import names, native
from spars._support.checks import (
    check_choice,
    check_extent,
    check_float,
    check_integer,
    check_origins,
    shown,
)
from spars._support.progress import as_progress
from spars._support.types import Extent3, FloatArray, Progress, Scan
from spars.volume.orientation import turn_of
from spars.volume.protocol import Protocol
from spars.volume.volume import as_volume, resample

if TYPE_CHECKING:
    from spars.classifier.network import Classifier

__all__ = ["METHODS", "TARGETS", "attributions", "explain", "input_gradients"]

#: How an answer is attributed to voxels.
METHODS = names.EXPLANATION_METHOD
#: What is explained.
TARGETS = names.EXPLANATION_TARGET

#: From a window's extent to what the core is asked for.
Plan: TypeAlias = Callable[[Sequence[int]], Any]

# Windows explained in one call, so that their attributions take at most 64 MB.
_VALUES_AT_ONCE = 1 << 24


def explain(
    self: Classifier,
    volume: Scan,
    method: str = "grad_cam",
    *,
    window: Sequence[int] | None = None,
    stride: int | None = None,
    grid: Sequence[int] | None = None,
    **options: Any,
) -> FloatArray:
    """Return a map of what speaks for tumour in a crop or a scan, in [0, 1].

    Without `window` the whole volume is one crop, resized to the network's input as a window is.
    Its map is the positive part of `attributions` divided by its maximum: 1 at the strongest voxel,
    0 where nothing or what is there speaks against tumour, and 0 everywhere if nothing speaks for
    it. So a crop's map says where, not how much; `score` says how much.

    With `window` the volume is a scan. Windows are cut from it `stride` apart and at the far
    borders, so that they cover it. Each one's map, made as above, is multiplied by the window's
    score, and a voxel gets the mean over the windows that hold it. Nothing is normalised over the
    scan: maps of two scans can be compared, and that of a scan whose windows score 0 is 0.

    Parameters
    ----------
    volume : Volume, array_like, path, nibabel or SimpleITK image
        HU, (X, Y, Z).
    method : {"grad_cam", "integrated_gradients", "occlusion"}
        As for `attributions`.
    window : tuple of three ints, optional
        Extent of the windows of a scan, which should be that of training. It and `grid` are of the
        scan in the orientation of its protocol (`Protocol.orientation`): the recipe's, else the
        paper's.
    stride : int, optional
        Voxels between neighbouring windows. None takes half of the window along each axis.
    grid : tuple of three ints, optional
        Brings the volume to this grid first (trilinear), and the map back (nearest neighbour).
        None explains the volume's own voxels.
    **options
        `target`, `layer`, `steps`, `baseline`, `patch`, `patch_stride` as for `attributions`;
        `progress`, True for a bar, or a callable of (work done, work planned).

    Returns
    -------
    ndarray of float32, shape (X, Y, Z)
        Up means tumour.

    Raises
    ------
    TypeError, ValueError
        A parameter is out of range, or the window is larger than the volume.
    NonFiniteError
        The volume holds NaN or infinity.

    Examples
    --------
    >>> classifier = spars.Classifier((108, 108, 108), seed=0)
    >>> crop = spars.phantom(seed=1, shape=(48, 48, 32)).volume
    >>> heat = classifier.explain(crop)
    >>> heat.shape, bool(heat.max() <= 1)
    ((48, 48, 32), True)
    """
    scan = as_volume(volume)
    # As the classifier's training had them.
    recipe = self.recipe
    protocol = Protocol.paper() if recipe is None else recipe.protocol
    turn = turn_of(scan, protocol.orientation)
    array = np.ascontiguousarray(turn.turned(scan.array))
    shape = array.shape
    progress = as_progress(options.pop("progress", None), "explain", "windows")
    plan = planned(method, owner="explain", **options)
    if grid is not None:
        array = resample(array, check_extent(grid, "grid", "explain"), "linear")
    if window is None:
        if stride is not None:
            raise ValueError(
                "The 'stride' parameter of explain must be None without a window. "
                f"Got {shown(stride)} instead."
            )
        origins = np.zeros((1, 3), np.int64)
        found, _ = _run(self, array, origins, array.shape, plan, progress)
        explained = _normalised(found[0])
    else:
        window = check_extent(window, "window", "explain")
        origins = cover(array.shape, window, stride, "explain")
        explained = accumulated(self, array, origins, window, plan, "mean", progress)[0]
    if explained.shape != shape:
        explained = resample(explained, shape, "nearest")
    return turn.back(explained)


def attributions(
    self: Classifier,
    volume: Scan,
    origins: ArrayLike = ((0, 0, 0),),
    window: Sequence[int] | None = None,
    method: str = "grad_cam",
    *,
    progress: Progress | bool | None = None,
    **options: Any,
) -> FloatArray:
    """Return what each voxel of windows adds to the classifier's answer, with its sign.

    - "grad_cam" (Selvaraju et al., ICCV 2017): max(0, sum over channels of a_c A_c). A is what a
      convolution gives after batch norm and ReLU, before the max-pool; a_c the mean over its places
      of the target's gradient for A_c. Values stand at the centres of the voxels that they see,
      linear between them and constant beyond; never below 0.
    - "integrated_gradients" (Sundararajan et al., ICML 2017): the distance from a constant window
      times the mean gradient on the straight line to it, by the midpoint rule. The sum over a
      window is the target's difference between both, but for the rule's error, which more `steps`
      reduce.
    - "occlusion" (Zeiler and Fergus, ECCV 2014): by how much the target falls when a patch is set
      to the baseline; the mean over the patches that hold a voxel.

    Gradients are those of evaluation mode. Beside the volume and the result it takes at most 25
    bytes for each voxel of the network's input, 300 MB for the input of record, one window after
    the other; for windows of 48 x 48 x 24 200 MB, with Grad-CAM 90 MB.

    Parameters
    ----------
    volume : Volume, array_like, path, nibabel or SimpleITK image
        HU, (X, Y, Z).
    origins : array_like of int, shape (N, 3)
        The windows' lowest corners in the volume's voxels. Windows are scaled and resized as by
        `score`; what an enlarged voxel's copies add is summed.
    window : tuple of three ints, optional
        The windows' extent. None takes the volume's.
    method : {"grad_cam", "integrated_gradients", "occlusion"}
        How.
    target : {"log_odds", "logit", "score"}
        What is explained: the logarithm of the score's odds, which is the difference of the two
        logits (the default: only it decides, and it does not flatten where the score is near 0 or
        1), the tumour logit alone, or the score.
    layer : {2, 3, 4}
        Grad-CAM: the convolution. For an input of 256 x 256 x 180 conv3 has 15 x 15 x 10 places,
        conv4 3 x 3 x 2; for the smallest input conv4 has one, and its map is flat.
    steps : int
        Integrated gradients: points on the line (32).
    baseline : float, optional
        HU of a window that shows nothing, for integrated gradients and occlusion. None takes the
        mean of the window as the network sees it.
    patch, patch_stride : tuple of three ints, optional
        Occlusion: what is hidden, and voxels between patches (at most a patch). None takes a sixth
        of the window, rounded up, and the patch. One evaluation a patch.
    progress : callable or True, optional
        Called with (work done, work planned) about every 20 ms; True draws a bar (the extra
        "progress").

    Returns
    -------
    ndarray of float32, shape (N, x, y, z)
        Above 0 where a voxel speaks for tumour.

    Raises
    ------
    TypeError, ValueError
        A parameter is out of range; a window that is not inside is named.
    NonFiniteError
        A window holds NaN or infinity.

    Examples
    --------
    >>> classifier = spars.Classifier((108, 108, 108), seed=0)
    >>> scan = spars.phantom(seed=1, shape=(48, 48, 32)).volume
    >>> classifier.attributions(scan, [(8, 8, 8)], (12, 12, 12)).shape
    (1, 12, 12, 12)
    """
    owner = "attributions"
    array = as_volume(volume).array
    window = array.shape if window is None else check_extent(window, "window", owner)
    plan = planned(method, owner=owner, **options)
    origins = check_origins(origins, window, array.shape, owner)
    progress = as_progress(progress, "attributions")
    return _run(self, array, origins, window, plan, progress)[0]


def input_gradients(
    self: Classifier,
    x: ArrayLike,
    target: str = "log_odds",
    progress: Progress | bool | None = None,
) -> FloatArray:
    """Return a target's gradient for inputs on the network's grid, in evaluation mode.

    Parameters
    ----------
    x : array_like, shape (N, X, Y, Z) or (X, Y, Z)
        Inputs of `input_shape`; values are taken as they are, without an intensity window.
    target : {"log_odds", "logit", "score"}
        As for `attributions`.
    progress : callable or True, optional
        Called with (inputs done, inputs planned); True draws a bar (the extra "progress").

    Returns
    -------
    ndarray of float32
        Gradient in the shape of `x`. Where a max-pool has two equal largest values, the gradient
        goes to the first.

    Raises
    ------
    TypeError, ValueError
        `x` is not numeric or not of this shape, or `target` is unknown.
    NonFiniteError
        `x` holds NaN or infinity.

    Examples
    --------
    >>> classifier = spars.Classifier((108, 108, 108), seed=0)
    >>> classifier.input_gradients(np.zeros((1, 108, 108, 108), np.float32)).shape
    (1, 108, 108, 108)
    """
    owner = "input_gradients"
    check_choice(target, "target", owner, TARGETS)
    batch = self._batch(x, owner)
    gradients, logits = np.empty_like(batch), np.empty((len(batch), 2), np.float32)
    native.classifier_input_gradients(
        self._handle.value, batch, target, gradients, logits,
        as_progress(progress, "input gradients"),
    )  # fmt: skip
    return gradients.reshape(np.shape(x))


def cover(
    shape: Sequence[int], window: Extent3, stride: int | None, owner: str
) -> NDArray[np.int64]:
    """Return the origins (N, 3) of windows `stride` apart, and at the far borders, over a shape."""
    if any(w > n for w, n in zip(window, shape, strict=True)):
        raise ValueError(
            f"The 'window' parameter of {owner} must be at most the volume's {tuple(shape)}. "
            f"Got {window} instead."
        )
    if stride is not None:
        # A larger stride would leave voxels that no window holds.
        stride = check_integer(stride, "stride", owner, 1, min(window))
    axes = []
    for n, w in zip(shape, window, strict=True):
        step = stride or max(1, w // 2)
        axes.append(np.append(np.arange(0, n - w, step), n - w))
    places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    return np.ascontiguousarray(places.reshape(-1, 3), np.int64)


def accumulated(
    classifier: Classifier,
    array: FloatArray,
    origins: NDArray[np.int64],
    window: Extent3,
    plan: Plan,
    accumulation: str,
    progress: Progress | None,
) -> tuple[FloatArray, FloatArray]:
    """Return a scan's map and its windows' scores.

    Each window's map, in [0, 1], times its score; then "sum", "mean" or "max" over windows.
    """
    array = np.ascontiguousarray(array)
    sums = np.zeros(array.shape, np.float64)
    counts = np.zeros(array.shape, np.int32)
    scores = []
    at_once = max(1, _VALUES_AT_ONCE // int(np.prod(window)))
    for first in range(0, len(origins), at_once):
        part = origins[first : first + at_once]
        report = _shifted(progress, first, len(part), len(origins))
        maps, found = _run(classifier, array, part, window, plan, report)
        for origin, map_, score in zip(part, maps, found, strict=True):
            box = tuple(slice(o, o + w) for o, w in zip(origin, window, strict=True))
            weighted = score * _normalised(map_)
            if accumulation == "max":
                np.maximum(sums[box], weighted, out=sums[box])
            else:
                sums[box] += weighted
            counts[box] += 1
        scores.append(found)
    if accumulation == "mean":
        sums /= np.maximum(counts, 1)
    return sums.astype(np.float32), np.concatenate(scores).astype(np.float32)


def _shifted(progress: Progress | None, first: int, count: int, planned: int) -> Progress | None:
    """Return a progress callable for windows from `first` on, among all that are planned."""
    if progress is None:
        return None

    def report(done: int, part: int) -> None:
        # Before its first window a call has planned nothing yet.
        if part:
            each = part // count
            progress(first * each + done, planned * each)

    return report


def _normalised(found: FloatArray) -> FloatArray:
    """Return the positive part of attributions divided by its maximum; 0 if there is none."""
    positive = np.maximum(found, np.float32(0))
    highest = positive.max()
    return positive / highest if highest > 0 else positive


def _run(
    classifier: Classifier,
    array: FloatArray,
    origins: NDArray[np.int64],
    window: Sequence[int],
    plan: Plan,
    progress: Progress | None,
) -> tuple[FloatArray, NDArray[np.float64]]:
    """Return the attributions (N, *window) and scores (N,) of windows."""
    found = np.empty((len(origins), *window), np.float32)
    logits = np.empty((len(origins), 2), np.float32)
    windows = {"volume": array, "origins": origins, "window": window}
    native.classifier_attributions(
        classifier._handle.value, windows, plan(window), found, logits, progress
    )
    odds = np.clip(logits[:, 0].astype(np.float64) - logits[:, 1], -700, 700)
    return found, 1 / (1 + np.exp(odds))


def planned(
    method: str,
    *,
    owner: str,
    target: str = "log_odds",
    layer: int = 3,
    steps: int = 32,
    baseline: float | None = None,
    patch: Sequence[int] | None = None,
    patch_stride: Sequence[int] | None = None,
    is_seen: bool = False,
) -> Plan:
    """Check the options and return a function from a window's extent to the core's plan."""
    check_choice(method, "method", owner, METHODS)
    check_choice(target, "target", owner, TARGETS)
    layer = check_integer(layer, "layer", owner, 2, 4)
    steps = check_integer(steps, "steps", owner, 1, 65_536)
    if baseline is not None:
        baseline = check_float(baseline, "baseline", owner)
    if patch is not None:
        patch = check_extent(patch, "patch", owner)
    if patch_stride is not None:
        patch_stride = check_extent(patch_stride, "patch_stride", owner)

    def plan(window: Sequence[int]) -> Any:
        hidden = patch or tuple(-(-length // 6) for length in window)
        return {
            "method": method, "target": target, "is_seen": is_seen, "baseline": baseline,
            "layer": layer, "steps": steps, "patch": hidden,
            "patch_stride": patch_stride or hidden,
        }  # fmt: skip

    return plan

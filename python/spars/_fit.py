"""Training of the classifier: what Python does of it, which is scans, schedule and records."""

import math
from collections import OrderedDict
from dataclasses import asdict, dataclass, field

import numpy as np

from spars import _native
from spars._checks import check_choice, check_extent, check_float, check_integer, sentence
from spars._handles import Handle
from spars._masks import ratio
from spars._provenance import digest, versions
from spars.protocol import Protocol
from spars.volume import as_volume

_OWNER = "fit"
# A scan on the model grid of record takes 47 MB: 24 of them and their masks fit.
_CACHE_BYTES = 2 << 30


@dataclass
class History:
    """What a training run did and measured.

    Attributes
    ----------
    epochs : list of dict
        One for each epoch: "epoch" (from 1), "loss" (mean over its steps), "learning_rate" (of its
        last step) and, with validation scans, "validation": "loss", "true_positives",
        "false_positives", "true_negatives", "false_negatives" (a crop is positive where its score
        exceeds 0.5), "accuracy", "precision", "sensitivity", "specificity" and "roc_auc". What
        would divide by zero is NaN; the released scripts print 0 there.
    configuration : dict
        Every argument of the run that changes its result, the protocol's switches included.
    inputs : list of dict
        "name", "has_tumour", "role" and "sha256" (of the values trained on) of each scan drawn.
    versions : dict
        Of spars, NumPy and Python.
    """

    epochs: list = field(default_factory=list)
    configuration: dict = field(default_factory=dict)
    inputs: list = field(default_factory=list)
    versions: dict = field(default_factory=dict)

    def to_dict(self):
        """Return plain values that JSON can hold; NaN becomes None."""
        return _plain(asdict(self))


def fit(
    classifier,
    dataset,
    validation=None,
    *,
    window=(48, 48, 24),
    grid=(256, 256, 180),
    epochs=32,
    steps_per_epoch=None,
    scans_per_step=4,
    crops_per_scan=10,
    learning_rate=1e-3,
    pooling=None,
    class_weights=None,
    scan_sampling="independent",
    protocol="paper",
    crop_sampling="uniform",
    foreground_threshold=-150.0,
    validation_steps=4,
    seed=0,
    cache_bytes=_CACHE_BYTES,
    progress=None,
    callback=None,
):
    """Train on a dataset of scans and their labels; return what was measured.

    A step draws `scans_per_step` scans with replacement, cuts `crops_per_scan` crops of each, and
    moves the parameters once by Adam (0.9, 0.999, 1e-8) on the mean cross entropy of all crops, or
    of the scans if crops are pooled.
    After each epoch the validation scans are scored likewise, in evaluation mode.

    With ``protocol="paper"`` a scan is brought to `grid` (trilinear), crops of `window` lie inside
    it, are resized by nearest neighbour as in play, and all carry their scan's label; voxel masks
    are never asked for. With ``protocol="published"`` crops of 96 x 96 x 64 are cut in the scan's
    own voxels: half of them start at a tumour voxel of the dilated mask, the others outside; a
    crop's label is 1 if its mask holds any; crops are cut short at the border and stretched,
    trilinear. `Protocol` sets each switch alone.

    Parameters
    ----------
    classifier : Classifier
        What learns.
    dataset, validation : sequence of spars.datasets.Case
        Training scans, and validation scans or None.
    window : tuple of three ints
        The crops' extent in voxels of `grid`, where the protocol's `crop_size` is "window".
    grid : tuple of three ints, optional
        The model grid, where the protocol's `scan_frame` is "resampled". None trains in the scans'
        own voxels.
    epochs : int
        The schedule of record has 32.
    steps_per_epoch : int, optional
        Default: the schedule of record, a quarter of the training scans (2 to 6 for 8 to 24).
    scans_per_step, crops_per_scan : int
        4 and 10 of record.
    learning_rate : float or callable
        Of Adam. A callable gets the part of the steps that remains, from 1 down towards 0, and
        returns the rate of the next step, as stable-baselines3's schedules do.
    pooling : None, "max", "log_sum_exp" or int
        How the crops of a scan share its label, which says whether a tumour is anywhere in it.
        None: each carries it, as in the paper. An integer k: the mean of the k highest margins
        (the tumour's logit less the other) takes it; "max" is 1. "log_sum_exp":
        log(mean(exp(margin))) takes it.
    class_weights : None, "balanced" or (float, float)
        The loss's weights of tumour-free scans and of scans with tumours; each batch's are divided
        by their sum, as PyTorch's. "balanced" weighs by the inverse of how many there are.
    scan_sampling : str
        "independent" draws any scan, as the released scripts do; "balanced" draws scans without
        and with tumours by turns, for training and validation.
    protocol : str or Protocol
        "paper" or "published", or switches of your own.
    crop_sampling : str
        For image-level labels: "uniform" draws crops from anywhere, as play visits windows
        anywhere; "foreground" draws crops whose centre voxel exceeds `foreground_threshold` HU.
        More of those show tissue, but what windows of air and edges score is then left to chance.
    foreground_threshold : float
        HU; between air and soft tissue.
    validation_steps : int
        Batches scored after each epoch; 4 of record.
    seed : int
        Of scans and crops, 0 to 2^64 - 1. The same seed gives the same bits for any thread count.
    cache_bytes : int
        Scans are read when first drawn and kept up to this many bytes, the least recently used
        leaving first.
    progress : callable, optional
        Called after every batch with (batches done, batches planned).
    callback : callable, optional
        Called after every epoch with (classifier, the epoch's record); returning False ends the
        training.

    Returns
    -------
    History

    Raises
    ------
    TypeError, ValueError
        A parameter is out of range, a scan is smaller than a crop, or a needed label or mask is
        missing; the message names the scan.
    NonFiniteError
        A scan holds NaN or infinity, or training left the finite numbers; the first bad tensor is
        named.
    KeyboardInterrupt
        Ctrl-C is answered within 0.2 s; the classifier is left at its last whole step.

    Notes
    -----
    If the classifier has no `intensity_window`, it gets the protocol's.
    """
    protocol = Protocol.named(protocol)
    options = {
        "window": check_extent(window, "window", _OWNER),
        "grid": None if grid is None else check_extent(grid, "grid", _OWNER),
        "epochs": check_integer(epochs, "epochs", _OWNER, 1),
        "scans_per_step": check_integer(scans_per_step, "scans_per_step", _OWNER, 1, 65536),
        "crops_per_scan": check_integer(crops_per_scan, "crops_per_scan", _OWNER, 1, 65536),
        "pooling": _check_pooling(pooling, crops_per_scan, protocol),
        "scan_sampling": check_choice(
            scan_sampling, "scan_sampling", _OWNER, ("independent", "balanced")
        ),
        "crop_sampling": check_choice(
            crop_sampling, "crop_sampling", _OWNER, ("foreground", "uniform")
        ),
        "foreground_threshold": check_float(foreground_threshold, "foreground_threshold", _OWNER),
        "validation_steps": check_integer(validation_steps, "validation_steps", _OWNER, 1),
        "seed": check_integer(seed, "seed", _OWNER, 0, 2**64 - 1),
    }
    cache_bytes = check_integer(cache_bytes, "cache_bytes", _OWNER, 0)
    for name, value in (("progress", progress), ("callback", callback)):
        if value is not None and not callable(value):
            raise TypeError(sentence(name, _OWNER, "callable or None", value))
    training = _cases(dataset, "dataset", protocol)
    held_out = [] if validation is None else _cases(validation, "validation", protocol)
    options["class_weights"] = _check_class_weights(class_weights, training)
    schedule, options["learning_rate"] = _schedule(learning_rate)
    if steps_per_epoch is None:
        steps_per_epoch = max(1, len(training) // 4)
    options["steps_per_epoch"] = check_integer(steps_per_epoch, "steps_per_epoch", _OWNER, 1)
    if classifier.intensity_window is None:
        classifier.intensity_window = protocol.intensity_window
    run = _Run(classifier, protocol, options, schedule, cache_bytes, progress)
    return run.run(training, held_out, callback)


class _Run:
    def __init__(self, classifier, protocol, options, schedule, cache_bytes, progress):
        self.classifier = classifier
        self.options = options
        self.schedule = schedule
        self.protocol = protocol
        self.progress = progress
        self.done = 0
        self.crop_shape = (
            options["window"]
            if protocol.crop_size == "window"
            else check_extent(protocol.crop_size, "crop_size", "Protocol")
        )
        self.has_voxel_labels = protocol.crop_label == "voxel"
        grid = options["grid"] if protocol.scan_frame == "resampled" else None
        self.scans = _Scans(grid, self.has_voxel_labels, cache_bytes)
        used = protocol.with_switches(intensity_window=classifier.intensity_window)
        self.history = History(
            configuration={
                "input_shape": classifier.input_shape,
                "optimizer": {"name": "Adam", "betas": (0.9, 0.999), "eps": 1e-8},
                "protocol": used.to_dict(),
                **options,
            },
            versions=versions(),
        )

    def run(self, training, held_out, callback):
        options = self.options
        steps, validation_steps = options["steps_per_epoch"], options["validation_steps"]
        planned = options["epochs"] * (steps + (validation_steps if held_out else 0))
        trainer = self._trainer()
        total = options["epochs"] * steps
        for epoch in range(1, options["epochs"] + 1):
            losses = []
            for step in range(steps):
                self._fill(trainer, training, "training")
                rate = _check_rate(self.schedule(1.0 - ((epoch - 1) * steps + step) / total))
                losses.append(_native.trainer_step(trainer.value, rate))
                self._report(planned)
            record = {"epoch": epoch, "loss": math.fsum(losses) / steps, "learning_rate": rate}
            if held_out:
                record["validation"] = self._validate(trainer, held_out, planned)
            self.history.epochs.append(record)
            self.history.inputs = self.scans.records
            if callback is not None and callback(self.classifier, record) is False:
                break
        return self.history

    def _trainer(self):
        options = self.options
        threshold = options["foreground_threshold"]
        return Handle(
            _native.trainer_create(
                self.classifier._handle.value,
                self.has_voxel_labels,
                self.protocol.crop_interpolation == "linear",
                self.protocol.border_crops == "stretched",
                threshold if options["crop_sampling"] == "foreground" else None,
                self.crop_shape,
                options["crops_per_scan"],
                {None: 0, "max": 1, "log_sum_exp": -1}.get(options["pooling"], options["pooling"]),
                options["class_weights"],
                options["seed"],
            )
        )

    def _fill(self, trainer, cases, role):
        drawn = np.empty(self.options["scans_per_step"], np.int64)
        labels = None
        if self.options["scan_sampling"] == "balanced":
            labels = np.array([bool(case.has_tumour) for case in cases], np.int64)
        _native.trainer_draw_scans(trainer.value, role == "validation", len(cases), labels, drawn)
        for index in drawn:
            case = cases[index]
            array, mask = self.scans.of(case, (role, int(index)))
            has_tumour = False if self.has_voxel_labels else bool(case.has_tumour)
            try:
                _native.trainer_add_scan(trainer.value, array, array.shape, mask, has_tumour)
            except ValueError as error:
                raise type(error)(f"Scan {case.name!r}: {error}") from None

    def _validate(self, trainer, cases, planned):
        count = self.options["scans_per_step"] * self.options["crops_per_scan"]
        steps = self.options["validation_steps"]
        scores = np.empty((steps, count), np.float32)
        labels = np.empty((steps, count), np.int64)
        for step in range(steps):
            self._fill(trainer, cases, "validation")
            _native.trainer_evaluate(trainer.value, scores[step], labels[step])
            self._report(planned)
        return classification_metrics(scores.ravel(), labels.ravel())

    def _report(self, planned):
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, planned)


class _Scans:
    """Scans as they are trained on, the most recently used ones kept."""

    def __init__(self, grid, has_masks, limit):
        self.grid = grid
        self.has_masks = has_masks
        self.limit = limit
        self.kept = OrderedDict()
        self.size = 0
        self.seen = {}

    @property
    def records(self):
        return [self.seen[key] for key in sorted(self.seen)]

    def of(self, case, key):
        if key in self.kept:
            self.kept.move_to_end(key)
            return self.kept[key]
        scan = self._prepare(case)
        if key not in self.seen:
            self.seen[key] = {
                "name": case.name,
                "has_tumour": case.has_tumour if not self.has_masks else None,
                "role": key[0],
                "sha256": digest(scan[0]),
            }
        self.kept[key] = scan
        self.size += _bytes(scan)
        while self.size > self.limit and len(self.kept) > 1:
            self.size -= _bytes(self.kept.popitem(last=False)[1])
        return scan

    def _prepare(self, case):
        array = as_volume(case.load()).array
        mask = self._mask(case, array.shape) if self.has_masks else None
        if self.grid is not None and array.shape != self.grid:
            from spars import resample

            array = resample(array, self.grid, interpolation="linear")
            if mask is not None:
                mask = resample(mask.astype(np.float32), self.grid, interpolation="nearest")
                mask = mask.astype(np.uint8)
        return np.ascontiguousarray(array, np.float32), mask

    def _mask(self, case, shape):
        mask = case.load_mask()
        if mask is None:
            raise ValueError(
                f"Scan {case.name!r} has no voxel mask, which crop_label='voxel' needs."
            )
        mask = np.asarray(mask)
        if mask.shape != shape:
            raise ValueError(
                f"The mask of scan {case.name!r} must be of the scan's shape {shape}. "
                f"Got {mask.shape} instead."
            )
        return np.ascontiguousarray(mask, np.uint8)


def classification_metrics(scores, has_tumour):
    """Return the confusion matrix of scores in [0, 1] and what follows from it.

    Parameters
    ----------
    scores : ndarray of float32, shape (N,)
        In [0, 1].
    has_tumour : ndarray of int64, shape (N,)
        0 or 1 for each score.

    Returns
    -------
    dict
        As `History.epochs` documents it.
    """
    tp, fp, tn, fn, roc_auc = _native.classification_metrics(scores, has_tumour)
    # A float32 score of 0 or 1 stands for a probability within half a unit of it.
    tiny = 2.0**-25
    right = np.where(has_tumour == 1, scores, 1.0 - scores.astype(np.float64))
    return {
        "loss": float(-np.log(np.maximum(right, tiny)).mean()),
        "true_positives": tp,
        "false_positives": fp,
        "true_negatives": tn,
        "false_negatives": fn,
        "accuracy": ratio(tp + tn, tp + fp + tn + fn),
        "precision": ratio(tp, tp + fp),
        "sensitivity": ratio(tp, tp + fn),
        "specificity": ratio(tn, tn + fp),
        "roc_auc": roc_auc,
    }


def _schedule(learning_rate):
    """Return the rate as a function of what remains, and as it is recorded."""
    if callable(learning_rate):
        return learning_rate, "a schedule"
    rate = _check_rate(learning_rate)
    return (lambda _: rate), rate


def _check_rate(rate):
    return check_float(rate, "learning_rate", _OWNER, 0.0, open_low=True)


def _check_pooling(pooling, crops_per_scan, protocol):
    if pooling is None:
        return None
    if protocol.crop_label == "voxel":
        raise ValueError(
            "The 'pooling' parameter of fit must be None with crop_label='voxel', where crops have "
            f"labels of their own. Got {pooling!r} instead."
        )
    if isinstance(pooling, str):
        return check_choice(pooling, "pooling", _OWNER, ("max", "log_sum_exp"))
    return check_integer(pooling, "pooling", _OWNER, 1, crops_per_scan)


def _check_class_weights(weights, cases):
    if weights is None:
        return (1.0, 1.0)
    if isinstance(weights, str):
        check_choice(weights, "class_weights", _OWNER, ("balanced",))
        positive = sum(bool(case.has_tumour) for case in cases)
        if not 0 < positive < len(cases):
            raise ValueError(
                "The 'class_weights' parameter of fit must not be 'balanced' unless there are "
                f"scans without and with tumours. Got {positive} of {len(cases)} with tumours."
            )
        return (len(cases) / (2 * (len(cases) - positive)), len(cases) / (2 * positive))
    try:
        pair = tuple(weights)
    except TypeError:
        raise TypeError(sentence("class_weights", _OWNER, "two floats", weights)) from None
    if len(pair) != 2:
        raise ValueError(sentence("class_weights", _OWNER, "two floats", weights))
    return tuple(
        check_float(weight, "class_weights", _OWNER, 0.0, open_low=True) for weight in pair
    )


def _cases(dataset, name, protocol):
    try:
        cases = list(dataset)
    except TypeError:
        raise TypeError(sentence(name, _OWNER, "a sequence of Case", dataset)) from None
    if not cases:
        raise ValueError(sentence(name, _OWNER, "a sequence of one Case or more", cases))
    for case in cases:
        if not hasattr(case, "has_tumour") or not callable(getattr(case, "load", None)):
            raise TypeError(sentence(name, _OWNER, "a sequence of Case", case))
        if protocol.crop_label == "image" and case.has_tumour is None:
            raise ValueError(
                f"Scan {case.name!r} has no label, which crop_label='image' needs: "
                "give has_tumour, or a CSV file of labels."
            )
    return cases


def _bytes(scan):
    return sum(array.nbytes for array in scan if array is not None)


def _plain(value):
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value

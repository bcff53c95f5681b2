"""Training of the classifier: its arguments, what they mean, and their checks."""

from spars._core import native
from spars._support.checks import (
    check_bool,
    check_choice,
    check_extent,
    check_float,
    check_integer,
    sentence,
)
from spars._support.defaults import GRID_OF_RECORD, WINDOW_OF_RECORD
from spars.classifier.augmentation import Augmentation
from spars.classifier.training import checkpoint as _training_checkpoint
from spars.classifier.training.early_stop import EarlyStop
from spars.classifier.training.run import Run, check_rate
from spars.classifier.training.scans import Room, check_cases, check_class_weights
from spars.volume.protocol import Protocol

_OWNER = "fit"
# A scan on the model grid of record takes 47 MB: 24 of them and their masks fit.
_CACHE_BYTES = 2 << 30


def fit(
    classifier,
    dataset,
    validation=None,
    *,
    window=WINDOW_OF_RECORD,
    grid=GRID_OF_RECORD,
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
    augmentation=None,
    validation_steps=4,
    patience=None,
    monitor="loss",
    min_delta=0.0,
    weights="last",
    seed=0,
    checkpoint=None,
    resume=False,
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
    augmentation : Augmentation, optional
        Random changes of training crops; None, as in the paper, leaves them as they are.
    validation_steps : int
        Batches scored after each epoch; 4 of record.
    patience : int, optional
        Training ends after this many epochs without a better `monitor`. None makes all epochs.
    monitor : str
        The metric of the validation crops that says which epoch is best: "loss" (the lowest),
        "accuracy", "precision", "sensitivity", "specificity" or "roc_auc" (the highest). An epoch
        where it is NaN, as ROC AUC is of crops with one label, is never better.
    min_delta : float
        How much better a value must be to count as better: by more than this.
    weights : str
        What the classifier is left with: "last", the parameters after the last epoch, or "best",
        those after `History.best_epoch`, running statistics included. The last ones stay where
        no epoch had a value.
    seed : int
        Of scans and crops, 0 to 2^64 - 1. The same seed gives the same bits for any thread count.
    checkpoint : path, optional
        Where to keep the state of the training, after every epoch and when it ends early, by
        Ctrl-C or an error; an npz file, written whole or not at all, about 45 MB for the input
        of record and 60 MB with ``weights="best"``. It must not exist yet unless `resume`.
    resume : bool
        Go on from `checkpoint`, with the parameters, history and bits of a training that was never
        interrupted. The arguments and scans must be those it was made with, but `epochs` and
        `patience` may be raised as long as training would not have ended before; a learning-rate
        schedule, which sees the part of the steps that remains, allows more epochs if its rates
        of the steps already taken stay the same, as a constant's do. Every scan drawn so far is
        read and compared first. The classifier's own parameters are replaced.
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
        missing; the message names the scan. Crops are held against the grid and against
        `Case.shape` before any scan is loaded, and against scans of unknown shape once they are.
        Or the checkpoint is of other scans or another configuration; the message names the
        difference.
    NonFiniteError
        A scan holds NaN or infinity: it and the first such voxel are named. Or training left the
        finite numbers: the first tensor to do so is named, in the order of computation, forward
        (batch statistics, outputs, the loss), back (gradients from fc5 to conv1), Adam's moments
        and the parameters. The classifier is left at its last whole step.
    FormatError
        The checkpoint is not one, or is broken.
    OSError
        The checkpoint cannot be written, is missing, or exists already.
    KeyboardInterrupt
        Ctrl-C is answered within 0.2 s, and the writing of a checkpoint; the classifier is left
        at its last whole step.

    Notes
    -----
    If the classifier has no `intensity_window`, it gets the protocol's.

    A step takes its whole batch, so that batch norm's statistics are of all its crops, which
    accumulated gradients of smaller batches are not. Crops pass one by one: with the input of
    record the process takes about 0.5 GB and 14 MB a crop for up to 95 crops, 3.7 MB for each one
    more, and the crops' own voxels. Larger batches need no other setting.
    """
    protocol = Protocol.named(protocol)
    rule = EarlyStop.checked(epochs, monitor, patience, min_delta)
    if augmentation is not None and not isinstance(augmentation, Augmentation):
        raise TypeError(sentence("augmentation", _OWNER, "an Augmentation or None", augmentation))
    schedule, rate = _schedule(learning_rate)
    options = {
        "window": check_extent(window, "window", _OWNER),
        "grid": None if grid is None else check_extent(grid, "grid", _OWNER),
        "epochs": rule.epochs,
        "scans_per_step": check_integer(scans_per_step, "scans_per_step", _OWNER, 1, 65536),
        "crops_per_scan": check_integer(crops_per_scan, "crops_per_scan", _OWNER, 1, 65536),
        "learning_rate": rate,
        "pooling": _check_pooling(pooling, crops_per_scan, protocol),
        "scan_sampling": check_choice(
            scan_sampling, "scan_sampling", _OWNER, ("independent", "balanced")
        ),
        "crop_sampling": check_choice(
            crop_sampling, "crop_sampling", _OWNER, ("foreground", "uniform")
        ),
        "foreground_threshold": check_float(foreground_threshold, "foreground_threshold", _OWNER),
        "augmentation": None if augmentation is None else augmentation.to_dict(),
        "validation_steps": check_integer(validation_steps, "validation_steps", _OWNER, 1),
        "patience": rule.patience,
        "monitor": rule.monitor,
        "min_delta": rule.min_delta,
        "weights": check_choice(weights, "weights", _OWNER, ("last", "best")),
        "seed": check_integer(seed, "seed", _OWNER, 0, 2**64 - 1),
    }
    cache_bytes = check_integer(cache_bytes, "cache_bytes", _OWNER, 0)
    for name, value in (("progress", progress), ("callback", callback)):
        if value is not None and not callable(value):
            raise TypeError(sentence(name, _OWNER, "callable or None", value))
    if check_bool(resume, "resume", _OWNER) and checkpoint is None:
        raise ValueError(sentence("checkpoint", _OWNER, "a path if 'resume' is True", None))
    if checkpoint is not None:
        checkpoint = _training_checkpoint.check_path(checkpoint, resume=resume)
    _check_batch(classifier, options)
    room = Room(protocol, options["window"], options["grid"])
    training = check_cases(dataset, "dataset", protocol, room)
    held_out = [] if validation is None else check_cases(validation, "validation", protocol, room)
    rule.check_validation(weights, _labels(held_out, protocol))
    options["class_weights"] = check_class_weights(class_weights, training)
    if steps_per_epoch is None:
        steps_per_epoch = max(1, len(training) // 4)
    options["steps_per_epoch"] = check_integer(steps_per_epoch, "steps_per_epoch", _OWNER, 1)
    cases = {"training": training, "validation": held_out}
    run = Run(
        classifier, cases, protocol, options, augmentation, schedule, rule, cache_bytes, room,
        checkpoint, progress,
    )  # fmt: skip
    if resume:
        run.resume()
    return run.run(callback)


def _check_batch(classifier, options):
    """Refuse a batch whose last batch norm would see one voxel: it has no variance."""
    shapes = {name: shape for name, shape, _ in native.classifier_layout(*classifier.input_shape)}
    is_one_voxel = shapes["fc1.weight"][1] == shapes["bn4.weight"][0]
    if is_one_voxel and options["scans_per_step"] * options["crops_per_scan"] == 1:
        allowed = f"2 or more with one scan a step and input {classifier.input_shape}"
        raise ValueError(sentence("crops_per_scan", _OWNER, allowed, 1))


def _labels(cases, protocol):
    """Return the labels that crops of these scans can have."""
    if cases and protocol.crop_label == "voxel":
        return {0, 1}
    return {int(case.has_tumour) for case in cases}


def _schedule(learning_rate):
    """Return the rate as a function of what remains, and as it is recorded."""
    if callable(learning_rate):
        return learning_rate, "a schedule"
    rate = check_rate(learning_rate)
    return (lambda _: rate), rate


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

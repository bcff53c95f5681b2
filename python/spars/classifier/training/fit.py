"""Training of the classifier."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spars._support.checks import sentence
from spars._support.settings import flat
from spars.classifier.parameters import layout
from spars.classifier.training import checkpoint as _training_checkpoint
from spars.classifier.training.early_stop import EarlyStop
from spars.classifier.training.history import History
from spars.classifier.training.run import Run
from spars.classifier.training.scans import Room, check_cases, check_class_weights
from spars.classifier.training.settings import TrainingSettings
from spars.volume.datasets import Case
from spars.volume.protocol import Protocol

if TYPE_CHECKING:
    from spars.classifier.network import Classifier

_OWNER = "fit"


@flat(TrainingSettings)
def fit(
    classifier: Classifier,
    dataset: Iterable[Case],
    validation: Iterable[Case] | None = None,
    *,
    settings: TrainingSettings,
) -> History:
    """Train on a dataset of scans and their labels; return what was measured.

    A step draws `scans_per_step` scans with replacement, cuts `crops_per_scan` crops of each, and
    moves the parameters once by Adam (0.9, 0.999, 1e-8) on the mean cross entropy of all crops, or
    of the scans if crops are pooled.
    After each epoch batches of the validation scans are scored in evaluation mode. They are drawn
    likewise, by `seed`, and are the same crops after every epoch: what changes from one to the next
    is the network alone.

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
    {settings}

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
    protocol = settings.protocol
    rule = EarlyStop(settings.epochs, settings.monitor, settings.patience, settings.min_delta)
    checkpoint = None
    if settings.checkpoint is not None:
        checkpoint = _training_checkpoint.check_path(settings.checkpoint, resume=settings.resume)
    options = _recorded(settings)
    _check_batch(classifier, options)
    room = Room(protocol, settings.window, settings.grid)
    training = check_cases(dataset, "dataset", protocol, room)
    held_out = [] if validation is None else check_cases(validation, "validation", protocol, room)
    rule.check_validation(settings.weights, _labels(held_out, protocol))
    options["class_weights"] = check_class_weights(settings.class_weights, training)
    if settings.steps_per_epoch is None:
        options["steps_per_epoch"] = max(1, len(training) // 4)
    cases = {"training": training, "validation": held_out}
    run = Run(
        classifier, cases, protocol, options, settings.augmentation,
        _schedule(settings.learning_rate), rule, settings.cache_bytes, room, checkpoint,
        settings.progress,
    )  # fmt: skip
    if settings.resume and checkpoint is not None:
        run.resume(checkpoint)
    return run.run(settings.callback)


def _recorded(settings: TrainingSettings) -> dict[str, Any]:
    """Return what the history's configuration says of the settings; the protocol apart."""
    options = settings.recorded() | {"window": settings.window, "grid": settings.grid}
    del options["protocol"]
    return options


def _check_batch(classifier: Classifier, options: Mapping[str, Any]) -> None:
    """Refuse a batch whose last batch norm would see one voxel: it has no variance."""
    shapes = {name: shape for name, shape, _ in layout(classifier.input_shape)}
    is_one_voxel = shapes["fc1.weight"][1] == shapes["bn4.weight"][0]
    if is_one_voxel and options["scans_per_step"] * options["crops_per_scan"] == 1:
        allowed = f"2 or more with one scan a step and input {classifier.input_shape}"
        raise ValueError(sentence("crops_per_scan", _OWNER, allowed, 1))


def _labels(cases: Sequence[Case], protocol: Protocol) -> set[int]:
    """Return the labels that crops of these scans can have."""
    if cases and protocol.crop_label == "voxel":
        return {0, 1}
    return {int(bool(case.has_tumour)) for case in cases}


def _schedule(rate: float | Callable[[float], float]) -> Callable[[float], float]:
    """Return the rate as a function of what remains."""
    return rate if callable(rate) else lambda _: rate

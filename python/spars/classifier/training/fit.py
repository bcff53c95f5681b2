"""Training of the classifier."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from spars._support.checkpoints import check_begun
from spars._support.checks import sentence
from spars._support.progress import as_progress
from spars._support.settings import flat
from spars.classifier.parameters import layout
from spars.classifier.training import learned
from spars.classifier.training.early_stop import EarlyStop
from spars.classifier.training.examples import Examples
from spars.classifier.training.history import History
from spars.classifier.training.made import MadeExamples, fitted
from spars.classifier.training.run import Run
from spars.classifier.training.scans import (
    Room,
    ScanExamples,
    Scans,
    check_cases,
    check_class_weights,
)
from spars.classifier.training.settings import TrainingSettings
from spars.lesions.windows import Windows
from spars.report.callbacks import callbacks_of
from spars.volume.datasets import Case

if TYPE_CHECKING:
    from spars.classifier.network import Classifier

_OWNER = "fit"


@flat(TrainingSettings)
def fit(
    classifier: Classifier,
    dataset: Iterable[Case] | Windows,
    validation: Iterable[Case] | Windows | None = None,
    *,
    settings: TrainingSettings,
) -> History:
    """Train on a dataset of scans and their labels, or of made windows; return what was measured.

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

    Of a source that `spars.lesions.windows` makes, a step takes the next ``scans_per_step *
    crops_per_scan`` windows, each with a label of its own, and validation the first ones. They are
    brought to the network's input by nearest neighbour, as in play.

    `Classifier.recipe` says afterwards what was trained on: the scans' window, grid and protocol,
    `isolated` as in the recipe before; or the working grid of the made windows. A working grid has
    one spacing: windows of hosts whose voxels are no cubes to 1 % leave no recipe.

    Parameters
    ----------
    classifier : Classifier
        What learns.
    dataset : sequence of spars.datasets.Case, or spars.lesions.Windows
        What to train on. `steps_per_epoch` has no default for windows; `window` is theirs; and
        `pooling`, `augmentation` and ``class_weights="balanced"`` are refused.
    validation : sequence of spars.datasets.Case, or spars.lesions.Windows, optional
        What to measure on after each epoch; its kind need not be the dataset's. Windows of the
        same source are refused: give another seed, better other hosts.
    {settings}

    Returns
    -------
    History

    Raises
    ------
    TypeError, ValueError
        A parameter is out of range, or means nothing with made windows. A scan is smaller than a
        crop, or a needed label or mask is missing; the message names the scan. Crops are held
        against the grid and against `Case.shape` before any scan is loaded, and against scans of
        unknown shape once they are. The checkpoint is of other scans or windows, or of another
        configuration; the message names the difference.
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

    Warns
    -----
    UserWarning
        Every scan of the dataset has one label.
    CheckpointWarning
        A checkpoint could not be written during the training, which goes on; or the one to resume
        is damaged, and the one before was taken.

    Notes
    -----
    If the classifier has no `intensity_window`, it gets the protocol's.

    A step takes its whole batch, so that batch norm's statistics are of all its crops, which
    accumulated gradients of smaller batches are not. Crops pass one by one: with the input of
    record the process takes about 0.5 GB and 14 MB a crop for up to 95 crops, 3.7 MB for each one
    more, and the crops' own voxels. Larger batches need no other setting.

    Examples
    --------
    >>> cases = spars.datasets.phantoms(2, shape=(48, 48, 32))
    >>> classifier = spars.Classifier((108, 108, 108), seed=0)
    >>> history = classifier.fit(
    ...     cases, window=(12, 12, 12), grid=None, epochs=1, steps_per_epoch=1, scans_per_step=2,
    ...     crops_per_scan=1, seed=0,
    ... )
    >>> len(history.epochs), classifier.training is not None
    (1, True)
    """
    settings = fitted(settings, _sources(dataset, validation))
    callbacks = callbacks_of(settings.callback, settings.tensorboard, _OWNER, "fit")
    rule = EarlyStop(settings.epochs, settings.monitor, settings.patience, settings.min_delta)
    checkpoint = None
    if settings.checkpoint is not None:
        checkpoint = check_begun(settings.checkpoint, _OWNER, resume=settings.resume)
    options = recorded_options(settings)
    _check_batch(classifier, options)
    examples = _examples(dataset, validation, settings)
    rule.check_validation(settings.weights, examples["validation"].labels)
    training = examples["training"]
    cases = training.cases if isinstance(training, ScanExamples) else ()
    options["class_weights"] = check_class_weights(settings.class_weights, cases)
    if settings.steps_per_epoch is None:
        options["steps_per_epoch"] = max(1, len(cases) // 4)
    run = Run(
        classifier, examples, settings.protocol, options, settings.augmentation,
        schedule_of(settings.learning_rate), rule, checkpoint,
        as_progress(settings.progress, settings.owner, "batches"),
    )  # fmt: skip
    if settings.resume and checkpoint is not None:
        run.resume(checkpoint)
    # Before the first step: what is kept of a training that ends early needs it too.
    classifier.recipe = (
        learned.of_windows(dataset, run.used)
        if isinstance(dataset, Windows)
        else learned.of_scans(settings, run.used, classifier.recipe)
    )
    if settings.scan_sampling != "balanced":
        # Which the first step refuses.
        _warn_of_one_label(training)
    return run.run(callbacks)


def _warn_of_one_label(training: Examples) -> None:
    if len(training.labels) == 1:
        kind = "shows" if training.labels == {1} else "shows no"
        warnings.warn(
            f"Every scan of the dataset {kind} tumour by its label: there is nothing to tell "
            "apart, and the classifier will learn to answer the same everywhere.",
            UserWarning,
            stacklevel=5,
        )


def _sources(dataset: object, validation: object) -> dict[str, Windows | None]:
    """Return the source of each parameter that is given, None for scans."""
    given = {"dataset": dataset, "validation": validation}
    return {
        name: value if isinstance(value, Windows) else None
        for name, value in given.items()
        if value is not None or name == "dataset"
    }


def _examples(
    dataset: Iterable[Case] | Windows,
    validation: Iterable[Case] | Windows | None,
    settings: TrainingSettings,
) -> dict[str, Examples]:
    """Return the examples of both roles, checked as far as they can be without loading any."""
    protocol = settings.protocol
    grid = settings.grid if protocol.scan_frame == "resampled" else None
    each, crops = settings.scans_per_step, settings.crops_per_scan
    room = Room(protocol, settings.window, settings.grid)
    has_masks = protocol.crop_label == "voxel"
    scans = Scans(grid, has_masks, settings.cache_bytes, room, protocol.orientation)

    def of(given: Iterable[Case] | Windows | None, name: str, role: str) -> Examples:
        if isinstance(given, Windows):
            return MadeExamples(role, given, each * crops)
        cases = [] if given is None else check_cases(given, name, protocol, room)
        balanced = settings.scan_sampling == "balanced"
        return ScanExamples(role, cases, scans, each, crops, balanced=balanced)

    return {
        "training": of(dataset, "dataset", "training"),
        "validation": of(validation, "validation", "validation"),
    }


def recorded_options(settings: TrainingSettings) -> dict[str, Any]:
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


def schedule_of(rate: Any) -> Callable[[float], float]:
    """Return a checked `learning_rate` as a function of what remains."""
    if callable(rate):
        return rate
    if isinstance(rate, tuple):
        highest, _ = rate
        return lambda remaining: highest * min(1.0, 2.0 * remaining)
    return lambda _: rate

"""`spars train`: on scans and their labels, or on windows of made lesions."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import spars
from spars._support.defaults import INPUT_OF_RECORD, INPUT_OF_WINDOWS
from spars._support.progress import progress_bar
from spars.classifier.network import Classifier
from spars.classifier.recipe import Recipe
from spars.classifier.training.checkpoint import read_records
from spars.classifier.training.history import History
from spars.classifier.training.made import check_training
from spars.classifier.training.settings import TrainingSettings
from spars.command.inputs import dataset_of, note
from spars.command.options import LESION, WINDOW, given
from spars.command.outputs import check_outputs, modified, write_json
from spars.lesions import Host, LesionLaw, Windows, WindowSettings
from spars.report.text import losses, number
from spars.volume.datasets import Case, Dataset

#: HU about the organ's level that the network sees of made windows, and about 0 without a level.
_SEEN = (-100.0, 80.0)


def train(arguments: Namespace) -> tuple[dict[str, Any], str]:
    """Train a classifier and write its weights."""
    if not arguments.output.endswith(".safetensors"):
        raise ValueError(f"--output must end in .safetensors. Got {arguments.output}.")
    check_outputs(
        {
            "--output": arguments.output,
            "--history": arguments.history,
            "--checkpoint": arguments.checkpoint,
        },
        {"--csv": arguments.csv},
    )
    if arguments.resume and not arguments.checkpoint:
        raise ValueError("--resume goes on from the file of --checkpoint. Got none.")
    if arguments.lesions:
        return _train_on_windows(arguments)
    _refuse_windows(arguments)
    dataset = dataset_of(arguments)
    training, held_out = _split(arguments, dataset)
    options = _training_options(arguments)
    settings = TrainingSettings.of(options)
    classifier = spars.Classifier(
        input_shape=tuple(arguments.input_shape or INPUT_OF_RECORD), seed=settings.seed
    )
    history = _fit(arguments, settings, options, classifier, training, held_out or None)
    return _written(arguments, settings, classifier, history, f"{len(training)} scans")


def _train_on_windows(arguments: Namespace) -> tuple[dict[str, Any], str]:
    """Train on windows of tumour-free organs with lesions made into them."""
    options = _training_options(arguments)
    settings = TrainingSettings.of(options)
    # All that can be refused is, before minutes of making hosts.
    check_training(settings)
    window = options.pop("window", None)
    drawn = given(arguments, WindowSettings, without=("window",), prefix=WINDOW)
    drawn |= {} if window is None else {"window": window}
    law = LesionLaw.of(given(arguments, LesionLaw, prefix=LESION))
    recipe = Recipe.of_organ(
        **({} if arguments.spacing is None else {"spacing": arguments.spacing})
    )
    _check_windows(law, drawn)
    cases, left_out = _tumour_free(dataset_of(arguments))
    _split(arguments, cases)
    if left_out:
        note(f"left out, for they show tumour or have no label: {', '.join(left_out)}")
    hosts = spars.lesions.hosts(cases, recipe, progress_bar("livers"))
    kept = len(hosts) - arguments.validation_scans
    source = spars.lesions.windows(hosts[:kept], law, settings.seed, **drawn)
    validation = None
    if kept < len(hosts):
        seed = (settings.seed + 1) % 2**64
        validation = spars.lesions.windows(hosts[kept:], law, seed, **drawn)
    classifier = spars.Classifier(
        tuple(arguments.input_shape or INPUT_OF_WINDOWS), _seen(source.settings), settings.seed
    )
    history = _fit(arguments, settings, options, classifier, source, validation)
    what = f"windows of {kept} tumour-free organs"
    result, text = _written(arguments, settings, classifier, history, what)
    if validation is not None:
        text += f"\nWindows of {len(hosts) - kept} kept apart: {_measured(history, settings)}"
    return result | {"left_out": left_out}, text


def _seen(drawn: WindowSettings) -> spars.IntensityWindow:
    """Return the HU that a network of made windows sees."""
    low, high = (edge + (drawn.level_at or 0.0) for edge in _SEEN)
    return spars.IntensityWindow((low + high) / 2, high - low)


def _measured(history: History, settings: TrainingSettings) -> str:
    """Return what validation measured of the weights that are written."""
    number_of = history.best_epoch if settings.weights == "best" else None
    measured = history.epochs[-1 if number_of is None else number_of - 1]["validation"]
    area, right = measured["roc_auc"], measured["accuracy"]
    return f"ROC AUC {number(area)}, accuracy {number(right)}"


def _tumour_free(dataset: Dataset) -> tuple[Dataset, list[str]]:
    """Return the cases that are known to be tumour-free, and the names of the others."""
    free = [case.has_tumour is False for case in dataset]
    if not any(free):
        raise ValueError("--lesions needs a scan that is known to be tumour-free. Got none.")
    cases = Dataset(case for case, is_free in zip(dataset, free, strict=True) if is_free)
    return cases, [case.name for case, is_free in zip(dataset, free, strict=True) if not is_free]


def _split(arguments: Namespace, dataset: Dataset) -> tuple[Dataset, Dataset]:
    """Return what is trained on, and what --validation-scans keeps apart."""
    kept = arguments.validation_scans
    if not 0 <= kept < len(dataset):
        raise ValueError(
            "--validation-scans must leave a scan to train on: "
            f"0 to {len(dataset) - 1}. Got {kept}."
        )
    return dataset.split(len(dataset) - kept)


def _refuse_windows(arguments: Namespace) -> None:
    """Refuse options of made windows where scans are trained on."""
    names = [] if arguments.spacing is None else ["spacing"]
    for settings, prefix in ((LesionLaw, LESION), (WindowSettings, WINDOW)):
        without = ("window",) if settings is WindowSettings else ()
        found = given(arguments, settings, without=without, prefix=prefix)
        names += [f"{prefix}-{name.replace('_', '-')}" for name in found]
    if names:
        raise ValueError(f"--{names[0]} is of --lesions synthetic.")


def _check_windows(law: LesionLaw, drawn: Mapping[str, Any]) -> None:
    """Refuse what makes no windows of any host, by a host that takes no time to make."""
    shape = (8, 8, 8)
    host = Host(np.zeros(shape, np.float32), np.ones(shape, np.uint8), level=0.0)
    spars.lesions.windows([host], law, **drawn)


def _written(
    arguments: Namespace,
    settings: TrainingSettings,
    classifier: Classifier,
    history: History,
    what: str,
) -> tuple[dict[str, Any], str]:
    """Write weights and history; return the command's result and its text."""
    told = history.to_dict()
    classifier.save(arguments.output)
    if arguments.history:
        write_json(arguments.history, told)
    loss = losses(told["epochs"])
    text = (
        f"{arguments.output}: trained on {what} for {len(loss)} epochs, "
        f"loss {loss[0]:.3f} to {loss[-1]:.3f}"
    )
    if settings.weights == "best" and history.best_epoch is not None:
        text += f"; the weights are those of epoch {history.best_epoch}"
    if history.ended_by == "patience":
        text += f"\nEnded early: {history.reason}"
    return {"output": arguments.output, "history": told}, text


def _training_options(arguments: Namespace) -> dict[str, Any]:
    """Return the keywords of `fit` that were given."""
    options = given(arguments, TrainingSettings)
    augmentation = spars.Augmentation(**given(arguments, spars.Augmentation))
    if augmentation != spars.Augmentation():
        options["augmentation"] = augmentation
    return options


def _fit(
    arguments: Namespace,
    settings: TrainingSettings,
    options: Mapping[str, Any],
    classifier: Classifier,
    training: Sequence[Case] | Windows,
    validation: Sequence[Case] | Windows | None,
) -> History:
    """Train; where that ends early, write what the finished epochs gave."""
    earlier = read_records(arguments.checkpoint) if arguments.resume else []
    made = []
    kept = modified(arguments.checkpoint)
    try:
        return classifier.fit(
            training,
            validation,
            **options,
            progress=progress_bar("training"),
            callback=lambda _, record: made.append(record),
        )
    except BaseException:
        # The classifier is at its last whole step; hours of work are kept, whatever ended them.
        if made:
            classifier.save(arguments.output)
            if arguments.history:
                write_json(arguments.history, {"epochs": earlier + made})
            note(
                f"{arguments.output} holds the weights after {made[-1]['epoch']} of "
                f"{settings.epochs} epochs"
            )
        if modified(arguments.checkpoint) != kept:
            note(f"{arguments.checkpoint} holds the state; --resume goes on from it")
        raise

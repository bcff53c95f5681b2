"""`spars train`: on scans and their labels, or on windows of made lesions."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import spars
from spars._support.checks import check_integer
from spars._support.defaults import INPUT_OF_RECORD, INPUT_OF_WINDOWS
from spars._support.progress import progress_bar
from spars._support.settings import Settings
from spars.classifier.ensemble import AnyClassifier, Ensemble, members_of
from spars.classifier.files import MOST
from spars.classifier.network import Classifier
from spars.classifier.recipe import Recipe
from spars.classifier.training.checkpoint import read_records
from spars.classifier.training.history import History
from spars.classifier.training.made import check_training
from spars.classifier.training.settings import TrainingSettings
from spars.command.inputs import dataset_of, note
from spars.command.options import LESION, WEAK, WINDOW, given
from spars.command.outputs import check_outputs, modified, write_json
from spars.lesions import Host, LesionLaw, Windows, WindowSettings
from spars.report.text import losses, number
from spars.search.weak_label_settings import WeakLabelSettings
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
    check_integer(arguments.seeds, "seeds", "train", 1, MOST)
    if arguments.seeds > 1 and arguments.checkpoint:
        raise ValueError(f"--checkpoint is of one training. Got --seeds {arguments.seeds}.")
    if arguments.lesions:
        return _train_on_windows(arguments)
    _refuse_windows(arguments)
    dataset = dataset_of(arguments)
    training, held_out = _split(arguments, dataset)
    options = _training_options(arguments)
    settings = TrainingSettings.of(options)

    def begun(seed: int) -> tuple[Classifier, Dataset]:
        shape = tuple(arguments.input_shape or INPUT_OF_RECORD)
        return spars.Classifier(input_shape=shape, seed=seed), training

    classifier, histories = _fit_each(arguments, settings, options, begun, held_out or None)
    return _written(arguments, settings, classifier, histories, f"{len(training)} scans")


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
    dataset = dataset_of(arguments)
    cases, left_out = _tumour_free(dataset)
    _split(arguments, cases)
    labelled = _labelled(arguments, dataset)
    if labelled is not None:
        left_out = [case.name for case in dataset if case.has_tumour is None]
    if left_out:
        note(f"left out, for they show tumour or have no label: {', '.join(left_out)}")
    hosts = spars.lesions.hosts(cases, recipe, progress_bar("livers"))
    kept = len(hosts) - arguments.validation_scans
    validation = None
    if kept < len(hosts):
        seed = (settings.seed + 1) % 2**64
        validation = spars.lesions.windows(hosts[kept:], law, seed, **drawn)

    def begun(seed: int) -> tuple[Classifier, Windows]:
        source = spars.lesions.windows(hosts[:kept], law, seed, **drawn)
        shape = tuple(arguments.input_shape or INPUT_OF_WINDOWS)
        return spars.Classifier(shape, _seen(source.settings), seed), source

    def finished(classifier: Classifier, seed: int) -> None:
        if labelled is None:
            return
        made = spars.lesions.windows(hosts[:kept], law, (seed + 2) % 2**64, **drawn)
        found = spars.fit_weak_labels(
            classifier, *labelled, made, seed=seed, progress=progress_bar("image-level labels"),
            **given(arguments, WeakLabelSettings, without=("seed",), prefix=WEAK),
        )  # fmt: skip
        told.append(str(found))

    told: list[str] = []
    classifier, histories = _fit_each(arguments, settings, options, begun, validation, finished)
    what = f"windows of {kept} tumour-free organs"
    result, text = _written(arguments, settings, classifier, histories, what)
    if validation is not None:
        for history in histories:
            text += f"\nWindows of {len(hosts) - kept} kept apart: {_measured(history, settings)}"
    return result | {"left_out": left_out}, "\n".join([text, *told])


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


def _labelled(arguments: Namespace, dataset: Dataset) -> tuple[Dataset, Dataset] | None:
    """Return what --then-weak-labels learns from, and the scans of both labels kept apart."""
    if not arguments.then_weak_labels:
        _refuse(arguments, WeakLabelSettings, WEAK, ("seed",), "--then-weak-labels")
        return None
    kept = arguments.validation_scans
    free, shown = (
        Dataset(case for case in dataset if case.has_tumour is label) for label in (False, True)
    )
    if not 0 < kept < len(shown):
        raise ValueError(
            "--then-weak-labels keeps the last --validation-scans of both labels apart: 1 or more, "
            f"and fewer than the {len(shown)} scans with tumours. Got {kept}."
        )
    (learned, apart), (other_learned, other_apart) = (
        group.split(len(group) - kept) for group in (free, shown)
    )
    return learned + other_learned, apart + other_apart


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
    source = "--lesions synthetic"
    for name in ("spacing", "then_weak_labels"):
        if getattr(arguments, name) not in (None, False):
            raise ValueError(f"--{name.replace('_', '-')} is of {source}.")
    _refuse(arguments, LesionLaw, LESION, (), source)
    _refuse(arguments, WindowSettings, WINDOW, ("window",), source)
    _refuse(arguments, WeakLabelSettings, WEAK, ("seed",), "--then-weak-labels")


def _refuse(
    arguments: Namespace, settings: type[Settings], prefix: str, without: Sequence[str], of: str
) -> None:
    """Refuse the options of settings that mean nothing without another option."""
    for name in given(arguments, settings, without=without, prefix=prefix):
        raise ValueError(f"--{prefix}-{name.replace('_', '-')} is of {of}.")


def _check_windows(law: LesionLaw, drawn: Mapping[str, Any]) -> None:
    """Refuse what makes no windows of any host, by a host that takes no time to make."""
    shape = (8, 8, 8)
    host = Host(np.zeros(shape, np.float32), np.ones(shape, np.uint8), level=0.0)
    spars.lesions.windows([host], law, **drawn)


def _written(
    arguments: Namespace,
    settings: TrainingSettings,
    classifier: AnyClassifier,
    histories: Sequence[History],
    what: str,
) -> tuple[dict[str, Any], str]:
    """Write weights and history; return the command's result and its text."""
    records = [one.training for one in members_of(classifier)]
    told = records[0] if len(records) == 1 else {"members": records}
    classifier.save(arguments.output)
    if arguments.history:
        write_json(arguments.history, told)
    lines = []
    if len(records) > 1:
        lines.append(f"{arguments.output}: an ensemble of {len(records)} classifiers")
    for history in histories:
        loss = losses(history.epochs)
        line = (
            f"{arguments.output}: trained on {what} for {len(loss)} epochs, "
            f"loss {loss[0]:.3f} to {loss[-1]:.3f}"
        )
        if settings.weights == "best" and history.best_epoch is not None:
            line += f"; the weights are those of epoch {history.best_epoch}"
        lines.append(line)
        if history.ended_by == "patience":
            lines.append(f"Ended early: {history.reason}")
    return {"output": arguments.output, "history": told}, "\n".join(lines)


def _training_options(arguments: Namespace) -> dict[str, Any]:
    """Return the keywords of `fit` that were given."""
    options = given(arguments, TrainingSettings)
    augmentation = spars.Augmentation(**given(arguments, spars.Augmentation))
    if augmentation != spars.Augmentation():
        options["augmentation"] = augmentation
    return options


def _fit_each(
    arguments: Namespace,
    settings: TrainingSettings,
    options: Mapping[str, Any],
    begun: Callable[[int], tuple[Classifier, Sequence[Case] | Windows]],
    validation: Sequence[Case] | Windows | None,
    finished: Callable[[Classifier, int], None] = lambda *_: None,
) -> tuple[AnyClassifier, list[History]]:
    """Train a classifier for each of --seeds.

    `begun` makes one and its dataset of a seed; `finished` is told of it when it is trained.
    """
    members: list[Classifier] = []
    histories: list[History] = []
    for member in range(arguments.seeds):
        seed = (settings.seed + member) % 2**64
        classifier, training = begun(seed)
        own = {**options, "seed": seed}
        histories.append(
            _fit(arguments, settings, own, classifier, training, validation, members, finished)
        )
        members.append(classifier)
    return _together(members), histories


def _together(classifiers: Sequence[Classifier]) -> AnyClassifier:
    """Return one classifier as it is, several as an ensemble."""
    return classifiers[0] if len(classifiers) == 1 else Ensemble(classifiers)


def _fit(
    arguments: Namespace,
    settings: TrainingSettings,
    options: Mapping[str, Any],
    classifier: Classifier,
    training: Sequence[Case] | Windows,
    validation: Sequence[Case] | Windows | None,
    members: Sequence[Classifier],
    finished: Callable[[Classifier, int], None],
) -> History:
    """Train; where that ends early, write the `members` before, else what whole epochs gave."""
    earlier = read_records(arguments.checkpoint) if arguments.resume else []
    made = []
    kept = modified(arguments.checkpoint)
    try:
        history = classifier.fit(
            training,
            validation,
            **options,
            progress=progress_bar("training"),
            callback=lambda _, record: made.append(record),
        )
        finished(classifier, options["seed"])
        return history
    except BaseException:
        # The classifier is at its last whole step; hours of work are kept, whatever ended them.
        if members:
            _together(members).save(arguments.output)
            note(f"{arguments.output} holds the {len(members)} of {arguments.seeds} that are done")
        elif made:
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

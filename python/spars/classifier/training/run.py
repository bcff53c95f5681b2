"""The loop of a training: steps, epochs, validation, checkpoints."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spars._core import native
from spars._core.handles import Handle
from spars._support import checkpoints
from spars._support.callbacks import CallbackList
from spars._support.checks import check_float
from spars._support.errors import FormatError
from spars._support.log import log
from spars._support.provenance import versions
from spars._support.types import FloatArray, Progress
from spars.classifier.augmentation import Augmentation
from spars.classifier.parameters import layout, value_count
from spars.classifier.training import checkpoint as _training_checkpoint
from spars.classifier.training.early_stop import EarlyStop
from spars.classifier.training.examples import Examples
from spars.classifier.training.history import (
    History,
    Record,
    classification_metrics,
    measured,
    plain,
)
from spars.classifier.training.scans import crop_extent
from spars.volume.protocol import Protocol

if TYPE_CHECKING:
    from spars.classifier.network import Classifier


class Run:
    """A training under way.

    A signal may come between any two lines. What must agree is therefore assigned at once, in
    `finished`; the core counts the steps, and losses and rates beyond its count are not looked at.
    """

    def __init__(
        self,
        classifier: Classifier,
        examples: Mapping[str, Examples],
        protocol: Protocol,
        options: dict[str, Any],
        augmentation: Augmentation | None,
        schedule: Callable[[float], float],
        rule: EarlyStop,
        checkpoint: Path | None,
        progress: Progress | None,
    ) -> None:
        self.classifier = classifier
        self.examples = examples
        self.protocol = protocol
        self.options = options
        self.schedule = schedule
        self.rule = rule
        self.checkpoint = checkpoint
        self.progress = progress
        self.batches = 0
        # Steps and whole epochs that the checkpoint holds.
        self.written = (0, 0)
        self.losses = np.empty(options["steps_per_epoch"])
        self.rates = np.empty(0)
        # The records of whole epochs, and the parameters after the best one with their step count.
        self.finished: tuple[list[Record], FloatArray, int] = ([], np.empty(0, np.float32), 0)
        if classifier.intensity_window is None:
            classifier.intensity_window = protocol.intensity_window
        self.trainer = self._trainer(augmentation)
        #: The protocol with the HU range that the network sees.
        self.used = protocol.with_switches(intensity_window=classifier.intensity_window)
        self.history = History(
            configuration={
                "input_shape": classifier.input_shape,
                "optimizer": {"name": "Adam", "betas": (0.9, 0.999), "eps": 1e-8},
                "protocol": self.used.to_dict(),
                **options,
            },
            inputs=self._inputs(),
            versions=versions(),
        )

    def run(self, callbacks: CallbackList) -> History:
        try:
            with callbacks.watching(plain(self.history.configuration)):
                self._train(callbacks)
        finally:
            self._keep()
        records, best, tracked = self.finished
        if len(best):
            native.classifier_set_parameters(self.classifier._handle.value, best, tracked)
        return self.history

    def _train(self, callbacks: CallbackList) -> None:
        history = self.history
        history.epochs = list(self.finished[0])
        history.best_epoch = self.rule.best(history.epochs)
        history.inputs = self._inputs()
        while True:
            ending = self.rule.ending(self.finished[0])
            if ending is not None:
                history.ended_by, history.reason = ending
                return
            record = self._epoch()
            history.epochs.append(record)
            history.best_epoch = self.rule.best(history.epochs)
            history.inputs = self._inputs()
            log.info(
                "epoch %d of %d: loss %.4f", record["epoch"], self.options["epochs"], record["loss"]
            )
            self._keep()
            if not callbacks.step(measured(record), record["epoch"], self.classifier, record):
                history.ended_by = "callback"
                history.reason = f"The callback ended it after epoch {record['epoch']}."
                return

    def _epoch(self) -> Record:
        """Make, or finish, one epoch; return its record."""
        records, best, tracked = self.finished
        steps = self.options["steps_per_epoch"]
        before = len(records) * steps
        total = self.options["epochs"] * steps
        self.rates = np.concatenate([self.rates[: self._steps()], np.empty(steps)])
        for step in range(self._steps() - before, steps):
            self.examples["training"].fill(self.trainer.value, before + step)
            rate = check_rate(self.schedule(1.0 - (before + step) / total))
            self.rates[before + step] = rate
            native.trainer_step(self.trainer.value, rate, self.losses[step : step + 1])
            self._report()
        record = {
            "epoch": len(records) + 1,
            "loss": math.fsum(self.losses) / steps,
            "learning_rate": float(self.rates[before + steps - 1]),
        }
        if not self.examples["validation"].is_empty:
            record["validation"] = self._validate()
        records = [*records, record]
        if self.options["weights"] == "best" and self.rule.best(records) == len(records):
            best, tracked = self._parameters()
        self.finished = (records, best, tracked)
        return record

    def _trainer(self, augmentation: Augmentation | None) -> Handle:
        options, protocol = self.options, self.protocol
        threshold = options["foreground_threshold"]
        pooling, pooled_crops = _pooling(options["pooling"])
        training = {
            "protocol": protocol,
            "foreground_threshold": threshold if options["crop_sampling"] == "foreground" else None,
            "crop_shape": crop_extent(protocol, options["window"]),
            "crops_per_scan": options["crops_per_scan"],
            "pooling": pooling,
            "pooled_crops": pooled_crops,
            "class_weights": options["class_weights"],
            "augmentation": None if augmentation is None else augmentation._values(),
            "seed": options["seed"],
        }
        return Handle(native.trainer_create(self.classifier._handle.value, training))

    def _validate(self) -> dict[str, float]:
        count = self.examples["validation"].count
        steps = self.options["validation_steps"]
        scores = np.empty((steps, count), np.float32)
        labels = np.empty((steps, count), np.int64)
        for step in range(steps):
            self.examples["validation"].fill(self.trainer.value, step)
            native.trainer_evaluate(self.trainer.value, scores[step], labels[step])
            self._report()
        return classification_metrics(scores.ravel(), labels.ravel())

    @property
    def _validation_steps(self) -> int:
        """Batches of validation after each epoch."""
        return 0 if self.examples["validation"].is_empty else self.options["validation_steps"]

    def _report(self) -> None:
        self.batches += 1
        if self.progress is not None:
            each = self.options["steps_per_epoch"] + self._validation_steps
            self.progress(self.batches, self.options["epochs"] * each)

    def _steps(self) -> int:
        return native.trainer_state(self.trainer.value, None)

    def _parameters(self) -> tuple[FloatArray, int]:
        """Return a copy of the classifier's parameters, and the steps behind its statistics."""
        handle = self.classifier._handle.value
        parameters = np.empty(value_count(layout(self.classifier.input_shape)), np.float32)
        native.classifier_parameters(handle, parameters)
        return parameters, native.classifier_batches_tracked(handle)

    def _inputs(self) -> list[dict[str, Any]]:
        return [record for each in self.examples.values() for record in each.records]

    def _keep(self) -> None:
        """Write the checkpoint if there is something new to keep."""
        records, best, best_tracked = self.finished
        steps = self._steps()
        stands = (steps, len(records))
        if self.checkpoint is None or steps == 0 or stands == self.written:
            return
        trained = [tensor for tensor in layout(self.classifier.input_shape) if tensor[2]]
        moments = np.empty(2 * value_count(trained), np.float32)
        native.trainer_state(self.trainer.value, moments)
        parameters, tracked = self._parameters()
        state = _training_checkpoint.State(
            steps=steps, records=records, moments=moments, parameters=parameters, tracked=tracked,
            losses=self.losses[: steps - len(records) * self.options["steps_per_epoch"]],
            rates=self.rates[:steps], best=best, best_tracked=best_tracked,
            seen=[
                (role, number, record)
                for role, each in self.examples.items()
                for number, record in each.seen.items()
            ],
        )  # fmt: skip
        configuration = self.history.configuration

        def save(path: Path) -> None:
            _training_checkpoint.write(path, state, configuration, self.examples)

        if checkpoints.kept(self.checkpoint, save):
            self.written = stands

    def resume(self, path: Path) -> None:
        """Take over what the checkpoint at `path` holds."""
        options = self.options
        state = _training_checkpoint.read(path, self.history.configuration, self.examples)
        total = options["epochs"] * options["steps_per_epoch"]
        if state.steps > total:
            raise ValueError(
                f"The 'epochs' parameter of fit must leave room for the {state.steps} steps that "
                f"{path} has taken. Got {options['epochs']} instead, which are {total} steps."
            )
        _training_checkpoint.check_ends(path, self.rule, state.records)
        _training_checkpoint.check_rates(path, state.rates, self.schedule, options["epochs"], total)
        for role, each in self.examples.items():
            each.seen = {number: record for of, number, record in state.seen if of == role}
            each.check_unchanged(path)
        handle = self.classifier._handle.value
        before = self._parameters()
        try:
            native.trainer_restore(self.trainer.value, state.moments, state.steps)
            if len(state.best):
                # Refused now if it is none, not at the end of the training.
                native.classifier_set_parameters(handle, state.best, state.best_tracked)
            native.classifier_set_parameters(handle, state.parameters, state.tracked)
        except (ValueError, OverflowError) as error:
            native.classifier_set_parameters(handle, *before)
            raise FormatError(f"{path}: not a checkpoint that fit wrote: {error}") from error
        begun = len(state.losses)
        self.losses[:begun] = state.losses
        self.rates = state.rates
        self.finished = (state.records, state.best, state.best_tracked)
        self.batches = state.steps + len(state.records) * self._validation_steps
        self.written = (state.steps, len(state.records))


def _pooling(pooling: str | int | None) -> tuple[str, int]:
    """Return the core's name of a pooling, and of how many crops."""
    if isinstance(pooling, int):
        return "highest", pooling
    if pooling == "max":
        return "highest", 1
    return pooling or "none", 0


def check_rate(rate: object) -> float:
    return check_float(rate, "learning_rate", "fit", 0.0, open_low=True)

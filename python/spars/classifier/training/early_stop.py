"""When a training ends, and which of its epochs is the best: functions of its records alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from spars.classifier.training.history import Record

MONITORS = ("loss", "accuracy", "precision", "sensitivity", "specificity", "roc_auc")
# The labels without which a metric has no value.
_NEEDED_LABELS = {"sensitivity": {1}, "specificity": {0}, "roc_auc": {0, 1}}


@dataclass(frozen=True)
class EarlyStop:
    """What is watched, and how long without a better value.

    With `start`, what was measured before the first epoch, an epoch must be better than that. An
    epoch is better if its value passes the best one by more than `min_delta`; loss passes
    downwards, all else upwards. NaN is never better.
    """

    epochs: int
    monitor: str
    patience: int | None
    min_delta: float
    start: float = math.nan

    def check_validation(self, weights: str, labels: set[int]) -> None:
        """Refuse a rule that has nothing to go by.

        `labels` are those that validation crops can have, none without validation scans.
        """
        if self.patience is None and weights == "last":
            return
        if not labels:
            name, usual, got = (
                ("weights", "last", weights)
                if self.patience is None
                else ("patience", None, self.patience)
            )
            raise ValueError(
                f"The '{name}' parameter of fit must be {usual!r} without validation scans, by "
                f"which epochs are compared. Got {got!r} instead."
            )
        missing = _NEEDED_LABELS.get(self.monitor, set()) - labels
        if missing:
            kind = "with" if missing == {1} else "without"
            raise ValueError(
                "The 'monitor' parameter of fit must be a metric that the validation scans give: "
                f"none is {kind} tumour, so that it would be NaN. Got {self.monitor!r} instead."
            )

    def best(self, records: Sequence[Record]) -> int | None:
        """Return the number of the best epoch, or None."""
        best, bound = None, self.start
        for record in records:
            value = self._value(record)
            is_first = math.isnan(bound) and not math.isnan(value)
            if is_first or self._loss(value) < self._loss(bound) - self.min_delta:
                best, bound = record["epoch"], value
        return best

    def ending(self, records: Sequence[Record]) -> tuple[str, str] | None:
        """Return (ended_by, reason) if training ends after these epochs, else None."""
        made = len(records)
        best = self.best(records)
        if self.patience is not None and made - (best or 0) >= self.patience:
            return "patience", self._patience_reason(records, best)
        if made >= self.epochs:
            return "epochs", f"All {made} epochs were made."
        return None

    def _patience_reason(self, records: Sequence[Record], best: int | None) -> str:
        if best is None and not math.isnan(self.start):
            return (
                f"Validation {self.monitor} was {self.start:.6g} before the first epoch and not "
                f"better by more than {self.min_delta:g} in {len(records)} epochs since."
            )
        if best is None:
            first = f"Validation {self.monitor} was NaN in all {len(records)} epochs"
            return f"{first}, so that none was better for a patience of {self.patience}."
        value = self._value(records[best - 1])
        reason = (
            f"Validation {self.monitor} was {value:.6g} after epoch {best} and not better by more "
            f"than {self.min_delta:g} in {len(records) - best} epochs since."
        )
        undefined = sum(math.isnan(self._value(record)) for record in records[best:])
        return reason + (f" It was NaN in {undefined} of them." if undefined else "")

    def _value(self, record: Record) -> float:
        return record["validation"][self.monitor] if "validation" in record else math.nan

    def _loss(self, value: float) -> float:
        return value if self.monitor == "loss" else -value

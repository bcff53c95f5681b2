"""The report's section on the training of the classifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from spars.report.drawing import chart
from spars.report.text import losses, number, number_or_nan

if TYPE_CHECKING:
    from spars.classifier.training.history import History


def training_section(history: History | None) -> dict[str, Any] | None:
    """Return the section's text and charts, or None without a history."""
    if history is None:
        return None
    epochs = history.to_dict()["epochs"]
    loss = losses(epochs)
    kept = kept_epoch(history)
    charts = [
        chart(
            {"training": loss},
            "epoch",
            "cross entropy",
            _about_loss(history.to_dict().get("configuration", {})),
            mark=kept,
        )
    ]
    if "validation" in epochs[0]:
        names = {"sensitivity": "sensitivity", "specificity": "specificity", "roc_auc": "ROC AUC"}
        measured = {
            label: [number_or_nan(epoch["validation"][name]) for epoch in epochs]
            for name, label in names.items()
        }
        charts.append(
            chart(
                measured,
                "epoch",
                "on validation crops",
                "Crops of scans kept apart from training, judged by their scan's label, which "
                "many of them do not show.",
                mark=kept,
            )
        )
    text = (
        f"{len(loss)} epochs; the mean cross entropy went from {number(loss[0])} "
        f"to {number(loss[-1])}."
    )
    if kept is not None:
        text += f" The classifier has the weights of epoch {kept[0]}, marked by a dashed line."
    return {"text": text, "charts": charts}


def _about_loss(configuration: Mapping[str, Any]) -> str:
    if configuration.get("pooling") is None:
        return (
            "Mean cross entropy of the crops of each epoch, before the step. Guessing one half "
            "gives 0.693. Crops of a positive scan that show no tumour carry its label too, so "
            "zero is out of reach."
        )
    return (
        "Mean cross entropy of the scans drawn in each epoch, before the step; a scan answers by "
        "its pooled crops. Guessing one half gives 0.693. Crops that miss a scan's tumours put "
        "zero out of reach."
    )


def kept_epoch(history: History) -> tuple[int, str] | None:
    """Return what `spars.plots.curves` marks: the epoch whose weights were kept, or None.

    None where those of the last epoch were kept because nothing else was asked for, or because no
    epoch could be judged.
    """
    values = history.to_dict()
    best = values.get("best_epoch")
    if best is None or values.get("configuration", {}).get("weights") != "best":
        return None
    return best, f"weights kept: epoch {best}"

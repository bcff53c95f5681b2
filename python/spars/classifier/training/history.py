"""What a training run reports: its history, and the metrics of its validation crops."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spars._core import native
from spars._support.extras import require
from spars._support.notebook import card, curve
from spars._support.types import FloatArray
from spars.report import charts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Quantities of the last epoch that a notebook shows.
_SHOWN = ("train/loss", "validation/loss", "validation/accuracy", "validation/roc_auc")
#: Of an epoch, or of what validation measured in it.
Record: TypeAlias = dict[str, Any]


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
    best_epoch : int or None
        The epoch whose `monitor` was best; None without validation scans, or where it was NaN in
        all epochs. With ``weights="best"`` the classifier has this epoch's parameters.
    ended_by : str
        "epochs" (all were made), "patience", or "callback"; empty while training goes on.
    reason : str
        The same in a sentence, with the numbers.
    configuration : dict
        Every argument of the run that changes its result, the protocol's switches included.
    inputs : list of dict
        "name", "has_tumour", "role" and "sha256" (of the values trained on) of each scan drawn;
        with voxel labels also "mask_sha256". Of a source of made windows "role", "law",
        "settings", "seed" and "hosts": "spacing" (mm), "level" (HU), "voxels", "sha256" and
        "mask_sha256" of each organ.
    versions : dict
        Versions of spars, NumPy and Python.
    """

    epochs: list[Record] = field(default_factory=list)
    best_epoch: int | None = None
    ended_by: str = ""
    reason: str = ""
    configuration: dict[str, Any] = field(default_factory=dict)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold; NaN becomes None."""
        return plain(asdict(self))

    def frame(self) -> Any:
        """Return the epochs as a pandas DataFrame, by names as ``"train/loss"``.

        Returns
        -------
        pandas.DataFrame
            A row for each epoch, whose number is the index "epoch".

        Raises
        ------
        ImportError
            pandas (the extra "tables") is not installed.

        Examples
        --------
        >>> epochs = [{"epoch": n, "loss": 1 / n, "learning_rate": 0.001} for n in (1, 2)]
        >>> History(epochs=epochs).frame()["train/loss"].tolist()
        [1.0, 0.5]
        """
        pandas = require("pandas", "tables", "A table of epochs")
        index = pandas.Index([record["epoch"] for record in self.epochs], name="epoch")
        return pandas.DataFrame([measured(record) for record in self.epochs], index=index)

    def plot(self) -> Figure:
        """Draw loss and, with validation scans, its measures, epoch by epoch.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ImportError
            matplotlib (the extra "report") is not installed.

        Examples
        --------
        >>> epochs = [{"epoch": n, "loss": 1 / n, "learning_rate": 0.001} for n in (1, 2)]
        >>> figure = History(epochs=epochs).plot()
        """
        panels = [self._series({"training": "train/loss", "validation": "validation/loss"})]
        labels = ["cross entropy"]
        names = {"sensitivity": "sensitivity", "specificity": "specificity", "ROC AUC": "roc_auc"}
        tested = self._series({name: f"validation/{key}" for name, key in names.items()})
        if tested:
            panels.append(tested)
            labels.append("on validation crops")
        return charts.panels(panels, x_label="epoch", y_labels=labels)

    def _series(self, names: dict[str, str]) -> dict[str, list[float]]:
        """Return the values of every epoch of those quantities that were measured."""
        values = [measured(record) for record in self.epochs]
        return {
            name: [each.get(key, math.nan) for each in values]
            for name, key in names.items()
            if any(key in each for each in values)
        }

    def _repr_html_(self) -> str:
        """Return what a notebook shows: how training ended, and the curve of its loss."""
        last = self.epochs[-1] if self.epochs else {}
        rows = [
            ("epochs", len(self.epochs)),
            ("ended", self.reason or None),
            ("best epoch", self.best_epoch),
            *((f"last {name}", f"{value:.3g}") for name, value in measured(last).items()
              if name in _SHOWN),
        ]  # fmt: skip
        curves = [
            curve(values, f"{name} loss", "epochs")
            for name, values in self._series(
                {"training": "train/loss", "validation": "validation/loss"}
            ).items()
        ]
        return card("Training", rows, *curves)


def measured(record: Record) -> dict[str, float]:
    """Return the numbers of an epoch's record by names as ``"train/loss"``, NaN included."""
    values = {f"train/{name}": record[name] for name in ("loss", "learning_rate") if name in record}
    tested = record.get("validation", {})
    return values | {f"validation/{name}": value for name, value in tested.items()}


def plain(value: Any) -> Any:
    """Return plain values that JSON can hold: tuples become lists, NaN and infinities None."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def classification_metrics(scores: FloatArray, has_tumour: NDArray[np.int64]) -> dict[str, float]:
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
    found = native.classification_measures(scores, has_tumour)
    # A float32 score of 0 or 1 stands for a probability within half a unit of it.
    tiny = 2.0**-25
    right = np.where(has_tumour == 1, scores, 1.0 - scores.astype(np.float64))
    return {
        "loss": float(-np.log(np.maximum(right, tiny)).mean()),
        "true_positives": found.true_positives,
        "false_positives": found.false_positives,
        "true_negatives": found.true_negatives,
        "false_negatives": found.false_negatives,
        "accuracy": found.accuracy,
        "precision": found.precision,
        "sensitivity": found.sensitivity,
        "specificity": found.specificity,
        "roc_auc": found.roc_auc,
    }

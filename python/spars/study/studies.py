"""The published repository's runs as settings: main run, training sizes, thresholds, windows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from spars._support.checks import check_choice, shown
from spars._support.defaults import (
    GRID_OF_RECORD,
    INPUT_OF_RECORD,
    TERMINATION_THRESHOLD_OF_RECORD,
    WINDOW_OF_RECORD,
)
from spars._support.progress import as_progress
from spars._support.types import Progress
from spars.classifier.network import Classifier
from spars.study.experiments import Experiment, over_patients
from spars.volume.datasets import Case, Dataset
from spars.volume.protocol import Protocol

__all__ = ["STUDIES", "Result", "Setting", "run_study", "table"]

#: Scans that follow the training scans and validate the classifier.
VALIDATION_SCANS = 16


@dataclass(frozen=True)
class Setting:
    """One run: what differs between the runs of the published repository.

    Parameters
    ----------
    name : str
        What tables call it.
    training_scans : int
        Scans the classifier learns from; the steps of an epoch are a quarter of it.
    window : (int, int, int)
        The moving window, in voxels of the grid.
    termination_threshold : float
        Score above which an episode ends.
    """

    name: str
    training_scans: int = 24
    window: tuple[int, int, int] = WINDOW_OF_RECORD
    termination_threshold: float = TERMINATION_THRESHOLD_OF_RECORD


#: The published repository's studies by name, each a tuple of settings in its order.
STUDIES = {
    "main": (Setting("main run"),),
    "training_sizes": tuple(
        Setting(f"{scans} training scans", training_scans=scans) for scans in (8, 12, 16, 20, 24)
    ),
    "termination_thresholds": tuple(
        Setting(f"threshold {threshold}", window=(64, 64, 32), termination_threshold=threshold)
        for threshold in (0.2, 0.3, 0.4, 0.5, 0.6)
    ),
    "window_sizes": tuple(
        Setting(f"window {x} x {y} x {z}", window=(x, y, z))
        for x, y, z in ((8, 8, 8), (16, 16, 8), (32, 32, 16), (48, 48, 24), (64, 64, 32))
    ),
}


@dataclass(frozen=True)
class Result:
    """What one setting gave.

    Attributes
    ----------
    setting : Setting
    experiment : Experiment
        The masks' metrics, one row a patient and seed.
    validation : dict or None
        The classifier's metrics on the validation scans after its last epoch; None without
        validation scans, or for a classifier that was given.
    """

    setting: Setting
    experiment: Experiment
    validation: dict[str, Any] | None = field(default=None)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "setting": asdict(self.setting),
            "dice": self.experiment.summary(),
            "rows": list(self.experiment.rows),
            "validation": self.validation,
        }


def run_study(
    study: str | Sequence[Setting],
    dataset: Iterable[Case],
    *,
    held_out: Sequence[Case] | None = None,
    classifier: Classifier | None = None,
    protocol: str | Protocol = "published",
    iterations: int = 10_000,
    epochs: int = 32,
    input_shape: Sequence[int] = INPUT_OF_RECORD,
    grid: Sequence[int] | None = GRID_OF_RECORD,
    seeds: Sequence[int] = (0,),
    progress: Progress | bool | None = None,
    **arguments: Any,
) -> list[Result]:
    """Train and segment as one study of the published repository does, setting by setting.

    Parameters
    ----------
    study : {"main", "training_sizes", "termination_thresholds", "window_sizes"} or sequence
        Which; or settings of one's own.
    dataset : sequence of Case
        Training scans, then the 16 validation scans (fewer, or none, where it ends earlier). Masks
        are read where the protocol's `crop_label` is "voxel".
    held_out : sequence of Case, optional
        Scans with reference masks to segment. Without it the first training scan is segmented, as
        the released scripts do; the paper's protocol reports on held-out scans and needs it.
    classifier : Classifier, optional
        Trained already; otherwise one is trained for each number of training scans, and for each
        window too where the protocol's crops have the window's size.
    protocol : {"published", "paper"} or Protocol
        What is done where the released scripts and the paper's text part ways.
    iterations, epochs, input_shape, grid
        Lengths of self-play and training, the network's input and the model grid; the defaults are
        those of record.
    seeds : sequence of int
        The first is that of training; each segments every scan once.
    progress : callable or True, optional
        Called with (done, planned) settings; True draws a bar (the extra "progress").
    **arguments
        Passed to `spars.segment`, for example ``region=`` or ``n_steps=``.

    Returns
    -------
    list of Result

    Raises
    ------
    ValueError, TypeError
        There is no such study, there are fewer scans than a setting trains on, or no held-out scan
        though the protocol reports over patients.
    """
    if isinstance(study, str):
        study = STUDIES[check_choice(study, "study", "run_study", tuple(STUDIES))]
    progress = as_progress(progress, "run_study", "settings")
    protocol = Protocol.named(protocol)
    dataset = Dataset(dataset)
    _check(study, dataset, held_out, classifier, protocol)
    trained, results = {}, []
    for number, setting in enumerate(study):
        if classifier is not None:
            scorer, validation = classifier, None
        else:
            by_window = setting.window if protocol.crop_size == "window" else None
            key = setting.training_scans, by_window
            if key not in trained:
                trained[key] = _train(
                    setting, dataset, protocol, epochs, input_shape, grid, seeds[0]
                )
            scorer, validation = trained[key]
        experiment = over_patients(
            dataset[:1] if held_out is None else held_out,
            scorer,
            seeds=seeds,
            protocol=protocol,
            window=setting.window,
            grid=grid,
            termination_threshold=setting.termination_threshold,
            iterations=iterations,
            **arguments,
        )
        results.append(Result(setting, experiment, validation))
        if progress is not None:
            progress(number + 1, len(study))
    return results


def table(results: Iterable[Result]) -> str:
    """Return results as a Markdown table: Dice, and what the classifier reached.

    Mean and SD are over patients with a 95 % bootstrap interval of the mean, or over iterations
    where the protocol reports so (D15).
    """
    lines = ["| setting | Dice | n | validation ROC AUC |", "|---|---|---|---|"]
    for result in results:
        summary = result.experiment.summary()
        dice = f"{summary['mean']:.3f} ± {summary['sd']:.3f}"
        if "low" in summary:
            dice += f" ({summary['low']:.3f} to {summary['high']:.3f})"
        area = (result.validation or {}).get("roc_auc", float("nan"))
        area = "" if area is None or np.isnan(area) else f"{area:.3f}"
        lines.append(f"| {result.setting.name} | {dice} | {summary['n']} | {area} |")
    return "\n".join(lines)


def _check(
    study: Sequence[Setting],
    dataset: Dataset,
    held_out: Sequence[Case] | None,
    classifier: Classifier | None,
    protocol: Protocol,
) -> None:
    if not study or not all(isinstance(setting, Setting) for setting in study):
        raise TypeError(
            "The 'study' parameter of run_study must be the name of a study or settings. "
            f"Got {shown(study)} instead."
        )
    needed = 1 if classifier is not None else max(setting.training_scans for setting in study)
    if (held_out is None or classifier is None) and len(dataset) < needed:
        raise ValueError(
            f"The 'dataset' parameter of run_study must hold {needed} scans or more to train on. "
            f"Got {len(dataset)} instead."
        )
    if held_out is None and protocol.summary_over == "patients":
        raise ValueError(
            "The 'held_out' parameter of run_study must hold scans where the protocol reports "
            "over patients (D15). Got None instead."
        )


def _train(
    setting: Setting,
    dataset: Dataset,
    protocol: Protocol,
    epochs: int,
    input_shape: Sequence[int],
    grid: Sequence[int] | None,
    seed: int,
) -> tuple[Classifier, dict[str, Any] | None]:
    """Return a classifier of this setting, and its last validation metrics or None."""
    scans = setting.training_scans
    classifier = Classifier(input_shape=input_shape, seed=seed)
    history = classifier.fit(
        dataset[:scans],
        dataset[scans : scans + VALIDATION_SCANS] or None,
        window=setting.window,
        grid=grid,
        epochs=epochs,
        protocol=protocol,
        seed=seed,
    )
    return classifier, history.epochs[-1].get("validation")

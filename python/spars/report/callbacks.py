"""What can watch a training, a run of play or a study: bars, logs of three kinds, live curves.

`Callback` is their contract, and the base of your own. Each goes wherever a `callback` is taken:
`Classifier.fit`, `self_play`, `Run.resume`.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping
from typing import Any

from spars._support.callbacks import Callback, CallbackList, Callbacks, check_callbacks
from spars._support.checks import check_float, check_integer
from spars._support.extras import require
from spars._support.json import jsonable
from spars._support.progress import ProgressBar
from spars._support.types import PathLike
from spars.report import charts
from spars.report.text import flatten

__all__ = [
    "Callback", "LiveCurves", "MLflow", "ProgressBar", "TensorBoard", "WeightsAndBiases",
]  # fmt: skip

#: What `LiveCurves` shows of each kind of work: the names of one panel's curves.
_SHOWN = {
    "fit": (
        ("train/loss", "validation/loss"),
        ("validation/sensitivity", "validation/specificity", "validation/roc_auc"),
    ),
    "self_play": (
        ("rollout/reward_mean",),
        ("rollout/learner_score_mean", "rollout/opponent_score_mean"),
        ("rollout/dice",),
    ),
}
#: The longest value of a parameter that every MLflow store takes.
_LONGEST = 500


def callbacks_of(
    callback: Callbacks | None, tensorboard: PathLike | None, owner: str, kind: str
) -> CallbackList:
    """Return what the `callback` and `tensorboard` of a call stand for."""
    given = check_callbacks(callback, "callback", owner)
    return CallbackList(
        (*given, *([] if tensorboard is None else [TensorBoard(tensorboard)])), kind
    )


def _defined(values: Mapping[str, float]) -> dict[str, float]:
    """Return the values that are numbers: NaN is what is not defined, as Dice of empty masks."""
    return {name: float(value) for name, value in values.items() if not math.isnan(value)}


class TensorBoard(Callback):
    """Writes what is measured as event files that TensorBoard shows.

    It needs tensorboardX (the extra "tensorboard"), and neither TensorFlow nor PyTorch. A run's
    steps are the game's, so that runs of other `n_steps` lie on one axis; a training's are epochs.
    Names are stable-baselines3's where it has one: ``train/...`` of `Run.log`, and ``rollout/...``
    of what was played; ``train/...`` and ``validation/...`` of a training.

    Parameters
    ----------
    path : path
        Folder for the event files; each run in a folder of its own is a curve of its own.
    every : int
        Iterations, epochs or tasks between two written ones.

    Raises
    ------
    ImportError
        tensorboardX is missing.

    Notes
    -----
    Work that is resumed writes another file into the folder, and TensorBoard joins them.

    Examples
    --------
    >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
    >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
    >>> log = spars.callbacks.TensorBoard("logs")
    >>> run = spars.self_play(
    ...     scan, darkness, iterations=2, window=(8, 8, 8), grid=scan.shape, n_steps=8, callback=log
    ... )
    """

    def __init__(self, path: PathLike, every: int = 1) -> None:
        self.path = path
        self.every = check_integer(every, "every", "TensorBoard", 1)
        self._make = require("tensorboardX", "tensorboard", "Writing event files").SummaryWriter
        self._writer: Any = None
        self._configuration: Mapping[str, Any] = {}
        self._told = 0

    def on_start(self, kind: str, configuration: Mapping[str, Any]) -> None:
        """Keep the configuration, which stands first in the file."""
        self._configuration = configuration
        self._told = 0

    def on_step(self, values: Mapping[str, float], step: int) -> None:
        """Write one step."""
        if self._writer is None:
            # Files are named by the second; one of an earlier part must not be overwritten.
            suffix = f".{os.getpid()}.{step:09d}"
            self._writer = self._make(str(self.path), filename_suffix=suffix)
            text = json.dumps(jsonable(self._configuration), indent=2)
            self._writer.add_text("configuration", f"```json\n{text}\n```", 0)
        self._told += 1
        if self._told % self.every == 0:
            for name, value in _defined(values).items():
                self._writer.add_scalar(name, value, step)

    def on_end(self, error: BaseException | None = None) -> None:
        """Write what is left to disk; work that goes on begins another file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


class WeightsAndBiases(Callback):
    """Logs what is measured to Weights & Biases, each piece of work as a run of its own.

    It needs wandb (the extra "wandb"). ``mode="offline"`` keeps the run in a folder, and nothing
    leaves the machine.

    Parameters
    ----------
    project : str
        The project of the run.
    **options
        Passed to ``wandb.init``, for example ``mode``, ``dir``, ``group`` or ``tags``.

    Raises
    ------
    ImportError
        wandb is missing.

    Examples
    --------
    >>> log = spars.callbacks.WeightsAndBiases("livers", mode="offline")

    ``classifier.fit(dataset, callback=log)`` is then a run of the project.
    """

    def __init__(self, project: str = "spars", **options: Any) -> None:
        self._wandb = require("wandb", "wandb", "Logging to Weights & Biases")
        self._options = {"project": project} | options
        self._run: Any = None

    def on_start(self, kind: str, configuration: Mapping[str, Any]) -> None:
        """Begin a run with this configuration."""
        options = {"job_type": kind} | self._options
        self._run = self._wandb.init(config=jsonable(dict(configuration)), **options)

    def on_step(self, values: Mapping[str, float], step: int) -> None:
        """Log one step."""
        self._run.log(_defined(values), step=step)

    def on_end(self, error: BaseException | None = None) -> None:
        """Finish the run; one that an exception ended is marked as failed."""
        if self._run is not None:
            self._run.finish(exit_code=0 if error is None else 1)
            self._run = None


class MLflow(Callback):
    """Logs what is measured to MLflow, each piece of work as a run of its own.

    It needs mlflow or mlflow-skinny (the extra "mlflow"), and leaves MLflow's active run alone.

    Parameters
    ----------
    experiment : str
        The experiment of the run, made if there is none of that name.
    uri : str, optional
        Where MLflow keeps it: a server's address, or a database as ``"sqlite:///runs.db"``. By
        default where MLflow's own settings say.

    Raises
    ------
    ImportError
        MLflow is missing.

    Notes
    -----
    Parameters of a run are the configuration's plain values by dotted names, cut to 500 characters.

    Examples
    --------
    >>> log = spars.callbacks.MLflow("livers", "sqlite:///runs.db")

    ``classifier.fit(dataset, callback=log)`` is then a run of the experiment.
    """

    def __init__(self, experiment: str = "spars", uri: str | None = None) -> None:
        self._mlflow = require("mlflow", "mlflow", "Logging to MLflow")
        self._client = require("mlflow.tracking", "mlflow", "Logging to MLflow").MlflowClient(uri)
        self._experiment = experiment
        self._run = ""

    def on_start(self, kind: str, configuration: Mapping[str, Any]) -> None:
        """Begin a run with this configuration."""
        known = self._client.get_experiment_by_name(self._experiment)
        place = self._client.create_experiment(self._experiment) if known is None else None
        run = self._client.create_run(place or known.experiment_id, tags={"kind": kind})
        self._run = run.info.run_id
        parameter = self._mlflow.entities.Param
        told = [
            parameter(name, text[:_LONGEST])
            for name, text in flatten(jsonable(dict(configuration)))
        ]
        # A hundred at a time is what a server takes.
        for first in range(0, len(told), 100):
            self._client.log_batch(self._run, params=told[first : first + 100])

    def on_step(self, values: Mapping[str, float], step: int) -> None:
        """Log one step."""
        now, metric = int(1000 * time.time()), self._mlflow.entities.Metric
        told = [metric(name, value, now, step) for name, value in _defined(values).items()]
        self._client.log_batch(self._run, metrics=told)

    def on_end(self, error: BaseException | None = None) -> None:
        """End the run: finished, killed (by Ctrl-C) or failed."""
        if self._run:
            killed = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
            self._client.set_terminated(self._run, "FINISHED" if error is None else killed)
            self._run = ""


class LiveCurves(Callback):
    """Draws what is measured in a notebook, below the cell, while the work goes on.

    It needs matplotlib and IPython (the extras "report" and "notebook").

    Parameters
    ----------
    *panels : sequences of str
        The names of each panel's curves, as ``("train/loss", "validation/loss")``. By default the
        losses and validation's measures of a training; rewards, scores and Dice of a run; each
        quantity of a study in a panel of its own. Panels without values are left out.
    seconds : float
        The least time between two drawings.

    Raises
    ------
    ImportError
        matplotlib or IPython is missing.

    Examples
    --------
    >>> curves = spars.callbacks.LiveCurves(("train/loss", "validation/loss"), seconds=2.0)

    ``classifier.fit(dataset, callback=curves)`` draws both losses below the cell.
    """

    def __init__(self, *panels: tuple[str, ...], seconds: float = 1.0) -> None:
        self._display = require("IPython.display", "notebook", "Live curves").display
        require("matplotlib.figure", "report", "Live curves")
        self._panels = panels
        self._seconds = check_float(seconds, "seconds", "LiveCurves", 0.0)
        self.on_start("", {})

    def on_start(self, kind: str, configuration: Mapping[str, Any]) -> None:
        """Begin new curves."""
        self._kind = kind
        self._values: dict[str, list[float]] = {}
        self._count, self._drawn, self._at = 0, 0, -math.inf
        self._shown: Any = None

    def on_step(self, values: Mapping[str, float], step: int) -> None:
        """Take the values, and draw if the last drawing is long enough ago."""
        for name in {**self._values, **values}:
            earlier = self._values.setdefault(name, [math.nan] * self._count)
            earlier.append(values.get(name, math.nan))
        self._count += 1
        if time.monotonic() - self._at >= self._seconds:
            self._draw()

    def on_end(self, error: BaseException | None = None) -> None:
        """Draw what came since the last drawing."""
        if self._drawn < self._count:
            self._draw()

    def _draw(self) -> None:
        wanted = self._panels or _SHOWN.get(self._kind) or [(name,) for name in self._values]
        panels = [
            {name: self._values[name] for name in names if name in self._values} for names in wanted
        ]
        panels = [panel for panel in panels if panel]
        self._at, self._drawn = time.monotonic(), self._count
        if not panels:
            return
        label = {"fit": "epoch", "self_play": "iteration"}.get(self._kind, "step")
        figure = charts.panels(panels, x_label=label)
        if self._shown is None:
            self._shown = self._display(figure, display_id=True)
        else:
            self._shown.update(figure)

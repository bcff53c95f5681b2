"""One contract for what watches: a training, a run of play, and whatever else takes callbacks."""

import math
import sys
from types import ModuleType, SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest

import spars
from spars import callbacks
from spars._support.callbacks import CallbackList, check_callbacks
from spars.callbacks import Callback

mpl.use("Agg")

SCAN = np.random.default_rng(0).random((14, 12, 10)).astype(np.float32)


class Recorder(Callback):
    """Keeps what it is told."""

    def __init__(self, ends_at=None):
        self.told, self.ends_at = [], ends_at

    def on_start(self, kind, configuration):
        self.told.append((kind, dict(configuration)))

    def on_step(self, values, step):
        self.told.append((dict(values), step))
        return step != self.ends_at

    def on_end(self, error=None):
        self.told.append(error)


def play(callback, iterations=3, **options):
    return spars.self_play(
        SCAN, lambda crops: crops.mean(axis=(1, 2, 3)), iterations=iterations, window=(6, 6, 4),
        n_steps=8, termination_threshold=0.99, callback=callback, **options,
    )  # fmt: skip


def fit(callback, **options):
    cases = [
        spars.datasets.Case(f"scan {i}", bool(i), lambda i=i: spars.Volume(SCAN + i))
        for i in range(2)
    ]
    return spars.Classifier((108, 108, 108)).fit(
        cases, cases, window=(6, 6, 4), grid=None, epochs=3, steps_per_epoch=1, scans_per_step=1,
        crops_per_scan=2, validation_steps=1, callback=callback, **options,
    )  # fmt: skip


def test_play_tells_every_iteration_by_the_games_steps():
    watcher = Recorder()
    run = play(watcher)
    (kind, configuration), *steps, error = watcher.told
    assert (kind, error) == ("self_play", None)
    assert configuration["n_steps"] == 8
    assert [step for _, step in steps] == [8, 16, 24]
    assert [values["rollout/reward_mean"] for values, _ in steps] == run.rewards.tolist()


def test_training_tells_every_epoch_with_what_validation_measured():
    watcher = Recorder()
    history = fit(watcher)
    (kind, configuration), *steps, error = watcher.told
    assert (kind, error) == ("fit", None)
    assert configuration["epochs"] == 3
    assert [step for _, step in steps] == [1, 2, 3]
    assert [v["train/loss"] for v, _ in steps] == [e["loss"] for e in history.epochs]
    for (values, _), epoch in zip(steps, history.epochs, strict=True):
        for name, value in epoch["validation"].items():
            np.testing.assert_equal(values[f"validation/{name}"], value)


def test_false_ends_either():
    assert len(play(Recorder(ends_at=16))) == 2
    history = fit([lambda *_: None, Recorder(ends_at=1)])
    assert (len(history.epochs), history.ended_by) == (1, "callback")


@pytest.mark.parametrize("work", [play, fit], ids=["play", "fit"])
def test_all_are_told_of_the_end_by_an_exception(work):
    watcher, closed = Recorder(), []

    class Failing:
        def __call__(self, *work):
            raise RuntimeError("full")

        def close(self):
            closed.append(True)

    with pytest.raises(RuntimeError, match="full"):
        work([watcher, Failing()])
    assert isinstance(watcher.told[-1], RuntimeError)
    assert closed == [True]


def test_one_that_fails_at_the_end_keeps_no_other_from_its_own():
    class Failing(Callback):
        def on_end(self, error=None):
            raise OSError("no room")

    first, last = Recorder(), Recorder()
    with (
        pytest.raises(OSError, match="no room"),
        CallbackList([first, Failing(), last], "study").watching({}),
    ):
        pass
    assert first.told[-1] is None or isinstance(first.told[-1], OSError)
    assert len(first.told) == len(last.told) == 2


@pytest.mark.parametrize("given", [3, "log", [None], {1: 2}])
def test_what_cannot_watch_is_refused(given):
    with pytest.raises(TypeError, match=r"'callback' parameter of fit must be a Callback"):
        check_callbacks(given, "callback", "fit")
    for work in (play, fit):
        with pytest.raises(TypeError, match="'callback'"):
            work(given)


def test_a_base_callback_ends_nothing():
    assert len(play(Callback(), 2)) == 2


# Loggers, by fakes of their libraries; the real ones stand in `interoperability`


def fake(monkeypatch, name, **members):
    module = ModuleType(name)
    vars(module).update(members)
    monkeypatch.setitem(sys.modules, name, module)
    return module


@pytest.mark.parametrize("fails", [False, True])
def test_weights_and_biases_gets_one_run_with_configuration_steps_and_end(monkeypatch, fails):
    told = []

    class Run:
        def log(self, values, step):
            assert not any(math.isnan(value) for value in values.values())
            told.append(step)
            if fails:
                raise ConnectionError("gone")

        def finish(self, exit_code):
            told.append(exit_code)

    def init(**options):
        told.append((options["project"], options["mode"], options["job_type"]))
        assert options["config"]["n_steps"] == 8
        return Run()

    fake(monkeypatch, "wandb", init=init)
    log = callbacks.WeightsAndBiases("livers", mode="offline")
    if fails:
        with pytest.raises(ConnectionError):
            play(log, 2)
        assert told == [("livers", "offline", "self_play"), 8, 1]
    else:
        play(log, 2)
        assert told == [("livers", "offline", "self_play"), 8, 16, 0]


def test_mlflow_gets_parameters_metrics_and_how_it_ended(monkeypatch):
    told = []

    class Client:
        def __init__(self, uri):
            told.append(uri)

        def get_experiment_by_name(self, name):
            return None

        def create_experiment(self, name):
            return "7"

        def create_run(self, experiment, tags):
            told.append((experiment, tags))
            return SimpleNamespace(info=SimpleNamespace(run_id="r"))

        def log_batch(self, run, metrics=(), params=()):
            assert len(params) <= 100
            told.extend([run, *((m[0], m[3]) for m in metrics)])
            told.extend(name for name, _ in params)

        def set_terminated(self, run, status):
            told.append(status)

    entities = SimpleNamespace(Param=lambda *a: a, Metric=lambda *a: a)
    fake(monkeypatch, "mlflow", entities=entities)
    fake(monkeypatch, "mlflow.tracking", MlflowClient=Client)
    fit(callbacks.MLflow("livers", "sqlite:///runs.db"))
    assert told[:2] == ["sqlite:///runs.db", ("7", {"kind": "fit"})]
    assert {"epochs", "protocol.accumulation", ("train/loss", 3)} <= {*told[2:-1]}
    assert told[-1] == "FINISHED"


@pytest.mark.parametrize(
    ("make", "extra"),
    [
        (lambda: callbacks.TensorBoard("logs"), "tensorboard"),
        (callbacks.WeightsAndBiases, "wandb"),
        (callbacks.MLflow, "mlflow"),
        (callbacks.LiveCurves, "notebook"),
    ],
)
def test_a_logger_names_the_extra_that_it_needs(monkeypatch, make, extra):
    for name in ("tensorboardX", "wandb", "mlflow", "IPython.display"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=rf"spars\[{extra}\]"):
        make()


def test_curves_are_drawn_in_one_place_while_training_goes_on(monkeypatch):
    drawn = []

    class Handle:
        def update(self, figure):
            drawn.append([ax.get_legend_handles_labels()[1] for ax in figure.axes])

    def display(figure, display_id):
        assert display_id
        drawn.append(figure)
        return Handle()

    fake(monkeypatch, "IPython.display", display=display)
    fit(callbacks.LiveCurves(seconds=0))
    first, *later = drawn
    assert len(later) == 2
    assert first._repr_png_().startswith(b"\x89PNG")
    assert later[-1][0] == ["train/loss", "validation/loss"]


def test_curves_keep_quantities_that_come_late_in_their_place(monkeypatch):
    figures = []
    handle = SimpleNamespace(update=figures.append)
    fake(monkeypatch, "IPython.display", display=lambda figure, display_id: handle)
    live = callbacks.LiveCurves(("a", "b"), seconds=0)
    live.on_start("study", {})
    for step, values in enumerate([{"a": 1.0}, {"a": 2.0, "b": 5.0}, {"b": 6.0}], 1):
        live.on_step(values, step)
    live.on_end()
    lines = {line.get_label(): line.get_ydata() for line in figures[-1].axes[0].lines}
    np.testing.assert_array_equal(lines["a"], [1, 2, np.nan])
    np.testing.assert_array_equal(lines["b"], [np.nan, 5, 6])

"""When a training ends early, and whose weights it leaves."""

import math

import numpy as np
import pytest

import spars
from spars.classifier.training.early_stop import MONITORS, EarlyStop
from spars.volume.datasets import Case

INPUT = (108, 108, 108)


def _records(values, monitor="roc_auc"):
    return [
        {"epoch": epoch, "validation": {monitor: value}} for epoch, value in enumerate(values, 1)
    ]


def _rule(patience=2, monitor="roc_auc", min_delta=0.0, epochs=100):
    return EarlyStop(epochs, monitor, patience, min_delta)


@pytest.mark.parametrize(
    ("monitor", "min_delta", "values", "best"),
    [
        ("roc_auc", 0.0, [0.5, 0.7, 0.7, 0.6], 2),
        ("roc_auc", 0.0, [0.5, 0.7, 0.71], 3),
        ("roc_auc", 0.1, [0.5, 0.55, 0.61, 0.7], 3),
        ("loss", 0.0, [0.7, 0.5, 0.5, 0.6], 2),
        ("loss", 0.1, [0.7, 0.65, 0.59, 0.5], 3),
        ("roc_auc", 0.0, [math.nan, 0.4, math.nan, 0.5, math.nan], 4),
        ("roc_auc", 0.0, [math.nan, math.nan], None),
        ("loss", 0.0, [], None),
    ],
)
def test_the_best_epoch_is_the_first_that_none_passes(monitor, min_delta, values, best):
    assert _rule(None, monitor, min_delta).best(_records(values, monitor)) == best


@pytest.mark.parametrize(
    ("start", "values", "best"),
    [
        (0.6, [0.5, 0.6, 0.7], 3),
        (0.7, [0.5, 0.7, math.nan], None),
        (0.7, [0.8, 0.9, 0.85], 2),
        (math.nan, [math.nan, 0.1], 2),
    ],
)
def test_an_epoch_must_be_better_than_what_was_before_the_first(start, values, best):
    rule = EarlyStop(100, "roc_auc", len(values), 0.0, start)
    assert rule.best(_records(values)) == best
    if best is None:
        reason = "was 0.7 before the first epoch and not better by more than 0 in 3 epochs since."
        assert reason in rule.ending(_records(values))[1]


@pytest.mark.parametrize("seed", range(20))
def test_patience_counts_epochs_since_the_best_as_a_plain_loop_does(seed):
    rng = np.random.default_rng(seed)
    values = np.round(rng.random(30), 1)
    values[rng.random(30) < 0.2] = np.nan
    patience = int(rng.integers(1, 6))
    best, waited, ended = -math.inf, 0, None
    for made, value in enumerate(values, 1):
        if value > best:
            best, waited = value, 0
        else:
            waited += 1
        if waited == patience:
            ended = made
            break
    rule = _rule(patience)
    found = next((made for made in range(1, 31) if rule.ending(_records(values[:made]))), None)
    assert found == ended, f"seed {seed}"


def test_reasons_have_the_numbers_and_say_nan():
    rule = _rule(3)
    ended_by, reason = rule.ending(_records([0.5, 0.75, 0.7, math.nan, 0.75]))
    assert ended_by == "patience"
    assert "roc_auc was 0.75 after epoch 2" in reason
    assert "in 3 epochs since. It was NaN in 1 of them." in reason
    assert "NaN in all 3 epochs" in rule.ending(_records([math.nan] * 3))[1]
    assert rule.ending(_records([0.5, 0.5, 0.5])) is None
    assert _rule(None, epochs=2).ending(_records([1.0, 0.0])) == (
        "epochs", "All 2 epochs were made.",
    )  # fmt: skip


def _cases(shift=60, labels=(0, 1, 0, 1)):
    def case(number, label):
        values = np.random.default_rng(number).normal(40 + shift * label, 20, (12, 12, 12))
        return Case(f"scan{number}", bool(label), lambda: values.astype(np.float32))

    return [case(number, label) for number, label in enumerate(labels)]


def _fit(validation=None, callback=None, **options):
    classifier = spars.Classifier(INPUT, seed=2)
    settings = {
        "window": (8, 8, 8), "grid": None, "epochs": 6, "steps_per_epoch": 1, "scans_per_step": 4,
        "crops_per_scan": 1, "validation_steps": 1, "seed": 3,
    }  # fmt: skip
    history = classifier.fit(_cases(), validation, callback=callback, **(settings | options))
    return classifier, history


def test_the_best_weights_are_those_of_the_best_epoch():
    epochs, parameters = [], []

    def keep(classifier, record):
        epochs.append(record)
        parameters.append(classifier.parameters())

    # Labels turned round: the better it learns, the worse it validates.
    against = _cases(shift=-60)
    classifier, history = _fit(
        against, keep, weights="best", patience=3, learning_rate=3e-3, epochs=9
    )
    losses = [record["validation"]["loss"] for record in epochs]
    best = int(np.argmin(losses))
    assert history.best_epoch == best + 1 < len(losses)
    assert history.ended_by == "patience"
    assert len(losses) == best + 1 + 3
    for name, array in classifier.parameters().items():
        np.testing.assert_array_equal(array, parameters[best][name], err_msg=name)
    last, same = _fit(against, patience=3, learning_rate=3e-3, epochs=9)
    assert same.best_epoch == history.best_epoch
    for name, array in last.parameters().items():
        np.testing.assert_array_equal(array, parameters[-1][name], err_msg=name)


def test_every_epoch_is_validated_on_the_same_crops():
    # Nothing is learned, so that labels tell the draws apart: 12 scans an epoch of 4, by chance.
    _, history = _fit(_cases(), learning_rate=1e-30, validation_steps=3, epochs=5)
    positive = [
        record["validation"]["true_positives"] + record["validation"]["false_negatives"]
        for record in history.epochs
    ]
    assert len(set(positive)) == 1
    # Which ones depends on the seed.
    others = {
        sum(
            _fit(_cases(), validation_steps=3, epochs=1, seed=seed)[1].epochs[0]["validation"][name]
            for name in ("true_positives", "false_negatives")
        )
        for seed in range(4)
    }
    assert len(others) > 1


def test_without_a_value_the_last_weights_stay_and_the_history_says_so():
    parameters = spars.Classifier(INPUT, seed=2).parameters()
    # It answers "no tumour" whatever it sees, so that precision is 0 of 0.
    parameters["fc5.weight"][:] = 0
    parameters["fc5.bias"][:] = (5, -5)
    classifier = spars.Classifier.from_parameters(parameters, INPUT)
    history = classifier.fit(
        _cases(), _cases(), window=(8, 8, 8), grid=None, epochs=9, steps_per_epoch=1,
        scans_per_step=2, crops_per_scan=1, validation_steps=1, learning_rate=1e-12,
        monitor="precision", weights="best", patience=2,
    )  # fmt: skip
    assert history.best_epoch is None
    assert len(history.epochs) == 2
    assert "precision was NaN in all 2 epochs" in history.reason
    # Running statistics moved: these are not the weights of before.
    moved = classifier.parameters()["bn1.running_mean"]
    assert not np.array_equal(moved, parameters["bn1.running_mean"])


def test_history_says_how_it_ended():
    _, history = _fit(epochs=1)
    assert (history.ended_by, history.best_epoch) == ("epochs", None)
    _, history = _fit(_cases(), epochs=1)
    assert history.best_epoch == 1
    _, history = _fit(callback=lambda *_: False)
    assert history.ended_by == "callback"
    assert "after epoch 1" in history.reason
    assert history.to_dict()["reason"] == history.reason


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"patience": 0}, ValueError, "'patience'"),
        ({"patience": 1.5}, TypeError, "'patience'"),
        ({"patience": 2}, ValueError, "'patience' .* must be None without validation"),
        ({"weights": "best"}, ValueError, "'weights' .* must be 'last' without validation"),
        ({"weights": "first"}, ValueError, "'weights'"),
        ({"monitor": "dice"}, ValueError, "'monitor'"),
        ({"min_delta": -1.0}, ValueError, "'min_delta'"),
        ({"min_delta": math.nan}, ValueError, "'min_delta'"),
    ],
)
def test_fit_refuses(options, error, text):
    with pytest.raises(error, match=text):
        _fit(**options)


@pytest.mark.parametrize(
    ("monitor", "labels", "missing"),
    [
        ("roc_auc", (1, 1), "without"), ("roc_auc", (0, 0), "with"),
        ("sensitivity", (0, 0), "with"), ("specificity", (1, 1), "without"),
    ],
)  # fmt: skip
def test_a_monitor_that_can_only_be_nan_is_refused(monitor, labels, missing):
    with pytest.raises(ValueError, match=f"'monitor'.*none is {missing} tumour"):
        _fit(_cases(labels=labels), monitor=monitor, patience=2)
    # It is only measured where nothing depends on it.
    _fit(_cases(labels=labels), monitor=monitor, epochs=1)


def test_the_command_line_offers_every_monitor():
    from spars.command.cli import _parser

    for monitor in MONITORS:
        arguments = ["train", "--phantoms", "2", "--output", "w", "--monitor", monitor]
        assert _parser().parse_args(arguments).monitor == monitor

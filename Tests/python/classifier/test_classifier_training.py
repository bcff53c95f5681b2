"""Training the classifier from Python: what is learned, reported, stopped and refused."""

import _thread
import inspect
import math
import threading

import numpy as np
import pytest
from classifier_cases import INPUT, noise_case, noise_cases, train, untrained

import spars
from spars import datasets


def test_fit_learns_reports_and_is_repeatable():
    first, second = (spars.Classifier(INPUT, seed=2) for _ in range(2))
    calls, records = [], []
    options = {"epochs": 6, "scans_per_step": 4}
    history = train(
        first, validation=noise_cases(), progress=lambda *call: calls.append(call),
        callback=lambda _, record: records.append(record), **options,
    )  # fmt: skip
    assert first.intensity_window == spars.Protocol.paper().intensity_window
    assert calls == [(i, 12) for i in range(1, 13)]
    assert records == history.epochs
    assert [record["epoch"] for record in history.epochs] == list(range(1, 7))
    assert history.epochs[-1]["loss"] < 0.5 < history.epochs[0]["loss"]
    validation = history.epochs[-1]["validation"]
    assert sum(validation[key] for key in validation if key.endswith("tives")) == 4
    assert history.configuration["protocol"]["crop_label"] == "image"
    assert {entry["name"] for entry in history.inputs} <= {f"scan{i}" for i in range(4)}
    again = train(second, validation=noise_cases(), **options)
    assert again.to_dict() == history.to_dict()
    for name, array in first.parameters().items():
        assert np.array_equal(array, second.parameters()[name]), name


def test_the_schedule_of_record_takes_a_quarter_of_the_scans_as_steps():
    calls = []
    train(
        spars.Classifier(INPUT), noise_cases(9), epochs=1, steps_per_epoch=None,
        progress=lambda *call: calls.append(call),
    )  # fmt: skip
    assert calls == [(1, 2), (2, 2)]


def test_a_learning_rate_may_follow_a_schedule():
    remains, rates = [], []

    def schedule(remaining):
        remains.append(remaining)
        return 1e-3 * remaining

    history = train(
        spars.Classifier(INPUT), epochs=2, steps_per_epoch=2, learning_rate=schedule,
        callback=lambda _, record: rates.append(record["learning_rate"]),
    )  # fmt: skip
    assert remains == [1.0, 0.75, 0.5, 0.25]
    assert rates == [0.75e-3, 0.25e-3]
    assert history.configuration["learning_rate"] == "a schedule"


def test_a_constant_schedule_is_a_constant():
    first, second = (spars.Classifier(INPUT, seed=2) for _ in range(2))
    train(first, learning_rate=1e-3)
    train(second, learning_rate=lambda _: 1e-3)
    for name, array in first.parameters().items():
        assert np.array_equal(array, second.parameters()[name]), name


def test_class_weights_weigh_the_loss():
    dataset = [
        noise_case("without", False, 0.0),
        noise_case("with", True, 0.0),
        noise_case("too", True, 0.0),
    ]
    loss = {}
    for weights in (None, (3.0, 1.0), "balanced"):
        history = train(
            spars.Classifier(INPUT, seed=5), dataset, epochs=1, class_weights=weights,
            scan_sampling="balanced",
        )  # fmt: skip
        loss[history.configuration["class_weights"]] = history.epochs[0]["loss"]
    assert list(loss) == [(1.0, 1.0), (3.0, 1.0), (1.5, 0.75)]
    # The batch holds one scan of each label, so that two of the losses tell both parts.
    without = 2 * loss[3.0, 1.0] - loss[1.0, 1.0]
    with_tumour = 2 * loss[1.0, 1.0] - without
    assert without != pytest.approx(with_tumour)
    assert loss[1.5, 0.75] == pytest.approx((2 * without + with_tumour) / 3, rel=1e-6)


def test_pooled_crops_learn_which_part_the_label_means():
    """A bright corner marks the scans with tumours; few crops show it."""

    def case(number):
        values = np.random.default_rng(number).normal(0, 20, (30, 30, 30))
        if number % 2:
            values[15:, 15:, 15:] += 150
        return datasets.Case(f"scan{number}", number % 2 == 1, lambda: values.astype(np.float32))

    classifier = spars.Classifier(INPUT, seed=2)
    history = train(
        classifier, [case(number) for number in range(6)], epochs=16, crops_per_scan=4,
        pooling="log_sum_exp", scan_sampling="balanced",
    )  # fmt: skip
    assert history.configuration["pooling"] == "log_sum_exp"
    scores = classifier.score(case(7).load(), [(0, 0, 0), (18, 18, 18)], window=(12, 12, 12))
    log_odds = np.log(scores / (1 - scores))
    assert log_odds[1] > log_odds[0] + 1, scores


def test_a_callback_ends_the_training():
    history = train(spars.Classifier(INPUT), epochs=5, callback=lambda *_: False)
    assert len(history.epochs) == 1


def test_image_labels_never_ask_for_a_mask():
    def mask():
        raise AssertionError("a mask was asked for")

    values = np.zeros((14, 14, 14), np.float32)
    dataset = [datasets.Case(name, name == "a", lambda: values, mask) for name in "ab"]
    train(spars.Classifier(INPUT), dataset, validation=dataset, epochs=1)


def test_published_training_cuts_labels_from_masks():
    values = np.random.default_rng(1).normal(40, 100, (20, 20, 20)).astype(np.float32)
    mask = np.zeros(values.shape, np.uint8)
    mask[10, 10, 10] = 2
    dataset = [datasets.Case("a", None, lambda: values, lambda: mask)]
    classifier = spars.Classifier(INPUT)
    history = train(
        classifier, dataset, validation=dataset, protocol="published", epochs=1, scans_per_step=1,
        crops_per_scan=4,
    )  # fmt: skip
    assert classifier.intensity_window is None
    found = history.epochs[0]["validation"]
    assert found["true_positives"] + found["false_negatives"] >= 2
    with pytest.raises(ValueError, match="'a' has no voxel mask"):
        train(classifier, [datasets.Case("a", True, lambda: values)], protocol="published")
    wrong = [datasets.Case("a", True, lambda: values, lambda: mask[1:])]
    with pytest.raises(ValueError, match="mask of scan 'a'"):
        train(classifier, wrong, protocol="published")


def test_scans_are_brought_to_the_grid_and_leave_a_full_cache():
    loads = []

    def load():
        loads.append(1)
        return np.zeros((10, 10, 10), np.float32)

    dataset = [datasets.Case("a", True, load), datasets.Case("b", False, load)]
    options = {"grid": (16, 14, 12), "epochs": 1, "scans_per_step": 8}
    train(spars.Classifier(INPUT), dataset, **options)
    assert len(loads) == 2
    loads.clear()
    train(spars.Classifier(INPUT), dataset, cache_bytes=0, **options)
    assert len(loads) > 2


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"epochs": 0}, ValueError, "'epochs'"),
        ({"steps_per_epoch": 0}, ValueError, "'steps_per_epoch'"),
        ({"scans_per_step": 0}, ValueError, "'scans_per_step'"),
        ({"crops_per_scan": True}, TypeError, "'crops_per_scan'"),
        ({"learning_rate": 0}, ValueError, "'learning_rate'"),
        ({"learning_rate": math.inf}, ValueError, "'learning_rate'"),
        ({"protocol": "other"}, ValueError, "'protocol'"),
        ({"crop_sampling": "all"}, ValueError, "'crop_sampling'"),
        ({"foreground_threshold": math.nan}, ValueError, "'foreground_threshold'"),
        (
            {"crop_sampling": "foreground", "foreground_threshold": 3000.0},
            ValueError,
            "Scan 'scan.*foreground_threshold",
        ),
        ({"learning_rate": lambda remaining: -remaining}, ValueError, "'learning_rate'"),
        ({"learning_rate": lambda remaining: "fast"}, TypeError, "'learning_rate'"),
        ({"pooling": "mean"}, ValueError, "'pooling'"),
        ({"pooling": 2}, ValueError, r"'pooling'.*\[1, 1\]"),
        ({"pooling": True}, TypeError, "'pooling'"),
        ({"pooling": "max", "protocol": "published"}, ValueError, "'pooling'"),
        ({"class_weights": "equal"}, ValueError, "'class_weights'"),
        ({"class_weights": (1.0,)}, ValueError, "'class_weights'"),
        ({"class_weights": (1.0, 0.0)}, ValueError, "'class_weights'"),
        ({"class_weights": 2.0}, TypeError, "'class_weights'"),
        (
            {"class_weights": "balanced", "dataset": [noise_case("a", True, 1.0)]},
            ValueError,
            "'class_weights'",
        ),
        ({"scan_sampling": "any"}, ValueError, "'scan_sampling'"),
        (
            {"scan_sampling": "balanced", "dataset": [noise_case("a", True, 1.0)]},
            ValueError,
            "'scan_sampling'",
        ),
        ({"window": (31, 12, 12)}, ValueError, r"'window'.*scan 'scan.*Got \(31, 12, 12\)"),
        ({"window": (0, 12, 12)}, ValueError, "'window'"),
        ({"grid": (8, 8)}, ValueError, "'grid'"),
        ({"seed": -1}, ValueError, "'seed'"),
        ({"validation_steps": 0}, ValueError, "'validation_steps'"),
        ({"cache_bytes": -1}, ValueError, "'cache_bytes'"),
        ({"progress": 3}, TypeError, "'progress'"),
        ({"callback": 3}, TypeError, "'callback'"),
        ({"dataset": []}, ValueError, "'dataset'"),
        ({"dataset": 3}, TypeError, "'dataset'"),
        ({"dataset": [1]}, TypeError, "'dataset'"),
        ({"validation": []}, ValueError, "'validation'"),
    ],
)
def test_fit_refuses(options, error, text):
    with pytest.raises(error, match=text):
        train(untrained(), **options)


@pytest.mark.filterwarnings("ignore:Every scan of the dataset:UserWarning")
def test_fit_refuses_unlabelled_scans_and_nan():
    values = np.full((14, 14, 14), np.nan, np.float32)
    with pytest.raises(ValueError, match="'a' has no label"):
        train(spars.Classifier(INPUT), [datasets.Case("a", None, lambda: values)])
    case = datasets.Case("a", True, lambda: values)
    with pytest.raises(spars.NonFiniteError, match="Scan 'a'"):
        train(spars.Classifier(INPUT), [case], crop_sampling="uniform")


def test_an_exception_in_progress_leaves_the_classifier_at_a_whole_step():
    classifier = spars.Classifier(INPUT, seed=2)

    def stop(done, planned):
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(classifier, progress=stop)
    reference = spars.Classifier(INPUT, seed=2)
    train(reference, epochs=1)
    for name, array in reference.parameters().items():
        assert np.array_equal(array, classifier.parameters()[name]), name


def test_ctrl_c_ends_a_training_that_is_at_work():
    classifier = spars.Classifier(INPUT, seed=2)
    timer = threading.Timer(0.5, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        train(classifier, epochs=100_000, scans_per_step=16)
    timer.join()
    # Every layer is still of one step: the network gives finite logits, and it trains on.
    assert np.isfinite(classifier.logits(np.zeros(INPUT))).all()
    assert len(train(classifier, epochs=1).epochs) == 1


def test_help_shows_fits_arguments():
    parameters = inspect.signature(spars.Classifier.fit).parameters
    assert parameters["epochs"].default == 32
    assert parameters["learning_rate"].default == 1e-3
    assert spars.Classifier.fit.__doc__.startswith("Train on a dataset")


@pytest.mark.parametrize(("label", "kind"), [(True, "shows tumour"), (False, "shows no tumour")])
def test_a_training_set_of_one_label_is_warned_of(label, kind):
    cases = [noise_case(str(i), label, i) for i in range(2)]
    other = [noise_case("other", not label, 5)]
    with pytest.warns(UserWarning, match=f"Every scan of the dataset {kind} by its label"):
        train(spars.Classifier(INPUT), cases, validation=other, epochs=1)
    train(spars.Classifier(INPUT), cases + other, validation=cases, epochs=1)

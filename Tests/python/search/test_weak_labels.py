"""Image-level labels after made lesions: what is learned from, what is kept, what is refused."""

import functools
import re

import numpy as np
import pytest

import spars
from spars import lesions
from spars.classifier.training.history import classification_metrics
from spars.search import weak_labels
from spars.search.frames import OrganFrame

INPUT = (108, 108, 108)
RECIPE = spars.Recipe.of_organ(3.0, (6, 6, 6), margin=6.0, presence_slope=1.0, presence_offset=0.0)
FEW = {"epochs": 2, "steps_per_epoch": 2, "windows_per_step": 4, "top": 3, "seed": 1}


def refused():
    raise AssertionError("a reference mask was read")


@functools.cache
def organ(number, has_tumour):
    """Return a scan of an organ, with a dark ball where it shows tumour, and the organ's mask."""
    rng, shape = np.random.default_rng(number), (30, 28, 26)
    x, y, z = np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in shape), indexing="ij")
    inside = (x / 13) ** 2 + (y / 12) ** 2 + (z / 11) ** 2 < 1
    ball = (x - 3) ** 2 + (y + 2) ** 2 + z**2 < 16
    values = np.where(inside, 100.0, -50.0) + rng.normal(0, 8, shape) - 60.0 * (ball * has_tumour)
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    return spars.Volume(values.astype(np.float32), affine), inside.astype(np.uint8)


def case(number, has_tumour, **options):
    return spars.datasets.Case(
        f"scan{number}", has_tumour, lambda: organ(number, has_tumour)[0], refused,
        load_organ=lambda: organ(number, has_tumour)[1], **options,
    )  # fmt: skip


def renamed(one, has_tumour):
    """Return a case with another label than it deserves."""
    return spars.datasets.Case(
        one.name, has_tumour, one.load, refused, load_organ=one.load_organ, shape=one.shape
    )


def cases(first, count=4):
    return [case(number, number % 2 == 1) for number in range(first, first + count)]


@functools.cache
def made():
    hosts = lesions.hosts([case(0, False), case(2, False)], RECIPE)
    return lesions.windows(hosts, window=(6, 6, 6), core=(2, 2, 2))


def untrained(seed=5):
    classifier = spars.Classifier(INPUT, spars.IntensityWindow(90, 180), seed=seed)
    classifier.recipe = RECIPE
    return classifier


def fit(classifier=None, dataset=None, held_out=None, source=None, **options):
    return spars.fit_weak_labels(
        untrained() if classifier is None else classifier,
        cases(0) if dataset is None else dataset,
        cases(10, 6) if held_out is None else held_out,
        source or made(), **(FEW | options),
    )  # fmt: skip


def area(classifier, held_out):
    """Return the ROC AUC of scans' highest scores, by a plain loop over all windows."""
    highest = []
    for one in held_out:
        frame = OrganFrame.of(one.load(), one.load_organ(), RECIPE)
        atlas = spars.ScoreAtlas.compute(
            frame.seen, classifier, RECIPE.window, grid=frame.seen.shape, stride=RECIPE.stride,
            protocol=RECIPE.protocol, region=frame.working.organ,
            covers_edge=not RECIPE.is_interpolated,
        )  # fmt: skip
        highest.append(atlas.scores.max())
    labels = np.array([one.has_tumour for one in held_out], np.int64)
    return classification_metrics(np.array(highest, np.float32), labels)["roc_auc"]


def parameters_of(classifier):
    return np.concatenate([array.ravel() for array in classifier.parameters().values()])


def test_the_best_epoch_is_kept_where_it_is_better_than_before(monkeypatch):
    classifier, held_out = untrained(), cases(10)
    monkeypatch.setattr(weak_labels._HeldOut, "roc_auc", lambda _: -1.0)
    found = fit(classifier, held_out=held_out, epochs=3, learning_rate=1e-3, patience=None)
    assert found.is_kept
    areas = [record["validation"]["roc_auc"] for record in found.history.epochs]
    best = found.history.best_epoch
    assert (found.before, found.after) == (-1.0, max(areas))
    assert found.after == areas[best - 1] == area(classifier, held_out)
    # The curve was found for other scores.
    assert classifier.recipe == RECIPE.changed(presence_slope=None, presence_offset=None)
    assert str(found) == (
        "Image-level labels are kept: ROC AUC of held-out scans -1.000 before, "
        f"{found.after:.3f} after epoch {best}."
    )


def test_before_is_measured_by_every_window_of_the_held_out_scans():
    classifier = untrained()
    found = fit(classifier, learning_rate=1e-30, epochs=1, steps_per_epoch=1)
    assert found.before == area(classifier, cases(10, 6))


def test_a_scan_s_highest_windows_have_its_label_and_stand_beside_made_ones(monkeypatch):
    given = []

    def noted(trainer, values, labels):
        given.append((values, labels))
        add(trainer, values, labels)

    add = weak_labels.add_windows
    monkeypatch.setattr(weak_labels, "add_windows", noted)
    monkeypatch.setattr(weak_labels, "_CHANGES", spars.Augmentation())
    classifier, dataset = untrained(), cases(0)
    pools = {0: [], 1: []}
    for one in dataset:
        scan = weak_labels._prepared(one, classifier, RECIPE)
        origins, _ = scan.highest(classifier, RECIPE.window, 3)
        pools[one.has_tumour] += [scan.cut(origin, RECIPE.window) for origin in origins]
    fit(classifier, dataset, epochs=1)
    # Two steps of four made and four of scans, then the held-out scans' highest ones.
    assert [len(labels) for _, labels in given] == [4, 4, 4, 4, 6]
    for batch in (0, 1):
        wanted = made().draw(4 * batch, 4)
        np.testing.assert_array_equal(given[2 * batch][0], wanted.values)
        np.testing.assert_array_equal(given[2 * batch][1], wanted.labels)
        values, labels = given[2 * batch + 1]
        assert labels.tolist() == [0, 1, 0, 1]
        for window, label in zip(values, labels, strict=True):
            assert any(np.array_equal(window, one) for one in pools[label])
    assert given[-1][1].tolist() == [0, 1] * 3


def test_what_is_no_better_is_not_kept(caplog):
    classifier = untrained()
    first = parameters_of(classifier)
    with caplog.at_level("INFO", logger="spars"):
        found = fit(classifier, learning_rate=1e-30, patience=1, epochs=3)
    assert not found.is_kept
    assert found.after == found.before
    assert len(found.history.epochs) == 1
    np.testing.assert_array_equal(parameters_of(classifier), first)
    assert classifier.recipe == RECIPE
    assert "not kept, the weights are the first. Validation roc_auc was" in str(found)
    assert str(found) in caplog.text


def test_nothing_is_trained_where_nothing_can_be_better():
    classifier = untrained()
    # Of two scans one scores higher, whatever the network knows: they are labelled so.
    held_out = [case(10, False), case(11, True)]
    assert area(classifier, held_out) in (0.0, 1.0)
    if area(classifier, held_out) == 0.0:
        held_out = [renamed(one, not one.has_tumour) for one in held_out]
    first = parameters_of(classifier)
    found = fit(classifier, held_out=held_out)
    assert (found.before, found.after, found.is_kept) == (1.0, 1.0, False)
    assert found.history.epochs == []
    assert [role["role"] for role in found.history.inputs] == ["training", "validation"]
    assert "was 1 already" in str(found)
    np.testing.assert_array_equal(parameters_of(classifier), first)


def test_the_record_says_what_was_read_and_what_is_kept():
    classifier = untrained()
    classifier._training = {"epochs": []}
    found = fit(classifier, epochs=1, steps_per_epoch=1)
    told = classifier.training
    assert told["epochs"] == []
    assert told["weak_labels"] == found.to_dict()
    assert told["weak_labels"]["is_kept"] == found.is_kept
    assert told["weak_labels"]["configuration"]["top"] == 3
    training, validation = told["weak_labels"]["inputs"]
    assert training["role"] == "training"
    assert [scan["name"] for scan in training["scans"]] == ["scan0", "scan1", "scan2", "scan3"]
    assert len(training["hosts"]) == 2
    assert validation["role"] == "validation"
    assert [scan["has_tumour"] for scan in validation["scans"]] == [False, True] * 3
    names = {name for scan in validation["scans"] for name in scan}
    assert names == {"name", "has_tumour", "sha256", "organ_sha256"}


def test_the_same_seed_gives_the_same_bits_on_any_number_of_threads():
    before = spars.thread_count()
    found = []
    try:
        for threads in (1, 2):
            spars.set_thread_count(threads)
            classifier = untrained()
            told = fit(classifier, learning_rate=1e-3, epochs=1)
            found.append((parameters_of(classifier), told.to_dict()))
    finally:
        spars.set_thread_count(before)
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]


def test_windows_are_ranked_in_each_epoch_by_the_classifier_as_it_is(monkeypatch):
    ranked = []
    highest = weak_labels._Scan.highest

    def noted(scan, classifier, window, count):
        origins, scores = highest(scan, classifier, window, count)
        every = classifier.score(scan.values, scan.origins, window)
        np.testing.assert_array_equal(scores, np.sort(every)[::-1][:count])
        np.testing.assert_array_equal(classifier.score(scan.values, origins, window), scores)
        ranked.append((scan.name, count))
        return origins, scores

    monkeypatch.setattr(weak_labels._Scan, "highest", noted)
    fit(learning_rate=1e-3, patience=None, steps_per_epoch=1, held_out=cases(10))
    held_out = [(one.name, 1) for one in cases(10)]
    training = [(one.name, 3) for one in cases(0)]
    assert ranked == held_out + 2 * (training + held_out)


def test_whatever_ends_it_early_the_first_weights_are_back():
    classifier = untrained()
    first = parameters_of(classifier)

    def interrupt(done, _):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(classifier, learning_rate=1e-3, progress=interrupt)
    np.testing.assert_array_equal(parameters_of(classifier), first)
    assert classifier.training is None


def test_a_scan_on_both_sides_is_refused():
    with pytest.raises(ValueError, match=r"nor of a group there\. Got 'scan3' instead"):
        fit(held_out=cases(3, 2))
    mine = [case(0, False, group="a"), case(1, True)]
    with pytest.raises(ValueError, match=r"nor of a group there\. Got 'scan11' instead"):
        fit(dataset=mine, held_out=[case(11, True, group="a"), case(12, False)])


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"dataset": [case(1, True)]}, ValueError, "'dataset' .* labels of both kinds. Got [True]"),
        (
            {"held_out": [case(10, None), case(11, True)]}, ValueError,
            "'held_out' .* labels of both kinds. Got [None, True]",
        ),
        ({"classifier": 3}, TypeError, "must be a Classifier. Got 3"),
        (
            {"classifier": spars.Classifier(INPUT)}, ValueError,
            "a Classifier whose recipe has a spacing. Got None",
        ),
        ({"source": 3}, TypeError, "'made' .* spars.lesions.Windows. Got 3"),
        ({"top": 0}, ValueError, "'top'"),
        ({"windows_per_step": 1}, ValueError, "'windows_per_step'"),
        ({"learning_rate": 0.0}, ValueError, "'learning_rate'"),
        ({"steps": 3}, TypeError, "unexpected keyword argument 'steps'"),
        ({"dataset": 3}, TypeError, "'dataset'"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_named(changed, error, message):
    pattern = ".*".join(re.escape(part) for part in message.split(".*"))
    with pytest.raises(error, match=pattern):
        fit(**changed)


def test_windows_of_another_size_and_cases_without_organ_are_refused():
    other = lesions.windows(made().hosts, window=(8, 8, 8), core=(2, 2, 2))
    with pytest.raises(ValueError, match=r"windows of \(6, 6, 6\), as the recipe's"):
        fit(source=other)
    bare = spars.datasets.Case("bare", True, lambda: organ(1, True)[0])
    with pytest.raises(ValueError, match=r"Got 'bare', which has none"):
        fit(dataset=[case(0, False), bare])

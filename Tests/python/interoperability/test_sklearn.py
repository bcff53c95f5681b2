"""The presence classifier behind scikit-learn's interface."""

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline

import spars
from spars.sklearn import PresenceClassifier

LEARNS = {"steps_per_epoch": 8, "scans_per_step": 4, "crops_per_scan": 2, "learning_rate": 3e-3}
QUICK = {"steps_per_epoch": 1, "scans_per_step": 2, "crops_per_scan": 2}


@pytest.fixture(scope="module")
def data():
    """Scans that are dark where they have the label, of two shapes."""
    rng = np.random.default_rng(0)
    labels = np.arange(8) % 2
    shapes = [(14, 12, 10), (15, 13, 10)]
    scans = [
        rng.normal(150 - 250 * label, 5, shapes[index % 3 == 0]).astype(np.float32)
        for index, label in enumerate(labels)
    ]
    return scans, labels


def estimator(**options):
    given = {"epochs": 1, "options": QUICK} | options
    return PresenceClassifier((108, 108, 108), (8, 8, 8), None, **given)


def test_parameters_are_scikit_learns():
    first = estimator(stride=3)
    assert is_classifier(first)
    assert first.get_params()["stride"] == 3
    other = clone(first.set_params(seed=5))
    assert other is not first
    assert other.get_params() == first.get_params()
    assert "PresenceClassifier" in repr(other)
    with pytest.raises(NotFittedError):
        first.predict([np.zeros((14, 12, 10))])


def test_it_learns_and_gives_probabilities(data):
    scans, labels = data
    fitted = estimator(epochs=6, options=LEARNS).fit(scans, labels)
    likely = fitted.predict_proba(scans)
    assert likely.shape == (8, 2)
    assert np.allclose(likely.sum(axis=1), 1.0)
    assert np.array_equal(fitted.classes_, [0, 1])
    assert fitted.score(scans, labels) == 1.0
    assert len(fitted.history_.epochs) == 6
    window = spars.ScoreAtlas.compute(scans[0], fitted.classifier_, (8, 8, 8), grid=None, stride=4)
    assert likely[0, 1] == pytest.approx(float(window.scores.max()))
    assert fitted.predict_proba([]).shape == (0, 2)


def test_labels_may_be_words(data):
    scans, labels = data
    words = np.where(labels == 1, "tumour", "none")
    fitted = estimator().fit([spars.Volume(scan) for scan in scans], words)
    assert fitted.classes_.tolist() == ["none", "tumour"]
    numbers = estimator().fit(scans, labels)
    # The same seed, the same numbers.
    likely = fitted.predict_proba(scans)
    assert np.array_equal(numbers.predict_proba(scans), likely)
    assert np.array_equal(fitted.predict(scans), fitted.classes_[likely.argmax(axis=1)])


@pytest.mark.parametrize("labels", [np.zeros(8), np.arange(8), np.zeros((8, 1)), np.arange(2)])
def test_labels_that_cannot_be_learned_are_refused(data, labels):
    with pytest.raises(ValueError, match="'y' parameter of fit"):
        estimator().fit(data[0], labels)


def test_cross_validation_and_searches_work(data):
    scans, labels = data
    assert cross_val_score(estimator(), scans, labels, cv=2).shape == (2,)
    found = cross_val_predict(estimator(), scans, labels, cv=2, method="predict_proba")
    assert found.shape == (8, 2)
    assert cross_val_score(estimator(), scans, labels, cv=2, scoring="roc_auc").shape == (2,)
    search = GridSearchCV(make_pipeline(estimator()), {"presenceclassifier__epochs": [1, 2]}, cv=2)
    search.fit(scans, labels)
    assert search.best_params_["presenceclassifier__epochs"] in (1, 2)

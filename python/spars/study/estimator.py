"""Tumour present or not, as an estimator of scikit-learn (the extra "sklearn")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spars._support.checks import check_extent, check_integer, sentence
from spars._support.defaults import GRID_OF_RECORD, INPUT_OF_RECORD, WINDOW_OF_RECORD
from spars._support.extras import require
from spars._support.types import Scan
from spars.classifier.network import Classifier
from spars.game.atlas import ScoreAtlas
from spars.volume.cases import Case, Dataset
from spars.volume.protocol import Protocol
from spars.volume.volume import as_volume

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils.validation import check_is_fitted
except ImportError:
    require("sklearn.base", "sklearn", "spars.sklearn")
    raise

__all__ = ["PresenceClassifier"]


class PresenceClassifier(ClassifierMixin, BaseEstimator):
    """Tells scans with a tumour from scans without, from image-level labels.

    `spars.Classifier` behind scikit-learn's interface: `clone`, `get_params`, `cross_val_score` and
    `GridSearchCV` work. A scan is as likely to hold a tumour as its highest window is.

    Parameters
    ----------
    input_shape : (int, int, int)
        The network's input, each 108 or more.
    window : (int, int, int)
        Extent of the windows, in voxels of the grid.
    grid : (int, int, int) or None
        The model grid; None takes the scans' own voxels.
    protocol : {"paper", "published"} or Protocol
    epochs : int
    stride : int or None
        Voxels between the windows that are scored; None is half of the window's shortest edge.
    seed : int
        Of parameters and training.
    options : mapping, optional
        Other keywords of `Classifier.fit`, as ``{"crops_per_scan": 8}``.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The labels, the one of scans with tumours last.
    classifier_ : Classifier
        What was trained.
    history_ : History
        What its training reported.

    Examples
    --------
    >>> from sklearn.model_selection import cross_val_score
    >>> import spars
    >>> from spars.sklearn import PresenceClassifier
    >>> cases = spars.datasets.phantoms(4, shape=(24, 24, 20))
    >>> scans, labels = [case.load() for case in cases], [case.has_tumour for case in cases]
    >>> estimator = PresenceClassifier(
    ...     (108, 108, 108), (12, 12, 10), (24, 24, 20), epochs=1, stride=12,
    ...     options={"steps_per_epoch": 1, "scans_per_step": 2, "crops_per_scan": 2},
    ... )
    >>> cross_val_score(estimator, scans, labels, cv=2).shape
    (2,)
    >>> estimator.fit(scans, labels).predict_proba(scans[:1]).shape
    (1, 2)
    >>> estimator.predict(scans[:1]).dtype
    dtype('bool')
    """

    def __init__(
        self,
        input_shape: Sequence[int] = INPUT_OF_RECORD,
        window: Sequence[int] = WINDOW_OF_RECORD,
        grid: Sequence[int] | None = GRID_OF_RECORD,
        protocol: str | Protocol = "paper",
        epochs: int = 32,
        stride: int | None = None,
        seed: int = 0,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        # As they are: scikit-learn's clone compares them, and fit checks them.
        self.input_shape = input_shape
        self.window = window
        self.grid = grid
        self.protocol = protocol
        self.epochs = epochs
        self.stride = stride
        self.seed = seed
        self.options = options

    def fit(self, X: Sequence[Scan], y: ArrayLike) -> Self:  # noqa: N803, as scikit-learn's
        """Train on scans and their labels.

        Parameters
        ----------
        X : sequence of Volume, array, image or path
            Scans, HU; of any shapes.
        y : array_like of shape (len(X),)
            Two labels: False and True, 0 and 1, or any two, of which the second, sorted, means
            tumour.

        Returns
        -------
        PresenceClassifier
            This one.

        Raises
        ------
        ValueError, TypeError
            There are not two labels, or not as many as scans; or as `Classifier.fit`.
        """
        labels = np.asarray(y)
        if labels.shape != (len(X),):
            raise ValueError(sentence("y", "fit", f"{len(X)} labels", f"shape {labels.shape}"))
        classes = np.unique(labels)
        if len(classes) != 2:
            raise ValueError(sentence("y", "fit", "of two labels", classes.tolist()))
        cases = Dataset(
            Case(f"scan {number}", bool(label == classes[1]), partial(as_volume, scan))
            for number, (scan, label) in enumerate(zip(X, labels, strict=True))
        )
        classifier = Classifier(self.input_shape, seed=self.seed)
        options = dict(self.options or {})
        self.history_ = classifier.fit(
            cases, window=self.window, grid=self.grid, protocol=self.protocol,
            epochs=self.epochs, seed=self.seed, **options,
        )  # fmt: skip
        self.classifier_, self.classes_ = classifier, classes
        return self

    def predict_proba(self, X: Sequence[Scan]) -> NDArray[np.float64]:  # noqa: N803
        """Return how likely each scan holds none and holds a tumour.

        Parameters
        ----------
        X : sequence of Volume, array, image or path

        Returns
        -------
        ndarray of float64, shape (len(X), 2)
            In the order of `classes_`; rows add up to 1. The second column is the highest score of
            the scan's windows.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        highest = [self._highest(scan) for scan in X]
        tumour = np.asarray(highest, np.float64).reshape(len(highest))
        return np.stack([1.0 - tumour, tumour], axis=1)

    def predict(self, X: Sequence[Scan]) -> NDArray[Any]:  # noqa: N803
        """Return each scan's more likely label; parameters and errors are `predict_proba`'s."""
        likely = self.predict_proba(X)
        return self.classes_[(likely[:, 1] > 0.5).astype(int)]

    def _highest(self, scan: Scan) -> float:
        """Return the highest score of a scan's windows."""
        window = check_extent(self.window, "window", type(self).__name__)
        stride = self.stride
        stride = max(1, min(window) // 2) if stride is None else stride
        atlas = ScoreAtlas.compute(
            scan,
            self.classifier_,
            window,
            grid=self.grid,
            stride=check_integer(stride, "stride", type(self).__name__, 1),
            protocol=self.protocol,
        )
        return float(atlas.scores.max())

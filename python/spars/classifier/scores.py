"""Scores of a volume's windows, by one classifier or by the members of an ensemble."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spars._core import native
from spars._support.checks import check_extent, check_origins
from spars._support.progress import as_progress
from spars._support.types import FloatArray, Progress, Scan
from spars.volume.volume import as_volume

if TYPE_CHECKING:
    from spars.classifier.network import Classifier


def handles_of(classifiers: Iterable[Classifier]) -> NDArray[np.int64]:
    """Return the core's numbers of classifiers, as its functions take several."""
    return np.array([one._handle.value for one in classifiers], np.int64)


def window_scores(
    classifiers: Iterable[Classifier],
    volume: Scan,
    origins: ArrayLike,
    window: Sequence[int],
    progress: Progress | bool | None,
) -> FloatArray:
    """Return the mean of classifiers' scores: `Classifier.score`, `Ensemble.score`."""
    array = as_volume(volume).array
    window = check_extent(window, "window", "score")
    origins = check_origins(origins, window, array.shape, "score")
    scores = np.empty(len(origins), np.float32)
    windows = {"volume": array, "origins": origins, "window": window}
    report = as_progress(progress, "score")
    native.classifier_scores(handles_of(classifiers), windows, scores, report)
    return scores

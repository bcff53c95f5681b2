"""Image-level labels after made lesions: learning from whole scans which windows show tumour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spars._core import native
from spars._support.callbacks import CallbackList
from spars._support.checks import sentence
from spars._support.log import log
from spars._support.progress import as_progress
from spars._support.provenance import digest
from spars._support.settings import flat
from spars._support.types import Extent3, FloatArray
from spars.classifier.augmentation import Augmentation
from spars.classifier.network import Classifier
from spars.classifier.recipe import Recipe
from spars.classifier.training.early_stop import EarlyStop
from spars.classifier.training.examples import DescribedExamples
from spars.classifier.training.fit import recorded_options, schedule_of
from spars.classifier.training.history import History, classification_metrics
from spars.classifier.training.made import add_windows, described
from spars.classifier.training.run import Run
from spars.classifier.training.settings import TrainingSettings
from spars.lesions.windows import Windows
from spars.search.known_scans import organ_field, organ_of
from spars.search.weak_label_settings import WeakLabelSettings
from spars.volume.cases import Case, checked_cases

__all__ = ["WeakLabels", "fit_weak_labels"]

_OWNER = WeakLabelSettings.owner
#: What is done to scans' windows by chance, as the made ones' settings do to theirs.
_CHANGES = Augmentation(flips="xyz", hu_shift=8.0, noise=3.0)


@dataclass(frozen=True)
class WeakLabels:
    """What `fit_weak_labels` did.

    Attributes
    ----------
    before : float
        ROC AUC of the held-out scans by the weights it began with.
    after : float
        The same by those the classifier has now; `before` where no epoch was better.
    history : History
        Of its epochs; `History.best_epoch` is the one whose weights are kept, None for the first
        weights, `History.reason` says why.
    """

    before: float
    after: float
    history: History

    @property
    def is_kept(self) -> bool:
        """Whether what was learned is kept, or the first weights are back."""
        return self.history.best_epoch is not None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold: what `Classifier.training` keeps."""
        own = {"is_kept": self.is_kept, "before": self.before, "after": self.after}
        return own | self.history.to_dict()

    def __str__(self) -> str:
        if self.is_kept:
            return (
                f"Image-level labels are kept: ROC AUC of held-out scans {self.before:.3f} before, "
                f"{self.after:.3f} after epoch {self.history.best_epoch}."
            )
        return f"Image-level labels are not kept, the weights are the first. {self.history.reason}"


@dataclass(frozen=True, eq=False)
class _Scan:
    """A scan's organ as windows are cut from it, and all windows that may be asked for."""

    name: str
    has_tumour: bool
    values: FloatArray
    origins: NDArray[np.int64]
    record: dict[str, Any]

    def highest(
        self, classifier: Classifier, window: Extent3, count: int
    ) -> tuple[NDArray[np.int64], FloatArray]:
        """Return the corners of the highest-scoring windows, best first, and their scores."""
        scores = classifier.score(self.values, self.origins, window)
        first = np.argsort(-scores, kind="stable")[:count]
        return self.origins[first], scores[first]

    def cut(self, origin: NDArray[np.int64], window: Extent3) -> FloatArray:
        """Return a window's values."""
        place = (slice(low, low + length) for low, length in zip(origin, window, strict=True))
        return self.values[tuple(place)]


class _Training(DescribedExamples):
    """Made windows, and beside as many of scans the highest-scoring, ranked anew in each epoch."""

    def __init__(
        self, classifier: Classifier, scans: Sequence[_Scan], made: Windows, window: Extent3,
        settings: WeakLabelSettings,
    ) -> None:  # fmt: skip
        description = described(made) | {"scans": [scan.record for scan in scans]}
        super().__init__("training", 2 * settings.windows_per_step, description)
        self._classifier, self._scans, self._made = classifier, scans, made
        self._window, self._settings = window, settings
        #: Windows to draw from: of scans without tumour, and of those with.
        self._pools: list[list[FloatArray]] = [[], []]

    @property
    def labels(self) -> set[int]:
        return {0, 1}

    def fill(self, trainer: int, batch: int) -> None:
        if batch % self._settings.steps_per_epoch == 0:
            self._rank()
        count = self._settings.windows_per_step
        drawn = self._made.draw(batch * count, count)
        add_windows(trainer, drawn.values, drawn.labels)
        rng = np.random.default_rng([self._settings.seed, batch])
        labels = np.arange(count) % 2
        values = [self._drawn(rng, int(label)) for label in labels]
        add_windows(trainer, np.stack(values), labels.astype(np.uint8))

    def _rank(self) -> None:
        self._pools = [[], []]
        for scan in self._scans:
            origins, _ = scan.highest(self._classifier, self._window, self._settings.top)
            self._pools[scan.has_tumour] += [scan.cut(one, self._window) for one in origins]

    def _drawn(self, rng: np.random.Generator, label: int) -> FloatArray:
        pool = self._pools[label]
        return _CHANGES.apply(pool[rng.integers(len(pool))], int(rng.integers(2**63)))


class _HeldOut(DescribedExamples):
    """The highest-scoring window of each scan: its score is the scan's."""

    def __init__(self, classifier: Classifier, scans: Sequence[_Scan], window: Extent3) -> None:
        description = {"scans": [scan.record for scan in scans]}
        super().__init__("validation", len(scans), description)
        self._classifier, self._scans, self._window = classifier, scans, window

    @property
    def labels(self) -> set[int]:
        return {0, 1}

    def fill(self, trainer: int, batch: int) -> None:
        windows = []
        for scan in self._scans:
            origins, _ = scan.highest(self._classifier, self._window, 1)
            windows.append(scan.cut(origins[0], self._window))
        add_windows(trainer, np.stack(windows), self._labels.astype(np.uint8))

    def roc_auc(self) -> float:
        """Return the ROC AUC of the scans by the classifier as it is."""
        best = [scan.highest(self._classifier, self._window, 1)[1][0] for scan in self._scans]
        return classification_metrics(np.array(best, np.float32), self._labels)["roc_auc"]

    @property
    def _labels(self) -> NDArray[np.int64]:
        return np.array([scan.has_tumour for scan in self._scans], np.int64)


@flat(WeakLabelSettings)
def fit_weak_labels(
    classifier: Classifier,
    dataset: Iterable[Case],
    held_out: Iterable[Case],
    made: Windows,
    *,
    settings: WeakLabelSettings,
) -> WeakLabels:
    """Let a classifier that was trained on made lesions go on with scans' image-level labels.

    Multiple-instance learning: a scan's label says that some window shows tumour, not which. In
    each epoch all windows of every scan are scored by the classifier as it is. The highest-scoring
    of a scan with tumour are taken to show it, those of a scan without are taken as the hardest
    that do not, and the network learns both beside made windows, so that nothing is forgotten.

    After each epoch the ROC AUC of the held-out scans is measured, a scan's score its highest
    window's. Only weights that are better by it than those it began with are kept, the best
    epoch's; else the classifier gets its first ones back. No mask but the organs' is read.

    Parameters
    ----------
    classifier : Classifier
        With a recipe that has a spacing, as training on made windows leaves it.
    dataset : sequence of spars.datasets.Case
        Scans with organs to learn from, some labelled to show tumour and some not.
    held_out : sequence of spars.datasets.Case
        Others of both labels, by which it ends. Results are to be reported on neither.
    made : spars.lesions.Windows
        What stands beside, of the recipe's window.
    {settings}

    Returns
    -------
    WeakLabels
        It stands under "weak_labels" in `Classifier.training` too, beside what `fit` left there.

    Raises
    ------
    TypeError, ValueError
        A parameter is out of range, the classifier has no recipe with a spacing, a case has no
        label or no organ or is in both datasets, one of them lacks a label, or the made windows are
        of another extent than the recipe's.
    NonFiniteError
        A scan holds NaN or infinity, or training left the finite numbers.
    KeyboardInterrupt
        Ctrl-C is answered within 0.2 s. Whatever ends it early, the classifier gets its first
        weights back.

    Notes
    -----
    Every scan's organ is kept in memory on the working grid, some 10 MB each. An epoch scores
    every window of all scans once: seconds for each.

    Where what was learned is kept, a presence curve of the recipe is dropped: it was found for
    other scores (`spars.calibration.calibrate_presence`).

    Examples
    --------
    >>> cases = spars.datasets.phantoms(4, shape=(64, 64, 48), seed=4)
    >>> recipe = spars.Recipe.of_organ(spacing=6.0, window=(6, 6, 6))
    >>> hosts = spars.lesions.hosts([case for case in cases if not case.has_tumour], recipe)
    >>> made = spars.lesions.windows(hosts, window=(6, 6, 6), core=(2, 2, 2))
    >>> classifier = spars.Classifier((108, 108, 108), spars.IntensityWindow(90, 180), seed=0)
    >>> classifier.recipe = recipe
    >>> found = spars.fit_weak_labels(
    ...     classifier, cases[:2], cases[2:], made, epochs=1, steps_per_epoch=1,
    ...     windows_per_step=2,
    ... )
    >>> found.after >= found.before, "weak_labels" in classifier.training
    (True, True)
    """
    recipe = _checked_recipe(classifier, made)
    roles = {"dataset": dataset, "held_out": held_out}
    cases = {name: _checked(given, name) for name, given in roles.items()}
    _check_apart(cases["dataset"], cases["held_out"])
    scans = {
        name: [_prepared(case, classifier, recipe) for case in of] for name, of in cases.items()
    }
    watched = _HeldOut(classifier, scans["held_out"], recipe.window)
    before = watched.roc_auc()
    learned = _Training(classifier, scans["dataset"], made, recipe.window, settings)
    first = classifier._value()
    run = _run(classifier, recipe, learned, watched, settings, before)
    if before == 1.0:
        run.history.reason = "The ROC AUC of the held-out scans was 1 already."
    else:
        try:
            run.run(CallbackList([], _OWNER))
        except BaseException:
            _restore(classifier, first)
            raise
    history = run.history
    best = history.best_epoch
    if best is None:
        _restore(classifier, first)
    else:
        classifier.recipe = recipe.changed(presence_slope=None, presence_offset=None)
    after = before if best is None else history.epochs[best - 1]["validation"]["roc_auc"]
    found = WeakLabels(before, after, history)
    log.info("%s", found)
    classifier._training = (classifier.training or {}) | {"weak_labels": found.to_dict()}
    return found


def _checked_recipe(classifier: Classifier, made: Windows) -> Recipe:
    if not isinstance(classifier, Classifier):
        raise TypeError(sentence("classifier", _OWNER, "a Classifier", classifier))
    recipe = classifier.recipe
    if recipe is None or recipe.spacing is None:
        wanted = "a Classifier whose recipe has a spacing"
        raise ValueError(sentence("classifier", _OWNER, wanted, recipe))
    if not isinstance(made, Windows):
        raise TypeError(sentence("made", _OWNER, "a spars.lesions.Windows", made))
    if made.settings.window != recipe.window:
        wanted = f"windows of {recipe.window}, as the recipe's"
        raise ValueError(sentence("made", _OWNER, wanted, made.settings.window))
    return recipe


def _checked(dataset: Iterable[Case], name: str) -> list[Case]:
    cases = checked_cases(dataset, name, _OWNER)
    labels = [case.has_tumour for case in cases]
    if None in labels or len(set(labels)) != 2:
        raise ValueError(sentence(name, _OWNER, "cases with labels of both kinds", labels))
    return cases


def _check_apart(dataset: Sequence[Case], held_out: Sequence[Case]) -> None:
    """Refuse held-out scans that are learned from, or share a group with one that is."""
    names = {case.name for case in dataset}
    groups = {case.group for case in dataset} - {None}
    for case in held_out:
        if case.name in names or case.group in groups:
            wanted = "scans that are not in 'dataset', nor of a group there"
            raise ValueError(sentence("held_out", _OWNER, wanted, case.name))


def _prepared(case: Case, classifier: Classifier, recipe: Recipe) -> _Scan:
    """Return a case's organ with its windows, and what is recorded of it."""
    working = recipe.working(case.load(), organ_of(case, _OWNER))
    seen, field = organ_field(working, classifier, recipe, _OWNER)
    askable = np.isnan(field.scores())
    corners = np.stack(np.meshgrid(*field.axes(), indexing="ij"), axis=-1)
    record = {
        "name": case.name, "has_tumour": case.has_tumour,
        "sha256": digest(working.volume.array), "organ_sha256": digest(working.organ),
    }  # fmt: skip
    return _Scan(case.name, bool(case.has_tumour), seen.array, corners[askable], record)


def _run(
    classifier: Classifier, recipe: Recipe, learned: _Training, watched: _HeldOut,
    settings: WeakLabelSettings, before: float,
) -> Run:  # fmt: skip
    """Return the training's loop, which an epoch better than `before` must end with."""
    usual = TrainingSettings.of(
        {
            "window": recipe.window, "grid": None, "protocol": recipe.protocol,
            "epochs": settings.epochs, "steps_per_epoch": settings.steps_per_epoch,
            "scans_per_step": learned.count, "crops_per_scan": 1,
            "learning_rate": settings.learning_rate, "validation_steps": 1,
            "patience": settings.patience, "monitor": "roc_auc", "weights": "best",
            "seed": settings.seed,
        }
    )  # fmt: skip
    options = recorded_options(usual) | {"class_weights": (1.0, 1.0)} | settings.recorded()
    rule = EarlyStop(usual.epochs, usual.monitor, usual.patience, usual.min_delta, before)
    return Run(
        classifier, {"training": learned, "validation": watched}, usual.protocol, options, None,
        schedule_of(usual.learning_rate), rule, None,
        as_progress(settings.progress, _OWNER, "batches"),
    )  # fmt: skip


def _restore(classifier: Classifier, value: tuple[Any, FloatArray, int, Any]) -> None:
    """Give a classifier the parameters back that it had."""
    _, parameters, tracked, _ = value
    native.classifier_set_parameters(classifier._handle.value, parameters, tracked)

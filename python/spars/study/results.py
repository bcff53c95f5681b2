"""What a study found: a row a scan, setting and seed, and what may be said of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spars._support.checks import check_choice, check_float, check_instance, check_integer, sentence
from spars._support.errors import FormatError
from spars._support.types import PathLike
from spars.classifier.training.history import classification_metrics
from spars.study import statistics
from spars.study.engine import ERROR, done_of
from spars.study.lock import read_lock
from spars.study.page import write_study_page
from spars.study.tables import Rows, Table
from spars.study.tasks import place_of_task

__all__ = ["Results", "Table"]

#: By what rows are told apart.
_KEYS = ("setting", "fold", "seed", "case", "patient")
#: Measures that are better the lower they are.
_LOWER = (
    "hausdorff", "hausdorff95", "assd", "false_ml", "lesion_false_positives", "loss",
    "validation_loss",
)  # fmt: skip


class Results(Rows):
    """A study's rows: what each setting, fold and seed made of each scan.

    Rows are dicts: ``setting``, ``fold``, ``seed``, ``case``, ``patient``, ``task``, ``state``
    ("done", "failed", "waiting"), ``error``, ``seconds``, ``folder``, and the measures: those of
    `spars.metrics.evaluate`, ``has_tumour``, ``is_found``, ``false_ml``, ``highest`` (of the map),
    ``probability``, ``mask_sha256``; of self-play ``voxels_equal_1`` (voxels whose map is exactly
    1) and mean and SD over iterations; of trainings alone what validation measured.

    Parameters
    ----------
    rows : iterable of dict
    locks : sequence of dict
        What the rows' folders are bound to.

    Examples
    --------
    >>> study = spars.Study(
    ...     {"phantoms": {"n": 4, "shape": [64, 64, 48]}, "region": "organ"},
    ...     base={"classifier": {"weights": "pretrained"}},
    ...     settings={
    ...         "rule": {"segmentation": {"method": "intensity"}},
    ...         "network": {"segmentation": {"method": "flood", "max_scores": 20}},
    ...     },
    ... )
    >>> _ = study.run("rivals")
    >>> results = spars.Results.load("rivals")
    >>> len(results), len(results.frame()), len(results.worst(1))
    (8, 8, 1)
    >>> results.summary(interval="percentile")[0]["n"]
    2
    >>> results.compare("network", "rule", interval="percentile")[0]["n"]
    2
    >>> results.report("report.html")
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]], locks: Sequence[Mapping[str, Any]] = ()):
        rows = list(rows)
        for row in rows:
            _check_row(row)
        super().__init__(rows)
        self.locks = [dict(lock) for lock in locks]

    @classmethod
    def load(cls, *folders: PathLike) -> Self:
        """Return what the folders of a study hold, also while it runs.

        Parameters
        ----------
        *folders : path
            One, or those of several shards: a row that is done in any is done.

        Raises
        ------
        FormatError
            A folder holds no study, or one of other inputs or another version of spars than the
            first.
        OSError
            A folder cannot be read.
        """
        if not folders:
            raise TypeError("Results.load() takes one folder or more.")
        rows: dict[tuple[Any, ...], dict[str, Any]] = {}
        locks: list[dict[str, Any]] = []
        for folder in map(Path, folders):
            lock = read_lock(folder)
            _check_merged(folder, lock, locks)
            locks.append(lock)
            known: dict[str, dict[str, Any]] = {}
            for row in lock["rows"]:
                task = row["task"]
                if task not in known:
                    known[task] = _of_task(folder, task)
                key = (*(row[name] for name in _KEYS), task)
                if rows.get(key, {}).get("state") != "done":
                    rows[key] = {**row, **known[task]}
        return cls(rows.values(), locks)

    def curves(self, row: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
        """Return what self-play recorded of each iteration, by name: Dice, rewards.

        Examples
        --------
        >>> study = spars.Study(
        ...     {"phantoms": {"n": 2, "shape": [64, 64, 48]}, "region": "organ"},
        ...     base={
        ...         "classifier": {"weights": "pretrained"},
        ...         "segmentation": {"method": "self_play", "iterations": 2, "n_steps": 4},
        ...     },
        ... )
        >>> results = study.run("play")
        >>> sorted(results.curves(results[0]))
        ['iteration', 'last_reward', 'reward']
        """
        check_instance(row, Mapping, "row", "Results.curves", "a row of these results")
        if not isinstance(row.get("folder"), str):
            raise ValueError(sentence("row", "Results.curves", "a row with its 'folder'", row))
        path = Path(row["folder"]) / "curves.csv"
        table = np.genfromtxt(path, delimiter=",", names=True, ndmin=1)
        return {name: np.asarray(table[name], np.float64) for name in table.dtype.names or ()}

    def summary(
        self,
        by: str | Sequence[str] = "setting",
        interval: str | None = "bca",
        *,
        metric: str = "dice",
        confidence: float = 0.95,
        seed: int = 0,
    ) -> Table:
        """Return a metric over patients, a row for each value of `by`.

        Seeds and scans of one patient are averaged first: they are no samples of patients. Scans
        without tumour have no Dice; they are counted apart.

        Parameters
        ----------
        by : str or sequence of str
            "setting", "fold" or "seed", or several.
        interval : {"bca", "percentile"} or None
            The bootstrap interval of the mean over patients; "bca" needs scipy (the extra "stats").
        metric : str
            A measure of the rows.
        confidence : float
            Above 0.0 and below 1.0.
        seed : int
            Of the interval.

        Returns
        -------
        Table
            `by`; patients with tumour ``n`` (``n_undefined``: NaN left out; ``n_infinite``:
            distances to an empty mask, which median and quartiles count and the mean leaves out),
            ``mean``, ``sd``, ``lower_quartile``, ``median``, ``upper_quartile``, ``low``,
            ``high``; of tumour-free scans ``n_free``, ``specificity`` (the share with an empty
            mask), ``false_ml_median`` and ``false_ml_most``; ``roc_auc`` of patients, with tumour
            against without, by the highest probability, or highest value of the map; ``n_failed``
            rows.

        Raises
        ------
        TypeError, ValueError
            A parameter is none of these.
        ImportError
            scipy is missing.
        """
        owner = "summary"
        names = [by] if isinstance(by, str) else list(by)
        for name in names:
            check_choice(name, "by", owner, ("setting", "fold", "seed"))
        statistics.check_interval(interval, owner)
        confidence = check_float(
            confidence, "confidence", owner, 0.0, 1.0, open_low=True, open_high=True
        )
        self._check_metric(metric, owner)
        groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        for row in self.rows:
            groups.setdefault(tuple(row[name] for name in names), []).append(row)
        found = []
        for key, rows in groups.items():
            values = np.array(list(_by_patient(rows, metric).values()), np.float64)
            low, high = statistics.interval_of(values, interval, confidence, seed)
            found.append(
                {
                    **dict(zip(names, key, strict=True)),
                    **statistics.described(values),
                    "low": low,
                    "high": high,
                    **_without_tumour(rows),
                    "roc_auc": _roc_auc(rows),
                    "n_failed": sum(row["state"] == "failed" for row in rows),
                }
            )
        return Table(found)

    def compare(
        self,
        first: str,
        second: str | Sequence[str] | None = None,
        test: str = "wilcoxon",
        correction: str | None = "holm",
        *,
        metric: str = "dice",
        interval: str | None = "bca",
        seed: int = 0,
    ) -> Table:
        """Compare settings, patient by patient.

        Parameters
        ----------
        first : str
            A setting.
        second : str or sequence of str, optional
            What it is compared with; all other settings by default.
        test : {"wilcoxon", "permutation"}
            Of ranks, or of the mean (scipy, the extra "stats").
        correction : {"holm"} or None
            Of the p values for their number.
        metric : str
        interval : {"bca", "percentile"} or None
            Of the mean difference.
        seed : int
            Of interval and permutations.

        Returns
        -------
        Table
            ``first``, ``second``, ``n`` patients that both measured, the mean ``difference`` (first
            less second, of finite ones) with ``low`` and ``high``, ``p`` and ``p_corrected``.

        Raises
        ------
        TypeError, ValueError
            There is no such setting, or a parameter is none of these.
        ImportError
            scipy is missing.
        """
        owner = "compare"
        check_choice(test, "test", owner, statistics.TESTS)
        if correction is not None:
            check_choice(correction, "correction", owner, statistics.CORRECTIONS)
        statistics.check_interval(interval, owner)
        self._check_metric(metric, owner)
        settings = list(dict.fromkeys(row["setting"] for row in self.rows))
        check_choice(first, "first", owner, settings)
        if second is None:
            second = [name for name in settings if name != first]
        others = [second] if isinstance(second, str) else list(second)
        own = _by_patient(self._of(first), metric)
        rows: list[dict[str, Any]] = []
        for name in others:
            check_choice(name, "second", owner, settings)
            other = _by_patient(self._of(name), metric)
            shared = [patient for patient in own if patient in other]
            values = statistics.differences(
                np.array([own[patient] for patient in shared], np.float64),
                np.array([other[patient] for patient in shared], np.float64),
            )
            finite = values[np.isfinite(values)]
            low, high = statistics.interval_of(values, interval, 0.95, seed)
            rows.append(
                {
                    "first": first,
                    "second": name,
                    "n": int((~np.isnan(values)).sum()),
                    "difference": float(finite.mean()) if finite.size else math.nan,
                    "low": low,
                    "high": high,
                    "p": statistics.p_value(values, test, seed),
                }
            )
        corrected = [row["p"] for row in rows]
        if correction is not None:
            corrected = statistics.holm(corrected)
        return Table({**row, "p_corrected": p} for row, p in zip(rows, corrected, strict=True))

    def worst(self, k: int = 5, metric: str = "dice") -> Table:
        """Return the `k` rows of scans with tumour where a metric is worst, the worst first.

        Distances and false volumes are worst where they are largest.
        """
        k = check_integer(k, "k", "worst", 1)
        self._check_metric(metric, "worst")
        rows = [row for row in self.rows if _counts(row, metric)]
        sign = -1.0 if metric in _LOWER else 1.0
        chosen = sorted(rows, key=lambda row: sign * row[metric])[:k]
        names = (*_KEYS, metric, "reference_ml", "prediction_ml", "task", "folder")
        return Table({name: row.get(name, "") for name in names} for row in chosen)

    def report(self, path: PathLike, metric: str = "dice") -> None:
        """Write a page of the summary, the worst scans and what it all follows from (HTML)."""
        self._check_metric(metric, "report")
        write_study_page(path, self, metric)

    def _of(self, setting: str) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["setting"] == setting]

    def _check_metric(self, metric: str, owner: str) -> None:
        known = {
            name
            for row in self.rows
            for name, value in row.items()
            if isinstance(value, (int, float)) and name not in _KEYS
        }
        if self.rows and any(row["state"] == "done" for row in self.rows):
            check_choice(metric, "metric", owner, sorted(known))

    def __repr__(self) -> str:
        done = sum(row["state"] == "done" for row in self.rows)
        return f"<Results: {done} of {len(self.rows)} rows>"


def _check_row(row: Any) -> None:
    what = "mappings with 'state', 'setting', 'fold', 'seed', 'case' and 'patient'"
    check_instance(row, Mapping, "rows", "Results", what)
    if not row.keys() >= {"state", *_KEYS}:
        raise ValueError(sentence("rows", "Results", what, row))
    for value in row.values():
        if isinstance(value, int) and abs(value) >= 1 << 64:
            raise ValueError(sentence("rows", "Results", "of integers of 64 bits", value))


def _of_task(folder: Path, task: str) -> dict[str, Any]:
    """Return what a task's folder says of its rows."""
    place = place_of_task(folder, task)
    done = done_of(folder, task)
    if done is not None:
        measures = done["measures"]
        return {"state": "done", "error": "", "seconds": done["seconds"], "folder": str(place),
                **measures}  # fmt: skip
    error = place / ERROR
    text = error.read_text(encoding="utf-8", errors="replace").strip() if error.is_file() else ""
    state = "failed" if text else "waiting"
    return {"state": state, "error": text, "seconds": math.nan, "folder": str(place)}


def _check_merged(folder: Path, lock: Mapping[str, Any], earlier: Sequence[dict[str, Any]]) -> None:
    for other in earlier:
        was, now = (one["versions"].get("spars") for one in (other, lock))
        if was != now:
            raise FormatError(f"{folder}: a study of spars {now}, and the first of {was}.")
        for name, own in lock["inputs"].items():
            before = other["inputs"].get(name, own)
            hashes = [
                {part: (one.get(part) or {}).get("sha256") for part in ("image", "mask", "organ")}
                for one in (own, before)
            ]
            if hashes[0] != hashes[1]:
                raise FormatError(f"{folder}: its scan {name!r} is not that of the first folder.")


def _counts(row: Mapping[str, Any], metric: str) -> bool:
    """Whether a row has this measure of a scan with tumour, or of a training alone."""
    value = row.get(metric)
    is_number = isinstance(value, (int, float)) and not math.isnan(value)
    return row["state"] == "done" and is_number and row.get("has_tumour", True)


def _by_patient(rows: Iterable[Mapping[str, Any]], metric: str) -> dict[str, float]:
    """Return each patient's mean; NaN where no value is known, infinite where one is."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if row["state"] == "done" and row.get("has_tumour", True) and metric in row:
            value = row[metric]
            # A training alone is no patient: each seed and fold is one value.
            key = row["patient"] or f"fold {row['fold']}, seed {row['seed']}"
            found.setdefault(key, []).append(math.nan if value is None else float(value))
    means = {}
    for patient, values in found.items():
        known = [value for value in values if not math.isnan(value)]
        means[patient] = float(np.mean(known)) if known else math.nan
    return means


def _without_tumour(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    free = [row for row in rows if row["state"] == "done" and row.get("has_tumour") is False]
    false = [row["false_ml"] for row in free]
    empty = [not row["is_found"] for row in free]
    return {
        "n_free": len({row["case"] for row in free}),
        "specificity": float(np.mean(empty)) if free else math.nan,
        "false_ml_median": float(np.median(false)) if free else math.nan,
        "false_ml_most": float(max(false)) if free else math.nan,
    }


def _roc_auc(rows: Sequence[Mapping[str, Any]]) -> float:
    """Return the ROC AUC of patients, each by the mean over seeds of its highest scan."""
    measured = [row for row in rows if row["state"] == "done" and "has_tumour" in row]
    if not measured:
        return math.nan
    name = "highest" if any(row["probability"] is None for row in measured) else "probability"
    highest: dict[tuple[str, int], float] = {}
    shows: dict[str, bool] = {}
    for row in measured:
        key = row["patient"], row["seed"]
        highest[key] = max(highest.get(key, -math.inf), float(row[name]))
        shows[row["patient"]] = shows.get(row["patient"], False) or row["has_tumour"]
    scores = np.array(
        [np.mean([v for (who, _), v in highest.items() if who == patient]) for patient in shows]
    )
    # A map of sums goes beyond 1; ranks are all that counts.
    ranks = np.unique(scores, return_inverse=True)[1] / max(1, len(scores))
    labels = np.array(list(shows.values()), np.int64)
    return classification_metrics(ranks.astype(np.float32), labels)["roc_auc"]

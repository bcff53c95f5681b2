"""Runs over several patients and seeds, and what may be said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spars import metrics
from spars._support.progress import as_progress
from spars._support.types import Progress
from spars.game.scorers import Scorer
from spars.metrics.masks import as_mask
from spars.search.segmenting import segment
from spars.volume.datasets import Case
from spars.volume.protocol import Protocol

__all__ = ["Experiment", "over_patients"]


@dataclass(frozen=True)
class Experiment:
    """The scores of several patients and seeds.

    Attributes
    ----------
    rows : tuple of dict
        One for each patient and seed: case, seed, and each metric.
    summary_over : {"patients", "iterations"}
        D15: what a reported mean and SD run over.

    Examples
    --------
    >>> rows = [{"case": "a", "seed": 0, "dice": 0.5}, {"case": "b", "seed": 0, "dice": 0.7}]
    >>> found = spars.experiments.Experiment(tuple(rows)).summary("dice")
    >>> found["n"], round(found["mean"], 2)
    (2, 0.6)
    """

    rows: tuple[dict[str, Any], ...]
    summary_over: str = "patients"

    def summary(
        self, metric: str = "dice", confidence: float = 0.95, seed: int = 0
    ) -> dict[str, Any]:
        """Return mean, SD and a bootstrap interval of the mean.

        Seeds of one patient are averaged first: they are not independent samples of patients.
        Under "iterations" the values of the iterations of every run are pooled, as the released
        scripts do; no interval is given, since they are no sample of anything.

        Returns
        -------
        dict
            n, mean, sd (NaN for a single value), and low, high over patients. Undefined values
            (NaN, as Dice where both masks are empty) are left out and counted in n_undefined.
        """
        if self.summary_over == "iterations":
            values = np.concatenate([np.atleast_1d(row["iterations"]) for row in self.rows])
        else:
            cases = dict.fromkeys(row["case"] for row in self.rows)
            values = np.array([self._mean_of(case, metric) for case in cases])
        known = values[~np.isnan(values)]
        result = {
            "n": int(known.size),
            "n_undefined": int(values.size - known.size),
            "mean": float(known.mean()) if known.size else float("nan"),
            "sd": float(known.std(ddof=1)) if known.size > 1 else float("nan"),
        }
        if self.summary_over == "patients" and known.size > 1:
            low, high = metrics.bootstrap_interval(known, confidence=confidence, seed=seed)
            result |= {"low": float(low), "high": float(high)}
        return result

    def _mean_of(self, case: str, metric: str) -> float:
        values = np.array([row[metric] for row in self.rows if row["case"] == case], dtype=float)
        known = values[~np.isnan(values)]
        return known.mean() if known.size else float("nan")


def over_patients(
    cases: Sequence[Case],
    classifier: Scorer,
    *,
    seeds: Sequence[int] = (0,),
    protocol: str | Protocol = "paper",
    reference_value: int | Sequence[int] = 2,
    progress: Progress | bool | None = None,
    **arguments: Any,
) -> Experiment:
    """Segment several scans with several seeds and measure every mask.

    Parameters
    ----------
    cases : sequence of Case
        Scans whose `load_mask()` holds the reference; it is read for measuring only.
    classifier : Classifier or callable
        Scores windows; the same one for every scan.
    seeds : sequence of int
        Each scan is segmented once with each.
    protocol : {"paper", "published"} or Protocol
        Its `summary_over` decides how `Experiment.summary` counts.
    reference_value : int or sequence of ints
        What is tumour in those masks.
    progress : callable or True, optional
        Called with (done, planned) after each mask; True draws a bar (the extra "progress").
    **arguments
        Passed to `spars.segment`.

    Returns
    -------
    Experiment

    Raises
    ------
    ValueError
        A case has no reference mask, or one of a scan with tumour holds no `reference_value`.
    TypeError
        The protocol pools iterations and the method has none with a Dice: only self-play does.

    Examples
    --------
    >>> cases = spars.datasets.phantoms(2, shape=(32, 32, 24), tumour_fraction=1.0)
    >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
    >>> found = spars.experiments.over_patients(
    ...     cases, darkness, window=(8, 8, 8), grid=(32, 32, 24), iterations=2
    ... )
    >>> [row["case"] for row in found.rows]
    ['phantom-0', 'phantom-1']
    """
    progress = as_progress(progress, "over_patients", "masks")
    protocol = Protocol.named(protocol)
    rows = []
    planned = len(cases) * len(seeds)
    for case in cases:
        labels = case.load_mask()
        if labels is None:
            raise ValueError(f"Case {case.name} has no reference mask to measure against.")
        # Of a scan without tumour a mask need not hold one.
        reference = as_mask(
            labels, "cases", "over_patients", value=reference_value,
            must_hold=case.has_tumour is True,
        )  # fmt: skip
        volume = case.load()
        watched = {"reference": reference} if protocol.summary_over == "iterations" else {}
        for seed in seeds:
            found = segment(
                volume, classifier, seed=seed, protocol=protocol, **watched, **arguments
            )
            row = {"case": case.name, "seed": seed, **found.evaluate(reference)}
            if watched:
                row["iterations"] = np.asarray(found.run.dice, dtype=float)
            rows.append(row)
            if progress is not None:
                progress(len(rows), planned)
    return Experiment(tuple(rows), protocol.summary_over)

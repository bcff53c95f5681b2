"""Statistics over patients: intervals, paired tests, correction for several (scipy, "stats")."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spars import metrics
from spars._support.checks import check_choice
from spars._support.extras import require

Values = NDArray[np.float64]
INTERVALS = ("bca", "percentile")
TESTS = ("wilcoxon", "permutation")
CORRECTIONS = ("holm",)
_RESAMPLES = 10_000


def interval_of(
    values: Values, interval: str | None, confidence: float, seed: int
) -> tuple[float, float]:
    """Return the bootstrap interval of a mean; NaN of fewer than two finite values.

    Parameters
    ----------
    values : float64 array of shape (n,)
        One for each patient; what is not finite is left out.
    interval : {"bca", "percentile"} or None
        "bca" is corrected for bias and skew (Efron, 1987).
    confidence : float
    seed : int
    """
    known = values[np.isfinite(values)]
    if interval is None or known.size < 2:
        return math.nan, math.nan
    if np.ptp(known) == 0.0:
        return float(known[0]), float(known[0])
    if interval == "percentile":
        return metrics.bootstrap_interval(known, confidence, _RESAMPLES, seed)
    stats = require("scipy.stats", "stats", "A BCa interval")
    with warnings.catch_warnings():
        # Two or three patients leave it undefined, which NaN says.
        warnings.simplefilter("ignore")
        found = stats.bootstrap(
            (known,), np.mean, confidence_level=confidence, n_resamples=_RESAMPLES,
            method="BCa", rng=np.random.default_rng(seed),
        ).confidence_interval  # fmt: skip
    return float(found.low), float(found.high)


def check_interval(interval: str | None, owner: str) -> None:
    """Refuse an interval that there is none of."""
    if interval is not None:
        check_choice(interval, "interval", owner, INTERVALS)


def differences(first: Values, second: Values) -> Values:
    """Return paired differences: 0 where both are the same infinity, NaN where one is NaN."""
    same = first == second
    with np.errstate(invalid="ignore"):
        return np.where(same, 0.0, first - second)


def p_value(values: Values, test: str, seed: int) -> float:
    """Return the two-sided p of paired differences being symmetric about 0.

    Parameters
    ----------
    values : float64 array of shape (n,)
        Differences; NaN is left out, infinite ones are the largest of all.
    test : {"wilcoxon", "permutation"}
        Of the ranks of all differences (Wilcoxon, 1945), exact where there are few and no ties; or
        of the mean under every change of signs, 10,000 at random where there are more. For the
        latter what is infinite is left out.
    seed : int
        Of "permutation".

    Returns
    -------
    float
        1.0 where all differences are 0, NaN without any.
    """
    known = values[~np.isnan(values)]
    if test == "permutation":
        known = known[np.isfinite(known)]
    if known.size == 0:
        return math.nan
    if not known.any():
        return 1.0
    stats = require("scipy.stats", "stats", "A paired test")
    if test == "wilcoxon":
        finite = known[np.isfinite(known)]
        # Ranks are all that counts.
        beyond = 2.0 * np.abs(finite).max(initial=1.0)
        ranked = np.where(np.isfinite(known), known, np.sign(known) * beyond)
        return float(stats.wilcoxon(ranked).pvalue)
    found = stats.permutation_test(
        (known,), np.mean, permutation_type="samples", n_resamples=_RESAMPLES,
        rng=np.random.default_rng(seed), vectorized=True,
    )  # fmt: skip
    return float(found.pvalue)


def holm(values: Sequence[float]) -> list[float]:
    """Return p values corrected for their number (Holm, 1979); NaN stays, and does not count."""
    order = sorted((p, place) for place, p in enumerate(values) if not math.isnan(p))
    found = [math.nan] * len(values)
    highest = 0.0
    for rank, (p, place) in enumerate(order):
        highest = max(highest, min(1.0, p * (len(order) - rank)))
        found[place] = highest
    return found


def described(values: Values) -> dict[str, Any]:
    """Return how many values there are, mean and SD of the finite ones, and quartiles of all.

    An infinite distance, as where one of two masks is empty, is the largest there is: median and
    quartiles count it, the mean cannot, and `n_infinite` says how often it came.
    """
    known = values[~np.isnan(values)]
    finite = known[np.isfinite(known)]
    ranks = np.sort(known)
    # No value between two: infinity and a number have none.
    quartiles = {
        name: float(ranks[math.ceil(part * known.size) - 1]) if known.size else math.nan
        for name, part in (("lower_quartile", 0.25), ("median", 0.5), ("upper_quartile", 0.75))
    }
    if known.size % 2 == 0 and known.size and math.isfinite(ranks[known.size // 2]):
        quartiles["median"] = float(np.median(ranks))
    return {
        "n": int(known.size),
        "n_undefined": int(values.size - known.size),
        "n_infinite": int(known.size - finite.size),
        "mean": float(finite.mean()) if finite.size else math.nan,
        "sd": float(finite.std(ddof=1)) if finite.size > 1 else math.nan,
        **quartiles,
    }

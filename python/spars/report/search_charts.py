"""The report's section on the search: its charts and what they say."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spars.report import plots
from spars.report.drawing import chart, svg
from spars.report.text import number

if TYPE_CHECKING:
    from spars.search.coverage import Coverage
    from spars.search.run import Run
    from spars.search.segmentation import Segmentation


def search_section(
    segmentation: Segmentation,
    metrics: Sequence[Mapping[str, Any]],
    curves: Mapping[str, Coverage] | None = None,
    budgets: Mapping[str, Mapping[int, float]] | None = None,
) -> dict[str, Any] | None:
    """Return the section's text and charts, or None where there is nothing to draw."""
    run = segmentation.run
    rewards = getattr(run, "rewards", None)
    charts, text = [], ""
    if rewards is not None and len(rewards) > 1:
        text = f"{len(rewards)} iterations of self-play on this one scan."
        charts += _learning(segmentation, metrics, run, rewards)
    if budgets:
        charts.append(_budgets(budgets, metrics))
    if curves:
        charts += _coverage(curves)
    return {"text": text, "charts": charts} if charts else None


def _budgets(
    reached: Mapping[str, Mapping[int, float]], metrics: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """Return the chart of Dice against the windows that searches asked for."""
    limit = next((row["value"] for row in metrics if row["name"] == "dice"), None)
    return {
        "svg": svg(functools.partial(plots.budgets, reached, limit=limit)),
        "caption": "Dice of searches that may ask the classifier for so many windows and no more. "
        "The line is this report's mask. One scan and one seed rank no searches.",
    }


def _coverage(curves: Mapping[str, Coverage]) -> list[dict[str, str]]:
    """Return one chart for each part of `spars.plots.COVERAGE`."""
    first = next(iter(curves.values()))
    share = f"{100 * first.best_places / first.places:.2g} %"
    captions = {
        "seen": f"Distinct windows over the {first.places} that there are. In a game both agents "
        "show one each step, in an exhaustive search there is one a step.",
        "best_seen": f"The same among the {first.best_places} windows of the highest scores, the "
        f"best {share} of all.",
        "regret": f"The highest score of all windows, {number(first.limit)}, less the highest seen "
        "so far. A search at 0 has found the best window.",
    }
    return [
        {
            "svg": svg(functools.partial(plots.coverage, curves, part=part)),
            "caption": captions[part],
        }
        for part, _ in plots.COVERAGE
    ]


def _learning(
    segmentation: Segmentation,
    metrics: Sequence[Mapping[str, Any]],
    run: Run,
    rewards: NDArray[Any],
) -> list[dict[str, str]]:
    """Return the charts of what self-play did, iteration by iteration."""
    width = max(1, len(rewards) // 20)
    scores = np.asarray(run.scores, dtype=np.float64)
    faded = "" if width == 1 else f" Bold: mean of the last {width} iterations."
    earned = {"learner": rewards}
    meaning = (
        "+1 where the learner's window scores higher than the opponent's, -1 where lower. The "
        "opponent is an earlier copy of the learner, so 0 means no progress over it."
    )
    if run.configuration.get("game") == "exhaustion":
        earned["opponent"] = run.opponent_rewards
        meaning = (
            "+1 for the place worth more, -1 for the other; an episode's last step counts "
            f"{run.configuration['rule']['final_factor']:g} times, and penalties are each agent's "
            "own."
        )
    charts = [
        chart(earned, "iteration", "mean reward of a step", meaning + faded, width),
        chart(
            {"learner": scores[:, 0], "opponent": scores[:, 1]},
            "iteration",
            "mean score of the windows",
            f"How much tumour the classifier sees where each agent goes.{faded}",
            width,
        ),
    ]
    dice = getattr(run, "dice", None)
    if dice is not None and len(dice):
        charts.append(
            chart(
                {"Dice": dice},
                "iteration",
                "Dice of the map so far",
                _dice_caption(segmentation, metrics),
            )
        )
    return charts


def _dice_caption(segmentation: Segmentation, metrics: Sequence[Mapping[str, Any]]) -> str:
    """Return what the curve of Dice is of, and how it goes with the Dice of the mask."""
    parts = [
        "Dice of the map above the segmentation threshold, read after each iteration for this "
        "chart only; nothing in the search sees it."
    ]
    if segmentation.configuration.get("region") is not None:
        parts.append("It is of the whole map, before the mask is cut to the region.")
        mask = next((row["value"] for row in metrics if row["name"] == "dice"), None)
        if mask is not None:
            parts.append(
                f"The cut takes Dice from {number(segmentation.run.dice[-1])} at the curve's end "
                f"to the mask's {number(mask)}."
            )
    return " ".join(parts)

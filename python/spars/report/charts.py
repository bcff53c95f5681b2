"""Charts of what was measured: curves, coverage, leagues. Public in `spars.plots`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spars._support.checks import check_choice, check_float, check_integer, check_text, sentence
from spars._support.extras import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spars.search.coverage import Coverage
    from spars.search.league import League

#: Colours legible on light and dark ground, which people with colour-vision deficiencies tell apart
#: (Okabe and Ito, 2008); dashes and markers tell the lines apart without any.
LINES = ("#3A8FC7", "#DD6E2B", "#2AA57F", "#C77DAB", "#C99700", "#7A86D8")
DASHES: tuple[Any, ...] = (
    "solid", "dashed", "dashdot", (0, (1, 1)), (0, (6, 1, 1, 1, 1, 1)), (0, (8, 3)),
)  # fmt: skip
MARKERS = ("o", "s", "^", "D", "v", "X")
#: Lines at most that are named inside a chart.
_NAMED = 8
#: Points at most that have a marker each; longer curves have some markers along them.
_MARKED = 20
#: What `coverage` draws: the attribute of a `Coverage`, and the axis' name.
COVERAGE = (
    ("seen", "share of all windows seen"),
    ("best_seen", "share of the best windows seen"),
    ("regret", "regret"),
)


def panels(
    series: Sequence[Mapping[str, Sequence[float] | NDArray[Any]]],
    *,
    x_label: str,
    y_labels: Sequence[str] | None = None,
) -> Figure:
    """Draw `curves` side by side, a panel for each mapping; `y_labels` are empty by default."""
    figure = new_figure(5.2 * len(series), 3.4)
    axes = figure.subplots(1, len(series), squeeze=False)[0]
    for ax, drawn, label in zip(axes, series, y_labels or [""] * len(series), strict=True):
        # A curve alone is named by its axis, several by their legend.
        alone = next(iter(drawn)) if len(drawn) == 1 else ""
        curves(drawn, x_label=x_label, y_label=label or alone, ax=ax)
    return figure


def curves(
    series: Mapping[str, Sequence[float] | NDArray[Any]],
    *,
    x_label: str,
    y_label: str,
    title: str | None = None,
    smooth: int = 1,
    scale: str = "linear",
    mark: tuple[int, str] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw named series over their index, each from 1.

    Parameters
    ----------
    series : mapping of str to sequence of float
        NaN leaves a gap. Series that are empty or all NaN are left out.
    x_label, y_label : str
        Axis names with their units.
    title : str, optional
        Shown above.
    smooth : int
        Width of a trailing mean drawn over the faded raw values; 1 draws the values alone.
    scale : {"linear", "log"}
        Text of the y axis.
    mark : tuple of (int, str), optional
        A place on the x axis, from 1, and what to write there: a dashed line crosses the chart.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        `series` is no mapping, a label is no str, `mark` does not lie within the longest of them,
        `smooth` is below 1, or `scale` is neither.

    Examples
    --------
    >>> series = {"loss": [0.7, 0.5, 0.4]}
    >>> spars.plots.curves(series, x_label="epoch", y_label="loss").savefig("loss.png")
    """
    smooth = check_integer(smooth, "smooth", "curves", 1)
    check_choice(scale, "scale", "curves", ("linear", "log"))
    _check_by_name(series, "series", "curves")
    for name, text in (("x_label", x_label), ("y_label", y_label), ("title", title or "")):
        check_text(text, name, "curves")
    if mark is not None:
        longest = max((len(values) for values in series.values()), default=0)
        place, text = mark
        place = check_integer(place, "mark", "curves", 1, longest)
    figure, ax = axes_of(ax)
    drawn = 0
    for name, values in series.items():
        values = np.asarray(values, dtype=np.float64)
        if values.size == 0 or np.isnan(values).all():
            continue
        style = line_style(drawn)
        drawn += 1
        steps = np.arange(1, values.size + 1)
        if smooth > 1:
            ax.plot(steps, values, color=style["color"], alpha=0.25, linewidth=0.8)
        # Shifted from curve to curve, so that markers of near curves do not cover each other.
        every = max(1, values.size // 6)
        style["markevery"] = 1 if values.size <= _MARKED else (drawn * every // 4, every)
        ax.plot(steps, trailing_mean(values, smooth), label=name, **style)
    ax.set_yscale(scale)
    # Epochs and iterations are whole.
    locator: Any = ax.xaxis.get_major_locator()
    locator.set_params(integer=True)
    if mark is not None:
        ax.axvline(place, color=LINES[5], linestyle="dashed", linewidth=1.2, zorder=1)
        # Above the curves, on the side with more room.
        on_left = place > (longest + 1) / 2
        ax.annotate(
            text,
            (place, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(-4 if on_left else 4, 2),
            textcoords="offset points",
            ha="right" if on_left else "left",
            va="bottom",
            fontsize="small",
        )
    if title:
        # Above what is written at the mark.
        ax.set_title(title, fontsize="medium", pad=None if mark is None else 18)
    _finish(ax, x_label, y_label, drawn)
    return figure


def coverage(
    curves: Mapping[str, Coverage], *, part: str | None = None, ax: Axes | None = None
) -> Figure:
    """Draw how much of a scan searches had seen after each step, and their regret.

    Parameters
    ----------
    curves : mapping of str to Coverage
        By the name of the search, from `Run.coverage` or `spars.coverage.coverage`.
    part : {"seen", "best_seen", "regret"}, optional
        One panel alone; all three side by side by default.
    ax : matplotlib.axes.Axes, optional
        Where to draw, together with `part`; a new figure by default.

    Returns
    -------
    matplotlib.figure.Figure
        The steps are on a logarithmic axis: an exhaustive search takes many more than a game.

    Raises
    ------
    TypeError, ValueError
        No curve is given, or something else than curves, or `part` is none of the three.

    Examples
    --------
    >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
    >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
    >>> found = spars.baselines.exhaustive(scan, darkness, window=(8, 8, 8), grid=scan.shape)
    >>> figure = spars.plots.coverage({"every window": found.coverage()})
    """
    check_coverage(curves, "curves", "coverage")
    if not curves:
        raise ValueError(
            "The 'curves' parameter of coverage must hold a Coverage by name. Got none instead."
        )
    if part is not None:
        part = check_choice(part, "part", "coverage", [name for name, _ in COVERAGE])
        figure, ax = axes_of(ax)
        panels = [(ax, part, dict(COVERAGE)[part])]
    else:
        figure = new_figure(13, 3.6)
        axes = figure.subplots(1, 3)
        panels = [(ax, *panel) for ax, panel in zip(axes, COVERAGE, strict=True)]
    for ax, name, label in panels:
        for index, (search, curve) in enumerate(curves.items()):
            values = getattr(curve, name)
            steps = np.arange(1, len(values) + 1)
            # Markers evenly along the axis, which is logarithmic.
            places = np.unique(np.geomspace(1, len(values), 6).astype(int)) - 1
            style = line_style(index) | {"markevery": places}
            ax.plot(steps, values, label=search, **style)
        _finish(ax, "step", label, len(curves))
        ax.set_xscale("log")
    return figure


def budgets(
    reached: Mapping[str, Mapping[int, float]],
    *,
    limit: float | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw the Dice that searches reach with how many windows.

    Parameters
    ----------
    reached : mapping of str to mapping of int to float
        By the name of the search: Dice by `Segmentation.scores_asked`.
    limit : float, optional
        The Dice of every window, a dashed line.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.figure.Figure
        The windows are on a logarithmic axis.

    Raises
    ------
    TypeError, ValueError
        No search is given, its Dice is no mapping, or `limit` is no number.

    Examples
    --------
    >>> figure = spars.plots.budgets({"flood": {100: 0.21, 500: 0.38}}, limit=0.67)
    """
    if not reached:
        raise ValueError(
            "The 'reached' parameter of budgets must hold Dice by name. Got none instead."
        )
    for dice in _check_by_name(reached, "reached", "budgets").values():
        _check_by_name(dice, "reached", "budgets", "a mapping of windows to Dice, by name")
    if limit is not None:
        limit = check_float(limit, "limit", "budgets")
    figure, ax = axes_of(ax)
    for index, (search, dice) in enumerate(reached.items()):
        asked = sorted(dice)
        ax.plot(asked, [dice[count] for count in asked], label=search, **line_style(index))
    if limit is not None:
        ax.axhline(limit, color="gray", linestyle="dashed", linewidth=1.2, label="every window")
    ax.set_xscale("log")
    ax.set_ylim(bottom=0.0)
    _finish(ax, "windows asked for", "Dice", len(reached) + (limit is not None))
    return figure


def payoff(league: League, *, ax: Axes | None = None) -> Figure:
    """Draw who beats whom in a league: each row's win rate against each column.

    Parameters
    ----------
    league : League
        One whose members have played.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.figure.Figure
        Members are sorted by their ratings, the strongest first: what transitive strength explains
        is purple above the diagonal, and orange there is a member that loses to a weaker one.

    Raises
    ------
    TypeError
        `league` is none.

    Examples
    --------
    >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
    >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
    >>> run = spars.self_play(
    ...     scan, darkness, iterations=2, window=(8, 8, 8), grid=scan.shape, n_steps=8,
    ...     opponent_update_interval=8,
    ... )
    >>> figure = spars.plots.payoff(spars.League.of(run, max_steps=16).play(4))
    """
    order = _checked(league, "payoff").ratings(resamples=1).order
    rates = league.payoff[np.ix_(order, order)]
    names = [league.names[i] for i in order]
    figure, ax = axes_of(ax)
    image = ax.imshow(rates, cmap="PuOr", vmin=0.0, vmax=1.0)
    ax.set_xticks(range(len(names)), names, rotation=90)
    ax.set_yticks(range(len(names)), names)
    ax.set_xlabel("against")
    ax.set_ylabel("member")
    if len(names) <= 12:
        for row, column in zip(*np.nonzero(~np.isnan(rates)), strict=True):
            rate = rates[row, column]
            colour = "white" if abs(rate - 0.5) > 0.35 else "black"
            ax.text(column, row, f"{rate:.2f}", ha="center", va="center", color=colour, fontsize=7)
    figure.colorbar(image, ax=ax, label="win rate, ties as halves")
    return figure


def ratings(league: League, *, confidence: float = 0.95, ax: Axes | None = None) -> Figure:
    """Draw every member's Elo rating with its interval, in the order they joined.

    Parameters
    ----------
    league : League
        One whose members have played.
    confidence : float
        Confidence of the intervals.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError
        `league` is none.

    Examples
    --------
    >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
    >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
    >>> run = spars.self_play(
    ...     scan, darkness, iterations=2, window=(8, 8, 8), grid=scan.shape, n_steps=8,
    ...     opponent_update_interval=8,
    ... )
    >>> figure = spars.plots.ratings(spars.League.of(run, max_steps=16).play(4))
    """
    found = _checked(league, "ratings").ratings(confidence=confidence)
    figure, ax = axes_of(ax)
    places = np.arange(len(found.names))
    # A percentile interval need not hold the estimate; bars have no negative length.
    ends = np.clip([found.elo - found.low, found.high - found.elo], 0.0, None)
    ax.errorbar(places, found.elo, yerr=ends, fmt="o", color=LINES[0], capsize=3)
    ax.set_xticks(places, found.names, rotation=90)
    _finish(ax, "member", f"Elo rating, {100 * confidence:g} % interval", 1)
    return figure


def trailing_mean(values: ArrayLike, width: int) -> NDArray[np.float64]:
    """Return the mean of each value and up to `width` - 1 before it, NaN left out."""
    values = np.asarray(values, dtype=np.float64)
    width = min(width, values.size)
    known = ~np.isnan(values)
    sums = np.concatenate(([0.0], np.cumsum(np.where(known, values, 0.0))))
    counts = np.concatenate(([0], np.cumsum(known)))
    last = np.arange(1, values.size + 1)
    first = np.maximum(last - width, 0)
    n = counts[last] - counts[first]
    means = np.full(values.size, np.nan)
    np.divide(sums[last] - sums[first], n, out=means, where=n > 0)
    return means


def _check_by_name(
    value: object, name: str, owner: str, allowed: str = "a mapping by name"
) -> Mapping[Any, Any]:
    """Return `value`, which must be a mapping."""
    if not isinstance(value, Mapping):
        raise TypeError(sentence(name, owner, allowed, value))
    return value


def check_coverage(value: object, name: str, owner: str) -> None:
    """Raise TypeError unless `value` is a mapping of str to Coverage."""
    for curve in _check_by_name(value, name, owner, "a mapping of str to Coverage").values():
        # Its class is in a package that this one does not know.
        if not all(hasattr(curve, part) for part, _ in COVERAGE):
            raise TypeError(sentence(name, owner, "a Coverage by name", curve))


def _checked(league: League, owner: str) -> League:
    """Return what must be a league, whose class this package does not know."""
    if not hasattr(league, "payoff"):
        raise TypeError(sentence("league", owner, "a League", league))
    return league


def _finish(ax: Axes, x_label: str, y_label: str, drawn: int) -> None:
    """Name the axes of a chart, and its lines where there are several."""
    ax.set_xlabel(x_label)
    ax.set_ylabel(y_label)
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    if drawn > 1:
        # Lines that go everywhere leave no free corner: names are read in front of them, and
        # beside them where they are many.
        place: dict[str, Any] = {}
        if drawn > _NAMED:
            place = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}
        ax.legend(fontsize="small", framealpha=0.85, edgecolor="none", **place)


def line_style(index: int) -> dict[str, Any]:
    """Return colour, dashes and marker of the line of this number, from 0; 36 differ."""
    # After six a colour comes again with other dashes and another marker.
    shifted = index + index // len(LINES)
    return {
        "color": LINES[index % len(LINES)],
        "linestyle": DASHES[shifted % len(DASHES)],
        "marker": MARKERS[shifted % len(MARKERS)],
        "markersize": 4,
    }


def axes_of(ax: Axes | None) -> tuple[Figure, Axes]:
    if ax is not None:
        if not hasattr(ax, "figure"):
            raise TypeError(sentence("ax", "a chart", "matplotlib's Axes", ax))
        # It may be a SubFigure, which draws the same.
        return cast("Figure", ax.figure), ax
    figure = new_figure(5.8, 3.6)
    return figure, figure.subplots()


def new_figure(width: float, height: float) -> Figure:
    """Return a new figure of so many inches."""
    require("matplotlib.figure", "report", "Plotting")
    # A subclass of matplotlib's own, so that it can only be read where matplotlib is.
    from spars.report.figure import ShownFigure

    return ShownFigure(figsize=(width, height), layout="constrained")

"""Scans whose windows all have their scores: what searches are played on at no cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spars._support.types import FloatArray, Scan
from spars.classifier.ensemble import AnyClassifier
from spars.classifier.recipe import Recipe
from spars.game.field import Field
from spars.lesions.insertion import insert
from spars.lesions.settings import LesionLaw
from spars.search.budget import openings
from spars.search.features import Features, Ground
from spars.search.frames import OrganFrame
from spars.search.strategies import HIT, Numbers, View
from spars.volume.cases import Case
from spars.volume.volume import Volume
from spars.volume.working import WorkingScan

__all__ = ["KnownScan", "Searches", "known_scans", "organ_field", "organ_of", "worth"]

#: Lesions made in a scan.
_LESIONS = (1, 7)


@dataclass(frozen=True, eq=False)
class KnownScan:
    """A scan that searches are played on at no cost: every window has its score.

    Attributes
    ----------
    askable : bool array of shape (nx, ny, nz)
    intensity, scores : float32 arrays of shape (n,)
        As a `View` has them, all scores known.
    """

    askable: NDArray[np.bool_]
    intensity: FloatArray
    scores: FloatArray

    def view(self) -> View:
        """Return what a search sees before it asks."""
        return View(self.askable, self.intensity)

    @cached_property
    def ground(self) -> Ground:
        """What never changes of the windows' features: 540 bytes a window, kept."""
        return Ground.of(self.view())


def worth(scores: FloatArray) -> FloatArray:
    """Return what windows' scores are worth: 0 up to one half, then up to 1 by the square."""
    return np.maximum((scores - HIT) / (1 - HIT), 0) ** 2


def known_scans(
    case: Case, classifier: AnyClassifier, recipe: Recipe, sets: int, law: LesionLaw,
    seeds: Sequence[int], owner: str,
) -> Iterator[KnownScan]:  # fmt: skip
    """Yield a case's scan with every window scored: with tumour as it is, else with made lesions.

    Parameters
    ----------
    case : Case
        With an organ.
    classifier, recipe
        What scores, and its recipe with a spacing.
    sets : int
        Scans made of a tumour-free case.
    law : LesionLaw
        How lesions are drawn.
    seeds : sequence of int
        Seed of lesions; each set's number is added to it.
    owner : str
        Whose dataset it is, for errors.
    """
    for working in _made(case, recipe, sets, law, seeds, owner):
        _, field = organ_field(working, classifier, recipe, owner)
        askable, intensity = openings(field, working.organ)
        field.score_all()
        yield KnownScan(askable, intensity, field.scores()[askable])


def _made(
    case: Case, recipe: Recipe, sets: int, law: LesionLaw, seeds: Sequence[int], owner: str
) -> Iterator[WorkingScan]:
    """Yield an organ on the working grid: as it is with tumour, else with lesions drawn anew."""
    working = recipe.working(case.load(), organ_of(case, owner))
    if case.has_tumour:
        yield working
        return
    for number in range(sets):
        rng = np.random.default_rng([*seeds, number])
        count = int(rng.integers(_LESIONS[0], _LESIONS[1] + 1))
        made = insert(working.volume, working.organ, count, law, int(rng.integers(2**63)))
        yield replace(working, volume=made.volume)


def organ_of(case: Case, owner: str) -> Scan:
    """Return a case's organ, which it must have."""
    organ = case.load_organ()
    if organ is None:
        raise ValueError(
            f"The 'dataset' parameter of {owner} must hold scans with an organ's mask. "
            f"Got {case.name!r}, which has none."
        )
    return organ


def organ_field(
    working: WorkingScan, classifier: AnyClassifier, recipe: Recipe, owner: str
) -> tuple[Volume, Field]:
    """Return an organ as windows are cut from it, HU, and the field of them; none is scored."""
    frame = OrganFrame.of_working(working, recipe)
    return frame.seen, Field(
        frame.seen, classifier, recipe.window, recipe.protocol, 1.0, frame.seen.shape,
        recipe.stride, {}, owner, working.organ, not recipe.is_interpolated,
    )  # fmt: skip


class Searches:
    """Searches of several known scans side by side, a turn of each at once.

    Windows are numbered through: the first scan's, then the second's, and so on.

    Parameters
    ----------
    scans : sequence of KnownScan
        One may come more than once: each is a search of its own.

    Attributes
    ----------
    features : Features
        As every window's is now.
    scores, worths : float32 arrays of shape (n,)
    counts : ndarray of int64, shape (searches,)
        Windows of each search.
    windows : ndarray of int64, shape (searches, most)
        The windows of each search; n behind the last of a smaller one.
    is_open : bool array of shape (n + 1,)
        Whether a window has not been asked for; False for no window.
    """

    def __init__(self, scans: Sequence[KnownScan]) -> None:
        self.features = Features(*(scan.ground for scan in scans))
        self.scores = np.concatenate([scan.scores for scan in scans])
        self.worths = worth(self.scores)
        self._worths = np.append(self.worths, np.float32(0))
        counts = np.array([len(scan.scores) for scan in scans])
        inside = np.arange(counts.max()) < counts[:, None]
        self.counts = counts
        self._is_window = inside
        self.windows = np.full(inside.shape, counts.sum())
        self.windows[inside] = np.arange(counts.sum())
        self.is_open = np.arange(counts.sum() + 1) < counts.sum()

    def best(self, wishes: FloatArray, count: int) -> Numbers:
        """Return the open windows of the highest wishes, best first: int64 (searches, count).

        Parameters
        ----------
        wishes : float32 array of shape (n,)
        count : int
            Where fewer windows are open, n stands in their place.
        """
        rows: FloatArray = np.full(self.windows.shape, np.inf, np.float32)
        rows[self._is_window] = np.where(self.is_open[:-1], -wishes, np.float32(np.inf))
        count = min(count, rows.shape[1])
        first = np.argpartition(rows, count - 1, axis=1)[:, :count]
        order = np.argsort(np.take_along_axis(rows, first, axis=1), axis=1, kind="stable")
        chosen = np.take_along_axis(self.windows, np.take_along_axis(first, order, 1), 1)
        return np.where(self.is_open[chosen], chosen, len(self.scores))

    def ask(self, windows: Numbers) -> Numbers:
        """Ask for open windows of any search, each once; return the open ones that look otherwise.

        Windows n are passed over.
        """
        asked = windows[windows < len(self.scores)]
        self.is_open[asked] = False
        changed = self.features.take(asked, self.scores[asked])
        return changed[self.is_open[changed]]

    def worth_of(self, windows: Numbers) -> FloatArray:
        """Return what windows are worth; 0 for no window."""
        return self._worths[windows]

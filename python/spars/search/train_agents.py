"""Training of agents: which windows were worth asking for, learned over many scans."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spars._support.checks import check_integer, sentence
from spars._support.progress import as_progress
from spars._support.types import FloatArray, Progress
from spars._support.version import __version__
from spars.classifier.network import Classifier
from spars.classifier.recipe import Recipe
from spars.game.field import Field
from spars.game.scorers import identity
from spars.lesions.insertion import as_law, insert
from spars.lesions.settings import LesionLaw
from spars.search.agents import BATCH, Agents, best
from spars.search.budget import openings
from spars.search.features import FEATURES, Features
from spars.search.frames import OrganFrame
from spars.search.map_policy import MapPolicy
from spars.search.strategies import HIT, View
from spars.volume.cases import Case, checked_cases
from spars.volume.working import WorkingScan

__all__ = ["KnownScan", "learn", "train_agents", "worth"]

_OWNER = "train_agents"
#: Lesions in a scan.
_LESIONS = (1, 7)
# Of the windows at a turn: how often they are learned from, and which beside those asked for.
_KEPT = 0.3
_OTHERS = 48
_BEST = 8
_NOISE = 0.06
_INTENSITY, _BESIDE = FEATURES.index("intensity"), FEATURES.index("best beside")
_PASSES = 6
_MINIBATCH = 1024
_RATE = 0.003


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


def worth(scores: FloatArray) -> FloatArray:
    """Return what windows' scores are worth: 0 up to one half, then up to 1 by the square."""
    return np.maximum((scores - HIT) / (1 - HIT), 0) ** 2


def train_agents(
    dataset: Iterable[Case],
    classifier: Classifier,
    *,
    lesion_sets: int = 6,
    law: LesionLaw | None = None,
    rounds: int = 4,
    max_scores: int = 1000,
    seed: int = 0,
    progress: Progress | bool | None = None,
) -> Agents:
    """Train agents that search an organ for what a classifier scores high.

    Every window of every scan is scored once. Then searches are played on known scores, one a scan
    and round, and a small network learns what each window that stood open was worth: 0 up to a
    score of one half, up to 1 above. In the first round windows are drawn, the darker and those
    beside high scores more often; then the network that has learned so far plays, with noise. No
    label and no mask but the organ's is read.

    Parameters
    ----------
    dataset : sequence of spars.datasets.Case
        Scans with organs (`Case.load_organ`). Those without tumour get made-up lesions, 1 to 7 of
        them, in `lesion_sets` different ways; others are used as they are.
    classifier : Classifier
        With a recipe that has a spacing.
    lesion_sets : int
        Scans made of each tumour-free one.
    law : spars.lesions.LesionLaw, optional
        How lesions are drawn. Default: ``LesionLaw()``.
    rounds : int
        Searches of each scan; the network learns after each round from all of them.
    max_scores : int
        Windows that a search asks for.
    seed : int
        Seed of lesions, network and noise.
    progress : callable or True, optional
        Called with (done, planned) scans and rounds; True draws a bar.

    Returns
    -------
    Agents

    Raises
    ------
    TypeError, ValueError
        A parameter is out of range, the classifier has no recipe with a spacing, or a case has no
        organ.

    Examples
    --------
    >>> cases = spars.datasets.phantoms(1, shape=(64, 64, 48), tumour_fraction=0.0)
    >>> classifier = spars.Classifier((108, 108, 108), spars.IntensityWindow(40, 400), seed=0)
    >>> classifier.recipe = spars.Recipe.of_organ(spacing=10.0, window=(4, 4, 4))
    >>> agents = spars.train_agents(cases, classifier, lesion_sets=1, rounds=1, max_scores=20)
    >>> agents.training["scans"]
    1
    """
    if not isinstance(classifier, Classifier):
        raise TypeError(sentence("classifier", _OWNER, "a Classifier", classifier))
    recipe = classifier.recipe
    if recipe is None or recipe.spacing is None:
        wanted = "a Classifier whose recipe has a spacing"
        raise ValueError(sentence("classifier", _OWNER, wanted, recipe))
    sets = check_integer(lesion_sets, "lesion_sets", _OWNER, 1, 1000)
    rounds = check_integer(rounds, "rounds", _OWNER, 1, 1000)
    most = check_integer(max_scores, "max_scores", _OWNER, BATCH)
    seed = check_integer(seed, "seed", _OWNER, 0, 2**63 - 1)
    law = as_law(law, _OWNER)
    cases = checked_cases(dataset, "dataset", _OWNER)
    if not cases:
        raise ValueError(sentence("dataset", _OWNER, "a sequence with a case", cases))
    report = as_progress(progress, "agents", "scans")
    scans: list[KnownScan] = []
    for number, case in enumerate(cases):
        for working in _made(case, recipe, sets, law, [seed, number]):
            scans.append(_known(working, classifier, recipe))
        if report is not None:
            report(number + 1, len(cases) + rounds)

    def learned(done: int) -> None:
        if report is not None:
            report(len(cases) + done, len(cases) + rounds)

    policy, errors = learn(scans, rounds, most, seed, learned)
    return Agents(
        policy,
        {
            "scans": len(scans), "cases": [case.name for case in cases], "lesion_sets": sets,
            "law": law.recorded(), "rounds": rounds, "max_scores": most, "seed": seed,
            "errors": errors, "recipe": recipe.recorded(), "spars": __version__,
            "classifier": (identity(classifier) or {}).get("sha256"),
        },
    )  # fmt: skip


def _made(
    case: Case, recipe: Recipe, sets: int, law: LesionLaw, seeds: list[int]
) -> Iterator[WorkingScan]:
    """Yield an organ on the working grid: as it is with tumour, else with lesions drawn anew."""
    organ = case.load_organ()
    if organ is None:
        raise ValueError(
            f"The 'dataset' parameter of {_OWNER} must hold scans with an organ's mask. "
            f"Got {case.name!r}, which has none."
        )
    working = recipe.working(case.load(), organ)
    if case.has_tumour:
        yield working
        return
    for number in range(sets):
        rng = np.random.default_rng([*seeds, number])
        count = int(rng.integers(_LESIONS[0], _LESIONS[1] + 1))
        made = insert(working.volume, working.organ, count, law, int(rng.integers(2**63)))
        yield replace(working, volume=made.volume)


def _known(working: WorkingScan, classifier: Classifier, recipe: Recipe) -> KnownScan:
    frame = OrganFrame.of_working(working, recipe)
    field = Field(
        frame.seen, classifier, recipe.window, recipe.protocol, 1.0, frame.seen.shape,
        recipe.stride, {}, _OWNER, working.organ, not recipe.is_interpolated,
    )  # fmt: skip
    askable, intensity = openings(field, working.organ)
    field.score_all()
    return KnownScan(askable, intensity, field.scores()[askable])


def learn(
    scans: Sequence[KnownScan],
    rounds: int,
    most: int,
    seed: int,
    report: Callable[[int], None] | None = None,
) -> tuple[MapPolicy, list[float]]:
    """Learn a policy by playing searches on scans whose scores are known.

    Parameters
    ----------
    scans : sequence of KnownScan
    rounds, most, seed
        As `rounds`, `max_scores` and `seed` of `train_agents`.
    report : callable, optional
        Called after each round with how many are done.

    Returns
    -------
    policy : MapPolicy
    errors : list of float
        Mean squared error of the last pass of each round.
    """
    rng = np.random.default_rng(seed)
    policy = MapPolicy(seed)
    features, worths = [np.zeros((0, len(FEATURES)), np.float32)], [np.zeros(0, np.float32)]
    errors = []
    for done in range(rounds):
        for scan in scans:
            for seen, wanted in _looks(scan, policy if done else None, most, rng):
                features.append(seen)
                worths.append(wanted)
        errors.append(_fit(policy, np.concatenate(features), np.concatenate(worths), rng))
        if report is not None:
            report(done + 1)
    return policy, errors


def _looks(
    scan: KnownScan, policy: MapPolicy | None, most: int, rng: np.random.Generator
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Play one search and yield, at some of its turns, open windows' features and worths."""
    view, worths = scan.view(), worth(scan.scores)
    features = Features(view)
    for _ in range(most // BATCH):
        left = np.flatnonzero(np.isnan(view.scores))
        if len(left) == 0:
            return
        seen = features()[left]
        noise = rng.gumbel(size=len(left))
        if policy is None:
            wish = noise - seen[:, _INTENSITY] + 4 * seen[:, _BESIDE]
        else:
            wish = policy(seen) + _NOISE * noise
        asked = best(wish, BATCH)
        if rng.random() < _KEPT:
            others = rng.integers(len(left), size=_OTHERS)
            chosen = np.unique(np.concatenate([asked, others, best(worths[left], _BEST)]))
            yield seen[chosen], worths[left[chosen]]
        view.scores[left[asked]] = scan.scores[left[asked]]


def _fit(
    policy: MapPolicy, features: FloatArray, worths: FloatArray, rng: np.random.Generator
) -> float:
    """Pass several times over all that was looked at; return the last pass' mean error."""
    error = 0.0
    for number in range(_PASSES):
        order = rng.permutation(len(features))
        rate = _RATE * (1 - number / (_PASSES + 1))
        error = 0.0
        for first in range(0, len(order), _MINIBATCH):
            part = order[first : first + _MINIBATCH]
            error += policy.learn(features[part], worths[part], rate) * len(part) / len(order)
    return error

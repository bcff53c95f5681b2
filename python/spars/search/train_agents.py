"""Training of agents: which windows were worth asking for, learned over many scans."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spars._support import checkpoints
from spars._support.archives import read_npz, write_npz
from spars._support.checks import sentence
from spars._support.errors import FormatError
from spars._support.progress import as_progress
from spars._support.settings import flat
from spars._support.version import __version__
from spars.classifier.ensemble import AnyClassifier, members_of
from spars.classifier.recipe import Recipe
from spars.game.scorers import identity
from spars.lesions.insertion import as_law
from spars.search.agent_settings import AgentSettings, ReinforcementSettings
from spars.search.agents import LEAST_WORTH, Agents
from spars.search.known_scans import KnownScan, known_scans
from spars.search.regression import Regression
from spars.search.reinforcement import Reinforcement
from spars.volume.cases import Case, checked_cases

__all__ = ["Training", "train_agents"]

_OWNER = AgentSettings.owner
_FORMAT = "spars agents' training 1"
_SCAN = ("askable", "intensity", "scores")
_BROKEN = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError)


@flat(AgentSettings)
def train_agents(
    dataset: Iterable[Case], classifier: AnyClassifier, *, settings: AgentSettings
) -> Agents:
    """Train agents that search an organ for what a classifier scores high.

    Every window of every scan is scored once. Then searches are played on known scores, and a small
    network learns from them which windows are worth asking for: a window is worth 0 up to a score
    of one half, up to 1 above. No label and no mask but the organ's is read.

    Agents of a regression end by themselves where the next windows promise too little
    (`Agents.least_worth`); what "ppo" and "self_play" learn are logits, which promise nothing, and
    such agents go on to their budget.

    Parameters
    ----------
    dataset : sequence of spars.datasets.Case
        Scans with organs (`Case.load_organ`). Those without tumour get made-up lesions, 1 to 7 of
        them, in `lesion_sets` different ways; others are used as they are.
    classifier : Classifier or Ensemble
        With a recipe that has a spacing.
    {settings}

    Returns
    -------
    Agents

    Raises
    ------
    TypeError, ValueError
        A parameter is out of range, the classifier has no recipe with a spacing, or a case has no
        organ. The checkpoint is of other scans or another configuration; the message names the
        difference.
    FormatError
        The checkpoint is not one, or is broken.
    OSError
        The checkpoint cannot be written, is missing, or exists already.

    Warns
    -----
    CheckpointWarning
        A checkpoint could not be written during the training, which goes on; or the one to resume
        is damaged, and the one before was taken.

    Notes
    -----
    Known scans take about 5 MB each. Interrupted, it loses the case or round that was under way.

    Examples
    --------
    >>> cases = spars.datasets.phantoms(1, shape=(64, 64, 48), tumour_fraction=0.0)
    >>> classifier = spars.Classifier((108, 108, 108), spars.IntensityWindow(40, 400), seed=0)
    >>> classifier.recipe = spars.Recipe.of_organ(spacing=10.0, window=(4, 4, 4))
    >>> agents = spars.train_agents(cases, classifier, lesion_sets=1, rounds=1, max_scores=20)
    >>> agents.training["scans"]
    1
    """
    if not members_of(classifier):
        raise TypeError(sentence("classifier", _OWNER, "a Classifier", classifier))
    recipe = classifier.recipe
    if recipe is None or recipe.spacing is None:
        wanted = "a Classifier whose recipe has a spacing"
        raise ValueError(sentence("classifier", _OWNER, wanted, recipe))
    settings = settings.changed(law=as_law(settings.law, _OWNER))
    place = None
    if settings.checkpoint is not None:
        place = checkpoints.check_begun(settings.checkpoint, _OWNER, resume=settings.resume)
    cases = checked_cases(dataset, "dataset", _OWNER)
    if not cases:
        raise ValueError(sentence("dataset", _OWNER, "a sequence with a case", cases))
    training = Training(cases, classifier, recipe, settings)
    if settings.resume and place is not None:
        training.resume(place)
    training.run(place)
    return training.agents()


class Training:
    """A training of agents: what it has scored, and how far the learner has come.

    Parameters
    ----------
    cases : sequence of Case
    classifier, recipe
        What scores, and its recipe.
    settings : AgentSettings
        With a law.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        classifier: AnyClassifier,
        recipe: Recipe,
        settings: AgentSettings,
    ) -> None:
        self._cases, self._classifier, self._recipe = cases, classifier, recipe
        self._settings = settings
        self._scans: list[KnownScan] = []
        #: Cases that are scored.
        self._scored = 0
        self._learner = _learner(self._scans, settings)
        given = settings.recorded()
        if settings.learn == "regression":
            for name in ReinforcementSettings.defaults():
                del given[name]
        known = given | {
            "law": settings.law.recorded(), "cases": [case.name for case in cases],
            "recipe": recipe.recorded(), "classifier": (identity(classifier) or {}).get("sha256"),
        }  # fmt: skip
        # As a file brings it back.
        self._configuration: dict[str, Any] = json.loads(json.dumps(known))

    def run(self, place: Path | None) -> None:
        """Score what has not been scored, then make the rounds that are left."""
        s = self._settings
        rounds = s.rounds or 0
        report = as_progress(s.progress, "agents", "cases and rounds")

        def keep() -> None:
            if place is not None:
                checkpoints.kept(place, self._save)
            if report is not None:
                report(self._scored + self._learner.rounds, len(self._cases) + rounds)

        while self._scored < len(self._cases):
            self._scans += known_scans(
                self._cases[self._scored], self._classifier, self._recipe, s.lesion_sets, s.law,
                [s.seed, self._scored], _OWNER,
            )  # fmt: skip
            self._scored += 1
            keep()
        while self._learner.rounds < rounds:
            self._learner.play()
            keep()

    def agents(self) -> Agents:
        """Return what has been learned, with its record."""
        learned = self._settings.learn == "regression"
        record = self._configuration | self._learner.record() | {
            "scans": len(self._scans), "rounds": self._learner.rounds, "spars": __version__,
        }  # fmt: skip
        return Agents(self._learner.policy, record, LEAST_WORTH if learned else None)

    def _save(self, place: Path) -> None:
        told, arrays = self._learner.state()
        description = {
            "configuration": self._configuration, "scored": self._scored,
            "scans": len(self._scans), "learner": told,
        }  # fmt: skip
        held = {
            f"scan.{number}.{name}": getattr(scan, name)
            for number, scan in enumerate(self._scans)
            for name in _SCAN
        }
        write_npz(place, description, held | arrays, _FORMAT, keep_previous=True)

    def resume(self, place: Path) -> None:
        """Take over what the checkpoint holds."""
        checkpoints.newest(place, self._read)

    def _read(self, place: Path) -> None:
        description, arrays = read_npz(place, _FORMAT)
        try:
            before = dict(description["configuration"])
            scored = int(description["scored"])
            scans = [_scan(arrays, number) for number in range(description["scans"])]
            learner = _learner(self._scans, self._settings)
            is_same = before == self._configuration
            if is_same:
                learner.restore(description["learner"], arrays)
        except _BROKEN as error:
            raise FormatError(f"{place}: not a checkpoint of {_OWNER}: {error!r}") from error
        if not is_same:
            _refuse_other(place, before, self._configuration)
        rounds = self._settings.rounds or 0
        if learner.rounds > rounds:
            raise ValueError(
                f"The 'rounds' parameter of {_OWNER} must leave room for the {learner.rounds} that "
                f"{place} has made. Got {rounds} instead."
            )
        self._scans[:] = scans
        self._scored, self._learner = scored, learner


def _learner(scans: Sequence[KnownScan], settings: AgentSettings) -> Regression | Reinforcement:
    if settings.learn == "regression":
        return Regression(scans, settings.max_scores, settings.seed)
    return Reinforcement(scans, settings)


def _scan(arrays: Mapping[str, Any], number: int) -> KnownScan:
    """Return a checkpoint's scan, or raise KeyError or ValueError."""
    askable, intensity, scores = (arrays[f"scan.{number}.{name}"] for name in _SCAN)
    count = int(np.count_nonzero(askable))
    if askable.dtype != bool or askable.ndim != 3 or count == 0:
        raise ValueError(f"scan {number}: windows {askable.dtype} {askable.shape}")
    for values in (intensity, scores):
        if values.dtype != np.float32 or values.shape != (count,):
            raise ValueError(f"scan {number}: {values.dtype} {values.shape} of {count} windows")
    return KnownScan(askable, intensity, scores)


def _refuse_other(place: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    name = next(key for key in [*now, *before] if before.get(key) != now.get(key))
    raise ValueError(
        f"The '{name}' of a training that goes on from {place} must be {before.get(name)!r}, as "
        f"there. Got {now.get(name)!r} instead."
    )

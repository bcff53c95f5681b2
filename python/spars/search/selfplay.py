"""Self-play on one scan: a learner against an opponent, the scores of their windows in a map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from spars._support.checkpoints import check_begun
from spars._support.provenance import digest, versions
from spars._support.settings import flat
from spars._support.types import Scan
from spars.agents.rates import RATES, Rates
from spars.game.field import Field
from spars.game.rules import checked_rule, checked_threshold
from spars.game.scorers import Scorer
from spars.search.exchange import parameters_for
from spars.search.live_run import live_run_of
from spars.search.reference import Reference
from spars.search.run import Run, Snapshot
from spars.search.run_file import check_same
from spars.search.settings import SelfPlaySettings, default_interval

__all__ = ["Run", "Snapshot", "self_play"]


@flat(SelfPlaySettings)
def self_play(volume: Scan, classifier: Scorer, settings: SelfPlaySettings) -> Run:
    """Let two PPO agents compete for the windows that score highest on one scan.

    Each iteration collects `n_steps` steps of each of `n_envs` games and makes one update of the
    learner.

    Parameters
    ----------
    volume : Volume, array, image or path
        The scan, (X, Y, Z). An array is taken to be on the grid already unless `grid` is given.
    classifier : Classifier, ScoreAtlas or callable
        Scores windows in [0, 1]; each window is scored once.
    {settings}

    Returns
    -------
    Run

    Raises
    ------
    ValueError, TypeError
        A parameter is out of range, or the window is larger than the grid.
        With `resume`, the checkpoint is of another run; the message names the difference.
    NonFiniteError
        The scan holds NaN or infinity, or an update produced one.
    FormatError
        The checkpoint to go on from is not one, or it and the one before are broken.
    OSError
        The checkpoint cannot be written, is missing, or exists already.

    Warns
    -----
    CheckpointWarning
        A checkpoint could not be written during the run, which goes on; or the one to go on from
        is damaged, and the one before was taken.

    Notes
    -----
    An iteration happens whole or, when it is interrupted or fails, not at all.

    Memory is the scan on the grid, the map (47 MB at 256 x 256 x 180, 94 MB where scores are
    averaged), three copies of the policy for the learner and Adam (28 MB each at 48 x 48 x 24), one
    more while a frozen opponent differs from the learner, 24 bytes a step and game in the map's
    log, and what `record_steps` keeps.

    Time, once scores are known, is an iteration's `n_steps` readings of the policy's first layer
    and one reading and writing of all weights and moments a minibatch: see Benchmarks/RESULTS.md.

    Examples
    --------
    >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
    >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
    >>> run = spars.self_play(
    ...     scan, darkness, iterations=2, window=(8, 8, 8), grid=scan.shape, n_steps=8
    ... )
    >>> run.score_map.shape, run.rewards.shape
    ((32, 32, 24), (2,))
    """
    place = None
    if settings.checkpoint is not None:
        place = check_begun(settings.checkpoint, settings.owner, resume=settings.resume)
    rule = checked_rule(settings.game, settings.rule, settings.owner)
    played = Field(
        volume,
        classifier,
        settings.window,
        settings.protocol,
        checked_threshold(settings.termination_threshold, settings.game, settings.owner),
        settings.grid,
        settings.stride,
        settings.switches,
        settings.owner,
    )
    reference = None
    if settings.reference is not None:
        reference = Reference(settings.reference, volume, played, settings.owner, settings.on)
    configuration = settings.recorded() | {
        "window": list(played.window),
        "grid": list(played.grid),
        "stride": played.stride,
        "input_shape": list(played.input_shape),
        "termination_threshold": played.termination_threshold if rule is None else None,
        "rule": None if rule is None else asdict(rule),
        "protocol": played.protocol.to_dict(),
        "initial_policy": None,
        "iterations": 0,
        "planned_iterations": settings.iterations,
        "input_sha256": digest(played.array),
        "versions": versions(),
    }
    initial = None
    if settings.initial_policy is not None:
        initial = parameters_for(settings.initial_policy, configuration)
        configuration["initial_policy"] = digest(initial)
    rates = Rates({name: getattr(settings, name) for name in RATES})
    if settings.resume and place is not None:
        run = _gone_on(place, settings.iterations, configuration, rates, played, reference)
        remaining = settings.iterations - len(run)
        if remaining == 0:
            return run
    else:
        remaining = settings.iterations
        live_run = live_run_of(played, configuration, rates.at(1.0), reference, initial)
        run = Run(configuration, live_run, rates)
        if initial is not None and settings.opponents is None:
            run.snapshots.append(Snapshot(0, live_run.named(initial)))
    return run.resume(
        remaining,
        checkpoint=place,
        checkpoint_interval=settings.checkpoint_interval,
        progress=settings.progress,
        callback=settings.callback,
        tensorboard=settings.tensorboard,
    )


def _gone_on(
    path: Path,
    iterations: int,
    configuration: Mapping[str, Any],
    rates: Rates,
    played: Field,
    reference: Reference | None,
) -> Run:
    """Return the run of a checkpoint, alive again; it must be of this configuration."""
    run, state = Run._read(path)
    if configuration["snapshot_interval"] == default_interval(iterations):
        # It follows from `iterations`, of which there are more now; the run keeps its own.
        configuration = {
            **configuration, "snapshot_interval": run.configuration["snapshot_interval"],
        }  # fmt: skip
    check_same(path, run.configuration, configuration)
    if run._has_reference != (reference is not None):
        wanted = "the mask" if run._has_reference else "None"
        raise ValueError(
            f"The 'reference' parameter of self_play must be {wanted}, as for the run in {path}."
        )
    if len(run) > iterations:
        raise ValueError(
            f"The 'iterations' parameter of self_play must leave room for the {len(run)} that "
            f"{path} has made. Got {iterations} instead."
        )
    run._rates = rates
    run._revive(played, reference, state)
    return run

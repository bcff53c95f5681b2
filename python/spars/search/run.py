"""A run of self-play: its records, its map, its file, and how it goes on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spars._core.handles import Whole
from spars._support import checkpoints
from spars._support.callbacks import Callbacks
from spars._support.checks import check_integer, sentence
from spars._support.errors import FormatError
from spars._support.progress import as_progress, shifted
from spars._support.turns import Turn
from spars._support.types import FloatArray, Mask, PathLike, Progress, Scan
from spars.agents.networks import flat_of
from spars.agents.ppo import LOG_NAMES
from spars.agents.rates import RATES, Rate, Rates, check_rates, rates_again, recorded
from spars.game.field import Field
from spars.game.scorers import Scorer
from spars.report.callbacks import callbacks_of
from spars.search.analysis import RunAnalysis
from spars.search.live_run import RECORD_NAMES, LiveRun, live_run_of
from spars.search.reference import Reference
from spars.search.run_file import BROKEN, SavedRun, Snapshot, check_replaceable, empty_steps
from spars.search.saved import field_again

__all__ = ["Run", "Snapshot"]

#: What one call of the core gave: records, rates, and steps by name.
Part: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64], dict[str, NDArray[Any]]]


class Run(Whole, RunAnalysis):
    """What self-play did, iteration by iteration, and the map it left.

    Made by `spars.self_play` or `load`.

    Attributes
    ----------
    score_map : ndarray of float32, shape of the grid
        The accumulated scores, read when the protocol's `map_read` says.
    rewards : ndarray of float64, shape (iterations,)
        The learner's mean reward of a step.
    opponent_rewards : ndarray of float64, shape (iterations,)
        Its opponent's: the same with the other sign, but for the penalties of the exhaustion game.
    last_rewards : ndarray of float64, shape (iterations,)
        The learner's reward in the last step (the games' mean), which is what the released scripts
        collect.
    scores : ndarray of float64, shape (iterations, 2)
        Mean score of the learner's and of the opponent's windows.
    dice : ndarray of float64, shape (iterations,), or None
        Dice of the thresholded map with the reference, in the scan's voxels under the paper's
        protocol; NaN where both are empty.
    terminations, truncations : ndarray of int64, shape (iterations,)
        Episodes ended by a score (in the exhaustion game, by an agent's call), and by the step
        limit.
    windows : ndarray of int32, shape (iterations, n_steps, 2, 3)
        The windows' origins after every step, learner first, as the protocol keeps them. With
        several games this and the next three have an axis `n_envs` after `n_steps`; reading them
        raises ValueError where `record_steps` was False.
    step_scores : ndarray of float32, shape (iterations, n_steps, 2)
        The windows' own scores, also where the exhaustion game counts 0 for a place shown before.
    actions : ndarray of int8, shape (iterations, n_steps, 2)
        What was answered; from 6 on the end is called too.
    ends : ndarray of uint8, shape (iterations, n_steps)
        1 where the step terminated an episode, 2 where it truncated one, else 0.
    log : dict of str to ndarray, shape (iterations,)
        Every logged quantity of the updates under stable-baselines3's names.
    latest : dict of str to float
        The last iteration's `log`, and under "rollout/" what the attributes above say of it.
    snapshots : list of Snapshot
        With `initial_policy` or `opponents` the first is of iteration 0: what the run began with.
    opponents : dict of str to ndarray, or None
        Where opponents are drawn from a pool, of each member: `iteration` of its snapshot, and the
        learner's `games` against it and `win_rate`. Earlier games lose 1 % of their weight with
        each new one of the pair; 0.5 before the first.
    grid : tuple of three ints
    configuration : dict
        Everything needed to repeat the run, as plain values, with versions and input hashes.

    Examples
    --------
    >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
    >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
    >>> run = spars.self_play(
    ...     scan, darkness, iterations=2, window=(8, 8, 8), grid=scan.shape, n_steps=8
    ... )
    >>> run.resume(1).rewards.shape, len(run.replay(1).windows), run.regret().shape
    ((3,), 8, (24,))
    >>> run.save("run.npz")
    >>> again = spars.Run.load("run.npz", scan, darkness)
    >>> again.resume(1).rewards.shape, sorted(again.parameters) == sorted(run.parameters)
    ((4,), True)
    """

    def __init__(
        self,
        configuration: dict[str, Any],
        live_run: LiveRun | None = None,
        rates: Rates | None = None,
    ) -> None:
        self.configuration = configuration
        self.grid = tuple(configuration["grid"])
        self.snapshots = []
        self._rates = Rates({}) if rates is None else rates
        self._states = {}
        self._pool: dict[str, NDArray[Any]] = {}
        self._records = np.empty((0, len(RECORD_NAMES)))
        self._rate_records = np.empty((0, len(RATES)))
        self._steps = empty_steps(configuration)
        self._pending: list[Part] = []
        self._count = 0
        self._map: FloatArray | None = None
        self._live_run = live_run
        self._has_reference = live_run is not None and live_run.has_reference
        self._resumed, self._playing = Turn(), Turn()
        # Where it was loaded from.
        self._source: Path | None = None

    def __getstate__(self) -> dict[str, Any]:
        self._settle()
        live = self._live_run
        parts = None if live is None else (live.field, live.reference, live.learning_state())
        turns = {"_resumed": Turn(), "_playing": Turn()}
        return {**vars(self), **turns, "_map": self.score_map, "_live_run": parts}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.score_map.setflags(write=False)
        if state["_live_run"] is not None:
            self._live_run = self._live_part(*state["_live_run"])

    def _live_part(
        self, played: Field, reference: Reference | None, state: Mapping[str, NDArray[Any]]
    ) -> LiveRun:
        """Return the live part that goes on from a state."""
        rates = self._rates.at(1.0)
        live_run = live_run_of(played, self.configuration, rates, reference, self._initial())
        live_run.restore(state, self._members())
        return live_run

    def resume(
        self,
        iterations: int,
        *,
        checkpoint: PathLike | None = None,
        checkpoint_interval: int | None = None,
        progress: Progress | bool | None = None,
        callback: Callbacks | None = None,
        tensorboard: PathLike | None = None,
    ) -> Self:
        """Play on for more iterations, with the results of an uninterrupted run; return self.

        Where rates are functions, progress counts towards the iterations made and asked for now
        together: a run that stopped early and is asked for the rest goes on as planned.

        Parameters
        ----------
        iterations : int
            How many more.
        checkpoint, checkpoint_interval, progress, callback, tensorboard
            As for `spars.self_play`.

        Raises
        ------
        ValueError
            The run was loaded without its scan and classifier.
        OSError
            No checkpoint can be written at that path, or it holds something else than an earlier
            part of this run. Found before the first iteration.

        Warns
        -----
        CheckpointWarning
            A checkpoint could not be written later on; the run goes on.
        """
        owner = "resume"
        iterations = check_integer(iterations, "iterations", owner, 1, 1 << 32)
        interval = checkpoint_interval
        if interval is not None:
            interval = check_integer(interval, "checkpoint_interval", owner, 1)
            if checkpoint is None:
                raise ValueError(sentence("checkpoint", owner, "a path to save to", checkpoint))
        place = None
        if checkpoint is not None:
            place = checkpoints.check_place(checkpoint, owner)
            check_replaceable(place, self.configuration, len(self), self._source)
        live_run = self._live("it can be read, not resumed")
        callbacks = callbacks_of(callback, tensorboard, owner, "self_play")
        progress = as_progress(progress, "self-play")
        # Runs of other lengths of an iteration lie on one axis of the game's steps.
        steps = self.configuration["n_steps"] * self.configuration["n_envs"]
        stops = [interval, self.configuration["replay_interval"]]
        stops += [1] if callbacks or self._rates.vary else []
        with self._resumed.taken("This run is being resumed already; one call at a time."):
            first, planned = len(self), len(self) + iterations
            self.configuration["planned_iterations"] = planned
            try:
                with callbacks.watching(self.configuration):
                    goes_on = True
                    while goes_on and len(self) < planned:
                        self._keep_state(live_run)
                        count = _until_stop(len(self), planned, stops)
                        self._play(live_run, count, first, planned, progress)
                        goes_on = callbacks.step(self.latest, len(self) * steps, self)
                        is_due = interval is not None and len(self) % interval == 0
                        if is_due and place is not None and len(self) < planned:
                            checkpoints.kept(place, self._keep)
            finally:
                if place is not None and len(self):
                    checkpoints.kept(place, self._keep)
        return self

    def _play(
        self, live_run: LiveRun, count: int, first: int, planned: int, progress: Progress | None
    ) -> None:
        """Play so many iterations with one set of rates."""
        done = len(self)
        # As stable-baselines3: the progress after the rollout that the update learns from.
        rates = self._rates.at(1.0 - (done + 1) / planned)
        if self._rates.vary:
            live_run.set_rates(rates)
        told = None
        if progress is not None:
            told = shifted(progress, done - first, planned - first)
        try:
            with self._playing.taken("This run is playing already."):
                live_run.play(count, told)
        finally:
            self._gather(live_run, rates)
        if progress is not None:
            # The core tells every 20 ms, and the end may fall in between.
            progress(len(self) - first, planned - first)

    def _keep_state(self, live_run: LiveRun) -> None:
        interval = self.configuration["replay_interval"]
        if interval and len(self) and len(self) % interval == 0:
            self._states.setdefault(len(self), live_run.learning_state(with_map=False))

    def _gather(self, live_run: LiveRun, rates: Mapping[str, float | None]) -> None:
        """Take over what the core has played since the last call."""
        records, steps, snapshots = live_run.played()
        self.snapshots += [Snapshot(*snapshot) for snapshot in snapshots]
        if not len(records):
            return
        self._map = None
        self._pending.append((records, recorded(rates, len(records)), steps))
        self._count += len(records)
        self.configuration["iterations"] = len(self)

    def _settle(self) -> None:
        """Join what was gathered; many small parts would be joined again and again otherwise."""
        if self._pending:
            records, rates, steps = zip(*self._pending, strict=True)
            self._records = np.concatenate([self._records, *records])
            self._rate_records = np.concatenate([self._rate_records, *rates])
            self._steps = {
                name: np.concatenate([values, *(part[name] for part in steps)])
                for name, values in self._steps.items()
            }
            self._pending = []

    def __len__(self) -> int:
        return self._count

    @property
    def score_map(self) -> FloatArray:
        if self._map is None:
            self._map = self._live("it can be read").score_map()
            self._map.setflags(write=False)
        return self._map

    @property
    def rewards(self) -> NDArray[np.float64]:
        return self._column("reward_mean")

    @property
    def opponent_rewards(self) -> NDArray[np.float64]:
        return self._column("opponent_reward_mean")

    @property
    def last_rewards(self) -> NDArray[np.float64]:
        return self._column("reward_last")

    @property
    def scores(self) -> NDArray[np.float64]:
        return np.stack(
            [self._column("learner_score_mean"), self._column("opponent_score_mean")], axis=1
        )

    @property
    def dice(self) -> NDArray[np.float64] | None:
        return self._column("dice") if self._has_reference else None

    @property
    def terminations(self) -> NDArray[np.int64]:
        return self._column("terminations").astype(np.int64)

    @property
    def truncations(self) -> NDArray[np.int64]:
        return self._column("truncations").astype(np.int64)

    @property
    def windows(self) -> NDArray[np.int32]:
        return self._step_column("windows")

    @property
    def step_scores(self) -> FloatArray:
        return self._step_column("step_scores")

    @property
    def actions(self) -> NDArray[np.int8]:
        return self._step_column("actions")

    @property
    def ends(self) -> NDArray[np.uint8]:
        return self._step_column("ends")

    @property
    def log(self) -> dict[str, NDArray[np.float64]]:
        log = {name: self._column(name) for name in LOG_NAMES}
        for index, name in enumerate(RATES):
            if self.configuration[name] is not None:
                log[f"train/{name}"] = self._rate_records[:, index].copy()
        return log

    @property
    def latest(self) -> dict[str, float]:
        # Whatever is pending is last; nothing is joined for it.
        records, rates = self._records, self._rate_records
        if self._pending:
            records, rates, _ = self._pending[-1]
        if not len(records):
            return {}
        named = {
            name if name in LOG_NAMES else f"rollout/{name}": float(value)
            for name, value in zip(RECORD_NAMES, records[-1], strict=True)
            if name != "dice" or self._has_reference
        }
        for name, value in zip(RATES, rates[-1], strict=True):
            if self.configuration[name] is not None:
                named[f"train/{name}"] = float(value)
        return named

    @property
    def opponents(self) -> dict[str, NDArray[Any]] | None:
        if self.configuration["opponents"] is None:
            return None
        pool = self._pool if self._live_run is None else self._live_run.pool()
        games, wins = pool["pool_games"], pool["pool_wins"]
        return {
            "iteration": np.array([snapshot.iteration for snapshot in self.snapshots]),
            "games": games,
            "win_rate": np.divide(wins, games, out=np.full(len(games), 0.5), where=games > 0),
        }

    def _column(self, name: str) -> NDArray[np.float64]:
        self._settle()
        return self._records[:, RECORD_NAMES.index(name)].copy()

    def _step_column(self, name: str) -> NDArray[Any]:
        if not self.configuration["record_steps"]:
            raise ValueError("This run kept no steps: self_play was given record_steps=False.")
        self._settle()
        return self._steps[name]

    def save(self, path: PathLike) -> None:
        """Write everything but the scan and the classifier as one npz file, whole or not at all.

        A run that can be resumed takes 12 bytes a parameter for that (85 MB for a window of
        48 x 48 x 24) beside its map, snapshots and about 36 bytes a step.
        """
        self._playing.check(
            "This run is within an iteration; save it in a callback, which is called after each."
        )
        self._saved().write(path)

    def _keep(self, path: Path) -> None:
        """Write a checkpoint, and leave the one before beside it."""
        self._saved().write(path, keep_previous=True)

    def _saved(self) -> SavedRun:
        self._settle()
        live = self._live_run
        return SavedRun(
            self.configuration, self._has_reference, self.score_map, self._records,
            self._rate_records, self._steps, self.snapshots,
            state=self._pool if live is None else live.state(),
            kept={} if live is None else self._states,
        )  # fmt: skip

    @classmethod
    def load(
        cls,
        path: PathLike,
        volume: Scan | None = None,
        classifier: Scorer | None = None,
        reference: Mask | None = None,
        *,
        on: str | None = None,
        **rates: Rate,
    ) -> Self:
        """Read a run that `save` wrote; nothing of the file is ever executed.

        Parameters
        ----------
        path : path
            Where `save` wrote to.
        volume, classifier : optional
            The scan and the scorer of the run, as given to `self_play`: then it can be resumed.
            Scores that were known stay known.
        reference, on : optional
            As given to `self_play`; needed to resume a run that had a reference.
        **rates
            `learning_rate`, `clip_range` and `clip_range_vf`, each where it was a function: a file
            holds no functions, and a run that is to be resumed needs them again.

        Raises
        ------
        FormatError
            The file is not one of `save`, or is broken.
        ValueError
            The scan is another one, or the reference or a function is missing.

        Warns
        -----
        CheckpointWarning
            The file is broken, and the checkpoint before it was read: see `spars.self_play`.
        """
        check_rates(rates, "load")
        run, state = cls._read(path)
        if (volume is None) != (classifier is None):
            raise ValueError(
                "The 'volume' and 'classifier' parameters of load must be given both or neither."
            )
        if volume is not None and classifier is not None:
            run._rates = rates_again(run.configuration, rates, "load")
            run._attach(volume, classifier, reference, on, state)
        return run

    @classmethod
    def _read(cls, path: PathLike) -> tuple[Self, dict[str, NDArray[Any]]]:
        """Return the run of a file, to be read, and the state that it goes on from."""
        source = Path(path)
        saved = checkpoints.newest(source, SavedRun.read)
        run = cls(saved.configuration)
        run._source = source
        run._has_reference = saved.has_reference
        run._map, run._steps = saved.score_map, saved.steps
        run._records, run._rate_records = saved.records, saved.rates
        run._count = len(saved.records)
        run._states, run.snapshots = saved.kept, saved.snapshots
        if saved.configuration["opponents"] is not None:
            run._pool = {name: saved.state[name] for name in ("pool_games", "pool_wins")}
        return run, saved.state

    def _attach(
        self,
        volume: Scan,
        classifier: Scorer,
        reference: Mask | None,
        on: str | None,
        state: Mapping[str, NDArray[Any]],
    ) -> None:
        """Bring the run back to life with what it was made of."""
        if not self._has_reference:
            reference = None
        elif reference is None:
            raise ValueError(
                "The 'reference' parameter of load must be the mask that the run was given. "
                "Got None instead."
            )
        played = field_again(self.configuration, volume, classifier, self._source)
        mask = None
        if reference is not None:
            mask = Reference(reference, volume, played, "load", on)
        self._revive(played, mask, state)

    def _revive(
        self, played: Field, reference: Reference | None, state: Mapping[str, NDArray[Any]]
    ) -> None:
        """Play on from the state of a file."""
        try:
            self._live_run = self._live_part(played, reference, state)
        except BROKEN as error:
            raise FormatError(
                f"{self._source}: not a run that Run.save wrote: {error!r}"
            ) from error

    def _members(self, iterations: int | None = None) -> list[FloatArray]:
        """Return the pool's members after the first, up to an iteration, as flat arrays."""
        return [
            flat_of(snapshot.parameters)
            for snapshot in self.snapshots[1:]
            if iterations is None or snapshot.iteration <= iterations
        ]

    def __repr__(self) -> str:
        return (
            f"Run(iterations={len(self)}, grid={self.grid}, "
            f"window={tuple(self.configuration['window'])})"
        )


def _until_stop(done: int, planned: int, intervals: Iterable[int | None]) -> int:
    """Return how many iterations are left to the next multiple of any interval, or to the end."""
    return min(planned - done, *(i - done % i for i in intervals if i), planned)

"""What can be asked of a run beyond its records: what it saw, and what that was worth."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spars._support.checks import check_integer
from spars._support.notebook import card, curve, triple
from spars._support.progress import as_progress, shifted
from spars._support.types import FloatArray, Progress
from spars.agents.agent import PPO
from spars.agents.networks import flat_of
from spars.agents.ppo import LOG_NAMES
from spars.agents.rates import RATES
from spars.game.atlas import ScoreAtlas
from spars.game.environment import observation_space
from spars.game.spaces import bounds_of
from spars.search.coverage import WithCoverage
from spars.search.exchange import agent_of
from spars.search.live_run import RECORD_NAMES, LiveRun, live_run_of
from spars.search.visits import Visits, visits_of_run

if TYPE_CHECKING:
    from spars.search.run import Snapshot

_STEP_ARRAYS = ("windows", "step_scores", "actions", "ends")


@dataclass(frozen=True, eq=False)
class Replay:
    """An iteration played again, equal to its record to the bit.

    Attributes
    ----------
    iteration : int
        As the run's records are indexed, from 0.
    started_from : int
        How many iterations had been made in the state that was played on from; 0 is the seed's.
    windows, step_scores, actions, ends : ndarrays
        As `Run` has them, of this iteration alone: (n_steps, 2, 3), (n_steps, 2) and so on.
    log : dict of str to float
        What its update logged.
    parameters : dict of str to ndarray
        The learner's that played it, before its update, under stable-baselines3's names.
    opponent : dict of str to ndarray, or None
        A frozen opponent's as it began, where it differed from the learner and came from no pool.
    """

    iteration: int
    started_from: int
    windows: NDArray[np.int32] = field(repr=False)
    step_scores: FloatArray = field(repr=False)
    actions: NDArray[np.int8] = field(repr=False)
    ends: NDArray[np.uint8] = field(repr=False)
    log: dict[str, float] = field(repr=False)
    parameters: dict[str, FloatArray] = field(repr=False)
    opponent: dict[str, FloatArray] | None = field(repr=False)

    @property
    def episodes(self) -> list[range]:
        """The steps of each episode, or of the part of it in this iteration: list of ranges."""
        cuts = [0, *(np.flatnonzero(self.ends) + 1).tolist(), len(self.ends)]
        return [range(a, b) for a, b in zip(cuts, cuts[1:], strict=False) if a < b]


class RunAnalysis(WithCoverage):
    """The questions that a `spars.Run` answers from its records, its scan and its scorer."""

    configuration: dict[str, Any]
    snapshots: list[Snapshot]
    _live_run: LiveRun | None
    _rate_records: NDArray[np.float64]
    _states: dict[int, dict[str, NDArray[Any]]]

    if TYPE_CHECKING:

        @property
        def windows(self) -> NDArray[np.int32]: ...

        @property
        def step_scores(self) -> FloatArray: ...

        @property
        def ends(self) -> NDArray[np.uint8]: ...

        def __len__(self) -> int: ...

        def _members(self, iterations: int | None = None) -> list[FloatArray]: ...

        def _settle(self) -> None: ...

        def _step_column(self, name: str) -> NDArray[Any]: ...

        @property
        def rewards(self) -> NDArray[np.float64]: ...

        @property
        def dice(self) -> NDArray[np.float64] | None: ...

    def _repr_html_(self) -> str:
        """Return what a notebook shows: how long the run is, and how it went."""
        configuration, dice = self.configuration, self.dice
        rows = [
            ("iterations", f"{len(self)} of {configuration['n_steps']} steps"),
            (
                "games side by side",
                configuration["n_envs"] if configuration["n_envs"] > 1 else None,
            ),
            ("grid", triple(configuration["grid"])),
            ("window", triple(configuration["window"])),
            ("seed", configuration["seed"]),
        ]
        curves = [curve(self.rewards, "mean reward of a step", "iterations")]
        if dice is not None:
            curves.append(curve(dice, "Dice", "iterations"))
        return card("Run of self-play", rows, *curves)

    @property
    def parameters(self) -> dict[str, FloatArray] | None:
        """The learner's parameters as they are now, by name; None for a run loaded to be read."""
        if self._live_run is None:
            return None
        return self._live_run.named(self._live_run.learning_state(with_map=False)["parameters"])

    def agent(self, iteration: int | None = None) -> PPO:
        """Return the learner as a `spars.PPO`: to predict with, to train further, to be saved.

        ``run.agent().save("learner.zip")`` writes a file for ``stable_baselines3.PPO.load``, with
        the same action probabilities; another name makes a file of `spars.PPO`.

        Parameters
        ----------
        iteration : int, optional
            Iteration of one of `snapshots`. By default the learner as it is now.

        Returns
        -------
        PPO
            It takes what `spars.WindowSearchEnv` shows of the scan with the run's switches: the
            window's crop, whose voxels need not be resized; under ``observation_cast="uint8"`` the
            bytes as numbers, which the run's own network takes divided by 255. With "LocalPolicy"
            it takes that policy's ten numbers. It has the run's hyperparameters, with the rates
            of that iteration, and Adam begins anew.

        Raises
        ------
        TypeError
            `iteration` is no integer.
        ValueError
            The run's policy is "CnnPolicy", which neither PPO has, or its game "exhaustion"; or no
            snapshot of that iteration was kept, or no learner in a run loaded to be read.

        Notes
        -----
        Where the run masks moves, the agent does not know of it: its probabilities are those
        before masking.

        Examples
        --------
        >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
        >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
        >>> run = spars.self_play(
        ...     scan, darkness, iterations=2, window=(8, 8, 8), grid=scan.shape, n_steps=8
        ... )
        >>> type(run.agent())
        <class 'spars.agents.agent.PPO'>
        """
        if iteration is not None:
            iteration = check_integer(iteration, "iteration", "Run.agent")
        parameters = None if iteration is not None else self.parameters
        if parameters is None:
            iteration = len(self) if iteration is None else iteration
            kept = {snapshot.iteration: snapshot for snapshot in self.snapshots}
            if iteration not in kept:
                known = ", ".join(str(number) for number in kept) or "None where none was kept"
                raise ValueError(
                    f"The 'iteration' parameter of Run.agent must be {known}. "
                    f"Got {iteration} instead."
                )
            parameters = kept[iteration].parameters
        last = len(self) if iteration is None else iteration
        rates = self._rates_of(max(last - 1, 0))
        return agent_of(parameters, self.configuration, rates, self._bounds())

    def _live(self, limit: str) -> LiveRun:
        """Return the live part, or raise ValueError for a run that was loaded to be read."""
        if self._live_run is None:
            raise ValueError(
                f"This run was loaded from a file without its scan and classifier: {limit}. Give "
                "both to Run.load."
            )
        return self._live_run

    def _bounds(self) -> tuple[float, float]:
        """Return the least and greatest value of what the policy sees, as far as is known."""
        if self.configuration["policy"] == "LocalPolicy":
            return (-1.0, 1.0)
        if self._live_run is None:
            return (-np.inf, np.inf)
        return bounds_of(observation_space(self._live_run.field, (1,), casts=False))

    def _initial(self) -> FloatArray | None:
        """Return what the learner began with where that was given, flat, else None."""
        if self.configuration["initial_policy"] is None:
            return None
        return flat_of(self.snapshots[0].parameters)

    def replay(self, iteration: int, *, progress: Progress | bool | None = None) -> Replay:
        """Play an iteration again, to the bit, and return it with the policies that played it.

        The records hold what happened; this brings back who did it. It starts from the nearest
        state kept before the iteration (`replay_interval` of `spars.self_play`), else from the
        seed, and plays every iteration in between again, updates included: it takes as long as
        they took, but no window is scored again. It needs the memory of a second run, and leaves
        this one as it is.

        Parameters
        ----------
        iteration : int
            From 0, as the records are indexed.
        progress : callable or True, optional
            Called with (done, planned) iterations; True draws a bar (the extra "progress").

        Returns
        -------
        Replay

        Raises
        ------
        ValueError
            The run was loaded without its scan and classifier, the iteration is not one of it, or
            what was played again differs from the record, which another scorer brings about.
        """
        iteration = check_integer(iteration, "iteration", "replay", 0, len(self) - 1)
        live = self._live("it cannot be replayed")
        # Refused here where there is no record to compare with.
        self._step_column("ends")
        start = max((kept for kept in self._states if kept <= iteration), default=0)
        live_run = live_run_of(
            live.field, self.configuration, self._rates_of(start), None, self._initial()
        )
        if start:
            live_run.restore(self._states[start], self._members(start))
        self._play_to(live_run, start, iteration, as_progress(progress, "replay"))
        state = live_run.learning_state(with_map=False)
        live_run.set_rates(self._rates_of(iteration))
        live_run.play(1)
        records, steps, _ = live_run.played()
        for name in _STEP_ARRAYS:
            if not np.array_equal(steps[name][0], getattr(self, name)[iteration]):
                raise ValueError(
                    f"Iteration {iteration} played again differs from its record in '{name}': the "
                    "scorer must give the scores that the run was made with."
                )
        first = RECORD_NAMES.index(LOG_NAMES[0])
        frozen = state["opponent"]
        return Replay(
            iteration,
            start,
            **{name: steps[name][0] for name in _STEP_ARRAYS},
            log=dict(zip(LOG_NAMES, records[0, first:].tolist(), strict=True)),
            parameters=live_run.named(state["parameters"]),
            opponent=live_run.named(frozen) if len(frozen) else None,
        )

    def _play_to(self, live_run: LiveRun, first: int, last: int, progress: Progress | None) -> None:
        """Play iterations `first` to `last` - 1 with the rates they were played with."""
        self._settle()
        rates = self._rate_records[first:last]
        # NaN stands for a rate that there is not, and is equal to itself here.
        equal = (rates[1:] == rates[:-1]) | (np.isnan(rates[1:]) & np.isnan(rates[:-1]))
        cuts = [first, *(np.flatnonzero(~equal.all(axis=1)) + first + 1).tolist(), last]
        for start, stop in zip(cuts, cuts[1:], strict=False):
            if start < stop:
                live_run.set_rates(self._rates_of(start))
                live_run.play(
                    stop - start,
                    None if progress is None else shifted(progress, start - first, last - first),
                )
                live_run.played()

    def _rates_of(self, iteration: int) -> dict[str, float | None]:
        self._settle()
        row = self._rate_records[iteration].tolist()
        return {
            name: None if math.isnan(value) else value
            for name, value in zip(RATES, row, strict=True)
        }

    def _visits(self) -> Visits:
        return visits_of_run(self.windows, self.step_scores, self.ends, self.configuration)

    def _atlas(self, owner: str, progress: Progress | None) -> ScoreAtlas:
        """Return every window's score, scoring those not known yet."""
        if self._live_run is None:
            raise ValueError(
                f"The 'atlas' parameter of {owner} must be a ScoreAtlas for a run that was loaded "
                "without its scan and classifier. Got None instead."
            )
        played = self._live_run.field
        played.score_all(progress)
        return ScoreAtlas(played.scores(), played.axes(), played.window, played.grid)

"""The live part of a self-play run, in the compiled core."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spars._core import names, native
from spars._core.handles import Handle, Native
from spars._support.types import FloatArray, Progress
from spars.agents.hyperparameters import checked_hyperparameters
from spars.agents.networks import named, policy_shapes
from spars.game.field import Field
from spars.game.rules import ExhaustionRule
from spars.search.reference import Reference

RECORD_NAMES = names.SELFPLAY_RECORD
SAMPLINGS = names.SAMPLING
SIDES = ("learner", "both")
# A pool's tallies in the core, and as files and states name them.
POOL_NAMES = {
    "games": "pool_games",
    "wins": "pool_wins",
    "drawn": "pool_drawn",
    "episode_leads": "pool_reward",
}
FIXED = (
    "n_epochs", "batch_size", "normalize_advantage", "ent_coef", "vf_coef", "max_grad_norm",
    "target_kl",
)  # fmt: skip


class LiveRun(Native):
    """A learner and its opponent on one field.

    Parameters
    ----------
    played : Field
        What is played on.
    configuration : mapping
        The run's.
    rates : dict
        Those of `spars.agents.rates`, to begin with.
    reference : Reference or None
        What the map's Dice is taken with.
    """

    # Who is in its pool, the run's snapshots alone tell.
    _instead = "copy the Run that it belongs to"

    def __init__(
        self,
        played: Field,
        configuration: Mapping[str, Any],
        rates: Mapping[str, float | None],
        reference: Reference | None,
    ) -> None:
        self.field = played
        self.reference = reference
        game = configuration["game"]
        self._shapes = policy_shapes(configuration["policy"], played.window, game)
        self._step_shape = step_shape(configuration)
        self._hyperparameters = {name: configuration[name] for name in FIXED}
        self.has_pool = False
        rule = configuration["rule"]
        self._handle = Handle(
            native.selfplay_create(
                played.handle,
                # What the learner is trained by crosses by the names of the settings.
                {**configuration, "reset_each_iteration": played.protocol.reset_each_iteration},
                self._checked(rates),
                reference,
                None if rule is None else ExhaustionRule.again(rule).bounded(),
            )
        )

    @property
    def has_reference(self) -> bool:
        """Whether the map's Dice is taken."""
        return self.reference is not None

    def set_rates(self, rates: Mapping[str, float | None]) -> None:
        """Learn by other rates from the next iteration on."""
        native.selfplay_set_hyperparameters(self._handle.value, self._checked(rates))

    def _checked(self, rates: Mapping[str, float | None]) -> dict[str, Any]:
        return checked_hyperparameters("self_play", **rates, **self._hyperparameters, adam_eps=1e-5)

    def use_pool(self, sampling: str, power: float) -> None:
        """Draw every episode's opponent from the snapshots; before the first iteration."""
        native.selfplay_use_pool(self._handle.value, sampling, power)
        self.has_pool = True

    def begin_with(self, parameters: FloatArray) -> None:
        """Give the learner other parameters, flat; before anything is played or a pool is used."""
        self.restore(self.learning_state() | {"parameters": parameters})

    def learn_from_both(self) -> None:
        """Learn from the opponent's steps too."""
        native.selfplay_learn_from_both(self._handle.value, True)

    def pool(self) -> dict[str, NDArray[Any]]:
        """Return the pool's arrays: members' games and wins; each game's member and rewards."""
        members = native.selfplay_pool(self._handle.value)
        games = self._step_shape[1] if len(self._step_shape) > 1 else 1
        arrays = {
            "games": np.empty(members),
            "wins": np.empty(members),
            "drawn": np.empty(games, np.int64),
            "episode_leads": np.empty(games),
        }
        native.selfplay_get_pool(self._handle.value, arrays)
        return {saved: arrays[name] for name, saved in POOL_NAMES.items()}

    def play(self, iterations: int, progress: Progress | None = None) -> None:
        """Play and learn for so many iterations."""
        native.selfplay_run(self._handle.value, iterations, self.field.scorer, progress)

    def played(
        self,
    ) -> tuple[
        NDArray[np.float64], dict[str, NDArray[Any]], list[tuple[int, dict[str, FloatArray]]]
    ]:
        """Return records, steps and snapshots since the last call, and let the core forget them."""
        run = self._handle.value
        sizes = native.selfplay_measure(run)
        records = np.empty((sizes.iterations, len(RECORD_NAMES)))
        native.selfplay_records(run, records)
        shape = (sizes.iterations if sizes.steps else 0, *self._step_shape)
        columns = step_columns(shape)
        windows, scores = columns["windows"], columns["step_scores"]
        native.selfplay_steps(run, windows, scores, columns["actions"], columns["ends"])
        kept = []
        for index in range(sizes.snapshots):
            flat = np.empty(sizes.parameters, np.float32)
            iteration = native.selfplay_snapshot(run, index, flat)
            kept.append((iteration, self.named(flat)))
        native.selfplay_forget(run)
        return records, columns, kept

    def named(self, flat: FloatArray) -> dict[str, FloatArray]:
        """Return a flat array's parameters by name."""
        return named(flat, self._shapes)

    def score_map(self) -> FloatArray:
        """Return the accumulated map, float32 of the grid's shape."""
        score_map = np.empty(self.field.grid, np.float32)
        native.selfplay_map(self._handle.value, score_map)
        return score_map

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that `restore` goes on from, and the scores known."""
        return self.learning_state() | {"known_scores": self.field.scores()}

    def learning_state(self, with_map: bool = True) -> dict[str, NDArray[Any]]:
        """Return the arrays that `restore` goes on from; without the map's visits if so wanted."""
        run = self._handle.value
        sizes = native.selfplay_measure(run)
        arrays: dict[str, NDArray[Any]] = {
            "parameters": np.empty(sizes.parameters, np.float32),
            "moments": np.empty(2 * sizes.parameters, np.float32),
            "opponent": np.empty(sizes.opponent_parameters, np.float32),
            "counters": np.empty(sizes.counters, np.int64),
            "visits": np.empty((sizes.visits, 4), np.int64),
            "visit_scores": np.empty(sizes.visits, np.float32),
            "shown": np.empty((sizes.shown, 4), np.int64),
        }
        native.selfplay_get_state(run, arrays)
        # Origins fit 16 bits; the file need not hold 64.
        arrays["visits"] = arrays["visits"].astype(np.int16)
        if not with_map:
            arrays["visits"] = arrays["visits"][:0]
            arrays["visit_scores"] = arrays["visit_scores"][:0]
        return arrays | (self.pool() if self.has_pool else {})

    def restore(
        self, arrays: Mapping[str, NDArray[Any]], members: Iterable[FloatArray] = ()
    ) -> None:
        """Go on from what `state` or `learning_state` returned.

        Parameters
        ----------
        arrays : mapping of str to array
            The state.
        members : iterable of arrays
            The pool's members after the first, which is the learner as the seed made it: all
            parameters of each, one after another.
        """
        if "known_scores" in arrays:
            known = np.ascontiguousarray(arrays["known_scores"], np.float32)
            native.field_adopt(self.field.handle, known)
        whole = ("counters", "visits", "shown")
        names = ("parameters", "moments", "opponent", "visit_scores", *whole)
        state = {
            name: np.ascontiguousarray(arrays[name], np.int64 if name in whole else np.float32)
            for name in names
        }
        native.selfplay_set_state(self._handle.value, state)
        if self.has_pool:
            for member in members:
                native.selfplay_add_to_pool(self._handle.value, member)
            tallies = {
                name: np.array(arrays[saved], np.int64 if name == "drawn" else np.float64)
                for name, saved in POOL_NAMES.items()
            }
            native.selfplay_set_pool(self._handle.value, tallies)


def live_run_of(
    played: Field,
    configuration: Mapping[str, Any],
    rates: Mapping[str, float | None],
    reference: Reference | None,
    initial: FloatArray | None = None,
) -> LiveRun:
    """Return the live part of a run as its seed makes it, or with `initial` parameters, flat."""
    live_run = LiveRun(played, configuration, rates, reference)
    if initial is not None:
        live_run.begin_with(initial)
    if configuration["experience"] == "both":
        live_run.learn_from_both()
    if configuration["opponents"] is not None:
        live_run.use_pool(configuration["opponents"], configuration["opponent_power"])
    return live_run


def step_shape(configuration: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the axes of an iteration's steps: games have one where there are several."""
    games = configuration["n_envs"]
    return (configuration["n_steps"],) if games == 1 else (configuration["n_steps"], games)


def step_columns(shape: tuple[int, ...]) -> dict[str, NDArray[Any]]:
    """Return arrays for what is recorded of each step; `shape` is (iterations, *step_shape)."""
    return {
        "windows": np.empty((*shape, 2, 3), np.int32),
        "step_scores": np.empty((*shape, 2), np.float32),
        "actions": np.empty((*shape, 2), np.int8),
        "ends": np.empty(shape, np.uint8),
    }


def empty_steps(configuration: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return the arrays of a run that has recorded no step yet."""
    return step_columns((0, *step_shape(configuration)))

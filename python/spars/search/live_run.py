"""The live part of a self-play run, in the compiled core."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spars._core import native
from spars._core.handles import Handle
from spars._support.types import FloatArray, Progress
from spars.agents.networks import POLICIES, named, policy_shapes
from spars.agents.ppo import LOG_NAMES, packed_hyperparameters
from spars.game.field import Field
from spars.game.rules import ExhaustionRule
from spars.search.reference import Reference

RECORD_NAMES = (
    "reward_mean",
    "reward_last",
    "learner_score_mean",
    "opponent_score_mean",
    "learner_score_last",
    "opponent_score_last",
    "terminations",
    "truncations",
    "dice",
    "opponent_reward_mean",
    *LOG_NAMES,
)
# In the order of the C ABI's numbers.
SAMPLINGS = ("vanilla", "fictitious", "prioritised", "gaussian")
SIDES = ("learner", "both")
FIXED = (
    "n_epochs", "batch_size", "normalize_advantage", "ent_coef", "vf_coef", "max_grad_norm",
    "target_kl",
)  # fmt: skip


class Match:
    """A learner and its opponent on one field.

    Parameters
    ----------
    played : Field
        What is played on.
    settings : tuple
        As the native call takes them.
    hyperparameters : dict
        Those of `FIXED`.
    rates : dict
        Those of `spars.agents.rates`, to begin with.
    reference : Reference or None
        What the map's Dice is taken with.
    policy : str
        One of `POLICIES`.
    step_shape : tuple of int
        Axes of an iteration's step records.
    rule : ExhaustionRule, optional
        Of the exhaustion game; without it the search game is played.
    """

    def __init__(
        self,
        played: Field,
        settings: tuple[Any, ...],
        hyperparameters: Mapping[str, Any],
        rates: Mapping[str, float | None],
        reference: Reference | None,
        policy: str,
        step_shape: tuple[int, ...],
        rule: ExhaustionRule | None = None,
    ) -> None:
        self.field = played
        self.has_reference = reference is not None
        game = "search" if rule is None else "exhaustion"
        self._shapes = policy_shapes(policy, played.window, game)
        self._step_shape = step_shape
        mask = None
        if reference is not None:
            mask = (
                reference.planes, reference.marks, reference.total, reference.threshold,
                tuple(played.grid),
            )  # fmt: skip
        self._hyperparameters = hyperparameters
        self.has_pool = False
        self._handle = Handle(
            native.selfplay_create(
                played.handle,
                settings,
                self._packed(rates),
                mask,
                None if rule is None else rule.packed(),
            )
        )

    def set_rates(self, rates: Mapping[str, float | None]) -> None:
        """Learn by other rates from the next iteration on."""
        native.selfplay_set_hyperparameters(self._handle.value, self._packed(rates))

    def _packed(self, rates: Mapping[str, float | None]) -> tuple[Any, ...]:
        return packed_hyperparameters("self_play", **rates, **self._hyperparameters, adam_eps=1e-5)

    def use_pool(self, sampling: str, power: float) -> None:
        """Draw every episode's opponent from the snapshots; before the first iteration."""
        native.selfplay_use_pool(self._handle.value, SAMPLINGS.index(sampling), power)
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
            "pool_games": np.empty(members),
            "pool_wins": np.empty(members),
            "pool_drawn": np.empty(games, np.int64),
            "pool_reward": np.empty(games),
        }
        native.selfplay_pool_tallies(self._handle.value, *arrays.values(), False)
        return arrays

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
        _, _, iterations, steps, snapshots, parameters, *_ = native.selfplay_measure(run)
        records = np.empty((iterations, len(RECORD_NAMES)))
        native.selfplay_records(run, records)
        shape = (iterations, *self._step_shape) if steps else (0, *self._step_shape)
        columns = {
            "windows": np.empty((*shape, 2, 3), np.int32),
            "step_scores": np.empty((*shape, 2), np.float32),
            "actions": np.empty((*shape, 2), np.int8),
            "ends": np.empty(shape, np.uint8),
        }
        native.selfplay_steps(run, *columns.values())
        kept = []
        for index in range(snapshots):
            flat = np.empty(parameters, np.float32)
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
        *_, parameters, opponent, visits, counters, shown = native.selfplay_measure(run)
        arrays = {
            "parameters": np.empty(parameters, np.float32),
            "moments": np.empty(2 * parameters, np.float32),
            "opponent": np.empty(opponent, np.float32),
            "counters": np.empty(counters, np.int64),
            "visits": np.empty((visits, 4), np.int64),
            "visit_scores": np.empty(visits, np.float32),
            "shown": np.empty((shown, 4), np.int64),
        }
        native.selfplay_state(run, *arrays.values(), False)
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
        names = ("parameters", "moments", "opponent", "counters", "visits", "visit_scores")
        dtypes = (np.float32, np.float32, np.float32, np.int64, np.int64, np.float32)
        flat = [
            np.ascontiguousarray(arrays[name], dtype)
            for name, dtype in zip(names, dtypes, strict=True)
        ]
        # Files of a time when there was one game have no places shown.
        shown = np.ascontiguousarray(arrays.get("shown", []), np.int64).reshape(-1, 4)
        native.selfplay_state(self._handle.value, *flat, shown, True)
        if self.has_pool:
            for member in members:
                native.selfplay_add_to_pool(self._handle.value, member)
            tallies = (
                np.ascontiguousarray(arrays[name], np.float64)
                for name in ("pool_games", "pool_wins")
            )
            # Files of a time when a pool had one game hold plain numbers.
            drawn = np.array(arrays["pool_drawn"], np.int64).reshape(-1)
            rewards = np.array(arrays["pool_reward"], np.float64).reshape(-1)
            native.selfplay_pool_tallies(self._handle.value, *tallies, drawn, rewards, True)


def match_of(
    played: Field,
    configuration: Mapping[str, Any],
    rates: Mapping[str, float | None],
    reference: Reference | None,
    initial: FloatArray | None = None,
) -> Match:
    """Return the live part of a run as its seed makes it, or with `initial` parameters, flat."""
    hyperparameters = {name: configuration[name] for name in FIXED}
    settings = (
        configuration["n_steps"],
        configuration["gamma"],
        configuration["gae_lambda"],
        configuration["opponent_update_interval"],
        played.protocol.reset_each_iteration,
        configuration["snapshot_interval"],
        tuple(configuration["input_shape"]),
        configuration["seed"],
        POLICIES.index(configuration["policy"]),
        configuration["n_envs"],
        configuration["mask_actions"],
        configuration["record_steps"],
    )
    rule = configuration["rule"]
    match = Match(
        played, settings, hyperparameters, rates, reference, configuration["policy"],
        step_shape(configuration), None if rule is None else ExhaustionRule(**rule),
    )  # fmt: skip
    if initial is not None:
        match.begin_with(initial)
    if configuration.get("experience") == "both":
        match.learn_from_both()
    if configuration.get("opponents") is not None:
        match.use_pool(configuration["opponents"], configuration["opponent_power"])
    return match


def step_shape(configuration: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the axes of an iteration's steps: games have one where there are several."""
    games = configuration["n_envs"]
    return (configuration["n_steps"],) if games == 1 else (configuration["n_steps"], games)

"""The live part of a self-play run, in the compiled core."""

import numpy as np

from spars import _native
from spars._game import ACTIONS
from spars._handles import Handle
from spars.ppo import LOG_NAMES, packed_hyperparameters

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
    *LOG_NAMES,
)
COUNTERS = 17


class Match:
    """A learner and its opponent on one field.

    Parameters
    ----------
    played : Field
        What is played on.
    settings, hyperparameters : tuple
        As the native calls take them.
    reference : Reference or None
        What the map's Dice is taken with.
    """

    def __init__(self, played, settings, hyperparameters, reference):
        self.field = played
        self.shape = (int(np.prod(played.window)), ACTIONS, (64, 64), (64, 64))
        self.has_reference = reference is not None
        self._steps = settings[0]
        mask = None
        if reference is not None:
            mask = (
                reference.planes, reference.marks, reference.total, reference.threshold,
                tuple(played.grid),
            )  # fmt: skip
        self._handle = Handle(
            _native.selfplay_create(played.handle, settings, hyperparameters, mask)
        )

    def play(self, iterations, progress=None):
        """Play and learn for so many iterations."""
        _native.selfplay_run(self._handle.value, iterations, self.field.scorer, progress)

    def played(self):
        """Return records, steps and snapshots since the last call, and let the core forget them."""
        run = self._handle.value
        _, _, iterations, steps, snapshots, parameters, _, _ = _native.selfplay_measure(run)
        records = np.empty((iterations, len(RECORD_NAMES)))
        _native.selfplay_records(run, records)
        shape = (steps // self._steps, self._steps)
        columns = {
            "windows": np.empty((*shape, 2, 3), np.int32),
            "step_scores": np.empty((*shape, 2), np.float32),
            "actions": np.empty((*shape, 2), np.int8),
            "ends": np.empty(shape, np.uint8),
        }
        _native.selfplay_steps(run, *columns.values())
        kept = []
        for index in range(snapshots):
            flat = np.empty(parameters, np.float32)
            kept.append((_native.selfplay_snapshot(run, index, flat), flat))
        _native.selfplay_forget(run)
        return records, columns, kept

    def score_map(self):
        """Return the accumulated map, float32 of the grid's shape."""
        score_map = np.empty(self.field.grid, np.float32)
        _native.selfplay_map(self._handle.value, score_map)
        return score_map

    def state(self):
        """Return the arrays that `restore` goes on from, and the scores known."""
        run = self._handle.value
        *_, parameters, opponent, visits = _native.selfplay_measure(run)
        arrays = {
            "parameters": np.empty(parameters, np.float32),
            "moments": np.empty(2 * parameters, np.float32),
            "opponent": np.empty(opponent, np.float32),
            "counters": np.empty(COUNTERS, np.int64),
            "visits": np.empty((visits, 4), np.int64),
            "visit_scores": np.empty(visits, np.float32),
        }
        _native.selfplay_state(run, *arrays.values(), False)
        # Origins fit 16 bits; the file need not hold 64.
        arrays["visits"] = arrays["visits"].astype(np.int16)
        return arrays | {"known_scores": self.field.scores()}

    def restore(self, arrays):
        """Go on from what `state` returned."""
        known = arrays["known_scores"]
        _native.field_adopt(self.field.handle, np.ascontiguousarray(known, np.float32))
        names = ("parameters", "moments", "opponent", "counters", "visits", "visit_scores")
        dtypes = (np.float32, np.float32, np.float32, np.int64, np.int64, np.float32)
        flat = [
            np.ascontiguousarray(arrays[name], dtype)
            for name, dtype in zip(names, dtypes, strict=True)
        ]
        _native.selfplay_state(self._handle.value, *flat, True)


def match_of(played, configuration, reference):
    """Return the live part of a run."""
    names = (
        "learning_rate", "n_epochs", "batch_size", "clip_range", "clip_range_vf",
        "normalize_advantage", "ent_coef", "vf_coef", "max_grad_norm", "target_kl",
    )  # fmt: skip
    rates = {name: configuration[name] for name in names}
    hyperparameters = packed_hyperparameters("self_play", **rates, adam_eps=1e-5)
    settings = (
        configuration["n_steps"],
        configuration["gamma"],
        configuration["gae_lambda"],
        configuration["opponent_update_interval"],
        played.protocol.reset_each_iteration,
        configuration["snapshot_interval"],
        tuple(configuration["input_shape"]),
        configuration["seed"],
    )
    return Match(played, settings, hyperparameters, reference)

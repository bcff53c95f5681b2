"""A game on noise, small enough to play often, for the tests of self-play's variants."""

import numpy as np

from spars.search.selfplay import self_play

WINDOW = (9, 8, 6)


def noise():
    """Return the scan, float32 of shape (25, 22, 20)."""
    return np.random.default_rng(4).normal(0, 1, (25, 22, 20)).astype(np.float32)


def score(crops):
    """Score a window by its mean, in [0, 1]."""
    mean = crops.reshape(len(crops), -1).mean(axis=1)
    return (1 / (1 + np.exp(-20 * mean))).astype(np.float32)


def play(volume, iterations, **options):
    """Play short episodes, and keep what the learner was after every iteration."""
    options = {
        "window": WINDOW, "termination_threshold": 0.95, "n_steps": 12, "seed": 3,
        "max_episode_steps": 7, "learning_rate": 0.01, "snapshot_interval": 1,
    } | options  # fmt: skip
    return self_play(volume, score, iterations=iterations, **options)


def same(a, b):
    """Assert that two runs have the same bits."""
    for name in ("windows", "actions", "step_scores", "ends", "score_map", "rewards", "dice"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    for name, values in a.snapshots[-1].parameters.items():
        np.testing.assert_array_equal(b.snapshots[-1].parameters[name], values, err_msg=name)

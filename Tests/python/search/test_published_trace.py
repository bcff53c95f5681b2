"""The published run step by step: what the core plays and learns is what the plain twin does."""

import numpy as np
import pytest
from noise_game import WINDOW
from published_twin import PublishedTwin

import spars
from spars.search.selfplay import self_play

# Two voxels more than the scan along each axis: crops at the far border are cut short (D17).
GRID = (26, 24, 22)
STEPS = 16
ITERATIONS = 7


class Scorer:
    """Scores a crop by its mean; the released policy saw it enlarged to `input_shape`."""

    input_shape = (20, 19, 15)

    def __call__(self, crops):
        mean = crops.reshape(len(crops), -1).astype(np.float64).mean(axis=1)
        return (1 / (1 + np.exp(-mean / 30))).astype(np.float32)


@pytest.fixture(scope="module")
def volume():
    """Noise of hundreds of HU, so that bytes wrap often."""
    return np.random.default_rng(4).normal(0, 250, (25, 22, 20)).astype(np.float32)


def play(volume, **switches):
    """Return a run of the released loop, its first parameters, and its map after iterations."""
    maps = []
    run = self_play(
        spars.Volume(volume), Scorer(), iterations=ITERATIONS, window=WINDOW, grid=GRID,
        protocol="published", termination_threshold=0.66, n_steps=STEPS, n_epochs=2,
        learning_rate=0.02, opponent_update_interval=20, snapshot_interval=1, seed=9,
        callback=lambda run: maps.append(run.score_map), **switches,
    )  # fmt: skip
    return run, run.replay(0).parameters, maps


@pytest.fixture(scope="module")
def published(volume):
    return play(volume)


def compare(run, initial, maps, volume, twin_class=PublishedTwin):
    """Assert that the twin plays what the run recorded; return what happened on the way."""
    counts = spars.ppo.resize_multiplicity(WINDOW, Scorer.input_shape)
    twin = twin_class(run, initial, volume, Scorer(), counts)
    played = []
    for k in range(ITERATIONS):
        expected = twin.iterate(k)
        played.append(expected)
        for name in ("actions", "windows", "ends"):
            np.testing.assert_array_equal(
                getattr(run, name)[k], expected[name], err_msg=f"{name} of iteration {k}"
            )
        np.testing.assert_allclose(run.step_scores[k], expected["step_scores"], rtol=0, atol=1e-7)
        np.testing.assert_allclose(maps[k], expected["score_map"], rtol=0, atol=1e-5)
        assert run.rewards[k] == expected["rewards"].mean()
        assert run.last_rewards[k] == expected["rewards"][-1]
        for name, value in expected["log"].items():
            assert run.log[name][k] == pytest.approx(value, rel=2e-4, abs=2e-5), (name, k)
        before, after = (twin.starts[i] for i in (k, k + 1))
        for name, values in expected["parameters"].items():
            moved = np.linalg.norm(values - before[name])
            differs = np.linalg.norm(after[name] - values)
            assert differs < 2e-3 * moved, (name, k, differs / moved)
    return played


class FrozenAtItsRefresh(PublishedTwin):
    """An opponent that stays what the learner was at its first refresh."""

    kept = None

    def opponent(self, learner):
        self.kept = self.kept or learner
        return self.kept


class RefreshedAtIntervals(PublishedTwin):
    """An opponent that is a copy of the learner, renewed whenever a refresh is due."""

    kept = None

    def opponent(self, learner):
        if self.kept is None or self.steps % self.c["opponent_update_interval"] == 0:
            self.kept = learner
        return self.kept


class WithoutCast(PublishedTwin):
    def seen_by_learner(self, cursor):
        return self.seen_by_opponent(cursor)


class CastForBoth(PublishedTwin):
    def seen_by_opponent(self, cursor):
        return self.seen_by_learner(cursor)


def test_the_published_run_equals_the_plain_twin_step_by_step(volume, published):
    played = compare(*published, volume)
    actions = np.array([part["actions"] for part in played])
    steps = actions.reshape(-1, 2)
    # Before its first refresh, at step 20, the opponent answers 0; it plays by policy from then on.
    assert (steps[:20, 1] == 0).all()
    assert len(np.unique(steps[20:, 1])) > 3
    windows = np.array([part["windows"] for part in played])
    room = np.array(GRID) - np.array(WINDOW)
    assert (windows < 0).any(), "no walk left the grid below"
    assert (windows > room).any(), "no walk left the grid above"
    assert np.array([part["ends"] for part in played]).any(), "no episode ended"
    assert any(part["score_map"].any() for part in played)


@pytest.mark.parametrize(
    "switches",
    [
        {"opponent": "snapshot"},
        {"observation_cast": "float32"},
        {"opponent_observation": "same"},
        {"reset_each_iteration": False},
        {"credited_score": "own"},
        {"credited_agents": "both"},
        {"map_read": "before_reset"},
        {"accumulation": "mean"},
        {"tie_reward": "none"},
        {"border_crops": "full"},
        {"max_episode_steps": 5},
    ],
    ids=str,
)
def test_each_switch_of_the_loop_would_be_noticed(volume, switches):
    with pytest.raises(AssertionError):
        compare(*play(volume, **switches), volume)


@pytest.mark.parametrize(
    "other", [FrozenAtItsRefresh, RefreshedAtIntervals, WithoutCast, CastForBoth]
)
def test_another_opponent_or_other_bytes_would_be_noticed(volume, published, other):
    with pytest.raises(AssertionError):
        compare(*published, volume, other)

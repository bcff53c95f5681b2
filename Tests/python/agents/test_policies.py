"""The policies that play, masked moves and games side by side."""

import numpy as np
import policy_twin as twin
import pytest
from noise_game import WINDOW, noise, same, score

import spars
from spars.search.selfplay import Run, self_play

POLICIES = ("MlpPolicy", "CnnPolicy", "LocalPolicy")


@pytest.fixture(scope="module")
def volume():
    return noise()


def play(volume, iterations=3, **options):
    options = {
        "window": WINDOW, "termination_threshold": 0.9, "n_steps": 12, "seed": 3,
        "max_episode_steps": 7, "scorer": score,
    } | options  # fmt: skip
    return self_play(volume, options.pop("scorer"), iterations=iterations, **options)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("games", "masked"), [(1, False), (3, True)])
def test_an_update_follows_the_gradient_of_the_twin(volume, policy, games, masked):
    """The moments tell the gradient; it must be the twin's slope along random directions."""
    run = play(
        volume, 1, policy=policy, n_envs=games, mask_actions=masked, batch_size=12 * games,
        max_grad_norm=1e9, ent_coef=0.05, snapshot_interval=1, learning_rate=0.01,
        scorer=Plain(),
    )  # fmt: skip
    parameters, before, after, rollout = twin.iterate(run, volume, score)
    if masked:
        assert not rollout["allowed"].all()
        assert rollout["allowed"][np.arange(12 * games), rollout["actions"]].all()
    twin.assert_slopes(parameters, before, after, rollout, run.configuration, 2e-4)


class Plain:
    """The scorer, seeing windows as they are: the twin knows no resized one."""

    input_shape = WINDOW

    def __call__(self, crops):
        return score(crops)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("games", [1, 4])
def test_a_seed_gives_the_same_bits_for_any_thread_count(volume, policy, games):
    expected = play(volume, policy=policy, n_envs=games)
    before = spars.thread_count()
    try:
        for threads in (1, 3):
            spars.set_thread_count(threads)
            same(play(volume, policy=policy, n_envs=games), expected)
    finally:
        spars.set_thread_count(before)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("games", [1, 3])
def test_a_run_goes_on_from_its_file_to_the_bit(volume, policy, games, tmp_path):
    options = {"policy": policy, "n_envs": games, "opponent_update_interval": 50}
    whole = play(volume, 4, **options)
    play(volume, 2, snapshot_interval=1, checkpoint=tmp_path / "run.npz", **options)
    same(Run.load(tmp_path / "run.npz", volume, score).resume(2), whole)


@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_learns(policy):
    """On a slope it climbs: the window's score rises towards one corner."""
    axis = np.linspace(0, 100, 24, dtype=np.float32)
    slope = (axis[:, None, None] + axis[:, None] + axis) / 3
    run = self_play(
        slope, lambda crops: crops.reshape(len(crops), -1).mean(axis=1) / 100, iterations=40,
        window=(8, 8, 8), termination_threshold=1.0, max_episode_steps=16, policy=policy,
        learning_rate=3e-3, n_envs=4, batch_size=64, n_epochs=4, ent_coef=0.01,
        opponent_update_interval=512, snapshot_interval=0,
    )  # fmt: skip
    assert run.scores[-5:, 0].mean() > run.scores[:5, 0].mean() + 0.1


def test_masked_moves_are_never_made(volume):
    for policy in POLICIES:
        run = play(volume, 6, policy=policy, mask_actions=True, n_envs=2)
        for agent in range(2):
            origins = run.windows[..., agent, :].astype(int)
            allowed = twin.masks(origins[:, :-1], run)
            answers = run.actions[:, 1:, :, agent].astype(int)
            fits = np.take_along_axis(allowed, answers[..., None], axis=-1)[..., 0]
            # After an episode's end the window stands at the start instead.
            assert fits[run.ends[:, :-1] == 0].all()
    free = play(volume, 6, mask_actions=False, n_envs=2)
    moved = np.abs(np.diff(free.windows[..., 0, :].astype(int), axis=1)).sum(axis=-1)
    assert (moved[free.ends[:, 1:] == 0] == 0).any()


def test_masks_change_nothing_where_windows_may_leave(volume):
    options = {"protocol": "published", "iterations": 2}
    same(play(volume, mask_actions=True, **options), play(volume, **options))


def test_a_window_as_large_as_the_grid_has_no_move(volume):
    run = play(volume[:9, :8, :6], 2, mask_actions=True)
    assert (run.windows == 0).all()
    assert np.isfinite(run.log["train/loss"]).all()


def test_games_have_an_axis_and_one_map(volume):
    run = play(volume, 2, n_envs=3, termination_threshold=1.0, accumulation="sum")
    assert run.windows.shape == (2, 12, 3, 2, 3)
    assert run.ends.shape == (2, 12, 3)
    assert run.rewards.shape == (2,)
    np.testing.assert_allclose(
        run.rewards,
        np.sign(run.step_scores[..., 0] - run.step_scores[..., 1]).mean(axis=(1, 2)),
    )
    expected = np.zeros(volume.shape, np.float64)
    for origin, value in zip(run.windows.reshape(-1, 3), run.step_scores.reshape(-1), strict=True):
        x, y, z = origin
        expected[x : x + 9, y : y + 8, z : z + 6] += value
    np.testing.assert_allclose(run.score_map, expected, rtol=1e-5)
    assert len({tuple(w) for w in run.windows[0, :, 0, 0]}) > 1
    assert not np.array_equal(run.windows[:, :, 0], run.windows[:, :, 1])


def test_windows_are_scored_together(volume):
    calls = []

    def counting(crops):
        calls.append(len(crops))
        return score(crops)

    play(volume, 1, n_envs=16, scorer=counting, policy="LocalPolicy")
    # At most one call before a step, one in it and one for the critic.
    assert len(calls) <= 2 * 12 + 1
    assert max(calls) > 16


def test_steps_need_not_be_kept(volume, tmp_path):
    kept = play(volume, 2)
    run = play(volume, 2, record_steps=False, checkpoint=tmp_path / "run.npz")
    np.testing.assert_array_equal(run.score_map, kept.score_map)
    np.testing.assert_array_equal(run.scores, kept.scores)
    np.testing.assert_array_equal(run.terminations, kept.terminations)
    for one in (run, Run.load(tmp_path / "run.npz")):
        assert len(one) == 2
        with pytest.raises(ValueError, match="record_steps=False"):
            _ = one.windows
    with pytest.raises(ValueError, match="record_steps=False"):
        run.replay(0)


@pytest.mark.parametrize("policy", POLICIES)
def test_iterations_can_be_replayed(volume, policy):
    run = play(volume, 3, policy=policy, n_envs=2, mask_actions=True)
    again = run.replay(2)
    np.testing.assert_array_equal(again.windows, run.windows[2])


@pytest.mark.parametrize("policy", POLICIES)
def test_opponents_can_be_drawn_from_snapshots(volume, policy, tmp_path):
    options = {"policy": policy, "opponents": "fictitious", "experience": "both"}
    whole = play(volume, 4, snapshot_interval=1, **options)
    play(volume, 2, snapshot_interval=1, checkpoint=tmp_path / "run.npz", **options)
    same(Run.load(tmp_path / "run.npz", volume, score).resume(2), whole)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"policy": "Mlp"}, ValueError, "'policy' parameter of self_play must be one of"),
        ({"policy": None}, TypeError, "'policy' parameter"),
        ({"n_envs": 0}, ValueError, "'n_envs' parameter"),
        ({"n_envs": 4096, "n_steps": 1024}, ValueError, "'n_envs' parameter"),
        ({"mask_actions": 1}, TypeError, "'mask_actions' parameter"),
        ({"record_steps": "no"}, TypeError, "'record_steps' parameter"),
    ],
)
def test_options_out_of_range_are_refused(volume, options, error, words):
    with pytest.raises(error, match=words):
        play(volume, 1, **options)

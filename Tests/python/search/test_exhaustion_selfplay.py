"""Self-play by the exhaustion rule: the core against the twin of its rule, step by step."""

import numpy as np
import pytest
from exhaustion_play import (
    AGENTS,
    POLICIES,
    RULE,
    SHAPE,
    by_game,
    calm,
    followed,
    play,
    score,
)
from noise_game import WINDOW, noise, same

import spars
from spars.game.exhaustion import ExhaustionRule
from spars.search.selfplay import Run, self_play


@pytest.fixture(scope="module")
def volume():
    return noise()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("games", [1, 3])
@pytest.mark.parametrize("tie_reward", ["none", "learner"])
def test_every_step_equals_the_twins(volume, seed, games, tie_reward):
    run = play(
        volume, 1, seed=seed, n_envs=games, tie_reward=tie_reward, policy="LocalPolicy",
        rule=RULE if seed % 2 else None,
    )  # fmt: skip
    calm(run).resume(3)
    rewards = followed(volume, run)["rewards"]
    np.testing.assert_array_equal(
        run.rewards, rewards[..., 0].reshape(4, -1).mean(axis=1), err_msg=f"seed {seed}"
    )
    np.testing.assert_array_equal(
        run.opponent_rewards, rewards[..., 1].reshape(4, -1).mean(axis=1), err_msg=f"seed {seed}"
    )
    last = rewards.reshape(4, 16, games, 2)[:, -1, :, 0].mean(axis=1)
    np.testing.assert_array_equal(run.last_rewards, last, err_msg=f"seed {seed}")
    assert run.terminations.sum() == (run.ends == 1).sum() > 0
    assert (run.actions >= 6).any()
    assert run.truncations.sum() == (run.ends == 2).sum() > 0
    # Penalties are each agent's own.
    assert (rewards.sum(axis=-1) != 0).any()


def test_windows_that_leave_the_grid_are_the_twins_too(volume):
    run = play(volume, 1, protocol="published", observation_cast="float32", max_episode_steps=None)
    calm(run).resume(3)
    followed(volume, run)
    assert run.configuration["protocol"]["border"] == "clamped_crop"
    assert ((run.windows < 0) | (run.windows + WINDOW > SHAPE)).any()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("games", [1, 3])
@pytest.mark.parametrize("opponents", [None, "fictitious"])
def test_a_run_goes_on_from_its_file_to_the_bit(volume, policy, games, opponents, tmp_path):
    options = {
        "policy": policy, "n_envs": games, "opponent_update_interval": 50,
        "opponents": opponents, "experience": "both", "mask_actions": True,
    }  # fmt: skip
    whole = calm(play(volume, 1, **options)).resume(3)
    half = calm(play(volume, 1, **options)).resume(1, checkpoint=tmp_path / "run.npz")
    # A pool's first member is as untrained as it was, and ends nearly every episode at once.
    if opponents is None:
        assert (half.ends[-1, -1] == 0).any(), "no episode is under way; choose another seed"
        assert len(half._live_run.state()["shown"]) > 0
    again = Run.load(tmp_path / "run.npz", volume, score)
    assert again.configuration == half.configuration
    same(again.resume(2), whole)
    for name, values in whole._live_run.state().items():
        np.testing.assert_array_equal(again._live_run.state()[name], values, err_msg=name)


def test_the_state_holds_what_each_episode_has_shown(volume):
    run = calm(play(volume, 1, n_envs=3, policy="LocalPolicy")).resume(3)
    windows, ends = by_game(run, "windows"), by_game(run, "ends")
    expected = []
    for game in range(3):
        over = np.flatnonzero(ends[:, game])
        first = over[-1] + 1 if len(over) else 0
        places = dict.fromkeys(
            tuple(place) for pair in windows[first:, game].tolist() for place in pair
        )
        expected += [[*place, game] for place in places]
    assert len(expected) > 3
    np.testing.assert_array_equal(run._live_run.state()["shown"], np.array(expected))


def test_broken_places_are_no_saved_run(volume, tmp_path):
    path = tmp_path / "run.npz"
    play(volume, 2, checkpoint=path, policy="LocalPolicy")
    with np.load(path) as file:
        arrays = dict(file)
    lattice = [[x, y, z, 0] for x in (0, 4) for y in (0, 4) for z in (0, 4)]
    for shown, words in (
        ([[0, 0, 0, 7]], "places of one of 1 games"),
        ([[1, 1, 1, 0]], "places of one of 1 games"),
        ([[8, 4, 4, 0]] * 2, "different places"),
        (lattice, "two at most for each step"),
        ([0, 0, 0], "shown|reshape"),
    ):
        # An episode of three steps: six places at most.
        counters = arrays["state.counters"].copy()
        counters[8] = 3
        changed = {"state.shown": np.array(shown, np.int64), "state.counters": counters}
        np.savez(path, **(arrays | changed))
        with pytest.raises(spars.FormatError, match=words):
            Run.load(path, volume, score)


@pytest.mark.parametrize("games", [1, 3])
def test_a_seed_gives_the_same_bits_for_any_thread_count(volume, games):
    expected = play(volume, n_envs=games)
    before = spars.thread_count()
    try:
        for threads in (1, 3):
            spars.set_thread_count(threads)
            same(play(volume, n_envs=games), expected)
    finally:
        spars.set_thread_count(before)


@pytest.mark.parametrize("policy", POLICIES)
def test_iterations_can_be_replayed(volume, policy):
    run = calm(play(volume, 1, policy=policy, n_envs=2, replay_interval=2)).resume(4)
    again = run.replay(4)
    assert again.started_from == 4
    assert len(run._states[4]["shown"]) > 0
    np.testing.assert_array_equal(again.actions, run.actions[4])


@pytest.mark.parametrize("map_read", ["before_reset", "after_reset"])
@pytest.mark.parametrize("games", [1, 3])
def test_the_map_is_of_the_windows_own_scores(volume, map_read, games):
    found = spars.segment(
        volume, score, iterations=3, grid=SHAPE, window=WINDOW, n_steps=16, n_envs=games,
        protocol=spars.Protocol.paper().with_switches(
            map_read=map_read, accumulation="sum", scan_frame="native", max_episode_steps=9
        ),
        game="exhaustion", rule=RULE, policy="LocalPolicy", seed=5, snapshot_interval=0,
    )  # fmt: skip
    run = found.run
    expected = np.zeros(SHAPE)
    windows, scores, ends = (by_game(run, name) for name in ("windows", "step_scores", "ends"))
    for game in range(games):
        over = np.flatnonzero(ends[:, game])
        first = over[-1] + 1 if len(over) and map_read == "after_reset" else 0
        for places, values in zip(windows[first:, game], scores[first:, game], strict=True):
            for (x, y, z), value in zip(places.tolist(), values.tolist(), strict=True):
                expected[x : x + 9, y : y + 8, z : z + 6] += value
    np.testing.assert_allclose(run.score_map, expected, rtol=1e-5)
    voxel = tuple(int(i) for i in np.unravel_index(expected.argmax(), SHAPE))
    reasons = found.why(*voxel)
    assert sum(reason.score for reason in reasons) == pytest.approx(expected[voxel])
    assert {reason.agent for reason in reasons} <= set(AGENTS)
    seen = run.coverage()
    assert 0 < seen.seen[-1] <= 1
    assert (np.diff(run.regret()) <= 0).all()


def test_a_pools_games_are_won_by_the_greater_sum(volume):
    run = calm(play(volume, 1, opponents="vanilla", policy="LocalPolicy", n_envs=2, seed=4))
    state = run._live_run.state()
    games, wins = state["pool_games"].tolist(), state["pool_wins"].tolist()
    drawn, leads = state["pool_drawn"].tolist(), state["pool_reward"].copy()
    run.resume(5)
    rewards, ends = followed(volume, run)["rewards"], by_game(run, "ends")
    for t in range(16, len(ends)):
        for game in range(2):
            leads[game] += (rewards[t, game, 0] - rewards[t, game, 1]) / 2
            if ends[t, game]:
                member = drawn[game]
                games[member] = games[member] * 0.99 + 1
                wins[member] = wins[member] * 0.99 + (np.sign(leads[game]) + 1) / 2
                drawn[game], leads[game] = len(games) - 1, 0.0
        if (t + 1) % 16 == 0:
            games.append(0.0)
            wins.append(0.0)
    state = run._live_run.state()
    np.testing.assert_allclose(state["pool_games"], games, rtol=1e-12)
    np.testing.assert_allclose(state["pool_wins"], wins, rtol=1e-12)
    np.testing.assert_array_equal(state["pool_drawn"], drawn)
    np.testing.assert_allclose(state["pool_reward"], leads, rtol=1e-6)
    assert 0 < sum(wins) < sum(games)
    assert leads.any(), "no episode is under way; choose another seed"


@pytest.mark.parametrize("policy", POLICIES)
def test_a_learner_finds_out_when_to_stop(policy):
    """One place of worth beside the start: take it with the end, or be left with nothing."""
    scan = np.zeros((12, 8, 8), np.float32)
    scan[8, 0, 0] = 1.0
    run = self_play(
        scan, lambda crops: crops[:, 0, 0, 0], iterations=60, window=(4, 4, 4), policy=policy,
        game="exhaustion", rule=ExhaustionRule(final_factor=10.0, min_steps=0), n_envs=4,
        max_episode_steps=8, learning_rate=3e-3, batch_size=64, n_epochs=4, ent_coef=0.01,
        opponent_update_interval=1 << 20, snapshot_interval=0, seed=2,
    )  # fmt: skip
    assert run.rewards[-10:].mean() > run.rewards[:10].mean() + 0.5


def test_masked_moves_are_never_made(volume):
    run = calm(play(volume, 1, policy="LocalPolicy", mask_actions=True, n_envs=2)).resume(5)
    masks, actions = followed(volume, run)["masks"], by_game(run, "actions")
    fits = np.take_along_axis(masks[:-1], actions[..., None].astype(int), axis=-1)
    assert fits.all()
    assert not masks.all()


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"termination_threshold": 0.3}, ValueError, "'termination_threshold' parameter of self_"),
        ({"game": "chess"}, ValueError, "'game' parameter of self_play must be one of"),
        ({"game": None}, TypeError, "'game' parameter of self_play"),
        ({"game": "search", "rule": RULE}, ValueError, "'rule' parameter of self_play must be Non"),
        ({"rule": 3}, TypeError, "'rule' parameter of self_play must be an ExhaustionRule"),
    ],
)
def test_what_makes_no_sense_is_refused(volume, options, error, words):
    with pytest.raises(error, match=words):
        self_play(volume, score, iterations=1, window=WINDOW, **({"game": "exhaustion"} | options))


def test_a_threshold_is_refused_by_segment_and_not_asked_for(volume):
    options = {"window": WINDOW, "grid": SHAPE, "iterations": 1, "n_steps": 4}
    with pytest.raises(ValueError, match="'termination_threshold' parameter"):
        spars.segment(volume, score, game="exhaustion", termination_threshold=0.5, **options)
    found = spars.segment(volume, score, game="exhaustion", **options)
    assert found.configuration["search"]["termination_threshold"] is None
    assert spars.segment(volume, score, **options).run.configuration["game"] == "search"
    with pytest.raises(TypeError):
        spars.segment(volume, score, method="greedy", game="exhaustion", **options)


def test_a_league_says_why_it_takes_no_such_run(volume):
    run = play(volume, 1, policy="LocalPolicy")
    with pytest.raises(ValueError, match="of the search game: a league computes once"):
        spars.League.of(run)

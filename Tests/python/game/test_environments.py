"""The environments: what comes out of them, and what they refuse."""

import subprocess
import sys

import numpy as np
import pytest
from game_cases import GRID, WINDOW, by_place, parallel, single, zeros

import spars


@pytest.fixture
def scan(rng):
    return rng.normal(0, 100, GRID).astype(np.float32)


def test_d8_the_opponent_is_whoever_is_inside_and_sees_its_window_before_it_moves():
    image, score = by_place()
    seen = []

    class Policy:
        def predict(self, observation):
            seen.append(observation[0, 0, 0])
            return np.array(4), None

    env = single(image, score, opponent=Policy())
    env.reset()
    info = env.step(0)[4]
    assert seen == [image[16, 16, 12]]
    assert env.windows["opponent"] == (20, 16, 12)
    assert info["opponent_action"] == 4
    env.opponent = None
    assert env.step(0)[4]["opponent_action"] == 0


def test_single_and_parallel_play_alike(rng):
    image, score = by_place()
    for protocol in ("paper", "published"):
        one, two = (
            single(image, score, protocol=protocol),
            parallel(image, score, protocol=protocol),
        )
        one.reset()
        two.reset()
        for learner, opponent in rng.integers(0, 6, (50, 2)):
            one.opponent = lambda _, action=opponent: int(action)
            _, reward, terminated, truncated, _ = one.step(learner)
            results = two.step({"learner": learner, "opponent": opponent})
            assert reward == results[1]["learner"]
            assert terminated == results[2]["learner"]
            assert truncated == results[3]["learner"]
        assert one.windows == two.windows
        np.testing.assert_array_equal(one.score_map, two.score_map)


def test_many_games_equal_single_ones(rng):
    image, score = by_place()
    options = {"max_episode_steps": 15, "termination_threshold": 0.9}
    many = spars.VectorGame(image, score, 3, WINDOW, maps="run", **options)
    envs = [parallel(image, score, **options) for _ in range(3)]
    for env in envs:
        env.reset()
    ends = 0
    for actions in rng.integers(0, 6, (60, 2, 3)):
        rewards, terminated, truncated = many.step(*actions)
        for i, env in enumerate(envs):
            result = env.step({"learner": actions[0, i], "opponent": actions[1, i]})
            assert result[1]["learner"] == rewards[i]
            assert result[2]["learner"] == terminated[i]
            assert result[3]["learner"] == truncated[i]
            assert many.scores[i].tolist() == list(env.scores.values())
            if terminated[i] or truncated[i]:
                env.reset()
                ends += 1
            assert many.windows[i].tolist() == [list(window) for window in env.windows.values()]
    assert ends > 3
    for i, env in enumerate(envs):
        np.testing.assert_array_equal(many.score_map(i), env.score_map)
        np.testing.assert_array_equal(many.observation(i, 0), env._games.observation(0, 0, WINDOW))


def test_a_published_episode_goes_on_after_its_end(scan):
    env = parallel(scan, lambda crops: np.full(len(crops), 0.9), protocol="published")
    env.reset()
    assert env.step({"learner": 4, "opponent": 4})[2] == {"learner": True, "opponent": True}
    assert env.agents == []
    assert env.step({}) == ({}, {}, {}, {}, {})
    env.step({"learner": 4, "opponent": 4})
    assert env.windows["learner"] == (28, 20, 16)


def test_a_resized_observation_is_the_crop_repeated(scan):
    crop = parallel(scan).reset()[0]["learner"]
    env = parallel(scan, observation="resized")
    resized = env.reset()[0]["learner"]
    assert resized.shape == env.observation_space("learner").shape == (256, 256, 180)
    index = [np.arange(n) * 8 // n for n in resized.shape]
    np.testing.assert_array_equal(resized, crop[np.ix_(*index)])


def test_visits_say_what_the_map_is_made_of():
    image, score = by_place()
    env = parallel(image, score)
    env.reset()
    env.step({"learner": 4, "opponent": 1})
    visits, added = env.visits
    assert visits.tolist() == [[20, 16, 12, 0], [16, 16, 8, 1]]
    assert added.tolist() == list(env.scores.values())


def test_pictures_show_both_windows(scan):
    env = single(scan, render_mode="rgb_array")
    env.reset()
    env.step(4)
    image = env.render()
    assert image.shape == (40, 40, 3)
    assert image.dtype == np.uint8
    assert (image == (80, 220, 100)).all(axis=2).any()
    assert (image == (255, 150, 40)).all(axis=2).any()
    assert single(scan).render() is None


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"window": (8, 8)}, ValueError, "'window' parameter of parallel_env"),
        ({"window": (41, 8, 8)}, ValueError, "'window' parameter"),
        ({"window": "8,8"}, TypeError, "'window' parameter"),
        ({"stride": 0}, ValueError, "'stride' parameter of parallel_env"),
        ({"stride": 10**12}, ValueError, "'stride' parameter"),
        ({"termination_threshold": 1.5}, ValueError, "'termination_threshold' parameter"),
        ({"termination_threshold": float("nan")}, ValueError, "'termination_threshold' parameter"),
        ({"protocol": "papyrus"}, ValueError, "'protocol' parameter"),
        ({"border": "open"}, ValueError, "'border' parameter of Protocol"),
        ({"max_episode_steps": 0}, ValueError, "'max_episode_steps' parameter"),
        ({"nonsense": 1}, TypeError, "no switch 'nonsense'"),
        ({"observation": "all"}, ValueError, "'observation' parameter"),
        ({"render_mode": "human"}, ValueError, "'render_mode' parameter"),
        ({"grid": (10**9, 10**9, 10**9), "scan_frame": "corner"}, ValueError, "'grid' parameter"),
        (
            {"grid": (16383, 16383, 16383), "scan_frame": "corner"}, MemoryError, "voxels allowed",
        ),
        ({"seed": -1}, ValueError, "'seed' parameter"),
    ],
)  # fmt: skip
def test_parameters_out_of_range_are_named(scan, options, kind, message):
    with pytest.raises(kind, match=message):
        parallel(scan, **options)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_scan_that_is_not_finite_is_refused(scan, bad):
    scan[3, 2, 1] = bad
    with pytest.raises(spars.NonFiniteError, match=r"\(3, 2, 1\)"):
        parallel(scan)


@pytest.mark.parametrize("action", [6, -1, 1.0, None, "0", True, np.array([1, 2])])
def test_actions_out_of_range_are_refused(scan, action):
    env = parallel(scan)
    env.reset()
    with pytest.raises((TypeError, ValueError), match=r"'actions\['learner'\]' parameter"):
        env.step({"learner": action, "opponent": 0})
    with pytest.raises(ValueError, match="Got none for 'opponent'"):
        env.step({"learner": 0})
    with pytest.raises((TypeError, ValueError), match="'action' parameter of WindowSearchEnv"):
        single(scan).step(action)


def test_arrays_of_actions_are_checked(scan):
    game = spars.VectorGame(scan, zeros, 2, WINDOW)
    strange = ([0.0, 1.0], [0.5, 1.5], [True, False], [0, 2**63], [None, 0])
    for bad in ([0], [0, 6], [-1, 0], [0, 300], ["a", "b"], [[0, 1]], *strange):
        with pytest.raises((TypeError, ValueError), match="'learner' parameter of VectorGame.step"):
            game.step(bad, [0, 0])
    with pytest.raises(ValueError, match="'action' parameter of the game"):
        game.step(np.array([0, 6], np.int8), np.zeros(2, np.int8))
    for n in (0, 1_000_001):
        with pytest.raises(ValueError, match="'n' parameter of VectorGame"):
            spars.VectorGame(scan, zeros, n, WINDOW)


def test_things_that_are_no_scorer_or_opponent_are_refused(scan):
    with pytest.raises(TypeError, match="'scorer' parameter of parallel_env"):
        parallel(scan, 0.5)
    with pytest.raises(TypeError, match="'opponent' parameter of WindowSearchEnv"):
        single(scan, opponent=3)
    env = single(scan, opponent=lambda observation: 9)
    env.reset()
    with pytest.raises(ValueError, match="'opponent' parameter of WindowSearchEnv, its answer"):
        env.step(0)


def test_everything_works_without_gymnasium_and_pettingzoo():
    code = """
import sys
sys.modules["gymnasium"] = sys.modules["pettingzoo"] = None
import numpy as np, spars
scan = np.zeros((16, 16, 16), np.float32)
zeros = lambda crops: np.zeros(len(crops))
env = spars.WindowSearchEnv(scan, zeros, window=(8, 8, 8))
observation, info = env.reset(seed=1)
assert env.observation_space.contains(observation)
env.step(env.action_space.sample())
env = spars.parallel_env(scan, zeros, window=(8, 8, 8), seed=3)
env.reset(seed=1)
env.step({agent: env.action_space(agent).sample() for agent in env.agents})
"""
    subprocess.run([sys.executable, "-c", code], check=True)

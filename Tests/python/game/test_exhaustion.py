"""The exhaustion game against a plain twin, its spaces, and that it can be learned."""

import numpy as np
import pytest

import spars
from spars.game.exhaustion import ANSWER_COUNT, ExhaustionEnv, ExhaustionRule

SHAPE = (20, 18, 16)
WINDOW = (4, 4, 4)
MOVES = ((2, 1), (2, -1), (1, 1), (1, -1), (0, 1), (0, -1))


@pytest.fixture(scope="module")
def scan():
    return np.random.default_rng(1).random(SHAPE).astype(np.float32)


def score(crops):
    # Few distinct scores, so that ties occur.
    return np.round(4 * crops[:, 0, 0, 0]) / 4


def environment(scan, **options):
    options = {"window": WINDOW, "max_episode_steps": 30, "stride": 4} | options
    return spars.parallel_env(scan, score, game="exhaustion", observation="neighbours", **options)


class Twin:
    """The rules in plain Python: what each place is worth, and who is paid what."""

    def __init__(self, scan, start, rule, tie):
        self.scan, self.windows, self.rule, self.tie = scan, [start, start], rule, tie
        self.shown, self.steps = set(), 0

    def moved(self, origin, action):
        axis, direction = MOVES[action % 6]
        place = list(origin)
        place[axis] += 4 * direction
        inside = 0 <= place[axis] <= SHAPE[axis] - WINDOW[axis]
        return tuple(place) if inside else origin

    def worth(self, place):
        return 0.0 if place in self.shown else float(np.round(4 * self.scan[place]) / 4)

    def step(self, answers):
        self.windows = [self.moved(w, a) for w, a in zip(self.windows, answers, strict=True)]
        worth = [self.worth(place) for place in self.windows]
        again = [place in self.shown for place in self.windows]
        sign = (worth[0] > worth[1]) - (worth[0] < worth[1])
        first = sign if sign else self.tie
        ended = max(answers) >= 6
        rewards = []
        for reward, repeated in zip((first, -first), again, strict=True):
            value = reward * (self.rule.final_factor if ended else 1)
            value -= self.rule.early_penalty * (ended and self.steps < self.rule.min_steps)
            rewards.append(value - self.rule.repeat_penalty * repeated)
        self.shown.update(self.windows)
        self.steps += 1
        return rewards, worth, ended


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("tie_reward", ["none", "learner"])
def test_every_step_equals_the_plain_twin(scan, seed, tie_reward):
    rule = ExhaustionRule(10.0, 3.0, 4, 0.5) if seed % 2 else ExhaustionRule()
    env = environment(scan, rule=rule, tie_reward=tie_reward)
    rng = np.random.default_rng(seed)
    for _ in range(8):
        env.reset()
        twin = Twin(scan, env.windows["learner"], rule, float(tie_reward == "learner"))
        while env.agents:
            answers = [int(rng.integers(6)) + 6 * (rng.random() < 0.05) for _ in range(2)]
            _, rewards, terminations, truncations, infos = env.step(
                {"learner": answers[0], "opponent": answers[1]}
            )
            wanted, worth, ended = twin.step(answers)
            assert [rewards["learner"], rewards["opponent"]] == pytest.approx(wanted), seed
            assert list(env.scores.values()) == pytest.approx(worth)
            assert list(env.windows.values()) == twin.windows
            assert set(env.game.exhausted) == twin.shown
            assert infos["learner"]["exhausted"] == len(twin.shown)
            assert set(terminations.values()) == {ended}
            assert set(truncations.values()) == {not ended and twin.steps == 30}


def test_observations_say_what_is_left_and_what_was_shown(scan):
    env = environment(scan)
    observations, _ = env.reset()
    rng = np.random.default_rng(3)
    twin = Twin(scan, env.windows["learner"], ExhaustionRule(), 0.0)
    for _ in range(20):
        for index, agent in enumerate(("learner", "opponent")):
            seen = observations[agent]
            assert env.observation_space(agent).contains(seen)
            places = [twin.moved(twin.windows[index], action) for action in range(6)]
            np.testing.assert_allclose(seen[:6], [twin.worth(place) for place in places])
            np.testing.assert_array_equal(seen[6:12], [place in twin.shown for place in places])
            room = np.subtract(SHAPE, WINDOW)
            np.testing.assert_allclose(
                seen[12:], 2 * np.array(twin.windows[index]) / room - 1, rtol=1e-6
            )
        answers = rng.integers(0, 6, 2).tolist()
        observations = env.step(dict(zip(("learner", "opponent"), answers, strict=True)))[0]
        twin.step(answers)


def test_windows_are_seen_with_what_was_shown_around_them(scan):
    env = spars.parallel_env(scan, score, WINDOW, game="exhaustion")
    observations, _ = env.reset()
    x, y, z = env.windows["learner"]
    crop = scan[x : x + 4, y : y + 4, z : z + 4]
    np.testing.assert_array_equal(observations["learner"][:64].reshape(WINDOW), crop)
    observations, *_ = env.step({"learner": 0, "opponent": 1})
    # Back is where nobody has shown anything yet: the start was not a step.
    np.testing.assert_array_equal(observations["learner"][64:], np.zeros(6))
    env.step({"learner": 0, "opponent": 1})
    observations, *_ = env.step({"learner": 1, "opponent": 0})
    # Above it stood the learner before, below it the opponent stands now.
    np.testing.assert_array_equal(observations["learner"][64:], [1, 1, 0, 0, 0, 0])
    assert env.observation_space("learner").contains(observations["learner"])


def test_the_single_agent_environment_is_the_same_game(scan):
    options = {"window": WINDOW, "max_episode_steps": 30}
    env = ExhaustionEnv(scan, score, opponent=lambda observation: 3, **options)
    pair = environment(scan)
    observation, info = env.reset()
    observations, _ = pair.reset()
    np.testing.assert_array_equal(observation, observations["learner"])
    for answer in (0, 4, 5, 2, 10):
        observation, reward, terminated, truncated, info = env.step(answer)
        observations, rewards, terminations, _, _ = pair.step({"learner": answer, "opponent": 3})
        np.testing.assert_array_equal(observation, observations["learner"])
        assert reward == rewards["learner"]
        assert (terminated, truncated) == (terminations["learner"], False)
        assert info["opponent_action"] == 3
        assert info["exhausted"] == len(pair.game.exhausted)
    assert terminated
    np.testing.assert_array_equal(env.score_map, pair.score_map)
    assert env.action_space.n == ANSWER_COUNT == len(env.action_masks())
    assert env.observation_multiplicity is None


def test_no_score_ends_the_game(scan):
    with pytest.raises(ValueError, match="'termination_threshold' parameter of parallel_env"):
        environment(scan, termination_threshold=0.0)
    env = environment(np.ones(SHAPE, np.float32))
    env.reset()
    for _ in range(5):
        assert not any(env.step({"learner": 0, "opponent": 2})[2].values())


def test_a_learner_finds_out_when_to_stop():
    # One place of worth beside the start: take it with the end, or be left with nothing.
    scan = np.zeros((12, 4, 4), np.float32)
    scan[8, 0, 0] = 1.0
    env = ExhaustionEnv(
        scan, lambda crops: crops[:, 0, 0, 0], window=(4, 4, 4), max_episode_steps=8,
        opponent=lambda observation: 5, rule=ExhaustionRule(final_factor=10.0, min_steps=0),
    )  # fmt: skip
    agent = spars.PPO("MlpPolicy", env, n_steps=64, batch_size=32, learning_rate=1e-2, seed=2)

    def mean_reward():
        total = 0.0
        for _ in range(30):
            observation, _ = env.reset()
            over = False
            while not over:
                action, _ = agent.predict(observation, deterministic=False)
                observation, reward, terminated, truncated, _ = env.step(action)
                total += reward / 30
                over = terminated or truncated
        return total

    before = mean_reward()
    agent.learn(1500)
    assert mean_reward() > max(before, 0.0) + 4.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"game": "chess"}, "'game' parameter of parallel_env"),
        ({"game": "search", "rule": ExhaustionRule()}, "'rule' parameter of parallel_env"),
        ({"game": "exhaustion", "observation": "resized"}, "'observation' parameter"),
    ],
)
def test_what_is_no_choice_is_refused(scan, options, message):
    with pytest.raises(ValueError, match=message):
        spars.parallel_env(scan, score, WINDOW, **options)


def test_rules_and_answers_out_of_range_are_refused(scan):
    with pytest.raises(TypeError, match="'rule' parameter"):
        spars.parallel_env(scan, score, WINDOW, game="exhaustion", rule=3)
    for name in ("final_factor", "early_penalty", "repeat_penalty", "min_steps"):
        with pytest.raises(ValueError, match=f"'{name}' parameter of ExhaustionRule"):
            ExhaustionRule(**{name: -1})
    env = environment(scan)
    env.reset()
    with pytest.raises(ValueError, match=r"in the range \[0, 11\]"):
        env.step({"learner": 12, "opponent": 0})
    with pytest.raises(ValueError, match="an action for each"):
        env.step({"learner": 1})
    with pytest.raises(ValueError, match="its answer"):
        ExhaustionEnv(scan, score, WINDOW, opponent=lambda observation: -1).step(0)

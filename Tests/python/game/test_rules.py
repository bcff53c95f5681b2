"""Rules that stand once, in the core, against their plain twins."""

import itertools

import numpy as np
import pytest
import rules_twin as twin
from noise_game import noise, play

import spars
from spars.classifier.training.history import classification_metrics
from spars.game.exhaustion import ExhaustionEnv, ExhaustionGames, ExhaustionRule
from spars.game.field import Field, Games
from spars.search.visits import contributions, visits_of_run
from spars.volume.crossing import Crossing
from spars.volume.resampling import resize_multiplicity

SHAPE = (14, 12, 10)
SMALL = (4, 5, 4)
RULES = (ExhaustionRule(), ExhaustionRule(10.0, 3.0, 4, 0.5), ExhaustionRule(0.0, 0.0, 0, 0.0))


def score(crops):
    """Score a window by its first voxel, in few steps, so that ties occur."""
    return np.round(4 * crops[:, 0, 0, 0]) / 4


@pytest.fixture(scope="module")
def scan():
    return np.random.default_rng(1).random(SHAPE).astype(np.float32)


def environments(scan, rule, observation="neighbours", **switches):
    """Return the shipped environment and one that plays by the twin."""
    options = {
        "window": SMALL, "stride": 3, "game": "exhaustion", "observation": observation,
        "rule": rule,
    } | switches  # fmt: skip
    env, other = (spars.parallel_env(scan, score, **options) for _ in range(2))
    return env, twin.play_by_twin(other)


def same_infos(found, wanted):
    for agent in twin.AGENTS:
        assert found[agent].keys() == wanted[agent].keys()
        for name, value in wanted[agent].items():
            np.testing.assert_array_equal(found[agent][name], value, err_msg=name)


def same_step(found, wanted):
    """Compare what two parallel environments return, to the bit."""
    for seen, expected in zip(found[:4], wanted[:4], strict=True):
        for agent in twin.AGENTS:
            np.testing.assert_array_equal(seen[agent], expected[agent])
            assert np.asarray(seen[agent]).dtype == np.asarray(expected[agent]).dtype
    same_infos(found[4], wanted[4])


@pytest.mark.parametrize("observation", ["neighbours", "window"])
@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"tie_reward": "learner", "max_episode_steps": 5},
        {"protocol": "published", "max_episode_steps": 20},
        {"protocol": "published", "max_episode_steps": None, "border_crops": "full"},
        {"border": "clamped_crop", "credited_score": "other", "accumulation": "max"},
        {"credited_agents": "learner", "map_read": "after_reset", "accumulation": "sum"},
    ],
)
def test_the_exhaustion_game_is_the_twins_to_the_bit(scan, observation, switches, seed):
    rng = np.random.default_rng(seed)
    switches = {"max_episode_steps": 12, "intensity_window": None} | switches
    for rule in RULES:
        env, other = environments(scan, rule, observation, **switches)
        for _ in range(6):
            seen, infos = env.reset()
            expected, wanted = other.reset()
            same_infos(infos, wanted)
            for agent in twin.AGENTS:
                np.testing.assert_array_equal(seen[agent], expected[agent])
            while env.agents and env.game.shown_count < 60:
                answers = rng.integers(0, 6, 2) + 6 * (rng.random(2) < 0.03)
                actions = dict(zip(twin.AGENTS, answers.tolist(), strict=True))
                same_step(env.step(actions), other.step(actions))
                assert env.agents == other.agents
                assert env.game.exhausted == other.game.exhausted
                assert env.windows == other.windows
        np.testing.assert_array_equal(env.score_map, other.score_map)
        for found, wanted in zip(env.visits, other.visits, strict=True):
            np.testing.assert_array_equal(found, wanted)


def test_the_single_agents_environment_plays_the_same_rule(scan, rng):
    env, other = (
        ExhaustionEnv(scan, score, SMALL, stride=3, opponent=lambda seen: 3, rule=RULES[1])
        for _ in range(2)
    )
    twin.play_by_twin(other)
    for _ in range(3):
        np.testing.assert_array_equal(env.reset()[0], other.reset()[0])
        for answer in rng.integers(0, 6, 20):
            found, wanted = env.step(answer), other.step(answer)
            np.testing.assert_array_equal(found[0], wanted[0])
            assert found[1:] == wanted[1:]
            np.testing.assert_array_equal(env.action_masks(), other.action_masks())


@pytest.mark.parametrize("border", ["inside", "clamped_crop"])
def test_games_side_by_side_are_each_its_own(scan, rng, border):
    switches = {"max_episode_steps": 9, "border": border}
    field = Field(scan, score, SMALL, "paper", 1.0, None, 3, switches, "test")
    games = ExhaustionGames(field, RULES[1], 4, resets_itself=True)
    alone = [
        twin.play_by_twin(
            spars.parallel_env(
                scan, score, SMALL, stride=3, game="exhaustion", observation="neighbours",
                rule=RULES[1], **switches,
            )
        )
        for _ in range(4)
    ]  # fmt: skip
    for env in alone:
        env.reset()
    for _ in range(40):
        answers = (rng.integers(0, 6, (2, 4)) + 6 * (rng.random((2, 4)) < 0.05)).astype(np.int8)
        games.step(*answers)
        for i, env in enumerate(alone):
            _, rewards, terminations, truncations, _ = env.step(
                dict(zip(twin.AGENTS, answers[:, i].tolist(), strict=True))
            )
            assert games.rewards[i].tolist() == list(rewards.values())
            assert games.scores[i].tolist() == list(env.scores.values())
            assert games.terminated[i] == terminations["learner"]
            assert games.truncated[i] == truncations["learner"]
            if not env.agents:
                env.reset()
            assert [tuple(place) for place in games.shown(i).tolist()] == env.game.exhausted
            assert games.windows()[i].tolist() == [list(w) for w in env.windows.values()]
        for i, env in enumerate(alone):
            for agent in (0, 1):
                worths, shown = (found[i, agent] for found in games.look())
                np.testing.assert_array_equal(shown, env.game._shown[agent])
                left = np.where(shown, 0, env.game._neighbours[agent])
                np.testing.assert_array_equal(worths, left)


def test_a_scorer_that_fails_leaves_the_exhaustion_game_as_it_was(scan):
    class Fragile:
        input_shape = SMALL
        fails = False

        def __call__(self, crops):
            if self.fails:
                raise RuntimeError("no score today")
            return score(crops)

    scorer = Fragile()
    env = spars.parallel_env(scan, scorer, SMALL, stride=3, game="exhaustion")
    env.reset()
    env.step({"learner": 0, "opponent": 2})
    before = env.windows, env.game.exhausted, env.scores
    scorer.fails = True
    with pytest.raises(RuntimeError, match="no score today"):
        env.step({"learner": 4, "opponent": 5})
    assert (env.windows, env.game.exhausted, env.scores) == before
    scorer.fails = False
    env.step({"learner": 4, "opponent": 5})
    assert env.windows != before[0]


def test_broken_answers_do_not_reach_the_rule(scan):
    field = Field(scan, score, SMALL, "paper", 1.0, None, 3, {}, "test")
    games = ExhaustionGames(field, RULES[0], 2)
    fine, wrong = np.zeros(2, np.int8), np.array([0, 12], np.int8)
    for answers in ((fine, wrong), (wrong, fine), (fine, -wrong)):
        with pytest.raises(ValueError, match=r"in the range \[0, 11\]"):
            games.step(*answers)
    assert not games.steps().any()
    with pytest.raises(ValueError, match="exhaustion game"):
        ExhaustionGames.look(_as_exhaustion(Games(field)))


def _as_exhaustion(games):
    games.__class__ = ExhaustionGames
    return games


@pytest.mark.parametrize("border", ["inside", "clamped_crop"])
def test_allowed_moves_are_the_twins(scan, rng, border):
    field = Field(scan, score, SMALL, "paper", 1.0, None, 3, {"border": border}, "test")
    games = Games(field, 20)
    for _ in range(15):
        games.step(*rng.integers(0, 6, (2, 20)).astype(np.int8))
        masks = games.action_masks()
        for i, windows in enumerate(games.windows().tolist()):
            for agent, window in enumerate(windows):
                np.testing.assert_array_equal(
                    masks[i, agent], twin.action_mask(field, tuple(window))
                )


# -- Visits


@pytest.mark.parametrize("games", [1, 3])
@pytest.mark.parametrize(
    "switches",
    [
        dict(zip(("map_read", "reset_each_iteration"), values, strict=True))
        for values in itertools.product(("before_reset", "after_reset"), (False, True))
    ],
)
@pytest.mark.parametrize(
    "credit",
    [
        {},
        {"credited_score": "other", "credited_agents": "learner", "border": "clamped_crop"},
        {"credited_score": "other", "border": "clamped_crop", "stride": 11},
        {"border": "clamped_crop", "stride": 11, "credited_part": (2, 3, 1)},
    ],
)
def test_visits_of_a_run_are_the_twins(games, switches, credit):
    run = play(noise(), 4, n_envs=games, **switches, **credit)
    visits = visits_of_run(run.windows, run.step_scores, run.ends, run.configuration)
    told = twin.visits(run.windows, run.step_scores, run.ends, run.configuration)
    kept = np.ones(len(told), np.bool_) if visits.kept is None else visits.kept
    found = zip(
        map(tuple, visits.windows.tolist()), visits.agents.tolist(), visits.scores.tolist(),
        visits.steps.tolist(), kept.tolist(), strict=True,
    )  # fmt: skip
    assert list(found) == told
    assert (visits.kept is None) == (switches["map_read"] == "before_reset")
    # What is kept is what the run's own map has logged.
    log = run._live_run.state()
    np.testing.assert_array_equal(log["visits"][:, :3], visits.windows[kept])
    np.testing.assert_array_equal(log["visit_scores"], visits.scores[kept])


@pytest.mark.parametrize("part", [None, (4, 3, 5), (2, 2, 2), (1, 3, 4)])
def test_who_touched_a_voxel_is_the_twins(part, rng):
    grid, extent = (9, 8, 7), (4, 3, 5)
    windows = rng.integers(-14, 14, (1000, 3))
    protocol = spars.Protocol.paper().with_switches(credited_part=part or "window").to_dict()
    configuration = {"window": extent, "grid": grid, "n_steps": 1000, "protocol": protocol}
    visits = spars.search.visits.Visits(
        windows,
        rng.random(1000).astype(np.float32),
        np.zeros(1000, np.int64),
        np.arange(1000),
        1000,
    )
    touched = 0
    for voxel in ((0, 0, 0), (8, 7, 6), (4, 3, 2), (0, 7, 3)):
        found = [reason.step for reason in contributions(visits, configuration, voxel)]
        expected = np.flatnonzero(twin.covers(windows, extent, grid, voxel, part))
        assert found == expected.tolist()
        touched += len(found)
    assert touched


# -- Measures, replicas, frames


@pytest.mark.parametrize("kinds", ["both", "with", "without", "few"])
def test_classification_metrics_are_the_twins(rng, kinds):
    for count in (1, 2, 7, 60):
        scores = np.round(rng.random(count) * 8).astype(np.float32) / 8
        labels = rng.integers(0, 2, count)
        if kinds in ("with", "without"):
            labels[:] = kinds == "with"
        if kinds == "few":
            scores[:] = scores[0]
        found = classification_metrics(scores, labels)
        for name, value in twin.classification_metrics(scores, labels).items():
            np.testing.assert_array_equal(found[name], value, err_msg=name)


@pytest.mark.parametrize(
    ("window", "shape"),
    [
        ((1, 1, 5), (1, 1, 5)), ((3, 4, 2), (7, 8, 11)), ((6, 5, 4), (40, 33, 30)),
        ((1, 1, 1), (9, 1, 2)),
    ],
)  # fmt: skip
def test_replicas_are_counted_as_resizing_makes_them(window, shape):
    counts = resize_multiplicity(window, shape)
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(counts, twin.resize_multiplicity(window, shape))


FRAMES = [
    ((6, 5, 4), (5, 7, 3), "resampled"), ((6, 5, 4), (11, 2, 6), "resampled"),
    ((6, 5, 4), (11, 2, 6), "corner"), ((6, 5, 4), (5, 7, 3), "corner"),
    ((6, 5, 4), (6, 5, 4), "corner"), ((6, 5, 4), (6, 5, 4), "native"),
]  # fmt: skip


@pytest.mark.parametrize(("grid", "scan", "frame"), FRAMES)
def test_maps_and_places_cross_as_the_twins(rng, grid, scan, frame):
    crossing = Crossing(scan, grid, frame)
    values = rng.random(scan).astype(np.float32)
    indexed = crossing.to_grid(values)
    if frame == "resampled":
        np.testing.assert_array_equal(indexed, spars.resample(values, grid, "linear"))
    else:
        assert indexed is values
    score_map = rng.random(grid).astype(np.float32)
    shown = crossing.to_scan(score_map)
    np.testing.assert_array_equal(shown, twin.to_scan(score_map, scan, frame))
    for voxel in np.ndindex(scan):
        place = crossing.voxel(voxel)
        assert shown[voxel] == (0 if place is None else score_map[place])


@pytest.mark.parametrize(("grid", "scan", "frame"), FRAMES)
def test_references_are_counted_as_the_twins(rng, grid, scan, frame):
    reference = (rng.random(scan) < 0.3).astype(np.float32)
    found = Crossing(scan, grid, frame).counts(reference)
    for part, expected in zip(found, twin.reference_counts(reference, grid, frame), strict=True):
        np.testing.assert_array_equal(part, expected)


def test_broken_crossings_are_refused():
    scan = np.zeros((4, 3, 2), np.float32)
    with pytest.raises(ValueError, match="native"):
        Crossing((4, 3, 2), (4, 3, 3), "native").to_grid(scan)
    with pytest.raises(ValueError, match="'map'"):
        Crossing((4, 3, 3), (4, 3, 2), "resampled").to_scan(np.zeros((4, 3, 3), np.float32))
    with pytest.raises(ValueError, match="voxel"):
        Crossing((4, 3, 2), (4, 3, 2), "native").voxel((4, 0, 0))
    with pytest.raises(ValueError, match="resampled"):
        Crossing((4, 3, 2), (4, 3, 2), "sideways").voxel((0, 0, 0))

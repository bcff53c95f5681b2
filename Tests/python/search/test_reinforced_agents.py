"""Agents that PPO taught, alone and against copies: choices, games, gains; trainings resumed."""

import itertools

import numpy as np
import pytest
from agent_cases import livers, made_scan, network

import spars
from spars.search.agent_settings import AgentSettings
from spars.search.choices import chances, slopes
from spars.search.features import FEATURES
from spars.search.known_scans import Searches
from spars.search.map_policy import MapPolicy
from spars.search.opponents import Opponents
from spars.search.reinforcement import Reinforcement, _advantages

SMALL = {"max_scores": 96, "n_envs": 3, "batch_size": 64, "n_epochs": 2, "seed": 4}

BEGUN = spars.Agents(MapPolicy(3), {})


def learner(**options):
    return Reinforcement([made_scan(seed) for seed in range(3)], AgentSettings(**SMALL | options))


def found_by(policy, scans, turns):
    """Return the share of what all windows are worth that the policy finds in so many turns."""
    searches, found = Searches(scans), 0
    for _ in range(turns):
        asked = searches.best(policy(searches.features.values), 16)
        found += searches.worth_of(asked).sum()
        searches.ask(asked.ravel())
    return found / searches.worths.sum()


def test_chances_are_those_of_drawing_without_putting_back(rng):
    logits = rng.normal(size=(1, 5)).astype(np.float32)
    logits[0, 3] = -np.inf
    total = 0.0
    for order in itertools.permutations([0, 1, 2, 4], 2):
        found = chances(logits, np.array([order]))[0]
        weights = np.exp(logits[0])
        first = weights[order[0]] / weights.sum()
        second = weights[order[1]] / (weights.sum() - weights[order[0]])
        np.testing.assert_allclose(found, np.log([first, second]), rtol=1e-5)
        total += np.exp(found.sum())
    assert total == pytest.approx(1.0)
    # What cannot be chosen has no chance to speak of, and nothing breaks where nothing can be.
    assert chances(np.full((1, 3), -np.inf, np.float32), np.array([[0, 1]])).tolist() == [[0, 0]]


def test_slopes_are_those_of_differences(rng):
    logits = rng.normal(size=(2, 6)).astype(np.float32)
    logits[1, 0] = -np.inf
    chosen, pulls = np.array([[4, 0, 1], [2, 5, 3]]), rng.normal(size=(2, 3))
    found = slopes(logits, chosen, pulls)
    for row, place in ((0, 0), (0, 2), (0, 4), (1, 5), (1, 1)):
        sides = []
        for step in (1e-2, -1e-2):
            moved = logits.copy()
            moved[row, place] += step
            sides.append(np.sum(pulls * chances(moved, chosen)))
        assert found[row, place] == pytest.approx((sides[0] - sides[1]) / 2e-2, abs=2e-3)
    assert found[1, 0] == 0


def test_advantages_are_sums_of_what_came_after(rng):
    rewards, values = rng.normal(size=(2, 3, 2, 4))
    found = _advantages(rewards, values, 0.9, 1.0)
    # Without a trace that decays: what came, discounted, less the value.
    for search in range(2):
        came = rewards[:, search].ravel()
        for at in range(12):
            wanted = np.sum(came[at:] * 0.9 ** np.arange(12 - at)) - values[:, search].ravel()[at]
            assert found[:, search].ravel()[at] == pytest.approx(wanted)


@pytest.mark.parametrize("learn", ["ppo", "self_play"])
def test_reinforcement_learns_to_find_more(learn):
    scans = [made_scan(seed) for seed in range(50, 54)]
    made = learner(learn=learn, n_envs=8, learning_rate=3e-3)
    before = found_by(made.policy, scans, 5)
    for _ in range(12):
        made.play()
    assert found_by(made.policy, scans, 5) > before + 0.2
    assert made.rounds == len(made.returns) == 12


def test_what_an_opponent_asks_for_is_taken_from_the_learners_reward():
    alone, against = learner(learn="ppo"), learner(learn="self_play")
    for made in (alone, against):
        made.play()
    assert alone.returns[0] >= 0
    # A first opponent is the learner's own copy: neither wins on the whole.
    assert abs(against.returns[0]) < alone.returns[0] + 1


def test_the_end_pays_whoever_found_more():
    def wanting(sign):
        """Return a policy that asks for the darkest windows first, or for the brightest."""
        policy = MapPolicy(0)
        for values in policy.parameters.values():
            values[:] = 0
        policy.parameters["first.weight"][FEATURES.index("intensity"), 0] = -0.1
        policy.parameters["second.weight"][0, 0] = 1.0
        policy.parameters["last.weight"][0, 0] = 200.0 * sign
        return policy

    def last_rewards(sign, end_reward):
        made = learner(learn="self_play", end_reward=end_reward)
        made.policy = wanting(sign)
        return made._turns(Searches(made._scans), wanting(-sign)).rewards

    for sign in (1, -1):
        paid = last_rewards(sign, 50.0) - last_rewards(sign, 0.0)
        np.testing.assert_allclose(paid[-1, :, -1], sign * 50.0, rtol=1e-5)
        paid[-1, :, -1] = 0
        assert not paid.any()


def test_opponents_are_drawn_as_they_are_named():
    policy = MapPolicy(0).parameters
    for choice, wanted in (
        ("vanilla", [0, 0, 1]), ("fictitious", [1 / 3] * 3),
        ("prioritised", [1 / 1.5, 0.25 / 1.5, 0.25 / 1.5]),
    ):  # fmt: skip
        pool = Opponents(choice, 2.0)
        for _ in range(3):
            pool.add(policy)
        pool.record(0, np.zeros(4))
        np.testing.assert_allclose(pool.chances, wanted)
        assert pool.draw(np.random.default_rng(0)) in (0, 1, 2)
    pool = Opponents("prioritised", 2.0)
    for member in range(2):
        pool.add(policy)
        pool.record(member, np.ones(1))
    np.testing.assert_allclose(pool.chances, [0.5, 0.5])


def test_a_small_scan_may_run_out_of_windows():
    scans = [made_scan(1, (4, 4, 3)), made_scan(2, (6, 6, 6))]
    made = Reinforcement(scans, AgentSettings(**SMALL | {"learn": "ppo", "max_scores": 160}))
    made.play()
    assert all(np.isfinite(values).all() for values in made.policy.parameters.values())


@pytest.mark.parametrize("learn", ["regression", "ppo", "self_play"])
def test_a_training_goes_on_to_the_bit(learn, tmp_path):
    options = SMALL | {
        "learn": learn,
        "lesion_sets": 2,
        "max_scores": 32,
        "opponents": "prioritised",
    }
    whole = spars.train_agents(livers(), network(), rounds=3, **options)
    place = tmp_path / "agents-training.npz"
    spars.train_agents(livers(), network(), rounds=1, checkpoint=place, **options)
    again = spars.train_agents(
        livers(), network(), rounds=3, checkpoint=place, resume=True, **options
    )
    for name, values in whole.policy.parameters.items():
        np.testing.assert_array_equal(values, again.policy.parameters[name])
    assert whole.training == again.training
    again.save(tmp_path / "agents.npz")
    assert spars.Agents.load(tmp_path / "agents.npz").training == again.training


def test_an_interrupted_training_keeps_what_it_has_scored(tmp_path):
    place, options = tmp_path / "training.npz", {"lesion_sets": 2, "max_scores": 32}
    wanted = spars.train_agents(livers(), network(), rounds=1, **options)

    def interrupt(done, planned):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        spars.train_agents(
            livers(), network(), rounds=1, checkpoint=place, progress=interrupt, **options
        )
    done = []
    found = spars.train_agents(
        livers(), network(), rounds=1, checkpoint=place, resume=True,
        progress=lambda *counts: done.append(counts), **options,
    )  # fmt: skip
    assert done == [(2, 2)]
    np.testing.assert_array_equal(
        wanted.policy.parameters["first.weight"], found.policy.parameters["first.weight"]
    )


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    place, options = tmp_path / "training.npz", {"lesion_sets": 1, "max_scores": 16}
    given = livers(), network()
    spars.train_agents(*given, rounds=2, checkpoint=place, **options)
    with pytest.raises(FileExistsError, match="resume it"):
        spars.train_agents(*given, checkpoint=place, **options)
    with pytest.raises(FileNotFoundError, match="no checkpoint to resume"):
        spars.train_agents(*given, checkpoint=tmp_path / "none.npz", resume=True, **options)
    with pytest.raises(ValueError, match="'checkpoint' parameter of train_agents"):
        spars.train_agents(*given, resume=True, **options)
    resumed = options | {"checkpoint": place, "resume": True}
    with pytest.raises(ValueError, match="'seed' of a training that goes on .* must be 0"):
        spars.train_agents(*given, **resumed | {"seed": 1})
    with pytest.raises(ValueError, match="'law' of a training"):
        spars.train_agents(*given, **resumed | {"law": spars.lesions.LesionLaw(radius=(3, 4))})
    with pytest.raises(ValueError, match="'rounds' .* room for the 2 that"):
        spars.train_agents(*given, rounds=1, **resumed)


def test_a_broken_checkpoint_is_refused_or_the_one_before_read(tmp_path):
    place, options = tmp_path / "training.npz", {"lesion_sets": 1, "max_scores": 16}
    given = livers(), network()
    spars.train_agents(*given, rounds=2, checkpoint=place, **options)
    place.write_bytes(place.read_bytes()[:-200])
    resumed = options | {"checkpoint": place, "resume": True}
    with pytest.warns(spars.CheckpointWarning, match="is damaged"):
        found = spars.train_agents(*given, rounds=2, **resumed)
    assert found.training["rounds"] == 2
    spars.Agents(MapPolicy(), {}).save(place)
    (tmp_path / "training.npz.previous").unlink()
    with pytest.raises(spars.FormatError, match="agents' training"):
        spars.train_agents(*given, rounds=2, **resumed)


def test_agents_of_a_regression_begin_what_ppo_goes_on_with():
    made = learner(learn="ppo", initial_agents=BEGUN)
    features = np.random.default_rng(0).normal(size=(9, 19)).astype(np.float32)
    np.testing.assert_allclose(
        made.policy(features) * 0.06, BEGUN.policy(features), rtol=1e-4, atol=1e-6
    )
    taught = spars.train_agents(
        livers(), network(), learn="ppo", lesion_sets=1, rounds=1, initial_agents=BEGUN, **SMALL
    )
    assert taught.least_worth is None
    assert taught.training["initial_agents"].keys() == BEGUN.policy.parameters.keys()


@pytest.mark.parametrize(
    ("error", "message", "given"),
    [
        (ValueError, "'learn' parameter of train_agents", {"learn": "sarsa"}),
        (ValueError, "'opponents' parameter of train_agents", {"opponents": "weak"}),
        (ValueError, "'batch_size' parameter of train_agents", {"batch_size": 8}),
        (ValueError, "'initial_agents' .* None with learn", {"initial_agents": BEGUN}),
        (TypeError, "'initial_agents' .* Agents or None", {"initial_agents": "mine"}),
        (ValueError, "'max_scores' .* with opponents", {"learn": "self_play", "max_scores": 16}),
        (TypeError, "unexpected keyword argument 'round'", {"round": 3}),
    ],
    ids=str,
)  # fmt: skip
def test_settings_are_refused_by_name(error, message, given):
    with pytest.raises(error, match=message):
        spars.train_agents(livers(), network(), **given)

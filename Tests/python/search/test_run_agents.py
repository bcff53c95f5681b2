"""A run's policy as an agent of its own, and runs that begin with a policy made elsewhere."""

import noise_game
import numpy as np
import pytest
from noise_game import WINDOW, noise, same, score

import spars
from spars.search.selfplay import Run, self_play


@pytest.fixture(scope="module")
def volume():
    return noise()


def play(volume, iterations=3, **options):
    return noise_game.play(volume, iterations, **options)


def equal(parameters, wanted):
    assert list(parameters) == list(wanted)
    for name, values in wanted.items():
        np.testing.assert_array_equal(parameters[name], values, err_msg=name)


@pytest.mark.parametrize("policy", ["MlpPolicy", "LocalPolicy"])
def test_an_agent_has_the_learners_parameters_now_or_of_a_snapshot(volume, policy):
    run = play(volume, policy=policy, n_epochs=2, learning_rate=lambda left: 0.01 * left + 0.001)
    equal(run.agent().parameters(), run.parameters)
    equal(run.agent(2).parameters(), run.snapshots[1].parameters)
    shape = WINDOW if policy == "MlpPolicy" else (10,)
    assert run.agent().observation_shape == shape
    assert run.agent(1).predict(np.zeros(shape, np.float32))[0] in range(6)


def test_an_agent_of_a_run_loaded_to_be_read_comes_from_its_snapshots(volume, tmp_path):
    run = play(volume)
    run.save(tmp_path / "run.npz")
    read = Run.load(tmp_path / "run.npz")
    equal(read.agent(2).parameters(), run.snapshots[1].parameters)
    equal(read.agent().parameters(), run.parameters)
    sparse = play(volume, snapshot_interval=2)
    sparse.save(tmp_path / "run.npz")
    with pytest.raises(TypeError, match="'iteration' parameter of Run.agent must be an integer"):
        run.agent(2.0)
    with pytest.raises(ValueError, match="'iteration' parameter of Run.agent must be 2. Got 3"):
        Run.load(tmp_path / "run.npz").agent()


def test_an_agent_plays_and_learns_on_the_environment(volume, tmp_path):
    run = play(volume)
    run.agent().save(tmp_path / "learner.npz")
    env = spars.WindowSearchEnv(volume, score, window=WINDOW, opponent=run.agent(1))
    agent = spars.PPO.load(tmp_path / "learner.npz", env=env)
    np.testing.assert_array_equal(agent.policy.multiplicity, run.agent().policy.multiplicity)
    assert agent.learn(24).num_timesteps == 24


def test_under_the_byte_cast_an_agent_takes_the_environments_bytes(volume):
    scan = 300 * volume

    def scorer(crops):
        return score(crops / 300)

    run = self_play(scan, scorer, iterations=2, window=WINDOW, protocol="published", n_steps=12)
    env = spars.WindowSearchEnv(scan, scorer, window=WINDOW, protocol="published")
    crops = [env.reset()[0]]
    crops += [env.step(action)[0] for action in (4, 0, 2)]
    assert crops[0].dtype == np.uint8
    crops = np.array(crops, np.float32)
    network = spars.PPO("MlpPolicy", env, n_steps=8, net_arch=[64, 64]).policy
    network.set_parameters(run.parameters)
    np.testing.assert_allclose(
        run.agent().policy.log_probabilities(crops), network.log_probabilities(crops / 255),
        rtol=0, atol=1e-5,
    )  # fmt: skip


def test_a_policy_of_convolutions_is_no_agent(volume):
    with pytest.raises(ValueError, match="Got 'CnnPolicy' instead"):
        play(volume, 1, policy="CnnPolicy").agent()


@pytest.mark.parametrize("form", ["agent", "zip", "npz", "snapshot", "mapping"])
@pytest.mark.parametrize("policy", ["MlpPolicy", "LocalPolicy"])
def test_a_run_begins_with_a_policy_in_any_form(volume, tmp_path, policy, form):
    first = play(volume, policy=policy)
    given = {"agent": first.agent(2), "snapshot": first.snapshots[1]}
    given["mapping"] = dict(first.snapshots[1].parameters)
    for kind in ("zip", "npz"):
        given[kind] = tmp_path / f"learner.{kind}"
        first.agent(2).save(given[kind])
    run = play(volume, policy=policy, initial_policy=given[form], seed=4)
    assert [snapshot.iteration for snapshot in run.snapshots] == [0, 1, 2, 3]
    equal(run.snapshots[0].parameters, first.snapshots[1].parameters)
    equal(run.replay(0).parameters, first.snapshots[1].parameters)
    assert len(run.configuration["initial_policy"]) == 64


def test_a_policy_of_convolutions_goes_on_from_its_snapshot(volume):
    first = play(volume, policy="CnnPolicy")
    run = play(volume, policy="CnnPolicy", initial_policy=first.snapshots[1])
    equal(run.replay(0).parameters, first.snapshots[1].parameters)


@pytest.mark.parametrize("protocol", ["paper", "published"])
def test_a_byte_run_and_an_agent_agree_on_the_first_layer(volume, protocol):
    first = play(volume, protocol=protocol)
    run = play(volume, 1, protocol=protocol, initial_policy=first.agent())
    for name, values in run.snapshots[0].parameters.items():
        np.testing.assert_allclose(values, first.parameters[name], rtol=3e-7, err_msg=name)


@pytest.mark.parametrize("opponents", [None, "fictitious"])
def test_a_run_with_an_initial_policy_resumes_and_replays_to_the_bit(volume, tmp_path, opponents):
    initial = play(volume, seed=9).agent()
    options = {"initial_policy": initial, "opponents": opponents, "n_envs": 2}
    whole = play(volume, 5, **options)
    play(volume, 3, **options).save(tmp_path / "run.npz")
    resumed = Run.load(tmp_path / "run.npz", volume, score).resume(2)
    same(resumed, whole)
    equal(resumed.snapshots[0].parameters, initial.parameters())
    np.testing.assert_array_equal(resumed.replay(4).windows, whole.windows[4])
    other = play(volume, 5, **(options | {"initial_policy": None}))
    assert not np.array_equal(other.windows, whole.windows)


def test_a_policy_that_does_not_fit_is_refused(volume, tmp_path):
    run = play(volume, 1)
    local = play(volume, 1, policy="LocalPolicy")
    small = spars.PPO(
        "MlpPolicy", spars.WindowSearchEnv(volume, score, window=WINDOW), n_steps=8, net_arch=[8]
    )
    broken = dict(run.parameters)
    broken["action_net.bias"] = np.full(6, np.nan, np.float32)
    message = "'initial_policy' parameter of self_play"
    for given in (local.agent(), small, small.parameters(), broken, {}):
        with pytest.raises(ValueError, match=message):
            play(volume, 1, initial_policy=given)
    with pytest.raises(TypeError, match=message):
        play(volume, 1, initial_policy=3)
    with pytest.raises(ValueError, match=message):
        play(volume, 1, policy="LocalPolicy", initial_policy=run.snapshots[0])
    (tmp_path / "other.npz").write_bytes(b"PK nonsense")
    with pytest.raises(spars.FormatError):
        play(volume, 1, initial_policy=tmp_path / "other.npz")


def test_the_exhaustion_game_hands_over_snapshots_only():
    scan = np.random.default_rng(0).normal(0, 1, (25, 22, 20)).astype(np.float32)
    options = {"window": (9, 8, 6), "game": "exhaustion", "policy": "LocalPolicy", "n_steps": 8}

    def score(crops):
        return 1 / (1 + np.exp(-crops.mean(axis=(1, 2, 3))))

    run = spars.self_play(scan, score, iterations=2, **options)
    with pytest.raises(ValueError, match="'game' parameter of self_play must have been 'search'"):
        run.agent()
    with pytest.raises(ValueError, match="'initial_policy' parameter of self_play must be a Sn"):
        spars.self_play(scan, score, iterations=1, initial_policy="x.zip", **options)
    last = run.snapshots[-1]
    again = spars.self_play(scan, score, iterations=1, initial_policy=last, **options)
    for name, values in last.parameters.items():
        np.testing.assert_array_equal(again.snapshots[0].parameters[name], values)

"""Agents go to stable-baselines3 and come from it with the same probabilities."""

import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import stable_baselines3
import torch

import spars

sys.path.insert(0, str(Path(__file__).parents[1]))
import policy_twin as twin  # noqa: E402

WINDOW = (6, 5, 4)
RESIZED = (17, 12, 9)


class Noise(gymnasium.Env):
    """Rewards one action; observations are noise."""

    action_space = gymnasium.spaces.Discrete(6)

    def __init__(self, space):
        self.observation_space = space

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.observation_space.seed(seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        return self.observation_space.sample(), float(action == 1), False, False, {}


def box(shape, dtype=np.float32):
    high = 255 if dtype == np.uint8 else 1
    return gymnasium.spaces.Box(0 if high == 255 else -1, high, shape, dtype)


def trained(space, **options):
    options = {"n_steps": 32, "batch_size": 8, "n_epochs": 2, "learning_rate": 0.01} | options
    model = stable_baselines3.PPO("MlpPolicy", Noise(space), seed=3, device="cpu", **options)
    return model.learn(64)


def probabilities(model, observations):
    with torch.no_grad():
        tensor, _ = model.policy.obs_to_tensor(observations)
        return model.policy.get_distribution(tensor).distribution.probs.numpy()


def ours(agent, observations):
    return np.exp(agent.policy.log_probabilities(observations))


def observations(rng, shape):
    return rng.uniform(-1, 1, (100, *shape)).astype(np.float32)


@pytest.mark.parametrize("hidden", [[64, 64], [32], {"pi": [16], "vf": [8, 8]}])
def test_a_policy_of_stable_baselines3_answers_the_same_here(tmp_path, rng, hidden):
    model = trained(box(WINDOW), policy_kwargs={"net_arch": hidden})
    model.save(tmp_path / "model.zip")
    agent = spars.PPO.load(tmp_path / "model.zip", Noise(box(WINDOW)))
    seen = observations(rng, WINDOW)
    np.testing.assert_allclose(ours(agent, seen), probabilities(model, seen), rtol=0, atol=1e-6)
    assert agent.policy.state()[1][:2].tolist() == [16, 4]
    agent.learn(32)


def test_a_policy_that_saw_windows_resized_is_collapsed(tmp_path, rng):
    model = trained(box(RESIZED))
    model.save(tmp_path / "model.zip")
    agent = spars.PPO.load(tmp_path / "model.zip", window=WINDOW)
    crops = observations(rng, WINDOW)
    resized = torch.nn.functional.interpolate(torch.from_numpy(crops)[:, None], RESIZED)
    wanted = probabilities(model, resized[:, 0].numpy())
    np.testing.assert_allclose(ours(agent, crops), wanted, rtol=0, atol=1e-5)


def test_a_policy_that_saw_bytes_answers_the_same_here(tmp_path, rng):
    # Channels stand first, so that stable-baselines3 leaves the axes as they are.
    shape = (3, 40, 36)
    model = trained(box(shape, np.uint8))
    model.save(tmp_path / "model.zip")
    agent = spars.PPO.load(tmp_path / "model.zip")
    seen = rng.integers(0, 256, (100, *shape), np.uint8)
    np.testing.assert_allclose(ours(agent, seen), probabilities(model, seen), rtol=0, atol=1e-5)


@pytest.mark.parametrize("steps", [0, 64])
def test_a_policy_from_here_answers_the_same_in_stable_baselines3(tmp_path, rng, steps):
    env = Noise(box(WINDOW))
    agent = spars.PPO(
        "MlpPolicy", env, n_steps=32, batch_size=8, seed=2**40, clip_range_vf=0.3,
        net_arch={"pi": [16], "vf": [8, 8]},
    )  # fmt: skip
    if steps:
        agent.learn(steps)
    agent.save(tmp_path / "agent.zip")
    model = stable_baselines3.PPO.load(tmp_path / "agent.zip", env=env, device="cpu")
    seen = observations(rng, WINDOW)
    np.testing.assert_allclose(ours(agent, seen), probabilities(model, seen), rtol=0, atol=1e-6)
    assert (model.n_steps, model.batch_size, model.num_timesteps) == (32, 8, steps)
    assert model.clip_range_vf(1.0) == 0.3
    model.learn(32)


# -- Policies of self-play


class Scorer:
    """Scores a window by its mean; policies see it resized."""

    input_shape = RESIZED

    def __call__(self, crops):
        mean = crops.reshape(len(crops), -1).mean(axis=1)
        return (1 / (1 + np.exp(-mean / 30))).astype(np.float32)


@pytest.fixture
def scan(rng):
    return rng.normal(0, 200, (20, 18, 14)).astype(np.float32)


def played(scan, **options):
    options = {"window": WINDOW, "n_steps": 16, "learning_rate": 0.01, "seed": 5} | options
    return spars.self_play(scan, Scorer(), iterations=3, **options)


def game(scan, **options):
    return spars.WindowSearchEnv(scan, Scorer(), window=WINDOW, **options)


def crops_of(rng, scan, count=100):
    starts = rng.integers(0, np.array(scan.shape) - WINDOW + 1, (count, 3))
    return np.array(
        [scan[tuple(slice(a, a + n) for a, n in zip(s, WINDOW, strict=True))] for s in starts]
    )


def plain(parameters, seen):
    """Return the probabilities of a run's own network in float64."""
    named = {name: values.astype(np.float64) for name, values in parameters.items()}
    logits, _ = twin.outputs(named, seen.reshape(len(seen), -1).astype(np.float64), WINDOW)
    return np.exp(twin.log_softmax(logits, np.ones_like(logits, bool)))


def test_a_runs_policy_answers_the_same_in_stable_baselines3(tmp_path, rng, scan):
    run = played(scan)
    run.agent().save(tmp_path / "learner.zip")
    env = game(scan)
    model = stable_baselines3.PPO.load(tmp_path / "learner.zip", env=env, device="cpu")
    crops = crops_of(rng, scan)
    wanted = plain(run.parameters, crops)
    assert np.ptp(wanted, axis=0).max() > 0.01, "the policy answers alike everywhere"
    np.testing.assert_allclose(probabilities(model, crops), wanted, rtol=0, atol=1e-5)
    np.testing.assert_allclose(ours(run.agent(), crops), wanted, rtol=0, atol=1e-5)
    assert (model.n_steps, model.batch_size, model.n_epochs) == (16, 8, 1)
    model.learn(16)


def test_a_published_runs_policy_takes_bytes_as_numbers_in_stable_baselines3(tmp_path, rng, scan):
    run = played(scan, protocol="published")
    run.agent(run.snapshots[0].iteration).save(tmp_path / "learner.zip")
    model = stable_baselines3.PPO.load(tmp_path / "learner.zip", device="cpu")
    seen = np.trunc(crops_of(rng, scan)).astype(np.int64).astype(np.uint8).astype(np.float32)
    wanted = plain(run.snapshots[0].parameters, seen / 255)
    np.testing.assert_allclose(probabilities(model, seen), wanted, rtol=0, atol=1e-5)


def test_a_local_policy_goes_there_and_back(tmp_path, rng, scan):
    run = played(scan, policy="LocalPolicy")
    run.agent().save(tmp_path / "learner.zip")
    model = stable_baselines3.PPO.load(tmp_path / "learner.zip", device="cpu")
    seen = rng.uniform(-1, 1, (100, 10)).astype(np.float32)
    wanted = plain(run.parameters, seen)
    np.testing.assert_allclose(probabilities(model, seen), wanted, rtol=0, atol=1e-5)
    model.save(tmp_path / "back.zip")
    again = played(scan, policy="LocalPolicy", initial_policy=tmp_path / "back.zip")
    for name, values in again.snapshots[0].parameters.items():
        np.testing.assert_array_equal(values, run.parameters[name], err_msg=name)


@pytest.mark.parametrize("observation", ["window", "resized"])
@pytest.mark.parametrize("protocol", ["paper", "published"])
def test_a_run_begins_with_what_stable_baselines3_trained(
    tmp_path, rng, scan, observation, protocol
):
    env = game(scan, protocol=protocol, observation=observation, max_episode_steps=20)
    model = stable_baselines3.PPO(
        "MlpPolicy", env, n_steps=16, batch_size=8, n_epochs=2, learning_rate=0.01, seed=3,
        device="cpu",
    ).learn(48)  # fmt: skip
    model.save(tmp_path / "model.zip")
    run = played(scan, protocol=protocol, initial_policy=tmp_path / "model.zip")
    crops = crops_of(rng, scan)
    shown = crops
    if observation == "resized":
        shown = torch.nn.functional.interpolate(torch.from_numpy(crops)[:, None], RESIZED)
        shown = shown[:, 0].numpy()
    seen = crops
    if protocol == "published":
        seen = np.trunc(crops).astype(np.int64).astype(np.uint8) / 255
        shown = np.trunc(shown).astype(np.int64).astype(np.uint8).transpose(0, 3, 1, 2)
    wanted = probabilities(model, shown)
    got = plain(run.snapshots[0].parameters, seen)
    assert run.snapshots[0].iteration == 0
    np.testing.assert_allclose(got, wanted, rtol=0, atol=2e-5)
    np.testing.assert_allclose(got, plain(run.replay(0).parameters, seen), rtol=0, atol=0)

"""Agents go to stable-baselines3 and come from it with the same probabilities."""

import gymnasium
import numpy as np
import pytest
import stable_baselines3
import torch

import spars

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

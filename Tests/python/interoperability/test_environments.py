"""Our environments against the checks of Gymnasium, PettingZoo and stable-baselines3."""

import warnings

import numpy as np
import pytest

import spars

GRID, WINDOW = (64, 64, 48), (40, 40, 24)
PROTOCOLS = ("paper", "published")


@pytest.fixture
def scan(rng):
    return rng.normal(0, 100, GRID).astype(np.float32)


def scorer(crops):
    return 1 / (1 + np.exp(-crops.mean(axis=(1, 2, 3)) / 10))


def single(scan, protocol, **options):
    options = {"window": WINDOW, "max_episode_steps": 40, **options}
    return spars.WindowSearchEnv(scan, scorer, protocol=protocol, **options)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_gymnasium_check_env(scan, protocol):
    import gymnasium
    from gymnasium.utils.env_checker import check_env

    # Registered, because the checker makes further ones to try their render modes.
    name = f"spars-test/{protocol}-v0"
    gymnasium.register(name, lambda **options: single(scan, protocol, **options))
    check_env(gymnasium.make(name, render_mode="rgb_array").unwrapped)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("max_episode_steps", [40, 1])
def test_pettingzoo_parallel_api(scan, protocol, max_episode_steps):
    from pettingzoo.test import parallel_api_test

    env = spars.parallel_env(
        scan, scorer, window=WINDOW, protocol=protocol, max_episode_steps=max_episode_steps
    )
    parallel_api_test(env, num_cycles=200)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_pettingzoo_parallel_seed(scan, protocol):
    from pettingzoo.test import parallel_seed_test

    parallel_seed_test(lambda: spars.parallel_env(scan, scorer, window=WINDOW, protocol=protocol))


def test_the_parallel_environment_is_pettingzoos(scan):
    from pettingzoo import ParallelEnv

    assert isinstance(spars.parallel_env(scan, scorer, window=WINDOW), ParallelEnv)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_stable_baselines3_check_env(scan, protocol):
    from stable_baselines3.common.env_checker import check_env

    with warnings.catch_warnings():
        # It advises flat observations scaled to [-1, 1]; the game's are the crop as it is.
        warnings.simplefilter("ignore", UserWarning)
        check_env(single(scan, protocol))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_stable_baselines3_ppo_learns_on_our_environment(scan, protocol):
    from stable_baselines3 import PPO

    env = single(scan, protocol)
    model = PPO("MlpPolicy", env, n_steps=32, batch_size=8, n_epochs=1, seed=1, device="cpu")
    env.opponent = model
    model.learn(64)
    assert model.num_timesteps == 64
    assert env.score_map.shape == GRID


def test_stable_baselines3_sees_the_published_observation(scan):
    """Bytes over 255 with the last axis first, the order that the core states (D12)."""
    from stable_baselines3.common.policies import ActorCriticPolicy
    from stable_baselines3.common.preprocessing import preprocess_obs
    from stable_baselines3.common.vec_env import DummyVecEnv, VecTransposeImage

    env = VecTransposeImage(DummyVecEnv([lambda: single(scan, "published")]))
    policy = ActorCriticPolicy(env.observation_space, env.action_space, lambda _: 1e-3)
    observation, _ = policy.obs_to_tensor(env.reset())
    seen = preprocess_obs(observation, env.observation_space).numpy().ravel()
    crop = scan[23:63, 23:63, 23:47]
    wrapped = crop.astype(np.int32).astype(np.uint8).astype(np.float32) / 255
    np.testing.assert_allclose(seen, wrapped.transpose(2, 0, 1).ravel(), rtol=1e-6)


@pytest.mark.parametrize("observation", ["neighbours", "window"])
def test_the_exhaustion_game_keeps_the_interfaces(scan, observation):
    import gymnasium
    from gymnasium.utils.env_checker import check_env
    from pettingzoo.test import parallel_api_test
    from stable_baselines3 import PPO

    from spars.game.exhaustion import ExhaustionEnv

    def made(**options):
        options = {"window": WINDOW, "max_episode_steps": 40, "observation": observation} | options
        return ExhaustionEnv(scan, scorer, **options)

    name = f"spars-test/exhaustion-{observation}-v0"
    gymnasium.register(name, made)
    check_env(gymnasium.make(name, render_mode="rgb_array").unwrapped)
    PPO("MlpPolicy", made(), n_steps=16, batch_size=8, n_epochs=1).learn(32)
    parallel_api_test(
        spars.parallel_env(
            scan, scorer, WINDOW, game="exhaustion", observation=observation, max_episode_steps=40
        ),
        num_cycles=100,
    )

# %% [markdown]
# # stable-baselines3 on our environment
#
# `spars.WindowSearchEnv` is a Gymnasium environment: any library that learns on those learns on
# it. The other agent plays inside, by default at random.

# %%
import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor

import spars

torch.set_num_threads(1)  # so small a network is slower with more


def soft_tissue(crops):
    """Score crops by their mean HU: air near 0, soft tissue above one half."""
    return 1 / (1 + np.exp(-crops.mean(axis=(1, 2, 3)) / 100))


phantom = spars.phantom(seed=2, shape=(64, 64, 48), tumour_radius=25.0, tumour_contrast=-60.0)
env = spars.WindowSearchEnv(
    phantom.volume,
    soft_tissue,
    (8, 8, 6),
    grid=phantom.volume.shape,
    termination_threshold=1.0,
    max_episode_steps=64,
    seed=0,
)
env.observation_space, env.action_space

# %%
agent = PPO("MlpPolicy", Monitor(env), n_steps=128, batch_size=32, seed=0, device="cpu")
before, _ = evaluate_policy(agent, agent.get_env(), n_eval_episodes=4)
agent.learn(1024)
after, _ = evaluate_policy(agent, agent.get_env(), n_eval_episodes=4)
print(f"mean reward of an episode: {before:.1f} before, {after:.1f} after")

# %% [markdown]
# ## The file goes both ways
#
# `spars.PPO` reads stable-baselines3's files, without PyTorch and without running anything in
# them, and answers as it does.

# %%
agent.save("agent.zip")
ours = spars.PPO.load("agent.zip", env)
observation, _ = env.reset(seed=1)
theirs, _ = agent.predict(observation, deterministic=True)
answer, _ = ours.predict(observation, deterministic=True)
print("the same move:", int(theirs) == int(answer))

# %% [markdown]
# `spars.PPO` has the same names and defaults, and learns in the compiled core.

# %%
native = spars.PPO("MlpPolicy", env, n_steps=128, batch_size=32, seed=0).learn(1024)
native.save("native.npz")
native.predict(observation, deterministic=True)[0]

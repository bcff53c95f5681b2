"""The same work done by other libraries, for ratios in one run. Needs torch, openvino, SB3."""

import numpy as np


def torch_network(input_shape):
    """Build the network of record in PyTorch, its parameters drawn by PyTorch."""
    import torch
    from torch import nn
    from torch.nn import functional

    def after_stages(n):
        n = (n - 2) // 2
        for _ in range(2):
            n = ((n - 3) // 2 + 1) // 2
        return (n - 3) // 2 + 1

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            channels = (1, 8, 16, 32, 64)
            for i in range(4):
                stride = 1 if i == 0 else 2
                setattr(self, f"conv{i + 1}", nn.Conv3d(channels[i], channels[i + 1], 3, stride))
                setattr(self, f"bn{i + 1}", nn.BatchNorm3d(channels[i + 1]))
            features = 64 * int(np.prod([after_stages(n) for n in input_shape]))
            widths = (features, 1600, 800, 400, 128, 2)
            for i in range(5):
                setattr(self, f"fc{i + 1}", nn.Linear(widths[i], widths[i + 1]))

        def forward(self, x):
            for i in range(1, 5):
                x = functional.relu(getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x)))
                if i < 4:
                    x = functional.max_pool3d(x, 2)
            x = x.flatten(1)
            for i in range(1, 5):
                x = functional.relu(getattr(self, f"fc{i}")(x))
            return self.fc5(x)

    torch.manual_seed(0)
    return Network()


def torch_parameters(network):
    """Return a PyTorch network's state as arrays by name."""
    return {name: value.numpy() for name, value in network.state_dict().items()}


def torch_evaluation(network):
    """Return a function from an input (X, Y, Z) to PyTorch's logits."""
    import torch

    network.eval()

    def evaluate(x):
        with torch.no_grad():
            return network(torch.from_numpy(x)[None, None]).numpy()

    return evaluate


def openvino_evaluation(network, input_shape, threads):
    """Return a function from an input (X, Y, Z) to OpenVINO's float32 logits."""
    import openvino
    import torch

    network.eval()
    example = torch.zeros(1, 1, *input_shape)
    model = openvino.convert_model(network, example_input=example, input=[1, 1, *input_shape])
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
    compiled = openvino.Core().compile_model(model, "CPU", settings)
    return lambda x: compiled(x[None, None])[0]


def torch_training_crop(network):
    """Return a function that runs forward, backward and Adam on one crop."""
    import torch

    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)

    def train(x, has_tumour):
        network.train()
        optimiser.zero_grad()
        logits = network(torch.from_numpy(x)[:, None])
        loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(has_tumour))
        loss.backward()
        optimiser.step()
        return float(loss)

    return train


def noise_environment(inputs, seed=0):
    """Return an environment that costs nothing: one of eight observations in turn."""
    import gymnasium

    class Noise(gymnasium.Env):
        observation_space = gymnasium.spaces.Box(-1, 1, (inputs,), np.float32)
        action_space = gymnasium.spaces.Discrete(6)

        def __init__(self):
            self.frames = np.random.default_rng(seed).uniform(-1, 1, (8, inputs))
            self.frames = self.frames.astype(np.float32)
            self.count = 0

        def reset(self, *, seed=None, options=None):
            return self.frames[0], {}

        def step(self, action):
            self.count += 1
            return self.frames[self.count % 8], float(action == 0), False, False, {}

    return Noise()


def sb3_ppo(inputs, environments=1, batch_size=8):
    """Return a function that runs one PPO iteration (32 steps each, one update) in SB3."""
    envs = [noise_environment(inputs, i) for i in range(environments)]
    return sb3_ppo_on(envs, batch_size)


def sb3_ppo_on(environments, batch_size):
    """Return the same on environments that are given."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.vec_env import DummyVecEnv

    envs = DummyVecEnv([lambda env=env: env for env in environments])
    model = PPO("MlpPolicy", envs, n_steps=32, batch_size=batch_size, n_epochs=1, device="cpu")
    return lambda: model.learn(32 * len(environments), reset_num_timesteps=False)

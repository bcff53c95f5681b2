"""CnnPolicy's gradient against PyTorch's autograd, with and without masked moves."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from spars.search.selfplay import self_play

sys.path.insert(0, str(Path(__file__).parents[1]))
import policy_twin as twin  # noqa: E402

WINDOW = (17, 14, 9)


class Scorer:
    """Scores a window, seen as it is, by its mean."""

    input_shape = WINDOW

    def __call__(self, crops):
        mean = crops.reshape(len(crops), -1).mean(axis=1)
        return (1 / (1 + np.exp(-20 * mean))).astype(np.float32)


class ActorCritic(torch.nn.Module):
    """The same networks, their parameters under the same names."""

    def __init__(self, shapes):
        super().__init__()
        convolutions = []
        for i, stride in enumerate((4, 2, 1)):
            outputs, inputs, *kernel = shapes[f"features_extractor.cnn.{2 * i}.weight"]
            convolutions += [torch.nn.Conv3d(inputs, outputs, kernel, stride), torch.nn.Tanh()]
        self.features_extractor = torch.nn.Module()
        self.features_extractor.cnn = torch.nn.Sequential(*convolutions)
        features = shapes["mlp_extractor.policy_net.0.weight"][1]
        self.mlp_extractor = torch.nn.Module()
        for net in ("policy_net", "value_net"):
            layers = [torch.nn.Linear(features, 64), torch.nn.Tanh()]
            layers += [torch.nn.Linear(64, 64), torch.nn.Tanh()]
            setattr(self.mlp_extractor, net, torch.nn.Sequential(*layers))
        self.action_net = torch.nn.Linear(64, 6)
        self.value_net = torch.nn.Linear(64, 1)

    def forward(self, windows):
        features = self.features_extractor.cnn(windows).flatten(1)
        logits = self.action_net(self.mlp_extractor.policy_net(features))
        return logits, self.value_net(self.mlp_extractor.value_net(features))[:, 0]


@pytest.mark.parametrize("masked", [False, True])
def test_the_gradient_is_autograds(masked):
    volume = np.random.default_rng(3).normal(0, 1, (37, 34, 25)).astype(np.float32)
    scorer = Scorer()
    run = self_play(
        volume, scorer, iterations=1, window=WINDOW, policy="CnnPolicy", n_envs=2, n_steps=16,
        batch_size=32, max_grad_norm=1e9, ent_coef=0.05, learning_rate=0.01, seed=5,
        snapshot_interval=1, termination_threshold=0.95, max_episode_steps=9, mask_actions=masked,
    )  # fmt: skip
    parameters, before, after, rollout = twin.iterate(run, volume, scorer)
    before, after = before["moments"], after["moments"]
    count = len(after) // 2
    gradient = (after[:count] - 0.9 * before[:count].astype(np.float64)) / 0.1
    assert rollout["allowed"].all() != masked

    model = ActorCritic({name: values.shape for name, values in parameters.items()}).double()
    model.load_state_dict({name: torch.from_numpy(values) for name, values in parameters.items()})
    logits, values = model(torch.from_numpy(rollout["observations"].reshape(-1, 1, *WINDOW)))
    allowed = torch.from_numpy(rollout["allowed"])
    logits = torch.where(allowed, logits, torch.tensor(-1e8, dtype=torch.float64))
    distribution = torch.distributions.Categorical(logits=logits)
    logs = distribution.log_prob(torch.from_numpy(rollout["actions"].astype(np.int64)))
    ratio = torch.exp(logs - torch.from_numpy(rollout["log_probs"]))
    a = torch.from_numpy(rollout["advantages"])
    a = (a - a.mean()) / (a.std() + 1e-8)
    policy = -torch.min(a * ratio, a * torch.clamp(ratio, 0.8, 1.2)).mean()
    plogp = torch.where(allowed, distribution.logits * distribution.probs, 0.0)
    entropy = -plogp.sum(dim=1).mean()
    value = torch.nn.functional.mse_loss(values, torch.from_numpy(rollout["returns"]))
    (policy - 0.05 * entropy + 0.5 * value).backward()

    start = 0
    for name, values in parameters.items():
        part = gradient[start : start + values.size].reshape(values.shape)
        start += values.size
        expected = dict(model.named_parameters())[name].grad.numpy()
        scale = np.abs(expected).max()
        np.testing.assert_allclose(part, expected, atol=3e-5 * scale + 1e-8, err_msg=name)
    assert start == count

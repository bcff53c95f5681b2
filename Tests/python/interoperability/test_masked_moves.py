"""Masked moves against sb3-contrib's MaskablePPO: probabilities, entropy and one update."""

import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import sb3_contrib
import torch
from sb3_contrib.common.maskable.buffers import MaskableRolloutBuffer

from spars.search.selfplay import self_play

sys.path.insert(0, str(Path(__file__).parents[1]))
import policy_twin as twin  # noqa: E402
from random_source import RandomSource  # noqa: E402

WINDOW = (7, 6, 4)
STEPS, GAMES, BATCH = 16, 3, 12


class Scorer:
    """Scores a window, seen as it is, by its mean."""

    input_shape = WINDOW

    def __call__(self, crops):
        mean = crops.reshape(len(crops), -1).mean(axis=1)
        return (1 / (1 + np.exp(-20 * mean))).astype(np.float32)


class Masked(gymnasium.Env):
    """Only tells MaskablePPO what observations and actions are."""

    def __init__(self, inputs):
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (inputs,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(6)


class Log:
    """Takes what MaskablePPO logs."""

    def __init__(self, values):
        self.values = values

    def record(self, name, value, exclude=None):
        self.values[name] = value


def named_parameters(policy, names):
    """Return the policy's parameters in our order."""
    found = dict(policy.named_parameters())
    return [found[name] for name in names]


def peer(inputs, named, moments, updates, options):
    """Return MaskablePPO with our parameters and our Adam's state."""
    model = sb3_contrib.MaskablePPO(
        "MlpPolicy", Masked(inputs), n_steps=STEPS, batch_size=BATCH, device="cpu",
        **{name: options[name] for name in ("n_epochs", "learning_rate", "ent_coef", "clip_range")},
    )  # fmt: skip
    model.policy.load_state_dict({name: torch.tensor(a) for name, a in named.items()})
    first, second = np.split(moments, 2)
    start = 0
    for parameter in named_parameters(model.policy, named):
        part = slice(start, start + parameter.numel())
        start = part.stop
        model.policy.optimizer.state[parameter] = {
            "step": torch.tensor(float(updates)),
            "exp_avg": torch.tensor(first[part]).reshape(parameter.shape),
            "exp_avg_sq": torch.tensor(second[part]).reshape(parameter.shape),
        }
    assert start == len(first)
    return model


def permutations(words, epochs):
    """Return the minibatch orders that our source gives after an iteration's actions."""
    source = RandomSource(0)
    source.state = [int(word) for word in words.view(np.uint64)]
    for _ in range(2 * STEPS * GAMES):
        source.next()
    orders = []
    for _ in range(epochs):
        order = list(range(STEPS * GAMES))
        for i in range(len(order) - 1, 0, -1):
            j = source.integer(i + 1)
            order[i], order[j] = order[j], order[i]
        orders.append(np.array(order))
    return orders, np.array(source.state, np.uint64)


def fill(model, rollout):
    """Put a rollout into MaskablePPO's buffer, its values and probabilities its own."""
    model.n_envs = GAMES
    buffer = MaskableRolloutBuffer(
        STEPS, model.observation_space, model.action_space, "cpu", n_envs=GAMES
    )
    observations = rollout["observations"].astype(np.float32)
    with torch.no_grad():
        values, logs, entropy = model.policy.evaluate_actions(
            torch.from_numpy(observations),
            torch.from_numpy(rollout["actions"].astype(np.int64)),
            action_masks=rollout["allowed"],
        )

    def by_step(flat):
        flat = np.asarray(flat)
        return flat.reshape(GAMES, STEPS, *flat.shape[1:]).swapaxes(0, 1)

    buffer.observations = by_step(observations)
    buffer.actions = by_step(rollout["actions"][:, None]).astype(np.float32)
    buffer.action_masks = by_step(rollout["allowed"]).astype(np.float32)
    for name, flat in (
        ("values", values.flatten()), ("log_probs", logs),
        ("advantages", rollout["advantages"]), ("returns", rollout["returns"]),
    ):  # fmt: skip
        setattr(buffer, name, np.array(by_step(flat), np.float32))
    buffer.full = True
    model.rollout_buffer = buffer
    return logs.numpy(), entropy.numpy()


@pytest.mark.parametrize("policy", ["MlpPolicy", "LocalPolicy"])
@pytest.mark.parametrize("epochs", [1, 3])
def test_an_update_is_maskable_ppos(monkeypatch, policy, epochs):
    volume = np.random.default_rng(3).normal(0, 1, (19, 17, 13)).astype(np.float32)
    scorer = Scorer()
    options = {
        "n_epochs": epochs, "learning_rate": 0.01, "ent_coef": 0.05, "clip_range": 0.1,
    }  # fmt: skip
    run = self_play(
        volume, scorer, iterations=2, window=WINDOW, policy=policy, n_envs=GAMES, n_steps=STEPS,
        batch_size=BATCH, seed=5, snapshot_interval=1, termination_threshold=0.95,
        max_episode_steps=9, mask_actions=True, **options,
    )  # fmt: skip
    parameters, before, after, rollout = twin.iterate(run, volume, scorer)
    assert not rollout["allowed"].all()
    orders, words = permutations(before["counters"][2:6], epochs)
    np.testing.assert_array_equal(after["counters"][2:6].view(np.uint64), words)

    inputs = rollout["observations"].shape[1]
    model = peer(inputs, parameters, before["moments"], before["counters"][0], options)
    logs, entropy = fill(model, rollout)
    np.testing.assert_allclose(logs, rollout["log_probs"], atol=2e-6)
    with torch.no_grad():
        masked = model.policy.get_distribution(
            torch.from_numpy(rollout["observations"].astype(np.float32)), rollout["allowed"]
        ).distribution
    logits = twin.outputs(parameters, rollout["observations"], WINDOW)[0]
    ours = twin.log_softmax(logits, rollout["allowed"])
    np.testing.assert_allclose(masked.logits.numpy(), ours, rtol=1e-6, atol=2e-6)
    chances = np.where(rollout["allowed"], np.exp(ours) * ours, 0)
    np.testing.assert_allclose(entropy, -chances.sum(axis=1), atol=2e-6)

    waiting = iter(orders)
    monkeypatch.setattr(np.random, "permutation", lambda count: next(waiting))
    logged = {}
    model.set_logger(Log(logged))
    model.train()
    assert next(waiting, None) is None
    for name in (
        "entropy_loss", "policy_gradient_loss", "value_loss", "approx_kl", "clip_fraction", "loss",
        "explained_variance",
    ):  # fmt: skip
        key = f"train/{name}"
        np.testing.assert_allclose(run.log[key][-1], logged[key], rtol=1e-4, atol=2e-5, err_msg=key)
    trained = named_parameters(model.policy, parameters)
    start, count = 0, len(before["parameters"])
    for name, parameter in zip(parameters, trained, strict=True):
        part = slice(start, start + parameter.numel())
        start = part.stop
        expected = parameter.detach().numpy().reshape(-1)
        np.testing.assert_allclose(after["parameters"][part], expected, atol=1e-4, err_msg=name)
        # Adam's means are made of nothing but clipped gradients.
        state = model.policy.optimizer.state[parameter]["exp_avg"].numpy().reshape(-1)
        scale = np.abs(state).max()
        np.testing.assert_allclose(
            after["moments"][part], state, atol=1e-3 * scale + 1e-9, err_msg=name
        )
    assert start == count

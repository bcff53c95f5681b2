"""Updates of self-play by the exhaustion rule follow the gradient of a plain twin."""

import numpy as np
import policy_twin as twin
import pytest
from exhaustion_play import POLICIES, SHAPE, WINDOW, Plain, by_game, calm, followed, play

from spars.exhaustion import ANSWER_COUNT
from spars.ppo import resize_multiplicity


@pytest.fixture(scope="module")
def volume():
    return np.random.default_rng(4).normal(0, 1, SHAPE).astype(np.float32)


def twin_rollout(run, volume, parameters):
    """Return what the last iteration's learner and opponent learnt from, as the twin has it."""
    c = run.configuration
    steps, games = c["n_steps"], c["n_envs"]
    local = c["policy"] == "LocalPolicy"
    played = followed(volume, run, "neighbours" if local else "window")

    def see(observations):
        observations = np.asarray(observations, np.float64)
        if c["policy"] == "CnnPolicy":
            scan = volume.astype(np.float64)
            voxels = (observations[:, :-6] - scan.mean()) / scan.std()
            observations = np.concatenate([voxels, observations[:, -6:]], axis=1)
        return observations

    ends = by_game(run, "ends")[-steps - 1 :] > 0
    actions = by_game(run, "actions")[-steps:]
    parts = []
    for agent in range(2):
        seen = see(played["seen"][-steps - 1 :, :, agent].reshape((steps + 1) * games, -1))
        _, values = outputs(parameters, seen, c["window"])
        values = values.reshape(steps + 1, games)
        rewards = played["rewards"][-steps:, :, agent].copy()
        first = len(played["rewards"]) - steps
        for (t, game), observations in played["behind"].items():
            if t >= first and by_game(run, "ends")[t, game] == 2:
                value = outputs(parameters, see([observations[agent]]), c["window"])[1][0]
                rewards[t - first, game] += c["gamma"] * value
        advantages, carried = np.zeros((steps, games)), np.zeros(games)
        for t in reversed(range(steps)):
            goes_on = ~ends[t + 1]
            delta = rewards[t] + c["gamma"] * values[t + 1] * goes_on - values[t]
            carried = delta + c["gamma"] * c["gae_lambda"] * goes_on * carried
            advantages[t] = carried

        def flat(array):
            return array.swapaxes(0, 1).reshape(steps * games, *array.shape[2:])

        rows = flat(seen.reshape(steps + 1, games, -1)[:-1])
        allowed = np.ones((steps * games, ANSWER_COUNT), bool)
        if c["mask_actions"]:
            allowed = flat(played["masks"][-steps - 1 : -1, :, agent])
        chosen = flat(actions[..., agent])
        logits, _ = outputs(parameters, rows, c["window"])
        logs = twin.log_softmax(logits, allowed)[np.arange(len(chosen)), chosen]
        parts.append(
            {
                "observations": rows, "allowed": allowed, "actions": chosen, "log_probs": logs,
                "advantages": flat(advantages), "returns": flat(advantages + values[:-1]),
            }
        )  # fmt: skip
    return parts


def outputs(parameters, observations, window):
    """Return logits and values; behind a window's voxels stand six numbers for the nets alone."""
    if "features_extractor.cnn.0.weight" not in parameters:
        return twin.outputs(parameters, observations, window)
    x = observations[:, :-6].reshape(-1, 1, *window)
    for i, stride in enumerate((4, 2, 1)):
        w = parameters[f"features_extractor.cnn.{2 * i}.weight"]
        patches = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3, 4))
        patches = patches[:, :, ::stride, ::stride, ::stride]
        x = np.einsum("bcxyzijk,ocijk->boxyz", patches, w)
        x = np.tanh(x + parameters[f"features_extractor.cnn.{2 * i}.bias"][:, None, None, None])
    nets = {name: a for name, a in parameters.items() if "features_extractor" not in name}
    return twin.outputs(
        nets, np.concatenate([x.reshape(len(x), -1), observations[:, -6:]], axis=1), window
    )


def loss(parameters, rollout, c):
    """Return PPO's loss on a whole rollout as one minibatch."""
    logits, values = outputs(parameters, rollout["observations"], c["window"])
    logs = twin.log_softmax(logits, rollout["allowed"])
    ratio = np.exp(logs[np.arange(len(values)), rollout["actions"]] - rollout["log_probs"])
    a = rollout["advantages"]
    a = (a - a.mean()) / (a.std(ddof=1) + 1e-8)
    policy = -np.minimum(a * ratio, a * np.clip(ratio, 0.8, 1.2)).mean()
    entropy = -np.where(rollout["allowed"], np.exp(logs) * logs, 0).sum(axis=1).mean()
    value = ((values - rollout["returns"]) ** 2).mean()
    return policy - c["ent_coef"] * entropy + c["vf_coef"] * value


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("games", "masked", "sides"), [(1, False, 1), (3, True, 1), (2, True, 2)])
def test_an_update_follows_the_gradient_of_the_twin(volume, policy, games, masked, sides):
    """The moments tell the gradient; it must be the twin's slope along random directions."""
    steps = 16 * games * sides
    run = play(
        volume, 1, policy=policy, n_envs=games, mask_actions=masked, batch_size=steps,
        experience="both" if sides == 2 else "learner", max_grad_norm=1e9, ent_coef=0.05,
        vf_coef=0.05, opponent_update_interval=1, scorer=Plain(),
    )  # fmt: skip
    before = calm(run)._match.state()
    parameters = {name: values.astype(np.float64) for name, values in run.parameters.items()}
    run.resume(1)
    after = run._match.state()
    count = len(before["parameters"])
    gradient = (after["moments"][:count] - 0.9 * before["moments"][:count].astype(float)) / 0.1
    assert parameters["action_net.weight"].shape[0] == ANSWER_COUNT
    parts = twin_rollout(run, volume, parameters)[:sides]
    rollout = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    flags = slice(6, 12) if policy == "LocalPolicy" else slice(-6, None)
    assert rollout["observations"][:, flags].any(axis=0).sum() >= 3
    if masked:
        assert not rollout["allowed"].all()
        np.testing.assert_array_equal(rollout["allowed"][:, :6], rollout["allowed"][:, 6:])
    assert rollout["allowed"][np.arange(steps), rollout["actions"]].all()
    random = np.random.default_rng(0)
    start = 0
    for name, values in parameters.items():
        part = gradient[start : start + values.size].reshape(values.shape)
        start += values.size
        direction = random.normal(size=values.shape)
        step = 1e-5 / np.linalg.norm(direction)
        high, low = (
            loss(parameters | {name: values + s * direction}, rollout, run.configuration)
            for s in (step, -step)
        )
        slope = (high - low) / (2 * step)
        scale = np.linalg.norm(part) * np.linalg.norm(direction) + 1e-6
        assert abs(slope - np.sum(part * direction)) < 5e-4 * scale, name
    assert start == count


def test_flags_are_seen_once_where_voxels_are_seen_many_times(volume):
    """A voxel of an enlarged window moves with all its replicas; a flag has none."""

    class Enlarging(Plain):
        input_shape = (20, 24, 13)

    run = play(volume, 1, policy="MlpPolicy", scorer=Enlarging(), batch_size=16)
    before = calm(run)._match.state()
    run.resume(1)
    after = run._match.state()
    shape = run._match._shapes["mlp_extractor.policy_net.0.weight"]
    first = 0
    for name, other in run._match._shapes.items():
        if name == "mlp_extractor.policy_net.0.weight":
            break
        first += int(np.prod(other))
    part = slice(first, first + int(np.prod(shape)))
    count = len(before["parameters"])
    moved = (before["parameters"] - after["parameters"])[part].reshape(shape).astype(float)
    t = float(after["counters"][0])
    mean, square = after["moments"][:count][part], after["moments"][count:][part]
    step = 0.01 * mean / (1 - 0.9**t) / (np.sqrt(square / (1 - 0.999**t)) + 1e-5)
    step = step.reshape(shape).astype(float)
    times = resize_multiplicity(WINDOW, Enlarging.input_shape).reshape(-1)
    assert times.max() > 8
    wanted = step * np.concatenate([times, np.ones(6)])
    assert np.count_nonzero(np.abs(step[:, -6:]) > 1e-4) > 100
    np.testing.assert_allclose(moved, wanted, rtol=2e-3, atol=2e-6)

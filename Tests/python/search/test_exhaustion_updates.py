"""Updates of self-play by the exhaustion rule follow the gradient of a plain twin."""

import numpy as np
import policy_twin as twin
import pytest
from exhaustion_play import POLICIES, Plain, by_game, calm, followed, play
from noise_game import WINDOW, noise

from spars.agents.ppo import resize_multiplicity
from spars.game.exhaustion import ANSWER_COUNT


@pytest.fixture(scope="module")
def volume():
    return noise()


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
        _, values = twin.outputs(parameters, seen, c["window"])
        values = values.reshape(steps + 1, games)
        rewards = played["rewards"][-steps:, :, agent].copy()
        first = len(played["rewards"]) - steps
        for (t, game), observations in played["behind"].items():
            if t >= first and by_game(run, "ends")[t, game] == 2:
                value = twin.outputs(parameters, see([observations[agent]]), c["window"])[1][0]
                rewards[t - first, game] += c["gamma"] * value
        advantages = twin.advantages_of(rewards, values, ends, c)

        def flat(array):
            return array.swapaxes(0, 1).reshape(steps * games, *array.shape[2:])

        rows = flat(seen.reshape(steps + 1, games, -1)[:-1])
        allowed = np.ones((steps * games, ANSWER_COUNT), bool)
        if c["mask_actions"]:
            allowed = flat(played["masks"][-steps - 1 : -1, :, agent])
        chosen = flat(actions[..., agent])
        logits, _ = twin.outputs(parameters, rows, c["window"])
        logs = twin.log_softmax(logits, allowed)[np.arange(len(chosen)), chosen]
        parts.append(
            {
                "observations": rows, "allowed": allowed, "actions": chosen, "log_probs": logs,
                "advantages": flat(advantages), "returns": flat(advantages + values[:-1]),
            }
        )  # fmt: skip
    return parts


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
    before = calm(run)._live_run.state()
    parameters = {name: values.astype(np.float64) for name, values in run.parameters.items()}
    run.resume(1)
    after = run._live_run.state()
    assert parameters["action_net.weight"].shape[0] == ANSWER_COUNT
    parts = twin_rollout(run, volume, parameters)[:sides]
    rollout = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    flags = slice(6, 12) if policy == "LocalPolicy" else slice(-6, None)
    assert rollout["observations"][:, flags].any(axis=0).sum() >= 3
    if masked:
        assert not rollout["allowed"].all()
        np.testing.assert_array_equal(rollout["allowed"][:, :6], rollout["allowed"][:, 6:])
    assert rollout["allowed"][np.arange(steps), rollout["actions"]].all()
    twin.assert_slopes(parameters, before, after, rollout, run.configuration, 5e-4)


def test_flags_are_seen_once_where_voxels_are_seen_many_times(volume):
    """A voxel of an enlarged window moves with all its replicas; a flag has none."""

    class Enlarging(Plain):
        input_shape = (20, 24, 13)

    run = play(volume, 1, policy="MlpPolicy", scorer=Enlarging(), batch_size=16)
    before = calm(run)._live_run.state()
    run.resume(1)
    after = run._live_run.state()
    shape = run._live_run._shapes["mlp_extractor.policy_net.0.weight"]
    first = 0
    for name, other in run._live_run._shapes.items():
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

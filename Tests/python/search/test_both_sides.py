"""Learning from both sides: the update against a rollout that is put together in NumPy."""

import numpy as np
import pytest

import spars

SHAPE, WINDOW, STEPS = (32, 30, 24), (8, 8, 4), 16
OPTIONS = {
    "window": WINDOW, "termination_threshold": 0.95, "max_episode_steps": 5, "n_steps": STEPS,
    "batch_size": 2 * STEPS, "experience": "both", "snapshot_interval": 1, "learning_rate": 0.01,
}  # fmt: skip
START = ((32 - 8) // 2 // 4 * 4, (30 - 8) // 2 // 4 * 4, (24 - 4) // 2 // 4 * 4)


@pytest.fixture(scope="module")
def scan():
    return np.random.default_rng(8).random(SHAPE).astype(np.float32)


def score(crops):
    return crops[:, 0, 0, 0]


def net(parameters, observations, part, head):
    """Run one of the two tanh nets in float64."""
    hidden = observations
    for layer in (0, 2):
        weight = parameters[f"mlp_extractor.{part}.{layer}.weight"].astype(np.float64)
        hidden = np.tanh(hidden @ weight.T + parameters[f"mlp_extractor.{part}.{layer}.bias"])
    return hidden @ parameters[f"{head}.weight"].T.astype(np.float64) + parameters[f"{head}.bias"]


def log_probs(parameters, observations, actions):
    logits = net(parameters, observations, "policy_net", "action_net")
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return logits[np.arange(len(actions)), actions]


def crops(scan, origins):
    return np.array(
        [scan[x : x + 8, y : y + 8, z : z + 4].reshape(-1) for x, y, z in origins], np.float64
    )


def seats_of(scan, replay, drawn_by, begin=(START, START)):
    """Put both agents' steps of one iteration together, the learner's first.

    `drawn_by` has the parameters that drew each agent's actions, `begin` where the windows stood.
    """
    parameters, ends = replay.parameters, replay.ends
    rewards = np.sign(replay.step_scores[:, 0] - replay.step_scores[:, 1]).astype(np.float64)
    seats = []
    for agent, sign in ((0, 1), (1, -1)):
        after = replay.windows[:, agent]
        before = np.array([begin[agent], *np.where(ends[:, None] > 0, START, after)])
        seen = crops(scan, before)
        values = net(parameters, seen, "value_net", "value_net")[:, 0]
        paid = sign * rewards
        for step in np.flatnonzero(ends == 2):
            behind = net(parameters, crops(scan, after[step : step + 1]), "value_net", "value_net")
            paid[step] += 0.99 * behind[0, 0]
        actions = replay.actions[:, agent].astype(np.int64)
        starts = np.array([1, *(ends[:-1] > 0)], float)
        advantages, returns = spars.ppo.gae(
            paid, values[:-1], starts, values[-1], ends[-1] > 0, 0.99, 0.95
        )
        seats.append(
            {
                "obs": seen[:-1],
                "actions": actions,
                "values": values[:-1],
                "log_probs": log_probs(drawn_by[agent], seen[:-1], actions),
                "advantages": advantages,
                "returns": returns,
            }
        )
    return {name: np.concatenate([seat[name] for seat in seats]) for name in seats[0]}


@pytest.mark.parametrize("seed", range(3))
def test_the_update_learns_from_both_seats(scan, seed):
    run = spars.self_play(scan, score, iterations=1, seed=seed, **OPTIONS)
    replay = run.replay(0)
    assert (replay.ends == 2).any()
    start = replay.parameters
    rollout = seats_of(scan, replay, (start, start))
    wanted, log = spars.ppo.update(
        start, rollout, n_epochs=1, batch_size=2 * STEPS, learning_rate=0.01, dtype=np.float64,
        multiplicity=spars.ppo.resize_multiplicity(WINDOW, (256, 256, 180)),
    )  # fmt: skip
    for name, values in wanted.items():
        moved = np.abs(values - start[name]).max()
        np.testing.assert_allclose(
            run.snapshots[0].parameters[name], values, atol=2e-3 * moved + 1e-7, err_msg=name
        )
    for name in ("train/value_loss", "train/entropy_loss"):
        assert run.log[name][0] == pytest.approx(log[name], rel=1e-4), name


def test_a_frozen_opponents_probabilities_are_those_it_played_by(scan):
    run = spars.self_play(scan, score, iterations=3, seed=1, opponents="vanilla", **OPTIONS)
    # Episodes are short: the one that began in the second iteration meets its snapshot.
    replay = run.replay(1)
    first = run.snapshots[0].parameters
    again = run.replay(1).parameters
    assert not run.ends[0, -1]
    began = int(np.flatnonzero(replay.ends)[0]) + 1
    members = (again, first, run.snapshots[1].parameters)
    drawn, old, second = (
        seats_of(scan, replay, (again, member), run.windows[0, -1])["log_probs"]
        for member in members
    )
    # The episode left over from the first iteration goes on with the opponent drawn for it.
    played = np.concatenate([old[:STEPS], old[STEPS : STEPS + began], second[STEPS + began :]])
    ratio = np.exp(drawn - played)
    wanted = np.mean(ratio - 1 - (drawn - played))
    assert wanted > 0
    assert run.log["train/approx_kl"][1] == pytest.approx(wanted, rel=1e-3, abs=1e-9)

"""Self-play by the exhaustion rule: the core against the Python environment, step by step."""

import json

import numpy as np
import policy_twin as twin
import pytest

import spars
from spars._match import RECORD_NAMES
from spars.exhaustion import ANSWER_COUNT, ExhaustionRule
from spars.ppo import resize_multiplicity
from spars.selfplay import Run, self_play

POLICIES = ("MlpPolicy", "CnnPolicy", "LocalPolicy")
SHAPE, WINDOW = (25, 22, 20), (9, 8, 6)
AGENTS = ("learner", "opponent")
RULE = ExhaustionRule(final_factor=10.0, early_penalty=3.0, min_steps=3, repeat_penalty=0.5)


@pytest.fixture(scope="module")
def volume():
    return np.random.default_rng(4).normal(0, 1, SHAPE).astype(np.float32)


def score(crops):
    """Score a window by its mean, in few steps, so that ties occur."""
    mean = crops.reshape(len(crops), -1).mean(axis=1)
    return (np.round(8 / (1 + np.exp(-20 * mean))) / 8).astype(np.float32)


class Plain:
    """The scorer, seeing windows as they are: the twin knows no resized one."""

    input_shape = WINDOW

    def __call__(self, crops):
        return score(crops)


def play(volume, iterations=3, scorer=None, **options):
    options = {
        "window": WINDOW, "n_steps": 16, "seed": 3, "max_episode_steps": 9, "rule": RULE,
        "snapshot_interval": 1, "learning_rate": 0.01,
    } | options  # fmt: skip
    return self_play(
        volume, score if scorer is None else scorer, iterations=iterations, game="exhaustion",
        **options,
    )  # fmt: skip


def calm(run):
    """Let a run's agents call the end rarely: untrained ones do in half their answers."""
    state = run._match.state()
    first = 0
    for name, shape in run._match._shapes.items():
        if name == "action_net.bias":
            break
        first += int(np.prod(shape))
    for name in ("parameters", "opponent"):
        if len(state[name]):
            state[name][first + 6 : first + ANSWER_COUNT] = -3.0
    run._match.restore(state)
    return run


def same(a, b):
    for name in ("windows", "actions", "step_scores", "ends", "score_map", "rewards"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    for name, values in a.snapshots[-1].parameters.items():
        np.testing.assert_array_equal(b.snapshots[-1].parameters[name], values, err_msg=name)


def environment(volume, run, observation="neighbours"):
    c = run.configuration
    rule = None if c["rule"] is None else ExhaustionRule(**c["rule"])
    return spars.parallel_env(
        volume, score, window=tuple(c["window"]), protocol=spars.Protocol.from_dict(c["protocol"]),
        stride=c["stride"], game="exhaustion", rule=rule, observation=observation,
    )  # fmt: skip


def by_game(run, name):
    """Return a record as (steps of the run, games, ...)."""
    values = getattr(run, name)
    games = run.configuration["n_envs"]
    return values.reshape(-1, games, *values.shape[2 if games == 1 else 3 :])


def followed(volume, run, observation="neighbours"):
    """Play a run's answers in the environment, a game after the other, and compare every step.

    Returns
    -------
    dict
        Of arrays (steps + 1, games, 2, ...): what each agent saw before each step and after the
        last, and its mask; (steps, games, 2) rewards; by step and game, what was seen behind a
        limit.
    """
    windows, scores, actions, ends = (
        by_game(run, name) for name in ("windows", "step_scores", "actions", "ends")
    )
    steps, games = ends.shape
    begins_anew = run.configuration["protocol"]["reset_each_iteration"]
    seen, masks, rewards, behind = [], [], np.zeros((steps, games, 2)), {}
    for game in range(games):
        env = environment(volume, run, observation)
        observations, infos = env.reset()
        seen.append([])
        masks.append([])
        for t in range(steps + 1):
            if begins_anew and 0 < t < steps and t % run.configuration["n_steps"] == 0:
                observations, infos = env.reset()
            seen[-1].append([observations[agent] for agent in AGENTS])
            masks[-1].append([infos[agent]["action_mask"] for agent in AGENTS])
            if t == steps:
                break
            answers = dict(zip(AGENTS, actions[t, game].tolist(), strict=True))
            shown = set(env.game.exhausted)
            observations, paid, terminations, truncations, infos = env.step(answers)
            places = [env.windows[agent] for agent in AGENTS]
            np.testing.assert_array_equal(windows[t, game], places)
            worth = [
                0.0 if place in shown else value
                for place, value in zip(places, scores[t, game].tolist(), strict=True)
            ]
            assert worth == list(env.scores.values()), (t, game)
            over = 1 if terminations["learner"] else 2 if truncations["learner"] else 0
            assert ends[t, game] == over, (t, game)
            rewards[t, game] = [paid[agent] for agent in AGENTS]
            if over:
                behind[t, game] = [observations[agent] for agent in AGENTS]
                observations, infos = env.reset()
    return {
        "seen": np.array(seen).swapaxes(0, 1),
        "masks": np.array(masks).swapaxes(0, 1),
        "rewards": rewards,
        "behind": behind,
    }


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("games", [1, 3])
@pytest.mark.parametrize("tie_reward", ["none", "learner"])
def test_every_step_equals_the_environments(volume, seed, games, tie_reward):
    run = play(
        volume, 1, seed=seed, n_envs=games, tie_reward=tie_reward, policy="LocalPolicy",
        rule=RULE if seed % 2 else None,
    )  # fmt: skip
    calm(run).resume(3)
    rewards = followed(volume, run)["rewards"]
    np.testing.assert_array_equal(
        run.rewards, rewards[..., 0].reshape(4, -1).mean(axis=1), err_msg=f"seed {seed}"
    )
    np.testing.assert_array_equal(
        run.opponent_rewards, rewards[..., 1].reshape(4, -1).mean(axis=1), err_msg=f"seed {seed}"
    )
    last = rewards.reshape(4, 16, games, 2)[:, -1, :, 0].mean(axis=1)
    np.testing.assert_array_equal(run.last_rewards, last, err_msg=f"seed {seed}")
    assert run.terminations.sum() == (run.ends == 1).sum() > 0
    assert (run.actions >= 6).any()
    assert run.truncations.sum() == (run.ends == 2).sum() > 0
    # Penalties are each agent's own.
    assert (rewards.sum(axis=-1) != 0).any()


def test_windows_that_leave_the_grid_are_the_environments_too(volume):
    run = play(volume, 1, protocol="published", observation_cast="float32", max_episode_steps=None)
    calm(run).resume(3)
    followed(volume, run)
    assert run.configuration["protocol"]["border"] == "clamped_crop"
    assert ((run.windows < 0) | (run.windows + WINDOW > SHAPE)).any()


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


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("games", [1, 3])
@pytest.mark.parametrize("opponents", [None, "fictitious"])
def test_a_run_goes_on_from_its_file_to_the_bit(volume, policy, games, opponents, tmp_path):
    options = {
        "policy": policy, "n_envs": games, "opponent_update_interval": 50,
        "opponents": opponents, "experience": "both", "mask_actions": True,
    }  # fmt: skip
    whole = calm(play(volume, 1, **options)).resume(3)
    half = calm(play(volume, 1, **options)).resume(1, checkpoint=tmp_path / "run.npz")
    # A pool's first member is as untrained as it was, and ends nearly every episode at once.
    if opponents is None:
        assert (half.ends[-1, -1] == 0).any(), "no episode is under way; choose another seed"
        assert len(half._match.state()["shown"]) > 0
    again = Run.load(tmp_path / "run.npz", volume, score)
    assert again.configuration == half.configuration
    same(again.resume(2), whole)
    for name, values in whole._match.state().items():
        np.testing.assert_array_equal(again._match.state()[name], values, err_msg=name)


def test_the_state_holds_what_each_episode_has_shown(volume):
    run = calm(play(volume, 1, n_envs=3, policy="LocalPolicy")).resume(3)
    windows, ends = by_game(run, "windows"), by_game(run, "ends")
    expected = []
    for game in range(3):
        over = np.flatnonzero(ends[:, game])
        first = over[-1] + 1 if len(over) else 0
        places = dict.fromkeys(
            tuple(place) for pair in windows[first:, game].tolist() for place in pair
        )
        expected += [[*place, game] for place in places]
    assert len(expected) > 3
    np.testing.assert_array_equal(run._match.state()["shown"], np.array(expected))


def test_broken_places_are_no_saved_run(volume, tmp_path):
    path = tmp_path / "run.npz"
    play(volume, 2, checkpoint=path, policy="LocalPolicy")
    with np.load(path) as file:
        arrays = dict(file)
    lattice = [[x, y, z, 0] for x in (0, 4) for y in (0, 4) for z in (0, 4)]
    for shown, words in (
        ([[0, 0, 0, 7]], "places of one of 1 games"),
        ([[1, 1, 1, 0]], "places of one of 1 games"),
        ([[8, 4, 4, 0]] * 2, "different places"),
        (lattice, "two at most for each step"),
        ([0, 0, 0], "shown|reshape"),
    ):
        # An episode of three steps: six places at most.
        counters = arrays["state.counters"].copy()
        counters[8] = 3
        changed = {"state.shown": np.array(shown, np.int64), "state.counters": counters}
        np.savez(path, **(arrays | changed))
        with pytest.raises(spars.FormatError, match=words):
            Run.load(path, volume, score)


@pytest.mark.parametrize("games", [1, 3])
def test_a_seed_gives_the_same_bits_for_any_thread_count(volume, games):
    expected = play(volume, n_envs=games)
    before = spars.thread_count()
    try:
        for threads in (1, 3):
            spars.set_thread_count(threads)
            same(play(volume, n_envs=games), expected)
    finally:
        spars.set_thread_count(before)


@pytest.mark.parametrize("policy", POLICIES)
def test_iterations_can_be_replayed(volume, policy):
    run = calm(play(volume, 1, policy=policy, n_envs=2, replay_interval=2)).resume(4)
    again = run.replay(4)
    assert again.started_from == 4
    assert len(run._states[4]["shown"]) > 0
    np.testing.assert_array_equal(again.actions, run.actions[4])


@pytest.mark.parametrize("map_read", ["before_reset", "after_reset"])
@pytest.mark.parametrize("games", [1, 3])
def test_the_map_is_of_the_windows_own_scores(volume, map_read, games):
    found = spars.segment(
        volume, score, iterations=3, grid=SHAPE, window=WINDOW, n_steps=16, n_envs=games,
        protocol=spars.Protocol.paper().with_switches(
            map_read=map_read, accumulation="sum", scan_frame="native", max_episode_steps=9
        ),
        game="exhaustion", rule=RULE, policy="LocalPolicy", seed=5, snapshot_interval=0,
    )  # fmt: skip
    run = found.run
    expected = np.zeros(SHAPE)
    windows, scores, ends = (by_game(run, name) for name in ("windows", "step_scores", "ends"))
    for game in range(games):
        over = np.flatnonzero(ends[:, game])
        first = over[-1] + 1 if len(over) and map_read == "after_reset" else 0
        for places, values in zip(windows[first:, game], scores[first:, game], strict=True):
            for (x, y, z), value in zip(places.tolist(), values.tolist(), strict=True):
                expected[x : x + 9, y : y + 8, z : z + 6] += value
    np.testing.assert_allclose(run.score_map, expected, rtol=1e-5)
    voxel = tuple(int(i) for i in np.unravel_index(expected.argmax(), SHAPE))
    reasons = found.why(*voxel)
    assert sum(reason.score for reason in reasons) == pytest.approx(expected[voxel])
    assert {reason.agent for reason in reasons} <= set(AGENTS)
    seen = run.coverage()
    assert 0 < seen.seen[-1] <= 1
    assert (np.diff(run.regret()) <= 0).all()


def test_a_pools_games_are_won_by_the_greater_sum(volume):
    run = calm(play(volume, 1, opponents="vanilla", policy="LocalPolicy", n_envs=2, seed=4))
    state = run._match.state()
    games, wins = state["pool_games"].tolist(), state["pool_wins"].tolist()
    drawn, leads = state["pool_drawn"].tolist(), state["pool_reward"].copy()
    run.resume(5)
    rewards, ends = followed(volume, run)["rewards"], by_game(run, "ends")
    for t in range(16, len(ends)):
        for game in range(2):
            leads[game] += (rewards[t, game, 0] - rewards[t, game, 1]) / 2
            if ends[t, game]:
                member = drawn[game]
                games[member] = games[member] * 0.99 + 1
                wins[member] = wins[member] * 0.99 + (np.sign(leads[game]) + 1) / 2
                drawn[game], leads[game] = len(games) - 1, 0.0
        if (t + 1) % 16 == 0:
            games.append(0.0)
            wins.append(0.0)
    state = run._match.state()
    np.testing.assert_allclose(state["pool_games"], games, rtol=1e-12)
    np.testing.assert_allclose(state["pool_wins"], wins, rtol=1e-12)
    np.testing.assert_array_equal(state["pool_drawn"], drawn)
    np.testing.assert_allclose(state["pool_reward"], leads, rtol=1e-6)
    assert 0 < sum(wins) < sum(games)
    assert leads.any(), "no episode is under way; choose another seed"


@pytest.mark.parametrize("policy", POLICIES)
def test_a_learner_finds_out_when_to_stop(policy):
    """One place of worth beside the start: take it with the end, or be left with nothing."""
    scan = np.zeros((12, 8, 8), np.float32)
    scan[8, 0, 0] = 1.0
    run = self_play(
        scan, lambda crops: crops[:, 0, 0, 0], iterations=60, window=(4, 4, 4), policy=policy,
        game="exhaustion", rule=ExhaustionRule(final_factor=10.0, min_steps=0), n_envs=4,
        max_episode_steps=8, learning_rate=3e-3, batch_size=64, n_epochs=4, ent_coef=0.01,
        opponent_update_interval=1 << 20, snapshot_interval=0, seed=2,
    )  # fmt: skip
    assert run.rewards[-10:].mean() > run.rewards[:10].mean() + 0.5


def test_masked_moves_are_never_made(volume):
    run = calm(play(volume, 1, policy="LocalPolicy", mask_actions=True, n_envs=2)).resume(5)
    masks, actions = followed(volume, run)["masks"], by_game(run, "actions")
    fits = np.take_along_axis(masks[:-1], actions[..., None].astype(int), axis=-1)
    assert fits.all()
    assert not masks.all()


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"termination_threshold": 0.3}, ValueError, "'termination_threshold' parameter of self_"),
        ({"game": "chess"}, ValueError, "'game' parameter of self_play must be one of"),
        ({"game": None}, TypeError, "'game' parameter of self_play"),
        ({"game": "search", "rule": RULE}, ValueError, "'rule' parameter of self_play must be Non"),
        ({"rule": 3}, TypeError, "'rule' parameter of self_play must be an ExhaustionRule"),
    ],
)
def test_what_makes_no_sense_is_refused(volume, options, error, words):
    with pytest.raises(error, match=words):
        self_play(volume, score, iterations=1, window=WINDOW, **({"game": "exhaustion"} | options))


def test_a_threshold_is_refused_by_segment_and_not_asked_for(volume):
    options = {"window": WINDOW, "grid": SHAPE, "iterations": 1, "n_steps": 4}
    with pytest.raises(ValueError, match="'termination_threshold' parameter"):
        spars.segment(volume, score, game="exhaustion", termination_threshold=0.5, **options)
    found = spars.segment(volume, score, game="exhaustion", **options)
    assert found.configuration["search"]["termination_threshold"] is None
    assert spars.segment(volume, score, **options).run.configuration["game"] == "search"
    with pytest.raises(TypeError):
        spars.segment(volume, score, method="greedy", game="exhaustion", **options)


def test_a_league_says_why_it_takes_no_such_run(volume):
    run = play(volume, 1, policy="LocalPolicy")
    with pytest.raises(ValueError, match="of the search game: a league computes once"):
        spars.League.of(run)


def test_a_run_of_a_time_with_one_game_is_read(volume, tmp_path):
    path = tmp_path / "run.npz"
    options = {"window": WINDOW, "n_steps": 4, "policy": "LocalPolicy", "snapshot_interval": 0}
    self_play(volume, score, iterations=2, checkpoint=path, **options)
    whole = self_play(volume, score, iterations=3, **options)
    with np.load(path) as file:
        arrays = dict(file)
    del arrays["state.shown"]
    place = RECORD_NAMES.index("opponent_reward_mean")
    arrays["records"] = np.delete(arrays["records"], place, axis=1)
    description = json.loads(str(arrays["description"]))
    for key in ("game", "rule"):
        del description["configuration"][key]
    arrays["description"] = np.array(json.dumps(description))
    np.savez(path, **arrays)
    run = Run.load(path, volume, score)
    assert run.configuration["game"] == "search"
    np.testing.assert_array_equal(run.resume(1).windows, whole.windows)
    np.testing.assert_array_equal(run.opponent_rewards, -whole.rewards)
    for name, values in whole.log.items():
        np.testing.assert_array_equal(run.log[name], values, err_msg=name)

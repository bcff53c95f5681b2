"""A plain NumPy twin of one self-play iteration: rollout, networks and PPO's loss in float64."""

import numpy as np

MOVES = np.array([(0, 0, 1), (0, 0, -1), (0, 1, 0), (0, -1, 0), (1, 0, 0), (-1, 0, 0)])


def masks(origins, run):
    """Return which moves keep windows inside the grid, bool (..., 6)."""
    room = np.array(run.configuration["grid"]) - np.array(run.configuration["window"])
    moved = origins[..., None, :] + run.configuration["stride"] * MOVES
    return ((moved >= 0) & (moved <= room)).all(axis=-1)


def observation(run, volume, score, origin):
    """Return what the policy sees from an origin inside the grid."""
    window = np.array(run.configuration["window"])

    def crop(at):
        x, y, z = at
        return volume[x : x + window[0], y : y + window[1], z : z + window[2]]

    policy = run.configuration["policy"]
    if policy == "MlpPolicy":
        return crop(origin).astype(np.float64).reshape(-1)
    if policy == "CnnPolicy":
        scan = volume.astype(np.float64)
        return ((crop(origin) - scan.mean()) / scan.std()).reshape(-1)
    room = np.array(run.configuration["grid"]) - window
    seen = [origin + run.configuration["stride"] * m for m in MOVES]
    seen = [s if ((s >= 0) & (s <= room)).all() else origin for s in seen] + [origin]
    scores = [float(score(crop(s)[None])[0]) for s in seen]
    return np.array(scores + list(2 * origin / room - 1))


def outputs(parameters, observations, window):
    """Return logits (B, actions) and values (B,); `parameters` are float64 arrays by name.

    What stands behind the window's voxels the convolutions do not see, and the nets do.
    """
    x = observations
    if "features_extractor.cnn.0.weight" in parameters:
        voxels = int(np.prod(window))
        x = observations[:, :voxels].reshape(-1, 1, *window)
        for i, stride in enumerate((4, 2, 1)):
            w = parameters[f"features_extractor.cnn.{2 * i}.weight"]
            patches = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3, 4))
            patches = patches[:, :, ::stride, ::stride, ::stride]
            x = np.einsum("bcxyzijk,ocijk->boxyz", patches, w)
            x = np.tanh(x + parameters[f"features_extractor.cnn.{2 * i}.bias"][:, None, None, None])
        x = np.concatenate([x.reshape(len(x), -1), observations[:, voxels:]], axis=1)
    heads = []
    for net, head in (("policy_net", "action_net"), ("value_net", "value_net")):
        y = x
        for i in (0, 2):
            name = f"mlp_extractor.{net}.{i}"
            y = np.tanh(y @ parameters[f"{name}.weight"].T + parameters[f"{name}.bias"])
        heads.append(y @ parameters[f"{head}.weight"].T + parameters[f"{head}.bias"])
    return heads[0], heads[1][:, 0]


def log_softmax(logits, allowed):
    """Return log-probabilities by sb3-contrib's rule: masked logits become -1e8."""
    logits = np.where(allowed, logits, -1e8)
    top = logits.max(axis=1, keepdims=True)
    return logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))


def advantages_of(rewards, values, over, configuration):
    """Return the generalised advantages of rewards (T, ...).

    `values` and `over`, whether an episode begins anew there, are of each step and of what comes
    after the last, (T + 1, ...).
    """
    gamma, gae_lambda = configuration["gamma"], configuration["gae_lambda"]
    advantages, carried = np.zeros(rewards.shape), np.zeros(rewards.shape[1:])
    for t in reversed(range(len(rewards))):
        goes_on = ~over[t + 1]
        delta = rewards[t] + gamma * values[t + 1] * goes_on - values[t]
        carried = delta + gamma * gae_lambda * goes_on * carried
        advantages[t] = carried
    return advantages


def iterate(run, volume, score):
    """Make one more iteration of a run that keeps every snapshot.

    Returns the learner's parameters before it, in float64, the run's states before and after, and
    what the iteration learnt from.
    """
    before = run._live_run.state()
    named = run.snapshots[-1].parameters
    run.resume(1)
    parameters = {name: values.astype(np.float64) for name, values in named.items()}
    return parameters, before, run._live_run.state(), last_rollout(run, volume, score, parameters)


def last_rollout(run, volume, score, parameters):
    """Return what the last iteration learnt from, flattened game by game.

    `parameters` are the learner's before the iteration.
    """
    c = run.configuration
    games = c["n_envs"]

    def with_games(array):
        return array if games > 1 else array[:, :, None]

    windows, ends = with_games(run.windows)[..., 0, :], with_games(run.ends)
    scores, actions = with_games(run.step_scores), with_games(run.actions)[-1, ..., 0]
    grid, extent = np.array(c["grid"]), np.array(c["window"])
    start = (grid - extent) // 2 // c["stride"] * c["stride"]
    steps = c["n_steps"]
    # Where windows stood before each step, and after the last.
    before = np.concatenate([windows[-2][-1:], windows[-1]])
    ended = np.concatenate([ends[-2][-1:], ends[-1]]) > 0
    places = np.where(ended[..., None], start, before)

    def see(origins):
        flat = [observation(run, volume, score, o) for o in origins.reshape(-1, 3)]
        return outputs(parameters, np.array(flat), c["window"])

    logits, values = see(places)
    values = values.reshape(steps + 1, games)
    rewards = np.sign(scores[-1][..., 0] - scores[-1][..., 1]).astype(np.float64)
    for t, e in zip(*np.nonzero(ends[-1] == 2), strict=True):
        rewards[t, e] += c["gamma"] * see(windows[-1][t, e][None])[1][0]
    advantages = advantages_of(rewards, values, ended, c)
    origins = places[:-1].swapaxes(0, 1).reshape(-1, 3)
    allowed = masks(origins, run) if c["mask_actions"] else np.ones((len(origins), 6), bool)
    logits = logits.reshape(steps + 1, games, 6)[:-1].swapaxes(0, 1).reshape(-1, 6)
    chosen = actions.T.reshape(-1)
    rows = np.arange(len(chosen))
    return {
        "observations": np.array([observation(run, volume, score, o) for o in origins]),
        "allowed": allowed,
        "actions": chosen,
        "log_probs": log_softmax(logits, allowed)[rows, chosen],
        "advantages": advantages.T.reshape(-1),
        "returns": (advantages + values[:-1]).T.reshape(-1),
    }


def loss(parameters, rollout, configuration):
    """Return PPO's loss on a whole rollout as one minibatch."""
    logits, values = outputs(parameters, rollout["observations"], configuration["window"])
    logs = log_softmax(logits, rollout["allowed"])
    rows = np.arange(len(values))
    ratio = np.exp(logs[rows, rollout["actions"]] - rollout["log_probs"])
    a = rollout["advantages"]
    a = (a - a.mean()) / (a.std(ddof=1) + 1e-8)
    clip = configuration["clip_range"]
    policy = -np.minimum(a * ratio, a * np.clip(ratio, 1 - clip, 1 + clip)).mean()
    entropy = -np.where(rollout["allowed"], np.exp(logs) * logs, 0).sum(axis=1).mean()
    value = ((values - rollout["returns"]) ** 2).mean()
    return policy - configuration["ent_coef"] * entropy + configuration["vf_coef"] * value


def assert_slopes(parameters, before, after, rollout, configuration, tolerance):
    """Assert that a run's first gradient is the slope of `loss` along random directions.

    `before` and `after` are the run's states around an update of one minibatch, whose gradient the
    moments tell.
    """
    count = len(before["parameters"])
    gradient = (after["moments"][:count] - 0.9 * before["moments"][:count].astype(float)) / 0.1
    random = np.random.default_rng(0)
    start = 0
    for name, values in parameters.items():
        part = gradient[start : start + values.size].reshape(values.shape)
        start += values.size
        direction = random.normal(size=values.shape)
        step = 1e-5 / np.linalg.norm(direction)
        high, low = (
            loss(parameters | {name: values + s * direction}, rollout, configuration)
            for s in (step, -step)
        )
        slope = (high - low) / (2 * step)
        scale = np.linalg.norm(part) * np.linalg.norm(direction) + 1e-6
        assert abs(slope - np.sum(part * direction)) < tolerance * scale, name
    assert start == count

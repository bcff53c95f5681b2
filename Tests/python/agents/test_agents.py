"""`spars.PPO` on a small environment of our own."""

import numpy as np
import pytest

import spars
from spars import ppo


class Box:
    def __init__(self, shape):
        self.shape = shape


class Discrete:
    def __init__(self, n, start=0):
        self.n = n
        self.start = start


class Corridor:
    """Five places; the right end pays 1 and ends the episode, a step costs 0.1."""

    def __init__(self, limit=20, start=0):
        self.observation_space = Box((5,))
        self.action_space = Discrete(2, start)
        self.limit = limit
        self.seeds = []

    def reset(self, *, seed=None, options=None):
        if seed is not None:
            self.seeds.append(seed)
            self.random = np.random.default_rng(seed)
        self.place = int(self.random.integers(0, 3))
        self.steps = 0
        return self.seen(), {}

    def seen(self):
        return np.eye(5, dtype=np.float32)[self.place]

    def step(self, action):
        assert action - self.action_space.start in (0, 1)
        right = action - self.action_space.start == 1
        self.place = min(self.place + 1, 4) if right else max(self.place - 1, 0)
        self.steps += 1
        ended = self.place == 4
        reward = 1.0 if ended else -0.1
        return self.seen(), reward, ended, not ended and self.steps >= self.limit, {}


def make(seed, env=None, **options):
    options = dict(n_steps=64, batch_size=16, n_epochs=4, learning_rate=3e-3) | options
    return spars.PPO("MlpPolicy", env or Corridor(), seed=seed, **options)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_learns_to_walk_right(seed):
    agent = make(seed).learn(2560)
    assert agent.log["rollout/ep_rew_mean"] > 0.6
    actions, _ = agent.predict(np.eye(5)[:4], deterministic=True)
    assert actions.tolist() == [1, 1, 1, 1]


def test_equal_seeds_give_equal_bits_for_any_thread_count():
    before = spars.thread_count()
    results = []
    try:
        for threads in (1, 3):
            spars.set_thread_count(threads)
            results.append(make(5).learn(256).parameters())
    finally:
        spars.set_thread_count(before)
    other = make(6).learn(256).parameters()
    for name, values in results[0].items():
        np.testing.assert_array_equal(values, results[1][name])
    assert any((values != other[name]).any() for name, values in results[0].items())


def test_several_environments_are_collected_side_by_side():
    agent = make(1, [Corridor(), Corridor(), Corridor()], n_steps=8).learn(48)
    assert agent.num_timesteps == 48
    assert [env.seeds for env in agent._envs] == [[1], [2], [3]]


def test_actions_may_start_elsewhere():
    agent = make(1, Corridor(start=7)).learn(64)
    action, state = agent.predict(np.eye(5)[0])
    assert action in (7, 8)
    assert state is None


def test_initial_weights_are_orthogonal_with_the_usual_gains():
    parameters = make(3).parameters()
    policy = parameters["mlp_extractor.policy_net.2.weight"].astype(np.float64)
    np.testing.assert_allclose(policy @ policy.T, 2 * np.eye(64), atol=1e-5)
    first = parameters["mlp_extractor.value_net.0.weight"].astype(np.float64)
    np.testing.assert_allclose(first.T @ first, 2 * np.eye(5), atol=1e-5)
    for head, gain in (("action_net", 0.01), ("value_net", 1.0)):
        weight = parameters[f"{head}.weight"].astype(np.float64)
        np.testing.assert_allclose(weight @ weight.T, gain**2 * np.eye(len(weight)), atol=1e-5)
    assert all((v == 0).all() for name, v in parameters.items() if name.endswith("bias"))


def test_the_policys_outputs_are_those_of_its_parameters(rng):
    agent = make(4)
    obs = rng.standard_normal((9, 5))
    p = {name: values.astype(np.float64) for name, values in agent.parameters().items()}

    def net(name, head):
        x = obs
        for i in (0, 2):
            layer = f"mlp_extractor.{name}.{i}"
            x = np.tanh(x @ p[f"{layer}.weight"].T + p[f"{layer}.bias"])
        return x @ p[f"{head}.weight"].T + p[f"{head}.bias"]

    logits = net("policy_net", "action_net")
    logs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    np.testing.assert_allclose(agent.policy.log_probabilities(obs), logs, atol=1e-6)
    np.testing.assert_allclose(
        agent.policy.values(obs), net("value_net", "value_net")[:, 0], atol=1e-5
    )
    actions, chosen = agent.policy.act(obs)
    np.testing.assert_allclose(chosen, logs[np.arange(9), actions], atol=1e-6)


def test_saving_and_loading_continue_to_the_bit(tmp_path):
    path = tmp_path / "agent.npz"
    agent = make(2, multiplicity=[1, 2, 3, 1, 1], target_kl=0.5).learn(128)
    agent.save(path)
    loaded = spars.PPO.load(path, Corridor())
    for one in (agent, loaded):
        one._set_environments(Corridor())
        one.learn(64)
    for name, values in agent.parameters().items():
        np.testing.assert_array_equal(values, loaded.parameters()[name])
    without = spars.PPO.load(path)
    assert without.predict(np.zeros(5), deterministic=True)[0] in (0, 1)
    with pytest.raises(ValueError, match="'env' parameter of PPO must be an environment"):
        without.learn(8)


def test_broken_files_are_refused(tmp_path):
    path = tmp_path / "agent.npz"
    make(2).save(path)
    whole = path.read_bytes()
    for content in (b"", b"PK", whole[: len(whole) // 2], b"x" * 100):
        path.write_bytes(content)
        with pytest.raises(spars.FormatError):
            spars.PPO.load(path)
    np.savez(path, a=np.zeros(3))
    with pytest.raises(spars.FormatError, match="spars PPO"):
        spars.PPO.load(path)
    with pytest.raises(FileNotFoundError):
        spars.PPO.load(tmp_path / "none.npz")


def test_schedules_follow_the_remaining_progress():
    seen = []

    def rate(remaining):
        seen.append(remaining)
        return 1e-3 * remaining + 1e-5

    agent = make(1, learning_rate=rate).learn(128)
    assert seen[-2:] == [0.5, 0.0]
    assert agent.log["train/learning_rate"] == pytest.approx(1e-5)


def test_a_callback_may_stop_and_progress_is_told():
    told = []
    agent = make(1).learn(
        256, callback=lambda agent: agent.num_timesteps < 10, progress=lambda *x: told.append(x)
    )
    assert agent.num_timesteps == 10
    assert told == [(n, 256) for n in range(1, 11)]


def test_truncation_bootstraps_from_the_value_behind_the_limit():
    agent = make(1, Corridor(limit=1), n_steps=2, batch_size=2, gamma=0.5)
    agent._reset()
    env = agent._envs[0]
    agent.policy.set_parameters(
        {name: np.zeros_like(v) for name, v in agent.parameters().items()}
        | {"value_net.bias": np.array([3.0], np.float32)}
    )
    env.place = 0
    assert agent._step(0, 0) == pytest.approx(-0.1 + 0.5 * 3.0)


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        (
            {"policy": "CnnPolicy"},
            ValueError,
            "'policy' parameter of PPO must be one of 'MlpPolicy'",
        ),
        ({"env": object()}, TypeError, "'env' parameter of PPO must be a Gymnasium environment"),
        ({"env": []}, ValueError, "'env'"),
        ({"clip_range": 1e400}, ValueError, "'clip_range'"),
        ({"n_steps": 0}, ValueError, "'n_steps'"),
        ({"n_steps": 1}, ValueError, "'n_steps'"),
        ({"gamma": 2.0}, ValueError, "'gamma'"),
        ({"seed": -1}, ValueError, "'seed'"),
        ({"batch_size": True}, TypeError, "'batch_size'"),
        ({"multiplicity": [1.0] * 5}, TypeError, "'multiplicity'"),
        ({"net_arch": {"pi": [8]}}, TypeError, "'net_arch'"),
        ({"net_arch": [8] * 9}, ValueError, "'net_arch'"),
        ({"net_arch": []}, ValueError, "'net_arch'"),
    ],
)
def test_misuse_is_named(options, kind, text):
    with pytest.raises(kind, match=text):
        spars.PPO(**({"policy": "MlpPolicy", "env": Corridor()} | options))


def test_observations_are_checked():
    agent = make(1)
    with pytest.raises(ValueError, match="'obs' parameter of predict"):
        agent.predict(np.zeros((2, 4)))
    with pytest.raises(spars.NonFiniteError, match="'obs'"):
        agent.predict(np.full(5, np.nan))


def test_the_collapsed_initialisation_follows_the_explicit_law():
    """First two moments and the Gram matrix over seeds, against sums of explicit columns."""
    counts = np.array([1, 4, 9, 2])
    index = np.repeat(np.arange(4), counts)
    name = "mlp_extractor.policy_net.0.weight"
    env = Corridor()
    env.observation_space = Box((4,))
    wide = Corridor()
    wide.observation_space = Box((16,))
    arch = {"pi": [3], "vf": [3]}
    draws, explicit = [], []
    for seed in range(800):
        small = make(seed, env, multiplicity=counts, net_arch=arch).parameters()[name]
        large = make(seed + 10_000, wide, net_arch=arch).parameters()[name]
        draws.append(small)
        explicit.append(np.stack([large[:, index == j].sum(1) for j in range(4)], 1))
    for values in (np.array(draws, np.float64), np.array(explicit, np.float64)):
        # Rows of gain^2 times a projection of 16 dimensions to 4: E[W^T W] = 2 * 3 c_j / 16.
        error = 5 / np.sqrt(len(values))
        scaled = values / np.sqrt(counts)
        np.testing.assert_allclose(scaled.mean(0), 0, atol=error * np.sqrt(2 / 16))
        gram = np.einsum("soi,soj->ij", scaled, scaled) / len(values)
        np.testing.assert_allclose(gram, np.eye(4) * 2 * 3 / 16, atol=error * 0.35)
    squares = [
        np.sort(np.linalg.svd(np.array(d) / np.sqrt(counts))[1] ** 2, 1) for d in (draws, explicit)
    ]
    # The singular values carry the whole law that is left under rotations.
    for moment in (1, 2):
        means = [(s**moment).mean(0) for s in squares]
        spread = [(s**moment).std(0) / np.sqrt(len(s)) for s in squares]
        assert (abs(means[0] - means[1]) < 5 * np.hypot(*spread)).all()


def test_an_input_narrower_than_the_layer_keeps_orthogonal_columns():
    env = Corridor()
    counts = np.array([2, 3, 1, 4, 2])
    first = make(1, env, multiplicity=counts).parameters()["mlp_extractor.policy_net.0.weight"]
    gram = first.astype(np.float64).T @ first
    np.testing.assert_allclose(gram, np.diag(2.0 * counts), atol=1e-5)
    assert ppo.resize_multiplicity((1, 1, 5), (1, 1, 5)).tolist() == [1] * 5

"""Advantages and updates against stable-baselines3's, and the collapsed first layer."""

import json

import numpy as np
import pytest
from places import FIXTURES

import spars
from spars import ppo

CASES = json.loads((FIXTURES / "ppo.json").read_text())


def golden(name):
    with np.load(FIXTURES / f"{name}.npz") as archive:
        return dict(archive), CASES[name]


def hyperparameters(case):
    names = ("n_epochs", "batch_size", "ent_coef", "vf_coef", "max_grad_norm", "clip_range")
    return {name: case[name] for name in names} | {
        "learning_rate": case["lr"],
        "clip_range_vf": case.get("clip_range_vf"),
        "multiplicity": case.get("multiplicity"),
    }


def random_network(rng, inputs, actions, hidden=(5, 4), value_hidden=(6,)):
    shapes = ppo.parameter_shapes(inputs, actions, hidden, value_hidden)
    return {name: 0.5 * rng.standard_normal(shape) for name, shape in shapes.items()}


def random_rollout(rng, steps, inputs, actions):
    return {
        "obs": rng.standard_normal((steps, inputs)),
        "actions": rng.integers(0, actions, steps),
        "values": rng.standard_normal(steps),
        "log_probs": np.log(rng.uniform(0.1, 0.9, steps)),
        "advantages": rng.standard_normal(steps),
        "returns": rng.standard_normal(steps),
    }


@pytest.mark.parametrize("name", sorted(CASES))
def test_gae_equals_stable_baselines3(name):
    data, case = golden(name)
    rewards, values, advantages = (
        data[key].astype(np.float64) for key in ("rewards", "values", "advantages")
    )
    last = data["last_episode_start"]
    # The value that was bootstrapped from; see the manifest.
    last_value = (advantages[-1] - rewards[-1] + values[-1]) / case["gamma"]
    got = ppo.gae(
        rewards, values, data["episode_starts"], last_value, last, case["gamma"], case["gae_lambda"]
    )
    np.testing.assert_allclose(got[0], data["advantages"], rtol=0, atol=5e-6)
    np.testing.assert_allclose(got[1], data["returns"], rtol=0, atol=5e-6)


def test_gae_of_several_environments_is_gae_of_each(rng):
    shape = (9, 3)
    rewards, values = rng.standard_normal((2, *shape))
    starts = rng.uniform(size=shape) < 0.3
    last_value, last_start = rng.standard_normal(3), np.array([True, False, False])
    together = ppo.gae(rewards, values, starts, last_value, last_start, 0.9, 0.7)
    for e in range(3):
        alone = ppo.gae(
            rewards[:, e], values[:, e], starts[:, e], last_value[e], last_start[e], 0.9, 0.7
        )
        for i in range(2):
            np.testing.assert_array_equal(together[i][:, e], alone[i])


def test_gae_with_lambda_one_is_the_discounted_return_to_the_episodes_end(rng):
    rewards, values = rng.standard_normal((2, 6))
    starts = np.array([1, 0, 0, 1, 0, 0])
    _, returns = ppo.gae(rewards, values, starts, 2.0, 0, 0.5, 1.0)
    tail = rewards[3] + 0.5 * rewards[4] + 0.25 * rewards[5] + 0.125 * 2.0
    head = rewards[0] + 0.5 * rewards[1] + 0.25 * rewards[2]
    np.testing.assert_allclose([returns[0], returns[3]], [head, tail], rtol=1e-12)


def distance(parameters, wanted):
    return np.sqrt(sum(np.sum((parameters[k].astype(np.float64) - wanted[k]) ** 2) for k in wanted))


@pytest.mark.parametrize("name", sorted(CASES))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_update_equals_stable_baselines3(name, dtype):
    data, case = golden(name)
    before = {key[5:]: data[key].astype(np.float64) for key in data if key.startswith("init.")}
    final = {key: data[f"final.{key}"].astype(np.float64) for key in before}
    after, log = ppo.update(before, data, data["perms"], dtype=dtype, **hyperparameters(case))
    assert list(after) == list(before)
    assert all(values.dtype == dtype for values in after.values())
    # The goldens' weights are float32: they round at 6e-8 where they move by 1e-3, so that exact
    # arithmetic is farther from them than float32 is. Sums over the replicas carry more.
    bound = 1e-4 if "multiplicity" in case else 1e-5 if dtype == np.float32 else 2e-5
    assert distance(after, final) < bound * distance(before, final)
    for key, wanted in case["log"].items():
        scale = 1e-3 if key in ("train/approx_kl", "train/policy_gradient_loss") else 2e-5
        assert log[key] == pytest.approx(wanted, rel=scale, abs=1e-7), key
    assert set(case["log"]) == set(log)


def test_a_collapsed_update_is_the_update_of_the_explicit_network(rng, seed):
    inputs, actions = 7, 3
    counts = rng.integers(1, 6, inputs)
    index = np.repeat(np.arange(inputs), counts)
    large = random_network(rng, len(index), actions)
    rollout = random_rollout(rng, 12, inputs, actions)
    firsts = [name for name in large if name.endswith("_net.0.weight")]

    def collapsed(parameters):
        sums = {n: np.add.reduceat(parameters[n], np.cumsum(counts) - counts, 1) for n in firsts}
        return parameters | sums

    options = dict(
        batch_size=4, n_epochs=3, clip_range_vf=0.3, ent_coef=0.02, seed=seed, dtype=np.float64
    )
    for max_grad_norm in (1e-2, 1e3):
        wide, wide_log = ppo.update(
            large,
            rollout | {"obs": rollout["obs"][:, index]},
            max_grad_norm=max_grad_norm,
            **options,
        )
        narrow, narrow_log = ppo.update(
            collapsed(large), rollout, multiplicity=counts, max_grad_norm=max_grad_norm, **options
        )
        assert narrow_log == pytest.approx(wide_log, rel=1e-9, abs=1e-12)
        for name, wanted in collapsed(wide).items():
            np.testing.assert_allclose(narrow[name], wanted, rtol=0, atol=1e-11, err_msg=name)


def test_steps_of_several_environments_are_numbered_as_stable_baselines3_does(rng):
    parameters = random_network(rng, 4, 3)
    flat = random_rollout(rng, 6, 4, 3)
    stacked = {
        key: value.reshape(2, 3, *value.shape[1:]).swapaxes(0, 1) for key, value in flat.items()
    }
    order = np.array([[3, 1, 5, 0, 2, 4]])
    wanted, _ = ppo.update(parameters, flat, order, batch_size=2)
    got, _ = ppo.update(parameters, stacked, order, batch_size=2)
    for name in wanted:
        np.testing.assert_array_equal(got[name], wanted[name])


def test_a_kl_beyond_the_target_stops_before_the_step(rng):
    parameters = random_network(rng, 4, 3)
    rollout = random_rollout(rng, 8, 4, 3)
    after, log = ppo.update(
        parameters, rollout, batch_size=4, n_epochs=5, target_kl=1e-9, dtype="float64"
    )
    assert log["train/n_updates"] == 1
    for name in after:
        np.testing.assert_array_equal(after[name], parameters[name])


def test_a_minibatch_of_one_is_not_normalised(rng):
    parameters = random_network(rng, 4, 3)
    rollout = random_rollout(rng, 3, 4, 3)
    after, log = ppo.update(parameters, rollout, batch_size=1, n_epochs=1)
    raw, raw_log = ppo.update(
        parameters, rollout, batch_size=1, n_epochs=1, normalize_advantage=False
    )
    assert log == raw_log
    np.testing.assert_array_equal(after["action_net.bias"], raw["action_net.bias"])


def test_results_do_not_depend_on_the_thread_count(rng):
    parameters = {k: v.astype(np.float32) for k, v in random_network(rng, 5000, 6).items()}
    rollout = random_rollout(rng, 20, 5000, 6)
    before = spars.thread_count()
    results = []
    try:
        for threads in (1, 2, 3, 7):
            spars.set_thread_count(threads)
            results.append(ppo.update(parameters, rollout, batch_size=8, n_epochs=2))
    finally:
        spars.set_thread_count(before)
    for after, log in results[1:]:
        assert log == results[0][1]
        for name in after:
            np.testing.assert_array_equal(after[name], results[0][0][name])


def test_multiplicity_counts_every_voxel_of_the_resized_window():
    counts = ppo.resize_multiplicity((6, 5, 4), (40, 33, 30))
    assert counts.tolist() == CASES["ppo_upsampled"]["multiplicity"]
    assert ppo.resize_multiplicity((48, 48, 24), (256, 256, 180)).sum() == 256 * 256 * 180


def with_change(mapping, **changes):
    return {key: value for key, value in (mapping | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "kind", "text"),
    [
        (
            {"clip_range": 0.0},
            ValueError,
            "'clip_range' parameter of update must be a float above 0",
        ),
        ({"clip_range": "0.2"}, TypeError, "'clip_range'"),
        ({"batch_size": 0}, ValueError, "'batch_size' parameter of update must be an integer"),
        ({"n_epochs": 2.0}, TypeError, "'n_epochs'"),
        ({"learning_rate": -1.0}, ValueError, "'learning_rate'"),
        ({"max_grad_norm": float("nan")}, ValueError, "'max_grad_norm'"),
        ({"normalize_advantage": 1}, TypeError, "'normalize_advantage'"),
        ({"multiplicity": [1, 2]}, ValueError, "'multiplicity' .*shape"),
        ({"multiplicity": [1, 2, 0, 1]}, ValueError, "'multiplicity' .*positive"),
        ({"permutations": np.zeros((2, 6), int)}, ValueError, "'permutations' .* order of 0 to 5"),
        ({"permutations": np.zeros((2, 5), int)}, ValueError, "'permutations' .* shape"),
        ({"rollout": []}, TypeError, "'rollout'"),
        ({"parameters": 3}, TypeError, "'parameters'"),
        ({"dtype": np.float16}, ValueError, "'dtype' parameter of update must be float32 or"),
        ({"dtype": None}, ValueError, "'dtype'"),
        ({"dtype": []}, ValueError, "'dtype'"),
    ],
)
def test_misuse_of_update_is_named(rng, changes, kind, text):
    call = {
        "parameters": random_network(rng, 4, 3),
        "rollout": random_rollout(rng, 6, 4, 3),
    } | changes
    with pytest.raises(kind, match=text):
        ppo.update(**call)


@pytest.mark.parametrize(
    ("changes", "kind", "text"),
    [
        ({"actions": np.full(6, 3)}, ValueError, r"'actions' .* \[0, 2\]. Got 3"),
        ({"actions": np.zeros(6)}, TypeError, "'actions'"),
        ({"actions": np.zeros(0, int)}, ValueError, "'actions'"),
        ({"obs": np.zeros((6, 3))}, ValueError, "'obs'"),
        ({"obs": np.full((6, 4), np.nan)}, spars.NonFiniteError, "'obs'"),
        ({"values": np.zeros(5)}, ValueError, "'values'"),
        ({"log_probs": None}, ValueError, "'log_probs'"),
        ({"returns": None}, ValueError, "'rewards'"),
    ],
)
def test_misuse_of_a_rollout_is_named(rng, changes, kind, text):
    rollout = with_change(random_rollout(rng, 6, 4, 3), **changes)
    with pytest.raises(kind, match=text):
        ppo.update(random_network(rng, 4, 3), rollout)


def test_parameters_must_fit_together(rng):
    parameters = random_network(rng, 4, 3)
    rollout = random_rollout(rng, 6, 4, 3)
    for name in parameters:
        with pytest.raises(ValueError, match="parameters|shape"):
            ppo.update(with_change(parameters, **{name: None}), rollout)
        with pytest.raises(ValueError, match="shape|matrix|parameters"):
            ppo.update(parameters | {name: parameters[name][:-1]}, rollout)
    with pytest.raises(ValueError, match="unknown"):
        ppo.update(parameters | {"log_std": np.zeros(3)}, rollout)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"values": [0.0, 1.0]}, "'values' parameter of gae must be"),
        ({"rewards": []}, "'rewards'"),
        ({"gamma": 1.5}, "'gamma' parameter of gae must be a float in the range"),
        ({"last_value": [0.0, 1.0]}, "'last_value'"),
        ({"rewards": [0.0, np.inf, 0.0]}, "'rewards' .*finite"),
    ],
)
def test_misuse_of_gae_is_named(changes, text):
    call = dict(
        rewards=np.zeros(3), values=np.zeros(3), episode_starts=np.zeros(3), last_value=0.0,
        last_episode_start=False, gamma=0.9, gae_lambda=0.9,
    )  # fmt: skip
    with pytest.raises(ValueError, match=text):
        ppo.gae(**(call | changes))

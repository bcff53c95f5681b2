"""stable-baselines3's archives, read and written without it; the interoperability tests ask it."""

import json
import os
import pickle
import zipfile

import numpy as np
import pytest
from rules_twin import TensorReader

import spars
from spars.agents.stable_baselines import Global, pickled, read_agent

WINDOW = (4, 3, 2)
RESIZED = (7, 6, 5)


class Still:
    """An environment known by its spaces."""

    def __init__(self, shape=WINDOW, low=-1.0, high=1.0):
        self.observation_space = type(
            "Box", (), {"shape": shape, "low": np.full(shape, low), "high": np.full(shape, high)}
        )
        self.action_space = type("Discrete", (), {"n": 6, "start": 2})

    def reset(self, seed=None):
        return np.zeros(self.observation_space.shape, np.float32), {}

    def step(self, action):
        assert 2 <= action < 8
        obs = np.full(self.observation_space.shape, action / 8, np.float32)
        return obs, float(action == 3), False, False, {}


def agent(shape=WINDOW, **options):
    options = {"n_steps": 8, "batch_size": 4, "n_epochs": 2, "seed": 5} | options
    return spars.PPO("MlpPolicy", Still(shape), **options)


def changed(path, target, **members):
    """Copy an archive with other members; a function of the old content, or None to leave out."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            change = members.get(name.replace(".", "_"), lambda same: same)
            if change is not None:
                new.writestr(name, change(content))
    return target


def with_data(**changes):
    return lambda content: json.dumps(json.loads(content) | changes).encode()


def test_an_archive_brings_back_the_agent(tmp_path):
    path = tmp_path / "agent.zip"
    first = agent(learning_rate=0.01, net_arch={"pi": [5], "vf": [6, 7]}).learn(16)
    first.save(path)
    second = spars.PPO.load(path, Still())
    for name, values in first.parameters().items():
        np.testing.assert_array_equal(values, second.parameters()[name])
    (moments, counters), (others, counted) = first.policy.state(), second.policy.state()
    np.testing.assert_array_equal(moments, others)
    assert counted[:2].tolist() == counters[:2].tolist() == [8, 4]
    assert (second.n_steps, second.seed, second.action_start) == (8, 5, 2)
    assert second.learn(8).num_timesteps == 8


def test_a_new_agent_has_no_moments_to_write(tmp_path):
    agent().save(tmp_path / "agent.zip")
    moments, counters = spars.PPO.load(tmp_path / "agent.zip").policy.state()
    assert not moments.any()
    assert counters[:2].tolist() == [0, 0]


def test_weights_are_summed_over_the_replicas_of_a_window(tmp_path, rng):
    path = tmp_path / "agent.zip"
    wide = agent(RESIZED).learn(8)
    wide.save(path)
    narrow = spars.PPO.load(path, Still(), window=WINDOW)
    crops = rng.standard_normal((20, *WINDOW)).astype(np.float32)
    resized = np.stack([spars.resample(crop, RESIZED, "nearest") for crop in crops])
    for name in ("log_probabilities", "values"):
        got = getattr(narrow.policy, name)(crops)
        np.testing.assert_allclose(got, getattr(wide.policy, name)(resized), rtol=0, atol=1e-5)
    assert narrow.policy.multiplicity.sum() == np.prod(RESIZED)
    narrow.learn(8)


def test_weights_of_byte_images_are_scaled(tmp_path, rng):
    plain, images = tmp_path / "plain.zip", tmp_path / "images.zip"
    agent().save(plain)
    space = {"dtype": "uint8", "_shape": list(WINDOW)}
    changed(plain, images, data=with_data(observation_space=space))
    values = rng.integers(0, 256, (10, *WINDOW), np.uint8)
    np.testing.assert_allclose(
        spars.PPO.load(images).policy.log_probabilities(values),
        spars.PPO.load(plain).policy.log_probabilities(values / np.float32(255)),
        rtol=0, atol=1e-6,
    )  # fmt: skip


def test_a_schedule_is_a_number_or_refused(tmp_path):
    path = tmp_path / "agent.zip"
    agent().save(path)
    constant = {"value_schedule": "ConstantSchedule(val=0.3)"}
    loaded = spars.PPO.load(changed(path, tmp_path / "a.zip", data=with_data(clip_range=constant)))
    loaded.save(path)
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("data"))["clip_range"] == 0.3
    other = with_data(n_steps={":type:": "<class 'function'>"})
    with pytest.raises(spars.FormatError, match="'n_steps' is a pickle, which is not read"):
        spars.PPO.load(changed(path, tmp_path / "b.zip", data=other))


@pytest.mark.parametrize("name", ["learning_rate", "clip_range", "clip_range_vf"])
def test_an_agent_with_a_function_for_a_rate_predicts_and_learns_once_it_is_given(tmp_path, name):
    path, old = tmp_path / "agent.zip", tmp_path / "old.zip"
    first = agent(clip_range_vf=0.3).learn(16)
    first.save(path)
    changed(path, old, data=with_data(**{name: {":type:": "<class 'function'>"}}))
    obs = np.linspace(-1, 1, 24, dtype=np.float32).reshape(WINDOW)
    loaded = spars.PPO.load(old, Still())
    assert loaded.predict(obs, deterministic=True) == first.predict(obs, deterministic=True)
    with pytest.raises(ValueError, match=f"'{name}' parameter of load must be a number"):
        loaded.learn(16)
    with pytest.raises(ValueError, match=f"'{name}' parameter of PPO must be a number"):
        loaded.save(tmp_path / "again.npz")
    given = spars.PPO.load(old, Still(), **{name: 0.25}).learn(16)
    assert given.log[f"train/{name}"] == 0.25
    assert spars.PPO.load(path, learning_rate=0.5)._schedules["learning_rate"] == 0.5
    with pytest.raises(TypeError, match="unexpected keyword argument 'gamma'"):
        spars.PPO.load(old, gamma=0.5)


def as_image(path, target, shape):
    """Copy an archive as one of a policy that saw byte images."""
    return changed(path, target, data=with_data(
        observation_space={"dtype": "uint8", "_shape": list(shape)}
    ))  # fmt: skip


def test_images_are_taken_with_their_channels_first_or_last(tmp_path, rng):
    plain, images = tmp_path / "plain.zip", tmp_path / "images.zip"
    shape = (2, 4, 3)
    agent(shape).save(plain)
    as_image(plain, images, shape)
    loaded = spars.PPO.load(images)
    seen = rng.integers(0, 256, (10, *shape), np.uint8)
    wanted = loaded.predict(seen, deterministic=True)[0]
    last = np.moveaxis(seen, 1, -1)
    np.testing.assert_array_equal(loaded.predict(last, deterministic=True)[0], wanted)
    assert loaded.predict(last[3], deterministic=True)[0] == wanted[3]
    loaded.save(tmp_path / "own.npz")
    again = spars.PPO.load(tmp_path / "own.npz")
    np.testing.assert_array_equal(again.predict(last, deterministic=True)[0], wanted)
    # The policy itself takes one order alone, and says so.
    with pytest.raises(ValueError, match=r"batch of shape \(2, 4, 3\). Got \(4, 3, 2\)"):
        loaded.policy.log_probabilities(last)
    with pytest.raises(ValueError, match=r"must be of shape \(2, 4, 3\)"):
        loaded.predict(np.moveaxis(seen, 1, 2))
    turned = spars.PPO.load(images, image_axes="last")
    assert turned.observation_shape == (4, 3, 2)
    np.testing.assert_array_equal(turned.predict(last, deterministic=True)[0], wanted)
    with pytest.raises(ValueError, match=r"must be of shape \(4, 3, 2\)"):
        turned.predict(seen)
    with pytest.raises(ValueError, match="'image_axes'"):
        spars.PPO.load(plain, image_axes="last")
    with pytest.raises(ValueError, match="'image_axes'"):
        spars.PPO.load(images, image_axes="middle")


def test_a_window_of_an_image_policy_is_in_the_order_that_its_shape_tells(tmp_path, rng):
    plain, images = tmp_path / "plain.zip", tmp_path / "images.zip"
    resized, window = (5, 7, 6), (2, 4, 3)
    wide = agent(resized)
    wide.save(plain)
    as_image(plain, images, resized)
    crops = rng.integers(0, 256, (10, *window), np.uint8)
    large = np.stack([spars.resample(crop, resized, "nearest") for crop in crops])
    wanted = spars.PPO.load(images).policy.log_probabilities(large)
    first = spars.PPO.load(images, window=window)
    np.testing.assert_allclose(first.policy.log_probabilities(crops), wanted, rtol=0, atol=1e-5)
    # As the environment had it: z, the least, stood last.
    last = spars.PPO.load(images, window=(4, 3, 2))
    assert last.observation_shape == (4, 3, 2)
    turned = np.moveaxis(crops, 1, -1)
    np.testing.assert_allclose(last.policy.log_probabilities(turned), wanted, rtol=0, atol=1e-5)
    assert last.policy.multiplicity.sum() == np.prod(resized)
    with pytest.raises(ValueError, match="'image_axes' parameter of load must say"):
        spars.PPO.load(images, window=(3, 3, 3))
    cube = rng.integers(0, 256, (10, 3, 3, 3), np.uint8)
    large = np.stack([spars.resample(crop, resized, "nearest") for crop in cube])
    wanted = spars.PPO.load(images).policy.log_probabilities(large)
    for axes, given in (("first", cube), ("last", np.moveaxis(cube, 1, -1))):
        loaded = spars.PPO.load(images, window=(3, 3, 3), image_axes=axes)
        got = loaded.policy.log_probabilities(given)
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"policy_pth": lambda _: b"PK"}, "not a PPO agent"),
        ({"policy_pth": lambda content: content[:300]}, "not a PPO agent"),
        ({"data": lambda _: b"[]"}, "not a PPO agent"),
        ({"data": lambda _: b"{"}, "not a PPO agent"),
        ({"data": lambda _: b"\xff"}, "not a PPO agent"),
        ({"data": lambda _: b"[" * 100_000}, "not a PPO agent"),
        ({"data": lambda _: b'{"observation_space": {"_shape": ["1e9"]}}'}, "not a PPO agent"),
        ({"data": with_data(policy_kwargs={"activation_fn": "ReLU"})}, "must be Tanh"),
        ({"data": with_data(policy_kwargs={"use_expln": True})}, "are not known"),
        ({"data": with_data(action_space={"n": "5", "start": "0"})}, "agent"),
        ({"data": with_data(n_steps=-1)}, "'n_steps'"),
        ({"data": with_data(batch_size=None)}, "'batch_size'"),
    ],
)
def test_broken_archives_are_refused(tmp_path, members, text):
    path = tmp_path / "agent.zip"
    agent().save(path)
    with pytest.raises(spars.FormatError, match=text):
        spars.PPO.load(changed(path, tmp_path / "broken.zip", **members))


def test_nothing_in_a_file_is_executed(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    def poisoned(content):
        source, target = tmp_path / "a.pth", tmp_path / "b.pth"
        source.write_bytes(content)
        with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
            for name in old.namelist():
                evil = name.endswith("data.pkl")
                new.writestr(name, pickle.dumps({"x": Evil()}) if evil else old.read(name))
        return target.read_bytes()

    path = tmp_path / "agent.zip"
    agent().save(path)
    for member in ("policy_pth", "policy_optimizer_pth"):
        broken = changed(path, tmp_path / "broken.zip", **{member: poisoned})
        with pytest.raises(spars.FormatError, match="a call of"):
            spars.PPO.load(broken)
    assert not (tmp_path / "executed").exists()


def test_the_core_reads_what_pythons_unpickler_does(tmp_path, rng):
    path = tmp_path / "agent.zip"
    agent(net_arch={"pi": [5, 3], "vf": [6]}, seed=int(rng.integers(2**32))).learn(16).save(path)
    with zipfile.ZipFile(path) as archive:
        policy = TensorReader(archive.read("policy.pth")).load()
        optimizer = TensorReader(archive.read("policy.optimizer.pth")).load()
    read = read_agent(path, None)
    assert list(read[1]) == list(policy)
    for name, values in policy.items():
        np.testing.assert_array_equal(read[1][name], values)
    moments, (steps, _) = read[2]
    states = optimizer["state"].values()
    expected = [state[name].ravel() for name in ("exp_avg", "exp_avg_sq") for state in states]
    np.testing.assert_array_equal(moments, np.concatenate(expected))
    assert {int(state["step"]) for state in states} == {steps}


def test_whatever_is_broken_is_a_format_error(tmp_path, rng):
    path, broken = tmp_path / "agent.zip", tmp_path / "broken.zip"
    agent(net_arch=[2]).learn(8).save(path)
    whole = path.read_bytes()
    failed = 0
    for round_ in range(150):
        content = bytearray(whole)
        for _ in range(int(rng.integers(1, 4))):
            content[rng.integers(len(whole))] = rng.integers(256)
        if round_ % 3 == 0:
            del content[rng.integers(len(whole)) :]
        broken.write_bytes(content)
        try:
            spars.PPO.load(broken)
        except spars.FormatError:
            failed += 1
    assert failed > 100


def test_a_compressed_archive_is_refused_by_name(tmp_path):
    path, packed = tmp_path / "agent.zip", tmp_path / "packed.zip"
    agent().save(path)
    with (
        zipfile.ZipFile(path) as old,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    with pytest.raises(spars.FormatError, match="must be stored"):
        spars.PPO.load(packed)


def test_no_file_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        spars.PPO.load(tmp_path / "none.zip")


@pytest.mark.parametrize(
    ("offset", "shape", "stride"),
    [(1, (64, 24), (24, 1)), (0, (64, 25), (24, 1)), (0, (64, 24), (25, 1)), (-1, (1,), (1,)),
     (0, (10**12,), (0,)), (0, (64, 24), (24,)), (0, (2**70,), (0,)), (0, (64.0, 24), (24, 1))],
)  # fmt: skip
def test_a_tensor_stays_inside_its_storage(tmp_path, offset, shape, stride):
    def lying(content):
        source, target = tmp_path / "a.pth", tmp_path / "b.pth"
        source.write_bytes(content)
        storage = b"(" + pickled("storage")[2:-1] + b"ctorch\nFloatStorage\n"
        storage += pickled("0")[2:-1] + pickled("cpu")[2:-1] + pickled(64 * 24)[2:-1] + b"tQ"
        numbers = b"".join(pickled(x)[2:-1] for x in (offset, shape, stride, False))
        tensor = Global("torch._utils", "_rebuild_tensor_v2").text
        name = pickled("mlp_extractor.policy_net.0.weight")[2:-1]
        content = b"\x80\x02}(" + name + b"c" + tensor + b"(" + storage + numbers + b"tRu."
        with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
            for member in old.namelist():
                is_pickle = member.endswith("data.pkl")
                new.writestr(member, content if is_pickle else old.read(member))
        return target.read_bytes()

    path = tmp_path / "agent.zip"
    agent().save(path)
    with pytest.raises(spars.FormatError, match="tensor|shape"):
        spars.PPO.load(changed(path, tmp_path / "broken.zip", policy_pth=lying))


def test_a_window_is_for_stable_baselines_only(tmp_path):
    agent().save(tmp_path / "agent.npz")
    with pytest.raises(ValueError, match="'window' parameter of load must be None"):
        spars.PPO.load(tmp_path / "agent.npz", window=WINDOW)
    agent().save(tmp_path / "agent.zip")
    with pytest.raises(spars.FormatError, match="'shape' .* at least the window"):
        spars.PPO.load(tmp_path / "agent.zip", window=(5, 3, 2))


@pytest.mark.parametrize("value", [None, True, -(2**40), 0.1, "a", (1, (2,)), [3, []], {"k": None}])
def test_plain_values_are_pickled_as_python_reads_them(value):
    assert pickle.loads(pickled(value)) == value

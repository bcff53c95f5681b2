"""stable-baselines3's ``.zip`` of a PPO agent, read and written without it and without PyTorch.

The archive holds ``data``, a JSON object whose awkward values are pickles in base64, and PyTorch
files of the policy's and the optimiser's state (stable_baselines3/common/save_util.py). Pickles in
``data`` are never opened: what is needed stands beside them as text. Those of the PyTorch files are
read by `TensorReader`, which makes tensors and plain values and runs nothing.
"""

import base64
import collections
import io
import json
import pickle
import re
import struct
import zipfile
from contextlib import contextmanager

import numpy as np

from spars._support.errors import FormatError
from spars._support.files import writing
from spars.agents.ppo import checked_parameters, resize_multiplicity

VERSION = "2.9.2"
PICKLE_LIMIT = 1 << 24
DATA_LIMIT = 1 << 26
_PLAIN = (
    "learning_rate", "n_steps", "batch_size", "n_epochs", "gamma", "gae_lambda", "clip_range",
    "clip_range_vf", "normalize_advantage", "ent_coef", "vf_coef", "max_grad_norm", "target_kl",
    "seed",
)  # fmt: skip
FIRST_LAYERS = ("mlp_extractor.policy_net.0.weight", "mlp_extractor.value_net.0.weight")
_STORAGES = {
    "FloatStorage": "f4", "DoubleStorage": "f8", "HalfStorage": "f2", "LongStorage": "i8",
    "IntStorage": "i4", "BoolStorage": "?",
}  # fmt: skip


def is_stable_baselines(path):
    """Whether the file is an archive of a policy as stable-baselines3 writes it."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {"data", "policy.pth"} <= set(archive.namelist())
    except zipfile.BadZipFile:
        return False


# -- Reading


@contextmanager
def _opened(path):
    """Give an agent's archive, open, and its "data"; what goes wrong within is a FormatError."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo("data").file_size > DATA_LIMIT:
                raise FormatError(f"{path}: 'data' must be at most {DATA_LIMIT} bytes.")
            yield archive, json.loads(archive.read("data"))
    except FormatError:
        raise
    except (
        KeyError, TypeError, ValueError, AttributeError, IndexError, EOFError, zipfile.BadZipFile,
        NotImplementedError, pickle.UnpicklingError, struct.error,
    ) as error:  # fmt: skip
        raise FormatError(f"{path}: not a PPO agent of stable-baselines3: {error}") from error


def observation_shape_of(path):
    """Return the shape of what the policy of such an archive saw."""
    with _opened(path) as (_, data):
        return _shape(data)


def read_agent(path, window):
    """Return what makes a `spars.PPO` of the file.

    Parameters
    ----------
    path : path
    window : tuple of three ints or None
        The window that the policy saw resized to its observation; weights are summed over each
        voxel's replicas then.

    Returns
    -------
    description : dict
        Hyperparameters, ``observation_shape``, ``actions``, ``action_start``.
    parameters : dict of str to float32 array
    state : (moments, (adam_steps, updates))
        Adam's moments, flat, means then squares; None where it made no step, or where weights were
        summed or scaled.
    """
    with _opened(path) as (archive, data):
        description = _description(data)
        shape = description["observation_shape"]
        # Images are divided by 255 before they reach the network.
        scale = 1 / 255 if data["observation_space"]["dtype"] == "uint8" else None
        with archive.open("policy.pth") as file:
            parameters = _parameters(read_tensors(file), shape, window, scale)
        state = None, (0, 0)
        if window is None and scale is None and "policy.optimizer.pth" in archive.namelist():
            with archive.open("policy.optimizer.pth") as file:
                state = _adam_state(read_tensors(file), parameters, data)
    return description, parameters, state


def _shape(data):
    return tuple(int(n) for n in data["observation_space"]["_shape"])


def _description(data):
    spaces = data["observation_space"], data["action_space"]
    shape = _shape(data)
    if spaces[0]["dtype"] == "uint8" and len(shape) != 3:
        raise ValueError("bytes are read as images only, of three axes")
    kwargs = data["policy_kwargs"]
    activation = kwargs.get("activation_fn")
    if activation is not None and "Tanh" not in str(activation):
        raise ValueError(f"the 'activation_fn' must be Tanh. Got {activation}")
    unknown = set(kwargs) - {
        "activation_fn", "net_arch", "ortho_init", ":type:", ":serialized:",
    }  # fmt: skip
    if unknown:
        raise ValueError(f"'policy_kwargs' {sorted(unknown)} are not known here")
    description = {name: _number(name, data[name]) for name in _PLAIN}
    return description | {
        "observation_shape": shape,
        "actions": int(spaces[1]["n"]),
        "action_start": int(spaces[1]["start"]),
    }


def _number(name, value):
    """Return a plain value, or the constant of a schedule that says one."""
    if not isinstance(value, dict):
        return value
    constant = re.fullmatch(r"ConstantSchedule\(val=(\S+)\)", str(value.get("value_schedule")))
    if constant is None:
        raise ValueError(f"the schedule of '{name}' is a function, which is not read")
    return float(constant[1])


def _parameters(tensors, shape, window, scale):
    if window is not None:
        counts = _replicas(window, shape)
    wanted = {}
    for name, tensor in tensors.items():
        values = tensor.array()
        if name in FIRST_LAYERS:
            if values.ndim != 2 or values.shape[1] != np.prod(shape):
                raise ValueError(f"'{name}' must have {np.prod(shape)} columns")
            if window is not None:
                values = _summed(values.reshape(len(values), *shape), counts)
            if scale is not None:
                values = values * np.float32(scale)
        wanted[name] = np.ascontiguousarray(values, np.float32)
    return checked_parameters(wanted, "load")[0]


def _replicas(window, shape):
    if len(shape) != 3:
        raise ValueError(f"'window' is for observations of three axes. Got shape {shape}")
    # Along one axis at a time, with the other two of length one.
    return [
        resize_multiplicity((few, 1, 1), (many, 1, 1))
        for few, many in zip(window, shape, strict=True)
    ]


def _summed(weights, counts):
    """Return first-layer weights (O, X, Y, Z) summed over replicas: (O, x * y * z)."""
    for axis in (3, 2, 1):
        starts = np.cumsum(counts[axis - 1]) - counts[axis - 1]
        weights = np.add.reduceat(weights, starts, axis=axis, dtype=np.float64)
    return weights.reshape(len(weights), -1)


def _adam_state(optimizer, parameters, data):
    """Return flat moments, None where the optimiser has made no step, and counters."""
    moments = {"exp_avg": [], "exp_avg_sq": []}
    steps = set()
    for index, values in enumerate(parameters.values()):
        one = optimizer["state"].get(index)
        if one is None:
            return None, (0, 0)
        steps.add(int(one["step"].array()) if isinstance(one["step"], Tensor) else one["step"])
        for name, flat in moments.items():
            moment = one[name].array()
            if moment.shape != values.shape:
                raise ValueError(f"'{name}' of parameter {index} must be of shape {values.shape}")
            flat.append(np.asarray(moment, np.float32).reshape(-1))
    (count,) = steps
    flat = np.concatenate(moments["exp_avg"] + moments["exp_avg_sq"])
    return flat, (count, data["_n_updates"])


class Tensor:
    """A tensor of a PyTorch file, not read yet."""

    def __init__(self, archive, storage, offset, shape, stride):
        self._archive, self._storage = archive, storage
        self._offset, self._shape, self._stride = offset, tuple(shape), tuple(stride)

    def array(self):
        """Return its values; the file's sizes are checked first."""
        dtype, name, count = self._storage
        shape, stride = self._shape, self._stride
        numbers = (self._offset, *shape, *stride)
        if any(type(n) is not int or n < 0 for n in numbers) or len(shape) != len(stride):
            raise ValueError(f"the tensor of '{name}' has no valid shape")
        reach = self._offset + sum((n - 1) * s for n, s in zip(shape, stride, strict=True)) + 1
        if self._archive.getinfo(name).file_size != count * dtype.itemsize or reach > count:
            raise ValueError(f"the tensor of '{name}' reaches beyond its {count} numbers")
        # Shapes of many axes and a stride of 0 could ask for more memory than the file has bytes.
        if np.prod(shape, dtype=object) > count:
            raise ValueError(f"the tensor of '{name}' has more than {count} numbers")
        flat = np.frombuffer(self._archive.read(name), dtype)
        strides = tuple(s * dtype.itemsize for s in stride)
        return np.lib.stride_tricks.as_strided(
            flat[self._offset :], shape, strides, writeable=False
        )


class TensorReader(pickle.Unpickler):
    """Reads plain values and tensors from a PyTorch file's pickle, and calls nothing else."""

    def __init__(self, archive, folder, is_big):
        super().__init__(io.BytesIO(archive.read(folder + "data.pkl")))
        self._archive, self._folder, self._order = archive, folder, ">" if is_big else "<"

    def find_class(self, module, name):
        """Return one of the names that state_dicts are made of."""
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._tensor
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if module == "torch" and name in _STORAGES:
            return np.dtype(self._order + _STORAGES[name])
        raise pickle.UnpicklingError(f"'{module}.{name}' does not belong into a state_dict")

    def persistent_load(self, identity):
        """Return where a storage's numbers stand: (dtype, member, count)."""
        kind, dtype, key, _, count = identity
        if kind != "storage" or not isinstance(dtype, np.dtype) or not isinstance(key, str):
            raise pickle.UnpicklingError("a storage must have a type and a key")
        return dtype, f"{self._folder}data/{key}", count

    def _tensor(self, storage, offset, shape, stride, *_):
        return Tensor(self._archive, storage, offset, shape, stride)


def read_tensors(file):
    """Return what `torch.save` wrote to an open file: plain values and `Tensor`s."""
    archive = zipfile.ZipFile(file)
    pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
    if len(pickles) != 1 or archive.getinfo(pickles[0]).file_size > PICKLE_LIMIT:
        raise ValueError("a PyTorch file has one pickle of at most 16 MiB")
    folder = pickles[0].removesuffix("data.pkl")
    is_big = (
        folder + "byteorder" in archive.namelist() and archive.read(folder + "byteorder") == b"big"
    )
    return TensorReader(archive, folder, is_big).load()


# -- Writing


def write_agent(path, description, parameters, state):
    """Write an agent for ``stable_baselines3.PPO.load``; the file appears whole or not at all.

    `description` is `read_agent`'s with ``bounds``, the observations' least and greatest value, and
    ``num_timesteps``; `state` as of `read_agent`, of an agent with moments.
    """
    moments, (steps, updates) = state
    rate = description["learning_rate"]
    members = {
        "data": json.dumps(_data(description, parameters, updates), indent=4).encode(),
        "pytorch_variables.pth": _torch_file(None),
        "policy.pth": _torch_file(parameters),
        "policy.optimizer.pth": _torch_file(_adam(parameters, moments, steps, rate)),
        "_stable_baselines3_version": VERSION.encode(),
        "system_info.txt": b"- Written by: spars\n",
    }
    with writing(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def _data(description, parameters, updates):
    shape, start = description["observation_shape"], description["action_start"]
    actions = description["actions"]
    low, high = description["bounds"]
    box = Call("gymnasium.spaces.box", "Box", low, high, shape, Global("numpy", "float32"))
    discrete = Call("gymnasium.spaces.discrete", "Discrete", actions, None, start)
    policy = Global("stable_baselines3.common.policies", "ActorCriticPolicy")
    _, (_, _, pi, vf) = checked_parameters(parameters, "save")
    plain = {name: description[name] for name in _PLAIN}
    # Seeds of NumPy's older generators, which stable-baselines3 sets, have 32 bits.
    if plain["seed"] >= 2**32:
        plain["seed"] = None
    return plain | {
        "policy_class": _serialized("abc.ABCMeta", policy),
        "policy_kwargs": {"net_arch": {"pi": list(pi), "vf": list(vf)}},
        "observation_space": _serialized("gymnasium.spaces.box.Box", box)
        | {"dtype": "float32", "_shape": list(shape)},
        "action_space": _serialized("gymnasium.spaces.discrete.Discrete", discrete)
        | {"n": str(actions), "start": str(start)},
        "n_envs": 1,
        "num_timesteps": description["num_timesteps"],
        "_total_timesteps": description["num_timesteps"],
        "_num_timesteps_at_start": 0,
        "_n_updates": updates,
        "verbose": 0,
        "use_sde": False,
        "sde_sample_freq": -1,
        "rollout_buffer_class": None,
        "rollout_buffer_kwargs": {},
    }


def _serialized(kind, value):
    content = base64.b64encode(pickled(value)).decode()
    return {":type:": f"<class '{kind}'>", ":serialized:": content}


def _adam(parameters, moments, steps, rate):
    group = {
        "lr": rate, "betas": (0.9, 0.999), "eps": 1e-5, "weight_decay": 0, "amsgrad": False,
        "maximize": False, "foreach": None, "capturable": False, "differentiable": False,
        "fused": None, "params": list(range(len(parameters))),
    }  # fmt: skip
    state = {}
    means, squares = np.split(moments, 2)
    start = 0
    for index, values in enumerate(parameters.values() if steps else ()):
        end = start + values.size
        state[index] = {
            "step": np.array(steps, np.float32),
            "exp_avg": means[start:end].reshape(values.shape),
            "exp_avg_sq": squares[start:end].reshape(values.shape),
        }
        start = end
    return {"state": state, "param_groups": [group]}


def _torch_file(value):
    """Return the bytes that `torch.save` would write for plain values and float32 arrays."""
    storages = []
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("archive/data.pkl", pickled(value, storages))
        archive.writestr("archive/byteorder", "little")
        for key, array in enumerate(storages):
            archive.writestr(f"archive/data/{key}", array.astype("<f4", copy=False).tobytes())
        archive.writestr("archive/version", "3\n")
    return content.getvalue()


class Global:
    """The name of something that a pickle's reader looks up."""

    def __init__(self, module, name):
        self.text = f"{module}\n{name}\n".encode()


class Call:
    """What a pickle's reader makes by a call of a global."""

    def __init__(self, module, name, *arguments):
        self.function, self.arguments = Global(module, name), arguments


class Storage:
    """A float32 array outside the pickle."""

    def __init__(self, key, count):
        self.identity = ("storage", Global("torch", "FloatStorage"), str(key), "cpu", count)


def pickled(value, storages=None):
    """Return a pickle of plain values, globals, calls and arrays (Lib/pickletools.py).

    Python's own pickler must import what it names; this one needs neither Gymnasium nor PyTorch.
    Arrays are appended to `storages`.
    """
    return b"\x80\x02" + _opcodes(value, storages) + b"."


def _opcodes(value, storages):
    def many(values):
        return b"".join(_opcodes(v, storages) for v in values)

    match value:
        case None:
            return b"N"
        case bool():
            return b"\x88" if value else b"\x89"
        case int():
            content = value.to_bytes(9, "little", signed=True)
            return b"\x8a\x09" + content
        case float():
            return b"G" + struct.pack(">d", value)
        case str():
            return b"X" + struct.pack("<I", len(value.encode())) + value.encode()
        case tuple():
            return b"(" + many(value) + b"t"
        case list():
            return b"](" + many(value) + b"e"
        case dict():
            return b"}(" + many(x for item in value.items() for x in item) + b"u"
        case Global():
            return b"c" + value.text
        case Call():
            return _opcodes(value.function, storages) + many([value.arguments]) + b"R"
        case Storage():
            return many([value.identity]) + b"Q"
        case np.ndarray():
            stride = np.empty(value.shape, np.int8).strides
            storages.append(value)
            storage = Storage(len(storages) - 1, value.size)
            hooks = Call("collections", "OrderedDict")
            return _opcodes(
                Call("torch._utils", "_rebuild_tensor_v2", storage, 0, value.shape, stride, False,
                     hooks), storages)  # fmt: skip
    raise TypeError(f"{type(value).__name__} cannot be written")

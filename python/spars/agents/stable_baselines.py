"""stable-baselines3's ``.zip`` of a PPO agent, read and written without it and without PyTorch.

The archive holds ``data``, a JSON object whose awkward values are pickles in base64, and PyTorch
files of the policy's and the optimiser's state (stable_baselines3/common/save_util.py). Pickles in
``data`` are never opened: what is needed stands beside them as text. The core reads those of the
PyTorch files, as it does those of classifiers, and runs nothing.
"""

from __future__ import annotations

import base64
import io
import json
import math
import re
import struct
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spars._core import Handle, Native, native
from spars._support.errors import FormatError
from spars._support.files import writing
from spars._support.types import Extent3, FloatArray, PathLike
from spars.agents.ppo import (
    DEPTH_LIMIT,
    checked_parameters,
    parameter_shapes,
    resize_multiplicity,
)
from spars.agents.rates import RATES

VERSION = "2.9.2"
_PLAIN = (
    "learning_rate", "n_steps", "batch_size", "n_epochs", "gamma", "gae_lambda", "clip_range",
    "clip_range_vf", "normalize_advantage", "ent_coef", "vf_coef", "max_grad_norm", "target_kl",
    "seed",
)  # fmt: skip
FIRST_LAYERS = ("mlp_extractor.policy_net.0.weight", "mlp_extractor.value_net.0.weight")

#: Adam's moments, flat, or None where there are none; its steps, and updates.
AdamState: TypeAlias = tuple[FloatArray | None, tuple[int, int]]


def is_stable_baselines(path: PathLike) -> bool:
    """Whether the file is an archive of a policy as stable-baselines3 writes it."""
    return native.agent_file_is_one(path)


# -- Reading


class _AgentFile(Native):
    """An agent's archive, open: its ``data``, and the shapes of its tensors by name."""

    _instead = "open the file again"

    def __init__(self, path: PathLike) -> None:
        self._handle = Handle(native.agent_file_open(path))
        self.data = json.loads(native.agent_file_data(self._handle.value))
        self.shapes = {
            name: tuple(shape)
            for name, shape in json.loads(native.agent_file_tensors(self._handle.value)).items()
        }

    def tensor(self, name: str, shape: tuple[int, ...]) -> FloatArray:
        """Return the values of a tensor that must have a shape, float32."""
        if self.shapes[name] != shape:
            raise ValueError(f"'{name}' must be of shape {shape}. Got {self.shapes[name]} instead")
        values = np.empty(shape, np.float32)
        native.agent_file_values(self._handle.value, name, values)
        return values


@contextmanager
def _opened(path: PathLike) -> Iterator[_AgentFile]:
    """Give an agent's archive, open; what goes wrong within is a FormatError."""
    try:
        yield _AgentFile(path)
    # Members of "data" may be missing or of any type; a deep nest in it is a RecursionError.
    except (
        LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError,
    ) as error:  # fmt: skip
        raise FormatError(f"{path}: not a PPO agent of stable-baselines3: {error}") from error


def observation_shape_of(path: PathLike) -> tuple[int, ...]:
    """Return the shape of what the policy of such an archive saw."""
    with _opened(path) as file:
        return _shape(file.data)


def is_image_policy(path: PathLike) -> bool:
    """Whether the policy of such an archive saw byte images."""
    with _opened(path) as file:
        return file.data["observation_space"]["dtype"] == "uint8"


def turned_image(shape: Sequence[int]) -> Extent3:
    """Return the axes of an image as stable-baselines3 keeps it: the last one first."""
    return (shape[2], shape[0], shape[1])


def with_channels_first(obs: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return images of `shape`, or a batch of them, whose channels may come last."""
    last = (*shape[1:], shape[0])
    return np.moveaxis(obs, -1, -3) if obs.shape[-3:] == last != shape else obs


def with_channels_last(
    parameters: Mapping[str, FloatArray], shape: Sequence[int]
) -> dict[str, FloatArray]:
    """Return the parameters of an image's policy for images whose first axis stands last.

    Parameters
    ----------
    parameters : dict of str to array
    shape : tuple of three ints
        Of the images that they are for.
    """
    turned = dict(parameters)
    for name in FIRST_LAYERS:
        weights = parameters[name].reshape(-1, *shape).transpose(0, 2, 3, 1)
        turned[name] = np.ascontiguousarray(weights).reshape(len(weights), -1)
    return turned


def read_agent(
    path: PathLike, window: Extent3 | None
) -> tuple[dict[str, Any], dict[str, FloatArray], AdamState]:
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
    with _opened(path) as file:
        description = _description(file.data)
        # Images are divided by 255 before they reach the network.
        scale = 1 / 255 if file.data["observation_space"]["dtype"] == "uint8" else None
        read = _read_parameters(file, description)
        parameters = _fitted(read, description["observation_shape"], window, scale)
        state: AdamState = None, (0, 0)
        if window is None and scale is None:
            state = _adam_state(file, parameters)
    return description, parameters, state


def _shape(data: dict[str, Any]) -> tuple[int, ...]:
    return tuple(int(n) for n in data["observation_space"]["_shape"])


def _description(data: dict[str, Any]) -> dict[str, Any]:
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


class Unread:
    """A schedule that a file holds as a function, which is never run.

    stable-baselines3 up to 2.6 writes constants so too.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, remaining: float) -> float:
        raise ValueError(
            f"The '{self.name}' parameter of load must be a number, or a function, to learn on: "
            "the file holds a function, which is not read. Got nothing instead."
        )


def divided(description: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Unread]]:
    """Return what of a description is known, and what is a function that was not read."""
    unread = {name: value for name, value in description.items() if isinstance(value, Unread)}
    return {name: value for name, value in description.items() if name not in unread}, unread


def _number(name: str, value: Any) -> Any:
    """Return a plain value, the constant of a schedule that says one, or an `Unread`."""
    if not isinstance(value, dict):
        return value
    constant = re.fullmatch(r"ConstantSchedule\(val=(\S+)\)", str(value.get("value_schedule")))
    if constant is not None:
        return float(constant[1])
    if name not in RATES:
        raise ValueError(f"'{name}' is a pickle, which is not read")
    return Unread(name)


def _read_parameters(file: _AgentFile, description: Mapping[str, Any]) -> dict[str, FloatArray]:
    """Return the policy's parameters, whose shapes must be those of such an agent."""
    shapes = {n: s for n, s in file.shapes.items() if not n.startswith("optimizer/")}
    hidden = [
        [shapes[name][0] for name in _layers(net, shapes)] for net in ("policy_net", "value_net")
    ]
    if not all(1 <= len(widths) <= DEPTH_LIMIT for widths in hidden):
        raise ValueError(f"a policy and a value network must have 1 to {DEPTH_LIMIT} layers")
    inputs = math.prod(description["observation_shape"])
    wanted = parameter_shapes(inputs, description["actions"], *hidden)
    differ = sorted(n for n in wanted.keys() | shapes.keys() if wanted.get(n) != shapes.get(n))
    if differ:
        name = differ[0]
        raise ValueError(
            f"'{name}' must be of shape {wanted.get(name)}. Got {shapes.get(name)} instead"
        )
    return {name: file.tensor(name, shape) for name, shape in wanted.items()}


def _layers(net: str, shapes: Mapping[str, tuple[int, ...]]) -> list[str]:
    """Return the names of a network's weights, in order."""
    names: list[str] = []
    while (name := f"mlp_extractor.{net}.{2 * len(names)}.weight") in shapes:
        names.append(name)
    return names


def _fitted(
    parameters: dict[str, FloatArray],
    shape: tuple[int, ...],
    window: Extent3 | None,
    scale: float | None,
) -> dict[str, FloatArray]:
    """Return the parameters for a window's voxels in place of their replicas, and for bytes."""
    if window is not None:
        counts = _replicas(window, shape)
    for name in FIRST_LAYERS:
        values = parameters[name]
        if window is not None:
            values = _summed(values.reshape(len(values), *shape), counts)
        if scale is not None:
            values = values * np.float32(scale)
        parameters[name] = np.ascontiguousarray(values, np.float32)
    return checked_parameters(parameters, "load")[0]


def _replicas(window: Extent3, shape: tuple[int, ...]) -> list[NDArray[np.int64]]:
    if len(shape) != 3:
        raise ValueError(f"'window' is for observations of three axes. Got shape {shape}")
    # Along one axis at a time, with the other two of length one.
    return [
        resize_multiplicity((few, 1, 1), (many, 1, 1))
        for few, many in zip(window, shape, strict=True)
    ]


def _summed(weights: NDArray[Any], counts: Sequence[NDArray[np.int64]]) -> NDArray[Any]:
    """Return first-layer weights (O, X, Y, Z) summed over replicas: (O, x * y * z)."""
    for axis in (3, 2, 1):
        starts = np.cumsum(counts[axis - 1]) - counts[axis - 1]
        weights = np.add.reduceat(weights, starts, axis=axis, dtype=np.float64)
    return weights.reshape(len(weights), -1)


def _adam_state(file: _AgentFile, parameters: Mapping[str, FloatArray]) -> AdamState:
    """Return flat moments, None where the optimiser has made no step, and counters."""
    moments: dict[str, list[FloatArray]] = {"exp_avg": [], "exp_avg_sq": []}
    steps = set()
    for index, values in enumerate(parameters.values()):
        if f"optimizer/{index}/step" not in file.shapes:
            return None, (0, 0)
        steps.add(int(file.tensor(f"optimizer/{index}/step", ())))
        for name, flat in moments.items():
            flat.append(file.tensor(f"optimizer/{index}/{name}", values.shape).reshape(-1))
    (count,) = steps
    joined = np.concatenate(moments["exp_avg"] + moments["exp_avg_sq"])
    return joined, (count, file.data["_n_updates"])


# -- Writing


def write_agent(
    path: PathLike,
    description: Mapping[str, Any],
    parameters: Mapping[str, FloatArray],
    state: tuple[FloatArray, tuple[int, int]],
) -> None:
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


def _data(
    description: Mapping[str, Any], parameters: Mapping[str, FloatArray], updates: int
) -> dict[str, Any]:
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


def _serialized(kind: str, value: object) -> dict[str, str]:
    content = base64.b64encode(pickled(value)).decode()
    return {":type:": f"<class '{kind}'>", ":serialized:": content}


def _adam(
    parameters: Mapping[str, FloatArray], moments: FloatArray, steps: int, rate: float
) -> dict[str, Any]:
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


def _torch_file(value: object) -> bytes:
    """Return the bytes that `torch.save` would write for plain values and float32 arrays."""
    storages: list[NDArray[Any]] = []
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

    def __init__(self, module: str, name: str) -> None:
        self.text = f"{module}\n{name}\n".encode()


class Call:
    """What a pickle's reader makes by a call of a global."""

    def __init__(self, module: str, name: str, *arguments: object) -> None:
        self.function, self.arguments = Global(module, name), arguments


class Storage:
    """A float32 array outside the pickle."""

    def __init__(self, key: int, count: int) -> None:
        self.identity = ("storage", Global("torch", "FloatStorage"), str(key), "cpu", count)


def pickled(value: object, storages: list[NDArray[Any]] | None = None) -> bytes:
    """Return a pickle of plain values, globals, calls and arrays (Lib/pickletools.py).

    Python's own pickler must import what it names; this one needs neither Gymnasium nor PyTorch.
    Arrays are appended to `storages`.
    """
    return b"\x80\x02" + _opcodes(value, [] if storages is None else storages) + b"."


def _opcodes(value: object, storages: list[NDArray[Any]]) -> bytes:
    def many(values: Iterable[object]) -> bytes:
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

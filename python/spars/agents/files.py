"""What a file holds of an agent, ours or stable-baselines3's; and agents without an environment."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spars._support.archives import read_npz
from spars._support.types import Extent3, FloatArray, PathLike
from spars.agents.ppo import resize_multiplicity
from spars.agents.stable_baselines import (
    is_image_policy,
    is_stable_baselines,
    read_agent,
    turned_image,
    with_channels_last,
)

FILE_FORMAT = "spars PPO 1"


class Spaces:
    """Stands for an environment where only its spaces are known."""

    def __init__(
        self,
        shape: Sequence[int],
        actions: int,
        start: int = 0,
        bounds: tuple[float, float] | None = None,
    ) -> None:
        ends = {} if bounds is None else dict(zip(("low", "high"), bounds, strict=True))
        self.observation_space = SimpleNamespace(shape=tuple(shape), **ends)
        self.action_space = SimpleNamespace(n=actions, start=start)


class Stored(NamedTuple):
    """What a file holds of an agent.

    Attributes
    ----------
    description : dict
        Hyperparameters by name; a rate that is a function there is an `Unread`.
    spaces : Spaces
    is_image : bool
        Whether observations are images with channels first, as stable-baselines3 keeps them.
    parameters : dict of str to array
    state : (moments or None, counters)
    multiplicity : array or None
    """

    description: dict[str, Any]
    spaces: Spaces
    is_image: bool
    parameters: dict[str, FloatArray]
    state: tuple[FloatArray | None, Sequence[int] | NDArray[np.int64]]
    multiplicity: NDArray[np.int64] | None


def read(path: PathLike, window: Extent3 | None, image_axes: str | None) -> Stored:
    """Return what a file holds, ours or stable-baselines3's; parameters are those of `PPO.load`."""
    if is_stable_baselines(path):
        return _read_foreign(path, window, image_axes)
    for name, value in (("window", window), ("image_axes", image_axes)):
        if value is not None:
            raise ValueError(
                f"the '{name}' parameter of load must be None for a file that PPO.save wrote"
            )
    description, arrays = read_npz(path, FILE_FORMAT)
    parameters = {
        name.removeprefix("parameter."): a
        for name, a in arrays.items()
        if name.startswith("parameter.")
    }
    is_image = bool(description.pop("is_image", False))
    state = arrays["moments"], arrays["counters"]
    multiplicity = arrays.get("multiplicity")
    return Stored(description, _spaces(description), is_image, parameters, state, multiplicity)


def _spaces(description: dict[str, Any]) -> Spaces:
    """Take the spaces out of a description."""
    names = ("observation_shape", "actions", "action_start")
    return Spaces(*(description.pop(name) for name in names))


def _read_foreign(path: PathLike, window: Extent3 | None, image_axes: str | None) -> Stored:
    is_image = is_image_policy(path)
    if is_image and image_axes is None and window is not None:
        image_axes = _axes_of(window)
    elif not is_image and image_axes is not None:
        raise ValueError("the 'image_axes' parameter of load must be None but for byte images")
    is_turned = image_axes == "last"
    stored = window and (turned_image(window) if is_turned else window)
    description, parameters, state = read_agent(path, stored)
    shape, counts = description["observation_shape"], None
    if stored is not None:
        counts = resize_multiplicity(stored, shape)
        shape = stored
    if is_turned:
        parameters = with_channels_last(parameters, shape)
        counts = None if counts is None else np.moveaxis(counts.reshape(shape), 0, -1).reshape(-1)
        shape = (*shape[1:], shape[0])
    description["observation_shape"] = shape
    spaces = _spaces(description)
    return Stored(description, spaces, is_image and not is_turned, parameters, state, counts)


def _axes_of(window: Extent3) -> str:
    """Return how a window's axes stand: stable-baselines3 takes the least for channels."""
    least = [axis for axis in range(3) if window[axis] == min(window)]
    if least not in ([0], [2]):
        raise ValueError(
            "the 'image_axes' parameter of load must say how a window of "
            f"{window} stands: 'first' for observations whose channels come first, as "
            "stable-baselines3 keeps images; 'last' for its environment's own order"
        )
    return "first" if least == [0] else "last"

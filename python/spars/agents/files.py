"""What a file holds of an agent, ours or stable-baselines3's; and agents without an environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spars._support.archives import read_npz
from spars._support.types import Extent3, PathLike
from spars.agents.ppo import resize_multiplicity
from spars.agents.stable_baselines import read_agent

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
        self.observation_space = type("Box", (), {"shape": tuple(shape), **ends})
        self.action_space = type("Discrete", (), {"n": actions, "start": start})


def read_own(path: PathLike, window: Extent3 | None) -> Any:
    """Return (description, parameters, (moments, counters), multiplicity) of a file of `save`."""
    if window is not None:
        raise ValueError(
            "the 'window' parameter of load must be None for a file that PPO.save wrote"
        )
    description, arrays = read_npz(path, FILE_FORMAT)
    parameters = {
        name.removeprefix("parameter."): a
        for name, a in arrays.items()
        if name.startswith("parameter.")
    }
    state = arrays["moments"], arrays["counters"]
    return description, parameters, state, arrays.get("multiplicity")


def read_foreign(path: PathLike, window: Extent3 | None) -> Any:
    """Return the same of a file of stable-baselines3, whose counters are two."""
    description, parameters, state = read_agent(path, window)
    counts = None
    if window is not None:
        counts = resize_multiplicity(window, description["observation_shape"])
        description["observation_shape"] = window
    return description, parameters, state, counts

"""Policies between self-play and agents of their own: what a run learned, and what one begins with.

An agent takes what `spars.WindowSearchEnv` shows of the same scan: crops [x, y, z] as they are. A
run whose rollout casts to bytes (D12) divides them by 255 before its network; the agent's first
layer holds that division instead.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from spars._support.checks import sentence
from spars._support.types import FloatArray, PathLike
from spars.agents.agent import PPO
from spars.agents.files import Spaces
from spars.agents.networks import HIDDEN, NEIGHBOURHOOD, flat_of, policy_shapes
from spars.agents.ppo import resize_multiplicity
from spars.agents.stable_baselines import (
    FIRST_LAYERS,
    is_image_policy,
    is_stable_baselines,
    observation_shape_of,
    turned_image,
    with_channels_last,
)
from spars.game.field import ACTIONS
from spars.search.live_run import FIXED


def agent_of(
    parameters: Mapping[str, FloatArray],
    configuration: Mapping[str, Any],
    rates: Mapping[str, Any],
    bounds: tuple[float, float],
) -> PPO:
    """Return a `spars.PPO` of a run's policy.

    Parameters
    ----------
    parameters : dict of str to array
        As the run's network has them.
    configuration : dict
        The run's.
    rates : dict
        What its updates are made with at that time.
    bounds : (float, float)
        The least and greatest value of observations.
    """
    c = configuration
    if c["policy"] == "CnnPolicy":
        raise ValueError(
            "The 'policy' parameter of self_play must have been 'MlpPolicy' or 'LocalPolicy' for "
            "an agent: PPO, as stable-baselines3, has no convolutions of windows. Got 'CnnPolicy' "
            "instead."
        )
    if c["game"] != "search":
        raise ValueError(
            "The 'game' parameter of self_play must have been 'search' for an agent. "
            f"Got {c['game']!r} instead."
        )
    shape, counts = (NEIGHBOURHOOD["search"],), None
    if c["policy"] == "MlpPolicy":
        shape = tuple(c["window"])
        counts = resize_multiplicity(shape, tuple(c["input_shape"]))
    agent = PPO(
        "MlpPolicy", Spaces(shape, ACTIONS, bounds=bounds), n_steps=c["n_steps"],
        gamma=c["gamma"], gae_lambda=c["gae_lambda"], seed=c["seed"], multiplicity=counts,
        net_arch=list(HIDDEN), **rates, **{name: c[name] for name in FIXED},
    )  # fmt: skip
    agent.policy.set_parameters(_scaled(parameters, 1 / 255) if _casts(c) else parameters)
    # As a loaded one, it has none until it is given one.
    agent._envs = []
    return agent


def parameters_for(given: Any, configuration: Mapping[str, Any]) -> FloatArray:
    """Return what a run begins with, as its network has it: one flat float32 array.

    Parameters
    ----------
    given : PPO, Snapshot, mapping of str to array, or path
        The `initial_policy` of `spars.self_play`.
    configuration : dict
        The run's.
    """
    game = configuration["game"]
    shapes = policy_shapes(configuration["policy"], configuration["window"], game)
    if game != "search" and isinstance(given, str | os.PathLike | PPO):
        raise ValueError(_sentence("a Snapshot or a mapping in the exhaustion game", given))
    if isinstance(given, str | os.PathLike):
        given = _read(given, configuration)
    if isinstance(given, PPO):
        arrays = _of_agent(given, configuration)
    else:
        arrays = getattr(given, "parameters", given)
    if not isinstance(arrays, Mapping):
        raise TypeError(
            _sentence("a PPO agent, a Snapshot, a mapping of parameters or a path", given)
        )
    found = {name: np.shape(values) for name, values in arrays.items()}
    if found != shapes:
        differ = sorted(n for n in found.keys() | shapes.keys() if found.get(n) != shapes.get(n))
        raise ValueError(
            _sentence(
                f"a policy with the parameters of {configuration['policy']}",
                f"others in {', '.join(differ)}",
            )
        )
    flat = flat_of({name: np.asarray(arrays[name], np.float32) for name in shapes})
    if not np.isfinite(flat).all():
        raise ValueError(_sentence("finite", "NaN or infinity"))
    return flat


def _sentence(wanted: str, got: object) -> str:
    if isinstance(got, str):
        return f"The 'initial_policy' parameter of self_play must be {wanted}. Got {got} instead."
    return sentence("initial_policy", "self_play", wanted, got)


def _casts(configuration: Mapping[str, Any]) -> bool:
    """Whether the policy's network takes voxels divided by 255."""
    cast = configuration["protocol"]["observation_cast"] == "uint8"
    return cast and configuration["policy"] == "MlpPolicy"


def _scaled(parameters: Mapping[str, FloatArray], factor: float) -> dict[str, FloatArray]:
    return {
        name: values * np.float32(factor) if name in FIRST_LAYERS else values
        for name, values in parameters.items()
    }


def _read(path: PathLike, configuration: Mapping[str, Any]) -> PPO:
    """Return the agent of a file; a policy that saw resized windows is collapsed."""
    if configuration["policy"] != "MlpPolicy" or not is_stable_baselines(path):
        return PPO.load(path)
    window, resized = tuple(configuration["window"]), tuple(configuration["input_shape"])
    shape = observation_shape_of(path)
    for turn in (tuple, turned_image):
        if shape == turn(resized) != turn(window):
            # In the file's own order: `_of_agent` turns it.
            axes = "first" if is_image_policy(path) else None
            return PPO.load(path, window=turn(window), image_axes=axes)
    return PPO.load(path)


def _of_agent(agent: PPO, configuration: Mapping[str, Any]) -> dict[str, FloatArray]:
    """Return an agent's parameters as the run's network would have them."""
    parameters = agent.policy.parameters()
    window = tuple(configuration["window"])
    if configuration["policy"] == "LocalPolicy":
        window = (NEIGHBOURHOOD["search"],)
    shape = agent.observation_shape
    if len(window) == 3 and shape == turned_image(window) != window:
        parameters = with_channels_last(parameters, shape)
    elif shape != window or agent.action_count != ACTIONS:
        raise ValueError(
            _sentence(
                f"an agent with observations of shape {window} and {ACTIONS} actions",
                f"one with {shape} and {agent.action_count}",
            )
        )
    return _scaled(parameters, 255) if _casts(configuration) else parameters

"""The policies that play: their names, and their parameters' names and shapes."""

from math import prod

import numpy as np

from spars._core import names
from spars.agents.ppo import parameter_shapes
from spars.game.field import ACTIONS
from spars.game.rules import ANSWER_COUNT

POLICIES = names.POLICY
HIDDEN = (64, 64)
# The scores of six neighbours and of the window itself, and three coordinates; in the exhaustion
# game six flags stand for the window itself.
NEIGHBOURHOOD = {"search": ACTIONS + 4, "exhaustion": 2 * ACTIONS + 3}
ANSWERS = {"search": ACTIONS, "exhaustion": ANSWER_COUNT}
# Channels, kernel and stride of CnnPolicy's layers, as the core has them.
CONVOLUTIONS = ((8, 4, 4), (16, 3, 2), (32, 3, 1))


def policy_shapes(policy, window, game="search"):
    """Return the shapes of a policy's parameters by name, in the core's order."""
    answers = ANSWERS[game]
    # Behind the window's voxels, whether each of the places around it has been shown.
    beside = 0 if game == "search" else ACTIONS
    if policy == "MlpPolicy":
        return parameter_shapes(prod(window) + beside, answers, HIDDEN, HIDDEN)
    if policy == "LocalPolicy":
        return parameter_shapes(NEIGHBOURHOOD[game], answers, HIDDEN, HIDDEN)
    shapes = {}
    extent, inputs = tuple(window), 1
    for i, (channels, size, stride) in enumerate(CONVOLUTIONS):
        kernel = tuple(min(size, n) for n in extent)
        # tanh stands between the convolutions, so convolution i is module 2 i.
        shapes[f"features_extractor.cnn.{2 * i}.weight"] = (channels, inputs, *kernel)
        shapes[f"features_extractor.cnn.{2 * i}.bias"] = (channels,)
        extent = tuple((n - k) // stride + 1 for n, k in zip(extent, kernel, strict=True))
        inputs = channels
    features = inputs * prod(extent) + beside
    return shapes | parameter_shapes(features, answers, HIDDEN, HIDDEN)


def flat_of(arrays):
    """Return arrays by name as one flat array, in their order."""
    return np.concatenate([values.reshape(-1) for values in arrays.values()])


def named(flat, shapes):
    """Return arrays of `shapes` cut from one flat array."""
    arrays, start = {}, 0
    for name, extents in shapes.items():
        size = prod(extents)
        arrays[name] = flat[start : start + size].reshape(extents)
        start += size
    return arrays

"""The policy of learned searches: a small network that says what asking for a window is worth."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from spars._support.checks import check_array
from spars._support.types import FloatArray
from spars.search.features import FEATURES

__all__ = ["MapPolicy"]

HIDDEN = 32
_SHAPES = {
    "first.weight": (len(FEATURES), HIDDEN),
    "first.bias": (HIDDEN,),
    "second.weight": (HIDDEN, HIDDEN),
    "second.bias": (HIDDEN,),
    "last.weight": (HIDDEN, 1),
    "last.bias": (1,),
}
# Adam's own.
_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8


class MapPolicy:
    """One network for every window: its features in, what asking for it is worth out.

    Two hidden layers of 32 with tanh, 1,729 parameters. That all windows share it makes it small
    and fit for organs of any size.

    Parameters
    ----------
    seed : int
        Of the first parameters: normal, of standard deviation 1 over the root of the inputs, a
        tenth of that in the last layer; biases 0.

    Attributes
    ----------
    parameters : dict of str to float32 array
    """

    def __init__(self, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.parameters: dict[str, FloatArray] = {}
        for name, shape in _SHAPES.items():
            scale = 0.0 if "bias" in name else (0.1 if "last" in name else 1.0) / shape[0] ** 0.5
            self.parameters[name] = (scale * rng.normal(size=shape)).astype(np.float32)
        self._moments = {name: np.zeros((2, *shape)) for name, shape in _SHAPES.items()}
        self._updates = 0

    @classmethod
    def of(cls, parameters: Mapping[str, FloatArray]) -> MapPolicy:
        """Return the policy with some parameters, or raise ValueError or TypeError."""
        if parameters.keys() != _SHAPES.keys():
            raise ValueError(
                f"The 'parameters' parameter of MapPolicy must hold {sorted(_SHAPES)}. "
                f"Got {sorted(parameters)} instead."
            )
        policy = cls()
        for name, shape in _SHAPES.items():
            policy.parameters[name] = check_array(
                parameters[name], name, "MapPolicy", np.float32, shape
            ).copy()
        return policy

    def __call__(self, features: FloatArray) -> FloatArray:
        """Return what asking for each window is worth: features (n, 19) to float32 (n,)."""
        return self._forward(features)[2]

    def learn(self, features: FloatArray, wanted: FloatArray, rate: float) -> float:
        """Make one step of Adam towards worths, on the mean squared error, which is returned."""
        first, second, found = self._forward(features)
        error = found - wanted
        slope = (2 / len(error)) * error
        self._update(self._gradients(features, first, second, slope), rate)
        return float(np.mean(error**2))

    def _forward(self, features: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        p = self.parameters
        first = np.tanh(features @ p["first.weight"] + p["first.bias"])
        second = np.tanh(first @ p["second.weight"] + p["second.bias"])
        return first, second, (second @ p["last.weight"] + p["last.bias"])[:, 0]

    def _gradients(
        self, features: FloatArray, first: FloatArray, second: FloatArray, slope: FloatArray
    ) -> dict[str, FloatArray]:
        p = self.parameters
        last = slope[:, None]
        middle = (last @ p["last.weight"].T) * (1 - second**2)
        low = (middle @ p["second.weight"].T) * (1 - first**2)
        return {
            "first.weight": features.T @ low,
            "first.bias": low.sum(axis=0),
            "second.weight": first.T @ middle,
            "second.bias": middle.sum(axis=0),
            "last.weight": second.T @ last,
            "last.bias": last.sum(axis=0),
        }

    def _update(self, gradients: Mapping[str, FloatArray], rate: float) -> None:
        self._updates += 1
        for name, gradient in gradients.items():
            mean, square = self._moments[name]
            mean += (1 - _BETA1) * (gradient - mean)
            square += (1 - _BETA2) * (gradient**2 - square)
            step = mean / (1 - _BETA1**self._updates)
            size = np.sqrt(square / (1 - _BETA2**self._updates)) + _EPSILON
            self.parameters[name] -= (rate * step / size).astype(np.float32)

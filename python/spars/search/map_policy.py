"""The policy of learned searches: a small network that says what asking for a window is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spars._support.checks import check_array
from spars._support.types import FloatArray
from spars.search.features import FEATURES

__all__ = ["MapPolicy", "SmallNetwork"]

HIDDEN = 32
# Rows at a time: their hidden layers stay in the cache, and they are too few for BLAS to share out
# among threads, which takes longer. A multiple of 4, as BLAS rounds the last one to three rows of a
# product by a vector otherwise: so the bits are those of all rows at once.
_BLOCK = 256
# Adam's own.
_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8
Gradients = Mapping[str, FloatArray]


class SmallNetwork:
    """A network of two hidden layers of 32 with tanh and one number out, which Adam trains.

    Parameters
    ----------
    inputs : int
    seed : int
        Of the first parameters: normal, of standard deviation 1 over the root of the inputs, a
        tenth of that in the last layer; biases 0.

    Attributes
    ----------
    parameters : dict of str to float32 array
    """

    def __init__(self, inputs: int, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.parameters: dict[str, FloatArray] = {}
        for name, shape in _shapes(inputs).items():
            scale = 0.0 if "bias" in name else (0.1 if "last" in name else 1.0) / shape[0] ** 0.5
            self.parameters[name] = (scale * rng.normal(size=shape)).astype(np.float32)
        self._moments = {
            name: np.zeros((2, *values.shape)) for name, values in self.parameters.items()
        }
        self._updates = 0

    def __call__(self, features: FloatArray) -> FloatArray:
        """Return a number for each row of features: float32 (n,), the bits of `forward`."""
        found = np.empty((len(features), 1), np.float32)
        first, second = np.empty((2, min(_BLOCK, len(features)), HIDDEN), np.float32)
        for start in range(0, len(features), _BLOCK):
            rows, numbers = features[start : start + _BLOCK], found[start : start + _BLOCK]
            self._pass(rows, first[: len(rows)], second[: len(rows)], numbers)
        return found[:, 0]

    def forward(self, features: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return both hidden layers' values and the network's."""
        count = len(features)
        first, second = np.empty((2, count, HIDDEN), np.float32)
        found = np.empty((count, 1), np.float32)
        for start in range(0, count, _BLOCK):
            block = slice(start, start + _BLOCK)
            self._pass(features[block], first[block], second[block], found[block])
        return first, second, found[:, 0]

    def _pass(
        self, features: FloatArray, first: FloatArray, second: FloatArray, found: FloatArray
    ) -> None:
        """Write both hidden layers' values and the network's."""
        p = self.parameters
        np.matmul(features, p["first.weight"], out=first)
        np.tanh(np.add(first, p["first.bias"], out=first), out=first)
        np.matmul(first, p["second.weight"], out=second)
        np.tanh(np.add(second, p["second.bias"], out=second), out=second)
        np.matmul(second, p["last.weight"], out=found)
        found += p["last.bias"]

    def gradients(
        self, features: FloatArray, first: FloatArray, second: FloatArray, slope: FloatArray
    ) -> dict[str, FloatArray]:
        """Return the parameters' gradients from those of the numbers, after `forward`."""
        p = self.parameters
        last = slope[:, None]
        middle = last @ p["last.weight"].T
        middle *= _tanh_slope(second)
        low = middle @ p["second.weight"].T
        low *= _tanh_slope(first)
        return {
            "first.weight": features.T @ low,
            "first.bias": low.sum(axis=0),
            "second.weight": first.T @ middle,
            "second.bias": middle.sum(axis=0),
            "last.weight": second.T @ last,
            "last.bias": last.sum(axis=0),
        }

    def learn(
        self, features: FloatArray, wanted: FloatArray, rate: float, max_norm: float | None = None
    ) -> float:
        """Make one step of Adam towards numbers, on the mean squared error, which is returned."""
        first, second, found = self.forward(features)
        error = found - wanted
        slope = (2 / len(error)) * error
        self.update(self.gradients(features, first, second, slope), rate, max_norm)
        return float(np.mean(error**2))

    def update(self, gradients: Gradients, rate: float, max_norm: float | None = None) -> None:
        """Make one step of Adam, with gradients cut to a norm."""
        self._updates += 1
        norm = math.sqrt(sum(float(np.sum(gradient**2)) for gradient in gradients.values()))
        scale = 1.0 if max_norm is None else min(1.0, max_norm / (norm + 1e-6))
        for name, values in gradients.items():
            gradient = scale * values
            mean, square = self._moments[name]
            mean += (1 - _BETA1) * (gradient - mean)
            square += (1 - _BETA2) * (gradient**2 - square)
            step = mean / (1 - _BETA1**self._updates)
            size = np.sqrt(square / (1 - _BETA2**self._updates)) + _EPSILON
            self.parameters[name] -= (rate * step / size).astype(np.float32)

    def copy_from(self, parameters: Mapping[str, FloatArray]) -> Self:
        """Take over copies of parameters, or raise ValueError or TypeError; return itself."""
        own = self.parameters
        if parameters.keys() != own.keys():
            raise ValueError(
                f"The 'parameters' parameter of {type(self).__name__} must hold {sorted(own)}. "
                f"Got {sorted(parameters)} instead."
            )
        self.parameters = {
            name: check_array(
                parameters[name], name, type(self).__name__, np.float32, values.shape
            ).copy()
            for name, values in own.items()
        }
        return self

    def state(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Return parameters and Adam's moments, all it needs to go on to the bit."""
        arrays = {f"{prefix}.{name}": values for name, values in self.parameters.items()}
        moments = {f"{prefix}.{name}.moments": values for name, values in self._moments.items()}
        return arrays | moments | {f"{prefix}.updates": np.array([self._updates])}

    def restore(self, prefix: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `state` returned, or raise KeyError, TypeError or ValueError."""
        self.copy_from({name: arrays[f"{prefix}.{name}"] for name in self.parameters})
        for name, moments in self._moments.items():
            moments[:] = check_array(
                arrays[f"{prefix}.{name}.moments"], name, "state", np.float64, moments.shape
            )
        self._updates = int(arrays[f"{prefix}.updates"][0])


def _tanh_slope(values: FloatArray) -> FloatArray:
    """Return the derivative of tanh where it has some values."""
    squares = np.square(values)
    return np.subtract(1, squares, out=squares)


def _shapes(inputs: int) -> dict[str, tuple[int, ...]]:
    return {
        "first.weight": (inputs, HIDDEN),
        "first.bias": (HIDDEN,),
        "second.weight": (HIDDEN, HIDDEN),
        "second.bias": (HIDDEN,),
        "last.weight": (HIDDEN, 1),
        "last.bias": (1,),
    }


class MapPolicy(SmallNetwork):
    """One network for every window: its features in, what asking for it is worth out.

    1,729 parameters. That all windows share it makes it small and fit for organs of any size.
    Reinforcement makes of it the logit by which a window is chosen.

    Parameters
    ----------
    seed : int
        Of the first parameters, see `SmallNetwork`.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__(len(FEATURES), seed)

    @classmethod
    def of(cls, parameters: Mapping[str, FloatArray]) -> Self:
        """Return the policy with some parameters, or raise ValueError or TypeError."""
        return cls().copy_from(parameters)

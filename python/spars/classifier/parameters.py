"""A classifier's parameters as the core has them: one float32 array, tensor after tensor."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from spars._core import native
from spars._support.types import Extent3, FloatArray


class Tensor(NamedTuple):
    """A tensor of the network."""

    name: str
    shape: tuple[int, ...]
    is_trained: bool


def layout(input_shape: Extent3) -> list[Tensor]:
    """Return each tensor, in the core's order."""
    count = native.classifier_tensor_count()
    tensors = (native.classifier_tensor(input_shape, index) for index in range(count))
    return [Tensor(one.name, one.shape[: one.rank], one.is_trainable) for one in tensors]


def value_count(tensors: Iterable[Tensor]) -> int:
    """Return how many values the tensors of a layout hold."""
    return sum(math.prod(shape) for _, shape, _ in tensors)


def split(flat: FloatArray, tensors: Iterable[Tensor]) -> dict[str, FloatArray]:
    """Return a copy of each tensor of a layout by its name."""
    arrays, start = {}, 0
    for name, shape, _ in tensors:
        end = start + math.prod(shape)
        arrays[name] = flat[start:end].reshape(shape).copy()
        start = end
    return arrays

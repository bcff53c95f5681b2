"""A classifier's parameters as the core has them: one float32 array, tensor after tensor."""

import math

from spars._core import native


def layout(input_shape):
    """Return (name, shape, whether it is trained) of each tensor, in the core's order."""
    count = native.classifier_tensor_count()
    tensors = (native.classifier_tensor(input_shape, index) for index in range(count))
    return [(tensor.name, tensor.shape[: tensor.rank], tensor.is_trainable) for tensor in tensors]


def value_count(tensors):
    """Return how many values the tensors of a layout hold."""
    return sum(math.prod(shape) for _, shape, _ in tensors)


def split(flat, tensors):
    """Return a copy of each tensor of a layout by its name."""
    arrays, start = {}, 0
    for name, shape, _ in tensors:
        end = start + math.prod(shape)
        arrays[name] = flat[start:end].reshape(shape).copy()
        start = end
    return arrays

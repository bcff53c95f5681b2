"""The published classifier as a PyTorch module, written down from its parameters of record."""

import numpy as np
import torch
from torch.nn import functional


class Network(torch.nn.Module):
    """Four convolutions with batch norm and ReLU, three max-pools, five fully connected layers."""

    def __init__(self, input_shape):
        super().__init__()
        channels = (1, 8, 16, 32, 64)
        for i in range(1, 5):
            stride = 1 if i == 1 else 2
            setattr(self, f"conv{i}", torch.nn.Conv3d(channels[i - 1], channels[i], 3, stride))
            setattr(self, f"bn{i}", torch.nn.BatchNorm3d(channels[i]))
        with torch.no_grad():
            self.eval()
            features = self.features(torch.zeros(1, 1, *input_shape)).shape[1]
        widths = (features, 1600, 800, 400, 128, 2)
        for i in range(1, 6):
            setattr(self, f"fc{i}", torch.nn.Linear(widths[i - 1], widths[i]))

    def features(self, x, kept=None):
        """Return the features of inputs (N, 1, X, Y, Z); `kept` receives each ReLU's output."""
        for i in range(1, 5):
            x = functional.relu(getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x)))
            if kept is not None:
                kept[i] = x
            if i < 4:
                x = functional.max_pool3d(x, 2, 2)
        return x.flatten(1)

    def forward(self, x, kept=None):
        x = self.features(x, kept)
        for i in range(1, 6):
            x = getattr(self, f"fc{i}")(x)
            if i < 5:
                x = functional.relu(x)
        return x


def lively(network, seed):
    """Draw batch norms that differ from the identity, so that every part of them counts."""
    rng = np.random.default_rng(seed)
    for i in range(1, 5):
        norm = getattr(network, f"bn{i}")
        count = norm.num_features
        with torch.no_grad():
            for tensor, values in (
                # Some scales below zero: the max-pool then takes the smallest.
                (norm.weight, rng.normal(0.6, 0.6, count)),
                (norm.bias, rng.normal(0.2, 0.4, count)),
                (norm.running_mean, rng.normal(0, 0.3, count)),
                (norm.running_var, rng.uniform(0.05, 0.5, count)),
            ):
                tensor.copy_(torch.from_numpy(values))
    return network

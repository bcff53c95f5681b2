"""A step's batch is one batch to batch norm, however many crops it has: PyTorch's gradients."""

import numpy as np
import pytest
import torch

import spars

INPUT = (108, 109, 110)
CROPS = 6


class Network(torch.nn.Module):
    """The classifier's layers under its parameters' names."""

    def __init__(self, features):
        super().__init__()
        channels = (1, 8, 16, 32, 64)
        for i in range(4):
            stride = 1 if i == 0 else 2
            setattr(self, f"conv{i + 1}", torch.nn.Conv3d(channels[i], channels[i + 1], 3, stride))
            setattr(self, f"bn{i + 1}", torch.nn.BatchNorm3d(channels[i + 1]))
        sizes = (features, 1600, 800, 400, 128, 2)
        for i in range(5):
            setattr(self, f"fc{i + 1}", torch.nn.Linear(sizes[i], sizes[i + 1]))

    def forward(self, x):
        for i in range(1, 5):
            x = torch.relu(getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x)))
            if i < 4:
                x = torch.nn.functional.max_pool3d(x, 2)
        x = x.flatten(1)
        for i in range(1, 5):
            x = torch.relu(getattr(self, f"fc{i}")(x))
        return self.fc5(x)


def gradients_of(parameters, x, labels):
    """Return PyTorch's loss and gradients in float64."""
    network = Network(parameters["fc1.weight"].shape[1]).double()
    network.load_state_dict({n: torch.from_numpy(a) for n, a in parameters.items()}, strict=False)
    logits = network(torch.from_numpy(x[:, np.newaxis]).double())
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(labels))
    loss.backward()
    return loss.item(), {n: p.grad.numpy() for n, p in network.named_parameters()}


def test_a_batch_is_pytorchs_batch_and_not_a_mean_of_smaller_ones():
    rng = np.random.default_rng(1)
    x = rng.random((CROPS, *INPUT), dtype=np.float32)
    x *= np.linspace(0.5, 1.5, CROPS, dtype=np.float32)[:, None, None, None]
    labels = [0, 1, 1, 0, 1, 0]
    classifier = spars.Classifier(INPUT, seed=6)
    parameters = classifier.parameters()
    loss, ours = classifier.loss_and_gradients(x, labels)
    wanted_loss, wanted = gradients_of(parameters, x, labels)
    assert loss == pytest.approx(wanted_loss, rel=1e-5)
    halves = [gradients_of(parameters, x[i : i + 3], labels[i : i + 3])[1] for i in (0, 3)]
    for name, gradient in ours.items():
        if name.startswith("conv") and name.endswith("bias"):
            continue
        norm = np.linalg.norm(wanted[name])
        # Rounding may choose another of two nearly equal places in a pool.
        assert np.linalg.norm(gradient - wanted[name]) < 2e-2 * norm, name
        accumulated = (halves[0][name] + halves[1][name]) / 2
        assert np.linalg.norm(accumulated - wanted[name]) > 0.1 * norm, name

"""Explanations against PyTorch's automatic differentiation of the published network, in float64."""

import copy

import numpy as np
import pytest
import torch
from published_network import Network, lively

import spars

INPUT = (109, 116, 124)
WINDOW = (19, 23, 17)


@pytest.fixture(scope="module")
def pair():
    torch.manual_seed(3)
    network = lively(Network(INPUT), seed=5).double().eval()
    parameters = {
        name: tensor.float().numpy()
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    # Both compute with the rounded parameters.
    network = network.float().double()
    return network, spars.Classifier.from_parameters(parameters, INPUT)


def evidence(logits, target):
    if target == "log_odds":
        return logits[:, 1] - logits[:, 0]
    return logits[:, 1] if target == "logit" else logits.softmax(1)[:, 1]


@pytest.mark.parametrize("target", ["log_odds", "logit", "score"])
def test_input_gradients_equal_autograds(pair, target, rng):
    network, classifier = pair
    x = rng.normal(0, 1, (1, *INPUT)).astype(np.float32)
    inputs = torch.from_numpy(x[:, None]).double().requires_grad_()
    evidence(network(inputs), target).sum().backward()
    wanted = inputs.grad[:, 0].numpy()
    found = classifier.input_gradients(x, target)
    assert np.abs(wanted).max() > 0
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())


def grad_cam(network, x, layer):
    kept = {}
    value = evidence(network(x, kept), "log_odds")
    (gradient,) = torch.autograd.grad(value.sum(), kept[layer])
    weights = gradient.mean(dim=(2, 3, 4), keepdim=True)
    return (weights * kept[layer]).sum(1).relu()[0].detach().numpy()


def opposite(network, classifier):
    network = copy.deepcopy(network)
    parameters = classifier.parameters()
    for part in ("weight", "bias"):
        parameters[f"fc5.{part}"] = parameters[f"fc5.{part}"][::-1].copy()
        tensor = getattr(network.fc5, part)
        tensor.data = tensor.data.flip(0)
    return network, spars.Classifier.from_parameters(parameters, INPUT)


def upsampled(cam, layer):
    """Return the map on the window's voxels: linear between receptive fields' centres."""
    step, offset = {2: (4, 3.5), 3: (16, 13.5), 4: (64, 53.5)}[layer]
    for axis, (n, grid) in enumerate(zip(WINDOW, INPUT, strict=True)):
        voxels = (np.arange(n) + 0.5) * grid / n - 0.5
        places = np.arange(cam.shape[axis])
        cam = np.apply_along_axis(
            lambda row, at=(voxels - offset) / step, p=places: np.interp(at, p, row), axis, cam
        )
    return cam


@pytest.mark.parametrize("layer", [2, 3, 4])
def test_grad_cam_equals_its_definition(pair, layer, rng):
    network, classifier = pair
    crop = rng.normal(0, 1, WINDOW).astype(np.float32)
    x = torch.from_numpy(spars.resample(crop, INPUT, "nearest")[None, None]).double()
    highest = []
    # The second time with the logits' places changed: what spoke against tumour speaks for it.
    for network_, classifier_ in (pair, opposite(network, classifier)):
        wanted = upsampled(grad_cam(network_, x, layer), layer)
        found = classifier_.attributions(crop, layer=layer)[0]
        np.testing.assert_allclose(found, wanted, atol=1e-4 * wanted.max())
        highest.append(wanted.max())
    assert max(highest) > 0


def test_integrated_gradients_equal_their_definition(pair, rng):
    network, classifier = pair
    crop = rng.normal(0, 1, WINDOW).astype(np.float32)
    steps, baseline = 3, 0.25
    copies = spars.resample(np.arange(crop.size).reshape(WINDOW), INPUT, "nearest")
    copies = copies.astype(np.int64).ravel()
    sums = np.zeros(crop.size)
    for k in range(steps):
        point = baseline + (k + 0.5) / steps * (crop.astype(np.float64) - baseline)
        x = torch.from_numpy(point.ravel()[copies].reshape(1, 1, *INPUT)).requires_grad_()
        evidence(network(x), "log_odds").sum().backward()
        sums += np.bincount(copies, x.grad.numpy().ravel(), crop.size)
    wanted = (crop - baseline) * sums.reshape(WINDOW) / steps
    found = classifier.attributions(
        crop, method="integrated_gradients", steps=steps, baseline=baseline
    )[0]
    # Max-pools over equal copies choose alike; nearly equal ones may not, in float32.
    assert np.linalg.norm(found - wanted) < 1e-3 * np.linalg.norm(wanted)

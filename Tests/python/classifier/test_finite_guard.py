"""Training that leaves the finite numbers names the first tensor to do so, from Python."""

import numpy as np
import pytest
from classifier_cases import INPUT, train

import spars


def changed(**tensors):
    """Return parameters of an untrained network, some of them filled with a value."""
    parameters = spars.Classifier(INPUT, seed=4).parameters()
    for name, value in tensors.items():
        parameters[name.replace("__", ".")][...] = value
    return parameters


def late():
    """Return parameters whose way forward is finite and whose way back overflows behind fc4."""
    parameters = changed(
        fc3__weight=0, fc3__bias=1e-30, fc4__weight=1e20, fc5__weight=1 / 128, fc5__bias=0
    )
    parameters["fc5.weight"][1] = 1e20
    return parameters


CASES = [
    (changed(conv1__weight=3e38), "batch mean of bn1"),
    (changed(conv4__weight=0, bn4__weight=3e38), "scale of bn4"),
    (changed(fc3__bias=1, fc4__weight=3e38), "output of fc4"),
    (late(), "gradient of fc3.bias"),
]


@pytest.mark.parametrize(("parameters", "named"), CASES, ids=[named for _, named in CASES])
def test_fit_names_the_first_bad_tensor_and_changes_nothing(parameters, named):
    classifier = spars.Classifier.from_parameters(parameters, INPUT, spars.IntensityWindow(40, 400))
    with pytest.raises(spars.NonFiniteError, match=f"'{named}'"):
        train(classifier, scans_per_step=4, scan_sampling="balanced")
    for name, array in classifier.parameters().items():
        assert np.array_equal(array, parameters[name]), name


@pytest.mark.parametrize(("parameters", "named"), CASES, ids=[named for _, named in CASES])
def test_gradients_name_the_first_bad_tensor(parameters, named, rng):
    classifier = spars.Classifier.from_parameters(parameters, INPUT)
    crops = rng.uniform(0.2, 1, (3, *INPUT)).astype(np.float32)
    with pytest.raises(spars.NonFiniteError, match=f"'{named}'"):
        classifier.loss_and_gradients(crops, [0, 1, 1])


def test_a_bad_crop_is_refused_by_its_voxel(rng):
    crops = rng.uniform(0, 1, (2, *INPUT))
    crops[1, 3, 4, 5] = np.nan
    with pytest.raises(spars.NonFiniteError, match=r"'crops'.*\(1, 3, 4, 5\)"):
        spars.Classifier(INPUT).loss_and_gradients(crops, [0, 1])

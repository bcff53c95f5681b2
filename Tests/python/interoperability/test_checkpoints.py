"""PyTorch's own files, in every form that `torch.save` writes, give one classifier."""

import numpy as np
import pytest
import torch

import spars

INPUT = (108, 108, 108)


@pytest.fixture(scope="module")
def tensors():
    parameters = spars.Classifier(INPUT, seed=6).parameters()
    return {name: torch.from_numpy(array.copy()) for name, array in parameters.items()}


def checkpoint(tensors):
    """Return what a training script keeps: weights of a wrapped model, and its optimiser."""
    weights = {name: torch.nn.Parameter(array) for name, array in tensors.items()}
    optimizer = torch.optim.Adam(weights.values(), lr=1e-3)
    sum(array.sum() for array in weights.values()).backward()
    optimizer.step()
    state = {"step": 3, "lr": 1e-3, "groups": [{"betas": (0.9, 0.999), "params": [0, 1]}, None]}
    saved = {f"module.{name}": array for name, array in tensors.items()}
    return {"epoch": 7, "state_dict": saved, "optimizer": optimizer.state_dict(), "more": state}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("wrap", [dict, checkpoint])
def test_every_form_is_read(tensors, tmp_path, zipped, protocol, wrap):
    path = tmp_path / "weights.pth"
    torch.save(
        wrap(tensors),
        path,
        pickle_protocol=protocol,
        _use_new_zipfile_serialization=zipped,
    )
    found = spars.Classifier.load(path, INPUT).parameters()
    assert found.keys() == tensors.keys()
    # The optimiser's step has moved them in place.
    for name, array in tensors.items():
        np.testing.assert_array_equal(found[name], array.numpy(), err_msg=name)


def test_a_whole_model_is_refused_with_the_way_to_save_it(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "model.pth")
    with pytest.raises(spars.FormatError, match=r"torch\.save\(model\.state_dict\(\), path\)"):
        spars.Classifier.load(tmp_path / "model.pth")

"""Masks: what counts as one, whatever its type, and what is refused."""

import numpy as np
import pytest

import spars
from spars.volume.masks import as_mask


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int16, np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_type_and_order_gives_the_same_mask(dtype, order, rng):
    wanted = rng.integers(0, 2, (5, 4, 3)).astype(np.uint8)
    given = wanted.astype(dtype, order=order)
    found = as_mask(given, "organ", "a test", shape=(5, 4, 3))
    assert found.dtype == np.uint8
    assert found.flags.c_contiguous
    assert np.array_equal(found, wanted)
    assert not np.shares_memory(found, given)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_labels_are_refused_or_chosen(dtype):
    labels = np.array([[[0, 1, 2]]], dtype)
    with pytest.raises(ValueError, match=r"'organ' .* hold 0 and 1 only. Got 2 instead"):
        as_mask(labels, "organ", "a test")
    assert as_mask(labels, "organ", "a test", value=2).tolist() == [[[0, 0, 1]]]
    assert as_mask(labels, "organ", "a test", value=[1, 2]).tolist() == [[[0, 1, 1]]]


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float32])
def test_other_shapes_are_refused(dtype):
    for shape in ((2, 3), (0, 3, 4), (1, 2, 3, 4)):
        with pytest.raises(ValueError, match="shape"):
            as_mask(np.zeros(shape, dtype), "organ", "a test")
    with pytest.raises(ValueError, match=r"the scan's shape \(2, 2, 2\). Got \(2, 2, 3\)"):
        as_mask(np.zeros((2, 2, 3), dtype), "organ", "a test", shape=(2, 2, 2))


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(spars.NonFiniteError, match="'organ' parameter of a test must be finite"):
        as_mask(np.array([[[0, np.nan]]]), "organ", "a test")

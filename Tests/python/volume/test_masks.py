"""Masks: what counts as one, whatever its type, and what is refused."""

import numpy as np
import pytest

import spars
from spars import metrics
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


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_of_several_labels_those_that_are_missing_are_named(dtype):
    labels = np.array([[[0, 1, 2]]], dtype)
    with pytest.warns(spars.ScanWarning) as told:
        found = as_mask(labels, "organ", "a test", value=[1, 99, 7], must_hold=True)
    assert found.tolist() == [[[0, 1, 0]]]
    assert str(told[0].message) == (
        "The 'organ' parameter of a test holds no label 7, 99. It is a mask of 0, 1, 2."
    )
    assert as_mask(labels, "organ", "a test", value=[1, 2], must_hold=True).sum() == 2
    with pytest.raises(ValueError, match=r"must hold the label \[7, 99\]. Got a mask of 0, 1, 2"):
        as_mask(labels, "organ", "a test", value=[7, 99], must_hold=True)


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


@pytest.mark.parametrize("factor", [1.004, 0.996, 1.0])
def test_labels_that_a_writer_scaled_are_whole_again(factor, tmp_path):
    mask = np.zeros((4, 5, 6), np.float32)
    mask[1:3, 1:4] = 1
    labels = np.where(mask == 1, 2, 0)
    labels[0] = 1
    np.testing.assert_array_equal(as_mask(mask * factor, "mask", "owner"), mask)
    np.testing.assert_array_equal(as_mask(labels * factor, "mask", "owner", value=2), mask)
    assert metrics.dice(mask * factor, mask) == 1.0
    spars.save(tmp_path / "a.nii", np.zeros(mask.shape, np.float32))
    spars.save(tmp_path / "m.nii", (labels * factor).astype(np.float32))
    (tmp_path / "t.csv").write_text("image,has_tumour,mask\na.nii,1,m.nii\n")
    found = spars.datasets.from_csv(tmp_path / "t.csv")[0].load_mask()
    np.testing.assert_array_equal(found, labels)


def test_values_between_labels_are_refused_and_listed():
    blurred = np.zeros((4, 5, 6), np.float32)
    blurred[1, :, 0], blurred[2, 2, 2], blurred[3] = 0.5, 0.25, 2
    for value in (None, 2):
        with pytest.raises(ValueError, match=r"Got 0.25, 0.5 instead, among 0, 0.25, 0.5, 2"):
            as_mask(blurred, "mask", "owner", value=value)
    many = np.linspace(0, 1, 4 * 5 * 6, dtype=np.float32).reshape(4, 5, 6)
    with pytest.raises(ValueError, match="and [0-9]+ more values"):
        as_mask(many, "mask", "owner")
    with pytest.raises(ValueError, match="only 0 and 1"):
        metrics.dice(many, many)


def test_a_label_that_must_be_there_is_asked_for_with_those_that_are():
    labels = np.zeros((4, 5, 6), np.int16)
    labels[0], labels[1] = 1, 2
    with pytest.raises(ValueError, match=r"must hold the label 7. Got a mask of 0, 1, 2 instead"):
        as_mask(labels, "mask", "owner", value=7, must_hold=True)
    assert not as_mask(labels, "mask", "owner", value=7).any()
    # A mask without any label is one of a scan without anything.
    assert not as_mask(labels * 0, "mask", "owner", value=7, must_hold=True).any()

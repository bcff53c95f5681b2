"""Volumes in memory: values, affine, spacing, and what is refused."""

import pickle
import sys

import numpy as np
import pytest

import spars
from spars.volume.volume import as_volume


def test_a_volume_holds_float32_values_and_the_affines_spacing():
    affine = np.array([[0, -2, 0, 5], [3, 0, 0, 6], [0, 0, 4, 7], [0, 0, 0, 1.0]])
    volume = spars.Volume(np.arange(24, dtype=np.int16).reshape(2, 3, 4), affine)
    assert volume.shape == (2, 3, 4)
    assert volume.array.dtype == np.float32
    assert volume.array.flags.c_contiguous
    assert volume.spacing == (3.0, 2.0, 4.0)
    assert np.array_equal(volume.affine, affine)
    assert np.array_equal(np.asarray(volume), np.arange(24).reshape(2, 3, 4))
    assert repr(volume) == "<spars.Volume (2, 3, 4), spacing (3, 2, 4) mm>"


def test_a_float32_array_is_not_copied_and_cannot_be_written_through_the_volume():
    array = np.zeros((2, 3, 4), np.float32)
    volume = spars.Volume(array)
    assert np.shares_memory(volume.array, array)
    assert array.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        volume.array[0, 0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        volume.affine[0, 0] = 1


def test_fortran_order_becomes_c_order(rng):
    array = np.asfortranarray(rng.normal(size=(4, 3, 5)))
    volume = spars.Volume(array)
    assert volume.array.flags.c_contiguous
    assert np.array_equal(volume.array, array.astype(np.float32))


def test_nan_and_infinity_are_kept():
    array = np.array([np.nan, np.inf, -np.inf], np.float32).reshape(3, 1, 1)
    assert np.array_equal(spars.Volume(array).array, array, equal_nan=True)


def test_volumes_can_be_pickled(rng):
    volume = spars.Volume(rng.normal(size=(2, 3, 4)), np.diag([2, 3, 4, 1]))
    copy = pickle.loads(pickle.dumps(volume))
    assert np.array_equal(copy.array, volume.array)
    assert np.array_equal(copy.affine, volume.affine)


@pytest.mark.parametrize(
    ("array", "error"),
    [
        (np.zeros((2, 3)), ValueError),
        (np.zeros((2, 3, 4, 1)), ValueError),
        (np.zeros((0, 3, 4)), ValueError),
        (np.zeros((2, 3, 4), complex), TypeError),
        (np.full((2, 3, 4), "HU"), TypeError),
        (None, TypeError),
    ],
    ids=["two axes", "four axes", "empty", "complex", "text", "none"],
)
def test_arrays_that_are_no_scans_are_refused(array, error):
    with pytest.raises(error, match="'array"):
        spars.Volume(array)


@pytest.mark.parametrize(
    "affine",
    [
        np.eye(3),
        np.diag([1, 1, 0, 1]),
        np.full((4, 4), np.nan),
        np.diag([1, 1, 1, 2]),
        [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
    ],
    ids=["3 x 3", "zero column", "nan", "last row", "singular"],
)
def test_affines_that_place_nothing_are_refused(affine):
    with pytest.raises(ValueError, match="'affine'"):
        spars.Volume(np.zeros((2, 3, 4)), affine)


def test_as_volume_passes_volumes_and_wraps_arrays():
    volume = spars.Volume(np.zeros((2, 3, 4)))
    assert as_volume(volume) is volume
    assert np.array_equal(as_volume(np.zeros((2, 3, 4))).affine, np.eye(4))
    for other in ({"array": 1}, object(), len):
        with pytest.raises(
            TypeError, match="'volume' parameter of as_volume must be a Volume, a path"
        ):
            as_volume(other)


@pytest.mark.parametrize("name", ["scan.nrrd", "scan.mha", "series"])
def test_other_formats_name_the_extra_that_reads_them(tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    path = tmp_path / name
    if name == "series":
        path.mkdir()
    (path / "1.dcm" if name == "series" else path).write_bytes(b"NRRD0004\n")
    for read in (spars.load, spars.as_volume):
        with pytest.raises(
            ImportError, match=rf"Reading .*{name} needs SimpleITK.*spars\[images\]"
        ):
            read(path)
    with pytest.raises(FileNotFoundError):
        spars.load(tmp_path / "absent.mha")

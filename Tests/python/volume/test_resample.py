"""Resampling by PyTorch's index rules, and what becomes of dtypes and affines."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import FIXTURES

import spars

GOLDEN = json.loads((FIXTURES / "resize_golden.json").read_text())
DTYPES = ["bool", "uint8", "int16", "uint16", "int32", "int64", "float16", "float32", "float64"]


@pytest.mark.parametrize("name", [name for name in GOLDEN if name[0].isdigit()])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_nearest_indices_equal_pytorchs(name, axis):
    before, after = map(int, name.split("_"))
    shape = [1, 1, 1]
    shape[axis] = before
    indices = np.arange(before, dtype=np.int64).reshape(shape)
    shape[axis] = after
    assert spars.resample(indices, shape, "nearest").ravel().tolist() == GOLDEN[name]


@pytest.mark.parametrize(("key", "shape"), [("tri_out", (13, 6, 9)), ("tri_down", (3, 5, 2))])
def test_linear_equals_pytorch(key, shape):
    values = np.reshape(GOLDEN["tri_in"], (7, 5, 4))
    result = spars.resample(values, shape, "linear")
    assert np.allclose(result, np.reshape(GOLDEN[key], shape), rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_nearest_keeps_the_dtype_and_linear_gives_float32(rng, dtype):
    values = rng.integers(0, 2, (3, 4, 5)).astype(dtype)
    nearest = spars.resample(values, (6, 8, 10), "nearest")
    assert nearest.dtype == values.dtype
    assert np.array_equal(nearest, values.repeat(2, 0).repeat(2, 1).repeat(2, 2))
    assert spars.resample(values, (2, 2, 2), "linear").dtype == np.float32


def test_any_layout_of_memory(rng):
    values = rng.normal(size=(6, 5, 4))
    expected = spars.resample(values, (3, 7, 5), "nearest")
    for other in [np.asfortranarray(values), values.astype(">f8"), values.tolist()]:
        assert np.array_equal(spars.resample(other, (3, 7, 5), "nearest"), expected)


@settings(max_examples=40, deadline=None)
@given(
    before=st.tuples(*[st.integers(1, 12)] * 3),
    after=st.tuples(*[st.integers(1, 30)] * 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_linear_stays_between_the_extremes_and_keeps_planes(before, after, seed):
    values = np.random.default_rng(seed).normal(size=before).astype(np.float32)
    result = spars.resample(values, after, "linear")
    assert result.shape == after
    bound = 4 * np.spacing(np.abs(values).max())
    assert values.min() - bound <= result.min() <= result.max() <= values.max() + bound
    constant = np.full(before, 3, np.float32)
    assert np.allclose(spars.resample(constant, after, "linear"), 3, rtol=1e-6)


def test_the_same_bits_for_any_thread_count(rng):
    values = rng.normal(size=(33, 21, 17)).astype(np.float32)
    before = spars.thread_count()
    results = []
    try:
        for threads in (1, 2, 3, 7):
            spars.set_thread_count(threads)
            results.append(spars.resample(values, (40, 50, 60), "linear"))
    finally:
        spars.set_thread_count(before)
    assert all(np.array_equal(result, results[0]) for result in results)


@pytest.mark.parametrize(
    ("values", "shape", "interpolation", "error", "match"),
    [
        (np.zeros((2, 2)), (2, 2, 2), "nearest", ValueError, "'array'"),
        (np.zeros((0, 2, 2)), (2, 2, 2), "nearest", ValueError, "'array.shape'"),
        (np.zeros((2, 2, 2), complex), (2, 2, 2), "nearest", TypeError, "'array'"),
        (np.zeros((2, 2, 2)), (2, 2), "nearest", ValueError, "'shape'"),
        (np.zeros((2, 2, 2)), (2, 0, 2), "linear", ValueError, "'shape'"),
        (np.zeros((2, 2, 2)), (2.5, 2, 2), "linear", TypeError, "'shape'"),
        (np.zeros((2, 2, 2)), (1, 1, 2**20 + 1), "linear", ValueError, "'shape'"),
        (np.zeros((2, 2, 2)), (2, 2, 2), "cubic", ValueError, "'interpolation'"),
        (np.zeros((2, 2, 2)), (2, 2, 2), 1, TypeError, "'interpolation'"),
    ],
)
def test_what_is_refused(values, shape, interpolation, error, match):
    with pytest.raises(error, match=match):
        spars.resample(values, shape, interpolation)


def test_a_resampled_volume_fills_the_same_box(rng):
    affine = np.array([[0, -2, 0, 5], [3, 0, 0, 6], [0, 0, 4, 7], [0, 0, 0, 1.0]])
    volume = spars.Volume(rng.normal(size=(10, 7, 4)), affine)
    small = volume.resampled((5, 21, 9), "nearest")
    assert np.allclose(small.spacing, np.divide(volume.spacing, (0.5, 3, 9 / 4)))
    for corner in [(0, 0, 0), (1, 1, 1), (1, 0, 1)]:
        before, after = (
            each.affine @ [*(np.multiply(corner, each.shape) - 0.5), 1] for each in (volume, small)
        )
        assert np.allclose(before, after)

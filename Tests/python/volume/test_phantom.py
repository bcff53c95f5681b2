"""Phantoms through the whole stack."""

import numpy as np
import pytest

import spars
from spars.volume.phantom import Phantom

SMALL = {"shape": (48, 44, 40), "spacing": (7.0, 7.0, 6.0)}


@pytest.fixture(scope="module")
def small():
    return spars.phantom(3, **SMALL)


def test_a_phantom_is_a_scan_with_its_truth(small):
    assert isinstance(small, Phantom)
    assert isinstance(small.volume, spars.Volume)
    assert small.volume.shape == (48, 44, 40)
    assert small.volume.spacing == (7.0, 7.0, 6.0)
    hu = small.volume.array
    assert hu.dtype == np.float32
    assert np.array_equal(hu, np.round(hu))
    assert hu.min() >= -1024
    assert hu.max() <= 3071
    for mask in (small.liver, small.tumour):
        assert mask.dtype == np.uint8
        assert mask.shape == small.volume.shape
        assert set(np.unique(mask)) == {0, 1}
    assert small.has_tumour
    assert np.all(small.liver[small.tumour == 1] == 1)
    assert np.array_equal(small.labels, small.liver + small.tumour)


def test_tumour_centres_are_voxel_coordinates(small):
    for tumour in small.tumours:
        x, y, z = (round(c) for c in tumour["centre"])
        assert small.tumour[x - 1 : x + 2, y - 1 : y + 2, z - 1 : z + 2].any()


def test_the_middle_of_the_view_is_the_origin_of_space(small):
    middle = (np.array(small.volume.shape) - 1) / 2
    assert np.allclose(small.volume.affine @ [*middle, 1], [0, 0, 0, 1])
    # To the patient's left, back and head: against NIfTI's first two axes, along the third.
    assert np.array_equal(np.sign(np.diag(small.volume.affine)), [-1, -1, 1, 1])


def test_the_same_seed_gives_the_same_bits_and_another_another():
    first, again, other = (spars.phantom(seed, **SMALL) for seed in (5, 5, 6))
    assert np.array_equal(first.volume.array, again.volume.array)
    assert np.array_equal(first.tissue, again.tissue)
    assert not np.array_equal(first.volume.array, other.volume.array)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_healthy_twin_differs_only_where_the_tumours_are(seed):
    ill = spars.phantom(seed, noise=0.0, **SMALL)
    healthy = spars.phantom(seed, noise=0.0, has_tumour=False, **SMALL)
    assert not healthy.has_tumour
    assert healthy.tumours == []
    assert not healthy.tumour.any()
    assert np.array_equal(ill.liver, healthy.liver)
    assert np.array_equal(ill.tissue[ill.tumour == 0], healthy.tissue[ill.tumour == 0])


def test_the_default_view_shows_the_trunk():
    small = spars.phantom(1, shape=(64, 64, 48))
    assert small.volume.spacing == (340 / 64, 340 / 64, 5.0)
    # Air at the sides of the view, the trunk in its middle.
    assert np.median(small.volume.array[[0, -1]]) < -900
    assert np.median(small.volume.array[24:40, 24:40]) > -150


def _near(mask, reach, edge):
    """Return which voxels lie within `reach` mm of a mask's, centre to centre."""
    count = int(reach / edge)
    steps = np.stack(np.meshgrid(*[np.arange(-count, count + 1)] * 3, indexing="ij"), -1)
    steps = steps.reshape(-1, 3)
    found = np.zeros_like(mask)
    for step in steps[np.linalg.norm(steps * edge, axis=1) <= reach]:
        found |= np.roll(mask, step, (0, 1, 2))
    return found


@pytest.mark.parametrize("seed", [0, 4])
def test_a_varied_liver_is_the_same_patients(seed):
    edge = 3.5
    options = {"shape": (96, 80, 64), "spacing": (edge,) * 3}
    even, varied = (spars.phantom(seed, varied=varied, **options) for varied in (False, True))
    np.testing.assert_array_equal(even.drawn_liver, even.liver)
    np.testing.assert_array_equal(even.tissue, varied.tissue)
    assert even.tumours == varied.tumours
    liver = varied.liver != 0
    # Outside the liver, and what its border voxels share with it, not a value is another.
    changed = even.volume.array != varied.volume.array
    assert not (changed & ~_near(liver, edge * 1.01, edge)).any()
    assert changed[liver].mean() > 0.5
    # The drawn border is off, but not by more than 4 mm and half a voxel. Other organs that fill a
    # part of the liver's shape are drawn with it, however deep.
    off = (varied.drawn_liver != varied.liver) & (
        varied.mask("kidney", "gallbladder", "vessel") == 0
    )
    reach = 4 + edge / 2
    border = _near(liver, reach, edge) & _near(~liver, reach, edge)
    assert off.sum() > 0.03 * liver.sum()
    assert (off & ~border).sum() < 0.005 * off.sum()
    assert varied.drawn_liver[varied.tumour != 0].all()


def test_masks_by_name(small):
    assert np.array_equal(small.mask("tumour"), small.tumour)
    assert small.mask("kidney", "spleen").sum() == sum(
        small.mask(name).sum() for name in ("kidney", "spleen")
    )
    with pytest.raises(ValueError, match="'names' parameter of Phantom.mask"):
        small.mask("appendix")


@pytest.mark.parametrize(
    ("arguments", "error", "name"),
    [
        ({"seed": -1}, ValueError, "seed"),
        ({"seed": 2**64}, ValueError, "seed"),
        ({"seed": 1.5}, TypeError, "seed"),
        ({"shape": (7, 16, 16)}, ValueError, "shape"),
        ({"shape": (16, 16, 1025)}, ValueError, "shape"),
        ({"shape": (16, 16)}, ValueError, "shape"),
        ({"shape": 16}, TypeError, "shape"),
        ({"spacing": (1.0, 1.0)}, ValueError, "spacing"),
        ({"spacing": (1.0, 1.0, 0.0)}, ValueError, "spacing"),
        ({"spacing": (1.0, 1.0, float("nan"))}, ValueError, "spacing"),
        ({"spacing": 2.0}, ValueError, "spacing"),
        ({"has_tumour": 1}, TypeError, "has_tumour"),
        ({"noise": -1.0}, ValueError, "noise"),
        ({"noise": float("inf")}, ValueError, "noise"),
        ({"tumour_count": 0}, ValueError, "tumour_count"),
        ({"tumour_count": 5}, ValueError, "tumour_count"),
        ({"tumour_contrast": -201.0}, ValueError, "tumour_contrast"),
        ({"tumour_radius": 0.0}, ValueError, "tumour_radius"),
        ({"tumour_radius": "large"}, TypeError, "tumour_radius"),
        ({"progress": 3}, TypeError, "progress"),
        ({"shape": (8, 8, 8), "spacing": (1.0, 1.0, 1.0)}, ValueError, "shape"),
    ],
)
def test_what_is_refused_is_named(arguments, error, name):
    with pytest.raises(error, match=f"'{name}'"):
        spars.phantom(**arguments)


def test_an_exception_in_progress_stops_the_call():
    class Stop(Exception):
        pass

    def progress(done, planned):
        raise Stop

    with pytest.raises(Stop):
        spars.phantom(0, shape=(96, 96, 64), progress=progress)

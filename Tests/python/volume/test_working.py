"""An organ on a working grid: against plain sums, in every storage order, and back on the scan."""

import itertools

import numpy as np
import pytest

import spars

ORDERS = list(itertools.permutations(range(3)))
FLIPS = list(itertools.product([False, True], repeat=3))


def affine_of(spacing, origin=(0.0, 0.0, 0.0)):
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = origin
    return affine


def blob(shape, rng):
    """Return HU and a ragged organ that is not empty."""
    places = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij"))
    organ = (np.sum(places**2, axis=0) + 0.2 * rng.normal(size=shape)) < 0.6
    organ[tuple(n // 2 for n in shape)] = True
    return rng.normal(100, 30, shape).astype(np.float32), organ.astype(np.uint8)


def kernels(count, edge, step, places):
    """Return the triangle weights (places, count), whose full sums are 1."""
    centres = (np.arange(places) + 0.5) * step / edge - 0.5
    reach = max(1.0, step / edge)
    far = int(np.ceil(reach)) + 2
    wide = np.arange(-far, count + far + int(np.ceil(step / edge)))
    weights = np.clip(1 - np.abs(wide[None] - centres[:, None]) / reach, 0, None)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights[:, far : far + count]


def twin(values, organ, edges, step, margin, outside):
    """Return working HU, mask and shares in plain float64, of a scan in canonical order."""
    places = np.argwhere(organ)
    box = tuple(slice(a, b + 1) for a, b in zip(places.min(0), places.max(0), strict=True))
    pad = [int(np.ceil(margin / edge - 1e-6)) for edge in edges]
    inside = np.pad(organ[box].astype(float), [(n, n) for n in pad])
    masked = np.pad(np.where(organ[box], values[box], 0.0).astype(float), [(n, n) for n in pad])
    counts = [
        max(1, int(np.ceil(n * edge / step - 1e-6)))
        for n, edge in zip(inside.shape, edges, strict=True)
    ]
    for axis in range(3):
        weights = kernels(inside.shape[axis], edges[axis], step, counts[axis])
        inside = np.moveaxis(np.tensordot(weights, inside, (1, axis)), 0, axis)
        masked = np.moveaxis(np.tensordot(weights, masked, (1, axis)), 0, axis)
    mask = inside > 0.5
    return np.where(mask, masked / np.where(mask, inside, 1), outside), mask, inside


def stored(array, axes, flips):
    """Return an array stored in another order: its axis i is axis axes[i], reversed by flips[i]."""
    turned = array.transpose(axes)
    turned = turned[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    return np.ascontiguousarray(turned)


def stored_affine(affine, shape, axes, flips):
    """Return the affine of `stored`."""
    change = np.zeros((4, 4))
    change[3, 3] = 1
    for i, (axis, flip) in enumerate(zip(axes, flips, strict=True)):
        change[axis, i] = -1 if flip else 1
        change[axis, 3] = shape[axis] - 1 if flip else 0
    return affine @ change


@pytest.mark.parametrize(
    ("shape", "edges", "step", "margin"),
    [
        ((23, 31, 17), (0.7, 0.8, 1.6), 1.5, 12.0),
        ((9, 12, 40), (5.0, 5.0, 0.7), 1.5, 4.0),
        ((14, 10, 8), (1.5, 1.5, 1.5), 1.5, 0.0),
        ((14, 11, 7), (0.9, 3.3, 5.0), 4.0, 7.0),
        ((6, 5, 1), (1.0, 1.0, 5.0), 50.0, 3.0),
        ((3, 4, 2), (1.0, 2.0, 1.3), 0.3, 1.0),
    ],
)
def test_the_grid_holds_means_over_the_organ_alone(shape, edges, step, margin, rng):
    values, organ = blob(shape, rng)
    # What lies outside is not read.
    spoiled = np.where(organ, values, np.where(rng.random(shape) < 0.5, np.nan, np.inf))
    made = spars.working_scan(
        spars.Volume(spoiled, affine_of(edges)), organ, step, margin, outside=-500.0
    )
    expected, mask, share = twin(values, organ, edges, step, margin, -500.0)
    assert made.volume.shape == made.organ.shape == expected.shape
    assert made.organ.dtype == np.uint8
    # In float32 a share of one half falls on either side.
    sure = np.abs(share - 0.5) > 1e-5
    assert np.array_equal(made.organ[sure] != 0, mask[sure])
    both = sure & mask
    assert np.abs(made.volume.array - expected)[both].max(initial=0) < 2e-3
    assert (made.volume.array[made.organ == 0] == -500).all()


def test_the_same_spacing_keeps_the_scan_as_it_is(rng):
    values, organ = blob((9, 8, 7), rng)
    made = spars.working_scan(spars.Volume(values), organ, 1.0, 2.0)
    low = np.argwhere(organ).min(0) - 2
    assert np.array_equal(made.volume.affine[:3, 3], low)
    for place in np.argwhere(made.organ):
        assert made.volume.array[tuple(place)] == values[tuple(place + low)]
    assert made.organ.sum() == organ.sum()


@pytest.mark.parametrize("axes", ORDERS)
@pytest.mark.parametrize("flips", FLIPS)
def test_every_storage_order_gives_the_same_voxels(axes, flips, rng):
    shape, edges = (17, 13, 9), (0.8, 1.1, 2.5)
    values, organ = blob(shape, rng)
    turn, _ = np.linalg.qr(np.eye(3) + 0.15 * rng.normal(size=(3, 3)))
    turn *= np.sign(np.diag(turn))
    affine = affine_of(edges, (7.0, -30.0, 12.0))
    affine[:3, :3] = turn @ affine[:3, :3]
    first = spars.working_scan(spars.Volume(values, affine), organ, 1.5)
    made = spars.working_scan(
        spars.Volume(stored(values, axes, flips), stored_affine(affine, shape, axes, flips)),
        stored(organ, axes, flips),
        1.5,
    )
    assert made.volume.array.tobytes() == first.volume.array.tobytes()
    assert np.array_equal(made.organ, first.organ)
    assert np.allclose(made.volume.affine, first.volume.affine, atol=1e-9)
    assert np.allclose(made.volume.spacing, 1.5)
    numbers = rng.normal(size=first.volume.shape).astype(np.float32)
    assert np.array_equal(made.to_scan(numbers), stored(first.to_scan(numbers), axes, flips))


def test_the_affine_places_the_grid_and_maps_come_back_to_the_same_place(rng):
    shape = (20, 16, 12)
    _, organ = blob(shape, rng)
    turn, _ = np.linalg.qr(np.eye(3) + 0.2 * rng.normal(size=(3, 3)))
    turn *= np.sign(np.diag(turn))
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([-0.9, 1.2, -2.0])
    affine[:3, 3] = (5, 6, 7)
    made = spars.working_scan(spars.Volume(np.zeros(shape), affine), organ, 1.5)

    def heights(affine, shape):
        places = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), -1)
        return (places @ affine[:3, :3].T + affine[:3, 3]) @ np.array([0.3, -1.0, 0.7])

    back = made.to_scan(heights(made.volume.affine, made.volume.shape))
    # Linear interpolation keeps a linear function, wherever the margin reaches.
    assert np.abs(back - heights(affine, shape))[organ != 0].max() < 1e-4


def test_a_map_is_zero_beyond_the_grid_and_repeats_its_edge_voxels():
    organ = np.zeros((30, 3, 3), np.uint8)
    organ[10:13] = 1
    made = spars.working_scan(np.zeros(organ.shape), organ, 2.0, 4.0)
    assert made.volume.shape == (6, 6, 6)
    ramp = np.broadcast_to(np.arange(6.0)[:, None, None], (6, 6, 6))
    back = made.to_scan(ramp)
    # The grid covers voxels 6 to 17 along x, all of the others.
    expected = np.zeros(30)
    expected[6:18] = np.clip((np.arange(12) + 0.5) / 2 - 0.5, 0, 5)
    assert np.allclose(back, expected[:, None, None])


def test_an_organ_of_one_voxel_in_the_corner(rng):
    values = rng.normal(size=(4, 4, 3)).astype(np.float32)
    organ = np.zeros(values.shape, np.uint8)
    organ[0, 3, 2] = 1
    made = spars.working_scan(spars.Volume(values, affine_of((2, 2, 5))), organ, 1.0, 12.0)
    assert made.volume.shape == (26, 26, 35)
    assert made.organ.any()
    assert np.allclose(made.volume.array[made.organ != 0], values[0, 3, 2])
    back = made.to_scan(made.organ)
    assert np.array_equal(back > 0.5, organ != 0)


def test_the_same_bits_for_any_number_of_threads(rng):
    values, organ = blob((40, 33, 29), rng)
    scan = spars.Volume(values, affine_of((0.7, 0.7, 1.6)))
    before = spars.thread_count()
    found = []
    try:
        for count in (1, 2, 3, 7):
            spars.set_thread_count(count)
            made = spars.working_scan(scan, organ)
            back = made.to_scan(made.volume.array)
            found.append((made.volume.array.tobytes(), made.organ.tobytes(), back.tobytes()))
    finally:
        spars.set_thread_count(before)
    assert len(set(found)) == 1


def test_what_it_refuses(rng):
    values, organ = blob((8, 7, 6), rng)
    with pytest.raises(ValueError, match="must be a mask with a voxel of the organ. Got 'none'"):
        spars.working_scan(values, np.zeros_like(organ))
    with pytest.raises(ValueError, match=r"'organ' .* scan's shape \(8, 7, 6\)"):
        spars.working_scan(values, organ[1:])
    for spacing in (0.09, 50.1, np.nan):
        with pytest.raises(ValueError, match=r"'spacing' .* in the range \[0.1, 50.0\]. Got"):
            spars.working_scan(values, organ, spacing)
    with pytest.raises(TypeError, match="'spacing'"):
        spars.working_scan(values, organ, "1.5")
    with pytest.raises(ValueError, match=r"'margin' .* \[0.0, 500.0\]. Got -1"):
        spars.working_scan(values, organ, margin=-1)
    with pytest.raises(ValueError, match="'outside'"):
        spars.working_scan(values, organ, outside=np.inf)
    with pytest.raises(ValueError, match=r"'spacing' .* three floats in the range \[0.1, 50.0\]"):
        spars.working_scan(spars.Volume(values, affine_of((0.05, 1, 1))), organ)
    with pytest.raises(ValueError, match="a grid of at most 1073741824 voxels. Got 0.1 mm"):
        spars.working_scan(values, organ, 0.1, 500.0)
    made = spars.working_scan(values, organ)
    with pytest.raises(ValueError, match="'map' parameter of to_scan"):
        made.to_scan(np.zeros((2, 2, 2)))
    with pytest.raises(spars.NonFiniteError, match="'map' parameter of to_scan"):
        made.to_scan(np.full(made.volume.shape, np.nan))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_named_in_the_scan_as_stored(bad, rng):
    values, organ = blob((8, 7, 6), rng)
    place = tuple(int(i) for i in np.argwhere(organ)[5])
    values[place] = bad
    affine = np.array([[0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0], [0, 0, 0, 1.0]])
    with pytest.raises(spars.NonFiniteError, match=rf"Got {bad} at \({place[0]}, {place[1]}, "):
        spars.working_scan(spars.Volume(values, affine), organ)

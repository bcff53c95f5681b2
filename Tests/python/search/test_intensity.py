"""The rival that needs no training: against plain NumPy, and what it refuses."""

import numpy as np
import pytest

import spars


def smoothed(values, organ, deviation):
    """Return the Gaussian mean over the organ's voxels within three deviations an axis."""
    reach = int(np.ceil(3 * deviation))
    taps = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * deviation**2))
    sums, weights = np.where(organ, values, 0.0), organ.astype(float)
    for axis in range(3):
        sums, weights = (
            np.apply_along_axis(_convolved, axis, array, taps) for array in (sums, weights)
        )
    return np.divide(sums, weights, where=organ, out=np.zeros_like(sums))


def _convolved(line, taps):
    return np.convolve(np.pad(line, len(taps) // 2), taps, "valid")


def shifted(mask, axis, by):
    """Return a mask moved by a voxel along an axis; what comes in is empty."""
    moved = np.roll(mask, by, axis)
    moved[(slice(None),) * axis + (0 if by > 0 else -1,)] = False
    return moved


def neighbours(mask):
    return [shifted(mask, axis, by) for axis in range(3) for by in (-1, 1)]


def opened(mask, times):
    for _ in range(times):
        mask = np.logical_and.reduce([mask, *neighbours(mask)])
    for _ in range(times):
        mask = np.logical_or.reduce([mask, *neighbours(mask)])
    return mask


def far(organ, step, edge):
    """Return which voxels of an organ are more than `edge` mm from every one outside."""
    reach = int(edge / step) + 1
    wide = np.pad(organ, reach)
    near = np.zeros(wide.shape, bool)
    for move in np.argwhere(np.ones((2 * reach + 1,) * 3)) - reach:
        if np.linalg.norm(move * step) <= edge:
            near |= np.roll(~wide, move, (0, 1, 2))
    return (wide & ~near)[(slice(reach, -reach),) * 3]


def twin(scan, organ, spacing, below, sigma, edge, opening):
    working = spars.working_scan(scan, organ, spacing)
    inside = working.organ != 0
    level = spars.lesions.organ_level(working.volume, working.organ).level
    values = working.volume.array
    if sigma:
        values = smoothed(values, inside, sigma / spacing)
    dark = inside & (values < level - below) & far(inside, spacing, edge)
    return (working.to_scan(opened(dark, opening)) > 0.5) & (organ != 0)


@pytest.fixture
def case(rng):
    """An organ with two dark balls, one of them at its border, and noise."""
    shape = (52, 48, 24)
    affine = np.diag([-0.8, 0.8, 1.7, 1.0])
    x, y, z = (
        np.arange(n).reshape([-1 if i == axis else 1 for i in range(3)]) * edge
        for axis, (n, edge) in enumerate(zip(shape, (0.8, 0.8, 1.7), strict=True))
    )
    organ = ((x - 21) / 19) ** 2 + ((y - 19) / 17) ** 2 + ((z - 20) / 17) ** 2 < 1
    dark = (x - 26) ** 2 + (y - 20) ** 2 + (z - 20) ** 2 < 36
    dark = dark | ((x - 4) ** 2 + (y - 19) ** 2 + (z - 20) ** 2 < 20)
    values = np.where(organ, 105.0, -80.0) - 45.0 * dark + rng.normal(0, 12, shape)
    return spars.Volume(values, affine), organ.astype(np.uint8), dark & organ


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"spacing": 2.0, "below": 15.0, "sigma": 3.0, "edge": 5.0, "opening": 2},
        {"spacing": 1.2, "sigma": 0.0, "edge": 0.0, "opening": 0},
    ],
    ids=str,
)
def test_it_is_the_plain_rule(case, options):
    scan, organ, _ = case
    given = {"spacing": 1.5, "below": 20.0, "sigma": 2.0, "edge": 3.0, "opening": 1} | options
    found = spars.intensity_mask(scan, organ, **options)
    expected = twin(scan, organ, **given)
    assert found.dtype == np.uint8
    assert found.any()
    # Where float32 and float64 smooth to either side of the limit, a voxel may differ.
    assert np.count_nonzero((found != 0) != expected) <= 0.002 * expected.sum()


def test_it_finds_a_dark_ball_and_nothing_in_an_even_organ(case, rng):
    scan, organ, dark = case
    found = spars.intensity_mask(scan, organ)
    inner = dark.copy()
    inner[:15] = False
    assert spars.metrics.dice(found, inner.astype(np.uint8)) > 0.75
    even = spars.Volume(rng.normal(100, 12, organ.shape), scan.affine)
    assert not spars.intensity_mask(even, organ).any()


def test_values_outside_the_organ_do_not_matter(case):
    scan, organ, _ = case
    other = spars.Volume(np.where(organ != 0, scan.array, np.nan), scan.affine)
    assert np.array_equal(spars.intensity_mask(other, organ), spars.intensity_mask(scan, organ))


def test_the_same_bits_for_any_number_of_threads(case):
    scan, organ, _ = case
    before = spars.thread_count()
    found = []
    try:
        for count in (1, 2, 3, 7):
            spars.set_thread_count(count)
            found.append(spars.intensity_mask(scan, organ, sigma=1.5).tobytes())
    finally:
        spars.set_thread_count(before)
    assert len(set(found)) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"below": -1.0}, r"'below' parameter of intensity_mask .* \[0.0, 1000.0\]. Got -1"),
        ({"sigma": 21.0}, r"'sigma' .* \[0.0, 20.0\]. Got 21"),
        ({"edge": np.nan}, "'edge'"),
        ({"opening": 11}, r"'opening' .* \[0, 10\]. Got 11"),
        ({"spacing": 0.0}, "'spacing'"),
        ({"spacing": 12.0}, "'organ' .* at least 64 voxels of the working grid. Got"),
    ],
)
def test_what_it_refuses(case, options, message):
    scan, organ, _ = case
    with pytest.raises(ValueError, match=message):
        spars.intensity_mask(scan, organ, **options)
    with pytest.raises(ValueError, match="'organ' .* must have the scan's shape"):
        spars.intensity_mask(scan, organ[1:])
    with pytest.raises(TypeError, match="'opening'"):
        spars.intensity_mask(scan, organ, opening=1.0)

"""Maps that run linearly between the middles of windows."""

import numpy as np

import spars


def plain(atlas):
    """The same, one axis after the other, by NumPy's own interpolation."""
    values = atlas.scores.astype(np.float64)
    for axis in range(3):
        middles = atlas.axes[axis] + atlas.window[axis] / 2
        places = np.arange(atlas.grid[axis]) + 0.5
        values = np.apply_along_axis(
            lambda line, at=places, known=middles: np.interp(at, known, line), axis, values
        )
    return values


def test_it_is_interpolation_along_each_axis(rng):
    for axes in (
        ([0, 4, 8, 12], [0, 4, 8], [0, 4]),
        ([0, 3, 4, 11], [2], [1, 5, 6]),
    ):
        shape = tuple(len(axis) for axis in axes)
        atlas = spars.ScoreAtlas(rng.random(shape), axes, (5, 4, 6), (20, 13, 15))
        np.testing.assert_allclose(atlas.interpolated_map(), plain(atlas), atol=1e-6)


def test_on_a_lattice_it_is_trilinear_enlargement(rng):
    scores = rng.random((5, 4, 3)).astype(np.float32)
    axes = [4 * np.arange(count) for count in scores.shape]
    atlas = spars.ScoreAtlas(scores, axes, (8, 8, 8), (24, 20, 16))
    enlarged = spars.resample(scores, tuple(4 * count for count in scores.shape))
    inside = atlas.interpolated_map()[2:-2, 2:-2, 2:-2]
    np.testing.assert_allclose(inside, enlarged, atol=1e-6)


def test_windows_off_the_region_score_0_unasked(rng):
    volume = rng.random((24, 20, 16)).astype(np.float32)
    region = np.zeros(volume.shape, np.uint8)
    region[9:12, 9:12, 7:9] = 1
    asked = []

    def scorer(crops):
        asked.append(len(crops))
        return np.full(len(crops), 0.5, np.float32)

    part = (4, 4, 4)
    atlas = spars.ScoreAtlas.compute(
        volume, scorer, (8, 8, 8), grid=volume.shape, stride=4, region=region,
        scan_frame="native", credited_part=part,
    )  # fmt: skip
    meets = np.zeros(atlas.scores.shape, bool)
    for place in np.ndindex(meets.shape):
        low = atlas.origins[place] + 2
        meets[place] = region[tuple(slice(a, a + 4) for a in low)].any()
    np.testing.assert_array_equal(atlas.scores, np.where(meets, 0.5, 0.0))
    assert sum(asked) == meets.sum()

"""No voxel is left out where the stride does not end at the border."""

import numpy as np
import pytest

import spars


def ones(crops):
    return np.ones(len(crops))


@pytest.mark.parametrize(("n", "window", "stride"), [(47, 16, 8), (51, 16, 4), (33, 16, 16)])
def test_every_voxel_is_in_a_window_of_an_exhaustive_search(n, window, stride, rng):
    scan = rng.normal(0, 50, (n, n - 1, n)).astype(np.float32)
    options = {"method": "exhaustive", "window": (window,) * 3, "grid": None, "stride": stride}
    found = spars.segment(scan, ones, **options)
    assert (found.score_map == 1).all()
    axes = [np.unique(found.run.windows[:, axis]) for axis in range(3)]
    for axis, length in zip(axes, scan.shape, strict=True):
        assert axis[0] == 0
        assert axis[-1] == length - window
        assert set(np.diff(axis)[:-1].tolist()) <= {stride}
        assert axis[-1] - axis[-2] <= stride
    curve = found.run.coverage()
    assert curve.seen[-1] == 1
    assert curve.places == len(found.run.windows)


def test_an_atlas_has_the_edge_and_games_on_it_stay_on_their_lattice(rng):
    scan = rng.normal(0, 50, (21, 18, 15)).astype(np.float32)

    def bright(crops):
        return 1 / (1 + np.exp(-crops.mean(axis=(1, 2, 3)) / 20))

    window = (8, 8, 8)
    whole = spars.ScoreAtlas.compute(scan, bright, window)
    plain = spars.ScoreAtlas.compute(scan, bright, window, covers_edge=False)
    assert whole.covers_edge
    assert not plain.covers_edge
    assert [axis.tolist() for axis in whole.axes] == [
        [0, 4, 8, 12, 13], [0, 4, 8, 10], [0, 4, 7],
    ]  # fmt: skip
    assert [axis.tolist() for axis in plain.axes] == [[0, 4, 8, 12], [0, 4, 8], [0, 4]]
    np.testing.assert_array_equal(whole.scores[:4, :3, :2], plain.scores)
    classifier = spars.Classifier((108, 108, 108), seed=1)
    by_network = spars.ScoreAtlas.compute(scan, classifier, window)
    np.testing.assert_array_equal(
        by_network.scores.ravel(), classifier.score(scan, by_network.origins.reshape(-1, 3), window)
    )
    assert spars.ScoreAtlas.forecast(scan, classifier, window).windows == whole.scores.size
    # Games walk in strides whatever the atlas knows.
    options = {"iterations": 2, "n_steps": 16, "window": window, "grid": scan.shape, "seed": 1}
    runs = [spars.self_play(scan, atlas, **options) for atlas in (whole, plain, bright)]
    for run in runs[1:]:
        np.testing.assert_array_equal(run.windows, runs[0].windows)
        np.testing.assert_array_equal(run.score_map, runs[0].score_map)
    assert (runs[0].windows % 4 == 0).all()
    for run in runs:
        assert run.coverage(whole).places == run.coverage().places == plain.scores.size
    found = {
        name: spars.baselines.exhaustive(scan, atlas, window=window)
        for name, atlas in (("whole", whole), ("plain", plain), ("function", bright))
    }
    np.testing.assert_array_equal(found["whole"].score_map, found["function"].score_map)
    assert (found["plain"].score_map[-1] == 0).all()
    assert (found["whole"].score_map > 0).all()
    with pytest.raises(TypeError, match="'covers_edge'"):
        spars.ScoreAtlas.compute(scan, bright, window, covers_edge=1)


def test_the_released_lattice_is_as_it_was(rng):
    scan = rng.normal(0, 50, (21, 18, 15)).astype(np.float32)
    options = {"protocol": "published", "window": (8, 8, 8), "grid": scan.shape}
    for covers_edge in (True, False):
        atlas = spars.ScoreAtlas.compute(
            scan, lambda crops: np.ones(len(crops)), covers_edge=covers_edge, **options
        )
        # Clamped to 1 and to one short of the border: docs/explanation/fidelity.md, D7.
        assert [axis.tolist() for axis in atlas.axes] == [
            [1, 2, 6, 10, 12], [1, 5, 9], [1, 3, 6],
        ]  # fmt: skip

"""One scan, stored in any order: the same places get the same scores."""

import itertools

import numpy as np
import pytest

import spars
from spars.volume.orientation import Turn, turn_of, turn_to

GRID, WINDOW = (20, 16, 12), (8, 6, 4)


def bright(crops):
    """Score a window by where in it is bright, so that turned windows score differently."""
    weights = np.arange(np.prod(crops.shape[1:])).reshape(crops.shape[1:])
    return 1 / (1 + np.exp(-(crops * weights).mean(axis=(1, 2, 3)) / weights.mean() / 20))


def orders():
    """Every way to store a scan: six orders of axes, each axis either way."""
    for axes in itertools.permutations(range(3)):
        for flips in itertools.product((False, True), repeat=3):
            yield Turn(axes, flips)


def stored(volume, turn):
    """Return the same scan stored in another order."""
    array = turn.turned(volume.array)
    step = np.zeros((4, 4))
    step[3, 3] = 1
    for axis, (source, flip) in enumerate(zip(turn.axes, turn.flips, strict=True)):
        step[source, axis] = -1 if flip else 1
        step[source, 3] = volume.shape[source] - 1 if flip else 0
    return spars.Volume(np.ascontiguousarray(array), volume.affine @ step)


@pytest.fixture
def scan(rng):
    tilt = np.linalg.qr(np.eye(3) + 0.1 * rng.normal(size=(3, 3)))[0]
    affine = np.eye(4)
    affine[:3, :3] = tilt * np.sign(np.diag(tilt)) * [-0.8, -0.9, 2.5]
    affine[:3, 3] = rng.normal(size=3) * 50
    return spars.Volume(rng.normal(0, 100, (24, 20, 14)), affine)


def test_a_turn_is_what_it_says(scan):
    turn = turn_of(scan, "LPS")
    assert turn == Turn()
    for order in orders():
        other = stored(scan, order)
        back = turn_of(other, "LPS")
        assert back.shape(other.shape) == scan.shape
        np.testing.assert_array_equal(back.turned(other.array), scan.array)
        voxel = (1, 2, 3)
        assert scan.array[back.voxel(voxel, other.shape)] == other.array[voxel]
        np.testing.assert_allclose(
            other.affine @ [*voxel, 1], scan.affine @ [*back.voxel(voxel, other.shape), 1]
        )
        assert turn_of(other, "stored") == Turn()
        assert turn_to(other.affine).shape(other.shape) == scan.shape
    assert turn_of(spars.Volume(scan.array), "LPS") == Turn()


@pytest.mark.parametrize(
    "options",
    [
        {"method": "exhaustive", "grid": GRID},
        {"method": "exhaustive", "grid": None, "stride": 3},
        {"method": "random_walk", "grid": GRID, "iterations": 2, "n_steps": 8},
        {"method": "self_play", "grid": GRID, "iterations": 2, "n_steps": 8},
        {"method": "exhaustive", "grid": None, "isolated": True},
    ],
)
def test_the_same_places_get_the_same_scores(scan, options):
    organ = np.zeros(scan.shape, np.uint8)
    organ[3:19, 2:17, 1:12] = 1
    wanted = spars.segment(scan, bright, window=WINDOW, region=organ, **options)
    assert np.ptp(wanted.score_map) > 0
    for order in list(orders())[5::6]:
        other = stored(scan, order)
        region = np.ascontiguousarray(order.turned(organ))
        found = spars.segment(other, bright, window=WINDOW, region=region, **options)
        np.testing.assert_array_equal(found.score_map, order.turned(wanted.score_map))
        np.testing.assert_array_equal(found.mask, order.turned(wanted.mask))
        voxel = (7, 6, 5)
        here = turn_of(other, "LPS").voxel(voxel, other.shape)
        assert found.why(*voxel) == wanted.why(*here)
        # As released: whatever order the file has.
        released = spars.Protocol.paper().with_switches(orientation="stored")
        if order.axes == (0, 1, 2) and order.flips[0]:
            found = spars.segment(
                other, bright, window=WINDOW, region=region, protocol=released, **options
            )
            assert (found.score_map != order.turned(wanted.score_map)).any()


def test_a_reference_is_turned_with_its_scan(scan):
    reference = scan.array > 60
    options = {"window": WINDOW, "grid": GRID, "iterations": 2, "n_steps": 8}
    wanted = spars.self_play(scan, bright, reference=reference, **options)
    order = Turn((1, 2, 0), (True, False, True))
    other = stored(scan, order)
    found = spars.self_play(other, bright, reference=order.turned(reference), **options)
    np.testing.assert_array_equal(found.dice, wanted.dice)
    np.testing.assert_array_equal(found.score_map, wanted.score_map)


def test_an_atlas_of_any_order_serves_any_other(scan):
    order = Turn((2, 0, 1), (True, True, False))
    other = stored(scan, order)
    organ = np.zeros(scan.shape, np.uint8)
    organ[12:19, 8:17, 6:12] = 1
    switches = {"scan_frame": "native", "stride": 3}
    first = spars.ScoreAtlas.compute(scan, bright, WINDOW, region=organ, **switches)
    second = spars.ScoreAtlas.compute(other, bright, WINDOW, region=order.turned(organ), **switches)
    np.testing.assert_array_equal(first.scores, second.scores)
    assert first.fingerprint == second.fingerprint
    assert (first.scores == 0).any()
    found = spars.segment(other, first, method="exhaustive", window=WINDOW, grid=None, stride=3)
    assert found.score_map.shape == other.shape


def test_training_sees_the_same_crops_of_every_order(scan):
    def trained(scan, mask):
        cases = [
            spars.datasets.Case("a", True, lambda: scan, lambda: mask),
            spars.datasets.Case("b", False, lambda: scan),
        ]
        classifier = spars.Classifier((108, 108, 108), seed=1)
        classifier.fit(
            cases, window=WINDOW, grid=None, epochs=1, steps_per_epoch=1, crops_per_scan=2,
            scans_per_step=2,
        )  # fmt: skip
        assert classifier.recipe.protocol.orientation == "LPS"
        return classifier.parameters()["fc5.weight"]

    wanted = trained(scan, None)
    np.testing.assert_array_equal(
        trained(stored(scan, Turn((2, 0, 1), (True, False, True))), None), wanted
    )


def test_the_released_order_stays_and_is_that_of_older_files():
    assert spars.Protocol.published().orientation == "stored"
    older = spars.Protocol.paper().to_dict()
    assert older.pop("orientation") == "LPS"
    assert spars.Protocol.from_dict(older).orientation == "stored"
    with pytest.raises(ValueError, match="'orientation' parameter of Protocol"):
        spars.Protocol.paper().with_switches(orientation="RAS")
    assert spars.Recipe.of_organ().protocol.orientation == "stored"

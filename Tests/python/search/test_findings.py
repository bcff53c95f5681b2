"""The table of lesions: against numbers by hand, on scans of any affine."""

import numpy as np
import pytest

import spars
from spars.search.findings import lesions_of

AFFINE = np.array(
    [[-0.8, 0.1, 0.3, 20.0], [0.2, 0.9, -0.4, -35.0], [0.1, 0.3, 2.9, 400.0], [0, 0, 0, 1]]
)


def place(voxel, affine=AFFINE):
    return affine[:3, :3] @ voxel + affine[:3, 3]


def table(mask, affine=AFFINE, scores=None, values=None):
    mask = mask.astype(np.uint8)
    values = np.zeros(mask.shape, np.float32) if values is None else values
    scores = np.zeros(mask.shape, np.float32) if scores is None else scores
    return lesions_of(spars.Volume(values, affine), mask, scores)


def test_one_lesion_by_hand(rng):
    mask = np.zeros((12, 10, 8), bool)
    mask[2:5, 3:5, 1:7] = True
    values = rng.normal(60, 10, mask.shape).astype(np.float32)
    scores = rng.uniform(0, 1, mask.shape).astype(np.float32)
    scores[0, 0, 0] = 2.0
    (lesion,) = table(mask, scores=scores, values=values)
    assert lesion.number == 1
    assert lesion.position == pytest.approx(tuple(place((3, 3.5, 3.5))))
    assert lesion.voxel in {(3, j, k) for j in (3, 4) for k in (3, 4)}
    edges = np.linalg.norm(AFFINE[:3, :3], axis=0)
    assert lesion.volume == pytest.approx(36 * edges.prod() / 1000, rel=1e-6)
    corners = [place(voxel) for voxel in np.argwhere(mask)]
    longest = max(np.linalg.norm(a - b) for a in corners for b in corners)
    assert 0.99 * longest <= lesion.diameter <= longest + 1e-9
    assert lesion.mean_hu == pytest.approx(values[mask].mean(), rel=1e-6)
    assert lesion.score == scores[mask].max()
    assert list(lesion.to_dict()) == [
        "number", "position", "voxel", "volume", "diameter", "mean_hu", "score",
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(4))
def test_diameters_are_within_one_percent(seed, number):
    rng = np.random.default_rng([seed, number])
    mask = np.zeros((14, 13, 12), bool)
    mask[4:9, 4:9, 4:9] = True
    for low in rng.integers(3, 8, (3, 3)):
        mask[tuple(slice(a, a + n) for a, n in zip(low, rng.integers(1, 5, 3), strict=True))] = True
    affine = np.eye(4)
    affine[:3, :3] = rng.normal(0, 1, (3, 3)) + 1.5 * np.eye(3)
    (lesion,) = table(mask, affine)
    points = np.argwhere(mask) @ affine[:3, :3].T
    longest = np.linalg.norm(points[:, None] - points, axis=2).max()
    assert 0.99 * longest <= lesion.diameter <= longest + 1e-9


def test_the_largest_comes_first_and_corners_join():
    mask = np.zeros((12, 12, 12), bool)
    mask[1, 1, 1] = mask[2, 2, 2] = True
    mask[6:9, 6:9, 6:9] = True
    mask[11, 0, 0] = True
    sizes = [lesion.volume * 1000 for lesion in table(mask, np.eye(4))]
    assert sizes == pytest.approx([27, 2, 1])
    assert [lesion.number for lesion in table(mask)] == [1, 2, 3]
    assert [lesion.voxel for lesion in table(mask, np.eye(4))][::2] == [(7, 7, 7), (11, 0, 0)]
    assert table(mask, np.eye(4))[2].diameter == 0.0


def test_a_hollow_lesions_voxel_is_one_of_its_own():
    mask = np.zeros((9, 9, 9), bool)
    mask[2:7, 2:7, 2:7] = True
    mask[3:6, 3:6, 3:6] = False
    (lesion,) = table(mask, np.eye(4))
    assert lesion.position == pytest.approx((4, 4, 4))
    assert mask[lesion.voxel]


def test_an_empty_mask_has_none():
    assert table(np.zeros((4, 4, 4), bool)) == []


def test_of_voxels_of_any_size_the_volume_is_the_affines_determinant():
    mask = np.zeros((6, 6, 6), bool)
    mask[1:4, 1:4, 1:4] = True
    affine = np.diag([0.7, 0.7, 5.0, 1.0])
    (lesion,) = table(mask, affine)
    assert lesion.volume == pytest.approx(27 * 0.7 * 0.7 * 5 / 1000)
    assert lesion.diameter == pytest.approx(np.linalg.norm([1.4, 1.4, 10.0]), rel=0.01)

"""From a map to lesions: the core's split against plain NumPy, over seeds."""

import itertools
import math

import numpy as np
import pytest
from lesion_twin import smoothed

import spars
from spars._core import native
from spars.lesions import Host

SPACING = (1.5, 1.2, 2.0)
NEIGHBOURS = [step for step in itertools.product((-1, 0, 1), repeat=3) if any(step)]


def parts_of(mask):
    """Return the parts of a mask that share a face, an edge or a corner, by flood fill."""
    left, parts = {tuple(place) for place in np.argwhere(mask)}, []
    for first in sorted(left):
        if first not in left:
            continue
        left.remove(first)
        part, open_ = [], [first]
        while open_:
            place = open_.pop()
            part.append(place)
            for step in NEIGHBOURS:
                other = tuple(np.add(place, step))
                if other in left:
                    left.remove(other)
                    open_.append(other)
        parts.append(np.array(part))
    return parts


def twin(values, organ, level, score_map, rule):
    """Return the mask, and how near to a limit the nearest voxel came, HU."""
    smooth, _ = smoothed(values, organ, [2 / edge for edge in SPACING])
    places = np.argwhere(organ)
    found, nearest = np.zeros(organ.shape, bool), math.inf
    parts = parts_of((score_map > rule["threshold"]) & (organ != 0))
    large = {tuple(part[0]) for part in parts if 0 < rule["large_voxels"] <= len(part)}
    for part in parts_of((score_map > rule["large_threshold"]) & (organ != 0)):
        if large & {tuple(place) for place in part}:
            parts.append(part)
    for part in parts:
        scores = score_map[tuple(part.T)]
        if scores.max() <= rule["certain"]:
            continue
        best = min(rule["certain"], np.sort(scores)[int(0.9 * (len(scores) - 1))])
        seeds = part[scores >= best]
        apart = np.linalg.norm((places[:, None] - part) * SPACING, axis=2).min(axis=1)
        near = places[apart <= rule["reach"] + 1e-9]
        contrast = np.median(smooth[tuple(seeds.T)] - level)
        chosen = seeds
        for _ in range(5):
            if abs(contrast) < rule["least_contrast"]:
                break
            against = (smooth[tuple(near.T)] - level) * np.sign(contrast)
            border = min(abs(contrast) / 2, rule["border_contrast"] or math.inf)
            nearest = min(nearest, np.abs(against - border).min())
            split = near[against > border]
            if not len(split):
                break
            chosen = split
            contrast = np.median(smooth[tuple(split.T)] - level)
        nearest = min(nearest, abs(abs(contrast) - rule["least_contrast"]))
        if abs(contrast) < rule["least_contrast"]:
            chosen = seeds
        found[tuple(chosen.T)] = True
    mask = np.zeros(organ.shape, np.uint8)
    for part in parts_of(found):
        if len(part) >= rule["least_voxels"]:
            mask[tuple(part.T)] = 1
    return mask, nearest


def bumps(rng, shape, count, width):
    """Return a sum of bumps of height 1, and where they stand."""
    places = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), -1) * SPACING
    centres = rng.uniform(0.2, 0.8, (count, 3)) * np.multiply(shape, SPACING)
    apart = np.linalg.norm(places[..., None, :] - centres, axis=-1)
    return np.exp(-((apart / width) ** 2))


def case(rng):
    """Return HU with dark, faint and bright lumps in an organ, and a map that knows of them."""
    shape = (22, 24, 15)
    grid = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    organ = (np.square(grid).sum(axis=0) < 0.95).astype(np.uint8)
    lumps = bumps(rng, shape, 4, 5.0)
    contrasts = np.array([-60.0, -25.0, 40.0, -5.0])
    values = 100 + (lumps * contrasts).sum(axis=-1) + rng.normal(0, 4, shape)
    heights = np.array([1.0, 0.99, 0.98, 0.96]) * rng.uniform(0.98, 1.02, 4)
    scores = np.clip((lumps * heights).max(axis=-1) + rng.normal(0, 0.01, shape), 0, 1)
    return values.astype(np.float32), organ, scores.astype(np.float32)


def split(values, organ, score_map, rule, level=100.0):
    host = Host(spars.Volume(values, np.diag([*SPACING, 1.0])), organ, level)
    found = np.empty(organ.shape, np.uint8)
    native.lesion_split(host._handle.value, score_map, rule, found, None)
    return found


RULE = {
    "threshold": 0.5, "certain": 0.9, "reach": 4.0, "least_contrast": 8.0, "least_voxels": 5,
    "border_contrast": 0.0, "large_voxels": 0, "large_threshold": 0.3,
}  # fmt: skip


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize(
    "changed",
    [
        {}, {"reach": 0.0}, {"certain": 0.97, "least_contrast": 30.0, "least_voxels": 60},
        {"border_contrast": 12.0}, {"large_voxels": 40}, {"large_voxels": 1},
    ],
    ids=["usual", "no reach", "strict", "near the organ", "large", "all are large"],
)  # fmt: skip
def test_it_is_the_plain_split(seed, number, changed):
    values, organ, scores = case(np.random.default_rng([seed, number]))
    rule = RULE | changed
    found = split(values, organ, scores, rule)
    wanted, nearest = twin(values, organ, 100.0, scores, rule)
    assert wanted.any() or changed
    if nearest > 1e-3:
        np.testing.assert_array_equal(found, wanted)
    else:
        # In float32 a voxel at the limit falls on either side.
        assert np.count_nonzero(found != wanted) <= 2


def test_a_large_part_is_followed_down_and_a_small_one_is_not():
    shape = (40, 24, 20)
    values = np.full(shape, 100, np.float32)
    score_map = np.zeros(shape, np.float32)
    # Two rods of dark voxels, of each of which one end scores highly: 144 voxels and 16.
    for y, count, end in ((6, 6, 4), (18, 2, 2)):
        rod = np.s_[4:36, y - count // 2 : y + count // 2, 8:12]
        values[rod] = 40
        score_map[rod] = 0.6
        score_map[4 : 4 + (6 if end == 4 else 2), rod[1], rod[2]] = 0.99
    organ = np.ones(shape, np.uint8)
    rule = RULE | {"threshold": 0.9, "certain": 0.95, "large_threshold": 0.5, "reach": 3.0}
    short = split(values, organ, score_map, rule)
    grown = split(values, organ, score_map, rule | {"large_voxels": 100})
    assert not short[30].any()
    assert grown[30, 6, 9] == 1
    assert not grown[30, 18].any()
    assert np.all(grown >= short)


def test_nothing_certain_is_no_finding():
    values, organ, scores = case(np.random.default_rng(1))
    assert not split(values, organ, 0.9 * scores, RULE).any()
    assert not split(values, organ, scores, RULE | {"least_voxels": 10**6}).any()


def test_the_border_is_where_hu_change_and_not_where_scores_do():
    shape = (24, 24, 16)
    places = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), -1) * SPACING
    apart = np.linalg.norm(places - (16, 14, 15), axis=-1)
    lesion = apart < 7
    values = np.where(lesion, 40.0, 100.0).astype(np.float32)
    organ = np.ones(shape, np.uint8)
    # The map's part is too large by 4 mm, and another time too small by 3.
    for radius in (11.0, 4.0):
        scores = np.clip(1 - 0.5 * (apart / radius) ** 2, 0, 1).astype(np.float32)
        found = split(values, organ, scores, RULE | {"reach": 4.5})
        truth = lesion.astype(np.uint8)
        assert spars.metrics.dice((scores > 0.5).astype(np.uint8), truth) < 0.5
        assert spars.metrics.dice(found, truth) > 0.88


def test_what_lies_between_a_dark_middle_and_the_organ_is_lesion_where_asked():
    shape = (24, 24, 16)
    places = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), -1) * SPACING
    apart = np.linalg.norm(places - (16, 14, 15), axis=-1)
    values = np.select([apart < 8, apart < 12], [-40.0, 74.0], 100.0).astype(np.float32)
    organ = np.ones(shape, np.uint8)
    scores = np.clip(1 - 0.5 * (apart / 8) ** 2, 0, 1).astype(np.float32)
    dark, whole = ((apart < radius).astype(np.uint8) for radius in (8, 12))
    half_way = split(values, organ, scores, RULE | {"reach": 4.5})
    asked = split(values, organ, scores, RULE | {"reach": 4.5, "border_contrast": 20.0})
    assert spars.metrics.dice(half_way, dark) > spars.metrics.dice(half_way, whole)
    assert spars.metrics.dice(asked, whole) > 0.85


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"reach": -1.0}, "'reach'"),
        ({"reach": 101.0}, "'reach'"),
        ({"threshold": float("nan")}, "'threshold'"),
        ({"least_contrast": 1001.0}, "'least_contrast'"),
        ({"border_contrast": 1001.0}, "'border_contrast'"),
        ({"large_voxels": -1}, "'large_voxels'"),
        ({"large_threshold": 0.6}, "'large_threshold'"),
    ],
)
def test_what_is_out_of_range_is_named(changed, message):
    values, organ, scores = case(np.random.default_rng(1))
    with pytest.raises(ValueError, match=message):
        split(values, organ, scores, RULE | changed)
    scores[3, 3, 3] = np.nan
    with pytest.raises(spars.NonFiniteError, match="map"):
        split(values, organ, scores, RULE)

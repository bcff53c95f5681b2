"""An organ by a recipe: storage orders, whose settings win, what is refused, warnings, reasons."""

import functools
import itertools
import warnings

import numpy as np
import pytest

import spars

RECIPE = spars.Recipe.of_organ(
    4.0, (6, 6, 6), margin=8.0, stride=2, segmentation_threshold=0.5, certain=0.6, reach=8.0
)
ORDERS = list(itertools.permutations(range(3)))
FLIPS = list(itertools.product([False, True], repeat=3))


def darkness(crops):
    """Score crops by how far the middle lies below the organ's level, which is at 100 HU."""
    middle = crops[:, 1:5, 1:5, 1:5].mean(axis=(1, 2, 3))
    return np.clip((100.0 - middle) / 40.0, 0.0, 1.0).astype(np.float32)


def oblique(spacing, origin=(12.0, -7.0, 30.0)):
    """Return the affine of a scan that is turned by 10 and 20 degrees."""
    a, b = np.radians([10, 20])
    about_z = [[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]
    about_x = [[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]]
    affine = np.eye(4)
    affine[:3, :3] = np.array(about_z) @ about_x @ np.diag(spacing)
    affine[:3, 3] = origin
    return affine


@functools.cache
def case():
    """Return a scan of a phantom, turned, with its liver and its tumours."""
    made = spars.phantom(
        seed=5, shape=(56, 48, 26), spacing=(5.0, 4.5, 7.5), noise=6.0, tumour_contrast=-60.0,
        tumour_radius=20.0,
    )  # fmt: skip
    volume = spars.Volume(made.volume.array, oblique((5.0, 4.5, 5.5)))
    return volume, made.liver, made.tumour


def segmented(scan=None, region=None, scorer=darkness, **options):
    volume, liver, _ = case()
    options = {"recipe": RECIPE} | options
    return spars.segment(
        volume if scan is None else scan, scorer, region=liver if region is None else region,
        **options,
    )  # fmt: skip


@functools.cache
def usual():
    return segmented()


class Known:
    """A scorer with a recipe of its own, as a trained classifier is."""

    recipe = RECIPE

    def __call__(self, crops):
        return darkness(crops)


def test_the_organs_lesions_are_found():
    found, (_, liver, tumour) = usual(), case()
    # What of the liver's border is as dark is found too: the scorer is no network.
    assert spars.metrics.sensitivity(found.mask, tumour) > 0.8
    assert len(found.lesions) > 1
    assert found.configuration["method"] == "exhaustive"
    assert found.configuration["organ"]["level"] == pytest.approx(100, abs=20)
    assert not found.mask[liver == 0].any()
    assert found.mask.dtype == np.uint8
    assert spars.Recipe.again(found.configuration["recipe"]).spacing == 4.0


@pytest.mark.parametrize("axes", ORDERS, ids=str)
def test_every_storage_order_gives_the_same_findings(axes):
    volume, liver, _ = case()
    wanted = usual()
    for flips in FLIPS:
        turn = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
        change = np.zeros((4, 4))
        change[3, 3] = 1
        for i, (axis, flip) in enumerate(zip(axes, flips, strict=True)):
            change[axis, i] = -1 if flip else 1
            change[axis, 3] = volume.shape[axis] - 1 if flip else 0
        stored = spars.Volume(volume.array.transpose(axes)[turn], volume.affine @ change)
        found = segmented(stored, np.ascontiguousarray(liver.transpose(axes)[turn]))
        np.testing.assert_array_equal(found.mask, wanted.mask.transpose(axes)[turn])
        np.testing.assert_allclose(
            found.score_map, wanted.score_map.transpose(axes)[turn], atol=1e-5
        )
        for one, other in zip(found.lesions, wanted.lesions, strict=True):
            assert one.position == pytest.approx(other.position, abs=1e-6)
            assert one.volume == pytest.approx(other.volume)
            assert one.diameter == pytest.approx(other.diameter, rel=0.01)
            assert (one.mean_hu, one.score) == pytest.approx((other.mean_hu, other.score), rel=1e-5)


def test_a_classifiers_recipe_counts_where_nothing_is_given():
    np.testing.assert_array_equal(segmented(scorer=Known()).mask, usual().mask)
    volume, liver, _ = case()
    np.testing.assert_array_equal(spars.segment(volume, Known(), region=liver).mask, usual().mask)


@pytest.mark.parametrize(
    ("given", "where", "value"),
    [
        ({"window": (8, 8, 8)}, ("recipe", "window"), [8, 8, 8]),
        ({"method": "greedy", "iterations": 2}, ("method",), "greedy"),
        ({"method": "self_play", "iterations": 1, "n_steps": 4}, ("method",), "self_play"),
        ({"segmentation_threshold": 0.9}, ("segmentation_threshold",), 0.9),
        ({"stride": 3}, ("search", "stride"), 3),
        (
            {"protocol": RECIPE.protocol.with_switches(accumulation="max")},
            ("recipe", "protocol", "accumulation"),
            "max",
        ),
        ({"recipe": RECIPE.changed(spacing=5.0)}, ("recipe", "spacing"), 5.0),
    ],
    ids=str,
)
def test_arguments_that_are_given_win(given, where, value):
    volume, liver, _ = case()
    found = spars.segment(volume, Known(), region=liver, **given)
    said = found.configuration
    for name in where:
        said = said[name]
    assert said == value
    assert found.mask.shape == volume.shape


def test_no_recipe_goes_without():
    volume, liver, _ = case()
    options = {"window": (6, 6, 6), "grid": None, "iterations": 1, "n_steps": 4}
    found = spars.segment(volume, Known(), region=liver, recipe=None, **options)
    assert (found.configuration["recipe"], found.configuration["method"]) == (None, "self_play")
    plain = spars.segment(volume, darkness, region=liver, **options)
    np.testing.assert_array_equal(found.score_map, plain.score_map)


def test_a_recipe_of_scans_gives_window_grid_and_isolation():
    volume, liver, _ = case()
    recipe = spars.Recipe(window=(8, 8, 6), isolated=True)
    options = {"iterations": 1, "n_steps": 4}
    found = spars.segment(volume, darkness, region=liver, recipe=recipe, **options)
    wanted = spars.segment(
        volume, darkness, region=liver, window=(8, 8, 6), grid=None, isolated=True, **options
    )
    np.testing.assert_array_equal(found.score_map, wanted.score_map)
    assert found.configuration["recipe"] == recipe.recorded()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"grid": (32, 32, 32)}, r"'grid' parameter of segment must be left out .* 4.0 mm"),
        ({"isolated": True}, r"'isolated' parameter of segment must be left out .* Got True"),
        ({"reference": np.zeros((56, 48, 26), np.uint8)}, "'reference' parameter of segment must"),
        ({"region": np.zeros((56, 48, 26), np.uint8)}, "'region' .* a mask with a voxel. Got 'non"),
        ({"region": np.zeros((56, 48, 25), np.uint8)}, "'region' parameter of segment"),
        ({"window": (99, 6, 6)}, "'window' parameter of segment .* working grid"),
    ],
)
def test_contradictions_are_refused_by_name(given, message):
    with pytest.raises(ValueError, match=message):
        segmented(**given)


def test_an_organ_and_a_scorer_are_needed():
    volume, liver, _ = case()
    with pytest.raises(ValueError, match="'region' parameter of segment must be the organ's mask"):
        spars.segment(volume, Known())
    with pytest.raises(TypeError, match="'recipe' parameter of segment must be a Recipe or None"):
        spars.segment(volume, darkness, region=liver, recipe="organ")
    with pytest.raises(TypeError, match="'classifier' parameter of segment must be a Classifier"):
        spars.segment(volume, None, region=liver)
    with pytest.raises(TypeError, match="'stride', which method='intensity' does not take"):
        spars.segment(volume, None, region=liver, method="intensity", stride=2)


def test_a_usual_scan_raises_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert segmented().configuration["warnings"] == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"shift": -75.0}, "The liver's level is .* without contrast medium"),
        ({"shift": 200.0}, "The region's level is .* which no liver has"),
        ({"shift": -250.0}, "The region's level is .* which no liver has"),
        ({"spacing": (5.0, 4.5, 6.5)}, "Slices are 6.5 mm thick"),
        ({"affine": np.eye(4)}, "The spacing is not known and taken as 1 mm"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value[:20],
)
def test_what_does_not_fit_the_recipe_is_a_warning(changed, message):
    volume, *_ = case()
    affine = changed.get("affine", oblique(changed.get("spacing", (5.0, 4.5, 5.5))))
    scan = spars.Volume(volume.array + np.float32(changed.get("shift", 0.0)), affine)
    with pytest.warns(spars.ScanWarning, match=message) as raised:
        found = segmented(
            scan, recipe=RECIPE.changed(spacing=2.0) if "affine" in changed else RECIPE
        )
    assert [str(warning.message) for warning in raised] == found.configuration["warnings"]
    # It is told where the caller stands.
    assert all(warning.filename.endswith("test_organ.py") for warning in raised)


def test_a_voxels_reasons_are_the_windows_that_credit_it():
    found = usual()
    working = found._frame
    x, y, z = found.lesions[0].voxel
    place = working.voxel((x, y, z))
    reasons = found.why(x, y, z)
    assert reasons
    for reason in reasons:
        # 4 of 6 voxels, in the middle.
        low = np.add(reason.window, 1)
        assert np.all(low <= place)
        assert np.all(place < low + 4)
    mean = np.mean([reason.score for reason in reasons])
    assert mean == pytest.approx(found.run.score_map[place], rel=1e-5)
    assert found.why(0, 0, 0) == []
    volume, liver, _ = case()
    assert spars.segment(volume, None, region=liver, method="intensity").why(x, y, z) == []


@pytest.mark.parametrize("part", [(4, 4, 4), (3, 2, 1), "window"], ids=str)
def test_windows_off_the_organ_score_0_unasked(part, rng):
    shape, window = (14, 12, 11), np.array((6, 5, 4) if part != (4, 4, 4) else (6, 6, 6))
    organ = np.zeros(shape, np.uint8)
    organ[4:8, 3:5, 5:9] = 1
    # Each value says where it stands.
    volume = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    asked = []

    def scorer(crops):
        asked.extend(crops[:, 0, 0, 0].astype(int))
        return np.full(len(crops), 0.7, np.float32)

    atlas = spars.ScoreAtlas.compute(
        volume, scorer, tuple(window), grid=None, stride=2, region=organ, scan_frame="native",
        credited_part=part,
    )  # fmt: skip
    extent = window if part == "window" else np.array(part)
    wanted = set()
    for index in np.ndindex(*atlas.scores.shape):
        start = np.array([axis[i] for axis, i in zip(atlas.axes, index, strict=True)])
        low = start + (window - extent) // 2
        meets = organ[tuple(slice(a, a + n) for a, n in zip(low, extent, strict=True))].any()
        assert atlas.scores[index] == np.float32(0.7 if meets else 0.0)
        if meets:
            wanted.add(int(volume[tuple(start)]))
    assert set(asked) == wanted
    assert len(asked) == len(wanted) < atlas.scores.size


def test_segment_asks_for_windows_of_the_organ_alone():
    working = usual()._frame
    asked = []

    def counted(crops):
        asked.append(len(crops))
        return darkness(crops)

    segmented(scorer=counted)
    grid = working.seen.shape
    lattice = np.prod([len(range(0, n - 6, 2)) for n in grid])
    assert 0 < sum(asked) < 0.6 * lattice


@pytest.mark.parametrize(("given", "played"), [({}, 0.3), ({"termination_threshold": 0.0}, 0.0)])
def test_episodes_end_by_the_threshold_that_is_documented(given, played):
    found = segmented(method="random_walk", iterations=2, n_steps=4, **given)
    assert found.run.configuration["termination_threshold"] == played


def test_the_exhaustion_game_is_played_on_an_organ():
    options = {"method": "self_play", "iterations": 1, "n_steps": 4, "batch_size": 4}
    found = segmented(game="exhaustion", policy="LocalPolicy", **options)
    assert found.run.configuration["game"] == "exhaustion"


@functools.cache
def ball():
    """Return a scan of a ball of organ with a dark ball off its middle, and both masks."""
    rng = np.random.default_rng(3)
    places = np.indices((34, 32, 30)) * 3.0
    far = np.sqrt(((places - np.reshape([50, 46, 43], (3, 1, 1, 1))) ** 2).sum(axis=0))
    near = np.sqrt(((places - np.reshape([56, 50, 40], (3, 1, 1, 1))) ** 2).sum(axis=0))
    organ, lesion = far < 40, near < 12
    values = np.where(organ, np.where(lesion, 50.0, 100.0), -800.0) + rng.normal(0, 5, organ.shape)
    volume = spars.Volume(values.astype(np.float32), np.diag([3.0, 3.0, 3.0, 1.0]))
    return volume, organ.astype(np.uint8), lesion.astype(np.uint8)


def test_lesions_that_a_region_leaves_out_are_taken_in():
    volume, organ, lesion = ball()
    region = organ & (lesion == 0)
    given = region.copy()
    whole = segmented(volume, organ)
    with pytest.warns(spars.ScanWarning, match=r"left out 7\.\d ml inside it") as told:
        found = segmented(volume, region)
    assert (found.mask == whole.mask).all()
    assert (found.mask & lesion).sum() > 0.9 * lesion.sum()
    assert (region == given).all()
    assert found.configuration["warnings"] == [str(told[0].message)]
    as_it_is = segmented(volume, region, recipe=RECIPE.changed(takes_cavities=False))
    assert not (as_it_is.mask & lesion).any()
    assert as_it_is.configuration["warnings"] == []
    with pytest.warns(spars.ScanWarning, match="left out"):
        dark = spars.segment(volume, None, method="intensity", region=region)
    assert (dark.mask == spars.segment(volume, None, method="intensity", region=organ).mask).all()


def test_what_runs_through_a_region_is_told_and_left():
    volume, organ, _ = ball()
    tube = organ.copy()
    tube[14:18, 13:17] = 0
    scan = spars.Volume(np.where(organ > tube, np.float32(60), volume.array), volume.affine)
    with pytest.warns(spars.ScanWarning, match="runs around .* ml whose HU are a lesion's"):
        found = segmented(scan, tube)
    assert not found.mask[organ > tube].any()


def test_a_whole_organ_is_left_as_it_is():
    same = segmented(recipe=RECIPE.changed(takes_cavities=False))
    assert (same.mask == usual().mask).all()
    assert usual().configuration["region"] == same.configuration["region"]

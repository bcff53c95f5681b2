"""Segmentation: geometry of mask and map, methods, regions, measures, files."""

import functools

import numpy as np
import pytest

import spars
from spars._support.provenance import digest
from spars.search.settings import METHODS
from spars.volume.masks import as_mask

WINDOW = (8, 8, 6)
GRID = (32, 28, 24)


def darkness(crops):
    """Score crops by how dark they are: the made-up tumour is darker than its surroundings."""
    return np.clip((100.0 - crops.mean(axis=(1, 2, 3))) / 100.0, 0.0, 1.0).astype(np.float32)


@functools.cache
def network():
    return spars.Classifier((108, 108, 108), spars.IntensityWindow(50, 200), seed=2)


@pytest.fixture
def scan(rng):
    """A scan with its own geometry and one dark blob, and the blob's mask."""
    shape = (40, 30, 26)
    x, y, z = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    blob = ((x - 26) / 6) ** 2 + ((y - 12) / 6) ** 2 + ((z - 14) / 5) ** 2 < 1
    array = np.where(blob, 0.0, 100.0) + rng.normal(0, 3, shape)
    affine = np.array([[-2.0, 0, 0, 10], [0, 1.5, 0, -7], [0, 0, 3.0, 5], [0, 0, 0, 1]])
    return spars.Volume(array, affine), blob.astype(np.uint8)


def segmented(scan, **options):
    options = {"iterations": 4, "window": WINDOW, "grid": GRID, "n_steps": 16} | options
    # Only a network has gradients to look at.
    classifier = network() if options.get("method") == "grad_cam" else darkness
    return spars.segment(scan, classifier, **options)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_mask_and_map_on_the_scans_voxels(scan, method):
    volume, _ = scan
    found = segmented(volume, method=method, segmentation_threshold=0.2)
    assert found.mask.dtype == np.uint8
    assert found.score_map.dtype == np.float32
    assert found.mask.shape == found.score_map.shape == volume.shape
    np.testing.assert_array_equal(found.mask, found.score_map > 0.2)
    assert found.run.score_map.shape == GRID
    assert found.configuration["method"] == method
    assert found.configuration["scan"]["sha256"] == digest(volume)
    assert method in repr(found)


def test_a_runs_dice_is_of_the_map_above_the_threshold_of_the_mask(scan):
    volume, blob = scan
    found = segmented(volume, segmentation_threshold=0.05, reference=blob)
    assert 0 < found.dice(blob) < 1
    assert found.run.dice[-1] == pytest.approx(found.dice(blob), abs=1e-12)
    assert segmented(volume, reference=blob).run.dice[-1] != found.run.dice[-1]
    region = np.zeros(volume.shape, np.uint8)
    region[20:] = 1
    cut = segmented(volume, segmentation_threshold=0.05, reference=blob, region=region)
    assert cut.run.dice.tolist() == found.run.dice.tolist()
    assert cut.dice(blob) > found.dice(blob)


def test_exhaustive_map_finds_the_blob(scan):
    volume, blob = scan
    found = segmented(volume, method="exhaustive", segmentation_threshold=0.25)
    assert found.dice(blob) > 0.5
    inside = found.score_map[blob == 1].mean()
    assert inside > 3 * found.score_map[blob == 0].mean()


@pytest.mark.parametrize("method", METHODS)
def test_same_seed_same_mask_and_another_seed_another_walk(scan, method):
    volume, _ = scan
    first, again, other = (segmented(volume, method=method, seed=s).score_map for s in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    # The exhaustive map and the greedy climb's first moves draw nothing.
    if method in ("self_play", "random_walk"):
        assert (first != other).any()


def test_native_grid_is_the_scans_own(scan):
    volume, _ = scan
    found = segmented(volume, grid=None)
    assert found.run.score_map.shape == volume.shape
    # In play y runs to the back, as scanners have it.
    np.testing.assert_array_equal(found.score_map, found.run.score_map[:, ::-1])


def test_region_restricts_the_mask_only(scan):
    volume, blob = scan
    region = np.zeros(volume.shape, np.uint8)
    region[20:] = 1
    whole = segmented(volume, method="exhaustive", segmentation_threshold=0.1)
    part = segmented(volume, method="exhaustive", segmentation_threshold=0.1, region=region)
    np.testing.assert_array_equal(part.mask, whole.mask * region)
    np.testing.assert_array_equal(part.score_map, whole.score_map)
    assert part.mask.sum() < whole.mask.sum()


def test_saved_mask_has_the_scans_geometry(scan, tmp_path):
    volume, _ = scan
    found = segmented(volume, method="exhaustive")
    found.save(tmp_path / "mask.nii.gz")
    found.save_score_map(tmp_path / "map.nii.gz")
    mask = spars.load(tmp_path / "mask.nii.gz")
    np.testing.assert_allclose(mask.affine, volume.affine, atol=1e-5)
    np.testing.assert_array_equal(mask.array, found.mask)
    np.testing.assert_array_equal(spars.load(tmp_path / "map.nii.gz").array, found.score_map)


def test_measures_agree_with_the_metrics(scan):
    volume, blob = scan
    found = segmented(volume, method="exhaustive", segmentation_threshold=0.25)
    overlap = 2 * (found.mask & blob).sum() / (found.mask.sum() + blob.sum())
    assert found.dice(blob) == pytest.approx(overlap, rel=1e-12)
    assert found.evaluate(blob)["dice"] == pytest.approx(overlap, rel=1e-12)


def test_plot_shows_the_reference(scan):
    import matplotlib as mpl

    mpl.use("Agg")
    volume, blob = scan
    figure = segmented(volume, method="exhaustive").plot(reference=blob)
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == ["reference", "prediction"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "best"}, ValueError, "'method' parameter of segment"),
        ({"iterations": 0}, ValueError, "'iterations' parameter of segment"),
        ({"window": (8, 8)}, ValueError, "'window' parameter of segment"),
        ({"grid": (4, 4, 4)}, ValueError, "window"),
        ({"termination_threshold": 1.5}, ValueError, "'termination_threshold'"),
        ({"segmentation_threshold": -1.0}, ValueError, "'segmentation_threshold'"),
        ({"protocol": "draft"}, ValueError, "'protocol'"),
        ({"region": np.zeros((2, 2, 2))}, ValueError, "'region' parameter of segment"),
        ({"isolated": True}, ValueError, "'isolated' parameter of segment"),
        ({"isolated": 1}, TypeError, "'isolated' parameter of segment"),
        ({"stridee": 4}, TypeError, "stridee"),
    ],
)
@pytest.mark.parametrize("method", ["self_play", "random_walk"])
def test_wrong_arguments_are_named(scan, options, error, message, method):
    with pytest.raises(error, match=message):
        segmented(scan[0], **({"method": method} | options))


@pytest.mark.parametrize("method", METHODS)
def test_nan_is_refused_by_name(scan, method):
    volume, _ = scan
    array = volume.array.copy()
    array[3, 4, 5] = np.nan
    with pytest.raises(spars.NonFiniteError):
        segmented(spars.Volume(array, volume.affine), method=method)


def test_masks_other_than_0_and_1_need_a_value():
    labels = np.array([[[0, 1, 2]]])
    with pytest.raises(ValueError, match=r"must hold 0 and 1 only. Got 2"):
        as_mask(labels, "reference", "dice")
    np.testing.assert_array_equal(as_mask(labels, "reference", "dice", value=2), [[[0, 0, 1]]])
    np.testing.assert_array_equal(as_mask(labels, "region", "x", value=[1, 2]), [[[0, 1, 1]]])
    with pytest.raises(ValueError, match="must have the scan's shape"):
        as_mask(labels, "reference", "dice", value=2, shape=(3, 1, 1))


@pytest.mark.parametrize("margin", [0, 2, 100])
def test_isolated_organ_lies_in_place(scan, margin):
    volume, blob = scan
    part = spars.isolate(volume, blob, outside=-200.0, margin=margin)
    corner = np.linalg.inv(volume.affine) @ part.affine[:, 3]
    first = np.rint(corner[:3]).astype(int)
    np.testing.assert_allclose(corner[:3], first, atol=1e-9)
    assert first.tolist() == np.maximum(np.argwhere(blob).min(axis=0) - margin, 0).tolist()
    box = tuple(slice(a, a + n) for a, n in zip(first, part.shape, strict=True))
    np.testing.assert_array_equal(part.array, np.where(blob == 1, volume.array, -200.0)[box])
    assert blob[box].sum() == blob.sum()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("grid", [None, (16, 16, 12)])
def test_an_isolated_search_is_a_search_of_the_isolated_organ(scan, method, grid):
    volume, blob = scan
    region = np.zeros_like(blob)
    region[2:-1, 3:-2, 1:-1] = 1
    options = {"method": method, "grid": grid}
    if method == "self_play":
        options["reference"] = blob
    whole = segmented(volume, region=region, isolated=True, **options)
    box = np.s_[2:-1, 3:-2, 1:-1]
    if method == "self_play":
        options["reference"] = blob[box]
    alone = segmented(spars.isolate(volume, region), **options)
    assert whole.mask.shape == whole.score_map.shape == volume.shape
    np.testing.assert_array_equal(whole.score_map[box], alone.score_map)
    np.testing.assert_array_equal(whole.mask[box], alone.mask)
    assert whole.mask.sum() == alone.mask.sum()
    assert np.count_nonzero(whole.score_map) == np.count_nonzero(alone.score_map)
    if method == "self_play":
        np.testing.assert_array_equal(whole.run.dice, alone.run.dice)


def test_an_empty_organ_is_refused(scan):
    volume, blob = scan
    with pytest.raises(ValueError, match="'region' parameter of isolate must hold a voxel"):
        spars.isolate(volume, np.zeros_like(blob))


def test_a_region_of_several_labels_needs_the_one_that_is_meant(rng):
    scan = rng.normal(0, 100, (12, 10, 8)).astype(np.float32)
    labels = np.zeros(scan.shape, np.uint8)
    labels[2:9, 2:8, 1:7], labels[4:6, 4:6, 3:5] = 1, 2
    options = {"method": "exhaustive", "window": (4, 4, 4), "grid": None}

    def found(region, **more):
        return spars.segment(
            scan, lambda crops: np.full(len(crops), 0.9), region=region, **options, **more
        )

    for value, organ in ((1, labels == 1), ((1, 2), labels > 0), (np.int64(2), labels == 2)):
        assert np.array_equal(found(labels, region_value=value).mask, organ)
        assert np.array_equal(found(organ).mask, organ)
    with pytest.raises(ValueError, match="'region' parameter of segment must hold 0 and 1"):
        found(labels)
    with pytest.raises(ValueError, match="'region' parameter of segment must be"):
        found(None, region_value=1)
    with pytest.raises(TypeError, match="'region_value' parameter of segment must be an integer"):
        found(labels, region_value="1")


def test_the_configuration_says_what_scored(rng):
    scan = rng.normal(0, 100, (12, 10, 8)).astype(np.float32)
    options = {"method": "exhaustive", "window": (4, 4, 4), "grid": None}
    classifiers = [spars.Classifier((108,) * 3, seed=seed) for seed in (0, 0, 1)]
    told = [spars.segment(scan, classifier, **options).configuration for classifier in classifiers]
    assert [each["classifier"]["kind"] for each in told] == ["Classifier"] * 3
    first, same, other = (each["classifier"]["sha256"] for each in told)
    assert first == same != other
    assert told[0]["versions"]["spars"] == spars.__version__

    def score(crops):
        return np.full(len(crops), 0.5)

    found = spars.segment(scan, score, **options).configuration["classifier"]
    assert found["kind"] == "callable"
    assert found["name"].endswith("score")
    atlas = spars.ScoreAtlas.compute(scan, score, (4, 4, 4), grid=None)
    assert spars.segment(scan, atlas, **options).configuration["classifier"]["sha256"]

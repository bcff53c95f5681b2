"""Where masks and scans lie: the same check everywhere, the override, and the way onto a scan."""

import numpy as np
import pytest

import spars
from spars import datasets, metrics
from spars.volume.placement import distance_apart, on_voxels_of
from spars.volume.volume import as_volume, place_of

SHAPE = (12, 10, 8)
AFFINE = np.diag([1.0, 1.5, 2.0, 1.0])


def flipped_affine():
    affine = AFFINE.copy()
    affine[0, 0], affine[0, 3] = -1.0, SHAPE[0] - 1
    return affine


def moved(distance):
    affine = AFFINE.copy()
    affine[0, 3] = distance
    return affine


@pytest.fixture
def mask():
    mask = np.zeros(SHAPE, np.uint8)
    mask[2:6, 3:7, 2:5] = 1
    return mask


@pytest.fixture
def scan(rng):
    return spars.Volume(rng.normal(0, 50, SHAPE), AFFINE)


class Image:
    """An array-like with an affine, as MONAI's MetaTensor and TorchIO's images are."""

    def __init__(self, array, affine, **more):
        self.array, self.affine = np.asarray(array), affine
        vars(self).update(more)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.array, dtype=dtype)


def bright(crops):
    return 1 / (1 + np.exp(-crops.mean(axis=(1, 2, 3)) / 20))


def users(scan, mask):
    """Everything that takes a mask for a scan, called with one and with `on`."""
    found = spars.segment(scan, bright, method="exhaustive", window=(4, 4, 4), grid=SHAPE)
    same = spars.Volume(mask, AFFINE)
    options = {"window": (4, 4, 4), "grid": SHAPE, "iterations": 1, "n_steps": 4}

    def inside(reference, on):
        return spars.segment(
            scan, bright, method="exhaustive", region=reference, on=on, window=(4, 4, 4), grid=SHAPE
        ).mask

    return {
        "metrics.dice": lambda m, on: metrics.dice(m, same, on=on),
        "metrics.evaluate": lambda m, on: metrics.evaluate(m, same, on=on)["dice"],
        "metrics.hausdorff": lambda m, on: metrics.hausdorff(m, same, on=on),
        "metrics.lesion_detection": lambda m, on: metrics.lesion_detection(m, same, on=on)["f1"],
        "Segmentation.dice": lambda m, on: found.dice(m, on=on),
        "Segmentation.evaluate": lambda m, on: found.evaluate(m, on=on)["dice"],
        "segment": inside,
        "isolate": lambda m, on: spars.isolate(scan, m, on=on).affine,
        "self_play": lambda m, on: (
            spars.self_play(scan, bright, reference=m, on=on, **options).dice
        ),
        "working_scan": lambda m, on: spars.working_scan(scan, m, 2.0, on=on).organ,
        "Host": lambda m, on: (
            spars.lesions.Host(
                spars.Volume(np.tile(scan.array, (2, 2, 2)), AFFINE),
                m if m.shape != SHAPE else spars.Volume(np.tile(m.array, (2, 2, 2)), m.affine),
                on=on,
            ).mask_sha256
        ),
    }


NAMES = [
    "metrics.dice", "metrics.evaluate", "metrics.hausdorff", "metrics.lesion_detection",
    "Segmentation.dice", "Segmentation.evaluate", "segment", "isolate", "self_play",
    "working_scan", "Host",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_every_mask_is_held_to_its_scans_place(name, scan, mask):
    use = users(scan, mask)[name]
    with pytest.raises(ValueError, match=r"must lie where the (scan|reference) does.*on='scan'"):
        use(spars.Volume(mask, moved(1000.0)), None)
    wanted = use(spars.Volume(mask, AFFINE), None)
    # Less than half a voxel is a matter of rounding.
    np.testing.assert_equal(use(spars.Volume(mask, moved(0.4)), None), wanted)
    # Voxel by voxel, if that is really meant; arrays have no place.
    np.testing.assert_equal(use(spars.Volume(mask, moved(1000.0)), "voxels"), wanted)
    with pytest.raises(ValueError, match="'on' parameter"):
        use(spars.Volume(mask, AFFINE), "elsewhere")
    if name != "Host":
        flipped = spars.Volume(mask[::-1], flipped_affine())
        with pytest.raises(ValueError, match="must lie where"):
            use(flipped, None)
        np.testing.assert_equal(use(flipped, "scan"), wanted)
        np.testing.assert_equal(use(mask, None), wanted)


def test_a_mask_of_other_voxels_is_brought_onto_the_scan(scan, mask):
    fine = np.repeat(np.repeat(mask, 2, axis=0), 2, axis=2)
    affine = AFFINE @ np.diag([0.5, 1, 0.5, 1])
    affine[:3, 3] = [-0.25, 0, -0.5]
    volume = spars.Volume(fine, affine)
    found = spars.segment(
        scan, lambda crops: np.ones(len(crops)), method="exhaustive", window=(4, 4, 4),
        grid=SHAPE, region=volume, on="scan",
    )  # fmt: skip
    np.testing.assert_array_equal(found.mask, mask)
    assert metrics.dice(volume, spars.Volume(mask, AFFINE), on="scan") == 1.0
    with pytest.raises(ValueError, match="shape"):
        found.dice(volume)


def test_values_come_from_the_nearest_voxel_and_none_from_beyond(rng):
    array = rng.integers(1, 9, (5, 6, 7))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    affine, of_scan = np.eye(4), np.eye(4)
    affine[:3, :3] = turn * [1.0, 2.0, 0.7]
    of_scan[:3, :3], of_scan[:3, 3] = turn[:, [1, 0, 2]] * 1.1, rng.normal(size=3)
    scan = spars.Volume(np.zeros((6, 8, 5)), of_scan)
    found = on_voxels_of(scan, array, affine)
    for place in np.ndindex(scan.shape):
        point = np.linalg.solve(affine, of_scan @ [*place, 1.0])[:3]
        nearest = np.rint(point).astype(int)
        inside = ((nearest >= 0) & (nearest < array.shape)).all()
        assert found[place] == (array[tuple(nearest)] if inside else 0)
    assert (found != 0).any()
    assert (found == 0).any()


def test_half_a_shortest_edge_is_the_tolerance():
    assert distance_apart(SHAPE, moved(0.5), AFFINE) is None
    assert distance_apart(SHAPE, moved(0.51), AFFINE) == pytest.approx(0.51)


def test_a_plot_holds_layers_to_the_scans_place(scan, mask):
    pytest.importorskip("matplotlib")
    spars.plots.overlay(scan, reference=spars.Volume(mask, AFFINE))
    far = spars.Volume(mask, moved(1000.0))
    with pytest.raises(ValueError, match="'reference' parameter of overlay must lie where"):
        spars.plots.overlay(scan, reference=far)
    spars.plots.overlay(scan, reference=far, on="voxels")
    spars.plots.views(scan, prediction=far, on="scan")


@pytest.mark.parametrize("source", ["MSD", "from_csv"])
def test_datasets_hold_masks_to_their_scans_place(source, scan, mask, tmp_path):
    for part in ("imagesTr", "labelsTr"):
        (tmp_path / part).mkdir()
    spars.save(tmp_path / "imagesTr" / "p.nii.gz", scan)
    labels = tmp_path / "labelsTr" / "p.nii.gz"
    spars.save(labels, mask[::-1] * 2, like=spars.Volume(scan.array, flipped_affine()))
    (tmp_path / "l.csv").write_text(
        "image,has_tumour,mask\nimagesTr/p.nii.gz,1,labelsTr/p.nii.gz\n"
    )

    def case(on):
        if source == "MSD":
            return datasets.MSD(tmp_path, on=on)[0]
        return datasets.from_csv(tmp_path / "l.csv", on=on)[0]

    with pytest.raises(spars.FormatError, match=r"lie 11.0 mm apart .* on='scan'"):
        case(None).load_mask()
    np.testing.assert_array_equal(case("scan").load_mask(), mask * 2)
    np.testing.assert_array_equal(case("voxels").load_mask(), mask[::-1] * 2)
    with pytest.raises(ValueError, match="'on' parameter"):
        case("here")


def test_a_case_holds_what_its_loaders_return_to_the_scans_place(scan, mask):
    for found, text in (
        (spars.Volume(mask, moved(30.0)), "must lie where"), (mask[1:], None),
        (mask * 0.5, "whole numbers"), (mask * np.float32(np.nan), "finite"), (mask * -1.0, "0 to"),
    ):  # fmt: skip
        case = datasets.Case("a", True, lambda: scan, lambda found=found: found)
        if text is None:
            assert case.load_mask().shape == found.shape
        else:
            with pytest.raises(ValueError, match=text):
                case.load_mask()
    near = datasets.Case("a", True, lambda: scan, lambda: Image(mask * 1.996, AFFINE))
    np.testing.assert_array_equal(near.load_mask(), 2 * mask)


def test_images_with_an_affine_keep_their_place(mask):
    for image in (
        Image(mask, AFFINE), Image(mask[None], AFFINE), Image(mask[..., None], AFFINE.tolist()),
        Image(mask, np.diag([-1.0, -1, 1, 1]) @ AFFINE, meta={"space": "LPS"}),
        Image(mask, AFFINE, meta={"space": "RAS"}), Image(mask, AFFINE, meta=None),
    ):  # fmt: skip
        volume = as_volume(image)
        np.testing.assert_array_equal(volume.affine, AFFINE)
        np.testing.assert_array_equal(volume.array, mask)
        assert place_of(image).shape == SHAPE
        assert metrics.dice(image, spars.Volume(mask, AFFINE)) == 1.0
    with pytest.raises(ValueError, match="must lie where"):
        metrics.dice(Image(mask, moved(90.0)), spars.Volume(mask, AFFINE))
    with pytest.raises(ValueError, match="'array' parameter"):
        as_volume(Image(np.stack([mask, mask]), AFFINE))
    with pytest.raises(ValueError, match="'affine' parameter"):
        as_volume(Image(mask, np.eye(3)))


def test_images_with_an_affine_are_saved_in_their_place(mask, tmp_path):
    spars.save(tmp_path / "a.nii", Image(mask, moved(7.0)))
    np.testing.assert_array_equal(spars.load(tmp_path / "a.nii").affine, moved(7.0))
    spars.save(tmp_path / "b.nii", mask, like=Image(mask, moved(7.0)))
    np.testing.assert_array_equal(spars.load(tmp_path / "b.nii").affine, moved(7.0))


def test_a_mask_of_another_shape_is_told_the_way_where_there_is_one():
    scan = spars.Volume(np.zeros((4, 3, 2), np.float32), np.diag([2.0, 2.0, 3.0, 1.0]))
    turned = spars.Volume(np.zeros((2, 4, 3), np.float32), np.diag([3.0, 2.0, 2.0, 1.0]))
    shapes = r"scan's shape \(4, 3, 2\)\. Got \(2, 4, 3\) instead\."
    with pytest.raises(ValueError, match=rf"{shapes} on='scan' brings it there"):
        spars.intensity_mask(scan, turned)
    # An array's place is not known.
    with pytest.raises(ValueError, match=rf"{shapes}$"):
        spars.intensity_mask(scan, turned.array)

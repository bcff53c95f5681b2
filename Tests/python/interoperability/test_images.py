"""Volumes against nibabel, SimpleITK and PyTorch: values, geometry, headers, resampling."""

import itertools

import nibabel
import numpy as np
import pytest

import spars
from spars.volume.volume import as_volume


def rotation(rng):
    """A random rotation matrix."""
    matrix, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return matrix * np.sign(np.linalg.det(matrix))


def random_affine(rng, *, rigid):
    affine = np.eye(4)
    turned = rotation(rng) if rigid else rng.normal(size=(3, 3)) + 2 * np.eye(3)
    affine[:3, :3] = turned * rng.uniform(0.3, 3, 3) * rng.choice([-1, 1], 3)
    affine[:3, 3] = rng.uniform(-300, 300, 3)
    return affine


def image_of(rng, kind, dtype, sform_code, qform_code):
    """An image whose sform and qform differ, with these codes."""
    shape = (5, 6, 7)
    values = rng.integers(0, 100, shape).astype(dtype)
    image = kind(values, None, dtype=np.dtype(dtype))
    image.header.set_zooms(tuple(rng.uniform(0.3, 3, 3)))
    image.header.set_qform(random_affine(rng, rigid=True), qform_code)
    image.header.set_sform(random_affine(rng, rigid=False), sform_code)
    image.header["descrip"] = b"interoperability"
    return image


@pytest.mark.parametrize("kind", ["Nifti1Image", "Nifti2Image", "Nifti1Pair", "Nifti2Pair"])
@pytest.mark.parametrize(("sform_code", "qform_code"), list(itertools.product(range(6), repeat=2)))
def test_affines_and_values_equal_nibabels(rng, tmp_path, kind, sform_code, qform_code):
    kind = getattr(nibabel, kind)
    path = tmp_path / ("a.hdr" if "Pair" in kind.__name__ else "a.nii.gz")
    nibabel.save(image_of(rng, kind, "int16", sform_code, qform_code), path)
    theirs = nibabel.load(path)
    ours = spars.load(path)
    assert np.allclose(ours.affine, theirs.affine, rtol=1e-12, atol=1e-12)
    assert np.array_equal(ours.array, theirs.get_fdata(dtype=np.float32))
    assert np.allclose(ours.spacing, nibabel.affines.voxel_sizes(theirs.affine), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_types_and_byte_orders_equal_nibabels(rng, tmp_path, dtype, order):
    values = rng.integers(0, 100, (5, 6, 7)).astype(order + dtype)
    header = nibabel.Nifti1Header(endianness=order)
    header.set_data_dtype(values.dtype)
    image = nibabel.Nifti1Image(values, np.diag([1, 2, 3, 1]), header)
    image.header.set_slope_inter(2.5, -3)
    nibabel.save(image, tmp_path / "a.nii")
    theirs = nibabel.load(tmp_path / "a.nii")
    assert theirs.header.endianness == order
    ours = spars.load(tmp_path / "a.nii")
    assert np.allclose(ours.array, theirs.get_fdata(), rtol=1e-6)


@pytest.mark.parametrize(("sform_code", "qform_code"), list(itertools.product((0, 1, 4), repeat=2)))
@pytest.mark.parametrize("kind", ["Nifti1Image", "Nifti2Image"])
def test_a_mask_has_the_scans_affine_and_codes_for_nibabel(
    rng, tmp_path, kind, sform_code, qform_code
):
    image = image_of(rng, getattr(nibabel, kind), "int16", sform_code, qform_code)
    nibabel.save(image, tmp_path / "scan.nii.gz")
    scan = nibabel.load(tmp_path / "scan.nii.gz")
    mask = np.asarray(scan.dataobj) > 50
    for like in [tmp_path / "scan.nii.gz", spars.load(tmp_path / "scan.nii.gz"), scan]:
        spars.save(tmp_path / "mask.nii.gz", mask, like=like)
        saved = nibabel.load(tmp_path / "mask.nii.gz")
        assert type(saved) is type(scan)
        assert np.array_equal(saved.affine, scan.affine)
        assert saved.shape == scan.shape
        assert saved.get_data_dtype() == np.uint8
        assert np.array_equal(np.asarray(saved.dataobj), mask)
        for field in ["sform_code", "qform_code", "descrip", "xyzt_units", "intent_code"]:
            assert saved.header[field] == scan.header[field], field
        assert np.array_equal(saved.header["pixdim"][:4], scan.header["pixdim"][:4])
        # The transform that is not the best one is kept as well.
        assert np.array_equal(saved.get_qform(), scan.get_qform())
        assert np.array_equal(saved.get_sform(), scan.get_sform())


def test_nibabel_images_in_memory(rng, tmp_path):
    values = rng.normal(size=(4, 5, 6, 1)).astype(np.float32)
    affine = random_affine(rng, rigid=True)
    image = nibabel.Nifti1Image(values, affine)
    volume = as_volume(image)
    assert np.array_equal(volume.array, values[..., 0])
    assert np.array_equal(volume.affine, affine)
    spars.save(tmp_path / "a.nii", volume)
    assert np.array_equal(nibabel.load(tmp_path / "a.nii").affine, affine.astype(np.float32))
    other = nibabel.MGHImage(values[..., 0], affine)
    assert as_volume(other).header is None
    with pytest.raises(ValueError, match="'array'"):
        as_volume(nibabel.Nifti1Image(np.zeros((2, 2, 2, 3), np.float32), affine))


@pytest.mark.parametrize("round", range(5))
def test_simpleitk_images_keep_their_place(rng, tmp_path, round):
    import SimpleITK as sitk

    values = rng.integers(-1000, 1000, (4, 5, 6)).astype(np.int16)
    image = sitk.GetImageFromArray(values.transpose(2, 1, 0))
    image.SetSpacing(rng.uniform(0.3, 3, 3).tolist())
    image.SetOrigin(rng.uniform(-300, 300, 3).tolist())
    image.SetDirection(rotation(rng).ravel().tolist())
    sitk.WriteImage(image, str(tmp_path / "theirs.nii"))
    theirs = nibabel.load(tmp_path / "theirs.nii")
    ours = as_volume(image)
    assert np.array_equal(ours.array, theirs.get_fdata())
    assert np.allclose(ours.affine, theirs.affine, rtol=1e-5, atol=1e-3)
    # What we write lies, for SimpleITK, where the image lies.
    spars.save(tmp_path / "ours.nii.gz", ours.array > 0, like=image)
    mask = sitk.ReadImage(str(tmp_path / "ours.nii.gz"))
    assert np.allclose(mask.GetOrigin(), image.GetOrigin(), atol=1e-3)
    assert np.allclose(mask.GetSpacing(), image.GetSpacing(), rtol=1e-5)
    assert np.allclose(mask.GetDirection(), image.GetDirection(), atol=1e-5)
    assert np.array_equal(sitk.GetArrayFromImage(mask).transpose(2, 1, 0), values > 0)


@pytest.mark.parametrize(
    ("before", "after"),
    [((7, 5, 4), (13, 6, 9)), ((7, 5, 4), (3, 5, 2)), ((48, 48, 24), (256, 256, 180))],
)
def test_resampling_equals_pytorchs(rng, before, after):
    import torch

    values = rng.normal(size=before).astype(np.float32)
    given = torch.from_numpy(values)[None, None]
    for ours, theirs in [("nearest", "nearest"), ("linear", "trilinear")]:
        expected = torch.nn.functional.interpolate(given, size=after, mode=theirs)[0, 0].numpy()
        result = spars.resample(values, after, ours)
        assert np.allclose(result, expected, rtol=0, atol=0 if ours == "nearest" else 2e-5)

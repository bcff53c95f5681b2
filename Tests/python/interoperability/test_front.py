"""The front beside nibabel: what `spars segment` writes is what other tools read."""

import nibabel
import numpy as np

import spars


def test_segmentation_of_a_nibabel_image_keeps_its_geometry(rng, tmp_path):
    affine = np.array([[-1.5, 0.1, 0, 20], [0.1, 1.5, 0, -30], [0, 0, 2.5, 7], [0, 0, 0, 1.0]])
    image = nibabel.Nifti1Image(rng.normal(40, 20, (30, 28, 20)).astype(np.float32), affine)
    image.set_sform(affine, code=2)
    image.set_qform(affine, code=1)

    def share_above(crops):
        return (crops > 40).mean(axis=(1, 2, 3))

    found = spars.segment(
        image, share_above, window=(8, 8, 6), grid=(24, 24, 16), method="exhaustive"
    )
    found.save(tmp_path / "mask.nii.gz")
    mask = nibabel.load(tmp_path / "mask.nii.gz")
    assert mask.shape == image.shape
    assert mask.get_data_dtype() == np.uint8
    np.testing.assert_allclose(mask.affine, affine, atol=1e-5)
    np.testing.assert_array_equal(np.asarray(mask.dataobj), found.mask)

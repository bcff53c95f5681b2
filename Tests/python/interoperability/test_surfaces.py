"""Surfaces: where they lie, that they close, and a page of them that needs no network."""

import numpy as np
import pytest

import spars
from spars import report
from spars.search.segmentation import Segmentation


def ball(radius=9.0, shape=(40, 36, 30)):
    x, y, z = np.ogrid[: shape[0], : shape[1], : shape[2]]
    return ((x - 20) ** 2 + (y - 18) ** 2 + (z - 15) ** 2 < radius**2).astype(np.uint8)


@pytest.fixture
def found():
    affine = np.diag([-2.0, 2.0, 3.0, 1.0])
    affine[:3, 3] = [10.0, -20.0, 30.0]
    mask = ball()
    volume = spars.Volume(np.zeros(mask.shape, np.float32), affine)
    return Segmentation(volume, mask, mask.astype(np.float32), None, {"method": "exhaustive"})


def parts_of(trace):
    corners = np.stack([trace.x, trace.y, trace.z], axis=1).astype(float)
    return corners, np.stack([trace.i, trace.j, trace.k], axis=1).astype(int)


def enclosed(corners, faces):
    """The volume within a closed surface, by its signed tetrahedra."""
    a, b, c = (corners[faces[:, i]] for i in range(3))
    return abs(np.einsum("ij,ij->i", a, np.cross(b, c)).sum()) / 6


@pytest.mark.parametrize("scale", [1, 7])
def test_a_surface_lies_round_its_mask_and_closes(found, scale):
    if scale > 1:
        # Long enough to be taken in steps.
        mask = np.kron(found.mask, np.ones((scale,) * 3, np.uint8))
        affine = found.volume.affine @ np.diag([1 / scale] * 3 + [1])
        volume = spars.Volume(np.zeros(mask.shape, np.float32), affine)
        found = Segmentation(volume, mask, mask.astype(np.float32), None, {"method": "x"})
    (trace,) = report.surfaces(found).data
    corners, faces = parts_of(trace)
    assert enclosed(corners, faces) == pytest.approx(found.millilitres * 1000, rel=0.05)
    np.testing.assert_allclose(corners.mean(axis=0), found.lesions[0].position, atol=1.0)
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    _, counts = np.unique(edges, axis=0, return_counts=True)
    assert (counts == 2).all()


def test_a_reference_stands_beside_the_mask_and_an_empty_one_is_said_to_be(found):
    figure = report.surfaces(found, ball(12.0), on="voxels")
    assert [trace.name for trace in figure.data] == ["reference", "mask"]
    figure = report.surfaces(found, np.zeros_like(found.mask), on="voxels")
    assert [trace.name for trace in figure.data] == ["mask"]
    assert "the reference is empty" in figure.layout.title.text
    with pytest.raises(ValueError, match="'reference' parameter of surfaces"):
        report.surfaces(found, np.zeros((2, 2, 2)))


def test_the_page_needs_nothing_else(found, tmp_path):
    report.write_surfaces(tmp_path / "surfaces.html", found, ball(12.0), on="voxels")
    page = (tmp_path / "surfaces.html").read_text(encoding="utf-8")
    assert "<script src=" not in page
    assert len(page) < 8e6
    with pytest.raises(ValueError, match=r"\.html"):
        report.write_surfaces(tmp_path / "surfaces.png", found)

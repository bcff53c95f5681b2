"""Texts in NIfTI files: what is written is read, whatever else a header holds."""

import gzip
import struct

import numpy as np
import pytest
from nifti_bytes import nifti_bytes

import spars
from spars.volume.extensions import comments_of


def comments(path):
    return comments_of(path, spars.load(path).header)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("text", ["", "8 bytes.", "of a length that is no multiple", "ä ∞ 腫瘍"])
def test_a_comment_returns_and_the_voxels_stay(tmp_path, rng, name, version, text):
    values = rng.integers(0, 2, (7, 6, 5), np.uint8)
    (tmp_path / "scan.nii").write_bytes(nifti_bytes(values, version))
    scan = spars.load(tmp_path / "scan.nii")
    spars.save(tmp_path / name, values, like=scan, comment=text)
    again = spars.load(tmp_path / name)
    assert comments_of(tmp_path / name, again.header) == [text]
    assert np.array_equal(again.array, values)
    assert np.array_equal(again.affine, scan.affine)
    assert again.header.version == version
    assert again.header["vox_offset"] % 16 == 0
    # They are not kept: they may describe the scan's own voxels.
    spars.save(tmp_path / "b.nii", again.array, like=again)
    assert comments(tmp_path / "b.nii") == []


@pytest.mark.parametrize("order", ["<", ">"])
def test_other_extensions_are_passed_over(tmp_path, order):
    content = bytearray(nifti_bytes(np.zeros((2, 2, 2), np.uint8), 1, order))
    others = struct.pack(order + "ii", 32, 4).ljust(32, b"x")
    ours = struct.pack(order + "ii", 16, 6) + b"one\0\0\0\0\0"
    broken = struct.pack(order + "ii", 1 << 30, 6).ljust(16, b"\0")
    content[348] = 1
    content[352:352] = others + ours + ours.replace(b"one", b"two") + broken
    content[108:112] = struct.pack(order + "f", 352 + 80)
    for name, data in (("a.nii", bytes(content)), ("a.nii.gz", gzip.compress(bytes(content)))):
        (tmp_path / name).write_bytes(data)
        assert comments(tmp_path / name) == ["one", "two"]


def test_what_is_no_text_is_refused(tmp_path):
    with pytest.raises(TypeError, match="'comment' parameter of save must be a text or None"):
        spars.save(tmp_path / "a.nii", np.zeros((2, 2, 2)), comment=3)
    with pytest.raises(ValueError, match="'comment' parameter of save must be a text of at most"):
        spars.save(tmp_path / "a.nii", np.zeros((2, 2, 2)), comment="x" * (1 << 20))
    assert not list(tmp_path.iterdir())

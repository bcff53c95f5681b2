"""Reading and writing NIfTI from Python: values, errors, memory, files that appear whole."""

import gzip
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nifti_bytes import CODES, extremes, nifti_bytes

import spars
from spars.volume.volume import as_volume

FUZZ = Path(__file__).with_name("fuzz_nifti.py")


@pytest.fixture
def scan(rng, tmp_path):
    """A scan's path and values, its affine in the sform."""
    values = rng.integers(-1024, 1024, (7, 6, 5), np.int16)
    srow = (0.5, 0, 0.1, -20, 0, 0.75, 0, -30, -0.1, 0, 2, 40)
    path = tmp_path / "scan.nii.gz"
    content = nifti_bytes(values, sform_code=2, srow=srow, descrip=b"a CT", scl_slope=1)
    path.write_bytes(gzip.compress(content))
    return path, values


@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_type_version_and_order(rng, tmp_path, dtype, version, order):
    values = extremes(rng, dtype)
    content = nifti_bytes(values, version, order)
    for name, data in [("a.nii", content), ("a.nii.gz", gzip.compress(content))]:
        (tmp_path / name).write_bytes(data)
        volume = spars.load(tmp_path / name)
        assert volume.array.dtype == np.float32
        assert volume.array.flags.c_contiguous
        assert np.array_equal(volume.array, values.astype(np.float32))
        assert volume.header.version == version


def test_scaling_is_rounded_once(rng, tmp_path):
    values = extremes(rng, "int16", (20, 20, 20))
    slope, inter = np.float32(0.1), np.float32(-1024.3)
    (tmp_path / "a.nii").write_bytes(nifti_bytes(values, scl_slope=slope, scl_inter=inter))
    expected = (values * float(slope) + float(inter)).astype(np.float32)
    assert np.array_equal(spars.load(tmp_path / "a.nii").array, expected)


def test_what_load_gives(scan):
    path, values = scan
    for given_path in [path, str(path), os.fsencode(path)]:
        volume = spars.load(given_path)
        assert np.array_equal(volume.array, values)
    assert volume.header["descrip"] == b"a CT"
    assert volume.header["sform_code"] == 2
    assert "srow_x" in volume.header
    assert np.allclose(volume.affine[0], [0.5, 0, 0.1, -20])
    assert np.array_equal(as_volume(path).array, values)


def test_progress_counts_bytes(rng, tmp_path):
    spars.save(tmp_path / "a.nii.gz", rng.normal(size=(256, 256, 40)).astype(np.float32))
    seen = []
    spars.load(tmp_path / "a.nii.gz", progress=lambda done, planned: seen.append((done, planned)))
    planned = 256 * 256 * 40 * 4
    assert all(0 <= done <= planned for done, _ in seen)
    assert {planned for _, planned in seen} <= {0, planned}


def test_a_failing_callback_stops_loading(scan):
    def fail(done, planned):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        spars.load(scan[0], progress=fail)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("dim[0]", {"dim": (9, 3, 4, 5, 1, 1, 1, 1)}),
        ("dim[2]", {"dim": (3, 3, -4, 5, 1, 1, 1, 1)}),
        ("dim[4]", {"dim": (4, 3, 4, 5, 2, 1, 1, 1)}),
        ("dim", {"dim": (3, 3, 4, 6, 1, 1, 1, 1)}),
        ("datatype", {"datatype": 32}),
        ("bitpix", {"bitpix": 8}),
        ("vox_offset", {"vox_offset": 20}),
        ("scl_inter", {"scl_slope": 1, "scl_inter": np.nan}),
        ("sform_code", {"sform_code": 99}),
        ("xyzt_units", {"xyzt_units": 3}),
    ],
)
def test_broken_files_are_refused_by_field_and_value(rng, tmp_path, field, values):
    content = nifti_bytes(extremes(rng, "int16"), **values)
    (tmp_path / "a.nii").write_bytes(content)
    with pytest.raises(spars.FormatError) as caught:
        spars.load(tmp_path / "a.nii")
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{tmp_path / 'a.nii'}: {field} is ")


def test_what_is_no_nifti_is_refused(tmp_path):
    for content in [b"", b"\x5c\x01", b"not an image at all" * 100, gzip.compress(b"")]:
        (tmp_path / "a.nii").write_bytes(content)
        with pytest.raises(spars.FormatError, match="sizeof_hdr"):
            spars.load(tmp_path / "a.nii")


def test_a_corrupt_gzip_file_is_refused(scan):
    path, _ = scan
    content = bytearray(path.read_bytes())
    content[-6] ^= 1
    path.write_bytes(content)
    with pytest.raises(spars.FormatError, match="gzip") as caught:
        spars.load(path)
    assert caught.value.field == "gzip"


def test_what_is_no_file(tmp_path):
    missing = tmp_path / "none.nii"
    with pytest.raises(FileNotFoundError) as caught:
        spars.load(missing)
    assert caught.value.filename == str(missing)
    with pytest.raises(IsADirectoryError):
        spars.load(tmp_path)
    os.mkfifo(tmp_path / "pipe.nii")
    with pytest.raises(OSError, match="not a regular file"):
        spars.load(tmp_path / "pipe.nii")
    for path, error in [("", ValueError), ("a\0b", ValueError), (None, TypeError), (3, TypeError)]:
        with pytest.raises(error, match="'path'"):
            spars.load(path)


def test_a_lying_header_costs_no_memory(tmp_path):
    # Zeros compress a thousandfold: by its length this file might hold its 390 MB of float32.
    lie = nifti_bytes(
        np.zeros((1, 1, 1), np.uint8),
        dim=(3, 460, 460, 460, 1, 1, 1, 1),
        voxels=bytes(96_000_000),
    )
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(lie, 6))
    code = f"""
import resource, spars
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    spars.load({str(tmp_path / "a.nii.gz")!r})
except spars.FormatError as error:
    print(error.field, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    field, kilobytes = run.stdout.split()
    assert field == "dim"
    assert int(kilobytes) < 100_000


def test_no_bytes_crash_the_interpreter(seed, tmp_path):
    command = [sys.executable, str(FUZZ), str(tmp_path), str(seed)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "volumes" in run.stdout


def test_a_mask_gets_the_scans_geometry_and_header(scan, tmp_path):
    path, values = scan
    volume = spars.load(path)
    for like in [volume, path]:
        spars.save(tmp_path / "mask.nii.gz", values > 0, like=like)
        mask = spars.load(tmp_path / "mask.nii.gz")
        assert np.array_equal(mask.array, values > 0)
        assert np.array_equal(mask.affine, volume.affine)
        assert mask.header["datatype"] == CODES["uint8"]
        assert mask.header["scl_slope"] == 1
        kept = set(mask.header) - {"dim", "datatype", "bitpix", "scl_slope", "vox_offset"}
        for field in kept:
            assert np.array_equal(mask.header[field], volume.header[field]), field


def test_a_volume_is_saved_on_its_own_geometry(scan, tmp_path):
    volume = spars.load(scan[0])
    spars.save(tmp_path / "a.nii", volume)
    copy = spars.load(tmp_path / "a.nii")
    assert np.array_equal(copy.array, volume.array)
    assert np.array_equal(copy.affine, volume.affine)
    small = volume.resampled((4, 3, 9))
    spars.save(tmp_path / "small.nii", small)
    copy = spars.load(tmp_path / "small.nii")
    assert np.allclose(copy.affine, small.affine, atol=1e-5)
    assert copy.header["sform_code"] == 2


@settings(max_examples=30, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 20)] * 3),
    dtype=st.sampled_from(["uint8", "int16", "int32", "float32"]),
    suffix=st.sampled_from([".nii", ".nii.gz"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_array_returns(tmp_path_factory, shape, dtype, suffix, seed):
    values = extremes(np.random.default_rng(seed), dtype, (*shape[:2], shape[2] + 1))
    path = tmp_path_factory.mktemp("any") / f"a{suffix}"
    spars.save(path, values, dtype=dtype)
    copy = spars.load(path)
    assert np.array_equal(copy.array, values.astype(np.float32))
    assert np.array_equal(copy.affine, np.eye(4))
    assert copy.header["datatype"] == CODES[dtype]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (np.array([True, False]), 2),
        (np.array([0, 255]), 2),
        (np.array([0, 256]), 4),
        (np.array([-1, 1], np.int64), 4),
        (np.array([0, 2**31 - 1]), 8),
        (np.array([0.5, np.nan]), 16),
        (np.array([1, 2], np.float64), 16),
    ],
)
def test_the_default_dtype_holds_every_value(tmp_path, values, code):
    spars.save(tmp_path / "a.nii", values.reshape(1, 1, -1))
    copy = spars.load(tmp_path / "a.nii")
    assert copy.header["datatype"] == code
    assert np.array_equal(copy.array.ravel(), values.astype(np.float32), equal_nan=True)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (np.array([0, 256]), "uint8"),
        (np.array([-1.0, 0]), "uint8"),
        (np.array([0.5, 0]), "int16"),
        (np.array([np.nan, 0]), "int16"),
        (np.array([0, 2**40]), None),
        (np.array([1e300, 0]), "float32"),
        (np.array([1, 0]), "float64"),
    ],
)
def test_values_that_do_not_fit_are_refused(tmp_path, values, dtype):
    with pytest.raises(ValueError, match=r"'(volume|dtype)' parameter of save"):
        spars.save(tmp_path / "a.nii", values.reshape(1, 1, -1), dtype=dtype)
    assert list(tmp_path.iterdir()) == []


def test_what_save_refuses(scan, tmp_path):
    volume = spars.load(scan[0])
    for arguments, error, match in [
        (("a.nrrd", volume), ValueError, "'path'"),
        (("a.nii", np.zeros((2, 2))), ValueError, "'volume'"),
        (("a.nii", np.zeros((2, 2, 2)), volume), ValueError, "'volume'"),
        (("a.nii", np.zeros((2, 2, 2), complex)), TypeError, "'volume'"),
        (("a.nii", np.zeros((2, 2, 2)), np.zeros((2, 2, 2))), TypeError, "'like'"),
        (("a.nii", volume, None, "no such"), TypeError, "'dtype'"),
    ]:
        with pytest.raises(error, match=match):
            spars.save(tmp_path / arguments[0], *arguments[1:])
    with pytest.raises(FileNotFoundError):
        spars.save(tmp_path / "none" / "a.nii", volume)
    assert [path.name for path in tmp_path.iterdir()] == ["scan.nii.gz"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "a.nii").write_bytes(b"old")
    (tmp_path / "link.nii").symlink_to(tmp_path / "a.nii")
    spars.save(tmp_path / "link.nii", np.ones((2, 2, 2)))
    assert (tmp_path / "link.nii").is_symlink()
    assert np.array_equal(spars.load(tmp_path / "a.nii").array, np.ones((2, 2, 2)))


def test_a_gzip_bomb_stops_at_its_limit(tmp_path, rng):
    """A file that is small and would grow beyond 4 GiB, and one that goes on after its voxels."""
    path = tmp_path / "a.nii"
    spars.save(path, np.zeros((4, 4, 4), np.uint8))
    content = bytearray(path.read_bytes())
    tail = gzip.compress(bytes(content) + bytes(40 << 20), 1)
    (tmp_path / "tail.nii.gz").write_bytes(tail)
    with pytest.raises(spars.FormatError, match="goes on for more than 16777216 bytes"):
        spars.load(tmp_path / "tail.nii.gz")
    struct.pack_into("<3h", content, 42, 2000, 2000, 300)
    (tmp_path / "bomb.nii.gz").write_bytes(gzip.compress(bytes(content) + rng.bytes(1 << 21), 1))
    with pytest.raises(spars.FormatError, match="more than 4294967296 bytes of voxels") as caught:
        spars.load(tmp_path / "bomb.nii.gz")
    assert caught.value.field == "dim"

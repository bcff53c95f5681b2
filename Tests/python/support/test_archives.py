"""Files of arrays: read whole or refused, in no more memory than a whole one needs."""

import io
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest

import spars
from spars._support.archives import describe_npz, read_arrays, read_npz, write_npz

FORMAT = "spars test 1"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.npz"


def member(shape, dtype="<f4", data=b""):
    """Return an npy member whose header may promise what it does not hold."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    header = header.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


def archive(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)


def peak_of_refusal(path, **options):
    """Return the most bytes that refusing a file took."""
    tracemalloc.start()
    try:
        with pytest.raises(spars.FormatError, match=r"file\.npz: not a file of"):
            read_arrays(path, **options)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_what_is_written_is_read(path, rng):
    arrays = {"a": rng.normal(size=(3, 0, 2)), "b": np.arange(5, dtype=np.int16)[::2], "c.d": None}
    arrays["c.d"] = np.asfortranarray(rng.normal(size=(4, 3)).astype(np.float32))
    write_npz(path, {"n": [1, None]}, arrays, FORMAT)
    description, found = read_npz(path, FORMAT)
    assert description == {"n": [1, None]}
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
        assert found[name].flags.writeable


@pytest.mark.parametrize(
    "content",
    [
        member((1 << 40,)),
        member((1 << 61, 8)),
        member((-2, -2), data=bytes(16)),
        member((2,), data=bytes(9)),
        member((3,), "|O", data=bytes(24)),
        member((1 << 50,), "|V0"),
        member((1 << 50,), "<U0"),
        member("(" * 3000),
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff",
        b"\x93NUMPY\x09\x00",
        b"",
    ],
)
def test_a_header_that_promises_what_is_not_there_is_refused(path, content):
    archive(path, {"a.npy": content})
    assert peak_of_refusal(path) < 1 << 20


def test_a_bomb_is_refused_before_it_is_inflated(path):
    content = member((1 << 24,), "|u1", bytes(1 << 24))
    archive(path, {"a.npy": content}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1 << 15
    assert peak_of_refusal(path) < 1 << 20
    assert peak_of_refusal(path, limits={"a": 1 << 10}) < 1 << 20
    assert read_arrays(path, {"a": 1 << 25})["a"].sum() == 0


def test_what_a_file_says_of_itself_is_read_in_no_more_memory_than_the_file(path):
    np.savez_compressed(path, x=np.zeros(3))
    assert describe_npz(path) == (["x"], None)
    write_npz(path, {"n": 1}, {"x": np.zeros(3)}, "some format")
    assert describe_npz(path) == (["x"], {"format": "some format", "n": 1})
    np.savez_compressed(path, description=np.array("[" * (1 << 24)))
    tracemalloc.start()
    try:
        with pytest.raises(spars.FormatError, match="of more than"):
            describe_npz(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 22
    finally:
        tracemalloc.stop()


def test_only_what_is_wanted_is_read(path):
    large = member((1 << 24,), "|u1", bytes(1 << 24))
    archive(path, {"a.npy": member((0,)), "huge.npy": large}, zipfile.ZIP_DEFLATED)
    tracemalloc.start()
    assert read_arrays(path, {"a": 1 << 10}).keys() == {"a"}
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()
    with pytest.raises(spars.FormatError, match="KeyError"):
        read_arrays(path, {"b": 1})


def test_arrays_that_share_their_bytes_are_refused(path):
    """A hundred names for one member: a hundred times the file, were it read."""
    content = member((1 << 16,), "|u1", bytes(1 << 16))
    local = struct.pack(
        "<4s5H3L2H",
        b"PK\3\4",
        20,
        0,
        0,
        0,
        0,
        zlib.crc32(content),
        len(content),
        len(content),
        1,
        0,
    )
    body = io.BytesIO()
    body.write(local + b"a" + content)
    start = body.tell()
    for i in range(100):
        name = b"%03d" % i
        entry = (b"PK\1\2", 20, 20, 0, 0, 0, 0, zlib.crc32(content), len(content), len(content))
        body.write(struct.pack("<4s6H3L5H2L", *entry, len(name), 0, 0, 0, 0, 0, 0) + name)
    size = body.tell() - start
    body.write(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 100, 100, size, start, 0))
    path.write_bytes(body.getvalue())
    assert peak_of_refusal(path) < 1 << 20


def test_an_atlas_stops_at_its_limit(tmp_path, monkeypatch):
    path = tmp_path / "atlas.npz"
    axes = [np.arange(0, 8, 4)] * 3
    spars.ScoreAtlas(np.zeros((2, 2, 2)), axes, (4, 4, 4), (8, 8, 8)).save(path)
    assert spars.ScoreAtlas.load(path).scores.shape == (2, 2, 2)
    with np.load(path) as file:
        arrays = dict(file)
    np.savez_compressed(path, **arrays | {"x": np.zeros(1 << 20)})
    with pytest.raises(spars.FormatError, match="'x' of more than"):
        spars.ScoreAtlas.load(path)


def test_a_number_is_no_file():
    with pytest.raises(TypeError):
        read_arrays(0)

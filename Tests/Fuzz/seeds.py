"""Writes small sound files of each reader's kind, from which a fuzzer starts.

    python Tests/Fuzz/seeds.py FOLDER

Makes FOLDER/READER/NAME for each reader of Readers.swift; NumPy is all that is needed.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import struct
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "python" / "volume"))

from nifti_bytes import CODES, extremes, nifti_bytes  # noqa: E402

TORCH = (TESTS / "Fixtures" / "tensors.pth").read_bytes()


def nifti() -> Iterator[tuple[str, bytes]]:
    rng = np.random.default_rng(1)
    for dtype in CODES:
        for version in (1, 2):
            order = "<>"[version - 1]
            content = nifti_bytes(extremes(rng, dtype), version, order, scl_slope=2, scl_inter=-1)
            yield f"{dtype}-{version}", content
    whole = nifti_bytes(extremes(rng, "int16"), srow=(1, 0, 0, 0) * 3, sform_code=1, qform_code=1)
    yield "packed", gzip.compress(whole)
    yield "members", gzip.compress(whole[:400]) + gzip.compress(whole[400:], 1)
    yield "stored", gzip.compress(whole, 0)
    named = io.BytesIO()
    with gzip.GzipFile("scan.nii", "wb", fileobj=named) as file:
        file.write(whole)
    yield "named", named.getvalue()


def pair() -> Iterator[tuple[str, bytes]]:
    rng = np.random.default_rng(2)
    for version, (place, magic) in {1: (344, b"ni1\0"), 2: (4, b"ni2\0\r\n\x1a\n")}.items():
        content = bytearray(nifti_bytes(extremes(rng, "int16"), version))
        content[place : place + len(magic)] = magic
        yield f"pair-{version}", bytes(content)


def safetensors() -> Iterator[tuple[str, bytes]]:
    widths = {"F16": 2, "BF16": 2, "F32": 4, "F64": 8, "I32": 4, "I64": 8}
    at, header = 0, {"__metadata__": {"format": "pt", "spars.input_shape": "[8, 8, 8]"}}
    for kind, width in widths.items():
        end = at + 2 * width
        header[kind.lower()] = {"dtype": kind, "shape": [2, 1], "data_offsets": [at, end]}
        at = end
    header["none"] = {"dtype": "F32", "shape": [0, 3], "data_offsets": [at, at]}
    text = json.dumps(header).encode()
    data = np.random.default_rng(3).bytes(at)
    yield "types", struct.pack("<Q", len(text)) + text + data
    text = b'{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}'
    yield "one", struct.pack("<Q", len(text)) + text + b"\0\0\x80?"


def storage(key: str, count: int) -> bytes:
    """Return the instructions that push a tensor of `count` floats."""

    def text(value: str) -> bytes:
        return b"X" + struct.pack("<I", len(value)) + value.encode()

    shape, stride = b"K" + bytes([count]) + b"\x85", b"K\x01\x85"
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + b"ctorch\nFloatStorage\n"
        + text(key) + text("cpu") + b"K" + bytes([count]) + b"tQK\0" + shape + stride
        + b"\x89ccollections\nOrderedDict\n)RtR"
    )  # fmt: skip


def legacy(pickle: bytes, keys: dict[str, int]) -> bytes:
    """Return what `torch.save` wrote before archives: no checksum guards it."""
    magic = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
    machine = b"\x80\x02}(X\r\0\0\0little_endian\x88u."
    names = b"".join(b"X\x01\0\0\0" + key.encode() for key in keys)
    values = b"".join(struct.pack("<Q", count) + bytes(4 * count) for count in keys.values())
    return magic + b"\x80\x02M\xe9\x03." + machine + pickle + b"\x80\x02](" + names + b"e." + values


def weights() -> bytes:
    return b"\x80\x02}(X\x01\0\0\0a" + storage("0", 3) + b"X\x01\0\0\0b" + storage("1", 2) + b"u."


def moments() -> bytes:
    state = b"}K\0}(X\x04\0\0\0stepK\x07X\x07\0\0\0exp_avg" + storage("0", 2) + b"us"
    return b"\x80\x02}(X\x05\0\0\0state" + state + b"X\x0c\0\0\0param_groups]}au."


def torch() -> Iterator[tuple[str, bytes]]:
    yield "archive", TORCH
    yield "legacy", legacy(weights(), {"0": 3, "1": 2})


def pickle() -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(TORCH)) as archive:
        name = next(name for name in archive.namelist() if name.endswith("data.pkl"))
        yield "fixture", archive.read(name)
    yield "weights", weights()
    yield "moments", moments()
    framed = b"\x80\x04\x95\x16\0\0\0\0\0\0\0"
    yield "framed", framed + b"}\x94(\x8c\x05epoch\x94K\x03\x8c\x01x\x8c\x01yG" + bytes(8) + b"u."


def agent() -> Iterator[tuple[str, bytes]]:
    packed = base64.b64encode(b"\x80\x04K\x01.").decode()
    data = json.dumps({"gamma": 0.99, "policy_class": {":serialized:": packed}})
    members = {
        "data": data.encode(),
        "policy.pth": legacy(weights(), {"0": 3, "1": 2}),
        "policy.optimizer.pth": legacy(moments(), {"0": 2}),
    }
    for name, wide in {"agent": False, "wide": True}.items():
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for member, content in members.items():
                with archive.open(member, "w", force_zip64=wide) as opened:
                    opened.write(content)
        yield name, file.getvalue()


def texts() -> Iterator[tuple[str, bytes]]:
    yield "all", b'{"a": [1, -2.5e3, true, false, null], "b": {"c": "\\u00e9\\ud83d\\ude00\\n"}}'


def main(folder: str) -> None:
    makers = {
        "nifti": nifti, "pair": pair, "safetensors": safetensors, "torch": torch,
        "pickle": pickle, "agent": agent, "json": texts,
    }  # fmt: skip
    for reader, make in makers.items():
        place = Path(folder, reader)
        place.mkdir(parents=True, exist_ok=True)
        for name, content in make():
            (place / name).write_bytes(content)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Weights that were changed on the disk are refused by their digest."""

import hashlib
import json

import numpy as np
import pytest

import spars

INPUT = (108, 108, 108)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("digest") / "weights.safetensors"
    classifier = spars.Classifier(INPUT, spars.IntensityWindow(40.0, 400.0), seed=3)
    classifier.save(path)
    return path.read_bytes()


def parts(content):
    """Return a file's header and its tensors' bytes."""
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def joined(header, data):
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def test_the_digest_is_that_of_the_documents(saved):
    header, data = parts(saved)
    metadata = header.pop("__metadata__")
    wanted = metadata.pop("spars.sha256")
    digest = hashlib.sha256()
    for name in sorted(metadata):
        if name.startswith("spars."):
            digest.update(f"{name}\0{metadata[name]}\0".encode())
    for name in sorted(header):
        low, high = header[name]["data_offsets"]
        shape = ",".join(map(str, header[name]["shape"]))
        digest.update(f"{name}\0{header[name]['dtype']}\0{shape}\0".encode() + data[low:high])
    assert digest.hexdigest() == wanted


def test_flipped_bits_are_refused(saved, tmp_path, rng):
    path = tmp_path / "changed.safetensors"
    start = 8 + int.from_bytes(saved[:8], "little")
    for place in rng.integers(start, len(saved), size=60):
        changed = bytearray(saved)
        changed[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        with pytest.raises(spars.FormatError, match="'spars.sha256' of a safetensors file must be"):
            spars.Classifier.load(path)


def test_another_window_is_refused_and_other_programs_entries_are_not(saved, tmp_path):
    path = tmp_path / "changed.safetensors"
    header, data = parts(saved)
    header["__metadata__"]["spars.intensity_window"] = "[50.0, 400.0]"
    path.write_bytes(joined(header, data))
    with pytest.raises(spars.FormatError, match="changed.safetensors: .*spars.sha256"):
        spars.Classifier.load(path)
    header, data = parts(saved)
    header["__metadata__"]["note"] = "of another program"
    path.write_bytes(joined(dict(reversed(header.items())), data))
    loaded = spars.Classifier.load(path)
    # A file without a digest, as before, and the same weights under a digest of their own.
    del header["__metadata__"]["spars.sha256"]
    path.write_bytes(joined(header, data))
    again = spars.Classifier.load(path)
    for name, values in loaded.parameters().items():
        np.testing.assert_array_equal(again.parameters()[name], values)
    again.save(path)
    assert parts(path.read_bytes())[0]["__metadata__"]["spars.sha256"]
    spars.Classifier.load(path)

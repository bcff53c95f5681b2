"""Loads broken NIfTI files; run as a process of its own, since a crash would end it.

Usage: fuzz_nifti.py FOLDER SEED
"""

import gzip
import sys
from pathlib import Path

import numpy as np
from nifti_bytes import extremes, nifti_bytes

import spars


def broken_files(rng):
    """Yield files cut after every byte of the header, then files with random bytes changed."""
    for version in (1, 2):
        content = nifti_bytes(extremes(rng, "int16"), version)
        for length in range(560):
            yield content[:length]
    for _ in range(500):
        dtype = rng.choice(["uint8", "int16", "float32", "float64"])
        content = nifti_bytes(
            extremes(rng, dtype), int(rng.integers(1, 3)), rng.choice(["<", ">"]), sform_code=0
        )
        content = bytearray(content)
        for place in rng.integers(0, 348, rng.integers(1, 6)):
            content[place] = rng.integers(0, 256)
        if rng.random() < 0.3:
            content = bytearray(gzip.compress(bytes(content), 1))
            content[rng.integers(0, len(content))] ^= 1 << int(rng.integers(0, 8))
        yield bytes(content)


def main(folder, seed):
    path = Path(folder) / "fuzz.nii"
    files = volumes = errors = 0
    for content in broken_files(np.random.default_rng(int(seed))):
        files += 1
        path.write_bytes(content)
        try:
            assert spars.load(path).array.dtype == np.float32
            volumes += 1
        except spars.FormatError as error:
            errors += bool(error.field)
    print(f"{volumes} volumes, {errors} errors with their field")
    sys.exit(volumes + errors != files)


if __name__ == "__main__":
    main(*sys.argv[1:])

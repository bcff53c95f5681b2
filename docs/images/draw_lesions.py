"""Draws the picture of lesions.md: phantoms without and with made-up lesions, and a gallery.

    python docs/images/draw_lesions.py

Grey is HU from 0 to 200, in 32 steps.
"""

import struct
import zlib
from pathlib import Path

import numpy as np

import spars

FILE = Path(__file__).resolve().parent / "lesions.png"
SHAPE, SPACING = (300, 240, 48), (1.05, 1.05, 2.5)
SHADES, GAP, TILE, COLUMNS = 32, 4, 60, 9
# Seeds of a phantom and of its lesions.
PATIENTS = ((3, 4), (8, 2))
GALLERY = range(100, 118)


def shades(hu):
    """Return HU (x, y) as grey, rows from front to back as scans are shown."""
    steps = np.clip(np.floor(hu / 200 * SHADES), 0, SHADES - 1)
    return (steps * (255 / (SHADES - 1))).astype(np.uint8).T


def png(image):
    """Return the bytes of a PNG file of a grey image."""

    def chunk(kind, data):
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    height, width = image.shape
    rows = b"".join(b"\0" + row.tobytes() for row in image)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = (b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def joined(images, axis):
    """Return images in a row or a column with white gaps."""
    gap = list(images[0].shape)
    gap[axis] = GAP
    between = np.full(gap, 255, np.uint8)
    parts = [part for image in images for part in (between, image)]
    return np.concatenate(parts[1:], axis)


def patient(scan, seed):
    """Return the slice with most lesion, without and with it."""
    inserted = spars.lesions.insert(scan.volume, scan.liver, 9, seed=seed)
    at = int(inserted.mask.sum((0, 1)).argmax())
    both = (scan.volume.array, inserted.volume.array)
    return joined([shades(values[:, :, at]) for values in both], 1)


def tile(scan, seed):
    """Return what lies around one lesion."""
    law = spars.lesions.LesionLaw(radius=(5, 18))
    inserted = spars.lesions.insert(scan.volume, scan.liver, 1, law, seed)
    x, y, z = (round(place) for place in inserted.lesions[0]["centre"])
    half = TILE // 2
    x = min(max(x, half), SHAPE[0] - half)
    y = min(max(y, half), SHAPE[1] - half)
    return shades(inserted.volume.array[x - half : x + half, y - half : y + half, z])


def drawn():
    """Return the picture."""
    scans = [
        spars.phantom(seed, SHAPE, SPACING, has_tumour=False, noise=14.0) for seed, _ in PATIENTS
    ]
    rows = [patient(scan, seed) for scan, (_, seed) in zip(scans, PATIENTS, strict=True)]
    tiles = [tile(scans[n % len(scans)], seed) for n, seed in enumerate(GALLERY)]
    width = rows[0].shape[1]
    for first in range(0, len(tiles), COLUMNS):
        row = joined(tiles[first : first + COLUMNS], 1)
        missing = width - row.shape[1]
        rows.append(np.pad(row, ((0, 0), (0, missing)), constant_values=255))
    return joined(rows, 0)


if __name__ == "__main__":
    FILE.write_bytes(png(drawn()))

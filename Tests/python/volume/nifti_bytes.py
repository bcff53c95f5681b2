"""NIfTI files built field by field from the standards' offsets, apart from the code under test."""

import struct

import numpy as np

#: dtype name to NIfTI code.
CODES = {
    "uint8": 2, "int16": 4, "int32": 8, "float32": 16, "float64": 64, "int8": 256,
    "uint16": 512, "uint32": 768, "int64": 1024, "uint64": 1280,
}  # fmt: skip

#: field to (struct code, offset) in NIfTI-1 and in NIfTI-2.
FIELDS = {
    "dim": (("8h", 40), ("8q", 16)),
    "datatype": (("h", 70), ("h", 12)),
    "bitpix": (("h", 72), ("h", 14)),
    "pixdim": (("8f", 76), ("8d", 104)),
    "vox_offset": (("f", 108), ("q", 168)),
    "scl_slope": (("f", 112), ("d", 176)),
    "scl_inter": (("f", 116), ("d", 184)),
    "xyzt_units": (("b", 123), ("i", 500)),
    "descrip": (("80s", 148), ("80s", 240)),
    "qform_code": (("h", 252), ("i", 344)),
    "sform_code": (("h", 254), ("i", 348)),
    "quatern": (("3f", 256), ("3d", 352)),
    "qoffset": (("3f", 268), ("3d", 376)),
    "srow": (("12f", 280), ("12d", 400)),
}


def nifti_bytes(array, version=1, order="<", voxels=None, **fields):
    """Return the bytes of a single file holding `array`; `fields` replace header values.

    `voxels` replaces the bytes after the header.
    """
    size = 348 if version == 1 else 540
    header = bytearray(size)
    struct.pack_into(order + "i", header, 0, size)
    magic = b"n+1\0" if version == 1 else b"n+2\0\r\n\x1a\n"
    place = 344 if version == 1 else 4
    header[place : place + len(magic)] = magic
    values = {
        "dim": (array.ndim, *array.shape, *[1] * (7 - array.ndim)),
        "datatype": CODES[array.dtype.name],
        "bitpix": 8 * array.dtype.itemsize,
        "pixdim": (1, 2, 3, 4, 0, 0, 0, 0),
        "vox_offset": size + 4,
        "scl_slope": 0,
        "scl_inter": 0,
        "xyzt_units": 2,
        **fields,
    }
    for name, value in values.items():
        code, offset = FIELDS[name][version - 1]
        parts = value if isinstance(value, (tuple, list)) else (value,)
        struct.pack_into(order + code, header, offset, *parts)
    if voxels is None:
        voxels = array.astype(array.dtype.newbyteorder(order)).tobytes(order="F")
    return bytes(header) + bytes(4) + voxels


def extremes(rng, dtype, shape=(3, 4, 5)):
    """Return random values of a dtype with its extremes among them."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return rng.normal(0, 1e4, shape).astype(dtype)
    info = np.iinfo(dtype)
    values = rng.integers(info.min, info.max, shape, dtype, endpoint=True)
    values.flat[:2] = info.min, info.max
    return values

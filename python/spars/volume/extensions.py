"""A text in a NIfTI file: a header extension of code 6, a comment."""

from __future__ import annotations

import gzip
import os
import struct
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from spars._support.checks import sentence
from spars._support.files import reading
from spars._support.types import AnyPath
from spars.volume.files import Header

#: The code of nifti1.h for plain text.
_COMMENT = 6
# Two int32, size and code, stand before an extension's content; sizes are multiples of 16.
_HEAD, _UNIT = 8, 16
#: Bytes of extensions that are looked at, and written, at most.
_LIMIT = 1 << 20


def extension_of(comment: str) -> NDArray[np.uint8]:
    """Return the extension that holds a text, as bytes.

    Raises
    ------
    ValueError
        The text is longer than a megabyte.
    """
    text = comment.encode("utf-8")
    size = -(-(_HEAD + len(text)) // _UNIT) * _UNIT
    if size > _LIMIT:
        allowed = f"a text of at most {_LIMIT - _HEAD} bytes"
        raise ValueError(sentence("comment", "save", allowed, f"one of {len(text)}"))
    block = struct.pack("<ii", size, _COMMENT) + text
    return np.frombuffer(block.ljust(size, b"\0"), np.uint8)


def comments_of(path: AnyPath, header: Header) -> list[str]:
    """Return the texts in a single NIfTI file's extensions; none of a pair's.

    Parameters
    ----------
    path : path
        A file that was opened before, so that it holds what its header promises.
    header : Header
        Its header.
    """
    if header["magic"].startswith(b"ni"):
        return []
    start = (348 if header.version == 1 else 540) + 4
    block = _first(path, min(header["vox_offset"], start + _LIMIT))
    order = "<" if int.from_bytes(block[:4], "little") == start - 4 else ">"
    found = []
    # The first of four bytes announces extensions.
    is_extended = block[start - 4] != 0
    while is_extended and start + _HEAD <= len(block):
        size, code = struct.unpack_from(f"{order}ii", block, start)
        if size < _UNIT or size % _UNIT or start + size > len(block):
            break
        if code == _COMMENT:
            text = block[start + _HEAD : start + size].rstrip(b"\0")
            found.append(text.decode("utf-8", "replace"))
        start += size
    return found


def _first(path: AnyPath, count: int) -> bytes:
    """Return a file's first bytes, inflated where it is compressed."""
    with reading(os.fsdecode(path)) as file:
        is_gzip = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        stream = cast(IO[bytes], gzip.GzipFile(fileobj=file)) if is_gzip else file
        return stream.read(count)

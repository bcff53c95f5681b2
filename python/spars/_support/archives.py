"""Files of named arrays with a JSON description: NumPy's npz, read without pickle."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import zipfile
from collections.abc import Iterator, Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spars._support.errors import FormatError
from spars._support.files import reading, writing
from spars._support.formats import check_ending
from spars._support.types import PathLike

DESCRIPTION = "description"


def write_npz(
    path: PathLike,
    description: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    file_format: str,
    *,
    keep_previous: bool = False,
) -> None:
    """Write `arrays` and the JSON-able `description`; the file appears whole or not at all.

    `keep_previous` is that of `spars._support.files.writing`.

    Raises
    ------
    ValueError
        The path's ending is that of another format.
    """
    check_ending(path, (".npz",), "save")
    text = json.dumps({"format": file_format, **description}, allow_nan=False)
    members: dict[str, Any] = {DESCRIPTION: np.array(text), **arrays}
    with writing(path, keep_previous=keep_previous) as file:
        np.savez(file, **members)


def write_compressed(file: IO[bytes], **arrays: ArrayLike) -> None:
    """Write what ``numpy.savez_compressed`` does, in parts between which Ctrl-C is heard."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(_Parts(member), np.asanyarray(array), allow_pickle=False)


class _Parts:
    """A file that is written to a few parts of a megabyte at a time."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        view = memoryview(data)
        return sum(self._file.write(view[i : i + (1 << 20)]) for i in range(0, len(view), 1 << 20))


def describe_npz(path: PathLike) -> tuple[list[str], dict[str, Any] | None]:
    """Return the names of an npz's arrays and, of a file that `write_npz` wrote, its description.

    Raises
    ------
    FormatError
        The file is broken.
    """
    with _opened(path, "NumPy") as (archive, size):
        names = [info.filename.removesuffix(".npy") for info in archive.infolist()]
        if DESCRIPTION not in names:
            return names, None
        text = str(_arrays(archive, size, {DESCRIPTION: size})[DESCRIPTION])
        return [name for name in names if name != DESCRIPTION], dict(json.loads(text))


def read_npz(path: PathLike, file_format: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the description and the arrays that `write_npz` wrote.

    Raises
    ------
    FormatError
        The file is broken or of another format.
    OSError
        It cannot be read.
    """
    what = f"the format '{file_format}'"
    arrays = read_arrays(path, what=what)
    try:
        description = json.loads(str(arrays.pop(DESCRIPTION)))
        found = description.pop("format")
    except MemoryError:
        raise
    # What a JSON of any shape comes upon.
    except Exception as error:
        raise FormatError(f"{path}: not a file of {what}: {error!r}") from error
    if found != file_format:
        raise FormatError(f"{path}: the format must be '{file_format}'. Got {found!r} instead.")
    return description, arrays


def read_arrays(
    path: PathLike, limits: Mapping[str, int] | None = None, what: str = "arrays"
) -> dict[str, NDArray[Any]]:
    """Return the arrays of an npz file by name; it takes no more memory than a whole one needs.

    Parameters
    ----------
    path : path
    limits : mapping of str to int, optional
        The arrays that are wanted, and the most bytes that each may take. By default all of a
        file that is not compressed, which then are no more than the file.
    what : str
        What the file should hold, for the message of an error.

    Raises
    ------
    FormatError
        The file is broken, lacks an array, or holds one that is compressed or larger than it may.
    OSError
        It cannot be read.
    """
    with _opened(path, what) as (archive, size):
        return _arrays(archive, size, limits)


@contextlib.contextmanager
def _opened(path: PathLike, what: str) -> Iterator[tuple[zipfile.ZipFile, int]]:
    """Open a file of arrays, with its size; what is read of it raises FormatError or OSError."""
    with reading(path) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                yield archive, os.fstat(file.fileno()).st_size
        # Damaged archives and headers raise what zipfile, zlib, tokenize and NumPy come upon; a
        # broken offset is sought for, which is an OSError of its own.
        except Exception as error:
            is_of_system = isinstance(error, OSError) and error.errno != errno.EINVAL
            if is_of_system or isinstance(error, MemoryError):
                raise
            raise FormatError(f"{path}: not a file of {what}: {error!r}") from error


def _arrays(
    archive: zipfile.ZipFile, size: int, limits: Mapping[str, int] | None
) -> dict[str, NDArray[Any]]:
    members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    if limits is None:
        # Members that overlap would take more in all than there is.
        if sum(info.file_size for info in archive.infolist()) > size:
            raise ValueError(f"arrays of more bytes than the file's {size}")
        if any(info.compress_type != zipfile.ZIP_STORED for info in members.values()):
            raise ValueError("a compressed array")
        return {name: _array(archive, info) for name, info in members.items()}
    for name, limit in limits.items():
        if members[name].file_size > limit:
            raise ValueError(f"'{name}' of more than {limit} bytes: {members[name].file_size}")
    return {name: _array(archive, members[name]) for name in limits}


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    """Return one array; its header must promise what the member holds before room is made."""
    with archive.open(info) as member:
        version = np.lib.format.read_magic(member)
        read = np.lib.format.read_array_header_1_0
        shape, _, dtype = (read if version == (1, 0) else np.lib.format.read_array_header_2_0)(
            member
        )
        held = info.file_size - member.tell()
    # Types without a size promise any number of elements.
    is_one = dtype.kind in "biufU" and dtype.itemsize > 0
    if not is_one or math.prod(shape) * dtype.itemsize != held:
        raise ValueError(f"'{info.filename}' of {held} bytes, {dtype} and shape {shape}")
    with archive.open(info) as member:
        array: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
        return array

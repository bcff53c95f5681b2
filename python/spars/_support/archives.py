"""Files of named arrays with a JSON description: NumPy's npz, read without pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spars._support.errors import FormatError
from spars._support.files import writing
from spars._support.formats import check_ending
from spars._support.types import PathLike

DESCRIPTION = "description"


def write_npz(
    path: PathLike,
    description: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    file_format: str,
) -> None:
    """Write `arrays` and the JSON-able `description`; the file appears whole or not at all.

    Raises
    ------
    ValueError
        The path's ending is that of another format.
    """
    check_ending(path, (".npz",), "save")
    text = json.dumps({"format": file_format, **description}, allow_nan=False)
    members: dict[str, Any] = {DESCRIPTION: np.array(text), **arrays}
    with writing(path) as file:
        np.savez(file, **members)


def describe_npz(path: PathLike) -> tuple[list[str], dict[str, Any] | None]:
    """Return the names of an npz's arrays and, of a file that `write_npz` wrote, its description.

    Raises
    ------
    FormatError
        The file is broken.
    """
    with open(path, "rb") as file:
        try:
            with np.load(file, allow_pickle=False) as archive:
                names = [name for name in archive.files if name != DESCRIPTION]
                if len(names) == len(archive.files):
                    return names, None
                return names, dict(json.loads(str(archive[DESCRIPTION])))
        except Exception as error:
            raise FormatError(f"{path}: not an npz file of NumPy: {error!r}") from error


def read_npz(path: PathLike, file_format: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the description and the arrays that `write_npz` wrote, or raise FormatError."""
    # np.load leaves a file that it opened itself open when the content is broken.
    with open(path, "rb") as file:
        try:
            with np.load(file, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            description = json.loads(str(arrays.pop(DESCRIPTION)))
            found = description.pop("format")
        # Damaged archives and headers raise what zipfile, zlib, tokenize, json and NumPy come upon.
        except Exception as error:
            raise FormatError(
                f"{path}: not a file of the format '{file_format}': {error!r}"
            ) from error
    if found != file_format:
        raise FormatError(f"{path}: the format must be '{file_format}'. Got {found!r} instead.")
    return description, arrays

"""Files of named arrays with a JSON description: NumPy's npz, read without pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spars._support.errors import FormatError
from spars._support.files import writing
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
    """
    text = json.dumps({"format": file_format, **description}, allow_nan=False)
    members: dict[str, Any] = {DESCRIPTION: np.array(text), **arrays}
    with writing(path, keep_previous=keep_previous) as file:
        np.savez(file, **members)


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

"""The files that commands write: checked before the work, and written after it."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from typing import Any

from spars._support.files import write_text
from spars._support.formats import NIFTI, check_ending
from spars._support.json import jsonable
from spars._support.types import PathLike


def check_nifti(path: str, option: str) -> None:
    """Refuse a path of another ending than NIfTI's."""
    if not path.lower().endswith(NIFTI):
        raise ValueError(f"{option} must end in .nii or .nii.gz. Got {path}.")


#: The endings of what an option writes, where the option says it.
_ENDINGS = {
    "--checkpoint": (".npz",),
    "--history": (".json",),
    "--lesions": (".csv",),
    "--picture": (".png",),
    "--report": (".html", ".htm"),
    "--surfaces": (".html", ".htm"),
}


def check_outputs(
    outputs: Mapping[str, str | None],
    inputs: Mapping[str, str | None],
    endings: Mapping[str, Collection[str]] | None = None,
) -> None:
    """Refuse outputs that cannot be written, or would destroy a file, before the work starts.

    Parameters
    ----------
    outputs, inputs : mapping
        Options and their paths.
    endings : mapping, optional
        The endings of what other options than those above write: another format's is refused.
    """
    known = {**_ENDINGS, **(endings or {})}
    taken = {os.path.realpath(path): name for name, path in inputs.items() if path}
    for name, path in outputs.items():
        if not path:
            continue
        folder = os.path.dirname(path) or "."
        if not os.path.isdir(folder):
            raise FileNotFoundError(2, "the folder of this output does not exist", path)
        if os.path.isdir(path):
            raise IsADirectoryError(21, f"{name} is a folder", path)
        if not os.access(folder, os.W_OK):
            raise PermissionError(13, "the folder of this output cannot be written to", path)
        same = taken.setdefault(os.path.realpath(path), name)
        if same != name:
            raise ValueError(f"{name} would overwrite {same}: {path}")
        if name in known:
            check_ending(path, known[name], name=name)


def modified(path: str | None) -> int | None:
    """Return when a file was last written, or None."""
    return os.stat(path).st_mtime_ns if path and os.path.exists(path) else None


def write_json(path: PathLike, content: Any) -> None:
    """Write plain values, NaN as null."""
    write_text(path, json.dumps(jsonable(content), indent=2, allow_nan=False) + "\n")

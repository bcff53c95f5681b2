"""What a result carries so that it can be repeated: hashes of its inputs, and versions."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spars._core import native
from spars._support.arrays import parts
from spars._support.json import jsonable


def digest(array: ArrayLike, before: bytes = b"") -> str:
    """Return the SHA-256 of an array's or volume's values, x slowest, to recognise it again.

    Of bytes before them as well, where they are given.
    """
    values = np.atleast_1d(np.asarray(getattr(array, "array", array)))
    found = hashlib.sha256(before)
    for part in parts(values):
        found.update(np.ascontiguousarray(values[part]).data)
    return found.hexdigest()


def versions() -> dict[str, str]:
    """Return the versions that a result depends on, as plain values."""
    return {
        "spars": native.version(),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def comment(configuration: Mapping[str, Any], sidecar: str | None = None) -> str:
    """Return what a result's own file says of where it came from, as JSON.

    Parameters
    ----------
    configuration : dict
        The result's.
    sidecar : str, optional
        The file beside it that holds the configuration.

    Returns
    -------
    str
        An object of `spars` (the version), `configuration_sha256` (of the configuration as JSON,
        names sorted, no blanks), `input_sha256` (the scan's values, as `digest`) and `sidecar`.
    """
    plain = json.dumps(jsonable(configuration), sort_keys=True, separators=(",", ":"))
    told = {
        "spars": native.version(),
        "configuration_sha256": hashlib.sha256(plain.encode()).hexdigest(),
        "input_sha256": configuration.get("scan", {}).get("sha256"),
        "sidecar": sidecar,
    }
    return json.dumps(told)

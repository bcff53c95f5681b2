"""What a result carries so that it can be repeated: hashes of its inputs, and versions."""

from __future__ import annotations

import hashlib
import platform

import numpy as np
from numpy.typing import ArrayLike

from spars._core import native


def digest(array: ArrayLike) -> str:
    """Return the SHA-256 of an array's or volume's values, x slowest, to recognise it again."""
    return hashlib.sha256(np.ascontiguousarray(getattr(array, "array", array)).data).hexdigest()


def versions() -> dict[str, str]:
    """Return the versions that a result depends on, as plain values."""
    return {
        "spars": native.version(),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }

"""Optional packages: imported when first needed, and named with their extra when missing."""

from __future__ import annotations

import importlib
from types import ModuleType


def require(module: str, extra: str, purpose: str) -> ModuleType:
    """Return the imported `module`, or raise ImportError naming the extra that brings it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImportError(
            f"{purpose} needs {package}. Install it with: pip install 'spars[{extra}]'"
        ) from error

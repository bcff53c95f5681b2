"""The compiled core: the only place that imports the extension module.

Everything else says ``from spars._core import native``.
"""

from spars._core import _native as native
from spars._core.handles import Handle, Native, Whole

__all__ = ["Handle", "Native", "Whole", "native"]

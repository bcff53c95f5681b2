"""The types that recur in signatures, each under a plain name.

`Extent3` and `Spacing` are what checks return; a parameter that is checked takes any sequence.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Numbers of voxels along x, y, z, or a place among them.
Extent3: TypeAlias = tuple[int, int, int]
#: A voxel's edges along x, y, z in mm.
Spacing: TypeAlias = tuple[float, float, float]
#: What the core computes with.
FloatArray: TypeAlias = NDArray[np.float32]
#: A checked mask, of 0 and 1.
MaskArray: TypeAlias = NDArray[np.uint8]
#: A file's name.
PathLike: TypeAlias = str | os.PathLike[str]
#: A file's name, in bytes too.
AnyPath: TypeAlias = PathLike | bytes | os.PathLike[bytes]
#: Called with what is done and what is planned.
Progress: TypeAlias = Callable[[int, int], object]


class NibabelImage(Protocol):
    """What is read of a nibabel image, which need not be installed."""

    @property
    def affine(self) -> Any: ...

    @property
    def dataobj(self) -> Any: ...

    @property
    def header(self) -> Any: ...

    @property
    def shape(self) -> tuple[int, ...]: ...

    def get_fdata(self) -> Any: ...


class SimpleITKImage(Protocol):
    """What is read of a SimpleITK image, which need not be installed."""

    def GetDimension(self) -> int: ...  # noqa: N802

    def GetDirection(self) -> Any: ...  # noqa: N802

    def GetNumberOfComponentsPerPixel(self) -> int: ...  # noqa: N802

    def GetOrigin(self) -> Any: ...  # noqa: N802

    def GetSpacing(self) -> Any: ...  # noqa: N802


#: What `spars.volume.as_volume` takes; a `Volume` is one of the array-likes.
Scan: TypeAlias = ArrayLike | AnyPath | NibabelImage | SimpleITKImage
#: A scan whose voxels are 0 and 1.
Mask: TypeAlias = Scan

"""NIfTI files by way of the compiled core: the header that is kept, opening, reading, writing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from spars._core import names, native
from spars._core.handles import Handle, Native
from spars._support.checks import sentence
from spars._support.errors import FormatError
from spars._support.types import AnyPath, FloatArray, NibabelImage, Progress

if TYPE_CHECKING:
    from typing_extensions import TypeIs

# The header of NIfTI-2, into which that of NIfTI-1 fits exactly (nifti2.h, 540 bytes).
HEADER_DTYPE = np.dtype(
    [
        ("sizeof_hdr", "<i4"), ("magic", "S8"), ("datatype", "<i2"), ("bitpix", "<i2"),
        ("dim", "<i8", 8), ("intent_p1", "<f8"), ("intent_p2", "<f8"), ("intent_p3", "<f8"),
        ("pixdim", "<f8", 8), ("vox_offset", "<i8"), ("scl_slope", "<f8"), ("scl_inter", "<f8"),
        ("cal_max", "<f8"), ("cal_min", "<f8"), ("slice_duration", "<f8"), ("toffset", "<f8"),
        ("slice_start", "<i8"), ("slice_end", "<i8"), ("descrip", "S80"), ("aux_file", "S24"),
        ("qform_code", "<i4"), ("sform_code", "<i4"), ("quatern_b", "<f8"), ("quatern_c", "<f8"),
        ("quatern_d", "<f8"), ("qoffset_x", "<f8"), ("qoffset_y", "<f8"), ("qoffset_z", "<f8"),
        ("srow_x", "<f8", 4), ("srow_y", "<f8", 4), ("srow_z", "<f8", 4), ("slice_code", "<i4"),
        ("xyzt_units", "<i4"), ("intent_code", "<i4"), ("intent_name", "S16"), ("dim_info", "u1"),
        ("unused_str", "S15"),
    ]
)  # fmt: skip

# The types that are written.
VOXEL_DTYPES = tuple(np.dtype(name) for name in names.VOXEL_TYPE)


@dataclass(frozen=True, repr=False)
class Header:
    """The NIfTI header a scan came with, kept so that what is saved on its geometry has it too.

    Fields are read by their NIfTI names, as in ``header["qform_code"]``. A NIfTI-1 header is held
    as the NIfTI-2 header of the same content, which loses nothing; `version` says what it was.

    Parameters
    ----------
    version : int
        1 or 2: the kind of file it came from, and the kind that `spars.save` writes.
    block : bytes
        A little-endian NIfTI-2 header, 540 bytes.

    Examples
    --------
    >>> spars.save("a.nii", np.zeros((4, 5, 6)))
    >>> header = spars.load("a.nii").header
    >>> header.version, header["dim"][:4]
    (1, array([3, 4, 5, 6]))
    """

    version: int
    block: bytes

    def __post_init__(self) -> None:
        if self.version not in (1, 2) or len(self.block) != HEADER_DTYPE.itemsize:
            raise ValueError(
                f"A Header has version 1 or 2 and {HEADER_DTYPE.itemsize} bytes. "
                f"Got version {self.version!r} and {len(self.block)} bytes instead."
            )

    def __getitem__(self, field: str) -> Any:
        value = np.frombuffer(self.block, HEADER_DTYPE)[0][field]
        return value if isinstance(value, np.ndarray) else value.item()

    def __iter__(self) -> Iterator[str]:
        return iter(HEADER_DTYPE.names or ())

    def __repr__(self) -> str:
        return f"<spars.volume.Header of NIfTI-{self.version}, {self['descrip']!r}>"


class NiftiFile(Native):
    """An open NIfTI file: its header is read and checked, its voxels are not read yet."""

    _instead = "open the file again, or load it"

    def __init__(self, path: object, owner: str, progress: Progress | None = None) -> None:
        path = _encoded(path, owner)
        with _naming_the_file():
            handle, geometry, header = native.volume_open(path, progress)
        self._handle = Handle(handle)
        self.shape = geometry.shape
        self.affine = np.reshape(geometry.affine, (4, 4))
        self.header = Header(*header)

    def read(self, progress: Progress | None = None) -> FloatArray:
        """Return the voxels as a new float32 array [x, y, z]."""
        values = np.empty(self.shape, np.float32)
        with _naming_the_file():
            native.volume_read(self._handle.value, values, progress)
        return values


def write(
    path: object,
    voxels: NDArray[Any],
    affine: NDArray[np.float64],
    header: Header | None,
    progress: Progress | None = None,
    extension: NDArray[np.uint8] | None = None,
) -> None:
    """Write `voxels`, C-contiguous and of one of `VOXEL_DTYPES`, as a NIfTI file."""
    # The new file shall take the place of what a link points to, not of the link.
    path = os.path.realpath(_encoded(path, "save"))
    with _naming_the_file():
        geometry = {"shape": voxels.shape, "affine": np.ravel(affine)}
        native.volume_save(path, geometry, header, voxels.dtype.name, voxels, extension, progress)


def header_of(image: NibabelImage) -> Header | None:
    """Return the header of a nibabel image, or None where its format has another kind."""
    block = getattr(image.header, "binaryblock", b"")
    try:
        decoded = native.nifti_header_decode(np.frombuffer(block, np.uint8)) if block else None
        return None if decoded is None else Header(*decoded)
    except FormatError:
        return None


def is_path(value: object) -> TypeIs[AnyPath]:
    """Whether `value` names a file."""
    return isinstance(value, (str, bytes, os.PathLike))


def _encoded(path: object, owner: str) -> bytes:
    if not is_path(path):
        raise TypeError(sentence("path", owner, "a file's path", path))
    path = os.fsencode(path)
    if not path or b"\0" in path:
        raise ValueError(sentence("path", owner, "a file's path", path))
    return path


class _naming_the_file:  # noqa: N801, as contextlib's
    """Give an OSError of the core, "path: reason", the attributes that Python's own have."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, OSError) and error.filename is None and error.strerror:
            path, _, reason = error.strerror.rpartition(": ")
            raise OSError(error.errno, reason, path) from None

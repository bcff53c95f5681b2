"""Volumes: a scan's values with their place in space, read from and written to NIfTI files."""

from dataclasses import dataclass

import numpy as np

from spars._checks import check_array, check_extent

__all__ = ["Header", "Volume", "as_volume"]

# The header of NIfTI-2, into which that of NIfTI-1 fits exactly (nifti2.h, 540 bytes).
_HEADER_DTYPE = np.dtype(
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
    """

    version: int
    block: bytes

    def __post_init__(self):
        if self.version not in (1, 2) or len(self.block) != _HEADER_DTYPE.itemsize:
            raise ValueError(
                f"A Header has version 1 or 2 and {_HEADER_DTYPE.itemsize} bytes. "
                f"Got version {self.version!r} and {len(self.block)} bytes instead."
            )

    def __getitem__(self, field):
        value = np.frombuffer(self.block, _HEADER_DTYPE)[0][field]
        return value if isinstance(value, np.ndarray) else value.item()

    def keys(self):
        """Return the names of the fields."""
        return _HEADER_DTYPE.names

    def __repr__(self):
        return f"<spars.volume.Header of NIfTI-{self.version}, {self['descrip']!r}>"


class Volume:
    """A scan: float32 values indexed [x, y, z], and where its voxels lie in space.

    Parameters
    ----------
    array : array_like, shape (x, y, z)
        Values, HU for CT. Any real dtype; kept without a copy where it is C-contiguous float32
        already, so a later change of it changes the volume. NaN and infinities are kept: what
        cannot work with them says so.
    affine : array_like, shape (4, 4), optional
        Voxel indices to millimetres, RAS+ as in NIfTI. Default: the identity, voxels of 1 mm.
    header : Header, optional
        The NIfTI header that `spars.save` keeps.

    Attributes
    ----------
    array : ndarray of float32, shape (x, y, z)
        The values, C-contiguous, read-only.
    affine : ndarray of float64, shape (4, 4)
        Voxel indices to millimetres, read-only.
    spacing : tuple of three floats
        The voxel's edges in mm: the lengths of the affine's columns.
    shape : tuple of three ints
        Numbers of voxels along x, y, z.
    header : Header or None
        The header of the file it came from.

    Raises
    ------
    TypeError, ValueError
        `array` is not a real array of three axes, each 1 or longer, or `affine` is not a finite
        invertible 4 x 4 matrix whose last row is (0, 0, 0, 1).
    """

    __slots__ = ("affine", "array", "header")

    def __init__(self, array, affine=None, header=None):
        array = check_array(
            array, "array", "Volume", np.float32, (None, None, None), finite=False
        ).view()
        check_extent(array.shape, "array.shape", "Volume")
        if header is not None and not isinstance(header, Header):
            raise TypeError(
                f"The 'header' parameter of Volume must be a Header or None. Got {header!r}."
            )
        array.flags.writeable = False
        self.array = array
        self.affine = _checked_affine(affine)
        self.header = header

    @property
    def shape(self):
        """Numbers of voxels along x, y, z."""
        return self.array.shape

    @property
    def spacing(self):
        """The voxel's edges along x, y, z in mm."""
        return tuple(float(length) for length in np.linalg.norm(self.affine[:3, :3], axis=0))

    def __array__(self, dtype=None, copy=None):
        if copy is None:
            return np.asarray(self.array, dtype=dtype)
        return np.array(self.array, dtype=dtype, copy=copy)

    def __repr__(self):
        spacing = ", ".join(f"{length:.4g}" for length in self.spacing)
        return f"<spars.Volume {self.shape}, spacing ({spacing}) mm>"

    def __reduce__(self):
        return (Volume, (self.array, self.affine, self.header))


def as_volume(volume):
    """Return `volume` as a `Volume`.

    Parameters
    ----------
    volume : Volume, array_like, nibabel image or SimpleITK image
        A Volume passes through. An array gets the identity as its affine. Axes of length 1 after
        the third are dropped from images.

    Returns
    -------
    Volume

    Raises
    ------
    TypeError, ValueError
        It is none of these, or does not have three axes.
    """
    if isinstance(volume, Volume):
        return volume
    if hasattr(volume, "get_fdata") and hasattr(volume, "affine"):
        return _from_nibabel(volume)
    if hasattr(volume, "GetDirection") and hasattr(volume, "GetSpacing"):
        return _from_simpleitk(volume)
    return Volume(volume)


def _from_nibabel(image):
    array = np.asanyarray(image.dataobj)
    return Volume(_three_axes(array), image.affine)


def _from_simpleitk(image):
    import SimpleITK

    if image.GetNumberOfComponentsPerPixel() != 1:
        raise ValueError(
            "The 'volume' parameter of as_volume must be an image with one value a voxel. "
            f"Got {image.GetNumberOfComponentsPerPixel()} instead."
        )
    if image.GetDimension() != 3:
        raise ValueError(
            "The 'volume' parameter of as_volume must be an image of 3 dimensions. "
            f"Got {image.GetDimension()} instead."
        )
    # SimpleITK's array is [z, y, x], its directions LPS+: x and y change sign for RAS+.
    array = SimpleITK.GetArrayViewFromImage(image).transpose(2, 1, 0)
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    affine[:2] *= -1
    return Volume(array, affine)


def _three_axes(array):
    """Drop the axes of length 1 after the third."""
    extra = array.shape[3:]
    return array.reshape(array.shape[:3]) if extra and set(extra) == {1} else array


def _checked_affine(affine):
    """Return `affine` as a read-only float64 array; None gives the identity."""
    if affine is None:
        affine = np.eye(4)
    affine = check_array(affine, "affine", "Volume", np.float64, (4, 4)).copy()
    if not np.array_equal(affine[3], [0, 0, 0, 1]) or not _is_invertible(affine[:3, :3]):
        raise ValueError(
            "The 'affine' parameter of Volume must be an invertible matrix with (0, 0, 0, 1) as "
            f"its last row. Got {affine.tolist()} instead."
        )
    affine.flags.writeable = False
    return affine


def _is_invertible(matrix):
    """Whether the columns, scaled to length 1, span a volume that float32 can tell from none."""
    lengths = np.linalg.norm(matrix, axis=0)
    return bool(np.all(lengths > 0)) and abs(np.linalg.det(matrix / lengths)) > 1e-6

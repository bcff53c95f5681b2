"""Volumes: a scan's values with their place in space, read from and written to NIfTI files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from spars._core import native
from spars._support.arrays import contiguous, copied, parts
from spars._support.checks import check_array, check_choice, check_extent, sentence, shown
from spars._support.notebook import card, triple
from spars._support.progress import as_progress
from spars._support.types import (
    AnyPath,
    Extent3,
    FloatArray,
    NibabelImage,
    Progress,
    Scan,
    SimpleITKImage,
    Spacing,
)
from spars.volume.extensions import extension_of
from spars.volume.files import VOXEL_DTYPES, Header, header_of, is_path, write
from spars.volume.images import opened
from spars.volume.slices import orientation_text
from spars.volume.thumbnails import thumbnails

if TYPE_CHECKING:
    from typing_extensions import TypeIs

__all__ = ["Header", "Volume", "as_volume", "load", "resample", "save"]


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

    Examples
    --------
    >>> scan = spars.Volume(np.zeros((4, 5, 6)), np.diag([0.8, 0.8, 2.5, 1]))
    >>> scan.shape, scan.spacing
    ((4, 5, 6), (0.8, 0.8, 2.5))
    """

    __slots__ = ("affine", "array", "header")

    def __init__(
        self, array: ArrayLike, affine: ArrayLike | None = None, header: Header | None = None
    ) -> None:
        array = check_array(
            array, "array", "Volume", np.float32, (None, None, None), finite=False
        ).view()
        check_extent(array.shape, "array.shape", "Volume")
        if header is not None and not isinstance(header, Header):
            raise TypeError(
                f"The 'header' parameter of Volume must be a Header or None. Got {shown(header)}."
            )
        array.flags.writeable = False
        self.array: FloatArray = array
        self.affine = _checked_affine(affine)
        self.header = header

    @property
    def shape(self) -> Extent3:
        """Numbers of voxels along x, y, z."""
        return self.array.shape

    @property
    def spacing(self) -> Spacing:
        """The voxel's edges along x, y, z in mm."""
        x, y, z = (float(length) for length in np.linalg.norm(self.affine[:3, :3], axis=0))
        return x, y, z

    def resampled(self, shape: Sequence[int], interpolation: str = "linear") -> Volume:
        """Return the same box in space cut into `shape` voxels.

        Parameters
        ----------
        shape : tuple of three ints
            Numbers of voxels along x, y, z, each 1 to 1,048,576.
        interpolation : {"linear", "nearest"}
            As in `spars.resample`.

        Returns
        -------
        Volume
            With the affine of the new voxels and the same header.

        Examples
        --------
        >>> scan = spars.Volume(np.zeros((4, 4, 4)), np.diag([1, 1, 3, 1]))
        >>> scan.resampled((2, 2, 6))
        <spars.Volume (2, 2, 6), spacing (2, 2, 2) mm>
        """
        shape = check_extent(shape, "shape", "Volume.resampled")
        values = resample(self.array, shape, interpolation)
        ratio = np.divide(self.shape, shape)
        step = np.eye(4)
        step[:3, :3] = np.diag(ratio)
        # Index i of the new volume lies at (i + 0.5) * ratio - 0.5 of the old one.
        step[:3, 3] = (ratio - 1) / 2
        return Volume(values, self.affine @ step, self.header)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is None:
            return np.asarray(self.array, dtype=dtype)
        return np.array(self.array, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        spacing = ", ".join(f"{length:.4g}" for length in self.spacing)
        return f"<spars.Volume {self.shape}, spacing ({spacing}) mm>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: shape, spacing, place, range, and the middle planes."""
        # NaN is passed over, without a copy of the scan.
        low, high = (float(f.reduce(self.array, axis=None)) for f in (np.fmin, np.fmax))
        span = "no number" if np.isnan(low) else f"{low:.4g} to {high:.4g}"
        rows = [
            ("shape", triple(self.shape)),
            ("spacing", f"{triple(self.spacing)} mm"),
            ("axes", orientation_text(self.affine)),
            ("values", span),
        ]
        return card("Volume", rows, thumbnails(self))

    def __reduce__(
        self,
    ) -> tuple[type[Volume], tuple[FloatArray, NDArray[np.float64], Header | None]]:
        return (Volume, (self.array, self.affine, self.header))


def load(
    path: AnyPath, progress: Progress | bool | None = None, *, series: str | int | None = None
) -> Volume:
    """Read a scan from a NIfTI file, or by SimpleITK from NRRD, MetaImage or a DICOM folder.

    NIfTI-1 and -2, `.nii`, `.nii.gz` or either file of a pair `.hdr` and `.img` (each with or
    without `.gz`), both byte orders, integers and floats of 8 to 64 bits. Values are scaled by
    `scl_slope` and `scl_inter` in float64 and rounded to float32 once. The affine is that of
    sform, else qform, else pixdim, as nibabel chooses. What is read and what is refused stands in
    docs/reference/volumes.md.

    Other formats need SimpleITK (the extra "images"). A DICOM series is placed by its slices' own
    positions, HU by its rescale slope and intercept.

    Parameters
    ----------
    path : str, bytes or os.PathLike
        The file; for a pair, either one; for DICOM, the folder that holds the series.
    progress : callable or True, optional
        Called with bytes done and bytes planned about every 20 ms; True draws a bar (the
        extra "progress").

    series : str or int, optional
        Of a DICOM folder with several series, the one that is meant: its SeriesInstanceUID, its
        SeriesNumber or its SeriesDescription.

    Returns
    -------
    Volume
        NaN and infinities are kept.

    Raises
    ------
    ValueError
        A folder holds several series and `series` names none, or not one, of them; the message
        lists them.
    ImportError
        SimpleITK is needed and missing.
    FormatError
        The file is broken, truncated or contradicts itself, or holds what is no volume of real
        numbers: more than three axes, complex or colour voxels. The message names the file, the
        field and its value; `field` is the field. Of DICOM also slices that do not lie evenly.
    OSError
        The file cannot be read; FileNotFoundError where there is none.
    MemoryError
        The volume, which the file does hold, does not fit in memory.

    Examples
    --------
    >>> spars.save("scan.nii.gz", spars.phantom(shape=(24, 24, 16)).volume)
    >>> spars.load("scan.nii.gz").shape
    (24, 24, 16)
    """
    progress = as_progress(progress, "load", "B")
    file = opened(path, "load", progress, series)
    return Volume(file.read(progress), file.affine, file.header)


def save(
    path: AnyPath,
    volume: Scan,
    like: Scan | None = None,
    dtype: DTypeLike | None = None,
    progress: Progress | bool | None = None,
    *,
    comment: str | None = None,
) -> None:
    """Write a mask, a map or a scan as a NIfTI file, on the geometry of the scan it came from.

    The file is complete or not there at all: it is written beside its place and renamed. It is
    little-endian, gzipped where the name ends in `.nii.gz`, and equal content gives equal bytes.

    From `like`'s NIfTI header are kept: version, qform and sform with their codes (both are written
    anew where they do not give the affine), units, descrip, aux_file, intent, slice timing. Shape,
    type, scaling (slope 1) and display range are set anew. Its header extensions are not kept.

    Parameters
    ----------
    path : str, bytes or os.PathLike
        Ends in `.nii` or `.nii.gz`.
    volume : array_like of shape (x, y, z), Volume, nibabel or SimpleITK image
        The voxels.
    like : Volume, path, nibabel or SimpleITK image, optional
        The scan whose geometry and header the file gets; of the same shape. Of a path, only the
        header is read. Default: those of `volume`; voxels of 1 mm at the origin for an array.
    dtype : {"uint8", "int16", "int32", "float32"}, optional
        Default: uint8 for bool, float32 for floats, and for integers the first of the others that
        holds every value.
    progress : callable or True, optional
        Called with bytes done and bytes planned about every 20 ms; True draws a bar (the
        extra "progress").
    comment : str, optional
        A text of at most a megabyte that the file carries as a header extension of code 6, a
        comment, which `spars info` shows and other readers skip.

    Raises
    ------
    TypeError, ValueError
        `dtype` cannot hold every value, or shapes differ, or the path ends otherwise.
    OSError
        The file cannot be written.

    Examples
    --------
    >>> scan = spars.phantom(shape=(24, 24, 16)).volume
    >>> spars.save("mask.nii.gz", (scan.array > 0).astype(np.uint8), like=scan)
    >>> np.allclose(spars.load("mask.nii.gz").affine, scan.affine)
    True
    """
    is_array = not (hasattr(volume, "affine") or _is_simpleitk(volume))
    if not is_array:
        volume = as_volume(volume)
    array = np.asarray(volume)
    if array.dtype.kind not in "biuf" or array.ndim != 3 or 0 in array.shape:
        got = f"dtype {array.dtype}, shape {array.shape}"
        raise (ValueError if array.dtype.kind in "biuf" else TypeError)(
            f"The 'volume' parameter of save must be a real array of shape (x, y, z). "
            f"Got {got} instead."
        )
    shape, affine, header = _place_like(volume if like is None and not is_array else like, array)
    if shape != array.shape:
        raise ValueError(sentence("volume", "save", f"of the shape {shape} of like", array.shape))
    if not isinstance(comment, str | None):
        raise TypeError(sentence("comment", "save", "a text or None", comment))
    extension = None if comment is None else extension_of(comment)
    voxels = _voxels(array, dtype)
    write(path, voxels, affine, header, as_progress(progress, "save", "B"), extension)


def resample(array: ArrayLike, shape: Sequence[int], interpolation: str = "linear") -> NDArray[Any]:
    """Bring an array to another shape by PyTorch's index rules.

    As ``torch.nn.functional.interpolate`` with modes "nearest" and "trilinear" (align_corners
    False), its indices and weights computed in float32 as there (ATen/native/UpSample.h).

    Parameters
    ----------
    array : array_like of shape (x, y, z)
        Any real dtype.
    shape : tuple of three ints
        Numbers of voxels along x, y, z, each 1 to 1,048,576.
    interpolation : {"linear", "nearest"}
        "nearest" copies elements, so NaN stays where it is; "linear" spreads it to its neighbours.

    Returns
    -------
    ndarray of shape `shape`
        New and C-contiguous. "nearest" keeps the dtype, "linear" gives float32.

    Raises
    ------
    TypeError, ValueError
        The array has no three axes or no elements, or another argument is out of range.

    Examples
    --------
    >>> spars.resample(np.arange(4.0).reshape(4, 1, 1), (2, 1, 1)).ravel()
    array([0.5, 2.5], dtype=float32)
    >>> spars.resample(np.arange(4.0).reshape(4, 1, 1), (2, 1, 1), "nearest").ravel()
    array([0., 2.])
    """
    check_choice(interpolation, "interpolation", "resample", ("linear", "nearest"))
    shape = check_extent(shape, "shape", "resample")
    array = np.asarray(array)
    is_linear = interpolation == "linear"
    # The core takes elements of up to 8 bytes; long doubles hold nothing that a scan needs.
    kept = array.dtype.newbyteorder("=") if array.dtype.itemsize <= 8 else np.float64
    dtype = np.float32 if is_linear else kept
    array = check_array(array, "array", "resample", dtype, (None, None, None), finite=False)
    check_extent(array.shape, "array.shape", "resample")
    result = np.empty(shape, array.dtype)
    if is_linear:
        native.resample_linear(array, result)
    else:
        size = array.dtype.itemsize
        native.resample_nearest(array.view("u1"), array.shape, size, result.view("u1"), shape)
    return result


def as_volume(volume: Scan) -> Volume:
    """Return `volume` as a `Volume`.

    Parameters
    ----------
    volume : Volume, path, array_like, nibabel image or SimpleITK image
        A Volume passes through, a path is loaded. An array gets the identity as its affine. What
        has an `affine` beside its values, as MONAI's MetaTensor and TorchIO's images, keeps it;
        a first axis of length 1, its channel, is dropped. Axes of length 1 after the third are
        dropped from nibabel images.

    Returns
    -------
    Volume

    Raises
    ------
    TypeError, ValueError
        It is none of these, or does not have three axes.
    FormatError, OSError
        As `load`.

    Examples
    --------
    >>> spars.as_volume(np.zeros((4, 5, 6)))
    <spars.Volume (4, 5, 6), spacing (1, 1, 1) mm>
    """
    if isinstance(volume, Volume):
        return volume
    if is_path(volume):
        return load(volume)
    if _is_nibabel(volume):
        return Volume(_three_axes(np.asanyarray(volume.dataobj)), volume.affine, header_of(volume))
    if _is_simpleitk(volume):
        return _from_simpleitk(volume)
    if hasattr(volume, "affine"):
        return _from_placed(volume)
    is_array = isinstance(volume, Sequence) or hasattr(volume, "dtype")
    if not is_array and np.asarray(volume).dtype == object:
        allowed = "a Volume, a path, an array, a nibabel image or a SimpleITK image"
        raise TypeError(sentence("volume", "as_volume", allowed, volume))
    return Volume(volume)


class Place(NamedTuple):
    """A scan without its values: where its voxels lie, and its header."""

    shape: tuple[int, ...]
    affine: NDArray[np.float64]
    header: Header | None


def place_of(volume: Scan, owner: str = "load") -> Place:
    """Return the place of `as_volume(volume)`; of a path, only the header is read."""
    if is_path(volume):
        file = opened(volume, owner)
        return Place(file.shape, file.affine, file.header)
    if _is_nibabel(volume):
        extra = tuple(volume.shape[3:])
        shape = tuple(volume.shape[: 3 if set(extra) <= {1} else None])
        return Place(shape, _checked_affine(volume.affine), header_of(volume))
    volume = as_volume(volume)
    return Place(volume.shape, volume.affine, volume.header)


def shape_of(volume: Scan) -> tuple[int, ...]:
    """Return the shape of `as_volume(volume)`; of a path, only the header is read."""
    return place_of(volume).shape


def _place_like(like: Scan | None, array: NDArray[Any]) -> Place:
    """Return the place that `save` writes to: that of `like`."""
    if like is None:
        return Place(array.shape, np.eye(4), None)
    if is_path(like) or _is_simpleitk(like) or hasattr(like, "affine"):
        return place_of(like, "save")
    allowed = "a Volume, a path, a nibabel image, a SimpleITK image or None"
    raise TypeError(sentence("like", "save", allowed, like))


def _voxels(array: NDArray[Any], dtype: DTypeLike | None) -> NDArray[Any]:
    """Return `array` in the dtype to be written, or raise where that cannot hold its values."""
    if dtype is None:
        dtype = _dtype_for(array)
    try:
        dtype = np.dtype(dtype)
    # What NumPy comes upon in a list that holds itself, or in a text.
    except Exception:
        raise TypeError(sentence("dtype", "save", "a dtype's name", dtype)) from None
    check_choice(dtype.name, "dtype", "save", tuple(known.name for known in VOXEL_DTYPES))
    if array.dtype == dtype:
        return contiguous(array)
    with np.errstate(over="ignore", invalid="ignore"):
        voxels = copied(array, dtype)
        if dtype.kind == "f":
            is_held = all(
                np.array_equal(np.isfinite(voxels[part]), np.isfinite(array[part]))
                for part in parts(array)
            )
        else:
            is_held = all(np.array_equal(voxels[part], array[part]) for part in parts(array))
    if not is_held:
        raise ValueError(
            f"The 'volume' parameter of save must hold values that {dtype.name} can hold. "
            f"Got values from {array.min()} to {array.max()} of dtype {array.dtype} instead."
        )
    return voxels


def _dtype_for(array: NDArray[Any]) -> DTypeLike:
    if array.dtype.kind == "b":
        return "uint8"
    if array.dtype.kind == "f":
        return "float32"
    low, high = int(array.min()), int(array.max())
    for dtype in VOXEL_DTYPES[:3]:
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return dtype
    raise ValueError(
        "The 'volume' parameter of save must hold integers that int32 can hold. "
        f"Got values from {low} to {high} instead."
    )


def _is_nibabel(volume: object) -> TypeIs[NibabelImage]:
    return hasattr(volume, "get_fdata") and hasattr(volume, "dataobj")


def _is_simpleitk(volume: object) -> TypeIs[SimpleITKImage]:
    return hasattr(volume, "GetDirection") and hasattr(volume, "GetSpacing")


def _from_simpleitk(image: SimpleITKImage) -> Volume:
    # Whoever has such an image has the library; nobody else needs it.
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


def _from_placed(image: Any) -> Volume:
    """Return the volume of an array-like with an affine, as MONAI's and TorchIO's images are."""
    array = np.asarray(image)
    # Channels come first there.
    if array.ndim == 4 and array.shape[0] == 1:
        array = array[0]
    affine = np.asarray(image.affine)
    meta: Any = getattr(image, "meta", None)
    # MONAI's affines are RAS+ unless its metadata say that they are ITK's.
    if hasattr(meta, "get") and str(meta.get("space")).upper() in ("LPS", "SPACEKEYS.LPS"):
        affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    return Volume(_three_axes(array), affine)


def _three_axes(array: NDArray[Any]) -> NDArray[Any]:
    """Drop the axes of length 1 after the third."""
    extra = array.shape[3:]
    return array.reshape(array.shape[:3]) if extra and set(extra) == {1} else array


def _checked_affine(affine: ArrayLike | None) -> NDArray[np.float64]:
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


def _is_invertible(matrix: NDArray[np.float64]) -> bool:
    """Whether the columns, scaled to length 1, span a volume that float32 can tell from none."""
    lengths = np.linalg.norm(matrix, axis=0)
    return bool(np.all(lengths > 0)) and abs(np.linalg.det(matrix / lengths)) > 1e-6

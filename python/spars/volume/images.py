"""Scans in other formats than NIfTI, by way of SimpleITK: NRRD, MetaImage, DICOM."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spars._support.checks import sentence
from spars._support.errors import FormatError
from spars._support.extras import require
from spars._support.formats import ENDINGS, format_of
from spars._support.types import AnyPath, FloatArray, Progress
from spars.volume.files import NiftiFile

_FORMATS = ("NRRD", "MetaImage", "DICOM")
#: What a DICOM file's tags are called.
_POSITION, _ORIENTATION, _SPACING = "0020|0032", "0020|0037", "0028|0030"
_NUMBER, _DESCRIPTION = "0020|0011", "0008|103e"
# How much the distances between slices may differ, of their mean, before slices are missing.
_UNEVEN = 0.02


class ImageFile:
    """A scan that SimpleITK reads: its place is known, its voxels are not read yet.

    Parameters
    ----------
    path : path
        A file, or the folder of a DICOM series.
    series : str or int, optional
        Which series of the folder: its SeriesInstanceUID, SeriesNumber or SeriesDescription.

    Attributes
    ----------
    shape : tuple of three ints
    affine : ndarray of float64, shape (4, 4)
        Voxel indices to millimetres, RAS+.
    header : None
        As such files have none of NIfTI's.
    files : list of str
        The series' files in the order of the slices, or the one file.
    """

    header = None

    def __init__(self, path: AnyPath, series: str | int | None = None) -> None:
        self.path = os.fsdecode(path)
        self._sitk = require("SimpleITK", "images", f"Reading {self.path}")
        self.files = [self.path]
        if os.path.isdir(self.path):
            self.files = self._series(series)
        elif series is not None:
            raise ValueError(sentence("series", "load", "None for a single file", series))
        if len(self.files) > 1:
            self.shape, self.affine = self._place_of_slices()
        else:
            self.shape, self.affine = self._place_of_file()

    def read(self, progress: Progress | None = None) -> FloatArray:
        """Return the voxels as a new float32 array [x, y, z], HU for CT."""
        with _refusing(self.path):
            if len(self.files) > 1:
                reader = self._sitk.ImageSeriesReader()
                reader.SetFileNames(self.files)
                image = reader.Execute()
            else:
                image = self._sitk.ReadImage(self.files[0])
        array = self._sitk.GetArrayViewFromImage(image)
        if progress is not None:
            progress(array.nbytes, array.nbytes)
        return np.ascontiguousarray(array.transpose(2, 1, 0), np.float32)

    def _series(self, wanted: str | int | None) -> list[str]:
        """Return the files of a folder's one series, or of the one that is wanted."""
        names = self._sitk.ImageSeriesReader
        with _refusing(self.path):
            uids = names.GetGDCMSeriesIDs(self.path)
            found = {uid: names.GetGDCMSeriesFileNames(self.path, uid) for uid in uids}
        if not found:
            raise FormatError(f"{self.path}: the folder holds no DICOM file.")
        told = {uid: _told(self._information(files[0])) for uid, files in found.items()}
        chosen = list(found)
        if wanted is not None:
            chosen = [uid for uid in found if str(wanted) in (uid, *told[uid])]
        if len(chosen) == 1:
            return list(found[chosen[0]])
        listed = "; ".join(
            f"{uid} (number {told[uid][0]}, {told[uid][1]!r}, {len(files)} files)"
            for uid, files in found.items()
        )
        allowed = "the UID, number or description of one of the folder's series"
        raise ValueError(
            f"{sentence('series', 'load', allowed, wanted)} {self.path} holds: {listed}. "
            "On the command line --series says which."
        )

    def _information(self, file: str) -> Any:
        """Return SimpleITK's reader of a file whose header alone is read."""
        reader = self._sitk.ImageFileReader()
        reader.SetFileName(file)
        with _refusing(file):
            reader.ReadImageInformation()
        return reader

    def _place_of_file(self) -> tuple[tuple[int, int, int], NDArray[np.float64]]:
        reader = self._information(self.files[0])
        size, channels = reader.GetSize(), reader.GetNumberOfComponents()
        if len(size) != 3 or channels != 1:
            raise FormatError(
                f"{self.path}: it must hold one value a voxel on three axes. "
                f"Got {channels} on {len(size)} axes instead."
            )
        x, y, z = (int(length) for length in size)
        affine = np.eye(4)
        affine[:3, :3] = np.reshape(reader.GetDirection(), (3, 3)) * reader.GetSpacing()
        affine[:3, 3] = reader.GetOrigin()
        return (x, y, z), _ras(affine)

    def _place_of_slices(self) -> tuple[tuple[int, int, int], NDArray[np.float64]]:
        """Return shape and affine by the slices' own positions: a tilted gantry's shear is kept."""
        readers = [self._information(file) for file in self.files]
        try:
            positions = np.array([_numbers(reader, _POSITION, 3) for reader in readers])
            turns = np.array([_numbers(reader, _ORIENTATION, 6) for reader in readers])
            row, column = _numbers(readers[0], _SPACING, 2)
        except (RuntimeError, ValueError) as error:
            raise FormatError(f"{self.path}: its slices do not say where they lie.") from error
        sizes = {tuple(reader.GetSize()[:2]) for reader in readers}
        if len(sizes) > 1 or np.abs(turns - turns[0]).max() > 1e-3:
            raise FormatError(f"{self.path}: its slices differ in size or direction.")
        across, down = turns[0, :3], turns[0, 3:]
        heights = positions @ np.cross(across, down)
        steps = np.diff(heights)
        mean = (heights[-1] - heights[0]) / (len(heights) - 1)
        if mean == 0 or np.abs(steps / mean - 1).max() > _UNEVEN:
            raise FormatError(
                f"{self.path}: its slices must lie evenly. Got {np.abs(steps).min():.3f} to "
                f"{np.abs(steps).max():.3f} mm between two of {len(heights)} instead; some are "
                "missing or of another series."
            )
        affine = np.eye(4)
        # The spacing is told as rows, then columns: down the image, then across.
        affine[:3, 0], affine[:3, 1] = across * column, down * row
        affine[:3, 2] = (positions[-1] - positions[0]) / (len(positions) - 1)
        affine[:3, 3] = positions[0]
        x, y = sizes.pop()
        return (int(x), int(y), len(self.files)), _ras(affine)


def opened(
    path: AnyPath, owner: str, progress: Progress | None = None, series: str | int | None = None
) -> NiftiFile | ImageFile:
    """Return a scan's file, whose place is known and whose voxels are not read yet.

    Raises
    ------
    FormatError, OSError
        It is broken, or cannot be read.
    ImportError
        It needs SimpleITK, which is missing.
    """
    # What is no path is refused by the reader of NIfTI.
    if isinstance(path, (str, bytes, os.PathLike)) and _is_of_simpleitk(path):
        return ImageFile(path, series)
    if series is not None:
        raise ValueError(sentence("series", owner, "None for a NIfTI file", series))
    return NiftiFile(path, owner, progress)


def _is_of_simpleitk(path: AnyPath) -> bool:
    name = os.fsdecode(path).lower()
    if "\0" in name or name.endswith(ENDINGS["NIfTI"]):
        return False
    if name.endswith(tuple(end for kind in _FORMATS for end in ENDINGS[kind])):
        # What is not there is an OSError, and not SimpleITK's many lines.
        os.stat(path)
        return True
    if os.path.isdir(path):
        # One without any file is no series, and refused as a folder.
        with os.scandir(path) as entries:
            return any(entry.is_file() for entry in entries)
    return os.path.isfile(path) and format_of(path) in _FORMATS


def _told(reader: Any) -> tuple[str, str]:
    """Return a series' number and description."""
    number, description = (
        reader.GetMetaData(tag).strip() if reader.HasMetaDataKey(tag) else ""
        for tag in (_NUMBER, _DESCRIPTION)
    )
    return number, description


def _numbers(reader: Any, tag: str, count: int) -> list[float]:
    values = [float(text) for text in reader.GetMetaData(tag).split("\\")]
    if len(values) != count:
        raise ValueError(tag)
    return values


def _ras(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an LPS+ affine, as DICOM and ITK have it, as RAS+: x and y change sign."""
    affine[:2] *= -1
    return affine


@contextlib.contextmanager
def _refusing(path: str) -> Iterator[None]:
    """Raise what SimpleITK cannot read as a FormatError of one line."""
    try:
        yield
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise FormatError(
            f"{path}: {lines[-1] if lines else 'SimpleITK cannot read it.'}"
        ) from error


def simpleitk_image(sitk: ModuleType, array: NDArray[Any], affine: NDArray[np.float64]) -> Any:
    """Return an array [x, y, z] with a RAS+ affine as a SimpleITK image.

    Raises
    ------
    ValueError
        The affine is sheared, which ITK's images cannot be.
    """
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    direction = _ras(affine.copy())[:3, :3] / spacing
    if not np.allclose(direction.T @ direction, np.eye(3), atol=1e-4):
        raise ValueError(
            "The affine must have orthogonal axes to be written in this format. "
            f"Got {affine.tolist()} instead."
        )
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.transpose(2, 1, 0)))
    image.SetSpacing(spacing.tolist())
    image.SetDirection(direction.ravel().tolist())
    image.SetOrigin(_ras(affine.copy())[:3, 3].tolist())
    return image

"""Datasets: sequences of scans with what is known of each, read when they are needed."""

from __future__ import annotations

import csv as _csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spars._support.checks import check_extent, check_float, check_integer, sentence
from spars._support.errors import FormatError
from spars._support.types import Extent3, MaskArray, PathLike, Scan
from spars.volume.phantom import Phantom, phantom
from spars.volume.volume import Volume, as_volume, shape_of

__all__ = ["MSD", "Case", "Dataset", "from_csv", "phantoms"]

_TUMOUR = 2


class Case:
    """One scan of a dataset.

    Parameters
    ----------
    name : str
        What messages and records call it.
    has_tumour : bool, None or callable
        The image-level label. None where it is unknown; a callable without arguments is asked when
        the label is first needed.
    load : callable
        Returns the scan, as anything that `spars.volume.as_volume` takes.
    load_mask : callable, optional
        Returns the reference (0 background, 1 liver, 2 tumour; integers, [x, y, z]).
    shape : tuple of three ints or callable, optional
        The scan's, so that windows are checked before any scan is loaded; a callable without
        arguments is asked when it is first needed. None where only loading tells.
    """

    def __init__(
        self,
        name: str,
        has_tumour: Callable[[], bool | None] | bool | int | None,
        load: Callable[[], Scan],
        load_mask: Callable[[], ArrayLike] | None = None,
        shape: Callable[[], Sequence[int]] | Sequence[int] | None = None,
    ) -> None:
        if not callable(load):
            raise TypeError(sentence("load", "Case", "callable", load))
        if load_mask is not None and not callable(load_mask):
            raise TypeError(sentence("load_mask", "Case", "callable or None", load_mask))
        self.name = str(name)
        self._has_tumour = has_tumour if callable(has_tumour) else _checked_label(has_tumour)
        self._load = load
        self._load_mask = load_mask
        self._shape: Callable[[], Sequence[int]] | Extent3 | None = (
            shape if shape is None or callable(shape) else check_extent(shape, "shape", "Case")
        )

    @property
    def shape(self) -> Extent3 | None:
        """The scan's numbers of voxels along x, y, z; None where only loading tells."""
        if callable(self._shape):
            self._shape = check_extent(self._shape(), "shape", "Case")
        return self._shape

    @property
    def has_tumour(self) -> bool | None:
        """Whether the scan shows tumour; None where it is unknown."""
        if callable(self._has_tumour):
            self._has_tumour = _checked_label(self._has_tumour())
        return self._has_tumour

    def load(self) -> Volume:
        """Return the scan as a `Volume`."""
        return as_volume(self._load())

    def load_mask(self) -> MaskArray | None:
        """Return the reference as a uint8 array [x, y, z]; None if there is none."""
        if self._load_mask is None:
            return None
        return np.ascontiguousarray(self._load_mask(), np.uint8)

    def __repr__(self) -> str:
        return f"<Case {self.name!r}>"


class Dataset(Sequence[Case]):
    """A sequence of `Case`; slices are datasets too."""

    def __init__(self, cases: Iterable[Case]) -> None:
        self._cases = tuple(cases)

    def __len__(self) -> int:
        return len(self._cases)

    @overload
    def __getitem__(self, index: int) -> Case: ...

    @overload
    def __getitem__(self, index: slice) -> Dataset: ...

    def __getitem__(self, index: int | slice) -> Case | Dataset:
        if isinstance(index, slice):
            return Dataset(self._cases[index])
        return self._cases[index]

    def split(self, n: int) -> tuple[Dataset, Dataset]:
        """Return the first `n` cases and the others, as two datasets.

        Raises
        ------
        TypeError, ValueError
            `n` is not an integer from 0 to the number of cases.
        """
        n = check_integer(n, "n", "split", 0, len(self))
        return self[:n], self[n:]

    def __repr__(self) -> str:
        return f"<Dataset of {len(self)} cases>"


def MSD(root: PathLike, labels: bool = True, csv: PathLike | None = None) -> Dataset:  # noqa: N802 - the challenge's own name
    """Return the training scans of a folder in the Medical Segmentation Decathlon's layout.

    Scans are the files of ``imagesTr`` that end in .nii or .nii.gz, in the order of their names;
    names that start with a dot are skipped. The released scripts use the order the file system
    gives, which differs from machine to machine.

    Parameters
    ----------
    root : str or path-like
        The folder that holds ``imagesTr`` and ``labelsTr``.
    labels : bool
        Whether voxel masks may be read: for `Case.load_mask`, and, without `csv`, for the
        image-level label (some voxel is 2), each when it is first needed.
    csv : str or path-like, optional
        A CSV file with columns image, has_tumour: image-level labels that need no mask. `image` is
        the file's name in ``imagesTr``.

    Returns
    -------
    Dataset

    Raises
    ------
    FileNotFoundError
        There is no ``imagesTr``, or no mask for a scan while `labels` is True.
    FormatError
        The CSV file lacks a scan, a column or a label.
    """
    root = Path(root)
    folder = root / "imagesTr"
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder.")
    paths = sorted(path for path in folder.iterdir() if _is_scan(path))
    known = None if csv is None else {Path(row["image"]).name: row for row in _rows(csv)}
    return Dataset(_msd_case(path, root / "labelsTr", labels, known, csv) for path in paths)


def from_csv(csv: PathLike, root: PathLike | None = None) -> Dataset:
    """Return the scans that a CSV file lists, in its order.

    Parameters
    ----------
    csv : str or path-like
        Columns image (a path), has_tumour (0 or 1, may be empty where a mask is given and voxel
        labels are wanted) and, optionally, mask (a path).
    root : str or path-like, optional
        Where relative paths start; default: the CSV file's folder.

    Returns
    -------
    Dataset

    Raises
    ------
    OSError
        The CSV file cannot be read, or an image or mask that it names does not exist.
    FormatError
        A column or a value is missing or wrong; the message names the line.
    """
    root = Path(csv).parent if root is None else Path(root)
    cases = []
    for row in _rows(csv):
        mask = row.get("mask")
        # Now, not when the scan is first drawn, which may be hours later.
        for path in filter(None, (row["image"], mask)):
            if not (root / path).is_file():
                raise FileNotFoundError(f"{csv}, line {row['line']}: {root / path} does not exist.")
        cases.append(
            Case(
                row["image"],
                row["has_tumour"],
                _loader(root / row["image"]),
                _mask_loader(root / mask) if mask else None,
                _shape_reader(root / row["image"]),
            )
        )
    return Dataset(cases)


def phantoms(
    n: int,
    seed: int = 0,
    shape: Sequence[int] = (256, 256, 180),
    tumour_fraction: float = 0.5,
    **options: Any,
) -> Dataset:
    """Return phantoms, made when they are loaded.

    Parameters
    ----------
    n : int
        How many.
    seed : int
        Seed of the first; case i is made with seed + i.
    shape : tuple of three ints
        Voxels along x, y, z.
    tumour_fraction : float
        The part of the phantoms that have tumours, in [0, 1], spread evenly over the order.
    **options
        Passed on to `spars.phantom.phantom`.

    Returns
    -------
    Dataset

    Raises
    ------
    TypeError, ValueError
        A parameter is out of range.
    """
    n = check_integer(n, "n", "phantoms", 0)
    seed = check_integer(seed, "seed", "phantoms", 0, 2**63 - n)
    shape = check_extent(shape, "shape", "phantoms")
    part = check_float(tumour_fraction, "tumour_fraction", "phantoms", 0.0, 1.0)
    return Dataset(
        _phantom_case(seed + i, shape, int((i + 1) * part) > int(i * part), options)
        for i in range(n)
    )


def _phantom_case(seed: int, shape: Extent3, has_tumour: bool, options: dict[str, Any]) -> Case:
    def make() -> Phantom:
        return phantom(seed=seed, shape=shape, has_tumour=has_tumour, **options)

    def mask() -> NDArray[Any]:
        made = make()
        return np.where(np.asarray(made.tumour) != 0, _TUMOUR, np.asarray(made.liver) != 0)

    return Case(f"phantom-{seed}", has_tumour, lambda: make().volume, mask, shape)


def _msd_case(
    path: Path,
    label_folder: Path,
    labels: bool,
    known: Mapping[str, dict[str, Any]] | None,
    csv: PathLike | None,
) -> Case:
    load_mask = None
    if labels:
        if not (label_folder / path.name).is_file():
            raise FileNotFoundError(f"{label_folder / path.name} does not exist.")
        load_mask = _mask_loader(label_folder / path.name)
    label: Callable[[], bool] | bool | None = None
    if known is not None:
        if path.name not in known:
            raise FormatError(f"{csv} has no line for the scan {path.name!r}.")
        label = known[path.name]["has_tumour"]
    elif load_mask is not None:
        label = _label_reader(load_mask)
    return Case(path.name, label, _loader(path), load_mask, _shape_reader(path))


def _is_scan(path: Path) -> bool:
    return not path.name.startswith(".") and path.name.endswith((".nii", ".nii.gz"))


def _loader(path: Path) -> Callable[[], Volume]:
    def load() -> Volume:
        return as_volume(path)

    return load


def _shape_reader(path: Path) -> Callable[[], tuple[int, ...]]:
    def shape() -> tuple[int, ...]:
        return shape_of(path)

    return shape


def _label_reader(load_mask: Callable[[], MaskArray]) -> Callable[[], bool]:
    def label() -> bool:
        return bool((load_mask() == _TUMOUR).any())

    return label


def _mask_loader(path: Path) -> Callable[[], MaskArray]:
    def load() -> MaskArray:
        values = as_volume(path).array
        with np.errstate(invalid="ignore"):
            mask = values.astype(np.uint8)
        if not np.array_equal(mask, values):
            raise FormatError(f"{path}: a mask must hold whole numbers from 0 to 255.")
        return mask

    return load


def _rows(csv: PathLike) -> list[dict[str, Any]]:
    with open(csv, newline="", encoding="utf-8-sig") as file:
        reader = _csv.DictReader(file)
        try:
            missing = {"image", "has_tumour"} - set(reader.fieldnames or ())
            if missing:
                raise FormatError(
                    f"{csv} must have a column {sorted(missing)[0]!r} in its first line."
                )
            return [_row(csv, reader.line_num, row) for row in reader]
        except (UnicodeDecodeError, _csv.Error) as error:
            raise FormatError(f"{csv} must be a CSV file in UTF-8: {error}") from None


def _row(csv: PathLike, line: int, row: Mapping[str, str | None]) -> dict[str, Any]:
    image, label = (row["image"] or "").strip(), (row["has_tumour"] or "").strip()
    mask = (row.get("mask") or "").strip() or None
    if not image:
        raise FormatError(f"{csv}, line {line}: 'image' must be a path. Got nothing instead.")
    if label not in ("0", "1") and not (label == "" and mask):
        raise FormatError(
            f"{csv}, line {line}: 'has_tumour' must be 0 or 1. Got {label!r} instead."
        )
    return {
        "image": image,
        "has_tumour": bool(int(label)) if label else None,
        "mask": mask,
        "line": line,
    }


def _checked_label(label: object) -> bool | None:
    if label is None or (isinstance(label, bool | int | np.bool_ | np.integer) and label in (0, 1)):
        return None if label is None else bool(label)
    raise ValueError(sentence("has_tumour", "Case", "a bool or None", label))

"""Datasets: sequences of scans with what is known of each, read when they are needed."""

from __future__ import annotations

import csv as _csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spars._support.checks import check_choice
from spars._support.errors import FormatError
from spars._support.types import MaskArray, PathLike
from spars.volume.cases import Case, Dataset
from spars.volume.images import opened
from spars.volume.phantom_cases import phantom_livers, phantoms
from spars.volume.placement import distance_apart
from spars.volume.volume import Volume, as_volume, shape_of

__all__ = ["MSD", "Case", "Dataset", "from_csv", "phantom_livers", "phantoms"]

_TUMOUR = 2


def MSD(  # noqa: N802 - the challenge's own name
    root: PathLike,
    labels: bool = True,
    csv: PathLike | None = None,
    organs: str = "tumour-free",
) -> Dataset:
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
    organs : {"tumour-free", "every"}
        Of which scans `Case.load_organ` gives the labels above 0. By default of those whose
        `has_tumour` is False alone: a label of 2 there is refused when it is loaded, so that none
        is ever read by training. "every" gives the organ of scans with tumours and of unknown label
        too, the tumours in it as part of it. None where ``labelsTr`` lacks the scan.

    Returns
    -------
    Dataset

    Raises
    ------
    FileNotFoundError
        There is no ``imagesTr``, or no mask for a scan while `labels` is True.
    FormatError
        The CSV file lacks a scan, a column or a label.
    ValueError
        `organs` is neither.
    """
    check_choice(organs, "organs", "MSD", ("tumour-free", "every"))
    root = Path(root)
    folder = root / "imagesTr"
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder.")
    paths = sorted(path for path in folder.iterdir() if _is_scan(path))
    known = None if csv is None else {Path(row["image"]).name: row for row in _rows(csv)}
    return Dataset(
        _msd_case(path, root / "labelsTr", labels, known, csv, organs == "every") for path in paths
    )


def from_csv(csv: PathLike, root: PathLike | None = None) -> Dataset:
    """Return the scans that a CSV file lists, in its order.

    Parameters
    ----------
    csv : str or path-like
        Columns image (a path), has_tumour (0 or 1, may be empty where a mask is given and voxel
        labels are wanted) and, optionally, mask (a path) and organ (a path: 0 and 1, 1 in the
        organ, its tumours included).
    root : str or path-like, optional
        Where relative paths start; default: the CSV file's folder.

    Returns
    -------
    Dataset

    Raises
    ------
    OSError
        The CSV file cannot be read, or an image, mask or organ that it names does not exist.
    FormatError
        A column or a value is missing or wrong; the message names the line. Of an organ that lies
        half a voxel or more from its scan, by the files' affines, when it is loaded.
    """
    root = Path(csv).parent if root is None else Path(root)
    cases = []
    for row in _rows(csv):
        mask, organ = row["mask"], row["organ"]
        # Now, not when the scan is first drawn, which may be hours later.
        for path in filter(None, (row["image"], mask, organ)):
            if not (root / path).is_file():
                raise FileNotFoundError(f"{csv}, line {row['line']}: {root / path} does not exist.")
        cases.append(
            Case(
                row["image"],
                row["has_tumour"],
                _loader(root / row["image"]),
                _mask_loader(root / mask) if mask else None,
                _shape_reader(root / row["image"]),
                _organ_loader(root / organ, root / row["image"]) if organ else None,
            )
        )
    return Dataset(cases)


def _msd_case(
    path: Path,
    label_folder: Path,
    labels: bool,
    known: Mapping[str, dict[str, Any]] | None,
    csv: PathLike | None,
    every_organ: bool,
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

    def load_organ() -> MaskArray | None:
        # Asked for first: of a scan with tumours the labels are not even read.
        is_free = case.has_tumour is False
        if not (is_free or every_organ) or not (label_folder / path.name).is_file():
            return None
        found = _organ_loader(label_folder / path.name, path)()
        if is_free and (found >= _TUMOUR).any():
            raise FormatError(
                f"{label_folder / path.name} must hold no tumour: {path.name} is said to be "
                f"tumour-free. Got a label of {found.max()}."
            )
        return (found > 0).astype(np.uint8)

    case = Case(path.name, label, _loader(path), load_mask, _shape_reader(path), load_organ)
    return case


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


def _organ_loader(path: Path, image: Path) -> Callable[[], MaskArray]:
    """Return what loads an organ, and refuses one that lies elsewhere than its scan."""
    load = _mask_loader(path)

    def checked() -> MaskArray:
        organ, scan = (opened(one, "load") for one in (path, image))
        distance = distance_apart(scan.shape, organ.affine, scan.affine)
        if distance is not None:
            raise FormatError(
                f"{path} and {image} lie {distance:.1f} mm apart by their affines: they are not of "
                "the same scan, or one has lost its geometry."
            )
        return load()

    return checked


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
    mask, organ = ((row.get(name) or "").strip() or None for name in ("mask", "organ"))
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
        "organ": organ,
        "line": line,
    }

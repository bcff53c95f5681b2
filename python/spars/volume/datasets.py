"""Datasets: sequences of scans with what is known of each, read when they are needed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from spars._support.checks import check_choice
from spars._support.errors import FormatError, NonFiniteError
from spars._support.types import MaskArray, PathLike
from spars.volume.auditing import Audit, Finding
from spars.volume.cases import Case, Dataset
from spars.volume.masks import labels_of
from spars.volume.phantom_cases import phantom_livers, phantoms
from spars.volume.placement import WAYS, distance_apart
from spars.volume.tables import Row, rows_of_frame, table_of
from spars.volume.volume import as_volume, place_of

__all__ = [
    "MSD",
    "Audit",
    "Case",
    "Dataset",
    "Finding",
    "from_csv",
    "from_frame",
    "phantom_livers",
    "phantoms",
]

_TUMOUR = 2


def MSD(  # noqa: N802 - the challenge's own name
    root: PathLike,
    labels: bool = True,
    csv: PathLike | None = None,
    organs: str = "tumour-free",
    *,
    on: str | None = None,
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
        the file's name in ``imagesTr``; a column group is read too.
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
        The CSV file lacks a scan, a column or a label, or gives a scan two labels.
    ValueError
        `organs` or `on` is none of these.

    Examples
    --------
    >>> import os
    >>> os.mkdir("imagesTr")
    >>> os.mkdir("labelsTr")
    >>> phantom = spars.phantom(shape=(48, 48, 32))
    >>> spars.save("imagesTr/liver_0.nii.gz", phantom.volume)
    >>> spars.save("labelsTr/liver_0.nii.gz", phantom.labels, like=phantom.volume)
    >>> spars.datasets.MSD(".").labels
    [True]
    """
    check_choice(organs, "organs", "MSD", ("tumour-free", "every"))
    _check_on(on, "MSD")
    root = Path(root)
    folder = root / "imagesTr"
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder.")
    paths = sorted(path for path in folder.iterdir() if _is_scan(path))
    known = None
    if csv is not None:
        known = {_name(row.image): row for row in table_of(csv, _name)}
    return Dataset(
        _msd_case(path, root / "labelsTr", labels, known, csv, organs == "every", on)
        for path in paths
    )


def from_csv(csv: PathLike, root: PathLike | None = None, *, on: str | None = None) -> Dataset:
    r"""Return the scans that a CSV file lists, in its order.

    Parameters
    ----------
    csv : str or path-like
        Columns image (a path), has_tumour (0 or 1, may be empty where a mask is given and voxel
        labels are wanted) and, optionally, mask (a path), organ (a path: 0 and 1, 1 in the
        organ, its tumours included) and group (such as the patient: `Case.group`, a text).
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
        A column or a value is missing or wrong, or a scan has two labels; the message names the
        line. Of a mask or organ that lies half a voxel or more from its scan, by the files'
        affines, when it is loaded.
    ValueError
        `on` is none of these.

    Examples
    --------
    >>> spars.save("a.nii.gz", spars.phantom(shape=(24, 24, 16)).volume)
    >>> _ = open("labels.csv", "w").write("image,has_tumour,group\na.nii.gz,1,patient 7\n")
    >>> dataset = spars.datasets.from_csv("labels.csv")
    >>> dataset.labels, dataset.groups
    ([True], ['patient 7'])
    """
    _check_on(on, "from_csv")
    root = Path(csv).parent if root is None else Path(root)
    return _listed(table_of(csv, lambda image: os.path.normpath(root / image)), root, on)


def from_frame(frame: Any, root: PathLike = ".", *, on: str | None = None) -> Dataset:
    """Return the scans that a pandas DataFrame lists, in its order.

    Parameters
    ----------
    frame : pandas.DataFrame
        The columns of `from_csv`, whatever their types: paths as text or `Path`, labels as bools or
        numbers. Missing values are empty ones; other columns are not read.
    root : str or path-like
        Where relative paths start; default: the current folder.
    on : {None, "scan", "voxels"}
        As in `from_csv`.

    Returns
    -------
    Dataset

    Raises
    ------
    TypeError
        It is no DataFrame.
    OSError, FormatError, ValueError
        As `from_csv`; the message names the row by its index.

    Examples
    --------
    >>> import pandas as pd
    >>> spars.save("a.nii.gz", spars.phantom(shape=(24, 24, 16)).volume)
    >>> frame = pd.DataFrame({"image": ["a.nii.gz"], "has_tumour": [True], "group": [7]})
    >>> dataset = spars.datasets.from_frame(frame)
    >>> dataset.labels, dataset.groups
    ([True], ['7'])
    """
    _check_on(on, "from_frame")
    root = Path(root)
    return _listed(rows_of_frame(frame, lambda image: os.path.normpath(root / image)), root, on)


def _listed(rows: Iterable[Row], root: Path, on: str | None) -> Dataset:
    """Return the scans of a table's rows."""
    cases = []
    for row in rows:
        image, mask, organ = root / row.image, row.mask, row.organ
        # Now, not when the scan is first drawn, which may be hours later.
        for path in filter(None, (row.image, mask, organ)):
            if not (root / path).is_file():
                raise FileNotFoundError(f"{row.where}: {root / path} does not exist.")
        cases.append(
            Case(
                row.image,
                row.has_tumour,
                partial(as_volume, image),
                partial(_labels, root / mask, image, on) if mask else None,
                partial(place_of, image),
                partial(_labels, root / organ, image, on) if organ else None,
                row.group,
            )
        )
    return Dataset(cases)


def _msd_case(
    path: Path,
    label_folder: Path,
    labels: bool,
    known: Mapping[str, Row] | None,
    csv: PathLike | None,
    every_organ: bool,
    on: str | None,
) -> Case:
    mask = label_folder / path.name
    load_mask = None
    if labels:
        if not mask.is_file():
            raise FileNotFoundError(f"{mask} does not exist.")
        load_mask = partial(_labels, mask, path, on)
    label: Callable[[], bool] | bool | None = None
    group = None
    if known is not None:
        if path.name not in known:
            raise FormatError(f"{csv} has no line for the scan {path.name!r}.")
        label, group = known[path.name].has_tumour, known[path.name].group
    elif load_mask is not None:
        label = partial(_shows_tumour, load_mask)
    organ = _DecathlonOrgan(mask, path, every_organ, on)
    organ.case = Case(
        path.name,
        label,
        partial(as_volume, path),
        load_mask,
        partial(place_of, path),
        organ.load,
        group,
    )
    return organ.case


class _DecathlonOrgan:
    """The labels above 0 of a Decathlon scan, where they may be read."""

    case: Case

    def __init__(self, mask: Path, scan: Path, is_every: bool, on: str | None) -> None:
        self.mask, self.scan, self.is_every, self.on = mask, scan, is_every, on

    def load(self) -> MaskArray | None:
        # Asked for first: of a scan with tumours the labels are not even read.
        is_free = self.case.has_tumour is False
        if not (is_free or self.is_every) or not self.mask.is_file():
            return None
        found = _labels(self.mask, self.scan, self.on)
        if is_free and (found >= _TUMOUR).any():
            raise FormatError(
                f"{self.mask} must hold no tumour: {self.scan.name} is said to be "
                f"tumour-free. Got a label of {found.max()}."
            )
        return (found > 0).astype(np.uint8)


def _is_scan(path: Path) -> bool:
    return not path.name.startswith(".") and path.name.endswith((".nii", ".nii.gz"))


def _check_on(on: str | None, owner: str) -> None:
    if on is not None:
        check_choice(on, "on", owner, WAYS)


def _shows_tumour(load_mask: Callable[[], MaskArray]) -> bool:
    return bool((load_mask() == _TUMOUR).any())


def _name(image: str) -> str:
    return Path(image).name


def _labels(path: Path, image: Path, on: str | None) -> MaskArray:
    """Return the labels of a file on the voxels of its scan, of which the header alone is read."""
    scan, found = place_of(image), as_volume(path)
    if on is None and found.shape == scan.shape:
        distance = distance_apart(scan.shape, found.affine, scan.affine)
        if distance is not None:
            raise FormatError(
                f"{path} and {image} lie {distance:.1f} mm apart by their affines: they are not of "
                "the same scan, are stored in two orientations, or one has lost its geometry. "
                "on='scan' brings masks onto the scan's voxels by nearest neighbour."
            )
    try:
        return labels_of(found, "labels", os.fspath(path), scan, on or "voxels")
    except NonFiniteError:
        raise FormatError(
            f"{path} must hold whole numbers from 0 to 255. Got NaN or infinity instead."
        ) from None
    except ValueError as error:
        raise FormatError(str(error)) from None

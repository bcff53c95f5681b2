"""A segmentation in a folder: mask, map, table of lesions, and all that says how it was made."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spars._support.errors import FormatError
from spars._support.files import read_text, write_text
from spars._support.json import jsonable
from spars._support.provenance import comment, digest
from spars._support.types import FloatArray, MaskArray, PathLike, Scan
from spars.classifier.recipe import Recipe
from spars.search.findings import Lesion
from spars.volume.volume import Volume, as_volume, load, save

if TYPE_CHECKING:
    from spars.search.segmentation import Segmentation

FORMAT = "spars segmentation 1"
MASK, SCORE_MAP, LESIONS, DESCRIPTION = (
    "mask.nii.gz", "score_map.nii.gz", "lesions.csv", "segmentation.json",
)  # fmt: skip
#: The columns of a table of lesions.
COLUMNS = (
    "number", "x_mm", "y_mm", "z_mm", "i", "j", "k", "volume_ml", "diameter_mm", "mean_hu", "score",
)  # fmt: skip


def table_of(lesions: Iterable[Lesion]) -> str:
    """Return lesions as CSV: a line of `COLUMNS`, then one a lesion."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for lesion in lesions:
        numbers = (lesion.volume, lesion.diameter, lesion.mean_hu, lesion.score)
        writer.writerow(
            [
                lesion.number,
                *(f"{value:.3f}" for value in lesion.position),
                *lesion.voxel,
                *(f"{value:.4f}" for value in numbers),
            ]
        )
    return text.getvalue()


def write_folder(path: PathLike, found: Segmentation) -> None:
    """Write a segmentation as `read_folder` reads it; the description, last, makes it whole."""
    folder = Path(path)
    folder.mkdir(exist_ok=True)
    told = comment(found.configuration, DESCRIPTION)
    save(folder / MASK, found.mask, like=found.volume, comment=told)
    save(folder / SCORE_MAP, found.score_map, like=found.volume, comment=told)
    write_text(folder / LESIONS, table_of(found.lesions))
    description = {
        "format": FORMAT,
        "configuration": found.configuration,
        "lesions": [lesion.to_dict() for lesion in found.lesions],
        "sha256": {MASK: digest(found.mask), SCORE_MAP: digest(found.score_map)},
    }
    text = json.dumps(jsonable(description), indent=2, allow_nan=False)
    write_text(folder / DESCRIPTION, text + "\n")


def read_folder(
    path: PathLike, scan: Scan | None
) -> tuple[Volume, MaskArray, FloatArray, dict[str, Any], list[Lesion]]:
    """Return scan, mask, map, configuration and lesions of a folder.

    Raises
    ------
    FormatError
        A file is missing, broken or another one than was written.
    ValueError
        The scan is another one.
    """
    folder = Path(path)
    configuration, lesions, written = read_description(folder)
    place = load(folder / MASK)
    with np.errstate(invalid="ignore"):
        mask = place.array.astype(np.uint8)
    score_map = load(folder / SCORE_MAP).array
    for name, array in ((MASK, mask), (SCORE_MAP, score_map)):
        if digest(array) != written.get(name):
            raise FormatError(f"{folder / name}: its values are not those that were written.")
    return _scan(place, scan, configuration), mask, score_map, configuration, lesions


def read_description(path: PathLike) -> tuple[dict[str, Any], list[Lesion], dict[str, str]]:
    """Return a folder's configuration, its lesions, and the hashes of its arrays by file.

    Raises
    ------
    FormatError
        The description is broken.
    OSError
        There is none, or it cannot be read.
    """
    described = Path(path) / DESCRIPTION
    try:
        text = json.loads(read_text(described))
        configuration, written = dict(text["configuration"]), dict(text["sha256"])
        _check(configuration)
        lesions = [_lesion(each) for each in text["lesions"]]
        if text["format"] != FORMAT:
            raise ValueError(f"the format is {text['format']!r}")
    except (MemoryError, OSError):
        raise
    except Exception as error:
        raise FormatError(f"{described}: not a file of the format '{FORMAT}': {error!r}") from error
    return configuration, lesions, written


def _check(configuration: dict[str, Any]) -> None:
    """Raise where a configuration's parts that a segmentation tells of are none."""
    if not isinstance(configuration["method"], str):
        raise TypeError(f"the method is {configuration['method']!r}")
    for name in ("scan", "search"):
        if not isinstance(configuration.get(name, {}), dict):
            raise TypeError(f"the {name} is {configuration[name]!r}")
    if configuration.get("recipe") is not None:
        Recipe.again(configuration["recipe"])


def _scan(place: Volume, scan: Scan | None, configuration: dict[str, Any]) -> Volume:
    """Return the scan, checked, or where it lay, with no values."""
    if scan is None:
        return Volume(np.full(place.shape, np.nan, np.float32), place.affine, place.header)
    volume = as_volume(scan)
    if digest(volume) != configuration.get("scan", {}).get("sha256"):
        raise ValueError(
            "The 'volume' parameter of load must be the scan that was segmented. "
            "Got one of other values instead."
        )
    return volume


def _lesion(told: dict[str, Any]) -> Lesion:
    x, y, z = told["voxel"]
    # JSON has null for what is no number.
    numbers = {key: np.nan if value is None else value for key, value in told.items()}
    return Lesion(**(numbers | {"position": tuple(told["position"]), "voxel": (x, y, z)}))


def is_folder(path: PathLike) -> bool:
    """Whether a path is for a folder: it is one, or has no ending."""
    return os.path.isdir(path) or not os.path.splitext(os.fspath(path))[1]

"""CSV files of scans with what is known of each, as people and their programs save them."""

from __future__ import annotations

import csv as _csv
from collections.abc import Callable, Mapping
from typing import NamedTuple

from spars._support.errors import FormatError
from spars._support.types import PathLike

__all__ = ["Row", "column_of", "table_of"]

_SEPARATORS = (",", ";", "\t")
# Any number that is 0 or 1 is a label too, such as 1.0.
_WORDS = {"true": True, "yes": True, "false": False, "no": False}


class Row(NamedTuple):
    """One line: paths as they stand there, None where there is none."""

    image: str
    has_tumour: bool | None
    mask: str | None
    organ: str | None
    line: int


def table_of(csv: PathLike, key: Callable[[str], str]) -> list[Row]:
    """Return the lines of a table with columns image, has_tumour and, optionally, mask and organ.

    Parameters
    ----------
    csv : str or path-like
        UTF-8; between the columns commas, semicolons or tabs, as its first line has them.
    key : callable
        What of an image's path says which scan it is: of two lines with one key, the labels must
        agree.

    Raises
    ------
    OSError
        The file cannot be read.
    FormatError
        A column or a value is missing or wrong, or a scan has two labels; the message names the
        line.
    """
    rows = [_row(csv, line, row) for line, row in _lines(csv)]
    _check_labels(csv, rows, key)
    return rows


def column_of(csv: PathLike, name: str) -> dict[str, str]:
    """Return what a column of such a table says of each image.

    Raises
    ------
    FormatError
        There is no such column, or the table is broken.
    OSError
        The file cannot be read.
    """
    found = {}
    for _, row in _lines(csv, name.strip().lower()):
        found[(row.get("image") or "").strip()] = (row.get(name.strip().lower()) or "").strip()
    return found


def _lines(csv: PathLike, *more: str) -> list[tuple[int, dict[str | None, str | None]]]:
    """Return the lines of a table by their number; it has the columns that are needed."""
    with open(csv, newline="", encoding="utf-8-sig") as file:
        try:
            separator = _separator(file.readline())
            file.seek(0)
            reader = _csv.DictReader(file, delimiter=separator, skipinitialspace=True)
            reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
            missing = {"image", "has_tumour", *more} - set(reader.fieldnames)
            if missing:
                raise FormatError(f"{csv} must have a column {min(missing)!r} in its first line.")
            return [(reader.line_num, dict(row)) for row in reader]
        except (UnicodeDecodeError, _csv.Error) as error:
            raise FormatError(f"{csv} must be a CSV file in UTF-8: {error}") from None


def _separator(header: str) -> str:
    """Return what stands between the columns of the first line."""
    return max(_SEPARATORS, key=header.count)


def _row(csv: PathLike, line: int, row: Mapping[str | None, str | None]) -> Row:
    if None in row:
        raise FormatError(
            f"{csv}, line {line}: more values than columns. A path with a separator in it needs "
            f"quotes. Got {row[None]!r} beyond the last column."
        )
    values = {name: (row.get(name) or "").strip() for name in Row._fields}
    if not values["image"]:
        raise FormatError(f"{csv}, line {line}: 'image' must be a path. Got nothing instead.")
    mask = values["mask"] or None
    text = values["has_tumour"]
    label = _label(text)
    if label is None and (text or mask is None):
        raise FormatError(f"{csv}, line {line}: 'has_tumour' must be 0 or 1. Got {text!r} instead.")
    return Row(values["image"], label, mask, values["organ"] or None, line)


def _label(text: str) -> bool | None:
    """Return the label that a text means, None for none."""
    try:
        return {0.0: False, 1.0: True}.get(float(text))
    except ValueError:
        return _WORDS.get(text.lower())


def _check_labels(csv: PathLike, rows: list[Row], key: Callable[[str], str]) -> None:
    """Refuse a scan that is listed with a tumour and without."""
    known: dict[str, Row] = {}
    for row in rows:
        if row.has_tumour is None:
            continue
        first = known.setdefault(key(row.image), row)
        if first.has_tumour != row.has_tumour:
            raise FormatError(
                f"{csv}, line {row.line}: 'has_tumour' of {row.image!r} must be "
                f"{int(bool(first.has_tumour))}, as in line {first.line}. "
                f"Got {int(row.has_tumour)} instead."
            )

"""Tables of scans with what is known of each: CSV files as people save them, and DataFrames."""

from __future__ import annotations

import csv as _csv
import io
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from spars._support.checks import sentence
from spars._support.errors import FormatError
from spars._support.files import reading
from spars._support.types import PathLike

__all__ = ["Row", "column_of", "rows_of_frame", "table_of"]

_SEPARATORS = (",", ";", "\t")
# Any number that is 0 or 1 is a label too, such as 1.0.
_WORDS = {"true": True, "yes": True, "false": False, "no": False}


class Row(NamedTuple):
    """One line: paths as they stand there, None where there is none."""

    image: str
    has_tumour: bool | None
    mask: str | None
    organ: str | None
    group: str | None
    table: str
    line: str

    @property
    def where(self) -> str:
        """Table and line, for messages."""
        return f"{self.table}, {self.line}"


def table_of(csv: PathLike, key: Callable[[str], str]) -> list[Row]:
    """Return the lines of a CSV file with columns image, has_tumour and those of `Row`, if any.

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
    rows = [_row(f"{csv}", f"line {line}", row) for line, row in _lines(csv)]
    _check_labels(rows, key)
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
    with io.TextIOWrapper(reading(csv), encoding="utf-8-sig", newline="") as file:
        try:
            separator = _separator(file.readline())
            file.seek(0)
            reader = _csv.DictReader(file, delimiter=separator, skipinitialspace=True)
            reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
            _check_columns(f"{csv}", reader.fieldnames, " in its first line", more)
            return [(reader.line_num, dict(row)) for row in reader]
        except (UnicodeDecodeError, _csv.Error) as error:
            raise FormatError(f"{csv} must be a CSV file in UTF-8: {error}") from None


def rows_of_frame(frame: Any, key: Callable[[str], str]) -> list[Row]:
    """Return the rows of a pandas DataFrame with the columns of `table_of`; `key` as there.

    A missing value (None, NaN, NA) is an empty one.

    Raises
    ------
    TypeError
        It is no DataFrame.
    FormatError
        As `table_of`; the message names the row by its index.
    """
    if not (hasattr(frame, "columns") and hasattr(frame, "itertuples")):
        raise TypeError(sentence("frame", "from_frame", "a pandas DataFrame", frame))
    columns = [str(name).strip().lower() for name in frame.columns]
    _check_columns("frame", columns, "")
    rows = []
    for index, *values in frame.astype(object).where(frame.notna(), "").itertuples(name=None):
        texts = {name: str(value) for name, value in zip(columns, values, strict=True)}
        rows.append(_row("frame", f"row {index}", texts))
    _check_labels(rows, key)
    return rows


def _check_columns(
    table: str, columns: Collection[str], where: str, more: Collection[str] = ()
) -> None:
    missing = {"image", "has_tumour", *more} - set(columns)
    if missing:
        raise FormatError(f"{table} must have a column {min(missing)!r}{where}.")


def _separator(header: str) -> str:
    """Return what stands between the columns of the first line."""
    return max(_SEPARATORS, key=header.count)


def _row(table: str, line: str, row: Mapping[Any, Any]) -> Row:
    where = f"{table}, {line}"
    if None in row:
        raise FormatError(
            f"{where}: more values than columns. A path with a separator in it needs "
            f"quotes. Got {row[None]!r} beyond the last column."
        )
    names = ("image", "has_tumour", "mask", "organ", "group")
    values = {name: (row.get(name) or "").strip() for name in names}
    if not values["image"]:
        raise FormatError(f"{where}: 'image' must be a path. Got nothing instead.")
    mask = values["mask"] or None
    text = values["has_tumour"]
    label = _label(text)
    if label is None and (text or mask is None):
        raise FormatError(f"{where}: 'has_tumour' must be 0 or 1. Got {text!r} instead.")
    organ, group = values["organ"] or None, values["group"] or None
    return Row(values["image"], label, mask, organ, group, table, line)


def _label(text: str) -> bool | None:
    """Return the label that a text means, None for none."""
    try:
        return {0.0: False, 1.0: True}.get(float(text))
    except ValueError:
        return _WORDS.get(text.lower())


def _check_labels(rows: list[Row], key: Callable[[str], str]) -> None:
    """Refuse a scan that is listed with a tumour and without."""
    known: dict[str, Row] = {}
    for row in rows:
        if row.has_tumour is None:
            continue
        first = known.setdefault(key(row.image), row)
        if first.has_tumour != row.has_tumour:
            raise FormatError(
                f"{row.where}: 'has_tumour' of {row.image!r} must be "
                f"{int(bool(first.has_tumour))}, as in {first.line}. "
                f"Got {int(row.has_tumour)} instead."
            )

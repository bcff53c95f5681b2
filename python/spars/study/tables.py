"""Small tables: rows by name, as text, in a notebook and as pandas has them."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spars._support.extras import require

if TYPE_CHECKING:
    from pandas import DataFrame


class Rows(Sequence[dict[str, Any]]):
    """Rows by name, as a sequence and as pandas has them.

    Parameters
    ----------
    rows : iterable of dict
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self.rows = [dict(row) for row in rows]

    def frame(self) -> DataFrame:
        """Return the rows as a pandas.DataFrame (the extra "study")."""
        return require("pandas", "study", "A table of results").DataFrame(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)


class Table(Rows):
    """Rows that are shown as a table."""

    @property
    def columns(self) -> list[str]:
        """The columns in the order in which rows name them."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def __str__(self) -> str:
        lines = [self.columns, *([shown(row.get(name)) for name in self.columns] for row in self)]
        widths = [max(len(line[place]) for line in lines) for place in range(len(self.columns))]
        return "\n".join(
            "  ".join(
                text.ljust(width) if place == 0 else text.rjust(width)
                for place, (text, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )

    def __repr__(self) -> str:
        return f"<Table of {len(self)} rows>\n{self}"

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        body = "".join(
            "<tr>"
            + "".join(f"<td>{html.escape(shown(row.get(name)))}</td>" for name in self.columns)
            + "</tr>"
            for row in self
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def shown(value: Any) -> str:
    """Return a value as a table shows it: four digits, a dash for what is not known."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)

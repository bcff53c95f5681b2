"""Figures that pyplot does not keep; matplotlib, an extra, is needed to import this module."""

from __future__ import annotations

import io

from matplotlib.figure import Figure


class ShownFigure(Figure):
    """A figure that a notebook shows once, where it is a cell's value.

    pyplot would show it a second time at the cell's end, and keep it until it is closed. Without
    pyplot no front knows how to show a figure, so it brings its own picture.
    """

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi="figure")
        return buffer.getvalue()

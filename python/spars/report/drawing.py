"""Figures as a report holds them: PNG, and SVG in the page's own ink."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from spars._support.extras import require
from spars.report import plots

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# A colour that no plot uses; it becomes the page's text colour, so charts follow light and dark.
_INK = "#010203"
# Likewise the ground of legends, which becomes that of the panel around.
_GROUND = "#010204"


def png(figure: Figure) -> bytes:
    """Return a figure as the bytes of a PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def svg(draw: Callable[[], Figure]) -> str:
    """Return what `draw()` plots as inline SVG whose ink is the page's text colour."""
    matplotlib = require("matplotlib", "report", "Plotting")
    inked = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    ink = dict.fromkeys(inked, _INK)
    style = {"svg.fonttype": "none", "svg.hashsalt": "spars", "font.size": 11, **ink}
    style["legend.facecolor"] = _GROUND
    with matplotlib.rc_context(style):
        figure = draw()
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace(_INK, "currentColor").replace(_GROUND, "var(--panel)")
    # Every figure numbers its parts from 1; ids must be unique in the page.
    prefix = "f" + hashlib.sha256(text.encode()).hexdigest()[:8]
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}-", text)
    # Text takes the page's own font.
    return text.replace("<svg ", '<svg role="img" style="color: var(--text)" ', 1)


def chart(
    series: Mapping[str, Sequence[float] | NDArray[Any]],
    x_label: str,
    y_label: str,
    caption: str,
    smooth: int = 1,
    mark: tuple[int, str] | None = None,
) -> dict[str, str]:
    """Return curves as one of the page's charts: SVG and caption."""
    drawn = svg(
        lambda: plots.curves(series, x_label=x_label, y_label=y_label, smooth=smooth, mark=mark)
    )
    return {"svg": drawn, "caption": caption}


def check_installed(purpose: str) -> None:
    """Refuse before the work starts if something that reports need is missing.

    Parameters
    ----------
    purpose : str
        What needs it, for the message.

    Raises
    ------
    ImportError
        The extra "report" is not installed.
    """
    for module in ("jinja2", "matplotlib.figure"):
        require(module, "report", purpose)

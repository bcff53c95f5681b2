"""What a notebook shows of a value: a small table, with a picture or a curve. NumPy alone."""

from __future__ import annotations

import base64
import html
import struct
import zlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["card", "curve", "image", "png"]

#: Points of a curve at most; more would not be seen.
_POINTS = 200


def card(title: str, rows: Iterable[tuple[str, object]], *pictures: str) -> str:
    """Return HTML of a title, a table of names and values, and markup beside it.

    Parameters
    ----------
    title : str
    rows : iterable of (name, value)
        Shown as text; those of value None are left out.
    *pictures : str
        Markup, as `image` and `curve` return it.
    """
    left = "text-align: left"
    cells = "".join(
        f'<tr><th style="{left}; font-weight: normal; opacity: .7">{html.escape(name)}</th>'
        f'<td style="{left}">{html.escape(str(value))}</td></tr>'
        for name, value in rows
        if value is not None
    )
    return (
        '<div style="display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: flex-start">'
        f'<table><caption style="{left}; font-weight: bold">{html.escape(title)}</caption>'
        f"<tbody>{cells}</tbody></table>{''.join(pictures)}</div>"
    )


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return the bytes of a PNG of (rows, columns) grey values, or (rows, columns, 3) colours."""
    rows, columns = pixels.shape[:2]
    kind = 2 if pixels.ndim == 3 else 0

    def chunk(name: bytes, data: bytes) -> bytes:
        checked = name + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    # Each row begins with its filter, none.
    lines = np.ascontiguousarray(pixels).reshape(rows, -1)
    raw = np.concatenate([np.zeros((rows, 1), np.uint8), lines], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", columns, rows, 8, kind, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(raw)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def image(pixels: NDArray[np.uint8], text: str, shape: tuple[float, float]) -> str:
    """Return an <img> of pixels with text for who cannot see it; `shape` is width and height."""
    data = base64.b64encode(png(pixels)).decode("ascii")
    width, height = (9 * edge / max(shape) for edge in shape)
    said, size = html.escape(text), f"width: {width:.2f}rem; height: {height:.2f}rem"
    return f'<img alt="{said}" title="{said}" style="{size}" src="data:image/png;base64,{data}">'


def curve(values: ArrayLike, name: str, unit: str) -> str:
    """Return an SVG of values over their number, its ends written; nothing below two numbers.

    Parameters
    ----------
    values : sequence of float
        NaN is left out.
    name : str
        What they are.
    unit : str
        What they are counted in, as "epochs".
    """
    given = np.asarray(values, np.float64)
    places = np.flatnonzero(np.isfinite(given))
    if len(places) < 2:
        return ""
    places = places[np.unique(np.linspace(0, len(places) - 1, _POINTS).astype(int))]
    shown = given[places]
    low, high = float(shown.min()), float(shown.max())
    x = 4 + 232 * (places - places[0]) / (places[-1] - places[0])
    y = 66 - 60 * (shown - low) / max(high - low, 1e-300)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    text = f"{name}, {len(given)} {unit}: {_number(shown[0])} to {_number(shown[-1])}"
    return (
        '<figure style="margin: 0"><svg viewBox="0 0 240 72" width="240" height="72" role="img" '
        f'aria-label="{html.escape(text)}"><polyline points="{points}" fill="none" '
        'stroke="#3A8FC7" stroke-width="2"/></svg>'
        f'<figcaption style="font-size: .85em">{html.escape(text)}<br>'
        f"lowest {_number(low)}, highest {_number(high)}</figcaption></figure>"
    )


def _number(value: float) -> str:
    return f"{value:.3g}"


def triple(values: Sequence[float]) -> str:
    """Return three numbers as a reader says them: ``2.66 x 2.66 x 2.5``."""
    return " x ".join(f"{value:.4g}" for value in values)

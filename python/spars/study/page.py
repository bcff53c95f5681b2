"""One self-contained HTML page about a study: summary, worst scans, and what it follows from."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any

from spars._support.files import write_text
from spars._support.formats import check_ending
from spars._support.types import PathLike
from spars.study.tables import Table

if TYPE_CHECKING:
    from spars.study.results import Results

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 66rem; margin: 2rem auto; padding: 0 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: .3rem 0; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
pre { overflow-x: auto; font-size: .85rem; }
@media print { .scroll, pre { overflow: visible; white-space: pre-wrap; } }
"""
_LIMITS = (
    "Means are over patients, each patient's scans and seeds averaged first; intervals are 95 % "
    "bootstrap intervals of the mean. Scans without tumour have no Dice and are counted apart. "
    "What was chosen on scans that are measured here is no result on them."
)


def write_study_page(path: PathLike, results: Results, metric: str) -> None:
    """Write a page; parameters are those of `Results.report`."""
    check_ending(path, (".html", ".htm"), "report")
    interval = "bca" if _has_scipy() else "percentile"
    # Trainings alone show nobody.
    worst = results.worst(10, metric)
    failed = [
        {name: row[name] for name in ("setting", "fold", "seed", "case", "error")}
        for row in results
        if row["state"] == "failed"
    ]
    name = str(results.locks[0]["study"]["name"]) if results.locks else "study"
    parts = [
        f"<h1>Study {html.escape(name)}</h1><p>{html.escape(repr(results)[1:-1])}.</p>",
        f"<p>{_LIMITS}</p>",
        _section(f"{metric} by setting", results.summary("setting", interval, metric=metric)),
        _section(f"Worst scans by {metric}", worst),
        _section("Failed", Table(failed)) if failed else "",
        *(_described(lock) for lock in results.locks),
    ]
    write_text(
        path,
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Study {html.escape(name)}</title><style>{_STYLE}</style></head>\n<body>"
        + "\n".join(parts)
        + "</body></html>\n",
    )


def _section(title: str, table: Table) -> str:
    return f'<h2>{html.escape(title)}</h2><div class="scroll">{table._repr_html_()}</div>'


def _described(lock: dict[str, Any]) -> str:
    """Return what a folder is bound to: settings, versions, masks that were read, hashes."""
    hashes = [
        {
            "scan": name,
            "has_tumour": str(told.get("has_tumour")),
            **{part: (told.get(part) or {}).get("sha256", "") for part in ("image", "mask")},
        }
        for name, told in lock["inputs"].items()
    ]
    told = {name: lock[name] for name in ("study", "versions", "masks")}
    text = html.escape(json.dumps(told, indent=2))
    return f"<h2>Configuration</h2><pre>{text}</pre>" + _section("Inputs, SHA-256", Table(hashes))


def _has_scipy() -> bool:
    try:
        import scipy.stats  # noqa: F401, to know that it is there
    except ImportError:
        return False
    return True

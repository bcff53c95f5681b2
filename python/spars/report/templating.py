"""How the pages of `report/templates` are filled."""

from __future__ import annotations

from typing import Any

from spars._support.extras import require
from spars.report.text import number


def template(name: str) -> Any:
    """Return a template of `report/templates`, ready to render.

    Raises
    ------
    ImportError
        Jinja2 (the extra "report") is not installed.
    """
    jinja2 = require("jinja2", "report", "A report")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("spars.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    return environment.get_template(name)


def safe(text: str) -> Any:
    """Return markup of our own making, which a template shows as it is."""
    return require("markupsafe", "report", "A report").Markup(text)

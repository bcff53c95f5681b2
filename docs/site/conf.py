"""Sphinx's configuration of the site, which `scripts/make_site.py` builds."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))

import spars  # noqa: E402

project = "spars"
release = version = spars.__version__
copyright = "the authors of spars"  # noqa: A001 - the name that Sphinx reads
extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
exclude_patterns = ["Benchmarks/trust"]

# Pages are read as a code-hosting page reads them: its anchors, and its links between files.
myst_heading_anchors = 4

# A name between single quotes in a docstring leads to what it names, where that is public.
default_role = "py:obj"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False

html_theme = "furo"
html_title = f"spars {release}"
html_copy_source = False
html_static_path: list[str] = []

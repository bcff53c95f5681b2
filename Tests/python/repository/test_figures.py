"""The figures of the classifier's page are what their script draws, and the page shows each."""

import importlib.util

import pytest
from places import ROOT

DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def drawn():
    spec = importlib.util.spec_from_file_location("draw", DOCS / "images" / "draw.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.drawn()


def test_files_are_what_the_script_draws(drawn):
    for name, svg in drawn.items():
        assert (DOCS / "images" / name).read_text(encoding="utf-8") == svg, name


def test_the_page_shows_every_figure(drawn):
    page = (DOCS / "explanation" / "fast-classifier.md").read_text(encoding="utf-8")
    assert [name for name in drawn if f"../images/{name})" not in page] == []

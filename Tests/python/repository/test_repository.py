"""The repository's own rules, and the extension's version beside the package's."""

import importlib.util
import inspect
import re
import sys

import pytest
from places import ROOT

import spars
from spars._core import native


@pytest.fixture
def check():
    """The module `scripts/check.py`, which is no part of the package."""
    location = importlib.util.spec_from_file_location("check", ROOT / "scripts" / "check.py")
    module = importlib.util.module_from_spec(location)
    location.loader.exec_module(module)
    return module


def test_version_of_the_extension_is_the_packages():
    assert native.version() == spars.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", spars.__version__)


def test_everything_exported_exists():
    missing = [name for name in spars.__all__ if not hasattr(spars, name)]
    assert missing == []
    assert sorted(set(spars.__all__)) == sorted(spars.__all__)


def test_help_shows_every_name_without_any_extra(monkeypatch):
    monkeypatch.delitem(sys.modules, "spars.sklearn", raising=False)
    monkeypatch.delitem(sys.modules, "spars.study.estimator", raising=False)
    monkeypatch.delitem(vars(spars), "sklearn", raising=False)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert "sklearn" not in dir(spars)
    assert {"calibration", "datasets", "segment"} <= {name for name, _ in inspect.getmembers(spars)}


@pytest.mark.parametrize(
    "line",
    [
        "# TO" + "DO: later",
        "    fatal" + 'Error("no")',
        "@pytest.mark.sk" + "ip",
        "/ho" + "me/me/x",
    ],
)
def test_check_refuses(check, monkeypatch, tmp_path, line):
    monkeypatch.setattr(check, "ROOT", tmp_path)
    (tmp_path / "module.py").write_text(f"x = 1\n{line}\n", encoding="utf-8")
    assert [problem.split(":")[1] for problem in check.problems_of("module.py")] == ["2"]


def test_check_refuses_long_files(check, monkeypatch, tmp_path):
    monkeypatch.setattr(check, "ROOT", tmp_path)
    (tmp_path / "module.py").write_text("x = 1\n" * 501, encoding="utf-8")
    assert "501 lines" in check.problems_of("module.py")[0]


def test_examples_of_docstrings_do_not_make_a_file_too_long(check, monkeypatch, tmp_path):
    monkeypatch.setattr(check, "ROOT", tmp_path)
    example = '    """A.\n\n    Examples\n    --------\n' + "    >>> 1\n    1\n" * 20 + '    """\n'
    (tmp_path / "module.py").write_text("def f():\n" + example + "    x = 1\n" * 497)
    assert check.problems_of("module.py") == []
    (tmp_path / "module.py").write_text("def f():\n" + example + "    x = 1\n" * 498)
    assert "544 lines" in check.problems_of("module.py")[0]


def test_an_example_is_a_docstrings_own_or_its_classs(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    is_shown = importlib.import_module("check_examples").is_shown
    assert is_shown("spars.f", ">>> spars.f()", "")
    assert is_shown("spars.C.m", "A method.", ">>> spars.C().m()")
    assert not is_shown("spars.C.m", "A method.", ">>> spars.C().many()\nand not .m()")
    assert not is_shown("spars.f", "A function.", "")


def test_check_refuses_versions_that_differ(check, monkeypatch, tmp_path):
    for name in check.VERSIONS:
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(check, "ROOT", tmp_path)
    assert check.version_problems() == []
    (tmp_path / "CITATION.cff").write_text("version: 9.9.9\n", encoding="utf-8")
    assert "CITATION.cff 9.9.9" in check.version_problems()[0]

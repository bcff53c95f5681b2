"""Without scikit-learn, its front names the extra that brings it."""

import importlib
import sys

import pytest


def test_a_missing_library_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    for name in ("spars.sklearn", "spars.study.estimator"):
        monkeypatch.delitem(sys.modules, name, raising=False)
        with pytest.raises(ImportError, match=r"spars\.sklearn needs sklearn.*spars\[sklearn\]"):
            importlib.import_module(name)

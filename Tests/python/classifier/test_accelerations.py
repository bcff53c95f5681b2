"""Both sides of a row of Benchmarks/accelerations.py do the same work."""

import sys

import numpy as np
import pytest
from places import ROOT


@pytest.fixture
def accelerations(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "Benchmarks"))
    import accelerations
    import run

    noise = np.random.default_rng(0).normal(0, 100, (160, 160, 100)).astype(np.float32)
    monkeypatch.setattr(run, "hu_volume", lambda: noise)
    yield accelerations
    for name in ("accelerations", "run"):
        sys.modules.pop(name)


def test_a_window_enlarged_before_has_the_score_of_its_voxels(accelerations):
    plain, fast = accelerations.distinct()
    np.testing.assert_allclose(plain(), fast(), rtol=0, atol=1e-5)


@pytest.mark.parametrize("row", ["shared", "columns"])
def test_windows_have_the_same_bits_one_by_one(accelerations, row):
    plain, fast = getattr(accelerations, row)()
    scores = fast()
    assert len(np.unique(scores)) > 1
    np.testing.assert_array_equal(plain(), scores)


def test_places_that_reach_a_feature_are_those_of_the_page(accelerations):
    assert [accelerations.seen_places(n) for n in (256, 180)] == [236, 172]


def test_a_row_is_measured_and_named(accelerations, monkeypatch, capsys):
    calls = []
    sides = (lambda: calls.append("without"), lambda: calls.append("with"))

    def work():
        """Nothing."""
        return sides

    monkeypatch.setattr(accelerations, "ROWS", {"work": (work, 2)})
    without, accelerated, ratio = accelerations.measure("work")
    assert calls == ["without", "with"] * 3
    assert without >= 0
    assert accelerated >= 0
    assert ratio >= 0

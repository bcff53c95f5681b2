"""PyTorch's rows of Benchmarks/accelerations.py do the same work on both sides."""

import sys
from pathlib import Path

import numpy as np
import pytest


@pytest.mark.parametrize("row", ["border", "fold"])
def test_both_sides_agree(monkeypatch, row):
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[3] / "Benchmarks"))
    import accelerations
    import run

    monkeypatch.setattr(run, "INPUT_SHAPE", (112, 110, 114))
    plain, fast = getattr(accelerations, row)()
    result = fast()
    assert np.abs(result).max() > 0
    np.testing.assert_allclose(plain(), result, rtol=1e-4, atol=1e-4)
    for name in ("accelerations", "run"):
        sys.modules.pop(name)

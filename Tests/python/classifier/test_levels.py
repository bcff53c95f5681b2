"""Every instruction set that this machine can run computes the same classifier, but for rounding.

x86-64-v3 and x86-64-v4 add the same products in the same order and fuse the same ones: equal bits.
The baseline rounds a product before it is added.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import spars

LEVELS = ("baseline", "x86-64-v3", "x86-64-v4")
# Of a logit, score or loss, as a part of the largest: as between this machine and others.
BOUND = 1e-5
# Of a gradient, for an input in which no maximum and no ReLU goes another way by rounding alone:
# where one does, a gradient moves by a step, up to 2e-2 of its largest over twelve inputs.
GRADIENT_BOUND = 1e-4

# What each level computes, in a process of its own.
WORK = """
import sys
import numpy as np
import spars

rng = np.random.default_rng(1)
found = {}

def classifier(shape):
    # Enlarged so that activations keep their size layer by layer, and windows differ in score.
    drawn = spars.Classifier(shape, seed=4).parameters()
    enlarged = {name: a * np.sqrt(6) if a.ndim > 1 else a for name, a in drawn.items()}
    return spars.Classifier.from_parameters(enlarged, shape, spars.IntensityWindow(40, 400))

small = (108, 109, 112)
found["dense logits"] = classifier(small).logits(rng.normal(size=(2, *small)).astype(np.float32))
scan = rng.normal(40, 100, (124, 118, 130)).astype(np.float32)
origins = np.array([[0, 0, 0], [0, 0, 4], [16, 0, 4], [1, 2, 3], [12, 8, 4]])
# Enlarged much and little, and reduced.
for window in ((8, 8, 8), (27, 27, 24), (108, 110, 126)):
    found[f"scores of {window}"] = classifier(small).score(scan, origins, window)
grid = (256, 256, 180)
found["scores on the grid of record"] = classifier(grid).score(scan, origins[:2])

shape = (172, 140, 140)
x = np.random.default_rng(3).normal(size=(2, *shape)).astype(np.float32)
loss, gradients = classifier(shape).loss_and_gradients(x, [0, 1])
found["loss"] = loss
for name, gradient in gradients.items():
    found[f"gradient of {name}"] = gradient
np.savez(sys.argv[1], level=spars.instruction_set(), **found)
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """{level: {what: array}} for every level of the machine."""
    usable = LEVELS[: LEVELS.index(_run(None, tmp_path_factory)["level"].item()) + 1]
    return {level: _run(level, tmp_path_factory) for level in usable}


def _run(level, tmp_path_factory):
    path = tmp_path_factory.mktemp("level") / "found.npz"
    environment = {
        "PYTHONPATH": str(Path(spars.__file__).parents[1]),
        "SPARS_CPU": level or "",
    }
    subprocess.run(
        [sys.executable, "-c", WORK, path], env=os.environ | environment, timeout=120, check=True
    )
    with np.load(path) as arrays:
        return dict(arrays)


def test_each_process_ran_on_its_level(found):
    assert [arrays["level"].item() for arrays in found.values()] == list(found)


def test_levels_agree_within_the_stated_bounds(found):
    for level, arrays in found.items():
        for what, expected in found["baseline"].items():
            if what == "level":
                continue
            largest = np.abs(expected).max()
            # A bias in front of a batch norm has no effect, and no gradient.
            is_dead = what.startswith("gradient of conv") and what.endswith("bias")
            assert (largest == 0) == is_dead, what
            bound = GRADIENT_BOUND if what.startswith("gradient") else BOUND
            off = np.abs(arrays[what] - expected).max()
            assert off <= bound * largest, f"{what} on {level}: {off} of {largest}"


def test_scores_tell_windows_apart_by_more_than_their_bound(found):
    for what, scores in found["baseline"].items():
        if what.startswith("scores"):
            assert np.ptp(scores) > 100 * BOUND, what


def test_levels_with_fused_products_have_the_same_bits(found):
    fused = [arrays for level, arrays in found.items() if level != "baseline"]
    for arrays in fused:
        for what, array in arrays.items():
            assert what == "level" or array.tobytes() == fused[0][what].tobytes(), what


def test_fused_products_round_otherwise(found):
    for level, arrays in found.items():
        same = arrays["dense logits"].tobytes() == found["baseline"]["dense logits"].tobytes()
        assert same == (level == "baseline"), level

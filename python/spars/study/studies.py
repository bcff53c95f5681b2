"""The published repository's runs, as settings of a study; `spars.studies`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spars._support.checks import check_choice
from spars.study.document import merged
from spars.study.scans import stem

__all__ = ["PRESETS", "STUDIES", "WEIGHTS"]

#: The scan that the released scripts play on, by name.
_PLAYED = "liver_5"
#: Scans that follow the training scans and validate the classifier.
_VALIDATION_SCANS = 16
#: Under which name the released scripts keep the weights of so many training scans.
WEIGHTS = {
    8: "ex1_8in_weights.pth",
    12: "ex2_12in_weights.pth",
    16: "model_weights.pth",
    20: "ex3_20in_weights.pth",
    24: "ex4_24in_weights.pth",
}

#: The studies by name: what each setting changes.
STUDIES: dict[str, dict[str, dict[str, Any]]] = {
    "main": {"main run": {}},
    "training_sizes": {
        f"{scans} training scans": {
            "training_scans": scans, "weights_name": WEIGHTS[scans], "segmentation": None,
        }
        for scans in WEIGHTS
    },
    "termination_thresholds": {
        f"threshold {threshold}": {
            "window": [64, 64, 32], "segmentation": {"termination_threshold": threshold},
        }
        for threshold in (0.2, 0.3, 0.4, 0.5, 0.6)
    },
    "window_sizes": {
        f"window {x} x {y} x {z}": {"window": [x, y, z]}
        for x, y, z in ((8, 8, 8), (16, 16, 8), (32, 32, 16), (48, 48, 24), (64, 64, 32))
    },
}  # fmt: skip
_BASE: dict[str, Any] = {
    "protocol": "published",
    "window": [48, 48, 24],
    "training_scans": 24,
    "weights_name": WEIGHTS[24],
    "surfaces": True,
    "training": {"epochs": 32},
    "segmentation": {
        "method": "self_play", "iterations": 10_000, "termination_threshold": 0.3,
    },
}  # fmt: skip
#: What a study's description may name as its `preset`.
PRESETS = ("published/all", *(f"published/{name}" for name in STUDIES))


def expanded(preset: str, given: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return a study's description with a preset below what was given.

    Parameters
    ----------
    preset : str
        One of `PRESETS`.
    given : mapping
        The description.
    names : sequence of str
        The scans. The released scripts play on `liver_5`, or here, where there is none, on the
        first scan that they train on.
    """
    chosen = check_choice(preset, "preset", "Study", PRESETS).partition("/")[2]
    settings: dict[str, Any] = {}
    for name in STUDIES if chosen == "all" else (chosen,):
        settings |= STUDIES[name]
    played = next((name for name in names if stem(name) == _PLAYED), None)
    known = {
        "split": {
            "train": 24, "validation": _VALIDATION_SCANS, "overlap": True,
            "test": [played or names[0]],
        },
        "base": _BASE,
        "settings": {} if "sweep" in given else settings,
    }  # fmt: skip
    return merged(known, given)

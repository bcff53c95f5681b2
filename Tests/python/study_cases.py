"""Small studies that tests share: on phantoms, or by the rule that asks no classifier."""

import numpy as np

import spars
from spars.volume.datasets import Case


def dark(number, shape=(16, 16, 12)):
    """Return a case of an organ of 2 mm voxels; of odd numbers with a dark lesion in it."""
    labels = np.zeros(shape, np.uint8)
    labels[1:-1, 1:-1, 1:-1] = 1
    if number % 2:
        labels[4 : 9 + number % 3, 4:10, 3:9] = 2
    noise = np.random.default_rng(number).normal(0, 3, shape)
    values = (100 - 60 * (labels == 2) + noise).astype(np.float32)
    volume = spars.Volume(values, np.diag([2.0, 2.0, 2.0, 1.0]))
    organ = (labels > 0).astype(np.uint8)
    return Case(
        f"s{number}", bool(number % 2), lambda: volume, lambda: labels, shape, lambda: organ
    )


#: Nothing is trained: `spars.intensity_mask` in the organs.
INTENSITY = {
    "data": {"cases": [dark(number) for number in range(4)], "region": "organ"},
    "base": {"classifier": {"weights": "pretrained"}, "segmentation": {"method": "intensity"}},
}
#: What trains and plays in seconds.
SMALL = {
    "classifier": {"input_shape": [108, 108, 108]},
    "window": [10, 10, 8],
    "grid": "native",
    "training": {"epochs": 2, "steps_per_epoch": 1, "scans_per_step": 2, "crops_per_scan": 2},
    "segmentation": {"method": "random_walk", "iterations": 2, "n_steps": 8},
}
PHANTOMS = {"phantoms": {"n": 4, "seed": 3, "shape": [24, 24, 20]}}
#: Columns that are not the same from run to run.
_OF_A_RUN = ("seconds", "folder")


def table_of(results):
    """Return the rows of results without what differs from run to run."""
    return [
        {name: repr(value) for name, value in row.items() if name not in _OF_A_RUN}
        for row in results
    ]

"""What agents' trainings are tested on: scans whose scores are made up, livers, a network."""

import functools

import numpy as np

import spars
from spars.search.known_scans import KnownScan


def made_scan(seed, shape=(12, 11, 10)):
    """Return a scan of which one drawn ball scores high and is a little darker."""
    rng = np.random.default_rng(seed)
    askable = rng.random(shape) < 0.9
    places = np.argwhere(askable)
    near = np.linalg.norm(places - rng.integers(2, 8, 3), axis=1) < 2.2
    intensity = (rng.normal(0, 1, len(places)) - 2.5 * near).astype(np.float32)
    scores = np.where(near, 0.95, 0.1).astype(np.float32)
    return KnownScan(askable, intensity, scores)


@functools.cache
def network():
    made = spars.Classifier((108, 108, 108), spars.IntensityWindow(100, 180), seed=0)
    made.recipe = spars.Recipe.of_organ(6.0, (6, 6, 6), margin=6.0, stride=2)
    return made


def livers(fraction=0.0):
    return spars.datasets.phantoms(
        1, seed=3, shape=(48, 40, 36), spacing=(6.0, 6.0, 6.0), tumour_fraction=fraction
    )

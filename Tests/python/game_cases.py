"""Scans and scorers that the tests of the game share."""

import numpy as np

import spars

GRID, WINDOW = (40, 40, 32), (8, 8, 8)


def by_place(weights=(7, 3, 1), modulus=29):
    """A scan that holds each voxel's index, and a scorer that is a formula of the crop's start."""
    image = np.arange(np.prod(GRID), dtype=np.float32).reshape(GRID)

    def score(crops):
        starts = np.stack(np.unravel_index(crops[:, 0, 0, 0].astype(int), GRID), axis=1)
        return (starts @ weights % modulus) / modulus

    return image, score


def zeros(crops):
    return np.zeros(len(crops))


def parallel(volume, scorer=zeros, **options):
    return spars.parallel_env(volume, scorer, **{"window": WINDOW, **options})


def single(volume, scorer=zeros, **options):
    return spars.WindowSearchEnv(volume, scorer, **{"window": WINDOW, **options})

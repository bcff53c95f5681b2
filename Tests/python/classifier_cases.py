"""A small classifier, scans of noise and a short training: what tests of the classifier share."""

import functools

import numpy as np

import spars
from spars import datasets

# The smallest cube that leaves every stage of the network a voxel.
INPUT = (108, 108, 108)


@functools.cache
def untrained():
    return spars.Classifier(INPUT, spars.IntensityWindow(40, 400), seed=4)


@functools.cache
def noise_case(name, has_tumour, shift):
    values = np.random.default_rng(len(name)).normal(40 + shift, 20, (30, 28, 26))
    return datasets.Case(name, has_tumour, lambda: values.astype(np.float32))


def noise_cases(n=4):
    return datasets.Dataset(noise_case(f"scan{i}", i % 2 == 1, 100 * (i % 2)) for i in range(n))


def train(classifier, dataset=None, **options):
    settings = {
        "window": (12, 12, 12), "grid": None, "epochs": 2, "steps_per_epoch": 1,
        "scans_per_step": 2, "crops_per_scan": 1, "validation_steps": 1, "seed": 3,
    }  # fmt: skip
    return classifier.fit(noise_cases() if dataset is None else dataset, **(settings | options))

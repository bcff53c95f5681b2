"""Datasets, classifiers, environments and runs through the two processes of a Dask cluster."""

import os

import distributed
import numpy as np
import pytest

import spars


@pytest.fixture(scope="module")
def client():
    """A client of two processes, each with a thread."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def classifier():
    return spars.Classifier(input_shape=(112, 112, 112), seed=3)


@pytest.fixture
def hu(rng):
    return rng.normal(40, 20, (12, 11, 10)).astype(np.float32)


def everywhere(client, function, *arguments):
    """Return what a function gives in every process, having seen that none is this one."""
    found = client.run(lambda *given: (os.getpid(), function(*given)), *arguments)
    processes = {process for process, _ in found.values()}
    assert len(processes) == 2
    assert os.getpid() not in processes
    return [result for _, result in found.values()]


def test_a_classifier_scores_alike_everywhere(client, classifier, hu):
    def scores(one, scan):
        return one.score(scan, [[0, 0, 0], [4, 3, 2]], window=(6, 6, 6))

    for there in everywhere(client, scores, classifier, hu):
        assert np.array_equal(there, scores(classifier, hu))


def test_a_dataset_is_loaded_by_the_workers(client):
    dataset = spars.datasets.phantoms(4, seed=2, shape=(48, 40, 32))
    here = [case.load().array for case in dataset]
    there = client.gather(client.map(lambda case: case.load().array, list(dataset), pure=False))
    for one, other in zip(here, there, strict=True):
        assert np.array_equal(one, other)
    for lengths in everywhere(client, lambda given: [case.has_tumour for case in given], dataset):
        assert lengths == [case.has_tumour for case in dataset]


def share_above(crops):
    return (crops > 40).mean(axis=(1, 2, 3))


def played(scan, scorer, iterations=2):
    return spars.self_play(
        scan, scorer, iterations=iterations, window=(4, 4, 4), grid=(12, 11, 10), n_steps=8,
        batch_size=8, seed=5, stride=2,
    )  # fmt: skip


def test_segmentations_come_back_whole(client, hu):
    def segmented(scan):
        return spars.segment(scan, share_above, window=(4, 4, 4), grid=None, method="exhaustive")

    scan = spars.Volume(hu, np.diag([1.0, 2.0, 3.0, 1.0]))
    here = segmented(scan)
    for there in everywhere(client, segmented, scan):
        assert np.array_equal(there.score_map, here.score_map)
        assert np.array_equal(there.volume.affine, scan.affine)


def test_a_run_goes_on_in_another_process(client, hu):
    here = played(hu, share_above)
    sent = client.submit(lambda run: run.resume(2), here, pure=False).result()
    whole = played(hu, share_above, 4)
    assert len(here) == 2
    assert len(sent) == len(whole) == 4
    assert np.array_equal(sent.score_map, whole.score_map)
    made = client.submit(played, hu, share_above, 4, pure=False).result()
    assert np.array_equal(made.score_map, whole.score_map)

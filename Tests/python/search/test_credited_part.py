"""The part of a window that gets its score: maps from visits, reasons, saved runs."""

import json

import numpy as np
import pytest
from noise_game import noise, play, same
from noise_game import score as scorer
from rules_twin import box_of

import spars
from spars._support.archives import DESCRIPTION
from spars.search.visits import visits_of_run

WINDOW = (8, 8, 6)


def darkness(crops):
    return np.clip((100.0 - crops.mean(axis=(1, 2, 3))) / 100.0, 0.0, 1.0).astype(np.float32)


def map_of(run):
    """Return the map of a run's visits, one after the other in float32."""
    protocol, part = run.configuration["protocol"], run.configuration["protocol"]["credited_part"]
    window = run.configuration["window"]
    part = None if part == "window" else part
    made, counts = np.zeros(run.grid, np.float32), np.zeros(run.grid, np.float32)
    visits = visits_of_run(run.windows, run.step_scores, run.ends, run.configuration)
    for origin, value in zip(visits.windows.tolist(), visits.scores, strict=True):
        box = box_of(origin, window, part)
        counts[box] += 1
        if protocol["accumulation"] == "sum":
            made[box] += value
        elif protocol["accumulation"] == "max":
            made[box] = np.maximum(made[box], value)
        else:
            made[box] += (value - made[box]) / counts[box]
    return made


@pytest.mark.parametrize("accumulation", ["sum", "mean", "max"])
@pytest.mark.parametrize("border", ["inside", "clamped_crop"])
@pytest.mark.parametrize("part", ["window", (2, 3, 1), (1, 1, 4)])
def test_a_games_map_is_made_of_its_visits(accumulation, border, part):
    run = play(noise(), 3, accumulation=accumulation, border=border, credited_part=part)
    expected = map_of(run)
    assert expected.any()
    tolerance = 1e-6 if accumulation == "mean" else 0
    np.testing.assert_allclose(run.score_map, expected, atol=tolerance)


def test_the_whole_window_as_an_extent_changes_no_bit():
    first = play(noise(), 2)
    same(first, play(noise(), 2, credited_part=tuple(first.configuration["window"])))


@pytest.mark.parametrize("method", ["self_play", "random_walk", "greedy", "exhaustive"])
@pytest.mark.parametrize("accumulation", ["sum", "max"])
def test_the_reasons_of_a_voxel_are_the_windows_whose_part_holds_it(method, accumulation, rng):
    scan = rng.normal(50, 30, (30, 26, 22)).astype(np.float32)
    protocol = spars.Protocol.paper().with_switches(
        accumulation=accumulation, credited_part=(3, 4, 2)
    )
    found = spars.segment(
        scan, darkness, method=method, window=WINDOW, grid=(28, 26, 20), protocol=protocol,
        iterations=3, n_steps=16, seed=1,
    )  # fmt: skip
    seen = np.argwhere(found.score_map > 0)
    assert 0 < len(seen) < scan.size
    join = sum if accumulation == "sum" else max
    for voxel in seen[:: len(seen) // 15]:
        scores = [reason.score for reason in found.why(*voxel)]
        assert join(scores) == pytest.approx(found.score_map[tuple(voxel)], abs=1e-5)
    for voxel in np.argwhere(found.score_map == 0)[::1999]:
        assert not any(reason.score for reason in found.why(*voxel))


def test_grad_cam_looks_in_all_of_a_window(rng):
    scan = rng.normal(50, 30, (16, 16, 16)).astype(np.float32)
    classifier = spars.Classifier(input_shape=(108, 108, 108), seed=1)
    whole, part = (
        spars.baselines.grad_cam(
            scan, classifier, window=(8, 8, 8), grid=(16, 16, 16),
            protocol=spars.Protocol.paper().with_switches(credited_part=given),
        )
        for given in ("window", (2, 2, 2))
    )  # fmt: skip
    np.testing.assert_array_equal(whole.score_map, part.score_map)
    assert part.configuration["protocol"]["credited_part"] == "window"


@pytest.mark.parametrize("part", ["window", (2, 3, 1)])
def test_a_saved_run_goes_on_as_it_was(part, tmp_path):
    run = play(noise(), 4, credited_part=part)
    path = tmp_path / "run.spars"
    half = play(noise(), 2, credited_part=part)
    half.save(path)
    loaded = spars.Run.load(path, noise(), scorer)
    loaded.resume(2)
    same(run, loaded)


def test_a_run_saved_before_there_was_a_part_is_of_whole_windows(tmp_path):
    run = play(noise(), 3)
    path, old = tmp_path / "run.spars", tmp_path / "old.spars"
    run.save(path)
    with np.load(path) as archive:
        arrays = dict(archive)
    text = str(arrays[DESCRIPTION])
    assert text.count(', "credited_part": "window"') == 1
    arrays[DESCRIPTION] = np.array(text.replace(', "credited_part": "window"', ""))
    with open(old, "wb") as file:
        np.savez(file, **arrays)
    loaded = spars.Run.load(old)
    assert "credited_part" not in json.dumps(loaded.configuration)
    np.testing.assert_array_equal(
        visits_of_run(loaded.windows, loaded.step_scores, loaded.ends, loaded.configuration).scores,
        visits_of_run(run.windows, run.step_scores, run.ends, run.configuration).scores,
    )
    again = spars.Run.load(old, noise(), scorer)
    again.resume(1)
    same(play(noise(), 4), again)

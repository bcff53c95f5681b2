"""The published protocol against traces of the released environment itself."""

import json

import numpy as np
import pytest
from places import FIXTURES

import spars

CASES = json.loads((FIXTURES / "environment_traces.json").read_text())
INPUT_SHAPE = (256, 256, 180)


def nearest_weights(source, target):
    """How often nearest-neighbour resizing takes each source voxel, over the target's count."""
    places = np.arange(target, dtype=np.float32) * (np.float32(source) / np.float32(target))
    counts = np.bincount(np.minimum(places.astype(int), source - 1), minlength=source)
    return counts / target


def stub(case):
    """The traces' scorer: a sigmoid of the mean of the crop resized to the network's input."""

    def score(crops):
        weights = [
            nearest_weights(source, target)
            for source, target in zip(crops.shape[1:], INPUT_SHAPE, strict=True)
        ]
        means = np.einsum("nxyz,x,y,z->n", crops.astype(np.float64), *weights)
        return 1 / (1 + np.exp(-(means - case["stub_a"]) / case["stub_b"]))

    return score


def play(env, case):
    env.reset()
    assert env.windows == dict.fromkeys(("learner", "opponent"), tuple(case["start"]))
    for number, step in enumerate(case["steps"]):
        _, rewards, terminations, truncations, infos = env.step(
            {"learner": step["a1"], "opponent": step["a2"]}
        )
        assert env.windows["learner"] == tuple(step["p1"]), number
        assert env.windows["opponent"] == tuple(step["p2"]), number
        assert rewards["learner"] == step["reward"] == -rewards["opponent"], number
        assert terminations == dict.fromkeys(terminations, step["done"]), number
        assert not any(truncations.values())
        assert infos["opponent"]["score"] == pytest.approx(step["added_score"], abs=1e-6), number
        yield step


def test_the_walk_past_the_border_with_the_real_image():
    case = CASES[2]
    with np.load(FIXTURES / "environment_case2.npz") as file:
        image, accumulated = file["image"], file["accumulated"]
    env = spars.parallel_env(
        image, stub(case), window=case["window"], protocol="published",
        termination_threshold=case["threshold"],
    )  # fmt: skip
    for _ in play(env, case):
        pass
    np.testing.assert_allclose(env.score_map, accumulated, atol=1e-5)


@pytest.mark.parametrize("number", range(len(CASES)))
def test_every_step_and_the_final_map(number):
    """The traces' scores, found by place: the image is each voxel's index, so a crop tells it."""
    case = CASES[number]
    grid, window = np.array(case["full"]), np.array(case["window"])
    image = np.arange(grid.prod(), dtype=np.float32).reshape(case["full"])
    known = {}
    for step in case["steps"]:
        learner = 1 / (1 + np.exp(-(step["obs1_mean"] - case["stub_a"]) / case["stub_b"]))
        for place, score in ((step["p1"], learner), (step["p2"], step["added_score"])):
            start = np.minimum(np.maximum(place, 1), grid - window - 1)
            known[int(image[tuple(start)])] = score

    def score(crops):
        assert crops.shape[1:] == tuple(window)
        return np.array([known[int(crop[0, 0, 0])] for crop in crops])

    env = spars.parallel_env(
        image, score, window=case["window"], protocol="published",
        termination_threshold=case["threshold"],
    )  # fmt: skip
    for _ in play(env, case):
        pass
    score_map = env.score_map
    samples = np.reshape(case["map_every_fourth_voxel"], score_map[::4, ::4, ::4].shape)
    np.testing.assert_allclose(score_map[::4, ::4, ::4], samples, atol=1e-5)
    assert score_map.sum(dtype=np.float64) == pytest.approx(case["accumulated_sum"], rel=1e-6)
    assert samples.any()

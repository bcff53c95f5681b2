"""What each switch of the protocol changes, one test or more a switch."""

import platform

import numpy as np
import pytest
from game_cases import GRID, WINDOW, by_place, parallel, single, zeros

import spars
from spars._core import native


@pytest.fixture
def scan(rng):
    return rng.normal(0, 100, GRID).astype(np.float32)


def test_d3_a_scorer_with_an_intensity_window_sets_what_is_seen(scan):
    atlas = spars.ScoreAtlas.compute(
        scan, lambda crops: crops.mean(axis=(1, 2, 3)), WINDOW,
        intensity_window=spars.IntensityWindow(40, 400),
    )  # fmt: skip
    seen = parallel(scan, atlas).reset()[0]["learner"]
    raw = parallel(scan).reset()[0]["learner"]
    np.testing.assert_allclose(seen, np.clip((raw + 160) / 400, 0, 1), atol=1e-6)
    explicit = parallel(scan, zeros, intensity_window=spars.IntensityWindow(40, 400))
    np.testing.assert_array_equal(explicit.reset()[0]["learner"], seen)


def test_d3_a_field_and_the_classifier_scale_intensities_to_the_same_bits(scan):
    # The field scales a whole scan, the classifier each window that it scores.
    window = spars.IntensityWindow(37.3, 333.3)
    scaling, plain = (spars.Classifier((108,) * 3, w, seed=4) for w in (window, None))
    origins = [[3, 5, 7], [20, 1, 0]]
    np.testing.assert_array_equal(
        scaling.score(scan, origins, window=WINDOW),
        plain.score(parallel(scan, scaling).field.array, origins, window=WINDOW),
    )


def test_d4_a_scan_is_resampled_or_indexed_from_its_corner_or_played_as_it_is(rng):
    scan = spars.Volume(rng.normal(size=(50, 48, 40)))
    corner = parallel(scan, grid=GRID, scan_frame="corner", border="clamped_crop")
    np.testing.assert_array_equal(corner.reset()[0]["learner"], scan.array[20:28, 20:28, 16:24])
    resampled = parallel(scan, grid=GRID)
    np.testing.assert_array_equal(resampled.field.array, spars.resample(scan.array, GRID))
    native = parallel(scan, scan_frame="native")
    assert native.score_map.shape == scan.shape
    with pytest.raises(ValueError, match="'grid' parameter of parallel_env"):
        parallel(scan, grid=GRID, scan_frame="native")


def test_d5_d6_who_is_credited_where():
    image, score = by_place()
    for credited_score, credited_agents in (
        ("own", "both"), ("own", "learner"), ("other", "both"), ("other", "learner"),
    ):  # fmt: skip
        env = parallel(
            image, score, accumulation="sum", credited_score=credited_score,
            credited_agents=credited_agents,
        )  # fmt: skip
        env.reset()
        env.step({"learner": 4, "opponent": 5})
        expected = np.zeros(GRID, np.float32)
        scores = list(env.scores.values())
        if credited_score == "other":
            scores.reverse()
        for agent, value in list(zip(env.windows, scores, strict=True))[
            : 2 if credited_agents == "both" else 1
        ]:
            x, y, z = env.windows[agent]
            expected[x : x + 8, y : y + 8, z : z + 8] += np.float32(value)
        np.testing.assert_array_equal(env.score_map, expected)


def test_d7_the_published_window_walks_out_and_numpy_slices_its_map(scan):
    env = parallel(scan, lambda crops: np.full(len(crops), 0.25), protocol="published")
    env.reset()
    expected = np.zeros(GRID, np.float32)
    for _ in range(12):
        env.step({"learner": 3, "opponent": 0})
        x, y, z = env.windows["learner"]
        expected[x : x + 8, y : y + 8, z : z + 8] += np.float32(0.25)
    assert env.windows["learner"] == (20, -28, 16)
    np.testing.assert_array_equal(env.score_map, expected)
    inside = parallel(scan)
    inside.reset()
    for _ in range(12):
        infos = inside.step({"learner": 3, "opponent": 0})[4]
    assert inside.windows["learner"] == (16, 0, 12)
    assert infos["learner"]["action_mask"].tolist() == [1, 1, 1, 0, 1, 1]
    # As Gymnasium's `Discrete.sample` and PettingZoo's tests take them.
    for game in ({}, {"game": "exhaustion"}):
        _, infos = parallel(scan, **game).reset()
        assert {info["action_mask"].dtype for info in infos.values()} == {np.dtype(np.int8)}


def test_d9_an_episode_is_truncated_at_its_step_limit(scan):
    env = parallel(scan, max_episode_steps=2)
    env.reset()
    ends = [env.step({"learner": 0, "opponent": 1})[3]["learner"] for _ in range(2)]
    assert ends == [False, True]
    assert env.agents == []
    assert parallel(scan, protocol="published").field.protocol.max_episode_steps is None


def test_d10_an_iteration_begins_at_the_start_or_where_the_last_one_ended(scan):
    for resets in (True, False):
        run = spars.self_play(
            scan, zeros, iterations=3, window=WINDOW, n_steps=8, seed=1,
            reset_each_iteration=resets, max_episode_steps=None,
        )  # fmt: skip
        for previous, following in zip(run.windows[:-1], run.windows[1:], strict=True):
            begin = np.array([(16, 16, 12)] * 2) if resets else previous[-1]
            # At most one move away, and under "inside" perhaps none.
            assert np.abs(following[0] - begin).sum(axis=1).max() <= 4
    assert np.abs(run.windows[1:, 0] - (16, 16, 12)).sum(axis=2).max() > 4


def test_d11_a_reset_keeps_the_runs_map_or_clears_it(scan):
    for map_read, kept in (("before_reset", True), ("after_reset", False)):
        env = single(scan, lambda crops: np.full(len(crops), 0.5), map_read=map_read)
        env.reset()
        env.step(0)
        assert env.score_map.any()
        env.reset()
        assert env.score_map.any() == kept
        env.step(0)
        env.reset(options={"keep_map": not kept})
        assert env.score_map.any() != kept


def test_d12_d13_the_learner_sees_wrapped_bytes_and_the_opponent_floats(scan):
    seen = []

    def opponent(observation):
        seen.append(observation)
        return 1

    env = single(scan, opponent=opponent, protocol="published")
    observation, _ = env.reset()
    crop = scan[20:28, 20:28, 16:24]
    np.testing.assert_array_equal(observation, crop.astype(np.int32).astype(np.uint8))
    env.step(0)
    np.testing.assert_array_equal(seen[0], crop)
    same = single(scan, opponent=opponent, protocol="published", opponent_observation="same")
    same.reset()
    same.step(0)
    np.testing.assert_array_equal(seen[1], observation)
    assert single(scan).reset()[0].dtype == np.float32


def test_d12_bytes_are_those_of_numpy_on_x86(rng):
    from spars.game.field import wrapped_uint8

    values = np.concatenate([
        rng.uniform(-4000, 4000, 10_000), rng.uniform(-2e9, 2e9, 1_000), [-0.9, 255.9, -1000]
    ]).astype(np.float32)  # fmt: skip
    # Truncated to 32 bits, of which the lowest 8 stay; NumPy leaves other machines another way.
    expected = [int(value) & 255 for value in values]
    np.testing.assert_array_equal(wrapped_uint8(values), expected)
    if platform.machine() in ("x86_64", "AMD64"):
        with np.errstate(invalid="ignore"):
            np.testing.assert_array_equal(values.astype(np.uint8), expected)


def test_d14_each_accumulation_is_what_its_name_says():
    image, score = by_place()
    maps = {}
    for accumulation in ("sum", "mean", "max"):
        env = parallel(image, score, accumulation=accumulation, credited_agents="learner")
        env.reset()
        values = [env.step({"learner": a, "opponent": 0}) and env.scores["learner"] for a in (4, 5)]
        maps[accumulation] = env.score_map[20, 20, 15]
        combine = {"sum": sum, "mean": np.mean, "max": max}[accumulation]
        assert maps[accumulation] == pytest.approx(combine(values), abs=1e-6)
    assert len(set(maps.values())) == 3


def test_d16_a_tie_gives_nothing_or_the_learner_one(scan):
    for tie_reward, expected in (("none", 0.0), ("learner", 1.0)):
        env = parallel(scan, tie_reward=tie_reward)
        env.reset()
        rewards = env.step({"learner": 0, "opponent": 1})[1]
        assert rewards == {"learner": expected, "opponent": -expected}


def test_d17_short_crops_come_at_their_own_size_and_are_seen_stretched(rng):
    scan = spars.Volume(rng.normal(size=(40, 40, 20)))
    shapes = set()

    def scorer(crops):
        shapes.add(crops.shape[1:])
        return zeros(crops)

    env = parallel(scan, scorer, grid=GRID, protocol="published")
    observations, _ = env.reset()
    env.step({"learner": 1, "opponent": 2})
    assert shapes == {(8, 8, 8), (8, 8, 4)}
    np.testing.assert_array_equal(
        observations["learner"], np.repeat(scan.array[20:28, 20:28, 16:20], 2, axis=2)
    )
    with pytest.raises(ValueError, match="holds no voxel of the scan"):
        env.step({"learner": 0, "opponent": 0}), env.step({"learner": 0, "opponent": 0})


@pytest.mark.parametrize("count", [1, 7, 10_001])
def test_d3_the_core_scales_as_numpy_does_bit_by_bit(rng, count):
    values = rng.normal(scale=1000.0, size=(count, 1, 1)).astype(np.float32)
    values[::5] = np.nan
    window = spars.IntensityWindow(level=40.0, width=401.3)
    level, width = np.float32(window.level), np.float32(window.width)
    wanted = np.clip((values - (level - width / np.float32(2))) / width, 0, 1)
    seen = np.empty_like(values)
    native.intensity_window_apply(window, values, seen)
    np.testing.assert_array_equal(seen, wanted)

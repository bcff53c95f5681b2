"""The environments: what each switch changes, what comes out, and what is refused."""

import platform
import subprocess
import sys
import threading

import numpy as np
import pytest

import spars

GRID, WINDOW = (40, 40, 32), (8, 8, 8)


@pytest.fixture
def scan(rng):
    return rng.normal(0, 100, GRID).astype(np.float32)


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


# MARK: one test for each switch that the front, and not the core alone, decides


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
    assert infos["learner"]["action_mask"].tolist() == [True, True, True, False, True, True]


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
    from spars._game import wrapped_uint8

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


# MARK: scorers


def test_each_place_is_scored_once(rng):
    image, score = by_place()
    asked = []

    def scorer(crops):
        asked.extend(crops[:, 0, 0, 0].tolist())
        return score(crops)

    env = parallel(image, scorer)
    env.reset()
    for learner, opponent in rng.integers(0, 6, (500, 2)):
        env.step({"learner": learner, "opponent": opponent})
    assert len(asked) == len(set(asked)) == env.field.scored > 10


def test_a_scorers_exception_passes_through_and_the_game_stands_still(scan):
    class Trouble(Exception):
        pass

    trouble = Trouble("the scorer's own")

    def scorer(crops):
        raise trouble

    env = parallel(scan, scorer)
    env.reset()
    before = env.windows
    with pytest.raises(Trouble) as caught:
        env.step({"learner": 0, "opponent": 1})
    assert caught.value is trouble
    assert env.windows == before


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda n: np.full(n, 1.5), ValueError),
        (lambda n: np.full(n, -0.1), ValueError),
        (lambda n: np.full(n, np.nan), spars.NonFiniteError),
        (lambda n: np.zeros(n + 1), ValueError),
        (lambda n: np.zeros((n, 1)), ValueError),
        (lambda n: ["a"] * n, TypeError),
        (lambda n: None, TypeError),
    ],
)
def test_a_scorers_nonsense_is_refused_by_name(scan, answer, kind):
    env = parallel(scan, lambda crops: answer(len(crops)))
    env.reset()
    with pytest.raises(kind, match="'scorer' parameter of parallel_env"):
        env.step({"learner": 0, "opponent": 1})


def test_a_scorer_may_keep_and_change_its_crops(scan):
    kept = []

    def scorer(crops):
        kept.append(crops)
        crops += 1
        return zeros(crops)

    env = parallel(scan, scorer)
    env.reset()
    env.step({"learner": 0, "opponent": 1})
    del env
    np.testing.assert_allclose(kept[0][0], scan[16:24, 16:24, 16:24] + 1, rtol=1e-6)


def test_a_scorer_that_calls_back_is_refused(scan):
    def scorer(crops):
        env.step({"learner": 0, "opponent": 1})

    env = parallel(scan, scorer)
    env.reset()
    with pytest.raises(ValueError, match="called back into the game"):
        env.step({"learner": 0, "opponent": 1})


def test_threads_wait_for_each_other():
    image, score = by_place()
    game = spars.VectorGame(image, score, 4, WINDOW, maps="run", resets_itself=False)
    actions = np.zeros(4, np.int8)
    threads = [
        threading.Thread(target=lambda: [game.step(actions, actions) for _ in range(200)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert game.steps.tolist() == [800] * 4


def test_an_interrupt_in_a_scorer_leaves_the_scores_made_so_far(scan):
    calls = []

    def scorer(crops):
        calls.append(len(crops))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return zeros(crops)

    from spars._game import Field

    field = Field(scan, scorer, WINDOW, "paper", 0.3, None, 4, {}, "test")
    with pytest.raises(KeyboardInterrupt):
        field.score_all()
    assert np.isfinite(field.scores()).sum() == sum(calls[:2]) > 0
    field.score_all()
    assert np.isfinite(field.scores()).all()


# MARK: atlas


def test_an_atlas_plays_like_its_scorer(rng):
    image, score = by_place()
    for protocol in ("paper", "published"):
        atlas = spars.ScoreAtlas.compute(image, score, WINDOW, protocol=protocol)
        envs = [parallel(image, scorer, protocol=protocol) for scorer in (score, atlas)]
        for env in envs:
            env.reset()
        for learner, opponent in rng.integers(0, 6, (200, 2)):
            results = [env.step({"learner": learner, "opponent": opponent}) for env in envs]
            assert results[0][1:4] == results[1][1:4]
            assert envs[0].scores == envs[1].scores
        np.testing.assert_array_equal(envs[0].score_map, envs[1].score_map)
        assert envs[1].field.scored == 0


def test_an_atlas_holds_every_place_and_survives_a_file(tmp_path):
    image, score = by_place()
    reports = []
    atlas = spars.ScoreAtlas.compute(
        image, score, WINDOW, progress=lambda *report: reports.append(report),
        intensity_window=None,
    )  # fmt: skip
    assert atlas.scores.shape == (9, 9, 7)
    assert atlas.origins[1, 2, 3].tolist() == [4, 8, 12]
    expected = atlas.origins @ (7, 3, 1) % 29 / 29
    np.testing.assert_allclose(atlas.scores, expected, atol=1e-6)
    atlas.save(tmp_path / "atlas.npz")
    loaded = spars.ScoreAtlas.load(tmp_path / "atlas.npz")
    np.testing.assert_array_equal(loaded.scores, atlas.scores)
    assert (loaded.window, loaded.grid, loaded.fingerprint) == (WINDOW, GRID, atlas.fingerprint)
    parallel(image, loaded)
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 nothing of the kind")
    with pytest.raises(spars.FormatError, match=r"broken\.npz holds no score atlas"):
        spars.ScoreAtlas.load(tmp_path / "broken.npz")
    with pytest.raises(FileNotFoundError):
        spars.ScoreAtlas.load(tmp_path / "missing.npz")


def test_an_exhaustive_map_is_every_window_visited_once():
    image, score = by_place()
    atlas = spars.ScoreAtlas.compute(image, score, WINDOW)
    total, count, highest = np.zeros(GRID), np.zeros(GRID), np.zeros(GRID)
    for (x, y, z), value in zip(atlas.origins.reshape(-1, 3), atlas.scores.ravel(), strict=True):
        box = np.s_[x : x + 8, y : y + 8, z : z + 8]
        total[box] += value
        count[box] += 1
        highest[box] = np.maximum(highest[box], value)
    assert count.min() > 0
    for accumulation, expected in (("sum", total), ("mean", total / count), ("max", highest)):
        np.testing.assert_allclose(atlas.exhaustive_map(accumulation), expected, atol=1e-5)


def test_an_atlas_of_something_else_is_refused(scan):
    image, score = by_place()
    atlas = spars.ScoreAtlas.compute(image, score, WINDOW)
    for options in (
        {"protocol": "published"}, {"window": (8, 8, 4)}, {"stride": 2}, {"volume": scan}
    ):  # fmt: skip
        volume = options.pop("volume", image)
        with pytest.raises(ValueError, match="must be an atlas of"):
            parallel(volume, atlas, **options)


def test_a_forecast_counts_windows_and_bytes(scan):
    forecast = spars.ScoreAtlas.forecast(scan, zeros, WINDOW)
    assert (forecast.windows, forecast.bytes) == (9 * 9 * 7, 4 * 9 * 9 * 7)
    assert forecast.seconds > 0


def test_a_classifier_scores_what_its_own_method_scores(rng):
    scan = rng.normal(40, 150, (40, 40, 24)).astype(np.float32)
    classifier = spars.Classifier((112, 108, 108), spars.IntensityWindow(40, 400))
    env = spars.parallel_env(scan, classifier, window=(16, 16, 8))
    env.reset()
    env.step({"learner": 4, "opponent": 1})
    expected = classifier.score(scan, list(env.windows.values()), window=(16, 16, 8))
    assert list(env.scores.values()) == pytest.approx(expected.tolist(), abs=1e-6)
    assert env.field.input_shape == (112, 108, 108)


# MARK: the two environments and many games


def test_d8_the_opponent_is_whoever_is_inside_and_sees_its_window_before_it_moves():
    image, score = by_place()
    seen = []

    class Policy:
        def predict(self, observation):
            seen.append(observation[0, 0, 0])
            return np.array(4), None

    env = single(image, score, opponent=Policy())
    env.reset()
    info = env.step(0)[4]
    assert seen == [image[16, 16, 12]]
    assert env.windows["opponent"] == (20, 16, 12)
    assert info["opponent_action"] == 4
    env.opponent = None
    assert env.step(0)[4]["opponent_action"] == 0


def test_single_and_parallel_play_alike(rng):
    image, score = by_place()
    for protocol in ("paper", "published"):
        one, two = (
            single(image, score, protocol=protocol),
            parallel(image, score, protocol=protocol),
        )
        one.reset()
        two.reset()
        for learner, opponent in rng.integers(0, 6, (50, 2)):
            one.opponent = lambda _, action=opponent: int(action)
            _, reward, terminated, truncated, _ = one.step(learner)
            results = two.step({"learner": learner, "opponent": opponent})
            assert reward == results[1]["learner"]
            assert terminated == results[2]["learner"]
            assert truncated == results[3]["learner"]
        assert one.windows == two.windows
        np.testing.assert_array_equal(one.score_map, two.score_map)


def test_many_games_equal_single_ones(rng):
    image, score = by_place()
    options = {"max_episode_steps": 15, "termination_threshold": 0.9}
    many = spars.VectorGame(image, score, 3, WINDOW, maps="run", **options)
    envs = [parallel(image, score, **options) for _ in range(3)]
    for env in envs:
        env.reset()
    ends = 0
    for actions in rng.integers(0, 6, (60, 2, 3)):
        rewards, terminated, truncated = many.step(*actions)
        for i, env in enumerate(envs):
            result = env.step({"learner": actions[0, i], "opponent": actions[1, i]})
            assert result[1]["learner"] == rewards[i]
            assert result[2]["learner"] == terminated[i]
            assert result[3]["learner"] == truncated[i]
            assert many.scores[i].tolist() == list(env.scores.values())
            if terminated[i] or truncated[i]:
                env.reset()
                ends += 1
            assert many.windows[i].tolist() == [list(window) for window in env.windows.values()]
    assert ends > 3
    for i, env in enumerate(envs):
        np.testing.assert_array_equal(many.score_map(i), env.score_map)
        np.testing.assert_array_equal(many.observation(i, 0), env._games.observation(0, 0, WINDOW))


def test_a_published_episode_goes_on_after_its_end(scan):
    env = parallel(scan, lambda crops: np.full(len(crops), 0.9), protocol="published")
    env.reset()
    assert env.step({"learner": 4, "opponent": 4})[2] == {"learner": True, "opponent": True}
    assert env.agents == []
    assert env.step({}) == ({}, {}, {}, {}, {})
    env.step({"learner": 4, "opponent": 4})
    assert env.windows["learner"] == (28, 20, 16)


def test_a_resized_observation_is_the_crop_repeated(scan):
    crop = parallel(scan).reset()[0]["learner"]
    env = parallel(scan, observation="resized")
    resized = env.reset()[0]["learner"]
    assert resized.shape == env.observation_space("learner").shape == (256, 256, 180)
    index = [np.arange(n) * 8 // n for n in resized.shape]
    np.testing.assert_array_equal(resized, crop[np.ix_(*index)])


def test_visits_say_what_the_map_is_made_of():
    image, score = by_place()
    env = parallel(image, score)
    env.reset()
    env.step({"learner": 4, "opponent": 1})
    visits, added = env.visits
    assert visits.tolist() == [[20, 16, 12, 0], [16, 16, 8, 1]]
    assert added.tolist() == list(env.scores.values())


def test_pictures_show_both_windows(scan):
    env = single(scan, render_mode="rgb_array")
    env.reset()
    env.step(4)
    image = env.render()
    assert image.shape == (40, 40, 3)
    assert image.dtype == np.uint8
    assert (image == (80, 220, 100)).all(axis=2).any()
    assert (image == (255, 150, 40)).all(axis=2).any()
    assert single(scan).render() is None


# MARK: what is refused


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"window": (8, 8)}, ValueError, "'window' parameter of parallel_env"),
        ({"window": (41, 8, 8)}, ValueError, "'window' parameter"),
        ({"window": "8,8"}, TypeError, "'window' parameter"),
        ({"stride": 0}, ValueError, "'stride' parameter of parallel_env"),
        ({"stride": 10**12}, ValueError, "'stride' parameter"),
        ({"termination_threshold": 1.5}, ValueError, "'termination_threshold' parameter"),
        ({"termination_threshold": float("nan")}, ValueError, "'termination_threshold' parameter"),
        ({"protocol": "papyrus"}, ValueError, "'protocol' parameter"),
        ({"border": "open"}, ValueError, "'border' parameter of Protocol"),
        ({"max_episode_steps": 0}, ValueError, "'max_episode_steps' parameter"),
        ({"nonsense": 1}, TypeError, "no switch 'nonsense'"),
        ({"observation": "all"}, ValueError, "'observation' parameter"),
        ({"render_mode": "human"}, ValueError, "'render_mode' parameter"),
        ({"grid": (10**9, 10**9, 10**9), "scan_frame": "corner"}, ValueError, "'grid' parameter"),
        (
            {"grid": (16383, 16383, 16383), "scan_frame": "corner"}, MemoryError, "voxels allowed",
        ),
        ({"seed": -1}, ValueError, "'seed' parameter"),
    ],
)  # fmt: skip
def test_parameters_out_of_range_are_named(scan, options, kind, message):
    with pytest.raises(kind, match=message):
        parallel(scan, **options)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_scan_that_is_not_finite_is_refused(scan, bad):
    scan[3, 2, 1] = bad
    with pytest.raises(spars.NonFiniteError, match=r"\(3, 2, 1\)"):
        parallel(scan)


@pytest.mark.parametrize("action", [6, -1, 1.0, None, "0", True, np.array([1, 2])])
def test_actions_out_of_range_are_refused(scan, action):
    env = parallel(scan)
    env.reset()
    with pytest.raises((TypeError, ValueError), match=r"'actions\['learner'\]' parameter"):
        env.step({"learner": action, "opponent": 0})
    with pytest.raises(ValueError, match="Got none for 'opponent'"):
        env.step({"learner": 0})
    with pytest.raises((TypeError, ValueError), match="'action' parameter of WindowSearchEnv"):
        single(scan).step(action)


def test_arrays_of_actions_are_checked(scan):
    game = spars.VectorGame(scan, zeros, 2, WINDOW)
    for bad in ([0], [0, 6], [-1, 0], [0, 300], ["a", "b"], [[0, 1]]):
        with pytest.raises((TypeError, ValueError), match="'learner' parameter of VectorGame.step"):
            game.step(bad, [0, 0])
    with pytest.raises(ValueError, match="'action' parameter of the game"):
        game.step(np.array([0, 6], np.int8), np.zeros(2, np.int8))
    for n in (0, 1_000_001):
        with pytest.raises(ValueError, match="'n' parameter of VectorGame"):
            spars.VectorGame(scan, zeros, n, WINDOW)


def test_things_that_are_no_scorer_or_opponent_are_refused(scan):
    with pytest.raises(TypeError, match="'scorer' parameter of parallel_env"):
        parallel(scan, 0.5)
    with pytest.raises(TypeError, match="'opponent' parameter of WindowSearchEnv"):
        single(scan, opponent=3)
    env = single(scan, opponent=lambda observation: 9)
    env.reset()
    with pytest.raises(ValueError, match="'opponent' parameter of WindowSearchEnv, its answer"):
        env.step(0)


def test_everything_works_without_gymnasium_and_pettingzoo():
    code = """
import sys
sys.modules["gymnasium"] = sys.modules["pettingzoo"] = None
import numpy as np, spars
scan = np.zeros((16, 16, 16), np.float32)
zeros = lambda crops: np.zeros(len(crops))
env = spars.WindowSearchEnv(scan, zeros, window=(8, 8, 8))
observation, info = env.reset(seed=1)
assert env.observation_space.contains(observation)
env.step(env.action_space.sample())
env = spars.parallel_env(scan, zeros, window=(8, 8, 8), seed=3)
env.reset(seed=1)
env.step({agent: env.action_space(agent).sample() for agent in env.agents})
"""
    subprocess.run([sys.executable, "-c", code], check=True)

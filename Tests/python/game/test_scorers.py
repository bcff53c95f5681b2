"""What scores windows: callables and their mistakes, atlases, the classifier."""

import threading
import time

import numpy as np
import pytest
from game_cases import GRID, WINDOW, by_place, parallel, zeros
from rules_twin import box_of

import spars


@pytest.fixture
def scan(rng):
    return rng.normal(0, 100, GRID).astype(np.float32)


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

    from spars.game.field import Field

    field = Field(scan, scorer, WINDOW, "paper", 0.3, None, 4, {}, "test")
    with pytest.raises(KeyboardInterrupt):
        field.score_all()
    assert np.isfinite(field.scores()).sum() == sum(calls[:2]) > 0
    field.score_all()
    assert np.isfinite(field.scores()).all()


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


def test_self_play_on_an_atlas_sees_what_it_sees_with_the_classifier(rng, tmp_path):
    image = rng.normal(40, 30, GRID).astype(np.float32)
    network = spars.Classifier((108, 110, 112), spars.IntensityWindow(), seed=1)
    options = {"window": WINDOW, "iterations": 2, "n_steps": 8, "seed": 3}
    spars.ScoreAtlas.compute(image, network, WINDOW, stride=2).save(tmp_path / "atlas.npz")
    atlas = spars.ScoreAtlas.load(tmp_path / "atlas.npz")
    assert atlas.input_shape == atlas.on_strides(4).input_shape == network.input_shape
    runs = [spars.self_play(image, scorer, **options) for scorer in (network, atlas)]
    assert runs[0].configuration["input_shape"] == runs[1].configuration["input_shape"]
    for name, values in runs[0].parameters.items():
        np.testing.assert_array_equal(runs[1].parameters[name], values)


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


@pytest.mark.parametrize("part", [None, (8, 8, 8), (4, 4, 4), (3, 8, 5)])
def test_an_exhaustive_map_is_every_window_visited_once(part):
    image, score = by_place()
    atlas = spars.ScoreAtlas.compute(image, score, WINDOW)
    total, count, highest = np.zeros(GRID), np.zeros(GRID), np.zeros(GRID)
    for (x, y, z), value in zip(atlas.origins.reshape(-1, 3), atlas.scores.ravel(), strict=True):
        box = box_of((x, y, z), (8, 8, 8), part)
        total[box] += value
        count[box] += 1
        highest[box] = np.maximum(highest[box], value)
    assert (count.min() > 0) == (part in (None, (8, 8, 8)))
    mean = total / np.maximum(count, 1)
    for accumulation, expected in (("sum", total), ("mean", mean), ("max", highest)):
        found = atlas.exhaustive_map(accumulation, part or "window")
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_part_larger_than_the_window_is_refused():
    image, score = by_place()
    atlas = spars.ScoreAtlas.compute(image, score, WINDOW)
    wanted = r"'credited_part' parameter of \w+ must be at most the window \(8, 8, 8\). Got \(9, "
    with pytest.raises(ValueError, match=wanted):
        atlas.exhaustive_map("sum", (9, 8, 8))
    with pytest.raises(ValueError, match=wanted):
        parallel(image, score, credited_part=(9, 8, 8))
    with pytest.raises(ValueError, match="'credited_part' .* each 1 or more. Got"):
        atlas.exhaustive_map("sum", (0, 8, 8))


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


def test_a_forecast_of_a_function_multiplies_what_a_window_takes(scan):
    """Sleep is never shorter than asked for, so that a busy machine cannot fail this."""
    each = 2e-3

    def scorer(crops):
        time.sleep(each * len(crops))
        return zeros(crops)

    forecast = spars.ScoreAtlas.forecast(scan, scorer, WINDOW)
    assert forecast.seconds >= 0.99 * each * forecast.windows


@pytest.mark.parametrize("protocol", ["paper", "published"])
def test_a_classifiers_forecast_knows_the_work_without_doing_it(rng, protocol):
    classifier = spars.Classifier((112, 108, 108), spars.IntensityWindow(40, 400))
    scan = rng.normal(40, 150, (40, 40, 24)).astype(np.float32)
    small = spars.ScoreAtlas.forecast(scan, classifier, (16, 16, 8), stride=8, protocol=protocol)
    large = spars.ScoreAtlas.forecast(scan, classifier, (16, 16, 8), stride=2, protocol=protocol)
    assert 10 * small.windows < large.windows
    assert 0 < small.seconds < large.seconds
    assert small.bytes < large.bytes
    # An atlas holds a float32 a window, and no block of windows is smaller than one crop.
    assert large.bytes >= 4 * (large.windows + 16 * 16 * 8)


def test_an_atlas_of_a_classifier_has_the_scores_of_its_own_method(rng):
    classifier = spars.Classifier((128, 128, 120), spars.IntensityWindow(40, 400))
    scan = rng.normal(40, 150, (24, 24, 24)).astype(np.float32)
    reports = []
    atlas = spars.ScoreAtlas.compute(
        scan, classifier, (16, 16, 16), progress=lambda *report: reports.append(report)
    )
    single = [classifier.score(scan, [origin], (16, 16, 16))[0] for origin in
              atlas.origins.reshape(-1, 3)]  # fmt: skip
    np.testing.assert_array_equal(atlas.scores.ravel(), np.float32(single))
    done = [report[0] for report in reports]
    assert done == sorted(done)
    assert {report[1] for report in reports} == {27}


def test_a_classifier_scores_what_its_own_method_scores(rng):
    scan = rng.normal(40, 150, (40, 40, 24)).astype(np.float32)
    classifier = spars.Classifier((112, 108, 108), spars.IntensityWindow(40, 400))
    env = spars.parallel_env(scan, classifier, window=(16, 16, 8))
    env.reset()
    env.step({"learner": 4, "opponent": 1})
    expected = classifier.score(scan, list(env.windows.values()), window=(16, 16, 8))
    assert list(env.scores.values()) == pytest.approx(expected.tolist(), abs=1e-6)
    assert env.field.input_shape == (112, 108, 108)

"""Searches under a budget of scores: what they ask for, what they make of it, what is refused."""

import functools

import numpy as np
import pytest

import spars
from spars.game.field import Field
from spars.search.budget import filled
from spars.search.strategies import STRATEGIES, View

RECIPE = spars.Recipe.of_organ(
    4.0, (6, 6, 6), margin=8.0, stride=2, segmentation_threshold=0.5, certain=0.6, reach=8.0
)


class Darkness:
    """Scores crops by how far the middle lies below the organ's level, and counts them."""

    recipe = RECIPE

    def __init__(self):
        self.asked = 0

    def __call__(self, crops):
        self.asked += len(crops)
        middle = crops[:, 1:5, 1:5, 1:5].mean(axis=(1, 2, 3))
        return np.clip((100.0 - middle) / 40.0, 0.0, 1.0).astype(np.float32)


@functools.cache
def case():
    return spars.phantom(
        seed=5, shape=(56, 48, 38), spacing=(5.0, 4.5, 5.0), noise=6.0, tumour_contrast=-60.0,
        tumour_radius=20.0,
    )  # fmt: skip


def searched(method, scorer=None, **options):
    made, scorer = case(), scorer or Darkness()
    return spars.segment(made.volume, scorer, region=made.liver, method=method, **options), scorer


@functools.cache
def exhaustive():
    return searched("exhaustive")


def atlas():
    """Return every score of the case's organ."""
    seen = exhaustive()[0].run.seen
    return spars.ScoreAtlas(seen.scores, seen.axes, seen.window, seen.grid)


@pytest.mark.parametrize("method", STRATEGIES)
@pytest.mark.parametrize("budget", [1, 60])
def test_the_budget_is_kept_and_used_up(method, budget):
    found, scorer = searched(method, max_scores=budget)
    assert scorer.asked == found.scores_asked == len(found.run.windows) == budget
    assert len({tuple(window) for window in found.run.windows.tolist()}) == budget


@pytest.mark.parametrize("method", STRATEGIES)
@pytest.mark.parametrize("budget", [None, 10**6])
def test_all_scores_give_the_exhaustive_result(method, budget):
    (wanted, all_of_them), (found, scorer) = exhaustive(), searched(method, max_scores=budget)
    np.testing.assert_array_equal(found.mask, wanted.mask)
    np.testing.assert_array_equal(found.score_map, wanted.score_map)
    np.testing.assert_array_equal(found.run.score_map, wanted.run.score_map)
    assert scorer.asked == all_of_them.asked == found.scores_asked
    assert wanted.scores_asked is None


@pytest.mark.parametrize("method", STRATEGIES)
def test_the_seed_draws_and_nothing_else(method):
    one, again, other = (
        searched(method, max_scores=40, seed=seed)[0].run.windows for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(one, again)
    is_drawn = method not in ("raster", "darkest", "darkest_flood")
    assert np.array_equal(one, other) != is_drawn


@pytest.mark.parametrize("method", STRATEGIES)
def test_an_atlas_answers_as_its_classifier_does(method):
    found, _ = searched(method, max_scores=50)
    from_atlas, _ = searched(method, atlas(), max_scores=50, recipe=RECIPE)
    np.testing.assert_array_equal(from_atlas.run.windows, found.run.windows)
    np.testing.assert_array_equal(from_atlas.mask, found.mask)
    assert from_atlas.scores_asked == 50


def test_a_folder_keeps_how_many_were_asked_for(tmp_path):
    searched("flood", max_scores=20)[0].save(tmp_path / "result")
    assert spars.Segmentation.load(tmp_path / "result").scores_asked == 20


@pytest.mark.parametrize("name", ["strategy", "covers_edge", "max_score"])
@pytest.mark.parametrize("recipe", [RECIPE, None])
def test_a_keyword_of_no_search_is_refused(name, recipe):
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'"):
        searched("flood", recipe=recipe, window=(8, 8, 8), **{name: 3})


def test_without_an_organ_every_window_of_the_grid_counts(rng):
    scan = rng.normal(80, 10, (24, 20, 16)).astype(np.float32)
    options = {"window": (8, 8, 6), "grid": None, "recipe": None, "segmentation_threshold": 0.3}
    wanted = spars.segment(scan, Darkness(), method="exhaustive", **options)
    found = spars.segment(scan, Darkness(), method="random", **options)
    np.testing.assert_array_equal(found.score_map, wanted.score_map)
    part = spars.segment(scan, Darkness(), method="random", max_scores=5, **options)
    assert part.scores_asked == 5
    # Of windows that were asked for the map is the mean, wherever one reaches.
    reached = np.zeros(scan.shape, bool)
    for x, y, z in part.run.windows:
        reached[x : x + 8, y : y + 8, z : z + 6] = True
    assert (part.score_map[~reached] == 0).all()
    x, y, z = part.run.windows[0] + 3
    reasons = part.why(x, y, z)
    assert part.score_map[x, y, z] == pytest.approx(np.mean([r.score for r in reasons]))


def test_a_network_scores_single_windows_as_it_scores_all(rng):
    network = spars.Classifier((108, 108, 108), spars.IntensityWindow(50, 200), seed=2)
    scan = rng.normal(50, 40, (20, 20, 16)).astype(np.float32)
    options = {"window": (12, 12, 12), "grid": None}
    wanted = spars.segment(scan, network, method="exhaustive", **options)
    found = spars.segment(scan, network, method="flood", seed=1, **options)
    np.testing.assert_array_equal(found.score_map, wanted.score_map)


def test_an_atlas_shows_intensities_as_its_network_sees_them(rng):
    # Most values lie beyond the intensity window, where the network sees no difference.
    network = spars.Classifier((108, 108, 108), spars.IntensityWindow(50, 10), seed=2)
    scan = rng.normal(50, 90, (16, 16, 16)).astype(np.float32)
    options = {"window": (12, 12, 12), "grid": None, "method": "darkest", "stride": 2}
    atlas = spars.ScoreAtlas.compute(scan, network, (12, 12, 12), grid=None, stride=2)
    found, from_atlas = (spars.segment(scan, scorer, **options) for scorer in (network, atlas))
    np.testing.assert_array_equal(from_atlas.run.windows, found.run.windows)


def line_of(scores):
    """Return a view of windows in a row, and the asking of some of them."""
    view = View(np.ones((len(scores), 1, 1), bool), np.arange(len(scores), dtype=np.float32))
    scores = np.array(scores, np.float32)

    def order(strategy):
        asked = []
        for wanted in strategy(view, np.random.default_rng(0)):
            new = view.unasked(wanted)
            view.scores[new] = scores[new]
            asked += new.tolist()
        return asked

    return order


def test_ucb_asks_far_apart_until_something_scores_high_and_then_beside_it():
    scores = [0.0] * 200
    scores[90] = scores[91] = scores[92] = scores[93] = 0.95
    asked = line_of(scores)(STRATEGIES["ucb"])
    assert sorted(asked) == list(range(200))
    places = [asked.index(window) for window in range(90, 94)]
    first = min(places)
    # All of a hit is known a turn or two after its first window.
    assert max(places) < first + 48
    assert set(asked[:48]) != set(range(48))


def test_a_flood_grows_each_hit_to_its_end_before_it_looks_on():
    scores = [0.0] * 40
    scores[3] = scores[20] = scores[21] = scores[22] = 0.9
    asked = line_of(scores)(STRATEGIES["darkest_flood"])
    # Sixteen at once, then sixteen more: all that lies beside a hit is known by then.
    assert asked[:32] == list(range(32))
    scores[15] = scores[16] = 0.9
    assert line_of(scores)(STRATEGIES["darkest_flood"])[15:18] == [15, 16, 17]
    scores[31] = scores[32] = scores[33] = 0.9
    assert line_of(scores)(STRATEGIES["darkest_flood"])[30:38] == list(range(30, 38))


def test_coarse_goes_from_every_fourth_window_to_all():
    asked = line_of([0.0] * 16)(STRATEGIES["coarse"])
    assert set(asked[:4]) == {0, 4, 8, 12}
    assert set(asked[4:8]) == {2, 6, 10, 14}
    assert sorted(asked) == list(range(16))


def test_a_climb_steps_to_the_best_neighbour():
    asked = line_of(np.linspace(0, 1, 30))(STRATEGIES["climb"])
    start = asked[0]
    # Both neighbours, then ever upwards.
    assert set(asked[1:3]) == {start - 1, start + 1}
    assert asked[3 : 3 + 29 - (start + 1)] == list(range(start + 2, 30))


def test_unasked_scores_are_means_of_known_ones_two_steps_far():
    scores, known = np.zeros((7, 1, 1), np.float32), np.zeros((7, 1, 1), bool)
    scores[0], known[0], scores[2], known[2] = 0.8, True, 0.4, True
    askable = np.ones_like(known)
    found = filled(scores, known, askable).ravel()
    np.testing.assert_allclose(found, [0.8, 0.6, 0.4, 0.4, 0.4, 0.0, 0.0], rtol=1e-6)
    askable[3] = False
    np.testing.assert_allclose(filled(scores, known, askable).ravel()[3:], 0.0)


def test_a_budget_is_refused_where_there_is_none():
    with pytest.raises(ValueError, match="'max_scores' .* None with method='exhaustive'.* Got 5"):
        searched("exhaustive", max_scores=5)
    with pytest.raises(ValueError, match="'max_scores' parameter of segment"):
        searched("flood", max_scores=0)
    with pytest.raises(TypeError, match=r"flood\(\) got an unexpected keyword argument 'gamma'"):
        searched("flood", gamma=0.9)


def test_places_that_there_are_not_are_refused(rng):
    field = Field(
        rng.normal(size=(9, 9, 9)), Darkness(), (6, 6, 6), "paper", 1.0, None, 2, {}, "me"
    )
    count = field.scores().size
    for place in (-1, count, 2**63 - 1, -(2**63)):
        with pytest.raises(ValueError, match="'places' parameter of the game must be in the range"):
            field.score(np.array([0, place], np.int64))
    assert field.scored == 0
    found = field.score(np.array([count - 1, 0, 0], np.int64))
    assert (found.shape, field.scored) == ((3,), 2)
    assert field.score(np.zeros(0, np.int64)).shape == (0,)

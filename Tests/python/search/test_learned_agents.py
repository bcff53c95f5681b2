"""Learned searches: what they see, that they learn, that they play as a strategy, their file."""

import functools

import numpy as np
import pytest
from agent_cases import livers, made_scan, network

import spars
from spars.search.features import FEATURES, Features, Ground
from spars.search.known_scans import KnownScan, Searches, worth
from spars.search.map_policy import MapPolicy
from spars.search.regression import Regression
from spars.search.strategies import STRATEGIES, View


def found_by(strategy, scan, most, seed=0):
    """Return how many windows that score high a strategy has found with so many scores."""
    view, left = scan.view(), most
    for wanted in strategy(view, np.random.default_rng(seed)):
        new = view.unasked(wanted)[:left]
        view.scores[new] = scan.scores[new]
        left -= len(new)
        if not left:
            break
    return np.nansum(view.scores > 0.5)


def learned(scans, rounds, most, seed):
    regression = Regression(scans, most, seed)
    for _ in range(rounds):
        regression.play()
    return regression


@functools.cache
def trained():
    regression = learned([made_scan(seed) for seed in range(6)], 2, 160, 0)
    return spars.Agents(
        regression.policy, {"scans": 6, "errors": regression.errors}, least_worth=None
    )


def test_what_is_learned_finds_more_than_a_flood_on_scans_it_has_not_seen():
    for seed in range(100, 104):
        scan = made_scan(seed)
        learned = found_by(trained().strategy, scan, 64)
        floods = [found_by(STRATEGIES["flood"], scan, 64, draw) for draw in range(20)]
        assert learned > np.mean(floods)
        assert learned >= 0.9 * (scan.scores > 0.5).sum()


def test_training_is_drawn_by_its_seed_alone():
    scans = [made_scan(seed) for seed in range(2)]
    one, again, other = (learned(scans, 2, 32, seed).policy.parameters for seed in (1, 1, 2))
    for name, values in one.items():
        np.testing.assert_array_equal(values, again[name])
    assert not np.array_equal(one["first.weight"], other["first.weight"])


@pytest.mark.parametrize("count", [0, 1, 255, 256, 259, 1000])
def test_a_policys_numbers_are_those_of_a_plain_network(rng, count):
    policy, rows = MapPolicy(1), rng.normal(size=(count, len(FEATURES))).astype(np.float32)
    p = policy.parameters
    first = np.tanh(rows @ p["first.weight"] + p["first.bias"])
    second = np.tanh(first @ p["second.weight"] + p["second.bias"])
    found = policy.forward(rows)
    for values, wanted in zip(found[:2], (first, second), strict=True):
        np.testing.assert_allclose(values, wanted, atol=1e-6)
    np.testing.assert_allclose(found[2], (second @ p["last.weight"])[:, 0], atol=1e-6)
    np.testing.assert_array_equal(policy(rows), found[2])


def test_features_are_those_of_a_plain_count(rng):
    scan = made_scan(3, (6, 5, 7))
    view = scan.view()
    features = Features(Ground.of(view))
    for asked in rng.permutation(len(scan.scores))[:40].reshape(2, 20):
        before = features.values.copy()
        changed = features.take(asked, scan.scores[asked])
        others = np.setdiff1d(np.arange(len(before)), changed)
        np.testing.assert_array_equal(features.values[others], before[others])
        view.scores[asked] = scan.scores[asked]
    found = features.values
    assert found.shape == (len(scan.scores), len(FEATURES))
    named = dict(zip(FEATURES, found.T, strict=True))
    for window in range(0, len(scan.scores), 7):
        distance = np.abs(view.places - view.places[window])
        for wide, text in ((1, "3"), (2, "5")):
            inside = distance.max(axis=1) <= wide
            known = inside & ~np.isnan(view.scores)
            mean = view.scores[known].mean() if known.any() else 0
            whole = (2 * wide + 1) ** 3
            assert named[f"asked of {text}"][window] == pytest.approx(known.sum() / whole)
            assert named[f"score of {text}"][window] == pytest.approx(mean, abs=1e-6)
            assert named[f"windows of {text}"][window] == pytest.approx(inside.sum() / whole - 0.5)
        beside = distance.sum(axis=1) == 1
        best = np.nanmax(np.append(view.scores[beside], 0))
        assert named["best beside"][window] == pytest.approx(best)


def test_features_do_not_depend_on_level_or_scale(rng):
    scan = made_scan(4)
    other = KnownScan(scan.askable, 40 + 3 * scan.intensity, scan.scores)
    np.testing.assert_allclose(
        Ground.of(scan.view()).still, Ground.of(other.view()).still, atol=1e-4
    )


def test_features_that_never_change_are_those_of_a_plain_count():
    scan = made_scan(5, (6, 5, 7))
    view = scan.view()
    named = dict(zip(FEATURES, Ground.of(view).still.T, strict=False))
    middle = np.median(scan.intensity)
    spread = 1.4826 * np.median(np.abs(scan.intensity - middle))
    value = np.clip((scan.intensity - middle) / spread, -8, 8)
    for window in range(0, len(value), 9):
        distance = np.abs(view.places - view.places[window]).max(axis=1)
        near, wide = value[distance <= 1], value[distance <= 2]
        assert named["mean of 3"][window] == pytest.approx(near.mean() / 2, abs=1e-5)
        assert named["mean of 5"][window] == pytest.approx(wide.mean() / 2, abs=1e-5)
        assert named["spread"][window] == pytest.approx(near.std(), abs=1e-4)
        assert named["rank"][window] == pytest.approx(np.mean(value < value[window]) - 0.5)


def test_searches_side_by_side_are_those_of_each_alone():
    scans = [made_scan(1), made_scan(2, (7, 9, 6))]
    policy = trained().policy
    together, alone = Searches(scans), [Searches([scan]) for scan in scans]
    count = len(scans[0].scores)
    for _ in range(5):
        asked = together.best(policy(together.features.values), 8)
        for number, search in enumerate(alone):
            own = search.best(policy(search.features.values), 8)
            np.testing.assert_array_equal(asked[number] - count * number, own[0])
            search.ask(own.ravel())
        together.ask(asked.ravel())
    np.testing.assert_array_equal(together.features.values[count:], alone[1].features.values)
    # None stands where nothing is left.
    rest = Searches([made_scan(3, (3, 3, 3)), made_scan(3, (4, 4, 4))])
    rest.ask(rest.windows[0][rest.windows[0] < len(rest.scores)])
    assert (rest.best(rest.worths, 4)[0] == len(rest.scores)).all()
    assert rest.ask(np.full(3, len(rest.scores))).size == 0
    assert (rest.worth_of(np.full(3, len(rest.scores))) == 0).all()


def test_gradients_are_those_of_differences(rng):
    features = rng.normal(size=(7, len(FEATURES))).astype(np.float32)
    wanted = rng.normal(size=7).astype(np.float32)
    policy = MapPolicy(1)
    first, second, found = policy.forward(features)
    gradients = policy.gradients(features, first, second, 2 * (found - wanted) / 7)
    for name, gradient in gradients.items():
        place = tuple(rng.integers(n) for n in gradient.shape)
        errors = []
        for step in (1e-2, -1e-2):
            moved = MapPolicy.of(policy.parameters)
            moved.parameters[name][place] += step
            errors.append(np.mean((moved(features) - wanted) ** 2))
        assert gradient[place] == pytest.approx((errors[0] - errors[1]) / 2e-2, abs=2e-3)


def test_worth_is_nothing_up_to_one_half():
    np.testing.assert_allclose(worth(np.array([0, 0.5, 0.75, 1.0])), [0, 0, 0.25, 1.0])


def test_agents_ask_for_every_window_once():
    scan = made_scan(7)
    asked = []
    view = scan.view()
    for wanted in trained().strategy(view, np.random.default_rng(0)):
        view.scores[wanted] = scan.scores[wanted]
        asked += wanted.tolist()
    assert sorted(asked) == list(range(len(scan.scores)))


def test_agents_end_where_the_next_windows_promise_too_little():
    scan = made_scan(8)
    hits = (scan.scores > 0.5).sum()

    def asked(least_worth):
        agents, view, count = spars.Agents(trained().policy, {}, least_worth), scan.view(), 0
        for wanted in agents.strategy(view, np.random.default_rng(0)):
            view.scores[wanted] = scan.scores[wanted]
            count += len(wanted)
        return count, (view.scores > 0.5).sum()

    # The first are always asked for: without a score nothing is known of a scan.
    assert asked(2.0)[0] == 16
    count, found = asked(0.2)
    assert count < 0.3 * len(scan.scores)
    assert found >= 0.9 * hits
    assert asked(0.05)[0] >= count
    with pytest.raises(TypeError, match="'least_worth' parameter of Agents"):
        spars.Agents(trained().policy, {}, "little")


def test_a_file_brings_the_same_agents_back(tmp_path):
    trained().save(tmp_path / "agents.npz")
    again = spars.Agents.load(tmp_path / "agents.npz")
    assert (again.training, again.least_worth) == (trained().training, None)
    spars.Agents(trained().policy, {}, 0.25).save(tmp_path / "other.npz")
    assert spars.Agents.load(tmp_path / "other.npz").least_worth == 0.25
    for name, values in trained().policy.parameters.items():
        np.testing.assert_array_equal(again.policy.parameters[name], values)
    assert repr(again) == "<spars.Agents trained on 6 scans>"


def test_broken_files_are_refused(tmp_path):
    path = tmp_path / "agents.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(spars.FormatError, match="not a file of the format"):
        spars.Agents.load(path)
    broken = spars.Agents(MapPolicy(), {})
    broken.policy.parameters["last.bias"] = np.full(1, np.nan, np.float32)
    broken.save(path)
    with pytest.raises(spars.FormatError, match="not finite"):
        spars.Agents.load(path)
    broken.policy.parameters = {"last.bias": np.zeros(1, np.float32)}
    broken.save(path)
    with pytest.raises(spars.FormatError, match="must hold"):
        spars.Agents.load(path)


def test_training_on_a_dataset_and_segmenting_with_what_it_learned():
    done = []
    agents = spars.train_agents(
        livers(), network(), lesion_sets=2, rounds=1, max_scores=16,
        progress=lambda *counts: done.append(counts),
    )  # fmt: skip
    assert done == [(1, 2), (2, 2)]
    agents.least_worth = None
    assert agents.training["scans"] == 2
    assert spars.Recipe.again(agents.training["recipe"]) == network().recipe
    phantom = spars.phantom(seed=4, shape=(48, 40, 36), spacing=(6.0, 6.0, 6.0))
    given = {"region": phantom.liver, "agents": agents}
    found = spars.segment(phantom.volume, network(), max_scores=20, **given)
    assert (found.configuration["method"], found.scores_asked) == ("agents", 20)
    whole = spars.segment(phantom.volume, network(), **given)
    wanted = spars.segment(phantom.volume, network(), region=phantom.liver)
    np.testing.assert_array_equal(whole.score_map, wanted.score_map)


def test_scans_with_tumour_are_used_as_they_are():
    agents = spars.train_agents(livers(1.0), network(), lesion_sets=5, rounds=1, max_scores=16)
    assert agents.training["scans"] == 1


@pytest.mark.parametrize(
    ("error", "message", "given"),
    [
        (TypeError, "'classifier' .* a Classifier", {"classifier": None}),
        (ValueError, "recipe has a spacing", {"classifier": spars.Classifier((108, 108, 108))}),
        (ValueError, "'dataset' .* a sequence with a case", {"dataset": []}),
        (TypeError, "'dataset' parameter of train_agents .* of Case", {"dataset": ["scan.nii"]}),
        (ValueError, "'rounds' parameter of train_agents", {"rounds": 0}),
        (ValueError, "'max_scores' parameter of train_agents", {"max_scores": 15}),
        (ValueError, "'lesion_sets' parameter of train_agents", {"lesion_sets": 0}),
        (TypeError, "'law' parameter of train_agents", {"law": "usual"}),
    ],
    ids=str,
)
def test_what_cannot_be_trained_is_refused_by_name(error, message, given):
    options = {"dataset": livers(), "classifier": network()} | given
    with pytest.raises(error, match=message):
        spars.train_agents(options.pop("dataset"), options.pop("classifier"), **options)


def test_agents_and_method_belong_together():
    scan = np.zeros((20, 20, 20), np.float32)
    options = {"window": (8, 8, 8), "grid": None}
    with pytest.raises(ValueError, match="'agents' .* must be Agents with method='agents'"):
        spars.segment(scan, np.ones, method="agents", **options)
    with pytest.raises(ValueError, match="'agents' .* must be None with method='flood'"):
        spars.segment(scan, np.ones, method="flood", agents=trained(), **options)
    with pytest.raises(TypeError, match="'agents' parameter of segment must be Agents or None"):
        spars.segment(scan, np.ones, agents="mine", **options)


def test_a_view_of_equal_intensities_has_features():
    view = View(np.ones((3, 1, 1), bool), np.ones(3, np.float32))
    assert np.isfinite(Ground.of(view).still).all()


def test_agents_come_with_the_package():
    agents, again = spars.Agents.pretrained(), spars.Agents.pretrained("liver-lesions")
    recipe = spars.pretrained().recipe
    assert agents.doubts(recipe) == []
    assert agents.training["recipe"]["stride"] == recipe.stride
    again.policy.parameters["last.bias"][:] = 9
    assert not np.array_equal(
        agents.policy.parameters["last.bias"], again.policy.parameters["last.bias"]
    )
    with pytest.raises(ValueError, match="'name' parameter of Agents.pretrained"):
        spars.Agents.pretrained("hearts")


def test_what_agents_are_made_of_is_checked():
    with pytest.raises(TypeError, match="'policy' parameter of Agents must be a MapPolicy"):
        spars.Agents(None, {})
    agents = spars.Agents(MapPolicy(0), {})
    for wrong, error in (("high", TypeError), (float("nan"), ValueError)):
        with pytest.raises(error, match="'least_worth' parameter of Agents"):
            agents.least_worth = wrong
    assert agents.least_worth == 0.1


def test_agents_of_another_recipe_are_warned_of():
    learned = network().recipe.recorded() | {"spacing": 1.25, "stride": 3}
    agents = spars.Agents(trained().policy, {"recipe": learned})
    phantom = spars.phantom(seed=4, shape=(48, 40, 36), spacing=(6.0, 6.0, 6.0))
    with pytest.warns(spars.ScanWarning) as told:
        found = spars.segment(
            phantom.volume, network(), region=phantom.liver, agents=agents, max_scores=16
        )
    texts = [str(one.message) for one in told]
    assert any("a spacing of 1.25 and play with" in text for text in texts)
    assert any("a stride of 3 and play with" in text for text in texts)
    assert set(found.configuration["warnings"]) == set(texts)

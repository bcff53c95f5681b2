"""Ensembles: one score of several networks, wherever a scorer is taken, and their files."""

import copy
import pickle

import numpy as np
import pytest
from classifier_cases import INPUT, train

import spars
from spars.game.scorers import identity

WINDOW = (8, 8, 8)
HU = spars.IntensityWindow(90, 180)


def members(count=3):
    return [spars.Classifier(INPUT, HU, seed=seed) for seed in range(count)]


@pytest.fixture(scope="module")
def ensemble():
    found = spars.Ensemble(members())
    found.recipe = spars.Recipe.of_organ(4.0, WINDOW, segmentation_threshold=0.4, certain=0.4)
    return found


@pytest.fixture(scope="module")
def made():
    return spars.phantom(seed=1, shape=(64, 56, 40))


def mean(scores):
    return np.mean(np.asarray(scores, np.float64), axis=0).astype(np.float32)


def test_a_score_is_the_mean_of_the_members_to_the_bit(ensemble, made):
    origins = [(0, 0, 0), (20, 17, 9), (30, 20, 12)]
    wanted = mean([one.score(made.volume, origins, WINDOW) for one in ensemble.members])
    told = []
    found = ensemble.score(made.volume, origins, WINDOW, lambda *now: told.append(now))
    np.testing.assert_array_equal(found, wanted)
    assert len(set(wanted)) == 3
    assert {planned for _, planned in told} <= {0, 3}
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_an_atlas_and_games_are_scored_by_the_same_mean(ensemble, made):
    options = {"grid": made.volume.shape, "stride": 16}
    atlas = spars.ScoreAtlas.compute(made.volume, ensemble, WINDOW, **options)
    each = [
        spars.ScoreAtlas.compute(made.volume, one, WINDOW, **options) for one in ensemble.members
    ]
    np.testing.assert_array_equal(atlas.scores, mean([one.scores for one in each]))
    walk = spars.baselines.random_walk(
        made.volume, ensemble, seed=1, window=WINDOW, iterations=1, n_steps=4, **options
    )
    again = spars.baselines.random_walk(
        made.volume, atlas, seed=1, window=WINDOW, iterations=1, n_steps=4, **options
    )
    np.testing.assert_array_equal(walk.scores, again.scores)
    forecast = spars.ScoreAtlas.forecast(made.volume, ensemble, WINDOW, **options)
    assert forecast.windows == atlas.scores.size
    assert forecast.seconds > 0


def test_it_segments_as_a_classifier_does_on_any_number_of_threads(ensemble, made):
    before = spars.thread_count()
    maps = []
    try:
        for threads in (1, 2):
            spars.set_thread_count(threads)
            found = spars.segment(made.volume, ensemble, region=made.liver)
            maps.append(found.score_map)
    finally:
        spars.set_thread_count(before)
    np.testing.assert_array_equal(*maps)
    assert found.configuration["classifier"] == identity(ensemble)
    assert found.configuration["classifier"]["kind"] == "Ensemble"
    assert identity(ensemble) != identity(spars.Ensemble(members(2)))


def test_agents_and_calibration_take_it(ensemble):
    cases = spars.datasets.phantoms(2, shape=(64, 56, 40))
    agents = spars.train_agents(
        cases, ensemble, lesion_sets=1, rounds=1, max_scores=16, learn="regression"
    )
    assert agents.training["classifier"] == identity(ensemble)["sha256"]
    own = copy.deepcopy(ensemble)
    with pytest.raises(TypeError, match=r"'classifier' parameter of calibrate_presence"):
        spars.calibration.calibrate_presence(cases, spars.Ensemble(members()))
    own.recipe = own.recipe.changed(presence_slope=1.0, presence_offset=0.0)
    assert all(one.recipe.presence_slope == 1.0 for one in own.members)
    assert ensemble.recipe.presence_slope is None


def test_what_looks_into_one_network_refuses_it(ensemble, made):
    with pytest.raises(TypeError, match=r"'scorer' parameter of grad_cam must be a Classifier"):
        spars.segment(made.volume, ensemble, region=made.liver, method="grad_cam")


def test_copies_and_pickles_are_of_their_own_members(ensemble):
    given = members(2)
    own = spars.Ensemble(given)
    first = identity(own)
    train(given[0], epochs=1)
    assert identity(own) == first
    for again in (copy.deepcopy(ensemble), pickle.loads(pickle.dumps(ensemble))):
        assert identity(again) == identity(ensemble)
        assert again.recipe == ensemble.recipe
        assert again.members[0]._handle.value != ensemble.members[0]._handle.value


@pytest.mark.parametrize("name", ["ensemble.safetensors", "ensemble.pth"])
def test_one_file_holds_all(ensemble, tmp_path, name):
    own = copy.deepcopy(ensemble)
    train(own.members[1], epochs=1)
    own.recipe = ensemble.recipe
    own.save(tmp_path / name)
    for again in (spars.Ensemble.load(tmp_path / name), spars.load_classifier(tmp_path / name)):
        assert identity(again) == identity(own)
        assert (again.recipe, again.input_shape, again.intensity_window) == (own.recipe, INPUT, HU)
        assert again.training == own.training
        assert again.training[0] is None
        assert again.training[1]["epochs"]


def test_float16_halves_the_file(ensemble, tmp_path):
    ensemble.save(tmp_path / "whole.safetensors")
    ensemble.save(tmp_path / "half.safetensors", dtype="float16")
    sizes = [(tmp_path / name).stat().st_size for name in ("whole.safetensors", "half.safetensors")]
    assert sizes[1] < 0.51 * sizes[0]
    assert len(spars.Ensemble.load(tmp_path / "half.safetensors").members) == 3


def test_each_loader_says_which_other_reads_a_file(ensemble, tmp_path):
    ensemble.save(tmp_path / "several.safetensors")
    ensemble.members[0].save(tmp_path / "one.safetensors")
    with pytest.raises(spars.FormatError, match=r"Got an ensemble of 3: spars.Ensemble.load"):
        spars.Classifier.load(tmp_path / "several.safetensors")
    with pytest.raises(spars.FormatError, match=r"Got one: spars.Classifier.load reads it"):
        spars.Ensemble.load(tmp_path / "one.safetensors")
    assert isinstance(spars.load_classifier(tmp_path / "one.safetensors"), spars.Classifier)
    with pytest.raises(OSError, match=r"none"):
        spars.load_classifier(tmp_path / "none.safetensors")


def test_pytorch_s_list_of_networks_has_the_same_names(ensemble, tmp_path):
    ensemble.save(tmp_path / "ensemble.safetensors")
    names = (tmp_path / "ensemble.safetensors").read_bytes()[:20000].decode("latin-1")
    assert '"0.conv1.weight"' in names
    assert '"2.fc5.bias"' in names


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"input_shape": (109, 108, 108)}, r"of one input_shape\. Got \(108, 108, 108\) of the"),
        ({"intensity_window": None}, r"of one intensity_window\. .* None of number 2 instead"),
        ({"recipe": {"certain": 0.5}}, r"of one recipe\.certain\. Got 0.97 of the first and 0.5"),
        ({"recipe": None}, r"of one recipe\."),
    ],
)
def test_members_that_differ_are_refused_by_what_differs(changed, message):
    recipe = spars.Recipe.of_organ()
    other = spars.Classifier(
        changed.get("input_shape", INPUT), changed.get("intensity_window", HU), seed=1
    )
    own = changed.get("recipe", {})
    other.recipe = None if own is None else recipe.changed(**own)
    first = spars.Classifier(INPUT, HU)
    first.recipe = recipe
    with pytest.raises(ValueError, match=message):
        spars.Ensemble([first, other])


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (3, TypeError, "a sequence of Classifier. Got 3"),
        ([1, 2], TypeError, "a sequence of Classifier. Got 1"),
        ([], ValueError, "2 to 64 classifiers. Got 0"),
        ("one", ValueError, "2 to 64 classifiers. Got 1"),
        ("many", ValueError, "2 to 64 classifiers. Got 65"),
    ],
)
def test_too_few_too_many_or_others_are_refused(given, error, message):
    if isinstance(given, str):
        given = members(1) * {"one": 1, "many": 65}[given]
    with pytest.raises(error, match=message):
        spars.Ensemble(given)


@pytest.mark.parametrize(
    ("name", "changed", "message"),
    [
        ("1.fc5.bias", "7.fc5.bias", r"The file holds '7\.fc5\.bias', which the classifier does"),
        ("1.bn1.bias", "1.bn1.BIAS", r"The file holds '1\.bn1\.BIAS', which"),
    ],
)
def test_a_tensor_that_no_member_has_is_named(ensemble, tmp_path, name, changed, message):
    path = tmp_path / "broken.safetensors"
    ensemble.save(path)
    whole = path.read_bytes().replace(b"spars.sha256", b"other.sha256", 1)
    path.write_bytes(whole.replace(f'"{name}"'.encode(), f'"{changed}"'.encode(), 1))
    with pytest.raises(spars.FormatError, match=message):
        spars.load_classifier(path)


def test_a_list_of_records_that_does_not_fit_is_refused(ensemble, tmp_path):
    path = tmp_path / "broken.safetensors"
    ensemble.save(path)
    whole = path.read_bytes().replace(b"spars.sha256", b"other.sha256", 1)
    assert b"[null, null, null]" in whole
    path.write_bytes(whole.replace(b"[null, null, null]", b"[null,       null]", 1))
    with pytest.raises(spars.FormatError, match=r"must be a list of 3, one for each member"):
        spars.load_classifier(path)

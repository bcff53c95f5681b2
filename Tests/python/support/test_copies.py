"""Copies and pickles hold values of their own, in this process and in another."""

import ast
import copy
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import spars
from spars import datasets, exhaustion
from spars._core import Handle, Native
from spars.agents.files import Spaces
from spars.volume.files import NiftiFile

SHAPE, WINDOW = (40, 36, 24), (16, 12, 8)
GAME = {"window": WINDOW, "termination_threshold": 1.0}
WAYS = [copy.copy, copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))]


def bright(crops):
    return 1 / (1 + np.exp(-crops.mean(axis=(1, 2, 3)) / 20))


@pytest.fixture(scope="module")
def scan():
    return np.random.default_rng(5).normal(0, 100, SHAPE).astype(np.float32)


def played(scan, scorer=bright, **options):
    options = {"iterations": 2, "window": WINDOW, "grid": SHAPE, "n_steps": 8, "seed": 0} | options
    return spars.self_play(scan, scorer, **options)


def moved(env, steps=3):
    """Return an environment after some steps."""
    env.reset()
    for step in range(steps):
        walk(env, step)
    return env


def walk(env, step):
    """Make a step, and return all that can be seen of it as one tuple of arrays."""
    action = (4, 2, 0, 5, 3)[step % 5]
    if isinstance(env, spars.VectorGame):
        told = env.step([action] * env.n, [2] * env.n)
        return (*told, env.windows, env.score_map(0))
    if hasattr(env, "possible_agents"):
        told = env.step(dict.fromkeys(("learner", "opponent"), action))
        return (*(told[0][agent] for agent in env.possible_agents), env.score_map)
    return (*env.step(action)[:4], env.score_map)


MAKERS = {
    "one": lambda scan: spars.WindowSearchEnv(scan, bright, **GAME),
    "two": lambda scan: spars.parallel_env(scan, bright, **GAME),
    "many": lambda scan: spars.VectorGame(scan, bright, 3, maps="run", **GAME),
    "exhaustion": lambda scan: exhaustion.ExhaustionEnv(scan, bright, window=WINDOW),
    "exhaustion of two": lambda scan: spars.parallel_env(
        scan, bright, window=WINDOW, game="exhaustion"
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MAKERS)
def test_an_environments_copy_goes_on_from_where_it_was_taken(scan, name, way):
    env = moved(MAKERS[name](scan))
    other = way(env)
    assert type(other) is type(env)
    before = other.score_map(0) if name == "many" else other.score_map
    wanted = [walk(env, step) for step in range(3, 7)]
    np.testing.assert_array_equal(other.score_map(0) if name == "many" else other.score_map, before)
    assert other.field.scored <= env.field.scored
    del env
    for step, told in enumerate(wanted, 3):
        for got, value in zip(walk(other, step), told, strict=True):
            np.testing.assert_array_equal(got, value)


@pytest.mark.parametrize("way", WAYS)
def test_a_classifiers_copy_learns_nothing_of_the_original(way):
    first = spars.Classifier((108, 108, 108), spars.IntensityWindow(40, 300), seed=1)
    first.recipe = spars.Recipe.of_organ()
    first.note = "of a user's own"
    other = way(first)
    before = other.parameters()
    first.fit(
        datasets.phantoms(2, shape=(32, 28, 24)), window=(16, 14, 12), grid=None, epochs=1,
        steps_per_epoch=1, crops_per_scan=1, scans_per_step=2,
    )  # fmt: skip
    assert any((first.parameters()[name] != values).any() for name, values in before.items())
    for name, values in other.parameters().items():
        np.testing.assert_array_equal(values, before[name])
    assert other.recipe == spars.Recipe.of_organ()
    assert other.intensity_window == spars.IntensityWindow(40, 300)
    assert other.note == "of a user's own"
    trained = way(first)
    assert trained.training == first.training
    assert trained.recipe == first.recipe
    crop = np.zeros((1, 108, 108, 108), np.float32)
    np.testing.assert_array_equal(trained.logits(crop), first.logits(crop))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("options", [{}, {"opponents": "fictitious"}, {"n_envs": 2}])
def test_a_runs_copy_goes_on_as_the_run_does(scan, way, options):
    run = played(scan, reference=scan > 150, snapshot_interval=1, **options)
    other = way(run)
    before = other.score_map.copy()
    run.resume(2)
    assert len(other) == 2
    np.testing.assert_array_equal(other.score_map, before)
    other.resume(2)
    np.testing.assert_array_equal(other.score_map, run.score_map)
    np.testing.assert_array_equal(other.windows, run.windows)
    np.testing.assert_array_equal(other.dice, run.dice)
    for name, values in run.log.items():
        np.testing.assert_array_equal(other.log[name], values)


@pytest.mark.parametrize("way", WAYS)
def test_an_agents_copy_learns_as_the_agent_does(scan, way):
    agent = spars.PPO("MlpPolicy", MAKERS["one"](scan), n_steps=8, batch_size=4, seed=0).learn(16)
    other = way(agent)
    before = other.parameters()
    agent.learn(16, reset_num_timesteps=False)
    for name, values in other.parameters().items():
        np.testing.assert_array_equal(values, before[name])
    other.learn(16, reset_num_timesteps=False)
    for name, values in agent.parameters().items():
        np.testing.assert_array_equal(other.parameters()[name], values)


@pytest.mark.parametrize("way", WAYS)
def test_a_leagues_copy_plays_on_as_the_league_does(scan, way):
    league = spars.League.of(played(scan, snapshot_interval=1)).play(2)
    other = way(league)
    league.play(5)
    assert other.games.max() == 2
    other.play(5)
    np.testing.assert_array_equal(other.wins, league.wins)
    np.testing.assert_array_equal(other.ties, league.ties)


@pytest.mark.parametrize("way", WAYS)
def test_made_windows_are_the_same_of_a_copy(way):
    made = spars.phantom(seed=1, shape=(64, 56, 48), has_tumour=False)
    source = spars.lesions.windows(
        [spars.lesions.Host(made.volume, made.liver)], window=(12, 12, 12), seed=3
    )
    other = way(source)
    for got, wanted in zip(other.draw(5, 6), source.draw(5, 6), strict=True):
        np.testing.assert_array_equal(got, wanted)
    host = way(source.hosts[0])
    assert (host.organ, host.sha256) == (source.hosts[0].organ, source.hosts[0].sha256)


def test_a_copy_of_scores_by_a_classifier_that_learned_since_is_refused(scan):
    classifier = spars.Classifier((108, 108, 108), seed=1)
    env = spars.WindowSearchEnv(scan, classifier, **GAME)
    pickle.dumps(env)
    classifier.fit(
        datasets.phantoms(2, shape=(32, 28, 24)), window=(16, 14, 12), grid=None, epochs=1,
        steps_per_epoch=1, crops_per_scan=1, scans_per_step=2,
    )  # fmt: skip
    with pytest.raises(TypeError, match="WindowSearchEnv .*cannot be copied or pickled"):
        copy.deepcopy(env)


def test_what_a_caller_does_to_an_array_later_is_not_copied(scan):
    given = scan.copy()
    env = MAKERS["one"](given)
    env.reset()
    given[:] = 0
    other = copy.deepcopy(env)
    for got, wanted in zip(walk(other, 0), walk(env, 0), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_open_files_and_handles_are_refused_by_name(scan, tmp_path):
    spars.save(tmp_path / "a.nii", scan)
    file = NiftiFile(tmp_path / "a.nii", "load")
    run = played(scan, iterations=1)
    for thing, name in (
        (file, "NiftiFile"), (file._handle, "compiled core"), (run._live_run, "LiveRun"),
    ):  # fmt: skip
        for way in WAYS:
            with pytest.raises(TypeError, match=f"{name} .*cannot be copied or pickled"):
                way(thing)


def test_whatever_keeps_a_handle_says_how_it_is_copied():
    """A class that assigns `_handle` has a rule for copies, its own or that of a base."""
    ruled = {cls.__name__ for cls in subclasses(Native)} | {"League"}
    root = Path(spars.__file__).parent
    for path in root.rglob("*.py"):
        for found in ast.walk(ast.parse(path.read_text())):
            if isinstance(found, ast.ClassDef) and "self._handle =" in ast.unparse(found):
                assert found.name in ruled | {"Native"}, f"{found.name} of {path}"
    assert Handle not in subclasses(Native)


def subclasses(cls):
    found = set(cls.__subclasses__())
    return found.union(*(subclasses(each) for each in found))


OTHER_PROCESS = """
import pickle, sys
import numpy as np
sys.path.insert(0, sys.argv[2])
import spars
spars.Classifier((108, 108, 108), seed=99)  # takes the number that another's had
import test_copies as test

things, wanted = pickle.load(open(sys.argv[1], "rb"))
for name, values in test.seen_of(things).items():
    for got, value in zip(values, wanted[name], strict=True):
        np.testing.assert_array_equal(got, value, err_msg=name)
print("same", len(wanted))
"""


def things_of(folder, scan):
    """Return all that people send to other processes."""
    spars.save(folder / "a.nii.gz", scan)
    (folder / "l.csv").write_text("image,has_tumour,mask\na.nii.gz,1,m.nii.gz\n")
    spars.save(folder / "m.nii.gz", scan > 150)
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir()
    spars.save(folder / "imagesTr" / "a.nii.gz", scan)
    spars.save(folder / "labelsTr" / "a.nii.gz", scan > 150)
    classifier = spars.Classifier((108, 108, 108), spars.IntensityWindow(40, 400), seed=1)
    made = spars.phantom(seed=2, shape=(64, 56, 48), spacing=(3.0, 3.0, 3.0))
    recipe = spars.Recipe.of_organ(spacing=3.0, window=(8, 8, 8))
    return {
        "classifier": classifier,
        "environments": {name: moved(make(scan)) for name, make in MAKERS.items()},
        "run": played(scan),
        "agent": spars.PPO("MlpPolicy", Spaces(WINDOW, 6), n_steps=8, seed=0),
        "atlas": spars.ScoreAtlas.compute(scan, bright, WINDOW),
        "segmentation": spars.segment(scan, bright, iterations=1, window=WINDOW, grid=SHAPE),
        "of an organ": spars.segment(made.volume, bright, region=made.liver, recipe=recipe),
        "by intensity": spars.segment(
            made.volume, None, method="intensity", region=made.liver
        ),
        "phantom": made,
        "datasets": [
            datasets.from_csv(folder / "l.csv"), datasets.MSD(folder),
            datasets.phantoms(1, shape=(32, 28, 24)), datasets.phantoms(2, shape=(32, 28, 24))[1:],
        ],
        "plain": [
            recipe, spars.Protocol.published(), spars.lesions.LesionLaw(),
            spars.IntensityWindow(1.0, 2.0), spars.Augmentation(),
        ],
    }  # fmt: skip


def seen_of(things):
    """Return what is seen of them, as arrays by name."""
    crop = np.linspace(-1, 1, 108**3, dtype=np.float32).reshape(1, 108, 108, 108)
    run = things["run"].resume(1)
    found = {
        "classifier": [things["classifier"].logits(crop)],
        "run": [run.score_map, run.rewards],
        "agent": [things["agent"].policy.log_probabilities(crop.reshape(-1)[None, :1536])],
        "atlas": [things["atlas"].scores],
        "cases": [case.load().array for data in things["datasets"] for case in data]
        + [case.load_mask() for data in things["datasets"] for case in data]
        + [case.has_tumour for data in things["datasets"] for case in data]
        + [data[0].load_organ() is None for data in things["datasets"][:2]],
        "phantom": [things["phantom"].tissue],
        "plain": [repr(thing) for thing in things["plain"]],
    }
    for name in ("segmentation", "of an organ", "by intensity"):
        each = things[name]
        found[name] = [each.mask, each.score_map, each.volume.affine, len(each.lesions)]
    for name, env in things["environments"].items():
        found[name] = [*walk(env, 3), *walk(env, 4)]
    return found


def test_everything_that_people_send_arrives_in_another_process(tmp_path, scan):
    things = things_of(tmp_path, scan)
    # What is seen is asked of a copy, as steps and iterations go on.
    wanted = seen_of(copy.deepcopy(things))
    sent = tmp_path / "things.pkl"
    # By the name that the other process imports it under.
    sent.write_bytes(pickle.dumps((things, wanted)))
    told = subprocess.run(
        [sys.executable, "-c", OTHER_PROCESS, str(sent), str(Path(__file__).parent)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.stdout.startswith("same"), told.stderr

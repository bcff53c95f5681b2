"""How a run goes on: schedules, checkpoints, callbacks, replays, opponents from a pool."""

import io
import sys

import numpy as np
import pytest

import spars
from spars.callbacks import ProgressBar, TensorBoard
from spars.search.run import Run

SHAPE = (32, 30, 24)
WINDOW = (8, 8, 4)
RECORDS = ("windows", "step_scores", "actions", "ends", "rewards")


@pytest.fixture(scope="module")
def scan():
    x, y, z = np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij")
    inside = ((x - 20) ** 2 + (y - 12) ** 2 + (z - 12) ** 2) < 6**2
    noise = np.random.default_rng(5).normal(0, 5, SHAPE)
    return (np.where(inside, 80.0, 0.0) + noise).astype(np.float32)


def score(crops):
    mean = crops.reshape(len(crops), -1).mean(axis=1)
    return (1 / (1 + np.exp(-(mean - 30) / 10))).astype(np.float32)


def play(scan, iterations=6, **options):
    options = {
        "window": WINDOW, "termination_threshold": 0.9, "max_episode_steps": 20, "seed": 3,
        "n_steps": 16, "learning_rate": 0.01, "opponent_update_interval": 40,
    } | options  # fmt: skip
    return spars.self_play(scan, score, iterations=iterations, **options)


def assert_equal_runs(ours, theirs):
    for name in (*RECORDS, "score_map"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=name)
    for name, values in theirs.log.items():
        np.testing.assert_array_equal(ours.log[name], values, err_msg=name)
    assert [s.iteration for s in ours.snapshots] == [s.iteration for s in theirs.snapshots]
    for one, other in zip(ours.snapshots, theirs.snapshots, strict=True):
        for name, values in other.parameters.items():
            np.testing.assert_array_equal(one.parameters[name], values, err_msg=name)


def falling(remaining):
    return 0.02 * remaining


# Schedules


def test_schedules_follow_the_remaining_progress_after_each_rollout(scan):
    asked = []

    def clip(remaining):
        asked.append(remaining)
        return 0.1 + 0.1 * remaining

    run = play(scan, 4, learning_rate=falling, clip_range=clip)
    np.testing.assert_allclose(run.log["train/learning_rate"], [0.015, 0.01, 0.005, 0.0])
    np.testing.assert_allclose(run.log["train/clip_range"], [0.175, 0.15, 0.125, 0.1])
    assert asked[1:] == [0.75, 0.5, 0.25, 0.0]
    assert "falling" in run.configuration["learning_rate"]
    first, last = (run.snapshots[i].parameters["action_net.bias"] for i in (2, 3))
    # The last update has a learning rate of 0.
    np.testing.assert_array_equal(first, last)


def test_a_constant_schedule_is_the_number(scan):
    assert_equal_runs(play(scan, learning_rate=lambda _: 0.01), play(scan))
    assert not np.array_equal(
        play(scan, clip_range=lambda _: 0.01).snapshots[-1].parameters["action_net.weight"],
        play(scan).snapshots[-1].parameters["action_net.weight"],
    )


def test_a_scheduled_run_resumes_as_planned(scan, tmp_path):
    whole = play(scan, 6, learning_rate=falling, snapshot_interval=2)
    options = {"learning_rate": falling, "snapshot_interval": 2}
    stopped = play(scan, 6, callback=lambda run: len(run) < 3, **options)
    assert len(stopped) == 3
    stopped.save(tmp_path / "run.npz")
    assert_equal_runs(stopped.resume(3), whole)
    loaded = Run.load(tmp_path / "run.npz", scan, score, learning_rate=falling)
    assert_equal_runs(loaded.resume(3), whole)
    with pytest.raises(ValueError, match="'learning_rate' parameter of load must be the run's"):
        Run.load(tmp_path / "run.npz", scan, score)
    with pytest.raises(ValueError, match="'clip_range' parameter of load must be None"):
        Run.load(tmp_path / "run.npz", scan, score, learning_rate=falling, clip_range=0.1)
    with pytest.raises(TypeError, match="unexpected keyword"):
        Run.load(tmp_path / "run.npz", scan, score, gamma=0.9)
    # Reading needs no function.
    read = Run.load(tmp_path / "run.npz")
    np.testing.assert_array_equal(
        read.log["train/learning_rate"], whole.log["train/learning_rate"][:3]
    )


@pytest.mark.parametrize("value", [-1.0, float("nan"), "fast"])
def test_a_schedule_out_of_range_ends_the_run_at_a_whole_iteration(scan, value, tmp_path):
    def broken(remaining):
        return 0.01 if remaining > 0.6 else value

    with pytest.raises((TypeError, ValueError), match="'learning_rate' parameter of self_play"):
        play(scan, 10, learning_rate=broken, checkpoint=tmp_path / "run.npz")
    assert len(Run.load(tmp_path / "run.npz")) == 3


# Checkpoints, callbacks, progress


def test_checkpoints_are_written_at_the_interval(scan, tmp_path):
    path, kept = tmp_path / "run.npz", []

    def look(run):
        kept.append(len(Run.load(path)) if path.exists() else 0)

    play(scan, 7, checkpoint=path, checkpoint_interval=3, callback=look)
    assert kept == [0, 0, 0, 3, 3, 3, 6]
    assert len(Run.load(path)) == 7
    other = tmp_path / "other.npz"
    assert_equal_runs(play(scan, 7, checkpoint=other, checkpoint_interval=3), play(scan, 7))
    with pytest.raises(ValueError, match="'checkpoint' parameter of resume"):
        play(scan, 1, checkpoint_interval=1)
    with pytest.raises(ValueError, match="'checkpoint_interval' parameter of self_play"):
        play(scan, 1, checkpoint=other, checkpoint_interval=0)


def test_progress_counts_iterations_whatever_stops_in_between(scan, tmp_path):
    for options in ({}, {"checkpoint": tmp_path / "run.npz", "checkpoint_interval": 2}):
        told = []
        play(scan, 5, progress=lambda *both, told=told: told.append(both), **options)
        assert told[-1] == (5, 5)
        assert sorted(told) == told
        assert {planned for _, planned in told} == {5}


def test_every_callback_is_called_and_any_ends_the_run(scan):
    seen = []

    class Watcher:
        def __call__(self, run):
            seen.append(run.latest["rollout/reward_mean"])

        def close(self):
            seen.append("closed")

    run = play(scan, 5, callback=[Watcher(), lambda run: len(run) < 2])
    assert seen == [*run.rewards, "closed"]
    assert len(run) == 2
    with pytest.raises(TypeError, match="'callback' parameter"):
        play(scan, 1, callback=[3])


def test_latest_is_the_end_of_the_log(scan):
    run = play(scan, 3)
    assert run.latest["train/value_loss"] == run.log["train/value_loss"][-1]
    assert run.latest["train/learning_rate"] == 0.01
    assert run.latest["rollout/terminations"] == run.terminations[-1]
    assert "rollout/dice" not in run.latest


def test_a_bar_shows_rate_and_time_left(scan, capsys):
    stream = io.StringIO()
    bar = ProgressBar("searching", unit="iteration", file=stream, mininterval=0)
    play(scan, 4, progress=bar)
    shown = stream.getvalue()
    assert "searching" in shown
    assert "4/4" in shown
    assert "iteration/s" in shown or "s/iteration" in shown
    assert "<" in shown.rpartition("[")[2]
    play(scan, 2, progress=True)
    assert "2/2" in capsys.readouterr().err


@pytest.mark.parametrize("method", ["self_play", "random_walk", "exhaustive"])
def test_every_search_draws_a_bar(scan, capsys, method):
    spars.segment(scan, score, method=method, iterations=2, window=WINDOW, grid=None, progress=True)
    assert method.replace("_", " ") in capsys.readouterr().err.replace("self-play", "self play")
    spars.ScoreAtlas.compute(scan, score, WINDOW, progress=True)
    assert "atlas" in capsys.readouterr().err


@pytest.mark.parametrize("module", ["tqdm.auto", "tensorboardX"])
def test_a_missing_library_is_named_with_its_extra(monkeypatch, tmp_path, module):
    monkeypatch.setitem(sys.modules, module, None)
    make, extra = {
        "tqdm.auto": (ProgressBar, "progress"),
        "tensorboardX": (lambda: TensorBoard(tmp_path), "tensorboard"),
    }[module]
    with pytest.raises(ImportError, match=rf"spars\[{extra}\]"):
        make()


# Replays


@pytest.mark.parametrize(
    "options", [{}, {"replay_interval": 2}, {"learning_rate": falling}], ids=str
)
@pytest.mark.parametrize("opponents", [None, "prioritised"])
def test_every_iteration_replays_to_the_bit(scan, options, opponents):
    run = play(scan, 6, snapshot_interval=1, opponents=opponents, **options)
    before = run.score_map.copy()
    for iteration in range(6):
        again = run.replay(iteration)
        assert again.iteration == iteration
        for name in ("windows", "step_scores", "actions", "ends"):
            np.testing.assert_array_equal(getattr(again, name), getattr(run, name)[iteration])
        for name in ("train/loss", "train/approx_kl", "train/n_updates"):
            assert again.log[name] == run.log[name][iteration]
        interval = options.get("replay_interval")
        assert again.started_from == (iteration - iteration % interval if interval else 0)
        made = {snapshot.iteration: snapshot.parameters for snapshot in run.snapshots}
        if iteration in made:
            for name, values in made[iteration].items():
                np.testing.assert_array_equal(again.parameters[name], values)
        assert sum(len(steps) for steps in again.episodes) == 16
    np.testing.assert_array_equal(run.score_map, before)
    assert_equal_runs(
        run.resume(1), play(scan, 6, snapshot_interval=1, opponents=opponents, **options).resume(1)
    )


def test_a_loaded_run_replays_from_its_kept_states(scan, tmp_path):
    run = play(scan, 6, replay_interval=4)
    run.save(tmp_path / "run.npz")
    again = Run.load(tmp_path / "run.npz", scan, score).replay(5)
    assert again.started_from == 4
    np.testing.assert_array_equal(again.windows, run.windows[5])
    with pytest.raises(ValueError, match="cannot be replayed"):
        Run.load(tmp_path / "run.npz").replay(5)
    with pytest.raises(ValueError, match="'iteration' parameter of replay"):
        run.replay(6)


def test_a_replay_that_differs_from_its_record_is_refused(scan):
    run = play(scan, 2)
    run._steps["actions"] = 5 - run.actions
    with pytest.raises(ValueError, match="differs from its record in 'actions'"):
        run.replay(1)


# Opponents from a pool, and both sides' experience


@pytest.mark.parametrize("opponents", ["vanilla", "fictitious", "prioritised", "gaussian"])
@pytest.mark.parametrize("experience", ["learner", "both"])
def test_a_run_with_a_pool_resumes_from_its_file_to_the_bit(scan, tmp_path, opponents, experience):
    options = {"opponents": opponents, "experience": experience, "snapshot_interval": 1}
    whole = play(scan, 8, **options)
    assert [snapshot.iteration for snapshot in whole.snapshots] == list(range(9))
    play(scan, 5, **options).save(tmp_path / "run.npz")
    loaded = Run.load(tmp_path / "run.npz", scan, score).resume(3)
    assert_equal_runs(loaded, whole)
    for name, values in whole.opponents.items():
        np.testing.assert_array_equal(loaded.opponents[name], values)
    read = Run.load(tmp_path / "run.npz")
    assert len(read.opponents["games"]) == 6
    assert ((whole.opponents["win_rate"] >= 0) & (whole.opponents["win_rate"] <= 1)).all()
    assert whole.opponents["games"].sum() > 0
    read.save(tmp_path / "again.npz")
    np.testing.assert_array_equal(
        Run.load(tmp_path / "again.npz").opponents["games"], read.opponents["games"]
    )


def test_whom_a_learner_meets_changes_what_it_learns(scan):
    options = {"snapshot_interval": 1}
    runs = [play(scan, 12, opponents=kind, **options) for kind in ("vanilla", "fictitious")]
    runs += [play(scan, 12, experience="both", **options), play(scan, 12, **options)]
    finals = [run.snapshots[-1].parameters["action_net.weight"] for run in runs]
    for i in range(4):
        for j in range(i):
            assert not np.array_equal(finals[i], finals[j])
    assert play(scan, 2).opponents is None


def test_a_power_of_zero_is_fictitious(scan):
    options = {"snapshot_interval": 1, "iterations": 8}
    assert_equal_runs(
        play(scan, opponents="prioritised", opponent_power=0.0, **options),
        play(scan, opponents="fictitious", **options),
    )


def test_the_still_opponents_steps_are_not_learned_from(scan):
    options = {"opponent": "live", "opponent_update_interval": 1000}
    assert_equal_runs(play(scan, 3, experience="both", **options), play(scan, 3, **options))


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"opponents": "best"}, "opponents"),
        ({"opponents": "vanilla", "snapshot_interval": 0}, "snapshot_interval"),
        ({"opponents": "prioritised", "opponent_power": -1.0}, "opponent_power"),
        ({"experience": "none"}, "experience"),
        ({"replay_interval": -1}, "replay_interval"),
    ],
)
def test_values_out_of_range_are_named(scan, options, name):
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        play(scan, 1, **options)


def test_broken_pools_are_refused(scan, tmp_path):
    play(scan, 2, opponents="fictitious", snapshot_interval=1).save(tmp_path / "run.npz")
    with np.load(tmp_path / "run.npz") as archive:
        arrays = dict(archive)
    changes = {
        "state.pool_games": np.zeros(2),
        "state.pool_wins": np.full(3, 5.0),
        "state.pool_drawn": np.array(7),
        "state.pool_reward": np.array(np.nan),
        "rates": arrays["rates"][1:],
    }
    for name, value in changes.items():
        np.savez(tmp_path / "broken.npz", **(arrays | {name: value}))
        with pytest.raises(spars.FormatError, match="not a run"):
            Run.load(tmp_path / "broken.npz", scan, score)

"""Self-play: what a run records, that it repeats itself to the bit, and that its Dice is exact."""

import numpy as np
import pytest

import spars
from spars.search.selfplay import Run, self_play

SHAPE = (64, 60, 48)
GRID = (72, 72, 60)
WINDOW = (16, 16, 8)


@pytest.fixture(scope="module")
def scan():
    x, y, z = np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij")
    inside = ((x - 34) ** 2 + (y - 28) ** 2 + (z - 24) ** 2) < 11**2
    noise = np.random.default_rng(5).normal(0, 5, SHAPE)
    return spars.Volume((np.where(inside, 80.0, 0.0) + noise).astype(np.float32)), inside


def score(crops):
    """Score a window by its mean, in [0, 1]."""
    mean = crops.reshape(len(crops), -1).mean(axis=1)
    return (1 / (1 + np.exp(-(mean - 30) / 10))).astype(np.float32)


def play(scan, iterations=4, **options):
    volume, inside = scan
    options = {"window": WINDOW, "grid": GRID, "termination_threshold": 0.9, "seed": 3} | options
    reference = inside.astype(np.uint8)
    return self_play(volume, score, iterations=iterations, reference=reference, **options)


def plain_dice(run, scan, threshold):
    volume, inside = scan
    mask = spars.resample(run.score_map, volume.shape, "nearest") > threshold
    return 2 * np.sum(mask & inside) / (mask.sum() + inside.sum())


def test_records_have_their_shapes(scan):
    run = play(scan)
    assert run.rewards.shape == run.last_rewards.shape == run.dice.shape == (4,)
    assert run.scores.shape == (4, 2)
    assert run.windows.shape == (4, 32, 2, 3)
    assert run.score_map.shape == GRID
    assert run.score_map.dtype == np.float32
    assert len(run.snapshots) == 4
    assert set(run.log) >= {"train/value_loss", "train/approx_kl", "train/explained_variance"}
    assert len(run.configuration["input_sha256"]) == 64


def test_dice_equals_the_plain_way_in_the_scans_voxels(scan):
    run = play(scan, segmentation_threshold=0.4)
    assert run.dice[-1] == pytest.approx(plain_dice(run, scan, 0.4), abs=1e-12)
    assert run.dice[-1] > 0.1


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_seed_gives_the_same_bits_for_any_thread_count(scan, threads):
    expected = play(scan)
    before = spars.thread_count()
    try:
        spars.set_thread_count(threads)
        again = play(scan)
    finally:
        spars.set_thread_count(before)
    np.testing.assert_array_equal(again.windows, expected.windows)
    np.testing.assert_array_equal(again.score_map, expected.score_map)
    other = play(scan, seed=4)
    assert not np.array_equal(other.windows, expected.windows)


def test_resuming_equals_not_stopping(scan):
    whole = play(scan, 5)
    parts = play(scan, 2).resume(3)
    np.testing.assert_array_equal(parts.windows, whole.windows)
    np.testing.assert_array_equal(parts.score_map, whole.score_map)
    np.testing.assert_array_equal(parts.dice, whole.dice)


def test_a_saved_run_reads_back(scan, tmp_path):
    run = play(scan, checkpoint=tmp_path / "run.npz")
    read = Run.load(tmp_path / "run.npz")
    np.testing.assert_array_equal(read.rewards, run.rewards)
    np.testing.assert_array_equal(read.score_map, run.score_map)
    np.testing.assert_array_equal(read.log["train/loss"], run.log["train/loss"])
    assert read.configuration == run.configuration
    for ours, theirs in zip(read.snapshots, run.snapshots, strict=True):
        assert ours.iteration == theirs.iteration
        for name, values in theirs.parameters.items():
            np.testing.assert_array_equal(ours.parameters[name], values)
    with pytest.raises(ValueError, match="read, not resumed"):
        read.resume(1)


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "other.npz").write_bytes(b"PK nonsense")
    with pytest.raises(spars.FormatError):
        Run.load(tmp_path / "other.npz")


def test_an_interrupted_run_leaves_its_checkpoint(scan, tmp_path):
    def stop(run):
        if len(run) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        play(scan, 5, checkpoint=tmp_path / "run.npz", callback=stop)
    assert len(Run.load(tmp_path / "run.npz")) == 2


def test_a_callback_ends_the_run(scan):
    assert len(play(scan, 5, callback=lambda run: len(run) < 3)) == 3


def test_the_first_live_opponent_answers_zero(scan):
    run = play(scan, 2, opponent="live", termination_threshold=1.0)
    start = run.windows[0, 0, 1]
    moves = np.diff(run.windows[0, :, 1, 2].astype(int))
    # Action 0 moves up z until the border.
    assert set(moves) <= {0, 4}
    assert (run.windows[0, :, 1, :2] == start[:2]).all()
    assert (run.windows[1, :, 1, :2] != start[:2]).any()


def test_a_snapshot_opponent_is_refreshed_after_the_interval(scan):
    often = play(scan, 4, opponent_update_interval=32, learning_rate=0.05)
    never = play(scan, 4, opponent_update_interval=10_000, learning_rate=0.05)
    np.testing.assert_array_equal(often.windows[0], never.windows[0])
    assert not np.array_equal(often.windows, never.windows)


def test_the_map_is_kept_or_cleared_with_the_episode(scan):
    # Everything ends an episode: cleared maps are empty when they are read (D11).
    kept = play(scan, termination_threshold=0.0)
    cleared = play(scan, termination_threshold=0.0, map_read="after_reset")
    assert kept.score_map.any()
    assert not cleared.score_map.any()


def test_the_step_limit_truncates(scan):
    run = play(scan, 2, termination_threshold=1.0, max_episode_steps=8)
    np.testing.assert_array_equal(run.truncations, [4, 4])
    np.testing.assert_array_equal(run.terminations, [0, 0])


def test_the_uint8_cast_reaches_the_policy(scan):
    # An untrained policy acts alike on anything; its critic does not.
    cast, uncast = (
        play(scan, 2, observation_cast=kind).log["train/value_loss"]
        for kind in ("uint8", "float32")
    )
    assert not np.array_equal(cast, uncast)


def test_the_published_protocol_compares_on_the_grid():
    array = np.random.default_rng(0).normal(0, 40, (96, 96, 64)).astype(np.float32)
    reference = np.zeros(array.shape, np.uint8)
    reference[40:70, 40:70, 20:50] = 1
    run = self_play(
        array,
        lambda crops: np.full(len(crops), 0.6, np.float32),
        iterations=2,
        window=WINDOW,
        protocol="published",
        termination_threshold=0.7,
        reference=reference,
    )
    mask = run.score_map > 0.5
    expected = 2 * np.sum(mask & (reference == 1)) / (mask.sum() + reference.sum())
    assert run.dice[-1] == pytest.approx(expected, abs=1e-12)
    assert expected > 0


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"iterations": 0}, "iterations"),
        ({"n_steps": 1}, "n_steps"),
        ({"gamma": 1.5}, "gamma"),
        ({"opponent_update_interval": 0}, "opponent_update_interval"),
        ({"clip_range": -1.0}, "clip_range"),
        ({"window": (0, 4, 4)}, "window"),
    ],
)
def test_values_out_of_range_are_named(scan, options, name):
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        play(scan, **({"iterations": 1} | options))


def test_a_reference_of_labels_is_refused(scan):
    volume, inside = scan
    with pytest.raises(ValueError, match="0 and 1 only"):
        self_play(
            volume, score, iterations=1, window=WINDOW, grid=GRID, reference=2 * inside.astype(int)
        )


@pytest.mark.parametrize("protocol", ["paper", "published"])
def test_a_run_resumes_from_its_file_to_the_bit(scan, tmp_path, protocol):
    volume, inside = scan
    reference = inside.astype(np.uint8)
    # On a grid beyond the scan, as the others play, a published walk may leave the scan.
    grid = SHAPE if protocol == "published" else GRID
    options = {
        "protocol": protocol, "grid": grid, "opponent_update_interval": 48, "learning_rate": 0.01
    }  # fmt: skip
    whole = play(scan, 6, **options)
    play(scan, 3, snapshot_interval=2, **options).save(tmp_path / "run.npz")
    resumed = Run.load(tmp_path / "run.npz", volume, score, reference).resume(3)
    for name in ("rewards", "windows", "score_map", "dice", "ends", "actions"):
        np.testing.assert_array_equal(getattr(resumed, name), getattr(whole, name), err_msg=name)
    np.testing.assert_array_equal(resumed.log["train/loss"], whole.log["train/loss"])
    assert [snapshot.iteration for snapshot in resumed.snapshots] == [2, 4, 6]


def test_only_the_runs_own_scan_and_reference_bring_it_back(scan, tmp_path):
    volume, inside = scan
    play(scan, 1).save(tmp_path / "run.npz")
    with pytest.raises(ValueError, match="'volume' parameter of load must be the scan"):
        Run.load(tmp_path / "run.npz", volume.array * 2, score, inside.astype(np.uint8))
    with pytest.raises(ValueError, match="'reference' parameter of load"):
        Run.load(tmp_path / "run.npz", volume, score)
    with pytest.raises(ValueError, match="both or neither"):
        Run.load(tmp_path / "run.npz", volume)


def test_a_failing_scorer_leaves_whole_iterations(scan):
    calls = []

    def failing(crops):
        calls.append(len(crops))
        if sum(calls) > 40:
            raise RuntimeError("out of scores")
        return score(crops)

    volume, _ = scan
    runs = []
    with pytest.raises(RuntimeError, match="out of scores"):
        self_play(
            volume, failing, iterations=50, window=WINDOW, grid=GRID, termination_threshold=1.0,
            seed=3, callback=runs.append,
        )  # fmt: skip
    broken = runs[-1]
    assert 0 < len(broken) < 50
    wanted = play(scan, len(broken), termination_threshold=1.0)
    np.testing.assert_array_equal(broken.windows, wanted.windows)
    np.testing.assert_array_equal(broken.score_map, wanted.score_map)


def test_broken_states_are_refused(scan, tmp_path):
    volume, inside = scan
    play(scan, 1).save(tmp_path / "run.npz")
    with np.load(tmp_path / "run.npz") as archive:
        arrays = dict(archive)
    changes = {
        "state.parameters": arrays["state.parameters"][:-1],
        "state.moments": -np.abs(arrays["state.moments"]),
        "state.counters": np.zeros(17, np.int64),
        "state.opponent": np.zeros(3, np.float32),
        "state.visits": arrays["state.visits"] + np.int16(2),
        "records": arrays["records"][:, 1:],
        "windows": arrays["windows"][0],
        "score_map": arrays["score_map"][1:],
    }
    for name, value in changes.items():
        np.savez(tmp_path / "broken.npz", **(arrays | {name: value}))
        with pytest.raises(spars.FormatError, match="not a run"):
            Run.load(tmp_path / "broken.npz", volume, score, inside.astype(np.uint8))

"""Self-play: what a run records, that it repeats itself to the bit, and that its Dice is exact."""

import numpy as np
import pytest

import spars
from spars.selfplay import Run, self_play

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

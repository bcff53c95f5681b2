"""Windows that do not fit are refused before any scan is loaded or trained on, by name."""

import numpy as np
import pytest
from classifier_cases import INPUT, noise_case, train

import spars
from spars import datasets
from spars.command import cli

LARGE = (31, 12, 12)
# What is refused needs no second label.
pytestmark = pytest.mark.filterwarnings("ignore:Every scan of the dataset:UserWarning")


def never():
    raise AssertionError("a scan was loaded")


def unread(name, shape):
    return datasets.Case(name, True, never, never, shape)


@pytest.mark.parametrize("role", ["dataset", "validation"])
def test_fit_holds_windows_against_shapes_that_cases_know(role):
    """One scan of many is too small: it is found before the first is loaded."""
    cases = [unread(f"scan{i}", (40, 40, 40)) for i in range(5)]
    cases.insert(3, unread("small", (30, 40, 40)))
    scans = {"dataset": [unread("other", (40, 40, 40))]} | {role: cases}
    with pytest.raises(
        ValueError, match=r"'window'.*scan 'small', \(30, 40, 40\)\. Got \(31, 12, 12\)"
    ):
        train(spars.Classifier(INPUT), window=LARGE, **scans)


def test_fit_holds_windows_against_the_grid_before_labels_are_read():
    case = datasets.Case("a", never, never, never)
    with pytest.raises(ValueError, match=r"'window'.*grid \(30, 40, 40\)\. Got \(31, 12, 12\)"):
        train(spars.Classifier(INPUT), [case], window=LARGE, grid=(30, 40, 40))


def test_fit_names_the_protocols_crop():
    protocol = spars.Protocol.published().with_switches(border_crops="full")
    with pytest.raises(ValueError, match=r"'crop_size'.*scan 'a'.*Got \(96, 96, 64\)"):
        train(spars.Classifier(INPUT), [unread("a", (95, 200, 200))], protocol=protocol)


def test_fit_names_a_scan_whose_shape_only_loading_tells():
    with pytest.raises(ValueError, match=r"'window'.*scan 'abc', \(30, 28, 26\)"):
        train(spars.Classifier(INPUT), [noise_case("abc", True, 0)], window=LARGE)


def test_crops_that_are_cut_short_fit_any_scan():
    values = np.random.default_rng(0).normal(0, 99, (20, 20, 20)).astype(np.float32)
    case = datasets.Case("a", True, lambda: values, lambda: np.zeros((20, 20, 20), np.uint8))
    history = train(
        spars.Classifier(INPUT), [case], protocol="published", epochs=1, crops_per_scan=2
    )
    assert len(history.epochs) == 1


def test_a_batch_of_one_crop_is_refused_where_the_last_batch_norm_sees_one_voxel():
    options = {"scans_per_step": 1, "crops_per_scan": 1}
    with pytest.raises(ValueError, match=r"'crops_per_scan'.*2 or more.*Got 1"):
        train(spars.Classifier(INPUT), [unread("a", (40, 40, 40))], **options)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_fit_names_the_scan_and_the_first_voxel_that_is_no_number(bad):
    values = np.zeros((14, 15, 16), np.float32)
    values[3, 4, 5] = values[3, 5, 0] = values[9, 0, 0] = bad
    case = datasets.Case("abc", True, lambda: values)
    with pytest.raises(spars.NonFiniteError, match=rf"'abc'.*Got {bad} at voxel \(3, 4, 5\)"):
        train(spars.Classifier(INPUT), [case])


def test_cases_know_their_shapes_without_voxels(tmp_path):
    spars.save(tmp_path / "a.nii.gz", np.zeros((5, 6, 7), np.int16))
    (tmp_path / "labels.csv").write_text("image,has_tumour\na.nii.gz,1\n")
    assert datasets.from_csv(tmp_path / "labels.csv")[0].shape == (5, 6, 7)
    assert datasets.phantoms(1, shape=(32, 28, 24))[0].shape == (32, 28, 24)
    assert noise_case("a", True, 0).shape is None
    with pytest.raises(ValueError, match="'shape' parameter of Case"):
        datasets.Case("a", True, never, shape=(1, 2))


def score(crops):
    raise AssertionError("a window was scored")


@pytest.mark.parametrize(
    "call",
    [
        lambda path, **o: spars.ScoreAtlas.compute(path, score, **o),
        lambda path, **o: spars.ScoreAtlas.forecast(path, score, **o),
        lambda path, **o: spars.parallel_env(path, score, **o),
        lambda path, **o: spars.self_play(path, score, **o),
        lambda path, **o: spars.segment(path, score, **o),
        lambda path, **o: spars.segment(path, score, method="exhaustive", **o),
    ],
)
def test_games_hold_windows_against_the_grid_before_the_scan_is_loaded(call, tmp_path):
    """The file does not exist, and the window is what is said to be wrong."""
    with pytest.raises(ValueError, match=r"'window'.*grid \(64, 64, 64\)\. Got \(65, 8, 8\)"):
        call(tmp_path / "none.nii", window=(65, 8, 8), grid=(64, 64, 64))


def test_segment_reads_only_the_header_to_refuse_a_window(tmp_path):
    path = tmp_path / "scan.nii"
    # Voxels that are no numbers would be refused as well, but later.
    spars.save(path, np.full((30, 30, 30), np.nan, np.float32))
    with pytest.raises(ValueError, match=r"'window'.*\(30, 30, 30\)\. Got \(31, 12, 12\)"):
        spars.segment(path, score, window=LARGE, grid=None)


def test_the_command_line_refuses_windows_before_it_loads(tmp_path, capsys):
    spars.save(tmp_path / "a.nii.gz", np.zeros((30, 30, 30), np.int16))
    (tmp_path / "labels.csv").write_text("image,has_tumour\na.nii.gz,1\n")
    # What the weights' recipe leaves open is known once they are read; the scan is not yet.
    spars.Classifier((108, 108, 108)).save(tmp_path / "known.safetensors")
    large = ["--window", "31", "12", "12", "--grid", "native"]
    train_command = [
        "train", "--csv", str(tmp_path / "labels.csv"), "--output", str(tmp_path / "w.safetensors"),
        "--input-shape", "108", "108", "108", *large,
    ]  # fmt: skip
    segment_command = [
        "segment", str(tmp_path / "a.nii.gz"), "--classifier", str(tmp_path / "known.safetensors"),
        "--output", str(tmp_path / "mask.nii.gz"), *large,
    ]  # fmt: skip
    for command in (train_command, segment_command):
        assert cli.main(command) != 0
        error = capsys.readouterr().err
        assert "'window'" in error, command
        assert "(30, 30, 30)" in error, command
    kept = ["a.nii.gz", "known.safetensors", "labels.csv"]
    assert sorted(path.name for path in tmp_path.iterdir()) == kept

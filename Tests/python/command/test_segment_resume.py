"""`spars segment --resume`: on from a checkpoint, with the bits of one command."""

import numpy as np
import pytest

import spars
from spars.command import cli


@pytest.fixture
def segment(tmp_path, rng):
    scan = tmp_path / "scan.nii.gz"
    spars.save(scan, spars.Volume(rng.normal(40, 30, (16, 16, 12)), np.eye(4)))
    weights = tmp_path / "weights.safetensors"
    spars.Classifier(input_shape=(108, 108, 108), seed=1).save(weights)

    def command(name, *options):
        arguments = [
            "segment", scan, "--classifier", weights, "--output", tmp_path / f"{name}.nii.gz",
            "--score-map", tmp_path / f"{name}-map.nii.gz", "--grid", "native", "--window", 8, 8, 6,
            "--n-steps", 8, "--policy", "LocalPolicy", "--snapshot-interval", 1, *options,
        ]  # fmt: skip
        return cli.main([str(argument) for argument in arguments])

    return command


def test_a_search_goes_on_from_its_checkpoint(segment, tmp_path, capsys):
    run = ("--checkpoint", tmp_path / "run.npz")
    assert segment("whole", "--iterations", 4) == 0
    assert segment("part", "--iterations", 2, *run) == 0
    assert segment("part", "--iterations", 4, *run) != 0
    assert "exists already; resume it" in capsys.readouterr().err
    assert segment("part", "--iterations", 4, *run, "--resume") == 0
    assert len(spars.Run.load(tmp_path / "run.npz")) == 4
    whole, part = (spars.load(tmp_path / f"{name}-map.nii.gz").array for name in ("whole", "part"))
    np.testing.assert_array_equal(part, whole)


def test_resume_needs_a_checkpoint_and_self_play(segment, capsys):
    assert segment("mask", "--resume") != 0
    assert "--resume goes on from the file of --checkpoint" in capsys.readouterr().err
    assert segment("mask", "--resume", "--checkpoint", "run", "--method", "greedy") != 0
    assert "is of self_play" in capsys.readouterr().err

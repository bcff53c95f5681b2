"""A notebook's peers: NiiVue's widget holds what is viewed, pandas the epochs of a training."""

import gzip

import ipyniivue
import nibabel
import numpy as np
import pandas
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display
from IPython.utils.capture import capture_output

import spars
from spars.classifier.training.history import History

# ipywidgets' own.
pytestmark = pytest.mark.filterwarnings("default")


def test_niivue_holds_scan_scores_mask_and_reference():
    scan = spars.Volume(
        np.random.default_rng(0).normal(40, 20, (24, 20, 16)), np.diag([2, 2, 3, 1])
    )
    found = spars.segment(
        scan, lambda crops: np.full(len(crops), 0.6), method="exhaustive", window=(8, 8, 6),
        grid=None, stride=4,
    )  # fmt: skip
    widget = found.view(found.mask, on="voxels")
    assert isinstance(widget, ipyniivue.NiiVue)
    names = [volume.name for volume in widget.volumes]
    assert names == ["scan.nii.gz", "scores.nii.gz", "mask.nii.gz", "reference.nii.gz"]
    image = nibabel.Nifti1Image.from_bytes(gzip.decompress(widget.volumes[2].data))
    np.testing.assert_array_equal(np.asarray(image.dataobj), found.mask)
    np.testing.assert_array_equal(image.affine, scan.affine)


def test_a_history_is_a_table():
    epochs = [{"epoch": n, "loss": 0.7 / n, "learning_rate": 0.1} for n in (1, 2)]
    frame = History(epochs=epochs).frame()
    assert isinstance(frame, pandas.DataFrame)
    assert frame.index.name == "epoch"
    assert frame.loc[2, "train/loss"] == 0.35


def test_ipython_shows_cards_and_curves_that_are_drawn_again():
    InteractiveShell.instance()
    rng = np.random.default_rng(0)
    scan = rng.random((14, 12, 10)).astype(np.float32)
    with capture_output() as captured:
        run = spars.self_play(
            scan, lambda crops: crops.mean(axis=(1, 2, 3)), iterations=3, window=(6, 6, 4),
            n_steps=8, callback=spars.callbacks.LiveCurves(seconds=0),
        )  # fmt: skip
        display(run)
    *drawn, card = captured.outputs
    assert len(drawn) == 3
    assert all("image/png" in output.data for output in drawn)
    assert len({output.transient["display_id"] for output in drawn}) == 1
    assert "Run of self-play" in card.data["text/html"]

"""What a notebook shows of a value, and what it scrolls through."""

import html.parser
import importlib.util
import io
import sys
from types import ModuleType, SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

import spars
from spars._support.notebook import card, curve, png
from spars.classifier.training.history import History
from spars.report.scroller import Scroller
from spars.search.segmentation import Segmentation
from spars.volume.slices import orientation_text
from spars.volume.volume import Volume

mpl.use("Agg")


class Parsed(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.words, self.tags = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(self.words)

    def count(self, tag):
        return sum(name == tag for name, _ in self.tags)


def shown(value):
    return Parsed(value._repr_html_())


@pytest.fixture
def found(rng):
    volume = Volume(rng.normal(40, 20, (24, 20, 16)), np.diag([2.0, 2.0, 3.0, 1.0]))
    mask = np.zeros(volume.shape, np.uint8)
    mask[5:12, 5:12, 5:10] = 1
    configuration = {"method": "exhaustive", "segmentation_threshold": 0.4, "search": {}}
    return Segmentation(volume, mask, mask * np.float32(0.7), None, configuration)


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_pictures_read_back(rng, shape):
    pixels = rng.integers(0, 256, shape, np.uint8)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png(pixels)))), pixels)


def test_a_card_shows_what_is_known_and_escapes_it():
    parsed = Parsed(card("A <b>", [("name", "<script>"), ("left out", None), ("count", 3)]))
    assert parsed.text == "A <b> name <script> count 3"
    assert not parsed.count("script")


def test_a_curve_needs_two_numbers():
    assert curve([1.0, np.nan], "loss", "epochs") == ""
    assert "loss, 3 epochs: 3 to 1" in curve([3.0, np.nan, 1.0], "loss", "epochs")
    assert curve([2.0, 2.0], "loss", "epochs").count("66.0") == 2
    assert len(curve(np.arange(100_000.0), "loss", "epochs")) < 5000


def test_a_volume_shows_its_planes_and_which_way_its_axes_run():
    parsed = shown(Volume(np.full((6, 5, 4), np.nan), np.diag([-1.0, -2.0, 3.0, 1.0])))
    assert "6 x 5 x 4" in parsed.text
    assert "x to L, y to P, z to S" in parsed.text
    assert "no number" in parsed.text
    pictures = [attributes["alt"] for tag, attributes in parsed.tags if tag == "img"]
    assert [text.split(",")[0] for text in pictures] == ["axial", "coronal", "sagittal"]
    assert orientation_text(np.eye(4)) == "x to R, y to A, z to S"


def test_a_segmentation_shows_its_largest_slices(found):
    parsed = shown(found)
    assert "2.9 ml, 245 voxels" in parsed.text
    assert "threshold" in parsed.text
    assert "windows scored" not in parsed.text
    pictures = [attributes["alt"] for tag, attributes in parsed.tags if tag == "img"]
    assert [text.split(" (")[0] for text in pictures] == [
        "axial, z = 5", "coronal, y = 5", "sagittal, x = 5",
    ]  # fmt: skip


def test_a_run_shows_how_it_went(rng):
    scan = rng.random((14, 12, 10)).astype(np.float32)
    run = spars.self_play(
        scan, lambda crops: crops.mean(axis=(1, 2, 3)), iterations=3, window=(6, 6, 4), n_steps=8,
        reference=(scan > 0.5).astype(np.uint8),
    )  # fmt: skip
    parsed = shown(run)
    assert "3 of 8 steps" in parsed.text
    assert parsed.count("svg") == 2


def test_a_classifier_shows_what_it_takes_and_learned_on():
    assert "16 x 16 x 16" in shown(spars.pretrained()).text
    parsed = shown(spars.Classifier((108, 108, 108)))
    assert "108 x 108 x 108" in parsed.text
    assert "window" not in parsed.text


@pytest.fixture
def history():
    epochs = [
        {
            "epoch": n, "loss": 0.7 / n, "learning_rate": 0.001,
            "validation": {"loss": 0.7, "sensitivity": 0.5, "specificity": 0.5, "roc_auc": 0.6},
        }
        for n in (1, 2, 3)
    ]  # fmt: skip
    return History(epochs=epochs, best_epoch=3, reason="All 3 epochs were made.")


def test_a_history_shows_its_loss(history):
    parsed = shown(history)
    assert "All 3 epochs were made." in parsed.text
    assert parsed.count("svg") == 2
    assert "epochs 0" in shown(History()).text


def test_a_history_is_drawn_with_what_was_measured(history):
    loss, measures = history.plot().axes
    assert [line.get_label() for line in loss.lines] == ["training", "validation"]
    assert [line.get_label() for line in measures.lines] == [
        "sensitivity", "specificity", "ROC AUC",
    ]  # fmt: skip
    for epoch in history.epochs:
        del epoch["validation"]
    (loss,) = history.plot().axes
    np.testing.assert_allclose(loss.lines[0].get_ydata(), [0.7, 0.35, 0.7 / 3])


def test_a_history_is_a_table_by_the_names_of_callbacks(monkeypatch, history):
    made = []
    pandas = SimpleNamespace(
        Index=lambda values, name: (name, values),
        DataFrame=lambda rows, index: made.append((rows, index)),
    )
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    history.frame()
    ((rows, index),) = made
    assert index == ("epoch", [1, 2, 3])
    assert rows[1]["train/loss"] == 0.35
    assert rows[1]["validation/roc_auc"] == 0.6
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"spars\[tables\]"):
        history.frame()


def without(monkeypatch, absent):
    find = importlib.util.find_spec

    def known(name, *more):
        return None if name == absent else find(name, *more)

    monkeypatch.setattr(importlib.util, "find_spec", known)


def test_a_segmentation_is_viewed_in_the_scroller(monkeypatch, found, tmp_path):
    without(monkeypatch, "ipyniivue")
    view = found.view()
    assert isinstance(view, Scroller)
    ((tag, frame),) = shown(view).tags
    assert tag == "iframe"
    assert frame["srcdoc"] == view.page
    view.save(tmp_path / "view.html")
    page = (tmp_path / "view.html").read_text(encoding="utf-8")
    assert "scroller-data" in page
    assert 'name="reference"' not in page
    assert 'name="reference"' in found.view(found.mask, on="voxels").page
    with pytest.raises(ValueError, match="'reference' parameter of view"):
        found.view(np.zeros((2, 2, 2)))


def test_a_segmentation_is_viewed_in_niivue_where_it_is_installed(monkeypatch, found):
    loaded = []
    module = ModuleType("ipyniivue")
    module.NiiVue = lambda: SimpleNamespace(load_volumes=loaded.extend)
    module.__spec__ = SimpleNamespace(name="ipyniivue")
    monkeypatch.setitem(sys.modules, "ipyniivue", module)
    widget = found.view(found.mask, on="voxels")
    assert hasattr(widget, "load_volumes")
    assert [layer["name"] for layer in loaded] == [
        "scan.nii.gz", "scores.nii.gz", "mask.nii.gz", "reference.nii.gz",
    ]  # fmt: skip
    assert all(layer["data"].startswith(b"\x1f\x8b") for layer in loaded)

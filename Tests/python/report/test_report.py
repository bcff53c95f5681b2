"""The report: self-contained, complete, honest about what it lacks."""

import html.parser
import re
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest

from spars import report
from spars.report import drawing
from spars.report.page import scan_figures
from spars.report.text import number
from spars.search.segmentation import Segmentation
from spars.volume.volume import Volume

mpl.use("Agg")

VOID = {"meta", "img", "link", "br", "input", "hr", "path", "use", "rect", "circle"}


class Page(html.parser.HTMLParser):
    """Collects tags, attributes and text, and checks that tags close in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.words = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def found(rng):
    volume = Volume(rng.normal(40, 20, (24, 20, 16)), np.diag([2.0, 2.0, 3.0, 1.0]))
    mask = np.zeros(volume.shape, np.uint8)
    mask[5:12, 5:12, 5:10] = 1
    run = SimpleNamespace(
        rewards=rng.normal(size=30),
        scores=rng.random((30, 2)),
        dice=np.linspace(0.1, 0.6, 30),
        configuration={"window": [8, 8, 6], "protocol": {"tie_reward": "none"}},
    )
    configuration = {"method": "self_play", "search": run.configuration}
    return Segmentation(volume, mask, mask * np.float32(0.7), run, configuration)


@pytest.fixture
def history():
    epochs = [
        {
            "epoch": n,
            "loss": 0.7 / n,
            "validation": {"sensitivity": 0.5, "specificity": None, "roc_auc": 0.6},
        }
        for n in (1, 2, 3)
    ]
    return SimpleNamespace(to_dict=lambda: {"epochs": epochs, "configuration": {"epochs": 3}})


@pytest.fixture
def page(found, history, tmp_path):
    reference = np.zeros_like(found.mask)
    reference[6:13, 5:12, 5:10] = 1
    report.write_report(
        tmp_path / "report.html",
        found,
        title="A <title> & more",
        reference=reference,
        history=history,
        comparisons=[
            {"name": "greedy", "dice": 0.25, "sensitivity": 1, "precision": None, "note": "N"}
        ],
        cases=[{"name": "scan 7", "use": "training", "label": "tumour", "sha256": "ab12"}],
        tiles=[{"name": "Labels used", "value": "16", "note": "one a scan"}],
        timings={"training": 12.34},
        caveats=["Phantoms are not patients."],
        command="spars demo --seed 0",
    )
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def test_page_needs_nothing_else(page):
    parsed = Page(page)
    sources = [a[name] for _, a in parsed.tags for name in ("src", "href", "data") if name in a]
    sources += [a["xlink:href"] for _, a in parsed.tags if "xlink:href" in a]
    outside = [s for s in sources if not s.startswith(("data:image/png;base64,", "#"))]
    assert outside == ["https://arxiv.org/abs/2505.18989"]
    assert not any(tag in ("script", "link", "iframe") for tag, _ in parsed.tags)
    assert "url(http" not in page


def test_page_says_what_was_asked_of_it(page, found):
    text = Page(page).text
    for wanted in (
        "A <title> & more",
        "greedy 0.250 1 \u2013 N",
        "scan 7 training tumour ab12",
        "12.3",
        "Phantoms are not patients.",
        "spars demo --seed 0",
        'search.protocol.tie_reward "none"',
        "3 epochs; the mean cross entropy went from 0.700 to 0.233.",
        "30 iterations of self-play",
        "instruction set",
        "must not guide treatment",
    ):
        assert wanted in text
    for label, *_ in report.METRICS.values():
        assert label in text


def test_page_is_accessible(page):
    parsed = Page(page)
    attributes = {}
    for tag, values in parsed.tags:
        attributes.setdefault(tag, []).append(values)
    assert attributes["html"][0]["lang"] == "en"
    assert all(image["alt"] for image in attributes["img"])
    assert len(attributes["caption"]) == len(attributes["table"])
    assert all("scope" in cell for cell in attributes["th"])
    ids = [values["id"] for _, values in parsed.tags if "id" in values]
    assert sorted(set(ids)) == sorted(ids)
    anchors = {a["href"][1:] for a in attributes["a"] if a["href"].startswith("#")}
    assert anchors <= set(ids)


def test_charts_follow_light_and_dark(page):
    charts = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(charts) == 5
    assert all("currentColor" in chart and drawing._INK not in chart for chart in charts)
    assert "prefers-color-scheme: dark" in page


def test_the_curve_of_dice_says_where_it_is_not_of_the_mask(found, tmp_path):
    reference = np.zeros_like(found.mask)
    reference[6:13, 5:12, 5:10] = 1

    def text():
        report.write_report(tmp_path / "report.html", found, reference=reference)
        return Page((tmp_path / "report.html").read_text(encoding="utf-8")).text

    assert "before the mask is cut" not in text()
    found.configuration["region"] = "ab12"
    cut = found.dice(reference)
    assert cut > found.run.dice[-1]
    reference = Volume(reference, found.volume.affine)
    assert (
        "It is of the whole map, before the mask is cut to the region. The cut takes Dice from "
        f"0.600 at the curve's end to the mask's {cut:.3f}." in text()
    )


def test_rewards_are_explained_by_the_rule_that_was_played(found, tmp_path):
    def text():
        report.write_report(tmp_path / "report.html", found)
        return Page((tmp_path / "report.html").read_text(encoding="utf-8")).text

    assert "0 means no progress" in text()
    found.run.configuration |= {"game": "exhaustion", "rule": {"final_factor": 12.0}}
    found.run.opponent_rewards = -found.run.rewards
    assert "last step counts 12 times" in text()
    assert "0 means no progress" not in text()


@pytest.mark.parametrize("has_reference", [False, True])
def test_both_pictures_show_the_same_slices(found, has_reference):
    reference = np.zeros_like(found.mask)
    reference[2, 3, 4] = 1
    overlay, score_map = (
        [ax.get_title() for ax in figure.axes if ax.get_title()]
        for figure in scan_figures(found, reference if has_reference else None).values()
    )
    expected = (2, 3, 4) if has_reference else (5, 5, 5)
    assert [title.split(" = ")[1] for title in overlay] == [str(i) for i in expected[::-1]]
    assert score_map == overlay


def test_without_reference_and_history_the_page_claims_no_quality(found, tmp_path):
    found.run = SimpleNamespace(configuration={})
    report.write_report(tmp_path / "report.html", found)
    parsed = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "how good the mask is remains unknown" in parsed.text
    assert "Dice" not in parsed.text
    assert not {"metrics", "training", "search"} & {a.get("id") for _, a in parsed.tags}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.12345, "0.123"),
        (123.4, "123"),
        (3, "3"),
        (np.int64(4), "4"),
        (float("nan"), "undefined"),
        (float("inf"), "infinite"),
        (None, "\u2013"),
    ],
)
def test_numbers(value, text):
    assert number(value) == text


def test_the_page_marks_the_epoch_whose_weights_were_kept(found, history, tmp_path):
    for weights, best, marked in (("best", 2, True), ("last", 2, False), ("best", None, False)):
        values = history.to_dict()
        values |= {"best_epoch": best, "configuration": {"weights": weights}}
        told = SimpleNamespace(to_dict=lambda values=values: values)
        report.write_report(tmp_path / "page.html", found, history=told)
        page = (tmp_path / "page.html").read_text()
        # In the text, and beside the line of both charts.
        assert ("The classifier has the weights of epoch 2" in page) == marked
        assert page.count("weights kept: epoch 2") == (2 if marked else 0)

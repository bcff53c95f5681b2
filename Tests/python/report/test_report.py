"""The report: self-contained, complete, honest about what it lacks."""

import base64
import html.parser
import io
import json
import re
import sys
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from spars import report
from spars.report import drawing
from spars.report.pictures import scan_figures
from spars.report.scroller import packed
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
        if self.open and self.open[-1] not in ("style", "script"):
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
    assert not any(tag in ("link", "iframe") for tag, _ in parsed.tags)
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
    figures = scan_figures(found, reference if has_reference else None)
    overlay, score_map = (
        [ax.get_title() for ax in figure.axes if ax.get_title()]
        for figure in [figures["overlay"], figures["score_map"]]
    )
    expected = (2, 3, 4) if has_reference else (5, 5, 5)
    assert [title.split(" = ")[1].split()[0] for title in overlay] == [
        str(i) for i in expected[::-1]
    ]
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


def written(found, path, **options):
    report.write_report(path, found, **options)
    return Page(path.read_text(encoding="utf-8"))


def test_the_largest_miss_and_false_region_stand_beside_the_best_slice(found, tmp_path):
    # A lesion that the mask does not touch is the miss, however large the rim of another is.
    reference = np.zeros_like(found.mask)
    reference[5:20, 5:12, 5:10] = 1
    reference[0:2, 0:2, 13:15] = 1
    figures = scan_figures(found, reference)
    titles = [ax.get_title().split("\n") for ax in figures["differences"].axes]
    assert [title[0] for title in titles] == ["largest overlap", "largest miss"]
    assert titles[1][1].startswith("axial, z = 13 ")
    text = written(found, tmp_path / "page.html", reference=reference).text
    assert "Largest miss: 0.10 ml at R 1.0, A 1.0, S 40.5 mm, a whole lesion" in text
    # Without it, what is left of the one that is touched.
    reference[0:2, 0:2, 13:15] = 0
    text = written(found, tmp_path / "page.html", reference=reference).text
    assert "part of a lesion of the reference that the mask touches" in text
    assert "differences" not in scan_figures(found, found.mask)
    assert "differences" not in scan_figures(found, None)


def test_the_lesion_table_says_where_each_lies_and_what_of_it_is_right(found, tmp_path):
    found.mask[20:22, 2:4, 1:3] = 1
    reference = np.zeros_like(found.mask)
    reference[5:12, 5:12, 5:10] = 1
    reference[5] = 0
    text = written(found, tmp_path / "page.html", reference=reference).text
    first, second = found.lesions
    assert f"1 R 16.0, A 16.0, S 21.0 2.94 {first.diameter:.1f}" in text
    assert "0.700 86 %" in text
    assert f"2 R 41.0, A 5.0, S 4.5 0.10 {second.diameter:.1f}" in text
    assert "0.000 0 %" in text


@pytest.mark.parametrize("flat", [True, False])
def test_flat_scores_are_said_to_be(found, tmp_path, rng, flat):
    width = 0.01 if flat else 0.2
    found.score_map = np.float32(0.5) + width * rng.random(found.mask.shape, dtype=np.float32)
    text = written(found, tmp_path / "page.html").text
    assert ("Scores are flat" in text) == flat


def test_probability_and_scores_asked_are_shown_where_they_are_known(found, tmp_path):
    text = written(found, tmp_path / "page.html").text
    assert "Probability of tumour" not in text
    assert "Windows scored" not in text
    found.configuration["search"]["scores_asked"] = 321
    found.configuration |= {
        "method": "exhaustive",
        "recipe": {"presence_slope": 1.0, "presence_offset": 0.0},
    }
    text = written(found, tmp_path / "page.html").text
    assert "Windows scored 321" in text
    assert "Probability of tumour 0.70" in text


def test_the_page_ranks_nothing_by_one_scan(page):
    text = Page(page).text
    assert "ranks no methods" in text
    assert not re.search(r"\b(best|better|worse|beats?|outperforms?)\b (baseline|than)", text)


def test_the_scroller_unpacks_to_the_scan_it_was_packed_from(found):
    reference = np.zeros_like(found.mask)
    reference[6:13, 5:12, 5:10] = 1
    # Stored head first and front to back, so that axes are reordered and reversed.
    turned = [a.transpose(2, 0, 1)[::-1] for a in (found.volume.array, found.mask, reference)]
    affine = np.zeros((4, 4))
    affine[2, 0], affine[0, 1], affine[1, 2] = -3.0, 2.0, 2.0
    affine[:, 3] = [0, 0, 45, 1]
    scores = np.ascontiguousarray(turned[1] * np.float32(0.7))
    mask = np.ascontiguousarray(turned[1])
    other = Segmentation(Volume(turned[0], affine), mask, scores, None, found.configuration)
    for segmentation, truth in ((found, reference), (other, np.ascontiguousarray(turned[2]))):
        data = json.loads(packed(segmentation, truth)["json"])
        x, y, z = data["shape"]
        grey, layers = (
            np.asarray(Image.open(io.BytesIO(base64.b64decode(data[name].partition(",")[2]))))
            for name in ("scan", "layers")
        )
        assert grey.shape == layers.shape[:2]
        rows = -(-z // data["columns"])
        cut = layers.reshape(rows, y, data["columns"], x, 3).swapaxes(1, 2).reshape(-1, y, x, 3)
        cut = cut[:z].transpose(2, 1, 0, 3)
        corner = np.array(data["affine"]) @ [*np.argwhere(cut[..., 0] > 127).mean(axis=0), 1]
        np.testing.assert_allclose(corner[:3], segmentation.lesions[0].position, atol=1e-6)
        # Columns run to the left, rows to the back, slices to the feet.
        assert np.array_equal(np.sign(np.diag(data["affine"])), [-1, -1, -1, 1])
        assert (cut[..., 1] > 127).sum() == truth.sum()
        assert ((cut[..., 2] > 0) == (cut[..., 0] > 127)).all()
    assert data["scores"] == pytest.approx([0.7, 0.7])


def test_the_scroller_of_a_large_scan_stays_small(rng):
    volume = Volume(rng.normal(40, 20, (256, 256, 128)), np.diag([0.7, 0.7, 2.5, 1.0]))
    nothing = np.zeros(volume.shape, np.uint8)
    empty = Segmentation(volume, nothing, nothing.astype(np.float32), None, {"method": "x"})
    told = packed(empty, None)
    data = json.loads(told["json"])
    assert np.prod(data["shape"]) < 2.1e6
    assert len(told["json"]) < 3e6
    assert data["start"] == [n // 2 for n in data["shape"]]


def test_what_is_folded_is_part_of_the_print(page):
    assert "beforeprint" in page
    assert "details::details-content" in page
    for name in ("scan", "mask", "score map"):
        assert re.search(rf">{name}</th><td><code>[0-9a-f]{{64}}<", page)


def test_a_legend_has_the_ground_of_its_panel(page):
    assert page.count("fill: var(--panel)") >= 2


def test_surfaces_name_their_extra_and_their_ending(found, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"\.html"):
        report.write_surfaces(tmp_path / "surfaces.png", found)
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(ImportError, match=r"spars\[report3d\]"):
        report.write_surfaces(tmp_path / "surfaces.html", found)


def test_a_segmentation_without_its_scan_has_a_report_too(found, tmp_path):
    found.save(tmp_path / "kept")
    text = written(Segmentation.load(tmp_path / "kept"), tmp_path / "page.html").text
    assert "0.700" in text
    assert "how good the mask is remains unknown" in text


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"timings": (4, 4, 4)}, "a mapping of str to float"),
        ({"history": b""}, "a History or None"),
        ({"coverage": (True,)}, "a mapping of str to Coverage"),
        ({"title": 3}, "a str"),
        ({"command": [1]}, "a str"),
        ({"summary": "one text"}, "a sequence of str"),
        ({"caveats": [None]}, "a str"),
    ],
)
def test_what_a_page_cannot_say_is_refused(found, tmp_path, given, wanted):
    (name,) = given
    with pytest.raises(TypeError, match=f"'{name}' parameter of write_report must be {wanted}"):
        report.write_report(tmp_path / "page.html", found, **given)


@pytest.mark.parametrize(
    "rows",
    [{"cases": [{"name": "a"}]}, {"tiles": np.zeros((2, 3))}, {"comparisons": [{"name": "a"}]}],
)
def test_rows_without_their_keys_are_refused(found, tmp_path, rows):
    wanted = f"'{next(iter(rows))}' parameter of write_report must be mappings with 'name'"
    with pytest.raises(TypeError, match=wanted):
        report.write_report(tmp_path / "page.html", found, **rows)


def test_what_is_no_segmentation_has_no_page(tmp_path):
    with pytest.raises(TypeError, match="'segmentation' parameter of write_report must be a Segm"):
        report.write_report(tmp_path / "page.html", np.float32(2))

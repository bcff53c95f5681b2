"""Pictures: orientation, default slices, outlines, curves."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot

from spars import plots
from spars._support.extras import require
from spars._support.progress import ProgressLines, progress_bar
from spars.report import charts
from spars.volume.volume import Volume

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    pyplot.close("all")


def image_of(figure):
    return np.asarray(figure.axes[0].images[0].get_array())


@pytest.mark.parametrize(
    "flips", [(1, 1, 1), (-1, 1, 1), (1, -1, 1), (1, 1, -1), (-1, -1, -1)], ids=str
)
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 0, 1)], ids=str)
@pytest.mark.parametrize(
    ("across", "plane", "letters", "shape", "aspect"),
    [
        (0, "sagittal", "APSI", (3, 5), 5.0 / 3.0),
        (1, "coronal", "RLSI", (3, 4), 5.0 / 2.0),
        (2, "axial", "RLAP", (5, 4), 3.0 / 2.0),
    ],
    ids=["sagittal", "coronal", "axial"],
)
def test_slices_are_turned_as_radiologists_look_at_them(
    flips, order, across, plane, letters, shape, aspect
):
    # World shape (4, 5, 3), millimetres (2, 3, 5): one bright voxel at the patient's right, front
    # and head, which belongs into the upper left corner of each plane.
    world = np.zeros((4, 5, 3), np.float32)
    world[3, 4, 2] = 100.0
    turned = world[:: flips[0], :: flips[1], :: flips[2]].transpose(order)
    affine = np.zeros((4, 4))
    affine[3, 3] = 1.0
    for voxel_axis, world_axis in enumerate(order):
        affine[world_axis, voxel_axis] = flips[world_axis] * (2.0, 3.0, 5.0)[world_axis]
    axis = order.index(across)
    index = world.shape[across] - 1 if flips[across] == 1 else 0
    figure = plots.overlay(Volume(turned, affine), axis=axis, index=index)
    image = image_of(figure)
    assert image.shape == shape
    assert np.argwhere(image == 100.0).tolist() == [[0, 0]]
    (ax,) = figure.axes
    assert ax.get_aspect() == pytest.approx(aspect)
    # The slice lies where the bright voxel does.
    millimetres = (flips[across] * index if flips[across] == 1 else 0) * (2.0, 3.0, 5.0)[across]
    place = f"{'RAS'[across]} {millimetres:.1f} mm"
    assert ax.get_title() == f"{plane}, {'xyz'[axis]} = {index} ({place})"
    *found, bar = (text.get_text() for text in ax.texts)
    assert "".join(found) == letters
    assert bar == ("5 mm" if plane == "sagittal" else "2 mm")


def test_default_slice_is_where_the_reference_is_largest(rng):
    mask = np.zeros((5, 6, 9), np.uint8)
    mask[1, 1, 2] = 1
    mask[1:3, 1:3, 7] = 1
    prediction = np.zeros_like(mask)
    prediction[:, :, 4] = 1
    empty = np.zeros_like(mask)
    assert plots.largest_slice(mask.shape, mask, prediction, axis=2) == 7
    assert plots.largest_slice(mask.shape, empty, prediction, axis=2) == 4
    assert plots.largest_slice(mask.shape, None, empty, axis=2) == 4
    volume = rng.normal(size=mask.shape)
    figure = plots.overlay(volume, prediction, mask)
    assert "z = 7" in figure.axes[0].get_title()


def test_outlines_follow_voxel_edges():
    mask = np.zeros((6, 6, 1), np.uint8)
    mask[2:4, 1:5, 0] = 1
    figure = plots.overlay(np.zeros(mask.shape), mask, index=0)
    (contours,) = figure.axes[0].collections
    corners = contours.get_paths()[0].vertices
    # Turned round: voxels 2...3 of 6 stay 2...3, 1...4 stay 1...4. Edges lie half a voxel out, and
    # marching squares cut the corner of a doubled pixel by a quarter of a voxel at most.
    np.testing.assert_allclose(corners.min(axis=0), (1.5, 0.5), atol=0.25)
    np.testing.assert_allclose(corners.max(axis=0), (3.5, 4.5), atol=0.25)


def test_views_draw_each_axis_once_with_one_legend(rng):
    volume = rng.normal(size=(8, 9, 10))
    mask = volume > 1.0
    figure = plots.views(volume, mask, mask, np.abs(volume) / 10, score_label="evidence")
    *slices, bar = figure.axes
    assert bar.get_ylabel() == "evidence"
    titles = [ax.get_title() for ax in slices]
    assert [title.split(" =")[0] for title in titles] == ["axial, z", "coronal, y", "sagittal, x"]
    assert sum(ax.get_legend() is not None for ax in figure.axes) == 1


def test_curves_leave_out_what_was_never_measured():
    series = {"loss": [3.0, 2.0, 1.0], "validation": [np.nan] * 3, "none": []}
    figure = plots.curves(series, x_label="epoch", y_label="loss")
    (line,) = figure.axes[0].lines
    assert line.get_label() == "loss"
    assert line.get_ydata().tolist() == [3.0, 2.0, 1.0]


@pytest.mark.parametrize(("epoch", "side"), [(1, "left"), (3, "right")])
def test_a_mark_crosses_the_curves_and_says_what_it_is(epoch, side):
    series = {"loss": [3.0, 2.0, 1.0]}
    figure = plots.curves(series, x_label="epoch", y_label="loss", mark=(epoch, "kept"))
    (ax,) = figure.axes
    _, line = ax.lines
    assert list(line.get_xdata()) == [epoch, epoch]
    (text,) = ax.texts
    assert (text.get_text(), text.get_horizontalalignment()) == ("kept", side)


@pytest.mark.parametrize("place", [0, 4])
def test_a_mark_outside_the_curves_is_refused(place):
    with pytest.raises(ValueError, match="'mark' parameter of curves"):
        plots.curves({"loss": [3.0, 2.0, 1.0]}, x_label="", y_label="", mark=(place, "kept"))


def test_trailing_mean_equals_the_plain_one(rng):
    values = rng.normal(size=50)
    values[[3, 4, 5, 20]] = np.nan
    for width in (1, 3, 7, 80):
        windows = [values[max(0, i + 1 - width) : i + 1] for i in range(values.size)]
        plain = [np.mean(w[~np.isnan(w)]) if (~np.isnan(w)).any() else np.nan for w in windows]
        np.testing.assert_allclose(charts.trailing_mean(values, width), plain, rtol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"axis": 3}, "'axis' parameter of overlay"),
        ({"index": 10}, "'index' parameter of overlay"),
        ({"prediction": np.zeros((2, 2, 2))}, "'prediction' parameter of overlay"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        plots.overlay(np.zeros((8, 9, 10)), **arguments)


def test_missing_package_names_its_extra():
    with pytest.raises(ImportError, match=r"Plotting needs absent.*spars\[report\]"):
        require("absent.module", "report", "Plotting")


def test_bar_reports_and_closes(monkeypatch):
    from spars.callbacks import ProgressBar

    drawn = []

    class Recorder:
        def __init__(self, total, desc, unit):
            self.total, self.n = total, 0
            drawn.append(self)

        def update(self, count):
            self.n += count

        def close(self):
            self.closed = True

    bar = ProgressBar("work")
    monkeypatch.setattr(bar, "_tqdm", Recorder)
    for done in (1, 3, 10):
        bar(done, 10)
    assert (drawn[0].n, drawn[0].closed) == (10, True)
    bar(1, 2)
    assert len(drawn) == 2


def test_no_bar_where_nobody_looks(monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: False, raising=False)
    assert isinstance(progress_bar("work"), ProgressLines)


def test_figures_are_not_kept_by_pyplot():
    scan = Volume(np.zeros((6, 6, 6), np.float32))
    for _ in range(3):
        plots.overlay(scan, np.ones((6, 6, 6)), score_map=np.ones((6, 6, 6), np.float32))
        plots.views(scan)
        plots.curves({"loss": [1.0, 0.5]}, x_label="step", y_label="loss")
    assert pyplot.get_fignums() == []
    assert plots.views(scan)._repr_png_().startswith(b"\x89PNG")
    figure, ax = pyplot.subplots()
    assert plots.overlay(scan, ax=ax) is figure
    assert pyplot.get_fignums() == [figure.number]


@pytest.mark.parametrize(
    ("threshold", "said", "lines"),
    [(0.5, "the line", 2), (7.0, "above", 0), (0.01, "below", 0)],
)
def test_the_threshold_is_marked_on_the_colour_bar(threshold, said, lines):
    scores = np.linspace(0.1, 1.0, 216, dtype=np.float32).reshape(6, 6, 6)
    figure = plots.overlay(np.zeros((6, 6, 6)), score_map=scores, threshold=threshold)
    _, bar = figure.axes
    assert bar.get_ylabel() == f"score (threshold {threshold:.3g}, {said})"
    marked = [line for line in bar.lines if list(line.get_ydata()) == [threshold] * 2]
    assert len(marked) == lines
    figure = plots.views(np.zeros((6, 6, 6)), score_map=scores, threshold=threshold)
    assert said in figure.axes[-1].get_ylabel()


def test_lines_are_told_apart_by_more_than_colour():
    series = {str(i): np.arange(30.0) * i for i in range(6)}
    (ax,) = plots.curves(series, x_label="", y_label="").axes
    assert len({line.get_marker() for line in ax.lines}) == 6
    assert len({str(line._unscaled_dash_pattern) for line in ax.lines}) == 6


def test_many_lines_are_told_apart_and_named_beside_the_chart():
    figure = plots.budgets({str(i): {1: 0.1 * i, 9: 0.5} for i in range(11)})
    (ax,) = figure.axes
    styles = {
        (line.get_color(), line.get_marker(), str(line._unscaled_dash_pattern)) for line in ax.lines
    }
    assert len(styles) == 11
    figure.draw_without_rendering()
    assert ax.get_legend().get_window_extent().x0 >= ax.bbox.x1


def test_budgets_are_drawn_by_the_windows_asked_for():
    figure = plots.budgets({"flood": {500: 0.4, 100: 0.2}, "walk": {100: 0.1}}, limit=0.6)
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    assert list(lines["flood"].get_xdata()) == [100, 500]
    assert list(lines["flood"].get_ydata()) == [0.2, 0.4]
    assert set(lines) == {"flood", "walk", "every window"}
    assert figure.axes[0].get_xscale() == "log"
    with pytest.raises(ValueError, match="'reached'"):
        plots.budgets({})
    with pytest.raises(ValueError, match="'limit' parameter of budgets must be a float"):
        plots.budgets({"flood": {100: 0.2}}, limit=float("nan"))


def test_a_box_is_a_part_of_the_scan():
    box = (slice(0, 4), slice(0, 4), slice(0, 5))
    with pytest.raises(ValueError, match="'box' parameter of overlay must be a part of a scan"):
        plots.overlay(np.zeros((4, 4, 4)), box=box)


def test_a_mean_wider_than_its_curve_takes_all_of_it():
    assert charts.trailing_mean([1.0, 3.0], 10**30).tolist() == [1.0, 2.0]


def test_views_want_a_slice_for_each_axis():
    with pytest.raises(ValueError, match="'index' parameter of views must be three integers"):
        plots.views(np.zeros((4, 4, 4)), index=())


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plots.payoff(np.zeros((3, 3))), "'league' parameter of payoff must be a League"),
        (lambda: plots.ratings([1]), "'league' parameter of ratings must be a League"),
        (lambda: plots.budgets([1]), "'reached' parameter of budgets must be a mapping by name"),
        (lambda: plots.budgets({"a": [0.5]}), "must be a mapping of windows to Dice, by name"),
        (lambda: plots.coverage({"a": 1}), "'curves' parameter of coverage must be a Coverage"),
        (
            lambda: plots.curves(3, x_label="x", y_label="y"),
            "'series' parameter of curves must be a mapping by name",
        ),
        (
            lambda: plots.curves({"a": [1.0]}, x_label=3, y_label="y"),
            "'x_label' parameter of curves must be a str",
        ),
        (
            lambda: plots.overlay(np.zeros((4, 4, 4)), intensity_window=[1, 2]),
            "'intensity_window' parameter of overlay must be an IntensityWindow",
        ),
        (
            lambda: plots.overlay(np.zeros((4, 4, 4)), score_label=[1]),
            "'score_label' parameter of overlay must be a str",
        ),
        (
            lambda: plots.overlay(np.zeros((4, 4, 4)), box=range(3)),
            "'box' parameter of overlay must be a tuple of three slices",
        ),
        (
            lambda: plots.views(np.zeros((4, 4, 4)), index={"a": 1}),
            "'index' parameter of views must be three integers",
        ),
    ],
)
def test_what_cannot_be_drawn_is_named(draw, message):
    with pytest.raises(TypeError, match=message):
        draw()


def test_axes_that_are_none_are_refused():
    with pytest.raises(TypeError, match="'ax' parameter of a chart must be matplotlib's Axes"):
        plots.curves({"a": [1.0]}, x_label="x", y_label="y", ax=3.0)

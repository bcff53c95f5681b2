"""Which windows raised a voxel, and how much of a scan a search has seen."""

import numpy as np
import pytest

import spars
from spars import baselines
from spars.search.coverage import coverage, regret

WINDOW = (8, 8, 6)
GRID = (32, 28, 24)
GAMES = ("self_play", "random_walk", "greedy")


def darkness(crops):
    return np.clip((100.0 - crops.mean(axis=(1, 2, 3))) / 100.0, 0.0, 1.0).astype(np.float32)


@pytest.fixture(scope="module")
def scan():
    shape = (40, 30, 26)
    x, y, z = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    blob = ((x - 26) / 6) ** 2 + ((y - 12) / 6) ** 2 + ((z - 14) / 5) ** 2 < 1
    noise = np.random.default_rng(2).normal(0, 3, shape)
    return spars.Volume(np.where(blob, 0.0, 100.0) + noise)


def segmented(scan, method="self_play", **options):
    options = {"iterations": 3, "window": WINDOW, "grid": GRID, "n_steps": 16} | options
    return spars.segment(scan, darkness, method=method, **options)


def accumulated(scores, rule):
    """What the map adds up visit by visit, in float32."""
    value = np.float32(0)
    for count, score in enumerate(np.asarray(scores, np.float32), 1):
        if rule == "max":
            value = max(value, score)
        elif rule == "sum":
            value += score
        else:
            value += (score - value) / np.float32(count)
    return value


@pytest.mark.parametrize("accumulation", ["sum", "mean", "max"])
@pytest.mark.parametrize("method", GAMES)
def test_the_reasons_of_a_voxel_accumulate_to_its_value(scan, method, accumulation):
    protocol = spars.Protocol.paper().with_switches(accumulation=accumulation)
    found = segmented(scan, method, protocol=protocol, seed=4)
    rng = np.random.default_rng(6)
    visited = rng.permutation(np.argwhere(found.score_map > 0))[:20]
    for voxel in [*visited, *np.argwhere(found.score_map == 0)[::5000]]:
        reasons = found.why(*voxel)
        assert accumulated([reason.score for reason in reasons], accumulation) == pytest.approx(
            found.score_map[tuple(voxel)], abs=1e-7
        )
        assert reasons or found.score_map[tuple(voxel)] == 0


@pytest.mark.parametrize(
    "switches",
    [
        {"credited_score": "other"},
        {"credited_agents": "learner"},
        {"map_read": "after_reset", "max_episode_steps": 20},
        {"map_read": "after_reset", "reset_each_iteration": True},
        {"border": "clamped_crop", "border_crops": "stretched"},
        {"scan_frame": "corner"},
    ],
    ids=str,
)
def test_the_reasons_follow_every_switch_of_the_map(scan, switches):
    protocol = spars.Protocol.paper().with_switches(accumulation="sum", **switches)
    found = segmented(scan, protocol=protocol, termination_threshold=1.0, seed=1)
    assert found.score_map.any()
    voxels = np.random.default_rng(3).permutation(np.argwhere(found.score_map >= 0))[:60]
    for voxel in [*voxels, *np.argwhere(found.score_map > 0)[::997]]:
        total = accumulated([reason.score for reason in found.why(*voxel)], "sum")
        assert total == pytest.approx(found.score_map[tuple(voxel)], abs=1e-5)


def test_a_reason_names_its_record(scan):
    found = segmented(scan, seed=2)
    voxel = np.argwhere(found.score_map > 0)[10]
    for reason in found.why(*voxel):
        agent = ("learner", "opponent").index(reason.agent)
        run = found.run
        np.testing.assert_array_equal(
            run.windows[reason.iteration, reason.step, agent], reason.window
        )
        assert run.step_scores[reason.iteration, reason.step, agent] == np.float32(reason.score)


def test_an_exhaustive_search_has_a_reason_for_every_window_over_a_voxel(scan):
    found = segmented(scan, "exhaustive")
    reasons = found.why(20, 14, 12)
    assert len(reasons) == len({reason.window for reason in reasons}) > 1
    assert {reason.agent for reason in reasons} == {None}
    mean = np.mean([reason.score for reason in reasons])
    assert mean == pytest.approx(found.score_map[20, 14, 12], abs=1e-6)


def test_an_isolated_region_has_reasons_inside_only(scan):
    region = np.zeros(scan.shape, np.uint8)
    region[12:36, 4:24, 5:22] = 1
    found = segmented(scan, grid=None, region=region, isolated=True)
    assert found.why(0, 0, 0) == []
    voxel = np.argwhere(found.score_map > 0)[100]
    assert accumulated([r.score for r in found.why(*voxel)], "mean") == pytest.approx(
        found.score_map[tuple(voxel)], abs=1e-7
    )


@pytest.mark.parametrize("voxel", [(40, 0, 0), (0, -1, 0), (0, 0, 1.5)])
def test_a_voxel_outside_the_scan_is_refused(scan, voxel):
    found = segmented(scan, "random_walk")
    with pytest.raises((TypeError, ValueError), match="parameter of why must be"):
        found.why(*voxel)


def plain_coverage(windows_by_step, atlas, best):
    """Twin of `coverage`, step by step with sets."""
    scores = {
        tuple(int(v) for v in atlas.origins[index]): float(atlas.scores[index])
        for index in np.ndindex(atlas.scores.shape)
    }
    ranked = sorted(scores.values(), reverse=True)
    lowest = ranked[int(np.ceil(best * len(ranked))) - 1]
    good = {place for place, score in scores.items() if score >= lowest}
    seen, rows, lost, count = set(), [], 0.0, 0
    for windows in windows_by_step:
        for window in windows:
            place = tuple(int(v) for v in window)
            seen.add(place)
            lost += ranked[0] - scores[place]
            count += 1
        highest = max(scores[place] for place in seen)
        rows.append((len(seen) / len(scores), len(seen & good) / len(good), highest, lost / count))
    return np.array(rows)


@pytest.mark.parametrize("method", GAMES)
@pytest.mark.parametrize("best", [0.01, 0.2, 1.0])
def test_coverage_equals_its_plain_twin(scan, method, best):
    atlas = spars.ScoreAtlas.compute(scan, darkness, WINDOW, grid=GRID, covers_edge=False)
    found = segmented(scan, method, seed=5, iterations=8)
    steps = found.run.windows.reshape(-1, 2, 3)
    if method != "self_play":
        np.testing.assert_array_equal(found.run.agents, np.tile([0, 1], len(steps)))
    wanted = plain_coverage(steps, atlas, best)
    curve = coverage(found, atlas, best=best)
    np.testing.assert_allclose(curve.seen, wanted[:, 0], rtol=1e-12)
    np.testing.assert_allclose(curve.best_seen, wanted[:, 1], rtol=1e-12)
    np.testing.assert_allclose(curve.best_score, wanted[:, 2], rtol=1e-12)
    np.testing.assert_allclose(curve.regret, regret(found, atlas), rtol=1e-12)
    np.testing.assert_allclose(regret(found, atlas, kind="average"), wanted[:, 3], atol=1e-12)
    assert curve.places == atlas.scores.size
    assert (np.diff(curve.seen) >= 0).all()


def test_an_exhaustive_search_sees_everything_and_ends_without_regret(scan):
    run = segmented(scan, "exhaustive").run
    curve = run.coverage()
    assert curve.seen[-1] == curve.best_seen[-1] == 1.0
    assert curve.regret[-1] == 0.0
    assert run.regret(kind="average")[-1] > 0


def test_a_live_run_scores_what_it_needs_and_a_loaded_one_asks_for_an_atlas(scan, tmp_path):
    run = segmented(scan).run
    atlas = spars.ScoreAtlas.compute(scan, darkness, WINDOW, grid=GRID)
    np.testing.assert_array_equal(run.coverage().seen, run.coverage(atlas).seen)
    run.save(tmp_path / "run.npz")
    loaded = spars.Run.load(tmp_path / "run.npz")
    with pytest.raises(ValueError, match="'atlas' parameter of coverage must be a ScoreAtlas"):
        loaded.coverage()
    np.testing.assert_array_equal(loaded.regret(atlas), run.regret())


@pytest.mark.parametrize("protocol", ["paper", "published"])
def test_windows_beyond_the_border_are_the_places_that_score_them(scan, protocol):
    array = np.ascontiguousarray(scan.array[:24, :24, :20])
    options = {"window": WINDOW, "protocol": protocol}
    atlas = spars.ScoreAtlas.compute(array, darkness, **options)
    walk = baselines.random_walk(array, darkness, iterations=20, seed=1, **options)
    run = spars.self_play(array, darkness, iterations=20, seed=1, **options)
    for search in (walk, run):
        curve = search.coverage(atlas)
        assert 0 < curve.seen[-1] <= 1
        assert np.nanmax(curve.best_score) <= curve.limit


def test_another_atlas_is_refused(scan):
    run = segmented(scan, "random_walk").run
    other = spars.ScoreAtlas.compute(scan, darkness, (8, 8, 8), grid=GRID)
    with pytest.raises(ValueError, match="must have the search's window"):
        run.coverage(other)
    coarse = spars.ScoreAtlas.compute(scan, darkness, WINDOW, grid=GRID, stride=8)
    with pytest.raises(ValueError, match="must hold every window of the search"):
        run.coverage(coarse)
    with pytest.raises(ValueError, match="'atlas' parameter of regret"):
        run.regret()
    with pytest.raises(ValueError, match="'best' parameter"):
        run.coverage(coarse, best=0.0)
    with pytest.raises(ValueError, match="'kind' parameter"):
        run.regret(coarse, kind="total")


def test_curves_of_several_searches_are_drawn_side_by_side(scan):
    atlas = spars.ScoreAtlas.compute(scan, darkness, WINDOW, grid=GRID)
    curves = {
        name: segmented(scan, name).run.coverage(atlas) for name in ("self_play", "exhaustive")
    }
    figure = spars.plots.coverage(curves)
    assert len(figure.axes) == 3
    for ax in figure.axes:
        assert [line.get_label() for line in ax.get_lines()] == ["self_play", "exhaustive"]
    np.testing.assert_array_equal(
        figure.axes[2].get_lines()[0].get_ydata(), curves["self_play"].regret
    )
    with pytest.raises(ValueError, match="'curves' parameter of coverage"):
        spars.plots.coverage({})


def test_a_report_shows_the_curves_it_is_given(scan, tmp_path):
    found = segmented(scan)
    spars.report.write_report(tmp_path / "plain.html", found)
    plain = (tmp_path / "plain.html").read_text(encoding="utf-8")
    curves = {"self-play": found.run.coverage()}
    spars.report.write_report(tmp_path / "page.html", found, coverage=curves)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("<svg") == plain.count("<svg") + 3
    assert "windows of the highest scores" in page
    assert "windows of the highest scores" not in plain


@pytest.mark.parametrize("measure", [spars.coverage.coverage, spars.coverage.regret])
def test_what_is_no_search_has_no_coverage(scan, measure):
    atlas = spars.ScoreAtlas.compute(scan, lambda crops: np.zeros(len(crops)), (8, 8, 8))
    with pytest.raises(TypeError, match="'search' parameter of .* must be a Run"):
        measure(np.zeros((3, 3)), atlas)

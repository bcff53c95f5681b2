"""What is said of a study's rows: who is a sample of whom, and numbers that survive infinities."""

import math
import re
import sys

import numpy as np
import pytest
import scipy.stats
from study_cases import INTENSITY

import spars
from spars.study.numbers import read_record, write_record
from spars.study.results import Results
from spars.study.statistics import described, differences, holm, p_value
from spars.study.tables import Table


def row(setting, patient, dice, *, seed=0, has_tumour=True, **more):
    """Return a row as a study has it."""
    return {
        "setting": setting, "fold": 0, "seed": seed, "case": patient, "patient": patient,
        "task": f"{setting}{patient}{seed}", "state": "done", "error": "", "seconds": 1.0,
        "folder": "", "has_tumour": has_tumour, "is_found": True, "dice": dice, "assd": 1.0,
        "false_ml": 0.5, "highest": dice if has_tumour else 0.1, "probability": None,
        "reference_ml": 1.0, "prediction_ml": 1.0, **more,
    }  # fmt: skip


@pytest.fixture
def results(rng):
    """Two settings on twelve patients with three seeds; one is better by 0.1."""
    rows = []
    for number, dice in enumerate(rng.uniform(0.3, 0.8, 12)):
        for seed in range(3):
            noise = rng.normal(0, 0.01, 2)
            rows.append(row("a", f"p{number}", dice + 0.1 + noise[0], seed=seed))
            rows.append(row("b", f"p{number}", dice + noise[1], seed=seed))
    return Results(rows)


def test_patients_are_the_sample_not_their_seeds(results):
    (a, b) = results.summary()
    means = [
        np.mean([r["dice"] for r in results if r["setting"] == "a" and r["patient"] == f"p{n}"])
        for n in range(12)
    ]
    assert (a["setting"], b["setting"], a["n"]) == ("a", "b", 12)
    assert a["mean"] == pytest.approx(np.mean(means))
    assert a["sd"] == pytest.approx(np.std(means, ddof=1))
    assert a["low"] < a["mean"] < a["high"]
    expected = scipy.stats.bootstrap(
        (means,), np.mean, n_resamples=10_000, method="BCa", rng=np.random.default_rng(0)
    ).confidence_interval
    assert (a["low"], a["high"]) == pytest.approx((expected.low, expected.high))
    percentile = results.summary(interval="percentile")[0]
    assert (percentile["low"], percentile["high"]) == spars.metrics.bootstrap_interval(means)
    assert math.isnan(results.summary(interval=None)[0]["low"])
    assert len(results.summary(("setting", "seed"))) == 6


def test_settings_are_compared_patient_by_patient(results):
    (found,) = results.compare("a", "b")
    assert found["n"] == 12
    assert found["difference"] == pytest.approx(0.1, abs=0.01)
    assert found["low"] < found["difference"] < found["high"]
    assert found["p"] == pytest.approx(2 / 2**12)
    (permuted,) = results.compare("a", test="permutation", correction=None)
    assert permuted["p"] == pytest.approx(2 / 2**12)
    assert permuted["second"] == "b"


def test_holm_corrects_for_all_that_is_compared():
    assert holm([0.01, 0.04, 0.03, math.nan]) == pytest.approx(
        [0.03, 0.06, 0.06, math.nan], nan_ok=True
    )
    rows = [row(s, f"p{n}", v + n / 100) for s, v in (("a", 0.5), ("b", 0.4), ("c", 0.6))
            for n in range(8)]  # fmt: skip
    first, second = Results(rows).compare("a")
    assert first["p_corrected"] == pytest.approx(2 * first["p"])
    assert second["p_corrected"] >= first["p_corrected"] - 1e-12


def test_infinite_distances_are_counted_and_do_not_spread():
    values = np.array([1.0, 2.0, math.inf, math.nan, 3.0])
    found = described(values)
    assert found["n"] == 4
    assert (found["n_undefined"], found["n_infinite"]) == (1, 1)
    assert found["mean"] == 2.0
    assert (found["lower_quartile"], found["median"], found["upper_quartile"]) == (1.0, 2.5, 3.0)
    assert described(np.array([math.inf, math.inf]))["median"] == math.inf
    assert math.isnan(described(np.array([]))["median"])
    both = differences(np.array([math.inf, 1.0, math.inf]), np.array([math.inf, 3.0, 2.0]))
    assert both.tolist() == [0.0, -2.0, math.inf]
    assert 0 < p_value(both, "wilcoxon", 0) <= 1
    assert p_value(np.zeros(5), "wilcoxon", 0) == 1.0
    assert math.isnan(p_value(np.array([math.nan]), "permutation", 0))


def test_infinite_ranks_are_the_largest():
    finite = np.array([1.0, -2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 100.0])
    infinite = np.where(finite == 100.0, math.inf, finite)
    assert p_value(infinite, "wilcoxon", 0) == scipy.stats.wilcoxon(finite).pvalue


def test_scans_without_tumour_are_counted_apart():
    rows = [row("a", f"p{n}", 0.4 + n / 10) for n in range(3)]
    rows += [
        row("a", f"free{n}", math.nan, has_tumour=False, is_found=n > 1, false_ml=float(n))
        for n in range(4)
    ]
    (found,) = Results(rows).summary()
    assert (found["n"], found["n_undefined"], found["n_free"]) == (3, 0, 4)
    assert found["specificity"] == 0.5
    assert (found["false_ml_median"], found["false_ml_most"]) == (1.5, 3.0)
    assert found["roc_auc"] == 1.0


def test_a_patients_scans_count_once_in_the_roc():
    rows = [row("a", "p", 0.9), row("a", "free", math.nan, has_tumour=False, highest=0.5)]
    # Of two scans of one patient the higher speaks; a map of sums goes beyond 1.
    rows += [row("a", "p", 0.2, highest=3.0), row("a", "q", 0.3, highest=0.4)]
    assert Results(rows).summary()[0]["roc_auc"] == 0.5


def test_worst_is_lowest_of_dice_and_highest_of_distances():
    rows = [row("a", f"p{n}", n / 10, assd=float(n)) for n in range(5)]
    rows.append(row("a", "free", math.nan, has_tumour=False, assd=math.inf))
    found = Results(rows)
    assert [r["case"] for r in found.worst(2)] == ["p0", "p1"]
    assert [r["case"] for r in found.worst(2, "assd")] == ["p4", "p3"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r: r.summary("case"), "The 'by' parameter of summary must be one of"),
        (lambda r: r.summary(interval="normal"), "The 'interval' parameter of summary must be one"),
        (lambda r: r.summary(metric="dise"), "The 'metric' parameter of summary must be one of"),
        (lambda r: r.summary(metric="case"), "The 'metric' parameter of summary must be one of"),
        (lambda r: r.compare("c"), "The 'first' parameter of compare must be one of 'a', 'b'"),
        (lambda r: r.compare("a", "c"), "The 'second' parameter of compare must be one of"),
        (lambda r: r.compare("a", test="t"), "The 'test' parameter of compare must be one of"),
        (lambda r: r.compare("a", correction="x"), "The 'correction' parameter of compare"),
        (lambda r: r.worst(0), "The 'k' parameter of worst must be an integer of at least 1"),
    ],
)
def test_what_results_do_not_know_is_refused(results, call, message):
    with pytest.raises(ValueError, match=message):
        call(results)


def test_results_are_read_while_a_study_runs_and_written_as_a_page(tmp_path):
    study = spars.Study(**INTENSITY)
    results = study.run(tmp_path, callbacks=lambda outcome: False)
    assert [row["state"] for row in results] == ["done", "waiting", "waiting", "waiting"]
    assert results.summary(interval=None)[0]["n_free"] == 1
    results = study.run(tmp_path)
    assert len(results.frame()) == 4
    results.report(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert results.locks[0]["inputs"]["s1"]["image"]["sha256"] in page
    assert "Worst scans by dice" in page
    with pytest.raises(ValueError, match="must end in .html"):
        results.report(tmp_path / "report.pdf")


def test_folders_of_other_inputs_are_not_merged(tmp_path):
    for name, cases in (("a", INTENSITY["data"]["cases"]), ("b", INTENSITY["data"]["cases"][:2])):
        data = {**INTENSITY["data"], "cases": cases}
        spars.Study(**{**INTENSITY, "data": data}).run(tmp_path / name)
    assert len(spars.Results.load(tmp_path / "a", tmp_path / "b")) == 4
    lock = tmp_path / "b" / "study.lock.yaml"
    hashed = spars.Results.load(tmp_path / "b").locks[0]["inputs"]["s1"]["image"]["sha256"]
    told = read_record(lock)
    told["inputs"]["s1"]["image"]["sha256"] = "0" * len(hashed)
    write_record(lock, told)
    with pytest.raises(spars.FormatError, match="its scan 's1' is not that of the first folder"):
        spars.Results.load(tmp_path / "a", tmp_path / "b")
    write_record(lock, {"format": "another"})
    with pytest.raises(spars.FormatError, match="not the lock of a study"):
        spars.Results.load(tmp_path / "b")


def test_what_was_changed_by_hand_is_refused(tmp_path):
    study = spars.Study(**INTENSITY)
    study.run(tmp_path)
    first, second, *_ = sorted(tmp_path.glob("tasks/*/DONE"))
    whole = first.read_text()
    changed = [whole.replace('"seconds": ', '"seconds": 1'), "{}", "[]", "null", "", "[" * 10_000]
    for text in (*changed, second.read_text()):
        first.write_text(text)
        for call in (spars.Results.load, study.plan, study.run):
            with pytest.raises(spars.FormatError, match=re.escape(str(first))):
                call(tmp_path)
    first.write_text(whole)
    lock = tmp_path / "study.lock.yaml"
    lock.write_text(lock.read_text().replace('"rows"', '"columns"'))
    with pytest.raises(spars.FormatError, match="its content is not that of its SHA-256"):
        spars.Results.load(tmp_path)


def test_a_missing_library_is_named_with_its_extra(results, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    monkeypatch.setitem(sys.modules, "yaml", None)
    for call, words in (
        (results.frame, "pip install 'spars[study]'"),
        (spars.Study(**INTENSITY).plan, "pip install 'spars[study]'"),
        (results.summary, "pip install 'spars[stats]'"),
        (lambda: results.compare("a", interval=None), "pip install 'spars[stats]'"),
    ):
        with pytest.raises(ImportError) as caught:
            call()
        assert words in str(caught.value)
    assert len(results.summary(interval="percentile")) == 2
    (tmp_path / "study.yaml").write_text("schema: 1\n")
    with pytest.raises(ImportError, match="A study in YAML needs yaml"):
        spars.Study.load(tmp_path / "study.yaml")


def test_a_table_is_text_and_html():
    table = Table([{"name": "a", "value": 0.123456}, {"name": "<b>", "value": math.nan}])
    assert str(table).splitlines() == ["name   value", "a     0.1235", "<b>        –"]
    assert "<td>&lt;b&gt;</td>" in table._repr_html_()
    assert table[0]["name"] == "a"

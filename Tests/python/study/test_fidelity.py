"""Pages of explanation say what is so of every switch and acceleration, and name its tests."""

import re

import pytest
from places import ROOT

import spars

PAGE = (ROOT / "docs/explanation/fidelity.md").read_text(encoding="utf-8")
ROWS = re.findall(
    r"^\| (D\d+) \| (.+?) \| (.+?) \| (.+?) \| (.*?) ?\|$",
    PAGE,
    re.MULTILINE,
)
INTERVAL = r"(-?[\d.]+) \((-?[\d.]+) to (-?[\d.]+)\)"
WORTH = re.findall(rf"^\| (D\d+) \| {INTERVAL} \| {INTERVAL} \| (\d+) \|$", PAGE, re.MULTILINE)


def test_every_switch_has_its_row():
    assert [row[0] for row in ROWS] == [f"D{number}" for number in range(1, 18)]
    named = {name for row in ROWS for name in re.findall(r"`(\w+)`", row[1])}
    # Two more are of neither text.
    assert named | {"credited_part", "orientation"} == set(spars.Protocol.paper().to_dict())
    assert "Two more switches are of neither text. `orientation`" in PAGE
    assert "And `credited_part` is" in PAGE


def test_values_are_those_of_the_protocols():
    for column, protocol in ((2, spars.Protocol.published()), (3, spars.Protocol.paper())):
        for row in ROWS:
            for name in re.findall(r"`(\w+)`", row[1]):
                value = getattr(protocol, name)
                if isinstance(value, str) and value not in ("window", "nearest", "linear"):
                    assert row[column].startswith(f'`"{value}"`'), (row[0], name)


@pytest.fixture(scope="module")
def sources():
    return "\n".join(
        path.read_text(encoding="utf-8")
        for pattern in ("*.py", "*.swift")
        for path in (ROOT / "Tests").rglob(pattern)
    )


@pytest.fixture(scope="module")
def defined(sources):
    return set(re.findall(r"(?:def|func) (\w+)\(", sources))


@pytest.fixture(scope="module")
def suites(sources):
    return set(re.findall(r"@Suite(?:\(\.\w+\))? struct (\w+)", sources))


def test_tests_named_exist(defined):
    named = [set(re.findall(r"`(\w+)`", row[4])) for row in ROWS]
    assert all(named), "a row names no test"
    assert set().union(*named) <= defined, set().union(*named) - defined


@pytest.mark.parametrize("name", ["fast-classifier", "fast-policy"])
def test_every_acceleration_names_tests_that_exist(name, defined, suites):
    page = (ROOT / f"docs/explanation/{name}.md").read_text(encoding="utf-8")
    claims = re.findall(r"^- Exact:.*?(?=^- |\n\n|\Z)", page, re.MULTILINE | re.DOTALL)
    assert claims
    for claim in claims:
        named = set(re.findall(r"`(\w+)`", claim))
        assert named, claim
        assert named <= defined | suites, named - defined - suites


def test_what_every_switch_is_worth_is_told_over_five_seeds():
    assert [row[0] for row in WORTH] == [f"D{number}" for number in range(1, 18)]
    for switch, *numbers, _ in WORTH:
        dice, low, high, gain, least, most = map(float, numbers)
        assert 0 <= low <= dice <= high <= 1, switch
        assert least <= gain <= most, switch
    (seeds,) = re.findall(r"Benchmarks/switches\.py --seeds ((?:\d+ )+)", PAGE)
    assert len(set(seeds.split())) >= 5

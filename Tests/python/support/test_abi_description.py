"""The description of the C ABI: what is generated from it, and its twins in Swift."""

import importlib
import sys

import pytest
from places import ROOT

GENERATOR = ROOT / "scripts/generate_abi"
SWIFT = sorted((ROOT / "Sources/SPARSABI").glob("*.swift"))


@pytest.fixture
def generator(monkeypatch):
    """Return a module of the generator by its name."""
    monkeypatch.syspath_prepend(str(GENERATOR))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(GENERATOR) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def described(generator):
    return generator("description").Description(ROOT / "Sources/CSPARS/description")


@pytest.fixture
def read(generator, tmp_path):
    """Read one area, whose text is given, as the only one there is."""

    def read(text):
        (tmp_path / "common.toml").write_text('doc = "All."\nareas = ["one"]\n', encoding="utf-8")
        (tmp_path / "one.toml").write_text('doc = "One."\n' + text, encoding="utf-8")
        return generator("description").Description(tmp_path)

    return read


def test_every_function_is_as_its_twin_in_swift(generator, described):
    texts = [path.read_text(encoding="utf-8") for path in SWIFT]
    assert generator("twins").differences(described, texts) == []


TWIN = """
@_cdecl("spars_draw")
public func sparsDraw(
    _ learner: UInt64, _ scores: In<Float>, _ count: Int64, _ places: Out<Int64>,
    _ error: Out<spars_error>
) -> Int32 {
"""
DRAW = """
[[function]]
name = "draw"
doc = "Draws."
parameters = ["learner: handle", "scores: in float32[count]", "count: count"]
results = ["places: int64"]
"""


def test_an_unaltered_twin_is_none_that_differs(generator, read):
    assert generator("twins").differences(read(DRAW), [TWIN]) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("spars_draw", "spars_drawn"),
        ("_ scores: In<Float>", "_ scores: In<Double>"),
        ("_ scores: In<Float>", "_ scores: Out<Float>"),
        ("_ scores: In<Float>, _ count: Int64", "_ count: Int64, _ scores: In<Float>"),
        ("_ count: Int64, ", ""),
        ("_ count: Int64", "_ number: Int64"),
        ("_ count: Int64", "_ count: Int32"),
        ("_ places: Out<Int64>,", "_ places: Out<Int64>, _ seed: UInt64,"),
        ("-> Int32", "-> Int64"),
        (") -> Int32 {", ") {"),
    ],
)
def test_an_altered_twin_is_told(generator, read, old, new):
    assert TWIN.replace(old, new) != TWIN
    assert generator("twins").differences(read(DRAW), [TWIN.replace(old, new)]) != []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("scores in float32[n]", "no 'name: kind'"),
        ("scores: in float33[n]", "'float33' is no element"),
        ("scores: in float32[m]", "'m' of 'scores' is not declared"),
        ("scores: floats", "is not known"),
        ("held: int64", "the shim's own"),
    ],
)
def test_a_wrong_description_is_told(generator, read, line, said):
    text = f'[[function]]\nname = "f"\ndoc = "F."\nparameters = ["{line}", "n: int64"]\n'
    with pytest.raises(Exception, match=said):
        generator("shim").source(read(text), read(text).areas[1])


def test_a_name_that_is_declared_twice_is_told(read):
    struct = '[[struct]]\nname = "s"\nfields = ["one: int64"]\n'
    with pytest.raises(Exception, match="struct s is declared twice"):
        read(struct + struct)


def test_a_count_that_no_buffer_tells_is_told(generator, read):
    text = '[[function]]\nname = "f"\ndoc = "F."\nparameters = ["n: count"]\n'
    with pytest.raises(Exception, match=r"no buffer tells \['n'\]"):
        generator("shim").source(read(text), read(text).areas[1])


def test_what_a_call_could_not_keep_alive_is_told(generator, read):
    struct = '[[struct]]\nname = "s"\nfields = ["label: text"]\n'
    text = struct + '[[function]]\nname = "f"\ndoc = "F."\nparameters = ["one: s"]\n'
    with pytest.raises(ValueError, match="'label' must be a parameter by itself"):
        generator("shim").source(read(text), read(text).areas[1])


def test_more_buffers_than_are_held_are_told(generator, read):
    lines = ", ".join(f'"b{i}: in float32[3]"' for i in range(13))
    text = f'[[function]]\nname = "f"\ndoc = "F."\nparameters = [{lines}]\n'
    with pytest.raises(ValueError, match="at most 12 buffers"):
        generator("shim").source(read(text), read(text).areas[1])


def test_what_is_committed_follows_from_the_description(generator):
    files = generator("files")
    assert files.differing(files.generated()) == ([], [])


def test_a_changed_file_is_told(generator, monkeypatch, tmp_path):
    files = generator("files")
    monkeypatch.setattr(files, "ROOT", tmp_path)
    (tmp_path / "a").write_text("other", encoding="utf-8")
    (tmp_path / "b").write_text("same", encoding="utf-8")
    assert files.differing({"a": "text", "b": "same", "c": "text"}) == (["a", "c"], [])

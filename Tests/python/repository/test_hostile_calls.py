"""Whatever is passed to a public call, the error is of the right kind and the process lives on."""

import json
from pathlib import Path

import hostile

#: `python Tests/python/hostile.py --seed N --calls 30000` is the same at length.
SEED, CALLS = 20, 500


def test_hostile_calls_raise_the_right_kinds():
    wrong = hostile.found(SEED, CALLS)
    assert not wrong, "\n".join(json.dumps(line) for line in wrong)


def test_calls_that_hypothesis_draws_raise_the_right_kinds():
    script = Path(hostile.__file__).with_name("hostile_draws.py")
    wrong = hostile.found(SEED, CALLS, script=script)
    assert not wrong, "\n".join(json.dumps(line) for line in wrong)


def test_a_kind_that_is_wrong_an_end_and_a_hang_are_found(tmp_path):
    """The search itself: a call that raises KeyError, one that ends its process, one that waits."""
    script = tmp_path / "broken.py"
    script.write_text(
        f"""
import os, sys, time
sys.path.insert(0, {str(Path(hostile.__file__).parent)!r})
import hostile
def calls():
    def end(first): os.abort()
    def miss(first): return {{}}["none"]
    def wait(first): time.sleep(60)
    found = {{"miss": miss, "end": end, "wait": wait}}
    return {{name: (call, {{"first": 1}}) for name, call in found.items()}}
hostile.HANGS = 1
hostile.calls = calls
hostile.main()
""",
        encoding="utf-8",
    )
    kinds = [line["kind"] for line in hostile.found(1, 4, script=script)]
    assert kinds == ["KeyError: 'none'", "ended by -6", "Hanging: ", "KeyError: 'none'"]

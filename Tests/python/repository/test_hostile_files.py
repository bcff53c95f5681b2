"""Whatever a file of ours holds, reading it answers or raises a FormatError."""

import json
import subprocess
import sys
from pathlib import Path

import hostile
import pytest

SCRIPT = Path(hostile.__file__).with_name("hostile_files.py")
#: `python Tests/python/hostile_files.py --seed N --files 10000` is the same at length.
SEED, FILES = 4, 210


def test_changed_files_are_read_or_refused_as_broken():
    wrong = hostile.found(SEED, FILES, script=SCRIPT)
    assert not wrong, "\n".join(json.dumps(line) for line in wrong)


def test_a_peak_that_no_honest_file_needs_is_found(tmp_path):
    """The search itself: a reader that takes 64 MiB of each file but the sound one."""
    script = tmp_path / "greedy.py"
    script.write_text(
        f"""
import sys
sys.path.insert(0, {str(SCRIPT.parent)!r})
import numpy as np
import hostile_files
from pathlib import Path
def kinds():
    path = Path("sound.npz")
    np.savez(path, description=np.array("{{}}"), values=np.zeros(4))
    return {{"greedy": (path, lambda file: file == path or b"1" * (64 << 20))}}
hostile_files.kinds = kinds
hostile_files.main()
""",
        encoding="utf-8",
    )
    kinds = [line["kind"] for line in hostile.found(1, 3, script=script)]
    assert len(kinds) == 3
    assert all(kind.startswith("a peak of ") for kind in kinds)


@pytest.mark.parametrize("trial", [218, 1024])
def test_what_another_seed_found_is_refused(trial):
    """A run whose interval is a list, and a league without its scan's digest."""
    command = [sys.executable, str(SCRIPT), "--child", "9201", str(trial), "1"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert '"trial"' in run.stdout
    assert '"kind"' not in run.stdout

"""Whatever a file of ours holds, reading it answers or raises a FormatError."""

import json
from pathlib import Path

import hostile

SCRIPT = Path(hostile.__file__).with_name("hostile_files.py")
#: `python Tests/python/hostile_files.py --seed N --files 10000` is the same at length.
SEED, FILES = 4, 210


def test_changed_files_are_read_or_refused_as_broken():
    wrong = hostile.found(SEED, FILES, script=SCRIPT)
    assert not wrong, "\n".join(json.dumps(line) for line in wrong)

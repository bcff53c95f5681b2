"""Operations that are done again and again keep no memory."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "Benchmarks/trust/leaks.py"
#: What takes milliseconds; `python Benchmarks/trust/leaks.py` is all of it, at length.
NAMES = (
    "resample metrics refused broken_files games environments self_play lesions components "
    "exhaustion_games advantages leagues lesion_windows"
)


def measured(script, *arguments):
    """Return the exit status of a search for leaks, and what it printed."""
    command = [sys.executable, str(script), "--iterations", "500", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not run.stderr, run.stderr
    return run.returncode, run.stdout


def test_memory_does_not_grow():
    status, lines = measured(SCRIPT, *NAMES.split())
    assert status == 0, lines
    assert lines.count(" 500 times") == len(NAMES.split())


def test_memory_that_is_kept_is_found(tmp_path):
    """The search itself: an operation that keeps 8 KiB each time."""
    script = tmp_path / "keeping.py"
    script.write_text(
        f"""
import sys
sys.path.insert(0, {str(SCRIPT.parent)!r})
import leaks
kept = []
leaks.__file__ = __file__
leaks.operations = lambda: {{"keeping": lambda: lambda: kept.append(b"1" * 8192)}}
sys.exit(leaks.main())
""",
        encoding="utf-8",
    )
    status, lines = measured(script)
    assert status == 1
    assert "GROWS" in lines

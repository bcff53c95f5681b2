"""Threads and instruction sets, as the environment asks for them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import spars

PACKAGE = str(Path(spars.__file__).parents[1])
KNOWN = ("baseline", "x86-64-v3", "x86-64-v4")


def shown(code, **environment):
    """Return (what `code` printed, the last line of its error) in an environment of its own."""
    cleared = {name: "" for name in ("SPARS_CPU", "SPARS_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", f"import spars; print({code})"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": PACKAGE} | cleared | environment,
        timeout=60,
        check=False,
    )
    assert (done.returncode == 0) == (done.stderr == "")
    return done.stdout.strip(), (done.stderr.splitlines() or [""])[-1]


def test_an_instruction_set_is_used_or_refused_with_those_that_can_be():
    best, error = shown("spars.instruction_set()")
    assert error == ""
    assert best in KNOWN
    usable = KNOWN[: KNOWN.index(best) + 1]
    allowed = " or ".join(f"'{name}'" for name in usable)
    for name in (*KNOWN, "avx2", "X86-64-V3", " baseline", "0"):
        used, error = shown("spars.instruction_set()", SPARS_CPU=name)
        if name in usable:
            assert (used, error) == (name, "")
        else:
            assert used == ""
            assert error == (
                f"ValueError: The 'SPARS_CPU' environment variable must be {allowed}, which this "
                f"machine can run. Got '{name}' instead."
            )


@pytest.mark.parametrize("text", ["0", "257", "-1", "two", "1.5", "99999999999999999999"])
def test_a_thread_count_out_of_range_is_refused(text):
    used, error = shown("spars.thread_count()", SPARS_NUM_THREADS=text)
    assert used == ""
    assert error == (
        "ValueError: The 'SPARS_NUM_THREADS' environment variable must be an integer in the range "
        f"[1, 256]. Got '{text}' instead."
    )


@pytest.mark.parametrize("text", ["1", "3", "256"])
def test_a_thread_count_is_followed(text):
    assert shown("spars.thread_count()", SPARS_NUM_THREADS=text) == (text, "")


@pytest.mark.parametrize("name", ["SPARS_CPU", "SPARS_NUM_THREADS"])
def test_the_program_refuses_an_environment_in_one_line(name):
    done = subprocess.run(
        [sys.executable, "-c", "import sys, spars_command; sys.exit(spars_command.main())", "info"],
        capture_output=True,
        text=True,
        env=os.environ
        | {"PYTHONPATH": PACKAGE, "SPARS_CPU": "", "SPARS_NUM_THREADS": ""}
        | {name: "none such"},
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"spars: error: The '{name}' environment variable must be ")
    assert done.stderr.endswith(" Got 'none such' instead.\n")
    assert done.stderr.count("\n") == 1


def test_the_program_runs_in_any_other_environment():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, spars_command; sys.exit(spars_command.main())",
            "--help",
        ],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": PACKAGE},
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "segment" in done.stdout

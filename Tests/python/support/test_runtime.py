"""Threads and instruction sets, as the environment asks for them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import spars

PACKAGE = str(Path(spars.__file__).parents[1])
KNOWN = ("baseline", "x86-64-v3", "x86-64-v4")
VARIABLES = ("SPARS_CPU", "SPARS_NUM_THREADS", "SPARS_OVERSUBSCRIBE", "SPARS_MEMORY_LIMIT")
CLEARED = dict.fromkeys(VARIABLES, "")


def processors():
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def shown(code, **environment):
    """Return (what `code` printed, the last line of its error) in an environment of its own."""
    done = subprocess.run(
        [sys.executable, "-c", f"import spars; print({code})"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": PACKAGE} | CLEARED | environment,
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


def assert_refused(variable, text, allowed):
    used, error = shown("spars.thread_count()", **{variable: text})
    assert used == ""
    assert error == (
        f"ValueError: The '{variable}' environment variable must be {allowed}. "
        f"Got '{text}' instead."
    )


@pytest.mark.parametrize("text", ["0", "257", "-1", "two", "1.5", "99999999999999999999"])
def test_a_thread_count_out_of_range_is_refused(text):
    assert_refused("SPARS_NUM_THREADS", text, "an integer in the range [1, 256]")


@pytest.mark.parametrize("text", ["2", "-1", "yes", "01"])
def test_an_unknown_answer_to_more_threads_than_processors_is_refused(text):
    assert_refused("SPARS_OVERSUBSCRIBE", text, "0 or 1")


SET = "[spars.set_thread_count({0}), spars.thread_count()][1]"


@pytest.mark.parametrize("count", [1, 3, 256])
@pytest.mark.parametrize("answer", ["", "0"])
def test_no_more_threads_are_used_than_processors(count, answer):
    wanted = (str(min(count, processors())), "")
    environment = {"SPARS_OVERSUBSCRIBE": answer}
    assert shown(SET.format(count), **environment) == wanted
    assert shown("spars.thread_count()", SPARS_NUM_THREADS=str(count), **environment) == wanted


@pytest.mark.parametrize("count", [1, 3, 256])
def test_more_threads_than_processors_are_used_where_that_is_asked_for(count):
    wanted = (str(count), "")
    assert shown(SET.format(count), SPARS_OVERSUBSCRIBE="1") == wanted
    environment = {"SPARS_NUM_THREADS": str(count), "SPARS_OVERSUBSCRIBE": "1"}
    assert shown("spars.thread_count()", **environment) == wanted


def test_the_start_is_with_as_many_threads_as_processors():
    wanted = (str(min(processors(), 256)), "")
    assert shown("spars.thread_count()") == wanted
    assert shown("spars.thread_count()", SPARS_OVERSUBSCRIBE="1") == wanted


@pytest.mark.parametrize("text", ["0", "-1", "much", "1.5G", "9999999999G", "G"])
def test_a_limit_of_memory_that_is_no_number_is_refused(text):
    assert_refused("SPARS_MEMORY_LIMIT", text, "a number of bytes, or one with K, M or G")


def test_processors_taken_from_the_process_are_not_counted():
    has_affinity = hasattr(os, "sched_setaffinity")
    taken = "__import__('os').sched_setaffinity(0, [min(__import__('os').sched_getaffinity(0))])"
    code = f"[{taken if has_affinity else None}, {SET.format(9)}][1]"
    assert shown(code) == (str(1 if has_affinity else min(9, processors())), "")


@pytest.mark.parametrize("name", VARIABLES)
def test_the_program_refuses_an_environment_in_one_line(name):
    done = subprocess.run(
        [sys.executable, "-c", "import sys, spars_command; sys.exit(spars_command.main())", "info"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": PACKAGE} | CLEARED | {name: "none such"},
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

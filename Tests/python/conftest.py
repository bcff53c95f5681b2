"""What all Python tests share: seeds that a failure prints, Ctrl-C, and more threads than cores."""

import os
import signal
import zlib

import numpy as np
import pytest

BASE_SEED = 20250518

# Before spars is loaded: bits are compared for 1, 2, 3 and 7 threads whatever the machine has.
os.environ["SPARS_OVERSUBSCRIBE"] = "1"


def pytest_addoption(parser):
    parser.addoption(
        "--seed", type=int, default=BASE_SEED, help="base seed of the tests' random inputs"
    )


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c():
    """Have Ctrl-C heard: shells start background jobs with SIGINT ignored; Python keeps that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def seed(request):
    """A seed of this test's own, from the base seed and the test's name; shown when it fails."""
    base = request.config.getoption("--seed")
    # The file's folder is no part of it: a test that moves keeps its seed.
    name = request.node.nodeid.partition("::")[2]
    value = zlib.crc32(f"{base} Tests/python/{request.node.path.name}::{name}".encode())
    request.node.user_properties.append(("seed", value))
    return value


@pytest.fixture
def rng(seed):
    """A random generator of this test's own."""
    return np.random.default_rng(seed)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    seeds = [value for name, value in item.user_properties if name == "seed"]
    if report.failed and seeds:
        base = item.config.getoption("--seed")
        report.sections.append(("seed", f"seed {seeds[0]} (pytest --seed {base})"))
    return report

"""Ctrl-C is heard within 0.2 s of processor time, never lost, and what it met can be used on."""

import interrupts
import pytest

from spars._core.handles import Handle

#: `python Tests/python/interrupts.py --seed N --trials 20` is the same at length, of every call.
CALLS = (
    "gae", "learn", "update", "act", "self_play", "create_agent", "create_classifier",
    "environment", "exhaustive_map", "interpolated_map", "host", "hausdorff", "atlas_file",
    "save_classifier", "load_classifier",
)  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_a_call_answers_an_interrupt_in_time(name, seed):
    _, latencies = interrupts.measured(name, trials=2, seed=seed, size=0.4)
    assert max((late.seconds for late in latencies), default=0.0) < interrupts.LIMIT, latencies


def test_no_interrupt_is_lost_while_objects_end(rng):
    """In a finalizer written in Python, Python would report it and go on."""
    alarm = interrupts.Alarm()

    def call():
        for _ in range(400_000):
            Handle(2**63)

    for delay in rng.uniform(0.0005, 0.004, 150):
        found = interrupts.latency(call, float(delay), alarm)
        assert found is not None
        assert found.seconds < interrupts.LIMIT

"""Nonsense from Python never ends the process: a trap would take all of a user's work along."""

import subprocess
import sys

CODE = """
import resource
import sys
import numpy as np
import spars

# A machine must not run out of memory over a test: what asks for too much gets a MemoryError.
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
rng = np.random.default_rng(int(sys.argv[1]))
EXTREME = [
    None, True, 0, 1, -1, 3, 7, 2**15, 2**31, -2**31, 2**63 - 1, -2**63, 2**64, 10**30, 0.5, -0.5,
    float("nan"), float("inf"), 1e-320, "", "paper", "x", b"x", [], {}, (1, 2), (8, 8, 8),
    (0, 1, 2), (-1, 8, 8), (2**31,) * 3, (16383,) * 3, (2**63,) * 3, (8, 8, 0.5), np.int8(-1),
    np.float32("nan"), np.zeros((9, 8, 7), np.float32), np.zeros(0), np.zeros((0, 4, 4)),
    np.zeros((4, 4, 4), complex), np.array(["a"]), np.full((9, 9, 9), np.nan), object(),
]
NAMES = [
    "window", "protocol", "termination_threshold", "grid", "stride", "seed", "observation",
    "max_episode_steps", "scan_frame", "credited_score", "border", "accumulation", "border_crops",
    "intensity_window", "opponent", "n", "maps",
]
FINE = (TypeError, ValueError, MemoryError, ImportError, OSError)
scan = np.arange(1000, dtype=np.float32).reshape(10, 10, 10)


def any_of(values):
    return values[rng.integers(len(values))]


def scorer(crops):
    return any_of(EXTREME) if rng.random() < 0.05 else rng.random(len(crops))


made = 0
for _ in range(400):
    options = {"window": (4, 4, 4)}
    for _ in range(rng.integers(3)):
        options[any_of(NAMES)] = any_of(EXTREME)
    volume = any_of(EXTREME) if rng.random() < 0.1 else scan
    if rng.random() < 0.2:
        options |= {"protocol": "published", "grid": tuple(int(x) for x in rng.integers(4, 14, 3))}
    make = any_of([spars.parallel_env, spars.WindowSearchEnv, spars.VectorGame])
    if make is spars.VectorGame:
        options.setdefault("n", 3)
    try:
        env = make(volume, any_of(EXTREME) if rng.random() < 0.05 else scorer, **options)
        env.reset()
    except FINE:
        continue
    made += 1
    for _ in range(20):
        a, b = (any_of(EXTREME) if rng.random() < 0.1 else int(rng.integers(6)) for _ in range(2))
        try:
            if make is spars.VectorGame:
                env.step(np.full(3, a) if isinstance(a, int) else a, [b] * 3)
            elif make is spars.WindowSearchEnv:
                env.step(a)
            else:
                env.step({"learner": a, "opponent": b})
        except (*FINE, OverflowError):
            pass
    if max(env.field.grid) < 100:
        env.score_map(0) if make is spars.VectorGame else env.score_map
print("made", made)
"""


def test_the_process_survives_nonsense(seed):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CODE, str(seed)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout.split()[-1]) > 100

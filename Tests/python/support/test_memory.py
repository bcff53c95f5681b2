"""Memory that cannot be had is a MemoryError that says what was asked, and the process lives on."""

import os
import subprocess
import sys

import numpy as np
import pytest

import spars

PACKAGE = os.path.dirname(os.path.dirname(spars.__file__))

OPERATIONS = {
    "components": "spars.metrics.connected_components(np.arange(SIDE**3).reshape(3 * (SIDE,)) % 2)",
    "surface": "spars.metrics.hausdorff(mask, np.roll(mask, 3, 0))",
    "distance": "spars.metrics.distance_map(mask)",
    "resample": "spars.resample(scan, (200, 200, 200))",
    "phantom": "spars.phantom(1, shape=(160, 160, 96))",
    "classifier": "spars.Classifier((400, 400, 400))",
    "logits": "network.logits(scan)",
    "attributions": "network.attributions(scan)",
    "gradients": "network.loss_and_gradients(np.stack([scan, scan]), [0, 1])",
    "self_play": "spars.self_play(scan, lambda crops: np.zeros(len(crops)), iterations=1, "
    "window=(48, 48, 24), n_steps=4)",
    "intensity": "spars.intensity_mask(spars.Volume(scan, np.eye(4)), mask)",
    "gae": "spars.ppo.gae(*[np.zeros(1 << 20)] * 3, 0.0, 0.0, 0.9, 0.9)",
    "save": "spars.save(path, scan)",
    "load": "spars.load(path)",
    "act": "agent.policy.act(rows)",
    "exhaustive": "spars.ScoreAtlas(np.zeros(3 * (29,)), [np.arange(0, 113, 4)] * 3, 3 * (48,), "
    "scan.shape).exhaustive_map()",
}

TRIAL = """
import os, resource, sys, tempfile
import numpy as np
import spars

SIDE = 160
scan = np.random.default_rng(0).normal(40, 30, 3 * (SIDE,)).astype(np.float32)
mask = (scan > 40).astype(np.uint8)
network = spars.Classifier(scan.shape, spars.IntensityWindow())
path = os.path.join(tempfile.mkdtemp(), "scan.nii.gz")
spars.save(path, scan)
environment = spars.WindowSearchEnv(scan, lambda crops: np.zeros(len(crops)), window=(8, 8, 8))
agent = spars.PPO("MlpPolicy", environment, n_steps=4, batch_size=4)
rows = np.zeros((4096, 512), np.float32)
spars.resample(scan[:9, :9, :9], (4, 4, 4))
# OpenBLAS ends the process where it cannot have its own buffers, which it takes once.
np.linalg.inv(np.eye(64) @ np.eye(64))
def statm(i):
    with open("/proc/self/statm") as file:
        return int(file.read().split()[i]) * resource.getpagesize()
for room in (1, 8, 24, 40, 56, 72, 96, 128, 192, 256):
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (statm(0) + (room << 20), hard))
    try:
        {call}
        print("done", room)
        break
    except MemoryError as error:
        print("refused", room, error)
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, hard))
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, hard))
os.environ["SPARS_MEMORY_LIMIT"] = str(statm(1) + (1 << 20))
try:
    {call}
    print("done, limit or not")
except MemoryError as error:
    print("limited", error)
"""


def trial(name):
    return subprocess.run(
        [sys.executable, "-c", TRIAL.format(call=OPERATIONS[name])],
        env=os.environ | {"PYTHONPATH": PACKAGE}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_refused_or_done_whatever_address_space_there_is(name):
    run = trial(name)
    assert run.returncode == 0, (
        f"ended by {run.returncode}: {run.stdout[-500:]} {run.stderr[-500:]}"
    )
    lines = run.stdout.splitlines()
    assert lines[0].startswith("refused 1 ")
    assert "SPARS_MEMORY_LIMIT is" in lines[-1]
    assert "takes about" in lines[-1]


def test_a_limit_that_is_no_number_is_refused_by_name(monkeypatch):
    for text in ("much", "-1", "1.5G", "9999999999G"):
        monkeypatch.setenv("SPARS_MEMORY_LIMIT", text)
        with pytest.raises(ValueError, match="'SPARS_MEMORY_LIMIT' environment variable must"):
            spars.metrics.connected_components(np.ones((4, 4, 4), np.uint8))
    monkeypatch.setenv("SPARS_MEMORY_LIMIT", "64G")
    assert spars.metrics.connected_components(np.ones((4, 4, 4), np.uint8))[1] == 1


SHORT = """
import resource, warnings
import numpy as np
import spars

warnings.simplefilter("error")
scan = np.random.default_rng(1).normal(40, 30, (64, 64, 48)).astype(np.float32)
score = lambda crops: np.full(len(crops), 0.3, np.float32)
spars.self_play(
    scan, score, window=(24, 24, 20), n_steps=4, iterations=2, seed=1, stride=8,
    checkpoint={path!r}, checkpoint_interval=1,
)
spars.Run.load({path!r})
page = resource.getpagesize()
for room in (2, 5, 10, 20, 30, 40, 60, 200):
    with open("/proc/self/statm") as file:
        limit = int(file.read().split()[0]) * page + (room << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    try:
        print(len(spars.Run.load({path!r})))
    except MemoryError:
        print("refused")
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""


def test_memory_that_is_short_makes_no_checkpoint_a_damaged_one(tmp_path):
    command = [sys.executable, "-c", SHORT.format(path=str(tmp_path / "run.npz"))]
    run = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": PACKAGE}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    said = run.stdout.split()
    assert set(said) == {"refused", "2"}
    assert said[-1] == "2"

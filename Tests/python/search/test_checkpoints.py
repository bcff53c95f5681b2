"""Checkpoints of self-play: tried first, never at the cost of the run, two of them, resumed."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest

import spars
from spars._support.files import previous
from spars.search.run import Run

SHAPE = (20, 18, 16)


@pytest.fixture(scope="module")
def scan():
    return np.random.default_rng(5).normal(40, 30, SHAPE).astype(np.float32)


def score(crops):
    return np.full(len(crops), 0.25, np.float32)


def play(scan, iterations=3, **options):
    given = {"window": (8, 8, 4), "seed": 3, "n_steps": 8, "snapshot_interval": 2} | options
    return spars.self_play(scan, score, iterations=iterations, **given)


def assert_equal_runs(ours, theirs):
    assert len(ours) == len(theirs)
    for name in ("windows", "actions", "rewards", "score_map"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=name)
    for name, values in theirs.parameters.items():
        np.testing.assert_array_equal(ours.parameters[name], values, err_msg=name)


def must_not_start(run):
    raise AssertionError("the run started")


@pytest.mark.parametrize(
    ("checkpoint", "kind"),
    [
        ("missing/run.npz", FileNotFoundError),
        (".", OSError),
        ("plain/run.npz", OSError),
        (1, TypeError),
        (True, TypeError),
        ("a\0b", ValueError),
    ],
)
def test_a_place_that_takes_no_file_is_refused_before_the_first_iteration(
    scan, tmp_path, monkeypatch, checkpoint, kind
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain").write_bytes(b"no folder")
    with pytest.raises(kind):
        play(scan, checkpoint=checkpoint, callback=must_not_start)
    run = play(scan, 1)
    with pytest.raises(kind):
        run.resume(1, checkpoint=checkpoint)
    assert len(run) == 1
    assert os.listdir(tmp_path) == ["plain"]


def test_a_save_that_fails_warns_and_the_run_is_handed_back(scan, tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()

    def lose(run):
        shutil.rmtree(folder, ignore_errors=True)

    with pytest.warns(spars.CheckpointWarning, match="run.npz could not be written"):
        run = play(scan, checkpoint=folder / "run.npz", checkpoint_interval=1, callback=lose)
    assert_equal_runs(run, play(scan))


def test_a_full_disk_keeps_the_last_whole_checkpoint(scan, tmp_path):
    path = tmp_path / "run.npz"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(run):
        if len(run) == 2:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))

    try:
        with pytest.warns(spars.CheckpointWarning):
            run = play(scan, checkpoint=path, checkpoint_interval=1, callback=fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert len(run) == 3
    assert len(Run.load(path)) == 1
    assert os.listdir(tmp_path) == ["run.npz"]


def play_on_small_disks(folder):
    """Play on disks that end within the first to the third checkpoint; print what each left.

    Each is a tmpfs, or where none may be mounted a limit of the sizes of files.
    """
    os.makedirs(f"{folder}/disk")
    made = np.random.default_rng(5).normal(40, 30, SHAPE).astype(np.float32)
    whole = play(made, checkpoint=f"{folder}/whole.npz")
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    for part in (0.1, 0.9, 1.1, 1.9, 2.1, 2.9, 4.0):
        size = 4096 + int(part * os.path.getsize(f"{folder}/whole.npz"))
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", f"{folder}/disk"]
        is_mounted = shutil.which("mount") is not None and not subprocess.call(
            mount, stderr=subprocess.DEVNULL
        )
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        if not is_mounted:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            run = play(made, checkpoint=f"{folder}/disk/run.npz", checkpoint_interval=1)
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert_equal_runs(run, whole)
        left = sorted(os.listdir(f"{folder}/disk"))
        for name in left:
            kept = Run.load(f"{folder}/disk/{name}", made, score)
            assert_equal_runs(kept.resume(3 - len(kept)) if len(kept) < 3 else kept, whole)
            os.remove(f"{folder}/disk/{name}")
        if is_mounted:
            subprocess.run(["umount", f"{folder}/disk"], check=True)
        print(json.dumps({"part": part, "left": left, "warned": len(told)}))


def test_disks_that_are_full_at_any_place_of_a_save_cost_neither_run_nor_checkpoint(tmp_path):
    call = f"from test_checkpoints import play_on_small_disks as play; play({str(tmp_path)!r})"
    command = [sys.executable, "-c", call]
    # Where users may have namespaces, they may mount in them.
    apart = ["unshare", "--user", "--map-root-user", "--mount"]
    if shutil.which("unshare") and not subprocess.call([*apart, "true"], stderr=subprocess.DEVNULL):
        command = apart + command
    folder = os.path.dirname(__file__)
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    found = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(found) == 7
    # Without any room nothing is left, and with enough both generations and no warning.
    assert (found[0]["left"], found[0]["warned"] > 0) == ([], True)
    assert found[-1] == {"part": 4.0, "left": ["run.npz", "run.npz.previous"], "warned": 0}
    for disk in found:
        assert set(disk["left"]) <= {"run.npz", "run.npz.previous"}


def test_what_interrupts_is_not_hidden_by_a_save_that_fails(scan, tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()

    def stop(run):
        shutil.rmtree(folder)
        raise KeyboardInterrupt

    with pytest.warns(spars.CheckpointWarning), pytest.raises(KeyboardInterrupt):
        play(scan, checkpoint=folder / "run.npz", callback=stop)


def test_a_file_that_stands_there_is_refused(scan, tmp_path):
    path = tmp_path / "run.npz"
    run = play(scan, checkpoint=path)
    content = path.read_bytes()
    with pytest.raises(FileExistsError, match="exists already; resume it, or remove it"):
        play(scan, 1, checkpoint=path, callback=must_not_start)
    # Less of the same run, another run, and no run.
    for other in (play(scan, 1), play(scan, 3, seed=4)):
        with pytest.raises(FileExistsError, match="something else than an earlier part"):
            other.resume(1, checkpoint=path, callback=must_not_start)
    assert path.read_bytes() == content
    (tmp_path / "notes.npz").write_bytes(b"not a run")
    with pytest.raises(FileExistsError):
        run.resume(1, checkpoint=tmp_path / "notes.npz", callback=must_not_start)
    # More of the same run takes its place.
    run.resume(1, checkpoint=path)
    assert len(Run.load(path)) == 4


def test_resume_goes_on_to_the_bit(scan, tmp_path):
    path, whole = tmp_path / "run.npz", play(scan, 5)

    def stop(run):
        if len(run) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        play(scan, 5, checkpoint=path, callback=stop)
    run = play(scan, 5, checkpoint=path, resume=True)
    assert_equal_runs(run, whole)
    assert run.configuration == whole.configuration
    # A run that is complete is returned as it is.
    assert_equal_runs(play(scan, 5, checkpoint=path, resume=True), whole)
    assert_equal_runs(play(scan, 6, checkpoint=path, resume=True), play(scan, 6))


def test_more_iterations_do_not_change_the_interval_that_follows_from_them(scan, tmp_path):
    path = tmp_path / "run.npz"
    play(scan, 3, checkpoint=path, snapshot_interval=None)
    run = play(scan, 8, checkpoint=path, resume=True, snapshot_interval=None)
    assert_equal_runs(run, play(scan, 8, snapshot_interval=1))
    assert run.configuration["snapshot_interval"] == 1
    with pytest.raises(ValueError, match="'snapshot_interval' of a run"):
        play(scan, 9, checkpoint=path, resume=True, snapshot_interval=4)


KILLED = """
import sys
import numpy as np
import spars
scan = np.random.default_rng(5).normal(40, 30, (20, 18, 16)).astype(np.float32)
spars.self_play(
    scan, lambda crops: np.full(len(crops), 0.25, np.float32), iterations=100_000,
    window=(8, 8, 4), seed=3, n_steps=8, snapshot_interval=2, policy="LocalPolicy",
    checkpoint=sys.argv[1], checkpoint_interval=1, resume=len(sys.argv) > 2,
    callback=lambda run: print(len(run), flush=True),
)
"""


def test_what_is_killed_goes_on_to_the_bit(scan, tmp_path, rng):
    path = tmp_path / "run.npz"
    package = os.path.dirname(os.path.dirname(spars.__file__))
    for _ in range(4):
        command = [sys.executable, "-c", KILLED, str(path), *(["resume"] if path.exists() else [])]
        environment = os.environ | {"PYTHONPATH": package}
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as child:
            # The second iteration begins when the first is on the disk.
            child.stdout.readline()
            child.stdout.readline()
            time.sleep(rng.uniform(0.02, 0.3))
            child.kill()
    made = len(Run.load(path))
    assert made > 1
    # What the last one left goes with the next write.
    options = {"policy": "LocalPolicy", "snapshot_interval": 2}
    run = play(scan, made + 1, checkpoint=path, resume=True, **options)
    assert_equal_runs(run, play(scan, made + 1, **options))
    assert sorted(os.listdir(tmp_path)) == ["run.npz", "run.npz.previous"]


def test_resume_takes_the_rates_and_the_pool_along(scan, tmp_path):
    def rate(remaining):
        return 0.01 * remaining

    options = {"learning_rate": rate, "opponents": "fictitious", "experience": "both"}
    path = tmp_path / "run.npz"
    play(scan, 6, checkpoint=path, callback=lambda run: len(run) < 3, **options)
    found = play(scan, 6, checkpoint=path, resume=True, **options)
    assert_equal_runs(found, play(scan, 6, **options))


def test_resume_refuses_what_is_not_the_same_run(scan, tmp_path):
    path = tmp_path / "run.npz"
    with pytest.raises(ValueError, match="'checkpoint' parameter of self_play must be a path"):
        play(scan, resume=True)
    with pytest.raises(FileNotFoundError, match="there is no checkpoint to resume"):
        play(scan, checkpoint=path, resume=True)
    play(scan, checkpoint=path)
    with pytest.raises(ValueError, match=r"'seed' of a run that goes on .* must be 3, as there"):
        play(scan, 4, checkpoint=path, resume=True, seed=4)
    with pytest.raises(ValueError, match="'input_sha256' of a run"):
        play(scan + 1, 4, checkpoint=path, resume=True)
    with pytest.raises(ValueError, match="leave room for the 3"):
        play(scan, 2, checkpoint=path, resume=True)
    with pytest.raises(ValueError, match="'reference' parameter of self_play must be None"):
        play(scan, 4, checkpoint=path, resume=True, reference=np.ones(SHAPE, np.uint8))


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_goes_on(scan, tmp_path):
    path = tmp_path / "run.npz"
    play(scan, checkpoint=path, checkpoint_interval=1)
    assert [len(Run.load(file)) for file in (path, previous(path))] == [3, 2]
    assert sorted(os.listdir(tmp_path)) == ["run.npz", "run.npz.previous"]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.warns(
        spars.CheckpointWarning, match=r"run\.npz is damaged, and \S*run\.npz\.previous"
    ):
        assert len(Run.load(path)) == 2
    with pytest.warns(spars.CheckpointWarning, match="run.npz.previous, the one before, was read"):
        run = play(scan, 5, checkpoint=path, resume=True)
    assert_equal_runs(run, play(scan, 5))
    assert len(Run.load(path)) == 5
    for file in (path, previous(path)):
        file.write_bytes(b"damaged")
    with pytest.raises(spars.FormatError, match=r"run\.npz: "):
        Run.load(path)


def test_a_run_is_resumed_by_one_call_at_a_time(scan):
    run, refused = play(scan, 1, policy="LocalPolicy"), []

    def resume():
        try:
            run.resume(100)
        except ValueError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=resume) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(run) == 1 + 100 * (3 - len(refused))
    assert all("being resumed already" in text for text in refused)
    with pytest.raises(ValueError, match="being resumed already"):
        run.resume(2, callback=lambda run: run.resume(1))
    assert_equal_runs(run, play(scan, len(run), policy="LocalPolicy"))


def test_a_run_is_saved_between_iterations(scan, tmp_path):
    path, refused = tmp_path / "run.npz", []

    def told(done, planned):
        try:
            run.save(path)
        except ValueError as error:
            refused.append(str(error))

    run = play(scan, 1)
    run.resume(1, callback=lambda run: run.save(path))
    assert len(Run.load(path)) == 2
    run.resume(30, progress=told)
    assert all("save it in a callback" in text for text in refused)
    assert len(run) == 32

"""Files appear whole or not at all, with the permissions of those they replace."""

import os
import stat
import subprocess
import sys

import numpy as np
import pytest

import spars
from spars._support.files import check_writable, previous, reading, write_bytes, write_text, writing
from spars.command.outputs import write_json

KILLED = """
import os, signal, sys
from spars._support.files import writing
with writing(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "kept"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), writing(path) as file:
        file.write(b"new" * (1 // 0))
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["kept"]


def test_what_a_killed_writer_left_goes_with_the_next(tmp_path):
    path = tmp_path / "run[1].npz"
    path.write_bytes(b"old")
    other = tmp_path / ".run1.npz.0.part"
    other.write_bytes(b"of another file")
    package = os.path.dirname(os.path.dirname(spars.__file__))
    for _ in range(2):
        subprocess.run(
            [sys.executable, "-c", KILLED, str(path)],
            env=os.environ | {"PYTHONPATH": package}, check=False,
        )  # fmt: skip
        assert path.read_bytes() == b"old"
        assert len(os.listdir(tmp_path)) == 3
    with writing(path) as first:
        write_bytes(path, b"second")
        first.write(b"first")
    assert path.read_bytes() == b"first"
    assert sorted(os.listdir(tmp_path)) == [other.name, path.name]


def test_a_replaced_file_keeps_its_permissions_and_a_link_stays_one(tmp_path):
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_bytes(b"old")
    path.chmod(0o640)
    link.symlink_to(path)
    write_text(link, "new\n")
    assert link.is_symlink()
    assert path.read_bytes() == b"new\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_the_previous_file_is_kept_where_it_is_wanted(tmp_path):
    path = tmp_path / "run.npz"
    for content in (b"1", b"2", b"3"):
        with writing(path, keep_previous=True) as file:
            file.write(content)
    assert (path.read_bytes(), previous(path).read_bytes()) == (b"3", b"2")
    with pytest.raises(ZeroDivisionError), writing(path, keep_previous=True) as file:
        file.write(b"4" * (1 // 0))
    assert (path.read_bytes(), previous(path).read_bytes()) == (b"3", b"2")
    assert sorted(os.listdir(tmp_path)) == ["run.npz", "run.npz.previous"]


def test_one_generation_is_kept_where_the_system_has_no_links(tmp_path, monkeypatch):
    def refuse(*paths):
        raise PermissionError("no links")

    monkeypatch.setattr(os, "link", refuse)
    for content in (b"1", b"2"):
        with writing(tmp_path / "run.npz", keep_previous=True) as file:
            file.write(content)
    assert (tmp_path / "run.npz").read_bytes() == b"2"
    assert os.listdir(tmp_path) == ["run.npz"]


def test_a_place_is_tried_without_a_trace(tmp_path):
    path = tmp_path / "file"
    check_writable(path)
    assert not os.listdir(tmp_path)
    path.write_bytes(b"old")
    check_writable(path)
    assert path.read_bytes() == b"old"
    check_writable("/dev/null")
    with pytest.raises(IsADirectoryError):
        check_writable(tmp_path)
    with pytest.raises(FileNotFoundError, match="missing"):
        check_writable(tmp_path / "missing" / "file")


@pytest.mark.parametrize("number", [1, True])
def test_a_number_is_no_path(number):
    for use in (check_writable, reading, lambda path: write_bytes(path, b"")):
        with pytest.raises(TypeError):
            use(number)
    os.fstat(1)


def test_what_is_no_file_is_written_to(tmp_path):
    write_bytes("/dev/null", b"nothing is replaced")
    assert not stat.S_ISREG(os.stat("/dev/null").st_mode)
    with pytest.raises(OSError, match="missing"):
        write_bytes(tmp_path / "missing" / "file", b"")
    with pytest.raises(IsADirectoryError):
        write_bytes(tmp_path, b"")


def save_atlas(path):
    axes = [np.arange(0, 8, 4)] * 3
    spars.ScoreAtlas(np.zeros((2, 2, 2)), axes, (4, 4, 4), (8, 8, 8)).save(path)


def save_classifier(path):
    spars.Classifier(input_shape=(108, 108, 108)).save(path)


def save_volume(path):
    spars.save(path, np.zeros((4, 4, 4), np.float32))


@pytest.mark.parametrize(
    ("save", "name"),
    [
        (save_atlas, "atlas.npz"),
        (save_classifier, "weights.safetensors"),
        (save_classifier, "weights.pth"),
        (save_volume, "scan.nii.gz"),
        (lambda path: write_json(path, {"a": 1}), "result.json"),
    ],
)
def test_every_file_is_written_this_way(save, name, tmp_path):
    path = tmp_path / name
    save(path)
    whole = path.read_bytes()
    path.chmod(0o600)
    (tmp_path / f".{name}.dead.part").write_bytes(b"")
    save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == [name]
    assert len(path.read_bytes()) == len(whole)


def test_a_device_is_refused_and_a_number_is_no_path(tmp_path):
    """Some devices never end, and `open` would take a number for an open file's."""
    for name, read in (
        ("z.npz", spars.Run.load), ("a.npz", spars.ScoreAtlas.load), ("l.npz", spars.League.load),
        ("s.csv", spars.datasets.from_csv), ("s.json", spars.Study.load),
    ):  # fmt: skip
        (tmp_path / name).symlink_to("/dev/zero")
        with pytest.raises(OSError, match="not a regular file"):
            read(tmp_path / name)
    with pytest.raises(TypeError):
        spars.datasets.from_csv(1, root=".")
    os.fstat(1)

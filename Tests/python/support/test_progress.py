"""Every `progress` takes the same: a callable, True for a bar, False or None."""

import inspect
import logging
import re

import numpy as np
import pytest

import spars
from spars import calibration, experiments, lesions, metrics
from spars._support.progress import ProgressLines
from spars.lesions import Host
from spars.volume.cases import Case

SHAPE = (12, 12, 12)
WINDOW = (6, 6, 6)


def half(crops):
    """Score every crop the same."""
    return np.full(len(crops), 0.5)


@pytest.fixture(scope="module")
def phantom():
    return spars.phantom(1, shape=(48, 40, 32))


@pytest.fixture(scope="module")
def classifier():
    return spars.Classifier((108,) * 3, seed=0)


@pytest.fixture
def works(phantom, classifier, tmp_path, tmp_path_factory):
    """What is called with a `progress`, by what its bar says."""
    scan = np.zeros(SHAPE, np.float32)
    case = Case("scan", True, lambda: scan, lambda: np.full(SHAPE, 2), SHAPE)
    crop = np.zeros((108,) * 3, np.float32)
    search = {"window": WINDOW, "grid": None}
    spars.save(tmp_path / "scan.nii", scan)

    def fit(progress):
        scans = spars.datasets.phantoms(2, shape=(32, 28, 24))
        classifier.fit(
            scans, window=(16, 14, 12), grid=None, epochs=1, steps_per_epoch=1, crops_per_scan=2,
            progress=progress,
        )  # fmt: skip

    return {
        "fit": fit,
        "load": lambda progress: spars.load(tmp_path / "scan.nii", progress),
        "save": lambda progress: spars.save(tmp_path / "mask.nii", scan, progress=progress),
        "phantom": lambda progress: spars.phantom(0, shape=(8, 8, 8), progress=progress),
        "logits": lambda progress: classifier.logits(crop, progress),
        "loss_and_gradients": lambda progress: classifier.loss_and_gradients(
            [crop] * 2, [0, 1], progress
        ),
        "score": lambda progress: classifier.score(scan, [(0, 0, 0)], WINDOW, progress),
        "Host": lambda progress: lesions.organ_level(phantom.volume, phantom.liver, progress),
        "insert": lambda progress: lesions.insert(
            phantom.volume, phantom.liver, seed=1, progress=progress
        ),
        "Windows.draw": lambda progress: lesions.windows(
            [Host(phantom.volume, phantom.liver)], window=(12, 12, 12)
        ).draw(0, 2, progress),
        "calibrate": lambda progress: calibration.calibrate(
            [scan], half, progress=progress, **search
        ),
        "over_patients": lambda progress: experiments.over_patients(
            [case], half, method="exhaustive", progress=progress, **search
        ),
        "study": lambda progress: spars.Study(
            [case], base={"classifier": {"weights": "pretrained"}, "recipe": None, "segmentation": {
                "window": WINDOW, "grid": "native", "method": "random_walk",
                "iterations": 1, "n_steps": 8,
            }},
        ).run(tmp_path_factory.mktemp("study"), progress=progress),
        "exhaustive": lambda progress: spars.segment(
            scan, half, method="exhaustive", progress=progress, **search
        ),
    }  # fmt: skip


def test_true_is_a_bar_a_callable_is_called_and_anything_else_is_refused(works, capsys):
    for name, work in works.items():
        capsys.readouterr()
        work(True)
        assert f"{name}:" in capsys.readouterr().err, name
        told = []
        work(lambda *both, told=told: told.append(both))
        assert all(done <= planned for done, planned in told), name
        work(False)
        assert capsys.readouterr().err == "", name
        with pytest.raises(TypeError, match="'progress' parameter of .* True or None. Got 3"):
            work(3)


def public(module, seen):
    """Yield what a user meets: functions, and the methods of classes."""
    for name in getattr(module, "__all__", dir(module)):
        found = getattr(module, name)
        if name.startswith("_") or id(found) in seen:
            continue
        seen.add(id(found))
        if inspect.isclass(found):
            yield found
            yield from public(found, seen)
        elif callable(found):
            yield found
        elif inspect.ismodule(found) and found.__name__.startswith("spars."):
            yield from public(found, seen)


def test_every_progress_is_documented_so():
    for function in public(spars, {id(metrics)}):
        entry = re.search(
            r"^ *progress : (.*)\n((?: +.*\n)+)", inspect.getdoc(function) or "", re.M
        )
        if entry is not None:
            assert entry[1].startswith("callable or True"), function
            assert "True draws a bar" in " ".join(entry[2].split()), function


def test_lines_come_once_in_a_while_where_no_bar_can(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    lines = ProgressLines("searching")
    for second in range(200):
        now[0] = float(second)
        lines(second, 400)
    assert capsys.readouterr().err.splitlines() == [
        "spars: searching: 60 of 400, about 6 min left",
        "spars: searching: 120 of 400, about 5 min left",
        "spars: searching: 180 of 400, about 4 min left",
    ]
    now[0] = 300.0
    lines(7, 0)
    assert capsys.readouterr().err == "spars: searching: 7\n"


def test_the_logger_tells_of_epochs_and_masks(caplog, classifier):
    caplog.set_level(logging.INFO, "spars")
    scans = spars.datasets.phantoms(2, shape=(32, 28, 24))
    classifier.fit(
        scans, window=(16, 14, 12), grid=None, epochs=2, steps_per_epoch=1, crops_per_scan=2
    )
    spars.segment(scans[0].load(), half, method="exhaustive", window=WINDOW, grid=None)
    told = [record.getMessage() for record in caplog.records]
    assert [line.partition(":")[0] for line in told] == [
        "epoch 1 of 2", "epoch 2 of 2", "exhaustive",
    ]  # fmt: skip

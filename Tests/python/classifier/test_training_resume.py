"""Trainings that are left and taken up again: bits, files, and what is refused."""

import _thread
import json
import math
import shutil
import threading
import zipfile

import numpy as np
import pytest

import spars
from spars._core import native
from spars._support.archives import read_npz
from spars._support.files import previous
from spars.classifier.training.checkpoint import FILE_FORMAT, read_records
from spars.volume.datasets import Case

INPUT = (108, 108, 108)
OPTIONS = {
    "window": (8, 8, 8), "grid": None, "epochs": 3, "steps_per_epoch": 2, "scans_per_step": 2,
    "crops_per_scan": 1, "validation_steps": 2, "seed": 3,
}  # fmt: skip


def _cases(changed=None):
    def case(number):
        values = np.random.default_rng(number).normal(40 + 60 * (number % 2), 20, (12, 11, 10))
        if number == changed:
            values[0, 0, 0] += 1
        return Case(f"scan{number}", number % 2 == 1, lambda: values.astype(np.float32))

    return [case(number) for number in range(4)]


def _fit(checkpoint=None, *, classifier=None, cases=None, validation=True, **options):
    classifier = classifier or spars.Classifier(INPUT, seed=2)
    cases = cases or _cases()
    history = classifier.fit(
        cases, cases[:2] if validation else None, checkpoint=checkpoint, **(OPTIONS | options)
    )
    return classifier, history


def _assert_same(found, wanted, but=()):
    (classifier, history), (reference, wanted_history) = found, wanted
    had, has = wanted_history.to_dict(), history.to_dict()
    for name in but:
        had["configuration"].pop(name)
        has["configuration"].pop(name)
    assert has == had
    for name, array in reference.parameters().items():
        np.testing.assert_array_equal(classifier.parameters()[name], array, err_msg=name)
    handles = (classifier._handle.value, reference._handle.value)
    assert len({native.classifier_batches_tracked(handle) for handle in handles}) == 1


class _Stop:
    """Interrupts after so many batches."""

    def __init__(self, after):
        self.after = after
        self.calls = []

    def __call__(self, done, planned):
        self.calls.append((done, planned))
        if len(self.calls) == self.after:
            raise KeyboardInterrupt


SWITCHES = {
    "plain": {},
    "best": {"weights": "best", "patience": 2, "monitor": "accuracy", "learning_rate": 3e-3},
    "pooled": {"pooling": "max", "crops_per_scan": 2, "scan_sampling": "balanced"},
    "augmented": {"augmentation": spars.Augmentation("xyz", 2, 0.1, 20.0, 5.0)},
    "scheduled": {"learning_rate": lambda remaining: 1e-3 * remaining, "validation": False},
}


# An epoch has two training and two validation batches: after 1 the first epoch is under way, after
# 3 it validates, after 4 it is whole, after 5 the second is under way.
@pytest.mark.parametrize(("switch", "after"), [
    ("plain", 1), ("plain", 2), ("plain", 3), ("plain", 4), ("plain", 5), ("plain", 11),
    ("best", 3), ("best", 5), ("best", 8), ("pooled", 5), ("augmented", 5), ("scheduled", 3),
])  # fmt: skip
def test_an_interrupted_training_goes_on_to_the_bit(tmp_path, switch, after):
    path, options = tmp_path / "training.npz", SWITCHES[switch]
    stop = _Stop(after)
    with pytest.raises(KeyboardInterrupt):
        _fit(path, progress=stop, **options)
    assert stop.calls[-1][0] == after
    seen = []
    resumed = _fit(
        path, resume=True, classifier=spars.Classifier(INPUT, seed=9),
        progress=lambda *call: seen.append(call), **options,
    )  # fmt: skip
    _assert_same(resumed, _fit(**options))
    assert seen[-1][0] == seen[-1][1]
    names = {path.name for path in tmp_path.iterdir()}
    assert names in ({"training.npz"}, {"training.npz", "training.npz.previous"})


def test_a_training_may_be_interrupted_again_and_again(tmp_path):
    path = tmp_path / "training.npz"
    resume = False
    for _ in range(12):
        try:
            resumed = _fit(path, resume=resume, progress=_Stop(1))
            break
        except KeyboardInterrupt:
            resume = True
    else:
        resumed = _fit(path, resume=True)
    _assert_same(resumed, _fit())


# A signal between open() and `with` leaves a file to the garbage collector, which warns.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_at_work_leaves_a_checkpoint_that_goes_on_to_the_bit(tmp_path):
    path, timers = tmp_path / "training.npz", []

    def progress(done, planned):
        if not timers:
            timers.append(threading.Timer(0.3, _thread.interrupt_main))
            timers[0].start()

    with pytest.raises(KeyboardInterrupt):
        _fit(path, epochs=100_000, progress=progress)
    timers[0].join()
    made = len(read_records(path))
    _assert_same(_fit(path, epochs=made + 1, resume=True), _fit(epochs=made + 1))


def test_a_finished_training_may_get_more_epochs(tmp_path):
    path = tmp_path / "training.npz"
    _fit(path, epochs=1)
    resumed = _fit(path, epochs=3, resume=True)
    _assert_same(resumed, _fit(epochs=3))
    before = path.read_bytes()
    # There is nothing left to do, so that nothing changes.
    _assert_same(_fit(path, resume=True), resumed)
    assert path.read_bytes() == before


def test_a_training_without_patience_left_may_get_more(tmp_path):
    path = tmp_path / "training.npz"
    options = {"min_delta": 10.0, "epochs": 4}
    _, history = _fit(path, patience=1, **options)
    assert (len(history.epochs), history.ended_by) == (2, "patience")
    _assert_same(_fit(path, patience=2, resume=True, **options), _fit(patience=2, **options))
    with pytest.raises(ValueError, match="'patience' .* ended it after 2"):
        _fit(path, patience=1, resume=True, **options)


def test_an_error_in_a_callback_leaves_the_whole_epoch(tmp_path):
    path = tmp_path / "training.npz"

    def fail(classifier, record):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        _fit(path, callback=fail)
    _assert_same(_fit(path, resume=True), _fit())


@pytest.mark.filterwarnings("ignore:Every scan of the dataset:UserWarning")
def test_nan_metrics_come_back_as_nan(tmp_path):
    path = tmp_path / "training.npz"
    case = _cases()[1]
    options = {"cases": [case, case], "epochs": 2}
    with pytest.raises(KeyboardInterrupt):
        _fit(path, progress=_Stop(5), **options)
    _, history = _fit(path, resume=True, **options)
    assert math.isnan(history.epochs[0]["validation"]["roc_auc"])
    assert math.isnan(history.epochs[0]["validation"]["specificity"])
    assert isinstance(history.epochs[0]["validation"]["true_positives"], int)


def test_masks_are_compared_too(tmp_path):
    path = tmp_path / "training.npz"
    values = np.zeros((12, 12, 12), np.float32)
    masks = [np.zeros(values.shape, np.uint8) for _ in range(2)]
    masks[1][3, 3, 3] = 2
    options = {"protocol": "published", "validation": False}

    def cases(mask):
        return [Case("a", None, lambda: values, lambda: mask)]

    _, history = _fit(path, cases=cases(masks[0]), epochs=1, **options)
    assert len(history.inputs[0]["mask_sha256"]) == 64
    with pytest.raises(ValueError, match="training scan 'a' must have the mask"):
        _fit(path, cases=cases(masks[1]), resume=True, **options)
    _fit(path, cases=cases(masks[0]), epochs=2, resume=True, **options)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    path = tmp_path_factory.mktemp("kept") / "training.npz"
    _fit(path, epochs=1, weights="best", steps_per_epoch=4)
    return path


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"seed": 4}, "'seed' .* must be 3, as there. Got 4"),
        ({"crops_per_scan": 2}, "'crops_per_scan'"),
        ({"learning_rate": 1e-4}, "'learning_rate'"),
        ({"weights": "last"}, "'weights'"),
        ({"pooling": "max"}, "'pooling'"),
        ({"augmentation": spars.Augmentation("x")}, "'augmentation"),
        ({"protocol": spars.Protocol.paper().with_switches(border_crops="stretched")},
         "'protocol.border_crops'"),
        ({"classifier": spars.Classifier((109, 108, 108))}, "'input_shape'"),
        ({"classifier": spars.Classifier(INPUT, spars.IntensityWindow(0, 100))},
         "'protocol.intensity_window"),
        ({"cases": _cases()[:3]}, "training scans must be the 4"),
        ({"cases": [*_cases()[:3], _cases()[1]]},
         "training scan number 4 must be 'scan3' with tumour.*'scan1' with"),
        ({"cases": _cases(changed=0)}, "scan 'scan0' must have the values"),
        ({"validation": False}, "'weights'"),
    ],
)  # fmt: skip
def test_other_arguments_and_scans_are_refused(kept, options, text):
    before = kept.read_bytes()
    with pytest.raises(ValueError, match=text):
        _fit(kept, resume=True, **({"weights": "best", "steps_per_epoch": 4} | options))
    assert kept.read_bytes() == before


def test_a_schedule_must_give_the_rates_of_before(tmp_path):
    path = tmp_path / "training.npz"

    def falling(remaining):
        return 1e-3 * remaining

    _fit(path, epochs=1, learning_rate=falling)
    with pytest.raises(ValueError, match=r"'learning_rate' .* step 2 of 6"):
        _fit(path, epochs=3, learning_rate=falling, resume=True)
    constant = tmp_path / "constant.npz"
    _fit(constant, epochs=1, learning_rate=lambda _: 1e-3)
    _fit(constant, epochs=2, learning_rate=lambda _: 1e-3, resume=True)
    with pytest.raises(ValueError, match="'epochs' .* 4 steps"):
        _fit(constant, epochs=1, learning_rate=lambda _: 1e-3, resume=True)


@pytest.mark.parametrize(("rate", "highest"), [("falling", 1e-3), ((3e-3, "falling"), 3e-3)])
def test_a_falling_rate_stays_for_half_of_the_steps(tmp_path, rate, highest):
    path = tmp_path / "training.npz"
    options = {"learning_rate": rate, "validation": False, "epochs": 2, "steps_per_epoch": 4}
    trained, history = _fit(path, **options)
    with np.load(path) as state:
        rates = state["rates"]
    np.testing.assert_allclose(rates / highest, [1, 1, 1, 1, 1, 0.75, 0.5, 0.25], rtol=1e-12)
    assert history.to_dict()["configuration"]["learning_rate"] == [highest, "falling"]
    with pytest.raises(ValueError, match=r"'learning_rate' .* step 6 of 12"):
        _fit(path, resume=True, **(options | {"epochs": 3}))
    with pytest.raises(ValueError, match="'learning_rate' .* must be"):
        _fit(path, resume=True, **(options | {"learning_rate": highest}))


@pytest.mark.parametrize(
    "rate", ["rising", (1e-3, "rising"), (0.0, "falling"), (1e-3,), ("falling", 1e-3), -1.0]
)
def test_other_rates_are_refused(rate):
    with pytest.raises((TypeError, ValueError), match="'learning_rate' parameter of fit must be"):
        _fit(learning_rate=rate)


def test_paths_are_checked_before_work_starts(tmp_path, kept):
    with pytest.raises(FileNotFoundError, match="no checkpoint to resume"):
        _fit(tmp_path / "absent.npz", resume=True)
    with pytest.raises(FileExistsError, match="exists already"):
        _fit(kept)
    with pytest.raises(FileNotFoundError, match="folder"):
        _fit(tmp_path / "absent" / "c.npz")
    with pytest.raises(ValueError, match="'checkpoint'"):
        _fit(None, resume=True)
    with pytest.raises(TypeError, match="'resume'"):
        _fit(tmp_path / "c.npz", resume=1)
    with pytest.raises(TypeError, match="'checkpoint'"):
        _fit(3)
    with pytest.raises(ValueError, match="'checkpoint'"):
        _fit("a\0b")


def _rewritten(path, target, change):
    """Write the checkpoint again with its description and arrays changed."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    description = json.loads(str(arrays.pop("description")))
    change(description, arrays)
    np.savez(target, description=np.array(json.dumps(description)), **arrays)
    return target


BROKEN = {
    "format": lambda d, a: d.update(format="spars-run-1"),
    "steps": lambda d, a: d.update(steps=5),
    "negative": lambda d, a: d.update(tracked=-1),
    "large": lambda d, a: d.update(tracked=1 << 80),
    "text": lambda d, a: d.update(steps="4"),
    "none": lambda d, a: d.pop("records"),
    "epoch": lambda d, a: d["records"][0].update(epoch=2),
    "metric": lambda d, a: d["records"][0]["validation"].pop("loss"),
    "validation": lambda d, a: d["records"][0].pop("validation"),
    "configuration": lambda d, a: d.update(configuration=[]),
    "examples": lambda d, a: d.update(examples={"training": []}),
    "names": lambda d, a: d["examples"].update(training=[3]),
    "seen": lambda d, a: d["seen"][0].__setitem__(1, 99),
    "half": lambda d, a: d["seen"][0].__setitem__(1, 0.5),
    "role": lambda d, a: d["seen"][0].__setitem__(0, ["training"]),
    "type": lambda d, a: a.update(moments=a["moments"].astype(np.float64)),
    "short": lambda d, a: a.update(parameters=a["parameters"][1:], best=a["best"][1:]),
    "nan": lambda d, a: a["parameters"].__setitem__(0, np.nan),
    "moments": lambda d, a: a["moments"].__setitem__(-1, -1.0),
    "best": lambda d, a: a["best"].__setitem__(0, np.inf),
    "losses": lambda d, a: a.update(losses=np.array([0.7])),
}  # fmt: skip


@pytest.mark.parametrize("damage", BROKEN)
def test_broken_checkpoints_are_format_errors(tmp_path, kept, damage):
    path = _rewritten(kept, tmp_path / "broken.npz", BROKEN[damage])
    classifier = spars.Classifier(INPUT, seed=2)
    before = classifier.parameters()
    with pytest.raises(spars.FormatError, match="broken.npz"):
        _fit(path, resume=True, classifier=classifier, weights="best", steps_per_epoch=4)
    for name, array in classifier.parameters().items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)


def test_cut_and_foreign_files_are_format_errors(tmp_path, kept):
    content = kept.read_bytes()
    path = tmp_path / "cut.npz"
    for length in (0, 10, 1000, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(spars.FormatError):
            _fit(path, resume=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("description.npy", b"\x93NUMPY")
    with pytest.raises(spars.FormatError):
        _fit(path, resume=True)
    # A pickle is never read.
    np.savez(path, description=np.array({"format": FILE_FORMAT}, dtype=object))
    with pytest.raises(spars.FormatError):
        _fit(path, resume=True)


def test_damaged_bytes_are_format_errors_or_read(tmp_path, kept, rng):
    def shrink(description, arrays):
        arrays.update(parameters=arrays["parameters"][:9], moments=arrays["moments"][:9])
        arrays.update(best=arrays["best"][:9])

    content = _rewritten(kept, tmp_path / "small.npz", shrink).read_bytes()
    path, refused = tmp_path / "damaged.npz", 0
    for _ in range(500):
        damaged = np.frombuffer(content, np.uint8).copy()
        damaged[rng.integers(len(damaged), size=rng.integers(1, 4))] = rng.integers(256)
        path.write_bytes(damaged.tobytes())
        try:
            read_npz(path, FILE_FORMAT)
        except spars.FormatError:
            refused += 1
    assert refused > 400


def test_a_save_that_fails_warns_and_the_training_goes_on(tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()

    def lose(classifier, record):
        shutil.rmtree(folder, ignore_errors=True)

    with pytest.warns(spars.CheckpointWarning, match=r"training.npz could not be written"):
        found = _fit(folder / "training.npz", callback=lose)
    _assert_same(found, _fit())


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_goes_on(tmp_path):
    path = tmp_path / "training.npz"
    wanted = _fit(path)
    assert [len(read_records(file)) for file in (path, previous(path))] == [3, 2]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.warns(spars.CheckpointWarning, match=r"training\.npz is damaged"):
        assert len(read_records(path)) == 2
    with pytest.warns(spars.CheckpointWarning, match=r"training\.npz is damaged"):
        found = _fit(path, resume=True)
    _assert_same(found, wanted)
    assert len(read_records(path)) == 3


def test_training_that_leaves_the_finite_numbers_names_a_tensor_and_keeps_its_last_step(tmp_path):
    path, classifier = tmp_path / "training.npz", spars.Classifier(INPUT, seed=2)

    def rate(remaining):
        return 1e-3 if remaining > 0.5 else 1e38

    named = r"(loss|gradient of \S+|batch \S+ of bn\d|(conv|bn|fc)\d\.\w+)"
    with pytest.raises(spars.NonFiniteError, match=named):
        _fit(path, classifier=classifier, learning_rate=rate)
    with np.load(path) as kept:
        flat = np.concatenate([array.ravel() for array in classifier.parameters().values()])
        np.testing.assert_array_equal(kept["parameters"], flat)
        # The fourth step leaves them, or, where its weights are still finite, the fifth.
        assert len(kept["rates"]) in (3, 4)


@pytest.mark.filterwarnings("ignore:Every scan of the dataset:UserWarning")
def test_a_batch_statistic_that_overflows_is_named_before_what_follows_from_it():
    values = np.random.default_rng(1).normal(0, 1e25, (12, 12, 12)).astype(np.float32)
    protocol = spars.Protocol.paper().with_switches(intensity_window=None)
    with pytest.raises(spars.NonFiniteError, match="batch variance of bn1"):
        _fit(cases=[Case("a", True, lambda: values)] * 2, protocol=protocol, validation=False)

"""Training on made windows: which ones, bits, records, and what is refused."""

import numpy as np
import pytest
from classifier_cases import INPUT, noise_cases

import spars
from spars import lesions
from spars._core import native

WINDOW = (8, 8, 8)
OPTIONS = {
    "epochs": 2, "steps_per_epoch": 2, "scans_per_step": 3, "crops_per_scan": 2,
    "validation_steps": 2, "seed": 3,
}  # fmt: skip
LAW = {"radius": (3, 8), "dark": (80, 100), "bright_chance": 0.0}


def host(number=0, changed=0.0, level=None):
    values = np.random.default_rng(number).normal(100, 8, (20, 18, 16))
    organ = np.zeros(values.shape, np.uint8)
    organ[1:-1, 1:-1, 1:-1] = 1
    # One voxel outside the organ, which is not read, and one inside.
    values[0, 0, 0] += 50
    values[9, 9, 9] += changed
    return lesions.Host(
        spars.Volume(values.astype(np.float32), np.diag([1.5] * 3 + [1])), organ, level
    )


def source(seed=1, hosts=None, law=None, **options):
    settings = {"window": WINDOW, "core": (4, 4, 4)} | options
    return lesions.windows(
        hosts or [host()], lesions.LesionLaw(**(LAW | (law or {}))), seed, **settings
    )


def classifier(seed=2):
    return spars.Classifier(INPUT, spars.IntensityWindow(70, 200), seed=seed)


def fit(dataset=None, validation=None, *, trained=None, **options):
    trained = trained or classifier()
    history = trained.fit(dataset or source(), validation, **(OPTIONS | options))
    return trained, history


def assert_same(found, wanted):
    assert found[1].to_dict() == wanted[1].to_dict()
    for name, array in wanted[0].parameters().items():
        np.testing.assert_array_equal(found[0].parameters()[name], array, err_msg=name)


def positives(history):
    measured = [record["validation"] for record in history.epochs]
    return [record["true_positives"] + record["false_negatives"] for record in measured]


def test_step_k_trains_on_windows_k_times_n_and_on():
    trained, history = fit(learning_rate=1e-3, class_weights=(1.0, 2.0))
    twin = classifier()
    training = {
        "protocol": spars.Protocol.paper(), "foreground_threshold": None, "crop_shape": WINDOW,
        "crops_per_scan": 2, "pooling": "none", "pooled_crops": 0, "class_weights": (1.0, 2.0),
        "augmentation": None, "seed": 99,
    }  # fmt: skip
    trainer = spars._core.Handle(native.trainer_create(twin._handle.value, training))
    losses = np.empty(4)
    for step in range(4):
        values, labels, _ = source().draw(6 * step, 6)
        native.trainer_add_windows(trainer.value, values.reshape(6, -1), WINDOW, labels)
        native.trainer_step(trainer.value, 1e-3, losses[step : step + 1])
    for name, array in twin.parameters().items():
        np.testing.assert_array_equal(trained.parameters()[name], array, err_msg=name)
    assert [record["loss"] for record in history.epochs] == [losses[:2].mean(), losses[2:].mean()]


def test_it_learns():
    _, history = fit(epochs=4, steps_per_epoch=8, scans_per_step=4)
    losses = [record["loss"] for record in history.epochs]
    # Where it ends is chance at this rate; that it gets there is not.
    assert min(losses) < 0.5 * losses[0], losses


def test_validation_is_the_first_windows_of_its_source_in_every_epoch():
    held_out = source(seed=8)
    _, history = fit(source(), held_out, epochs=3, learning_rate=1e-30)
    assert positives(history) == [held_out.draw(0, 12).labels.sum()] * 3


@pytest.mark.parametrize("after", [1, 3, 4, 6])
def test_an_interrupted_training_goes_on_to_the_bit(tmp_path, after):
    path, calls = tmp_path / "training.npz", []
    options = {"weights": "best", "validation": source(seed=8)}

    def stop(done, planned):
        calls.append((done, planned))
        if done == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(checkpoint=path, progress=stop, **options)
    assert calls[-1] == (after, 8)
    resumed = fit(checkpoint=path, resume=True, trained=classifier(9), **options)
    assert_same(resumed, fit(**options))


def test_scans_and_windows_may_measure_each_other():
    cases = noise_cases()
    trained, history = fit(source(), cases, grid=None, scan_sampling="balanced")
    assert_same(fit(source()), (trained, fit(source())[1]))
    training, *validation = history.inputs
    assert training["role"] == "training"
    assert {record["name"] for record in validation} <= {case.name for case in cases}
    assert positives(history) == [4, 4]
    _, history = fit(cases, source(), grid=None)
    assert positives(history) == [source().draw(0, 12).labels.sum()] * 2


def test_the_record_says_what_windows_follow_from():
    made = source(hosts=[host(), host(1, level=105.0)])
    _, history = fit(made, epochs=1, steps_per_epoch=1)
    (record,) = history.inputs
    assert lesions.LesionLaw.again(record["law"]) == made.law
    assert lesions.WindowSettings.again(record["settings"]) == made.settings
    assert (record["role"], record["seed"]) == ("training", 1)
    assert [found["level"] for found in record["hosts"]] == [h.organ.level for h in made.hosts]
    assert record["hosts"][1]["level"] == 105.0
    assert {len(found["sha256"]) for found in record["hosts"]} == {64}
    assert history.configuration["window"] == WINDOW
    assert history.configuration["grid"] is None


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    path = tmp_path_factory.mktemp("kept") / "training.npz"
    fit(source(), source(seed=8), checkpoint=path, epochs=1, steps_per_epoch=1)
    return path


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"dataset": source(seed=2)}, "'seed' of the training windows must be 1.* Got 2"),
        ({"validation": source(seed=9)}, "'seed' of the validation windows must be 8.* Got 9"),
        ({"dataset": source(law={"radius": (3, 9)})}, r"'law.radius' .* \[3.0, 8.0\].* 9.0\]"),
        ({"dataset": source(tumour_chance=0.4)}, "'settings.tumour_chance' .* 0.5.* Got 0.4"),
        ({"dataset": source(hosts=[host(changed=1.0)])}, r"'hosts\[0\]"),
        ({"dataset": source(hosts=[host(), host(1)])}, r"'hosts\[1\].level' .* 'nothing'"),
        ({"dataset": noise_cases(), "grid": None}, "training examples must be windows"),
        ({"validation": noise_cases(), "grid": None}, "validation examples must be .* Got scans"),
        ({"validation": None}, "validation examples must be windows.* Got none"),
    ],
)
def test_a_resume_with_another_source_is_refused(kept, options, text):
    given = {"dataset": source(), "validation": source(seed=8)} | options
    with pytest.raises(ValueError, match=text):
        fit(**given, checkpoint=kept, resume=True, epochs=1, steps_per_epoch=1)


def test_a_training_on_scans_does_not_go_on_with_windows(tmp_path):
    path = tmp_path / "training.npz"
    options = {
        "checkpoint": path,
        "epochs": 1,
        "steps_per_epoch": 1,
        "window": WINDOW,
        "grid": None,
    }
    fit(noise_cases(), **options)
    with pytest.raises(ValueError, match="training examples must be scans.* Got windows"):
        fit(resume=True, **options)
    with pytest.raises(ValueError, match="validation examples must be none.* Got windows"):
        fit(noise_cases(), source(), resume=True, **options)


def switched(**switches):
    return {"protocol": spars.Protocol.paper().with_switches(**switches)}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (switched(crop_label="voxel"), "'protocol.crop_label' .* must be 'image' .* Got 'voxel'"),
        (switched(crop_interpolation="linear"), "crop_interpolation' .* 'nearest' .* Got 'linear'"),
        (switched(crop_size=(9, 9, 9)), r"crop_size' .* 'window' .* Got \(9, 9, 9\)"),
        ({"protocol": "published"}, "'protocol.crop_label'"),
        ({"steps_per_epoch": None}, "'steps_per_epoch' .* must be an integer .* no end. Got None"),
        ({"pooling": "max"}, "'pooling' .* must be None .* Got 'max'"),
        ({"class_weights": "balanced"}, "'class_weights' .*'tumour_chance' .* Got 'balanced'"),
        ({"augmentation": spars.Augmentation("x")}, "'augmentation' .* must be None"),
        ({"scan_sampling": "balanced"}, "'scan_sampling' .* made windows alone"),
        ({"crop_sampling": "foreground"}, "'crop_sampling' .* 'uniform' .* Got 'foreground'"),
        ({"foreground_threshold": 0.0}, "'foreground_threshold'"),
        ({"grid": (30, 30, 30)}, r"'grid' .* left out .* Got \(30, 30, 30\)"),
        ({"window": (9, 8, 8)}, r"'window' .* must be \(8, 8, 8\), .*'dataset'.* Got \(9, 8, 8\)"),
        ({"validation": source(window=(10, 8, 8))}, r"'validation' .* \(8, 8, 8\).* \(10, 8, 8\)"),
        ({"validation": source()}, "'validation' .* the same source"),
        ({"validation": source(seed=8, tumour_chance=0.0), "monitor": "roc_auc", "patience": 2},
         "'monitor' .* none is with tumour"),
    ],
)  # fmt: skip
def test_what_means_nothing_with_windows_is_refused(options, text):
    with pytest.raises(ValueError, match=text):
        fit(**options)


def test_hosts_are_known_by_what_is_read_of_them():
    shown = host(4)
    assert shown.sha256 != host(5).sha256
    assert shown.sha256 != host(4, changed=1.0).sha256
    assert shown.mask_sha256 == host(5).mask_sha256
    values = np.random.default_rng(4).normal(100, 8, (20, 18, 16))
    organ = np.pad(np.ones((18, 16, 14), np.uint8), 1)
    volume = spars.Volume(values.astype(np.float32), np.diag([1.5] * 3 + [1]))
    # Of `host` without what it adds to a voxel outside the organ.
    assert lesions.Host(volume, organ).sha256 == shown.sha256

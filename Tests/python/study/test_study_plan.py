"""What a study's description says: settings, folds, tasks, and what is refused beforehand."""

import contextlib
import copy
import json
import sys

import numpy as np
import pytest
from hostile import Hostile, hostile
from study_cases import INTENSITY, PHANTOMS, SMALL

import spars
from spars.study.studies import STUDIES
from spars.volume.datasets import Case

SHAPE = (24, 24, 20)


def study(**changes):
    return spars.Study(**{"data": PHANTOMS, "base": SMALL, "split": {"folds": 2}, **changes})


def case(name, has_tumour, shape=SHAPE):
    labels = np.ones(shape, np.uint8)
    labels[4:8, 4:8, 4:8] = 2 if has_tumour else 1
    volume = np.zeros(shape, np.float32)
    return Case(name, has_tumour, lambda: volume, lambda: labels, shape, lambda: labels > 0)


def test_every_setting_fold_seed_and_scan_is_a_row_and_equal_work_is_one_task():
    found = study(sweep={"segmentation.iterations": [2, 3]}, seeds=[0, 1])
    rows = found._plan.rows
    assert len(rows) == 2 * 2 * 4
    assert len({row.task for row in rows}) == 16
    kinds = [task.kind for task in found.tasks.values()]
    # Both settings share each fold's and seed's training, and each scan's scores.
    assert (kinds.count("train"), kinds.count("score"), kinds.count("segment")) == (4, 8, 16)
    assert [one.name for one in found.variants] == [
        "segmentation.iterations=2", "segmentation.iterations=3",
    ]  # fmt: skip
    for fold in found.folds["segmentation.iterations=2"]:
        assert not set(fold.train) & set(fold.test)


def test_ids_follow_from_what_is_done_alone():
    ids = set(study().tasks)
    assert set(study(name="other").tasks) == ids
    settings = {"one": {}, "two": {"segmentation": {"iterations": 3}}}
    assert ids < set(study(settings=settings, share_scores=False).tasks)
    assert not ids & set(study(seeds=[7]).tasks)
    longer = study(base={**SMALL, "training": {**SMALL["training"], "epochs": 3}})
    assert not ids & set(longer.tasks)


def test_a_seed_of_its_own_makes_one_training_for_all_seeds():
    training = {**SMALL["training"], "seed": 5}
    found = study(base={**SMALL, "training": training}, seeds=[0, 1, 2])
    trained = [task for task in found.tasks.values() if task.kind == "train"]
    assert len(trained) == 2
    assert {task.spec["training"]["seed"] for task in trained} == {5}


def test_published_crops_do_not_follow_the_window_so_one_training_serves_all():
    base = {**SMALL, "protocol": "published", "grid": list(SHAPE)}
    found = study(base=base, sweep={"window": [[8, 8, 6], [10, 10, 8]]})
    assert [task.kind for task in found.tasks.values()].count("train") == 2


def test_a_plan_is_a_data_frame_with_forecasts():
    frame = study().plan()
    assert list(frame.columns) == [
        "id", "kind", "setting", "fold", "seed", "case", "state", "seconds", "bytes",
    ]  # fmt: skip
    assert set(frame.state) == {"waiting"}
    assert (frame.seconds > 0).all()
    assert (frame.bytes > 0).all()


def test_folds_keep_patients_together_and_share_tumours_out():
    cases = [case(f"s{number}", number % 4 < 2) for number in range(16)]
    groups = {f"s{number}": f"p{number // 2}" for number in range(16)}
    data = {"cases": cases, "groups": groups}
    found = spars.Study(data, base=SMALL, split={"folds": 4})
    tested = []
    for fold in found.folds["base"]:
        assert not {groups[name] for name in fold.train} & {groups[name] for name in fold.test}
        assert sum(cases[int(name[1:])].has_tumour for name in fold.test) == 2
        tested += fold.test
    assert sorted(tested) == sorted(groups)


def test_validation_scans_come_from_the_training_scans_of_each_fold():
    for fold in study(split={"folds": 2, "validation": 1}).folds["base"]:
        assert (len(fold.train), len(fold.validation), len(fold.test)) == (1, 1, 2)
        assert len({*fold.train, *fold.validation, *fold.test}) == 4


def test_splits_final_of_nnunet_are_read(tmp_path):
    file = tmp_path / "splits_final.json"
    file.write_text(json.dumps([{"train": ["phantom-3", "phantom-4"], "val": ["phantom-6"]}]))
    (fold,) = study(split={"file": file}).folds["base"]
    assert (fold.train, fold.test) == (("phantom-3", "phantom-4"), ("phantom-6",))
    file.write_text('{"train": []}')
    with pytest.raises(ValueError, match="not a list of folds with train and val"):
        study(split={"file": file}).tasks  # noqa: B018, the property reads the file


def test_a_yaml_file_is_read_from_its_folder_and_changed_by_keys(tmp_path):
    lines = ["image,has_tumour,mask,patient"]
    for number, each in enumerate(spars.datasets.phantoms(4, seed=3, shape=SHAPE)):
        spars.save(tmp_path / f"{number}.nii.gz", each.load())
        spars.save(tmp_path / f"{number}m.nii.gz", each.load_mask(), like=each.load())
        lines.append(f"{number}.nii.gz,{int(each.has_tumour)},{number}m.nii.gz,p{number // 2}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    (tmp_path / "study.yaml").write_text(
        "schema: 1\n"
        "data: {csv: labels.csv, groups: patient}\n"
        "split: {folds: 2}\n"
        f"base: {json.dumps(SMALL)}\n"
        "seeds: [0]\n"
    )
    found = spars.Study.load(tmp_path / "study.yaml", ["seeds=[1, 2]", "base.training.epochs=3"])
    assert found.seeds == (1, 2)
    assert found.variants[0].training.epochs == 3
    assert found.groups["2.nii.gz"] == "p1"
    for fold in found.folds["base"]:
        assert len({found.groups[name] for name in fold.test}) == 1
    found.check()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": 2}, "The 'schema' parameter of Study must be 1. Got 2 instead."),
        ({"data": {"cvs": "x"}}, "A study's data has no 'cvs'. Did you mean 'csv'?"),
        ({"split": {"fold": 2}}, "A study's split has no 'fold'. Did you mean 'folds'?"),
        ({"split": {"folds": 1}}, "The 'folds' parameter of Study.split must be an integer in"),
        ({"split": {"folds": 2, "train": 1}}, "A study's split has one of folds, file and train."),
        ({"base": {"trainig": {}}}, "The setting 'base' has no 'trainig'. Did you mean 'training'"),
        (
            {"base": {"training": {"epoch": 1}}},
            "The setting 'base': 'training' has no 'epoch'. Did you mean 'epochs'?",
        ),
        (
            {"base": {"segmentation": {"n_step": 1}}},
            "The setting 'base': 'segmentation' has no 'n_step'. Did you mean 'n_steps'?",
        ),
        ({"base": {"segmentation": {"region": 1}}}, "'segmentation' leaves 'region' to the study."),
        ({"base": {"recipe": {"certian": 1}}}, "'recipe' has no 'certian'. Did you mean 'certain'"),
        (
            {"base": {"training": {"augmentation": {"flip": "x"}}}},
            "An augmentation has no 'flip'. Did you mean 'flips'?",
        ),
        ({"base": {"training": {"epochs": 0}}}, "The 'epochs' parameter of fit must be an integer"),
        (
            {"base": {"segmentation": {"gamma": 2.0}}},
            "The 'gamma' parameter of self_play must be a float in the range [0.0, 1.0]. Got 2.0",
        ),
        ({"base": {"protocol": {"border": "x"}}}, "The 'border' parameter of Protocol must be one"),
        ({"base": {"protocol": {"boarder": 1}}}, "has no 'boarder'. Did you mean 'border'?"),
        ({"sweep": {"window": 3}}, "A study's sweep of 'window' must be a list. Got 3."),
        ({"sweep": {"window": [[8, 8, 6]]}, "settings": {"a": {}}}, "has a sweep or settings."),
        ({"base": [1]}, "A study's base must be a mapping. Got [1] instead."),
        ({"seeds": [1, 1]}, "must be one or more different integers. Got [1, 1] instead."),
        ({"preset": "published/mian"}, "The 'preset' parameter of Study must be one of"),
    ],
)
def test_what_a_study_cannot_mean_is_said_exactly(changes, message):
    with pytest.raises((TypeError, ValueError)) as caught:
        study(**changes)
    assert message in str(caught.value)


def named(*names):
    return [case(name, "free" not in name) for name in names]


@pytest.mark.parametrize(
    ("data", "changes", "message"),
    [
        (
            [*named("a", "b"), case("c", True, (24, 24, 7))],
            {"split": {"train": 2}},
            "Scan 'c' of shape (24, 24, 7) is too small for a window of (10, 10, 8)",
        ),
        (
            [*named("a", "b"), case("c", True, (9, 24, 20))],
            {"split": {"train": 3, "test": ["a"], "overlap": True}},
            "must be at most the shape of scan 'c', (9, 24, 20)",
        ),
        (named("a", "free", "free2"), {"split": {"train": 2}}, "shows tumour ('free2'): there is"),
        (named("a", "b"), {"split": {"train": 2, "test": ["a"]}}, "Scan 'a' is segmented, and is"),
        (named("a", "b"), {"split": {}}, "has no scan to train on"),
        (
            [*named("a"), Case("b", True, lambda: np.zeros(SHAPE, np.float32))],
            {"split": {"train": 1}},
            "Scan 'b' has no reference mask to measure against",
        ),
        (
            [*named("a"), case("b", None)],
            {"split": {"train": 2, "test": ["a"], "overlap": True}},
            "Scan 'b' has no label",
        ),
        (named("a", "a"), {}, "A study's scans must have different names. Got 'a' twice."),
    ],
)
def test_inputs_are_checked_before_the_first_task(data, changes, message):
    with pytest.raises(ValueError, match=r"^") as caught:
        study(data=data, **changes).check()
    assert message in str(caught.value)


def test_the_window_of_a_training_is_that_of_its_searches():
    base = {**SMALL, "training": {**SMALL["training"], "window": [10, 10, 8], "grid": "native"}}
    del base["window"], base["grid"]
    study(base=base).check()
    base["training"]["window"] = [10, 10, 24]
    with pytest.raises(ValueError, match=r"at most the shape of scan 'phantom-"):
        study(base=base).check()
    base["training"]["window"] = [10, 10, 8]
    base["recipe"] = {"window": [30, 10, 8]}
    with pytest.raises(ValueError, match=r"is too small for a window of \(30, 10, 8\)"):
        study(base=base).check()


def test_a_scan_too_shallow_for_the_published_grid_is_named_before_hours_of_training():
    names = [case(f"liver_{number}", True) for number in range(3)]
    base = {**SMALL, "grid": [24, 24, 60], "segmentation": {"iterations": 2}}
    found = study(data=names, base={**base, "protocol": "published"}, split={"train": 2})
    with pytest.raises(ValueError, match="'liver_2' of shape .* is too shallow for the middle"):
        found.check()


def test_a_disk_or_a_memory_too_small_is_said(tmp_path, monkeypatch):
    usage = type("usage", (), {"free": 1000})
    monkeypatch.setattr("spars.study.inspection.shutil.disk_usage", lambda _: usage)
    with pytest.raises(ValueError, match="the disk of .* has 0.0 free"):
        study().check(tmp_path / "out")
    monkeypatch.setattr("spars.study.inspection._memory", lambda: 1 << 20)
    with pytest.raises(ValueError, match="largest task takes about .* GiB of memory"):
        study().check()


def test_the_presets_are_the_published_repositorys_studies():
    names = [case(f"liver_{number}.nii.gz", True, (256, 256, 180)) for number in range(40)]
    found = spars.Study(names, preset="published/all")
    assert [one.name for one in found.variants] == [
        name for studies in STUDIES.values() for name in studies
    ]
    by_name = {one.name: one for one in found.variants}
    assert by_name["main run"].segmentation["window"] == (48, 48, 24)
    assert by_name["main run"].segmentation["termination_threshold"] == 0.3
    assert by_name["main run"].segmentation["iterations"] == 10_000
    assert by_name["threshold 0.6"].segmentation["window"] == (64, 64, 32)
    assert by_name["window 8 x 8 x 8"].segmentation["window"] == (8, 8, 8)
    sizes = [by_name[f"{scans} training scans"] for scans in (8, 12, 16, 20, 24)]
    assert [one.weights_name for one in sizes] == [
        "ex1_8in_weights.pth", "ex2_12in_weights.pth", "model_weights.pth",
        "ex3_20in_weights.pth", "ex4_24in_weights.pth",
    ]  # fmt: skip
    assert all(one.segmentation is None for one in sizes)
    (fold,) = found.folds["8 training scans"]
    assert (len(fold.train), len(fold.validation)) == (8, 16)
    assert fold.validation[0] == "liver_8.nii.gz"
    # The scan that is played is liver_5 by its name, and the classifier of 24 scans plays all.
    assert {row.case for row in found._plan.rows} == {"", "liver_5.nii.gz"}
    kinds = [task.kind for task in found.tasks.values()]
    assert kinds.count("train") == 5
    assert kinds.count("segment") == 9
    spars.Study(names, preset="published/all", base={"surfaces": False}).check()


def test_what_pages_in_three_dimensions_need_is_asked_before_the_first_task(monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(ImportError, match=r"pip install 'spars\[report3d\]'"):
        study(base={**SMALL, "surfaces": True}).check()


def test_intensity_needs_no_classifier():
    kinds = {task.kind for task in spars.Study(**INTENSITY).tasks.values()}
    assert kinds == {"segment"}


def places(value, path=()):
    """Yield the path to each part of nested values."""
    if path:
        yield path
    parts = enumerate(value) if isinstance(value, list) else ()
    for key, part in value.items() if isinstance(value, dict) else parts:
        yield from places(part, (*path, key))


@pytest.mark.filterwarnings("ignore")
def test_whatever_stands_in_a_description_the_error_is_of_the_right_kind(rng):
    sound = {
        "data": {**PHANTOMS, "groups": {f"phantom-{number}": "p" for number in range(3, 7)}},
        "split": {"train": 2, "test": ["phantom-6"], "overlap": True},
        "base": {**SMALL, "protocol": {"border": "inside"}, "recipe": {"certain": 0.9}},
        "settings": {"a": {"training_scans": 1}, "b": None},
        "seeds": [0],
    }
    study(**sound).check()
    known = list(places(sound))
    for _ in range(300):
        description = copy.deepcopy(sound)
        *parents, last = known[rng.integers(len(known))]
        part = description
        for key in parents:
            part = part[key]
        part[last] = hostile(rng)
        with contextlib.suppress(TypeError, ValueError, OSError, Hostile):
            found = study(**description)
            found.check()
            assert json.dumps(found.to_dict())

"""Datasets: order, labels, masks, and what is refused."""

import numpy as np
import pytest

import spars
from spars import datasets


def _write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    spars.save(path, array)


@pytest.fixture
def msd(tmp_path):
    for i, name in enumerate(("liver_10", "liver_2", "liver_1")):
        _write(tmp_path / "imagesTr" / f"{name}.nii.gz", np.full((3, 4, 5), i, np.float32))
        mask = np.ones((3, 4, 5), np.uint8)
        mask[1, 1, 1] = 2 if i == 1 else 0
        _write(tmp_path / "labelsTr" / f"{name}.nii.gz", mask)
    for junk in (".DS_Store", "._liver_1.nii.gz", "notes.txt"):
        (tmp_path / "imagesTr" / junk).write_text("x")
    return tmp_path


def test_msd_is_sorted_by_name_and_skips_hidden_files(msd):
    dataset = datasets.MSD(msd)
    assert [case.name for case in dataset] == [
        "liver_1.nii.gz", "liver_10.nii.gz", "liver_2.nii.gz",
    ]  # fmt: skip
    assert [case.has_tumour for case in dataset] == [False, False, True]
    assert dataset[1].load().array[0, 0, 0] == 0
    assert dataset[2].load_mask().dtype == np.uint8
    assert dataset[2].load_mask()[1, 1, 1] == 2


def test_msd_without_masks_has_no_labels_unless_a_file_gives_them(msd):
    dataset = datasets.MSD(msd, labels=False)
    assert [case.has_tumour for case in dataset] == [None, None, None]
    assert dataset[0].load_mask() is None
    table = msd / "labels.csv"
    table.write_text(
        "image,has_tumour\nimagesTr/liver_1.nii.gz,1\nliver_10.nii.gz,0\nliver_2.nii.gz,1\n"
    )
    labelled = datasets.MSD(msd, labels=False, csv=table)
    assert [case.has_tumour for case in labelled] == [True, False, True]
    table.write_text("image,has_tumour\nliver_1.nii.gz,1\n")
    with pytest.raises(spars.FormatError, match="liver_10"):
        datasets.MSD(msd, csv=table)


def test_msd_names_what_is_missing(msd, tmp_path):
    with pytest.raises(FileNotFoundError, match="imagesTr"):
        datasets.MSD(tmp_path / "none")
    (msd / "labelsTr" / "liver_2.nii.gz").unlink()
    with pytest.raises(FileNotFoundError, match="liver_2"):
        datasets.MSD(msd)


def test_slices_and_splits_are_datasets(msd):
    dataset = datasets.MSD(msd)
    first, rest = dataset.split(1)
    assert isinstance(first, datasets.Dataset)
    assert [len(first), len(rest)] == [1, 2]
    assert dataset[-1] is rest[-1]
    assert [case.name for case in dataset[::-1]] == [case.name for case in reversed(dataset)]
    for n in (-1, 4):
        with pytest.raises(ValueError, match="'n'"):
            dataset.split(n)


def test_csv_paths_labels_and_masks(tmp_path):
    _write(tmp_path / "a.nii", np.full((2, 3, 4), 7, np.float32))
    mask = np.zeros((2, 3, 4), np.uint8)
    mask[0, 0, 0] = 2
    _write(tmp_path / "m.nii", mask)
    table = tmp_path / "t.csv"
    table.write_text("\ufeffimage,has_tumour,mask\na.nii,1,\na.nii,,m.nii\n", encoding="utf-8")
    dataset = datasets.from_csv(table)
    assert [case.has_tumour for case in dataset] == [True, None]
    assert dataset[0].load().array[0, 0, 0] == 7
    assert dataset[0].load_mask() is None
    assert dataset[1].load_mask()[0, 0, 0] == 2
    with pytest.raises(FileNotFoundError, match="line 2: .*elsewhere"):
        datasets.from_csv(table, root=tmp_path / "elsewhere")
    table.write_text("image,has_tumour,mask\na.nii,1,\na.nii,1,gone.nii\n", encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=r"line 3: .*gone\.nii"):
        datasets.from_csv(table)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "'has_tumour'"),
        ("image\na\n", "'has_tumour'"),
        ("image,has_tumour\na,2\n", "line 2: 'has_tumour'"),
        ("image,has_tumour\na\n", "line 2: 'has_tumour'"),
        ("image,has_tumour\na,1\n,1\n", "line 3: 'image'"),
        ("image,has_tumour\na,\n", "line 2: 'has_tumour'"),
    ],
)
def test_broken_tables_name_the_line(tmp_path, text, match):
    table = tmp_path / "t.csv"
    table.write_text(text)
    with pytest.raises(spars.FormatError, match=match):
        datasets.from_csv(table)


@pytest.mark.parametrize(
    "text",
    [
        "image,has_tumour\na.nii,1\nb.nii,0\n",
        "image, has_tumour\na.nii, 1\nb.nii, 0\n",
        'image, has_tumour\n"a.nii", "1"\n"b.nii", "0"\n',
        "image,has_tumour\na.nii,1.0\nb.nii,0.0\n",
        "image,has_tumour\na.nii,True\nb.nii,False\n",
        "Image,Has_Tumour\na.nii,yes\nb.nii,no\n",
        "image\thas_tumour\na.nii\t1\nb.nii\t0\n",
        "image;has_tumour\r\na.nii;TRUE\r\nb.nii;FALSE\r\n",
        "image,\thas_tumour\na.nii,\t1\nb.nii,\t0\n",
        "\ufeffhas_tumour,image,age\n1,a.nii,60\n0,b.nii,\n",
        "image,has_tumour\na.nii,1\na.nii,1\nb.nii,0\n./b.nii,0\n",
    ],
)
def test_labels_are_read_as_people_save_them(tmp_path, text):
    for name in ("a.nii", "b.nii"):
        _write(tmp_path / name, np.zeros((2, 3, 4), np.float32))
    table = tmp_path / "t.csv"
    table.write_text(text, encoding="utf-8")
    found = {case.name.removeprefix("./"): case.has_tumour for case in datasets.from_csv(table)}
    assert found == {"a.nii": True, "b.nii": False}


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ("a.nii,0", "line 3: 'has_tumour' of 'a.nii' must be 1, as in line 2. Got 0"),
        ("./a.nii,no", "line 3: 'has_tumour' of './a.nii' must be 1, as in line 2. Got 0"),
        ("a.nii,maybe", "line 3: 'has_tumour' must be 0 or 1. Got 'maybe'"),
        ("a.nii,nan", "line 3: 'has_tumour' must be 0 or 1. Got 'nan'"),
        ("a.nii,0.5", "line 3: 'has_tumour' must be 0 or 1. Got '0.5'"),
        ("a,b.nii,1", "line 3: more values than columns"),
    ],
)
def test_a_scan_has_one_label(tmp_path, line, match):
    _write(tmp_path / "a.nii", np.zeros((2, 3, 4), np.float32))
    table = tmp_path / "t.csv"
    table.write_text(f"image,has_tumour\na.nii,1\n{line}\n")
    with pytest.raises(spars.FormatError, match=match):
        datasets.from_csv(table)


def test_a_decathlon_scan_has_one_label_too(msd):
    table = msd / "labels.csv"
    table.write_text("image,has_tumour\nliver_1.nii.gz,1\nimagesTr/liver_1.nii.gz,0\n")
    with pytest.raises(spars.FormatError, match="line 3: 'has_tumour' of 'imagesTr/liver_1"):
        datasets.MSD(msd, labels=False, csv=table)


def test_tables_in_other_encodings_are_format_errors(tmp_path):
    table = tmp_path / "t.csv"
    table.write_bytes(b"image,has_tumour\n\xff\xfe,1\n")
    with pytest.raises(spars.FormatError, match="UTF-8"):
        datasets.from_csv(table)


@pytest.mark.parametrize("value", [0.5, -1, np.nan, 300])
def test_masks_must_hold_whole_numbers(tmp_path, value):
    _write(tmp_path / "a.nii", np.zeros((2, 3, 4), np.float32))
    _write(tmp_path / "m.nii", np.full((2, 3, 4), value, np.float32))
    table = tmp_path / "t.csv"
    table.write_text("image,has_tumour,mask\na.nii,1,m.nii\n")
    with pytest.raises(spars.FormatError, match="whole numbers"):
        datasets.from_csv(table)[0].load_mask()


@pytest.mark.parametrize("label", [2, "1", 0.5])
def test_cases_refuse_other_labels(label):
    with pytest.raises(ValueError, match="'has_tumour'"):
        datasets.Case("a", label, lambda: None)
    with pytest.raises(TypeError, match="'load'"):
        datasets.Case("a", True, None)
    with pytest.raises(TypeError, match="'load_organ'"):
        datasets.Case("a", True, lambda: None, load_organ="organ.nii")


def test_cases_refuse_a_name_that_has_no_text():
    name = []
    for _ in range(3000):
        name = [name]
    with pytest.raises(TypeError, match="'name' parameter of Case must be a str"):
        datasets.Case(name, True, lambda: None)


def test_a_label_is_asked_for_once():
    asked = []
    case = datasets.Case("a", lambda: asked.append(1) or True, lambda: None)
    assert case.has_tumour
    assert case.has_tumour
    assert asked == [1]


def test_a_csv_names_organs_beside_masks(tmp_path):
    _write(tmp_path / "a.nii", np.zeros((2, 3, 4), np.float32))
    organ = np.zeros((2, 3, 4), np.uint8)
    organ[1] = 1
    _write(tmp_path / "o.nii", organ)
    table = tmp_path / "t.csv"
    table.write_text("image,has_tumour,organ\na.nii,0,o.nii\na.nii,0,\n")
    first, second = datasets.from_csv(table)
    np.testing.assert_array_equal(first.load_organ(), organ)
    assert first.load_organ().dtype == np.uint8
    assert first.load_mask() is second.load_organ() is None
    # An organ is no reference: an empty label still needs a mask.
    table.write_text("image,has_tumour,organ\na.nii,,o.nii\n")
    with pytest.raises(spars.FormatError, match="line 2: 'has_tumour'"):
        datasets.from_csv(table)
    # A mask of the same shape that lies elsewhere is of another scan, or mirrored.
    moved = np.eye(4)
    moved[0, 3] = 0.4
    spars.save(tmp_path / "o.nii", organ, like=spars.Volume(organ, moved))
    np.testing.assert_array_equal(first.load_organ(), organ)
    spars.save(tmp_path / "o.nii", organ, like=spars.Volume(organ, np.diag([-1.0, 1, 1, 1])))
    with pytest.raises(spars.FormatError, match=r"o\.nii and .*a\.nii lie 2.0 mm apart"):
        first.load_organ()
    table.write_text("image,has_tumour,organ\na.nii,0,gone.nii\n")
    with pytest.raises(FileNotFoundError, match=r"line 2: .*gone\.nii"):
        datasets.from_csv(table)


def test_an_organ_of_a_decathlon_scan_with_tumours_is_not_read_unless_asked(msd, monkeypatch):
    read = []
    table = msd / "labels.csv"
    table.write_text("image,has_tumour\nliver_1.nii.gz,0\nliver_10.nii.gz,0\nliver_2.nii.gz,1\n")
    load = datasets.as_volume
    monkeypatch.setattr(
        datasets, "as_volume", lambda path: read.append(path.parent.name) or load(path)
    )
    free, _, ill = datasets.MSD(msd, labels=False, csv=table)
    assert ill.load_organ() is None
    assert datasets.MSD(msd, labels=False)[2].load_organ() is None
    assert read == []
    assert free.load_organ().min() == 0
    assert set(np.unique(free.load_organ())) == {0, 1}
    *_, ill = datasets.MSD(msd, labels=False, csv=table, organs="every")
    assert set(np.unique(ill.load_organ())) == {1}
    # A scan that is said to be free of tumour and is not would teach its tumour as liver.
    table.write_text(table.read_text().replace("liver_2.nii.gz,1", "liver_2.nii.gz,0"))
    *_, wrong = datasets.MSD(msd, labels=False, csv=table)
    with pytest.raises(
        spars.FormatError, match=r"liver_2.nii.gz is said to be .* Got a label of 2"
    ):
        wrong.load_organ()
    (msd / "labelsTr" / "liver_1.nii.gz").unlink()
    assert datasets.MSD(msd, labels=False, csv=table)[0].load_organ() is None
    with pytest.raises(ValueError, match="'organs' parameter of MSD"):
        datasets.MSD(msd, organs="all")


def test_a_phantom_is_made_once_for_scan_and_organ(monkeypatch):
    made = []
    make = spars.phantom
    monkeypatch.setattr(
        spars.volume.phantom_cases, "phantom", lambda **o: made.append(1) or make(**o)
    )
    case = datasets.phantoms(1, seed=4, shape=(40, 40, 32), varied=True)[0]
    wanted = make(seed=4, shape=(40, 40, 32), has_tumour=False, varied=True)
    scan = case.load()
    np.testing.assert_array_equal(case.load_organ(), wanted.drawn_liver)
    assert made == [1]
    assert (wanted.drawn_liver != wanted.liver).any()
    np.testing.assert_array_equal(scan.array, wanted.volume.array)
    del scan
    np.testing.assert_array_equal(case.load_organ(), wanted.drawn_liver)
    assert made == [1, 1]
    np.testing.assert_array_equal(case.load_mask(), wanted.labels)


def test_phantom_livers_differ_as_scanners_do(monkeypatch):
    seen = []
    monkeypatch.setattr(spars.volume.phantom_cases, "phantom", lambda **o: seen.append(o) or 1 / 0)
    cases = datasets.phantom_livers(60, seed=7)
    assert [case.has_tumour for case in cases] == [False] * 60
    for case in cases:
        with pytest.raises(ZeroDivisionError):
            case.load_organ()
        assert case.shape == seen[-1]["shape"]
        assert np.all(np.multiply(case.shape, seen[-1]["spacing"]) >= (340, 280, 240))
    pixels, again, slices = np.transpose([options["spacing"] for options in seen])
    noise = np.array([options["noise"] for options in seen])
    np.testing.assert_array_equal(pixels, again)
    assert 0.62 <= pixels.min() < 0.66
    assert 0.91 < pixels.max() <= 0.95
    assert set(slices) == {1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6.5}
    assert 8 <= noise.min() < 9.5
    assert 27 < noise.max() <= 32
    assert 13 < np.median(noise) < 20
    assert all(options["varied"] for options in seen)
    # Case i follows from seed + i alone.
    with pytest.raises(ZeroDivisionError):
        datasets.phantom_livers(1, seed=9)[0].load()
    assert seen[-1] == seen[2]
    assert sum(case.has_tumour for case in datasets.phantom_livers(8, tumour_fraction=0.25)) == 2
    for arguments in ({"n": -1}, {"n": 1, "seed": -1}, {"n": 1, "tumour_fraction": 2.0}):
        with pytest.raises(ValueError, match="phantom_livers"):
            datasets.phantom_livers(**arguments)


def test_phantoms_spread_their_tumours():
    dataset = datasets.phantoms(6, seed=5, shape=(48, 48, 32))
    assert [case.has_tumour for case in dataset] == [False, True] * 3
    case = dataset[1]
    volume, mask = case.load(), case.load_mask()
    assert volume.shape == mask.shape == (48, 48, 32)
    assert set(np.unique(mask)) == {0, 1, 2}
    assert not (dataset[0].load_mask() == 2).any()
    assert np.array_equal(case.load().array, volume.array)
    third = datasets.phantoms(9, tumour_fraction=1 / 3)
    assert sum(case.has_tumour for case in third) == 3
    assert len(datasets.phantoms(0)) == 0
    for arguments in ({"n": -1}, {"n": 1, "tumour_fraction": 1.5}, {"n": 1, "shape": (0, 1, 1)}):
        with pytest.raises(ValueError, match="phantoms"):
            datasets.phantoms(**arguments)


def test_lists_and_bools_select_and_sums_join(msd):
    dataset = datasets.MSD(msd)
    assert list(dataset[[2, 0, -1]]) == [dataset[2], dataset[0], dataset[2]]
    assert list(dataset[np.array([1])]) == [dataset[1]]
    assert dataset[np.int64(1)] is dataset[1]
    assert len(dataset[[]]) == 0
    assert list(dataset[[False, False, True]]) == list(dataset[dataset.labels]) == [dataset[2]]
    assert list(dataset[np.array(dataset.labels)]) == [dataset[2]]
    assert list(dataset[:1] + dataset[2:]) == [dataset[0], dataset[2]]
    assert isinstance(dataset + dataset, datasets.Dataset)
    for index, kind, message in (
        ([True], ValueError, "a list of 3 bools. Got '1 bools'"),
        ([True, None, False], TypeError, "'index' parameter of Dataset must be an integer"),
        ([0.5], TypeError, "'index' parameter of Dataset must be an integer. Got 0.5"),
        ("012", TypeError, "'index' parameter of Dataset"),
        ([[0, 1]], TypeError, "'index' parameter of Dataset"),
        (1.0, TypeError, "'index' parameter of Dataset"),
    ):
        with pytest.raises(kind, match=message):
            dataset[index]
    with pytest.raises(IndexError):
        dataset[[3]]
    with pytest.raises(TypeError):
        dataset + [dataset[0]]  # noqa: RUF005 - a list is no dataset


def test_folds_hold_out_each_case_once_and_keep_groups(tmp_path):
    _write(tmp_path / "a.nii", np.zeros((2, 3, 4), np.float32))
    table = tmp_path / "t.csv"
    lines = [f"./{'./' * i}a.nii,1,{'pqr'[i // 2]}" for i in range(6)]
    table.write_text("image,has_tumour,group\n" + "\n".join(lines) + "\n")
    dataset = datasets.from_csv(table)
    assert dataset.groups == ["p", "p", "q", "q", "r", "r"]
    folds = dataset.folds(3, seed=1)
    assert [len(held_out) for _, held_out in folds] == [2, 2, 2]
    for training, held_out in folds:
        assert set(training.groups).isdisjoint(held_out.groups)
        assert set(training) | set(held_out) == set(dataset)
    with pytest.raises(
        ValueError, match=r"'n' parameter of folds .* \[2, 3\], the number of groups"
    ):
        dataset.folds(4)
    assert len(dataset.folds(6, groups=[None] * 6)) == 6
    phantoms = datasets.phantoms(8)
    for _, held_out in phantoms.folds(4, stratified=True):
        assert sorted(held_out.labels) == [False, True]
    again = [held_out for _, held_out in phantoms.folds(4, stratified=True)]
    assert [list(part) for part in again] == [
        list(held_out) for _, held_out in phantoms.folds(4, stratified=True, seed=0)
    ]
    with pytest.raises(TypeError, match="'stratified' parameter of folds must be a bool"):
        phantoms.folds(2, stratified=1)


def test_a_decathlon_table_names_groups(msd):
    table = msd / "labels.csv"
    table.write_text(
        "image,has_tumour,group\nliver_1.nii.gz,1,a\nliver_10.nii.gz,0,\nliver_2.nii.gz,1,a\n"
    )
    assert datasets.MSD(msd, csv=table).groups == ["a", None, "a"]
    with pytest.raises(TypeError, match="'group' parameter of Case must be hashable"):
        datasets.Case("a", True, lambda: None, group=[1])


def test_only_frames_are_frames():
    with pytest.raises(TypeError, match="'frame' parameter of from_frame must be a pandas"):
        datasets.from_frame([{"image": "a.nii"}])

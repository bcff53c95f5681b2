"""Scans that other programs wrote, and results as other programs read them."""

import json
import subprocess

import nibabel
import nrrd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from dicom_series import write_series

import spars
from spars.command import cli

#: Axes of three lengths, one reversed, and an origin: whatever is exchanged shows.
AFFINE = np.array([[-0.7, 0, 0, 31], [0, 0.8, 0, -17], [0, 0, 2.5, 40], [0, 0, 0, 1.0]])


@pytest.fixture
def hu(rng):
    return rng.integers(-1000, 1000, (7, 6, 5)).astype(np.int16)


def oblique(shear=0.0):
    """An affine turned about two axes, sheared along y as a tilted gantry does."""
    a, b = 0.2, -0.3
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    turn = turn @ np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([-0.7, -0.8, 2.5])
    affine[:3, 2] += shear * affine[:3, 1]
    affine[:3, 3] = [12, -30, 5]
    return affine


def lps(affine):
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


@pytest.mark.parametrize(
    "affine", [AFFINE, oblique(), oblique(0.6)], ids=["axial", "turned", "tilted"]
)
def test_a_dicom_series_has_its_hu_and_its_place(tmp_path, hu, affine):
    write_series(tmp_path / "series", hu, affine)
    scan = spars.load(tmp_path / "series")
    places = np.stack(np.meshgrid(*map(np.arange, hu.shape), indexing="ij"), -1).reshape(-1, 3)
    # The slices may come in the other order: every place must hold the HU that was put there.
    where = np.c_[places, np.ones(len(places))] @ (np.linalg.inv(scan.affine) @ affine).T
    index = np.rint(where[:, :3]).astype(int)
    assert np.abs(where[:, :3] - index).max() < 1e-3
    assert np.array_equal(scan.array[tuple(index.T)], hu[tuple(places.T)])
    assert spars.as_volume(tmp_path / "series").shape == scan.shape
    found = spars.segment(
        tmp_path / "series", lambda crops: np.full(len(crops), 0.9), method="exhaustive",
        window=(4, 4, 4), grid=None,
    )  # fmt: skip
    assert np.array_equal(found.volume.affine, scan.affine)


def test_a_folder_of_several_series_needs_one(tmp_path, hu):
    first = write_series(tmp_path, hu, AFFINE, number=2, description="arterial")
    for path in list(tmp_path.iterdir()):
        path.rename(path.with_suffix(""))
    second = write_series(tmp_path, hu[:, :, :3], AFFINE, number=3, description="portal venous")
    with pytest.raises(ValueError, match="'series' parameter of load") as refused:
        spars.load(tmp_path)
    for text in (first, second, "arterial", "portal venous", "5 files", "3 files"):
        assert text in str(refused.value)
    for series, slices in ((first, 5), (2, 5), ("3", 3), ("portal venous", 3)):
        assert spars.load(tmp_path, series=series).shape == (7, 6, slices)
    with pytest.raises(ValueError, match="Got 4 instead"):
        spars.load(tmp_path, series=4)
    spars.save(tmp_path / "a.nii", hu)
    with pytest.raises(ValueError, match="'series' parameter of load must be None"):
        spars.load(tmp_path / "a.nii", series=1)


def test_slices_that_are_missing_are_told(tmp_path, hu):
    write_series(tmp_path / "gap", hu, AFFINE, heights=[0, 1, 2, 4, 5])
    with pytest.raises(spars.FormatError, match="must lie evenly. Got 2.500 to 5.000 mm"):
        spars.load(tmp_path / "gap")
    (tmp_path / "none").mkdir()
    (tmp_path / "none/a.txt").write_text("no scan")
    with pytest.raises(spars.FormatError, match="holds no DICOM file"):
        spars.load(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        spars.load(tmp_path / "absent.nrrd")
    (tmp_path / "broken.nrrd").write_bytes(b"NRRD0004\ntype: short\n")
    with pytest.raises(spars.FormatError, match=r"broken\.nrrd"):
        spars.load(tmp_path / "broken.nrrd")


@pytest.mark.parametrize("space", ["left-posterior-superior", "right-anterior-superior"])
def test_nrrd_of_pynrrd(tmp_path, hu, space):
    placed = lps(oblique()) if space.startswith("left") else oblique()
    header = {
        "space": space, "space directions": placed[:3, :3].T, "space origin": placed[:3, 3],
        "kinds": ["domain"] * 3,
    }  # fmt: skip
    nrrd.write(str(tmp_path / "a.nrrd"), hu, header)
    scan = spars.load(tmp_path / "a.nrrd")
    assert np.array_equal(scan.array, hu)
    assert np.allclose(scan.affine, oblique(), atol=1e-6)
    # A mask on its place, of which the header alone is read.
    spars.save(tmp_path / "mask.nii.gz", hu > 0, like=tmp_path / "a.nrrd")
    assert np.allclose(spars.load(tmp_path / "mask.nii.gz").affine, oblique(), atol=1e-4)


@pytest.mark.parametrize("name", ["a.mha", "a.mhd", "a.nrrd"])
def test_what_simpleitk_wrote(tmp_path, hu, name, capsys):
    image = sitk.GetImageFromArray(hu.transpose(2, 1, 0))
    image.SetSpacing((0.7, 0.8, 2.5))
    image.SetOrigin((-31.0, 17.0, 40.0))
    image.SetDirection((1, 0, 0, 0, -1, 0, 0, 0, 1))
    sitk.WriteImage(image, str(tmp_path / name))
    scan = spars.load(tmp_path / name)
    assert np.array_equal(scan.array, hu)
    assert np.allclose(scan.affine, AFFINE)
    assert cli.main(["info", str(tmp_path / name)]) == 0
    assert "[7, 6, 5]" in capsys.readouterr().out
    colour = sitk.GetImageFromArray(np.zeros((3, 4, 5, 2), np.uint8), isVector=True)
    sitk.WriteImage(colour, str(tmp_path / "colour.mha"))
    with pytest.raises(spars.FormatError, match="one value a voxel"):
        spars.load(tmp_path / "colour.mha")


def test_the_command_takes_dicom_folders(tmp_path, hu, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("first", "second"):
        write_series(tmp_path / "scans" / name, hu, AFFINE)
        (tmp_path / "organs").mkdir(exist_ok=True)
        organ = np.ones(hu.shape, np.uint8)
        spars.save(f"organs/{name}.nii.gz", organ, like=tmp_path / "scans" / name)
    options = ["--method", "intensity", "--region"]
    one = ["segment", "scans/first", *options, "organs/first.nii.gz", "-o", "mask.nii.gz"]
    assert cli.main(one) == 0
    scan = spars.load("scans/first")
    assert np.allclose(spars.load("mask.nii.gz").affine, scan.affine, atol=1e-5)
    assert cli.main(["segment", "scans", *options, "organs", "-o", "masks"]) == 0
    assert sorted(path.name for path in (tmp_path / "masks").iterdir()) == [
        "first.nii.gz", "second.nii.gz", "summary.csv",
    ]  # fmt: skip


def segmentation(scan, mask):
    return spars.Segmentation(scan, mask, mask.astype(np.float32), None, {"method": "exhaustive"})


def mask_of(hu):
    """A mask of no symmetry."""
    mask = np.zeros(hu.shape, np.uint8)
    mask[1:3, 2:5, 1], mask[2, 3, 2:4] = 1, 1
    return mask


@pytest.mark.parametrize("affine", [AFFINE, oblique()], ids=["axial", "turned"])
def test_slicers_file_for_pynrrd(tmp_path, hu, affine):
    mask = mask_of(hu)
    segmentation(spars.Volume(hu, affine), mask).save(tmp_path / "mask.seg.nrrd")
    values, header = nrrd.read(str(tmp_path / "mask.seg.nrrd"))
    assert np.array_equal(values, mask)
    assert header["space"] == "left-posterior-superior"
    assert np.allclose(header["space directions"], lps(affine)[:3, :3].T)
    assert np.allclose(header["space origin"], lps(affine)[:3, 3])
    assert (header["Segment0_Name"], header["Segment0_LabelValue"]) == ("tumour", "1")
    assert header["Segment0_Extent"] == "1 2 2 4 1 3"
    again = spars.load(tmp_path / "mask.seg.nrrd")
    assert np.array_equal(again.array, mask)
    assert np.allclose(again.affine, affine)


def test_a_sheared_mask_is_no_nrrd(tmp_path, hu):
    with pytest.raises(ValueError, match="orthogonal axes"):
        segmentation(spars.Volume(hu, oblique(0.6)), mask_of(hu)).save(tmp_path / "a.seg.nrrd")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("affine", [AFFINE, oblique()], ids=["axial", "turned"])
@pytest.mark.parametrize("turned", [False, True])
def test_dicom_seg_for_pydicom(tmp_path, hu, affine, turned):
    mask = mask_of(hu)
    uid = write_series(tmp_path / "series", hu, affine)
    scan, placed = spars.Volume(hu, affine), mask
    if turned:
        # As a converter to NIfTI stores it: axes exchanged and one reversed.
        step = np.array([[0, 1, 0, 0], [-1, 0, 0, 6], [0, 0, 1, 0], [0, 0, 0, 1.0]])
        scan = spars.Volume(hu.transpose(1, 0, 2)[:, ::-1], affine @ np.linalg.inv(step))
        placed = np.ascontiguousarray(mask.transpose(1, 0, 2)[:, ::-1])
    segmentation(scan, placed).save(tmp_path / "seg.dcm", source=tmp_path / "series")
    read = pydicom.dcmread(tmp_path / "seg.dcm")
    assert read.Modality == "SEG"
    assert read.SegmentSequence[0].SegmentLabel == "tumour"
    assert read.ReferencedSeriesSequence[0].SeriesInstanceUID == uid
    shared = read.SharedFunctionalGroupsSequence[0]
    spacing = [float(one) for one in shared.PixelMeasuresSequence[0].PixelSpacing]
    turn = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float)
    frames = read.pixel_array.reshape(-1, read.Rows, read.Columns)
    found = set()
    for frame, group in zip(frames, read.PerFrameFunctionalGroupsSequence, strict=True):
        origin = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        for row, column in np.argwhere(frame):
            place = origin + turn[:3] * column * spacing[1] + turn[3:] * row * spacing[0]
            found.add(tuple(np.round(place, 2) + 0.0))
    wanted = lps(affine) @ np.c_[np.argwhere(mask), np.ones(int(mask.sum()))].T
    assert found == {tuple(np.round(place[:3], 2) + 0.0) for place in wanted.T}


def test_dicom_seg_refuses_another_series(tmp_path, hu):
    moved = AFFINE.copy()
    moved[0, 3] += 0.2
    write_series(tmp_path / "series", hu, moved)
    found = segmentation(spars.Volume(hu, AFFINE), mask_of(hu))
    with pytest.raises(ValueError, match="does not lie on its voxels"):
        found.save(tmp_path / "seg.dcm", source=tmp_path / "series")
    with pytest.raises(ValueError, match="'source' parameter of save must be the folder"):
        found.save(tmp_path / "seg.dcm")
    with pytest.raises(ValueError, match="'source' parameter of save must be None"):
        found.save(tmp_path / "seg.nii", source=tmp_path / "series")
    empty = segmentation(spars.Volume(hu, moved), np.zeros(hu.shape, np.uint8))
    empty.save(tmp_path / "seg.dcm", source=tmp_path / "series")
    assert not pydicom.dcmread(tmp_path / "seg.dcm").pixel_array.any()


def test_a_file_with_its_provenance_is_read_by_others(tmp_path, hu):
    mask = mask_of(hu)
    found = segmentation(spars.Volume(hu, oblique()), mask)
    found.configuration["scan"] = {"sha256": "a" * 64}
    for name in ("mask.nii", "mask.nii.gz"):
        found.save(tmp_path / name)
        read = nibabel.load(tmp_path / name)
        assert np.array_equal(np.asarray(read.dataobj), mask)
        assert np.allclose(read.affine, oblique(), atol=1e-5)
        (extension,) = read.header.extensions
        assert extension.get_code() == 6
        told = json.loads(extension.text)
        assert (told["spars"], told["input_sha256"]) == (spars.__version__, "a" * 64)
        image = sitk.ReadImage(str(tmp_path / name))
        assert np.array_equal(sitk.GetArrayFromImage(image).transpose(2, 1, 0), mask)
        again = spars.as_volume(image)
        assert np.allclose(again.affine, oblique(), atol=1e-5)


def test_a_comment_of_nibabel_is_shown(tmp_path, hu, capsys):
    image = nibabel.Nifti2Image(hu, AFFINE)
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension(4, b"AFNI's own"))
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension(6, b"made by hand"))
    nibabel.save(image, tmp_path / "a.nii.gz")
    assert cli.main(["info", str(tmp_path / "a.nii.gz"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["comments"] == ["made by hand"]


def test_a_series_is_chosen_on_the_command_line(tmp_path, hu, capsys):
    series, affine = tmp_path / "series", AFFINE @ np.diag([4, 4, 1, 1])
    write_series(series, hu, affine, number=2, description="arterial")
    for path in list(series.iterdir()):
        path.rename(path.with_suffix(""))
    write_series(series, hu[:, :, :3], affine, number=3, description="portal")
    scan = spars.load(series, series=3)
    spars.save(tmp_path / "region.nii", np.ones((7, 6, 3), np.uint8), like=scan)
    options = ["--method", "intensity", "--region", str(tmp_path / "region.nii"), "-o"]
    one = [*options, str(tmp_path / "mask.nii.gz")]
    assert cli.main(["segment", str(series), *one]) == 1
    told = capsys.readouterr().err
    for text in ("arterial", "portal", "--series says which"):
        assert text in told
    assert cli.main(["segment", str(series), "--series", "portal", *one]) == 0
    assert spars.load(tmp_path / "mask.nii.gz").shape == (7, 6, 3)
    (tmp_path / "masks").mkdir()
    several = [*options, str(tmp_path / "masks")]
    assert cli.main(["segment", str(series), "--series", "3", *several]) == 0
    assert spars.load(tmp_path / "masks/series.nii.gz").shape == (7, 6, 3)
    capsys.readouterr()
    assert cli.main(["info", str(series), "--series", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["shape"] == [7, 6, 5]
    assert cli.main(["info", str(tmp_path / "region.nii"), "--series", "2"]) == 1
    assert "--series is of a folder of DICOM files" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_shells_complete_what_the_program_knows(shell, capsys, tmp_path):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--print-completion", shell])
    assert ended.value.code == 0
    script = capsys.readouterr().out
    for word in ("segment", "region-value", "exhaustive"):
        assert word in script
    if shell == "bash":
        (tmp_path / "spars.bash").write_text(script)
        asked = (
            f"source {tmp_path}/spars.bash; COMP_WORDS=(spars segment --meth); COMP_CWORD=2; "
            "_shtab_spars spars --meth segment; echo ${COMPREPLY[@]}"
        )
        answer = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
        assert "--method" in answer.stdout

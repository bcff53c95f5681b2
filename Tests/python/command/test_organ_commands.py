"""Commands on organs: training on made lesions, and segmenting by the recipe of the weights."""

import csv
import json

import numpy as np
import pytest

import spars
from spars.command import cli
from spars.lesions import LesionLaw, WindowSettings
from spars.search.map_policy import MapPolicy
from spars.search.weak_label_settings import WeakLabelSettings

INPUT = (108, 108, 108)
RECIPE = spars.Recipe.of_organ(
    2.0, (8, 8, 8), margin=4.0, segmentation_threshold=0.0, refinement="none"
)


def scan(number=0, level=100.0, edges=(1.2, 1.2, 3.0)):
    """Return a scan of an organ with a dark ball, and the masks of both."""
    rng, shape = np.random.default_rng(number), (40, 36, 18)
    x, y, z = np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in shape), indexing="ij")
    organ = (x / 17) ** 2 + (y / 15) ** 2 + (z / 7.5) ** 2 < 1
    ball = (x - 4) ** 2 + (y + 2) ** 2 + (2.5 * z) ** 2 < 49
    values = np.where(organ, level, -50.0) + rng.normal(0, 6, shape) - 60.0 * ball
    affine = np.diag([*edges, 1.0])
    return spars.Volume(values, affine), organ.astype(np.uint8), ball.astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("organs")
    lines = ["image,has_tumour,organ"]
    for number, level in enumerate((100.0, 103.0, 40.0)):
        volume, organ, ball = scan(number, level)
        named = {"organ": organ, "ball": ball}
        spars.save(folder / f"scan{number}.nii.gz", volume)
        for name, mask in named.items():
            spars.save(folder / f"{name}{number}.nii.gz", mask, like=volume)
        lines.append(f"scan{number}.nii.gz,{int(number == 2)},organ{number}.nii.gz")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    classifier = spars.Classifier(INPUT, spars.IntensityWindow(90, 180), seed=1)
    classifier.recipe = RECIPE
    classifier.save(folder / "weights.safetensors")
    classifier.recipe = RECIPE.changed(
        protocol=RECIPE.protocol.with_switches(segmentation_threshold=0.9), refinement="split"
    )
    classifier.save(folder / "strict.safetensors")
    return folder


def segment(*more, number=0, weights="weights", output="mask.nii.gz"):
    classifier = ("--classifier", f"{weights}.safetensors") if weights else ()
    organ = ("--region", f"organ{number}.nii.gz")
    return "segment", f"scan{number}.nii.gz", *classifier, *organ, "-o", output, *more


def test_an_organ_needs_no_other_option_than_its_mask(said, tmp_path, folder):
    output, table = tmp_path / "mask.nii.gz", tmp_path / "found.csv"
    code, out, err = said(*segment("--json", "--lesions", table, output=output))
    assert (code, err) == (0, "")
    result = json.loads(out)
    classifier = spars.Classifier.load(folder / "weights.safetensors")
    found = spars.segment("scan0.nii.gz", classifier, region="organ0.nii.gz")
    np.testing.assert_array_equal(spars.load(output).array, found.mask)
    assert result["lesions"] == [
        lesion.to_dict() | {"position": list(lesion.position), "voxel": list(lesion.voxel)}
        for lesion in found.lesions
    ]
    assert result["warnings"] == []
    assert result["configuration"]["method"] == "exhaustive"
    assert result["configuration"]["recipe"] == json.loads(json.dumps(RECIPE.recorded())) | {
        "protocol": result["configuration"]["recipe"]["protocol"]
    }
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert len(rows) == len(found.lesions) > 0
    first, lesion = rows[0], found.lesions[0]
    assert float(first["volume_ml"]) == pytest.approx(lesion.volume, abs=1e-4)
    assert tuple(int(first[axis]) for axis in "ijk") == lesion.voxel
    place = [float(first[f"{axis}_mm"]) for axis in "xyz"]
    assert place == pytest.approx(lesion.position, abs=1e-3)
    assert list(first) == [
        "number", "x_mm", "y_mm", "z_mm", "i", "j", "k", "volume_ml", "diameter_mm", "mean_hu",
        "score",
    ]  # fmt: skip


def test_the_text_tells_the_level_and_every_lesion(said, tmp_path):
    code, out, _ = said(*segment(output=tmp_path / "mask.nii.gz"))
    assert code == 0
    _, level, head, first, *_ = out.splitlines()
    assert level.startswith("Level of the organ 9") or level.startswith("Level of the organ 10")
    assert head.split() == ["position,", "mm", "ml", "mm", "HU", "score"]
    assert first.split()[0] == "1"
    assert len(first.split()) == 8


def test_an_empty_mask_is_told_with_the_highest_score(said, tmp_path):
    output = tmp_path / "mask.nii.gz"
    code, out, _ = said(*segment("--score-map", tmp_path / "map.nii.gz", weights="strict",
                                 output=output))  # fmt: skip
    assert code == 0
    organ = spars.load("organ0.nii.gz").array
    highest = spars.load(tmp_path / "map.nii.gz").array[organ != 0].max()
    assert out.splitlines()[-1] == (
        f"No tumour: the highest score in the organ is {highest:.3f}, the threshold 0.900; "
        "a lesion's highest must be above 0.970, its volume at least 0.1 ml."
    )
    assert not spars.load(output).array.any()


def test_what_does_not_fit_is_a_line_on_standard_error(said, tmp_path):
    code, out, err = said(*segment("--json", number=2, output=tmp_path / "mask.nii.gz"))
    assert code == 0
    (line,) = err.splitlines()
    assert line.startswith("spars: warning: The liver's level is ")
    assert json.loads(out)["warnings"] == [line.removeprefix("spars: warning: ")]


def test_intensity_asks_for_no_classifier(said, tmp_path):
    output = tmp_path / "mask.nii.gz"
    arguments = segment("--method", "intensity", "--json", weights=None, output=output)
    code, out, err = said(*arguments, "--report", tmp_path / "report.html",
                          "--reference", "ball0.nii.gz")  # fmt: skip
    assert (code, err) == (0, "")
    result = json.loads(out)
    assert result["dice"] > 0.7
    wanted = spars.intensity_mask("scan0.nii.gz", "organ0.nii.gz")
    np.testing.assert_array_equal(spars.load(output).array, wanted)
    assert result["lesions"][0]["volume"] == pytest.approx(wanted.sum() * 1.2 * 1.2 * 3 / 1000)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "intensity" in page
    assert "without a classifier" in page
    assert "made of boxes" not in page
    code, out, _ = said("segment", "scan0.nii.gz", "--region", "organ0.nii.gz", "-o", output,
                        "--method", "intensity")  # fmt: skip
    assert "position, mm" in out


@pytest.mark.parametrize("method", ["exhaustive", "self_play", "grad_cam", "flood"])
def test_every_method_runs_on_the_organ(said, tmp_path, method):
    more = [] if method == "grad_cam" else ["--coverage"]
    code, _, err = said(*segment(
        "--method", method, "--iterations", 2, "--report", tmp_path / "report.html", *more,
        output=tmp_path / "mask.nii.gz",
    ))  # fmt: skip
    assert (code, err) == (0, "")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert ("Distinct windows over the" in page) == (method != "grad_cam")
    assert "The map runs between the middles of windows" in page
    assert "made of boxes" not in page


def test_a_reference_is_measured_against_by_self_play_on_the_organ(said, tmp_path):
    code, out, err = said(*segment(
        "--method", "self_play", "--iterations", 2, "--report", tmp_path / "report.html",
        "--reference", "ball0.nii.gz", output=tmp_path / "mask.nii.gz",
    ))  # fmt: skip
    assert (code, err) == (0, "")
    assert "Dice " in out


def test_agents_and_a_budget_are_given_by_options(said, tmp_path, folder):
    spars.Agents(MapPolicy(seed=3), {"scans": 1}, None).save(tmp_path / "agents.npz")
    given = ("--agents", tmp_path / "agents.npz", "--max-scores", "25", "--json")
    code, out, err = said(*segment(*given, output=tmp_path / "mask.nii.gz"))
    assert (code, err) == (0, "")
    search = json.loads(out)["configuration"]["search"]
    assert (search["method"], search["scores_asked"]) == ("agents", 25)
    ours = ("--agents", "liver-lesions", "--max-scores", "25", "--json")
    code, out, err = said(*segment(*ours, output=tmp_path / "mask.nii.gz"))
    assert json.loads(out)["configuration"]["search"]["scores_asked"] == 25
    code, _, err = said(*segment(*given, "--method", "flood", output=tmp_path / "mask.nii.gz"))
    assert code == 1
    assert "'agents' parameter of segment must be None with method='flood'" in err


def test_the_recipe_can_be_left_out(said, tmp_path):
    code, out, err = said(*segment(
        "--no-recipe", "--grid", "native", "--window", 8, 8, 6, "--iterations", 1, "--n-steps", 4,
        "--json", output=tmp_path / "mask.nii.gz",
    ))  # fmt: skip
    assert (code, err) == (0, "")
    configuration = json.loads(out)["configuration"]
    assert (configuration["recipe"], configuration["method"]) == (None, "self_play")
    assert "lesions" not in json.loads(out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (segment()[:4] + ("-o", "m.nii.gz"), "'region' parameter of segment must be the organ's"),
        (segment("--grid", "8", "8", "8"), "'grid' parameter of segment must be left out with a"),
        (segment("--isolated"), "'isolated' parameter of segment must be left out with a recipe"),
        (segment("--window", "60", "60", "60"), "'window' parameter of segment"),
        (segment("--opponents", "vanilla"), "--opponents is of self_play"),
        (segment("--max-scores", "5"), "must be None with method='exhaustive'"),
        (segment("--method", "intensity", "--stride", "2"), "--stride is of self_play"),
        (
            segment("--method", "intensity", "--coverage", "--report", "r.html"),
            "--coverage is of windows on the game's lattice; intensity has its own",
        ),
        (segment("--lesions", "none/found.csv"), "does not exist"),
        (segment("--lesions", "scan0.nii.gz"), "--lesions would overwrite the scan"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_contradicts_the_recipe_is_one_line(folder, said, arguments, message):
    before = {path.name for path in folder.iterdir()}
    code, out, err = said(*arguments)
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert message in err
    assert {path.name for path in folder.iterdir()} == before


def test_help_says_which_method_is_taken_when(capsys):
    with pytest.raises(SystemExit):
        cli.main(["segment", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "windows are chosen (default: exhaustive where the recipe has a working grid" in text


def test_a_classifier_or_a_region_is_needed(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["segment", "scan.nii.gz", "-o", "mask.nii.gz"])
    assert ended.value.code == 2
    assert "segment needs --classifier, or --region for the weights" in capsys.readouterr().err


def test_info_shows_the_recipe(said):
    code, out, _ = said("info", "weights.safetensors", "--json")
    assert code == 0
    assert json.loads(out)["recipe"] == json.loads(json.dumps(RECIPE.recorded()))
    lines = dict(
        line.split(maxsplit=1) for line in said("info", "weights.safetensors")[1].splitlines()
    )
    assert lines["recipe.spacing"] == "2.0"
    assert lines["recipe.protocol"] == (
        "paper, scan_frame native, segmentation_threshold 0.0, credited_part (4, 4, 4), "
        "orientation stored"
    )


TRAIN = (
    "train", "--lesions", "synthetic", "--epochs", 1, "--steps-per-epoch", 1, "--scans-per-step",
    2, "--crops-per-scan", 1, "--validation-steps", 1, "--input-shape", *INPUT, "--spacing", 2.0,
    "--window", 8, 8, 8, "--window-core", 4, 4, 4, "--lesion-radius", 4, 8, "--window-noise", 0, 3,
    "--no-window-flips", "--learning-rate", "falling", "--seed", 3,
)  # fmt: skip


def test_training_on_made_lesions_writes_weights_and_recipe(said, tmp_path):
    output = tmp_path / "w.safetensors"
    code, out, err = said(*TRAIN, "--csv", "labels.csv", "--validation-scans", 1, "-o", output)
    assert code == 0
    assert err == ("spars: note: left out, for they show tumour or have no label: scan2.nii.gz\n")
    first, last = out.splitlines()
    assert "trained on windows of 1 tumour-free organs for 1 epochs" in first
    assert last.startswith("Windows of 1 kept apart: ROC AUC ")
    assert "accuracy" in last
    trained = spars.Classifier.load(output)
    assert trained.intensity_window == spars.IntensityWindow(90, 180)
    # The same by hand.
    cases = spars.datasets.from_csv("labels.csv")[:2]
    hosts = spars.lesions.hosts(cases, spars.Recipe.of_organ(2.0))
    law = LesionLaw(radius=(4, 8))
    drawn = {"window": (8, 8, 8), "core": (4, 4, 4), "noise": (0, 3), "flips": False}
    training, validation = (
        spars.lesions.windows([host], law, seed, **drawn)
        for host, seed in zip(hosts, (3, 4), strict=True)
    )
    twin = spars.Classifier(INPUT, spars.IntensityWindow(90, 180), seed=3)
    history = twin.fit(
        training, validation, epochs=1, steps_per_epoch=1, scans_per_step=2, crops_per_scan=1,
        validation_steps=1, learning_rate="falling", seed=3,
    )  # fmt: skip
    assert trained.recipe == twin.recipe
    assert trained.recipe.spacing == 2.0
    assert trained.training == history.to_dict()
    for name, array in twin.parameters().items():
        np.testing.assert_array_equal(trained.parameters()[name], array)


def test_phantoms_with_lesions_are_those_of_many_scanners(said, tmp_path, monkeypatch):
    asked = []

    def livers(n, seed):
        asked.append((n, seed))
        return spars.datasets.phantoms(
            n, seed=seed, shape=(64, 64, 48), tumour_fraction=0.0, varied=True
        )

    monkeypatch.setattr(spars.datasets, "phantom_livers", livers)
    output = tmp_path / "w.safetensors"
    code, out, err = said(*TRAIN, "--phantoms", 1, "-o", output, "--json", "--spacing", 4.0)
    assert (code, err, asked) == (0, "", [(1, 3)])
    result = json.loads(out)
    assert result["left_out"] == []
    assert result["history"]["inputs"][0]["hosts"][0]["spacing"] == pytest.approx([4.0] * 3)
    assert spars.Classifier.load(output).recipe.spacing == 4.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*TRAIN, "--validation-scans", "2"), "must leave a scan to train on: 0 to 1. Got 2"),
        ((*TRAIN, "--pooling", "max"), "'pooling' parameter of fit must be None with made windows"),
        (("train", "--lesions", "synthetic"), "'steps_per_epoch' parameter of fit must be"),
        ((*TRAIN, "--flips", "x"), "'augmentation' parameter of fit must be None with made"),
        ((*TRAIN, "--lesion-radius", "9", "4"), "'radius' parameter of LesionLaw must be two"),
        ((*TRAIN, "--window-core", "5", "5", "5"), "'core'"),
        ((*TRAIN, "--spacing", "0"), "'spacing' parameter of Recipe"),
        (("train", "--spacing", "1.5"), "--spacing is of --lesions synthetic"),
        (("train", "--lesion-core-chance", "1"), "--lesion-core-chance is of --lesions synthetic"),
        (("train", "--window-noise", "0", "1"), "--window-noise is of --lesions synthetic"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_means_nothing_is_refused_before_any_host_is_made(
    said, monkeypatch, tmp_path, arguments, message
):
    monkeypatch.setattr(spars.lesions, "hosts", lambda *_: pytest.fail("hosts were made"))
    output = tmp_path / "w.safetensors"
    code, out, err = said(*arguments, "--csv", "labels.csv", "-o", output)
    assert (code, out) == (1, "")
    assert message in err.splitlines()[-1]
    assert not output.exists()


def test_scans_with_tumours_alone_hold_no_lesions(said, tmp_path):
    (tmp_path / "ill.csv").write_text("image,has_tumour\nscan0.nii.gz,1\n")
    code, _, err = said(*TRAIN, "--csv", tmp_path / "ill.csv", "--root", ".", "-o",
                        tmp_path / "w.safetensors")  # fmt: skip
    assert code == 1
    assert "--lesions needs a scan that is known to be tumour-free. Got none" in err


@pytest.mark.parametrize(
    ("settings", "prefix", "without"),
    [
        (LesionLaw, "lesion", ()),
        (WindowSettings, "window", ("window",)),
        (WeakLabelSettings, "weak", ("seed", "progress")),
    ],
)
def test_every_setting_of_made_lesions_has_an_option(settings, prefix, without, capsys):
    with pytest.raises(SystemExit):
        cli.main(["train", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for name, default in settings.defaults().items():
        if name in without:
            continue
        assert f"--{prefix}-{name.replace('_', '-')}" in text
        if isinstance(default, float):
            assert f"default: {default}" in text
        elif isinstance(default, tuple):
            assert f"default: {' '.join(map(str, default))}" in text
    assert " hU " not in text

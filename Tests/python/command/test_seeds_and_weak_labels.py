"""Training of several networks into one file, and with image-level labels after made lesions."""

import json

import numpy as np
import pytest

import spars

INPUT = (108, 108, 108)
TRAIN = (
    "train", "--lesions", "synthetic", "--epochs", 1, "--steps-per-epoch", 1, "--scans-per-step",
    2, "--crops-per-scan", 1, "--validation-steps", 1, "--spacing", 3.0, "--window", 6, 6, 6,
    "--window-core", 2, 2, 2, "--lesion-radius", 4, 8, "--seed", 3,
)  # fmt: skip
THEN = (
    "--then-weak-labels", "--weak-epochs", 1, "--weak-steps-per-epoch", 1,
    "--weak-windows-per-step", 2, "--weak-top", 2, "--weak-learning-rate", 1e-30,
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder of four organs, the last two with a dark ball, and one without label."""
    folder = tmp_path_factory.mktemp("organs")
    lines = ["image,has_tumour,organ"]
    for number, label in enumerate("0011"):
        rng, shape = np.random.default_rng(number), (30, 28, 26)
        x, y, z = np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in shape), indexing="ij")
        organ = (x / 13) ** 2 + (y / 12) ** 2 + (z / 11) ** 2 < 1
        ball = (x - 3) ** 2 + (y + 2) ** 2 + z**2 < 16
        values = np.where(organ, 100.0, -50.0) + rng.normal(0, 8, shape) - 60 * ball * int(label)
        volume = spars.Volume(values.astype(np.float32), np.diag([2.0, 2.0, 2.0, 1.0]))
        spars.save(folder / f"scan{number}.nii.gz", volume)
        spars.save(folder / f"organ{number}.nii.gz", organ.astype(np.uint8), like=volume)
        lines.append(f"scan{number}.nii.gz,{label},organ{number}.nii.gz")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder


def train(*more, output="w.safetensors"):
    return (*TRAIN, "--csv", "labels.csv", "--validation-scans", 1, "-o", output, *more)


def same(first, second):
    return all(
        np.array_equal(array, second.parameters()[name])
        for name, array in first.parameters().items()
    )


def test_each_seed_is_a_member_of_one_file_that_segments(said, tmp_path):
    output, history = tmp_path / "all.safetensors", tmp_path / "history.json"
    code, out, _ = said(*train("--seeds", 2, "--history", history, output=output))
    assert code == 0
    assert out.splitlines()[0] == f"{output}: an ensemble of 2 classifiers"
    assert out.count("trained on windows of 1 tumour-free organs") == 2
    assert out.count("Windows of 1 kept apart: ROC AUC") == 2
    ensemble = spars.Ensemble.load(output)
    for number, seed in enumerate((3, 4)):
        alone = tmp_path / f"{seed}.safetensors"
        assert said(*train("--seed", seed, output=alone))[0] == 0
        assert same(ensemble.members[number], spars.Classifier.load(alone))
    assert json.loads(history.read_text()) == {"members": ensemble.training}
    mask = tmp_path / "mask.nii.gz"
    code, out, _ = said(
        "segment", "scan2.nii.gz", "--classifier", output, "--region", "organ2.nii.gz", "-o", mask,
        "--json",
    )  # fmt: skip
    assert code == 0
    assert json.loads(out)["configuration"]["classifier"]["kind"] == "Ensemble"
    found = spars.segment("scan2.nii.gz", ensemble, region="organ2.nii.gz")
    np.testing.assert_array_equal(spars.load(mask).array, found.mask)
    code, out, _ = said("info", output)
    assert code == 0
    assert "safetensors, an ensemble of 2 classifiers" in out
    code, _, err = said("export", output, tmp_path / "all.onnx")
    assert code == 1
    assert "must hold one classifier. Got an ensemble of 2" in err
    assert said("export", output, tmp_path / "all.pth")[0] == 0
    assert len(spars.Ensemble.load(tmp_path / "all.pth").members) == 2


def test_what_is_done_of_several_is_kept_when_one_fails(said, tmp_path, monkeypatch):
    output = tmp_path / "all.safetensors"
    fit = spars.Classifier.fit
    calls = []

    def failing(classifier, *given, **options):
        calls.append(options["seed"])
        if len(calls) == 3:
            raise KeyboardInterrupt
        return fit(classifier, *given, **options)

    monkeypatch.setattr(spars.Classifier, "fit", failing)
    code, _, err = said(*train("--seeds", 3, output=output))
    assert code == 130
    assert calls == [3, 4, 5]
    assert f"{output} holds the 2 of 3 that are done" in err
    assert len(spars.Ensemble.load(output).members) == 2


def test_labels_follow_made_lesions_and_the_result_says_what_is_kept(said, tmp_path):
    output, plain = tmp_path / "w.safetensors", tmp_path / "plain.safetensors"
    code, out, err = said(*train(*THEN, "--json", output=output))
    assert (code, err) == (0, "")
    assert json.loads(out)["left_out"] == []
    # At such a rate nothing is learned, so that the weights are those of made lesions alone.
    assert said(*train(output=plain))[0] == 0
    found, alone = spars.Classifier.load(output), spars.Classifier.load(plain)
    assert same(found, alone)
    told = found.training.pop("weak_labels")
    assert found.training == alone.training
    assert told["is_kept"] is False
    names = [[scan["name"] for scan in role["scans"]] for role in told["inputs"]]
    assert names == [["scan0.nii.gz", "scan2.nii.gz"], ["scan1.nii.gz", "scan3.nii.gz"]]
    assert json.loads(out)["history"] == alone.training | {"weak_labels": told}
    code, out, _ = said(*train(*THEN, output=output))
    assert out.splitlines()[-1].startswith("Image-level labels are not kept, the weights are the")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (train("--seeds", 0), "'seeds' parameter of train must be an integer in the range [1, 64]"),
        (train("--seeds", 2, "--checkpoint", "c.npz"), "--checkpoint is of one training"),
        (train("--weak-top", 3), "--weak-top is of --then-weak-labels"),
        ((*train(*THEN), "--validation-scans", 0), "of both labels apart: 1 or more, and fewer"),
        ((*train(*THEN), "--validation-scans", 2), "must leave a scan to train on"),
        (
            ("train", "--csv", "labels.csv", "-o", "w.safetensors", "--then-weak-labels"),
            "--then-weak-labels is of --lesions synthetic",
        ),
        (
            ("train", "--csv", "labels.csv", "-o", "w.safetensors", "--weak-epochs", 2),
            "--weak-epochs is of --then-weak-labels",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_means_nothing_is_refused_before_any_host_is_made(
    said, monkeypatch, arguments, message
):
    monkeypatch.setattr(spars.lesions, "hosts", lambda *_: pytest.fail("hosts were made"))
    code, out, err = said(*arguments)
    assert (code, out) == (1, "")
    assert message in err.splitlines()[-1]

"""A scan's probability of tumour: the curve, how it is found, where it is told."""

import math

import numpy as np
import pytest

import spars
from spars.search.calibration import calibrate_presence
from spars.search.presence import fit_presence, probability

LABELS = [False] * 5 + [True] * 5


def curve(highest, slope, offset):
    return [probability(np.float32([0.0, value]), slope, offset) for value in highest]


def test_the_fit_is_where_the_gradient_of_platts_loss_vanishes(rng):
    highest = np.concatenate([rng.uniform(0.3, 0.95, 40), rng.uniform(0.6, 0.999, 25)])
    labels = [False] * 40 + [True] * 25
    slope, offset = fit_presence(highest, labels)
    log_odds = np.log(highest / (1 - highest))
    chance = 1 / (1 + np.exp(-(offset + slope * log_odds)))
    wrong = np.where(labels, 26 / 27, 1 / 42) - chance
    assert abs(wrong.sum()) < 1e-6
    assert abs((wrong * log_odds).sum()) < 1e-6
    assert slope > 0


def test_scans_that_one_value_tells_apart_give_finite_numbers():
    highest = [0.0, 0.1, 0.2, 0.3, 0.4, 0.9, 0.95, 0.99, 0.999, 1.0]
    found = curve(highest, *fit_presence(highest, LABELS))
    assert found == sorted(found)
    assert found[4] < 0.5 < found[5]
    assert 0 < found[0] < found[-1] < 1


def test_the_curve_is_the_one_of_the_docstring():
    value = np.float32(0.8)
    assert probability(np.full((2, 2, 2), value), 2.0, -1.0) == pytest.approx(
        1 / (1 + math.exp(-(2.0 * math.log(0.8 / 0.2) - 1.0))), rel=1e-6
    )
    assert 0 <= probability(np.zeros(3, np.float32), 1e6, 0.0) < 1e-100


@pytest.mark.parametrize("labels", [[True] * 10, [False] * 10, LABELS[:-1]])
def test_labels_of_both_kinds_are_needed(labels):
    with pytest.raises(ValueError, match="'has_tumour' parameter of fit_presence"):
        fit_presence(np.linspace(0.1, 0.9, 10), labels)


def test_half_a_curve_is_refused():
    with pytest.raises(ValueError, match="'presence_slope' parameter of Recipe"):
        spars.Recipe(presence_slope=2.0)
    assert spars.Recipe.from_json(spars.Recipe(presence_slope=2.0, presence_offset=-1).to_json())


@pytest.fixture(scope="module")
def scans():
    found = []
    for seed in range(4):
        made = spars.phantom(
            seed=seed, shape=(46, 42, 32), spacing=(5.9, 5.7, 5.8), noise=6.0,
            has_tumour=seed % 2 == 1, tumour_contrast=-60.0, tumour_radius=20.0,
        )  # fmt: skip
        found.append((made.volume, made.liver))
    return found


RECIPE = spars.Recipe.of_organ(4.0, (6, 6, 6), margin=8.0, stride=4, segmentation_threshold=0.5)


def test_a_classifiers_recipe_gets_the_curve_of_its_maps(scans, tmp_path):
    classifier = spars.Classifier((108, 108, 108), spars.IntensityWindow(100, 180), seed=3)
    classifier.recipe = RECIPE
    maps = [
        spars.segment(volume, classifier, region=liver).score_map.max() for volume, liver in scans
    ]
    # It has not been trained: labels that agree with it, and then labels that do not.
    labels = [bool(value > np.median(maps)) for value in maps]

    def cases(labels):
        return [
            spars.datasets.Case(
                "one", has, lambda volume=volume: volume,
                load_organ=lambda liver=liver, volume=volume: spars.Volume(liver, volume.affine),
            )
            for (volume, liver), has in zip(scans, labels, strict=True)
        ]  # fmt: skip

    told = []
    recipe = calibrate_presence(cases(labels), classifier, progress=lambda *step: told.append(step))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    slope, offset = fit_presence(maps, labels)
    assert recipe == RECIPE.changed(presence_slope=slope, presence_offset=offset)
    with pytest.raises(ValueError, match="whose maps are higher"):
        calibrate_presence(cases([not label for label in labels]), classifier)
    with pytest.raises(ValueError, match="labels of both kinds"):
        calibrate_presence(cases([True] * 4), classifier)
    with pytest.raises(TypeError, match="'dataset' parameter .* of Case"):
        calibrate_presence(["scan.nii.gz"], classifier)
    with pytest.raises(TypeError, match="with a recipe"):
        calibrate_presence(cases(labels), spars.Classifier((108, 108, 108), seed=0))
    # A file keeps it, a segmentation tells of it, and a folder of one as well.
    classifier.recipe = recipe
    classifier.save(tmp_path / "w.safetensors")
    again = spars.Classifier.load(tmp_path / "w.safetensors")
    volume, liver = scans[1]
    found = spars.segment(volume, again, region=liver)
    assert found.probability == probability(found.score_map, slope, offset)
    # What was left out may have been the highest.
    for options in ({"method": "grad_cam", "stride": 6}, {"method": "flood", "max_scores": 9}):
        assert spars.segment(volume, again, region=liver, **options).probability is None
    found.save(tmp_path / "result")
    loaded = spars.Segmentation.load(tmp_path / "result", volume)
    assert loaded.probability == found.probability


def test_without_a_curve_nothing_is_told(scans):
    volume, liver = scans[0]
    assert spars.segment(volume, None, region=liver, method="intensity").probability is None

    def half(crops):
        return np.full(len(crops), 0.5, np.float32)

    assert spars.segment(volume, half, region=liver, recipe=RECIPE).probability is None

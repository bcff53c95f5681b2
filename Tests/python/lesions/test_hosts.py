"""Hosts from datasets: on the recipe's working grid, tumour-free ones alone."""

import numpy as np
import pytest

import spars
from spars import lesions

SHAPE = (24, 22, 14)
RECIPE = spars.Recipe.of_organ(2.0, (8, 8, 8), margin=4.0)


def forbidden():
    raise AssertionError("a voxel mask of tumours was read")


def case(name="a", has_tumour=False, load_organ="made", noise=8.0):
    values = np.random.default_rng(len(name)).normal(100, noise, SHAPE)
    organ = np.zeros(SHAPE, np.uint8)
    organ[3:-3, 2:-4, 2:-2] = 1
    scan = spars.Volume(values, np.diag([1.0, 1.1, 2.5, 1.0]))
    load_organ = (lambda: organ) if load_organ == "made" else load_organ
    return spars.datasets.Case(
        name, has_tumour, lambda: scan, load_mask=forbidden, load_organ=load_organ
    )


def test_hosts_stand_on_the_recipes_working_grid():
    cases, told = [case("a"), case("bb")], []
    found = lesions.hosts(cases, RECIPE, lambda *numbers: told.append(numbers))
    assert told == [(1, 2), (2, 2)]
    for one, host in zip(cases, found, strict=True):
        working = spars.working_scan(one.load(), one.load_organ(), 2.0, 4.0)
        assert host.shape == working.volume.shape
        assert host.spacing == pytest.approx((2.0, 2.0, 2.0))
        expected = lesions.Host(working.volume, working.organ)
        assert (host.sha256, host.organ) == (expected.sha256, expected.organ)
    assert found[0].sha256 != found[1].sha256
    assert lesions.hosts([], RECIPE) == []


def test_windows_of_them_train_to_the_same_recipe():
    settings = {"level_at": 90.0, "outside": -150.0}
    law = lesions.LesionLaw(radius=(3, 6))
    source = lesions.windows(
        lesions.hosts([case()], RECIPE), law, window=(8, 8, 8), core=(4, 4, 4), **settings
    )
    classifier = spars.Classifier((108, 108, 108), spars.IntensityWindow(90, 160), seed=1)
    classifier.fit(source, epochs=1, steps_per_epoch=1, scans_per_step=2, crops_per_scan=1)
    learned = classifier.recipe
    # What a scan becomes is the same; the margin, which windows never reach, is the default.
    assert (learned.spacing, learned.window) == (RECIPE.spacing, RECIPE.window)
    assert (learned.level_at, learned.outside) == (90.0, -150.0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"has_tumour": True}, "tumour-free scans only. Got 'b', which shows tumour"),
        ({"has_tumour": None}, "tumour-free scans only. Got 'b', which has no label"),
        ({"load_organ": None}, "an organ's mask. Got 'b', which has none"),
        ({"load_organ": lambda: None}, "an organ's mask. Got 'b', which has none"),
        ({"load_organ": lambda: np.zeros(SHAPE)}, "Scan 'b': The 'organ' parameter"),
        ({"load_organ": lambda: np.ones((2, 2, 2))}, "Scan 'b': .* the scan's shape"),
        ({"load_organ": lambda: np.full(SHAPE, 2)}, "Scan 'b': .* 'organ'"),
        ({"noise": np.nan}, "Scan 'b': .* finite in the organ"),
    ],
    ids=str,
)
def test_what_is_no_host_is_refused_by_name(given, message):
    with pytest.raises(ValueError, match=message):
        lesions.hosts([case(), case("b", **given)], RECIPE)


def test_labels_are_looked_at_before_any_scan_is_loaded():
    first = spars.datasets.Case("first", False, forbidden, load_organ=forbidden)
    with pytest.raises(ValueError, match="'second', which shows tumour"):
        lesions.hosts([first, case("second", True)], RECIPE)


@pytest.mark.parametrize("recipe", [spars.Recipe(), None, 1.5], ids=str)
def test_a_recipe_without_a_working_grid_is_refused(recipe):
    with pytest.raises(ValueError, match="'recipe' parameter of hosts must be a Recipe with a"):
        lesions.hosts([case()], recipe)
    with pytest.raises(TypeError, match="'cases' parameter of hosts must be a sequence of Case"):
        lesions.hosts(["scan.nii"], RECIPE)

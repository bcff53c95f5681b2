"""The recipe: its defaults, what training writes into it, and its way through files."""

import numpy as np
import pytest
from classifier_cases import INPUT, noise_cases, train

import spars
from spars import lesions

HU = spars.IntensityWindow(70, 200)


def source(spacing=(1.5, 1.5, 1.5), **options):
    shape = (20, 18, 16)
    values = np.random.default_rng(3).normal(100, 8, shape).astype(np.float32)
    organ = np.zeros(shape, np.uint8)
    organ[1:-1, 1:-1, 1:-1] = 1
    host = lesions.Host(spars.Volume(values, np.diag([*spacing, 1.0])), organ)
    law = lesions.LesionLaw(radius=(3, 8))
    return lesions.windows([host], law, **{"window": (8, 8, 8), "core": (4, 4, 4), **options})


def trained(dataset=None, recipe=None, **options):
    classifier = spars.Classifier(INPUT, HU, seed=2)
    classifier.recipe = recipe
    if isinstance(dataset, lesions.Windows):
        options |= {"window": dataset.settings.window}
    train(classifier, dataset, **{"epochs": 1, **options})
    return classifier


def test_the_recipe_of_an_organ_has_its_defaults_in_one_place():
    recipe = spars.Recipe.of_organ()
    assert (recipe.spacing, recipe.window, recipe.grid) == (1.5, (16, 16, 16), None)
    protocol = spars.Protocol.paper().with_switches(
        scan_frame="native",
        credited_part=(4, 4, 4),
        segmentation_threshold=0.9,
        orientation="stored",
    )
    assert recipe.protocol == protocol
    assert (recipe.refinement, recipe.certain, recipe.minimum_volume) == ("split", 0.97, 0.1)
    assert recipe.threshold_from.startswith(f"default of spars {spars.__version__}, chosen on")
    other = spars.Recipe.of_organ(2.0, (8, 3, 16), segmentation_threshold=0.5, reach=6.0)
    assert (other.threshold, other.threshold_from, other.reach) == (0.5, "", 6.0)
    assert other.protocol.credited_part == (4, 3, 4)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"protocol": "paper"}, TypeError, r"of_organ\(\) decides 'protocol' itself. Got 'paper'"),
        ({"grid": (8, 8, 8)}, TypeError, "decides 'grid' itself"),
        ({"certainty": 1.0}, TypeError, "'certainty'. Did you mean 'certain'"),
        ({"window": (8, 8)}, ValueError, "'window' parameter of Recipe"),
        ({"spacing": 0.0}, ValueError, r"'spacing' parameter of Recipe .* \[0.1, 50.0\]"),
        ({"spacing": None}, ValueError, "'refinement' .* 'none' without 'spacing'"),
        ({"credited_part": (0, 1, 1)}, ValueError, "'credited_part'"),
    ],
)
def test_what_is_no_recipe_of_an_organ_is_named(given, error, words):
    with pytest.raises(error, match=words):
        spars.Recipe.of_organ(**given)


@pytest.mark.parametrize("grid", [None, (26, 24, 22)])
def test_training_on_scans_writes_window_grid_and_protocol(grid):
    recipe = trained(grid=grid).recipe
    protocol = spars.Protocol.paper().with_switches(intensity_window=HU)
    assert recipe == spars.Recipe(window=(12, 12, 12), grid=grid, protocol=protocol)
    assert recipe.threshold_from == ""


def test_whether_organs_were_cut_out_is_kept_and_nothing_else():
    earlier = spars.Recipe(isolated=True, window=(9, 9, 9), stride=2, threshold_from="elsewhere")
    recipe = trained(recipe=earlier).recipe
    assert (recipe.isolated, recipe.window, recipe.stride) == (True, (12, 12, 12), 4)
    assert recipe.threshold_from == ""
    assert not trained(recipe=spars.Recipe.of_organ()).recipe.isolated


def test_a_grid_means_nothing_where_scans_are_taken_as_they_are():
    native = spars.Protocol.paper().with_switches(scan_frame="native")
    assert trained(grid=(26, 24, 22), protocol=native).recipe.grid is None


def test_training_on_made_windows_writes_the_working_grid():
    made = source(level_at=None, outside=-150.0)
    recipe = trained(made).recipe
    expected = spars.Recipe.of_organ(1.5, (8, 8, 8), level_at=None, outside=-150.0)
    protocol = expected.protocol.with_switches(intensity_window=HU)
    assert recipe == expected.changed(protocol=protocol)


def test_a_window_too_small_credits_the_core_that_its_label_is_about():
    recipe = trained(source(window=(8, 3, 8), core=(4, 1, 4))).recipe
    assert recipe.protocol.credited_part == (4, 1, 4)


def test_windows_of_other_voxels_than_cubes_leave_no_recipe():
    earlier = spars.Recipe.of_organ()
    assert trained(source((1.5, 1.5, 1.55)), recipe=earlier).recipe is None
    assert trained(source((1.5, 1.51, 1.505)), recipe=earlier).recipe.spacing == 1.505


def test_the_dataset_decides_and_not_the_validation():
    recipe = trained(source(), validation=noise_cases(), scan_sampling="balanced").recipe
    assert recipe.spacing == 1.5
    recipe = trained(noise_cases(), validation=source(), window=(8, 8, 8)).recipe
    assert (recipe.spacing, recipe.window) == (None, (8, 8, 8))


def test_a_training_that_ends_early_has_written_it():
    classifier = spars.Classifier(INPUT, HU, seed=2)

    def interrupted(*_):
        assert classifier.recipe.window == (12, 12, 12)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(classifier, progress=interrupted)
    assert classifier.recipe.window == (12, 12, 12)


@pytest.mark.parametrize("ending", ["safetensors", "pth"])
def test_it_goes_with_the_weights(tmp_path, ending):
    classifier = trained(source())
    path = tmp_path / f"w.{ending}"
    classifier.save(path)
    again = spars.Classifier.load(path)
    assert again.recipe == classifier.recipe
    assert again.training == classifier.training
    classifier.recipe = None
    classifier.save(path)
    assert spars.Classifier.load(path).recipe is None


def test_weights_may_be_written_as_halves(tmp_path):
    classifier = spars.Classifier(INPUT, seed=3)
    whole, half = tmp_path / "whole.safetensors", tmp_path / "half.safetensors"
    classifier.save(whole)
    classifier.save(half, dtype="float16")
    assert half.stat().st_size < 0.51 * whole.stat().st_size
    again = spars.Classifier.load(half).parameters()
    for name, values in classifier.parameters().items():
        np.testing.assert_array_equal(again[name], values.astype(np.float16).astype(np.float32))
    with pytest.raises(ValueError, match="'dtype' parameter of save must be 'float32'"):
        classifier.save(tmp_path / "half.pth", dtype="float16")
    with pytest.raises(ValueError, match="'dtype' parameter of save must be one of"):
        classifier.save(half, dtype="float64")

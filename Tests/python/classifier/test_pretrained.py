"""The weights that come with the package."""

from importlib import resources

import pytest

import spars


def test_they_are_small_and_say_what_they_learned_from():
    file = resources.files("spars.classifier").joinpath("weights", "liver-lesions.safetensors")
    assert len(file.read_bytes()) < 5_000_000
    classifier = spars.pretrained()
    recipe = classifier.recipe
    assert (recipe.spacing, recipe.window) == (1.5, (16, 16, 16))
    assert recipe.threshold_from
    inputs = classifier.training["inputs"]
    # Phantoms alone: all of their voxels are made up.
    hosts = [host for made in inputs for host in made["hosts"]]
    assert len(hosts) >= 20
    assert all(host["spacing"] == [1.5, 1.5, 1.5] for host in hosts)


def test_each_call_gives_a_classifier_of_its_own():
    one, other = spars.pretrained(), spars.pretrained()
    one.recipe = None
    assert other.recipe is not None


def test_they_find_the_lesions_of_a_phantom():
    made = spars.phantom(seed=11, shape=(128, 128, 72), tumour_contrast=-50.0)
    found = spars.segment(made.volume, spars.pretrained(), region=made.liver)
    assert found.dice(made.tumour) > 0.7
    free = spars.phantom(seed=11, shape=(128, 128, 72), has_tumour=False)
    nothing = spars.segment(free.volume, spars.pretrained(), region=free.liver)
    assert nothing.mask.sum() * 2.0 < made.tumour.sum()


def test_another_name_is_refused():
    with pytest.raises(ValueError, match="'name' parameter of pretrained must be one of"):
        spars.pretrained("kidney-lesions")

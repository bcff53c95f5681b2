"""Made-up lesions against their twin, and what the front refuses."""

import lesion_twin
import numpy as np
import pytest

import spars
from spars import lesions
from spars._core import native

SPACING = (1.5, 1.3, 2.0)


def organ_of(rng, shape=(26, 24, 20), level=105.0, noise=9.0, vessel=60.0):
    """A ball of noise with a vessel through it, in air."""
    place = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij"))
    organ = ((place**2).sum(0) < 0.9).astype(np.uint8)
    values = np.where(organ, level + noise * rng.standard_normal(shape), -700.0)
    values += np.where(organ & (place[0] ** 2 + place[1] ** 2 < 0.03), vessel, 0.0)
    return spars.Volume(values.astype(np.float32), np.diag([*SPACING, 1.0])), organ


@pytest.fixture
def made(rng):
    return organ_of(rng)


@pytest.fixture
def source(made):
    return lesions.windows([lesions.Host(*made)], seed=5)


def test_the_level_is_the_twins(made):
    volume, organ = made
    found = lesions.organ_level(volume, organ)
    twin = lesion_twin.level_of(volume.array.astype(float), organ, SPACING)
    # A value within float32 of the edge of a bin may fall in the next one.
    assert found.level == pytest.approx(twin[0], abs=0.05)
    assert (found.spread, found.noise, found.grain) == pytest.approx(twin[1:4], rel=0.01)
    assert found.voxels == organ.sum()


@pytest.mark.parametrize("number", range(6))
def test_insertion_is_the_twins(made, number):
    volume, organ = made
    law = lesions.LesionLaw(
        radius=(3, 10), rim_chance=0.5, core_chance=0.5, capsule_chance=0.5, cluster_chance=0.5
    )
    inserted = lesions.insert(volume, organ, 2, law, number)
    values, part, drawn = lesion_twin.insert(volume.array, organ, SPACING, law, 2, number)
    assert len(drawn) == len(inserted.lesions)
    for twin, lesion in zip(drawn, inserted.lesions, strict=True):
        assert lesion["centre"] == pytest.approx(twin["centre"] / SPACING, abs=1e-4)
        for name in ("radius", "contrast", "core", "rim", "capsule"):
            assert lesion[name] == pytest.approx(twin[name], abs=0.05)
    # The painter ends at 8 widths of the edge, where 1/2981 of the contrast is left; levels of the
    # two differ by up to 0.05 HU.
    np.testing.assert_allclose(inserted.volume.array, values, atol=0.25)
    np.testing.assert_allclose(inserted.part, part, atol=2e-3)
    np.testing.assert_array_equal(inserted.mask, inserted.part >= 0.5)


def test_outside_the_organ_nothing_changes(made):
    volume, organ = made
    inserted = lesions.insert(volume, organ, 4, seed=2)
    outside = organ == 0
    np.testing.assert_array_equal(inserted.volume.array[outside], volume.array[outside])
    assert not inserted.mask[outside].any()
    assert inserted.mask.any()
    np.testing.assert_array_equal(inserted.volume.affine, volume.affine)


def test_any_range_of_windows_has_the_same_bits(source):
    values, labels, shares = source.draw(0, 40)
    later = source.draw(17, 23)
    np.testing.assert_array_equal(later.values, values[17:])
    np.testing.assert_array_equal(later.labels, labels[17:])
    assert values.shape == (40, 16, 16, 16)
    assert values.dtype == np.float32
    assert set(labels) == {0, 1}
    np.testing.assert_array_equal(labels == 1, shares > 0.25)
    assert (shares[labels == 0] < 0.02).all()


def test_settings_reach_the_core(made):
    host = lesions.Host(*made, level=100.0)
    assert host.organ.level == 100.0
    plain = {"flips": False, "transposes": False, "gain": (1, 1), "offset": (0, 0)}
    plain |= {"noise": (0, 0), "blur": (0, 0), "tumour_chance": 0.0, "beside_chance": 0.0}
    source = lesions.windows(
        [host], window=(6, 4, 8), core=(2, 2, 2), level_at=None, outside=-150.0, **plain
    )
    values, labels, _ = source.draw(0, 20)
    assert values.shape == (20, 6, 4, 8)
    assert not labels.any()
    # Every value is one of the scan's own, or the constant around.
    known = {*made[0].array[made[1] == 1].tolist(), -50.0}
    assert set(values.ravel().tolist()) <= known
    assert source.settings.window == (6, 4, 8)


def test_defaults_are_the_cores():
    for settings, record in (
        (lesions.LesionLaw(), native.lesion_law_default()),
        (lesions.WindowSettings(), native.lesion_window_settings_default()),
    ):
        names = list(settings.declared())
        assert [getattr(settings, name) for name in names] == list(record)
        assert type(settings).again(settings.recorded()) == settings


def test_a_law_of_one_kind_gives_one_kind(made):
    law = lesions.LesionLaw(bright_chance=1.0, cluster_chance=0.0, radius=(5, 5))
    inserted = lesions.insert(*made, 5, law)
    assert [lesion["radius"] for lesion in inserted.lesions] == [5.0] * 5
    assert all(lesion["contrast"] >= 12 for lesion in inserted.lesions)


def test_what_is_out_of_range_is_named(made, source, rng):
    volume, organ = made
    for call, words in (
        (lambda: lesions.LesionLaw(radius=(5, 3)), "'radius' parameter of LesionLaw must be two"),
        (lambda: lesions.LesionLaw(radius=(0.1, 3)), "'radius' parameter of LesionLaw"),
        (lambda: lesions.LesionLaw(rim_chance=1.5), "'rim_chance' parameter of LesionLaw"),
        (lambda: lesions.insert(volume, organ, 0), "'count' parameter of insert"),
        (lambda: lesions.insert(volume, organ, seed=-1), "'seed' parameter of insert"),
        (lambda: lesions.insert(volume, organ[1:]), "'organ' parameter of Host"),
        (lambda: lesions.insert(volume, 0 * organ), "at least 64 voxels of the organ"),
        (lambda: lesions.windows([]), "'hosts' parameter of LesionWindows"),
        (lambda: lesions.windows(source.hosts, core=(5, 6, 6)), "'core' parameter of LesionW"),
        (lambda: lesions.windows(source.hosts, beside_chance=0.7), "'beside_chance' parameter"),
        (lambda: lesions.windows(source.hosts, free_share_below=0.0), "'free_share_below' para"),
        (lambda: source.draw(-1, 2), "'first' parameter of Windows.draw"),
        (lambda: source.draw(0, 0), "'count' parameter of Windows.draw"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
    for call, words in (
        (lambda: lesions.LesionLaw(radius=3.0), "'radius' parameter of LesionLaw"),
        (lambda: lesions.insert(volume, organ, law={}), "'law' parameter of insert"),
        (lambda: lesions.windows([volume]), "'hosts' parameter of windows"),
        (lambda: lesions.windows(source.hosts, cores=(6, 6, 6)), "Did you mean 'core'"),
    ):
        with pytest.raises(TypeError, match=words):
            call()
    # The difference of two such values is infinite in float32.
    huge = np.where(rng.random(organ.shape) < 0.5, -3e38, 3e38)
    for call in (lambda: lesions.Host(huge, organ), lambda: lesions.Host(*made, level=1e300)):
        with pytest.raises(ValueError, match="within 100000.0 HU of 0"):
            call()
    broken = volume.array.copy()
    broken[13, 12, 10] = np.nan
    with pytest.raises(spars.NonFiniteError, match="'volume' holds nan in the organ"):
        lesions.organ_level(broken, organ)


def test_hosts_of_two_spacings_are_refused(made):
    volume, organ = made
    other = spars.Volume(volume.array, np.diag([1.0, 1.0, 1.0, 1.0]))
    with pytest.raises(ValueError, match="'hosts' parameter of LesionWindows must be of one"):
        lesions.windows([lesions.Host(volume, organ), lesions.Host(other, organ)])


def test_work_stops_where_progress_raises(made):
    class Stop(Exception):
        pass

    def stop(done, planned):
        raise Stop

    host = lesions.Host(*made)
    with pytest.raises(Stop):
        lesions.windows([host]).draw(0, 20_000, progress=stop)

"""The two protocols and their switches."""

import dataclasses

import pytest

import spars


def test_the_protocols_differ_in_every_switch_but_two():
    paper, published = spars.Protocol.paper().to_dict(), spars.Protocol.published().to_dict()
    same = [name for name in paper if paper[name] == published[name]]
    assert same == ["segmentation_threshold", "credited_part"]


def test_switches_are_set_alone():
    changed = spars.Protocol.paper().with_switches(border="clamped_crop")
    assert changed.border == "clamped_crop"
    assert dataclasses.replace(changed, border="inside") == spars.Protocol.paper()


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(spars.Protocol)])
def test_nonsense_is_refused_by_name(field):
    with pytest.raises((TypeError, ValueError), match=f"'{field}' parameter of Protocol"):
        spars.Protocol.paper().with_switches(**{field: object()})


def test_an_unknown_switch_is_named():
    with pytest.raises(TypeError, match="no switch 'boarder'"):
        spars.Protocol.paper().with_switches(boarder="inside")


@pytest.mark.parametrize(("level", "width"), [(0, 0), (0, -1), (float("nan"), 1), ("40", 400)])
def test_intensity_windows_out_of_range_are_refused(level, width):
    with pytest.raises((TypeError, ValueError), match="parameter of IntensityWindow"):
        spars.IntensityWindow(level, width)

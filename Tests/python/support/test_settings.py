"""Settings are declared once: signatures, documents, records, options and checks follow."""

import inspect
import json

import numpy as np
import pytest

import spars
from spars._support import kinds
from spars._support.settings import Settings, flat, setting
from spars.classifier.training.settings import TrainingSettings
from spars.command import cli
from spars.game.rules import ExhaustionRule
from spars.search.settings import SegmentationSettings, SelfPlaySettings

CALLS = {
    "self_play": (spars.self_play, SelfPlaySettings),
    "segment": (spars.segment, SegmentationSettings),
    "fit": (spars.Classifier.fit, TrainingSettings),
}


class Small(Settings, owner="small", rest="others"):
    """A few.

    {settings}
    """

    count: int = setting(2, kinds.integer(1, 9), "How many. Not more.")
    shape: tuple = setting((1, 2, 3), kinds.extent(), "Where.")
    share: float = setting(0.5, kinds.number(0.0, 1.0, open_low=True), "Of all.", recorded=False)
    others: dict = setting(None, kinds.anything("dict"), "The rest.", recorded=False)


@flat(Small)
def call(first, second=0, *, settings):
    """Call.

    Parameters
    ----------
    first : int
    {settings}
    """
    return first, second, settings


def test_a_call_takes_settings_as_keywords():
    first, second, settings = call(1, second=5, count=3, more=7)
    assert (first, second, settings.count, settings.shape) == (1, 5, 3, (1, 2, 3))
    assert settings.others == {"more": 7}
    expected = "(first, second=0, *, count=2, shape=(1, 2, 3), share=0.5, **others)"
    assert str(inspect.signature(call)) == expected


def test_the_documents_are_the_declarations():
    entry = "count : int in [1, 9]\n    How many. Not more.\nshape : (int, int, int)\n    Where."
    assert entry in call.__doc__
    assert entry in Small.__doc__
    assert "share : float in (0.0, 1.0]" in call.__doc__
    assert "**others\n    The rest." in call.__doc__


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"count": 10}, ValueError, r"'count' parameter of small must be .* \[1, 9\]. Got 10"),
        ({"count": True}, TypeError, "'count' parameter of small"),
        ({"shape": (1, 2)}, ValueError, "'shape' parameter of small"),
        ({"share": 0.0}, ValueError, "'share' parameter of small"),
        ({"share": float("nan")}, ValueError, "'share' parameter of small"),
    ],
)
def test_a_value_out_of_range_names_the_call_and_the_parameter(given, error, words):
    with pytest.raises(error, match=words):
        call(1, **given)


def test_an_unknown_keyword_names_its_neighbour():
    case = [spars.datasets.Case("a", True, lambda: np.zeros((4, 4, 4)))]
    classifier = spars.Classifier(input_shape=(108, 108, 108))
    with pytest.raises(TypeError, match="'epoch'. Did you mean 'epochs'"):
        classifier.fit(case, epoch=2)


@pytest.mark.parametrize("name", CALLS)
def test_every_setting_is_in_the_signature_and_the_documents(name):
    function, settings = CALLS[name]
    shown = inspect.signature(function).parameters
    for key, default in settings.defaults().items():
        assert f"{key} : " in function.__doc__ or f"**{key}" in function.__doc__
        if key != settings.rest:
            assert shown[key].default is default


@pytest.mark.parametrize("settings", [SelfPlaySettings, TrainingSettings, ExhaustionRule])
def test_what_is_recorded_brings_the_settings_back(settings):
    first = settings()
    told = json.loads(json.dumps(first.recorded()))
    assert settings.again(told).recorded() == first.recorded()
    changed = settings(
        **{
            key: value + 1
            for key, value in settings.defaults().items()
            if isinstance(value, int) and not isinstance(value, bool)
        }
    )
    again = settings.again(json.loads(json.dumps(changed.recorded())))
    assert again.recorded() == changed.recorded() != first.recorded()


def test_a_flag_may_be_numpys_where_an_update_takes_one():
    assert SelfPlaySettings(normalize_advantage=np.False_).normalize_advantage is False


def test_settings_do_not_change():
    with pytest.raises(AttributeError):
        SelfPlaySettings().gamma = 0.5
    assert SelfPlaySettings().changed(gamma=0.5).gamma == 0.5
    with pytest.raises(ValueError, match="'gamma' parameter of self_play"):
        SelfPlaySettings().changed(gamma=2.0)


@pytest.mark.parametrize(
    ("command", "settings"),
    [("train", TrainingSettings), ("segment", SegmentationSettings), ("segment", SelfPlaySettings)],
)
def test_the_command_has_an_option_for_each_setting_that_text_can_give(command, settings, capsys):
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for name, declared in settings.declared().items():
        option = f"--{name.replace('_', '-')}"
        assert (option in text) == (declared.kind.option is not None) or name in (
            "region", "region_value", "reference", "progress", "agents",
        )  # fmt: skip
        default = settings.defaults()[name]
        if declared.kind.option and isinstance(default, float):
            assert f"default: {default}" in text


def test_a_scan_in_a_file_is_read_once(tmp_path, monkeypatch):
    scan = np.random.default_rng(1).normal(size=(16, 15, 14)).astype(np.float32)
    spars.save(tmp_path / "scan.nii", scan)
    read = []
    from spars.volume import volume

    load = volume.load
    monkeypatch.setattr(volume, "load", lambda path, *more: read.append(path) or load(path, *more))
    spars.self_play(
        tmp_path / "scan.nii", lambda crops: np.zeros(len(crops), np.float32), iterations=1,
        window=(4, 4, 4), grid=(16, 15, 14), reference=(scan > 2).astype(np.uint8),
    )  # fmt: skip
    assert read == [tmp_path / "scan.nii"]

"""Help that says every default, versions, and the nearest word to a misspelt one."""

import re
import sys

import pytest

import spars
from spars.command import cli
from spars.command.demo import DemoConfiguration
from spars.command.demo_training import TrainingDemoConfiguration


def said(capsys, *arguments):
    """Return the exit code and what a command line that does not run prints."""
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    shown = capsys.readouterr()
    return ended.value.code, shown.out, shown.err


def test_the_version_is_the_packages(capsys):
    assert said(capsys, "--version") == (0, f"spars {spars.__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["segmnt"], "did you mean segment?"),
        (["segment", "s", "--regoin", "r", "-o", "m"], "--regoin r; did you mean --region?"),
        (["segment", "s", "--ouput=m"], "required: -o/--output; did you mean --output?"),
        (["segment", "s", "-o", "m", "--method", "exhaustiv"], "did you mean exhaustive?"),
        (["train", "--phantoms", "2", "-o", "w", "--epoch-count", "3"], "arguments: --epoch-count"),
        (["info", "--jsn"], "did you mean --json?"),
        (["--versoin"], "did you mean --version?"),
        (["--print-completion", "bsh"], "did you mean bash?"),
        (["benchmark", "--phantoms", "2", "--methods", "clasifier"], "did you mean classifier?"),
        (["segment", "s", "-o", "m", "--game", "exhaust"], "did you mean exhaustion?"),
    ],
)
def test_the_nearest_word_is_named(capsys, arguments, message):
    code, out, err = said(capsys, *arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_nothing_is_guessed_where_nothing_is_near(capsys):
    assert "did you mean" not in said(capsys, "info", "--zzz")[2]
    assert "did you mean" not in said(capsys, "zzz")[2]
    assert "did you mean" not in said(capsys, "segment")[2]


def test_every_default_is_in_the_help(capsys):
    for name, parser in cli._parser()._subparsers._group_actions[0].choices.items():
        text = " ".join(said(capsys, name, "--help")[1].split())
        for action in parser._actions:
            assert action.help, (name, action.dest)
            if action.default not in (None, False, "==SUPPRESS=="):
                default = action.default
                shown = " ".join(map(str, default)) if isinstance(default, tuple) else str(default)
                assert f"(default: {shown})" in text, (name, action.dest)
    text = " ".join(said(capsys, "demo", "--help")[1].split())
    for option in ("scans", "epochs"):
        default = getattr(TrainingDemoConfiguration(), option)
        assert re.search(rf"--{option} \S+ with --train: [a-z -]+ \(default: {default}\)", text)
    both = DemoConfiguration().iterations, TrainingDemoConfiguration().iterations
    assert "(default: {}, with --train {})".format(*both) in text


def test_completion_without_its_package_names_the_extra(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    code, out, err = said(capsys, "--print-completion", "bash")
    assert (code, out) == (1, "")
    assert "pip install 'spars[completion]'" in err

"""What tests of the commands share."""

import pytest

from spars.command import cli


@pytest.fixture
def said(folder, monkeypatch, capsys):
    """Return a function that runs a command in `folder`: (exit code, standard output, error)."""
    monkeypatch.chdir(folder)

    def run(*arguments):
        code = cli.main([str(argument) for argument in arguments])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run

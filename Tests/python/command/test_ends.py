"""How the program ends where its streams or its user do not wait for it."""

import sys

import spars_command
from spars.command import cli


def test_a_closed_standard_output_costs_nothing(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert cli.main(["info", "--json"]) == 0


def test_an_interrupt_before_the_work_is_one_line(monkeypatch, capsys):
    def interrupted(arguments=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "main", interrupted)
    assert spars_command.main() == 130
    assert capsys.readouterr().err == "spars: interrupted\n"

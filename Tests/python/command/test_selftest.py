"""`spars selftest`: it holds here, and says what does not."""

import json

import pytest

import spars
from spars.command import cli, selftest


def test_this_installation_computes_what_is_recorded(capsys):
    assert cli.main(["selftest", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["results"].keys() == selftest.CHECKS.keys()
    assert told["versions"]["instruction_set"] == spars.instruction_set()


def test_a_result_that_differs_is_named(monkeypatch, capsys):
    monkeypatch.setattr(selftest, "CHECKS", {"metrics": lambda folder: "0" * 16})
    monkeypatch.setattr(selftest, "RECORDED", {spars.instruction_set(): {"metrics": "1" * 16}})
    monkeypatch.setattr(selftest.platform, "machine", lambda: "x86_64")
    assert cli.main(["selftest"]) == 1
    assert f"metrics is {'0' * 16} and should be {'1' * 16}" in capsys.readouterr().err


@pytest.mark.parametrize(("machine", "code"), [("aarch64", 1), ("x86_64", 0)])
def test_each_machine_has_its_own_record(machine, code, monkeypatch, capsys):
    """The instruction set of aarch64 is called the baseline, as x86-64's lowest."""
    monkeypatch.setattr(selftest, "CHECKS", {"metrics": lambda folder: "0" * 16})
    monkeypatch.setattr(
        selftest, "RECORDED", {"aarch64": {"metrics": "1" * 16}, "baseline": {"metrics": "0" * 16}}
    )
    monkeypatch.setattr(selftest.platform, "machine", lambda: machine)
    monkeypatch.setattr(spars, "instruction_set", lambda: "baseline")
    assert cli.main(["selftest"]) == code
    told = capsys.readouterr()
    assert (f"should be {'1' * 16}" in told.err) == bool(code)
    assert ("as recorded" in told.out) == (not code)


@pytest.mark.parametrize("name", ["phantom", "metrics"])
def test_an_unknown_processor_has_no_record(name, monkeypatch, capsys):
    monkeypatch.setattr(selftest, "CHECKS", {name: selftest.CHECKS[name]})
    monkeypatch.setattr(selftest.platform, "machine", lambda: "riscv64")
    assert cli.main(["selftest"]) == 0
    assert "no record for" in capsys.readouterr().out

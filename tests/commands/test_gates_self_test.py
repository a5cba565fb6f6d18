"""`k1n gates --self-test`: every gate is broken once, and a gate that does not notice is told."""

import pytest

from pytest_k1n.commands import selftest
from pytest_k1n.commands.gates import main
from pytest_k1n.core.gates import CATEGORIES


def test_every_gate_notices_what_is_broken_for_it(capsys):
    assert main(["--self-test"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[-1] == "20 of 20 gates can fail"
    assert [line.split()[0] for line in shown[:-1]] == [category.id for category in CATEGORIES]


def test_a_gate_that_does_not_notice_is_named_and_the_command_says_no(capsys, monkeypatch):
    healthy = {"G7": ("nothing at all", selftest.FAULTS["G12"][1])}
    monkeypatch.setattr(selftest, "FAULTS", {**selftest.FAULTS, **healthy})
    assert main(["--self-test"]) == 1
    shown = capsys.readouterr().out
    assert "19 of 20 gates can fail" in shown
    assert "MISSED   nothing at all" in shown


@pytest.mark.parametrize("seed", [1, 7])
def test_another_seed_shows_the_same(seed):
    found = list(selftest.self_test(lambda schema, document: [] if document.get("receipt") != 7 else ["no"], seed=seed))
    assert [each.category.id for each in found if not each.has_noticed] == []

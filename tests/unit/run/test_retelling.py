"""One cause told once: what is cut from later reports, and what never is."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from pytest_k1n.core.findings import Finding, Verdict
from pytest_k1n.run.retelling import PICTURE, Told, headline

EARLY = Finding(code="started-early", subject="b", expected="to start when a has ended", observed="before a ended",
                margin="15.1 min", origin="in_order: a -> b")  # fmt: skip
LATE = Finding(code="outside-band", subject="W", expected="1 to 2 min", observed="9.1 min", margin="7.1 min above")


def report(node_id, *findings, execution="id-1"):
    lines = ["    def test():", ">       expect()", "E       pytest_k1n.ExpectationFailed: W id-1 (COMPLETED): failed"]
    lines += [f"E         {finding}" for finding in findings]
    entry = SimpleNamespace(lines=lines)
    return SimpleNamespace(
        nodeid=node_id,
        sections=[(PICTURE, f"execution {execution}\n  a |###|\nreplay    pytest {node_id}")],
        longrepr=SimpleNamespace(
            reprtraceback=SimpleNamespace(reprentries=[entry]), reprcrash=SimpleNamespace(message="pytest_k1n.Ex...")
        ),
        user_properties=[],
    )


def text(told, each, executions=("id-1",), titles=None):
    told.shorten(each, executions, titles or {"id-1": "W", "id-2": "V"})
    return "\n".join(each.longrepr.reprtraceback.reprentries[0].lines)


def test_the_first_test_tells_all_and_the_second_names_it():
    told = Told()
    assert str(EARLY) in text(told, report("test_one", EARLY))
    second = report("test_two", EARLY, LATE)
    shown = text(told, second)
    assert "started-early: b: as in test_one" in shown
    assert "to start when" not in shown
    assert str(LATE) in shown
    assert second.sections == [(PICTURE, "execution id-1: see test_one\nreplay    pytest test_two")]


def test_the_same_words_about_another_execution_are_another_cause():
    told = Told()
    text(told, report("test_one", EARLY))
    other = report("test_two", EARLY, execution="id-2")
    assert str(EARLY) in text(told, other, ("id-2",))
    assert "a |###|" in other.sections[0][1]


def test_a_gate_names_the_test_that_told_its_finding():
    told = Told()
    text(told, report("test_one", EARLY))
    of_gate = Finding(**{name: getattr(EARLY, name) for name in ("code", "expected", "observed")}, subject="W: b")
    assert "started-early: W: b: as in test_one" in text(told, report("gate", of_gate), executions=())


def test_a_test_that_is_reported_again_still_tells_what_it_told():
    told = Told()
    text(told, report("test_one", EARLY))
    assert str(EARLY) in text(told, report("test_one", EARLY))


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.UNKNOWN])
def test_the_short_summary_begins_with_the_worst_finding(verdict):
    finding = Finding(code="x-y", subject="b", expected="1", observed="2", verdict=verdict)
    each = report("test_one")
    headline(each, AssertionError(f"W id (COMPLETED): 2 failed\n  {finding}\n  {LATE}"))
    assert each.longrepr.reprcrash.message == "x-y: b: 2; expected 1 (and 1 more)"
    assert ("k1n_finding", "x-y: b: 2; expected 1") in each.user_properties


@pytest.mark.parametrize(("verdict", "told"), [(Verdict.FAIL, "W: 9.1 min"), (Verdict.UNKNOWN, "b: never scheduled")])
def test_what_did_not_run_gives_way_to_a_finding_as_bad(verdict, told):
    missing = Finding(code="not-run", subject="b", expected="it to run", observed="never scheduled")
    other = replace(LATE, verdict=verdict)
    each = report("test_one")
    headline(each, AssertionError(f"W id (COMPLETED): 2 failed\n  {missing}\n  {other}"))
    assert told in each.longrepr.reprcrash.message


def test_why_nothing_asks_for_an_order_is_told_in_the_short_summary():
    early = replace(EARLY, origin="nothing in the definition makes b wait for a")
    each = report("test_one")
    headline(each, AssertionError(f"W id (COMPLETED): 1 failed\n  {early}"))
    assert "by 15.1 min (nothing in the definition makes b wait for a); expected" in each.longrepr.reprcrash.message


def test_an_error_without_findings_keeps_its_own_message():
    each = report("test_one")
    headline(each, AssertionError("100 % of nothing"))
    assert each.longrepr.reprcrash.message == "pytest_k1n.Ex..."

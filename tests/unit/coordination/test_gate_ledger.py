"""The ledger that decides gates: what reports of tests open, close and block."""

import pytest

from pytest_k1n.coordination.collection import Collection, Item
from pytest_k1n.coordination.gate_ledger import Gate, GateLedger, ItemOutcome

ITEMS = (Item(node_id="a", batch=1), Item(node_id="b", batch=1), Item(node_id="c", batch=2), Item(node_id="free"))


@pytest.fixture
def ledger():
    return GateLedger(Collection(items=ITEMS))


def report(ledger, node_id, *phases):
    """Record reports in turn: a phase alone has passed, `call:failed` says how else it ended."""
    for text in phases:
        phase, _, outcome = text.partition(":")
        if outcome == "rerun":
            ledger.rerun(node_id)
        else:
            ledger.record(node_id, ItemOutcome(outcome or "passed"), phase=phase)


WHOLE = ("setup", "call", "teardown")


def test_a_gate_opens_when_every_earlier_test_has_ended(ledger):
    report(ledger, "a", *WHOLE)
    report(ledger, "b", "setup", "call")
    assert (ledger.gate(1).gate, ledger.gate(2).gate, ledger.gate(2).pending) == (Gate.OPEN, Gate.CLOSED, ("b",))
    report(ledger, "b", "teardown")
    assert (ledger.gate(2).gate, ledger.passed(1)) == (Gate.OPEN, True)


@pytest.mark.parametrize("outcome", ["failed", "unknown", "blocked"])
def test_it_is_blocked_by_the_first_failure_before_anything_else_has_ended(ledger, outcome):
    report(ledger, "b", "setup", f"call:{outcome}")
    assert ledger.gate(2).gate is Gate.BLOCKED
    assert f"b {outcome}" in ledger.gate(2).reason


def test_a_crashed_node_ends_its_test(ledger):
    report(ledger, "a", *WHOLE)
    report(ledger, "b", "setup", "???:failed")
    assert (ledger.gate(2).gate, ledger.is_finished(1)) == (Gate.BLOCKED, True)


def test_a_test_that_is_run_again_keeps_the_gate_closed_until_its_next_attempt_has_ended(ledger):
    report(ledger, "a", *WHOLE)
    report(ledger, "b", "setup", "call:rerun", "teardown")  # as pytest-rerunfailures reports it
    assert ledger.gate(2).gate is Gate.CLOSED
    report(ledger, "b", "setup", "call")
    assert ledger.gate(2).gate is Gate.CLOSED
    report(ledger, "b", "teardown")
    assert ledger.gate(2).gate is Gate.OPEN


def test_a_test_that_fails_in_its_last_attempt_blocks(ledger):
    report(ledger, "b", "setup:rerun", "teardown", "setup", "call:failed", "teardown")
    assert ledger.gate(2).gate is Gate.BLOCKED


def test_a_node_that_crashes_between_two_attempts_holds_nobody_up(ledger):
    report(ledger, "a", *WHOLE)
    report(ledger, "b", "setup", "call:rerun", "???:failed")
    assert (ledger.gate(2).gate, ledger.is_finished(1)) == (Gate.BLOCKED, True)


def test_tests_outside_every_batch_count_for_no_gate(ledger):
    report(ledger, "free", "setup", "call:failed", "teardown")
    assert ledger.gate(2).gate is Gate.CLOSED
    assert ledger.outcomes(2) == {"c": None}


@pytest.mark.parametrize(("policy", "gate"), [("block", Gate.BLOCKED), ("warn", Gate.OPEN), ("off", Gate.OPEN)])
def test_the_policy_decides_what_a_failure_does(policy, gate):
    ledger = GateLedger(Collection(items=ITEMS), policy=policy)
    report(ledger, "a", "setup", "call:failed", "teardown")
    assert ledger.gate(2).gate is gate


def test_unknown_blocks_only_where_it_fails_the_run():
    ledger = GateLedger(Collection(items=ITEMS), unknown_blocks=False)
    for node_id in "ab":
        report(ledger, node_id, "setup", "call:unknown", "teardown")
    assert ledger.gate(2).gate is Gate.OPEN

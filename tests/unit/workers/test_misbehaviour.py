"""Faults that a worker commits on purpose."""

import pytest

from pytest_k1n.workers.misbehaviour import BadFault, Fault, fault_of


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("W/a:slow=1.3", Fault(workflow="W", ref="a", kind="slow", value="1.3")),
        ("*/a#2:fail=no disk: full", Fault(workflow="*", ref="a", kind="fail", value="no disk: full", attempt=2)),
        ("W/*:die", Fault(workflow="W", ref="*", kind="die")),
    ],
)
def test_faults_are_read(text, fault):
    assert Fault.parse(text) == fault


@pytest.mark.parametrize(
    "text", ["", "W:slow=2", "W/a", "W/a:sleep", "W/a:slow", "W/a:slow=x", "W/a:slow=0", "W/a:leak", "W/a:die=1"]
)
def test_what_is_no_fault_is_refused_in_one_line(text):
    with pytest.raises(BadFault) as caught:
        Fault.parse(text)
    assert "\n" not in str(caught.value)


def test_a_fault_concerns_its_workflow_ref_and_attempt_only():
    faults = (Fault.parse("W/a#1:fail"), Fault.parse("*/b:hang"))
    assert fault_of(faults, "W", "a", 1) is faults[0]
    assert fault_of(faults, "W", "a", 0) is None
    assert fault_of(faults, "V", "a", 1) is None
    assert fault_of(faults, "V", "b", 3) is faults[1]

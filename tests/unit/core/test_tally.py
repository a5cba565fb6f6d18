"""Counting single checks."""

from pytest_k1n.core.tally import Tally


def test_a_tally_counts_each_check_once():
    tally = Tally()
    tally.passed()
    tally.passed(simulated=True)
    tally.warn("faster-than-estimate", "a", expected="1", observed="2")
    tally.fail("outside-band", "a", expected="1", observed="2", simulated=True)
    tally.unknown("no-stamp", "a", expected="1", observed="2")
    tally.note("once")
    tally.note("once")
    assert (tally.passes, tally.fails, tally.unknowns, tally.simulated) == (2, 0, 1, 2)
    findings = tally.findings()
    assert (findings.passed, findings.simulated, findings.failed, findings.unknown) == (2, 2, 1, 1)
    assert findings.notes == ("once",)

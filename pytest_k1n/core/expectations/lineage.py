"""Whether the values on record can be what they were made of."""

from __future__ import annotations

from typing import TypedDict

from pytest_k1n.core.expectations.expectation import Judge, expectation
from pytest_k1n.core.findings import Findings
from pytest_k1n.core.record.lineage import Traced, traced
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.record.paths import equal, shown
from pytest_k1n.core.tally import Tally

_WHY = "the record is not true, or somebody gave other values by hand (a rerun with `taskInput`)"


class Words(TypedDict):
    """What a finding says of a value."""

    expected: str
    observed: str
    origin: str


@expectation
def values_arrived() -> Judge:
    """Doubt a record that shows another value than the one that its expression leads to in the same record."""

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        for trace in traced(observation):
            if trace.untraced:
                continue
            if equal(trace.expected, trace.observed):
                tally.passed()
            else:
                words = broken(trace)
                words["origin"] += f": {_WHY}"
                tally.unknown("lineage-broken", trace.subject, **words)
        return tally.findings()

    return judge


def broken(trace: Traced) -> Words:
    """Say what a value should have been and was, and by which expression."""
    return {
        "expected": f"{trace.where} = {shown(trace.expected)}",
        "observed": shown(trace.observed),
        "origin": f"{trace.expression} in {trace.where} of {trace.subject}",
    }

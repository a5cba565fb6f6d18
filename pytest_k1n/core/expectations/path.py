"""Which tasks make an execution as long as it is."""

from __future__ import annotations

from pytest_k1n.core.expectations.expectation import Judge, expectation
from pytest_k1n.core.expectations.subjects import known, pending
from pytest_k1n.core.findings import Findings
from pytest_k1n.core.model import TaskKey
from pytest_k1n.core.order.unroll import label
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.tally import Tally
from pytest_k1n.core.units import format_ms


@expectation
def critical_task(ref: str) -> Judge:
    """Expect a ref to have the most work on the critical path, in workflow time."""

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        path = observation.path
        longest = path.critical_task
        expected = "the most work on the critical path"
        if not known(observation, (ref,), tally):
            return tally.findings()
        if not observation.is_settled:
            pending(tally, ref, expected=expected, observed=observation.state)
        elif longest is None:
            tally.unknown("no-stamp", ref, expected=expected, observed="no task worked")
        elif ref in (longest[0], label(longest)):
            tally.passed(simulated=observation.any_simulated)
        else:
            mine = max((path.work_ms(key) for key in observation.keys(ref)), default=0)
            theirs = path.work_ms(longest)
            tally.fail(
                "not-critical",
                ref,
                expected=expected,
                observed=f"{format_ms(mine)}; {label(longest)} has {format_ms(theirs)}",
                margin=format_ms(theirs - mine),
                origin=f"critical path: {_named(path.tasks)}",
                simulated=observation.any_simulated,
            )
        return tally.findings()

    return judge


@expectation
def on_critical_path(*refs: str) -> Judge:
    """Expect every ref on the critical path, in workflow time. Raises ValueError without a ref."""
    if not refs:
        raise ValueError("on_critical_path needs at least one ref")

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        path = observation.path
        for ref in known(observation, refs, tally):
            expected = "to lie on the critical path"
            if not observation.is_settled:
                pending(tally, ref, expected=expected, observed=observation.state)
            elif set(observation.keys(ref)) & set(path.tasks):
                tally.passed(simulated=observation.any_simulated)
            else:
                tally.fail(
                    "not-critical",
                    ref,
                    expected=expected,
                    observed=f"the path is {_named(path.tasks)}",
                    simulated=observation.any_simulated,
                )
        return tally.findings()

    return judge


def _named(keys: tuple[TaskKey, ...]) -> str:
    return " -> ".join(label(key) for key in keys)

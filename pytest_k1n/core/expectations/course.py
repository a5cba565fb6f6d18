"""The course an execution took: attempts, invocations, cases, tasks left out."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_k1n.core.expectations.expectation import Judge, expectation
from pytest_k1n.core.expectations.subjects import known, pending, recorded, unfinished
from pytest_k1n.core.findings import Findings
from pytest_k1n.core.model import TaskRecord
from pytest_k1n.core.order.unroll import label, selected_case
from pytest_k1n.core.pending.final import is_over
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.tally import Tally
from pytest_k1n.core.text import counted

DEFAULT_CASE = "default"
"""How `took_branch` calls the case of a SWITCH that no value names."""


@expectation
def attempts(ref: str, n: int) -> Judge:
    """Expect exactly `n` attempts of a task, the first one counted; of each iteration in a loop."""

    def judge(observation: Observation) -> Findings:
        tally, expected = Tally(), counted(n, "attempt")
        for key in recorded(observation, ref, tally, expected=expected):
            records = observation.records[key]
            observed = f"{counted(len(records), 'attempt')}: {_history(records)}"
            if len(records) > n or (len(records) < n and observation.is_settled):
                margin = f"{len(records) - n:+d}"
                tally.fail("wrong-attempts", label(key), expected=expected, observed=observed, margin=margin)
            elif len(records) < n or not (observation.is_settled or is_over(observation, key)):
                pending(tally, label(key), expected=expected, observed=f"{observed} so far")
            else:
                tally.passed()
        return tally.findings()

    return judge


@expectation
def invoked_once(ref: str) -> Judge:
    """Expect the worker's ledger to show one call of the handler per task, whatever the server recorded."""

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        expected = "the handler called exactly once"
        for key in recorded(observation, ref, tally, expected=expected):
            if observation.invocations is None:
                tally.unknown("no-ledger", label(key), expected=expected, observed="no worker's ledger to look into")
                continue
            if not observation.is_settled and not is_over(observation, key):
                pending(tally, label(key), expected=expected, observed=f"still {observation.finals[key].status}")
                continue
            ids = {record.task_id for record in observation.records[key]}
            calls = [call for call in observation.invocations if call.task_id in ids]
            if len(calls) == 1:
                tally.passed()
            else:
                tally.fail(
                    "wrong-invocations",
                    label(key),
                    expected=expected,
                    observed=f"{len(calls)} calls for {len(ids)} attempts",
                    margin=f"{len(calls) - 1:+d}",
                    origin="the worker's ledger",
                )
        return tally.findings()

    return judge


@expectation
def took_branch(ref: str, case: str) -> Judge:
    """Expect a SWITCH to have taken a case; `"default"` is the one that no value names. Of each iteration in a loop."""

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        expected = f"case {case!r}"
        for key in recorded(observation, ref, tally, expected=expected):
            record = observation.finals[key]
            chosen = selected_case(record)
            task = observation.graph.nodes.get(key)
            taken = DEFAULT_CASE if task is not None and chosen is not None and chosen not in task.cases else chosen
            if record.type not in ("SWITCH", "DECISION"):
                tally.fail("not-a-switch", label(key), expected="a SWITCH", observed=f"a {record.type} task")
            elif chosen is None:
                unfinished(observation, key, tally, expected=expected)
            elif case in (taken, chosen):
                tally.passed()
            else:
                observed = f"case {taken!r}" if taken == chosen else f"the default case: its value was {chosen!r}"
                origin = f"cases of {label(key)}: {', '.join(map(repr, task.cases))}" if task else ""
                tally.fail("wrong-branch", label(key), expected=expected, observed=observed, origin=origin)
        return tally.findings()

    return judge


@expectation
def not_scheduled(*refs: str) -> Judge:
    """Expect that none of the refs was ever scheduled. Raises ValueError without a ref."""
    if not refs:
        raise ValueError("not_scheduled needs at least one ref")

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        for ref in known(observation, refs, tally):
            keys = observation.keys(ref)
            for key in keys:
                observed = f"scheduled, {observation.finals[key].status}"
                tally.fail("unwanted-task", label(key), expected="never to be scheduled", observed=observed)
            if not keys and observation.is_settled:
                tally.passed()
            elif not keys:
                pending(tally, ref, expected="never to be scheduled", observed="not scheduled yet")
        return tally.findings()

    return judge


@expectation
def ran(*refs: str) -> Judge:
    """Expect every ref to have been scheduled and to have ended successfully. Raises ValueError without a ref."""
    if not refs:
        raise ValueError("ran needs at least one ref")

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        for ref in known(observation, refs, tally):
            for key in recorded(observation, ref, tally, expected="it to end successfully"):
                record = observation.finals[key]
                if not is_over(observation, key):
                    unfinished(observation, key, tally, expected="it to end successfully")
                elif record.status.is_successful:
                    tally.passed()
                else:
                    reason = f": {record.reason}" if record.reason else ""
                    tally.fail(
                        "task-failed",
                        label(key),
                        expected="it to end successfully",
                        observed=f"{record.status}{reason}",
                    )
        return tally.findings()

    return judge


def _history(records: Sequence[TaskRecord]) -> str:
    return ", ".join(str(record.status) for record in records)

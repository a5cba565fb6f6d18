"""Executions beside each other: nothing of one in the other, shared workers not overrun, which ends first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pytest_k1n.core.concurrency.interference import worker_concurrency
from pytest_k1n.core.concurrency.taint import Index
from pytest_k1n.core.expectations.expectation import Judge, expectation
from pytest_k1n.core.expectations.latency import judge_latency
from pytest_k1n.core.expectations.subjects import Other, is_same, observation_of, pending
from pytest_k1n.core.findings import Findings
from pytest_k1n.core.model import Execution
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.record.paths import shown
from pytest_k1n.core.tally import Tally
from pytest_k1n.core.timing.intervals import Interval, max_concurrency
from pytest_k1n.core.timing.weather import REQUESTS
from pytest_k1n.core.units import format_ms


@expectation
def isolated_from(other: Other) -> Judge:
    """Expect no id, correlation id, output or variable of either execution in the other, and no overrun worker.

    Overrun: in the merged timeline more tasks of one definition at once than the worker's slots (where they are known)
    or the definition's concurrentExecLimit allow.
    """

    def judge(observation: Observation) -> Findings:
        theirs = observation_of(other)
        tally = Tally()
        if is_same(observation, theirs, tally):
            return tally.findings()
        index = Index((observation.execution, theirs.execution))
        untainted(observation, (theirs,), index, tally)
        untainted(theirs, (observation,), index, tally)
        workers_kept((observation, theirs), tally)
        if not (observation.is_settled and theirs.is_settled):
            pending(tally, observation.execution.name, expected="no interference", observed="none so far")
        return tally.findings()

    return judge


def untainted(observation: Observation, others: Iterable[Observation], index: Index, tally: Tally) -> None:
    """Judge that nothing of the others, which the index knows, is in this execution; the unit is the task record."""
    execution = observation.execution
    found = index.taints(execution, observation.definition)
    tainted: set[str] = set()
    judged = False
    for other in others:
        of = other.execution
        if of.workflow_id == execution.parent_workflow_id or execution.workflow_id == of.parent_workflow_id:
            tally.note(f"{execution.name} and {of.name} are parent and child: they share data by design")
            continue
        judged = True
        for taint in found.get(of.workflow_id, ()):
            tainted.add(taint.subject)
            tally.fail(
                "tainted",
                taint.subject,
                expected=f"nothing of {of.name} ({of.workflow_id}) in {execution.name}",
                observed=f"{taint.path} is {shown(taint.value)}",
                origin=f"{taint.source} of {of.name}",
            )
    if judged:
        tally.passed(sum(record.ref not in tainted for record in execution.tasks))


def workers_kept(observations: Sequence[Observation], tally: Tally) -> None:
    """Judge the merged concurrency of each (task definition, worker) and of each limited task definition."""
    executions = [each.execution for each in observations]
    slots = next((each.slots for each in observations if each.slots is not None), None)
    if slots is None:
        tally.note("how many tasks a worker runs at once is not known: its merged concurrency was not judged")
    else:
        for (name, worker), peak in worker_concurrency(executions).items():
            _at_most(peak.level, slots, f"{name} on {worker}", f"the worker has {slots} slots per task type", tally)
    for name, limit in _limits(observations):
        level = max_concurrency(_intervals(executions, name)).level
        _at_most(level, limit, name, f"concurrentExecLimit of {name}", tally)


@expectation
def finishes_before(other: Other) -> Judge:
    """Expect this execution to end before the other one, by the server's clock.

    Neither waits for the other, so what the machine stood still meanwhile counts as for any latency.
    """

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        theirs = observation_of(other)
        if is_same(observation, theirs, tally):
            return tally.findings()
        name, their_name = observation.execution.name, theirs.execution.name
        end_ms, their_end_ms = observation.execution.ended_ms, theirs.execution.ended_ms
        expected = f"to end before {their_name}"
        if end_ms is None and their_end_ms is None:
            if observation.is_settled and theirs.is_settled:
                tally.unknown("no-stamp", name, expected=expected, observed="neither has ended")
            else:
                pending(tally, name, expected=expected, observed="neither has ended")
        elif end_ms is None:
            observed = f"{their_name} has ended, {name} is {observation.state}"
            tally.fail("ended-late", name, expected=expected, observed=observed)
        elif their_end_ms is None or end_ms < their_end_ms:
            tally.passed()
        else:
            judge_latency(
                observation,
                tally,
                [Interval(observation.execution.started_ms, end_ms)],
                measured_ms=max(1, end_ms - their_end_ms),
                budget_ms=0,
                code="ended-late",
                subject=name,
                expected=expected,
                observed=f"it ended {format_ms(end_ms - their_end_ms)} after it",
                margin=format_ms(end_ms - their_end_ms),
                requests=REQUESTS * len(observation.worker_keys),
            )
        _say_if_swapped(observation, theirs, tally)
        return tally.findings()

    return judge


def _say_if_swapped(observation: Observation, theirs: Observation, tally: Tally) -> None:
    """Say so where workflow time would order the ends the other way round."""
    mine, others = observation.execution, theirs.execution
    took_ms, they_took_ms = observation.timeline.end_ms, theirs.timeline.end_ms
    if mine.ended_ms is None or others.ended_ms is None or took_ms is None or they_took_ms is None:
        return
    if (mine.ended_ms < others.ended_ms) != (mine.started_ms + took_ms < others.started_ms + they_took_ms):
        tally.note(f"in workflow time {mine.name} and {others.name} end in the opposite order")


def _at_most(level: int, limit: int, subject: str, origin: str, tally: Tally) -> None:
    if level <= limit:
        tally.passed()
    else:
        expected = f"at most {limit} at once"
        tally.fail(
            "overrun", subject, expected=expected, observed=str(level), margin=f"+{level - limit}", origin=origin
        )


def _limits(observations: Sequence[Observation]) -> Iterator[tuple[str, int]]:
    """Yield every task definition with a concurrentExecLimit once."""
    seen: set[str] = set()
    for observation in observations:
        for key in observation.worker_keys:
            definition = observation.task_definition(key)
            if definition is not None and definition.concurrent_exec_limit > 0 and definition.name not in seen:
                seen.add(definition.name)
                yield definition.name, definition.concurrent_exec_limit


def _intervals(executions: list[Execution], name: str) -> Iterator[Interval]:
    for execution in executions:
        for record in execution.tasks:
            if record.def_name == name and record.started_ms is not None and record.ended_ms is not None:
                yield Interval(record.started_ms, record.ended_ms)

"""Which task runs before which: by the definition, by name, by phase. Raw server stamps, tolerance 0 ms."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from pytest_k1n.core.consistency.ordering import ordering
from pytest_k1n.core.expectations.expectation import Judge, expectation
from pytest_k1n.core.expectations.joins import joins_wait
from pytest_k1n.core.expectations.subjects import (
    missing,
    pending,
    phase_named,
    recorded,
    steps_back,
    unfinished,
)
from pytest_k1n.core.findings import Findings
from pytest_k1n.core.model import TaskKey, WorkflowStatus
from pytest_k1n.core.order.unroll import label, unexpected_keys
from pytest_k1n.core.pending.final import is_over, loop_around, may_repeat
from pytest_k1n.core.pending.stalled import stalls
from pytest_k1n.core.plan import Phase
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.tally import Tally
from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.core.timing.intervals import barrier as compared
from pytest_k1n.core.units import format_ms

SHOWN = 5
"""Differences of definitions that a finding lists."""


@expectation
def follows_definition() -> Judge:
    """Expect every task scheduled only when all that it waits for has ended, and no task that has no place there.

    JOINs count by their end (the server stamps their start at the fork), other operators not at all. An execution that
    ran another definition than the one required is judged by both. A step that the engine has owed for minutes, or when
    waiting ended, is `stalled`. A static fork's JOIN with an empty `joinOn` is `join-on-nothing`.
    """

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        steps_back(observation, tally, expected="stamps that follow the order of scheduling")
        _tasks_belong(observation, tally)
        if not observation.is_settled:
            pending(tally, observation.execution.name, expected="its order kept to the end", observed="more may come")
        _is_the_definition(observation, tally)
        joins_wait(observation, tally)
        for finding in stalls(observation.as_run):
            tally.add(finding)
        return _order_kept(observation) + tally.findings()

    return judge


def _order_kept(observation: Observation) -> Findings:
    """Judge the order that the requirement asks for, and what only the definition that ran asks for beside it."""
    required = ordering(observation.execution, observation.graph)
    if not observation.other_definition:
        return required
    ran = ordering(observation.execution, observation.as_run.graph)
    seen = {(finding.code, finding.subject, finding.observed) for finding in required.findings}
    more = tuple(
        replace(finding, origin=f"{finding.origin}, in the definition that it ran")
        for finding in ran.findings
        if (finding.code, finding.subject, finding.observed) not in seen
    )
    return replace(required, findings=required.findings + more)


def _is_the_definition(observation: Observation, tally: Tally) -> None:
    """Judge that the server ran the definition that is required: its version, and what it says."""
    required, execution = observation.definition, observation.execution
    name, found = required.name, observation.other_definition
    is_other = execution.version != required.version
    places = [place for place in found if not (is_other and place.pointer == "/version")]
    if not (is_other or places):
        return
    more = f"; {len(places) - SHOWN} more" if len(places) > SHOWN else ""
    where = f": {'; '.join(map(str, places[:SHOWN]))}{more}" if places else ""
    tally.fail(
        "other-definition",
        name,
        expected=f"version {required.version}{'' if is_other else ' as it is defined here'}",
        observed=f"{'' if is_other else 'another '}version {execution.version} ran{where}",
        origin="the definition it is judged by",
    )


@expectation
def in_order(*refs: str) -> Judge:
    """Expect each ref to start only when the one before has ended, by the server's stamps; retries included.

    Two tasks of the same loop are compared iteration by iteration. Raises ValueError for fewer than two refs.
    """
    if len(refs) < 2:
        raise ValueError("in_order compares at least two refs")

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        keys = {ref: recorded(observation, ref, tally, expected=f"it to run ({_chain(refs)})") for ref in refs}
        if steps_back(observation, tally, expected=_chain(refs)):
            return tally.findings()
        for before, after in pairwise(refs):
            for first, second in _matched(observation, keys[before], keys[after]):
                _starts_after(observation, first, second, tally, origin=f"in_order: {_chain(refs)}")
        return tally.findings()

    return judge


@expectation
def barrier(*, after: int | str, before: int | str) -> Judge:
    """Expect no task of phase `before` to start until the last one of phase `after` has ended."""

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        first, second = phase_named(observation, after, tally), phase_named(observation, before, tally)
        if first and second and not steps_back(observation, tally, expected="phases one after the other"):
            phases_apart(observation, first, second, tally)
        return tally.findings()

    return judge


@expectation
def barriers_hold() -> Judge:
    """Expect every phase of the plan to start only when the one before has ended."""

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        phases = observation.template.phases if observation.template else ()
        if len(phases) < 2:
            tally.unknown(
                "no-phases",
                observation.execution.name,
                expected="two or more phases in the plan",
                observed=f"{len(phases)}",
            )
        elif not steps_back(observation, tally, expected="phases one after the other"):
            for first, second in pairwise(phases):
                phases_apart(observation, first, second, tally)
        return tally.findings()

    return judge


def phases_apart(observation: Observation, first: Phase, second: Phase, tally: Tally) -> None:
    """Judge one barrier, over all attempts of tasks that do something: by the last end and the first start."""
    subject = f"phase {second.number}"
    expected = f"phase {second.number} ({second.name}) to start when phase {first.number} ({first.name}) has ended"
    origin = f"barrier after phase {first.number} of the plan"
    begun = {key: Interval(start, start) for key in _of(observation, second) if (start := _start(observation, key))}
    open_keys = [key for key in _of(observation, first) if _end(observation, key) is None]
    ended = {key: Interval(end, end) for key in _of(observation, first) if (end := _end(observation, key))}
    if not begun or not (ended or open_keys):
        if observation.is_settled:
            idle = second if not begun else first
            observed = f"no task of phase {idle.number} ever ran; the execution is {observation.state}"
            tally.unknown("phase-not-run", subject, expected=expected, observed=observed, origin=origin)
        else:
            pending(tally, subject, expected=expected, observed="not started yet", origin=origin)
        return
    if open_keys:
        early = min(begun, key=lambda key: begun[key].start_ms)
        observed = f"{label(early)} started while {label(open_keys[0])} had not ended"
        tally.fail("barrier-crossed", label(early), expected=expected, observed=observed, origin=origin)
        return
    found = compared(ended, begun)
    to_come = [ref for ref in first.refs if not observation.keys(ref) or may_repeat(observation, ref)]
    to_come += [label(key) for key in ended if not is_over(observation, key)]
    if found.holds and to_come and not observation.is_settled:
        observed = f"{to_come[0]} of phase {first.number} may still come"
        pending(tally, subject, expected=expected, observed=observed, origin=origin)
        return
    if found.holds:
        tally.passed()
        return
    tally.fail(
        "barrier-crossed",
        label(found.first),
        expected=expected,
        observed=(
            f"{label(found.first)} started before {label(found.last)} ended; "
            f"{len(found.early)} of {len(begun)} tasks of the phase were early"
        ),
        margin=format_ms(-found.margin_ms),
        origin=origin,
    )


def _of(observation: Observation, phase: Phase) -> tuple[TaskKey, ...]:
    return tuple(key for key in observation.acting_keys if key[0] in phase.refs)


def _start(observation: Observation, key: TaskKey) -> int | None:
    """Return when a task first started: a premature first attempt is premature, whatever its retry did."""
    record = observation.records[key][0]
    return record.started_ms if record.is_worker_task else record.scheduled_ms


def _end(observation: Observation, key: TaskKey) -> int | None:
    """Return when the last attempt of a task ended."""
    return observation.finals[key].ended_ms


def _chain(refs: tuple[str, ...]) -> str:
    return " -> ".join(refs)


def _matched(
    observation: Observation, before: tuple[TaskKey, ...], after: tuple[TaskKey, ...]
) -> list[tuple[TaskKey, TaskKey]]:
    """Pair tasks of one loop by iteration, else everything of one ref with everything of the other."""
    pairs = [(first, second) for first in before for second in after]
    loops = {loop_around(observation, key[0]) for key in (*before, *after)}
    if len(loops) == 1 and None not in loops:
        return [(first, second) for first, second in pairs if first[1] == second[1]]
    return pairs


def _starts_after(observation: Observation, first: TaskKey, second: TaskKey, tally: Tally, *, origin: str) -> None:
    end, start = _end(observation, first), _start(observation, second)
    expected = f"to start when {label(first)} has ended"
    if start is None:
        unfinished(observation, second, tally, expected=expected, origin=origin)
    elif end is None:
        observed = f"started while {label(first)} was {observation.finals[first].status}"
        tally.fail("started-early", label(second), expected=expected, observed=observed, origin=origin)
    elif start < end:
        observed = f"started before {label(first)} ended"
        tally.fail(
            "started-early",
            label(second),
            expected=expected,
            observed=observed,
            margin=format_ms(end - start),
            origin=_required_by(observation, first, second) or origin,
        )
    elif not is_over(observation, first):
        pending(tally, label(second), expected=expected, observed=f"{label(first)} may be retried", origin=origin)
    elif (scheduled := observation.records[second][0].scheduled_ms) is not None and scheduled < end:
        tally.warn(
            "scheduled-early",
            label(second),
            expected=f"to be scheduled when {label(first)} has ended",
            observed="it was scheduled before, and started after it by chance",
            margin=format_ms(end - scheduled),
            origin=origin,
        )
    else:
        tally.passed()


def _required_by(observation: Observation, first: TaskKey, second: TaskKey) -> str:
    """Say what of the definition asks for an order; or that nothing of it does, which is the cause then."""
    graph = observation.graph
    if first not in graph.nodes or second not in graph.nodes:
        return ""
    return graph.why(first, second) or graph.why_not(first, second)


def _tasks_belong(observation: Observation, tally: Tally) -> None:
    """Judge that no task is on record without a place in the definition, and no operator was left out."""
    for key in unexpected_keys(observation.graph, observation.execution):
        tally.fail(
            "unexpected-task",
            label(key),
            expected=f"only tasks on the path that {observation.definition.name} takes",
            observed=f"it is on record as {observation.finals[key].status}",
            origin=f"definition {observation.definition.name} version {observation.definition.version}",
        )
    if observation.execution.status is not WorkflowStatus.COMPLETED:
        return
    places = observation.execution.columns.last
    left_out = (
        () if observation.graph.operator_keys <= places.keys() else observation.graph.operator_keys - places.keys()
    )
    terminates = left_out and any(record.type == "TERMINATE" for record in observation.finals.values())
    for key, task in observation.graph.nodes.items() if left_out and not terminates else ():
        if key in left_out:
            if key in observation.graph.undecided:
                continue
            missing(
                observation,
                label(key),
                tally,
                expected=f"a {task.type} task on record",
                origin=f"definition {observation.definition.name} version {observation.definition.version}",
            )

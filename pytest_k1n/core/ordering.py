"""Whether an execution kept its definition's order: all of happens-before in one sweep (methods.md section 3).

The server's stamps of one host are judged at a tolerance of 0 ms. Only a step of its clock could alarm falsely;
that shows as stamps that run back against `seq`, and turns every violation into `unknown`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pytest_k1n.core.dag import Graph, label
from pytest_k1n.core.findings import Finding, Findings, Verdict
from pytest_k1n.core.model import Execution, TaskKey, TaskRecord, TaskStatus
from pytest_k1n.core.timeline import END_ONLY_TYPES, attempts_by_key


class Violation(NamedTuple):
    """`after` was scheduled (a JOIN or loop: ended) although `before` had not ended."""

    before: TaskKey
    after: TaskKey
    early_ms: int | None
    """By how much; None if `before` has not ended at all, or its end is not on record."""
    origin: str
    is_decidable: bool = True
    """False if `before` is terminal without a stamp of its end."""


class Sweep(NamedTuple):
    """What one pass over all stamps found, and how many direct edges it judged."""

    violations: tuple[Violation, ...]
    edges: int


def sweep(execution: Execution, graph: Graph) -> Sweep:
    """Find every task that came before something it should have waited for; of those things the nearest are named.

    Judged are the last attempt's end against the first attempt's scheduling. What was SKIPPED binds nothing.
    """
    comparable = graph.comparable
    order, ancestors = comparable.order, comparable.ancestors
    attempts = attempts_by_key(execution)
    width = max(len(order).bit_length(), 1)
    events: list[int] = []
    excused = undecidable = begun = 0
    for index, (key, task) in enumerate(comparable.nodes.items()):
        records = attempts.get(key)
        if records is None:
            continue
        first, last = records[0], records[-1]
        end = last.ended_ms
        begin = first.scheduled_ms or first.started_ms
        if task.type in END_ONLY_TYPES:  # one that was failed or canceled stopped waiting
            begin = end if last.status.is_terminal and last.status.is_successful else None
        if end is not None:
            events.append(end << 1 + width | index)
        elif last.status is TaskStatus.SKIPPED:
            excused |= 1 << index
        elif last.status.is_terminal:
            undecidable |= 1 << index
        if begin is not None and first.status is not TaskStatus.SKIPPED:
            events.append((begin << 1 | 1) << width | index)
            begun |= 1 << index
    events.sort()  # ends before starts of the same instant
    ended, start_bit, mask = excused, 1 << width, (1 << width) - 1
    violations: list[Violation] = []
    for event in events:
        index = event & mask
        if not event & start_bit:
            ended |= 1 << index
        elif early := ancestors[index] & ~ended:
            begin = event >> width + 1
            violations.extend(_named(comparable, attempts, index, early, undecidable, begin))
    edges = sum(begun >> comparable.position[edge.after] & 1 for edge in comparable.edges)
    return Sweep(tuple(violations), edges)


def _named(
    graph: Graph, attempts: dict[TaskKey, list[TaskRecord]], index: int, early: int, undecidable: int, begin: int
) -> Iterator[Violation]:
    """Name the nearest of the tasks in `early`: those that no other of them waits for."""
    while early:
        nearest = early.bit_length() - 1
        before, after = graph.order[nearest], graph.order[index]
        records = attempts.get(before)
        end = records[-1].ended_ms if records else None
        yield Violation(
            before,
            after,
            None if end is None else end - begin,
            graph.why(before, after),
            not undecidable >> nearest & 1,
        )
        early &= ~(graph.ancestors[nearest] | 1 << nearest)


def ordering(execution: Execution, graph: Graph) -> Findings:
    """Judge the order of an execution against its graph: a finding per violation, a passed check per edge that held."""
    violations, edges = sweep(execution, graph)
    step = clock_step(execution)
    findings = [_finding(violation, graph, execution, step is not None) for violation in violations]
    findings.extend(_malformed(execution, step is not None))
    notes = (f"the server's clock seems to have stepped back: {step}",) if step else ()
    held = edges - sum(1 for violation in violations if violation.before in _direct(graph, violation.after))
    return Findings(tuple(findings), passed=held, notes=notes)


def clock_step(execution: Execution) -> str | None:
    """Describe the largest step back of the scheduled stamps against `seq`; None if they only go forward."""
    worst: tuple[int, TaskRecord, TaskRecord] | None = None
    latest: TaskRecord | None = None
    for record in execution.tasks:
        if record.scheduled_ms is None:
            continue
        if latest is not None and latest.scheduled_ms is not None and record.scheduled_ms < latest.scheduled_ms:
            back = latest.scheduled_ms - record.scheduled_ms
            if worst is None or back > worst[0]:
                worst = (back, latest, record)
        else:
            latest = record
    if worst is None:
        return None
    back, before, after = worst
    return f"{label(after.key)} (seq {after.seq}) is stamped {back}ms before {label(before.key)} (seq {before.seq})"


def _direct(graph: Graph, key: TaskKey) -> tuple[TaskKey, ...]:
    return graph.comparable.predecessors(key)


def _finding(violation: Violation, graph: Graph, execution: Execution, has_step: bool) -> Finding:
    before, after = label(violation.before), label(violation.after)
    is_end = graph.nodes[violation.after].type in END_ONLY_TYPES
    verb = "ended" if is_end else "scheduled"
    early = violation.early_ms
    if early is not None:
        observed = f"{verb} {early}ms before {before} ended"
    elif not violation.is_decidable:
        observed = f"{verb}, while the end of {before} is not on record"
    elif any(record.key == violation.before for record in execution.tasks):
        observed = f"{verb}, while {before} has not ended"
    else:
        observed = f"{verb}, while {before} was never scheduled"
    return Finding(
        code="ended-early" if is_end else "started-early",
        subject=after,
        expected=f"{verb} after {before} ended",
        observed=observed,
        margin="" if early is None else f"{early}ms",
        origin=violation.origin,
        verdict=Verdict.UNKNOWN if has_step or not violation.is_decidable else Verdict.FAIL,
    )


def _malformed(execution: Execution, has_step: bool) -> Iterator[Finding]:
    """Check scheduled <= start <= end of worker tasks; the server stamps system tasks' starts before their insert."""
    for record in execution.tasks:
        scheduled, started, ended = record.scheduled_ms, record.started_ms, record.ended_ms
        if not record.is_worker_task:
            continue
        for early, late, names in ((scheduled, started, "scheduled <= start"), (started, ended, "start <= end")):
            if early is not None and late is not None and late < early:
                yield Finding(
                    code="stamps-out-of-order",
                    subject=label(record.key),
                    expected=names,
                    observed=f"{early - late}ms the other way round (attempt {record.attempt})",
                    margin=f"{early - late}ms",
                    origin="the server's stamps of one attempt",
                    verdict=Verdict.UNKNOWN if has_step else Verdict.FAIL,
                )

"""Whether an execution kept its definition's order: all of happens-before in one sweep.

The server's stamps of one host are judged at a tolerance of 0 ms. Only a step of its clock could alarm falsely;
that shows as stamps that run back against `seq`, and turns every violation into `unknown`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from pytest_k1n.core.findings import Finding, Findings, Verdict
from pytest_k1n.core.graph import STAMPED_LATE_TYPES, Graph, label
from pytest_k1n.core.model import Execution, TaskKey, TaskRecord, TaskStatus
from pytest_k1n.core.spans import END_ONLY_TYPES
from pytest_k1n.core.units import format_ms


class Violation(NamedTuple):
    """`after` was scheduled (a JOIN or loop: ended) although `before` had not ended."""

    before: TaskKey
    after: TaskKey
    early_ms: int | None
    """By how much; None if `before` has not ended at all, or its end is not on record."""
    origin: str
    is_decidable: bool = True
    """False if `before` is terminal without a stamp of its end."""


def violations(execution: Execution, graph: Graph) -> tuple[Violation, ...]:
    """Find every task that came before something it should have waited for; of those things the nearest are named.

    Judged are the last attempt's end against the first attempt's scheduling. What was SKIPPED binds nothing.
    """
    attempts = execution.records
    if graph.behind_alternatives.isdisjoint(attempts):
        return tuple(_along_edges(graph, attempts))
    return _over_alternatives(graph, attempts)


_NEVER = 1 << 62


def _along_edges(graph: Graph, attempts: Mapping[TaskKey, Sequence[TaskRecord]]) -> Iterator[Violation]:
    """Pass on, task by task, when the last thing before it ended: linear in the edges, but for what was violated."""
    ends: list[int] = []  # of each task itself; -1 if it binds nothing
    latest: list[int] = []  # of all that comes before it
    early: list[tuple[int, int]] = []
    undecidable: set[int] = set()
    for index, ((key, task), befores) in enumerate(zip(graph.nodes.items(), graph.predecessor_positions, strict=True)):
        if len(befores) == 1:
            (only,) = befores
            last_end = max(ends[only], latest[only])
        else:
            last_end = max([max(ends[each], latest[each]) for each in befores], default=-1)
        latest.append(last_end)
        records = attempts.get(key)
        if task.type in STAMPED_LATE_TYPES:
            ends.append(-1)
            continue
        if records is None:
            ends.append(_NEVER)
            continue
        last = records[-1]
        if last.status is TaskStatus.SKIPPED:
            ends.append(-1)
        elif last.ended_ms is not None:
            ends.append(last.ended_ms)
        else:
            ends.append(_NEVER)
            if last.status.is_terminal:
                undecidable.add(index)
        begin = _begin(task.type, records)
        if begin is not None and last_end > begin:
            early.append((begin, index))
    early.sort()
    for begin, index in early:

        def has_not_ended(each: int, begin: int = begin) -> bool:
            return ends[each] > begin

        def follows_one(each: int, begin: int = begin) -> bool:
            return latest[each] > begin

        for nearest in graph.nearest(index, has_not_ended, follows_one):
            yield _violation(graph, attempts, nearest, index, begin, is_decidable=nearest not in undecidable)


def _over_alternatives(graph: Graph, attempts: Mapping[TaskKey, Sequence[TaskRecord]]) -> tuple[Violation, ...]:
    """Sweep over all stamps with the set of what has not ended yet: of alternatives only what is guaranteed counts."""
    ancestors = graph.ancestors
    width = len(graph.nodes).bit_length() + 1
    events: list[int] = []  # instant, 0 for an end or 1 for a start, position: ends sort before starts
    binding = undecidable = 0
    for index, (key, task) in enumerate(graph.nodes.items()):
        if task.type in STAMPED_LATE_TYPES:
            continue
        binding |= 1 << index
        records = attempts.get(key)
        if records is None:
            continue
        last = records[-1]
        end, begin = last.ended_ms, _begin(task.type, records)
        if last.status is TaskStatus.SKIPPED:
            binding ^= 1 << index
        elif end is not None:
            events.append(end << width | index)
        elif last.status.is_terminal:
            undecidable |= 1 << index
        if begin is not None:
            events.append(begin << width | 1 << width - 1 | index)
    events.sort()
    is_start = 1 << width - 1
    pending, found = binding, list[Violation]()
    for event in events:
        index = event & is_start - 1
        if not event & is_start:
            pending &= ~(1 << index)
        elif early := ancestors[index] & pending:
            found.extend(_named(graph, attempts, index, early, undecidable, event >> width))
    return tuple(found)


def _begin(kind: str, records: Sequence[TaskRecord]) -> int | None:
    """Return the instant by which a task must have seen all it waits for, end; None if it bears no such stamp."""
    first, last = records[0], records[-1]
    if kind in END_ONLY_TYPES:  # one that was failed or canceled stopped waiting
        return last.ended_ms if last.status.is_terminal and last.status.is_successful else None
    if first.status is TaskStatus.SKIPPED:
        return None
    return first.started_ms if first.scheduled_ms is None else first.scheduled_ms


def _named(
    graph: Graph, attempts: Mapping[TaskKey, Sequence[TaskRecord]], index: int, early: int, undecidable: int, begin: int
) -> Iterator[Violation]:
    """Name the nearest of the tasks in `early`: those that no other of them waits for."""
    while early:
        nearest = early.bit_length() - 1
        yield _violation(graph, attempts, nearest, index, begin, is_decidable=not undecidable >> nearest & 1)
        early &= ~(graph.ancestors[nearest] | 1 << nearest)


def _violation(
    graph: Graph, attempts: Mapping[TaskKey, Sequence[TaskRecord]], before: int, after: int, begin: int, *,
    is_decidable: bool,
) -> Violation:  # fmt: skip
    first, second = graph.order[before], graph.order[after]
    records = attempts.get(first)
    end = records[-1].ended_ms if records else None
    return Violation(first, second, None if end is None else end - begin, graph.why(first, second), is_decidable)


def ordering(execution: Execution, graph: Graph) -> Findings:
    """Judge the order of an execution against its graph: a finding per violation, a passed check per edge that held."""
    found = violations(execution, graph)
    step = clock_step(execution)
    attempts = execution.records
    findings = [_finding(violation, graph, attempts, step is not None) for violation in found]
    findings.extend(_malformed(execution, step is not None))
    notes = (f"the server's clock seems to have stepped back: {step}",) if step else ()
    return Findings(tuple(findings), passed=_held(graph, attempts, found), notes=notes)


def _held(graph: Graph, attempts: Mapping[TaskKey, Sequence[TaskRecord]], found: Collection[Violation]) -> int:
    """Count the requirements that were kept: the direct ones, of tasks that bear a stamp to compare."""
    nodes = graph.nodes
    begun = {key for key in attempts if key in nodes and _begin(nodes[key].type, attempts[key]) is not None}
    broken = {(violation.before, violation.after) for violation in found}
    if not graph.behind_alternatives.isdisjoint(begun):
        return sum(edge.after in begun and edge[:2] not in broken for edge in graph.comparable.edges)
    held = 0
    for (key, task), befores in zip(nodes.items(), graph.stamped_before, strict=True):
        if task.type not in STAMPED_LATE_TYPES and key in begun:
            held += sum((graph.order[each], key) not in broken for each in befores) if broken else len(befores)
    return held


def clock_step(execution: Execution) -> str | None:
    """Describe the largest step back of the scheduled stamps against `seq`; None if they only go forward."""
    worst: tuple[int, TaskRecord, TaskRecord] | None = None
    latest: TaskRecord | None = None
    for record in execution.tasks:
        if record.scheduled_ms is None or record.status is TaskStatus.SKIPPED:  # skipped by hand, out of turn: seq 0
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
    late, early = f"{label(after.key)} (seq {after.seq})", f"{label(before.key)} (seq {before.seq})"
    return f"{late} is stamped {format_ms(back)} before {early}"


def _finding(
    violation: Violation, graph: Graph, attempts: Mapping[TaskKey, Sequence[TaskRecord]], has_step: bool
) -> Finding:
    before, after = label(violation.before), label(violation.after)
    is_end = graph.nodes[violation.after].type in END_ONLY_TYPES
    verb = "ended" if is_end else "scheduled"
    early = violation.early_ms
    if early is not None:
        observed = f"{verb} {format_ms(early)} before {before} ended"
    elif not violation.is_decidable:
        observed = f"{verb}, while the end of {before} is not on record"
    elif violation.before in attempts:
        observed = f"{verb}, while {before} has not ended"
    else:
        observed = f"{verb}, while {before} was never scheduled"
    return Finding(
        code="ended-early" if is_end else "started-early",
        subject=after,
        expected=f"{verb} after {before} ended",
        observed=observed,
        margin="" if early is None else format_ms(early),
        origin=violation.origin,
        verdict=Verdict.UNKNOWN if has_step or not violation.is_decidable else Verdict.FAIL,
    )


def _malformed(execution: Execution, has_step: bool) -> Iterator[Finding]:
    """Check scheduled <= start <= end of worker tasks; the server stamps system tasks' starts before their insert."""
    for record in execution.tasks:
        scheduled, started, ended = record.scheduled_ms, record.started_ms, record.ended_ms
        if not record.is_worker_task or _is_in_order(scheduled, started, ended):
            continue
        for early, late, names in ((scheduled, started, "scheduled <= start"), (started, ended, "start <= end")):
            if early is not None and late is not None and late < early:
                yield Finding(
                    code="stamps-out-of-order",
                    subject=label(record.key),
                    expected=names,
                    observed=f"{format_ms(early - late)} the other way round (attempt {record.attempt})",
                    margin=format_ms(early - late),
                    origin="the server's stamps of one attempt",
                    verdict=Verdict.UNKNOWN if has_step else Verdict.FAIL,
                )


def _is_in_order(scheduled: int | None, started: int | None, ended: int | None) -> bool:
    """Whether all stamps are there, none before the other: of nearly every record nothing more is asked."""
    return scheduled is not None and started is not None and ended is not None and scheduled <= started <= ended

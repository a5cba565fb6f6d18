"""Whether an execution kept its definition's order: all of happens-before in one sweep.

The server's stamps of one host are judged at a tolerance of 0 ms. Only a step of its clock could alarm falsely;
that shows as stamps that run back against `seq`, and turns every violation into `unknown`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from pytest_k1n.core.consistency.clockstep import clock_step
from pytest_k1n.core.consistency.reruns import has_old_end
from pytest_k1n.core.consistency.rewriting import is_done_again, is_rerun_since, is_rewritten, seen
from pytest_k1n.core.findings import Finding, Findings, Verdict
from pytest_k1n.core.model import Execution, TaskKey, TaskRecord, TaskStatus
from pytest_k1n.core.order.graph import STAMPED_LATE_TYPES, Graph, label
from pytest_k1n.core.timing.spans import END_ONLY_TYPES
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
    return _violations(execution, graph, _stamps(graph, execution))


def _violations(execution: Execution, graph: Graph, stamps: _Stamps) -> tuple[Violation, ...]:
    if graph.behind_alternatives.isdisjoint(execution.columns.last):
        return tuple(_along_edges(graph, execution, stamps))
    return _over_alternatives(graph, execution)


_TOLD = frozenset(each for each in TaskStatus if each.is_terminal and each.is_successful) - {TaskStatus.SKIPPED}
"""Of what only its end tells: one that was failed or canceled stopped waiting, one that was skipped never began."""
_NEVER = math.inf
"""Later than any stamp that a document can hold."""


class _Stamps(NamedTuple):
    """What binds each task of a graph, by position."""

    ends: Sequence[float]
    """When it ended; -1 if it binds nothing, `_NEVER` if it has not."""
    begins: Sequence[float]
    """By when it must have seen the ends of all it waits for; `_NEVER` if it bears no such stamp."""


def _stamps(graph: Graph, execution: Execution) -> _Stamps:
    columns = execution.columns
    ends, begins = list[float](), list[float]()
    rows, statuses, stamps = columns.last, columns.status, (columns.scheduled_ms, columns.started_ms, columns.ended_ms)
    scheduled, started, ended = stamps
    several, had_ended = columns.repeated if columns.is_repeated else {}, seen(execution)
    for key, kind in zip(graph.order, graph.types, strict=True):
        if kind in STAMPED_LATE_TYPES:
            ends.append(-1)
            begins.append(_NEVER)
            continue
        last = rows.get(key)
        if last is None:
            ends.append(_NEVER)
            begins.append(_NEVER)
            continue
        status, end = statuses[last], ended[last] or _NEVER
        ends.append(-1 if status is TaskStatus.SKIPPED else min(end, had_ended.get(key, end)) if had_ended else end)
        if kind in END_ONLY_TYPES:
            is_told = status in _TOLD and not has_old_end(execution, kind, ended[last])
            begins.append(end if is_told else _NEVER)
            continue
        first = several[key][0] if key in several else last
        is_skipped = statuses[first] is TaskStatus.SKIPPED
        begins.append(_NEVER if is_skipped else scheduled[first] or started[first] or _NEVER)
    return _Stamps(ends, begins)


def _along_edges(graph: Graph, execution: Execution, stamps: _Stamps) -> Iterator[Violation]:
    """Pass on, task by task, when the last thing before it ended: linear in the edges, but for what was violated."""
    ends = stamps.ends
    latest: list[float] = []  # of all that comes before it
    reach: list[float] = []  # of itself and all that comes before it
    early: list[tuple[float, int]] = []
    for befores, end, begin in zip(graph.predecessor_positions, ends, stamps.begins, strict=True):
        last_end = reach[befores[0]] if len(befores) == 1 else max([reach[each] for each in befores], default=-1)
        if last_end > begin:
            early.append((begin, len(latest)))
        latest.append(last_end)
        reach.append(end if end > last_end else last_end)
    early.sort()
    for begin, index in early:

        def has_not_ended(each: int, begin: float = begin) -> bool:
            return ends[each] > begin

        def follows_one(each: int, begin: float = begin) -> bool:
            return latest[each] > begin

        for nearest in graph.nearest(index, has_not_ended, follows_one):
            record = execution.finals.get(graph.order[nearest])
            others = graph.nearest(nearest, has_not_ended, follows_one) if latest[nearest] > begin else ()
            has_all = all(is_rerun_since(begin, execution.finals.get(graph.order[each])) for each in others)
            if is_rewritten(execution, graph.types[nearest], record, begin, has_all=has_all):
                continue
            is_decidable = record is None or record.ended_ms is not None or not record.status.is_terminal
            after = execution.finals.get(graph.order[index])
            is_decidable = is_decidable and not is_done_again(execution, begin, record, after)
            yield _violation(graph, execution.records, nearest, index, int(begin), is_decidable=is_decidable)


def _over_alternatives(graph: Graph, execution: Execution) -> tuple[Violation, ...]:
    """Sweep over all stamps with the set of what has not ended yet: of alternatives only what is guaranteed counts."""
    ancestors, attempts, had_ended = graph.ancestors, execution.records, seen(execution)
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
        if has_old_end(execution, last.type, last.ended_ms):
            begin = None
        if last.status is TaskStatus.SKIPPED:
            binding ^= 1 << index
        elif end is not None:
            events.append(min(end, had_ended.get(key, end)) << width | index)
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
            found.extend(_named(graph, execution, index, early, undecidable, event >> width))
    return tuple(found)


def _begin(kind: str, records: Sequence[TaskRecord]) -> int | None:
    """Return the instant by which a task must have seen all it waits for, end; None if it bears no such stamp."""
    first, last = records[0], records[-1]
    if kind in END_ONLY_TYPES:
        return last.ended_ms if last.status in _TOLD else None
    if first.status is TaskStatus.SKIPPED:
        return None
    return first.started_ms if first.scheduled_ms is None else first.scheduled_ms


def _named(
    graph: Graph, execution: Execution, index: int, early: int, undecidable: int, begin: int
) -> Iterator[Violation]:
    """Name the nearest of the tasks in `early`: those that no other of them waits for."""
    while early:
        nearest = early.bit_length() - 1
        record = execution.finals.get(graph.order[nearest])
        others = [execution.finals.get(graph.order[each]) for each in _positions(early & graph.ancestors[nearest])]
        has_all = all(is_rerun_since(begin, each) for each in others)
        if not is_rewritten(execution, graph.types[nearest], record, begin, has_all=has_all):
            after = execution.finals.get(graph.order[index])
            is_decidable = not undecidable >> nearest & 1 and not is_done_again(execution, begin, record, after)
            yield _violation(graph, execution.records, nearest, index, begin, is_decidable=is_decidable)
        early &= ~(graph.ancestors[nearest] | 1 << nearest)


def _positions(bits: int) -> Iterator[int]:
    while bits:
        yield bits.bit_length() - 1
        bits ^= 1 << bits.bit_length() - 1


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
    stamps = _stamps(graph, execution)
    found = _violations(execution, graph, stamps)
    step = clock_step(execution)
    attempts = execution.records
    findings = [_finding(violation, graph, attempts, step is not None) for violation in found]
    findings.extend(_malformed(execution, step is not None))
    notes = (f"the server's clock seems to have stepped back: {step}",) if step else ()
    return Findings(tuple(findings), passed=_held(graph, execution, stamps, found), notes=notes)


def _held(graph: Graph, execution: Execution, stamps: _Stamps, found: Collection[Violation]) -> int:
    """Count the requirements that were kept: the direct ones, of tasks that bear a stamp to compare."""
    begins = stamps.begins
    broken = {(violation.before, violation.after) for violation in found}
    if not graph.behind_alternatives.isdisjoint(execution.columns.last):
        begun = {key for key, begin in zip(graph.order, begins, strict=True) if begin != _NEVER}
        return sum(edge.after in begun and edge[:2] not in broken for edge in graph.comparable.edges)
    rows = zip(graph.order, begins, graph.stamped_before, strict=True)
    if not broken:
        return sum([len(befores) for _, begin, befores in rows if begin != _NEVER])
    order = graph.order
    return sum((order[each], key) not in broken for key, begin, befores in rows if begin != _NEVER for each in befores)


def _finding(
    violation: Violation, graph: Graph, attempts: Mapping[TaskKey, Sequence[TaskRecord]], has_step: bool
) -> Finding:
    before, after = label(violation.before), label(violation.after)
    is_end = graph.nodes[violation.after].type in END_ONLY_TYPES
    verb = "ended" if is_end else "scheduled"
    early = violation.early_ms
    if early is not None:
        why = _raced(attempts[violation.before], early) if is_end else ""
        why = why or ("" if violation.is_decidable else ", which was run again since")
        observed = f"{verb} {format_ms(early)} before {before} ended{why}"
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


def _raced(attempts: Sequence[TaskRecord], early_ms: int) -> str:
    """Say that a JOIN ended between a failure and its retry, where it did; Conductor's do so now and then."""
    came_ms = (attempts[-1].ended_ms or 0) - early_ms
    for failed, following in pairwise(attempts):
        if (failed.ended_ms or came_ms) < came_ms < (following.scheduled_ms or 0):
            return f", behind its attempt {failed.attempt + 1}, before the next: Conductor's JOINs race so"
    return ""


def _malformed(execution: Execution, has_step: bool) -> Iterator[Finding]:
    """Check scheduled <= start <= end of worker tasks; the server stamps system tasks' starts before their insert."""
    columns = execution.columns
    rows = zip(columns.is_work, columns.scheduled_ms, columns.started_ms, columns.ended_ms, strict=True)
    in_doubt = [
        place
        for place, (is_work, *stamps) in enumerate(rows)
        if is_work and not 0 < stamps[0] <= stamps[1] <= stamps[2]
    ]
    for record in (execution.tasks[place] for place in in_doubt):
        scheduled, started, ended = record.scheduled_ms, record.started_ms, record.ended_ms
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

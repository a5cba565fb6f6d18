"""The critical path of an execution: the owner of each millisecond of its makespan.

The walk goes back from the task that ended last to whatever it waited for longest. Every segment is clipped at the
one after it, so the segments cover the makespan exactly: also where order is violated, stamps are missing, or the
execution is still running (then up to now). Works alike on raw timelines and on those in workflow time. After
Uber's CRISP, whose partition is as exact (docs/explanation/critical-path.md).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from operator import itemgetter
from typing import NamedTuple, cast

from pytest_k1n.core.model import OPERATOR_TASK_TYPES, TaskKey, TaskStatus
from pytest_k1n.core.order.graph import Graph
from pytest_k1n.core.timing.spans import END_ONLY_TYPES, Span
from pytest_k1n.core.timing.timeline import Timeline


class SegmentKind(StrEnum):
    """Who a stretch of the makespan is owed to."""

    WORK = "work"
    """A task was being executed."""
    QUEUE = "queue"
    """It was ready and no worker had taken it yet."""
    RETRY_DELAY = "retry delay"
    """A failed attempt's successor was held back."""
    START_DELAY = "start delay"
    """A first attempt was held back, as its definition says."""
    JOIN_LAG = "join lag"
    """All that a JOIN waited for had ended, the JOIN had not."""
    UNKEPT = "rounds not kept"
    """A loop went round whose records are gone, as its keepLastN says: work and waiting, none can tell which."""
    ENGINE = "engine"
    """The server was about it: scheduling, system tasks waiting for their thread, begin and end of the execution."""


OVERHEAD = (SegmentKind.QUEUE, SegmentKind.JOIN_LAG, SegmentKind.ENGINE)
"""What the server and the workers add (quality gate G9)."""


class Segment(NamedTuple):
    """One stretch of the critical path, in ms from the execution's start; never empty."""

    kind: SegmentKind
    key: TaskKey | None
    """The task it belongs to; None before the first and after the last."""
    start_ms: int
    end_ms: int
    attempt: int = 0
    blame: TaskKey | None = None
    """For a queue wait: the task that kept the worker busy until just before."""

    @property
    def duration_ms(self) -> int:
        return self.end_ms - self.start_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class CriticalPath:
    """The makespan in segments without gap or overlap, earliest first."""

    segments: tuple[Segment, ...]
    tasks: tuple[TaskKey, ...]
    """The tasks on the path in the order they ran, operators included."""
    makespan_ms: int

    def by_kind(self) -> Mapping[SegmentKind, int]:
        """Return the ms per kind, every kind listed; they add up to the makespan."""
        totals = dict.fromkeys(SegmentKind, 0)
        for segment in self.segments:
            totals[segment.kind] += segment.duration_ms
        return totals

    def work_ms(self, key: TaskKey) -> int:
        """Return a task's exclusive work on the path: 0 if it is not on it."""
        return self.work_by_task().get(key, 0)

    @property
    def critical_task(self) -> TaskKey | None:
        """The task with the most work on the path, of equals the first; None if nothing worked."""
        works = self.work_by_task()
        return max(works, key=works.__getitem__) if works else None

    def work_by_task(self) -> dict[TaskKey, int]:
        """Return the exclusive work on the path of every task that has some, in ms, in the order they ran."""
        works: dict[TaskKey, int] = {}
        for segment in self.segments:
            if segment.kind is SegmentKind.WORK and segment.key is not None:
                works[segment.key] = works.get(segment.key, 0) + segment.duration_ms
        return works


def critical_path(timeline: Timeline, graph: Graph, *, now_ms: int | None = None, quantum_ms: int = 10) -> CriticalPath:
    """Walk the critical path of a timeline made on this graph.

    For an open execution `now_ms` says where it ends (on the timeline, see `Timeline.now_ms`), else its latest stamp
    does. `quantum_ms` is how often workers poll: a wait longer than two of them, just after the same worker ended
    another task of the same definition, is blamed on that task.
    """
    end = timeline.end_ms
    if end is None:
        end = now_ms if now_ms is not None else _latest(timeline)
    return _Backwards(timeline, graph, max(end, 0), quantum_ms).path()


def waited_for(timeline: Timeline, graph: Graph, key: TaskKey) -> TaskKey | None:
    """Find, among what a task waited for, what ended last; past anything that has no end on record.

    None for a task that waited for nothing, and for one that the graph does not know.
    """
    position = graph.position.get(key)
    if position is None:
        return None
    ends, order, befores = timeline.ends, graph.order, graph.predecessor_positions
    direct = befores[position]
    if len(direct) == 1 and order[direct[0]] in ends:
        return order[direct[0]]
    if direct and all(map(ends.__contains__, [order[each] for each in direct])):  # nearly always
        return _ended_last(timeline, graph, [order[each] for each in direct])
    candidates: list[TaskKey] = []
    reached: set[int] = set()
    pending = list(direct)
    while pending:
        before = pending.pop()
        if before in reached:  # by another branch: there are as many ways as products of branches
            continue
        reached.add(before)
        if order[before] in ends:
            candidates.append(order[before])
        else:
            pending.extend(befores[before])
    return _ended_last(timeline, graph, candidates)


def _ended_last(timeline: Timeline, graph: Graph, keys: Collection[TaskKey]) -> TaskKey | None:
    """Take, of those that ended at the last instant, what waited for the others, else the smallest name."""
    ends = [timeline.ends.get(key) for key in keys]
    latest = max([end for end in ends if end is not None], default=None)
    tied = [] if latest is None else [key for key, end in zip(keys, ends, strict=True) if end == latest]
    if len(tied) < 2:
        return tied[0] if tied else None
    return min(set(tied) - _awaited(graph, tied))


def _awaited(graph: Graph, keys: Collection[TaskKey]) -> set[TaskKey]:
    """Return those of some tasks that others of them wait for."""
    known = [key for key in keys if key in graph.nodes]
    if not graph.behind_alternatives.isdisjoint(known):
        return {key for key in known if any(graph.is_before(key, other) for other in known)}
    return {graph.order[index] for index in graph.first_of([graph.position[key] for key in known])}


class _Backwards:
    def __init__(self, timeline: Timeline, graph: Graph, end_ms: int, quantum_ms: int) -> None:
        self.timeline, self.graph, self.quantum_ms = timeline, graph, quantum_ms
        self.spans, self.columns = timeline.spans, timeline.columns
        self.makespan_ms = self.cursor = end_ms
        self.segments: list[Segment] = []
        self.tasks: list[TaskKey] = []

    def path(self) -> CriticalPath:
        key = self._last()
        if key is not None:
            self._emit(SegmentKind.ENGINE, None, self.timeline.ends.get(key))
        position, types, ends = self.graph.position, self.graph.types, self.timeline.ends
        while key is not None:
            self.tasks.append(key)
            index = position.get(key)
            kind = None if index is None else types[index]
            before = waited_for(self.timeline, self.graph, key)
            if kind not in END_ONLY_TYPES:
                self._account(key)
            if before is not None:
                self._emit(SegmentKind.JOIN_LAG if kind == "JOIN" else _before(key, before), key, ends[before])
            key = before
        first = self.tasks[-1] if self.tasks else None
        self._emit(SegmentKind.ENGINE if first is None else _before(first, None), first, 0)
        self.segments.reverse()
        self.tasks.reverse()
        return CriticalPath(segments=tuple(self.segments), tasks=tuple(self.tasks), makespan_ms=self.makespan_ms)

    def _account(self, key: TaskKey) -> None:
        """Emit all attempts of a task, last to first."""
        places = self.columns.places(key)
        for number in range(len(places) - 1, 0, -1):
            self._attempt(key, places[number], SegmentKind.RETRY_DELAY)
            self._emit(
                SegmentKind.ENGINE, key, self.timeline.end_at[places[number - 1]], self.columns.attempt[places[number]]
            )
        self._attempt(key, places[0], SegmentKind.START_DELAY)

    def _attempt(self, key: TaskKey, place: int, delay: SegmentKind) -> None:
        columns = self.columns
        index, is_queued = columns.attempt[place], columns.is_work[place]
        start, scheduled = self.timeline.start_at[place], self.timeline.scheduled_at[place]
        if start is not None and start < self.cursor:
            is_operator = columns.type[place] in OPERATOR_TASK_TYPES
            self._emit(SegmentKind.ENGINE if is_operator else SegmentKind.WORK, key, start, index)
        if scheduled is None:
            return
        ready = scheduled + columns.start_delay_ms[place]
        if ready < self.cursor:
            is_late = is_queued and start is not None and start - ready > 2 * self.quantum_ms
            blame = self._blame(key, place, cast("int", start)) if is_late else None
            self._emit(SegmentKind.QUEUE if is_queued else SegmentKind.ENGINE, key, ready, index, blame)
        if scheduled < self.cursor:
            self._emit(delay, key, scheduled, index)

    def _emit(
        self, kind: SegmentKind, key: TaskKey | None, until: int | None, attempt: int = 0, blame: TaskKey | None = None
    ) -> None:
        """Own the time from `until` to the cursor; nothing if it is not earlier, or is not known."""
        if until is not None and (until := until if until > 0 else 0) < self.cursor:
            self.segments.append(Segment(kind, key, until, self.cursor, attempt, blame))
            self.cursor = until

    def _last(self) -> TaskKey | None:
        """Find the task the execution waits for, or waited for last; of open ones the longest running worker task.

        What ended the execution early (a failed task, a TERMINATE) goes before what was canceled because of it.
        """
        if self.columns.all_completed and "TERMINATE" not in self.columns.types:  # nearly always
            return _ended_last(self.timeline, self.graph, self.timeline.ends.keys())
        spans = [span for span in self.spans.values() if not span.is_skipped]
        open_spans = [s for s in spans if not s.attempts[-1].record.status.is_terminal and s.end_ms is None]
        if open_spans:
            return min(open_spans, key=_openness).key
        ender = _ended_last(self.timeline, self.graph, [span.key for span in spans if _ends_all(span)])
        if ender is not None:
            end = self.spans[ender].end_ms or 0
            went_on = [s for s in spans if not _is_canceled(s) and (s.scheduled_ms or 0) > end]
            return _ended_last(self.timeline, self.graph, [span.key for span in went_on]) or ender
        return _ended_last(self.timeline, self.graph, [span.key for span in spans])

    def _blame(self, key: TaskKey, place: int, start: int) -> TaskKey | None:
        """Find the task that the same worker ended just before it took this one."""
        record = self.timeline.records[place]
        if record.worker_id is None:
            return None
        name = (record.worker_id, record.def_name)
        latest = bisect_right(self._by_end, start, key=itemgetter(0)) - 1
        while latest >= 0 and self._by_end[latest][0] >= start - self.quantum_ms:
            _, ended, place = self._by_end[latest]
            other = self.timeline.records[place]
            if ended != key and (other.worker_id, other.def_name) == name:
                return ended
            latest -= 1
        return None

    @cached_property
    def _by_end(self) -> Sequence[tuple[int, TaskKey, int]]:
        """All attempts that have ended, by instant and key, each with its place."""
        rows = zip(self.timeline.end_at, self.timeline.columns.keys, range(len(self.timeline.records)), strict=True)
        return sorted((end, key, place) for end, key, place in rows if end is not None)


def _before(key: TaskKey, before: TaskKey | None) -> SegmentKind:
    """Say whose the time before a task is: between it and what it waited for on record there may have been rounds."""
    iteration = key[1]
    is_lost = iteration > 1 and (before is None or before[1] < iteration - 1)
    return SegmentKind.UNKEPT if is_lost else SegmentKind.ENGINE


def _is_canceled(span: Span) -> bool:
    return span.attempts[-1].record.status is TaskStatus.CANCELED


def _ends_all(span: Span) -> bool:
    """Whether a task ends its execution: a TERMINATE, or a failure that no attempt is left for."""
    record = span.attempts[-1].record
    if record.status is TaskStatus.COMPLETED and record.type != "TERMINATE":  # nearly always
        return False
    is_failure = record.status.is_terminal and not record.status.is_successful and not _is_canceled(span)
    return is_failure or (record.type == "TERMINATE" and not _is_canceled(span))


def _openness(span: Span) -> tuple[bool, bool, int, str, int]:
    """Order open tasks by how likely they hold everything up: workers' first, then started, then longest."""
    last = span.attempts[-1]
    begin = last.start_ms if last.start_ms is not None else last.scheduled_ms
    return (not last.record.is_worker_task, last.start_ms is None, begin if begin is not None else 0, *span.key)


def _latest(timeline: Timeline) -> int:
    def stamps() -> Iterator[int | None]:
        for span in timeline.spans.values():
            for attempt in span.attempts:
                yield from (attempt.scheduled_ms, attempt.start_ms, attempt.end_ms)

    return max((stamp for stamp in stamps() if stamp is not None), default=0)

"""Workflow time: an execution's history rebuilt on its graph, with simulated work stretched
(docs/explanation/workflow-time.md).

What a server adds (queue waits, join lag, retry delays) does not grow with the work. So of every task only the work it
simulated is multiplied by the speed, and each gap after what it waited for stays as measured. At speed 1 that changes
nothing: the raw history, counted from its start. Order, barriers, overlaps and waits are judged on raw stamps.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pytest_k1n.core.columns import Columns
from pytest_k1n.core.model import Execution, TaskKey, TaskRecord, TaskStatus, WorkflowTask
from pytest_k1n.core.order.graph import Graph
from pytest_k1n.core.timing.slots import Slots
from pytest_k1n.core.timing.spans import (
    END_ONLY_TYPES,
    Attempt,
    Span,
    Window,
    scaled_work_ms,
)

__all__ = ["Attempt", "Span", "Timeline", "Window", "rebuild"]

_NEVER = 1 << 63


@dataclass(frozen=True, kw_only=True, eq=False)
class Timeline:
    """One execution in workflow time, in ms from its start. The stamps are columns, by place of the record."""

    started_ms: int
    """The zero: epoch ms of the server's clock."""
    speed: float
    records: Sequence[TaskRecord]
    columns: Columns
    """The records by field, with their stamps on the server's clock."""
    nodes: Mapping[TaskKey, WorkflowTask]
    """The tasks of the graph that it was laid out on."""
    scheduled_at: Sequence[int | None]
    start_at: Sequence[int | None]
    end_at: Sequence[int | None]
    end_ms: int | None
    """The makespan; None while the execution is open."""
    swapped: tuple[tuple[TaskKey, TaskKey], ...] = ()
    """Pairs that ended in this order on the server and in the opposite order here: say so wherever both are shown."""

    @cached_property
    def spans(self) -> Mapping[TaskKey, Span]:
        """The lives of the tasks on record, in the graph's order, then those that the graph does not know."""
        return _Spans(self)

    @cached_property
    def ends(self) -> Mapping[TaskKey, int]:
        """When each task ended whose last attempt has, and was not SKIPPED."""
        ends, statuses = self.end_at, self.columns.status
        return {
            key: end
            for key, place in self.columns.last.items()
            if (end := ends[place]) is not None and statuses[place] is not TaskStatus.SKIPPED
        }

    def attempt(self, place: int) -> Attempt:
        """Return the attempt whose record has this place."""
        return Attempt(self.records[place], self.scheduled_at[place], self.start_at[place], self.end_at[place])

    def window(self, refs: Iterable[str]) -> Window | None:
        """Return when these refs ran, over all iterations; None if none of them has been scheduled.

        In an open execution the end stays None until every one of the refs has ended.
        """
        wanted = set(refs)
        spans = [span for key, span in self.spans.items() if key[0] in wanted]
        begins = [begin for span in spans if (begin := _first(span.scheduled_ms, span.start_ms)) is not None]
        if not begins:
            return None
        ends = [span.end_ms for span in spans]
        missing = self.end_ms is None and wanted - {span.key[0] for span in spans}
        closed = [end for end in ends if end is not None]
        return Window(min(begins), None if missing or len(closed) < len(ends) else max(closed))

    def now_ms(self, epoch_ms: int, *, pace: float | None = None) -> int:
        """Return how far a live execution is at a server instant: its makespan once it has ended.

        `pace` is how fast the work in progress goes, which only its end will tell: the speed (the default)
        if it is simulated, 1 if it is real.
        """
        if self.end_ms is not None:
            return self.end_ms
        pace = self.speed if pace is None else pace
        instant = epoch_ms - self.started_ms
        running: list[int] = []
        last_raw, last = 0, 0
        for span in self.spans.values():
            attempt = span.attempts[-1]
            record = attempt.record
            if attempt.end_ms is not None and record.ended_ms is not None:
                last_raw, last = max(last_raw, record.ended_ms - self.started_ms), max(last, attempt.end_ms)
            elif attempt.start_ms is not None and record.started_ms is not None and record.is_worker_task:
                running.append(attempt.start_ms + round((epoch_ms - record.started_ms) * pace))
        return max(running, default=max(0, last + instant - last_raw))


def rebuild(
    execution: Execution, graph: Graph, *, speed: float = 1, slept_ms: Mapping[str, int] | None = None
) -> Timeline:
    """Lay out an execution in workflow time. Open ends and missing stamps stay None.

    `slept_ms` (by task id) is what real handlers slept of declared work, in raw time, as their worker's ledger has it.
    Where an end that a task should have waited for is missing, the gap counts from what that one waited for itself.
    """
    columns, zero = execution.columns, execution.started_ms
    if speed == 1:  # nothing moves
        ended = execution.ended_ms
        return Timeline(
            started_ms=zero,
            speed=speed,
            records=execution.tasks,
            columns=columns,
            nodes=graph.nodes,
            scheduled_at=_since(zero, columns.scheduled_ms),
            start_at=_since(zero, columns.started_ms),
            end_at=_since(zero, columns.ended_ms),
            end_ms=None if ended is None else ended - zero,
        )
    return _Rebuilding(execution, graph, speed, slept_ms or {}).timeline()


def _since(zero: int, stamps: Sequence[int]) -> list[int | None]:
    return [stamp - zero if stamp else None for stamp in stamps]


class _Spans(Mapping[TaskKey, Span]):
    """The spans of a timeline, each made when it is looked at for the first time."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._places = timeline.columns.last
        self._made: dict[TaskKey, Span] = {}

    def __getitem__(self, key: TaskKey) -> Span:
        span = self._made.get(key)
        if span is None:
            places = self._timeline.columns.places(key)
            span = self._made[key] = Span(key, tuple(map(self._timeline.attempt, places)))
        return span

    @cached_property
    def _order(self) -> Sequence[TaskKey]:
        nodes, places = self._timeline.nodes, self._places
        return [*(key for key in nodes if key in places), *(key for key in places if key not in nodes)]

    def __iter__(self) -> Iterator[TaskKey]:
        return iter(self._order)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: object) -> bool:
        return key in self._places


class _Rebuilding:
    """Moves each task by how much later, in workflow time, the last thing it waited for has ended."""

    def __init__(self, execution: Execution, graph: Graph, speed: float, slept_ms: Mapping[str, int]) -> None:
        self.execution, self.graph, self.speed, self.slept_ms = execution, graph, speed, slept_ms
        self.zero = execution.started_ms
        self.columns = execution.columns
        self.scheduled = _since(self.zero, self.columns.scheduled_ms)
        self.start = _since(self.zero, self.columns.started_ms)
        self.end = _since(self.zero, self.columns.ended_ms)
        self.raw = (self.scheduled[:], self.start[:], self.end[:])
        self.ends: list[tuple[int, int]] = []
        """(raw end, rebuilt end) of what has ended, sorted: for instants that hang on no edge."""

    def timeline(self) -> Timeline:
        nodes, places, order = self.graph.nodes, self.columns.last, self.graph.order
        ends = [(0, 0)] * len(nodes)  # by position: the (raw, rebuilt) instant from which successors count
        late: list[int] = []
        slots = Slots(self.execution, self.graph)
        for position in slots.order:
            key, befores = order[position], self.graph.predecessor_positions[position]
            raw = max([ends[before][0] for before in befores], default=0)
            new = max([ends[before][1] for before in befores], default=0)
            ends[position] = (raw, new)
            last = places.get(key)
            if last is None:
                continue
            self._move(key, new - raw, self._held(slots, position, key, new - raw))
            if nodes[key].type in END_ONLY_TYPES:
                late.extend(self.columns.places(key))
            raw_end, end = self.raw[2][last], self.end[last]
            if raw_end is not None and end is not None and self.columns.status[last] is not TaskStatus.SKIPPED:
                ends[position] = (raw_end, end)
                self.ends.append(ends[position])
                slots.release(position, raw_end=raw_end, end=end)
        self.ends.sort()
        for place in late:  # a JOIN or a loop begins where it opened, not where its end says
            for raws, moved in zip(self.raw[:2], (self.scheduled, self.start), strict=True):
                stamp = raws[place]
                moved[place] = None if stamp is None else stamp + self._shift_at(stamp)
        for key in places:
            if key not in nodes:
                first = self.columns.places(key)[0]
                at = next((stamps[first] for stamps in self.raw if stamps[first] is not None), 0)
                self._move(key, self._shift_at(at or 0))
        return Timeline(
            started_ms=self.zero,
            speed=self.speed,
            records=self.execution.tasks,
            columns=self.columns,
            nodes=nodes,
            scheduled_at=self.scheduled,
            start_at=self.start,
            end_at=self.end,
            end_ms=self._makespan(),
            swapped=self._swapped(),
        )

    def _held(self, slots: Slots, position: int, key: TaskKey, shift: int) -> int:
        first = self.columns.places(key)[0]
        scheduled, start = self.raw[0][first], self.raw[1][first]
        if scheduled is None or start is None:
            return 0
        return slots.held_ms(position, scheduled=scheduled, start=start, shift=shift)

    def _move(self, key: TaskKey, shift: int, held: int = 0) -> None:
        """Move all attempts of a task, each by as much more as those before it have been stretched.

        `held` is how much longer the first was kept waiting between its scheduling and its start.
        """
        for place in self.columns.places(key):
            for stamps in (self.scheduled, self.start):
                stamp = stamps[place]
                stamps[place] = None if stamp is None else stamp + shift
                shift, held = shift + held, 0
            end = self.end[place]
            if end is not None:
                record = self.execution.tasks[place]
                work = scaled_work_ms(record, self.slept_ms.get(record.task_id, 0))
                shift += round(work * self.speed) - work
                self.end[place] = end + shift

    def _shift_at(self, raw: int) -> int:
        index = bisect_right(self.ends, (raw, _NEVER))
        return self.ends[index - 1][1] - self.ends[index - 1][0] if index else 0

    def _makespan(self) -> int | None:
        if self.execution.ended_ms is None:
            return None
        last_raw = max([raw for raw, _ in self.ends], default=0)
        return self.execution.ended_ms - self.zero - last_raw + max([new for _, new in self.ends], default=0)

    def _swapped(self) -> tuple[tuple[TaskKey, TaskKey], ...]:
        raws, order = self.raw[2], self.graph.position
        ended = [
            (raw, end, order.get(key, len(order)), key)
            for key, place in self.columns.last.items()
            if (raw := raws[place]) is not None and (end := self.end[place]) is not None and self.columns.is_work[place]
        ]
        ended.sort(key=lambda item: item[:3])
        swapped = []
        latest: tuple[int, int, int, TaskKey] | None = None
        for item in ended:
            if latest is not None and item[1] < latest[1]:
                swapped.append((latest[3], item[3]))
            else:
                latest = item
        return tuple(swapped)


def _first(*stamps: int | None) -> int | None:
    return next((stamp for stamp in stamps if stamp is not None), None)

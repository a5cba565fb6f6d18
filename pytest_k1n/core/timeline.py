"""Workflow time: an execution's history rebuilt on its graph, with simulated work stretched
(docs/explanation/workflow-time.md).

What a server adds (queue waits, join lag, retry delays) does not grow with the work. So of every task only the work it
simulated is multiplied by the speed, and each gap after what it waited for stays as measured. At speed 1 that changes
nothing: the raw history, counted from its start. Order, barriers, overlaps and waits are judged on raw stamps.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_k1n.core.graph import Graph
from pytest_k1n.core.model import Execution, TaskKey, TaskRecord
from pytest_k1n.core.spans import (
    END_ONLY_TYPES,
    Attempt,
    Span,
    Window,
    scaled_work_ms,
)

__all__ = ["Attempt", "Span", "Timeline", "Window", "rebuild"]

_NEVER = 1 << 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """One execution in workflow time, in ms from its start."""

    started_ms: int
    """The zero: epoch ms of the server's clock."""
    speed: float
    spans: Mapping[TaskKey, Span]
    """In the graph's order, then tasks that the graph does not know."""
    end_ms: int | None
    """The makespan; None while the execution is open."""
    swapped: tuple[tuple[TaskKey, TaskKey], ...] = ()
    """Pairs that ended in this order on the server and in the opposite order here: say so wherever both are shown."""

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
    return _Rebuilding(execution, graph, speed, slept_ms or {}).timeline()


class _Rebuilding:
    """Moves each task by how much later, in workflow time, the last thing it waited for has ended."""

    def __init__(self, execution: Execution, graph: Graph, speed: float, slept_ms: Mapping[str, int]) -> None:
        self.execution, self.graph, self.speed, self.slept_ms = execution, graph, speed, slept_ms
        self.zero = execution.started_ms
        self.attempts = execution.records
        self.spans: dict[TaskKey, Span] = {}
        self.ends: list[tuple[int, int]] = []
        """(raw end, rebuilt end) of what has ended, sorted: for instants that hang on no edge."""

    def timeline(self) -> Timeline:
        ends: list[tuple[int, int]] = []  # by position: the (raw, rebuilt) instant from which successors count
        late: list[TaskKey] = []
        nodes = self.graph.nodes
        for key, befores in zip(nodes, self.graph.predecessor_positions, strict=True):
            if len(befores) == 1:
                raw, new = ends[befores[0]]
            else:
                raw = max([ends[before][0] for before in befores], default=0)
                new = max([ends[before][1] for before in befores], default=0)
            records = self.attempts.get(key)
            if records is None:
                ends.append((raw, new))
                continue
            span = self.spans[key] = self._span(key, records, new - raw)
            if nodes[key].type in END_ONLY_TYPES:
                late.append(key)
            raw_end = records[-1].ended_ms
            if span.end_ms is not None and raw_end is not None and not span.is_skipped:
                ends.append((raw_end - self.zero, span.end_ms))
                self.ends.append(ends[-1])
            else:
                ends.append((raw, new))
        self.ends.sort()
        if self.speed != 1:
            for key in late:
                self.spans[key] = self._opened(self.spans[key])
        for key, records in self.attempts.items():
            if key not in nodes:
                first = _first(records[0].scheduled_ms, records[0].started_ms, records[0].ended_ms) or self.zero
                self.spans[key] = self._span(key, records, self._shift_at(first - self.zero))
        return Timeline(
            started_ms=self.zero,
            speed=self.speed,
            spans=self.spans,
            end_ms=self._makespan(),
            swapped=self._swapped() if self.speed != 1 else (),
        )

    def _span(self, key: TaskKey, records: Sequence[TaskRecord], shift: int) -> Span:
        shift -= self.zero
        if len(records) == 1 and self.speed == 1:  # nearly always
            return Span(key, (_moved(records[0], shift, shift),))
        attempts: list[Attempt] = []
        for record in records:
            before = shift
            if self.speed != 1 and record.ended_ms is not None:
                work = scaled_work_ms(record, self.slept_ms.get(record.task_id, 0))
                shift += round(work * self.speed) - work
            attempts.append(_moved(record, before, shift))
        return Span(key, tuple(attempts))

    def _opened(self, span: Span) -> Span:
        """Put the begin of a JOIN or a loop where it opened, not where its end says."""
        moved = []
        for attempt in span.attempts:
            record = attempt.record
            scheduled, start = (
                None if stamp is None else stamp - self.zero + self._shift_at(stamp - self.zero)
                for stamp in (record.scheduled_ms, record.started_ms)
            )
            moved.append(Attempt(record, scheduled, start, attempt.end_ms))
        return Span(span.key, tuple(moved))

    def _shift_at(self, raw: int) -> int:
        index = bisect_right(self.ends, (raw, _NEVER))
        return self.ends[index - 1][1] - self.ends[index - 1][0] if index else 0

    def _makespan(self) -> int | None:
        if self.execution.ended_ms is None:
            return None
        last_raw = max([raw for raw, _ in self.ends], default=0)
        return self.execution.ended_ms - self.zero - last_raw + max([new for _, new in self.ends], default=0)

    def _swapped(self) -> tuple[tuple[TaskKey, TaskKey], ...]:
        ended = [
            (record.ended_ms, span.end_ms, key)
            for key, span in self.spans.items()
            if (record := span.attempts[-1].record).ended_ms is not None
            and span.end_ms is not None
            and record.is_worker_task
        ]
        ended.sort(key=lambda item: (item[0], item[1]))
        swapped = []
        latest: tuple[int | None, int, TaskKey] | None = None
        for item in ended:
            if latest is not None and item[1] < latest[1]:
                swapped.append((latest[2], item[2]))
            else:
                latest = item
        return tuple(swapped)


def _moved(record: TaskRecord, shift: int, end_shift: int) -> Attempt:
    scheduled, start, end = record.scheduled_ms, record.started_ms, record.ended_ms
    return Attempt(
        record,
        None if scheduled is None else scheduled + shift,
        None if start is None else start + shift,
        None if end is None else end + end_shift,
    )


def _first(*stamps: int | None) -> int | None:
    return next((stamp for stamp in stamps if stamp is not None), None)

"""The critical path method: what the graph and the durations alone allow, with slack, drag and bounds.

Other than `critical`, which explains one recorded makespan, this ignores queues and the engine: it is the ideal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush

from pytest_k1n.core.model import OPERATOR_TASK_TYPES, TaskKey
from pytest_k1n.core.order.graph import Graph
from pytest_k1n.core.timing.timeline import Timeline


def durations(timeline: Timeline) -> dict[TaskKey, int]:
    """Return how long each task was executed, all attempts together; operators and what has not ended take 0."""
    columns = timeline.columns
    is_operator = {kind: kind in OPERATOR_TASK_TYPES for kind in columns.types}
    rows = zip(columns.keys, columns.type, timeline.start_at, timeline.end_at, strict=True)
    taken = [
        (key, 0 if start is None or end is None else end - start)
        for key, kind, start, end in rows
        if not is_operator[kind]
    ]
    total = dict(taken)
    if len(total) < len(taken):
        total = dict.fromkeys(total, 0)
        for key, duration in taken:
            total[key] += duration
    return total


@dataclass(frozen=True, kw_only=True, eq=False)
class Schedule:
    """Earliest and latest instants of every task, in columns by position in the graph's order."""

    graph: Graph
    duration_ms: tuple[int, ...]
    early_start_ms: tuple[int, ...]
    late_end_ms: tuple[int, ...]
    span_ms: int
    """The longest path: no number of workers beats it (Tinf)."""

    @property
    def work_ms(self) -> int:
        """The sum of all durations: what one worker would need, usually written T1."""
        return sum(self.duration_ms)

    @cached_property
    def slack(self) -> Mapping[TaskKey, int]:
        """How much later each task could end without moving the end (total float); 0 is critical."""
        columns = zip(self.graph.nodes, self.duration_ms, self.early_start_ms, self.late_end_ms, strict=True)
        return {key: late - early - duration for key, duration, early, late in columns}

    @cached_property
    def drag(self) -> Mapping[TaskKey, int]:
        """How much shorter the whole would be if a task took no time: 0 unless critical, at most its duration.

        Only a task that may run while a critical one does can take over from it, and by at most its slack less.
        """
        slack = list(self.slack.values())
        begin, end = self.early_start_ms, self.late_end_ms
        critical = sorted((i for i, spare in enumerate(slack) if spare == 0), key=lambda i: (begin[i], end[i]))
        others = sorted((i for i, spare in enumerate(slack) if spare > 0), key=begin.__getitem__, reverse=True)
        order = self.graph.order
        drags = dict.fromkeys(order, 0)
        around: list[tuple[int, int]] = []
        reached = -1  # the latest end of the critical tasks before
        for place, index in enumerate(critical):
            opens, closes = begin[index], end[index]
            alone = reached <= opens and (place + 1 == len(critical) or begin[critical[place + 1]] >= closes)
            reached = max(reached, closes)
            if not alone or opens == closes:
                continue
            while others and begin[others[-1]] < closes:
                entering = others.pop()
                heappush(around, (slack[entering], entering))
            while around and end[around[0][1]] <= opens:
                heappop(around)
            drags[order[index]] = min(closes - opens, around[0][0]) if around else closes - opens
        return drags

    @property
    def largest_speed_up(self) -> float:
        """The largest speed-up that the graph allows, whatever the number of workers (T1/Tinf); 1 for an empty one."""
        return self.work_ms / self.span_ms if self.span_ms else 1.0

    def speed_up(self, makespan_ms: int) -> float:
        """Return T1/makespan; 1 where nothing took any time."""
        return self.work_ms / makespan_ms if makespan_ms else 1.0


def schedule(graph: Graph, duration_ms: Mapping[TaskKey, int]) -> Schedule:
    """Compute earliest and latest instants; a task without a duration takes 0.

    Alternatives count as if all were taken: leave out the durations of those that are not.
    """
    lengths = [duration_ms.get(key, 0) for key in graph.nodes]
    predecessors = graph.predecessor_positions
    starts: list[int] = []
    ends: list[int] = []
    for length, befores in zip(lengths, predecessors, strict=True):
        start = 0
        for before in befores:
            if ends[before] > start:
                start = ends[before]
        starts.append(start)
        ends.append(start + length)
    span = max(ends, default=0)
    late_ends = [span] * len(lengths)
    for index in range(len(lengths) - 1, -1, -1):
        late_start = late_ends[index] - lengths[index]
        for before in predecessors[index]:
            if late_start < late_ends[before]:
                late_ends[before] = late_start
    return Schedule(
        graph=graph,
        duration_ms=tuple(lengths),
        early_start_ms=tuple(starts),
        late_end_ms=tuple(late_ends),
        span_ms=span,
    )

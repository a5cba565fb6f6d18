"""The critical paths of many executions of one workflow: what was critical how often, and where the time went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_k1n.core.schedule.critical import CriticalPath, SegmentKind
from pytest_k1n.core.statistics.stats import quantile


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The median and the 95th percentile of one duration, in ms, by nearest rank."""

    p50_ms: int
    p95_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CriticalTask:
    """A task on the critical path of some executions; all iterations of a loop together."""

    ref: str
    on_path: int
    """Executions in which it had time on the path."""
    most: int
    """Executions in which no task had more work on the path."""
    work: Spread
    """Its work on the path, of the executions in which it is on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bottlenecks:
    """Where the time of several executions of one workflow went."""

    executions: int
    makespan: Spread
    segments: Mapping[SegmentKind, Spread]
    """Kinds that took any time; of every execution the sum of a kind."""
    tasks: tuple[CriticalTask, ...]
    """The most often critical first."""


def bottlenecks(paths: Sequence[CriticalPath]) -> Bottlenecks:
    """Sum up the critical paths of executions of one workflow. Raises ValueError for none."""
    if not paths:
        raise ValueError("no critical path to sum up")
    kinds = [path.by_kind() for path in paths]
    segments = {
        kind: _spread(each[kind] for each in kinds) for kind in SegmentKind if any(each[kind] for each in kinds)
    }
    works: dict[str, list[int]] = {}
    most: Counter[str] = Counter()
    for path in paths:
        mine: dict[str, int] = {}
        for segment in path.segments:
            if segment.kind is SegmentKind.WORK and segment.key is not None:
                mine[segment.key[0]] = mine.get(segment.key[0], 0) + segment.duration_ms
        for ref, work_ms in mine.items():
            works.setdefault(ref, []).append(work_ms)
        if mine:
            most[max(mine, key=mine.__getitem__)] += 1
    tasks = [
        CriticalTask(ref=ref, on_path=len(each), most=most[ref], work=_spread(each)) for ref, each in works.items()
    ]
    tasks.sort(key=lambda task: (-task.most, -task.on_path, -task.work.p50_ms))
    return Bottlenecks(
        executions=len(paths),
        makespan=_spread(path.makespan_ms for path in paths),
        segments=segments,
        tasks=tuple(tasks),
    )


def _spread(values: Iterable[int]) -> Spread:
    known = list(values)
    return Spread(p50_ms=quantile(known, 0.5), p95_ms=quantile(known, 0.95))

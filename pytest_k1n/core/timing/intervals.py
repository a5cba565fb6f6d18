"""Half-open intervals of whole milliseconds: overlap, concurrency, barriers
(docs/explanation/verdicts.md).

Stamps are truncated to the ms, so concurrency below 2 ms is undecidable.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from pytest_k1n.core.findings import Verdict

K = TypeVar("K", bound=Hashable)

RESOLUTION_MS = 2
"""The shortest overlap that stamps of 1 ms can prove."""


class Interval(NamedTuple):
    """The time from `start_ms` to just before `end_ms`."""

    start_ms: int
    end_ms: int

    @property
    def duration_ms(self) -> int:
        return self.end_ms - self.start_ms


def overlap_ms(first: Interval, second: Interval) -> int:
    """Return how long both lasted at once; negative: the gap between them."""
    return min(first.end_ms, second.end_ms) - max(first.start_ms, second.start_ms)


def overlap_needed_ms(first: Interval, second: Interval, *, share: float = 0.10) -> float:
    """Return the least overlap that counts: 2 ms, or `share` of the shorter interval."""
    return max(float(RESOLUTION_MS), share * min(first.duration_ms, second.duration_ms))


def really_overlapped(first: Interval, second: Interval, *, share: float = 0.10) -> Verdict:
    """Judge whether two intervals overlap for long enough; never `warn`.

    Unknown if they are too short for stamps of 1 ms to tell: touching, or overlapping by 1 ms, where 2 ms would do.
    """
    overlap, needed = overlap_ms(first, second), overlap_needed_ms(first, second, share=share)
    if overlap >= needed:
        return Verdict.PASS
    return Verdict.UNKNOWN if needed <= RESOLUTION_MS and overlap >= 0 else Verdict.FAIL


class Peak(NamedTuple):
    """The highest number of intervals that ran at once, and when that was first reached."""

    level: int
    at_ms: int | None


def max_concurrency(intervals: Iterable[Interval], *, for_ms: int = 1) -> Peak:
    """Return the most intervals that all ran at once for at least `for_ms`; those of zero length do not count."""
    lasting = [each for each in intervals if each.end_ms - each.start_ms >= for_ms]
    starts = sorted(each.start_ms for each in lasting)
    ends = sorted(each.end_ms - for_ms + 1 for each in lasting)
    level, peak, ended = 0, Peak(0, None), 0
    for start in starts:
        while ends[ended] <= start:
            ended += 1
            level -= 1
        level += 1
        if level > peak.level:
            peak = Peak(level, start)
    return peak


def profile(intervals: Iterable[Interval]) -> tuple[tuple[int, int], ...]:
    """Return (instant, intervals running from then on) at every change, for charts; the last level is 0."""
    changes: dict[int, int] = {}
    for each in intervals:
        if each.end_ms > each.start_ms:
            changes[each.start_ms] = changes.get(each.start_ms, 0) + 1
            changes[each.end_ms] = changes.get(each.end_ms, 0) - 1
    level, steps = 0, []
    for instant in sorted(changes):
        if changes[instant]:
            level += changes[instant]
            steps.append((instant, level))
    return tuple(steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Barrier(Generic[K]):
    """Two groups that should run one after the other, and the two members that decide it."""

    last: K
    """The member of the first group that ended last."""
    last_end_ms: int
    first: K
    """The member of the second group that started first."""
    first_start_ms: int
    early: tuple[K, ...]
    """The members of the second group that started before `last` ended, earliest first."""

    @property
    def holds(self) -> bool:
        return self.first_start_ms >= self.last_end_ms

    @property
    def margin_ms(self) -> int:
        """How long after the last end the first start came; negative if the barrier was crossed."""
        return self.first_start_ms - self.last_end_ms


def barrier(before: Mapping[K, Interval], after: Mapping[K, Interval]) -> Barrier[K]:
    """Compare the last end of one group with the first start of the next. Raises ValueError if either is empty."""
    if not before or not after:
        raise ValueError("a barrier stands between two groups that each have at least one member")
    last = max(before, key=lambda key: before[key].end_ms)
    limit = before[last].end_ms
    first = min(after, key=lambda key: after[key].start_ms)
    early = sorted((key for key in after if after[key].start_ms < limit), key=lambda key: after[key].start_ms)
    return Barrier(last=last, last_end_ms=limit, first=first, first_start_ms=after[first].start_ms, early=tuple(early))

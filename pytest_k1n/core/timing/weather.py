"""The weather of a run: when the machine or the server stood still, and what a late measurement owes to that.

A latency belongs to what is tested only as far as nothing else stood in its way. After what jHiccup measures: what a
thread with nothing to do experiences (docs/explanation/weather.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property

from pytest_k1n.core.choices import LatencyPolicy
from pytest_k1n.core.timing.intervals import RESOLUTION_MS, Interval

START_MS = 50
"""What a server may take for the request that starts an execution; a quiet 3.32.1 takes 20.

Two starts at one moment write to one SQLite file: once in fifteen, one waited 0.8 s for the lock, while the
meters' polls and the other execution went on.
"""
POLL_MS = 20
"""What it may take for a poll that brings a task; a quiet 3.32.1 takes 4 to 10."""


class Pace(Enum):
    """Whether a latency kept its budget."""

    KEPT = "kept"
    LATE = "late"
    UNDECIDED = "undecided"
    """The meters have not told of the whole time yet."""
    UNMEASURABLE = "unmeasurable"
    """Too late, and not by more than the time for which nothing moved."""


@dataclass(frozen=True, kw_only=True)
class Weather:
    """Stalls in epoch ms of this machine, as the meters of a run recorded them."""

    policy: LatencyPolicy = "weather"
    host: tuple[Interval, ...] = ()
    """A thread that had nothing to do but wake up was not woken."""
    server: tuple[Interval, ...] = ()
    """A cheap request took that much longer than it usually does."""
    since_ms: int = 0
    until_ms: int = 0
    """The meters ran from and until then."""

    @cached_property
    def stalls(self) -> tuple[Interval, ...]:
        """Every stretch in which host or server stood still, in order and apart."""
        return merged((*self.host, *self.server))

    def stalled_ms(self, windows: Iterable[Interval]) -> int:
        """Return for how much of these windows nothing moved; less than stamps can show counts as nothing."""
        return sum(
            shared
            for window in merged(windows)
            for stall in self.stalls
            if (shared := min(window.end_ms, stall.end_ms) - max(window.start_ms, stall.start_ms)) >= RESOLUTION_MS
        )

    def beside(self, stalls: Iterable[Interval]) -> Weather:
        """Return it with stalls of the server that only one execution has met; nearly always there are none."""
        more = tuple(stalls)
        return replace(self, server=merged((*self.server, *more))) if more else self

    def during(self, window: Interval) -> Weather:
        """Return the part that lies in a window."""
        return Weather(
            policy=self.policy,
            host=_clipped(self.host, window),
            server=_clipped(self.server, window),
            since_ms=max(self.since_ms, window.start_ms),
            until_ms=min(self.until_ms, window.end_ms),
        )


def kept_waiting(start: Interval | None, polls: Iterable[Interval | None]) -> Iterator[Interval]:
    """Yield for how long the server kept requests of one execution, beyond what it usually takes for them.

    `start` is the request that started it, `polls` those that brought its tasks. While a worker's poll is with the
    server, it is not the worker that a task of this type waits for.
    """
    for request, usual_ms in ((start, START_MS), *((poll, POLL_MS) for poll in polls)):
        if request is not None and request.duration_ms > usual_ms:
            yield Interval(request.start_ms + usual_ms, request.end_ms)


def merged(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Return what intervals cover together, in order, without overlap; empty ones vanish."""
    found: list[Interval] = []
    for each in sorted(each for each in intervals if each.end_ms > each.start_ms):
        if found and each.start_ms <= found[-1].end_ms:
            found[-1] = Interval(found[-1].start_ms, max(found[-1].end_ms, each.end_ms))
        else:
            found.append(each)
    return tuple(found)


def pace(
    measured_ms: int, budget_ms: int, windows: Iterable[Interval], weather: Weather | None, *, is_settled: bool = True
) -> Pace:
    """Judge a latency that was measured over `windows`: the one place that excuses any.

    What the machine and the server stood still meanwhile is taken off. Without meters nothing is. While the execution
    goes on, the meters may not have told of the last moment yet.
    """
    if measured_ms <= budget_ms:
        return Pace.KEPT
    if weather is None or weather.policy == "strict":
        return Pace.LATE
    if weather.policy == "off":
        return Pace.UNMEASURABLE
    windows = tuple(windows)
    if measured_ms - weather.stalled_ms(windows) <= budget_ms:
        return Pace.UNMEASURABLE
    if not is_settled and weather.until_ms < max((each.end_ms for each in windows), default=0):
        return Pace.UNDECIDED
    return Pace.LATE


def _clipped(intervals: Iterable[Interval], window: Interval) -> tuple[Interval, ...]:
    cut = (Interval(max(each.start_ms, window.start_ms), min(each.end_ms, window.end_ms)) for each in intervals)
    return tuple(each for each in cut if each.end_ms > each.start_ms)

"""The weather of a run: when the machine or the server stood still, and what a late measurement owes to that.

A latency belongs to what is tested only as far as nothing else stood in its way. After what jHiccup measures: what a
thread with nothing to do experiences (docs/explanation/weather.md).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from pytest_k1n.core.choices import LatencyPolicy
from pytest_k1n.core.timing.intervals import RESOLUTION_MS, Interval

START_MS = 50
"""What a server may take for the request that starts an execution; a quiet 3.32.1 takes 20.

Two starts at one moment write to one SQLite file: once in fifteen, one waited 0.8 s for the lock, while the
meters' polls and the other execution went on.
"""
POLL_MS = 20
"""What it may take for a poll that brings a task; a quiet 3.32.1 takes 4 to 10."""
REQUESTS = 4
"""What a task that waits passes through: it is pushed, looked for in vain, found; and once for what comes in between.

Of 106 waits of healthy workers beyond 150 ms, at a load of 30, the three longest of the server's stalls explain all but
72 ms, the four longest all but 46; of workers that poll every 500 ms a third go by where all stalls count.
"""
SIDE_BY_SIDE = 4
"""Polls that a worker sends at once where they are slow: one request more for so many tasks that it takes meanwhile."""


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
    taken_ms: tuple[int, ...] = ()
    """When workers took tasks, in order: while one is on its way to them, another waits."""
    since_ms: int = 0
    until_ms: int = 0
    """The meters ran from and until then."""

    def stalled_ms(self, windows: Iterable[Interval], *, requests: int = REQUESTS) -> int:
        """Return for how much of these windows nothing moved; less than stamps can show counts as nothing.

        A server that is slow all along is no excuse for whoever does not ask it: of its stalls in a window the longest
        count, as many as a task passes through `requests`, and more where workers took others meanwhile.
        """
        windows = tuple(windows)
        return sum(self._stalled_ms(window, windows, requests) for window in merged(windows))

    def _stalled_ms(self, window: Interval, windows: tuple[Interval, ...], requests: int) -> int:
        """Return for how much of what some of the `windows` cover together nothing moved."""
        host = _within(self.host, window)
        alone = [
            stall.duration_ms - sum(each.duration_ms for each in _within(host, stall))
            for stall in _within(self.server, window)
        ]
        inside = sum(window.start_ms <= each.start_ms and each.end_ms <= window.end_ms for each in windows)
        taken = bisect_left(self.taken_ms, window.end_ms) - bisect_right(self.taken_ms, window.start_ms)
        most = requests * inside + taken // SIDE_BY_SIDE
        counted = (*(each.duration_ms for each in host), *sorted(alone, reverse=True)[:most])
        return sum(each for each in counted if each >= RESOLUTION_MS)

    def beside(self, stalls: Iterable[Interval], taken_ms: Iterable[int] = ()) -> Weather:
        """Return it with stalls of the server that only one execution has met; nearly always there are none.

        `taken_ms` is when its tasks started, for workers that do not tell of themselves.
        """
        more = tuple(stalls)
        return replace(
            self,
            server=merged((*self.server, *more)) if more else self.server,
            taken_ms=self.taken_ms or tuple(sorted(taken_ms)),
        )

    def during(self, window: Interval) -> Weather:
        """Return the part that lies in a window."""
        return Weather(
            policy=self.policy,
            host=tuple(_within(self.host, window)),
            server=tuple(_within(self.server, window)),
            taken_ms=tuple(each for each in self.taken_ms if window.start_ms <= each <= window.end_ms),
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
    measured_ms: int,
    budget_ms: int,
    windows: Iterable[Interval],
    weather: Weather | None,
    *,
    requests: int = REQUESTS,
    is_settled: bool = True,
) -> Pace:
    """Judge a latency that was measured over `windows`: the one place that excuses any.

    What the machine and the server stood still meanwhile is taken off, of the server as far as a task meets it that
    passes through `requests`. Without meters nothing is. While the execution goes on, the meters may not have told of
    the last moment yet.
    """
    if measured_ms <= budget_ms:
        return Pace.KEPT
    if weather is None or weather.policy == "strict":
        return Pace.LATE
    if weather.policy == "off":
        return Pace.UNMEASURABLE
    windows = tuple(windows)
    if measured_ms - weather.stalled_ms(windows, requests=requests) <= budget_ms:
        return Pace.UNMEASURABLE
    if not is_settled and weather.until_ms < max((each.end_ms for each in windows), default=0):
        return Pace.UNDECIDED
    return Pace.LATE


def _within(intervals: Sequence[Interval], window: Interval) -> list[Interval]:
    """Return what lies in a window of intervals that are in order and apart."""
    first = bisect_right(intervals, window.start_ms, key=lambda each: each.end_ms)
    behind = bisect_left(intervals, window.end_ms, lo=first, key=lambda each: each.start_ms)
    return [
        Interval(max(each.start_ms, window.start_ms), min(each.end_ms, window.end_ms))
        for each in intervals[first:behind]
    ]

"""When the machine and the server stood still, on the axis of one execution."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from pytest_k1n.core.timing.intervals import RESOLUTION_MS
from pytest_k1n.core.units import format_ms
from pytest_k1n.report.document import ExecutionDocument
from pytest_k1n.report.weather import WeatherDocument

MOST = 400
"""Stretches that one picture shows: of more the longest."""


class Stall(NamedTuple):
    """A stretch in which host or server stood still, in ms of workflow time since the execution's start."""

    source: Literal["host", "server"]
    start_ms: int
    end_ms: int
    lasted_ms: int
    """By the machine's clock, as far as the execution was under way."""

    @property
    def told(self) -> str:
        """Say it in words."""
        return f"the {self.source} stood still for {format_ms(self.lasted_ms)}"


def stalls_of(execution: ExecutionDocument, weather: WeatherDocument | None) -> list[Stall]:
    """Return what the meters saw while an execution was under way, in order; of very many the longest."""
    if weather is None:
        return []
    axis = sorted({(raw, at) for raw, at in _stamps(execution)})
    if len(axis) < 2:
        return []
    raws = [raw for raw, _ in axis]
    found = []
    told: tuple[tuple[Literal["host", "server"], Sequence[tuple[int, int]]], ...] = (
        ("host", weather["host"]),
        ("server", weather["server"]),
    )
    for source, stalls in told:
        for begin, end in stalls:
            begin, end = max(begin, raws[0]), min(end, raws[-1])
            if end - begin >= RESOLUTION_MS:
                found.append(Stall(source, _workflow_ms(begin, axis, raws), _workflow_ms(end, axis, raws), end - begin))
    longest = sorted(found, key=lambda each: -each.lasted_ms)[:MOST]
    return sorted(longest, key=lambda each: (each.start_ms, each.source))


def sentence(stalls: Sequence[Stall]) -> str:
    """Sum up the stretches; empty for none."""
    parts = []
    for source in ("host", "server"):
        lasted = [each.lasted_ms for each in stalls if each.source == source]
        if lasted:
            times = "once" if len(lasted) == 1 else f"{len(lasted)} times"
            parts.append(f"the {source} stood still {times}, {format_ms(sum(lasted))} (worst {format_ms(max(lasted))})")
    return "; ".join(parts)


def _stamps(execution: ExecutionDocument) -> Iterator[tuple[int, int]]:
    """Yield instants of which both are known: the server's clock and the execution's own time."""
    yield execution["raw_started_ms"], 0
    if execution["raw_ended_ms"] is not None:
        yield execution["raw_ended_ms"], execution["makespan_ms"]
    for task in execution["tasks"]:
        for attempt in task["attempts"]:
            raw = attempt["raw"]
            for stamp, at in (
                (raw["scheduled_ms"], attempt["scheduled_ms"]),
                (raw["started_ms"], attempt["start_ms"]),
                (raw["ended_ms"], attempt["end_ms"]),
            ):
                if stamp is not None and at is not None:
                    yield stamp, at


def _workflow_ms(raw_ms: int, axis: Sequence[tuple[int, int]], raws: Sequence[int]) -> int:
    """Map an instant between two stamps; simulated work of scaled time is stretched between its own."""
    after = bisect_right(raws, raw_ms)
    if after >= len(axis):
        return axis[-1][1]
    (left, at), (right, then) = axis[after - 1], axis[after]
    return round(at + (then - at) * (raw_ms - left) / (right - left))

"""What is kept of an execution beside its snapshot: task logs, the entries of the workers' ledger, waits; read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_k1n.core.model import Json
from pytest_k1n.core.record.observation import Invocation, LogLine
from pytest_k1n.core.timing.intervals import Interval


def invocation(entry: Mapping[str, Json]) -> Invocation:
    """Read one entry of the workers' ledger."""
    end_ms, status, slept_ms = entry.get("end_ms"), entry.get("status"), entry.get("slept_ms")
    return Invocation(
        task_id=str(entry["task_id"]),
        ref=str(entry["ref"]),
        attempt=int(str(entry.get("attempt", 0))),
        begin_ms=int(str(entry["begin_ms"])),
        end_ms=end_ms if isinstance(end_ms, int) else None,
        status=str(status) if status is not None else None,
        slept_ms=slept_ms if isinstance(slept_ms, int) else 0,
        poll=interval(entry.get("poll_ms")),
    )


def interval(pair: Any) -> Interval | None:
    """Read [from, until] in epoch ms; None for anything else, as where nothing was measured."""
    match pair:
        case [int(start_ms), int(end_ms)]:
            return Interval(start_ms, end_ms)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is known of an execution beside what its server says of it."""

    logs: Mapping[str, tuple[LogLine, ...]] | None = None
    """Task id -> its lines; None where they were not kept."""
    invocations: tuple[Invocation, ...] | None = None
    """None where the workers were not ours."""
    waited_ms: Mapping[str, int] = field(default_factory=dict)
    """Task id -> how long it was let wait for a person's answer, in raw time."""
    start_request: Interval | None = None
    """From when to when the request that started it was with the server."""


def kept(evidence: Mapping[str, Any] | None) -> Kept:
    """Read what `backends.observing` wrote into the run folder; None where it wrote nothing."""
    if not evidence:
        return Kept()
    entries = evidence["invocations"]
    return Kept(
        logs={task: tuple((int(at), str(text)) for at, text in lines) for task, lines in evidence["logs"].items()},
        invocations=None if entries is None else tuple(map(invocation, entries)),
        waited_ms=dict(evidence.get("waited_ms", {})),
        start_request=interval(evidence.get("start_request_ms")),
    )

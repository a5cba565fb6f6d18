"""A trace for Perfetto and chrome://tracing: attempts as slices, and an arrow to each from what it waited for.

The JSON trace event format: microseconds, `X` complete slices, `s` and `f` the two ends of a flow, `M` names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Any

from pytest_k1n.report.document import ExecutionDocument, RunDocument, TaskDocument

PATH_LANE = 1
FIRST_LANE = 2
Event = dict[str, Any]


def render(document: RunDocument) -> str:
    """Write one process per execution, with the critical path on its first track."""
    executions = document["executions"]
    zero = min(map(_earliest, executions), default=0)
    events = [
        event
        for pid, each in enumerate(executions, 1)
        for event in _execution(each, pid, each["raw_started_ms"] - zero)
    ]
    head = {"run": document["run"]["uid"], "time_model": document["time"]["model"], "verdict": document["verdict"]}
    return json.dumps({"displayTimeUnit": "ms", "otherData": head, "traceEvents": events})


def _earliest(execution: ExecutionDocument) -> int:
    """Return the first raw stamp: by its stamps a task may have begun before its execution did."""
    begins = [_begin(task) for task in execution["tasks"] if task["attempts"]]
    return execution["raw_started_ms"] + min([0, *begins])


def _execution(execution: ExecutionDocument, pid: int, offset_ms: int) -> Iterator[Event]:
    yield _name("process_name", pid, 0, f"{execution['title']} ({execution['verdict']})")
    yield _name("thread_name", pid, PATH_LANE, "critical path")
    for segment in execution["segments"]:
        whose = f" {segment['ref']}" if segment["ref"] else ""
        yield _slice(f"{segment['kind']}{whose}", "critical path", pid, PATH_LANE, offset_ms + segment["start_ms"],
                     segment["end_ms"] - segment["start_ms"], {"blame": segment["blame"]})  # fmt: skip
    lanes = _lanes(execution)
    for number in sorted(set(lanes.values())):
        yield _name("thread_name", pid, number, f"lane {number - PATH_LANE}")
    ends: dict[str, tuple[int, int]] = {}
    for task in execution["tasks"]:
        lane = lanes.get(task["ref"])
        if lane is not None:
            yield from _task(task, pid, lane, offset_ms, execution["makespan_ms"])
            ends[task["ref"]] = (_end(task, execution["makespan_ms"]), lane)
    yield from _flows(execution, pid, offset_ms, lanes, ends)


def _task(task: TaskDocument, pid: int, lane: int, offset_ms: int, now_ms: int) -> Iterator[Event]:
    for attempt in task["attempts"]:
        ready, start = attempt["ready_ms"], attempt["start_ms"]
        end = attempt["end_ms"] if attempt["end_ms"] is not None else now_ms
        begin = end if start is None else start
        if ready is not None and begin > ready:
            yield _slice(f"queue {task['ref']}", "queue", pid, lane, offset_ms + ready, begin - ready, {})
        if start is not None:
            arguments = {"status": attempt["status"], "attempt": attempt["number"], "worker": attempt["worker_id"],
                         "reason": attempt["reason"], "estimate_ms": task["estimate_ms"],
                         "slack_ms": task["slack_ms"], "critical": task["is_critical"]}  # fmt: skip
            yield _slice(task["ref"], task["kind"], pid, lane, offset_ms + start, max(end - start, 0), arguments)


def _flows(
    execution: ExecutionDocument, pid: int, offset_ms: int, lanes: dict[str, int], ends: dict[str, tuple[int, int]]
) -> Iterator[Event]:
    """Yield the arrows; an end of 1 µs earlier lies inside the slice that the arrow leaves."""
    for number, task in enumerate(execution["tasks"]):
        before, lane = task["waited_for"], lanes.get(task["ref"])
        start = next((each["start_ms"] for each in task["attempts"] if each["start_ms"] is not None), None)
        if before not in ends or lane is None or start is None:
            continue
        end, from_lane = ends[before]
        flow = {"cat": "waited for", "name": "waited for", "pid": pid, "id": pid * 1_000_000 + number}
        yield {**flow, "ph": "s", "tid": from_lane, "ts": max((offset_ms + end) * 1000 - 1, 0)}
        yield {**flow, "ph": "f", "bp": "e", "tid": lane, "ts": (offset_ms + max(start, end)) * 1000}


def _lanes(execution: ExecutionDocument) -> dict[str, int]:
    """Put tasks that overlap on different tracks: slices of one track may only nest."""
    lanes: dict[str, int] = {}
    busy: list[tuple[int, int]] = []
    free: list[int] = []
    spans = sorted((_begin(task), number, task) for number, task in enumerate(execution["tasks"]) if task["attempts"])
    for begin, _, task in spans:
        while busy and busy[0][0] <= begin:
            heappush(free, heappop(busy)[1])
        lane = heappop(free) if free else FIRST_LANE + len(busy)
        lanes[task["ref"]] = lane
        heappush(busy, (max(_end(task, execution["makespan_ms"]), begin + 1), lane))
    return lanes


def _begin(task: TaskDocument) -> int:
    first = task["attempts"][0]
    return next((each for each in (first["ready_ms"], first["start_ms"], first["end_ms"]) if each is not None), 0)


def _end(task: TaskDocument, now_ms: int) -> int:
    end = task["attempts"][-1]["end_ms"]
    return now_ms if end is None else end


def _slice(name: str, kind: str, pid: int, tid: int, begin_ms: int, ms: int, arguments: dict[str, Any]) -> Event:
    shown = {key: value for key, value in arguments.items() if value is not None}
    return {"name": name, "cat": kind, "ph": "X", "pid": pid, "tid": tid, "ts": begin_ms * 1000, "dur": ms * 1000,
            "args": shown}  # fmt: skip


def _name(kind: str, pid: int, tid: int, name: str) -> Event:
    return {"name": kind, "ph": "M", "pid": pid, "tid": tid, "args": {"name": name}}

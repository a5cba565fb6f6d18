"""OpenTelemetry's OTLP in its JSON form: a trace per execution, a span per attempt, a link to what it waited for.

Instants are the server's raw stamps, because traces are laid beside those of other systems.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_k1n.report.document import AttemptDocument, ExecutionDocument, RunDocument, TaskDocument
from pytest_k1n.report.figures import SUCCESSFUL

_OK, _ERROR = 1, 2
_INTERNAL, _CONSUMER = 1, 5
_LAST_NANO = 2**64 - 1
"""OTLP has no instant before 1970 and none after 2554."""
Span = dict[str, Any]


def render(document: RunDocument) -> str:
    """Write an ExportTraceServiceRequest."""
    run, server, time = document["run"], document["server"], document["time"]
    resource = {"service.name": "conductor", "k1n.run": run["uid"], "k1n.server.kind": server.get("kind"),
                "k1n.time.model": time["model"]}  # fmt: skip
    spans = [span for execution in document["executions"] for span in _execution(execution)]
    scope = {"scope": {"name": "pytest-k1n", "version": document["run"]["made_by"]}, "spans": spans}
    request = {"resourceSpans": [{"resource": {"attributes": _attributes(resource)}, "scopeSpans": [scope]}]}
    return json.dumps(request)


def _execution(execution: ExecutionDocument) -> Iterator[Span]:
    workflow = execution["workflow"]
    trace = _digest(workflow["workflow_id"], 32)
    root = _digest(workflow["workflow_id"], 16)
    begin = execution["raw_started_ms"]
    end = execution["raw_ended_ms"]
    ended = begin if end is None else end
    status = {"code": _OK if workflow["status"] == "COMPLETED" else _ERROR, "message": workflow["reason"] or ""}
    facts = {"conductor.workflow.id": workflow["workflow_id"], "conductor.workflow.version": workflow["version"],
             "conductor.workflow.status": workflow["status"], "conductor.correlation_id": workflow["correlation_id"],
             "k1n.verdict": execution["verdict"], "k1n.makespan_ms": execution["makespan_ms"]}  # fmt: skip
    yield _span(trace, root, "", workflow["name"], _INTERNAL, (begin, ended), facts, status)
    ids = {task["ref"]: _id(task["attempts"][-1]) for task in execution["tasks"] if task["attempts"]}
    for task in execution["tasks"]:
        for attempt in task["attempts"]:
            if attempt["raw"]["scheduled_ms"] or attempt["raw"]["started_ms"]:
                yield _attempt(task, attempt, trace, root, ids, ended)


def _attempt(
    task: TaskDocument, attempt: AttemptDocument, trace: str, root: str, ids: Mapping[str, str], ended: int
) -> Span:
    raw = attempt["raw"]
    begin = next(each for each in (raw["scheduled_ms"], raw["started_ms"], 0) if each is not None)
    end = raw["ended_ms"]
    is_bad = end is not None and attempt["status"] not in SUCCESSFUL
    facts = {"conductor.task.id": attempt["task_id"], "conductor.task.type": task["type"],
             "conductor.task.status": attempt["status"], "conductor.task.attempt": attempt["number"],
             "conductor.worker.id": attempt["worker_id"], "k1n.critical": task["is_critical"],
             "k1n.simulated": task["is_simulated"], "k1n.estimate_ms": task["estimate_ms"]}  # fmt: skip
    status = {"code": _ERROR if is_bad else _OK, "message": (attempt["reason"] or "") if is_bad else ""}
    span = _span(trace, _id(attempt), root, task["ref"], _CONSUMER if task["kind"] == "worker" else _INTERNAL,
                 (begin, max(ended, begin) if end is None else end), facts, status)  # fmt: skip
    if raw["started_ms"] is not None and raw["started_ms"] >= begin:
        span["events"] = [{"timeUnixNano": _nano(raw["started_ms"]), "name": "taken by a worker"}]
    if task["waited_for"] in ids:
        why = _attributes({"k1n.link": "waited for"})
        span["links"] = [{"traceId": trace, "spanId": ids[task["waited_for"] or ""], "attributes": why}]
    return span


def _span(
    trace: str, span_id: str, parent: str, name: str, kind: int, stamps: tuple[int, int], facts: Mapping[str, Any],
    status: Mapping[str, Any],
) -> Span:  # fmt: skip
    begin, end = stamps
    return {"traceId": trace, "spanId": span_id, "parentSpanId": parent, "name": name, "kind": kind,
            "startTimeUnixNano": _nano(begin), "endTimeUnixNano": _nano(max(begin, end)),
            "attributes": _attributes(facts), "status": dict(status)}  # fmt: skip


def _attributes(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in facts.items() if value is not None]


def _value(value: object) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": str(value)}


def _nano(epoch_ms: int) -> str:
    return str(min(max(epoch_ms * 1_000_000, 0), _LAST_NANO))


def _id(attempt: AttemptDocument) -> str:
    return _digest(attempt["task_id"], 16)


def _digest(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:digits]

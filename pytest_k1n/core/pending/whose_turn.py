"""Whose turn an open task is, by its record: a worker's, a caller's, a sub-workflow's, time's, the engine's. Pure."""

from __future__ import annotations

from pytest_k1n.core.model import Execution, TaskRecord
from pytest_k1n.core.order.graph import label
from pytest_k1n.core.pending.nextstep import NextStep, Owner, clock_time
from pytest_k1n.core.units import SECOND_MS

_SIGNALLED = frozenset({"WAIT", "HUMAN"})


def of_worker(record: TaskRecord, now_ms: int | None) -> NextStep:
    """Say what a worker has to do: to take a task, or to report its end."""
    if record.started_ms is not None:
        by = f" with worker {record.worker_id}" if record.worker_id else ""
        limit = f", response timeout {record.response_timeout_s}s" if record.response_timeout_s else ""
        return NextStep(
            subject=label(record.key),
            owner=Owner.WORKER,
            expected="its worker to report its end",
            observed=f"{record.status}{by} since {clock_time(record.started_ms)}{limit}",
            since_ms=record.started_ms,
            record=record,
        )
    domain = f" in domain {record.domain}" if record.domain else ""
    attempt = f", attempt {record.attempt + 1}" if record.attempt else ""
    return NextStep(
        subject=label(record.key),
        owner=Owner.WORKER,
        expected=f"a worker that polls {record.type}{domain} to take it",
        observed=f"{record.status} since {clock_time(record.scheduled_ms)}{attempt}{_held(record, now_ms)}",
        since_ms=record.scheduled_ms,
        record=record,
    )


def of_system(record: TaskRecord, child: Execution | None, now_ms: int | None) -> NextStep:
    """Say what a task of the server's own waits for; `child` is the execution that it has started, if that is known."""
    if child is not None:
        return _of_child(record, child)
    held, ready_ms = _held(record, now_ms), _ready_ms(record)
    since = f"{record.status} since {clock_time(record.started_ms or record.scheduled_ms)}{held}"
    owner, expected = Owner.ENGINE, "the server to run it"
    until = record.input.get("until") or record.input.get("duration") if record.type == "WAIT" else None
    raw = record.workflow_task.raw if record.workflow_task else {}
    if until:
        owner, expected = Owner.TIME, f"its time to pass: {until}"
    elif ready_ms is not None and (now_ms is None or ready_ms > now_ms):
        owner, expected = Owner.TIME, f"its {_delay(record)} to pass"
    elif record.type in _SIGNALLED or (raw.get("asyncComplete") is True and record.started_ms is not None):
        owner, expected = Owner.SIGNAL, "a signal or an update that ends it"
    elif record.type == "SUB_WORKFLOW" and record.sub_workflow_id:
        owner, expected = Owner.CHILD, f"execution {record.sub_workflow_id} to end"
    return NextStep(
        subject=label(record.key),
        owner=owner,
        expected=expected,
        observed=f"{record.type} {since}",
        since_ms=record.started_ms or ready_ms or record.scheduled_ms,
        record=record,
    )


def _of_child(record: TaskRecord, child: Execution) -> NextStep:
    if child.is_terminal:
        owner, expected, since_ms = Owner.ENGINE, "it to end with its sub-workflow", child.ended_ms
        stood = f"{child.status} {clock_time(child.ended_ms)}"
    else:
        owner, expected = Owner.CHILD, f"execution {child.workflow_id} to end"
        since_ms, stood = record.started_ms or record.scheduled_ms, str(child.status)
    standing = f"SUB_WORKFLOW {label(record.key)} is still {record.status}"
    return NextStep(
        subject=label(record.key),
        owner=owner,
        expected=expected,
        observed=f"execution {child.workflow_id} {stood}, {standing}",
        since_ms=since_ms,
        record=record,
    )


def _ready_ms(record: TaskRecord) -> int | None:
    """Return when a task that nobody has begun is to be had, where a delay holds it back."""
    if record.started_ms is not None or not record.start_delay_ms or record.scheduled_ms is None:
        return None
    return record.scheduled_ms + record.start_delay_ms


def _held(record: TaskRecord, now_ms: int | None) -> str:
    ready_ms = _ready_ms(record)
    if ready_ms is None:
        return ""
    was = "held back until" if now_ms is None or ready_ms > now_ms else "to be had since"
    return f", {was} {clock_time(ready_ms)} ({_delay(record)} {record.start_delay_ms // SECOND_MS}s)"


def _delay(record: TaskRecord) -> str:
    return "retry delay" if record.attempt else "start delay"

"""What a worker says of a task, and what of that its record keeps."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_k1n.engine.problems import Illegal
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import COMPLETED, IN_PROGRESS, SCHEDULED
from pytest_k1n.engine.values import JsonObject

_KEPT_OPEN = frozenset({"WAIT", "HUMAN", "SUB_WORKFLOW", "JOIN", "DO_WHILE"})
"""Task types that stay in progress when told so: they are in no queue."""


LONGEST_REASON = 500
"""How much of a worker's reason the server keeps (TaskResult.setReasonForIncompletion)."""


@dataclass(slots=True, kw_only=True)
class TaskResult:
    """How a task stands, by a worker or a client.

    Not frozen: Python sets the fields of a frozen one through a call each, a tenth of what a task costs the engine.
    """

    status: str = COMPLETED
    output: JsonObject = field(default_factory=dict)
    reason: str | None = None
    worker_id: str | None = None
    callback_s: int = 0
    """With status IN_PROGRESS: after how long the task comes back to its queue."""
    sub_id: str | None = None
    stored_at: str | None = None
    """Where the output lies instead; nothing can be read from there."""
    logs: tuple[tuple[str, int | None], ...] = ()
    """Lines, and when they were written if that is not now."""


def amended(task: TaskState, status: str, output: JsonObject, *, worker_id: str | None = None) -> TaskResult:
    """TaskResult a new status of a task whose record keeps what it says beside; `output` is merged into its own."""
    return TaskResult(
        status=status,
        output={**task.output, **output},
        reason=task.reason,
        worker_id=worker_id if worker_id and worker_id.strip() else task.worker_id,
        callback_s=task.callback_s,
        sub_id=task.sub_id,
    )


def record(report: TaskResult, task: TaskState, now_ms: int) -> bool:
    """Write a report into the record of its task; tell whether the task goes back to its queue."""
    task.output = report.output
    if report.stored_at:
        task.stored_at = task.execution.stored_at = report.stored_at
        task.output = {}
    task.reason = None if report.reason is None else report.reason[:LONGEST_REASON]
    task.worker_id = report.worker_id
    task.callback_s = report.callback_s
    task.lease_until_ms = 0
    task.sub_id = report.sub_id  # one that does not name its child loses it: that is not heard any more
    if "subWorkflowId" in task.output:
        task.output = {**task.output, "subWorkflowId": report.sub_id}
    for line, written_ms in report.logs:
        log(task, line, now_ms if written_ms is None else written_ms)
    task.ticket += 1
    if report.status != IN_PROGRESS:
        task.status = report.status
        task.ended_ms = now_ms
        return False
    task.updated_ms = now_ms
    if task.node.type in _KEPT_OPEN:
        return False
    task.status = SCHEDULED
    return True


def demand_payloads(execution: ExecutionState) -> None:
    """Raise Illegal, as the server does, unless everything that an execution holds can be read."""
    if execution.stored_at is not None:
        raise Illegal(f"Unable to download payload from external storage path: {execution.stored_at}")


def log(task: TaskState, line: str, now_ms: int) -> None:
    """Append one line to a task's log."""
    task.logs += (log_line(task.task_id, line, now_ms),)


def log_line(task_id: str, line: str, now_ms: int) -> JsonObject:
    """Make one line of a log."""
    return {"log": line, "taskId": task_id, "createdTime": now_ms}

"""What an open execution cannot do by itself: a person, a worker that does not come, an operator has to act."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import IN_PROGRESS, PAUSED, SCHEDULED


def waits_outside(execution: ExecutionState, executions: Mapping[str, ExecutionState], now_ms: int) -> str | None:
    """Say what a caller has to do for an execution to go on, its sub-workflows included; None if nothing."""
    if execution.status == PAUSED:
        return f"{execution.definition.name} {execution.workflow_id} is paused"
    for task in execution.live:
        if not task.is_open:
            continue
        if task.type == "HUMAN" or (task.type == "WAIT" and not task.due_ms) or _is_left_open(task):
            return f"{named(task)} waits to be completed"
        if task.status == SCHEDULED and 0 < task.deliverable_ms <= now_ms:
            return f"{named(task)} waits for a worker"
        child = executions.get(task.sub_id or "")
        if child is not None and (found := waits_outside(child, executions, now_ms)) is not None:
            return found
    return None


def _is_left_open(task: TaskState) -> bool:
    """Tell whether the engine has done its part of a task with `asyncComplete`, so that a client has to complete it."""
    return task.status == IN_PROGRESS and task.node.type in ("EVENT", "HTTP")


def named(task: TaskState) -> str:
    """Name a task for messages."""
    return f"{task.ref} ({task.task_id}) of {task.execution.definition.name}"

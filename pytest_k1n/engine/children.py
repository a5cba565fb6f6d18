"""Sub-workflows: starting a child for its task, and telling the parent how it ended (conductor.md 8)."""

from __future__ import annotations

from pytest_k1n.engine.ids import child_id
from pytest_k1n.engine.state import ExecutionState, JsonObject, TaskState
from pytest_k1n.engine.status import CANCELED, COMPLETED, FAILED, IN_PROGRESS, TERMINATED, TIMED_OUT

_TASK_STATUS = {COMPLETED: COMPLETED, FAILED: FAILED, TERMINATED: CANCELED, TIMED_OUT: TIMED_OUT}


def child_input(task: TaskState) -> JsonObject:
    """Return what a child execution starts with: its task's input, or all inputData if that is empty.

    A definition that came inline is marked in the child's input, which the parent's task does not show.
    """
    given: JsonObject = task.input.get("workflowInput") or task.input
    if isinstance(task.input.get("subWorkflowDefinition"), dict):
        return {**given, "_systemMetadata": {"dynamic": True}}
    return given


def identity(task: TaskState, taken: set[str] | dict[str, ExecutionState]) -> str:
    """Derive the child's id; a dead one of the same id is not reused."""
    wanted = child_id(task.execution.workflow_id, task.task_id, task.attempt)
    return wanted if wanted not in taken else child_id(wanted, task.task_id, task.attempt)


def begin(task: TaskState, workflow_id: str, now_ms: int) -> None:
    """Note in the parent's task that its child runs."""
    task.sub_id = workflow_id
    task.output = {"subWorkflowId": workflow_id}
    task.status = IN_PROGRESS
    task.reason = None
    task.callback_s = 0
    task.started_ms = task.updated_ms = now_ms


def take_over(task: TaskState, child: ExecutionState, now_ms: int) -> None:
    """End the parent's task as its child ended."""
    task.status = _TASK_STATUS[child.status]
    task.output = {"subWorkflowId": child.workflow_id, **child.output}
    task.ended_ms = now_ms
    if task.status != COMPLETED:
        definition = child.definition
        task.reason = (
            f"Sub workflow {definition.name}.{definition.version}/{child.workflow_id} failure reason: {child.reason}"
        )

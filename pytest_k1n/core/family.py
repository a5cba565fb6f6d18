"""The executions that one execution has led to: its sub-workflows, what it has started, its failure workflow."""

from __future__ import annotations

from pytest_k1n.core.model import Execution, TaskRecord

FAILURE_WORKFLOW = "conductor.failure_workflow"
"""Key of an ended execution's output under which Conductor names the failure workflow it has started."""


def started_by(record: TaskRecord) -> str | None:
    """Return the id of the execution that a task has started; None if it has not, or not yet."""
    if record.sub_workflow_id:
        return record.sub_workflow_id
    started = record.output.get("workflowId") if record.type == "START_WORKFLOW" else None
    return started if isinstance(started, str) else None


def led_to(execution: Execution) -> list[str]:
    """Return the ids of all executions that this one has led to directly, in the order of its tasks."""
    found = [id_ for record in execution.tasks if (id_ := started_by(record))]
    failure = execution.output.get(FAILURE_WORKFLOW)
    if isinstance(failure, str) and " " not in failure:  # else it says why none could be started
        found.append(failure)
    return list(dict.fromkeys(found))


def is_about_to_start(execution: Execution) -> bool:
    """Tell whether a task has yet to start what it is for, as a server does some time after it has scheduled it."""
    return any(
        record.type in ("SUB_WORKFLOW", "START_WORKFLOW") and not record.status.is_terminal and not started_by(record)
        for record in execution.tasks
    )

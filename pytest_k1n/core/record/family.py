"""The executions that one has led to: its sub-workflows, what it and its events have started, its failure workflow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pytest_k1n.core.model import Execution, TaskRecord, WorkflowStatus
from pytest_k1n.core.words import FAILURE_WORKFLOW

_FAILURES: Final = (WorkflowStatus.FAILED, WorkflowStatus.TIMED_OUT)
_MESSAGE: Final = "conductor.event.messageId"
"""Key of an execution's input under which Conductor names the message for which an event handler has started it."""


def owes_failure_workflow(execution: Execution) -> bool:
    """Tell whether an execution that failed has not said yet what came of starting its failure workflow."""
    if execution.status not in _FAILURES or not (execution.definition and execution.definition.failure_workflow):
        return False
    return FAILURE_WORKFLOW not in execution.output


def leaves_open(execution: Execution) -> bool:
    """Tell whether an execution has ended and a task of it has not: a TERMINATE's are cancelled some 20 ms later."""
    return execution.is_terminal and not all(status.is_terminal for status in execution.columns.status)


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


def started_on(execution: Execution) -> str | None:
    """Return the id of the EVENT task for whose message a handler has started an execution; None for all others."""
    task_id = execution.input.get(_MESSAGE)
    return task_id if isinstance(task_id, str) else None


def published(execution: Execution) -> list[TaskRecord]:
    """Return the tasks of an execution that have published an event."""
    return [each for each in execution.tasks if each.type == "EVENT" and each.output.get("event_produced")]


def starts(execution: Execution, family: Sequence[Execution]) -> dict[str, str]:
    """Return which executions of its family an execution has started, by ref of the task that has; the latest of each.

    By sub-workflows and START_WORKFLOW tasks, and by EVENT tasks for whose message a handler has.
    """
    found = {record.ref: id_ for record in execution.tasks if (id_ := started_by(record))}
    direct = {id_ for each in family for id_ in led_to(each)}  # a child may be given the input of what has started it
    refs = {record.task_id: record.ref for record in published(execution)}
    for each in family:
        if each.workflow_id not in direct and (ref := refs.get(started_on(each) or "")) is not None:
            found[ref] = each.workflow_id
    return found


def is_about_to_start(execution: Execution) -> bool:
    """Tell whether a task has yet to start what it is for, as a server does some time after it has scheduled it."""
    return any(
        record.type in ("SUB_WORKFLOW", "START_WORKFLOW") and not record.status.is_terminal and not started_by(record)
        for record in execution.tasks
    )

"""Execution and task documents as the REST API answers them; made from the records on each reading."""

from __future__ import annotations

from typing import Any, Final

from pytest_k1n.engine import written
from pytest_k1n.engine.decide import joins
from pytest_k1n.engine.decide.mapping import MAPPERS
from pytest_k1n.engine.definition import TaskDef
from pytest_k1n.engine.registry.wiredefaults import workflow_task_document
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import OPEN_TASK, SKIPPED
from pytest_k1n.engine.values import JsonObject

_RATE_LIMITED: Final = frozenset({"SIMPLE", "HTTP", "DO_WHILE"})
"""Known types whose records show the rate limit of their definition; worker tasks of unknown types do too."""
LONGEST_REASON: Final = 500
"""How much of a reason a task's record shows (Task.setReasonForIncompletion)."""
_NO_METADATA: Final = {"additionalContext": {}, "empty": True, "additionalContextMap": {}}


def execution_document(execution: ExecutionState, *, tasks: bool = True) -> JsonObject:
    """Write an execution as `GET /workflow/{id}` answers it."""
    document: JsonObject = {
        "ownerApp": "",
        "createTime": execution.created_ms,
        "updateTime": execution.updated_ms,
        "status": execution.status,
        "endTime": execution.ended_ms,
        "workflowId": execution.workflow_id,
        "tasks": [task_document(task) for task in execution.tasks] if tasks else [],
        "input": execution.input,
        "output": execution.output,
        "taskToDomain": execution.domains,
        "failedReferenceTaskNames": list(execution.failed_refs),
        "workflowDefinition": written.definition_document(execution),
        "priority": execution.priority,
        "variables": execution.variables,
        "lastRetriedTime": execution.last_retried_ms,
        "failedTaskNames": list(execution.failed_names),
        "history": [],
        "rateLimited": False,
        "startTime": execution.created_ms,
        "workflowName": execution.definition.name,
        "workflowVersion": execution.definition.version,
    }
    if not execution.dialect.shows_metadata:
        del document["history"], document["rateLimited"]
    return _with_optional(
        document,
        ("correlationId", execution.correlation_id),
        ("parentWorkflowId", execution.parent_id),
        ("parentWorkflowTaskId", execution.parent_task_id),
        ("reasonForIncompletion", execution.reason),
        ("reRunFromWorkflowId", execution.rerun_from),
        ("event", execution.event),
    )


def task_document(task: TaskState) -> JsonObject:
    """Write a task as polls and `GET /tasks/{id}` answer it."""
    execution, node = task.execution, task.node
    definition: TaskDef | None = task.task_def
    limited = definition if definition is not None and _shows_rate_limit(task) else None
    document: JsonObject = {
        "taskType": task.type,
        "status": task.status,
        "inputData": task.input,
        "referenceTaskName": task.ref,
        "retryCount": task.attempt,
        "seq": task.seq,
        "pollCount": task.poll_count,
        "taskDefName": task.def_name,
        "scheduledTime": task.scheduled_ms,
        "startTime": task.started_ms,
        "endTime": task.ended_ms,
        "updateTime": updated_ms(task),
        "startDelayInSeconds": task.start_delay_s,
        "retried": task.retried,
        "executed": task.executed,
        "callbackFromWorker": True,
        "responseTimeoutSeconds": task.response_timeout_s,
        "workflowInstanceId": execution.workflow_id,
        "workflowType": execution.definition.name,
        "taskId": task.task_id,
        "callbackAfterSeconds": task.callback_s,
        "outputData": output_of(task),
        "workflowTask": _workflow_task(task),
        "rateLimitPerFrequency": limited.rate_limit if limited is not None else 0,
        "rateLimitFrequencyInSeconds": limited.rate_limit_s if limited is not None else 0,
        "workflowPriority": _priority(task),
        "iteration": task.iteration,
        "subworkflowChanged": False,
        "firstStartTime": 0,
        "executionMetadata": _NO_METADATA,
        "loopOverTask": task.iteration > 0,
        "queueWaitTime": max(0, task.started_ms - task.scheduled_ms) if task.started_ms else 0,
    }
    if not execution.dialect.shows_metadata:
        del document["executionMetadata"]
    if task.status == SKIPPED:
        del document["workflowType"]  # a record made by the request itself, not by a mapper
    document["taskDefinition"] = definition.document if definition and "taskDefinition" in node.document else None
    # Not by `_with_optional`, which makes a record a quarter dearer: a history has thousands.
    if task.correlation_id is not None:
        document["correlationId"] = task.correlation_id
    if task.retried_id is not None:
        document["retriedTaskId"] = task.retried_id
    if task.reason is not None:
        document["reasonForIncompletion"] = task.reason[:LONGEST_REASON]
    if task.worker_id is not None:
        document["workerId"] = task.worker_id
    if task.domain is not None:
        document["domain"] = task.domain
    if task.sub_id is not None:
        document["subWorkflowId"] = task.sub_id
    if task.stored_at is not None:
        document["externalOutputPayloadStoragePath"] = task.stored_at
    if task.parent_task_id is not None:
        document["parentTaskId"] = task.parent_task_id
    return document


_CHANGED_BY_THE_SERVER: Final = frozenset({"JOIN", "DO_WHILE", "SUB_WORKFLOW", "HUMAN"})


def _workflow_task(task: TaskState) -> JsonObject:
    """Write what a record shows of its definition: of one that was skipped, that it has a name and a ref."""
    if task.status == SKIPPED:
        return workflow_task_document({"name": task.node.name, "taskReferenceName": task.node.ref})
    return task.node.document if not task.node.is_written else written.node_document(task.execution, task.node)


def output_of(task: TaskState) -> JsonObject:
    """Return what a record shows as output: of an open JOIN what it has collected."""
    return joins.output(task) if task.type == "JOIN" and task.status in OPEN_TASK else task.output


def updated_ms(task: TaskState) -> int:
    """Return when a record was changed last; 0 if nothing has changed it since it was made."""
    return task.updated_ms if is_touched(task) else 0


def is_touched(task: TaskState) -> bool:
    """Tell whether anything has changed a record since it was made."""
    if task.poll_count or task.status not in OPEN_TASK or task.type in _CHANGED_BY_THE_SERVER:
        return True
    return task.ticket > bool(task.deliverable_ms)  # its first message is no change


def inner_document(execution: ExecutionState, *, tasks: bool = True) -> JsonObject:
    """Write an execution in the server's inner form, as a failureWorkflow and `POST /workflow/bulk/search` get it."""
    document = execution_document(execution, tasks=tasks)
    for name in ("updateTime", "history", "rateLimited", "startTime"):
        document.pop(name, None)
    document["updatedTime"] = execution.updated_ms
    for name in ("failedReferenceTaskNames", "failedTaskNames"):
        if not document[name]:
            del document[name]
    for task, shown in zip(execution.tasks, document["tasks"], strict=False):
        del shown["firstStartTime"]
        shown.pop("executionMetadata", None)
        shown.update({
            "callbackAfterMs": task.callback_s * 1000, "firstScheduledTime": task.scheduled_ms, "waitTimeout": 0,
            "onStateChange": {}, "idempotent": False, "cachedOutput": False, "notifications": {},
            "nonWorkflowEventTask": False, "asyncComplete": False, "idempotentExecution": False,
        })  # fmt: skip
    return _with_optional(
        document, ("failedTaskId", execution.failed_task_id), ("previousStatus", execution.previous_status)
    )


def _priority(task: TaskState) -> int:
    """Return its execution's priority; a SUB_WORKFLOW shows the one it asks for, if that is not an expression."""
    if task.type == "SUB_WORKFLOW":
        asked = (task.node.document.get("subWorkflowParam") or {}).get("priority")
        if isinstance(asked, int) and asked:
            return asked
    return task.execution.priority


def _shows_rate_limit(task: TaskState) -> bool:
    """Tell whether a record shows its definition's limit; that of a dynamic task only once a worker has polled it."""
    kind = task.node.type
    if kind == "DYNAMIC":
        return task.worker_id is not None
    if kind == "HTTP" and "taskDefinition" not in task.node.document:  # forked dynamically, and not registered
        return False
    return kind in _RATE_LIMITED or kind not in MAPPERS


def _with_optional(document: JsonObject, *fields: tuple[str, Any]) -> JsonObject:
    """Add what is set: the server leaves nulls out."""
    for name, value in fields:
        if value is not None:
            document[name] = value
    return document

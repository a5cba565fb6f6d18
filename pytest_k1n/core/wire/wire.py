"""Conductor's JSON to the model and back: the one module that knows camelCase.

Field names and defaults are Conductor 3.32.1's. Unknown fields are ignored, as the server does.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from pytest_k1n.core.columns import Columns, Records
from pytest_k1n.core.model import (
    Execution,
    Json,
    TaskDefinition,
    TaskRecord,
    TaskStatus,
    WorkflowDefinition,
    WorkflowStatus,
    WorkflowTask,
)
from pytest_k1n.core.wire import fields as given
from pytest_k1n.core.wire.fields import JsonObject, WireError
from pytest_k1n.core.wire.records import read_columns
from pytest_k1n.core.words import split_iteration

__all__ = [
    "WireError",
    "execution",
    "split_iteration",
    "task_definition",
    "task_record",
    "workflow_definition",
    "workflow_tasks",
]

_RECORD_INTEGERS = (
    "retryCount", "seq", "startDelayInSeconds", "responseTimeoutSeconds", "pollCount", "iteration",
    "scheduledTime", "startTime", "endTime", "updateTime", "callbackAfterSeconds",
)  # fmt: skip
_TASK_STATUSES = {str(status): status for status in TaskStatus}
_RECORD_TEXTS = ("workerId", "domain", "subWorkflowId", "reasonForIncompletion")
_RECORD_NAMES = ("workflowInstanceId", "workflowType", "taskDefName", "retriedTaskId")
_NESTED = ("taskDefinition", "retryCount", "joinOn", "forkTasks", "decisionCases", "defaultCase", "loopOver")
_PLAIN = ("taskReferenceName", "name", "type", "inputParameters")
_MORE = frozenset({*_NESTED, "optional", "permissive", "startDelay"})


def workflow_definition(document: Json) -> WorkflowDefinition:
    """Read a workflow definition. Raises WireError that names the missing or mistyped field."""
    fields = given.object_of(document, "workflow definition")
    name = given.text(fields, "name", "workflow definition")
    where = f"workflow definition {name}"
    tasks = tuple(_workflow_task(task, where) for task in given.list_of(fields, "tasks", where))
    return WorkflowDefinition(
        name=name,
        version=given.integer(fields, "version", where, 1),
        tasks=tasks,
        output_parameters=given.mapping(fields, "outputParameters", where),
        timeout_s=given.integer(fields, "timeoutSeconds", where, 0),
        timeout_policy=str(fields.get("timeoutPolicy") or "ALERT_ONLY"),
        failure_workflow=given.optional_text(fields, "failureWorkflow"),
        raw=fields,
    )


def task_definition(document: Json) -> TaskDefinition:
    """Read a task definition. Raises WireError that names the missing or mistyped field."""
    fields = given.object_of(document, "task definition")
    name = given.text(fields, "name", "task definition")
    where = f"task definition {name}"
    return TaskDefinition(
        name=name,
        retry_count=given.integer(fields, "retryCount", where, 3),
        retry_logic=str(fields.get("retryLogic") or "FIXED"),
        retry_delay_s=given.integer(fields, "retryDelaySeconds", where, 60),
        backoff_scale_factor=given.integer(fields, "backoffScaleFactor", where, 1),
        max_retry_delay_s=given.integer(fields, "maxRetryDelaySeconds", where, 0),
        backoff_jitter_ms=given.integer(fields, "backoffJitterMs", where, 0),
        timeout_s=given.integer(fields, "timeoutSeconds", where, 0),
        timeout_policy=str(fields.get("timeoutPolicy") or "TIME_OUT_WF"),
        response_timeout_s=given.integer(fields, "responseTimeoutSeconds", where, 3600),
        poll_timeout_s=given.integer(fields, "pollTimeoutSeconds", where, 0),
        total_timeout_s=given.integer(fields, "totalTimeoutSeconds", where, 0),
        concurrent_exec_limit=given.integer(fields, "concurrentExecLimit", where, 0),
        rate_limit=given.integer(fields, "rateLimitPerFrequency", where, 0),
        input_schema=_schema_data(fields.get("inputSchema")),
        output_schema=_schema_data(fields.get("outputSchema")),
    )


def execution(document: Json, *, definition: WorkflowDefinition | None = None) -> Execution:
    """Read an execution as `GET /workflow/{id}` answers it. Raises WireError that names the field.

    `definition` is its snapshot, where that has been read before.
    """
    fields = given.object_of(document, "execution")
    workflow_id = given.text(fields, "workflowId", "execution")
    where = f"execution {workflow_id}"
    snapshot = fields.get("workflowDefinition")
    if definition is None and isinstance(snapshot, Mapping) and isinstance(snapshot.get("tasks"), list):
        definition = _snapshot(snapshot)
    documents = given.list_of(fields, "tasks", where, required=False)
    records = _records(documents, where, definition)
    name = given.text_or_none(fields, "workflowName", where) or given.text_or_none(fields, "workflowType", where)
    if not name:
        name = definition.name if definition else given.text(fields, "workflowName", where)
    return Execution(
        workflow_id=workflow_id,
        name=name,
        version=given.integer(fields, "workflowVersion", where, definition.version if definition else 1),
        status=given.status_of(WorkflowStatus, fields.get("status"), where),
        tasks=records,
        started_ms=given.stamp(fields, "startTime", where) or given.stamp(fields, "createTime", where) or 0,
        ended_ms=given.stamp(fields, "endTime", where),
        created_ms=given.stamp(fields, "createTime", where),
        updated_ms=given.stamp(fields, "updateTime", where),
        last_retried_ms=given.stamp(fields, "lastRetriedTime", where),
        correlation_id=given.optional_text(fields, "correlationId"),
        reason=given.optional_text(fields, "reasonForIncompletion"),
        input=given.mapping(fields, "input", where),
        output=given.mapping(fields, "output", where),
        variables=given.mapping(fields, "variables", where),
        task_to_domain=cast("Mapping[str, str]", given.mapping(fields, "taskToDomain", where)),
        parent_workflow_id=given.optional_text(fields, "parentWorkflowId"),
        definition=definition,
        failed_refs=given.texts_of(fields, "failedReferenceTaskNames"),
        is_stored_elsewhere=given.is_stored_elsewhere(fields, documents),
    )


def _snapshot(document: JsonObject) -> WorkflowDefinition:
    """Read the definition that an execution carries; of many executions mostly the same one comes again and again."""
    tasks = document.get("tasks")
    if not isinstance(tasks, list) or len(tasks) > _FEW_TASKS:
        return workflow_definition(cast("Json", document))
    image = marshal.dumps(cast("Any", document), _WITHOUT_REFERENCES)
    return _read_small(image) if len(image) < _SMALL else _read_again(image)


def _read(image: bytes) -> WorkflowDefinition:
    return workflow_definition(marshal.loads(image))


_read_again = lru_cache(maxsize=8)(_read)
_read_small = lru_cache(maxsize=256)(_read)  # of a plan of hundreds each is read by the director, and by its tests

_SMALL = 64 * 1024
"""Bytes of a definition of some forty tasks."""
_FEW_TASKS = 200
_WITHOUT_REFERENCES = 2
"""The version of marshal's format in which equal documents have equal images, whoever else holds their parts."""


def _records(documents: Sequence[Json], where: str, definition: WorkflowDefinition | None) -> Sequence[TaskRecord]:
    """Read records in columns; where one is not as it should be, one by one, so that the error names it."""
    known = definition.by_ref if definition else {}
    columns = read_columns(documents)
    if columns is None:
        made = [_task_record(each, where, known) for each in documents]
        return tuple(sorted(made, key=lambda record: record.seq))
    if list(columns.seq) != sorted(columns.seq):
        documents = sorted(documents, key=lambda each: cast("int", cast("JsonObject", each).get("seq") or 0))
        columns = cast("Columns", read_columns(documents))
    records = Records(columns, documents, lambda place: _task_record(documents[place], where, known))
    if foreign := set(columns.ref) - known.keys():  # what is read with its own snapshot, which may be wrong
        for place, ref in enumerate(columns.ref):
            if ref in foreign:
                records[place]
    return records


def task_record(document: Json) -> TaskRecord:
    """Read a task as polls and `GET /tasks/{id}` answer it. Raises WireError that names the field."""
    return _task_record(document, "task", {})


def _task_record(document: Json, where: str, known: Mapping[str, WorkflowTask]) -> TaskRecord:
    fields = document if type(document) is dict else given.object_of(document, f"task of {where}")
    reference = given.text(fields, "referenceTaskName", where)
    where = f"task {reference} of {where}"
    (
        attempt, seq, delay_s, response_timeout_s, poll_count, stated_iteration, scheduled, started, ended, updated,
        callback_s,
    ) = given.integers(fields, _RECORD_INTEGERS, where)  # fmt: skip
    # A DO_WHILE's own record counts its rounds in `iteration` under its plain name: only a suffix makes a key.
    ref, iteration = split_iteration(reference) if stated_iteration else (reference, 0)
    workflow_task = known.get(ref)
    snapshot = fields.get("workflowTask")
    if workflow_task is None and isinstance(snapshot, Mapping) and snapshot.get("taskReferenceName"):
        workflow_task = _workflow_task(cast("Json", snapshot), where)
    kind = given.text(fields, "taskType", where)
    workflow_id, workflow_name, def_name, retried_task_id = [
        given.text_or_none(fields, key, where) for key in _RECORD_NAMES
    ]
    worker_id, domain, sub_workflow_id, reason = [
        value if isinstance(value, str) and value else None for value in map(fields.get, _RECORD_TEXTS)
    ]
    return TaskRecord(
        ref=ref,
        iteration=iteration,
        stated_iteration=stated_iteration,
        task_id=given.text(fields, "taskId", where),
        workflow_id=workflow_id,
        workflow_name=workflow_name,
        type=kind,
        def_name=def_name or kind,
        status=_task_status(fields.get("status"), where),
        attempt=attempt,
        retried=given.flag(fields, "retried", where),
        executed=fields.get("executed") is True,
        seq=seq,
        scheduled_ms=scheduled or None,
        started_ms=started or None,
        ended_ms=ended or None,
        updated_ms=updated or None,
        start_delay_ms=delay_s * 1000,
        callback_s=callback_s,
        response_timeout_s=response_timeout_s,
        poll_count=poll_count,
        worker_id=worker_id,
        domain=domain,
        sub_workflow_id=sub_workflow_id,
        reason=reason,
        retried_task_id=retried_task_id,
        snapshot_ref=given.optional_text(snapshot, "taskReferenceName") if isinstance(snapshot, Mapping) else None,
        input=given.mapping(fields, "inputData", where),
        output=given.mapping(fields, "outputData", where),
        workflow_task=workflow_task,
    )


def _workflow_task(document: Json, where: str) -> WorkflowTask:
    fields = document if type(document) is dict else given.object_of(document, f"task of {where}")
    ref, name, kind, inputs = map(fields.get, _PLAIN)
    if not (ref and isinstance(ref, str)):
        given.text(fields, "taskReferenceName", where)
    if not (_MORE.isdisjoint(fields) and type(inputs) is dict and name and isinstance(name, str)):
        return _full_task(fields, f"task {ref} of {where}")
    kind = kind if kind and isinstance(kind, str) else "SIMPLE"
    return WorkflowTask.plain(ref=cast("str", ref), name=name, type=kind, inputs=inputs, raw=fields)  # nearly always


def _full_task(fields: JsonObject, where: str) -> WorkflowTask:
    ref = given.text(fields, "taskReferenceName", where)
    embedded, retry_count, join_on, branches, cases, default_case, loop_over = map(fields.get, _NESTED)
    return WorkflowTask(
        ref=ref,
        name=given.optional_text(fields, "name") or ref,
        type=given.optional_text(fields, "type") or "SIMPLE",
        inputs=given.mapping(fields, "inputParameters", where),
        optional=fields.get("optional") is True,
        permissive=fields.get("permissive") is True,
        start_delay_s=given.integer(fields, "startDelay", where, 0),
        retry_count=retry_count if isinstance(retry_count, int) else None,
        join_on=tuple(map(str, given.list_of(fields, "joinOn", where, required=False))) if join_on else (),
        branches=tuple(
            _task_list(branch, f"forkTasks[{index}] of {where}")
            for index, branch in enumerate(given.list_of(fields, "forkTasks", where, required=False))
        )
        if branches
        else (),
        cases={
            case: _task_list(tasks, f"case {case!r} of {where}")
            for case, tasks in given.mapping(fields, "decisionCases", where).items()
        }
        if cases
        else {},
        default_case=_task_list(default_case, f"default case of {where}") if default_case else (),
        loop_over=_task_list(loop_over, f"loop of {where}") if loop_over else (),
        task_definition=task_definition(embedded) if isinstance(embedded, Mapping) and embedded.get("name") else None,
        raw=fields,
    )


def workflow_tasks(documents: Json, where: str) -> tuple[WorkflowTask, ...]:
    """Read a list of workflow tasks, such as a dynamic fork's `forkedTaskDefs`. Raises WireError."""
    return _task_list(documents, where)


def _task_list(document: Json, where: str) -> tuple[WorkflowTask, ...]:
    if not isinstance(document, list):
        raise WireError(f"{where}: expected a list of tasks, got {given.kind_of(document)}")
    return tuple(_workflow_task(task, where) for task in document)


def _schema_data(document: Json) -> JsonObject | None:
    """Take the schema out of Conductor's SchemaDef envelope (`{name, version, type, data}`)."""
    if not isinstance(document, Mapping):
        return None
    data = document.get("data")
    return data if isinstance(data, Mapping) else None


def _task_status(value: Json, where: str) -> TaskStatus:
    known = _TASK_STATUSES.get(value) if isinstance(value, str) else None  # of a hundred thousand records
    return known or given.status_of(TaskStatus, value, where)

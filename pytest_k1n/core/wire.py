"""Conductor's JSON to the model and back: the one module that knows camelCase.

Field names and defaults are Conductor 3.32.1's. Unknown fields are ignored, as the server does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar, cast

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
from pytest_k1n.core.text import one_line
from pytest_k1n.core.wire_columns import read_columns
from pytest_k1n.core.words import split_iteration

__all__ = ["WireError", "execution", "split_iteration", "task_definition", "task_record", "workflow_definition", "workflow_tasks"]

JsonObject = Mapping[str, Json]
_RECORD_INTEGERS = (
    "retryCount", "seq", "startDelayInSeconds", "responseTimeoutSeconds", "pollCount", "iteration",
    "scheduledTime", "startTime", "endTime", "updateTime",
)  # fmt: skip
_TASK_STATUSES = {str(status): status for status in TaskStatus}
_RECORD_TEXTS = (
    "workflowInstanceId", "workflowType", "taskDefName", "workerId", "domain", "subWorkflowId", "reasonForIncompletion",
)  # fmt: skip
_NESTED = ("taskDefinition", "retryCount", "joinOn", "forkTasks", "decisionCases", "defaultCase", "loopOver")
_INTEGER_OR_ABSENT = frozenset({int, type(None)})
S = TypeVar("S", TaskStatus, WorkflowStatus)


class WireError(ValueError):
    """A document that is not what Conductor sends or accepts; says in a line which field and what is wrong with it."""

    def __init__(self, text: str) -> None:
        super().__init__(one_line(text, most=2000))


def workflow_definition(document: Json) -> WorkflowDefinition:
    """Read a workflow definition. Raises WireError that names the missing or mistyped field."""
    fields = _object(document, "workflow definition")
    name = _text(fields, "name", "workflow definition")
    where = f"workflow definition {name}"
    tasks = tuple(_workflow_task(task, where) for task in _list(fields, "tasks", where))
    return WorkflowDefinition(
        name=name,
        version=_integer(fields, "version", where, 1),
        tasks=tasks,
        output_parameters=_mapping(fields, "outputParameters", where),
        timeout_s=_integer(fields, "timeoutSeconds", where, 0),
        timeout_policy=str(fields.get("timeoutPolicy") or "ALERT_ONLY"),
        failure_workflow=_optional_text(fields, "failureWorkflow"),
        raw=fields,
    )


def task_definition(document: Json) -> TaskDefinition:
    """Read a task definition. Raises WireError that names the missing or mistyped field."""
    fields = _object(document, "task definition")
    name = _text(fields, "name", "task definition")
    where = f"task definition {name}"
    return TaskDefinition(
        name=name,
        retry_count=_integer(fields, "retryCount", where, 3),
        retry_logic=str(fields.get("retryLogic") or "FIXED"),
        retry_delay_s=_integer(fields, "retryDelaySeconds", where, 60),
        backoff_scale_factor=_integer(fields, "backoffScaleFactor", where, 1),
        max_retry_delay_s=_integer(fields, "maxRetryDelaySeconds", where, 0),
        backoff_jitter_ms=_integer(fields, "backoffJitterMs", where, 0),
        timeout_s=_integer(fields, "timeoutSeconds", where, 0),
        timeout_policy=str(fields.get("timeoutPolicy") or "TIME_OUT_WF"),
        response_timeout_s=_integer(fields, "responseTimeoutSeconds", where, 3600),
        poll_timeout_s=_integer(fields, "pollTimeoutSeconds", where, 0),
        total_timeout_s=_integer(fields, "totalTimeoutSeconds", where, 0),
        concurrent_exec_limit=_integer(fields, "concurrentExecLimit", where, 0),
        input_schema=_schema_data(fields.get("inputSchema")),
        output_schema=_schema_data(fields.get("outputSchema")),
    )


def execution(document: Json, *, definition: WorkflowDefinition | None = None) -> Execution:
    """Read an execution as `GET /workflow/{id}` answers it. Raises WireError that names the field.

    `definition` is its snapshot, where that has been read before.
    """
    fields = _object(document, "execution")
    workflow_id = _text(fields, "workflowId", "execution")
    where = f"execution {workflow_id}"
    snapshot = fields.get("workflowDefinition")
    if definition is None and isinstance(snapshot, Mapping) and snapshot.get("tasks"):
        definition = workflow_definition(snapshot)
    records = _records(_list(fields, "tasks", where, required=False), where, definition)
    name = _optional_text(fields, "workflowName") or _optional_text(fields, "workflowType")
    if not name:
        name = definition.name if definition else _text(fields, "workflowName", where)
    return Execution(
        workflow_id=workflow_id,
        name=name,
        version=_integer(fields, "workflowVersion", where, definition.version if definition else 1),
        status=_status(WorkflowStatus, fields.get("status"), where),
        tasks=records,
        started_ms=_stamp(fields, "startTime", where) or _stamp(fields, "createTime", where) or 0,
        ended_ms=_stamp(fields, "endTime", where),
        correlation_id=_optional_text(fields, "correlationId"),
        reason=_optional_text(fields, "reasonForIncompletion"),
        input=_mapping(fields, "input", where),
        output=_mapping(fields, "output", where),
        variables=_mapping(fields, "variables", where),
        task_to_domain=cast("Mapping[str, str]", _mapping(fields, "taskToDomain", where)),
        parent_workflow_id=_optional_text(fields, "parentWorkflowId"),
        definition=definition,
    )


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
    fields = document if type(document) is dict else _object(document, f"task of {where}")
    reference = _text(fields, "referenceTaskName", where)
    where = f"task {reference} of {where}"
    attempt, seq, delay_s, response_timeout_s, poll_count, stated_iteration, scheduled, started, ended, updated = (
        _integers(fields, _RECORD_INTEGERS, where)
    )
    # A DO_WHILE's own record counts its rounds in `iteration` under its plain name: only a suffix makes a key.
    ref, iteration = split_iteration(reference) if stated_iteration else (reference, 0)
    workflow_task = known.get(ref)
    snapshot = fields.get("workflowTask")
    if workflow_task is None and isinstance(snapshot, Mapping) and snapshot.get("taskReferenceName"):
        workflow_task = _workflow_task(cast("Json", snapshot), where)
    kind = _text(fields, "taskType", where)
    workflow_id, workflow_name, def_name, worker_id, domain, sub_workflow_id, reason = [
        value if isinstance(value, str) and value else None for value in map(fields.get, _RECORD_TEXTS)
    ]
    return TaskRecord(
        ref=ref,
        iteration=iteration,
        stated_iteration=stated_iteration,
        task_id=_text(fields, "taskId", where),
        workflow_id=workflow_id,
        workflow_name=workflow_name,
        type=kind,
        def_name=def_name or kind,
        status=_task_status(fields.get("status"), where),
        attempt=attempt,
        retried=fields.get("retried") is True,
        seq=seq,
        scheduled_ms=scheduled or None,
        started_ms=started or None,
        ended_ms=ended or None,
        updated_ms=updated or None,
        start_delay_ms=delay_s * 1000,
        response_timeout_s=response_timeout_s,
        poll_count=poll_count,
        worker_id=worker_id,
        domain=domain,
        sub_workflow_id=sub_workflow_id,
        reason=reason,
        input=_mapping(fields, "inputData", where),
        output=_mapping(fields, "outputData", where),
        workflow_task=workflow_task,
    )


def _workflow_task(document: Json, where: str) -> WorkflowTask:
    fields = document if type(document) is dict else _object(document, f"task of {where}")
    ref = _text(fields, "taskReferenceName", where)
    where = f"task {ref} of {where}"
    embedded, retry_count, join_on, branches, cases, default_case, loop_over = map(fields.get, _NESTED)
    return WorkflowTask(
        ref=ref,
        name=_optional_text(fields, "name") or ref,
        type=_optional_text(fields, "type") or "SIMPLE",
        inputs=_mapping(fields, "inputParameters", where),
        optional=fields.get("optional") is True,
        permissive=fields.get("permissive") is True,
        start_delay_s=_integer(fields, "startDelay", where, 0),
        retry_count=retry_count if isinstance(retry_count, int) else None,
        join_on=tuple(map(str, _list(fields, "joinOn", where, required=False))) if join_on else (),
        branches=tuple(
            _task_list(branch, f"forkTasks[{index}] of {where}")
            for index, branch in enumerate(_list(fields, "forkTasks", where, required=False))
        )
        if branches
        else (),
        cases={
            case: _task_list(tasks, f"case {case!r} of {where}")
            for case, tasks in _mapping(fields, "decisionCases", where).items()
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
        raise WireError(f"{where}: expected a list of tasks, got {_kind(document)}")
    return tuple(_workflow_task(task, where) for task in document)


def _schema_data(document: Json) -> JsonObject | None:
    """Take the schema out of Conductor's SchemaDef envelope (`{name, version, type, data}`)."""
    if not isinstance(document, Mapping):
        return None
    data = document.get("data")
    return data if isinstance(data, Mapping) else None


def _object(document: Json, where: str) -> JsonObject:
    if not isinstance(document, Mapping):
        raise WireError(f"{where}: expected a JSON object, got {_kind(document)}")
    return document


def _text(fields: JsonObject, key: str, where: str) -> str:
    value = fields.get(key)
    if not value or not isinstance(value, str):
        raise WireError(f"{where}: {key} must be a non-empty string, got {_kind(value)}")
    return value


def _optional_text(fields: JsonObject, key: str) -> str | None:
    value = fields.get(key)
    return value if isinstance(value, str) and value else None


def _integer(fields: JsonObject, key: str, where: str, default: int) -> int:
    value = fields.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int):
        raise WireError(f"{where}: {key} must be a whole number, got {_kind(value)}")
    return value


def _integers(fields: JsonObject, keys: Sequence[str], where: str) -> list[int]:
    """Read whole numbers, all at once because records have many; absent is 0."""
    values = list(map(fields.get, keys))
    if not _INTEGER_OR_ABSENT.issuperset(map(type, values)):
        return [_integer(fields, key, where, 0) for key in keys]
    return [cast("int", value or 0) for value in values]


def _stamp(fields: JsonObject, key: str, where: str) -> int | None:
    return _integer(fields, key, where, 0) or None


def _list(fields: JsonObject, key: str, where: str, *, required: bool = True) -> Sequence[Json]:
    value = fields.get(key)
    if value is None and not required:
        return ()
    if not isinstance(value, list):
        raise WireError(f"{where}: {key} must be a list, got {_kind(value)}")
    return value


def _mapping(fields: JsonObject, key: str, where: str) -> JsonObject:
    value = fields.get(key)
    if type(value) is dict:  # nearly always: to ask for a Mapping takes four times as long
        return value
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise WireError(f"{where}: {key} must be an object, got {_kind(value)}")
    return value


def _task_status(value: Json, where: str) -> TaskStatus:
    known = _TASK_STATUSES.get(value) if isinstance(value, str) else None  # of a hundred thousand records
    return known or _status(TaskStatus, value, where)


def _status(kind: type[S], value: Json, where: str) -> S:
    try:
        return kind(str(value))
    except ValueError:
        known = ", ".join(kind)
        raise WireError(f"{where}: status {value!r} is none of {known}") from None


def _kind(value: object) -> str:
    names: Iterable[tuple[type | tuple[type, ...], str]] = (
        (type(None), "nothing"), (bool, "a boolean"), ((int, float), "a number"), (str, "a string"),
        (list, "a list"), (Mapping, "an object"),
    )  # fmt: skip
    kind = next((name for types, name in names if isinstance(value, types)), type(value).__name__)
    return f"{kind} ({value!r:.40})" if isinstance(value, str | int | float) and not isinstance(value, bool) else kind

"""Search over executions and tasks: the subset of queries that Conductor understands on SQL."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Final, TypeVar

from pytest_k1n.engine.language.java_text import java_text
from pytest_k1n.engine.problems import Illegal, Invalid
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import SCHEDULED, TERMINAL_WORKFLOW
from pytest_k1n.engine.values import JsonObject

T = TypeVar("T", ExecutionState, TaskState)
_CLAUSE: Final = re.compile(r"\s*([A-Za-z]+)\s*(=|<|>|\bIN\b)\s*(.+?)\s*", re.IGNORECASE)
_FIELDS: Final[dict[str, Callable[[ExecutionState], str | int]]] = {
    "workflowId": lambda execution: execution.workflow_id,
    "correlationId": lambda execution: execution.correlation_id or "",
    "workflowType": lambda execution: execution.definition.name,
    "status": lambda execution: execution.status,
    "parentWorkflowId": lambda execution: execution.parent_id or "",
    "classifier": lambda _execution: "workflow",
    "startTime": lambda execution: execution.created_ms,
    "endTime": lambda execution: execution.ended_ms,
    "updateTime": lambda execution: execution.updated_ms,
}
_TASK_FIELDS: Final[dict[str, Callable[[TaskState], str | int]]] = {
    "taskId": lambda task: task.task_id,
    "taskType": lambda task: task.type,
    "taskDefName": lambda task: task.def_name,
    "workflowId": lambda task: task.execution.workflow_id,
    "workflowType": lambda task: task.execution.definition.name,
    "correlationId": lambda task: task.execution.correlation_id or "",
    "status": lambda task: task.status,
    "startTime": lambda task: task.started_ms,
    "scheduledTime": lambda task: task.scheduled_ms,
    "endTime": lambda task: task.ended_ms,
    "updateTime": lambda task: task.updated_ms,
}


def unhurried(every: Iterable[T], breathe: Callable[[], None]) -> Iterator[T]:
    """Go through records as they are now, and let others have their say meanwhile."""
    for number, one in enumerate(list(every)):
        if number % 16 == 0:
            breathe()
        yield one


def executions(every: Iterable[ExecutionState], query: str, free_text: str | None) -> list[ExecutionState]:
    """Find executions by `field (=|<|>|IN) value` joined by ` AND `, and a text in what is shown. Raises Problem."""
    tests = _tests(query, _FIELDS)
    shows = _shows(free_text, summary)
    return [execution for execution in every if all(test(execution) for test in tests) and shows(execution)]


def ordered(found: list[ExecutionState], sort: str) -> list[ExecutionState]:
    """Order executions by `FIELD:ASC|DESC`, several joined by commas; fields that cannot be searched by are ignored."""
    return _ordered(found, sort, _FIELDS)


def tasks(every: Iterable[TaskState], query: str, free_text: str | None, sort: str = "") -> list[TaskState]:
    """Find and order task records as executions are; one that no worker has polled yet is not found. Raises Problem."""
    tests = _tests(query, _TASK_FIELDS)
    shows = _shows(free_text, task_summary)
    found = [task for task in every if _is_indexed(task) and all(test(task) for test in tests) and shows(task)]
    return _ordered(found, sort, _TASK_FIELDS)


def _is_indexed(task: TaskState) -> bool:
    return task.status != SCHEDULED or task.poll_count > 0


def _shows(text: str | None, show: Callable[[T], JsonObject]) -> Callable[[T], bool]:
    """Tell of a record whether it shows a text anywhere, without regard to case; `*` is in all of them."""
    if not text or text == "*":
        return lambda _one: True
    wanted = text.lower()
    return lambda one: wanted in json.dumps(show(one), ensure_ascii=False).lower()


def _ordered(found: list[T], sort: str, fields: Mapping[str, Callable[[T], str | int]]) -> list[T]:
    for rule in reversed(sort.split(",")):  # a later, stable sort outranks an earlier one
        field, _, direction = rule.strip().partition(":")
        if field in fields:
            found = sorted(found, key=fields[field], reverse=direction.upper() == "DESC")
    return found


def _tests(query: str, fields: Mapping[str, Callable[[T], str | int]]) -> list[Callable[[T], bool]]:
    return [_test(clause, fields) for clause in re.split(r"\s+AND\s+", query.strip())] if query.strip() else []


def _test(clause: str, fields: Mapping[str, Callable[[T], str | int]]) -> Callable[[T], bool]:
    found = _CLAUSE.fullmatch(clause)
    if found is None:
        raise Invalid(f"Incorrectly formatted query string: {clause}")
    if found[1] not in fields:
        return lambda _record: True  # the server leaves out what it has no column for
    read, operator, value = fields[found[1]], found[2].upper(), found[3]
    if operator == "IN":
        wanted = {_unquoted(part) for part in value.strip("()").split(",")}
        return lambda record: str(read(record)) in wanted
    plain = _unquoted(value)
    if operator == "=":
        return lambda record: fnmatchcase(str(read(record)), plain)
    if not plain.lstrip("-").isdigit():
        raise Illegal(f'For input string: "{plain}"')
    bound = int(plain)
    if operator == "<":
        return lambda record: isinstance(at := read(record), int) and at < bound
    return lambda record: isinstance(at := read(record), int) and at > bound


def _unquoted(value: str) -> str:
    return value.strip().strip("'\"")


def summary(execution: ExecutionState) -> JsonObject:
    """Write an execution as a search result shows it: instants as ISO text, input and output as Java text."""
    input_text, output_text = java_text(execution.input), java_text(execution.output)
    document: JsonObject = {
        "workflowType": execution.definition.name,
        "version": execution.definition.version,
        "workflowId": execution.workflow_id,
        "startTime": _iso(execution.created_ms),
        "updateTime": _iso(execution.updated_ms),
        "status": execution.status,
        "input": input_text,
        "output": output_text,
        "executionTime": execution.ended_ms - execution.created_ms if execution.ended_ms else 0,
        "failedReferenceTaskNames": ",".join(execution.failed_refs),
        "priority": execution.priority,
        "failedTaskNames": list(execution.failed_names),
        "taskToDomain": execution.domains,
        "parentWorkflowId": execution.parent_id or "",
        "classifier": "workflow",
        "inputSize": len(input_text),
        "outputSize": len(output_text),
    }
    if execution.status in TERMINAL_WORKFLOW:
        document["endTime"] = _iso(execution.ended_ms)
    if execution.correlation_id is not None:
        document["correlationId"] = execution.correlation_id
    if execution.reason is not None:
        document["reasonForIncompletion"] = execution.reason
    return document


def task_summary(task: TaskState) -> JsonObject:
    """Write a task record as a search result shows it."""
    execution = task.execution
    document: JsonObject = {
        "workflowId": execution.workflow_id,
        "workflowType": execution.definition.name,
        "scheduledTime": _iso(task.scheduled_ms),
        "startTime": _iso(task.started_ms),
        "updateTime": _iso(task.updated_ms),
        "endTime": _iso(task.ended_ms),
        "status": task.status,
        "executionTime": task.ended_ms - task.started_ms if task.ended_ms else 0,  # also of one never begun
        "queueWaitTime": max(0, task.started_ms - task.scheduled_ms) if task.started_ms else 0,
        "taskDefName": task.def_name,
        "taskType": task.type,
        "input": java_text(task.input),
        "output": java_text(task.output),
        "taskId": task.task_id,
        "workflowPriority": execution.priority,
    }
    optional = {
        "correlationId": execution.correlation_id, "reasonForIncompletion": task.reason, "domain": task.domain,
    }  # fmt: skip
    document.update({name: value for name, value in optional.items() if value is not None})
    return document


def _iso(epoch_ms: int) -> str:
    moment = datetime.fromtimestamp(epoch_ms / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{epoch_ms % 1000:03d}Z"

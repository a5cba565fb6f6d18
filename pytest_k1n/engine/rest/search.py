"""Search over executions and tasks, with the queries that Conductor understands on SQL.

Conditions are `FIELD (=|<|>|IN) VALUE`, joined by ` AND `; what stands before a field is not looked at, nor is what it
has no column for. A `*` in a value stands for anything. Instants are in ms. So it was measured on 3.32.1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from pytest_k1n.core.java_text import java_text
from pytest_k1n.engine.documents import is_touched, output_of
from pytest_k1n.engine.problems import Illegal, Invalid
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import SKIPPED, TERMINAL_WORKFLOW
from pytest_k1n.engine.values import JsonObject

T = TypeVar("T", ExecutionState, TaskState)
_CONDITION: Final = re.compile(r"([a-zA-Z]+)\s?(=|>|<|IN)\s?(.*)", re.ASCII)
_COLUMNS: Final[dict[str, Callable[[ExecutionState], str | int | None]]] = {
    "workflow_id": lambda execution: execution.workflow_id,
    "correlation_id": lambda execution: execution.correlation_id,
    "workflow_type": lambda execution: execution.definition.name,
    "status": lambda execution: execution.status,
    "parent_workflow_id": lambda execution: execution.parent_id or "",
    "classifier": lambda _execution: "workflow",
    "start_time": lambda execution: execution.created_ms,
    "end_time": lambda execution: execution.ended_ms,
    "update_time": lambda execution: execution.updated_ms,
    "json_data": lambda execution: _text(execution),
}
_INDEXED: Final = ("workflow_id", "correlation_id", "status", "workflow_type")
"""Columns of the server's table that have an index, the one that it prefers first."""
_TASK_COLUMNS: Final[dict[str, Callable[[TaskState], str | int | None]]] = {
    "task_id": lambda task: task.task_id,
    "task_type": lambda task: task.type,
    "task_def_name": lambda task: task.def_name,
    "workflow_type": lambda task: task.execution.definition.name,
    "status": lambda task: task.status,
    "start_time": lambda task: task.started_ms,
    "scheduled_time": lambda task: task.scheduled_ms,
    "end_time": lambda task: task.ended_ms,
    "update_time": lambda task: task.updated_ms,
    "json_data": lambda task: _task_text(task),
}
_SORTED_TASK_COLUMNS: Final = {name: read for name, read in _TASK_COLUMNS.items() if name != "scheduled_time"}
_ANYWHERE: Final = {"task_id", "task_type", "task_def_name", *_COLUMNS}
"""What conditions may be about; the server's tables have not all of it, and it fails where they lack it."""


def unhurried(every: Iterable[T], breathe: Callable[[], None]) -> Iterator[T]:
    """Go through records as they are now, and let others have their say meanwhile."""
    for number, one in enumerate(list(every)):
        if number % 16 == 0:
            breathe()
        yield one


def executions(every: Iterable[ExecutionState], query: str, free_text: str | None) -> list[ExecutionState]:
    """Find executions by conditions and by a text in what is shown of them. Raises Problem."""
    tests = _tests(query, _COLUMNS)
    shows = _shows(free_text, _text)
    return [execution for execution in every if all(test(execution) for test in tests) and shows(execution)]


def _listed_column(query: str) -> str | None:
    """Return the column whose index finds the several values of an `IN`: in its order they come."""
    conditions = [found for found in map(_CONDITION.search, query.split(" AND ")) if found is not None]
    listed = {_snake(found[1]): "," in found[3] for found in conditions if found[2] in ("IN", "=")}
    if not all(listed.get(column, True) for column in _INDEXED):
        return None
    return next((column for column in _INDEXED if column in listed), None)


def ordered(found: list[ExecutionState], query: str, sort: str) -> list[ExecutionState]:
    """Order executions by `FIELD:ASC` or `FIELD:DESC`, several joined by `|`; what is no such rule is ignored.

    What they leave open is as the conditions have found it. Raises Illegal for a field that only records of another
    kind have.
    """
    column = _listed_column(query)
    if column is not None and "Time" not in sort:  # by instants: what a virtual clock has made at one is as it was made
        found = sorted(found, key=_ranked(_COLUMNS[column]))
    return _ordered(found, sort, _COLUMNS)


def tasks(every: Iterable[TaskState], query: str, free_text: str | None, sort: str = "") -> list[TaskState]:
    """Find and order task records as executions are; one that no worker has polled yet is not found. Raises Problem."""
    tests = _tests(query, _TASK_COLUMNS)
    shows = _shows(free_text, _task_text)
    found = [task for task in every if _is_indexed(task) and all(test(task) for test in tests) and shows(task)]
    return _ordered(sorted(found, key=_indexed_ms), sort, _SORTED_TASK_COLUMNS)


def _is_indexed(task: TaskState) -> bool:
    """Tell whether the server's index of tasks has a record: an update puts it there, not its making."""
    return task.status != SKIPPED and is_touched(task)


def _indexed_ms(task: TaskState) -> int:
    """Return when a record came into the index: with its first update, which of a worker's task is the first poll."""
    polled_ms = task.started_ms if task.poll_count and task.node.type == "SIMPLE" else 0
    return polled_ms or task.ended_ms or task.updated_ms


def rows(executions_: Iterable[ExecutionState]) -> Iterator[TaskState]:
    """Yield the task records of executions, those too that a restart or a rerun has taken out."""
    for execution in executions_:
        yield from list(execution.dropped)
        yield from list(execution.tasks)


def _shows(text: str | None, text_of: Callable[[T], str]) -> Callable[[T], bool]:
    """Tell of a record whether it shows a text anywhere, without regard to case; `*` is in all of them."""
    if not text or text == "*":
        return lambda _one: True
    wanted = text.lower()
    if any(sign in wanted for sign in "*%_"):
        matches = _like(f"*{wanted}*")
        return lambda one: matches(text_of(one))
    return lambda one: wanted in text_of(one)


def _text(execution: ExecutionState) -> str:
    """Write what is searched of an execution; that of one that has ended is kept, because it stays as it is."""
    if execution.status not in TERMINAL_WORKFLOW:
        return _lower(summary(execution))
    stamp = (execution.status, execution.ended_ms, execution.reason, id(execution.output), len(execution.failed_refs))
    if execution.searched is None or execution.searched[0] != stamp:
        execution.searched = stamp, _lower(summary(execution))
    return execution.searched[1]


def _task_text(task: TaskState) -> str:
    return _lower(task_summary(task))


def _lower(document: JsonObject) -> str:
    return json.dumps(document, ensure_ascii=False).lower()


def _like(pattern: str) -> Callable[[str], bool]:
    """Match as SQL's LIKE does: `*` and `%` are any text, `_` is one sign, case of ASCII letters does not matter."""
    signs = {"*": ".*", "%": ".*", "_": "."}
    compiled = re.compile("".join(signs.get(sign, re.escape(sign)) for sign in pattern), re.IGNORECASE | re.DOTALL)
    return lambda text: compiled.fullmatch(text) is not None


def _snake(name: str) -> str:
    return re.sub(r"\B([A-Z])", r"_\1", name).lower()


def _ordered(found: list[T], sort: str, columns: Mapping[str, Callable[[T], Any]]) -> list[T]:
    for rule in reversed(sort.split("|")):  # a later, stable sort outranks an earlier one
        column, _, direction = rule.partition(":")
        column = _snake(column)
        if direction.upper() in ("ASC", "DESC") and column in _ANYWHERE and column not in columns:
            raise _no_such(column)
        if column in columns and direction.upper() in ("ASC", "DESC"):
            is_backwards = direction.upper() == "DESC"
            if is_backwards and column.endswith("_time") and any(map(columns[column], found)):
                found = found[::-1]  # what was made at one instant of a virtual clock was made one after the other
            found = sorted(found, key=_ranked(columns[column]), reverse=is_backwards)
    return found


def _no_such(column: str) -> Illegal:
    return Illegal(
        f"Cannot prepare statement for query: [SQLITE_ERROR] SQL error or missing database (no such column: {column})"
    )


def _ranked(read: Callable[[T], Any]) -> Callable[[T], Any]:
    """Make a key to sort by; what a record has not comes first, as in SQL."""
    return lambda one: "" if (own := read(one)) is None else own


def _tests(query: str, columns: Mapping[str, Callable[[T], Any]]) -> list[Callable[[T], bool]]:
    if not query:
        return []
    made = [_test(condition, columns) for condition in query.split(" AND ")]
    return [test for test in made if test is not None]


def _test(condition: str, columns: Mapping[str, Callable[[T], Any]]) -> Callable[[T], bool] | None:
    found = _CONDITION.search(condition)
    if found is None:
        raise Invalid(f"Incorrectly formatted query string: {condition}")
    column, operator = _snake(found[1]), found[2]
    values: list[str | int] = list(re.sub("[\"'()]", "", found[3]).split(","))
    if column.endswith("_time"):
        values[0] = _instant(str(values[0]))
    if column not in _ANYWHERE and column not in columns:
        return None
    if column not in columns:
        raise _no_such(column)
    read, value = columns[column], values[0]
    if operator == "<":
        return lambda record: (own := read(record)) is not None and own < value
    if operator == ">":
        return lambda record: (own := read(record)) is not None and own > value
    if operator == "=" and len(values) > 1:
        raise Illegal(f"{column} = takes one value, not {len(values)}")
    if isinstance(value, str) and "*" in value and len(values) == 1:
        matches = _like(value)
        return lambda record: (own := read(record)) is not None and matches(own)
    return lambda record: read(record) in values


def _instant(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise Illegal(f'For input string: "{text}"')
    return int(text)


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
    if execution.ended_ms:  # also of one that goes on again
        document["endTime"] = _iso(execution.ended_ms)
    if execution.correlation_id is not None:
        document["correlationId"] = execution.correlation_id
    if execution.reason is not None:
        document["reasonForIncompletion"] = execution.reason
    if execution.event is not None:
        document["event"] = execution.event
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
        "output": java_text(output_of(task)),
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

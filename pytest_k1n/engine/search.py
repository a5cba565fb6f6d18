"""Search over executions: the subset of queries that Conductor understands on SQL (conductor.md 5.3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Final

from pytest_k1n.engine.java_text import java_text
from pytest_k1n.engine.problems import Invalid
from pytest_k1n.engine.state import ExecutionState, JsonObject
from pytest_k1n.engine.status import TERMINAL_WORKFLOW

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


def executions(every: Iterable[ExecutionState], query: str, free_text: str | None) -> list[ExecutionState]:
    """Find executions by `field (=|<|>|IN) value` joined by ` AND `. Raises Invalid."""
    tests = [_test(clause) for clause in re.split(r"\s+AND\s+", query.strip())] if query.strip() else []
    if free_text and free_text != "*":
        tests.append(lambda execution: execution.workflow_id in free_text)
    return [execution for execution in every if all(test(execution) for test in tests)]


def _test(clause: str) -> Callable[[ExecutionState], bool]:
    found = _CLAUSE.fullmatch(clause)
    if found is None or found[1] not in _FIELDS:
        raise Invalid(f"Incorrectly formatted query string: {clause}")
    read, operator, value = _FIELDS[found[1]], found[2].upper(), found[3]
    if operator == "IN":
        wanted = {_unquoted(part) for part in value.strip("()").split(",")}
        return lambda execution: str(read(execution)) in wanted
    plain = _unquoted(value)
    if operator == "=":
        return lambda execution: fnmatchcase(str(read(execution)), plain)
    if not plain.lstrip("-").isdigit():
        raise Invalid(f"Incorrectly formatted query string: {clause}")
    bound = int(plain)
    if operator == "<":
        return lambda execution: isinstance(at := read(execution), int) and at < bound
    return lambda execution: isinstance(at := read(execution), int) and at > bound


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


def _iso(epoch_ms: int) -> str:
    moment = datetime.fromtimestamp(epoch_ms / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{epoch_ms % 1000:03d}Z"

"""Constraints on definitions and requests: Conductor's, in its words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from pytest_k1n.engine import expressions, waits
from pytest_k1n.engine.problems import Invalid
from pytest_k1n.engine.refusals import refusals, walk
from pytest_k1n.engine.state import JsonObject

Violation = dict[str, Any]
_MESSAGE: Final = "Validation failed, check below errors for detail."


def check_workflow(document: JsonObject, path: str) -> None:
    """Check a normalised workflow definition. Raises Invalid with every violation."""
    found = list(_workflow_violations(document, path))
    if found:
        raise Invalid(_MESSAGE, violations=tuple(found))
    refused = [text for task in walk(document["tasks"]) for text in refusals(task)]
    if refused:
        raise Invalid("The embedded engine refuses this definition: " + "; ".join(refused))


def check_task_definition(document: JsonObject, path: str) -> list[Violation]:
    """List what is wrong with a normalised task definition."""
    name = document.get("name")
    found: list[Violation] = []
    if not name:
        found.append(_violation(f"{path}.name", "TaskDef name cannot be null or empty", name))
    for field, least, message in _LEAST:
        value = document.get(field)
        if isinstance(value, int) and value < least:
            found.append(_violation(f"{path}.{field}", message.format(field=field, value=value), value))
    response, timeout = document["responseTimeoutSeconds"], document["timeoutSeconds"]
    total = document["totalTimeoutSeconds"]
    if not found and timeout > 0 and response > timeout:
        found.append(
            _violation(
                path, f"TaskDef: {name} responseTimeoutSeconds: {response} must be less than timeoutSeconds: {timeout}"
            )
        )
    if not found and total > 0 and timeout > total:
        found.append(
            _violation(
                path,
                f"TaskDef: {name} timeoutSeconds: {timeout} must be less than or equal to totalTimeoutSeconds: {total}",
            )
        )
    return found


def demand(violations: list[Violation]) -> None:
    """Raise Invalid if there are violations."""
    if violations:
        raise Invalid(_MESSAGE, violations=tuple(violations))


_LEAST: Final = (
    ("retryCount", 0, "TaskDef retryCount: 0 must be >= 0"),
    ("responseTimeoutSeconds", 1, "TaskDef responseTimeoutSeconds: {value} should be minimum 1 second"),
    ("backoffScaleFactor", 1, "Backoff scale factor. Applicable for LINEAR_BACKOFF"),
)


def _workflow_violations(document: JsonObject, path: str) -> Iterator[Violation]:
    if not document["tasks"]:
        yield _violation(f"{path}.tasks", "WorkflowTask list cannot be empty")
    if not document.get("name"):
        yield _violation(f"{path}.name", "WorkflowDef name cannot be null or empty", document.get("name"))
    if document["schemaVersion"] != 2:
        yield _violation(
            f"{path}.schemaVersion", "workflowDef schemaVersion: 2 is only supported", document["schemaVersion"]
        )
    for index, task in enumerate(document["tasks"]):
        yield from _named(task, f"{path}.tasks[{index}]")
        yield from _typed(task, f"{path}.tasks[{index}]")
    every = list(walk(document["tasks"]))
    unnamed = [task for task in every if not (task.get("taskReferenceName") and task.get("name"))]
    for task in unnamed:
        if not any(task is each for each in document["tasks"]):
            yield from _named(task, f"{path}.tasks")
    if unnamed:
        return
    yield from _references(document, every, path)


def _named(task: JsonObject, path: str) -> Iterator[Violation]:
    if not task.get("name"):
        yield _violation(f"{path}.name", "WorkflowTask name cannot be empty or null")
    if not task.get("taskReferenceName"):
        yield _violation(f"{path}.taskReferenceName", "WorkflowTask taskReferenceName name cannot be empty or null")


def _typed(task: JsonObject, path: str) -> Iterator[Violation]:
    check = _BY_TYPE.get(task["type"])
    if check is not None and task.get("name"):
        for message in check(task):
            yield _violation(path, message)


def _references(document: JsonObject, every: list[JsonObject], path: str) -> Iterator[Violation]:
    seen: set[str] = set()
    for task in every:
        ref = task["taskReferenceName"]
        if ref in seen:
            yield _violation(
                path,
                f"taskReferenceName: {ref} should be unique across tasks for a given workflowDefinition: "
                f"{document['name']}",
            )
        seen.add(ref)
    for task in document["tasks"]:  # of inner tasks, in branches, cases and loops, the server does not ask it
        for key, value in task["inputParameters"].items():
            for expression in expressions.references(value):
                yield from _reference(task, key, expression, seen, path)


_READABLE: Final = re.compile(r"[^\s.\[]+(?:(?:\.\.?|\.?(?=\[))(?:[^\s.\[\]]+|\*|\[[^\]]*\])*)*")


def _reference(task: JsonObject, key: str, expression: str, refs: set[str], path: str) -> Iterator[Violation]:
    if "${" in expression:
        return
    if not expression or expression != expression.strip() or expression.endswith("["):
        yield _violation(path, f"key: {key} input parameter value: {expression} is not valid")
        return
    root = re.split(r"[.\[]", expression, maxsplit=1)[0]
    if root not in refs and root not in ("workflow", "CPEWF_TASK_ID"):
        yield _violation(
            path,
            f"taskReferenceName: {root} for given task: {task['name']} input value: {key} of input parameter: "
            f"${{{expression}}} is not defined in workflow definition.",
        )


def _required(task: Mapping[str, Any], *fields: str) -> Iterator[str]:
    for field in fields:
        if not task.get(field):
            yield f"{field} field is required for taskType: {task['type']} taskName: {task['name']}"


def _decision(task: JsonObject) -> Iterator[str]:
    if not task.get("caseValueParam") and not task.get("caseExpression"):
        yield f"caseValueParam or caseExpression field is required for taskType: DECISION taskName: {task['name']}"
    yield from _cases(task)


def _switch(task: JsonObject) -> Iterator[str]:
    yield from _required(task, "evaluatorType")
    if task.get("evaluatorType"):
        yield from _required(task, "expression")
    yield from _cases(task)


def _cases(task: JsonObject) -> Iterator[str]:
    if not task["decisionCases"]:
        yield f"decisionCases should have atleast one task for taskType: {task['type']} taskName: {task['name']}"


def _dynamic_fork(task: JsonObject) -> Iterator[str]:
    inputs = task["inputParameters"]
    simple = any(inputs.get(key) for key in ("forkTaskName", "forkTaskType", "forkTaskInputs"))
    if simple or task.get("dynamicForkJoinTasksParam"):
        return
    yield from _required(task, "dynamicForkTasksParam", "dynamicForkTasksInputParamName")


def _fork(task: JsonObject) -> Iterator[str]:
    if not task["forkTasks"]:
        yield f"forkTasks should have atleast one task for taskType: FORK_JOIN taskName: {task['name']}"


def _terminate(task: JsonObject) -> Iterator[str]:
    status = task["inputParameters"].get("terminationStatus")
    if status not in ("COMPLETED", "FAILED", "TERMINATED"):
        yield (
            "terminate task must have an terminationStatus parameter and must be set to COMPLETED or FAILED, "
            f"taskName: {task['name']}"
        )
    if task["optional"]:
        yield f"terminate task cannot be optional, taskName: {task['name']}"


def _wait(task: JsonObject) -> Iterator[str]:
    duration, until = task["inputParameters"].get("duration"), task["inputParameters"].get("until")
    if duration and until:
        yield "Both 'duration' and 'until' specified. Please provide only one input"
    elif duration and "${" not in str(duration):
        try:
            waits.duration_s(duration if isinstance(duration, str) else "")
        except ValueError:
            yield "Either date or duration is passed as null "
    elif until and "${" not in str(until):
        try:
            waits.instant_ms(str(until))
        except ValueError:
            yield "Unable to parse date "


def _http(task: JsonObject) -> Iterator[str]:
    inputs = task["inputParameters"]
    if not inputs.get("http_request") and not inputs.get("uri"):
        yield (
            "inputParameters.http_request or inputParameters.uri field is required for "
            f"taskType: HTTP taskName: {task['name']}"
        )


def _loop(task: JsonObject) -> Iterator[str]:
    if task.get("loopCondition") is None:  # an empty one will do: items need no condition
        yield f"loopCondition field is required for taskType: DO_WHILE taskName: {task['name']}"
    yield from _required(task, "loopOver")


def _jq(task: JsonObject) -> Iterator[str]:
    if not task["inputParameters"].get("queryExpression"):
        yield (
            "inputParameters.queryExpression field is required for "
            f"taskType: JSON_JQ_TRANSFORM taskName: {task['name']}"
        )


_BY_TYPE: Final[dict[str, Callable[[JsonObject], Iterator[str]]]] = {
    "DECISION": _decision,
    "SWITCH": _switch,
    "DO_WHILE": _loop,
    "DYNAMIC": lambda task: _required(task, "dynamicTaskNameParam"),
    "FORK_JOIN_DYNAMIC": _dynamic_fork,
    "FORK_JOIN": _fork,
    "TERMINATE": _terminate,
    "WAIT": _wait,
    "EVENT": lambda task: _required(task, "sink"),
    "HTTP": _http,
    "JSON_JQ_TRANSFORM": _jq,
    "SUB_WORKFLOW": lambda task: (
        f"subWorkflowParam field is required for taskType: SUB_WORKFLOW taskName: {task['name']}"
        for _ in range(task.get("subWorkflowParam") is None)
    ),
}


def _violation(path: str, message: str, value: Any = None) -> Violation:
    found: Violation = {"path": path, "message": message}
    if value is not None:
        found["invalidValue"] = str(value)
    return found

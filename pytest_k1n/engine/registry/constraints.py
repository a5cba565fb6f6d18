"""Constraints on definitions and requests: Conductor's, in its words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from typing import Final

from pytest_k1n.engine.language import expressions, jsonpath
from pytest_k1n.engine.problems import Invalid
from pytest_k1n.engine.registry.refusals import refusals, walk
from pytest_k1n.engine.registry.taskconstraints import InputTemplate, Violation, no_template, task_violations, violation
from pytest_k1n.engine.values import JsonObject

_MESSAGE: Final = "Validation failed, check below errors for detail."


def demand_sound(document: JsonObject, path: str, template_of: InputTemplate = no_template) -> None:
    """Check a normalised workflow definition as the server does. Raises Invalid with every violation."""
    found = list(_workflow_violations(document, path, template_of))
    if found:
        raise Invalid(_MESSAGE, violations=tuple(found))


def check_workflow(document: JsonObject, path: str, template_of: InputTemplate = no_template) -> None:
    """Check it as the server does, and for what this engine cannot run. Raises Invalid."""
    demand_sound(document, path, template_of)
    refused = [text for task in walk(document["tasks"]) for text in refusals(task)]
    if refused:
        raise Invalid("The embedded engine refuses this definition: " + "; ".join(refused))


def check_task_definition(document: JsonObject, path: str) -> list[Violation]:
    """List what is wrong with a normalised task definition."""
    name = document.get("name")
    found: list[Violation] = []
    if not name:
        found.append(violation(f"{path}.name", "TaskDef name cannot be null or empty", name))
    for field, least, message in _LEAST:
        value = document.get(field)
        if isinstance(value, int) and value < least:
            found.append(violation(f"{path}.{field}", message.format(field=field, value=value), value))
    response, timeout = document["responseTimeoutSeconds"], document["timeoutSeconds"]
    total = document["totalTimeoutSeconds"]
    is_plausible = not found
    if is_plausible and timeout > 0 and response > timeout:
        found.append(
            violation(
                path, f"TaskDef: {name} responseTimeoutSeconds: {response} must be less than timeoutSeconds: {timeout}"
            )
        )
    if is_plausible and total > 0 and timeout > total:
        found.append(
            violation(
                path,
                f"TaskDef: {name} timeoutSeconds: {timeout} must be less than or equal to totalTimeoutSeconds: {total}",
            )
        )
    return found


def demand(violations: list[Violation]) -> None:
    """Raise Invalid if there are violations."""
    if violations:
        raise Invalid(_MESSAGE, violations=tuple(violations))


_FILTER: Final = re.compile(r"\[\?\(.*?\)\s*\]", re.DOTALL)
_FILTER_END: Final = re.compile(r"\)\s*\]")
_SUBSCRIPT: Final = re.compile(
    r"""\[\s*(?:\*|-?\d+(?:\s*,\s*-?\d+)*|-?\d+:-?\d*|:-?\d+|'[^']*'(?:\s*,\s*'[^']*')*|"[^"]*"(?:\s*,\s*"[^"]*")*)\s*\]"""
)
_UNREADABLE: Final = re.compile(r" |\.\.\.|\.$|\[(?!$)")
"""What the server's JSONPath cannot compile once the subscripts are gone (measured on 3.32.1): a blank, three dots, a
dot at the end, a subscript that is none. It takes tabs, line breaks, blanks behind a path, and a bracket that opens at
the very end."""
KNOWN_ROOTS: Final = ("workflow", "CPEWF_TASK_ID", "NETFLIX_ENV", "NETFLIX_STACK")
_LEAST: Final = (
    *(
        (field, 0, f"TaskDef {field}: 0 must be >= 0")
        for field in (
            "retryCount", "pollTimeoutSeconds", "maxRetryDelaySeconds", "backoffJitterMs", "totalTimeoutSeconds",
        )
    ),
    ("responseTimeoutSeconds", 1, "TaskDef responseTimeoutSeconds: {value} should be minimum 1 second"),
    ("backoffScaleFactor", 1, "Backoff scale factor. Applicable for LINEAR_BACKOFF"),
)  # fmt: skip


def _workflow_violations(document: JsonObject, path: str, template_of: InputTemplate) -> Iterator[Violation]:
    if not document["tasks"]:
        yield violation(f"{path}.tasks", "WorkflowTask list cannot be empty")
    if not document.get("name"):
        yield violation(f"{path}.name", "WorkflowDef name cannot be null or empty", document.get("name"))
    if document["schemaVersion"] != 2:
        yield violation(
            f"{path}.schemaVersion", "workflowDef schemaVersion: 2 is only supported", document["schemaVersion"]
        )
    for index, task in enumerate(document["tasks"]):
        yield from task_violations(task, f"{path}.tasks[{index}]", template_of)
    every = list(walk(document["tasks"]))
    if all(task.get("taskReferenceName") and task.get("name") for task in every):
        yield from _references(document, every, path)


def _references(document: JsonObject, every: list[JsonObject], path: str) -> Iterator[Violation]:
    seen: set[str] = set()
    for task in every:
        ref = task["taskReferenceName"]
        if ref in seen:
            yield violation(
                path,
                f"taskReferenceName: {ref} should be unique across tasks for a given workflowDefinition: "
                f"{document['name']}",
            )
        seen.add(ref)
    for task in document["tasks"]:  # of inner tasks, in branches, cases and loops, the server does not ask it
        for _, message in misreadings(task, task["inputParameters"], seen):
            yield violation(path, message)


def misreadings(
    task: JsonObject, inputs: JsonObject, refs: Set[str], path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Check every expression of a map, a list's under the list's key and an inner map's under its own keys.

    Yields the path of the text in the map, and what the server says of it.
    """
    for key, value in inputs.items():
        parts = [((*path, key, index), part) for index, part in enumerate(value)] if isinstance(value, list) else []
        for here, part in parts or [((*path, key), value)]:
            if isinstance(part, dict):
                yield from misreadings(task, part, refs, here)
            elif isinstance(part, str):
                for expression in expressions.references(part):
                    if message := _misread(task, key, part, expression, refs):
                        yield here, message


def _without_filters(expression: str) -> str:
    """Put a `~` where each filter stands; what opens behind the last end of one is not looked through for another."""
    end = max((found.end() for found in _FILTER_END.finditer(expression)), default=0)
    return _FILTER.sub("~", expression[:end]) + expression[end:]


def _misread(task: JsonObject, key: str, text: str, expression: str, refs: Set[str]) -> str:
    if "${" in expression:
        return ""
    plain = _SUBSCRIPT.sub("~", _without_filters(expression.rstrip(" ") or expression))
    are_read = all(jsonpath.compiles(expression, found.start()) for found in _FILTER.finditer(expression))
    if not expression or _UNREADABLE.search(plain) or not are_read:
        return f"key: {key} input parameter value: {expression} is not valid"
    root = expression.partition(".")[0]
    if root in refs or root in KNOWN_ROOTS:
        return ""
    return (
        f"taskReferenceName: {root} for given task: {task['name']} input value: {key} of input parameter: "
        f"{text} is not defined in workflow definition."
    )

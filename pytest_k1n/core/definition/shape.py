"""What of a definition decides which of its ends depend on each other: nesting, JOINs, the source of its output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

Document = Mapping[str, Any]
JOINS: Final = ("JOIN", "EXCLUSIVE_JOIN")


def every_task(document: Any) -> Iterator[Document]:
    """Find all workflow tasks in a definition, nested ones included."""
    if isinstance(document, Mapping):
        if "taskReferenceName" in document:
            yield document
        for value in document.values():
            yield from every_task(value)
    elif isinstance(document, list | tuple):
        for each in document:
            yield from every_task(each)


def inline_definitions(document: Any) -> Iterator[Document]:
    """Find the definitions of sub-workflows that stand in a definition itself."""
    for task in every_task(document):
        inner = (task.get("subWorkflowParam") or {}).get("workflowDefinition")
        if isinstance(inner, Mapping):
            yield inner


def outputs_last(definition: Document) -> bool:
    """Tell whether a definition declares no output and does not end with a worker's task: the last one's is its."""
    tasks = list(definition.get("tasks") or [])
    return not definition.get("outputParameters") and bool(tasks) and tasks[-1].get("type") != "SIMPLE"


def behind_joins(tasks: Sequence[Document], after: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """Say of each JOIN which refs come after it in the definition; `after` is what comes after all of these tasks."""
    for index, task in enumerate(tasks):
        rest = after | {str(each["taskReferenceName"]) for each in every_task(list(tasks[index + 1 :]))}
        if task.get("type") in JOINS:
            yield str(task["taskReferenceName"]), rest
        cases = (task.get("decisionCases") or {}).values()
        nested = [*(task.get("forkTasks") or ()), *cases, task.get("defaultCase") or (), task.get("loopOver") or ()]
        for branch in nested:
            yield from behind_joins(branch, rest)

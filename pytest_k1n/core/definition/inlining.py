"""Definitions that carry all they need: their tasks' definitions, and the workflows that they may start."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from pytest_k1n.core.words import BRINGING_TASK_TYPES

Document = Mapping[str, Any]


def with_task_definitions(definition: Document, task_definitions: Iterable[Document]) -> dict[str, Any]:
    """Return a definition that carries the task definitions of its tasks, so that nothing need be registered.

    Those of people and of the server's own tasks count, too: their time limits and retries. A worker's task without one
    gets no retry and 30 s to respond: the server's own default, three retries a minute apart, would outlast any test.
    Raises TypeError, ValueError if the definition is not JSON.
    """
    known = {str(each["name"]): dict(each) for each in task_definitions}
    copy = cast("dict[str, Any]", json.loads(json.dumps(definition)))
    for task in tasks_in(copy.get("tasks")):
        name = str(task.get("name") or task["taskReferenceName"])
        if name in known:
            task.setdefault("taskDefinition", known[name])
        elif task.get("type", "SIMPLE") == "SIMPLE":
            task.setdefault("taskDefinition", _default_task_definition(name))
    return copy


def without_task_definitions(definition: Document) -> dict[str, Any]:
    """Return a definition whose tasks carry none. Raises TypeError, ValueError if it is not JSON."""
    copy = cast("dict[str, Any]", json.loads(json.dumps(definition)))
    for task in tasks_in(copy.get("tasks")):
        task.pop("taskDefinition", None)
    return copy


def uncarried(definitions: Iterable[Document], task_definitions: Iterable[Document]) -> dict[str, Document]:
    """Return, by name, the task definitions that no task carries where some task brings along what it is told later.

    A server looks those up by the names that it is told.
    """
    tasks = [task for each in definitions for task in tasks_in(each.get("tasks"))]
    if not any(task.get("type") in BRINGING_TASK_TYPES for task in tasks):
        return {}
    carried = {str(task.get("name") or task["taskReferenceName"]) for task in tasks}
    return {name: each for each in task_definitions if (name := str(each["name"])) not in carried}


def tasks_in(value: object) -> Iterator[dict[str, Any]]:
    """Yield every task of a definition's `tasks`, at any depth, those of inline sub-workflows included."""
    if isinstance(value, list):
        for each in value:
            yield from tasks_in(each)
    elif isinstance(value, dict):
        if "taskReferenceName" in value:
            yield value
        for key, each in value.items():
            if isinstance(each, list | dict) and key not in ("inputParameters", "taskDefinition"):
                yield from tasks_in(each)


def startable(definition: Document, known: Sequence[Document], *, is_certain: bool = False) -> list[Document]:
    """Return those of the known definitions that an execution of this one may start, at any depth.

    All of them, where only the running execution can tell; `is_certain` leaves those out that no definition names.
    """
    by_name: dict[str, list[Document]] = {}
    for document in known:
        by_name.setdefault(str(document.get("name")), []).append(document)
    found: dict[str, None] = {}
    left = [definition]
    while left:
        for name in _started_names(left.pop()):
            if name is None and not is_certain:
                return list(known)
            if name is not None and name not in found and name in by_name:
                found[name] = None
                left += by_name[name]
    return [document for name in found for document in by_name[name]]


def with_children(definition: Document, children: Sequence[Document]) -> dict[str, Any]:
    """Return a definition that carries the workflows its tasks start by name, as far as they are among `children`.

    One that starts itself, at any depth, stays a name. So does a failure workflow: Conductor knows it by name only; and
    what a START_WORKFLOW starts, if it has expressions: in the task's input Conductor takes them for the starter's.
    """
    return _embedded(definition, children, ())


def _embedded(definition: Document, children: Sequence[Document], around: tuple[str, ...]) -> dict[str, Any]:
    copy = cast("dict[str, Any]", json.loads(json.dumps(definition)))
    inside = (*around, str(copy.get("name")))
    for task in list(tasks_in(copy.get("tasks"))):
        parameter, inputs = task.get("subWorkflowParam"), task.get("inputParameters")
        if not isinstance(parameter, dict) or isinstance(parameter.get("workflowDefinition"), Mapping):
            pass
        elif (child := _chosen(parameter, children, inside)) is not None:
            parameter["workflowDefinition"] = _embedded(child, children, inside)
            parameter["version"] = child.get("version") or 1
        request = inputs.get("startWorkflow") if isinstance(inputs, Mapping) else None
        if task.get("type") != "START_WORKFLOW" or not isinstance(request, dict) or "workflowDef" in request:
            continue
        child = _chosen(request, children, inside)
        if child is not None and "${" not in json.dumps(child):
            request["workflowDef"] = _embedded(child, children, inside)
    return copy


def _chosen(asked: Mapping[str, Any], children: Sequence[Document], inside: Sequence[str]) -> Document | None:
    """Find the child that a task asks for: of a version, or the latest."""
    name, version = asked.get("name"), asked.get("version")
    if name in inside:
        return None
    found = [each for each in children if each.get("name") == name and version in (None, each.get("version") or 1)]
    return max(found, key=lambda each: each.get("version") or 1, default=None)


def names_late(task: Document) -> bool:
    """Tell whether only the running execution knows what a task of a definition brings along."""
    return any(name is None for name in _names_of(task))


def names_in(definitions: Iterable[Document]) -> set[str]:
    """Return every ref, task name and type of some definitions, those of inline sub-workflows included."""
    tasks = (task for definition in definitions for task in tasks_in(definition.get("tasks")))
    return {str(task[key]) for task in tasks for key in ("taskReferenceName", "name", "type") if task.get(key)}


def refs_in_loops(definitions: Iterable[Document]) -> set[str]:
    """Return the refs of the tasks that stand in loops: only those have a key for one round, `ref__2`."""
    tasks = (task for definition in definitions for task in tasks_in(definition.get("tasks")))
    return {str(inner["taskReferenceName"]) for task in tasks for inner in tasks_in(task.get("loopOver"))}


def _started_names(definition: Document) -> Iterator[str | None]:
    """Yield the names of the workflows that a definition starts; None for one that it does not tell."""
    if name := definition.get("failureWorkflow"):
        yield _name(name)
    for task in tasks_in(definition.get("tasks")):
        yield from _names_of(task)


def _names_of(task: Document) -> Iterator[str | None]:
    kind, parameter, inputs = task.get("type"), task.get("subWorkflowParam"), task.get("inputParameters")
    if isinstance(kind, str) and kind in BRINGING_TASK_TYPES:
        yield None
    if isinstance(parameter, Mapping):
        inline = parameter.get("workflowDefinition")
        if not isinstance(inline, Mapping):
            yield _name(parameter.get("name"))
        elif inline.get("failureWorkflow"):
            yield _name(inline["failureWorkflow"])  # its tasks are among those of the definition around it
    if kind == "START_WORKFLOW":
        request = inputs.get("startWorkflow") if isinstance(inputs, Mapping) else None
        inline = request.get("workflowDef") if isinstance(request, Mapping) else None
        if isinstance(inline, Mapping):
            yield from _started_names(inline)
        else:
            yield _name(request.get("name")) if isinstance(request, Mapping) else None


def _name(name: object) -> str | None:
    return name if isinstance(name, str) and "$" not in name else None


def _default_task_definition(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "retryCount": 0,
        "retryDelaySeconds": 0,
        "responseTimeoutSeconds": 30,
        "timeoutSeconds": 0,
        "ownerEmail": "k1n@example.com",
    }

"""Task types: unknown ones, those of other servers, old ones, and what a type needs in its input."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_k1n.core.words import INTEGRATION_TASK_TYPES, ORKES_TASK_TYPES, SYSTEM_TASK_TYPES
from pytest_k1n.lint.check import Hit
from pytest_k1n.lint.subject import WorkflowSubject
from pytest_k1n.lint.suggest import suggestion
from pytest_k1n.lint.tree import mapping, text

BUILT_IN = (SYSTEM_TASK_TYPES - {"FORK"}) | {"SIMPLE", "DYNAMIC", "USER_DEFINED"}
"""Types that every Conductor knows."""
_OLD = {"DECISION": "SWITCH", "LAMBDA": "INLINE", "EXCLUSIVE_JOIN": "JOIN behind a SWITCH"}


def foreign_type(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find types that only some servers run; all others queue such tasks for a worker."""
    for task in workflow.tasks:
        if task.type in INTEGRATION_TASK_TYPES:
            yield Hit(
                (*task.path, "type"), f"{task.type} needs a server with its AI integrations switched on", ref=task.ref
            )
        elif task.type in ORKES_TASK_TYPES:
            yield Hit(
                (*task.path, "type"), f"{task.type} is a task of Orkes, which Conductor does not have", ref=task.ref
            )


def unknown_type(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find types that Conductor does not know."""
    for task in workflow.tasks:
        if task.type not in BUILT_IN | INTEGRATION_TASK_TYPES | ORKES_TASK_TYPES:
            hint = suggestion(task.type, BUILT_IN)
            yield Hit(
                (*task.path, "type"),
                f"Conductor has no type {task.type}: it waits for a worker of that name",
                hint,
                ref=task.ref,
            )


def old_type(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find types that are deprecated."""
    for task in workflow.tasks:
        if task.type in _OLD:
            yield Hit((*task.path, "type"), f"{task.type} is deprecated", f"write {_OLD[task.type]}", ref=task.ref)


def missing_input(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find dynamic tasks whose input does not have what they read from it."""
    for task in workflow.tasks:
        if task.type == "DYNAMIC":
            keys: tuple[str, ...] = ("dynamicTaskNameParam",)
        elif task.type == "FORK_JOIN_DYNAMIC" and not any(
            task.inputs.get(key) for key in ("forkTaskName", "forkTaskType", "forkTaskInputs")
        ):
            keys = ("dynamicForkTasksParam", "dynamicForkTasksInputParamName", "dynamicForkJoinTasksParam")
        else:
            if task.type == "START_WORKFLOW" and mapping(task.inputs, "startWorkflow").get("input", "") is None:
                path = (*task.path, "inputParameters", "startWorkflow", "input")
                yield Hit(path, "is null, with which nothing can be started", "leave it out, or write {}", ref=task.ref)
            continue
        for key in keys:
            name = text(task.fields, key)
            if name and name not in task.inputs:
                hint = suggestion(name, task.inputs)
                yield Hit(
                    (*task.path, key), f"reads the input {name!r}, which the task does not have", hint, ref=task.ref
                )

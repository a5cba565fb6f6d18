"""What a release older than the current one does not know: it drops it without a word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pytest_k1n.engine.dialect import CURRENT
from pytest_k1n.lint.check import Fields, Hit, Path
from pytest_k1n.lint.subject import TaskSubject, WorkflowSubject
from pytest_k1n.lint.tree import TaskNode, mapping, text, texts

_LIMITS: Final = {
    "totalTimeoutSeconds": "only the number of retries ends the task",
    "maxRetryDelaySeconds": "a delay that grows has no cap",
    "backoffJitterMs": "retries come after exactly their delay",
}
_SHORT_FORK: Final = ("forkTaskName", "forkTaskWorkflow", "forkTaskInputs")
_ENVIRONMENT: Final = re.compile(r"\$\{workflow\.(?:secrets|env)\.[^}]*\}")


def unknown_to_workflow(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find in a workflow what the chosen release would drop."""
    release = workflow.library.conductor
    if release == CURRENT.conductor:
        return
    if workflow.fields.get("failureWorkflowVersion") is not None:
        yield _hit(release, (*workflow.path, "failureWorkflowVersion"), "the latest version is started")
    for task in workflow.tasks:
        for path, what in _of_task(task):
            yield _hit(release, (*task.path, *path), what, task.ref)
        if isinstance(own := task.fields.get("taskDefinition"), Mapping):
            yield from _limits(release, own, (*task.path, "taskDefinition"), task.ref)
    for path, each in texts(dict(workflow.fields), workflow.path, without="workflowDefinition"):
        if (found := _ENVIRONMENT.search(each)) is not None:
            yield Hit(path, f"{release} does not know {found[0]}: it is null")


def unknown_to_task(definition: TaskSubject) -> Iterator[Hit]:
    """Find in a task definition what the chosen release would drop."""
    release = definition.library.conductor
    if release != CURRENT.conductor:
        yield from _limits(release, definition.fields, definition.path, "")


def _of_task(task: TaskNode) -> Iterator[tuple[Path, str]]:
    fields, inputs = task.fields, mapping(task.fields, "inputParameters")
    if fields.get("permissive") is True:
        yield ("permissive",), "a failure of the task ends the execution at once"
    if task.type == "DO_WHILE":
        if inputs.get("keepLastN") is not None:
            yield ("inputParameters", "keepLastN"), "the tasks of all iterations are kept"
        for place in (("items",), ("inputParameters", "_items")):
            if (inputs if len(place) > 1 else fields).get(place[-1]) not in (None, "", []):
                yield place, "only the condition counts, and loopItem and loopIndex are null"
    if task.type == "JOIN" and fields.get("joinMode") is not None:
        yield ("joinMode",), "a worker of the server looks at every JOIN, now and then"
    if task.type == "FORK_JOIN_DYNAMIC" and not text(fields, "dynamicForkTasksParam"):
        for key in _SHORT_FORK:
            if inputs.get(key) is not None:
                yield ("inputParameters", key), "the execution fails: write dynamicForkTasksParam and its input"
    if task.type == "TERMINATE" and inputs.get("terminationStatus") == "TERMINATED":
        yield ("inputParameters", "terminationStatus"), "the execution is COMPLETED"
    if task.type == "SUB_WORKFLOW":
        child = mapping(fields, "subWorkflowParam")
        if child.get("priority") is not None:
            yield ("subWorkflowParam", "priority"), "the child does not get it"
        if child.get("idempotencyKey") is not None:
            yield ("subWorkflowParam", "idempotencyKey"), "a second child with this key is started"
    if task.type in ("INLINE", "SWITCH"):
        kind: Any = inputs.get("evaluatorType") if task.type == "INLINE" else fields.get("evaluatorType")
        if kind == "graaljs":
            place = ("inputParameters", "evaluatorType") if task.type == "INLINE" else ("evaluatorType",)
            yield place, "the task fails: write javascript"


def _limits(release: str, fields: Fields, path: Path, ref: str) -> Iterator[Hit]:
    for key, what in _LIMITS.items():
        if fields.get(key) not in (None, 0):
            yield _hit(release, (*path, key), what, ref)


def _hit(release: str, path: Path, what: str, ref: str = "") -> Hit:
    return Hit(path, f"{release} does not know this {path[-1]}: {what}", ref=ref)

"""What a system task is given, where the server takes the definition and cannot use the value when the task runs.

Asked of 3.32.1, value by value: a wrong Java class is a 500 to whoever starts or goes on with the execution, also where
the task is optional; what the task itself reads fails the task.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from pytest_k1n.core.java_text import is_integer
from pytest_k1n.core.model import Json
from pytest_k1n.engine.registry import shapes
from pytest_k1n.lint.check import Hit, Level, Path
from pytest_k1n.lint.misfits import kind_of, wrong_fields
from pytest_k1n.lint.subject import WorkflowSubject
from pytest_k1n.lint.tree import TaskNode, mapping, text, texts

_TEXTS: Final[Mapping[str, tuple[str, ...]]] = {
    "INLINE": ("evaluatorType", "expression"),
    "TERMINATE": ("terminationReason",),
    "JSON_JQ_TRANSFORM": ("queryExpression",),
    "FORK_JOIN_DYNAMIC": ("forkTaskName", "forkTaskType", "forkTaskWorkflow", "forkTaskWorkflowVersion"),
}
"""Inputs that Java casts to a text, by type of task."""
_HIGHEST_PRIORITY: Final = 99


def wrong_input(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find literal inputs that the task's type cannot take."""
    for task in workflow.tasks:
        for field in _TEXTS.get(task.type, ()):
            yield from _not_a_text(task, field)
        find = _BY_TYPE.get(task.type)
        if find is not None:
            yield from find(task)


def negative_version(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find versions that a start without a version does not find."""
    version = workflow.fields.get("version")
    if isinstance(version, int) and version < 0 and not workflow.is_inline:
        yield Hit((*workflow.path, "version"), f"is {version}: who starts it without saying so is answered 404")


def _not_a_text(task: TaskNode, field: str) -> Iterator[Hit]:
    value = task.inputs.get(field)
    if isinstance(value, str) or value is None or (field == "expression" and not value):  # that is missing-field
        return
    if field.startswith("fork") and not isinstance(task.inputs.get("forkTaskInputs"), list):
        return  # not read then, or not known to be
    yield _hit(task, ("inputParameters", field), f"must be a text, not {kind_of(value)}: the server answers 500")


def _loop(task: TaskNode) -> Iterator[Hit]:
    kept = task.inputs.get("keepLastN")
    if kept is None:
        return
    if not is_integer(kept):  # an expression is a text: the server does not resolve this one
        said = f"must be a whole number, not {kind_of(kept)}: the server answers 500"
        yield _hit(task, ("inputParameters", "keepLastN"), said)
    elif cast("int", kept) < 1:
        said = f"is {kept}: the server drops what it has just scheduled, and the execution stalls; at least 1"
        yield _hit(task, ("inputParameters", "keepLastN"), said)


def _jq(task: TaskNode) -> Iterator[Hit]:
    if task.inputs.get("queryExpression") == "":
        yield _failing(task, ("inputParameters", "queryExpression"), "is empty: jq cannot read it")


def _dynamic(task: TaskNode) -> Iterator[Hit]:
    key = text(task.fields, "dynamicTaskNameParam")
    if task.fields.get("dynamicTaskNameParam") == "":
        yield _hit(task, ("dynamicTaskNameParam",), "is empty: the server fails the execution")
    elif key in task.inputs and task.inputs[key] is None:
        yield _hit(task, ("inputParameters", key), "is null: the server fails the execution, for want of a task's name")


def _fork(task: TaskNode) -> Iterator[Hit]:
    """Judge what a dynamic fork makes its tasks of: a list in forkTaskInputs goes before all else."""
    inputs = task.inputs
    given, at = inputs.get("forkTaskInputs"), ("inputParameters", "forkTaskInputs")
    key = text(task.fields, "dynamicForkTasksParam")
    for field in ("dynamicForkTasksParam", "dynamicForkTasksInputParamName"):
        if task.fields.get(field) == "" and not isinstance(given, list):
            yield _hit(task, (field,), "is empty: the server fails the execution")
    if isinstance(given, list):
        yield from _branches(task, given, at)
    elif key:
        yield from _fork_of_tasks(task, key, text(task.fields, "dynamicForkTasksInputParamName"))
    elif {"forkTaskName", "forkTaskType", "forkTaskInputs"} & inputs.keys() and not _is_open(given):
        yield _hit(task, at, f"must be a list, not {kind_of(given)}: the server fails the execution")


def _branches(task: TaskNode, given: list[Json], at: Path) -> Iterator[Hit]:
    """Judge the list of inputs that becomes a branch each."""
    if None in given:
        yield _hit(task, (*at, given.index(None)), "must not be null: the server answers 500")
    is_child = task.inputs.get("forkTaskType") == "SUB_WORKFLOW" and not task.inputs.get("forkTaskWorkflow")
    if given and is_child and not any(isinstance(each, Mapping) and "subWorkflowParam" in each for each in given):
        said = "is SUB_WORKFLOW, and forkTaskWorkflow names none: the server fails the execution"
        yield _hit(task, ("inputParameters", "forkTaskType"), said, "name the workflow in forkTaskWorkflow")


def _fork_of_tasks(task: TaskNode, key: str, inputs_key: str) -> Iterator[Hit]:
    """Judge literal lists of tasks, and the literal inputs of each."""
    tasks, inputs = task.inputs.get(key), task.inputs.get(inputs_key)
    if key in task.inputs and not _is_open(tasks):
        for place in list(_unreadable(tasks, ("inputParameters", key)))[:1]:
            yield _hit(task, place, "is not what a list of tasks has there: the server fails the execution")
    if inputs_key not in task.inputs or _is_open(inputs):
        return
    at = ("inputParameters", inputs_key)
    if not isinstance(inputs, Mapping):
        yield _hit(task, at, f"must be an object, not {kind_of(inputs)}: the server fails the execution")
        return
    refs = (
        [each.get("taskReferenceName") for each in tasks if isinstance(each, Mapping)]
        if isinstance(tasks, list)
        else ()
    )
    for ref, each in inputs.items():
        if ref in refs and each is not None and not isinstance(each, Mapping):
            said = f"must be an object, not {kind_of(each)}: the server fails the execution"
            yield _hit(task, (*at, ref), said)


def _unreadable(tasks: Json, at: Path) -> Iterator[Path]:
    """Yield the places of a literal list of tasks, below their owner, that the server cannot read as one."""
    if not isinstance(tasks, list):
        yield at
        return
    for index, each in enumerate(tasks):
        if not isinstance(each, Mapping) or each.get("taskReferenceName") is None:
            yield (*at, index)
        else:
            yield from (hit.path for hit in wrong_fields(dict(each), shapes.WORKFLOW_TASK, (*at, index)))


def _sub_workflow(task: TaskNode) -> Iterator[Hit]:
    child = mapping(task.fields, "subWorkflowParam")
    inline = child.get("workflowDefinition")
    if isinstance(inline, Mapping) and inline.get("name") is None:
        at = ("subWorkflowParam", "workflowDefinition")
        yield _hit(task, at, "has no name: the server answers 500", "give it a name")
    yield from _priority(task, ("subWorkflowParam", "priority"), child.get("priority"))


def _start(task: TaskNode) -> Iterator[Hit]:
    at = ("inputParameters", "startWorkflow")
    asked = task.inputs.get("startWorkflow")
    if isinstance(asked, str) and "${" in asked:
        return
    if not isinstance(asked, Mapping):
        yield _failing(task, at, f"must be an object, not {kind_of(asked)}: the task fails")
        return
    settled = {key: value for key, value in asked.items() if not _is_open(value)}
    for each in wrong_fields(settled, shapes.START, (*task.path, *at)):
        yield _failing(task, each.path[len(task.path) :], f"{each.message}: the task fails")
    if asked.get("name") in (None, ""):
        yield _failing(task, at, "names no workflow: the task fails")
    yield from _priority(task, (*at, "priority"), asked.get("priority"))
    begun = settled.get("workflowDef")
    if isinstance(begun, Mapping) and not (begun.get("name") and begun.get("tasks")):
        yield _failing(task, (*at, "workflowDef"), "has no name, or no tasks: the task fails")


def _event(task: TaskNode) -> Iterator[Hit]:
    sink = text(task.fields, "sink")
    if "sink" in task.fields and not _is_open(sink) and sink != "conductor" and ":" not in sink:
        said = f"names no kind of queue ({sink!r:.40}): the task fails"
        yield _failing(task, ("sink",), said, "write conductor, or KIND:QUEUE")


def _priority(task: TaskNode, at: Path, value: Json) -> Iterator[Hit]:
    if isinstance(value, int) and not isinstance(value, bool) and not 0 <= value <= _HIGHEST_PRIORITY:
        yield _failing(task, at, f"is {value}, not one of 0 to {_HIGHEST_PRIORITY}: the task fails")


def _is_open(value: Any) -> bool:
    """Whether an expression has a say in a value."""
    return any("${" in each for _, each in texts(value, ()))


def _hit(task: TaskNode, at: Path, said: str, fix: str = "") -> Hit:
    return Hit((*task.path, *at), said, fix, ref=task.ref)


def _failing(task: TaskNode, at: Path, said: str, fix: str = "") -> Hit:
    """Find what fails the task only: of an optional one the execution goes on."""
    level = Level.WARNING if task.fields.get("optional") is True else None
    return Hit((*task.path, *at), said, fix, level, ref=task.ref)


_BY_TYPE: Final = {
    "DO_WHILE": _loop,
    "DYNAMIC": _dynamic,
    "EVENT": _event,
    "FORK_JOIN_DYNAMIC": _fork,
    "JSON_JQ_TRANSFORM": _jq,
    "START_WORKFLOW": _start,
    "SUB_WORKFLOW": _sub_workflow,
}

"""Keys that the server does not know, or does not read where they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_k1n.engine.registry import shapes
from pytest_k1n.lint.check import Fields, Hit, Level, Path
from pytest_k1n.lint.subject import TaskSubject, WorkflowSubject
from pytest_k1n.lint.suggest import suggestion
from pytest_k1n.lint.tree import TaskNode


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_AUDIT = _words("ownerApp ownerEmail createTime updateTime createdBy updatedBy accessPolicy")
_ELSEWHERE = _words("tags overwriteTags onStateChange metadata _comment comment $schema $id")
"""What other servers, exports and people write, and this one ignores: no author expects it to do anything."""
_WORKFLOW = frozenset(shapes.WORKFLOW.fields) | _AUDIT | _ELSEWHERE | _words(
    "workflowStatusListenerSink cacheConfig classifier eventRetryCount"
)  # fmt: skip
_TASK_DEFINITION = frozenset(shapes.TASK_DEFINITION.fields) | _AUDIT | _ELSEWHERE
_WORKFLOW_TASK = frozenset(shapes.WORKFLOW_TASK.fields) | _ELSEWHERE | _words("joinStatus cacheConfig workflowTaskType")
_SUB_WORKFLOW = frozenset(shapes.SUB_WORKFLOW.fields) | _words("priority")
_OF_TASK_DEFINITIONS = frozenset(shapes.TASK_DEFINITION.fields) - _WORKFLOW_TASK - _words("ownerEmail enforceSchema")
"""Fields of a task definition that people write on a task of a workflow, where the server drops them."""

_BY_TYPE: Mapping[str, frozenset[str]] = {
    "loopCondition": _words("DO_WHILE"), "loopOver": _words("DO_WHILE"), "items": _words("DO_WHILE"),
    "joinOn": _words("JOIN EXCLUSIVE_JOIN"), "joinMode": _words("JOIN"),
    "defaultExclusiveJoinTask": _words("EXCLUSIVE_JOIN"), "forkTasks": _words("FORK_JOIN"),
    "decisionCases": _words("SWITCH DECISION"), "defaultCase": _words("SWITCH DECISION"),
    "caseValueParam": _words("DECISION"), "caseExpression": _words("DECISION"),
    "dynamicForkTasksParam": _words("FORK_JOIN_DYNAMIC"), "dynamicForkTasksInputParamName": _words("FORK_JOIN_DYNAMIC"),
    "dynamicForkJoinTasksParam": _words("FORK_JOIN_DYNAMIC"), "dynamicTaskNameParam": _words("DYNAMIC"),
    "sink": _words("EVENT"), "subWorkflowParam": _words("SUB_WORKFLOW START_WORKFLOW"),
}  # fmt: skip
"""Which types read a field; of one that is not here, nothing is said."""
_HOLDS_TASKS = _words("loopOver forkTasks decisionCases defaultCase")
_MOST = 50


def unknown_key(subject: WorkflowSubject | TaskSubject) -> Iterator[Hit]:
    """Find keys that resemble one of Conductor's."""
    for path, key, known, ref in _unknown(subject):
        if hint := suggestion(key, known, 0.8):
            yield Hit((*path, key), f"Conductor has no {key}, and ignores it", hint, ref=ref)


def foreign_key(subject: WorkflowSubject | TaskSubject) -> Iterator[Hit]:
    """Find keys that resemble none."""
    for path, key, known, ref in _unknown(subject):
        if not suggestion(key, known, 0.8):
            yield Hit((*path, key), f"Conductor has no {key}, and ignores it", ref=ref)


def key_of_task_definition(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find fields of task definitions on tasks of a workflow."""
    for task in workflow.tasks:
        for key in task.fields:
            if key in _OF_TASK_DEFINITIONS:
                yield Hit((*task.path, key), f"{key} on a task of a workflow is ignored", ref=task.ref)


def key_of_other_type(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find fields that a task's type does not read."""
    for task in workflow.tasks:
        for key, types in _BY_TYPE.items():
            value = task.fields.get(key)
            if not value or task.type in types:
                continue
            if key in _HOLDS_TASKS:
                yield Hit(
                    (*task.path, key), f"a {task.type} does not run what is in {key}", level=Level.WARNING, ref=task.ref
                )
            else:
                yield Hit((*task.path, key), f"a {task.type} does not read {key}", ref=task.ref)


def script_keys_outside(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find an INLINE's script beside its inputParameters instead of in them."""
    for task in workflow.tasks:
        if task.type == "INLINE" and not task.inputs.get("expression"):
            where = (*task.path, "expression") if task.fields.get("expression") else task.path
            yield Hit(where, "has no expression in its inputParameters", ref=task.ref)


def _unknown(subject: WorkflowSubject | TaskSubject) -> Iterator[tuple[Path, str, frozenset[str], str]]:
    if isinstance(subject, TaskSubject):
        yield from _keys(subject.fields, subject.path, _TASK_DEFINITION, "")
        return
    yield from _keys(subject.fields, subject.path, _WORKFLOW, "")
    for task in subject.tasks:
        yield from _of_task(task)


def _of_task(task: TaskNode) -> Iterator[tuple[Path, str, frozenset[str], str]]:
    for path, key, known, ref in _keys(task.fields, task.path, _WORKFLOW_TASK, task.ref):
        if key not in _OF_TASK_DEFINITIONS:  # said by another check
            yield path, key, known, ref
    for key, known in (("subWorkflowParam", _SUB_WORKFLOW), ("taskDefinition", _TASK_DEFINITION)):
        inner = task.fields.get(key)
        if isinstance(inner, Mapping):
            yield from _keys(inner, (*task.path, key), known, task.ref)


def _keys(
    fields: Fields, path: Path, known: frozenset[str], ref: str
) -> Iterator[tuple[Path, str, frozenset[str], str]]:
    unknown = [key for key, value in fields.items() if key not in known and value is not None]
    yield from ((path, key, known, ref) for key in unknown[:_MOST])

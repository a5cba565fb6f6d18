"""Sub-workflows: starting a child for its task, and telling the parent how it ended."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_k1n.core.words import FAILURE_WORKFLOW
from pytest_k1n.engine.decide.mapping import child_priority
from pytest_k1n.engine.definition import Definition
from pytest_k1n.engine.ids import child_id
from pytest_k1n.engine.problems import Illegal, Problem, Unknown
from pytest_k1n.engine.registry.catalogue import MissingChild
from pytest_k1n.engine.runtime.ports import Parent
from pytest_k1n.engine.runtime.starting import MOST_PRIORITY
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import (
    CANCELED,
    COMPLETED,
    FAILED,
    IN_PROGRESS,
    SCHEDULED,
    TERMINAL_WORKFLOW,
    TERMINATED,
    TIMED_OUT,
)
from pytest_k1n.engine.values import JsonObject

_TASK_STATUS = {COMPLETED: COMPLETED, FAILED: FAILED, TERMINATED: CANCELED, TIMED_OUT: TIMED_OUT}


def start(engine: Parent, task: TaskState) -> None:
    """Start the child of a SUB_WORKFLOW task that waits for that; the task fails if there is no such definition."""
    if task.status != SCHEDULED:
        return
    now_ms = engine.now_ms
    task.poll_count += 1
    inline = task.input.get("subWorkflowDefinition")
    name, version = task.input.get("subWorkflowName"), task.input.get("subWorkflowVersion") or None
    if name is None and not isinstance(inline, dict):
        task.started_ms = task.updated_ms = now_ms  # a dynamic one: the server stumbles, and leaves it scheduled
        return
    try:
        definition = engine.catalogue.inline(inline) if isinstance(inline, dict) else _find(engine, str(name), version)
    except (Unknown, MissingChild) as error:
        task.started_ms = task.ended_ms = now_ms
        task.status, task.reason = FAILED, str(error)
        engine.decide(task.execution, (task,))
        return
    workflow_id = _identity(task, engine.executions)
    _begin(task, workflow_id, now_ms)
    parent = task.execution
    given = task.input.get("subWorkflowTaskToDomain")
    if definition.input_template:
        _show_template(task, definition)
    try:
        priority = child_priority(task) or 0  # nothing is inherited
        if not 0 <= priority <= MOST_PRIORITY:
            raise Illegal(f"priority MUST be between 0 and {MOST_PRIORITY} (inclusive)")
        engine.start(
            definition,
            _input(task),
            workflow_id=workflow_id,
            correlation_id=parent.correlation_id,
            domains=given if isinstance(given, dict) else parent.domains,
            priority=priority,
            parent=task,
        )
    except Problem as error:
        task.ended_ms = now_ms
        task.status, task.reason, task.sub_id, task.output = FAILED, str(error), None, {}
        engine.decide(parent, (task,))


def _find(engine: Parent, name: str, version: int | None) -> Definition:
    """Find a child's definition. Raises Unknown or MissingChild."""
    if not name.strip():
        raise Unknown("Workflow name must be specified when searching for a definition")
    return engine.find(name, version)


def tell_parent(engine: Parent, child: ExecutionState) -> None:
    """End the task that waits for an ended child, and go on with its execution.

    As on the server the child has the last word, also where a client ended the task before; but not where an update
    of the task did not name it.
    """
    parent = engine.executions.get(child.parent_id or "")
    if parent is None or child.status not in TERMINAL_WORKFLOW:
        return
    task = child.waited_by
    is_known = task is not None and parent.has(task) and task.sub_id == child.workflow_id
    if task is not None and is_known and task.status != CANCELED:  # who was ended with its parent has no say
        _take_over(task, child, engine.now_ms)
        engine.decide(parent, (task,))


def terminate(engine: Parent, child: tuple[str, str]) -> None:
    """End a child (id, reason) whose parent's task was canceled."""
    execution = engine.executions.get(child[0])
    if execution is not None and execution.status not in TERMINAL_WORKFLOW:
        engine.terminate(execution, child[1])


def _input(task: TaskState) -> JsonObject:
    """Return what a child execution starts with: its task's input, or all inputData if that is empty.

    A definition that came inline is marked in the child's input, which the parent's task does not show.
    """
    given: JsonObject = task.input.get("workflowInput") or task.input
    if isinstance(task.input.get("subWorkflowDefinition"), dict):
        return {**given, "_systemMetadata": {"dynamic": True}}
    return given


def _show_template(task: TaskState, definition: Definition) -> None:
    """Write a registered child's input template into what the parent's task shows as the child's input.

    The server fills in the very map that the task holds; of an inline definition it fills in a copy.
    """
    if isinstance(task.input.get("subWorkflowDefinition"), dict):
        return
    given = task.input.get("workflowInput")
    if given:
        task.input = {**task.input, "workflowInput": definition.with_template(given)}
    else:
        task.input = definition.with_template(task.input)


def _identity(task: TaskState, taken: Mapping[str, ExecutionState]) -> str:
    """Derive the child's id; a dead one of the same id is not reused."""
    wanted = child_id(task.execution.workflow_id, task.task_id, task.attempt)
    return wanted if wanted not in taken else child_id(wanted, task.task_id, task.attempt)


def _begin(task: TaskState, workflow_id: str, now_ms: int) -> None:
    """Note in the parent's task that its child runs."""
    task.sub_id = workflow_id
    task.output = {"subWorkflowId": workflow_id}
    task.status = IN_PROGRESS
    task.reason = None
    task.callback_s = 0
    task.started_ms = task.updated_ms = now_ms


def _take_over(task: TaskState, child: ExecutionState, now_ms: int) -> None:
    """End the parent's task as its child ended."""
    task.status = _TASK_STATUS[child.status]
    told = {key: value for key, value in child.output.items() if key != FAILURE_WORKFLOW}  # noted after the telling
    task.output = {**task.output, **told, "subWorkflowId": child.workflow_id}
    task.ended_ms = now_ms
    if task.status != COMPLETED:
        definition, why = child.definition, child.reason or "null"
        task.reason = f"Sub workflow {definition.name}.{definition.version}/{child.workflow_id} failure reason: {why}"

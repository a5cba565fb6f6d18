"""From a node of the definition to the tasks it schedules: one mapper per task type.

A mapper appends to a batch; a fork or a switch appends what is inside it too, so that everything scheduled together
gets consecutive `seq`. Inputs are resolved here: an expression sees the execution as it was before the batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pytest_k1n.core.java_text import java_text
from pytest_k1n.engine.decide import forks, switches, waits
from pytest_k1n.engine.decide.context import Broken, Context
from pytest_k1n.engine.definition import WRITTEN, Node
from pytest_k1n.engine.language.expressions import compile_template
from pytest_k1n.engine.language.javahash import as_hash_map
from pytest_k1n.engine.problems import InvalidInput
from pytest_k1n.engine.registry.wiredefaults import workflow_document
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import COMPLETED, FAILED, IN_PROGRESS
from pytest_k1n.engine.values import JsonObject
from pytest_k1n.engine.written import inputs_written

_UNREGISTERED_RESPONSE_S: Final = 3600
"""What the record of a forked task without a definition shows as its response timeout; it has none."""


class TaskGroup:
    """Tasks that are scheduled together."""

    __slots__ = ("context", "execution", "iteration", "tasks")

    def __init__(self, context: Context, execution: ExecutionState, iteration: int) -> None:
        self.context = context
        self.execution = execution
        self.iteration = iteration
        self.tasks: list[TaskState] = []

    def map(self, node: Node) -> None:
        """Append the tasks of one node. Raises InvalidInput."""
        MAPPERS.get(node.type, _worker_task)(self, node)

    def new(self, node: Node, type_: str, task_input: JsonObject | None = None) -> TaskState:
        """Append one scheduled task with its id and resolved input. Raises InvalidInput."""
        if not node.ref:
            raise InvalidInput(
                "refName passed is null.  Check the workflow execution.  For dynamic tasks, make sure "
                "referenceTaskName is set to a not null value"
            )
        iteration = self.iteration
        ref = f"{node.ref}__{iteration}" if iteration else node.ref
        task = TaskState(self.execution, node, type_, ref, iteration)
        task.scheduled_ms = self.context.now_ms
        task.input = node.resolve_input(self.execution, task) if task_input is None else task_input
        self.tasks.append(task)
        return task

    def begun(self, node: Node, type_: str, def_name: str, task_input: JsonObject | None = None) -> TaskState:
        """Append one system task that is in progress from the start."""
        task = self.new(node, type_, task_input)
        task.def_name = def_name
        task.status = IN_PROGRESS
        task.started_ms = self.context.now_ms
        return task


def _worker_task(batch: TaskGroup, node: Node) -> None:
    if node.type != "SIMPLE" and "taskDefinition" not in node.document:  # forked dynamically, and not registered
        raise InvalidInput(f"Invalid task specified. Cannot find task by name {node.name} in the task definitions")
    task = batch.new(node, node.name if node.type == "SIMPLE" else node.type)
    task.def_name = node.name
    definition = node.task_def
    if definition is not None and node.type == "SIMPLE":  # another type's record does not show it
        task.response_timeout_s = definition.response_timeout_s or _UNREGISTERED_RESPONSE_S
    task.start_delay_s = task.callback_s = node.start_delay_s


def _dynamic(batch: TaskGroup, node: Node) -> None:
    task = batch.new(node, "DYNAMIC")
    parameter = node.document["dynamicTaskNameParam"]
    name = task.input.get(parameter)
    if name is None:
        raise InvalidInput(
            "Cannot map a dynamic task based on the parameter and input. "
            f"Parameter= {parameter}, input= {java_text(as_hash_map(task.input, node.document['inputParameters']))}"
        )
    task.type = task.def_name = task.name = java_text(name)
    definition = node.task_def
    if "taskDefinition" not in node.document:  # forked dynamically, and not registered: that of its new name counts
        definition = batch.context.definitions.task_definition(task.name)
        if definition is None:
            raise InvalidInput(f"Invalid task specified.  Cannot find task by name {task.name} in the task definitions")
        task.task_def = definition
    if definition is not None:
        task.response_timeout_s = definition.response_timeout_s
    task.start_delay_s = task.callback_s = node.start_delay_s


def _async_system_task(batch: TaskGroup, node: Node) -> None:
    task = batch.new(node, node.type)
    task.def_name = node.name
    if node.type in WRITTEN:
        task.input = {**task.input, "asyncComplete": node.document["asyncComplete"]}
    if node.type == "EVENT":
        sink = node.document.get("sink")
        resolve = compile_template(sink)
        task.input["sink"] = resolve(batch.execution, task) if resolve else sink


def _sync_system_task(batch: TaskGroup, node: Node) -> None:
    batch.begun(node, node.type, node.name)


def _noop(batch: TaskGroup, node: Node) -> None:
    batch.begun(node, "NOOP", node.name, {})


def _wait(batch: TaskGroup, node: Node) -> None:
    waits.prepare(batch.begun(node, "WAIT", node.name), batch.context.now_ms)


def _switch(batch: TaskGroup, node: Node) -> None:
    task = batch.begun(node, node.type, node.type)
    context = batch.context
    chosen = switches.choose(task, context.scripts, takes_empty_case=context.dialect.takes_empty_case)
    if task.status == FAILED:
        task.ended_ms = batch.context.now_ms
    if chosen:
        batch.map(chosen[0])


def _fork(batch: TaskGroup, node: Node) -> None:
    join, is_forked_itself = node.next, batch.execution.definition.by_ref.get(node.ref) is not node
    if join is None or join.type != "JOIN" or is_forked_itself:
        raise InvalidInput("Fork task definition is not followed by a join task.  Check the blueprint")
    task = batch.begun(node, "FORK", "FORK")
    task.status = COMPLETED
    task.ended_ms = batch.context.now_ms
    for branch in node.branches:
        if not branch:
            raise Broken("Index 0 out of bounds for length 0")
        batch.map(branch[0])
    batch.map(join)


def _dynamic_fork(batch: TaskGroup, node: Node) -> None:
    join = node.next
    task = batch.begun(node, "FORK", "FORK")
    task.status = COMPLETED
    task.ended_ms = batch.context.now_ms
    branches = forks.dynamic_branches(task, batch.context.definitions)
    if join is None or join.type != "JOIN":
        raise InvalidInput("Dynamic join definition is not followed by a join task.  Check the workflow definition.")
    task.input = {
        **task.input,
        "forkedTaskDefs": [{**shown, **inputs_written(shown, branch.type)} for branch, shown in branches],
        "forkedTasks": [branch.ref for branch, _ in branches],
    }
    refs, as_given = [], forks.inputs_as_given(task)
    for branch, _ in (
        branches if task.ref not in batch.execution.latest else ()
    ):  # mapped again: only the JOIN is missing
        before = len(batch.tasks)
        batch.map(branch)
        for each in batch.tasks[before:] if as_given else ():
            each.input = {**each.input, **(as_given.get(each.ref) or {})}
        refs.append(batch.tasks[-1].node.ref)  # of a switch the first task of its case
    batch.begun(join, "JOIN", "JOIN", {**join.document["inputParameters"], "joinOn": refs})


def _join(batch: TaskGroup, node: Node) -> None:
    batch.begun(node, "JOIN", "JOIN", {"joinOn": node.join_on})


def _exclusive_join(batch: TaskGroup, node: Node) -> None:
    task_input: JsonObject = {
        "joinOn": node.join_on,
        "defaultExclusiveJoinTask": node.document.get("defaultExclusiveJoinTask") or [],
    }
    batch.begun(node, "EXCLUSIVE_JOIN", "EXCLUSIVE_JOIN", task_input)


def _sub_workflow(batch: TaskGroup, node: Node) -> None:
    task = batch.new(node, "SUB_WORKFLOW")
    task.def_name = node.name
    given = node.document.get("subWorkflowParam") or {}
    resolve = compile_template({key: given.get(key) for key in _OF_CHILD})
    values: dict[str, Any] = resolve(batch.execution, task) if resolve else given
    name = values.get("name")
    version = values.get("version")
    inline = given.get("workflowDefinition")
    if isinstance(inline, str):  # what it leads to is shown as it is
        resolve_inline = compile_template(inline)
        inline = resolve_inline(batch.execution, task) if resolve_inline else None
        version = None if isinstance(inline, dict) else version
    elif isinstance(inline, dict):
        inline = workflow_document(inline)
        name, version = inline.get("name"), None
    if name is None:
        raise Broken(
            'Cannot invoke "Object.toString()" because the return value of "java.util.Map.get(Object)" is null'
        )
    if version is None and inline is None and name:
        latest = batch.context.definitions.workflow(str(name), None)
        version = latest.version if latest is not None else None
    task.input = {
        "subWorkflowName": name,
        "subWorkflowVersion": int(version) if version not in (None, "") else None,
        "subWorkflowTaskToDomain": values.get("taskToDomain"),
        "subWorkflowDefinition": inline,
        "workflowInput": task.input,
        "idempotencyKey": values.get("idempotencyKey"),
        "idempotencyStrategy": given.get("idempotencyStrategy"),
        "priority": values.get("priority"),
    }
    if not task.execution.dialect.has_child_options:
        for name in ("idempotencyKey", "idempotencyStrategy", "priority"):
            del task.input[name]


_OF_CHILD: Final = ("name", "version", "taskToDomain", "priority", "idempotencyKey")
"""Parameters of a SUB_WORKFLOW that may be expressions."""


def child_priority(task: TaskState) -> int | None:
    """Return the priority that a SUB_WORKFLOW task asks for its child, None if it asks for none."""
    try:
        return int(task.input.get("priority") or 0) or None
    except (TypeError, ValueError):
        return None


MAPPERS: Final[dict[str, Callable[[TaskGroup, Node], None]]] = {
    "SIMPLE": _worker_task,
    "DYNAMIC": _dynamic,
    "FORK_JOIN": _fork,
    "FORK_JOIN_DYNAMIC": _dynamic_fork,
    "JOIN": _join,
    "EXCLUSIVE_JOIN": _exclusive_join,
    "SWITCH": _switch,
    "DECISION": _switch,
    "DO_WHILE": _sync_system_task,
    "SUB_WORKFLOW": _sub_workflow,
    "TERMINATE": _sync_system_task,
    "SET_VARIABLE": _sync_system_task,
    "WAIT": _wait,
    "HUMAN": _sync_system_task,
    "NOOP": _noop,
    "INLINE": _sync_system_task,
    "LAMBDA": _sync_system_task,
    "JSON_JQ_TRANSFORM": _sync_system_task,
    "HTTP": _async_system_task,
    "EVENT": _async_system_task,
    "START_WORKFLOW": _async_system_task,
    "KAFKA_PUBLISH": _async_system_task,
}
"""Every type the engine runs itself; any other is queued for a worker under its own name."""

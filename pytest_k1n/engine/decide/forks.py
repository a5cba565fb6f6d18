"""FORK_JOIN_DYNAMIC: the branches that its input describes."""

from __future__ import annotations

import re
from typing import Any, Final, cast

from pytest_k1n.core.java_text import java_cast, java_text
from pytest_k1n.engine.decide.context import Broken, Definitions
from pytest_k1n.engine.definition import Node, dynamic_node
from pytest_k1n.engine.problems import Invalid, InvalidInput, Problem
from pytest_k1n.engine.registry import shapes
from pytest_k1n.engine.registry.coercions import unreadable
from pytest_k1n.engine.registry.wiredefaults import workflow_task_document
from pytest_k1n.engine.state import TaskState
from pytest_k1n.engine.values import JsonObject

SYSTEM_TYPES: Final = frozenset(
    {
        "DECISION", "DO_WHILE", "EVENT", "EXCLUSIVE_JOIN", "FORK", "HTTP", "HUMAN", "INLINE", "JOIN",
        "JSON_JQ_TRANSFORM", "LAMBDA", "NOOP", "SET_VARIABLE", "START_WORKFLOW", "SUB_WORKFLOW", "SWITCH", "TERMINATE",
        "WAIT",
    }
)  # fmt: skip
"""What may name a branch by its type alone."""
_DEFINED_BY_NAME: Final = frozenset({"DO_WHILE", "HTTP", "INLINE", "JSON_JQ_TRANSFORM", "LAMBDA"})
"""System tasks whose mapper looks for a task definition: none can be found without a name."""


def dynamic_branches(fork: TaskState, definitions: Definitions) -> list[tuple[Node, JsonObject]]:
    """Make the nodes of a dynamic fork, each one task long, with what the fork's record shows of each.

    A task without a name is named by its type, which that record does not show. Raises InvalidInput in the server's
    words.
    """
    given, node = fork.input, fork.node
    if isinstance(given.get("forkTaskInputs"), list):  # anything else is not read at all
        documents = _same_task(fork)
    elif node.document.get("dynamicForkTasksParam"):
        documents = _listed(fork, definitions)
    else:
        documents = _joined(fork)
    for each in documents:
        _check(each, definitions)
    made = [
        (each, dynamic_node({"name": each["type"], **each}, definitions.task_definition, node.next))
        for each in documents
    ]
    return [(branch, branch.document if "name" in each else each) for each, branch in made]


def _check(task: JsonObject, definitions: Definitions) -> None:
    """Demand a name where the mapper looks a definition up, and a sub-workflow's definition. Raises InvalidInput."""
    parameter = task.get("subWorkflowParam")
    if task["type"] == "SUB_WORKFLOW" and isinstance(parameter, dict):
        name, inline = parameter.get("name"), parameter.get("workflowDefinition")
        if parameter.get("version") is None and not inline and definitions.workflow(str(name), None) is None:
            raise InvalidInput(
                f"The Task {java_text(name)} defined as a sub-workflow has no workflow definition available "
            )
    if not task.get("name") and (task["type"] in _DEFINED_BY_NAME or task["type"] not in SYSTEM_TYPES):
        raise Broken("TaskDef name cannot be null")


def _demand_definition(task: JsonObject, definitions: Definitions) -> None:
    """Demand the definition of a task whose type is null: of no type, and a worker's, then. Raises InvalidInput."""
    if definitions.task_definition(str(task.get("name"))) is None:
        raise InvalidInput(
            f"Invalid task specified. Cannot find task by name {task.get('name')} in the task definitions"
        )


def _listed(fork: TaskState, definitions: Definitions) -> list[JsonObject]:
    """Read `dynamicForkTasksParam` (a list of tasks) and `dynamicForkTasksInputParamName` (ref -> input)."""
    document = fork.node.document
    parameter = document["dynamicForkTasksParam"]
    given = fork.input.get(parameter)
    tasks = _read_tasks(given)
    if tasks is None:
        raise InvalidInput(
            f"Input '{parameter}' is invalid. Cannot deserialize a list of Workflow Tasks from '{java_text(given)}'"
        )
    inputs = fork.input.get(document.get("dynamicForkTasksInputParamName") or "")
    if not isinstance(inputs, dict):
        raise InvalidInput(
            "Input to the dynamically forked tasks is not a map -> expecting a map of K,V  "
            f"but found {java_text(inputs)}"
        )
    made = []
    for task in tasks:
        if task.get("type", "") is None:
            _demand_definition(task, definitions)
        own = inputs.get(task.get("taskReferenceName"))
        if own is not None and not isinstance(own, dict):
            raise InvalidInput(
                f"Tasks could not be dynamically forked due to invalid input: {java_cast(own, 'java.util.Map')}"
            )
        normal = workflow_task_document(task)
        if fork.execution.dialect.resolves_forked_inputs:
            normal = {**normal, "inputParameters": {**normal["inputParameters"], **(own or {})}}
        made.append(normal)
    return made


def inputs_as_given(fork: TaskState) -> JsonObject:
    """Return what is put into the inputs of branches, by ref, once these are resolved: an older release does so."""
    document = fork.node.document
    is_listed = not isinstance(fork.input.get("forkTaskInputs"), list) and document.get("dynamicForkTasksParam")
    if fork.execution.dialect.resolves_forked_inputs or not is_listed:
        return {}
    inputs: JsonObject = fork.input[document["dynamicForkTasksInputParamName"]]
    return inputs


def _read_tasks(given: Any) -> list[JsonObject] | None:
    """Read a list of tasks as the server's JSON reader does; None where it cannot."""
    if not isinstance(given, list):
        return None
    if not all(isinstance(task, dict) and task.get("taskReferenceName") for task in given):
        return None
    try:
        return [shapes.read(task, shapes.WORKFLOW_TASK) for task in given]
    except Problem:
        return None


def _joined(fork: TaskState) -> list[JsonObject]:
    """Read `dynamicForkJoinTasksParam`: `{dynamicTasks: [{taskName, referenceName, input, type}]}`."""
    parameter = java_text(fork.node.document.get("dynamicForkJoinTasksParam"))
    value = fork.input.get(parameter)
    if value is None:
        raise InvalidInput(
            f"Dynamic tasks could not be created. The value of {parameter} from task's input {java_text(fork.input)} "
            "has no dynamic tasks to be scheduled"
        )
    tasks = _read_joined(value)
    return [
        workflow_task_document(
            {
                "name": task.get("taskName"),
                "taskReferenceName": task.get("referenceName"),
                "type": task.get("type", "SIMPLE"),
                "inputParameters": task.get("input") or {},
            }
        )
        for task in tasks
    ]


def _read_joined(value: Any) -> list[JsonObject]:
    """Read `{dynamicTasks: [...]}` as the server's JSON reader does. Raises Broken in its words, InvalidInput."""
    try:
        tasks = shapes.read(value, shapes.JOINED).get("dynamicTasks", [])
    except Problem as complaint:  # of an input, not of a request
        raise Broken(unreadable(complaint), problem=Invalid) from None
    if tasks is None:
        raise Broken(
            'Cannot invoke "java.util.List.stream()" because the return value of '
            f'"{shapes.JOINED.java}.getDynamicTasks()" is null'
        )
    for task in tasks:
        if task is None:
            raise Broken(
                'Cannot invoke "com.netflix.conductor.common.metadata.workflow.DynamicForkJoinTask.getReferenceName()" '
                'because "dynamicForkJoinTask" is null'
            )
        if not task.get("taskName"):
            raise Broken("TaskDef name cannot be null")
        if not task.get("referenceName"):
            raise InvalidInput("Error scheduling tasks: one that is forked has no referenceName")
    return cast("list[JsonObject]", tasks)


def _same_task(fork: TaskState) -> list[JsonObject]:
    """Read `forkTaskName` (or a type, or a workflow) with one branch for each of `forkTaskInputs`.

    The branches of a later dynamic fork of the same execution, also of a loop's next iteration, are named after it.
    """
    given, node = fork.input, fork.node
    kind = given.get("forkTaskType")
    name = str(given.get("forkTaskName") or (kind if kind in SYSTEM_TYPES else node.ref))
    earlier = any(task.node.type == "FORK_JOIN_DYNAMIC" for task in fork.execution.tasks)
    prefix = f"_{node.ref}_{name}" if earlier else f"_{name}"
    made = []
    for index, own in enumerate(given["forkTaskInputs"]):
        if own is None:
            raise Broken(
                'Cannot invoke "com.netflix.conductor.common.metadata.workflow.WorkflowTask.setName(String)" because '
                '"forkTask" is null'
            )
        values: dict[str, Any] = own if isinstance(own, dict) else {"input": own}
        task: JsonObject = {
            **values,  # read as a task: what are fields of one become that, too
            "name": name,
            "taskReferenceName": f"{prefix}_{index}",
            "type": str(kind or "SIMPLE"),
            "inputParameters": {**values, "__index": index},
            "optional": node.optional,
        }
        if given.get("forkTaskWorkflow"):
            task["name"], task["type"] = given["forkTaskWorkflow"], "SUB_WORKFLOW"
            task["subWorkflowParam"] = {"name": given["forkTaskWorkflow"], "taskToDomain": values.get("taskToDomain")}
            version = given.get("forkTaskWorkflowVersion")
            if version is not None:
                task["subWorkflowParam"]["version"] = _version(version)  # None: the newest
        made.append(workflow_task_document(task))
    return made


def _version(given: Any) -> int | None:
    """Read a version: only a text will do, and one that is no number says nothing. Raises Broken in Java's words."""
    if not isinstance(given, str):
        raise Broken(java_cast(given, "java.lang.String"))
    return int(given) if re.fullmatch(r"[+-]?[0-9]{1,9}", given) else None

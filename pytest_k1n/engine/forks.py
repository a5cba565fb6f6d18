"""FORK_JOIN_DYNAMIC: the branches that its input describes (conductor.md 8)."""

from __future__ import annotations

from typing import Any

from pytest_k1n.engine.context import Definitions, InvalidInput
from pytest_k1n.engine.definition import Node, dynamic_node
from pytest_k1n.engine.java_text import java_text
from pytest_k1n.engine.state import JsonObject, TaskState
from pytest_k1n.engine.wiredefaults import workflow_task_document


def dynamic_branches(fork: TaskState, definitions: Definitions) -> list[Node]:
    """Make the nodes of a dynamic fork, each one task long. Raises InvalidInput with the server's words."""
    node, given = fork.node, fork.input
    if given.get("forkTaskName") is not None or given.get("forkTaskType") is not None:
        documents = _same_task(fork)
    elif node.document.get("dynamicForkTasksParam"):
        documents = _listed(fork)
    else:
        documents = _joined(fork)
    return [dynamic_node(each, definitions.task_definition(each["name"]), node.next) for each in documents]


def _listed(fork: TaskState) -> list[JsonObject]:
    """Read `dynamicForkTasksParam` (a list of tasks) and `dynamicForkTasksInputParamName` (ref -> input)."""
    document = fork.node.document
    parameter = document["dynamicForkTasksParam"]
    tasks = fork.input.get(parameter)
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise InvalidInput(
            f"Input '{parameter}' is invalid. Cannot deserialize a list of Workflow Tasks from '{java_text(tasks)}'"
        )
    inputs = fork.input.get(document.get("dynamicForkTasksInputParamName") or "")
    if not isinstance(inputs, dict):
        raise InvalidInput(
            "Input to the dynamically forked tasks is not a map -> expecting a map of K,V  "
            f"but found {java_text(inputs)}"
        )
    made = []
    for task in tasks:
        own = inputs.get(task.get("taskReferenceName"))
        if own is not None and not isinstance(own, dict):
            raise InvalidInput(
                f"Tasks could not be dynamically forked due to invalid input: class {_java_class(own)} cannot be cast "
                f"to class java.util.Map ({_java_class(own)} and java.util.Map are in module java.base of loader "
                "'bootstrap')"
            )
        normal = workflow_task_document(task)
        made.append({**normal, "inputParameters": {**normal["inputParameters"], **(own or {})}})
    return made


def _joined(fork: TaskState) -> list[JsonObject]:
    """Read `dynamicForkJoinTasksParam`: `{dynamicTasks: [{taskName, referenceName, input, type}]}`."""
    parameter = fork.node.document.get("dynamicForkJoinTasksParam") or ""
    value = fork.input.get(parameter)
    if value is None:
        raise InvalidInput(
            f"Dynamic tasks could not be created. The value of {parameter} from task's input {java_text(fork.input)} "
            "has no dynamic tasks to be scheduled"
        )
    tasks = value.get("dynamicTasks") if isinstance(value, dict) else None
    if not isinstance(tasks, list):
        raise InvalidInput(
            f"Dynamic tasks could not be created. The value of {parameter} from task's input {java_text(fork.input)} "
            "cannot be read as dynamic fork join tasks"
        )
    return [
        workflow_task_document(
            {
                "name": task.get("taskName"),
                "taskReferenceName": task.get("referenceName"),
                "type": task.get("type") or "SIMPLE",
                "inputParameters": task.get("input") or {},
            }
        )
        for task in tasks
    ]


def _same_task(fork: TaskState) -> list[JsonObject]:
    """Read `forkTaskName` (or a type, or a workflow) with one branch for each of `forkTaskInputs`."""
    given = fork.input
    inputs = given.get("forkTaskInputs")
    if inputs is None:
        raise InvalidInput(
            "Input to the dynamically forked tasks is not a map -> expecting a map of K,V  but found null"
        )
    if not isinstance(inputs, list):
        inputs = [inputs]
    name = str(given.get("forkTaskName") or given.get("forkTaskType"))
    made = []
    for index, own in enumerate(inputs):
        values: dict[str, Any] = own if isinstance(own, dict) else {"input": own}
        task: JsonObject = {
            "name": name,
            "taskReferenceName": f"_{name}_{index}",
            "type": str(given.get("forkTaskType") or "SIMPLE"),
            "inputParameters": {**values, "__index": index},
        }
        if given.get("forkTaskWorkflow"):
            task["type"] = "SUB_WORKFLOW"
            task["subWorkflowParam"] = {
                "name": given["forkTaskWorkflow"],
                "version": given.get("forkTaskWorkflowVersion"),
            }
        made.append(workflow_task_document(task))
    return made


def _java_class(value: Any) -> str:
    names = {str: "String", int: "Integer", float: "Double", bool: "Boolean"}
    kind = names.get(type(value))
    return f"java.lang.{kind}" if kind else "java.util.ArrayList"

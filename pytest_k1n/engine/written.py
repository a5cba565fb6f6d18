"""What the server's mappers write into the definition that an execution carries, when they schedule a task of it.

A HTTP or EVENT task's `asyncComplete` and sink become inputs of it, a DYNAMIC task gets the name that its input says.
Measured on 3.32.1: the definition as registered stays as it is.
"""

from __future__ import annotations

from pytest_k1n.engine.definition import Node
from pytest_k1n.engine.state import ExecutionState
from pytest_k1n.engine.values import JsonObject


def definition_document(execution: ExecutionState) -> JsonObject:
    """Write the definition as the execution shows it by now."""
    definition = execution.definition
    document = definition.document
    if definition.is_written:
        document = {**document, "tasks": [node_document(execution, node) for node in definition.tasks]}
    if execution.first_variables is not None:
        document = {**document, "variables": execution.first_variables}
    return document


def node_document(execution: ExecutionState, node: Node) -> JsonObject:
    """Write a task of a definition as the execution shows it by now."""
    if not node.is_written:
        return node.document
    document = {
        **node.document,
        "forkTasks": [_documents(execution, branch) for branch in node.branches],
        "decisionCases": {case: _documents(execution, tasks) for case, tasks in node.cases.items()},
        "defaultCase": _documents(execution, node.default_case),
        "loopOver": _documents(execution, node.body),
    }
    task = execution.plain.get(node.ref)
    if task is not None and task.node is node:
        if node.type == "DYNAMIC":
            document["name"] = task.name
        else:
            document.update(inputs_written(node.document, node.type))
    return document


def inputs_written(document: JsonObject, kind: str) -> JsonObject:
    """Return the inputs of a task's document with what its mapper adds, as the field that they are; {} for others."""
    if kind not in ("HTTP", "EVENT"):
        return {}
    added = {"asyncComplete": document["asyncComplete"]}
    if kind == "EVENT" and document.get("sink") is not None:
        added["sink"] = document["sink"]
    return {"inputParameters": {**document["inputParameters"], **added}}


def _documents(execution: ExecutionState, nodes: list[Node]) -> list[JsonObject]:
    return [node_document(execution, node) for node in nodes]

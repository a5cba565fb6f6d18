"""SWITCH and DECISION: which case is taken."""

from __future__ import annotations

from pytest_k1n.core.java_text import java_text
from pytest_k1n.engine.definition import Node
from pytest_k1n.engine.language.scripts import ScriptError, Scripts
from pytest_k1n.engine.problems import InvalidInput
from pytest_k1n.engine.state import TaskState
from pytest_k1n.engine.status import COMPLETED, FAILED


def choose(task: TaskState, scripts: Scripts, *, takes_empty_case: bool = True) -> list[Node]:
    """Evaluate a switch when it is scheduled: write the case into its input and output, return the tasks of the case.

    A script error fails the task; nothing is scheduled then. Raises InvalidInput for a DECISION's, which ends the
    execution and leaves no task.
    """
    document = task.node.document
    try:
        value = _decision(task, scripts) if task.node.type == "DECISION" else _switch(task, scripts)
    except ScriptError as error:
        task.status, task.reason = FAILED, str(error)
        return []
    chosen = task.node.cases.get(value, task.node.default_case)
    if document["type"] == "DECISION" or not takes_empty_case:
        chosen = chosen or task.node.default_case
    if document["type"] == "DECISION":  # the old type takes an empty case for none, too, and shows no other input
        task.input = {}
    task.input = {**task.input, "case": value}
    if chosen:
        task.input["hasChildren"] = "true"
    if document["type"] == "DECISION":
        task.output = {"caseOutput": [value]}
    else:
        task.output = {"evaluationResult": [value], "selectedCase": value}
    return chosen


def has_children(task: TaskState) -> bool:
    """Tell whether an ended switch leads on through its case rather than by itself."""
    return task.type in ("SWITCH", "DECISION") and "hasChildren" in task.input


def end(task: TaskState) -> bool:
    """Complete a switch that was not failed by its script."""
    task.status = COMPLETED
    return True


def _switch(task: TaskState, scripts: Scripts) -> str:
    document = task.node.document
    evaluator, expression = document.get("evaluatorType"), document.get("expression") or ""
    if evaluator == "value-param":
        return java_text(task.input.get(expression))
    if evaluator in ("javascript", "graaljs"):
        return java_text(scripts.javascript(expression, task.input))
    raise InvalidInput(f"No evaluator registered for type: {evaluator}")


def _decision(task: TaskState, scripts: Scripts) -> str:
    document = task.node.document
    if document.get("caseExpression"):
        try:
            return java_text(scripts.javascript(document["caseExpression"], task.input))
        except ScriptError as error:
            raise InvalidInput(f"Error while evaluating script: {document['caseExpression']}") from error
    return java_text(task.input.get(document.get("caseValueParam") or ""))

"""System tasks that finish inside an evaluation: what each does with its input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pytest_k1n.core.java_text import java_cast
from pytest_k1n.engine.decide import joins, switches
from pytest_k1n.engine.decide.context import Broken, Context
from pytest_k1n.engine.definition import FROM_WORKER
from pytest_k1n.engine.language import jsontext, secrets
from pytest_k1n.engine.language.javahash import as_hash_map, ordered
from pytest_k1n.engine.language.scripts import ScriptError, ScriptUnfinished
from pytest_k1n.engine.registry import refusals
from pytest_k1n.engine.state import TaskState
from pytest_k1n.engine.status import COMPLETED, FAILED, FAILED_WITH_TERMINAL_ERROR, TERMINATED

MOST_OF_VARIABLES: Final = 256 * 1024
"""Bytes of all variables of an execution as JSON, as on the server."""


def _switch(task: TaskState, _context: Context) -> bool:
    return switches.end(task)


def _exclusive_join(task: TaskState, _context: Context) -> bool:
    return joins.evaluate_exclusive(task)


def _noop(task: TaskState, _context: Context) -> bool:
    task.status = COMPLETED
    return True


def _set_variable(task: TaskState, _context: Context) -> bool:
    variables = {**task.execution.variables, **secrets.revealed(task.input)}
    if size := jsontext.excess(variables, MOST_OF_VARIABLES):
        task.status = FAILED_WITH_TERMINAL_ERROR
        task.reason = (
            f"The variables payload size: {size} of workflow: {task.execution.workflow_id} is greater than the "
            f"permissible limit: {MOST_OF_VARIABLES // 1024} kilobytes"
        )
        return True
    task.execution.variables = variables
    task.status = COMPLETED
    return True


def _terminate(task: TaskState, _context: Context) -> bool:
    status = task.input.get("terminationStatus")
    if status not in (COMPLETED, FAILED, TERMINATED):
        task.status, task.reason = FAILED, "given termination status is not valid"
        return True
    reason, output = task.input.get("terminationReason"), task.input.get("workflowOutput")
    _demand_text(task, "terminationReason", reason)
    if output is not None:
        task.output = output if isinstance(output, dict) else {"output": output}
    task.status = COMPLETED
    return True


def _inline(task: TaskState, context: Context) -> bool:
    try:
        result = _inline_result(task, context)
    except ScriptError as error:
        task.status = FAILED if isinstance(error, ScriptUnfinished) else FAILED_WITH_TERMINAL_ERROR
        task.reason, task.output = str(error), {"error": str(error)}
        return True
    task.output = {"result": ordered(result, result)}
    task.status = COMPLETED
    return True


def _demand_text(task: TaskState, name: str, value: Any) -> None:
    """Raise Broken, in Java's words, for an input that is no text: what an expression led to keeps its class."""
    if value is not None and not isinstance(value, str):
        is_referred = isinstance((task.node.document.get("inputParameters") or {}).get(name), str)
        raise Broken(java_cast(value, "java.lang.String", as_written=is_referred))


def _inline_result(task: TaskState, context: Context) -> Any:
    given = secrets.revealed(task.input)
    evaluator, expression = given.get("evaluatorType"), given.get("expression")
    if evaluator is None:
        evaluator = "javascript"
    _demand_text(task, "evaluatorType", evaluator)
    _demand_text(task, "expression", expression)
    if not expression:
        raise ScriptError(
            "Empty 'expression' in Inline task's input parameters. A non-empty String value must be provided."
        )
    if evaluator == "value-param":
        return given.get(expression)
    if evaluator in ("javascript", "graaljs"):
        return context.scripts.javascript(expression, given)
    if evaluator == "python":  # known by its name only at run time, else it is refused at registration
        raise ScriptError(f"task {task.ref} {refusals.EVALUATES_PYTHON}")
    if evaluator == "":
        raise ScriptError(
            "Empty 'evaluatorType' in INLINE task's input parameters. A non-empty String value must be provided."
        )
    raise ScriptError(f"Unknown evaluator '{evaluator}' in INLINE task.")


def _lambda(task: TaskState, context: Context) -> bool:
    given = secrets.revealed(task.input)
    body = given.get("scriptExpression")
    if not body:
        task.status = FAILED
        task.reason = (
            "Empty 'scriptExpression' in Lambda task's input parameters. A non-empty String value must be provided."
        )
        return True
    try:
        result = context.scripts.javascript(f"(function(){{{body}}})();", given)
    except ScriptError as error:
        task.status, task.reason = FAILED, str(error)
        task.output = {"error": str(error)}
        return True
    task.output = {"result": result}
    task.status = COMPLETED
    return True


def _jq(task: TaskState, context: Context) -> bool:
    given = secrets.revealed(task.input)
    query = given.get("queryExpression")
    if query is None:
        task.status, task.reason = FAILED, "Missing 'queryExpression' in input parameters"
        return True
    try:
        results = context.scripts.jq(str(query), as_hash_map(given, task.node.document.get("inputParameters")))
    except ScriptError as error:
        task.status, task.reason = FAILED, str(error)
        task.output = {"error": str(error)}
        return True
    task.output = {"result": results[0] if results else None, "resultList": results}
    task.status = COMPLETED
    return True


RUNNERS: Final[dict[str, Callable[[TaskState, Context], bool]]] = {
    "SWITCH": _switch,
    "DECISION": _switch,
    "EXCLUSIVE_JOIN": _exclusive_join,
    "NOOP": _noop,
    "SET_VARIABLE": _set_variable,
    "TERMINATE": _terminate,
    "INLINE": _inline,
    "LAMBDA": _lambda,
    "JSON_JQ_TRANSFORM": _jq,
}
"""By taskType; each tells whether it ended the task."""

STARTED_AT_ONCE: Final = frozenset({"JSON_JQ_TRANSFORM"})
"""What the server works off when it schedules it, before an evaluation goes on: a loop around it sees how it ended."""


def run(task: TaskState, context: Context) -> bool:
    """Run a task of one of these types; tell whether that has ended it."""
    if not RUNNERS[task.type](task, context):
        return False
    task.ended_ms = context.now_ms
    if task.node.type in FROM_WORKER:
        task.started_ms = context.now_ms
    return True


UNQUEUED: Final = frozenset({*RUNNERS, "JOIN", "DO_WHILE"})
"""What waits in no queue, because the decider ends it; JOIN and DO_WHILE by rules of their own."""

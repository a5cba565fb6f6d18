"""START_WORKFLOW: an execution that its task only starts."""

from __future__ import annotations

from pytest_k1n.engine.definition import Definition
from pytest_k1n.engine.problems import Illegal, Unknown
from pytest_k1n.engine.registry import shapes
from pytest_k1n.engine.registry.catalogue import MissingChild
from pytest_k1n.engine.registry.coercions import unreadable
from pytest_k1n.engine.runtime.ports import Starter
from pytest_k1n.engine.state import TaskState
from pytest_k1n.engine.status import COMPLETED, FAILED
from pytest_k1n.engine.values import JsonObject

MOST_PRIORITY = 99


def run(engine: Starter, task: TaskState) -> None:
    """Start what a task's `startWorkflow` asks for; the task fails, in the server's words, where that cannot be.

    Domains and correlation id are those of the task's own execution, unless it asks for others.
    """
    request = task.input.get("startWorkflow")
    if request is None:
        task.status, task.reason = FAILED, "Missing 'startWorkflow' in input data."
        return
    try:
        asked = shapes.read(request, shapes.START)
        problem = _problem(asked)
        if not problem and isinstance(request, dict) and request.get("input", "") is None:
            problem = "NULL input passed when starting workflow"
        if not problem and not asked["name"].strip() and asked.get("workflowDef") is None:
            problem = "Workflow name must be specified when searching for a definition"
        definition = None if problem else _definition(engine, asked)
    except Illegal as error:
        problem = f"Error reading StartWorkflowRequest. {unreadable(error)}"
    except (Unknown, MissingChild) as error:
        problem = str(error)
    if problem or definition is None:
        task.status, task.reason = FAILED, problem
        return
    try:
        started = engine.start_soon(
            definition,
            asked.get("input") or {},
            correlation_id=asked.get("correlationId") or task.execution.correlation_id,
            domains=asked.get("taskToDomain") or task.execution.domains,
            priority=asked.get("priority") or 0,
            starter=task.execution,
        )
    except Illegal as endless:
        task.status, task.reason = FAILED, endless.message
        return
    task.output = {"workflowId": started.workflow_id}
    task.status = COMPLETED


def _definition(engine: Starter, asked: JsonObject) -> Definition:
    inline = asked.get("workflowDef")
    if inline is not None:
        return engine.catalogue.inline(inline)
    return engine.find(asked["name"], asked.get("version"))


def _problem(asked: JsonObject) -> str | None:
    """Say which field of the request breaks a constraint, or None."""
    priority = asked.get("priority") or 0
    if asked.get("name") is None:
        field, why = "name", "Workflow name cannot be null or empty"
    elif priority > MOST_PRIORITY:
        field, why = "priority", f"priority: {priority} should be maximum {MOST_PRIORITY}"
    elif priority < 0:
        field, why = "priority", f"priority: {priority} should be minimum 0"
    else:
        return None
    return f"startWorkflow validation failed. '{field}' -> {why}. "

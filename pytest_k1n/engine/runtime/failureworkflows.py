"""failureWorkflow: what starts when an execution ends without success."""

from __future__ import annotations

from pytest_k1n.core.words import FAILURE_WORKFLOW
from pytest_k1n.engine.documents import inner_document
from pytest_k1n.engine.problems import Problem
from pytest_k1n.engine.registry.catalogue import MissingChild
from pytest_k1n.engine.runtime.ports import Starter
from pytest_k1n.engine.state import ExecutionState
from pytest_k1n.engine.values import JsonObject, Unstored


def start(engine: Starter, ended: ExecutionState, failed_task_id: str | None) -> None:
    """Start the failureWorkflow of an ended execution, and say so in its output."""
    name = _name(ended)
    if not name:
        return
    version = ended.definition.document.get("failureWorkflowVersion") if ended.dialect.pins_failure_workflow else None
    input_: JsonObject = {
        **ended.input,
        "workflowId": ended.workflow_id,
        "reason": ended.reason,
        "failureStatus": ended.status,
        "failedWorkflow": Unstored(inner_document(ended)),
    }
    if failed_task_id is not None:
        input_["failureTaskId"] = failed_task_id
    try:
        definition = engine.find(name, version)
        outcome = engine.start_soon(
            definition, input_, correlation_id=ended.correlation_id, domains=ended.domains, starter=ended
        ).workflow_id
    except (Problem, MissingChild) as error:
        outcome = f"Error workflow {name} failed to start.  reason: {error}"
    ended.output = {**ended.output, FAILURE_WORKFLOW: outcome}


def _name(ended: ExecutionState) -> str:
    """Name the failure workflow: `$workflow.input.KEY` reads the input, anything behind a brace finds nothing."""
    name = ended.definition.failure_workflow or ""
    if not name.startswith("$"):
        return name
    parts = name.split(".")
    return str(ended.input.get(parts[2]) or "") if len(parts) > 2 else ""

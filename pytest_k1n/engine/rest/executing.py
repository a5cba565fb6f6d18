"""POST /workflow/execute/{name}/{version}: start an execution and wait for what comes of it (conductor.md 5.3)."""

from __future__ import annotations

from pytest_k1n.engine.documents import task_document
from pytest_k1n.engine.ids import seeded_id
from pytest_k1n.engine.problems import Illegal, Invalid
from pytest_k1n.engine.rest.workflows import started
from pytest_k1n.engine.routes import Reply, Request, Route, Waiting
from pytest_k1n.engine.state import ExecutionState, JsonObject
from pytest_k1n.engine.status import OPEN_TASK, TERMINAL_WORKFLOW

WAIT_S = 10
LONGEST_WAIT_S = 3600
_STRATEGIES = ("TARGET_WORKFLOW", "BLOCKING_WORKFLOW", "BLOCKING_TASK", "BLOCKING_TASK_INPUT")


def _execute(request: Request) -> Reply | Waiting:
    version = request.number("version", 0, of=request.names)
    strategy = request.text("returnStrategy") or _STRATEGIES[0]
    if strategy not in _STRATEGIES:
        raise Illegal(
            "Method parameter 'returnStrategy': Failed to convert value of type 'java.lang.String' to required type "
            "'org.conductoross.conductor.model.WorkflowSignalReturnStrategy'"
        )
    if strategy.startswith("BLOCKING_TASK"):
        raise Invalid(f"The embedded engine does not answer {strategy}: use TARGET_WORKFLOW or BLOCKING_WORKFLOW")
    wait_s = request.number("waitForSeconds", WAIT_S) or 0
    refs = frozenset(filter(None, (request.text("waitUntilTaskRef") or "").split(",")))
    execution = started(request, named=request.names["name"], version=version or None)
    request_id = request.text("requestId") or seeded_id(request.engine.seed, f"request/{execution.workflow_id}")

    def attempt() -> Reply | None:
        blocking = _blocking(request, execution, refs)
        return None if blocking is None else Reply(payload=document(blocking, timed_out=False))

    def document(blocking: ExecutionState, *, timed_out: bool) -> JsonObject:
        shown = execution if strategy == _STRATEGIES[0] else blocking
        return {
            "responseType": strategy,
            "targetWorkflowId": execution.workflow_id,
            "targetWorkflowStatus": execution.status,
            "requestId": request_id,
            "workflowId": shown.workflow_id,
            "input": shown.input,
            "output": shown.output,
            "signalTimeout": timed_out,
            "priority": shown.priority,
            "variables": shown.variables,
            "tasks": [task_document(task) for task in shown.tasks],
            "createTime": shown.created_ms,
            "updateTime": shown.updated_ms,
            "status": shown.status,
        }

    return attempt() or Waiting(
        attempt=attempt,
        otherwise=lambda: attempt() or Reply(payload=document(execution, timed_out=True)),
        timeout_ms=max(0, min(wait_s, LONGEST_WAIT_S)) * 1000,
    )


def _blocking(request: Request, execution: ExecutionState, refs: frozenset[str]) -> ExecutionState | None:
    """Return the execution, or its sub-workflow, that goes no further without somebody outside; None while it may."""
    if execution.status in TERMINAL_WORKFLOW:
        return execution
    for task in execution.tasks:
        if task.ref in refs and task.status not in OPEN_TASK:
            return execution
        if task.status not in OPEN_TASK:
            continue
        if task.type == "WAIT" and not task.due_ms:
            return execution
        child = request.engine.executions.get(task.sub_id or "")
        if child is not None and (found := _blocking(request, child, frozenset())) is not None:
            return found if found.status not in TERMINAL_WORKFLOW else None
    return None


ROUTES = (Route("POST", "/workflow/execute/{name}/{version}", _execute),)

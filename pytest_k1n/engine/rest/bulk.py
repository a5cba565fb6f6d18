"""/workflow/bulk: one operation on up to a thousand executions."""

from __future__ import annotations

from collections.abc import Callable

from pytest_k1n.engine.documents import inner_document
from pytest_k1n.engine.operate import operations
from pytest_k1n.engine.problems import Illegal, Problem
from pytest_k1n.engine.registry import shapes
from pytest_k1n.engine.registry.constraints import demand
from pytest_k1n.engine.rest.request import Reply, Request, Route
from pytest_k1n.engine.runtime.taskresults import demand_payloads
from pytest_k1n.engine.state import ExecutionState

Operation = Callable[[Request, ExecutionState], None]
MOST = 1000
_ARCHIVE = "archiveWorkflow"
NULL_KEY = "Could not write JSON: Null key for a Map not allowed in JSON"
NONE = "WorkflowIds list cannot be null."
TOO_MANY = f"Cannot process more than {MOST} workflows. Please use multiple requests."


def _each(name: str, *operations_: Operation, flag: str = "") -> Callable[[Request], Reply]:
    """Answer a request by doing each operation on each execution; `name` is what the server's violations call it.

    `flag`: a parameter of theirs, which is looked at before any of them.
    """

    def action(request: Request) -> Reply:
        ids = _ids(request, name)
        request.flag(flag)
        errors: dict[str, str] = {}
        done = []
        for workflow_id in ids:
            for operation in operations_:
                try:
                    operation(request, request.engine.execution(workflow_id))
                except Problem as problem:
                    errors[workflow_id] = problem.message
                else:
                    done.append(workflow_id)
        return Reply(payload={"bulkErrorResults": errors, "bulkSuccessfulResults": done})

    return action


def _ids(request: Request, name: str) -> list[str]:
    """Read the ids of a body. Raises Invalid for none or too many."""
    given = shapes.read_texts(request.json())
    ids = [each for each in given if each is not None]
    if len(ids) < len(given):
        raise Illegal(f"{NULL_KEY} (use a converting NullKeySerializer?)")
    if not 0 < len(ids) <= MOST:
        demand([{"path": f"{name}.arg0", "message": TOO_MANY if ids else NONE}])
    return ids


def _search(request: Request) -> Reply:
    """Read many executions at once."""
    ids = _ids(request, "searchWorkflow")
    tasks = request.flag("includeTasks", default=True)
    errors: dict[str, str] = {}
    found = []
    for workflow_id in ids:
        try:
            found.append(inner_document(request.engine.execution(workflow_id), tasks=tasks))
        except Problem as problem:
            errors[workflow_id] = problem.message
    return Reply(payload={"bulkErrorResults": errors, "bulkSuccessfulResults": found})


def _pause(_request: Request, execution: ExecutionState) -> None:
    operations.pause(execution)


def _resume(request: Request, execution: ExecutionState) -> None:
    operations.resume(request.engine, execution)


def _retry(request: Request, execution: ExecutionState) -> None:
    demand_payloads(execution)
    operations.retry(request.engine, execution)


def _terminate(request: Request, execution: ExecutionState) -> None:
    demand_payloads(execution)
    operations.terminate(request.engine, execution, request.text("reason"))


def _remove(request: Request, execution: ExecutionState) -> None:
    operations.remove(request.engine, execution, archive=request.flag(_ARCHIVE, default=True))


def _restart(request: Request, execution: ExecutionState) -> None:
    demand_payloads(execution)
    operations.restart(request.engine, execution, latest=request.flag("useLatestDefinitions"))


ROUTES = (
    Route("POST", "/workflow/bulk/search", _search),
    Route("PUT", "/workflow/bulk/pause", _each("pauseWorkflow", _pause)),
    Route("PUT", "/workflow/bulk/resume", _each("resumeWorkflow", _resume)),
    Route("POST", "/workflow/bulk/restart", _each("restart", _restart, flag="useLatestDefinitions")),
    Route("POST", "/workflow/bulk/retry", _each("retry", _retry)),
    Route("POST", "/workflow/bulk/terminate", _each("terminate", _terminate)),
    Route("DELETE", "/workflow/bulk/remove", _each("deleteWorkflow", _remove, flag=_ARCHIVE)),
    Route("DELETE", "/workflow/bulk/terminate-remove", _each("terminateRemove", _terminate, _remove, flag=_ARCHIVE)),
)

"""/workflow/bulk: one operation on up to a thousand executions."""

from __future__ import annotations

from collections.abc import Callable

from pytest_k1n.engine import operations, shapes
from pytest_k1n.engine.problems import Invalid, Problem
from pytest_k1n.engine.routes import Reply, Request, Route
from pytest_k1n.engine.state import ExecutionState

Operation = Callable[[Request, ExecutionState], None]


def _each(operation: Operation) -> Callable[[Request], Reply]:
    def action(request: Request) -> Reply:
        ids = shapes.read_texts(shapes.parse(request.body))
        if len(ids) > 1000:
            raise Invalid("Cannot process more than 1000 workflows. Please use multiple requests.")
        errors: dict[str, str] = {}
        done = []
        for workflow_id in ids:
            try:
                operation(request, request.engine.execution(workflow_id))
            except Problem as problem:
                errors[workflow_id] = problem.message
            else:
                done.append(workflow_id)
        return Reply(payload={"bulkErrorResults": errors, "bulkSuccessfulResults": done})

    return action


def _terminate_remove(request: Request, execution: ExecutionState) -> None:
    operations.terminate(request.engine, execution, request.text("reason"))
    operations.remove(request.engine, execution)


def _remove(request: Request, execution: ExecutionState) -> None:
    operations.remove(request.engine, execution, archive=request.flag("archiveWorkflow", default=True))


def _restart(request: Request, execution: ExecutionState) -> None:
    latest = request.engine.find(execution.definition.name, None) if request.flag("useLatestDefinitions") else None
    operations.restart(request.engine, execution, latest)


ROUTES = (
    Route("PUT", "/workflow/bulk/pause", _each(lambda _request, execution: operations.pause(execution))),
    Route("PUT", "/workflow/bulk/resume", _each(lambda request, each: operations.resume(request.engine, each))),
    Route("POST", "/workflow/bulk/restart", _each(_restart)),
    Route("POST", "/workflow/bulk/retry", _each(lambda request, each: operations.retry(request.engine, each))),
    Route(
        "POST",
        "/workflow/bulk/terminate",
        _each(lambda request, each: operations.terminate(request.engine, each, request.text("reason"))),
    ),
    Route("DELETE", "/workflow/bulk/remove", _each(_remove)),
    Route("DELETE", "/workflow/bulk/terminate-remove", _each(_terminate_remove)),
)

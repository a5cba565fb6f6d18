"""/tasks/{workflow}/{status}/signal: ending whatever an execution waits for (conductor.md 5.4)."""

from __future__ import annotations

from pytest_k1n.engine import shapes
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.reports import amended
from pytest_k1n.engine.rest.tasks import result_status
from pytest_k1n.engine.routes import Reply, Request, Route
from pytest_k1n.engine.state import ExecutionState, TaskState


def _signal(request: Request) -> Reply:
    """Update the first open WAIT with the body merged into its output; fine if there is none."""
    status = result_status(request)
    output = shapes.read_map(shapes.parse(request.body))
    task = _waiting(request.engine, request.engine.execution(request.names["workflow"]))
    if task is not None:
        request.engine.update(task, amended(task, status, output))
    return Reply()


def _waiting(engine: Engine, execution: ExecutionState) -> TaskState | None:
    """Find the first open WAIT of an execution, in its sub-workflows too."""
    for task in execution.live:
        if not task.is_open:
            continue
        if task.type == "WAIT":
            return task
        child = engine.executions.get(task.sub_id or "")
        if child is not None and (found := _waiting(engine, child)) is not None:
            return found
    return None


ROUTES = (Route("POST", "/tasks/{workflow}/{status}/signal", _signal),)

"""/tasks/{workflow}/{status}/signal: ending whatever an execution waits for."""

from __future__ import annotations

from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.ids import seeded_id
from pytest_k1n.engine.problems import Unknown
from pytest_k1n.engine.registry import shapes
from pytest_k1n.engine.rest.blocking import Answer, return_strategy
from pytest_k1n.engine.rest.request import Reply, Request, Route, Waiting
from pytest_k1n.engine.rest.tasks import result_status
from pytest_k1n.engine.runtime.taskresults import amended
from pytest_k1n.engine.state import ExecutionState, TaskState

WAIT_MS = 5000
LONGEST_WAIT_MS = 3_600_000


def _signal(request: Request) -> Reply:
    """Update the first open WAIT with the body merged into its output; fine if there is none."""
    _give(request)
    return Reply()


def _signal_sync(request: Request) -> Reply | Waiting:
    """Do the same, and wait until the execution is blocked again. Raises Unknown if nothing waits for a signal."""
    strategy = return_strategy(request)
    wait_ms = request.number("timeoutMillis", WAIT_MS, java="long") or 0
    task = _give(request)
    execution = request.engine.execution(request.names["workflow"])
    if task is None:
        raise Unknown(f"Found no blocked task in workflow {execution.workflow_id} to signal")
    request_id = seeded_id(request.engine.seed, f"signal/{task.task_id}/{task.ticket}")
    answer = Answer(target=execution, strategy=strategy, request_id=request_id)
    return answer.within(request.engine, max(0, min(wait_ms, LONGEST_WAIT_MS)))


def _give(request: Request) -> TaskState | None:
    """End what an execution waits for, and return it; None if it waits for no signal. Raises Illegal, Unknown."""
    status = result_status(request)
    output = shapes.read_map(request.json())
    task = _waiting(request.engine, request.engine.execution(request.names["workflow"]))
    if task is not None:
        request.engine.update(task, amended(task, status, output))
    return task


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


ROUTES = (
    Route("POST", "/tasks/{workflow}/{status}/signal", _signal),
    Route("POST", "/tasks/{workflow}/{status}/signal/sync", _signal_sync),
)

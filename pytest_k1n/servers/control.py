"""Control executions: how soon a server looks at its JOINs, measured without any work of workers.

The plan's own JOINs are few, and each is late only as chance has it: one that is looked at every 500 ms is within
150 ms three times in ten. Twelve, whose branches the server ends by itself, are a distribution. They are in several
executions, because on a busy machine a healthy server forgets one of fifty JOINs for 5 s.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, cast

from pytest_k1n.client.api import Conductor
from pytest_k1n.client.errors import ConductorError
from pytest_k1n.core.gates.facts import ControlJoin
from pytest_k1n.core.model import Execution, Json
from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.core.wire import wire

NAME = "k1n_control"
EXECUTIONS, JOINS = 3, 4
WITHIN_S = 4.0
"""A JOIN that is open by then counts as late as it is: six at least have been seen where each takes a second."""
_LOOK_EVERY_S = 0.02
_OPEN = "RUNNING"


def control_joins(
    client: Conductor,
    *,
    correlation_id: str,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    now_ms: Callable[[], int] = lambda: round(time.time() * 1000),
) -> tuple[ControlJoin, ...]:
    """Run control executions and return their JOINs by time.

    They are started with their definition: nothing is registered. They stay on the server, as the plan's own
    executions do. Empty where the server does not run them.
    """
    deadline = clock() + WITHIN_S
    found: list[ControlJoin] = []
    try:
        open_ = [
            client.start(NAME, definition=_DEFINITION, correlation_id=f"{correlation_id}.{number}")
            for number in range(EXECUTIONS)
        ]
        while open_:
            is_late = clock() >= deadline
            for workflow_id in [*open_]:
                document = client.execution(workflow_id)
                if document.get("status") != _OPEN or is_late:
                    open_.remove(workflow_id)
                    found += joins_of(wire.execution(cast("Json", document)), now_ms=now_ms())
                    if document.get("status") == _OPEN:
                        client.terminate(workflow_id, reason="late: seen enough")
            sleep(_LOOK_EVERY_S)
    except (ConductorError, OSError, wire.WireError):
        return ()
    return tuple(sorted(found))


def joins_of(execution: Execution, *, now_ms: int) -> tuple[ControlJoin, ...]:
    """Return the JOINs of a control execution whose branches have ended; the open one as late as it is by now."""
    finals = {ref: record for (ref, _), record in execution.finals.items()}
    found: list[ControlJoin] = []
    before_ms = execution.created_ms or 0
    for number in range(JOINS):
        branches = [finals.get(ref) for ref in _branches(number)]
        ends = [each.ended_ms for each in branches if each is not None and each.ended_ms is not None]
        joined = finals.get(f"join{number}")
        if len(ends) < len(branches) or joined is None:
            break
        lag = Interval(max(ends), max(*ends, joined.ended_ms or now_ms))
        found.append(ControlJoin(lag, lag.start_ms - before_ms if before_ms else 0))
        before_ms = lag.end_ms
    return tuple(found)


def _branches(number: int) -> tuple[str, str]:
    return f"left{number}", f"right{number}"


def _task(ref: str, task_type: str, **more: object) -> Mapping[str, object]:
    return {"name": ref, "taskReferenceName": ref, "type": task_type, **more}


def _pair(number: int) -> tuple[Mapping[str, object], ...]:
    branches = [[_task(ref, "SET_VARIABLE", inputParameters={ref: number})] for ref in _branches(number)]
    return (
        _task(f"fork{number}", "FORK_JOIN", forkTasks=branches),
        _task(f"join{number}", "JOIN", joinOn=list(_branches(number))),
    )


_DEFINITION: Mapping[str, Any] = {
    "name": NAME,
    "version": 1,
    "schemaVersion": 2,
    "ownerEmail": "k1n@localhost",
    "timeoutPolicy": "ALERT_ONLY",
    "timeoutSeconds": 0,
    "tasks": [task for number in range(JOINS) for task in _pair(number)],
}

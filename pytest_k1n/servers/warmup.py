"""One execution without work on a server of our own: proof that it runs workflows, and its warm-up.

A fork of two SIMPLE tasks, their JOIN and a SET_VARIABLE touch every path that a suite uses: metadata, start, poll,
update, decide, the system task queue. All of it is removed again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from pytest_k1n.client.address import Address
from pytest_k1n.servers.errors import ServerDied, ServerStartTimeout
from pytest_k1n.servers.probe import HttpAnswer, ask, reason_of

_PAUSE_S = 0.01
_REQUEST_WITHIN_S = 30.0
"""The first request of each kind loads classes: seconds on a busy machine."""


def run_once(
    address: Address,
    *,
    name: str,
    died: Callable[[], str | None],
    deadline: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> float:
    """Run the execution under the unique `name` to COMPLETED; return the seconds it took.

    Raises ServerStartTimeout or ServerDied, naming the request that was on its way.
    """
    began = clock()
    at = "nothing was sent yet"

    def call(method: str, path: str, body: object = None) -> HttpAnswer:
        nonlocal at
        at = f"{method} {path}"
        left = deadline - clock()
        if ending := died():
            raise ServerDied("Conductor ended during its first execution.", ("exited", ending), ("at", at))
        if left <= 0:
            raise _late(at, clock() - began)
        try:
            answer = ask(address, method, path, body=body, timeout_s=min(left, _REQUEST_WITHIN_S))
        except OSError as error:
            if ending := died():
                raise ServerDied(
                    "Conductor ended during its first execution.", ("exited", ending), ("at", at)
                ) from None
            raise _late(f"{at} -> {reason_of(error)}", clock() - began) from None
        if answer.status >= 400:
            raise _late(f"{at} -> {answer.status} {answer.text[:200]}", clock() - began)
        return answer

    call("POST", "/api/metadata/taskdefs", [_task_definition(name)])
    call("PUT", "/api/metadata/workflow", [_workflow_definition(name)])
    workflow_id = call("POST", f"/api/workflow/{name}", {}).text.strip().strip('"')
    done = 0
    while True:
        if done < 2:
            tasks = call("GET", f"/api/tasks/poll/batch/{name}?workerid={name}&count=1&timeout=0").json()
            for task in tasks if isinstance(tasks, list) else []:
                result = {"workflowInstanceId": workflow_id, "taskId": task["taskId"], "status": "COMPLETED"}
                call("POST", "/api/tasks", result)
                done += 1
        else:
            execution = call("GET", f"/api/workflow/{workflow_id}?includeTasks=false").json()
            status = execution.get("status") if isinstance(execution, dict) else None
            if status == "COMPLETED":
                break
            if status != "RUNNING":
                raise _late(f"{at} -> the execution is {status}: {json.dumps(execution)[:200]}", clock() - began)
        sleep(_PAUSE_S)
    call("DELETE", f"/api/workflow/{workflow_id}/remove?archiveWorkflow=false")
    call("DELETE", f"/api/metadata/workflow/{name}/1")
    call("DELETE", f"/api/metadata/taskdefs/{name}")
    return clock() - began


def _late(at: str, after_s: float) -> ServerStartTimeout:
    return ServerStartTimeout(
        f"Conductor answered its health probe but did not run a first execution within {after_s:.1f}s.",
        ("stopped at", at),
        remedy="a longer --k1n-startup-timeout, or a look into the server's log",
    )


def _task_definition(name: str) -> dict[str, object]:
    return {
        "name": name,
        "retryCount": 0,
        "timeoutSeconds": 0,
        "responseTimeoutSeconds": 60,
        "ownerEmail": "k1n@localhost",
    }


def _workflow_definition(name: str) -> dict[str, object]:
    branches = [[{"name": name, "taskReferenceName": ref, "type": "SIMPLE"}] for ref in ("left", "right")]
    return {
        "name": name,
        "version": 1,
        "schemaVersion": 2,
        "ownerEmail": "k1n@localhost",
        "timeoutPolicy": "ALERT_ONLY",
        "timeoutSeconds": 0,
        "tasks": [
            {"name": "fork", "taskReferenceName": "fork", "type": "FORK_JOIN", "forkTasks": branches},
            {"name": "join", "taskReferenceName": "join", "type": "JOIN", "joinOn": ["left", "right"]},
            {
                "name": "mark",
                "taskReferenceName": "mark",
                "type": "SET_VARIABLE",
                "inputParameters": {"ready": True},
            },
        ],
    }

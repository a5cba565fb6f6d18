"""The part of the sweep that leaves something behind: one client's executions, definitions and handlers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from k1n_parity.sweep import NONE, Asked, P, ask

WORKER = {
    "name": f"{P}task",
    "taskReferenceName": "t",
    "type": "SIMPLE",
    "inputParameters": {"a": "${workflow.input.a}"},
}
DEFINITION: dict[str, Any] = {
    "name": f"{P}main", "version": 1, "schemaVersion": 2, "ownerEmail": "k1n@example.com",
    "tasks": [WORKER, {**WORKER, "taskReferenceName": "u"}],
}  # fmt: skip
TASK_DEFINITION = {"name": f"{P}task", "retryCount": 0, "ownerEmail": "k1n@example.com"}


def conversation() -> Iterator[Asked]:
    """What a client does to executions of its own, and what it asks of them afterwards."""
    start = {"name": f"{P}main", "input": {"a": 1}, "correlationId": f"{P}c"}
    yield ask("POST", "/workflow", start)
    yield ask("GET", "/workflow/{id}")
    yield ask("GET", "/workflow/{id}", includeTasks="false")
    yield ask("GET", "/workflow/{id}/status")
    yield ask("GET", "/workflow/{id}/status", includeOutput="true", includeVariables="true")
    yield ask("GET", "/workflow/{id}/tasks")
    yield ask("GET", "/workflow/{id}/tasks", status="SCHEDULED")
    yield ask("GET", "/workflow/{id}/tasks", status=["COMPLETED", "FAILED"])
    yield ask("GET", "/workflow/{id}/tasks", start=0, count=1)
    yield ask("GET", "/workflow/{id}/tasks", start=5, count=1)
    yield ask("GET", "/workflow/{id}/tasks", status="NONSENSE")
    yield ask("GET", f"/workflow/running/{P}main")
    yield ask("GET", f"/workflow/running/{P}main", version=1)
    yield ask("GET", f"/workflow/running/{P}main", version=2)
    yield ask("GET", f"/workflow/{P}main/correlated/{P}c")
    yield ask("GET", f"/workflow/{P}main/correlated/{P}c", includeClosed="true", includeTasks="true")
    yield ask("POST", f"/workflow/{P}main/correlated", [f"{P}c", "none"])
    yield ask("POST", f"/workflow/{P}main/correlated", [])
    yield ask("GET", "/tasks/queue/sizes", taskType=f"{P}task")
    yield ask("GET", "/tasks/queue/size", taskType=f"{P}task")
    yield ask("GET", f"/admin/task/{P}task")
    yield ask("POST", f"/tasks/queue/requeue/{P}task")
    yield ask("PUT", "/workflow/{id}/resume")
    yield ask("POST", "/workflow/{id}/retry")
    yield ask("POST", "/workflow/{id}/restart")
    yield ask("POST", "/workflow/{id}/rerun", {})
    yield ask("DELETE", "/workflow/{id}/remove")
    yield ask("PUT", "/workflow/{id}/skiptask/none")
    yield ask("PUT", "/workflow/{id}/skiptask/t")
    yield ask("PUT", "/workflow/{id}/pause")
    yield ask("PUT", "/workflow/{id}/pause")
    yield ask("PUT", "/workflow/{id}/skiptask/u")
    yield ask("GET", "/workflow/{id}/status")
    yield ask("PUT", "/workflow/{id}/resume")
    yield ask("GET", "/tasks/poll/{poll}", workerid="w1")
    yield ask("GET", "/tasks/poll/{poll}", workerid="w1")
    yield ask("GET", "/tasks/poll/batch/{poll}", workerid="w1", count=2, timeout=0)
    yield ask("GET", "/tasks/queue/polldata", taskType=f"{P}task")
    yield ask("GET", "/tasks/{task}")
    yield ask("GET", "/tasks/{task}/log")
    yield ask("POST", "/tasks/{task}/log", "a line", headers={"Content-Type": "text/plain"})
    yield ask("POST", "/tasks/{task}/log", '"quoted"')
    yield ask("GET", "/tasks/{task}/log")
    result = {"workflowInstanceId": "{id}", "taskId": "{task}"}
    yield ask("POST", "/tasks", {**result, "status": "NONSENSE"})
    yield ask("POST", "/tasks", {**result, "status": "IN_PROGRESS", "callbackAfterSeconds": 0, "outputData": {"p": 1}})
    yield ask("GET", "/tasks/{task}")
    yield ask("GET", "/tasks/poll/{poll}", workerid="w2")
    yield ask("POST", "/tasks/{id}/t/NONSENSE", {})
    yield ask("POST", "/tasks/{id}/none/COMPLETED", {})
    yield ask("POST", "/tasks/{id}/t/COMPLETED", {"b": 2}, workerid="by ref")
    yield ask("POST", "/tasks/{id}/t/COMPLETED", {"b": 3})
    yield ask("GET", "/workflow/{id}/tasks")
    yield ask("POST", "/tasks/{id}/u/FAILED/sync", {"why": "broken"})
    yield ask("GET", "/workflow/{id}")
    yield ask("PUT", "/workflow/{id}/pause")
    yield ask("DELETE", "/workflow/{id}")
    yield ask("POST", "/workflow/{id}/resetcallbacks")
    yield ask("PUT", "/workflow/decide/{id}")
    yield ask("POST", "/workflow/{id}/rerun", {"reRunFromTaskId": "nothing"})
    yield ask("POST", "/workflow/{id}/rerun", {"reRunFromTaskId": ""})
    yield ask("GET", "/workflow/{id}/status")
    yield ask("DELETE", "/workflow/{id}", reason="enough")
    yield ask("POST", "/workflow/{id}/retry")
    yield ask("GET", "/workflow/{id}/tasks")
    yield ask("DELETE", "/workflow/{id}/terminate-remove", reason="more than enough")
    yield ask("GET", "/workflow/{id}")
    yield ask("GET", "/tasks/{task}")
    yield ask("GET", "/tasks/{task}/log")
    yield from _starts()
    yield from _bulk()
    yield from _metadata()
    yield from _handlers()


def _starts() -> Iterator[Asked]:
    yield ask("POST", f"/workflow/{P}main", {"a": 2}, version=1, correlationId="c2", priority=5)
    yield ask("GET", "/workflow/{id}")
    yield ask("DELETE", "/workflow/{id}")
    yield ask("POST", f"/workflow/{P}main", {}, version=9)
    yield ask("POST", f"/workflow/{P}main", {}, version="")
    yield ask("DELETE", "/workflow/{id}")
    for fields in (
        {"version": "1"}, {"version": 9}, {"priority": 100}, {"priority": "x"}, {"input": []}, {"input": "x"},
        {"taskToDomain": []}, {"taskToDomain": {"*": 5}}, {"workflowDef": {}}, {"workflowDef": []},
        {"externalInputPayloadStoragePath": "x"}, {"idempotencyKey": "k"}, {"createdBy": 5}, {"nonsense": 1},
    ):  # fmt: skip
        yield ask("POST", "/workflow", {"name": f"{P}main", **fields})
        yield ask("DELETE", "/workflow/{id}")


def _bulk() -> Iterator[Asked]:
    yield ask("POST", "/workflow", {"name": f"{P}main"})
    one, both = ["{id}"], ["{id}", NONE, "{id}"]
    yield ask("PUT", "/workflow/bulk/pause", both)
    yield ask("PUT", "/workflow/bulk/pause", one)
    yield ask("PUT", "/workflow/bulk/resume", both)
    yield ask("PUT", "/workflow/bulk/resume", one)
    yield ask("POST", "/workflow/bulk/retry", both)
    yield ask("POST", "/workflow/bulk/restart", both)
    yield ask("DELETE", "/workflow/bulk/remove", both)
    yield ask("POST", "/workflow/bulk/search", both)
    yield ask("POST", "/workflow/bulk/search", one, includeTasks="false")
    yield ask("POST", "/workflow/bulk/terminate", both, reason="bulk")
    yield ask("POST", "/workflow/bulk/terminate", both)
    yield ask("POST", "/workflow/bulk/restart", one, useLatestDefinitions="true")
    yield ask("DELETE", "/workflow/bulk/terminate-remove", both, reason="gone")
    yield ask("DELETE", "/workflow/bulk/remove", both)
    yield ask("PUT", "/workflow/bulk/pause", [str(number) for number in range(1001)])
    yield ask("POST", "/workflow/bulk/search", [])
    yield ask("PUT", "/workflow/bulk/pause", {"a": 1})
    yield ask("PUT", "/workflow/bulk/pause", [1, True, None])


def _metadata() -> Iterator[Asked]:
    other = {**DEFINITION, "name": f"{P}versions", "tasks": [WORKER]}
    yield ask("POST", "/metadata/workflow", other)
    yield ask("POST", "/metadata/workflow", other)
    yield ask("POST", "/metadata/workflow", other, overwrite="true")
    yield ask("PUT", "/metadata/workflow", [{**other, "version": 3}, {**other, "version": 2}])
    yield ask("GET", f"/metadata/workflow/{P}versions")
    yield ask("GET", f"/metadata/workflow/{P}versions", version=2)
    yield ask("GET", f"/metadata/workflow/{P}versions", version=7)
    yield ask("GET", f"/metadata/workflow/{P}versions/versions")
    yield ask("DELETE", f"/metadata/workflow/{P}versions/3")
    yield ask("DELETE", f"/metadata/workflow/{P}versions/3")
    yield ask("GET", f"/metadata/workflow/{P}versions")
    for fields in (
        {"name": ""}, {"name": None}, {"name": "a/b"}, {"tasks": []}, {"tasks": None}, {"tasks": {}}, {"version": 0},
        {"version": -1}, {"schemaVersion": 1}, {"schemaVersion": 3}, {"timeoutSeconds": -1}, {"ownerEmail": "x"},
        {"ownerEmail": ""}, {"timeoutPolicy": "NONE"}, {"failureWorkflow": 5}, {"restartable": "x"},
        {"inputParameters": "x"}, {"outputParameters": []}, {"tasks": [WORKER, WORKER]}, {"tasks": [{}]},
        {"tasks": [{**WORKER, "type": "NONSENSE"}]}, {"tasks": [{**WORKER, "taskReferenceName": ""}]},
        {"tasks": [{**WORKER, "name": ""}]}, {"tasks": [{**WORKER, "type": ""}]}, {"tasks": [{**WORKER, "type": None}]},
        {"tasks": [{**WORKER, "inputParameters": {"a": "${none.output.x}"}}]},
        {"tasks": [{**WORKER, "taskReferenceName": "a b"}]}, {"tasks": [None]}, {"tasks": ["x"]},
    ):  # fmt: skip
        yield ask("POST", "/metadata/workflow/validate", {**other, **fields})
        yield ask("PUT", "/metadata/workflow", [{**other, "name": f"{P}odd", **fields}])
        yield ask("POST", "/metadata/workflow", {**other, "name": f"{P}odd2", **fields})
        yield ask("DELETE", f"/metadata/workflow/{P}odd/1")
        yield ask("DELETE", f"/metadata/workflow/{P}odd2/1")
    yield ask("PUT", "/metadata/workflow", [])
    for fields in (
        {"name": ""}, {"name": None}, {"name": "a/b"}, {"retryCount": -1}, {"timeoutSeconds": -1},
        {"responseTimeoutSeconds": 0}, {"responseTimeoutSeconds": 10, "timeoutSeconds": 5}, {"retryLogic": "NONE"},
        {"timeoutPolicy": "NONE"}, {"concurrentExecLimit": -1}, {"rateLimitPerFrequency": -1}, {"ownerEmail": "x"},
        {"pollTimeoutSeconds": -1}, {"backoffScaleFactor": 0}, {"inputKeys": "x"}, {"inputTemplate": []},
    ):  # fmt: skip
        yield ask("POST", "/metadata/taskdefs", [{**TASK_DEFINITION, "name": f"{P}odd", **fields}])
        yield ask("PUT", "/metadata/taskdefs", {**TASK_DEFINITION, **fields})
    yield ask("GET", f"/metadata/taskdefs/{P}task")
    yield ask("DELETE", f"/metadata/taskdefs/{P}odd")
    yield ask("DELETE", f"/metadata/taskdefs/{P}odd")


def _handlers() -> Iterator[Asked]:
    action = {"action": "start_workflow", "start_workflow": {"name": f"{P}main"}}
    handler = {"name": f"{P}handler", "event": f"conductor:{P}none:x", "actions": [action], "active": True}
    yield ask("POST", "/event", handler)
    yield ask("POST", "/event", handler)
    yield ask("GET", f"/event/conductor:{P}none:x")
    yield ask("GET", f"/event/conductor:{P}none:x", activeOnly="false")
    yield ask("PUT", "/event", {**handler, "active": False})
    yield ask("GET", f"/event/conductor:{P}none:x")
    yield ask("GET", f"/event/conductor:{P}none:x", activeOnly="false")
    for fields in (
        {"name": ""}, {"name": None}, {"event": ""}, {"event": None}, {"actions": []}, {"actions": None},
        {"actions": [{}]}, {"actions": [{"action": "nonsense"}]}, {"active": "x"}, {"condition": 5}, {"event": "x"},
        {"evaluatorType": "nonsense"},
    ):  # fmt: skip
        yield ask("POST", "/event", {**handler, "name": f"{P}odd", **fields})
        yield ask("PUT", "/event", {**handler, **fields})
        yield ask("DELETE", f"/event/{P}odd")
    yield ask("DELETE", f"/event/{P}handler")
    yield ask("DELETE", f"/event/{P}handler")

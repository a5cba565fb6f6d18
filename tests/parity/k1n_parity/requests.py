"""Single requests: what a server answers to good, strange and malformed ones, status and body."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from k1n_parity.kinds import requests_of_other_kinds
from k1n_parity.metadata import metadata_requests
from pytest_k1n.conformance.cases import PREFIX, Case, ClientStep, Document
from pytest_k1n.conformance.operations import NO_SUCH_ID

WORKFLOW = f"{PREFIX}other"
TASK = f"{PREFIX}task"


def _definition(**fields: Any) -> Document:
    tasks = [{"name": TASK, "taskReferenceName": "t", "type": "SIMPLE"}]
    return {"name": WORKFLOW, "version": 1, "schemaVersion": 2, "tasks": tasks, **fields}


def _with_task(**fields: Any) -> Document:
    return _definition(tasks=[{"name": "x", "taskReferenceName": "x", **fields}])


def _requests() -> dict[str, list[ClientStep]]:
    def step(operation: str, body: Any = None, text: str | None = None, **query: Any) -> ClientStep:
        return ClientStep(operation=operation, body=body, text=text, query=query)

    put = "PUT /metadata/workflow"
    inline = _definition(
        name=f"{PREFIX}inline", version=4, tasks=[{"name": "n", "taskReferenceName": "n", "type": "NOOP"}]
    )
    return {
        "starts that lack something or contradict themselves": [
            step("POST /workflow", body)
            for body in (
                {},
                {"name": ""},
                {"name": "  "},
                {"name": "", "input": None},
                {"name": f"{PREFIX}none", "input": None},
                {"name": f"{PREFIX}main", "input": None},
                {"name": f"{PREFIX}main", "version": 0},
                {"name": f"{PREFIX}main", "version": -1},
                {"name": f"{PREFIX}main", "priority": -1},
                {"name": f"{PREFIX}none", "workflowDef": {**inline, "tasks": []}},
                {"workflowDef": inline},
                {"name": f"{PREFIX}none", "version": 9, "workflowDef": inline},
                {"name": "", "workflowDef": inline},
                {"name": f"{PREFIX}none", "workflowDef": inline, "input": None},
            )
        ],
        "updates that lack something or contradict themselves": [
            step("POST /tasks", body)
            for body in (
                {},
                {"taskId": NO_SUCH_ID},
                {"workflowInstanceId": NO_SUCH_ID},
                {"taskId": "", "workflowInstanceId": "", "status": "COMPLETED"},
                {"taskId": None, "workflowInstanceId": NO_SUCH_ID, "status": None},
                {"taskId": NO_SUCH_ID, "workflowInstanceId": NO_SUCH_ID},
                {"taskId": NO_SUCH_ID, "workflowInstanceId": "{id}", "status": "COMPLETED"},
                {"taskId": NO_SUCH_ID, "workflowInstanceId": NO_SUCH_ID, "extendLease": True, "status": "COMPLETED"},
            )
        ],
        "task definitions": [
            step(f"GET /metadata/taskdefs/{TASK}"),
            step("POST /metadata/taskdefs", [{"name": TASK}]),
            step(f"GET /metadata/taskdefs/{TASK}"),
            step(
                "PUT /metadata/taskdefs",
                {"name": TASK, "retryCount": 1, "timeoutSeconds": 10, "responseTimeoutSeconds": 5},
            ),
            step(f"GET /metadata/taskdefs/{TASK}"),
            step("PUT /metadata/taskdefs", {"name": f"{PREFIX}none"}),
            step("POST /metadata/taskdefs", [{"name": TASK, "timeoutSeconds": 5, "responseTimeoutSeconds": 10}]),
            step("POST /metadata/taskdefs", [{"name": TASK, "responseTimeoutSeconds": 0}]),
            step("POST /metadata/taskdefs", [{"name": TASK, "retryCount": -1}]),
            step("POST /metadata/taskdefs", [{"name": ""}]),
            step("POST /metadata/taskdefs", [{}]),
            step("POST /metadata/taskdefs", [{"name": TASK, "retryLogic": "SOMETIMES"}]),
            step(
                "POST /metadata/taskdefs",
                [{"name": TASK, "timeoutSeconds": 5, "totalTimeoutSeconds": 3, "responseTimeoutSeconds": 1}],
            ),
            step("POST /metadata/taskdefs", {"name": TASK}),
            step("POST /metadata/taskdefs", []),
            step("POST /metadata/taskdefs", text="{"),
            step("POST /metadata/taskdefs"),
            step(f"DELETE /metadata/taskdefs/{TASK}"),
            step(f"GET /metadata/taskdefs/{TASK}"),
            step(f"DELETE /metadata/taskdefs/{TASK}"),
        ],
        "workflow definitions": [
            step(f"GET /metadata/workflow/{WORKFLOW}"),
            step(f"GET /metadata/workflow/{WORKFLOW}", version=3),
            step("POST /metadata/workflow", _definition()),
            step("POST /metadata/workflow", _definition()),
            step("POST /metadata/workflow", _definition(description="again"), overwrite="true"),
            step(f"GET /metadata/workflow/{WORKFLOW}"),
            step(put, [_definition(version=2, timeoutSeconds=60, timeoutPolicy="TIME_OUT_WF", failureWorkflow="f")]),
            step(f"GET /metadata/workflow/{WORKFLOW}"),
            step(f"GET /metadata/workflow/{WORKFLOW}", version=1),
            step(f"GET /metadata/workflow/{WORKFLOW}", version="one"),
            step(f"GET /metadata/workflow/{WORKFLOW}/versions"),
            step("POST /metadata/workflow/validate", _definition()),
            step(f"DELETE /metadata/workflow/{WORKFLOW}/2"),
            step(f"GET /metadata/workflow/{WORKFLOW}", version=2),
            step(f"DELETE /metadata/workflow/{WORKFLOW}/9"),
        ],
        "refused definitions": [
            step(put, [{"name": WORKFLOW, "version": 1}]),
            step(put, [_definition(tasks=[])]),
            step(put, [_definition(name="")]),
            step(put, [_definition(schemaVersion=1)]),
            step(put, [_definition(version=0)]),
            step(put, [_definition(timeoutPolicy="NEVER")]),
            step(put, _definition()),
            step(put, []),
            step(put, text="[{"),
            step(put),
            step(put, [_definition(tasks=[_definition()["tasks"][0]] * 2)]),
            step(put, [_definition(tasks=[{"name": "x"}])]),
            step(put, [_definition(tasks=[{"taskReferenceName": "x"}])]),
            step(put, [_definition(outputParameters={"x": "${nope.output}"})]),
            step(put, [_with_task(type="SWITCH")]),
            step(put, [_with_task(type="SWITCH", evaluatorType="value-param", expression="on", decisionCases={})]),
            step(put, [_with_task(type="DECISION", decisionCases={})]),
            step(put, [_with_task(type="DO_WHILE", loopCondition="true")]),
            step(put, [_with_task(type="DO_WHILE", loopOver=_definition()["tasks"])]),
            step(put, [_with_task(type="FORK_JOIN")]),
            step(put, [_with_task(type="FORK_JOIN_DYNAMIC")]),
            step(put, [_with_task(type="JOIN")]),
            step(put, [_with_task(type="DYNAMIC")]),
            step(put, [_with_task(type="SUB_WORKFLOW")]),
            step(put, [_with_task(type="SUB_WORKFLOW", subWorkflowParam={"version": 1})]),
            step(put, [_with_task(type="TERMINATE")]),
            step(
                put, [_with_task(type="TERMINATE", optional=True, inputParameters={"terminationStatus": "COMPLETED"})]
            ),
            step(put, [_with_task(type="WAIT", inputParameters={"duration": "1s", "until": "2020-01-01"})]),
            step(put, [_with_task(type="EVENT")]),
            step(put, [_with_task(type="HTTP")]),
            step(put, [_with_task(type="INLINE")]),
            step(put, [_with_task(type="INLINE", inputParameters={"evaluatorType": "javascript"})]),
            step(put, [_with_task(type="JSON_JQ_TRANSFORM")]),
            step(put, [_with_task(type="LAMBDA")]),
            step(put, [_with_task(type="SET_VARIABLE")]),
            step(put, [_with_task(type="START_WORKFLOW")]),
            step(put, [_with_task(type="KAFKA_PUBLISH")]),
            step(put, [_with_task(type="HUMAN")]),
            step(put, [_with_task(type="NOOP")]),
            step(put, [_with_task(type="SIMPLE", startDelay="soon")]),
        ],
        "starts": [
            step("POST /workflow", {"name": f"{PREFIX}none", "version": 1}),
            step("POST /workflow", {"name": f"{PREFIX}none"}),
            step(f"POST /workflow/{PREFIX}none", {}),
            step("POST /workflow", {"version": 1}),
            step("POST /workflow", {}),
            step("POST /workflow"),
            step("POST /workflow", text="{"),
            step("POST /workflow", {"name": f"{PREFIX}main", "version": 1, "input": None}),
            step("POST /workflow", {"name": f"{PREFIX}main", "version": 9, "input": {}}),
            step("POST /workflow", {"name": f"{PREFIX}main", "version": 1, "input": [1]}),
            step("POST /workflow", {"name": f"{PREFIX}main", "version": 1, "priority": 200}),
            step("POST /workflow", {"name": f"{PREFIX}main", "version": 1, "unknown": 1}),
            step(f"POST /workflow/{PREFIX}main", {"x": 1}),
            step(f"POST /workflow/{PREFIX}main", {"x": 1}, version=1, correlationId="c", priority=3),
            step(f"POST /workflow/{PREFIX}main", {"x": 1}, version=7),
            step(f"POST /workflow/{PREFIX}main"),
            step("POST /workflow", {"name": "inline", "version": 1, "workflowDef": _definition(), "input": {}}),
        ],
        "a missing execution": [
            step(f"{method} {path}".replace("{id}", NO_SUCH_ID), body)
            for method, path, body in (
                ("GET", "/workflow/{id}", None),
                ("GET", "/workflow/{id}/status", None),
                ("GET", "/workflow/{id}/tasks", None),
                ("PUT", "/workflow/{id}/pause", None),
                ("PUT", "/workflow/{id}/resume", None),
                ("DELETE", "/workflow/{id}", None),
                ("POST", "/workflow/{id}/retry", None),
                ("POST", "/workflow/{id}/restart", None),
                ("POST", "/workflow/{id}/rerun", {}),
                ("PUT", "/workflow/{id}/skiptask/t", None),
                ("PUT", "/workflow/decide/{id}", None),
                ("POST", "/workflow/{id}/resetcallbacks", None),
                ("DELETE", "/workflow/{id}/remove", None),
                ("POST", "/tasks/{id}/t/COMPLETED", {}),
                ("POST", "/tasks/{id}/t/COMPLETED/sync", {}),
                ("POST", "/tasks/{id}/COMPLETED/signal", {}),
                ("GET", "/tasks/{id}", None),
                ("GET", "/tasks/{id}/log", None),
                ("GET", "/workflow/none/correlated/none", None),
                ("GET", "/workflow/running/none", None),
                ("PUT", "/workflow/bulk/pause", [NO_SUCH_ID]),
                ("POST", "/workflow/bulk/terminate", [NO_SUCH_ID]),
            )
        ],
        "tasks and queues": [
            step(f"GET /tasks/poll/{TASK}none"),
            step(f"GET /tasks/poll/{TASK}none", workerid="w", domain="d"),
            step(f"GET /tasks/poll/batch/{TASK}none", count=1, timeout=0),
            step(f"GET /tasks/poll/batch/{TASK}none", count=1, timeout=6000),
            step(f"GET /tasks/poll/batch/{TASK}none", count=0, timeout=0),
            step(f"GET /tasks/poll/batch/{TASK}none", count="many"),
            step("GET /tasks/queue/sizes", taskType=f"{TASK}none"),
            step("GET /tasks/queue/size", taskType=f"{TASK}none"),
            step("GET /tasks/queue/polldata", taskType=f"{TASK}none"),
            step("POST /tasks", {}),
            step("POST /tasks"),
            step("POST /tasks", text="nonsense"),
            step("POST /tasks/update-v2", {}),
            step("POST /tasks", {"workflowInstanceId": NO_SUCH_ID, "taskId": NO_SUCH_ID, "status": "COMPLETED"}),
            step("POST /tasks", {"workflowInstanceId": NO_SUCH_ID, "taskId": NO_SUCH_ID, "status": "SCHEDULED"}),
            step(
                "POST /tasks/update-v2", {"workflowInstanceId": NO_SUCH_ID, "taskId": NO_SUCH_ID, "status": "COMPLETED"}
            ),
            step(f"POST /tasks/{NO_SUCH_ID}/t/NONSENSE", {}),
            step("PATCH /tasks", {}),
            step("DELETE /workflow"),
            step("GET /nonsense"),
            step("GET /tasks/search", start="x"),
            step("GET /workflow/search", query=f"workflowType IN ({PREFIX}none)"),
        ],
    }


def request_cases() -> Iterator[Case]:
    """Yield one case for each group of requests; its own execution only waits."""
    for name, steps in (_requests() | metadata_requests() | requests_of_other_kinds()).items():
        definition = {"name": f"{PREFIX}main", "version": 1, "schemaVersion": 2, "tasks": [_definition()["tasks"][0]]}
        yield Case(name=f"requests, {name}", workflows=(definition,), steps=tuple(steps), seed=3)

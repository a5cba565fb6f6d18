"""A client's operations on an execution: how each goes on the wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pytest_k1n.conformance.cases import ClientStep, Document
from pytest_k1n.conformance.target import CaseTarget, ServerAnswer

NO_SUCH_ID = "00000000-0000-4000-8000-000000000000"

OPERATIONS: Mapping[str, str] = {
    "pause": "PUT /workflow/{id}/pause",
    "resume": "PUT /workflow/{id}/resume",
    "terminate": "DELETE /workflow/{id}",
    "retry": "POST /workflow/{id}/retry",
    "restart": "POST /workflow/{id}/restart",
    "rerun": "POST /workflow/{id}/rerun",
    "skip": "PUT /workflow/{id}/skiptask/{ref}",
    "decide": "PUT /workflow/decide/{id}",
    "resetcallbacks": "POST /workflow/{id}/resetcallbacks",
    "remove": "DELETE /workflow/{id}/remove",
    "get": "GET /workflow/{id}",
    "status": "GET /workflow/{id}/status",
    "list tasks": "GET /workflow/{id}/tasks",
    "signal": "POST /tasks/{id}/COMPLETED/signal",
    "update": "POST /tasks",
    "update-v2": "POST /tasks/update-v2",
    "update by ref": "POST /tasks/{id}/{ref}/COMPLETED",
    "fail by ref": "POST /tasks/{id}/{ref}/FAILED",
    "update by ref, sync": "POST /tasks/{id}/{ref}/COMPLETED/sync",
    "get task": "GET /tasks/{task}",
    "logs": "GET /tasks/{task}/log",
    "bulk pause": "PUT /workflow/bulk/pause",
    "bulk resume": "PUT /workflow/bulk/resume",
    "bulk retry": "POST /workflow/bulk/retry",
    "bulk restart": "POST /workflow/bulk/restart",
    "bulk terminate": "POST /workflow/bulk/terminate",
}
RESULT: Document = {"workflowInstanceId": "{id}", "taskId": "{task}", "outputData": {"from": "client"}}
BODIES: Mapping[str, Any] = {
    "rerun": {},
    "signal": {"signalled": True},
    "update by ref": {"by": "ref"},
    "fail by ref": {"by": "ref"},
    "update by ref, sync": {"by": "ref"},
    **{f"bulk {name}": ["{id}"] for name in ("pause", "resume", "retry", "restart", "terminate")},
}


def perform(
    target: CaseTarget, step: ClientStep, workflow: Document, executions: Mapping[str, Document] | None = None
) -> ServerAnswer:
    """Do one operation on an execution, as it was last read.

    `{id}`, `{root}`, `{ref}`, `{task}` and `{sub}` (the ref's newest record, the child it started) are filled in, in
    path and body; `step.text` goes as it is. A ref `sub/inner/x` is `x` in the child of `inner` in the child of `sub`:
    `{id}` is then that child's.
    """
    root = workflow["workflowId"]
    *parents, ref = str(step.ref).split("/")
    for parent in parents:
        workflow = (executions or {}).get(newest(workflow, parent).get("subWorkflowId", ""), {"workflowId": NO_SUCH_ID})
    method, _, path = OPERATIONS.get(step.operation, step.operation).partition(" ")
    filled = {
        "{id}": workflow["workflowId"],
        "{root}": root,
        "{ref}": ref,
        "{task}": newest(workflow, ref).get("taskId", NO_SUCH_ID),
        "{sub}": newest(workflow, ref).get("subWorkflowId", NO_SUCH_ID),
    }
    body = BODIES.get(step.operation) if step.body is None else step.body
    text = step.text if step.text is not None else None if body is None else json.dumps(body)
    for mark, value in filled.items():
        path = path.replace(mark, value)
        text = text.replace(mark, value) if text is not None else None
    return target.call(method, path, None if text is None else text.encode(), step.query)


def newest(workflow: Document, ref: str | None) -> Document:
    """Find the newest record of a reference name; an empty one if there is none."""
    found = [task for task in workflow.get("tasks", ()) if task["referenceTaskName"] == ref]
    return found[-1] if found else {}

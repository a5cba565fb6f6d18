"""Every operation of a client in every state that an execution can be in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_k1n.conformance.cases import PREFIX, Action, Case, ClientStep, Document
from pytest_k1n.conformance.operations import NO_SUCH_ID, OPERATIONS, RESULT

ATTEMPTS: Mapping[str, ClientStep] = {
    **{
        name: ClientStep(operation=name)
        for name in OPERATIONS
        if "{ref}" not in OPERATIONS[name] and "update" not in name
    },
    "get without tasks": ClientStep(operation="get", query={"includeTasks": "false"}),
    "status with output": ClientStep(operation="status", query={"includeOutput": "true", "includeVariables": "true"}),
    "terminate with a reason": ClientStep(operation="terminate", query={"reason": "enough"}),
    "rerun from the first task": ClientStep(operation="rerun", ref="t1", body={"reRunFromTaskId": "{task}"}),
    "rerun from the second task": ClientStep(
        operation="rerun", ref="t2", body={"reRunFromTaskId": "{task}", "taskInput": {"new": 1}}
    ),
    "rerun with a new input": ClientStep(
        operation="rerun", body={"workflowInput": {"a": "new"}, "correlationId": "again"}
    ),
    "rerun from an unknown task": ClientStep(operation="rerun", body={"reRunFromTaskId": NO_SUCH_ID}),
    "restart with the latest definition": ClientStep(operation="restart", query={"useLatestDefinitions": "true"}),
    "retry with sub-workflows": ClientStep(operation="retry", query={"resumeSubworkflowTasks": "true"}),
    "skip a done task": ClientStep(operation="skip", ref="t1"),
    "skip the open task": ClientStep(operation="skip", ref="t2"),
    "skip a later task": ClientStep(operation="skip", ref="t3"),
    "skip an unknown task": ClientStep(operation="skip", ref="none"),
    "update the open task": ClientStep(operation="update", ref="t2", body={**RESULT, "status": "COMPLETED"}),
    "fail the open task": ClientStep(
        operation="update", ref="t2", body={**RESULT, "status": "FAILED", "reasonForIncompletion": "no"}
    ),
    "cancel the open task": ClientStep(operation="update", ref="t2", body={**RESULT, "status": "CANCELED"}),
    "extend the lease": ClientStep(
        operation="update", ref="t2", body={**RESULT, "status": "IN_PROGRESS", "extendLease": True}
    ),
    "hand the task back": ClientStep(operation="update", ref="t2", body={**RESULT, "status": "IN_PROGRESS"}),
    "update with logs": ClientStep(
        operation="update",
        ref="t2",
        body={**RESULT, "status": "COMPLETED", "logs": [{"log": "hello", "createdTime": 5}]},
    ),
    "update a done task": ClientStep(operation="update", ref="t1", body={**RESULT, "status": "FAILED"}),
    "update an unknown task": ClientStep(operation="update", ref="none", body={**RESULT, "status": "COMPLETED"}),
    "update to no known status": ClientStep(operation="update", ref="t2", body={**RESULT, "status": "DONE"}),
    "update without an execution": ClientStep(
        operation="update", ref="t2", body={"taskId": "{task}", "status": "COMPLETED"}
    ),
    "update without a task": ClientStep(operation="update", body={"workflowInstanceId": "{id}", "status": "COMPLETED"}),
    "update-v2 the open task": ClientStep(operation="update-v2", ref="t2", body={**RESULT, "status": "COMPLETED"}),
    "update-v2 a done task": ClientStep(operation="update-v2", ref="t1", body={**RESULT, "status": "COMPLETED"}),
    "update the open task by ref": ClientStep(operation="update by ref", ref="t2"),
    "fail the open task by ref": ClientStep(operation="fail by ref", ref="t2"),
    "update a done task by ref": ClientStep(operation="update by ref", ref="t1"),
    "update an unknown ref": ClientStep(operation="update by ref", ref="none"),
    "update by ref, sync": ClientStep(operation="update by ref, sync", ref="t2"),
    "get an open task": ClientStep(operation="get task", ref="t2"),
    "get a done task": ClientStep(operation="get task", ref="t1"),
}


def _definition(*, retries: int = 1) -> tuple[Document, tuple[Document, ...]]:
    tasks = [
        {
            "name": f"{PREFIX}{ref}",
            "taskReferenceName": ref,
            "type": "SIMPLE",
            "inputParameters": {"a": "${workflow.input.a}"},
        }
        for ref in ("t1", "t2", "t3")
    ]
    definition = {"name": f"{PREFIX}main", "version": 1, "schemaVersion": 2, "tasks": tasks}
    registered = [{"name": task["name"], "retryCount": retries, "retryDelaySeconds": 0} for task in tasks]
    return definition, tuple(registered)


BEFORE: Mapping[str, tuple[ClientStep, ...]] = {
    "running": (),
    "in hand": (),
    "paused": (ClientStep(operation="pause", after=2),),
    "completed": (),
    "failed": (),
    "timed out": (),
    "terminated": (ClientStep(operation="terminate", after=2),),
}
AFTER: Mapping[str, int] = {"running": 2, "in hand": 3, "paused": 2, "terminated": 2}


def operation_cases() -> Iterator[Case]:
    """Yield every operation in every state an execution can be in, each followed by whatever workers still get."""
    for state, before in BEFORE.items():
        for name, attempt in ATTEMPTS.items():
            definition, registered = _definition(retries=0 if state == "failed" else 1)
            script: dict[str, tuple[Action, ...]] = {}
            if state == "failed":
                script["t2"] = (Action(status="FAILED", reason="broken", output={"why": 1}),)
            if state == "timed out":
                script["t2"] = (Action(kind="hang"),)
                registered[1].update(timeoutSeconds=1, responseTimeoutSeconds=1, timeoutPolicy="TIME_OUT_WF")
            step = ClientStep(
                operation=attempt.operation,
                after=AFTER.get(state, -1),
                ref=attempt.ref,
                query=attempt.query,
                body=attempt.body,
                text=attempt.text,
            )
            yield Case(
                name=f"{name}, {state}",
                workflows=(definition,),
                task_definitions=registered,
                input={"a": 1},
                script=script,
                steps=(*before, step, *((ClientStep(operation="resume"),) if state == "paused" else ())),
                seed=1,
            )

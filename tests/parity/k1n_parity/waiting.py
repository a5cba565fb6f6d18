"""Requests that wait for what comes of an execution, under every return strategy: execute and signal/sync."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_k1n.conformance.cases import PREFIX, Case, ClientStep, Document

STRATEGIES = ("TARGET_WORKFLOW", "BLOCKING_WORKFLOW", "BLOCKING_TASK", "BLOCKING_TASK_INPUT")
WORKER_TASK = {"name": f"{PREFIX}task", "taskReferenceName": "work", "type": "SIMPLE"}
INLINE = {
    "name": "inline", "taskReferenceName": "inline", "type": "INLINE",
    "inputParameters": {"evaluatorType": "javascript", "expression": "7"},
}  # fmt: skip


def _wait(ref: str = "wait", **given: Any) -> Document:
    return {"name": "wait", "taskReferenceName": ref, "type": "WAIT", "inputParameters": {"given": "v", **given}}


def _fork(*branches: list[Document]) -> list[Document]:
    last = [branch[-1]["taskReferenceName"] for branch in branches]
    return [
        {"name": "fork", "taskReferenceName": "fork", "type": "FORK_JOIN", "forkTasks": list(branches)},
        {"name": "join", "taskReferenceName": "join", "type": "JOIN", "joinOn": last},
    ]


def _sub(*tasks: Document) -> Document:
    child = {"name": f"{PREFIX}child", "version": 1, "schemaVersion": 2, "tasks": list(tasks)}
    return {
        "name": "sub", "taskReferenceName": "sub", "type": "SUB_WORKFLOW", "inputParameters": {"a": 1},
        "subWorkflowParam": {"name": f"{PREFIX}child", "version": 1, "workflowDefinition": child},
    }  # fmt: skip


EXECUTED: dict[str, tuple[list[Document], Document]] = {
    "ends": ([INLINE], {}),
    "fails": ([{**INLINE, "inputParameters": {"evaluatorType": "javascript", "expression": "throw 1"}}], {}),
    "waits": ([INLINE, _wait()], {}),
    "waits in a sub-workflow": ([_sub(INLINE, _wait())], {}),
    "waits in two branches": (_fork([_wait("first")], [_wait("second")]), {}),
    "waits beside work": (_fork([WORKER_TASK], [_wait()]), {}),
    "works": ([WORKER_TASK], {"waitForSeconds": 1}),
    "asks a person": ([{"name": "h", "taskReferenceName": "h", "type": "HUMAN"}], {"waitForSeconds": 1}),
    "works behind a ref": ([INLINE, WORKER_TASK], {"waitUntilTaskRef": "none, inline"}),
    "ended with a ref": ([INLINE, {**INLINE, "taskReferenceName": "more"}], {"waitUntilTaskRef": "more"}),
    "works behind a ref in a sub-workflow": ([_sub(INLINE, WORKER_TASK)], {"waitUntilTaskRef": "inline"}),
}
"""Tasks of the workflow that is executed, and what its request asks for beside the strategy."""

SIGNALLED: dict[str, list[Document]] = {
    "to the next wait": [_wait("first"), INLINE, _wait("second", more=1)],
    "to the end": [_wait()],
    "from a sub-workflow": [_sub(_wait("inner")), _wait("outer")],
    "nothing waits": [WORKER_TASK],
}


def waiting_cases() -> Iterator[Case]:
    """Yield the cases of both endpoints under each strategy."""
    for name, (tasks, query) in EXECUTED.items():
        executed = {"name": f"{PREFIX}executed", "version": 1, "schemaVersion": 2, "tasks": tasks}
        steps = [
            ClientStep(
                operation=f"POST /workflow/execute/{PREFIX}executed/1",
                body={"name": f"{PREFIX}executed", "version": 1, "input": {"x": 1}, "correlationId": "c",
                      "workflowDef": executed},
                query={"returnStrategy": strategy, "requestId": "r", **query},
            )
            for strategy in STRATEGIES
        ]  # fmt: skip
        yield Case(name=f"execute, {name}", workflows=(_main([WORKER_TASK]),), steps=tuple(steps))
    for name, tasks in SIGNALLED.items():
        for strategy in STRATEGIES:
            step = ClientStep(
                operation="POST /tasks/{id}/COMPLETED/signal/sync",
                body={"said": "yes"},
                query={"returnStrategy": strategy, "timeoutMillis": 2000},
                after=0,
            )
            yield Case(name=f"signal, {name}, {strategy}", workflows=(_main(tasks),), steps=(step,))
    wrong = [
        ClientStep(operation="POST /tasks/{id}/COMPLETED/signal/sync", body={}, query={"returnStrategy": "SOMETIMES"}),
        ClientStep(operation="POST /tasks/{id}/PERHAPS/signal/sync", body={}),
        ClientStep(operation="POST /tasks/{id}/COMPLETED/signal/sync", body={}, query={"timeoutMillis": "soon"}),
        ClientStep(operation="POST /tasks/{id}/COMPLETED/signal/sync"),
    ]
    yield Case(name="signal, malformed", workflows=(_main([WORKER_TASK]),), steps=tuple(wrong))


def _main(tasks: list[Document]) -> Document:
    return {"name": f"{PREFIX}main", "version": 1, "schemaVersion": 2, "tasks": tasks}

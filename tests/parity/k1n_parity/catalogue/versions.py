"""Definitions that change under way, and how executions end and are begun again."""

from __future__ import annotations

from collections.abc import Iterator

from k1n_parity.catalogue.builders import (
    FAIL,
    FINAL,
    HANG,
    case,
    child,
    definitions,
    failure_workflow,
    fork,
    simple,
    step,
    sub,
    switch,
    system,
)
from pytest_k1n.conformance.cases import PREFIX, Case

DEFS = definitions("abcd")


def versions() -> Iterator[Case]:
    yield from _versions()
    yield from _endings()
    yield from _operations()


def _versions() -> Iterator[Case]:
    main = {"name": f"{PREFIX}main", "version": 1, "schemaVersion": 2, "tasks": [simple("a"), simple("c")]}
    newer = {**main, "version": 2}
    put = "PUT /metadata/workflow"
    yield case(
        "the definition changes under way",
        simple("a"),
        simple("b"),
        defs=DEFS,
        steps=[step(put, body=[main], after=1)],
    )
    for operation, query in (
        ("restart", {}),
        ("restart", {"useLatestDefinitions": "true"}),
        ("retry", {}),
        ("rerun", {}),
    ):
        latest = ", latest" if query else ""
        for what, changed in (("changed", main), ("newer", newer)):
            yield case(
                f"{operation}{latest} after the definition is {what}",
                simple("a"),
                simple("b"),
                defs=DEFS,
                script={"b": [FINAL]},
                steps=[
                    step(put, body=[changed]),
                    step(operation, body={} if operation == "rerun" else None, **query),
                ],
            )
    yield case(
        "the definition is removed under way",
        simple("a"),
        simple("b"),
        defs=DEFS,
        steps=[step(f"DELETE /metadata/workflow/{PREFIX}main/1", after=1), step("restart")],
    )
    yield case(
        "a task definition changes under way",
        simple("a"),
        simple("b"),
        defs=DEFS,
        script={"b": [FAIL]},
        steps=[
            step(
                "POST /metadata/taskdefs",
                body=[{"name": f"{PREFIX}b", "retryCount": 1, "retryDelaySeconds": 0}],
                after=1,
            )
        ],
    )
    for version in (1, 2, None):
        yield case(
            f"two versions, started {version}", simple("a"), defs=DEFS, workflows=[newer], start={"version": version}
        )
    yield case("a start by another version", simple("a"), defs=DEFS, workflows=[newer], start={"version": 9})
    yield case(
        "a start with a definition",
        simple("a"),
        defs=DEFS,
        start={
            "workflowDef": {
                "name": f"{PREFIX}inline",
                "version": 3,
                "tasks": [simple("b", {"t": "${workflow.workflowType}", "v": "${workflow.version}"})],
                "outputParameters": {"o": "${b.output}"},
            }
        },
    )
    yield case(
        "a start with everything",
        simple("a", {"all": "${workflow}"}),
        defs=DEFS,
        start={
            "correlationId": "c",
            "priority": 5,
            "createdBy": "me",
            "idempotencyKey": "k",
            "idempotencyStrategy": "FAIL",
            "externalInputPayloadStoragePath": None,
        },
    )
    yield case(
        "a start with a createdBy and an event", simple("a"), defs=DEFS, start={"createdBy": "me", "event": "an event"}
    )


def _endings() -> Iterator[Case]:
    for name, inputs in {
        "a list": {"workflowOutput": [1]},
        "an expression": {"workflowOutput": "${a.output}"},
        "text of an expression": {"workflowOutput": "x${a.output.from}"},
        "a null": {"workflowOutput": None},
        "a missing reference": {"workflowOutput": "${workflow.input.nope}"},
        "a reason of an expression": {"terminationReason": "because ${a.output.from}"},
        "an empty reason": {"terminationReason": ""},
    }.items():
        for status in ("COMPLETED", "FAILED"):
            yield case(
                f"ended by TERMINATE, {status}, {name}",
                simple("a"),
                system("TERMINATE", "end", {"terminationStatus": status, **inputs}),
                defs=DEFS,
            )
    for operation in ("retry", "restart", "rerun"):
        yield case(
            f"ended by TERMINATE, {operation}",
            simple("a"),
            system("TERMINATE", "end", {"terminationStatus": "FAILED"}),
            simple("d"),
            defs=DEFS,
            steps=[step(operation, body={} if operation == "rerun" else None)],
        )
    yield case(
        "ended by TERMINATE in a child of a fork",
        *fork([sub()], [simple("b")]),
        simple("d"),
        defs=DEFS,
        workflows=[child(system("TERMINATE", "end", {"terminationStatus": "COMPLETED", "workflowOutput": {"x": 1}}))],
    )
    yield case(
        "ended by TERMINATE with a child open",
        *fork([sub()], [simple("b"), system("TERMINATE", "end", {"terminationStatus": "COMPLETED"})]),
        defs=DEFS,
        workflows=[child(simple("a"), simple("c"))],
        script={"a": [HANG]},
    )


def _operations() -> Iterator[Case]:
    three = [simple("a"), simple("b"), simple("d", {"o": "${b.output}", "s": "${b.status}"})]
    for body in (
        {"taskInput": {"x": 1}},
        {"taskOutput": {"y": 2}},
        {"taskInput": {"x": 1}, "taskOutput": {"y": 2}},
        {},
    ):
        yield case(f"skipped with {sorted(body)}", *three, defs=DEFS, steps=[step("skip", "b", body=body, after=0)])
    yield case("two tasks skipped", *three, defs=DEFS, steps=[step("skip", "b", after=0), step("skip", "d", after=0)])
    yield case(
        "a skip of a switch",
        simple("a"),
        switch("x", {"x": [simple("b")]}),
        simple("d"),
        defs=DEFS,
        steps=[step("skip", "switch", after=0)],
    )
    yield case(
        "pause, then terminate, then retry",
        *three,
        defs=DEFS,
        steps=[step("pause", after=1), step("terminate", after=1, reason="r"), step("retry", after=1)],
    )
    yield case(
        "terminated, then restarted and terminated",
        *three,
        defs=DEFS,
        steps=[step("terminate", after=1), step("restart", after=1), step("terminate", after=2)],
    )
    yield case("retried twice", *three, defs=DEFS, script={"b": [FINAL, FINAL]}, steps=[step("retry"), step("retry")])
    yield case(
        "failed, retried, failed elsewhere, rerun",
        *three,
        defs=DEFS,
        script={"b": [FINAL], "d": [FINAL]},
        steps=[step("retry"), step("rerun", "a", body={"reRunFromTaskId": "{task}"})],
    )
    yield case(
        "rerun with everything",
        *three,
        defs=DEFS,
        steps=[
            step(
                "rerun",
                "b",
                body={
                    "reRunFromTaskId": "{task}",
                    "reRunFromWorkflowId": "{id}",
                    "workflowInput": {"n": 1},
                    "taskInput": {"t": 1},
                    "correlationId": "again",
                },
            )
        ],
    )
    yield case(
        "rerun of a retried task",
        *three,
        defs={**DEFS, "b": {"retryCount": 1}},
        script={"b": [FAIL, FAIL]},
        steps=[step("rerun", "b", body={"reRunFromTaskId": "{task}"})],
    )
    yield case(
        "an update with everything",
        *three,
        defs=DEFS,
        steps=[
            step(
                "update",
                "a",
                after=1,
                body={
                    "workflowInstanceId": "{id}",
                    "taskId": "{task}",
                    "status": "COMPLETED",
                    "outputData": {"x": None, "y": [1]},
                    "reasonForIncompletion": "r",
                    "workerId": "w",
                    "callbackAfterSeconds": 5,
                    "externalOutputPayloadStoragePath": None,
                    "subWorkflowId": None,
                    "logs": [{"log": "l", "createdTime": 1}, {"log": "m"}],
                    "nonsense": 1,
                },
            )
        ],
    )
    for name, lines in {"texts": ["x", "y"], "a null": [None], "no text": [{"log": "l"}, {"log": None}]}.items():
        update = {"workflowInstanceId": "{id}", "taskId": "{task}", "status": "IN_PROGRESS", "logs": lines}
        yield case(
            f"an update with {name} among its lines",
            *three,
            defs=DEFS,
            steps=[step("update", "a", after=0, body=update), step("GET /tasks/{task}/log", "a")],
        )
    for status in (
        "SCHEDULED",
        "TIMED_OUT",
        "SKIPPED",
        "COMPLETED_WITH_ERRORS",
        "CANCELED",
        "FAILED_WITH_TERMINAL_ERROR",
        "IN_PROGRESS",
    ):
        yield case(
            f"an update by ref, {status}",
            *three,
            defs=DEFS,
            steps=[step(f"POST /tasks/{{id}}/a/{status}", body={"x": 1}, after=0)],
        )
        yield case(
            f"an update, {status}",
            *three,
            defs=DEFS,
            steps=[
                step("update", "a", body={"workflowInstanceId": "{id}", "taskId": "{task}", "status": status}, after=0)
            ],
        )
    yield case(
        "a failure workflow after a terminate with one",
        *three,
        defs=DEFS,
        workflow={"failureWorkflow": f"{PREFIX}failure"},
        workflows=[failure_workflow()],
        steps=[step("DELETE /workflow/{id}", after=1, triggerFailureWorkflow="true")],
    )
    yield case(
        "a removed one is asked for",
        *three,
        defs=DEFS,
        steps=[step("terminate", after=1), step("remove", after=1), step("get", after=1), step("retry", after=1)],
    )

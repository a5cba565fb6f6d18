"""What a sub-workflow is started with, how it ends, and the failure workflows of both."""

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
    on_child,
    simple,
    sub,
    system,
)
from pytest_k1n.conformance.cases import PREFIX, Action, Case

DEFS = definitions("abcdef")


def parenting() -> Iterator[Case]:
    yield from _parameters()
    yield from _failure_workflows()


def _parameters() -> Iterator[Case]:
    inner = child(simple("a", {"all": "${workflow.input}"}), outputParameters={"r": "${a.output}"})
    after = simple("d", {"o": "${sub.output}"})
    second = {**inner, "version": 2, "description": "the second"}
    for name, parameters in {
        "its name from the input": {"name": "${workflow.input.child}"},
        "its version from the input": {"version": "${workflow.input.v}"},
        "version 0": {"version": 0},
        "version 9": {"version": 9},
        "no version": {"version": None},
        "a domain": {"taskToDomain": {"*": "red"}},
        "no domain": {"taskToDomain": {"*": "NO_DOMAIN"}},
        "a priority": {"priority": 5},
        "a priority from the input": {"priority": "${workflow.input.v}"},
        "an idempotency key": {"idempotencyKey": "k", "idempotencyStrategy": "FAIL"},
        "an unknown field": {"nonsense": 1},
    }.items():
        for whose, start in (
            ("", {}),
            (" of a prioritised one", {"priority": 3, "taskToDomain": {"*": "blue"}, "correlationId": "c8"}),
        ):
            yield case(
                f"SUB_WORKFLOW{whose}, {name}",
                sub(parameters=parameters, inputs={"x": 1}),
                after,
                defs=DEFS,
                input={"child": f"{PREFIX}child", "v": 2},
                workflows=[inner, second],
                start=start,
            )
    inline = {**inner, "name": f"{PREFIX}inline"}
    yield case(
        "SUB_WORKFLOW, a definition from a task's output",
        simple("b"),
        sub(parameters={"workflowDefinition": "${b.output.def}"}),
        after,
        defs=DEFS,
        script={"b": [Action(output={"def": inline})]},
        workflows=[inner],
    )
    yield case(
        "SUB_WORKFLOW, a definition that is none",
        simple("b"),
        sub(parameters={"workflowDefinition": "${b.output.def}"}),
        after,
        defs=DEFS,
        workflows=[inner],
    )
    yield case(
        "SUB_WORKFLOW with an input template",
        sub(inputs={"x": None}),
        after,
        defs=DEFS,
        workflows=[{**inner, "inputTemplate": {"x": "templated", "y": 2}}],
    )
    yield case(
        "SUB_WORKFLOW with a start delay",
        sub(startDelay=1),
        after,
        defs=DEFS,
        workflows=[inner],
    )
    yield case(
        "SUB_WORKFLOW of no name",
        sub(parameters={"name": "${workflow.input.nope}"}),
        after,
        defs=DEFS,
        workflows=[inner],
    )
    yield case(
        "SUB_WORKFLOW, a definition of its own with a timeout",
        sub(),
        after,
        defs={**DEFS, "sub": {"timeoutSeconds": 1, "responseTimeoutSeconds": 1, "retryCount": 0}},
        workflows=[inner],
        script={"a": [HANG]},
    )
    yield case(
        "SUB_WORKFLOW whose child times out",
        sub(),
        after,
        defs=DEFS,
        script={"a": [HANG]},
        workflows=[{**inner, "timeoutSeconds": 1, "timeoutPolicy": "TIME_OUT_WF"}],
    )
    yield case(
        "SUB_WORKFLOW that completes at once",
        sub(definition=child(system("NOOP", "n"))),
        after,
        defs=DEFS,
    )
    yield case(
        "SUB_WORKFLOW ended by TERMINATE",
        sub(),
        after,
        defs=DEFS,
        workflows=[
            child(
                simple("a"),
                system(
                    "TERMINATE",
                    "end",
                    {
                        "terminationStatus": "FAILED",
                        "terminationReason": "so",
                        "workflowOutput": {"x": "${a.output.from}"},
                    },
                ),
            )
        ],
    )
    for status in ("TERMINATED", "COMPLETED"):
        yield case(
            f"SUB_WORKFLOW ended by TERMINATE, {status}",
            sub(),
            after,
            defs=DEFS,
            workflows=[
                child(
                    simple("a"),
                    system("TERMINATE", "end", {"terminationStatus": status, "workflowOutput": "${a.output}"}),
                )
            ],
        )
    yield case(
        "two SUB_WORKFLOWs in a fork, one fails",
        *fork([sub("one")], [sub("two")]),
        after,
        defs=DEFS,
        workflows=[inner],
        script={"a": [Action(), FAIL]},
    )


def _failure_workflows() -> Iterator[Case]:
    inner = child(simple("a"), failureWorkflow=f"{PREFIX}failure")
    tells = {**failure_workflow(), "tasks": [simple("f", {"all": "${workflow.input}"})]}
    outer = {"failureWorkflow": f"{PREFIX}failure"}
    yield case(
        "a failure workflow of a child",
        sub(),
        defs=DEFS,
        workflows=[inner, failure_workflow()],
        script={"a": [FINAL]},
    )
    for name, fields in {
        "timeout": {"timeoutSeconds": 1, "timeoutPolicy": "TIME_OUT_WF"},
        "output parameters": {"outputParameters": {"x": "${a.output.from}", "b": "${b.output}"}},
        "version": {"failureWorkflowVersion": 1},
        "no such version": {"failureWorkflowVersion": 7},
    }.items():
        yield case(
            f"a failure workflow's input, {name}",
            simple("a"),
            simple("b"),
            defs=DEFS,
            workflow={**outer, **fields},
            workflows=[failure_workflow()],
            script={"b": [HANG if name == "timeout" else FAIL]},
            start={"correlationId": "c9", "priority": 4},
        )
    yield case(
        "a failure workflow that fails",
        simple("a"),
        defs=DEFS,
        workflow=outer,
        workflows=[{**failure_workflow(), "failureWorkflow": f"{PREFIX}failure"}],
        script={"a": [FINAL], "f": [FINAL]},
    )
    yield case(
        "a failure workflow in a domain",
        simple("a"),
        defs=DEFS,
        workflow=outer,
        workflows=[failure_workflow()],
        script={"a": [FINAL]},
        start={"taskToDomain": {"*": "blue"}},
    )
    yield case(
        "a failure workflow that gets everything",
        simple("a"),
        defs=DEFS,
        workflow=outer,
        workflows=[tells],
        script={"a": [FAIL]},
    )
    yield case(
        "a failed one with a failure workflow, retried",
        simple("a"),
        simple("b"),
        defs=DEFS,
        workflow=outer,
        workflows=[failure_workflow()],
        script={"b": [FAIL, FAIL]},
        steps=[on_child("retry", None)],
    )
    yield case(
        "terminated with triggerFailureWorkflow",
        simple("a"),
        defs=DEFS,
        workflow=outer,
        workflows=[failure_workflow()],
        steps=[on_child("terminate", None, after=0, triggerFailureWorkflow="true", reason="x")],
    )

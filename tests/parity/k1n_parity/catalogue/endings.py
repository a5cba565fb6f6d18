"""How executions end, and what a client does to one then."""

from __future__ import annotations

from collections.abc import Iterator

from k1n_parity.catalogue.builders import FAIL, FINAL, case, failure_workflow, fork, loop, simple, switch, system
from pytest_k1n.conformance.cases import PREFIX, Action, Case, ClientStep, Document


def endings() -> Iterator[Case]:
    defs: Document = {ref: {} for ref in ("t", "u", "f")}
    settings: dict[str, Document] = {
        "": {},
        ", with a reason": {"terminationReason": "so be it"},
        ", with an output": {"workflowOutput": {"x": "${t.output}"}},
        ", with a scalar": {"workflowOutput": 5},
    }
    for status in ("COMPLETED", "FAILED", "TERMINATED"):
        for name, inputs in settings.items():
            yield case(
                f"TERMINATE, {status}{name}",
                simple("t"),
                system("TERMINATE", "end", {"terminationStatus": status, **inputs}),
                simple("u"),
                defs=defs,
                workflow={"failureWorkflow": f"{PREFIX}failure", "outputParameters": {"mine": 1}},
                workflows=[failure_workflow()],
            )
    yield case("TERMINATE, nonsense", system("TERMINATE", "end", {"terminationStatus": "GONE"}), defs=defs)
    yield case(
        "a failure workflow",
        simple("t"),
        defs=defs,
        script={"t": [FAIL]},
        workflow={"failureWorkflow": f"{PREFIX}failure"},
        workflows=[failure_workflow()],
    )
    yield case(
        "a failure workflow that is not there",
        simple("t"),
        defs=defs,
        script={"t": [FAIL]},
        workflow={"failureWorkflow": f"{PREFIX}none"},
    )
    yield case(
        "a failure workflow from the input",
        simple("t"),
        defs=defs,
        script={"t": [FAIL]},
        input={"handler": f"{PREFIX}failure"},
        workflow={"failureWorkflow": "${workflow.input.handler}"},
        workflows=[failure_workflow()],
    )
    yield case("failing, the output of what was done", simple("t"), simple("u"), defs=defs, script={"u": [FAIL]})
    yield case(
        "failing, output parameters",
        simple("t"),
        simple("u"),
        defs=defs,
        script={"u": [FAIL]},
        workflow={"outputParameters": {"t": "${t.output}", "u": "${u.output}"}},
    )
    yield case(
        "terminated with a failure workflow",
        simple("t"),
        defs=defs,
        steps=[ClientStep(operation="terminate", after=0)],
        workflow={"failureWorkflow": f"{PREFIX}failure"},
        workflows=[failure_workflow()],
    )
    yield case(
        "not restartable",
        simple("t"),
        defs=defs,
        steps=[ClientStep(operation="restart")],
        workflow={"restartable": False},
    )
    yield case(
        "skip ahead",
        simple("t"),
        simple("u"),
        simple("v"),
        defs=defs,
        steps=[ClientStep(operation="skip", ref="u", after=0)],
    )
    yield case(
        "skip the first of a case",
        simple("t"),
        switch("x", {"x": [simple("u"), simple("w")]}),
        defs=defs,
        steps=[ClientStep(operation="skip", ref="u", after=0)],
    )
    yield case(
        "retry after two failures",
        *fork([simple("t")], [simple("u", permissive=True)]),
        defs=defs,
        script={"t": [FINAL], "u": [FAIL]},
        steps=[ClientStep(operation="retry")],
    )
    yield case(
        "rerun in the middle of a fork",
        *fork([simple("t")], [simple("u")]),
        simple("v"),
        defs=defs,
        steps=[ClientStep(operation="rerun", ref="u", body={"reRunFromTaskId": "{task}", "taskInput": {"new": True}})],
    )
    yield case(
        "rerun from a loop's child",
        loop(simple("t")),
        simple("v"),
        defs=defs,
        steps=[ClientStep(operation="rerun", ref="t__1", body={"reRunFromTaskId": "{task}"})],
    )
    yield case(
        "retry in a loop",
        loop(simple("t"), simple("u")),
        simple("v"),
        defs=defs,
        script={"u": [Action(), FAIL]},
        steps=[ClientStep(operation="retry")],
    )
    yield case(
        "restart a failed one",
        simple("t"),
        simple("u"),
        defs=defs,
        script={"u": [FAIL]},
        steps=[ClientStep(operation="restart")],
    )
    yield case(
        "pause twice, resume twice",
        simple("t"),
        simple("u"),
        defs=defs,
        steps=[ClientStep(operation=name, after=0) for name in ("pause", "pause", "resume", "resume")],
    )

"""What executions wait for: WAIT, HUMAN, asyncComplete, other executions."""

from __future__ import annotations

from collections.abc import Iterator

from k1n_parity.catalogue.builders import (
    FAIL,
    case,
    child,
    definitions,
    simple,
    step,
    system,
)
from pytest_k1n.conformance.cases import PREFIX, Case

DEFS = definitions("abcd")


def waiting() -> Iterator[Case]:
    yield from _waiting()


def _waiting() -> Iterator[Case]:
    after = simple("d", {"o": "${w.output}", "i": "${w.input}"})
    for name, inputs in {
        "days": {"duration": "0 days 0 hours 0 minutes 1 seconds"},
        "glued": {"duration": "0h0m1s"},
        "spaced": {"duration": " 1 s "},
        "upper": {"duration": "1 SECONDS"},
        "zero": {"duration": "0s"},
        "an empty text": {"duration": ""},
        "null": {"duration": None},
        "until a past day": {"until": "2001-01-01"},
        "until of an expression": {"until": "${workflow.input.b}"},
        "more": {"duration": "1s", "x": 5},
        "of a number": {"duration": "${workflow.input.a}"},
    }.items():
        yield case(f"a WAIT, {name}", system("WAIT", "w", inputs), after, defs=DEFS)
    for kind in ("WAIT", "HUMAN"):
        if kind == "HUMAN":  # of a WAIT the server itself may still be thinking
            yield case(
                f"a {kind} is failed and retried by a client",
                system(kind, "w", {"x": 1}),
                after,
                defs=DEFS,
                script={"w": [FAIL]},
                steps=[step("retry")],
            )
        yield case(
            f"a {kind} that is optional fails", system(kind, "w", optional=True), after, defs=DEFS, script={"w": [FAIL]}
        )
        yield case(
            f"a {kind} in progress",
            system(kind, "w"),
            after,
            defs=DEFS,
            steps=[
                step("POST /tasks/{id}/w/IN_PROGRESS", body={"half": 1}, after=0),
                step("POST /tasks/{id}/w/COMPLETED", body={"whole": 2}, after=0),
            ],
        )
        yield case(
            f"a {kind} while paused",
            system(kind, "w"),
            after,
            defs=DEFS,
            steps=[
                step("pause", after=0),
                step("POST /tasks/{id}/w/COMPLETED", body={"whole": 2}, after=0),
                step("resume", after=0),
            ],
        )
    yield case("an asyncComplete task", simple("a", asyncComplete=True), simple("d"), defs=DEFS)
    yield case(
        "an asyncComplete INLINE",
        system("INLINE", "i", {"evaluatorType": "javascript", "expression": "1"}, asyncComplete=True),
        simple("d"),
        defs=DEFS,
    )
    yield case(
        "an asyncComplete EVENT",
        system("EVENT", "e", {"x": 1}, sink="conductor", asyncComplete=True),
        simple("d"),
        defs=DEFS,
        steps=[step("POST /tasks/{id}/e/COMPLETED", body={"y": 2})],
    )
    yield case(
        "an asyncComplete START_WORKFLOW",
        system("START_WORKFLOW", "s", {"startWorkflow": {"name": f"{PREFIX}child"}}, asyncComplete=True),
        simple("d"),
        defs=DEFS,
        workflows=[child(simple("c"))],
        steps=[step("POST /tasks/{id}/s/COMPLETED", body={"y": 2})],
    )
    for name, request in {
        "no input": {"name": f"{PREFIX}child"},
        "no name": {},
        "null": None,
        "a version in text": {"name": f"{PREFIX}child", "version": "1", "input": {"x": 1}},
        "no such version": {"name": f"{PREFIX}child", "version": 7},
        "an inline definition": {
            "name": "q",
            "workflowDef": {"name": f"{PREFIX}inl", "version": 1, "tasks": [simple("b")]},
            "input": {},
        },
        "an unknown field": {"name": f"{PREFIX}child", "input": {}, "nonsense": 1},
        "a priority": {"name": f"{PREFIX}child", "input": {}, "priority": 7, "correlationId": "q"},
        "a bad priority": {"name": f"{PREFIX}child", "input": {}, "priority": 700},
    }.items():
        yield case(
            f"START_WORKFLOW, {name}",
            system("START_WORKFLOW", "w", {"startWorkflow": request}),
            after,
            defs=DEFS,
            workflows=[child(simple("c"))],
        )

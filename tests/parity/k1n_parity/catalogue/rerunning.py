"""Loops that are run again from a former iteration, and what a dynamic fork forks that has tasks inside."""

from __future__ import annotations

from collections.abc import Iterator

from k1n_parity.catalogue.builders import (
    FINAL,
    case,
    child,
    definitions,
    dynamic_fork,
    fork,
    loop,
    simple,
    step,
    sub,
    switch,
    system,
)
from pytest_k1n.conformance.cases import Action, Case, ClientStep, Document

DEFS = definitions("abcd")
THRICE = "$.loop['iteration'] < 3"
FAILS_LAST = [Action(output={"n": 1}), Action(output={"n": 2}), FINAL, Action(output={"n": 4})]


def _from(ref: str) -> ClientStep:
    return step("rerun", ref, {"reRunFromTaskId": "{task}"})


def rerunning() -> Iterator[Case]:
    yield from _former_iterations()
    yield from _inside_dynamic_forks()


def _former_iterations() -> Iterator[Case]:
    """Yield reruns of a task whose loop is iterations further on: the server begins with the first once more."""
    script = system("INLINE", "i", {"evaluatorType": "graaljs", "expression": "$.n", "n": "${loop.output.iteration}"})
    variable = system("SET_VARIABLE", "v", {"n": "${loop.output.iteration}"})
    bodies: dict[str, list[Document]] = {
        "workers": [simple("a"), simple("b")],
        "an INLINE": [script, simple("a"), simple("b")],
        "a SET_VARIABLE": [simple("a"), variable, simple("b")],
        "a SWITCH": [switch("x", {"x": [simple("a"), simple("b")]})],
        "a fork": fork([simple("a")], [simple("b")]),
        "a jq": [system("JSON_JQ_TRANSFORM", "q", {"queryExpression": "1"}), simple("a"), simple("b")],
        "a NOOP": [simple("a"), system("NOOP", "n"), simple("b")],
    }
    for name, body in bodies.items():
        for ref in ("a__1", "b__1", "a__2", "b__2"):
            yield case(
                f"a loop over {name} that failed in its third iteration, rerun from {ref}",
                loop(*body, loopCondition=THRICE),
                simple("d", {"o": "${loop.output}"}),
                defs=DEFS,
                script={"b": FAILS_LAST},
                steps=[_from(ref)],
            )
    for name, settings in {
        "items": {"items": "${workflow.input.list}", "loopCondition": ""},
        "keepLastN": {"inputs": {"keepLastN": 2}, "loopCondition": THRICE},
    }.items():
        for ref in ("a__2", "b__2"):
            yield case(
                f"a loop with {name} that failed in its third iteration, rerun from {ref}",
                loop(simple("a"), simple("b"), **settings),
                simple("d", {"o": "${loop.output}"}),
                defs=DEFS,
                script={"b": FAILS_LAST},
                steps=[_from(ref)],
            )
    for ref in ("a__1", "a__2"):
        yield case(
            f"a loop that was terminated in its third iteration, rerun from {ref}",
            loop(simple("a"), simple("b"), loopCondition=THRICE),
            simple("d"),
            defs=DEFS,
            steps=[step("terminate", after=5), _from(ref)],
        )
    yield case(
        "a loop over a sub-workflow that failed in its second iteration, rerun from a__1",
        loop(simple("a"), sub(), simple("b")),
        defs=DEFS,
        workflows=[child(simple("c"))],
        script={"b": [Action(), FINAL, Action()]},
        steps=[_from("a__1")],
    )


def _inside_dynamic_forks() -> Iterator[Case]:
    """Yield forked tasks that have others inside: nothing follows the first of these."""

    def no(number: int) -> Document:
        return system("INLINE", f"i{number}", {"evaluatorType": "graaljs", "expression": str(number)})

    for name, task in {
        "a SWITCH over two": switch("x", {"x": [no(1), no(2)]}),
        "a SWITCH over one": switch("x", {"x": [no(1)]}),
        "a SWITCH over a SWITCH": switch("x", {"x": [switch("x", {"x": [no(1)]}, ref="inner"), no(2)]}),
        "a SWITCH over a fork": switch("x", {"x": fork([no(1)], [no(2)])}),
        "a loop over one": loop(no(1)),
        "a loop over two": loop(no(1), no(2)),
    }.items():
        yield case(
            f"a dynamic fork over {name}",
            *dynamic_fork({"tasks": [task], "inputs": {}}),
            simple("d"),
            defs=DEFS,
        )
    yield case(
        "a SUB_WORKFLOW with more than the highest priority",
        sub(parameters={"priority": 500}),
        workflows=[child(simple("c"))],
        defs=DEFS,
    )

"""JOINs on whatever ends a branch, forks inside forks, and what a client does to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from k1n_parity.catalogue.builders import (
    FAIL,
    FINAL,
    case,
    definitions,
    fork,
    loop,
    simple,
    system,
)
from pytest_k1n.conformance.cases import Case, ClientStep, Document

DEFS = definitions("abcdefg")
JOINED = simple("d", {"j": "${join.output}", "s": "${join.status}"})


def _inner(*branches: list[Document], name: str = "inner", **settings: Any) -> list[Document]:
    ends = [branch[-1]["taskReferenceName"] for branch in branches]
    return [
        system("FORK_JOIN", name, forkTasks=list(branches)),
        {"name": f"{name}_join", "taskReferenceName": f"{name}_join", "type": "JOIN", "joinOn": ends, **settings},
    ]


def joining() -> Iterator[Case]:
    yield from _joins()


def _joins() -> Iterator[Case]:
    a, b, c, e = ([simple(ref)] for ref in "abce")
    yield case(
        "JOIN on tasks of an inner fork", *fork([*_inner(a, b)], c, join={"joinOn": ["a", "b", "c"]}), JOINED, defs=DEFS
    )
    yield case("JOIN on an inner join", *fork([*_inner(a, b), simple("e")], c), JOINED, defs=DEFS)
    yield case(
        "JOIN on a task before the fork", simple("e"), *fork(a, b, join={"joinOn": ["e", "a"]}), JOINED, defs=DEFS
    )
    yield case("JOIN on the fork", *fork(a, b, join={"joinOn": ["fork"]}), JOINED, defs=DEFS)
    yield case("JOIN twice on one", *fork(a, b, join={"joinOn": ["a", "a", "b"]}), JOINED, defs=DEFS)
    yield case("JOIN on a loop", *fork([loop(simple("a"))], b), JOINED, defs=DEFS)
    yield case("JOIN on a WAIT", *fork([system("WAIT", "w", {"duration": "1s"})], b), JOINED, defs=DEFS)
    yield case("JOIN on a HUMAN", *fork([system("HUMAN", "h")], b), JOINED, defs=DEFS)
    yield case(
        "JOIN on a SET_VARIABLE",
        *fork(
            [system("SET_VARIABLE", "v", {"x": 1})],
            [system("INLINE", "i", {"expression": "({x: 1})", "evaluatorType": "javascript"})],
        ),
        JOINED,
        defs=DEFS,
    )
    yield case(
        "JOIN with an expression",
        *fork(
            a,
            b,
            join={
                "evaluatorType": "javascript",
                "expression": "(function(){ return $.joinOn.length > 0 ? 'COMPLETED' : 'FAILED'; })()",
            },
        ),
        JOINED,
        defs=DEFS,
    )
    yield case(
        "JOIN with an input", *fork(a, b, join={"inputParameters": {"x": "${workflow.input.a}"}}), JOINED, defs=DEFS
    )
    yield case("JOIN alone", simple("a"), system("JOIN", "join", joinOn=["a"]), JOINED, defs=DEFS)
    yield case("JOIN alone, on nothing", simple("a"), system("JOIN", "join", joinOn=[]), JOINED, defs=DEFS)
    yield case("JOIN, optional itself", *fork(a, b, join={"optional": True}), JOINED, defs=DEFS, script={"b": [FAIL]})
    for mode in ("SYNC", "ASYNC"):
        for name, settings, bad in (
            ("optional", {"optional": True}, FAIL),
            ("optional, for good", {"optional": True}, FINAL),
            ("permissive", {"permissive": True}, FINAL),
            ("both", {"permissive": True, "optional": True}, FAIL),
        ):
            yield case(
                f"JOIN {mode}, {name}",
                *fork(a, [simple("b", **settings)], c, join={"joinMode": mode}),
                JOINED,
                defs=DEFS,
                script={"b": [bad]},
            )
    yield case("an empty branch", *fork(a, b)[:1], system("JOIN", "join", joinOn=["a"]), JOINED, defs=DEFS)
    empty = system("FORK_JOIN", "fork", forkTasks=[[simple("a")], []])
    yield case("a fork with an empty branch", empty, system("JOIN", "join", joinOn=["a"]), JOINED, defs=DEFS)
    yield case("fork in fork in fork", *fork([*_inner([*_inner(a, b, name="deep")], c)], e), JOINED, defs=DEFS)
    yield case("fork in fork, the deep one fails", *fork([*_inner(a, b)], c), JOINED, defs=DEFS, script={"b": [FAIL]})
    yield case(
        "fork in fork, the deep one is optional",
        *fork([*_inner(a, [simple("b", optional=True)])], c),
        JOINED,
        defs=DEFS,
        script={"b": [FAIL]},
    )
    yield case(
        "a fork with a WAIT is terminated and retried",
        *fork([system("WAIT", "w")], b),
        JOINED,
        defs=DEFS,
        steps=[ClientStep(operation="terminate", after=1), ClientStep(operation="retry")],
    )
    yield case(
        "a fork is terminated and rerun from its branch",
        *fork(a, b),
        JOINED,
        defs=DEFS,
        steps=[
            ClientStep(operation="terminate", after=2),
            ClientStep(operation="rerun", ref="b", body={"reRunFromTaskId": "{task}"}),
        ],
    )
    for ref in ("fork", "a", "d"):
        yield case(
            f"a completed fork is rerun from {ref}",
            *fork(a, b),
            JOINED,
            defs=DEFS,
            steps=[ClientStep(operation="rerun", ref=ref, body={"reRunFromTaskId": "{task}"})],
        )

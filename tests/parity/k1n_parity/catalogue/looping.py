"""Loops: conditions, items, bodies of every kind, and what a client does to one."""

from __future__ import annotations

from collections.abc import Iterator

from k1n_parity.catalogue.builders import (
    FAIL,
    FINAL,
    case,
    child,
    definitions,
    fork,
    loop,
    simple,
    sub,
    switch,
    system,
)
from pytest_k1n.conformance.cases import PREFIX, Action, Case, ClientStep, Document

DEFS = definitions("abcdefg")
LOOPED = simple("d", {"o": "${loop.output}", "s": "${loop.status}"})


def looping() -> Iterator[Case]:
    yield from _loops()


def _loops() -> Iterator[Case]:
    twice = "$.loop['iteration'] < 2"
    conditions: dict[str, str] = {
        "of the input": "if ($.loop['iteration'] < $.count) { true; } else { false; }",
        "as a function": "(function () { return $.loop['iteration'] < $.count; })()",
        "of a missing key": "$.nope < 3",
        "of a number": "$.loop['iteration'] - 2",
        "of a text": "'false'",
        "of null": "null",
        "of an iteration's output": "$.loop['iteration'] < 2 || $.a['n'] > 5",
        "of an earlier iteration": "$.loop['iteration'] < 3 && ($.loop['1'] ? $.loop['1']['a']['n'] == 1 : true)",
        "with an expression": "$.loop['iteration'] < ${workflow.input.count}",
        "of variables": "$.loop['iteration'] < $.v",
        "with a ref": "$.a['n'] < 2 ? true : false",
        "dotted": "$.loop.iteration < 2",
        "of the ref in text": "if ( ($.a['n'] < 2) && $.b['n'] > 0 ) {true;} else {false;}",
    }
    for name, condition in conditions.items():
        yield case(
            f"a loop's condition {name}",
            system("SET_VARIABLE", "set", {"v": 2}),
            loop(
                simple("a"),
                simple("b"),
                inputs={"count": "${workflow.input.count}", "v": "${workflow.variables.v}"},
                loopCondition=condition,
            ),
            LOOPED,
            defs=DEFS,
            input={"count": 2},
        )
    bodies: dict[str, list[Document]] = {
        "a fork and more": [*fork([simple("a")], [simple("b")]), simple("c")],
        "a switch with a fork": [switch("x", {"x": fork([simple("a")], [simple("b")])}), simple("c")],
        "a switch in a switch": [switch("x", {"x": [switch("y", {"y": [simple("a")]}, ref="in"), simple("b")]})],
        "a sub-workflow and more": [sub(definition=child(simple("a"))), simple("c", {"o": "${sub.output}"})],
        "a WAIT": [system("WAIT", "w", {"duration": "1s"}), simple("a")],
        "a HUMAN": [system("HUMAN", "h"), simple("a", {"o": "${h.output}"})],
        "an INLINE of the iteration": [
            system(
                "INLINE", "i", {"evaluatorType": "javascript", "expression": "$.n * 2", "n": "${loop.output.iteration}"}
            ),
            simple("a", {"o": "${i.output.result}"}),
        ],
        "a SET_VARIABLE that counts": [
            system(
                "INLINE",
                "i",
                {"evaluatorType": "javascript", "expression": "($.v || 0) + 1", "v": "${workflow.variables.v}"},
            ),
            system("SET_VARIABLE", "s", {"v": "${i.output.result}"}),
        ],
        "a DYNAMIC": [system("DYNAMIC", "dy", {"which": f"{PREFIX}a"}, dynamicTaskNameParam="which")],
        "nothing but a switch without a case": [switch("q", {"x": [simple("a")]})],
        "the last iteration's output": [
            simple("a", {"last": "${a.output.n}", "loop": "${loop.output}", "first": "${a__1.output.n}"})
        ],
        "a START_WORKFLOW": [
            system("START_WORKFLOW", "sw", {"startWorkflow": {"name": f"{PREFIX}child", "input": {}}})
        ],
        "two loops": [simple("a")],
    }
    for name, body in bodies.items():
        more = [loop(simple("e"), ref="second")] if name == "two loops" else []
        yield case(
            f"a loop over {name}",
            loop(*body, loopCondition=twice),
            *more,
            LOOPED,
            defs=DEFS,
            workflows=[child(simple("c"))],
        )
    for name, settings in {
        "keepLastN 1": {"inputs": {"keepLastN": 1}},
    }.items():
        yield case(
            f"a loop with {name}",
            loop(simple("a"), simple("b"), loopCondition="$.loop['iteration'] < 3", **settings),
            LOOPED,
            defs=DEFS,
        )
    earlier = {ref: f"${{{ref}.output}}" for ref in "ab"}
    for name, body in {
        "workers": [simple("a", earlier), simple("b", earlier)],
        "scripts": [system("INLINE", ref, {**earlier, "expression": "$.a == null ? 0 : 1"}) for ref in "ab"],
    }.items():
        yield case(
            f"a loop with keepLastN that looks back, {name}",
            loop(*body, loopCondition="$.loop['iteration'] < 3", inputs={"keepLastN": 1}),
            LOOPED,
            defs=DEFS,
        )
    item = simple("a", {"item": "${loop.output.loopItem}", "index": "${loop.output.loopIndex}"})
    for name, items in {
        "maps": [{"x": 1}, {"x": 2}],
        "nothing": [],
        "nulls": [None, None],
        "one": [7],
        "text": "abc",
        "an expression": "${workflow.input.names}",
        "mixed": [1, "a", {"b": 2}],
    }.items():
        yield case(
            f"a loop over items, {name}", loop(item, inputs={"_items": items}, loopCondition="true"), LOOPED, defs=DEFS
        )
    yield case(
        "a loop over items that ends early",
        loop(item, inputs={"_items": [1, 2, 3, 4]}, loopCondition="$.loop['iteration'] < 2"),
        LOOPED,
        defs=DEFS,
    )
    yield case(
        "a loop over items with keepLastN",
        loop(item, inputs={"_items": [1, 2, 3], "keepLastN": 1}, loopCondition="true"),
        LOOPED,
        defs=DEFS,
    )
    yield case(
        "a loop over items, one fails",
        loop(item, inputs={"_items": [1, 2, 3]}, loopCondition="true"),
        LOOPED,
        defs=DEFS,
        script={"a": [Action(), FAIL]},
        steps=[ClientStep(operation="retry")],
    )
    for flag in ("optional", "permissive"):
        yield case(
            f"a loop that is {flag} fails",
            loop(simple("a"), **{flag: True}),
            LOOPED,
            defs=DEFS,
            script={"a": [Action(), FAIL]},
        )
        yield case(
            f"a loop over a {flag} one that fails",
            loop(simple("a", **{flag: True}), simple("b")),
            LOOPED,
            defs=DEFS,
            script={"a": [Action(), FINAL]},
        )
    yield case(
        "a loop over retries",
        loop(simple("a"), simple("b")),
        LOOPED,
        defs={**DEFS, "a": {"retryCount": 2}},
        script={"a": [FAIL, Action(), FAIL, FAIL]},
    )
    yield case(
        "a loop with a definition",
        loop(simple("a")),
        LOOPED,
        defs={**DEFS, "loop": {"retryCount": 1}},
        script={"a": [FAIL]},
    )
    for operation in ("terminate", "pause"):
        after = [ClientStep(operation="resume")] if operation == "pause" else [ClientStep(operation="retry")]
        yield case(
            f"a loop, {operation} in its course",
            loop(simple("a"), simple("b")),
            LOOPED,
            defs=DEFS,
            steps=[ClientStep(operation=operation, after=3), *after],
        )
    for operation in ("restart", "rerun", "retry"):
        yield case(
            f"a failed loop, {operation}",
            loop(simple("a"), simple("b")),
            LOOPED,
            defs=DEFS,
            script={"b": [Action(), FINAL]},
            steps=[ClientStep(operation=operation)],
        )
    for ref in ("loop", "a__2", "b__1", "d"):
        yield case(
            f"a completed loop is rerun from {ref}",
            loop(simple("a"), simple("b")),
            LOOPED,
            defs=DEFS,
            steps=[ClientStep(operation="rerun", ref=ref, body={"reRunFromTaskId": "{task}"})],
        )
    for ref in ("a__2", "loop", "d"):
        yield case(
            f"a loop, {ref} is skipped",
            simple("e"),
            loop(simple("a"), simple("b")),
            LOOPED,
            defs=DEFS,
            steps=[ClientStep(operation="skip", ref=ref, after=0)],
        )
    yield case(
        "a loop's task is updated by ref",
        loop(simple("a"), simple("b")),
        LOOPED,
        defs=DEFS,
        steps=[
            ClientStep(operation="update by ref", ref="a", after=0),
            ClientStep(operation="update by ref", ref="b__1", after=1),
        ],
    )

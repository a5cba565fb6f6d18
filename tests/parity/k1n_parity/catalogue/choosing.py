"""SWITCH: what it may be decided on, and what follows from its case."""

from __future__ import annotations

from collections.abc import Iterator

from k1n_parity.catalogue.builders import (
    FAIL,
    case,
    definitions,
    fork,
    loop,
    simple,
    switch,
    system,
)
from pytest_k1n.conformance.cases import Case, ClientStep

DEFS = definitions("abcdefg")
PLAIN = simple("d")


def choosing() -> Iterator[Case]:
    yield from _switches()


def _switches() -> Iterator[Case]:
    one, two = [simple("a")], [simple("b")]
    after = simple("d", {"o": "${switch.output}", "i": "${switch.input}"})
    for name, settings in {
        "missing key": {"expression": "nope"},
        "an expression's value": {"on": "${workflow.input.b}"},
        "a list": {"on": ["x"]},
        "a map": {"on": {"x": 1}},
        "a float": {"on": 1.0},
        "an empty text": {"on": ""},
        "javascript of null": {"evaluatorType": "javascript", "expression": "null"},
        "javascript of undefined": {"evaluatorType": "javascript", "expression": "$.nope"},
        "javascript of a boolean": {"evaluatorType": "javascript", "expression": "$.on == 'x'"},
        "javascript of an object": {"evaluatorType": "javascript", "expression": "({a: 1})"},
        "javascript of a list": {"evaluatorType": "javascript", "expression": "['x']"},
        "javascript with a function": {
            "evaluatorType": "javascript",
            "expression": "(function f() { if ($.on == 'x') return 'x'; return 'other'; }())",
        },
        "javascript with if": {"evaluatorType": "javascript", "expression": "if ($.on == 'x') { 'x' } else { 'y' }"},
        "javascript with an expression": {
            "evaluatorType": "javascript",
            "expression": "'${workflow.input.b}' == 'text' ? 'x' : 'y'",
        },
        "a syntax error": {"evaluatorType": "javascript", "expression": "(("},
        "an unknown evaluator": {"evaluatorType": "cobol", "expression": "on"},
        "graaljs with a number": {"evaluatorType": "graaljs", "expression": "1"},
        "optional, a script error": {"evaluatorType": "javascript", "expression": "nope.x", "optional": True},
    }.items():
        fields = dict(settings)
        on = fields.pop("on", "x")
        yield case(
            f"SWITCH on {name}",
            switch(on, {"x": one, "true": [simple("e")], "1": [simple("f")], "null": [simple("g")]}, two, **fields),
            after,
            defs=DEFS,
        )
    yield case(
        "SWITCH, a case ends with TERMINATE",
        switch("x", {"x": [simple("a"), system("TERMINATE", "end", {"terminationStatus": "COMPLETED"})]}),
        PLAIN,
        defs=DEFS,
    )
    yield case(
        "SWITCH, a failure in a case",
        switch("x", {"x": [simple("a"), simple("b")]}),
        PLAIN,
        defs=DEFS,
        script={"b": [FAIL]},
        steps=[ClientStep(operation="retry")],
    )
    for ref in ("switch", "a", "b", "d"):
        yield case(
            f"a completed SWITCH is rerun from {ref}",
            switch("x", {"x": [simple("a"), simple("b")]}),
            PLAIN,
            defs=DEFS,
            steps=[ClientStep(operation="rerun", ref=ref, body={"reRunFromTaskId": "{task}"})],
        )
    yield case("SWITCH behind SWITCH", switch("x", {"x": []}), switch("x", {"x": one}, ref="second"), PLAIN, defs=DEFS)
    yield case("SWITCH, forks in cases", switch("x", {"x": fork(one, two)}), PLAIN, defs=DEFS)
    yield case("SWITCH, a default with a loop", switch("q", {"x": one}, [loop(simple("b"))]), PLAIN, defs=DEFS)

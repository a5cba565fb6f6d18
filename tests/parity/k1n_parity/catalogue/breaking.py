"""Tasks of the server's own that fail: when they are scheduled or when they work, first in a loop or behind another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from k1n_parity.catalogue.builders import case, fork, loop, simple, switch, system
from pytest_k1n.conformance.cases import Case, Document

BROKEN = "$.x.y"


def _kinds() -> dict[str, Document]:
    script = {"evaluatorType": "javascript", "expression": BROKEN}
    switched = {"decisionCases": {"a": [simple("c")]}}
    return {
        "a switch": system("SWITCH", "bad", **script, **switched),
        "a switch in a case": switch("a", {"a": [system("SWITCH", "bad", **script, **switched)]}),
        "a decision": system("DECISION", "bad", caseExpression=BROKEN, **switched),
        "a script": system("INLINE", "bad", script),
        "a script in a case": switch("a", {"a": [system("INLINE", "bad", script)]}),
        "a lambda": system("LAMBDA", "bad", {"scriptExpression": f"return {BROKEN};"}),
        "a jq": system("JSON_JQ_TRANSFORM", "bad", {"queryExpression": '.a | error("no")', "a": "x"}),
        "a terminate": system("TERMINATE", "bad", {"terminationStatus": "NO"}),
    }


def breaking() -> Iterator[Case]:
    defs: Document = {"a": {}, "c": {}, "z": {}}
    after = simple("z")
    for (kind, bad), is_optional, is_first in product(_kinds().items(), (False, True), (False, True)):
        if kind == "a terminate" and (is_optional or is_first):
            continue  # first in a loop it is never worked off on 3.32.1, and its own status ends an execution as NO
        where = f"{'first' if is_first else 'behind a task'} in a loop{', optional' if is_optional else ''}"
        body = [{**bad, "optional": True} if is_optional else bad]
        yield case(f"{kind} breaks {where}", loop(*([] if is_first else [simple("a")]), *body), after, defs=defs)
    switched = _kinds()["a switch"]
    for kind, bad in _kinds().items():
        yield case(f"{kind} breaks in a loop that is optional", loop(simple("a"), bad, optional=True), after, defs=defs)
        yield case(
            f"{kind} breaks and is permissive in a loop", loop(simple("a"), {**bad, "permissive": True}), defs=defs
        )
    later = {"expression": "$.i < 2 ? 'b' : $.x.y", "inputParameters": {"i": "${loop.output.iteration}"}}
    yield case("a switch breaks in a loop's second round", loop(simple("a"), {**switched, **later}), after, defs=defs)
    yield case("a switch breaks in a fork in a loop", loop(*fork([switched], [simple("a")])), after, defs=defs)
    yield case(
        "a jq that retries breaks in a loop",
        loop(simple("a"), _kinds()["a jq"]),
        defs={"a": {}, "bad": {"retryCount": 2}},
    )

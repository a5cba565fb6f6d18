"""What the mapper of each task type makes of a template, of an id that it has not yet, and of inputs that are empty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from k1n_parity.catalogue.builders import (
    FAIL,
    case,
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
from pytest_k1n.conformance.cases import PREFIX, Case, Document
from pytest_k1n.conformance.stub import STUB

DEFS = definitions("abcd")
ID = {"id": "${CPEWF_TASK_ID}", "x": 1}
TEMPLATE = {"t": {"inputTemplate": {"tpl": "T", "id": "${CPEWF_TASK_ID}", "of": "${workflow.input.a}"}}}


def mappers() -> Iterator[Case]:
    yield from _templates()
    yield from _empty()
    yield from _dates()
    yield from _named_waits()
    yield from _joined()
    yield from _sinks()
    yield from _requests()
    failed = {"outputParameters": {"why": "${workflow.reasonForIncompletion}", "how": "${workflow.status}"}}
    yield case("outputs that name the reason, failed", simple("a"), defs=DEFS, script={"a": [FAIL]}, workflow=failed)
    steps = [step("terminate", reason="enough", after=0)]
    yield case("outputs that name the reason, terminated", simple("a"), defs=DEFS, steps=steps, workflow=failed)


def _templates() -> Iterator[Case]:
    """Yield a task of each type whose definition has a template, and with its own id as an input."""
    request = {"http_request": {"uri": f"{STUB}/json", "method": "GET"}}
    for kind, inputs, fields in (
        ("INLINE", {"expression": "1"}, {}),
        ("LAMBDA", {"scriptExpression": "return 1"}, {}),
        ("JSON_JQ_TRANSFORM", {"queryExpression": ".x"}, {}),
        ("HTTP", request, {}),
        ("SET_VARIABLE", {}, {}),
        ("TERMINATE", {"terminationStatus": "COMPLETED"}, {}),
        ("SWITCH", {}, {"evaluatorType": "value-param", "expression": "x", "decisionCases": {"2": [simple("a")]}}),
        ("DECISION", {}, {"caseValueParam": "x", "decisionCases": {"2": [simple("a")]}}),
        ("EVENT", {}, {"sink": "conductor"}),
        ("START_WORKFLOW", {"startWorkflow": {"name": f"{PREFIX}none"}}, {}),
        ("NOOP", {}, {}),
    ):
        task = {**system(kind, "t", {**inputs, **ID}, **fields), "name": f"{PREFIX}t"}
        yield case(f"{kind}, a template and its own id", task, defs={**DEFS, **TEMPLATE})
    looping = {**loop(simple("a"), inputs=ID), "name": f"{PREFIX}t"}
    yield case("DO_WHILE, a template and its own id", looping, defs={**DEFS, **TEMPLATE})
    child = {**sub("t", ID), "name": f"{PREFIX}t"}
    inner = {"name": f"{PREFIX}child", "version": 1, "schemaVersion": 2, "tasks": [simple("a")]}
    yield case("SUB_WORKFLOW, a template and its own id", child, defs={**DEFS, **TEMPLATE}, workflows=[inner])
    keyed = sub("t", parameters={"idempotencyKey": "key ${workflow.input.a}", "idempotencyStrategy": "FAIL"})
    yield case("SUB_WORKFLOW, an idempotency key with an expression", keyed, defs=DEFS, workflows=[inner])
    branches = [simple("a", ID), {**system("SET_VARIABLE", "s", ID), "name": f"{PREFIX}t"}]
    yield case(
        "a dynamic fork with ids of its own",
        *dynamic_fork({"tasks": branches, "inputs": {}, **ID}),
        defs={**DEFS, **TEMPLATE},
    )
    for kind, template in {
        "HTTP": request,
        "JSON_JQ_TRANSFORM": {"queryExpression": ".x"},
    }.items():
        bare = {**system(kind, "t", {"x": 1}), "name": f"{PREFIX}t"}
        yield case(f"{kind}, what it needs is in the template", bare, defs={"t": {"inputTemplate": template}})


def _empty() -> Iterator[Case]:
    """Yield tasks that lack the one input that they are about."""
    for name, inputs in {"none": {}, "null": {"scriptExpression": None}, "empty": {"scriptExpression": ""}}.items():
        yield case(f"LAMBDA, its script is {name}", system("LAMBDA", "t", inputs))
    for name, query in {"null": None, "an expression of nothing": "${workflow.input.nope}"}.items():
        yield case(
            f"JSON_JQ_TRANSFORM, its query is {name}", system("JSON_JQ_TRANSFORM", "t", {"queryExpression": query})
        )


def _dates() -> Iterator[Case]:
    """Yield WAITs until dates as Java reads them, most of which are over."""
    for until in (
        "2020-1-1", "2020-02-30", "2020-13-45 25:61", "20-01-01", " 2020-01-01", "2020-01-01 1:2",
        "2020-01-01 00:00 cet", "2020-01-01 00:00 +0100", "2020-01-01 00:00 GMT+01:00", "2020-01-01 00:00 GMT-1:30",
        "2020-01-01 00:00 Central European Time", "2020-01-01 00:00 Europe/Berlin", "2020-01-01 00:00 GMT+1",
        "2020-01-01 00:00 UTC+01:00", "2020-01-01 00:00 Z", "2020-01-01 00:00 +01:00", "2020-01-01 ",
        "2020-01-01T00:00", "2020/01/01", "2020-01", "1577836800000",
    ):  # fmt: skip
        yield case(f"WAIT until {until!r}", system("WAIT", "t", {"until": until}))
    both = system("WAIT", "t", {"until": "2020-01-01", "duration": "soon"})
    yield case("WAIT until and for no time that can be read", both)


def _named_waits() -> Iterator[Case]:
    """Yield timed WAITs with a task definition of their name, whose response timeout is over at once."""
    short, long = ({**system("WAIT", "t", {"duration": span}), "name": f"{PREFIX}t"} for span in ("1s", "1 hour"))
    named = {**DEFS, "t": {"responseTimeoutSeconds": 600}}
    yield case("WAIT with a task definition, alone", short, simple("a"), defs=named)
    yield case("WAIT with a task definition, behind a worker's task", simple("a"), short, defs=named)
    yield case("WAIT with a task definition, in a fork", *fork([long], [simple("a")]), defs=named)
    yield case("WAIT with a task definition, in a loop", loop(long), defs=named)
    yield case("WAIT with a task definition, in a switch", switch("x", {"x": [long]}), defs=named)


def _joined() -> Iterator[Case]:
    """Yield dynamic forks whose list of tasks is none, as the older of two forms has it."""
    task = {"taskName": f"{PREFIX}a", "referenceName": "a", "input": {"x": 1}}
    for name, given in {
        "a list itself": [task],
        "a text": "x",
        "a number": 5,
        "a truth": True,
        "nothing": None,
        "an empty object": {},
        "of null": {"dynamicTasks": None},
        "of an object": {"dynamicTasks": task},
        "of texts": {"dynamicTasks": ["x"]},
        "of one with an input that is none": {"dynamicTasks": [{**task, "input": "x"}]},
        "of a null": {"dynamicTasks": [None]},
        "of one whose name is a number": {"dynamicTasks": [{**task, "taskName": 5}]},
        "of one whose name is an object": {"dynamicTasks": [{**task, "taskName": {"a": 1}}]},
    }.items():
        forking = system("FORK_JOIN_DYNAMIC", "dyn", {"given": given}, dynamicForkJoinTasksParam="given")
        yield case(f"a joined dynamic fork, {name}", forking, system("JOIN", "join"), defs=DEFS)


def _sinks() -> Iterator[Case]:
    for sink in ("sqs:q", "kafka:t", "x", "", ":", "CONDUCTOR", "conductor:"):
        yield case(f"EVENT to {sink!r}", system("EVENT", "t", {"a": 1}, sink=sink))


def _requests() -> Iterator[Case]:
    """Yield HTTP tasks with headers of their own, and such as fail with a query, by lines or without a body."""

    def asking(path: str, **fields: Any) -> Document:
        return system("HTTP", "t", {"http_request": {"uri": f"{STUB}{path}", "method": "GET", **fields}})

    for name, task in {
        "a header beside the accept of its own": asking("/asked", headers={"accept": "text/x", "X-Case": "1"}),
        "headers beside accept and contentType": asking(
            "/asked", method="POST", accept="a/b", contentType="text/b", body="q",
            headers={"Accept": "text/x", "Content-Type": "text/y"},
        ),
        "404 of a query": asking("/status/404?a=1#f"),
        "a status nobody knows": asking("/status/299"),
        "an error that nobody knows": asking("/status/499"),
    }.items():  # fmt: skip
        yield case(f"HTTP, {name}", task)

"""System tasks that compute or wait, and the expressions that feed tasks."""

from __future__ import annotations

from collections.abc import Iterator

from k1n_parity.catalogue.builders import FAIL, FINAL, case, fork, loop, simple, switch, system
from pytest_k1n.conformance.cases import PREFIX, Action, Case, ClientStep, Document


def operators() -> Iterator[Case]:
    after = simple("d", {"o": "${op.output}", "s": "${op.status}"})
    defs: Document = {"d": {}, "a": {}}
    yield case(
        "SET_VARIABLE",
        system("SET_VARIABLE", "op", {"v": "${workflow.input.map}", "w": None}),
        simple("d", {"v": "${workflow.variables}"}),
        defs=defs,
    )
    yield case("NOOP", system("NOOP", "op"), after, defs=defs)
    scripts = {
        "number": "$.a + 1",
        "float": "$.f * 2",
        "object": "(function () { return {x: $.a, l: [1, 'b', null]}; })()",
        "string": "'<' + $.b + '>'",
        "boolean": "$.a == 1",
        "null": "null",
        "undefined": "$.nope",
        "list length": "$.list.length",
        "map of a list": "$.list.map(function (x) { return x * 2; })",
        "throws": "throw new Error('no')",
        "syntax error": "(",
        "reference error": "nope.x",
        "statement": "if ($.a == 1) { 'one'; } else { 'other'; }",
        "nested": "$.map.n.d[1].e",
        "keys": "Object.keys($.map)",
        "sort": "$.list.sort()",
        "division": "7 / 2",
        "whole float": "4.0",
        "function": "function f() { return 5; } f();",
        "return": "return 5;",
        "date": "typeof Date.now()",
        "big": "$.big + 1",
        "big product": "$.big * 1000000",
    }
    for name, expression in scripts.items():
        inputs = {
            **{key: f"${{workflow.input.{key}}}" for key in ("a", "b", "f", "list", "map", "big")},
            "evaluatorType": "javascript",
            "expression": expression,
        }
        yield case(f"INLINE, {name}", system("INLINE", "op", inputs), after, defs=defs)
    yield case(
        "INLINE, graaljs",
        system("INLINE", "op", {"evaluatorType": "graaljs", "expression": "$.a + 1", "a": 1}),
        after,
        defs=defs,
    )
    yield case(
        "INLINE, value-param",
        system("INLINE", "op", {"evaluatorType": "value-param", "expression": "a", "a": 1}),
        after,
        defs=defs,
    )
    yield case(
        "INLINE, unknown evaluator",
        system("INLINE", "op", {"evaluatorType": "cobol", "expression": "a", "a": 1}),
        after,
        defs=defs,
    )
    yield case("INLINE, no evaluator", system("INLINE", "op", {"expression": "1"}), after, defs=defs)
    yield case(
        "INLINE, optional",
        system("INLINE", "op", {"evaluatorType": "javascript", "expression": "throw 'x'"}, optional=True),
        after,
        defs=defs,
    )
    yield case(
        "LAMBDA",
        system("LAMBDA", "op", {"a": 2, "scriptExpression": "if ($.a == 2) { return {x: true}; } else { return 1; }"}),
        after,
        defs=defs,
    )
    queries = {
        "value": ".a",
        "object": "{x: .a, l: .list}",
        "stream": ".list[]",
        "empty": "empty",
        "missing": ".nope",
        "sum": ".list | add",
        "sort": ".list | sort",
        "select": "[.list[] | select(. > 1)]",
        "keys": ".map | keys",
        "string": '"<" + .b + ">"',
        "syntax error": ".[",
        "type error": ".b + 1",
        "division": ".a / 2",
        "to_entries": ".map | to_entries",
        "length": ".list | length",
        "float": ".f",
        "whole float": ".f * 2",
        "range": "[range(3)]",
        "if": 'if .a == 1 then "one" else "no" end',
    }
    for name, query in queries.items():
        inputs = {
            **{key: f"${{workflow.input.{key}}}" for key in ("a", "b", "f", "list", "map")},
            "queryExpression": query,
        }
        yield case(f"JSON_JQ_TRANSFORM, {name}", system("JSON_JQ_TRANSFORM", "op", inputs), after, defs=defs)
    yield case("JSON_JQ_TRANSFORM, no query", system("JSON_JQ_TRANSFORM", "op", {"a": 1}), after, defs=defs)
    for name, inputs in {
        "seconds": {"duration": "1 seconds"},
        "short": {"duration": "1s"},
        "nothing": {},
        "two": {"duration": "0 hours 0 mins 1 secs"},
        "past": {"until": "2020-01-01 00:00"},
        "both": {"duration": "1s", "until": "2020-01-01"},
        "nonsense": {"duration": "soon"},
        "expression": {"duration": "${workflow.input.a} s"},
        "bad date": {"until": "whenever"},
    }.items():
        yield case(f"WAIT, {name}", system("WAIT", "op", inputs), after, defs=defs)
    for kind in ("WAIT", "HUMAN"):
        for action in (FAIL, FINAL, Action(output={"approved": True})):
            yield case(
                f"{kind}, {action.status}", system(kind, "op", {"x": 1}), after, defs=defs, script={"op": [action]}
            )
        for status in ("COMPLETED", "FAILED"):
            by_ref = ClientStep(operation=f"POST /tasks/{{id}}/op/{status}", after=0, body={"by": "ref"})
            yield case(f"{kind} by ref, {status}", system(kind, "op", {"x": 1}), after, defs=defs, steps=[by_ref])
        signal = ClientStep(operation="signal", after=0, body={"by": "signal"})
        yield case(f"{kind} by signal", system(kind, "op", {"x": 1}), after, defs=defs, steps=[signal])
    yield case("EVENT, conductor", system("EVENT", "op", {"x": 1}, sink="conductor"), after, defs=defs)
    yield case(
        "EVENT, conductor by name", system("EVENT", "op", {"x": 1}, sink=f"conductor:{PREFIX}queue"), after, defs=defs
    )
    published = system("EVENT", "op", {"x": 1}, sink="conductor")
    yield case("EVENT, last in a case", switch("a", {"a": [published]}))
    yield case(
        "EVENT, last in a case of a case",
        simple("a"),
        switch("a", {"a": [switch("b", {"b": [published]}, ref="s")]}),
        defs=defs,
    )
    yield case("EVENT, in a case before another task", switch("a", {"a": [published, system("NOOP", "n")]}))
    yield case("EVENT, unknown sink", system("EVENT", "op", {"x": 1}, sink="nowhere:x"), after, defs=defs)
    yield case("an unknown task type", system("SOMETHING", "op", {"x": 1}), after, defs=defs)


def expressions() -> Iterator[Case]:
    texts: dict[str, Document] = {
        "typed": {
            "a": "${workflow.input.a}",
            "f": "${workflow.input.f}",
            "yes": "${workflow.input.yes}",
            "none": "${workflow.input.none}",
            "big": "${workflow.input.big}",
        },
        "text": {
            "a": "<${workflow.input.a}>",
            "f": "<${workflow.input.f}>",
            "none": "<${workflow.input.none}>",
            "map": "<${workflow.input.map}>",
            "list": "<${workflow.input.list}>",
            "two": "${workflow.input.a}${workflow.input.b}",
        },
        "paths": {
            "deep": "${workflow.input.map.n.d[1].e}",
            "all": "${workflow.input.list[*]}",
            "last": "${workflow.input.list[-1]}",
            "slice": "${workflow.input.list[0:2]}",
            "any": "${workflow.input..e}",
            "bracket": "${workflow.input['map']['k']}",
            "filter": "${workflow.input.list[?(@ > 1)]}",
            "length": "${workflow.input.list.length()}",
            "beyond": "${workflow.input.list[9]}",
            "dotted": "${workflow.input['x.y']}",
        },
        "of the execution": {
            key: f"${{workflow.{key}}}"
            for key in (
                "workflowType",
                "version",
                "correlationId",
                "status",
                "variables",
                "schemaVersion",
                "parentWorkflowId",
                "reasonForIncompletion",
                "workflowId",
                "createTime",
                "nonsense",
            )
        },
        "empty": {"empty": "${}"},
        "escapes": {"escaped": "$${workflow.input.a}", "open": "${workflow.input.a", "dollar": "$workflow.input.a"},
        "blanks": {"blank": "${ workflow.input.a }"},
        "nested": {"nested": "${workflow.input.${workflow.input.b}}"},
        "structures": {
            "list": ["${workflow.input.a}", ["${workflow.input.b}"]],
            "map": {"x": {"y": "${workflow.input.map}"}},
            "${workflow.input.b}": "key",
        },
        "missing": {
            "ref": "${workflow.input.nope.deeper}",
            "part": "<${workflow.input.nope}>",
            "workflow": "${workflow.nope.x}",
            "env": "${workflow.env.NOPE}",
            "secret": "${workflow.secrets.NOPE}",
            "task id": "${CPEWF_TASK_ID}",
        },
    }
    for name, inputs in texts.items():
        yield case(f"expressions, {name}", simple("t", inputs), defs={"t": {}})
    fields = (
        "output",
        "input",
        "status",
        "taskType",
        "taskId",
        "taskDefName",
        "referenceTaskName",
        "retryCount",
        "pollCount",
        "workerId",
        "iteration",
        "correlationId",
        "workflowInstanceId",
        "callbackAfterSeconds",
        "reasonForIncompletion",
        "startTime",
        "seq",
    )
    yield case(
        "expressions, of a task",
        simple("t", {"x": 1}),
        simple("u", {key: f"${{t.{key}}}" for key in fields}),
        defs={"t": {}, "u": {}},
    )
    yield case(
        "expressions, of a task that did not run",
        switch("q", {"x": [simple("t")]}),
        simple("u", {key: f"${{t.{key}}}" for key in fields}),
        defs={"t": {}, "u": {}},
    )
    unknown = simple("t", {"x": "${nope.output.v}"})
    yield case("an unknown ref", unknown, defs={"t": {}})
    for place, tasks in {
        "a branch": fork([unknown], [simple("u")]),
        "a case": [switch("x", {"x": [unknown]})],
        "a loop": [loop(unknown)],
    }.items():
        yield case(f"an unknown ref in {place}", *tasks, defs={"t": {}, "u": {}})
    yield case(
        "output parameters",
        simple("t"),
        defs={"t": {}},
        script={"t": [Action(output={"v": {"w": [1]}})]},
        workflow={
            "outputParameters": {
                "typed": "${t.output.v}",
                "text": "v=${t.output.v}",
                "fixed": 5,
                "none": "${t.output.x}",
                "ids": "${workflow.workflowId}",
            }
        },
    )
    yield case(
        "an input template",
        simple("t", {"all": "${workflow.input}"}),
        defs={"t": {}},
        input={"a": None, "b": 1},
        workflow={"inputTemplate": {"a": "templated", "c": {"d": 1}}},
    )
    yield case(
        "an input template, empty input",
        simple("t", {"all": "${workflow.input}"}),
        defs={"t": {}},
        input={},
        workflow={"inputTemplate": {"a": "templated"}},
    )
    yield case(
        "variables",
        simple("t", {"v": "${workflow.variables.v}"}),
        defs={"t": {}},
        workflow={"variables": {"v": {"x": "${workflow.input.a}"}}},
    )

"""What people type that no earlier case had: found by trying the server from outside."""

from __future__ import annotations

from collections.abc import Iterator

from k1n_parity.catalogue.builders import case, child, definitions, dynamic_fork, loop, simple, sub, switch, system
from pytest_k1n.conformance.cases import PREFIX, Action, Case, Document

DEFS = definitions("abcd")
NAMELESS = (
    "SIMPLE", "HTTP", "INLINE", "JSON_JQ_TRANSFORM", "NOOP", "SET_VARIABLE", "HUMAN", "EVENT", "TERMINATE",
)  # fmt: skip


def strangers() -> Iterator[Case]:
    yield from _conditions()
    yield from _nameless()
    yield from _secrets()
    yield from _java()
    yield from _broken_starts()
    yield from _seen_from_a_loop()
    yield from _inline_nulls()


def _broken_starts() -> Iterator[Case]:
    """Yield executions that end in a class that Java did not expect, in the start's own evaluation and later."""
    for name, value in {"an object": {"a": 1}, "a list": [1], "a number": 3, "a truth": True}.items():
        for status in ("COMPLETED", "FAILED"):
            bad = system("TERMINATE", "end", {"terminationStatus": status, "terminationReason": value})
            yield case(f"TERMINATE, {status} for {name}", system("NOOP", "n"), bad)
    kept: Document = {"text": "1", "a fraction": 1.5, "a truth": True, "a list": [1], "an object": {}, "a long": 2**40}
    for name, value in {**kept, "an expression": "${workflow.input.list}", "null": None}.items():
        yield case(f"DO_WHILE, keepLastN is {name}", loop(simple("a"), inputs={"keepLastN": value}), defs=DEFS)
    for kept_last in (0, -1):
        for name, body in {
            "a worker's task": [simple("a")],
            "a NOOP": [system("NOOP", "n")],
            "a task behind a NOOP": [system("NOOP", "n"), simple("a")],
            "a WAIT": [system("WAIT", "w", {"duration": "1s"})],
        }.items():
            yield case(
                f"DO_WHILE, keepLastN is {kept_last}, over {name}",
                loop(*body, inputs={"keepLastN": kept_last}),
                defs=DEFS,
            )


def _seen_from_a_loop() -> Iterator[Case]:
    """Yield loops that a TERMINATE in them ends, which shows the loop's own output."""
    for status in ("COMPLETED", "FAILED", "TERMINATED"):
        for name, shown in {"all of it": "${loop.output}", "in an object": {"l": ["${loop.output}"]}}.items():
            end = system("TERMINATE", "end", {"terminationStatus": status, "workflowOutput": shown})
            body = [simple("a"), switch("${loop.output.iteration}", {"2": [end]})]
            yield case(
                f"TERMINATE in a loop, {status}, shows the loop's output, {name}",
                loop(*body, loopCondition="$.loop['iteration'] < 4"),
                defs=DEFS,
            )


def _inline_nulls() -> Iterator[Case]:
    """Yield inline definitions with nulls among their tasks, which nobody looks at before they start."""
    join = {"name": "join", "taskReferenceName": "join", "type": "JOIN"}
    untyped = {**simple("a"), "type": None}
    inner: dict[str, object] = {
        "no list of tasks": None,
        "a null for a task": [None],
        "a null behind a task": [simple("a"), None],
        "a task of type null": [untyped],
        "a null in a loop": [loop(None)],
        "a null branch": [{**system("FORK_JOIN", "fork"), "forkTasks": [None]}, join],
        "a null in a branch": [{**system("FORK_JOIN", "fork"), "forkTasks": [[None]]}, join],
    }
    for name, tasks in inner.items():
        yield case(
            f"an inline definition with {name}",
            {**sub(), "subWorkflowParam": {"workflowDefinition": {"name": f"{PREFIX}inner", "tasks": tasks}}},
            defs=DEFS,
        )


def _conditions() -> Iterator[Case]:
    """Yield loops whose condition reads what changes while they run."""
    variable = system("SET_VARIABLE", "set", {"status": "Completed"})
    reads = {"status": "${workflow.variables.status}"}
    condition = "$.status != 'Completed' && $.loop['iteration'] < 4"
    yield case("DO_WHILE, a condition on a variable", loop(variable, inputs=reads, loopCondition=condition), defs=DEFS)
    yield case(
        "DO_WHILE, a condition on an earlier task's output of now",
        loop(simple("a"), inputs={"v": "${a.output.v}"}, loopCondition="$.v < 2"),
        defs=DEFS,
        script={"a": [Action(output={"v": 1}), Action(output={"v": 2})]},
    )
    yield case(
        "DO_WHILE, a condition on a case that was not taken this time",
        loop(
            switch("${loop.output.iteration}", {"1": [simple("a")]}, [simple("b")]),
            loopCondition="$.loop['iteration'] < 2 || ($.a['v'] == 7 && $.loop['iteration'] < 3)",
        ),
        defs=DEFS,
        script={"a": [Action(output={"v": 7})]},
    )
    for name, wanted in {"index": "$.loopIndex < 1", "item": "$.loopItem != 1"}.items():
        yield case(
            f"DO_WHILE, a condition on the {name}",
            loop(simple("a"), items="${workflow.input.list}", loopCondition=wanted),
            defs=DEFS,
        )
    yield case(
        "DO_WHILE with a task definition that has a response timeout",
        {**loop(simple("a")), "name": f"{PREFIX}loop"},
        simple("d"),
        defs={**DEFS, "loop": {"responseTimeoutSeconds": 50, "retryCount": 0}},
    )


def _java() -> Iterator[Case]:
    """Yield scripts that ask of their input what only Java's maps and lists have, or have otherwise."""
    given = {
        "map": "${workflow.input.map}",
        "list": "${workflow.input.list}",
        "objects": [{"id": 1, "p": 1.5}, {"id": 2}],
    }
    asked = (
        "$.list.size() + $.map.get('n').size()", "Object.keys($.map).includes('k')", "JSON.stringify($.objects)",
        "$.map + ' ' + $.list", "'k' in $.map || $.map.hasOwnProperty('k')", "({...$.map, more: 1})",
        "$.objects.map(o => o.containsKey('p') ? o.p : 0)", "Array.from($.map.keySet())", "[...$.map].length",
        "var r = []; $.list.forEach((x, i) => r.push(i === undefined)); r", "$.list.add(9); $.list.sort(null); $.list",
        "var r = []; for (const [key, value] of $.map) { r.push(key); } r", "$.map.getOrDefault('q', 'none')",
    )  # fmt: skip
    tasks = [
        system("INLINE", f"i{number}", {**given, "evaluatorType": "graaljs", "expression": expression})
        for number, expression in enumerate(asked)
    ]
    yield case("INLINE, what Java's maps and lists have", *tasks)
    for name, expression in {
        "arity": "$.list.sort()",
        "bounds": "\n$.list.get(7)",
        "conversion": "$.list.get('0')",
    }.items():
        inputs = {**given, "evaluatorType": "javascript", "expression": expression}
        yield case(f"INLINE, an error of Java's, {name}", system("INLINE", "i", inputs))
    chosen = switch(
        "${workflow.input.map}", {"2": [simple("a")]}, [simple("b")],
        evaluatorType="javascript", expression="'' + $.on.size()",
    )  # fmt: skip
    rounds = loop(
        simple("c"), inputs={"list": "${workflow.input.list}"}, loopCondition="$.list.size() > $.loop['iteration']"
    )
    yield case("conditions on what Java's maps and lists have", chosen, rounds, defs=DEFS)


def _nameless() -> Iterator[Case]:
    """Yield dynamic forks over tasks without a name, and sub-workflows without a version."""
    for kind in NAMELESS:
        task: Document = {"taskReferenceName": "x", "type": kind, "inputParameters": {"terminationStatus": "COMPLETED"}}
        if kind == "EVENT":
            task["sink"] = "conductor"
        inputs = {"tasks": [task], "inputs": {}}
        yield case(f"a dynamic fork over a nameless {kind}", *dynamic_fork(inputs), simple("d"), defs=DEFS)
    started = {"taskReferenceName": "x", "type": "SUB_WORKFLOW", "subWorkflowParam": {"name": f"{PREFIX}child"}}
    for version in (None, 1):
        task = {**started, "subWorkflowParam": {**started["subWorkflowParam"], "version": version}}
        yield case(
            f"a dynamic fork over a nameless SUB_WORKFLOW, version {version}",
            *dynamic_fork({"tasks": [task], "inputs": {}}),
            simple("d"),
            defs=DEFS,
            workflows=[child(simple("a"))],
        )
    yield case(
        "a fork without a JOIN of its kind",
        system("FORK_JOIN", "fork", forkTasks=[[simple("a")], [simple("b")]]),
        {"name": "j", "taskReferenceName": "j", "type": "EXCLUSIVE_JOIN", "joinOn": ["a", "b"]},
        defs=DEFS,
    )
    yield case(
        "a dynamic fork whose JOIN has an input",
        *dynamic_fork({"tasks": [], "inputs": {}})[:1],
        system("JOIN", "join", {"q": "${workflow.workflowId}"}),
        defs=DEFS,
    )
    yield case(
        "a retried child that its parent names without a version",
        sub(parameters={"version": None}),
        defs=DEFS,
        workflows=[child(simple("a"))],
    )


def _secrets() -> Iterator[Case]:
    """Yield tasks whose input names secrets that there are not."""
    named = {
        "whole": "${workflow.secrets.none}",
        "part": "p-${workflow.secrets.none}-q",
        "list": ["${workflow.secrets.none}"],
    }
    script = {"evaluatorType": "graaljs", "expression": "[$.whole, $.part, $.list]"}
    yield case("secrets, a worker", simple("a", named), defs=DEFS)
    yield case("secrets, INLINE", system("INLINE", "op", named | script))
    yield case("secrets, jq", system("JSON_JQ_TRANSFORM", "op", named | {"queryExpression": "[.whole, .part, .list]"}))
    yield case(
        "secrets, SET_VARIABLE",
        system("SET_VARIABLE", "op", named),
        simple("a", {"v": "${workflow.variables}"}),
        defs=DEFS,
    )
    yield case("secrets, SWITCH", switch(named["whole"], {"x": [simple("a")]}, [simple("b")]), defs=DEFS)

"""What decides where an execution goes on: SWITCH, FORK_JOIN, dynamic tasks."""

from __future__ import annotations

from collections.abc import Iterator

from k1n_parity.catalogue.builders import FAIL, FINAL, case, child, dynamic_fork, fork, simple, switch, system
from pytest_k1n.conformance.cases import PREFIX, Action, Case, Document


def branching() -> Iterator[Case]:
    one, other = [simple("t")], [simple("u")]
    defs: Document = {"t": {}, "u": {}, "v": {}}
    for name, on in (
        ("first case", "x"),
        ("default", "q"),
        ("null", None),
        ("number", 1),
        ("boolean", True),
        ("missing", "${workflow.input.nope}"),
    ):
        yield case(
            f"SWITCH, {name}",
            switch(on, {"x": one, "1": [simple("w")], "true": [simple("z")]}, other),
            simple("v"),
            defs=defs,
        )
    yield case("SWITCH, empty case", switch("x", {"x": []}, other), simple("v"), defs=defs)
    yield case("SWITCH, no case and no default", switch("q", {"x": one}), simple("v"), defs=defs)
    yield case("SWITCH last, no case", switch("q", {"x": one}), defs=defs)
    yield case(
        "SWITCH, javascript",
        switch(5, {"big": one}, other, evaluatorType="javascript", expression="$.on > 3 ? 'big' : 'small'"),
        defs=defs,
    )
    yield case(
        "SWITCH, javascript number",
        switch(5, {"6": one}, other, evaluatorType="javascript", expression="$.on + 1"),
        defs=defs,
    )
    yield case(
        "SWITCH, script error",
        switch(5, {"x": one}, other, evaluatorType="javascript", expression="nothing.at.all"),
        defs=defs,
    )
    yield case(
        "SWITCH, graaljs",
        switch(5, {"x": one}, other, evaluatorType="graaljs", expression="(function () { return 'x'; })()"),
        defs=defs,
    )
    yield case(
        "SWITCH in SWITCH",
        switch("x", {"x": [switch("y", {"y": one}, ref="inner"), simple("w")]}),
        simple("v"),
        defs=defs,
    )
    yield case(
        "DECISION",
        system("DECISION", "d", {"on": "x"}, caseValueParam="on", decisionCases={"x": one}, defaultCase=other),
        simple("v"),
        defs=defs,
    )
    yield case(
        "DECISION, default",
        system("DECISION", "d", {"on": "q"}, caseValueParam="on", decisionCases={"x": one}, defaultCase=other),
        simple("v"),
        defs=defs,
    )
    yield case(
        "DECISION, expression",
        system(
            "DECISION",
            "d",
            {"on": 4},
            caseExpression="$.on > 3 ? 'x' : 'y'",
            decisionCases={"x": one},
            defaultCase=other,
        ),
        defs=defs,
    )


def forks() -> Iterator[Case]:
    a, b, c = [simple("a")], [simple("b")], [simple("c")]
    defs: Document = {ref: {} for ref in "abcd"}
    yield case("FORK_JOIN", *fork(a, b), simple("d", {"j": "${join.output}"}), defs=defs)
    yield case("FORK_JOIN, SYNC", *fork(a, b, join={"joinMode": "SYNC"}), simple("d"), defs=defs)
    yield case("FORK_JOIN, joinOn one", *fork(a, b, join={"joinOn": ["a"]}), simple("d"), defs=defs)
    yield case("FORK_JOIN, joinOn none", *fork(a, b, join={"joinOn": []}), simple("d"), defs=defs)
    yield case("FORK_JOIN, joinOn unknown", *fork(a, b, join={"joinOn": ["a", "zz"]}), simple("d"), defs=defs)
    yield case("FORK_JOIN last", *fork(a, b), defs=defs)
    yield case(
        "FORK_JOIN, a branch fails", *fork(a, [simple("b"), simple("c")]), simple("d"), defs=defs, script={"b": [FAIL]}
    )
    yield case(
        "FORK_JOIN, optional branch fails",
        *fork(a, [simple("b", optional=True)]),
        simple("d"),
        defs=defs,
        script={"b": [FAIL]},
    )
    yield case(
        "FORK_JOIN, permissive branch fails",
        *fork(a, [simple("b", permissive=True)]),
        simple("d"),
        defs=defs,
        script={"b": [FAIL]},
    )
    yield case(
        "FORK_JOIN, empty outputs",
        *fork(a, b),
        simple("d", {"j": "${join.output}"}),
        defs=defs,
        script={"a": [Action(output={})]},
    )
    yield case(
        "FORK_JOIN nested",
        *fork([system("FORK_JOIN", "inner", forkTasks=[a, b]), system("JOIN", "inner_join", joinOn=["a", "b"])], c),
        simple("d"),
        defs=defs,
    )
    yield case("FORK_JOIN without JOIN", system("FORK_JOIN", "fork", forkTasks=[a, b]), simple("d"), defs=defs)
    yield case("FORK_JOIN, a SWITCH ends a branch", *fork(a, [switch("x", {"x": b})]), simple("d"), defs=defs)
    yield case(
        "FORK_JOIN, a TERMINATE in a branch",
        *fork(a, [system("TERMINATE", "end", {"terminationStatus": "COMPLETED"})]),
        defs=defs,
    )
    exclusive = system("EXCLUSIVE_JOIN", "join", joinOn=["a", "b"], defaultExclusiveJoinTask=["a"])
    yield case("EXCLUSIVE_JOIN", switch("x", {"x": a}, b), exclusive, simple("d", {"j": "${join.output}"}), defs=defs)


def dynamic() -> Iterator[Case]:
    defs: Document = {ref: {} for ref in "abcd"}
    listed = [simple("a"), simple("b")]
    for task in listed:
        del task["inputParameters"]
    after = simple("d", {"j": "${join.output}"})
    yield case(
        "FORK_JOIN_DYNAMIC",
        *dynamic_fork({"tasks": listed, "inputs": {"a": {"x": 1}, "b": {"x": "${workflow.input.a}"}}}),
        after,
        defs=defs,
    )
    yield case(
        "FORK_JOIN_DYNAMIC, no inputs for one",
        *dynamic_fork({"tasks": listed, "inputs": {"a": {"x": 1}}}),
        after,
        defs=defs,
    )
    yield case("FORK_JOIN_DYNAMIC, empty", *dynamic_fork({"tasks": [], "inputs": {}}), after, defs=defs)
    yield case("FORK_JOIN_DYNAMIC, null", *dynamic_fork({"tasks": None, "inputs": None}), after, defs=defs)
    yield case(
        "FORK_JOIN_DYNAMIC, duplicate",
        *dynamic_fork({"tasks": [listed[0], listed[0]], "inputs": {"a": {}}}),
        after,
        defs=defs,
    )
    yield case("FORK_JOIN_DYNAMIC, inputs no map", *dynamic_fork({"tasks": listed, "inputs": [1]}), after, defs=defs)
    yield case(
        "FORK_JOIN_DYNAMIC, input of one no map",
        *dynamic_fork({"tasks": listed, "inputs": {"a": 5, "b": {}}}),
        after,
        defs=defs,
    )
    yield case(
        "FORK_JOIN_DYNAMIC, a branch fails",
        *dynamic_fork({"tasks": listed, "inputs": {}}),
        after,
        defs=defs,
        script={"b": [FINAL]},
    )
    yield case(
        "FORK_JOIN_DYNAMIC, name and inputs",
        *dynamic_fork({"forkTaskName": f"{PREFIX}a", "forkTaskInputs": [{"x": 1}, {"x": 2}]}),
        after,
        defs=defs,
    )
    yield case(
        "FORK_JOIN_DYNAMIC, name and inputs, no map",
        *dynamic_fork({"forkTaskName": f"{PREFIX}a", "forkTaskInputs": [1, "two"]}),
        after,
        defs=defs,
    )
    yield case(
        "FORK_JOIN_DYNAMIC, name and one input",
        *dynamic_fork({"forkTaskName": f"{PREFIX}a", "forkTaskInputs": {"x": 1}}),
        after,
        defs=defs,
    )
    yield case(
        "FORK_JOIN_DYNAMIC, workflows",
        *dynamic_fork({"forkTaskWorkflow": f"{PREFIX}child", "forkTaskInputs": [{"x": 1}]}),
        after,
        defs=defs,
        workflows=[child(simple("c"))],
    )
    own = {
        "a": {"x": "${workflow.input.who}"},
        "sub": {"y": "${workflow.input.who}"},
        "i": {"v": "<${workflow.input.who}>"},
    }
    yield case(
        "FORK_JOIN_DYNAMIC, expressions in what its branches are given",
        *dynamic_fork(
            {
                "tasks": [
                    simple("a"),
                    system("SUB_WORKFLOW", "sub", subWorkflowParam={"name": f"{PREFIX}child", "version": 1}),
                    system("INLINE", "i", {"evaluatorType": "javascript", "expression": "$.v"}),
                ],
                "inputs": "${workflow.input.own}",
            }
        ),
        after,
        defs=defs,
        workflows=[child(simple("c"))],
        input={"who": "me", "own": own},
    )
    yield case(
        "FORK_JOIN_DYNAMIC, from a task's output",
        simple("c"),
        *dynamic_fork({"tasks": "${c.output.tasks}", "inputs": "${c.output.inputs}"}),
        after,
        defs=defs,
        script={"c": [Action(output={"tasks": listed, "inputs": {"a": {"x": 1}, "b": {}}})]},
    )
    yield case(
        "DYNAMIC",
        system("DYNAMIC", "dyn", {"which": f"{PREFIX}a", "x": 1}, dynamicTaskNameParam="which"),
        simple("d", {"o": "${dyn.output}"}),
        defs=defs,
    )
    yield case(
        "DYNAMIC, unregistered",
        system("DYNAMIC", "dyn", {"which": f"{PREFIX}none"}, dynamicTaskNameParam="which"),
        defs=defs,
    )
    kid = [child(simple("c"))]
    for kind, given in {
        "SUB_WORKFLOW": {"subWorkflowName": f"{PREFIX}child", "subWorkflowVersion": 1},
        "SUB_WORKFLOW without a name": {},
        "START_WORKFLOW": {"startWorkflow": {"name": f"{PREFIX}child", "version": 1}},
        "EVENT": {},
        "FORK_JOIN": {},
        "NOOP": {},
        "SET_VARIABLE": {"v": 1},
    }.items():
        yield case(
            f"DYNAMIC that names {kind}",
            system("DYNAMIC", "dyn", {"which": kind.split()[0], **given}, dynamicTaskNameParam="which"),
            simple("d", {"o": "${dyn.output}"}),
            defs=defs,
            workflows=kid,
        )
    yield case("DYNAMIC, no name", system("DYNAMIC", "dyn", {}, dynamicTaskNameParam="which"), defs=defs)
    yield case(
        "DYNAMIC, fails",
        system("DYNAMIC", "dyn", {"which": f"{PREFIX}a"}, dynamicTaskNameParam="which"),
        defs={"a": {"retryCount": 1}},
        script={"dyn": [FAIL]},
    )

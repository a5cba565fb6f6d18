"""DO_WHILE and sub-workflows."""

from __future__ import annotations

from collections.abc import Iterator

from k1n_parity.catalogue.builders import FAIL, HANG, case, child, dynamic_fork, fork, loop, simple, sub, switch, system
from pytest_k1n.conformance.cases import PREFIX, Action, Case, ClientStep, Document


def loops() -> Iterator[Case]:
    defs: Document = {ref: {} for ref in "abcd"}
    item = {
        "item": "${loop.output.loopItem}",
        "index": "${loop.output.loopIndex}",
        "i": "${loop.output.iteration}",
        "before": "${a.output.v}",
    }
    after = simple("d", {"last": "${a.output}", "loop": "${loop.output}", "i": "${loop.iteration}"})
    yield case("DO_WHILE", loop(simple("a", {"i": "${loop.output.iteration}"})), after, defs=defs)
    yield case("DO_WHILE once", loop(simple("a"), loopCondition="false"), after, defs=defs)
    yield case(
        "DO_WHILE, condition on an output",
        loop(simple("a"), loopCondition="$.a['v'] < 2"),
        after,
        defs=defs,
        script={"a": [Action(output={"v": 1}), Action(output={"v": 2})]},
    )
    yield case(
        "DO_WHILE, items", loop(simple("a", item), items="${workflow.input.list}", loopCondition=""), after, defs=defs
    )
    yield case(
        "DO_WHILE, items and a condition", loop(simple("a", item), items="${workflow.input.list}"), after, defs=defs
    )
    yield case(
        "DO_WHILE, _items",
        loop(simple("a", item), inputs={"_items": "${workflow.input.list}"}, loopCondition="true"),
        after,
        defs=defs,
    )
    yield case(
        "DO_WHILE, no items",
        loop(simple("a", item), items="${workflow.input.nope}", loopCondition=""),
        after,
        defs=defs,
    )
    yield case(
        "DO_WHILE, items no list",
        loop(simple("a", item), items="${workflow.input.map}", loopCondition=""),
        after,
        defs=defs,
    )
    yield case(
        "DO_WHILE, keepLastN",
        loop(simple("a"), inputs={"keepLastN": 2}, loopCondition="$.loop['iteration'] < 4"),
        after,
        defs=defs,
    )
    yield case("DO_WHILE, condition error", loop(simple("a"), loopCondition="nothing.at.all"), after, defs=defs)
    yield case("DO_WHILE, child fails", loop(simple("a")), after, defs=defs, script={"a": [Action(), FAIL]})
    yield case(
        "DO_WHILE, child retried", loop(simple("a")), after, defs={**defs, "a": {"retryCount": 1}}, script={"a": [FAIL]}
    )
    yield case(
        "DO_WHILE, optional child fails",
        loop(simple("a", optional=True), simple("b")),
        after,
        defs=defs,
        script={"a": [FAIL]},
    )
    yield case(
        "DO_WHILE over a SWITCH",
        loop(switch("${loop.output.iteration}", {"1": [simple("a")]}, [simple("b")])),
        after,
        defs=defs,
    )
    yield case("DO_WHILE over a FORK_JOIN", loop(*fork([simple("a")], [simple("b")]), simple("c")), after, defs=defs)
    yield case(
        "DO_WHILE over a dynamic fork",
        loop(*dynamic_fork({"forkTaskName": f"{PREFIX}b", "forkTaskInputs": [{"x": 1}, {"x": 2}]})),
        defs=defs,
    )
    yield case("DO_WHILE over a SUB_WORKFLOW", loop(sub(definition=child(simple("a")))), defs=defs)
    yield case("DO_WHILE over DO_WHILE", loop(loop(simple("a"), ref="inner"), simple("b")), defs=defs)
    yield case(
        "DO_WHILE, SET_VARIABLE",
        loop(system("SET_VARIABLE", "set", {"v": "${loop.output.iteration}"})),
        simple("d", {"v": "${workflow.variables.v}"}),
        defs=defs,
    )
    yield case(
        "DO_WHILE, TERMINATE inside",
        loop(simple("a"), system("TERMINATE", "end", {"terminationStatus": "FAILED"})),
        after,
        defs=defs,
    )


def sub_workflows() -> Iterator[Case]:
    defs: Document = {ref: {} for ref in "abcd"}
    after = simple("d", {"o": "${sub.output}"})
    inner = child(
        simple("a", {"x": "${workflow.input.x}", "p": "${workflow.parentWorkflowId}"}),
        outputParameters={"r": "${a.output}"},
    )
    yield case("SUB_WORKFLOW", sub(inputs={"x": "${workflow.input.a}"}), after, defs=defs, workflows=[inner])
    yield case("SUB_WORKFLOW, inline", sub(inputs={"x": 1}, definition=inner), after, defs=defs)
    yield case("SUB_WORKFLOW, no input", sub(), after, defs=defs, workflows=[inner])
    yield case("SUB_WORKFLOW, latest version", sub(parameters={"version": None}), after, defs=defs, workflows=[inner])
    yield case("SUB_WORKFLOW, unknown", sub(parameters={"name": f"{PREFIX}none"}), after, defs=defs)
    yield case("SUB_WORKFLOW fails", sub(), after, defs=defs, workflows=[inner], script={"a": [FAIL]})
    yield case(
        "SUB_WORKFLOW fails, optional", sub(optional=True), after, defs=defs, workflows=[inner], script={"a": [FAIL]}
    )
    yield case("SUB_WORKFLOW retried", sub(retryCount=1), after, defs=defs, workflows=[inner], script={"a": [FAIL]})
    yield case(
        "SUB_WORKFLOW times out",
        sub(),
        after,
        workflows=[inner],
        script={"a": [HANG]},
        defs={**defs, "a": {"timeoutSeconds": 1, "responseTimeoutSeconds": 1, "timeoutPolicy": "TIME_OUT_WF"}},
    )
    yield case(
        "SUB_WORKFLOW, the parent is terminated",
        sub(),
        after,
        defs=defs,
        workflows=[inner],
        steps=[ClientStep(operation="terminate", after=1)],
    )
    yield case(
        "SUB_WORKFLOW, the parent is paused",
        sub(),
        after,
        defs=defs,
        workflows=[inner],
        steps=[ClientStep(operation="pause", after=0), ClientStep(operation="resume")],
    )
    yield case(
        "SUB_WORKFLOW, the parent is retried",
        sub(),
        after,
        defs=defs,
        workflows=[inner],
        script={"a": [FAIL]},
        steps=[ClientStep(operation="retry")],
    )
    yield case(
        "SUB_WORKFLOW, the parent is retried, resuming",
        sub(),
        after,
        defs=defs,
        workflows=[inner],
        script={"a": [FAIL]},
        steps=[ClientStep(operation="retry", query={"resumeSubworkflowTasks": "true"})],
    )
    yield case(
        "SUB_WORKFLOW, the parent is restarted",
        sub(),
        after,
        defs=defs,
        workflows=[inner],
        steps=[ClientStep(operation="restart")],
    )
    yield case(
        "SUB_WORKFLOW, rerun from it",
        sub(),
        after,
        defs=defs,
        workflows=[inner],
        steps=[ClientStep(operation="rerun", ref="sub", body={"reRunFromTaskId": "{task}"})],
    )
    yield case(
        "SUB_WORKFLOW, correlation and variables",
        sub(),
        after,
        defs=defs,
        start={"correlationId": "c1"},
        workflows=[child(simple("a", {"c": "${workflow.correlationId}"}), variables={"v": 3})],
    )
    yield case("SUB_WORKFLOW in a fork", *fork([sub(definition=inner)], [simple("b")]), defs=defs)
    started = system(
        "START_WORKFLOW",
        "sw",
        {
            "startWorkflow": {
                "name": f"{PREFIX}child",
                "version": 1,
                "input": {"x": "${workflow.input.a}"},
                "correlationId": "cc",
            }
        },
    )
    yield case("START_WORKFLOW", started, simple("d", {"o": "${sw.output}"}), defs=defs, workflows=[inner])
    yield case(
        "START_WORKFLOW, unknown",
        system("START_WORKFLOW", "sw", {"startWorkflow": {"name": f"{PREFIX}none"}}),
        defs=defs,
    )

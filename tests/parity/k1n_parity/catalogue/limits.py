"""Retries, timeouts and domains in combinations."""

from __future__ import annotations

from collections.abc import Iterator

from k1n_parity.catalogue.builders import (
    FAIL,
    FINAL,
    HANG,
    IGNORE,
    case,
    child,
    definitions,
    fork,
    loop,
    simple,
    step,
    sub,
    system,
)
from pytest_k1n.conformance.cases import PREFIX, Action, Case

DEFS = definitions("abcd")


def limits() -> Iterator[Case]:
    yield from _retries()
    yield from _timeouts()
    yield from _domains()


def _retries() -> Iterator[Case]:
    for name, fields in {
        "no delay": {"retryCount": 2, "retryDelaySeconds": 0},
        "a delay": {"retryCount": 1, "retryDelaySeconds": 1},
        "a limited delay": {"retryCount": 1, "retryDelaySeconds": 5, "maxRetryDelaySeconds": 1},
        "exponential": {"retryCount": 2, "retryDelaySeconds": 1, "retryLogic": "EXPONENTIAL_BACKOFF"},
        "linear, scaled": {
            "retryCount": 2,
            "retryDelaySeconds": 1,
            "retryLogic": "LINEAR_BACKOFF",
            "backoffScaleFactor": 1,
        },
        "jitter": {"retryCount": 1, "retryDelaySeconds": 0, "backoffJitterMs": 300},
    }.items():
        yield case(
            f"retried, {name}",
            simple("a", {"n": "${a.retryCount}"}),
            simple("d"),
            defs={**DEFS, "a": fields},
            script={"a": [FAIL, FAIL]},
        )
    for count in (0, 2):
        yield case(
            f"a task's own retryCount {count}",
            simple("a", retryCount=count),
            defs={**DEFS, "a": {"retryCount": 1}},
            script={"a": [FAIL, FAIL]},
        )
    yield case(
        "a task's own definition",
        simple("a", taskDefinition={"name": f"{PREFIX}a", "retryCount": 1, "retryDelaySeconds": 0}),
        defs=DEFS,
        script={"a": [FAIL]},
    )
    yield case(
        "an optional task with retries",
        simple("a", optional=True),
        simple("d", {"s": "${a.status}", "r": "${a.reasonForIncompletion}", "o": "${a.output}"}),
        defs={**DEFS, "a": {"retryCount": 1}},
        script={"a": [FAIL, FAIL]},
    )
    yield case(
        "an optional task, FINAL at its second attempt",
        simple("a", optional=True),
        simple("d"),
        defs={**DEFS, "a": {"retryCount": 2}},
        script={"a": [FAIL, FINAL]},
    )
    yield case(
        "a retried task whose worker cancels",
        simple("a"),
        defs={**DEFS, "a": {"retryCount": 1}},
        script={"a": [FAIL, Action(status="CANCELED")]},
    )
    yield case(
        "a system task with a definition that retries",
        system("INLINE", "i", {"evaluatorType": "javascript", "expression": "nope.x"}),
        defs={"i": {"retryCount": 1}},
    )
    yield case(
        "a jq with a registered definition that retries",
        {**system("JSON_JQ_TRANSFORM", "i", {"queryExpression": ".a + {}", "a": 1}), "name": f"{PREFIX}i"},
        defs={"i": {"retryCount": 1}},
    )
    yield case(
        "an output that is kept by the retry",
        simple("a", {"before": "${a.output.v}", "why": "${a.reasonForIncompletion}"}),
        defs={"a": {"retryCount": 1}},
        script={"a": [Action(status="FAILED", reason="x", output={"v": 1})]},
    )
    yield case(
        "completed with errors by a worker",
        simple("a"),
        simple("d"),
        defs=DEFS,
        script={"a": [Action(status="COMPLETED_WITH_ERRORS")]},
    )
    yield case(
        "a reason of a completed task",
        simple("a"),
        simple("d", {"r": "${a.reasonForIncompletion}"}),
        defs=DEFS,
        script={"a": [Action(reason="all well")]},
    )
    yield case(
        "in progress with output, then failed",
        simple("a"),
        simple("d"),
        defs=DEFS,
        script={"a": [Action(kind="callback", output={"half": 1}), Action(status="FAILED", output={"whole": 2})]},
    )


def _timeouts() -> Iterator[Case]:
    short = {"responseTimeoutSeconds": 1, "timeoutSeconds": 1}
    for policy in ("RETRY", "TIME_OUT_WF", "ALERT_ONLY"):
        yield case(
            f"a timeout in a loop, {policy}",
            loop(simple("a")),
            simple("d"),
            defs={**DEFS, "a": {**short, "timeoutPolicy": policy}},
            script={"a": [HANG]},
        )
        yield case(
            f"an optional timeout, {policy}",
            simple("a", optional=True),
            simple("d"),
            defs={**DEFS, "a": {**short, "timeoutPolicy": policy}},
            script={"a": [HANG]},
        )
        yield case(
            f"a poll timeout of an optional one, {policy}",
            simple("a", optional=True),
            simple("d"),
            defs={**DEFS, "a": {"pollTimeoutSeconds": 1, "timeoutPolicy": policy}},
            script={"a": [IGNORE]},
        )
    yield case(
        "a workflow timeout in a fork",
        *fork([simple("a")], [simple("b")]),
        defs=DEFS,
        script={"a": [HANG]},
        workflow={"timeoutSeconds": 1, "timeoutPolicy": "TIME_OUT_WF"},
    )
    yield case(
        "a workflow timeout, retried",
        simple("a"),
        simple("b"),
        defs=DEFS,
        script={"a": [HANG]},
        workflow={"timeoutSeconds": 1, "timeoutPolicy": "TIME_OUT_WF"},
        steps=[step("retry")],
    )
    yield case(
        "a workflow timeout, restarted",
        simple("a"),
        simple("b"),
        defs=DEFS,
        script={"a": [HANG]},
        workflow={"timeoutSeconds": 1, "timeoutPolicy": "TIME_OUT_WF"},
        steps=[step("restart")],
    )
    yield case(
        "a workflow timeout, output parameters",
        simple("a"),
        simple("b"),
        defs=DEFS,
        script={"b": [HANG]},
        workflow={
            "timeoutSeconds": 1,
            "timeoutPolicy": "TIME_OUT_WF",
            "outputParameters": {"a": "${a.output.from}", "s": "${workflow.status}"},
        },
    )
    yield case(
        "a workflow timeout during a WAIT",
        system("WAIT", "w"),
        defs=DEFS,
        script={"w": [HANG]},
        workflow={"timeoutSeconds": 1, "timeoutPolicy": "TIME_OUT_WF"},
    )


def _domains() -> Iterator[Case]:
    two = [simple("a"), simple("b"), system("INLINE", "i", {"evaluatorType": "javascript", "expression": "1"})]
    for name, domains in {
        "one type": {f"{PREFIX}a": "red"},
        "a type over all": {"*": "blue", f"{PREFIX}a": "red"},
        "a list": {"*": "blue,red"},
        "a list with NO_DOMAIN": {"*": "blue, NO_DOMAIN"},
        "NO_DOMAIN": {"*": "NO_DOMAIN"},
        "NO_DOMAIN of a type": {"*": "blue", f"{PREFIX}a": "NO_DOMAIN"},
        "lower case": {"*": "no_domain"},
        "an unknown type": {"zz": "red"},
        "an empty text": {"*": ""},
        "by ref": {"a": "red"},
    }.items():
        yield case(f"domains, {name}", *two, defs=DEFS, start={"taskToDomain": domains})
    yield case(
        "domains of a retry",
        simple("a"),
        defs={"a": {"retryCount": 1}},
        script={"a": [FAIL]},
        start={"taskToDomain": {"*": "red"}},
    )
    yield case(
        "domains of a restart", simple("a"), defs=DEFS, steps=[step("restart")], start={"taskToDomain": {"*": "red"}}
    )
    yield case(
        "domains of a child", sub(), defs=DEFS, workflows=[child(simple("a"))], start={"taskToDomain": {"*": "red"}}
    )
    yield case(
        "domains of a started one",
        system(
            "START_WORKFLOW",
            "sw",
            {"startWorkflow": {"name": f"{PREFIX}child", "input": {}, "taskToDomain": {"*": "red"}}},
        ),
        defs=DEFS,
        workflows=[child(simple("a"))],
    )

"""Tasks that workers do: answers, retries, timeouts."""

from __future__ import annotations

from collections.abc import Iterator

from k1n_parity.catalogue.builders import FAIL, FINAL, HANG, IGNORE, case, failure_workflow, simple, system
from pytest_k1n.conformance.cases import PREFIX, Action, Case


def simple_tasks() -> Iterator[Case]:
    yield case("SIMPLE", simple("t", {"x": "${workflow.input.a}"}), defs={"t": {}})
    yield case("SIMPLE unregistered", simple("t"))
    yield case("SIMPLE unregistered fails", simple("t"), script={"t": [FAIL]})
    yield case(
        "a task definition's input template",
        simple("t", {"a": None, "b": 2}),
        defs={"t": {"inputTemplate": {"a": "given", "c": "${workflow.input.a}"}}},
    )
    yield case("start delay", simple("t", startDelay=1), defs={"t": {}})
    yield case(
        "a callback",
        simple("t"),
        defs={"t": {}},
        script={"t": [Action(kind="callback", seconds=1, output={"half": 1})]},
    )
    yield case("a callback at once", simple("t"), defs={"t": {}}, script={"t": [Action(kind="callback")] * 2})
    yield case(
        "no output",
        simple("t"),
        simple("u", {"x": "${t.output.v}", "all": "${t.output}"}),
        defs={"t": {}, "u": {}},
        script={"t": [Action(output={})]},
    )
    yield case(
        "a worker cancels",
        simple("t"),
        simple("u"),
        defs={"t": {"retryCount": 2}, "u": {}},
        script={"t": [Action(status="CANCELED", reason="no")]},
    )
    yield case("same definition twice", simple("t", name="shared"), simple("u", name="shared"), defs={"shared": {}})
    yield case("a task to its domain", simple("t"), defs={"t": {}}, start={"taskToDomain": {"*": "blue"}})
    yield case(
        "priority and correlation",
        simple("t", {"c": "${workflow.correlationId}"}),
        defs={"t": {}},
        start={"priority": 7, "correlationId": "order 9"},
    )


def retries() -> Iterator[Case]:
    for logic in ("FIXED", "LINEAR_BACKOFF", "EXPONENTIAL_BACKOFF"):
        fields = {
            "retryCount": 3,
            "retryDelaySeconds": 1,
            "retryLogic": logic,
            "backoffScaleFactor": 2,
            "maxRetryDelaySeconds": 2,
        }
        yield case(f"retries, {logic}", simple("t"), defs={"t": fields}, script={"t": [FAIL] * 3})
    yield case("retries used up", simple("t"), defs={"t": {"retryCount": 2}}, script={"t": [FAIL] * 3})
    yield case(
        "the workflow task's retry count wins",
        simple("t", retryCount=1),
        defs={"t": {"retryCount": 3}},
        script={"t": [FAIL] * 4},
    )
    yield case("a terminal error is not retried", simple("t"), defs={"t": {"retryCount": 3}}, script={"t": [FINAL]})
    for flag in ("optional", "permissive"):
        for bad in (FAIL, FINAL):
            yield case(
                f"{flag}, {bad.status}",
                {**simple("t"), flag: True},
                simple("u", {"s": "${t.status}", "o": "${t.output}"}),
                defs={"t": {"retryCount": 1}, "u": {}},
                script={"t": [bad, bad]},
            )
    yield case("optional last", simple("t", optional=True), defs={"t": {}}, script={"t": [FAIL]})
    yield case("permissive last", simple("t", permissive=True), defs={"t": {}}, script={"t": [FAIL]})
    yield case(
        "two permissive",
        simple("t", permissive=True),
        simple("u", permissive=True),
        simple("v"),
        defs={"t": {}, "u": {}, "v": {}},
        script={"t": [FAIL], "u": [FINAL]},
    )
    yield case(
        "a retry's input is evaluated anew",
        system("SET_VARIABLE", "set", {"v": 1}),
        simple("t", {"v": "${workflow.variables.v}", "n": "${t.retryCount}"}),
        defs={"t": {"retryCount": 1}},
        script={"t": [FAIL]},
    )


def timeouts() -> Iterator[Case]:
    for policy in ("RETRY", "TIME_OUT_WF", "ALERT_ONLY"):
        yield case(
            f"response timeout, {policy}",
            simple("t"),
            simple("u"),
            script={"t": [HANG]},
            defs={"t": {"responseTimeoutSeconds": 1, "retryCount": 1, "timeoutPolicy": policy}, "u": {}},
        )
        yield case(
            f"task timeout, {policy}",
            simple("t"),
            simple("u"),
            script={"t": [HANG]},
            defs={
                "t": {"responseTimeoutSeconds": 1, "timeoutSeconds": 1, "retryCount": 1, "timeoutPolicy": policy},
                "u": {},
            },
        )
        yield case(
            f"poll timeout, {policy}",
            simple("t"),
            simple("u"),
            script={"t": [IGNORE]},
            defs={"t": {"pollTimeoutSeconds": 1, "retryCount": 1, "timeoutPolicy": policy}, "u": {}},
        )
    yield case(
        "timeouts use the retries up",
        simple("t"),
        script={"t": [HANG, HANG]},
        defs={"t": {"responseTimeoutSeconds": 1, "retryCount": 1}},
    )
    yield case(
        "total timeout",
        simple("t"),
        script={"t": [HANG] * 5},
        defs={
            "t": {
                "responseTimeoutSeconds": 1,
                "timeoutSeconds": 1,
                "totalTimeoutSeconds": 2,
                "retryCount": 5,
                "timeoutPolicy": "RETRY",
            }
        },
    )
    yield case(
        "total timeout that is only alerted about, before a response timeout",
        simple("t"),
        script={"t": [HANG]},
        defs={
            "t": {
                "responseTimeoutSeconds": 2,
                "totalTimeoutSeconds": 1,
                "retryCount": 0,
                "timeoutPolicy": "ALERT_ONLY",
            }
        },
    )
    yield case(
        "total timeout, failures",
        simple("t"),
        script={"t": [FAIL] * 5},
        defs={
            "t": {
                "responseTimeoutSeconds": 1,
                "timeoutSeconds": 2,
                "totalTimeoutSeconds": 2,
                "retryCount": 5,
                "retryDelaySeconds": 1,
            }
        },
    )
    for flag in ("optional", "permissive"):
        yield case(
            f"{flag}, response timeout",
            {**simple("t"), flag: True},
            simple("u"),
            script={"t": [HANG]},
            defs={"t": {"responseTimeoutSeconds": 1}, "u": {}},
        )
        yield case(
            f"{flag} and last, response timeout",
            {**simple("t"), flag: True},
            script={"t": [HANG]},
            defs={"t": {"responseTimeoutSeconds": 1}},
        )
    for policy in ("TIME_OUT_WF", "ALERT_ONLY"):
        yield case(
            f"workflow timeout, {policy}",
            simple("t"),
            simple("u"),
            script={"t": [HANG]},
            defs={"t": {}, "u": {}},
            workflow={"timeoutSeconds": 1, "timeoutPolicy": policy, "failureWorkflow": f"{PREFIX}failure"},
            workflows=[failure_workflow()],
        )
    yield case(
        "a retry's delay adds to its timeout",
        simple("t"),
        script={"t": [FAIL, HANG]},
        defs={
            "t": {
                "responseTimeoutSeconds": 1,
                "timeoutSeconds": 1,
                "retryCount": 1,
                "retryDelaySeconds": 1,
                "timeoutPolicy": "RETRY",
            }
        },
    )

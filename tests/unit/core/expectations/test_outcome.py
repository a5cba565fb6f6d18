"""How executions end, and what is decided before."""

import pytest

from pytest_k1n.core.expectations import completed, failed, judge_all, terminated, timed_out, within
from pytest_k1n.core.findings import Finding, Findings, Verdict


def test_a_completed_execution_counts_its_status_and_each_task(build):
    findings = completed().judge(build.observation(build.task("a", 0, 10), build.task("b", 10, 25)))
    assert (findings.verdict, findings.passed) == (Verdict.PASS, 3)


def test_a_failed_task_is_named_with_its_reason(build, codes_of):
    seen = build.observation(
        build.task("a", 0, 10), build.task("b", 10, 25, status="FAILED", reason="card declined"), status="FAILED"
    )
    findings = completed().judge(seen)
    assert codes_of(findings) == [("task-failed", "b", "fail"), ("wrong-status", "wf", "fail")]
    assert findings.findings[0].observed == "FAILED at attempt 1: card declined"


def test_a_task_that_will_be_retried_is_no_failure_yet(build, codes_of):
    definition = build.chain("a", "b")
    definition["tasks"][0]["taskDefinition"] = {"name": "a", "retryCount": 1}
    live = {"definition": definition, "status": "RUNNING"}
    first = build.task("a", 0, 10, status="FAILED")
    assert codes_of(completed().judge(build.observation(first, **live))) == [("pending", "wf", "unknown")]
    second = build.task("a", 12, 20, attempt=1, status="FAILED")
    findings = completed().judge(build.observation({**first, "retried": True}, second, **live))
    assert codes_of(findings) == [("task-failed", "a", "fail"), ("pending", "wf", "unknown")]


def test_what_was_cancelled_with_its_execution_is_not_blamed(build, codes_of):
    seen = build.observation(
        build.task("a", 0, 10, status="FAILED"), build.task("b", 0, 11, status="CANCELED"), status="FAILED"
    )
    assert [code for code, subject, _ in codes_of(completed().judge(seen)) if subject == "b"] == []


def test_what_is_cancelled_while_its_execution_runs_is_not_blamed_yet(build, codes_of):
    cancelled = build.task("b", 0, 11, status="CANCELED")
    assert codes_of(completed().judge(build.observation(cancelled, status="RUNNING"))) == [("pending", "wf", "unknown")]


@pytest.mark.parametrize(
    ("reason", "found"),
    [("Workflow is in COMPLETED state", []), (None, ["task-failed"]), ("by a person", ["task-failed"])],
)
def test_a_last_join_that_the_end_has_overtaken_is_not_blamed(build, codes_of, reason, found):
    fork = {"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": [[build.simple("a")]]}
    join = {"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": ["a"]}
    seen = build.observation(
        build.task("f", 0, 1, type="FORK"), build.task("a", 1, 10),
        build.task("j", 1, 13, type="JOIN", status="CANCELED", reason=reason),
        definition={"name": "wf", "tasks": [fork, join]},
    )  # fmt: skip
    assert [code for code, _, _ in codes_of(completed().judge(seen))] == found


def test_what_a_terminate_stops_is_not_blamed(build, codes_of):
    def stop(ref):
        return {"name": ref, "taskReferenceName": ref, "type": "TERMINATE", "inputParameters": {}}

    fork = {"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": [[stop("s")], [stop("t")]]}
    join = {"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": ["s", "t"]}
    tasks = [build.task("f", 0, 1, type="FORK"), build.task("s", 1, 10, type="TERMINATE", status="CANCELED")]
    last = build.task("t", 2, 9, type="TERMINATE", status="COMPLETED")
    definition = {"name": "wf", "tasks": [fork, join]}
    assert codes_of(completed().judge(build.observation(*tasks, last, definition=definition))) == []
    canceled = {**last, "status": "CANCELED"}
    found = codes_of(completed().judge(build.observation(*tasks, canceled, definition=definition)))
    assert {subject for code, subject, _ in found if code == "task-failed"} == {"s", "t"}


def test_an_optional_task_may_fail(build):
    definition = build.chain("a", "b")
    definition["tasks"][0]["optional"] = True
    seen = build.observation(
        build.task("a", 0, 10, status="COMPLETED_WITH_ERRORS"), build.task("b", 10, 20), definition=definition
    )
    assert completed().judge(seen).verdict is Verdict.PASS


def test_waiting_given_up_is_a_failure_that_says_why(build):
    seen = build.observation(build.task("a", 0), status="RUNNING", released="the worker died")
    [finding] = completed().judge(seen).findings
    assert finding.code == "wrong-status"
    assert "the worker died" in finding.observed


@pytest.mark.parametrize(
    ("expectation", "status"),
    [(failed(), "FAILED"), (timed_out(), "TIMED_OUT"), (terminated(), "TERMINATED"), (completed(), "COMPLETED")],
)
def test_each_ending_accepts_itself_only(build, expectation, status):
    for actual in ("FAILED", "TIMED_OUT", "TERMINATED", "COMPLETED"):
        verdict = expectation.judge(build.observation(build.task("a", 0, 10), status=actual)).verdict
        assert (verdict is Verdict.PASS) == (actual == status)
    live = expectation.judge(build.observation(build.task("a", 0), status="RUNNING"))
    assert (live.verdict, live.findings[0].code) == (Verdict.UNKNOWN, "pending")


def test_a_reason_may_be_the_task_s_or_the_execution_s(build):
    seen = build.observation(
        build.task("a", 0, 10, status="FAILED", reason="card declined"),
        status="FAILED",
        fields={"reasonForIncompletion": "Task a failed"},
    )
    assert failed(reason="declined").judge(seen).verdict is Verdict.PASS
    assert failed(reason="Task a").judge(seen).verdict is Verdict.PASS
    assert failed(reason="expired").judge(seen).findings[0].code == "wrong-reason"


def test_an_expectation_looks_like_its_call_and_equals_its_like():
    assert repr(within("25m", "40m")) == "within('25m', '40m')"
    assert repr(failed(reason="x")) == "failed(reason='x')"
    assert within("25m", "40m") == within("25m", "40m") != within("25m", "41m")
    assert hash(within("25m", "40m")) == hash(within("25m", "40m"))


def test_a_callable_judges_the_execution(build):
    def named_right(execution):
        return Findings(passed=int(execution.name == "wf"))

    findings = judge_all([completed(), named_right], build.observation(build.task("a", 0, 10)))
    assert findings.passed == 3


def test_whatever_raises_is_unknown_and_stops_nothing(build, codes_of):
    def broken(execution):
        raise KeyError("price")

    def silent(execution):
        return None

    findings = judge_all([broken, silent, completed()], build.observation(build.task("a", 0, 10)))
    assert codes_of(findings) == [
        ("judgement-crashed", "broken", "unknown"),
        ("judgement-crashed", "silent", "unknown"),
    ]
    assert "KeyError: 'price'" in findings.findings[0].observed
    assert "a function that only asserts is called as it is: silent(execution)" in findings.findings[1].observed
    assert findings.passed == 2


def test_an_assert_in_a_callable_is_a_failed_check(build):
    def claim(execution):
        raise AssertionError("the total is 12, not 13")

    [finding] = judge_all([claim], build.observation(build.task("a", 0, 10))).findings
    assert (finding.code, finding.verdict) == ("assertion-failed", Verdict.FAIL)
    assert "12, not 13" in finding.observed


def test_findings_come_with_one_line_each():
    finding = Finding(code="x", subject="a", expected="1", observed="2", margin="+1", origin="plan")
    assert str(finding) == "fail    x: a: expected 1; observed 2, by +1 (plan)"

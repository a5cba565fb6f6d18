"""Retries with their delays, waits for people, compensation, and what must not hold."""

import pytest

from pytest_k1n.core.expectations import (
    answered_by,
    attempts,
    compensated_by,
    completed,
    in_order,
    never,
    not_scheduled,
    phase_within,
    retried,
    task_output,
    waited,
)
from pytest_k1n.core.findings import Verdict


@pytest.fixture
def thrice(build):
    """Three attempts: the second 1 s after the first, the third 2 s after the second."""
    return build.observation(
        build.task("a", 0, 100, status="FAILED", retried=True, reason="busy"),
        build.task("a", 1_100, 1_200, attempt=1, status="FAILED", retried=True, reason="busy"),
        build.task("a", 3_200, 3_300, attempt=2),
    )


def test_retries_are_counted_and_their_delays_kept(thrice):
    found = retried("a", times=2, delays=["1s", "2s"]).judge(thrice)
    assert (found.verdict, found.passed) == (Verdict.PASS, 3)


@pytest.mark.parametrize(
    ("held_s", "delay", "code"), [(5, "1s", "retried-late"), (5, "5s", ""), (1, "500ms", ""), (0, "1s", "")]
)
def test_a_retry_is_late_that_the_record_says_was_to_be_held_back_for_longer(build, held_s, delay, code):
    """A changed retryDelaySeconds hides within the 30 s that a server may take to look."""
    run = build.observation(
        build.task("a", 0, 100, status="FAILED", retried=True, reason="busy"),
        build.task("a", 5_200, 5_300, attempt=1, delay_s=held_s),
    )
    found = retried("a", times=1, delays=[delay]).judge(run)
    assert [each.code for each in found.findings] == [code] * bool(code)


@pytest.mark.parametrize(
    ("expectation", "code", "margin"),
    [
        (retried("a", times=1), "wrong-attempts", "+1"),
        (retried("a", times=3), "wrong-attempts", "-1"),
        (retried("a", times=2, delays=["1s", "4s"]), "retried-early", "2.00 s"),
        (retried("a", times=2, delays=["500ms", "2s"], late="100ms"), "retried-late", "400 ms"),
    ],
)
def test_another_number_or_another_rhythm_of_retries_is_told(thrice, expectation, code, margin):
    [finding] = expectation.judge(thrice).findings
    assert (finding.code, finding.margin) == (code, margin)


def test_retries_that_may_still_come_are_pending(build, codes_of):
    live = build.observation(
        build.task("a", 0, 10, status="FAILED", retried=True), build.task("a", 20, attempt=1), status="RUNNING"
    )
    assert codes_of(retried("a", times=2).judge(live)) == [("pending", "a", "unknown")]


@pytest.mark.parametrize("arguments", [{"times": -1}, {"times": 2, "delays": ["1s"]}, {"times": 1, "delays": ["soon"]}])
def test_retries_that_make_no_sense_are_refused(arguments):
    with pytest.raises(ValueError, match=r"times|delays|duration"):
        retried("a", **arguments)


def test_a_wait_is_measured_from_its_scheduling_to_its_end(build):
    seen = build.observation(build.task("approve", 0, 7_200_000, type="HUMAN"))
    assert waited("approve", within="3h", least="1h").judge(seen).verdict is Verdict.PASS
    [finding] = waited("approve", within="90m").judge(seen).findings
    assert (finding.code, finding.observed, finding.margin) == ("wrong-wait", "120.0 min", "30.0 min")
    assert waited("approve", within="3h", least="150m").judge(seen).findings[0].margin == "30.0 min"


def test_an_open_wait_is_pending(build, codes_of):
    live = build.observation(build.task("approve", 0, type="HUMAN"), status="RUNNING")
    assert codes_of(waited("approve", within="1h").judge(live)) == [("pending", "approve", "unknown")]


@pytest.mark.parametrize(
    ("status", "declared", "output", "verdict"),
    [
        ("FAILED", "refund", {"conductor.failure_workflow": "id-1"}, Verdict.PASS),
        ("TIMED_OUT", "${workflow.input.undo}", {"conductor.failure_workflow": "id-1"}, Verdict.PASS),
        ("FAILED", "refund", {}, Verdict.FAIL),
        ("FAILED", "refund", {"conductor.failure_workflow": "Error workflow refund failed to start."}, Verdict.FAIL),
        ("FAILED", "other", {"conductor.failure_workflow": "id-1"}, Verdict.FAIL),
        ("FAILED", None, {}, Verdict.FAIL),
        ("COMPLETED", "refund", {}, Verdict.FAIL),
        ("RUNNING", "refund", {}, Verdict.UNKNOWN),
    ],
)
def test_compensation_is_a_failure_workflow_that_the_server_has_started(build, status, declared, output, verdict):
    definition = build.chain("a", **({"failureWorkflow": declared} if declared else {}))
    task = build.task("a", 0, None if status == "RUNNING" else 10)
    seen = build.observation(task, definition=definition, status=status, fields={"output": output})
    assert compensated_by("refund").judge(seen).verdict is verdict


def test_an_answer_names_who_gave_it(build, codes_of):
    seen = build.observation(
        build.task("yes", 0, 10, type="HUMAN", output={"by": "ann"}),
        build.task("late", 0, 10, type="HUMAN", status="TIMED_OUT", reason="too late"),
        status="TIMED_OUT",
    )
    assert answered_by("yes", "ann").judge(seen).passed == 1
    assert codes_of(answered_by("yes", "bob").judge(seen)) == [("wrong-answer", "yes", "fail")]
    assert codes_of(answered_by("yes", "ann", at="who.name").judge(seen)) == [("wrong-answer", "yes", "fail")]
    assert codes_of(answered_by("late", "ann").judge(seen)) == [("unanswered", "late", "fail")]
    live = build.observation(build.task("yes", 0, type="HUMAN"), status="RUNNING")
    assert codes_of(answered_by("yes", "ann").judge(live)) == [("pending", "yes", "unknown")]


def test_an_answer_without_a_name_says_what_it_has(build):
    seen = build.observation(
        build.task("go", 0, 10, type="WAIT", output={"ok": True, "at": 3}),
        build.task("yes", 0, 10, type="HUMAN"),
        build.task("left", 0, 10, type="HUMAN", status="COMPLETED_WITH_ERRORS", reason="too late"),
    )
    observed = [answered_by(ref, "ann").judge(seen).findings[0].observed for ref in ("go", "yes", "left")]
    assert observed == [
        "an answer without by: it has ok, at", "an answer without by: it is empty",
        "nobody: COMPLETED_WITH_ERRORS: too late",
    ]  # fmt: skip


def test_what_must_not_hold_fails_with_its_reason_where_it_does(build):
    seen = build.observation(build.task("a", 0, 10))
    [finding] = never(attempts("a", 1), because="the first call is made to fail").judge(seen).findings
    assert (finding.code, finding.origin) == ("held-unwanted", "the first call is made to fail")
    assert "attempts('a', 1)" in finding.expected
    assert never(attempts("a", 2), because="one is enough").judge(seen).passed == 1


def test_no_evidence_is_no_proof_of_the_contrary(build):
    live = build.observation(build.task("a", 0), status="RUNNING")
    assert never(completed(), because="it must wait").judge(live).verdict is Verdict.UNKNOWN


def test_a_contrary_needs_a_reason():
    with pytest.raises(ValueError, match="because"):
        never(completed(), because=" ")


@pytest.mark.parametrize(
    "expectation",
    [attempts("aprove", 2), in_order("approve", "aprove"), task_output("aprove", "x"), not_scheduled("aprove")],
)
def test_what_must_not_hold_of_a_task_that_is_misspelt_is_said_of_the_name(build, expectation):
    seen = build.observation(build.task("approve", 0, 10))
    [finding] = never(expectation, because="it would be wrong").judge(seen).findings
    assert (finding.code, finding.subject) == ("unknown-ref", "aprove")
    assert "did you mean approve" in finding.observed


def test_what_must_not_hold_of_a_phase_that_is_nowhere_is_said_of_the_phase(build, codes_of):
    seen = build.observation(build.task("a", 0, 10))
    assert codes_of(never(phase_within(7, "1s", "2s"), because="x").judge(seen)) == [
        ("unknown-phase", "phase 7", "fail")
    ]

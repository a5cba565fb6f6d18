"""Limits of time that have passed over what is still open, as a server that is late in all its ways enforces them."""

import pytest

from pytest_k1n.core.pending.nextstep import to_type
from pytest_k1n.core.pending.stalled import progress
from pytest_k1n.core.pending.steps import next_steps

HOUR_MS = 3_600_000
LIMITS = {
    "retryCount": 3, "retryDelaySeconds": 60, "timeoutSeconds": 0, "timeoutPolicy": "TIME_OUT_WF",
    "responseTimeoutSeconds": 30, "pollTimeoutSeconds": 0,
}  # fmt: skip


def definition(kind="SIMPLE", *, task=None, limits=None, **fields):
    named = {"name": "b", **LIMITS, **(limits or {})}
    one = {"name": "b", "taskReferenceName": "b", "type": kind, "taskDefinition": named, **(task or {})}
    return {"name": "wf", "version": 1, "tasks": [one], **fields}


def found(build, record, *, now_ms=HOUR_MS, status="RUNNING", fields=None, **defined):
    seen = build.observation({**build.task("b"), **record}, definition=definition(**defined), status=status,
                             fields=fields)  # fmt: skip
    return progress(seen, now_ms=build.ZERO + now_ms).findings


def taken(build, at=1_000, **fields):
    return {"status": "IN_PROGRESS", "startTime": build.ZERO + at, "updateTime": build.ZERO + at,
            "responseTimeoutSeconds": 30, **fields}  # fmt: skip


@pytest.mark.parametrize(
    ("limits", "is_taken", "words"),
    [
        ({}, True, "its response timeout of 30s passed 22:13:51 (59.5 min ago)"),
        ({"timeoutSeconds": 60}, True, "its response timeout of 30s passed"),
        ({"pollTimeoutSeconds": 60}, False, "its poll timeout of 60s passed 22:14:20 (59.0 min ago)"),
        ({"totalTimeoutSeconds": 600}, False, "its total timeout of 600s passed 22:23:20"),
    ],
)
def test_a_task_whose_time_is_up_is_owed_its_end_by_the_engine(build, limits, is_taken, words):
    (finding,) = found(build, taken(build) if is_taken else {}, limits=limits)
    assert (finding.code, str(finding.verdict), finding.expected) == ("stalled", "fail", "it to be TIMED_OUT")
    assert words in finding.observed


@pytest.mark.parametrize(
    "record",
    [
        {"updateTime": HOUR_MS - 10_000},
        {"callbackAfterSeconds": 7_200},
    ],
    ids=["heartbeat", "handed back for two hours"],
)
def test_a_worker_that_was_heard_of_within_its_response_timeout_still_has_its_turn(build, record):
    if "updateTime" in record:
        record = {"updateTime": build.ZERO + record["updateTime"]}
    (finding,) = found(build, {**taken(build), **record})
    assert (finding.code, finding.expected) == ("waiting", "its worker to report its end")


def test_a_timeout_that_only_alerts_ends_nothing(build):
    quiet = {"timeoutSeconds": 60, "timeoutPolicy": "ALERT_ONLY", "responseTimeoutSeconds": 0}
    (finding,) = found(build, taken(build, responseTimeoutSeconds=0), limits=quiet)
    assert finding.code == "waiting"


def test_no_limit_is_enforced_while_an_execution_is_paused_or_a_person_has_it(build):
    assert {each.code for each in found(build, taken(build), status="PAUSED")} == {"waiting"}
    person = {"taskType": "HUMAN", **taken(build)}
    (finding,) = found(build, person, kind="HUMAN", timeoutSeconds=60, timeoutPolicy="TIME_OUT_WF")
    assert finding.code == "waiting"


@pytest.mark.parametrize(("age_ms", "verdict"), [(240_000, "unknown"), (HOUR_MS, "fail")])
def test_a_workflow_whose_time_is_up_is_owed_its_end_once_a_look_is_due(build, age_ms, verdict):
    seen = found(build, taken(build), now_ms=age_ms, limits={"responseTimeoutSeconds": 86_400},
                 timeoutSeconds=120, timeoutPolicy="TIME_OUT_WF")  # fmt: skip
    assert (seen[0].subject, seen[0].expected) == ("wf", "the execution to be TIMED_OUT")
    assert str(seen[0].verdict) == verdict


def test_time_out_of_a_workflow_counts_from_its_last_retry(build):
    retried = {"lastRetriedTime": build.ZERO + HOUR_MS - 1_000}
    seen = found(build, taken(build), limits={"responseTimeoutSeconds": 86_400}, fields=retried,
                 timeoutSeconds=120, timeoutPolicy="TIME_OUT_WF")  # fmt: skip
    assert [each.code for each in seen] == ["waiting"]


@pytest.mark.parametrize(
    ("given", "code", "verdict"),
    [
        ({"duration": "10 minutes"}, "stalled", "fail"),
        ({"duration": "2 hours"}, "waiting", "unknown"),
        ({"duration": "soon"}, "waiting", "unknown"),
        ({"until": "2023-11-14 22:30 UTC"}, "stalled", "fail"),
        ({"until": "2023-11-14 23:30 GMT+01:00"}, "stalled", "fail"),
        ({"until": "2023-11-14 22:30"}, "stalled", "unknown"),
        ({"until": "2023-11-15 22:30 UTC"}, "waiting", "unknown"),
        ({}, "waiting", "unknown"),
    ],
)
def test_a_wait_ends_when_its_time_has_come(build, given, code, verdict):
    (finding,) = found(build, {"taskType": "WAIT", **taken(build), "inputData": given}, kind="WAIT")
    assert (finding.code, str(finding.verdict)) == (code, verdict)


def test_what_is_still_open_when_its_execution_has_failed_was_never_cancelled(build):
    seen = found(build, {**taken(build), "endTime": 0}, status="FAILED", fields={"endTime": build.ZERO + 2_000})
    assert [(each.code, each.expected) for each in seen] == [("stalled", "it to be cancelled with the execution")]
    assert [str(each.verdict) for each in found(build, taken(build), status="FAILED", now_ms=3_000)] == ["unknown"]


def test_a_step_is_not_owed_from_before_a_person_resumed_its_execution(build):
    resumed = {"lastRetriedTime": build.ZERO + HOUR_MS - 1_000}
    seen = build.observation(build.task("a", 0, 10), definition=build.chain("a", "b"), status="RUNNING", fields=resumed)
    (finding,) = progress(seen, now_ms=build.ZERO + HOUR_MS).findings
    assert (finding.code, str(finding.verdict)) == ("stalled", "unknown")


def test_a_retry_that_could_be_had_for_long_is_not_said_to_be_held_back(build):
    tasks = [
        build.task("b", 0, 10, status="FAILED", retried=True),
        build.task("b", scheduled=10, attempt=1, delay_s=60),
    ]
    seen = build.observation(*tasks, definition=build.chain("b"), status="RUNNING")
    for age_ms, words in ((1_000, "held back until 22:14:20"), (HOUR_MS, "to be had since 22:14:20")):
        (finding,) = progress(seen, now_ms=build.ZERO + age_ms).findings
        assert words in finding.observed


def test_a_permissive_task_that_failed_for_good_lets_its_successor_come(build):
    tasks = [{"name": ref, "taskReferenceName": ref, "type": "SIMPLE", "permissive": True, "retryCount": 0}
             for ref in "ab"]  # fmt: skip
    seen = build.observation(build.task("a", 0, 10, status="FAILED"), status="RUNNING",
                             definition={"name": "wf", "version": 1, "tasks": tasks})  # fmt: skip
    assert [step.subject for step in next_steps(seen)] == ["b"]


@pytest.mark.parametrize(("limit", "expected"), [(0, "COMPLETED_WITH_ERRORS"), (3, "its retry")])
def test_an_optional_task_that_failed_is_retried_or_told_off_before_its_successor_comes(build, limit, expected):
    tasks = [{"name": ref, "taskReferenceName": ref, "type": "SIMPLE", "optional": True, "retryCount": limit}
             for ref in "ab"]  # fmt: skip
    seen = build.observation(build.task("a", 0, 10, status="FAILED"), status="RUNNING",
                             definition={"name": "wf", "version": 1, "tasks": tasks})  # fmt: skip
    (step,) = next_steps(seen)
    assert step.subject == "a"
    assert expected in step.expected


@pytest.mark.parametrize(
    ("kind", "record", "command"),
    [
        ("SIMPLE", {}, 'curl "$K1N_SERVER/api/tasks/queue/polldata?taskType=b"'),
        ("SIMPLE", {"startTime": 1}, 'curl "$K1N_SERVER/api/tasks/id-b-0-0/log"'),
        ("HUMAN", {"taskType": "HUMAN"}, 'curl -X POST "$K1N_SERVER/api/tasks/wf%20%241/b/COMPLETED" -H'),
        ("HTTP", {"taskType": "HTTP"}, 'curl -X PUT "$K1N_SERVER/api/workflow/decide/wf%20%241"'),
        (
            "SUB_WORKFLOW",
            {"taskType": "SUB_WORKFLOW", "subWorkflowId": "c 1"},
            "k1n check 'c 1' --server \"$K1N_SERVER\"",
        ),
        ("WAIT", {"taskType": "WAIT", "inputData": {"duration": "2 h"}}, ""),
    ],
)
def test_each_step_says_what_to_type_and_nothing_of_a_record_reaches_the_shell(build, kind, record, command):
    seen = build.observation({**build.task("b"), **record}, definition=definition(kind), status="RUNNING")
    (step,) = next_steps(seen)
    assert to_type(step, "wf $1").startswith(command)
    assert command or to_type(step, "wf $1") == ""


@pytest.mark.parametrize(
    ("refs", "executed", "command"),
    [("ab", True, "curl -X DELETE"), ("ab", False, "curl -X PUT"), ("a", True, "curl -X DELETE")],
    ids=["its successor is gone", "its successor is due", "the end is missed"],
)
def test_what_the_server_has_gone_on_from_it_does_not_go_on_from_again(build, refs, executed, command):
    """As 3.32.1 leaves an execution of which a task in a fork or a loop was re-run: asked to decide it does nothing."""
    done = {**build.task("a", 0, 10), "executed": executed}
    (step,) = next_steps(build.observation(done, definition=build.chain(*refs), status="RUNNING"))
    assert to_type(step, "w").startswith(command)
    assert ("has gone on from a before" in step.observed) == executed

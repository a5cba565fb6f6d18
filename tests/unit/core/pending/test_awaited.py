"""What an open execution waits for, as it is told."""

import pytest

from pytest_k1n.core.pending.awaited import awaited, hint_of_timed_waits, unworked
from pytest_k1n.core.standins.answers import PlannedAnswer
from pytest_k1n.core.wire import wire

ZERO = 1_700_000_000_000


def running(*tasks, status="RUNNING"):
    common = {"scheduledTime": ZERO, "startTime": ZERO + 1000, "retryCount": 0, "inputData": {}}
    records = [
        {**common, "referenceTaskName": ref, "taskId": f"id-{ref}", "taskType": kind, "status": state, **more}
        for ref, kind, state, more in tasks
    ]
    names = {"workflowId": "w", "workflowName": "wf", "workflowVersion": 1, "createTime": ZERO, "startTime": ZERO}
    definition = {"name": "wf", "version": 1, "tasks": []}
    return wire.execution({**names, "status": status, "tasks": records, "workflowDefinition": definition})


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (("reserve", "reserve", "SCHEDULED", {}), "reserve: no worker has polled in 10.00 s"),
        (
            ("reserve", "reserve", "SCHEDULED", {"retryCount": 2}),
            "reserve: no worker has polled in 10.00 s since attempt 2 failed",
        ),
        (
            ("reserve", "reserve", "SCHEDULED", {"startDelayInSeconds": 60}),
            "reserve: its delay of 1.0 min passes",
        ),
        (("charge", "charge", "IN_PROGRESS", {"workerId": "w1"}), "charge: in progress with worker w1 for 9.00 s"),
        (("approve", "HUMAN", "IN_PROGRESS", {}), "approve: no person has answered it (HUMAN) in 10.00 s"),
        (("go", "WAIT", "IN_PROGRESS", {}), "go: no signal has come (WAIT) in 10.00 s"),
        (
            ("pause", "WAIT", "IN_PROGRESS", {"inputData": {"duration": "2 hours"}}),
            "pause: a WAIT for 2 hours goes on since 10.00 s",
        ),
    ],
)
def test_each_open_task_is_told_by_what_would_end_it(task, said):
    assert awaited([running(task)], waited_ms=0, now_ms=ZERO + 10_000) == said


def test_a_join_is_not_told_beside_what_it_waits_for():
    family = [running(("both", "JOIN", "IN_PROGRESS", {}), ("a", "a", "SCHEDULED", {}))]
    assert awaited(family, waited_ms=10_000) == "a: no worker has polled in 10.00 s"
    assert awaited([running(("both", "JOIN", "IN_PROGRESS", {}))], waited_ms=10_000).startswith("both: in progress")


def test_a_paused_execution_and_one_without_tasks_say_so():
    assert awaited([running(status="PAUSED")], waited_ms=0) == "wf is paused"
    assert awaited([running(("a", "a", "SCHEDULED", {}), status="TERMINATED")], waited_ms=0) == "no task is open"


def test_a_task_that_no_worker_took_before_a_time_limit_is_named_with_what_would_do_it(build):
    left = {**build.task("a", 0, 3_600_000, status="CANCELED"), "startTime": 0}
    [line] = unworked(build.execution(build.task("before", 0, 0), left, status="TIMED_OUT"), jumped=True)
    assert line == (
        "a: no worker has polled in 60.0 min: virtual time went on to a time limit; do its work by "
        'complete("a"), or give handlers={"a": ...}'
    )


def test_a_task_that_a_worker_had_taken_is_not_said_to_have_had_none(build):
    taken = build.task("a", 5, 3_600_000, status="TIMED_OUT")
    assert unworked(build.execution(taken, status="TIMED_OUT"), jumped=True) == []


def test_an_answer_that_is_days_away_is_no_matter_of_nobody_answering(build):
    open_ = build.execution(build.task("approve", 0, None, type="HUMAN", status="IN_PROGRESS"), status="RUNNING")
    assert hint_of_timed_waits([open_], {}) == ""
    assert hint_of_timed_waits([open_], {"approve": PlannedAnswer()}) == ""
    hint = hint_of_timed_waits([open_], {"approve": PlannedAnswer(after_ms=71 * 3_600_000)})
    assert hint.startswith(": approve is answered 71 h 0 min of workflow time after it was asked")
    assert "mark the test `virtual`" in hint

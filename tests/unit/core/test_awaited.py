"""What an open execution waits for, as it is told."""

import pytest

from pytest_k1n.core import wire
from pytest_k1n.core.awaited import awaited

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

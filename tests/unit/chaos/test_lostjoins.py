"""JOINs that a dead server has lost: which ones they are, when they are put back, and that nothing else is."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_k1n.chaos.lostjoins import PATIENCE_S, LostJoins
from pytest_k1n.core.wire import wire


def task(ref, status="COMPLETED", kind="SIMPLE", **fields):
    return {"referenceTaskName": ref, "taskId": f"id-{ref}", "taskType": kind, "taskDefName": ref, "status": status,
            "retryCount": 0, "seq": 1, **fields}  # fmt: skip


def join(ref="j", *joined, status="IN_PROGRESS"):
    return task(ref, status, "JOIN", inputData={"joinOn": list(joined)})


def execution(*tasks, status="RUNNING"):
    return wire.execution({"workflowId": "w", "workflowName": "W", "status": status, "tasks": list(tasks)})


@pytest.fixture
def watched():
    """What looks, with a clock that is set and a client that notes."""
    clock = SimpleNamespace(now=0.0)
    sent = []
    client = SimpleNamespace(update=sent.append)
    return SimpleNamespace(lost=LostJoins(client, clock=lambda: clock.now), clock=clock, sent=sent)


def test_a_join_that_waits_for_nothing_is_put_back_after_a_while_and_again_if_that_was_in_vain(watched):
    stuck = execution(task("a"), task("b"), join("j", "a", "b"))
    watched.lost.look(stuck)
    assert watched.sent == []
    watched.clock.now = PATIENCE_S
    watched.lost.look(stuck)
    watched.lost.look(stuck)
    assert watched.sent == [
        {"workflowInstanceId": "w", "taskId": "id-j", "status": "IN_PROGRESS", "callbackAfterSeconds": 1}
    ], "due at once, it is evaluated before the update is saved, which then undoes its end"
    watched.clock.now = 2 * PATIENCE_S
    watched.lost.look(stuck)
    assert len(watched.sent) == 2
    assert watched.lost.put_back == {"id-j"}


@pytest.mark.parametrize(
    "other",
    [
        execution(task("a"), task("b", "IN_PROGRESS"), join("j", "a", "b")),
        execution(task("a"), task("a", "SCHEDULED", retryCount=1), join("j", "a")),
        execution(task("a"), join("j", "a", "never_scheduled")),
        execution(task("a"), join("j", "a", status="COMPLETED")),
        execution(task("a"), join("j")),
        execution(task("a"), task("w", "IN_PROGRESS", "WAIT", inputData={"joinOn": ["a"]})),
        execution(task("a"), join("j", "a"), status="TERMINATED"),
        execution(task("a__1", iteration=1), task("a__2", "SCHEDULED", iteration=2), join("j__2", "a__2")),
    ],
)
def test_everything_else_is_left_alone(watched, other):
    watched.lost.look(other)
    watched.clock.now = 10 * PATIENCE_S
    watched.lost.look(other)
    assert watched.sent == []


def test_a_join_of_an_iteration_waits_for_the_tasks_of_its_own(watched):
    stuck = execution(task("a__1", iteration=1), task("a__2", iteration=2), join("j__2", "a__2"))
    watched.lost.look(stuck)
    watched.clock.now = PATIENCE_S
    watched.lost.look(stuck)
    assert [each["taskId"] for each in watched.sent] == ["id-j__2"]

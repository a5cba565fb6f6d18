"""What a watch says while it follows an execution of workers that are not ours."""

import pytest

from pytest_k1n.coordination.backend import TimeScale
from pytest_k1n.coordination.collection import Start
from pytest_k1n.coordination.watch import UNPOLLED_MS, Watch
from pytest_k1n.core.wire import wire

SNAPSHOT = {
    "workflowId": "w", "workflowName": "shop", "workflowVersion": 1, "status": "RUNNING", "createTime": 1,
    "startTime": 1,
    "workflowDefinition": {"name": "shop", "version": 1, "tasks": [
        {"name": "reserve", "taskReferenceName": "reserve", "type": "SIMPLE"}]},
    "tasks": [{"referenceTaskName": "reserve", "taskType": "reserve", "taskId": "t", "status": "SCHEDULED",
               "scheduledTime": 1, "retryCount": 0, "domain": "blue"}],
}  # fmt: skip


def a_watch(say):
    return Watch(
        start=Start(key="k", workflow="shop", version=None, batch=1, round=0),
        workflow_id="w", correlation_id="c", template=None, definition=None, time=TimeScale(name="real"),
        deadline_ms=10**9, say=say,
    )  # fmt: skip


@pytest.fixture
def following():
    def follow(task, limits):
        watch = a_watch(print)
        document = {**SNAPSHOT, "tasks": [{**SNAPSHOT["tasks"][0], **task}]}
        limited = {**SNAPSHOT["workflowDefinition"]["tasks"][0], "taskDefinition": {"name": "reserve", **limits}}
        document["workflowDefinition"] = {**SNAPSHOT["workflowDefinition"], "tasks": [limited]}
        watch.see(document, 0)
        return watch

    return follow


@pytest.fixture
def watching():
    def watch(**task):
        said = []
        watch = a_watch(said.append)
        document = {**SNAPSHOT, "tasks": [{**SNAPSHOT["tasks"][0], **task}]}
        for now_ms in (0, UNPOLLED_MS - 1, UNPOLLED_MS, 2 * UNPOLLED_MS):
            watch.see(document, now_ms)
        return said

    return watch


def test_a_task_that_no_worker_asks_for_is_told_once(watching):
    assert watching() == [
        "shop: reserve: no worker has polled in 10.00 s: is one running for type reserve in domain blue?"
    ]


@pytest.mark.parametrize("task", [{"pollCount": 1}, {"status": "IN_PROGRESS"}, {"startDelayInSeconds": 60}])
def test_a_task_that_a_worker_has_asked_for_or_whose_delay_passes_is_not_told(watching, task):
    assert watching(**task) == []


@pytest.mark.parametrize(("limits", "epoch_ms", "wants"), [
    ({"timeoutSeconds": 4}, 4_001, False),
    ({"timeoutSeconds": 4}, 4_500, True),
    ({"timeoutSeconds": 4, "timeoutPolicy": "ALERT_ONLY"}, 4_500, False),
])  # fmt: skip
def test_a_decision_is_asked_for_where_a_timeout_is_due_though_the_lease_is_extended(
    following, limits, epoch_ms, wants
):
    watch = following({"status": "IN_PROGRESS", "startTime": 1, "updateTime": epoch_ms, "responseTimeoutSeconds": 2},
                      {"responseTimeoutSeconds": 2, **limits})  # fmt: skip
    assert watch.wants_decision(1, epoch_ms) is wants


def test_an_execution_is_not_given_up_while_it_waits_as_its_definition_says():
    """Nor is its parent; in scaled time such a WAIT takes longer than all that is planned."""
    watch = a_watch(print)
    watch.deadline_ms = 33_000
    nap = {"referenceTaskName": "nap", "taskType": "WAIT", "taskId": "t-nap", "status": "IN_PROGRESS", "startTime": 1,
           "scheduledTime": 1, "inputData": {"duration": "60 seconds"}}  # fmt: skip
    child = wire.execution({**SNAPSHOT, "tasks": [nap]})
    watch.see({**SNAPSHOT, "tasks": [{**nap, "taskType": "SUB_WORKFLOW", "subWorkflowId": "w-2"}]}, 0)

    def overdue(now_ms):
        return watch.overdue(now_ms, now_ms + 1, lambda: [watch.observation.execution, child])

    assert [now for now in (32_000, 40_000, 60_000, 92_000, 94_500) if overdue(now)] == [94_500]

"""What is in a worker's hands, where polls and looks at executions overtake each other."""

import pytest

from pytest_k1n.workers.intake import Intake
from pytest_k1n.workers.settings import WorkerSettings

TASK = {
    "taskId": "t-1", "taskType": "a", "taskDefName": "a", "referenceTaskName": "a", "status": "IN_PROGRESS", "seq": 1,
    "workflowInstanceId": "w-1", "workflowType": "W", "scheduledTime": 1, "startTime": 2, "retryCount": 0,
}  # fmt: skip


class Server:
    """Answers for one task; while it answers what is known of it, the worker's poll may come back."""

    def __init__(self):
        self.meanwhile = lambda: None
        self.queue = []
        self.updates = []

    def task(self, task_id):
        self.meanwhile()
        return TASK

    def poll_batch(self, task_type, **_):
        return [self.queue.pop()] if self.queue else []

    def update(self, result):
        self.updates.append(result)


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def intake(server):
    return Intake(server, WorkerSettings(worker_id="w"), report=lambda _: None)


def test_a_task_whose_delivery_got_lost_is_taken_on(intake, server):
    hand = intake.adopt("t-1", has_begun=lambda _: False)
    assert intake.in_hand() == [hand]
    assert server.updates[0]["extendLease"]
    server.queue = [TASK]
    assert intake.take("a") == []  # delivered after all: it is being worked on


def test_a_task_that_came_and_was_done_while_we_asked_for_it_is_not_taken_on(intake, server):
    begun = set()

    def delivered_and_done():
        server.queue = [TASK]
        [hand] = intake.take("a")
        begun.add("t-1")
        intake.release(hand)

    server.meanwhile = delivered_and_done
    assert intake.adopt("t-1", has_begun=begun.__contains__) is None
    assert (intake.in_hand(), server.updates) == ([], [])
    server.queue = [TASK | {"taskId": "t-2"}]
    assert len(intake.take("a")) == 1  # the slots are free


def test_one_that_has_begun_is_not_asked_about(intake, server):
    server.meanwhile = lambda: pytest.fail("asked")
    assert intake.adopt("t-1", has_begun=lambda _: True) is None

"""What a worker knows of its executions between two looks at them."""

from dataclasses import replace

import pytest

from pytest_k1n.core.model import Execution, TaskRecord, TaskStatus, WorkflowDefinition, WorkflowStatus, WorkflowTask
from pytest_k1n.workers.tracker import Tracker


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


CHAIN = WorkflowDefinition(name="W", tasks=tuple(WorkflowTask(ref=ref, name=ref) for ref in "abc"))


def task(ref, status="SCHEDULED", *, seq=1, attempt=0, worker_id=None):
    return TaskRecord(
        ref=ref, task_id=f"{ref}{attempt}", type=ref, def_name=ref, status=TaskStatus(status), seq=seq, attempt=attempt,
        worker_id=worker_id,
    )  # fmt: skip


def execution(*tasks, status="RUNNING", definition=CHAIN):
    return Execution(
        workflow_id="w", name="W", status=WorkflowStatus(status), started_ms=1, tasks=tasks, definition=definition
    )


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tracker(clock):
    return Tracker([CHAIN], worker_id="me", clock=clock)


def test_a_hint_directs_polling_at_once_by_the_known_definition(tracker):
    tracker.launched("w", "W")
    assert tracker.types == ("a",)
    assert tracker.due() == ["w"]


def test_the_snapshot_of_the_server_overrules_the_known_definition(tracker):
    tracker.launched("w", "W")
    other = WorkflowDefinition(name="W", tasks=CHAIN.tasks[1:])
    tracker.looked(execution(definition=other))
    assert tracker.types == ("b",)


def test_polls_and_updates_move_the_prediction(tracker):
    tracker.launched("w", "W")
    tracker.looked(execution(task("a")))
    tracker.polled(task("a", "IN_PROGRESS"), "w", "W")
    assert tracker.types == ()
    assert tracker.updated("a0", "w", TaskStatus.COMPLETED) == ("b",)
    assert tracker.types == ("b",)


def test_a_look_that_is_older_than_our_update_does_not_undo_it(tracker):
    tracker.launched("w", "W")
    tracker.polled(task("a", "IN_PROGRESS"), "w", "W")
    tracker.updated("a0", "w", TaskStatus.COMPLETED)
    tracker.looked(execution(task("a", "IN_PROGRESS")))
    assert tracker.types == ("b",)


def test_a_look_reveals_a_retry_that_the_server_made(tracker):
    tracker.launched("w", "W")
    tracker.polled(task("a", "IN_PROGRESS"), "w", "W")
    tracker.looked(execution(task("a", "TIMED_OUT"), task("a", seq=2, attempt=1)))
    assert tracker.types == ("a",)


def test_an_ended_execution_is_forgotten(tracker):
    tracker.launched("w", "W")
    tracker.looked(execution(task("a", "FAILED"), status="FAILED"))
    assert not tracker.is_active
    assert tracker.types == ()


def until_due(tracker, clock):
    """Let time pass until a look is due, and say how long that took, in s."""
    began = clock.now
    while not tracker.due():
        clock.now = round(clock.now + 0.01, 2)
    return round(clock.now - began, 2)


def test_looks_become_rarer_while_nothing_happens_and_soon_again_when_something_does(tracker, clock):
    tracker.launched("w", "W")
    tracker.looked(execution(task("a")))
    gaps = []
    for _ in range(9):
        gaps.append(until_due(tracker, clock))
        tracker.looked(execution(task("a")))
    assert gaps == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    tracker.polled(task("a", "IN_PROGRESS"), "w", "W")
    assert until_due(tracker, clock) == 0.25


def test_an_execution_that_seems_to_be_over_is_looked_at_soon(tracker, clock):
    tracker.launched("w", "W")
    ended = [task(ref, "COMPLETED", seq=seq) for seq, ref in enumerate("ab")]
    tracker.looked(execution(*ended))
    tracker.polled(task("c", "IN_PROGRESS", seq=9), "w", "W")
    tracker.updated("c0", "w", TaskStatus.COMPLETED)
    assert until_due(tracker, clock) == 0.05


def waiting_for(kind, *behind):
    return WorkflowDefinition(name="W", tasks=(WorkflowTask(ref="x", name="x", type=kind), *behind))


def test_what_follows_a_wait_is_told_apart_until_it_is_over(tracker):
    definition = waiting_for("WAIT", *CHAIN.tasks)
    tracker.launched("w", "W")
    tracker.looked(execution(replace(task("x", "IN_PROGRESS"), type="WAIT"), definition=definition))
    assert (tracker.types, tracker.later) == ((), ("a",))
    tracker.launched("other", "W")
    assert (tracker.types, tracker.later) == (("a",), ())
    tracker.gone("other")
    tracker.looked(execution(replace(task("x", "COMPLETED"), type="WAIT"), definition=definition))
    assert (tracker.types, tracker.later) == (("a",), ())


def test_what_hides_the_next_type_is_looked_at_often_as_long_as_that_is_cheap(tracker, clock):
    hiding = waiting_for("HUMAN", WorkflowTask(ref="d", name="d", type="DYNAMIC"))
    asked = replace(task("x", "IN_PROGRESS"), type="HUMAN")
    tracker.launched("w", "W")
    for _ in range(9):
        tracker.looked(execution(asked, definition=hiding), 0.001)
        assert until_due(tracker, clock) == pytest.approx(0.05, abs=0.011)
    tracker.looked(execution(asked, definition=hiding), 0.02)
    assert until_due(tracker, clock) == pytest.approx(0.2, abs=0.011)
    for number in range(1, 5):
        tracker.launched(str(number), "W")
        tracker.looked(replace(execution(asked, definition=hiding), workflow_id=str(number)))
    tracker.looked(execution(asked, definition=hiding), 0.02)
    for number in range(1, 5):
        tracker.gone(str(number))
    assert until_due(tracker, clock) == pytest.approx(1.0, abs=0.011)


def test_a_long_loop_is_not_remembered_in_full(tracker):
    body = WorkflowTask(ref="b", name="b")
    looping = WorkflowDefinition(name="W", tasks=(WorkflowTask(ref="l", name="l", type="DO_WHILE", loop_over=(body,)),))
    rounds = [replace(task("b", "COMPLETED", seq=n), iteration=n, task_id=f"b-{n}") for n in range(1, 1001)]
    tracker.launched("w", "W")
    for _ in range(2):
        tracker.looked(execution(*rounds, definition=looping))
    assert tracker.remembered("w") == 2
    assert tracker.types == ("b",)


def test_a_delivery_that_never_arrived_is_told_at_the_second_look(tracker):
    lost = task("a", "IN_PROGRESS", worker_id="me")
    tracker.launched("w", "W")
    assert tracker.looked(execution(lost)) == []
    assert tracker.looked(execution(lost)) == [lost]


def test_what_is_in_hand_or_in_other_hands_is_no_lost_delivery(tracker):
    tracker.launched("w", "W")
    tracker.polled(task("a", "IN_PROGRESS"), "w", "W")
    mine, foreign = task("a", "IN_PROGRESS", worker_id="me"), task("b", "IN_PROGRESS", worker_id="you")
    for _ in range(3):
        assert tracker.looked(execution(mine, foreign)) == []

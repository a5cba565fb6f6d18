"""Time limits and pauses: of days, which only a clock that can jump gets over, and of seconds."""

import pytest

from pytest_k1n import attempts, completed, not_scheduled, retried, timed_out, within


def simple(name, **inputs):
    return {"name": name, "taskReferenceName": name, "type": "SIMPLE", "inputParameters": inputs}


def workflow(*tasks, **fields):
    return {"name": "users_limits", "version": 1, "ownerEmail": "shop@example.com", "tasks": [*tasks], **fields}


def rules(name, **fields):
    return {"name": name, "ownerEmail": "shop@example.com", "retryCount": 0, "responseTimeoutSeconds": 60,
            "timeoutSeconds": 0, **fields}  # fmt: skip


APPROVE = {"name": "ask", "taskReferenceName": "approve", "type": "HUMAN",
           "taskDefinition": rules("ask", responseTimeoutSeconds=2592000)}  # fmt: skip
THREE_DAYS = {"timeoutSeconds": 259200, "timeoutPolicy": "TIME_OUT_WF"}


@pytest.mark.virtual
def test_three_days_are_the_limit(conductor):
    execution = conductor.start(workflow(APPROVE, simple("users_go"), **THREE_DAYS))
    execution.advance("71h")
    assert execution.status == "RUNNING"
    execution.advance("2h")
    execution.expect(timed_out(), not_scheduled("users_go"))


@pytest.mark.virtual
def test_an_answer_within_three_days_counts(conductor):
    execution = conductor.start(workflow(APPROVE, simple("users_go"), **THREE_DAYS))
    execution.advance("71h")
    execution.complete("approve", {"by": "ann"})
    execution.complete("users_go")
    execution.expect(completed())


@pytest.mark.virtual
def test_nobody_answers_within_three_days(conductor):
    conductor.run(workflow(APPROVE, simple("users_go"), **THREE_DAYS)).expect(timed_out())


@pytest.mark.virtual
def test_an_answer_after_the_limit_comes_too_late(conductor):
    conductor.run(workflow(APPROVE, **THREE_DAYS), answers={"approve": {"after": "73h"}}).expect(timed_out())


@pytest.mark.virtual
def test_a_pause_of_a_fortnight(conductor):
    pause = {"name": "cool", "taskReferenceName": "cool", "type": "WAIT", "inputParameters": {"duration": "14 days"}}
    execution = conductor.run(workflow(pause, simple("users_go")))
    execution.expect(completed(), within("336h", "337h"))


@pytest.mark.virtual
@pytest.mark.parametrize("time", range(12))
def test_a_timed_pause_is_met_while_it_lasts(conductor, time):
    pause = {"name": "cool", "taskReferenceName": "cool", "type": "WAIT", "inputParameters": {"duration": "2 hours"}}
    execution = conductor.start(workflow(simple("users_go"), pause, APPROVE, **THREE_DAYS))
    execution.complete("users_go")
    execution.wait_for("cool")
    if time % 2:
        execution.advance("119m")
        assert execution.waiting("cool")
        execution.advance("1m")
        assert not execution.waiting("cool")
    else:
        execution.signal("cool", {"by": "ann"})
    execution.wait_for("approve")
    assert execution.waiting("approve")


@pytest.mark.virtual
def test_retries_back_off_over_minutes(conductor):
    busy = rules("users_go", retryCount=3, retryLogic="EXPONENTIAL_BACKOFF", retryDelaySeconds=60)
    execution = conductor.run(
        workflow(simple("users_go")),
        handlers={"users_go": lambda task: 1 / (task.attempt > 2)},
        task_definitions=[busy],
    )
    execution.expect(completed(), retried("users_go", times=3, delays=["1m", "2m", "4m"]))


def test_a_pause_of_a_second(conductor):
    pause = {"name": "cool", "taskReferenceName": "cool", "type": "WAIT", "inputParameters": {"duration": "1 seconds"}}
    conductor.run(workflow(pause, simple("users_go"))).expect(completed())


def test_a_retry_after_a_second(conductor):
    busy = rules("users_go", retryCount=1, retryDelaySeconds=1)
    execution = conductor.run(
        workflow(simple("users_go")), handlers={"users_go": lambda task: 1 / task.attempt}, task_definitions=[busy]
    )
    execution.expect(completed(), attempts("users_go", 2), retried("users_go", times=1, delays=["1s"]))

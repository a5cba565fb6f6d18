"""Claims: a person decides."""

import pytest

from pytest_k1n import answered_by, completed, failed, in_order, not_scheduled, task_input, took_branch, waited

YES = {"approve": {"after": "2h", "output": {"by": "ann", "verdict": "yes"}}}
NO = {"approve": {"after": "30m", "output": {"by": "bob", "verdict": "no"}}}


@pytest.mark.scaled
def test_an_approved_claim_is_paid(conductor):
    execution = conductor.run("USERS_CLAIM", answers=YES)
    execution.expect(completed(), took_branch("by_verdict", "yes"), task_input("users_pay", "by", equals="ann"))


@pytest.mark.scaled
def test_a_claim_that_is_turned_down_is_declined(conductor):
    execution = conductor.run("USERS_CLAIM", answers=NO)
    execution.expect(completed(), took_branch("by_verdict", "default"), not_scheduled("users_pay"))


@pytest.mark.scaled
def test_it_is_known_who_answered_and_when(conductor):
    execution = conductor.run("USERS_CLAIM", answers=YES)
    execution.expect(answered_by("approve", "ann"), waited("approve", least="119m", within="2h10m"))


def test_a_refusal_ends_the_claim(conductor):
    refused = {"approve": {"status": "FAILED_WITH_TERMINAL_ERROR", "output": {"by": "bob"}}}
    conductor.run("USERS_CLAIM", answers=refused).expect(failed(), not_scheduled("users_pay"))


def test_the_test_is_the_person(conductor):
    execution = conductor.start("USERS_CLAIM", handlers={"users_assess": lambda task: {"value": 7}})
    execution.wait_for("approve")
    execution.complete("approve", {"by": "me", "verdict": "yes"})
    execution.complete("users_pay")
    execution.expect(completed(), answered_by("approve", "me"), in_order("users_assess", "approve"))


def test_a_signal_by_its_ref(conductor):
    execution = conductor.start("USERS_CLAIM", handlers={"users_assess": lambda task: {"value": 7}})
    execution.wait_for("approve")
    assert execution.waiting("approve")
    execution.signal("approve", {"by": "me", "verdict": "no"})
    execution.complete("users_decline")
    execution.expect(completed())


def test_a_signal_for_a_wait(conductor):
    wait = {"name": "payment", "taskReferenceName": "payment", "type": "WAIT"}
    book = {"name": "users_book", "taskReferenceName": "users_book", "type": "SIMPLE"}
    flow = {"name": "users_payment", "version": 1, "ownerEmail": "shop@example.com", "tasks": [wait, book]}
    execution = conductor.start(flow)
    execution.wait_for("payment")
    execution.signal({"amount": 5})
    execution.complete("users_book")
    execution.expect(completed())
    assert execution.task("payment").output["amount"] == 5


def test_an_answer_for_nobody_is_told(conductor):
    with pytest.raises(LookupError, match="near: approve"):
        conductor.run("USERS_CLAIM", answers={"aprove": {}})


def test_a_claim_that_nobody_answers_says_so(conductor):
    execution = conductor.start("USERS_CLAIM", handlers={"users_assess": lambda task: None})
    execution.wait_for("approve")
    with pytest.raises((TimeoutError, AssertionError), match=r"approve: (no person has|nobody) answered it"):
        execution.wait_for("users_pay", within="1s")

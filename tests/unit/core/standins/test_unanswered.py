"""What is said of people and signals that were waited for in vain."""

from pytest_k1n.core.standins.answers import unanswered

LATE = "responseTimeout: 3600 exceeded for the taskId: x with Task Definition: ask"


def test_an_optional_task_that_nobody_answered_is_told_though_the_execution_went_on(build):
    left = build.task("ask", 0, 3_600_000, type="HUMAN", status="COMPLETED_WITH_ERRORS", reason=LATE)
    [line] = unanswered(build.execution(left), jumped=True)
    assert line.startswith("ask: nobody answered it (HUMAN) in 60.0 min: virtual time went on to a time limit")


def test_a_no_to_an_optional_task_is_an_answer(build):
    refused = build.task("ask", 0, 10, type="HUMAN", status="COMPLETED_WITH_ERRORS", reason="I will not")
    assert unanswered(build.execution(refused)) == []

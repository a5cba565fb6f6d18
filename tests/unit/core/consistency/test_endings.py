"""How an execution ended: by which task, with what behind it, and what was taken away."""

import json
from pathlib import Path

import pytest

from pytest_k1n.core.consistency.plausibility import implausible
from pytest_k1n.core.record.observation import observe
from pytest_k1n.core.wire import wire

ROOT = Path(__file__).parents[4]
HISTORIES = Path(__file__).parents[1] / "histories"
HOUR_MS = 3_600_000


def recorded(name):
    path = ROOT / "fixtures" / "histories" / f"{name}.json"
    document = json.loads((path if path.exists() else HISTORIES / f"{name}.json").read_text())
    assert doubts(document) == []
    return document


def doubts(document):
    return [(each.code, each.subject, each.observed) for each in implausible(observe(wire.execution(document)))]


def codes(document):
    return [code for code, *_ in doubts(document)]


def task(document, ref):
    """Return the last attempt of a task."""
    return [each for each in document["tasks"] if each["referenceTaskName"] == ref][-1]


@pytest.mark.parametrize(
    ("name", "ref", "status", "observed"),
    [
        ("failed-terminal", "b", "CANCELED", "CANCELED, and rec_failed_terminal is FAILED because of it"),
        ("timed-out", "b", "FAILED", "FAILED, and rec_timed_out is TIMED_OUT because of it"),
        ("fork-branch-failed", "left", "COMPLETED", "COMPLETED, and rec_fork_failed is FAILED because of it"),
    ],
)
def test_the_task_that_ended_an_execution_did_not_succeed(name, ref, status, observed):
    document = recorded(name)
    task(document, ref)["status"] = status
    told = {**document, "failedReferenceTaskNames": []}  # without it another rule would say the same
    assert ("contradiction", ref, observed.replace(observed.split()[2], document["workflowName"])) in doubts(told)


def test_what_ends_an_execution_has_no_attempt_left():
    document = recorded("failed-terminal")
    task(document, "b")["status"] = "FAILED"
    assert doubts(document) == [("attempts-missing", "b", "attempt 0 FAILED, and 1 more to make")]
    for each in document["workflowDefinition"]["tasks"]:
        each["taskDefinition"]["totalTimeoutSeconds"] = 5
    assert doubts(document) == []


def test_a_childs_task_may_be_written_over_behind_the_end():
    document = recorded("failed-terminal")
    for each in document["workflowDefinition"]["tasks"]:
        each["type"] = "SUB_WORKFLOW" if each["taskReferenceName"] == "b" else each["type"]
    task(document, "b").update({"taskType": "SUB_WORKFLOW", "status": "CANCELED"})
    assert codes(document) == []


def test_a_permissive_task_is_taken_away_behind_its_time_out():
    document = recorded("timed-out")
    task(document, "b")["status"] = "CANCELED"
    assert codes(document) == ["contradiction"]
    for each in document["workflowDefinition"]["tasks"]:
        each["permissive"] = True
    assert codes(document) == []


@pytest.mark.parametrize("status", ["FAILED", "CANCELED"])
@pytest.mark.parametrize(("ref", "follower"), [("j", "t"), ("slow", "j")])
def test_nothing_follows_what_did_not_succeed(ref, follower, status):
    document = recorded("terminate-in-a-branch")
    task(document, ref)["status"] = status
    assert doubts(document) == [("contradiction", ref, status)]
    retried = {**document, "lastRetriedTime": document["startTime"] + 1}
    assert doubts(retried) == []
    for each in document["workflowDefinition"]["tasks"]:
        each["optional"] = True
        for inner in [task for branch in each.get("forkTasks", ()) for task in branch]:
            inner["optional"] = True
    assert ref == "j" or doubts(document) == []


@pytest.mark.parametrize(
    ("name", "ref", "by_ms", "code"),
    [
        ("skipped", "b", HOUR_MS, "outside-execution"),
        ("skipped", "b", -HOUR_MS, "stamps-out-of-order"),
        ("terminate-in-a-branch", "e", HOUR_MS, "outside-execution"),
        ("terminate-in-a-branch", "e", -HOUR_MS, "stamps-out-of-order"),
        ("completed-unpolled", "lo_a_r", -HOUR_MS, "stamps-out-of-order"),
        ("join-failed-before-the-retry", "l", HOUR_MS, "outside-execution"),
    ],
)
def test_what_no_worker_ended_ends_with_its_execution(name, ref, by_ms, code):
    document = recorded(name)
    task(document, ref)["endTime"] += by_ms
    assert codes(document) == [code]


def test_what_was_polled_may_be_taken_away_later():
    document = recorded("terminated")
    task(document, "b")["endTime"] += HOUR_MS
    assert codes(document) == []


def test_a_report_is_taken_until_the_end_of_its_execution_is_written():
    document = recorded("at_the_end/reported-behind-the-end")
    task(document, "b")["endTime"] += HOUR_MS
    assert codes(document) == ["outside-execution"]
    document = recorded("retried")
    document["tasks"][-1]["endTime"] = document["endTime"] + 1
    assert codes(document) == ["outside-execution"]


def test_a_join_that_a_terminate_took_away_may_be_written_back():
    document = recorded("at_the_end/join-written-back")
    task(document, "y").update({"status": "IN_PROGRESS", "endTime": 0})
    assert codes(document) == ["open-task"]


def test_a_last_join_may_be_left_open_by_a_look_that_came_as_the_execution_ended():
    assert codes(recorded("at_the_end/last-join-left-open")) == []
    document = recorded("at_the_end/last-join-left-open")
    task(document, "t3").update({"status": "IN_PROGRESS", "endTime": 0})
    assert "open-task" in codes(document)
    document = recorded("at_the_end/last-join-left-open")
    task(document, "join5")["inputData"] = {}
    assert "open-task" in codes(document)

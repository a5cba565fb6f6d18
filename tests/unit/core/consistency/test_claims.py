"""How something came about: outputs, failures, time-outs, attempts and retries that no server has recorded so."""

import json
from pathlib import Path

import pytest

from pytest_k1n.core.consistency.plausibility import implausible
from pytest_k1n.core.record.observation import observe
from pytest_k1n.core.wire import wire

HISTORIES = Path(__file__).parents[4] / "fixtures" / "histories"


def recorded(name):
    return json.loads((HISTORIES / f"{name}.json").read_text())


def doubts(document):
    return [each.code for each in implausible(observe(wire.execution(document)))]


def task(document, ref, attempt=0):
    return next(
        each for each in document["tasks"] if each["referenceTaskName"] == ref and each["retryCount"] == attempt
    )


def test_an_output_that_nothing_describes_is_that_of_the_last_task():
    assert doubts({**recorded("retried"), "output": {"another": 1}}) == ["contradiction"]
    assert doubts({**recorded("retried"), "output": {}}) == []  # an export, or written by hand
    document = recorded("retried")
    document["tasks"][-1]["outputData"] = {}
    assert doubts(document) == ["contradiction"]


@pytest.mark.parametrize("is_of_task", [True, False])
def test_an_output_that_is_stored_elsewhere_is_not_missed(is_of_task):
    document = {**recorded("retried"), "output": {"another": 1}}
    (document["tasks"][-1] if is_of_task else document)["externalOutputPayloadStoragePath"] = "2026/11/29/out.json"
    assert doubts(document) == []


def test_a_skipped_task_may_have_been_the_last():
    document = recorded("skipped")
    skipped = task(document, "b")
    assert doubts({**document, "output": skipped["outputData"]}) == []
    assert doubts({**document, "output": {"another": 1}}) == ["contradiction"]


def test_what_has_failed_has_a_record_of_it():
    document = {**recorded("permissive-failed"), "reasonForIncompletion": None}
    task(document, "b", 1)["status"] = "COMPLETED"
    assert doubts(document) == ["contradiction"]
    assert doubts({**document, "failedReferenceTaskNames": []}) == []


@pytest.mark.parametrize(
    ("name", "ref", "change", "code"),
    [
        ("retried", "a", {"seq": 0}, "contradiction"),
        ("retried", "b", {"startDelayInSeconds": -1}, "contradiction"),
        ("retried", "b", {"status": "CANCELED"}, "attempts-missing"),
        ("retried", "b", {"status": "FAILED_WITH_TERMINAL_ERROR"}, "attempts-missing"),
        ("retried", "b", {"status": "TIMED_OUT"}, "contradiction"),
        ("timed-out", "b", {"startTime": 0}, "no-start-stamp"),
        ("fork-branch-failed", "split_join", {"scheduledTime": 0}, "no-start-stamp"),
        ("sub-workflow-parent", "child", {"outputData": {"subWorkflowId": 7}}, "contradiction"),
    ],
)
def test_each_claim_of_a_record_is_asked(name, ref, change, code):
    document = recorded(name)
    definition = document["workflowDefinition"]["tasks"]
    for each in definition:
        if each["taskReferenceName"] == ref and each["type"] == "SIMPLE":
            limits = {"responseTimeoutSeconds": 10, "timeoutSeconds": 0, "retryCount": 1}
            each["taskDefinition"] = {"name": each["name"], **limits}
    task(document, ref).update(change)
    assert doubts(document) == [code]


def test_a_retry_by_hand_explains_what_no_server_retries():
    document = recorded("retried")
    document["lastRetriedTime"] = document["startTime"] + 1
    task(document, "b")["status"] = "FAILED_WITH_TERMINAL_ERROR"
    assert doubts(document) == []


@pytest.mark.parametrize("by_ms", [-3_600_000, 3_600_000])
def test_a_retry_by_hand_lies_within_its_execution(by_ms):
    document = recorded("retried-by-hand")
    document["lastRetriedTime"] += by_ms
    assert "outside-execution" in doubts(document)


def test_an_attempt_follows_one_of_its_own_task_and_none_that_came_later():
    for ref, attempt in (("a", 0), ("b", 1)):
        document = recorded("retried")
        task(document, "b", 1)["retriedTaskId"] = task(document, ref, attempt)["taskId"]
        assert doubts(document) == ["attempts-missing"]


def test_a_switch_says_its_case_alike_wherever_it_says_it():
    for where, name, value in (("outputData", "selectedCase", "another"), ("inputData", "case", "another")):
        document = recorded("switch-case")
        switch = next(each for each in document["tasks"] if each["taskType"] == "SWITCH")
        switch[where][name] = value
        assert doubts(document) == ["contradiction"]


def test_a_sub_workflow_is_of_the_version_that_was_asked_for():
    document = recorded("sub-workflow-parent")
    child = next(each for each in document["tasks"] if each["taskType"] == "SUB_WORKFLOW")
    asked = next(each for each in document["workflowDefinition"]["tasks"] if each["type"] == "SUB_WORKFLOW")
    asked["subWorkflowParam"]["version"] = 1
    child["inputData"]["subWorkflowVersion"] = 1
    assert doubts(document) == []
    child["inputData"]["subWorkflowVersion"] = 2
    assert doubts(document) == ["foreign-record"]


@pytest.mark.parametrize("field", ["createTime", "updateTime"])
def test_no_stamp_is_before_1970(field):
    assert "contradiction" in doubts({**recorded("retried"), field: -1})


def test_an_optional_task_that_failed_with_nothing_behind_it_keeps_its_failure():
    document = recorded("optional-failed")
    for place, each in enumerate(document["tasks"]):
        if each["referenceTaskName"] == "b" and not each["retried"]:
            each["status"] = "FAILED"
            assert "contradiction" in doubts(document)
            document["tasks"][place + 1 :] = []
            document["output"] = each["outputData"]
    assert doubts(document) == []


def test_an_operator_that_was_skipped_by_hand_has_its_name_as_its_type():
    document = recorded("switch-case")
    switch = next(each for each in document["tasks"] if each["taskType"] == "SWITCH")
    switch["taskType"] = switch["taskDefName"] = switch["referenceTaskName"]
    assert "foreign-record" in doubts(document)
    switch["status"] = "SKIPPED"
    assert "foreign-record" not in doubts(document)


def test_a_document_without_an_output_says_nothing_of_it():
    document = recorded("retried")
    del document["output"]
    assert doubts(document) == []

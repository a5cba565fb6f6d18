"""What is made equal before histories are compared, and what must not be."""

from __future__ import annotations

import pytest

from pytest_k1n.conformance.case_tree import CaseHistory, CaseNode, unsettled
from pytest_k1n.conformance.compare import HistoryDifference, differences
from pytest_k1n.conformance.normalise import body, canonical

ROOT = "11111111-1111-4111-8111-111111111111"


def task(ref, status="COMPLETED", **fields):
    defaults = {
        "taskType": f"q7_{ref}",
        "taskId": f"22222222-2222-4222-8222-{abs(hash(ref)) % 10**12:012d}",
        "retryCount": 0,
        "seq": 1,
        "status": status,
        "referenceTaskName": ref,
        "inputData": {},
        "outputData": {},
        "executed": True,
        "startTime": 1_767_225_600_000,
        "endTime": 1_767_225_600_100,
        "workerId": "w",
    }
    return {**defaults, **fields}


def history(*tasks, **fields):
    workflow = {"workflowId": ROOT, "status": "COMPLETED", "endTime": 1, "tasks": list(tasks), **fields}
    return CaseHistory(prefix="q7_", trace=(), nodes=(CaseNode("root", workflow),))


def test_order_among_records_ids_and_stamps_do_not_show():
    left = history(task("a", seq=1, queueWaitTime=5), task("b", seq=2, startTime=1_767_225_700_000))
    right = history(task("b", seq=1, taskId="33333333-3333-4333-8333-333333333333"), task("a", seq=2, workerId="x"))
    assert list(differences(canonical(left), canonical(right))) == []


def test_an_id_is_named_by_what_it_identifies():
    other = task("a")
    shown = canonical(history(other, task("b", inputData={"from": other["taskId"], "in": ROOT})))
    assert shown["executions"]["root"]["tasks"]["b#0"]["inputData"] == {"from": "<root/a#0>", "in": "<root>"}


@pytest.mark.parametrize(
    "change",
    [
        {"status": "FAILED"},
        {"outputData": {"v": 1}},
        {"inputData": {"v": None}},
        {"retryCount": 1},
        {"iteration": 2},
        {"reasonForIncompletion": "x"},
        {"retried": True},
        {"endTime": 0},
        {"taskType": "q7_other"},
        {"pollCount": 2},
    ],
)
def test_what_a_record_says_is_compared(change):
    assert list(differences(canonical(history(task("a"))), canonical(history(task("a", **change)))))


def test_a_whole_number_and_a_float_differ():
    assert list(differences({"v": 1}, {"v": 1.0})) == [HistoryDifference("v", 1, 1.0)]


def test_records_out_of_the_definitions_order_show():
    definition = {"tasks": [{"taskReferenceName": "a"}, {"taskReferenceName": "b"}]}
    shown = canonical(history(task("b", seq=1), task("a", seq=2), workflowDefinition=definition))
    assert shown["executions"]["root"]["disorder"] == ["b was scheduled before a"]


def test_a_server_with_work_of_its_own_left_is_not_settled():
    done = task("a")
    join = task("j", "IN_PROGRESS", taskType="JOIN", inputData={"joinOn": ["a"]}, endTime=0)
    node = CaseNode("root", {"workflowId": ROOT, "status": "RUNNING", "tasks": [done, join]})
    assert unsettled(node, {ROOT: node}, 0) == "j#0 can join"
    waiting = CaseNode("root", {"workflowId": ROOT, "status": "RUNNING", "tasks": [task("a", "SCHEDULED"), join]})
    assert unsettled(waiting, {ROOT: waiting}, 0) is None


def test_the_instant_of_an_error_body_of_springs_own_does_not_show():
    shown = {"timestamp": "2026-11-29T12:55:05.594+00:00", "status": 404, "error": "Not Found", "path": "/api/secrets"}
    assert body(shown) == {"status": 404, "error": "Not Found", "path": "/api/secrets"}

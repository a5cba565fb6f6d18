"""What to look at after a failed batch, from the document alone."""

import copy

import pytest

from pytest_k1n.report.contingency import diagnoses


def test_the_longest_attempt_is_one_of_a_worker_and_not_of_a_join_that_waits_for_all(recorded):
    document = copy.deepcopy(recorded("template-04"))
    [execution] = document["executions"]
    execution["batch"], execution["role"] = "batch1", "main"
    document["batches"] = [{
        "name": "batch1", "title": "", "verdict": "fail", "reason": "", "timeline_ms": None, "quality": None,
        "templates": [],
    }]  # fmt: skip
    join = execution["tasks"][-1]
    join |= {"ref": "together", "type": "JOIN", "kind": "operator"}
    for attempt in join["attempts"]:
        attempt["start_ms"], attempt["end_ms"] = 0, execution["makespan_ms"] * 2
    [(_, points)] = diagnoses(document)
    [timeouts] = [point.result for point in points if point.what == "timeouts"]
    assert "the longest attempt was task_" in timeouts


@pytest.mark.parametrize(("model", "state"), [("virtual", "ok"), ("scaled", "trouble")])
def test_an_execution_of_a_test_is_beside_a_batch_only_where_the_clock_is_one_for_both(recorded, model, state):
    document = copy.deepcopy(recorded("template-04"))
    [execution] = document["executions"]
    own = copy.deepcopy(execution) | {"batch": None, "role": "own", "title": "test_own: CHAIN"}
    execution["batch"], execution["role"] = "batch1", "main"
    document["executions"].append(own)
    document["time"]["model"] = model
    document["batches"] = [{
        "name": "batch1", "title": "", "verdict": "fail", "reason": "", "timeline_ms": None, "quality": None,
        "templates": [],
    }]  # fmt: skip
    [(_, points)] = diagnoses(document)
    assert [point.state for point in points if point.what == "isolation"] == [state]


def test_the_command_names_the_execution_that_waited_and_the_task_definition_that_workers_serve(recorded):
    document = copy.deepcopy(recorded("template-04"))
    [execution] = document["executions"]
    execution["batch"], execution["role"] = "batch1", "main"
    other = copy.deepcopy(execution) | {"title": "other"}
    other["workflow"] |= {"name": "OTHER"}
    document["executions"].append(other)
    task = next(task for task in other["tasks"] if task["kind"] == "worker")
    task |= {"ref": "pay__2", "name": "charge"}
    other["segments"] = [
        {"kind": "queue", "ref": "pay__2", "attempt": 1, "start_ms": 0, "end_ms": 9_000_000, "blame": None}
    ]
    document["batches"] = [{
        "name": "batch1", "title": "", "verdict": "fail", "reason": "", "timeline_ms": None, "quality": None,
        "templates": [{"workflow": "OTHER"}, {"workflow": execution["workflow"]["name"]}],
    }]  # fmt: skip
    [(_, points)] = diagnoses(document)
    [command] = [point.command for point in points if point.what == "shared resources"]
    assert command == "k1n whatif test-results --workflow OTHER --workers charge=2"

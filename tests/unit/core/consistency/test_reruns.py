"""An execution that was run again is believed for the sign of that only: without it, it is doubted."""

import json
from pathlib import Path

import pytest

from pytest_k1n.core.consistency.clockstep import clock_step
from pytest_k1n.core.consistency.plausibility import implausible
from pytest_k1n.core.consistency.reruns import late
from pytest_k1n.core.expectations import follows_definition, judge_all
from pytest_k1n.core.record.observation import observe
from pytest_k1n.core.wire import wire

RUN_AGAIN = Path(__file__).parents[1] / "histories" / "run_again"
HOUR_MS = 3_600_000
MISSING = "attempts-missing"


def recorded(name):
    return json.loads((RUN_AGAIN / f"{name}.json").read_text())


def record_of(document, ref):
    return next(task for task in document["tasks"] if task["referenceTaskName"] == ref)


def doubts(document, time_model="real"):
    return [each.code for each in implausible(observe(wire.execution(document), time_model=time_model))]


def signs():
    """Yield a record, the task that bears the sign (or None), the sign, what stands there then, the doubt."""
    started = recorded("beside-a-child-run-again")["startTime"]
    yield "beside-a-child-run-again", "y", "scheduledTime", started + 5, "attempts-missing"
    given_up = recorded("optional-given-up")
    yield "optional-given-up", "t", "startTime", given_up["endTime"] - 500, "open-task"
    yield "switch-rerun", "switch", "startTime", recorded("switch-rerun")["startTime"] + 1, "contradiction"
    yield "join-saw-a-child-fail", "join", "reasonForIncompletion", None, "not-optional"
    yield "attempt-run-again", "t2", "pollCount", 1, "attempts-missing"
    yield "optional-ended-it", "t18", "endTime", recorded("optional-ended-it")["endTime"] - 900, "contradiction"
    yield "child-run-again-is-open", None, "endTime", 0, "open-with-end"
    yield "human-beside-a-child-run-again", None, "updateTime", 1, "open-with-end"
    later = recorded("child-run-again-is-open")["updateTime"] + HOUR_MS
    yield "child-run-again-is-open", "sub", "endTime", later, "open-with-end"
    yield "loop-rerun-from-within", None, "endTime", 0, "round-missing"
    yield "unknown-type", "op", "taskDefName", "other", "foreign-record"
    yield "join-canceled-at-the-end", "join", "status", "COMPLETED", "contradiction"
    for name, ref in (("join-left-behind", "join"), ("join-left-behind-a-fork", "join11")):
        yield name, ref, "scheduledTime", recorded(name)["tasks"][-1]["scheduledTime"], "same-id"
    yield "sub-workflow-rerun", "sub", "pollCount", 1, "no-start-stamp"
    yield "loop-began-again", "loop", "startTime", recorded("loop-began-again")["tasks"][0]["scheduledTime"], MISSING
    began = recorded("join-of-a-loop-that-began-again")["tasks"][0]["startTime"]
    yield "join-of-a-loop-that-began-again", "join__3", "scheduledTime", began, MISSING
    fork = record_of(recorded("fork-rerun-in-a-loop"), "fork__2")
    yield "fork-rerun-in-a-loop", "fork__2", "startTime", fork["scheduledTime"], MISSING


@pytest.mark.parametrize(("name", "ref", "field", "value", "code"), [*signs()], ids=str)
def test_without_the_sign_that_it_was_run_again_a_record_is_doubted(name, ref, field, value, code):
    document = recorded(name)
    assert doubts(document) == []
    places = [task for task in document["tasks"] if task["referenceTaskName"] == ref] if ref else [document]
    places[0][field] = value
    assert code in doubts(document)


def judged(document):
    found = judge_all([follows_definition()], observe(wire.execution(document))).findings
    return [(each.code, each.subject, str(each.verdict)) for each in found]


@pytest.mark.parametrize(
    "name",
    ["sub-workflow-rerun", "sub-workflow-rerun-and-kept", "sub-workflow-rerun-at-once", "join-behind-a-rerun"],
)
def test_a_rerun_is_no_step_of_the_clock(name):
    document = recorded(name)
    assert clock_step(wire.execution(document)) is None
    sub = next(task for task in document["tasks"] if task["referenceTaskName"] == "sub")
    sub["startTime"] = sub["scheduledTime"] + 1
    assert clock_step(wire.execution(document)) is not None


def test_beside_a_rerun_a_step_of_the_clock_is_seen():
    document = recorded("sub-workflow-rerun")
    assert judged(document) == []
    document["tasks"][-1]["scheduledTime"] = document["tasks"][0]["scheduledTime"] - 1
    assert ("clock-step", "case_main", "unknown") in judged(document)


def test_what_was_kept_behind_a_rerun_is_unknown():
    assert judged(recorded("sub-workflow-rerun-and-kept")) == [("started-early", "d", "unknown")]
    document = recorded("sub-workflow-rerun")  # here what follows came behind it
    document["tasks"][-1]["scheduledTime"] = document["tasks"][1]["endTime"] - 1
    assert ("started-early", "d", "fail") in judged(document)


@pytest.mark.parametrize("name", ["branch-rerun", "branch-rerun-and-ended"])
def test_of_a_branch_that_was_rerun_behind_its_join_the_first_end_is_not_known(name):
    document = recorded(name)
    assert ("ended-early", "j", "unknown") in judged(document)
    join, last = record_of(document, "j"), record_of(document, "a2")
    followed = {"referenceTaskName": "d", "scheduledTime": join["endTime"] + 1, "taskId": "new"}
    document["tasks"].insert(-1, last | followed)  # the server has gone on from it
    last["seq"] = 6
    assert ("ended-early", "j", "fail") in judged(document)
    document = recorded(name)
    record_of(document, "j")["executed"] = False
    assert ("ended-early", "j", "fail") in judged(document)


def test_a_join_that_was_looked_at_twice_keeps_its_first_end_behind_a_rerun():
    assert judged(recorded("join-behind-a-rerun")) == []


def test_a_join_tells_whether_a_child_had_ended_that_was_looked_at_twice():
    document = recorded("child-looked-at-twice")
    assert judged(document) == []
    join = next(task for task in document["tasks"] if task["referenceTaskName"] == "join")
    del join["outputData"]["sib"]["from"]
    assert judged(document) == [("ended-early", "join", "fail")]


def test_an_attempt_is_numbered_from_0():
    document = recorded("join-left-behind")
    document["tasks"][-1]["retryCount"] = -1
    assert "attempts-missing" in doubts(document)


def test_in_virtual_time_one_instant_is_late_enough():
    document = recorded("beside-a-child-run-again")
    for task in document["tasks"]:
        task["scheduledTime"] = document["startTime"] + 1
    columns = wire.execution(document).columns
    assert late(columns, is_virtual=False) == frozenset()
    assert late(columns, is_virtual=True) == frozenset(range(len(columns) - 1))


@pytest.mark.parametrize("ref", ["a__1", "i__3", "d"])
def test_a_loop_that_began_again_explains_no_other_second_record(ref):
    document = recorded("loop-began-again")
    again = record_of(document, ref) | {"taskId": "another", "seq": 14}
    document["tasks"].append(again)
    assert MISSING in doubts(document)


def test_another_loop_explains_no_second_record():
    document = recorded("loop-began-again")
    document["workflowDefinition"]["tasks"][0]["loopOver"][0]["taskReferenceName"] = "other"
    assert MISSING in doubts(document)


def test_an_attempt_that_failed_is_not_done_again_by_its_loop():
    document = recorded("loop-began-again")
    record_of(document, "i__1")["status"] = "FAILED"
    assert MISSING in doubts(document)


def test_what_was_itself_rerun_is_scheduled_at_the_latest_when_its_loop_begins_again():
    document = recorded("fork-rerun-in-a-loop")
    loop, fork = document["tasks"][0], record_of(document, "fork__2")
    loop["startTime"] = fork["scheduledTime"]
    assert doubts(document) == []
    loop["startTime"] -= 1
    assert MISSING in doubts(document)


def test_a_loop_begins_again_at_one_instant_in_virtual_time_only():
    document = recorded("loop-began-again")
    for task in document["tasks"]:
        task["scheduledTime"] = task["startTime"] = task["endTime"] = document["endTime"]
    assert MISSING in doubts(document)
    assert MISSING not in doubts(document, "virtual")


def test_what_follows_a_task_done_again_by_its_loop_followed_it_when_it_was_first_done():
    document = recorded("loop-began-again")
    assert judged(document) == []
    record_of(document, "a__1")["scheduledTime"] = record_of(document, "i__1")["endTime"] - 1
    assert judged(document) == [("started-early", "a__1", "fail")]


def test_a_join_of_before_its_loop_began_again_is_no_step_of_the_clock():
    document = recorded("join-of-a-loop-that-began-again")
    assert judged(document) == []
    record_of(document, "dyn__2")["scheduledTime"] = record_of(document, "join__1")["scheduledTime"] - 1
    assert ("clock-step", "case_main", "unknown") in judged(document)

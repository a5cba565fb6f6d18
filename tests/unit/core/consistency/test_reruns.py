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


def recorded(name):
    return json.loads((RUN_AGAIN / f"{name}.json").read_text())


def doubts(document):
    return [each.code for each in implausible(observe(wire.execution(document)))]


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


@pytest.mark.parametrize("name", ["sub-workflow-rerun", "sub-workflow-rerun-and-kept", "join-behind-a-rerun"])
def test_a_rerun_is_no_step_of_the_clock(name):
    document = recorded(name)
    assert clock_step(wire.execution(document)) is None
    sub = next(task for task in document["tasks"] if task["referenceTaskName"] == "sub")
    sub["startTime"] = sub["scheduledTime"]
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

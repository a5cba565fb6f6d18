"""An execution that was run again is believed for the sign of that only: without it, it is doubted."""

import json
from pathlib import Path

import pytest

from pytest_k1n.core.consistency.plausibility import implausible
from pytest_k1n.core.consistency.reruns import late
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
    stamp = recorded("join-left-behind")["tasks"][0]["scheduledTime"]
    yield "join-left-behind", "join", "scheduledTime", stamp, "same-id"


@pytest.mark.parametrize(("name", "ref", "field", "value", "code"), [*signs()], ids=str)
def test_without_the_sign_that_it_was_run_again_a_record_is_doubted(name, ref, field, value, code):
    document = recorded(name)
    assert doubts(document) == []
    places = [task for task in document["tasks"] if task["referenceTaskName"] == ref] if ref else [document]
    places[0][field] = value
    assert code in doubts(document)


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

"""What FORKs and JOINs say of themselves and of their branches."""

import json
from pathlib import Path

import pytest

from pytest_k1n.core.consistency.plausibility import implausible
from pytest_k1n.core.record.observation import observe
from pytest_k1n.core.wire import wire

HISTORIES = Path(__file__).parents[1] / "histories"
HOUR_MS = 3_600_000


def recorded(name):
    document = json.loads((HISTORIES / f"{name}.json").read_text())
    assert codes(document) == []
    return document


def codes(document):
    return [each.code for each in implausible(observe(wire.execution(document)))]


def task(document, ref):
    return next(each for each in document["tasks"] if each["referenceTaskName"] == ref)


def test_a_static_fork_starts_and_ends_at_one_reading_of_the_clock():
    document = recorded("join-with-errors")
    task(document, "fk3")["startTime"] -= 1
    assert codes(document) == ["stamps-out-of-order"]


@pytest.mark.parametrize(("by_ms", "expected"), [(-1, []), (-2_000, ["stamps-out-of-order"])])
def test_a_dynamic_fork_starts_and_ends_at_two(by_ms, expected):
    document = recorded("join-with-errors")
    document["startTime"] = document["createTime"] = document["startTime"] - HOUR_MS
    task(document, "df")["startTime"] += by_ms
    assert codes(document) == expected


def test_a_fork_is_inserted_when_it_has_started_however_late():
    document = recorded("join-with-errors")
    fork = task(document, "fk3")
    fork["scheduledTime"] = fork["startTime"] - 1
    assert codes(document) == ["stamps-out-of-order"]
    fork["scheduledTime"] = fork["startTime"] + 6_457  # on a busy machine
    document["endTime"] = document["updateTime"] = document["endTime"] + 60_000
    assert codes(document) == []


def test_a_static_fork_has_no_input_of_a_dynamic_one():
    document = recorded("join-with-errors")
    task(document, "fk3")["inputData"] = task(document, "df")["inputData"]
    assert codes(document) == ["foreign-record"]


def test_a_join_that_completes_has_the_output_of_each_branch():
    document = recorded("join-with-errors")
    first, second = task(document, "d0"), task(document, "d1")
    first["outputData"], second["outputData"] = second["outputData"], first["outputData"]
    assert codes(document) == ["contradiction", "contradiction"]
    first["outputData"], second["outputData"] = {"n": "run again"}, first["outputData"]
    assert codes(document) == ["contradiction"]
    first["endTime"] += HOUR_MS
    assert "contradiction" not in codes(document)  # the run before, or it said so while in progress
    first["endTime"] -= HOUR_MS
    first["outputData"] = {}
    assert codes(document) == []


def test_a_join_that_completes_has_output_of_all_its_branches_and_of_nothing_else():
    document = recorded("join-with-errors")
    join = next(each for each in document["tasks"] if "d1" in each["outputData"])
    of_second = join["outputData"].pop("d1")
    assert codes(document) == ["contradiction"]
    join["outputData"] |= {"d1": of_second, "d2": of_second}
    assert codes(document) == ["contradiction"]
    join["outputData"] = {"by": "a person"}
    assert codes(document) == []


@pytest.mark.parametrize(
    ("seen", "expected"), [({"subWorkflowId": "c"}, 0), ({"subWorkflowId": "c", "by": [1]}, 0), ({"by": [2]}, 1)]
)  # fmt: skip
def test_a_join_may_have_less_of_a_sub_workflow_than_was_added_to_it_since(build, seen, expected):
    definition = build.fork(["a"], ["b"])
    made = build.observation(
        build.task("fork", 0, 0, type="FORK"),
        build.task("a", 0, 10, type="SUB_WORKFLOW", output={"subWorkflowId": "c", "by": [1], "from": "e"}),
        build.task("b", 0, 10, output={"x": 1}),
        build.task("join", 0, 12, type="JOIN", input={"joinOn": ["a", "b"]}, output={"a": seen, "b": {"x": 1}}),
        definition=definition,
    )  # fmt: skip
    assert [each.subject for each in implausible(made) if each.code == "contradiction"].count("join") == expected


def test_a_join_is_looked_at_before_it_ends():
    document = recorded("join-with-errors")
    join = next(each for each in document["tasks"] if "d1" in each["outputData"])
    join["updateTime"] = join["endTime"] + HOUR_MS
    assert codes(document) == ["stamps-out-of-order"]
    document["lastRetriedTime"] = document["startTime"] + 1
    assert codes(document) == []


def test_branches_do_not_have_each_others_output_for_a_join_that_was_taken_away():
    document = recorded("join-with-errors")
    next(each for each in document["tasks"] if "d1" in each["outputData"])["status"] = "CANCELED"
    before = codes(document)
    first, second = task(document, "d0"), task(document, "d1")
    first["outputData"], second["outputData"] = second["outputData"], first["outputData"]
    assert codes(document) == ["foreign-record", *before]
    first["outputData"] = {"n": "run again"}  # of one branch alone a person may have
    assert codes(document) == before


def test_a_join_names_errors_only_where_it_completes_with_them():
    document = recorded("join-with-errors")
    task(document, "jn3")["status"] = "COMPLETED"
    assert codes(document) == ["contradiction"]
    document["lastRetriedTime"] = document["startTime"] + 1  # it keeps its old reason then
    assert codes(document) == []


def test_an_open_join_has_seen_only_what_had_ended():
    document = recorded("join-on-a-later-task")
    branch = task(document, "a")
    branch["endTime"] += HOUR_MS
    assert codes(document) == ["stamps-out-of-order"]
    branch["updateTime"] = branch["endTime"]  # its worker had reported before, that it goes on
    assert codes(document) == []


@pytest.mark.parametrize("rounds", [1, 3])
def test_a_loop_that_was_taken_away_counts_its_rounds_once(rounds):
    document = recorded("join-failed-before-the-retry")
    task(document, "l")["iteration"] = rounds
    assert codes(document) == ["contradiction"]

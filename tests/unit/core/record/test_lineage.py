"""What the definition gives a task, against what the task was given on record."""

import json
from pathlib import Path

import pytest

from pytest_k1n.core.expectations.lineage import values_arrived
from pytest_k1n.core.record.observation import observe
from pytest_k1n.core.wire import wire

HISTORIES = Path(__file__).parents[1] / "histories"
GIVEN = {"n": 5, "deep": {"list": [1, {"x": "text"}], "none": None}, "who": "${workflow.input.who}", "cost": "$5"}
AS_GIVEN = {"n": 5, "deep": {"list": [1, {"x": "text"}], "none": "from a template"}, "who": "me", "cost": "$6"}


def doubts(seen):
    return [(each.subject, each.expected, each.observed) for each in values_arrived().judge(seen).findings]


def given(build, inputs, *, kind="SIMPLE", at="input", parameters=GIVEN, **fields):
    task = {"name": "a", "taskReferenceName": "a", "type": kind, "inputParameters": parameters, **fields}
    record = {**build.task("a", 0, 10), "inputData": inputs if at == "input" else {at: inputs}}
    if kind != "SIMPLE":
        record["taskType"] = kind
    return build.observation(record, definition={"name": "wf", "tasks": [task]}, fields={"input": {"who": "me"}})


@pytest.mark.parametrize(("kind", "at"), [("SIMPLE", "input"), ("HTTP", "input"), ("SUB_WORKFLOW", "workflowInput")])
def test_what_the_definition_gives_as_it_stands_arrives(build, kind, at):
    assert doubts(given(build, AS_GIVEN, kind=kind, at=at)) == []
    changed = {**AS_GIVEN, "n": 6, "deep": {"list": [1, {"x": "other"}]}}
    assert doubts(given(build, changed, kind=kind, at=at)) == [
        ("a", "n = 5", "6"), ("a", "deep.list[1].x = 'text'", "'other'")
    ]  # fmt: skip
    assert doubts(given(build, {"who": "me"}, kind=kind, at=at)) == [
        ("a", "n = 5", "nothing"), ("a", "deep.list[0] = 1", "nothing"), ("a", "deep.list[1].x = 'text'", "nothing")
    ]  # fmt: skip


def test_every_attempt_was_given_it(build):
    seen = build.observation(
        {**build.task("a", 0, 10, status="FAILED", retried=True), "inputData": {"n": 6}},
        {**build.task("a", 12, 20, attempt=1), "inputData": {"n": 5}},
        definition={"name": "wf", "tasks": [{**build.simple("a"), "inputParameters": {"n": 5}}]},
    )
    assert doubts(seen) == [("a", "n = 5", "6")]


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "TERMINATED"])
def test_an_execution_has_the_output_that_its_definition_gives_as_it_stands(build, status):
    definition = {**build.chain("a"), "outputParameters": {"n": 5, "of": "${a.output.x}"}}
    seen = {"definition": definition, "status": status}
    assert doubts(build.observation(build.task("a", 0, 10), **seen, fields={"output": {"n": 5}})) == []
    assert doubts(build.observation(build.task("a", 0, 10), **seen, fields={"output": {"n": 6}})) == [
        ("wf", "n = 5", "6")
    ]
    stop = build.task("s", 10, 10, type="TERMINATE")
    assert doubts(build.observation(build.task("a", 0, 10), stop, **seen, fields={"output": {}})) == []


def test_a_decision_has_the_text_of_its_case_and_no_input(build):
    fields = {"caseValueParam": "on", "parameters": {"on": "${workflow.input.who}", "n": 5}, "kind": "DECISION"}
    assert doubts(given(build, {"case": "me", "hasChildren": "true"}, **fields)) == []
    assert doubts(given(build, {"case": "you", "hasChildren": "true"}, **fields)) == [("a", "on = 'me'", "'you'")]
    assert doubts(given(build, {"case": "me"}, **{**fields, "caseValueParam": None, "caseExpression": "1"})) == []


def test_what_was_skipped_by_hand_was_given_nothing():
    document = json.loads((HISTORIES / "skipped-by-hand.json").read_text())
    skipped = next(each for each in document["tasks"] if each["status"] == "SKIPPED")
    assert not skipped["inputData"]
    for task in document["workflowDefinition"]["tasks"]:
        task["inputParameters"] = {"who": "${workflow.input.who}", "n": 5}
    document["input"] = {"who": "me"}
    subjects = {subject for subject, _, _ in doubts(observe(wire.execution(document)))}
    assert subjects == {each["referenceTaskName"] for each in document["tasks"]} - {skipped["referenceTaskName"]}


@pytest.mark.parametrize("name", ["v", "o"])
def test_a_branch_of_a_dynamic_fork_was_given_what_the_fork_says(name):
    document = json.loads((HISTORIES / "dynamic-fork-with-inputs.json").read_text())
    assert doubts(observe(wire.execution(document))) == []
    branch = next(each for each in document["tasks"] if each["referenceTaskName"] == "x")
    branch["inputData"][name] = 2
    assert doubts(observe(wire.execution(document))) == [("x", f"{name} = 1", "2")]

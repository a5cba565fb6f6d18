"""`k1n coverage` on executions from any server, and on the documents of earlier runs."""

import json

import pytest

from pytest_k1n.cli import main

ZERO = 1_763_696_683_000


def simple(ref):
    return {"name": ref, "taskReferenceName": ref, "type": "SIMPLE"}


def execution(way, workflow_id="wf-1"):
    switch = {
        "name": "way", "taskReferenceName": "way", "type": "SWITCH", "evaluatorType": "value-param", "expression": "w",
        "inputParameters": {"w": "${workflow.input.w}"}, "defaultCase": [],
        "decisionCases": {"air": [simple("fly")], "sea": [simple("sail")]},
    }  # fmt: skip
    stamps = {"scheduledTime": ZERO, "startTime": ZERO, "endTime": ZERO + 5, "status": "COMPLETED"}
    took = {"selectedCase": way, "evaluationResult": [way]}
    ref = {"air": "fly", "sea": "sail"}[way]
    return {
        "workflowId": workflow_id, "workflowName": "shop", "workflowVersion": 1, "status": "COMPLETED",
        "startTime": ZERO, "endTime": ZERO + 5,
        "workflowDefinition": {"name": "shop", "version": 1, "tasks": [switch]},
        "tasks": [
            {"referenceTaskName": "way", "taskType": "SWITCH", "taskId": "1", "seq": 1, "outputData": took, **stamps},
            {"referenceTaskName": ref, "taskType": ref, "taskId": "2", "seq": 2, **stamps},
        ],
    }  # fmt: skip


@pytest.fixture
def saved(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def save(name, document):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps(document))
        return name

    return save


def test_recorded_executions_are_added_up(saved, capsys):
    saved("runs/a.json", execution("air"))
    saved("runs/b.json", {"result": [execution("sea", "wf-2")]})
    assert main(["coverage", "runs"]) == 0
    _, row, *_, last = capsys.readouterr().out.splitlines()
    assert row.split() == ["shop:1", "3/3", "2/3", "83.3%"]
    assert last == '  shop:1  way takes its default case: conductor.run("shop", input={"w": "other"})'


def test_a_limit_decides_the_exit_code(saved):
    path = saved("a.json", execution("air"))
    assert main(["coverage", path, "--fail-under", "50"]) == 0
    assert main(["coverage", path, "--fail-under", "51"]) == 1


def test_documents_of_earlier_runs_are_added_up_with_what_is_recorded(saved, capsys):
    main(["coverage", saved("a.json", execution("air")), "--report", "earlier.json"])
    capsys.readouterr()
    assert main(["coverage", "earlier.json", saved("b.json", execution("sea", "wf-2")), "--json"]) == 0
    (definition,) = json.loads(capsys.readouterr().out)["definitions"]
    assert definition["executions"] == ["wf-1", "wf-2"]
    tests = {goal["what"]: goal["tests"] for goal in definition["goals"]}
    assert tests["way runs"] == ["a.json", "b.json"]


@pytest.mark.parametrize("document", [{}, {"schema": "k1n-coverage/1"}, {"schema": "k1n-coverage/2"}, {"name": "x"}])
def test_what_is_neither_is_one_line_and_exit_2(saved, capsys, document):
    assert main(["coverage", saved("a.json", document)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("k1n coverage: a.json: ")
    assert error.count("\n") == 1

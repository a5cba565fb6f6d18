"""What scripts need and may cost.

Without the `scripts` extra a definition is refused by name, not at the task that is reached; a script without an end is
ended, as on the server (the reasons are those of Conductor 3.32.1).
"""

import json

import pytest

from pytest_k1n.engine.language import scripts
from pytest_k1n.engine.language.scripts import ScriptError, Scripts
from pytest_k1n.engine.rest.router import Routes

HINT = 'pip install "pytest-k1n[scripts]"'


@pytest.fixture
def no_extra(monkeypatch):
    monkeypatch.setattr(scripts, "is_installed", lambda library: False)


def scripted(make):
    condition = "$.loop['iteration'] < 2"
    inputs = {"scriptExpression": "return 1", "expression": "1", "queryExpression": "."}
    return {
        "INLINE": make.of_type("INLINE", "r", inputParameters={**inputs, "evaluatorType": "javascript"}),
        "LAMBDA": make.of_type("LAMBDA", "r", inputParameters=inputs),
        "SWITCH": {**make.switch({"x": [make.simple("a")]}, ref="r"), "evaluatorType": "graaljs", "expression": "'x'"},
        "DECISION": make.of_type(
            "DECISION", "r", caseExpression="'x'", inputParameters={}, decisionCases={"x": [make.simple("a")]}
        ),
        "DO_WHILE": {**make.loop([make.simple("a")], ref="r"), "loopCondition": condition},
        "JSON_JQ_TRANSFORM": make.of_type("JSON_JQ_TRANSFORM", "r", inputParameters=inputs),
    }


KINDS = ("INLINE", "LAMBDA", "SWITCH", "DECISION", "DO_WHILE", "JSON_JQ_TRANSFORM")


def register(bench, definition):
    body = json.dumps([definition]).encode()
    return Routes(bench.engine).handle("PUT", "/api/metadata/workflow", {}, body)


@pytest.mark.parametrize("kind", KINDS)
def test_a_script_is_refused_by_its_tasks_name_where_the_extra_is_missing(bench, make, no_extra, kind):
    refusal = register(bench, make.workflow(scripted(make)[kind]))

    library = "jq" if kind == "JSON_JQ_TRANSFORM" else "JavaScript"
    assert refusal.status == 400
    assert f"task r needs {library}: {HINT}" in refusal.payload["message"]


@pytest.mark.parametrize("kind", KINDS)
def test_with_the_extra_it_is_taken(bench, make, kind):
    assert register(bench, make.workflow(scripted(make)[kind])).status == 200


def test_what_needs_no_library_runs_without_the_extra(bench, make, no_extra):
    execution = bench.run(make.workflow(make.loop([make.simple("a")])), {"items": [1, 2]})
    assert make.statuses(execution)["loop"] == "COMPLETED"


def test_a_script_that_came_past_registration_says_what_to_install(no_extra):
    for evaluate in (Scripts().javascript, Scripts().jq):
        with pytest.raises(ScriptError) as error:
            evaluate("1 + 1", {})
        assert HINT in str(error.value)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(scripts, "TIME_LIMIT_S", 0.02)
    return "Script not evaluated within 0.02 seconds, interrupted."


def endless(make, kind):
    """Make a task of a kind whose script has no end."""
    task = scripted(make)[kind]
    inputs = {
        "expression": "while (true) {}",
        "scriptExpression": "while (true) {}",
        "queryExpression": "last(range(1e12))",
    }
    if "expression" in task:
        return task | {"expression": "while (true) {}"}
    if "loopCondition" in task:
        return {key: value for key, value in task.items() if key != "items"} | {"loopCondition": "while (true) {}"}
    if "caseExpression" in task:
        return task | {"caseExpression": "while (true) {}"}
    return task | {"inputParameters": task["inputParameters"] | inputs}


@pytest.mark.parametrize("kind", KINDS)
def test_a_script_without_an_end_fails_its_task_with_the_servers_reason(bench, make, impatient, kind):
    execution = bench.run(make.workflow(endless(make, kind)))
    if kind == "DECISION":  # it leaves no task on the server
        assert (execution.state.status, execution.state.tasks) == ("FAILED", [])
        assert execution.state.reason == "Error while evaluating script: while (true) {}"
        return
    task = execution.document()["tasks"][0]
    status = "FAILED_WITH_TERMINAL_ERROR" if kind == "DO_WHILE" else "FAILED"
    said = f"Unable to evaluate condition while (true) {{}}, exception {impatient}" if kind == "DO_WHILE" else impatient
    assert (execution.document()["status"], task["status"]) == ("FAILED", status)
    assert task["reasonForIncompletion"] == said


def test_time_does_not_pass_while_a_script_runs(bench, make, impatient):
    execution = bench.run(make.workflow(endless(make, "INLINE"))).document()
    assert execution["endTime"] == execution["createTime"]
